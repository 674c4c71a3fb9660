"""`instep qa`: the checklist run over both systems, and everything taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.cli.company import Company


@pytest.fixture(autouse=True)
def prepared(acme: Company) -> None:
    """Chargebee deletes customers a while after the call; here a second. The families of the dataflow are there."""
    families = ("sensors", "spare-parts", "services", "plans")
    acme.chargebee.load({"item_families": [{"id": name, "name": name} for name in families]})
    acme.chargebee.console("POST", "switches", {"customer_delete_delay_s": 1})


def records(acme: Company) -> dict[str, dict[str, dict[str, Any]]]:
    """Every record of both systems that is in use, by kind and id."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, system, kinds in (
        ("chargebee", acme.chargebee, ("customers", "items", "orders")),
        ("erp", acme.erp, ("customers", "contacts", "products", "orders")),
    ):
        for kind in kinds:
            rows = system.console("GET", f"records/{kind}")["records"]
            used = [row for row in rows if not row.get("deleted") and row.get("active") is not False]
            used = [row for row in used if row.get("status") != "archived"]
            found[f"{name} {kind}"] = {row["id"]: row for row in used}
    return found


def lines(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["line"]: line for line in told["lines"]}


def test_every_property_of_contacts_and_products_is_tried_and_all_is_taken_back(acme: Company) -> None:
    acme.customer("ann", "Ann", "Berg", "ann@example.com")
    acme.contact("2001", "Ann", "Berg", "ann@example.com")
    before = records(acme)
    done = acme.run("qa", "contact", "product", "--json")
    told = json.loads(done.stdout)
    found = lines(told)
    assert {id for id, line in found.items() if line["result"] == "failed"} == set(), done.stdout
    assert done.exit_code == 0
    for prop in ("first_name", "email", "phone", "locale", "billing_address.country", "vat_number"):
        for side in ("left", "right"):
            assert found[f"contact/{prop}/edit/{side}"]["result"] == "passed"
            assert found[f"contact/{prop}/edit/{side}"]["journal"]
    assert found["product/price.JPY/clear/left"]["result"] == "passed"
    assert "is given once" in found["product/id/edit/left"]["why"]
    assert records(acme) == before
    assert told["records_made"] > 4
    assert told["not_taken_back"] == []
    assert not (acme.directory / "instep.sqlite").exists()


def test_a_site_that_is_no_test_site_is_left_alone_unless_it_is_named(acme: Company) -> None:
    path = acme.directory / "instep.yaml"
    text = path.read_text()
    live = "\n".join(
        "    site: acme" if line.startswith("    site: ") else line
        for line in text.splitlines()
        if not (line.startswith("    base_url:") and acme.chargebee.url in line)
    )
    path.write_text(live)
    refused = acme.run("qa")
    assert refused.exit_code == 2
    assert "acme is no test site" in refused.stderr
    assert "--on-live-site acme" in refused.stderr
    assert acme.chargebee.counters()["writes"] == acme.erp.counters()["writes"] == 0
    named = acme.run("qa", "--clean", "--on-live-site", "acme")
    assert named.exit_code == 0, named.output


def test_what_a_killed_checklist_made_is_taken_back_by_the_next(acme: Company) -> None:
    before = records(acme)
    command = [sys.executable, "-m", "instep", "-C", str(acme.directory), "qa", "contact"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        while acme.chargebee.counters()["writes"] + acme.erp.counters()["writes"] < 6:
            assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    assert records(acme) != before
    cleaned = acme.run("qa", "--clean")
    assert cleaned.exit_code == 0, cleaned.output
    assert "not taken back: 0" in cleaned.stdout
    assert records(acme) == before


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told"),
    [
        (
            "family_name | text(trim, max=60)",
            "family_name | text(trim, max=20)",
            "last_name/edit/left",
            "last",
        ),
    ],
)
def test_a_wrong_mapping_is_found_by_the_line_that_is_about_it(
    acme: Company, right: str, wrong: str, line: str, told: str
) -> None:
    assert acme.run("document").exit_code == 0
    path = acme.directory / "dataflow.yaml"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    done = acme.run("qa", "contact", "--json")
    assert done.exit_code == 3, done.output
    found = lines(json.loads(done.stdout))[f"contact/{line}"]
    assert found["result"] == "failed"
    assert told in found["found"]
