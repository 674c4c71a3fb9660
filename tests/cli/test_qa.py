"""`instep qa`: the checklist run over both systems, and everything taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

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
    for line in ("contact/first_name/conflict/left", "contact/email/match/right", "contact/delete/left"):
        assert found[line]["result"] == "passed"
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


MISTAKES = [
    ("swapped fields", "billing_address.city <-> address.city", "billing_address.city <-> address.region",
     "contact/billing_address.city/edit/left"),
    ("currency scale", "money(EUR, text=right)", "money(JPY, text=right)", "product/price.EUR/edit/left"),
    ("cut text", "family_name | text(trim, max=60)", "family_name | text(trim, max=20)",
     "contact/last_name/edit/left"),
    ("one way", "email <-> email | email", "email -> email | email", "contact/email/edit/right"),
    ("no member", "kg=kg, month=month", "month=month", "product/unit/edit/left"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong", "line"), [each[1:] for each in MISTAKES], ids=[e[0] for e in MISTAKES]
)
def test_a_wrong_mapping_is_found_by_the_line_that_is_about_it(
    acme: Company, right: str, wrong: str, line: str
) -> None:
    assert acme.run("document").exit_code == 0
    path = acme.directory / "dataflow.yaml"
    text = path.read_text()
    assert text.count(right) == 1
    if "region" in wrong:
        text = text.replace(
            "billing_address.state <-> address.region", "billing_address.state <-> address.city"
        )
    path.write_text(text.replace(right, wrong))
    done = acme.run("qa", line.partition("/")[0], "--json")
    found = lines(json.loads(done.stdout))
    failed = {id for id, told in found.items() if told["result"] == "failed"}
    assert line in failed, done.stdout
    assert done.exit_code == 3
    assert found[line]["expected"] != found[line]["found"]
    about = line.split("/")[1]
    rest = {id for id in failed if id.split("/")[1] not in (about, "create") and about not in ("unit",)}
    assert len(rest) <= 6, rest


def test_the_results_are_written_as_the_document_and_for_build_servers(acme: Company) -> None:
    names = ("qa.rst", "qa.md", "qa.html", "qa.json", "qa.xml")
    options = [word for name in names for word in ("--report", str(acme.directory / name))]
    done = acme.run("qa", "product", *options)
    assert done.exit_code == 0, done.output
    told = json.loads((acme.directory / "qa.json").read_text())
    counts = told["counts"]
    suite = ElementTree.parse(acme.directory / "qa.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == (str(len(told["lines"])), "0")
    assert len(suite.findall("testcase/skipped")) == counts["not_applicable"] > 0
    for name in ("qa.rst", "qa.md", "qa.html"):
        page = (acme.directory / name).read_text()
        assert f"{counts['passed']} passed, 0 failed" in page
        assert page.count("passed (journal") > 20
    unknown = acme.run("qa", "--report", "qa.pdf")
    assert unknown.exit_code == 2
    assert "let it end in" in unknown.stderr
