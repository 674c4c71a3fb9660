"""A person edits in Chargebee between Instep's reading and its write, over HTTP: it is noticed, told and restored."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cli.company import Company

EVENTS = r"^/api/v2/events$"


def in_between(acme: Company, path: str, edit: Callable[[], None]) -> int:
    """Sync, while somebody makes an edit at the very moment at which a write arrives at Chargebee's door."""
    rule = acme.chargebee.add_fault({"kind": "pause"}, match={"method": "POST", "path": path}, times=1)

    def person() -> None:
        while not acme.chargebee.console("GET", "faults")["rules"][0]["fired"]:
            continue
        edit()
        acme.chargebee.console("DELETE", f"faults/{rule}")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(person)
        code = acme.run("sync").exit_code
        waiting.result()
    return code


def held(acme: Company) -> dict[str, Any]:
    [hold] = acme.json("holds", "list")
    return dict(hold)


@pytest.fixture
def linked(acme: Company) -> tuple[Company, str]:
    """A customer with an address, and its contact in the ERP."""
    address = {"line1": "Quay 1", "city": "Oslo", "country": "NO"}
    acme.customer("c1", "Ann", "Lee", "ann@x.example", phone="+4722000001", billing_address=address)
    assert acme.run("sync").exit_code == 0
    return acme, acme.in_erp()["ann@x.example"]["id"]


def test_an_edit_in_the_instant_of_a_write_is_held_told_and_restored(linked: tuple[Company, str]) -> None:
    acme, contact = linked
    acme.edit_erp(contact, family_name="Leigh")
    assert in_between(acme, "customers/c1$", lambda: acme.edit_chargebee("c1", last_name="Li")) == 3
    assert acme.in_chargebee("c1")["last_name"] == "Leigh"
    hold = held(acme)
    assert (hold["cause"], hold["property"]) == ("overwritten", "last_name")
    assert hold["why"].startswith("admin@acme.test (admin_console) made it at ")
    assert "in the log of Chargebee" in hold["why"]
    listed = acme.run("holds", "list").stdout
    assert 'last_name: Chargebee: "Leigh"   Custom ERP: "Leigh"   overwritten: "Li"' in listed
    number = str(hold["id"])
    shown = acme.run("holds", "show", number).stdout
    assert '    overwritten: "Li"' in shown and f"instep holds release {number} --choose restore" in shown
    explained = acme.run("explain", "contact", "c1", "--side", "left").stdout
    assert "last_name: an edit in Chargebee was overwritten by a write of Instep" in explained
    assert acme.run("holds", "release", number, "--choose", "restore").exit_code == 0
    assert acme.run("sync").exit_code == 0
    assert acme.in_chargebee("c1")["last_name"] == "Li"
    assert acme.in_erp()["ann@x.example"]["family_name"] == "Li"
    assert acme.run("holds", "list").stdout == "nothing is held\n"
    told = acme.run("history", "contact", "c1", "--side", "left").stdout
    assert "overwritten contact c1" in told and 'last_name: "Li" overwritten with "Leigh"' in told
    assert acme.run("history", "--verify").exit_code == 0


def test_an_edit_of_another_line_of_an_address_is_taken_back_by_chargebee_and_noticed(
    linked: tuple[Company, str],
) -> None:
    acme, contact = linked
    place = acme.in_erp()["ann@x.example"]["address"]
    acme.edit_erp(contact, address={**place, "city": "Bergen"})
    address = {"line1": "Quay 2"}
    code = in_between(
        acme, "update_billing_info$", lambda: acme.edit_chargebee("c1", billing_address=address)
    )
    assert acme.in_chargebee("c1")["billing_address"]["line1"] == "Quay 1"
    assert (code, acme.in_chargebee("c1")["billing_address"]["city"]) == (3, "Bergen")
    hold = held(acme)
    assert hold["cause"] == "overwritten"
    assert hold["values"] == {
        "billing_address.line1": {
            "left": ["Quay 1"],
            "right": ["Quay 1"],
            "overwritten": {"left": ["Quay 2"]},
        }
    }
    acme.run("holds", "release", str(hold["id"]), "--choose", "restore")
    assert acme.run("sync").exit_code == 0
    assert acme.in_chargebee("c1")["billing_address"]["line1"] == "Quay 2"
    assert acme.in_chargebee("c1")["billing_address"]["city"] == "Bergen"


def test_an_edit_of_another_field_in_that_instant_is_no_loss(linked: tuple[Company, str]) -> None:
    acme, contact = linked
    acme.edit_erp(contact, family_name="Leigh")
    assert in_between(acme, "customers/c1$", lambda: acme.edit_chargebee("c1", first_name="Anna")) == 0
    acme.run("sync")
    assert acme.in_chargebee("c1")["last_name"] == "Leigh"
    assert acme.in_erp()["ann@x.example"]["given_name"] == "Anna"
    assert acme.run("holds", "list").stdout == "nothing is held\n"


def test_the_log_is_asked_once_for_a_run_that_wrote_and_not_by_one_that_did_not(
    linked: tuple[Company, str],
) -> None:
    acme, contact = linked
    counts = []
    for name in ("Leigh", "", "Lea", ""):
        if name:
            acme.edit_erp(contact, family_name=name)
        acme.chargebee.reset_counters()
        assert acme.run("sync").exit_code == 0
        requests = acme.chargebee.console("GET", "requests")["requests"]
        counts.append(sum(request["path"].endswith("/events") for request in requests))
    assert counts == [2, 1, 2, 1], "one is for business entities, which nothing else lists"


def test_events_that_can_not_be_read_are_told_and_looked_at_by_the_next_run(
    linked: tuple[Company, str],
) -> None:
    acme, contact = linked
    acme.edit_erp(contact, family_name="Leigh")
    acme.chargebee.add_fault(
        {"kind": "status", "status": 403, "body": {"api_error_code": "api_authorization_failed"}},
        match={"path": EVENTS, "query": "customer_changed"},
        times=1,
    )
    # The rule of the pause is the second one here.
    rule = acme.chargebee.add_fault(
        {"kind": "pause"}, match={"method": "POST", "path": "customers/c1$"}, times=1
    )

    def person() -> None:
        while not acme.chargebee.console("GET", "faults")["rules"][1]["fired"]:
            continue
        acme.edit_chargebee("c1", last_name="Li")
        acme.chargebee.console("DELETE", f"faults/{rule}")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(person)
        said = acme.run("sync")
        waiting.result()
    assert said.exit_code == 3
    assert "not worked on: the log of Chargebee" in said.stdout
    assert acme.run("sync").exit_code == 3
    assert held(acme)["cause"] == "overwritten"
