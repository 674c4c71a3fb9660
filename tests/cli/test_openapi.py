"""`instep init --openapi`: from the ERP's own OpenAPI document to two systems in step."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from instep.cli import instep
from instep.cli.init import EXAMPLES
from tests.cli.company import CHARGEBEE_KEY, ERP_TOKEN, Company

CORRECTED = """version: 1
pairs:
  customer:
    left: customer
    right: contact
    match: [email]
    create: both
    new_id: {left: "erp-{id}"}
    properties:
      - first_name <-> given_name | text(trim)
      - last_name <-> family_name | text(trim)
      - email <-> email | email
"""


def run(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(instep, ["-C", str(directory), *words])


def test_a_proposal_from_the_erp_s_own_document_keeps_both_systems_in_step(
    acme: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.contact("7", "Ada", "Lovelace", "ada@example.com")
    site = tmp_path / "site"
    done = run(site, "init", "--erp-name", "ERP", "--openapi", f"{acme.erp.url}/openapi.json")
    assert done.exit_code == 0, done.output
    assert "erp.yaml" in done.stdout
    described = (site / "erp.yaml").read_text()
    assert f'base_url: "{acme.erp.url}"' in described and "path: /contacts" not in described
    monkeypatch.setenv("ERP_TOKEN", ERP_TOKEN)
    monkeypatch.setenv("CHARGEBEE_API_KEY", CHARGEBEE_KEY)
    file = site / "instep.yaml"
    comment = "    # base_url: http://127.0.0.1:8801   # to use a sandbox in place of the site"
    text = file.read_text()
    assert comment in text
    file.write_text(text.replace(comment, f"    base_url: {acme.chargebee.url}"))
    dataflow = site / "dataflow.yaml"
    assert "email <-> email | email" in dataflow.read_text()
    dataflow.write_text(CORRECTED)
    checked = run(site, "check")
    assert checked.exit_code == 0, checked.output
    assert run(site, "sync").exit_code == 0
    rows = acme.chargebee.console("GET", "records/customers")["records"]
    assert [(row["first_name"], row["email"]) for row in rows] == [("Ada", "ada@example.com")]


def test_a_document_is_read_from_a_file_and_what_is_none_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "api.json"
    document.write_text(json.dumps({"openapi": "3.0.0", "paths": {"/a": {}}}))
    site = tmp_path / "site"
    done = run(site, "init", "--openapi", str(document))
    assert (done.exit_code, done.stderr.count("\n")) == (2, 3)
    assert "no path of the document answers with a list of records" in done.stderr
    assert not (site / "erp.yaml").exists()
    done = run(site, "init", "--openapi", str(tmp_path / "none.json"))
    assert done.exit_code == 2 and "No such file" in done.stderr
    done = run(site, "init", "--openapi", str(tmp_path))
    assert done.exit_code == 2 and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://api.example.com/openapi.json?key=geheim", "it is not encrypted"),
        ("http://127.0.0.1:1/openapi.json?key=geheim", "ClientConnectorError"),
        ("http://[::1/x", "was not fetched"),
    ],
)
def test_an_address_that_gives_nothing_is_told_without_its_query(
    tmp_path: Path, address: str, why: str
) -> None:
    done = run(tmp_path / "site", "init", "--openapi", address)
    assert done.exit_code == 2
    assert why in done.stderr and "geheim" not in done.output


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_shipped_example_makes_a_site_whose_files_are_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("CHARGEBEE_API_KEY", "ERPNEXT_TOKEN", "WOO_KEY", "WOO_SECRET"):
        monkeypatch.setenv(key, "none")
    done = run(tmp_path, "init", "--example", name)
    assert done.exit_code == 0, done.output
    shipped = resources.files("instep.connectors.rest") / "examples" / f"{name}.yaml"
    assert (tmp_path / "erp.yaml").read_text() == shipped.read_text("utf-8")
    assert "right: customer" in (tmp_path / "dataflow.yaml").read_text()
    planned = run(tmp_path, "check", "--offline")
    assert "is not known" not in planned.output and "Traceback" not in planned.output
    assert "customer" in planned.output


def test_every_shipped_example_can_be_chosen() -> None:
    files = (resources.files("instep.connectors.rest") / "examples").iterdir()
    assert {Path(file.name).stem for file in files if file.name.endswith(".yaml")} == set(EXAMPLES)


def test_a_page_that_is_no_document_is_refused(acme: Company, tmp_path: Path) -> None:
    done = run(tmp_path / "site", "init", "--openapi", f"{acme.erp.url}/nothing-here")
    assert done.exit_code == 2 and "it answered 404" in done.stderr
