"""`instep check`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from instep.cli import instep
from tests.cli.company import CHARGEBEE_KEY, ERP_TOKEN, Company


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site's files, with no system behind them."""
    CliRunner().invoke(instep, ["-C", str(tmp_path), "init"])
    return tmp_path


def check(directory: Path, *words: str) -> tuple[int, str]:
    ended = CliRunner().invoke(instep, ["-C", str(directory), "check", *words])
    return ended.exit_code, ended.stdout


def test_a_healthy_site_answers_with_clocks_and_limits(acme: Company) -> None:
    shown = acme.run("check")
    assert shown.exit_code == 0, shown.output
    assert re.search(
        r"Chargebee: answers; its clock is [+-]\d+\.\d s from ours; at most \d+ requests", shown.stdout
    )
    assert "Custom ERP: answers" in shown.stdout
    assert "4 pairs" in shown.stdout


def test_the_problems_of_all_files_are_told_at_once_with_their_places(site: Path) -> None:
    change(site / "instep.yaml", "item_family: instep", "item_famly: instep")
    change(site / "dataflow.yaml", "policy: newest", "policy: latest")
    code, said = check(site, "--offline")
    assert code == 2
    assert re.search(r"instep\.yaml:\d+:\d+: error: .item_famly. is not known here", said)
    assert re.search(r"dataflow\.yaml:\d+:\d+: error: policy can't be .latest.", said)


def test_a_mistake_in_the_description_of_the_api_has_its_place(site: Path) -> None:
    change(site / "erp.yaml", "kind: bearer", "kind: bear")
    change(site / "dataflow.yaml", "policy: newest", "policy: latest")
    code, said = check(site, "--offline")
    assert code == 2
    assert re.search(r"erp\.yaml:\d+:\d+: error: ", said)
    assert "dataflow.yaml" in said


def test_a_field_that_a_system_does_not_have_is_an_error_with_a_suggestion(site: Path) -> None:
    change(site / "dataflow.yaml", "email <-> email | email", "email <-> emial | email")
    code, said = check(site, "--offline")
    assert code == 2
    assert "emial" in said
    assert "email" in said


def test_a_run_refuses_what_check_finds_wrong(acme: Company) -> None:
    change(acme.directory / "dataflow.yaml", "email <-> email | email", "email <-> emial | email")
    for command in ("plan", "sync"):
        refused = acme.run(command)
        assert refused.exit_code == 2
        assert "emial" in refused.stderr
    assert not (acme.directory / "instep.sqlite").exists()


def test_a_secret_that_is_not_set_is_told_by_its_name_and_place(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHARGEBEE_API_KEY", raising=False)
    monkeypatch.delenv("ERP_TOKEN", raising=False)
    code, said = check(site)
    assert code == 2
    assert re.search(r"instep\.yaml:\d+:\d+: error: the environment variable CHARGEBEE_API_KEY", said)
    assert "ERP_TOKEN" in said


def test_a_wrong_key_is_an_error_and_is_not_shown(acme: Company) -> None:
    (acme.directory / ".instep-sandbox" / "chargebee.key").write_text("quite_another_key")
    refused = acme.run("check")
    assert refused.exit_code == 2
    assert "authentication failed" in refused.stdout
    for secret in ("quite_another_key", ERP_TOKEN, CHARGEBEE_KEY):
        assert secret not in refused.output


@pytest.mark.slow
def test_a_system_that_is_away_is_an_error(acme: Company) -> None:
    acme.erp.stop()
    refused = acme.run("check")
    assert refused.exit_code == 2
    assert "Custom ERP" in refused.stdout


def test_as_json_it_has_problems_systems_and_pairs(acme: Company) -> None:
    found = acme.json("check")
    assert found["ok"] is True
    assert found["errors"] == 0
    assert found["warnings"] == len(found["problems"]) > 0
    assert set(found["systems"]) == {"Chargebee", "Custom ERP"}
    assert [pair["name"] for pair in found["pairs"]] == ["customer", "product", "contact", "order"]


def test_as_json_a_mistake_has_its_place(site: Path) -> None:
    change(site / "dataflow.yaml", "policy: newest", "policy: latest")
    code, said = check(site, "--offline", "--json")
    assert code == 2
    (problem,) = json.loads(said)["problems"]
    assert problem["line"] > 1
    assert problem["file"].endswith("dataflow.yaml")


def test_offline_asks_no_system(acme: Company) -> None:
    before = [server.counters()["total"] for server in (acme.chargebee, acme.erp)]
    assert acme.run("check", "--offline").exit_code == 0
    assert [server.counters()["total"] for server in (acme.chargebee, acme.erp)] == before
