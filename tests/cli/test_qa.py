"""`instep qa`: the checklist run over both systems, and everything taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from docs.checklist import DELETE_DELAY_S, stated
from docs.generate import DOCUMENT
from tests.cli.company import Company, company

KINDS = {
    "chargebee": ("customers", "item_families", "items", "item_prices", "invoices", "orders"),
    "erp": ("customers", "contacts", "products", "orders"),
}


@pytest.fixture
def acme(acme: Company) -> Company:
    acme.chargebee.console("POST", "switches", {"customer_delete_delay_s": DELETE_DELAY_S})
    return acme


def records(acme: Company) -> dict[str, dict[str, dict[str, Any]]]:
    """Every record of both systems that is not deleted, by kind and id."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, system in (("chargebee", acme.chargebee), ("erp", acme.erp)):
        for kind in KINDS[name]:
            rows = system.console("GET", f"records/{kind}")["records"]
            found[f"{name} {kind}"] = {row["id"]: row for row in rows if not row.get("deleted")}
    return found


def lines(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["line"]: line for line in told["lines"]}


def failed(told: dict[str, Any]) -> set[str]:
    return {line["line"] for line in told["lines"] if line["result"] == "failed"}


@dataclass(frozen=True)
class Whole:
    """A checklist of all four pairs, run beside the records of a company."""

    acme: Company
    exit_code: int
    told: dict[str, Any]
    before: dict[str, dict[str, dict[str, Any]]]
    after: dict[str, dict[str, dict[str, Any]]]

    def report(self, end: str) -> Path:
        return self.acme.directory / f"qa-sandbox{end}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with company(tmp_path_factory.mktemp("qa")) as acme:
        acme.chargebee.console("POST", "switches", {"customer_delete_delay_s": DELETE_DELAY_S})
        acme.customer("ann", "Ann", "Berg", "ann@example.com")
        acme.contact("2001", "Ann", "Berg", "ann@example.com")
        before = records(acme)
        ends = (".rst", ".md", ".html", ".json", ".xml")
        options = [word for end in ends for word in ("--report", str(acme.directory / f"qa-sandbox{end}"))]
        done = acme.run("qa", "--json", *options)
        yield Whole(acme, done.exit_code, json.loads(done.stdout), before, records(acme))


@pytest.mark.slow
def test_every_property_of_every_pair_is_tried(whole: Whole) -> None:
    found = lines(whole.told)
    assert failed(whole.told) == set(), [found[id] for id in failed(whole.told)]
    assert whole.exit_code == 0
    for prop in (
        *("contact/first_name", "contact/email", "contact/phone", "contact/billing_address.country"),
        *("product/name", "product/price.JPY", "product/item_family_id", "product/status"),
        *("order/status", "order/note", "order/shipping_address.line1"),
    ):
        for side in ("left", "right"):
            assert found[f"{prop}/edit/{side}"]["result"] == "passed", found[f"{prop}/edit/{side}"]
            assert found[f"{prop}/edit/{side}"]["journal"]
    for pair, match in (("contact", "email"), ("product", "id"), ("order", "reference_id")):
        for line in (f"{pair}/create", f"{pair}/{match}/match", f"{pair}/delete"):
            for side in ("left", "right"):
                if f"{line}/{side}" != "order/delete/left":
                    assert found[f"{line}/{side}"]["result"] == "passed", found[f"{line}/{side}"]
    assert found["customer/create/right"]["result"] == "passed"
    assert "Only imported orders" in found["order/delete/left"]["why"]
    assert "is given once" in found["product/id/edit/left"]["why"]
    assert not any("not run" in line.get("why", "") for line in found.values())


@pytest.mark.slow
def test_all_that_was_made_is_taken_back_and_nothing_else_touched(whole: Whole) -> None:
    assert whole.after == whole.before
    assert whole.told["records_made"] > 20
    assert whole.told["taken_back"] == {"gone": whole.told["records_made"]}
    assert whole.told["not_taken_back"] == []
    assert not (whole.acme.directory / "instep.sqlite").exists()


@pytest.mark.slow
def test_the_shipped_page_states_what_comes_of_each_line(whole: Whole) -> None:
    """To write it anew: make qa"""
    shipped = (DOCUMENT / "qa-sandbox.rst").read_text("utf-8")
    assert stated(whole.report(".rst").read_text("utf-8")) == stated(shipped)


@pytest.mark.slow
def test_the_results_are_written_as_the_document_and_for_build_servers(whole: Whole) -> None:
    told = json.loads(whole.report(".json").read_text())
    counts = told["counts"]
    suite = ElementTree.parse(whole.report(".xml")).getroot()
    assert (suite.get("tests"), suite.get("failures")) == (str(len(told["lines"])), "0")
    assert len(suite.findall("testcase/skipped")) == counts["not_applicable"] > 0
    for end in (".rst", ".md", ".html"):
        page = whole.report(end).read_text()
        assert f"{counts['passed']} passed, 0 failed" in page
        assert page.count("passed (journal") > 20


def test_a_report_of_another_kind_is_refused(acme: Company) -> None:
    unknown = acme.run("qa", "--report", "qa.pdf")
    assert unknown.exit_code == 2
    assert "let it end in" in unknown.stderr


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


@pytest.mark.slow
def test_what_a_killed_checklist_made_is_taken_back_by_the_next(acme: Company) -> None:
    """It is killed as soon as both systems have an order, of a contact and with products."""
    before = records(acme)
    command = [sys.executable, "-m", "instep", "-C", str(acme.directory), "qa", "order"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        while not all(
            system.console("GET", "records/orders")["records"] for system in (acme.chargebee, acme.erp)
        ):
            assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    assert records(acme) != before
    cleaned = acme.run("qa", "--clean")
    assert cleaned.exit_code == 0, cleaned.output
    assert "not taken back: 0" in cleaned.stdout
    assert records(acme) == before


MISTAKES = {
    "swapped fields": (
        ("billing_address.city <-> address.city", "billing_address.city <-> address.region"),
        ("billing_address.state <-> address.region", "billing_address.state <-> address.city"),
    ),
    "currency scale": (("money(EUR, text=right)", "money(JPY, text=right)"),),
    "cut text": (("family_name | text(trim, max=60)", "family_name | text(trim, max=20)"),),
    "one way": (("email <-> email | email", "email -> email | email"),),
    "no member": (("kg=kg, month=month", "month=month"),),
    "day off": (
        (
            "shipping_date <-> delivery_date | timestamp(date)",
            "shipping_date <-> delivery_date | timestamp(date, zone=Europe/Oslo)",
        ),
    ),
    "lossy date": (("notes | timestamp(iso)", "notes | timestamp(date)"),),
}
"""What is wrong -> what the dataflow should say, and what it says."""

FOUND = {
    # Swapped fields, of which each is in the other's place.
    *(
        f"contact/billing_address.{field}/edit/{side}"
        for field in ("city", "state")
        for side in ("left", "right")
    ),
    # The currency's scale.
    *("product/price.EUR/edit/left", "product/price.EUR/edit/right"),
    # The text that is cut.
    *("contact/last_name/edit/left", "contact/last_name/edit/right"),
    # One way: an edit there is put back.
    "contact/email/edit/right",
    # The member that is missing; every member is tried, on either side.
    "product/unit/edit/right",
    # The day, which begins elsewhere.
    "order/shipping_date/edit/right",
    # The time of the day.
    *("contact/cf_met_at/edit/left", "contact/cf_met_at/edit/right"),
    # New records that have a wrong value, or are not made for want of one.
    *(f"{pair}/create/{side}" for pair in ("contact", "product") for side in ("left", "right")),
    "order/create/right",
}
"""The lines about one side's edits and new records that fail, each about a mistake."""
BY_TIME = {"order/create/left", "order/shipping_date/edit/left"}
"""Lines that fail too where the time is near the midnight of the one zone and not of the other."""


def with_a_custom_field(acme: Company) -> None:
    """A moment that Chargebee keeps in a custom field of a customer, and the ERP in a text."""
    declared = {"custom_fields": {"customer": [{"name": "cf_met_at", "datatype": "timestamp"}]}}
    acme.chargebee.console("POST", "settings", declared)
    for name, line, more in (
        ("instep.yaml", "    kind: chargebee\n", "    custom_fields: {customer: {cf_met_at: timestamp}}\n"),
        (
            "dataflow.yaml",
            "      - email <-> email | email\n",
            "      - cf_met_at <-> notes | timestamp(iso)\n",
        ),
    ):
        path = acme.directory / name
        text = path.read_text()
        assert text.count(line) == 1, text
        path.write_text(text.replace(line, line + more))


@pytest.mark.slow
def test_each_wrong_mapping_is_found_by_the_lines_that_are_about_it(acme: Company) -> None:
    with_a_custom_field(acme)
    assert acme.run("document").exit_code == 0
    path = acme.directory / "dataflow.yaml"
    text = path.read_text()
    for right, wrong in (change for changes in MISTAKES.values() for change in changes):
        assert text.count(right) == 1, right
        text = text.replace(right, wrong)
    path.write_text(text)
    done = acme.run("qa", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 3
    assert told["not_taken_back"] == []
    assert {line for line in failed(told) if "/conflict/" not in line} - BY_TIME == FOUND


@pytest.mark.slow
def test_pairs_and_properties_with_conditions_are_tried_with_records_that_meet_them(acme: Company) -> None:
    """The dataflow for sites without business entities, run without its condition on customers."""
    assert acme.run("init", "--companies", "--sandbox", "--force").exit_code == 0
    assert acme.run("document").exit_code == 0
    path = acme.directory / "dataflow.yaml"
    text = path.read_text()
    assert text.count("    where: {left: company}\n") == 1
    path.write_text(text.replace("    where: {left: company}\n", ""))
    done = acme.run("qa", "customer", "contact", "--json")
    told = json.loads(done.stdout)
    found = lines(told)
    assert failed(told) == {"customer/where/left"}
    assert "held" in found["customer/where/left"]["found"]
    for line in (
        *("customer/create/left", "contact/create/left", "contact/create/right", "contact/id/put back/right"),
        *("contact/billing_address.city/edit/left", "contact/billing_address.city/edit/right"),
    ):
        assert found[line]["result"] == "passed", found[line]
    assert told["not_taken_back"] == []


@pytest.mark.slow
def test_a_partner_that_is_made_once_it_is_referred_to_is_waited_for_with_such_a_record(
    acme: Company,
) -> None:
    path = acme.directory / "dataflow.yaml"
    both = "    match: [email]\n    create: both\n"
    text = path.read_text()
    assert text.count(both) == 1
    path.write_text(text.replace(both, "    match: [email]\n    create: {left: always, right: referred}\n"))
    assert acme.run("document").exit_code == 0
    told = json.loads(acme.run("qa", "contact", "--json").stdout)
    assert failed(told) == set()
    assert lines(told)["contact/create/left"]["result"] == "passed"
    path.write_text(text)
    told = json.loads(acme.run("qa", "contact", "--json").stdout)
    assert failed(told) == {"contact/create/left"}
    assert "before a record refers to it" in lines(told)["contact/create/left"]["expected"]
    assert told["not_taken_back"] == []


@pytest.mark.slow
def test_other_policies_and_rules_for_deletes_are_tried_by_what_they_say(acme: Company) -> None:
    path = acme.directory / "dataflow.yaml"
    text = path.read_text()
    for usual, other in (
        ("    match: [id]\n    create: both\n", "    match: [id]\n    on_delete: retire\n    policy: left\n"),
        (
            "description <-> description | text(trim, max=500)",
            "description -> description | text(trim, max=500)",
        ),
        (
            "- name <-> name | text(trim, max=80)",
            "- {map: 'name <-> name | text(trim, max=80)', policy: hold}",
        ),
    ):
        assert text.count(usual) == 1
        text = text.replace(usual, other)
    path.write_text(text)
    told = json.loads(acme.run("qa", "product", "--json").stdout)
    found = lines(told)
    assert failed(told) == set()
    for line in (
        "delete/left",
        "delete/right",
        "description/put back/right",
        "name/conflict/left",
        "unit/conflict/left",
    ):
        assert found[f"product/{line}"]["result"] == "passed", found[f"product/{line}"]
    assert told["not_taken_back"] == []
