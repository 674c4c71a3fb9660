"""A site without business entities: a Chargebee customer is an ERP customer and its contact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from instep.cli import instep
from tests.cli.company import LONG_AGO, Company

pytestmark = pytest.mark.slow


def start_with_companies(acme: Company) -> None:
    made = acme.run("init", "--companies", "--sandbox", "--force")
    assert made.exit_code == 0, made.output
    assert acme.run("check").exit_code == 0


def erp_rows(acme: Company, kind: str) -> list[dict[str, Any]]:
    return sorted(acme.erp.console("GET", f"records/{kind}")["records"], key=lambda row: str(row["id"]))


def sync(acme: Company) -> None:
    done = acme.run("sync")
    assert done.exit_code == 0, done.output


def test_a_company_and_its_person_are_two_records_of_the_erp(acme: Company) -> None:
    start_with_companies(acme)
    acme.customer("ada", "Ada", "Lovelace", "ada@acme.example", company="Acme", vat_number="NO1")
    acme.customer("bob", "Bob", "Builder", "bob@home.example")
    sync(acme)
    [firm] = erp_rows(acme, "customers")
    assert (firm["name"], firm["tax_number"]) == ("Acme", "NO1")
    people = acme.in_erp()
    assert people["ada@acme.example"]["customer_id"] == firm["id"]
    assert people["bob@home.example"]["customer_id"] is None
    assert acme.json("holds", "list") == []

    acme.erp.console("PATCH", f"customers/{firm['id']}", {"name": "Acme International"})
    acme.edit_erp(people["ada@acme.example"]["id"], family_name="King")
    sync(acme)
    ada = acme.in_chargebee("ada")
    assert (ada["company"], ada["last_name"]) == ("Acme International", "King")

    before = erp_rows(acme, "customers"), erp_rows(acme, "contacts"), acme.in_chargebee("ada")
    sync(acme)
    assert (erp_rows(acme, "customers"), erp_rows(acme, "contacts"), acme.in_chargebee("ada")) == before


def test_a_customer_and_its_contact_that_are_there_already_are_found(acme: Company) -> None:
    start_with_companies(acme)
    acme.customer("ada", "Ada", "Lovelace", "ada@acme.example", company="Acme")
    times = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    acme.erp.load({"customers": [{"id": "7", "name": "Acme", **times}]})
    acme.contact("8", "Ada", "Lovelace", "ada@acme.example", customer_id="7")
    sync(acme)
    assert [row["id"] for row in erp_rows(acme, "customers")] == ["7"]
    assert [row["id"] for row in erp_rows(acme, "contacts")] == ["8"]


def test_a_customer_of_the_erp_becomes_one_customer_of_chargebee(acme: Company) -> None:
    start_with_companies(acme)
    times = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
    acme.erp.load({"customers": [{"id": "7", "name": "Acme", "tax_number": "NO1", **times}]})
    acme.contact("8", "Ada", "Lovelace", "ada@acme.example", customer_id="7")
    acme.contact("9", "Bob", "Builder", "bob@home.example")
    sync(acme)
    made = {row["id"]: row for row in acme.chargebee.console("GET", "records/customers")["records"]}
    assert sorted(made) == ["erp-7", "erp-contact-9"]
    assert made["erp-7"]["company"] == "Acme"
    why = acme.run("explain", "contact", "8", quiet=False)
    assert "customer_id has a value" in why.output

    told = acme.run("links", "add", "contact", "erp-7", "8")
    assert told.exit_code == 0, told.output
    sync(acme)
    ada = acme.in_chargebee("erp-7")
    assert (ada["company"], ada["last_name"], ada["email"]) == ("Acme", "Lovelace", "ada@acme.example")


def test_the_files_of_such_a_site_are_right(tmp_path: Path) -> None:
    for words in (["init", "--companies"], ["check", "--offline"]):
        done = CliRunner().invoke(instep, ["-C", str(tmp_path), *words])
        assert done.exit_code == 0, done.output
        assert "error" not in done.output
