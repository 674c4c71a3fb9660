"""Systems that are down, slow, closed, or answer what can't be believed: nothing is decided from it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.badday.days import ended, fill, has_three_parts, in_step, writes
from tests.cli.company import Company

CHARGEBEE = {"method": "GET", "path": "^/api/v2/customers"}
ERP = {"method": "GET", "path": "^/api/v1/contacts"}
LIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an empty next_offset": ({"set": {"/next_offset": ""}}, {"set": {"/next_cursor": " "}}),
    "a next_offset that it made up": ({"set": {"/next_offset": "p{n}"}}, {"set": {"/next_cursor": "p{n}"}}),
    "a next_offset that is a number": ({"set": {"/next_offset": 5}}, {"set": {"/next_cursor": {"a": 1}}}),
    "no list": ({"remove": ["/list"]}, {"remove": ["/items"]}),
    "a list that is a text": ({"set": {"/list": "none"}}, {"set": {"/items": "none"}}),
    "a row that is nothing": ({"set": {"/list/0": None}}, {"set": {"/items/0": None}}),
    "a row without an id": ({"set": {"/list/0/customer/id": None}}, {"set": {"/items/0/id": None}}),
}


def settled_then_edited(acme: Company) -> None:
    fill(acme, 2)
    in_step(acme)
    acme.edit_erp("500", family_name="Vik")
    acme.edit_chargebee("c0", last_name="Strand")


@pytest.mark.slow
@pytest.mark.parametrize(("left", "right"), LIES.values(), ids=LIES)
def test_a_list_that_lies_changes_nothing_and_the_edits_arrive_later(
    acme: Company, left: dict[str, Any], right: dict[str, Any]
) -> None:
    settled_then_edited(acme)
    acme.chargebee.add_fault({"kind": "rewrite_json", **left}, match=CHARGEBEE)
    acme.erp.add_fault({"kind": "rewrite_json", **right}, match=ERP)
    before = writes(acme)
    said = ended(acme.run("sync", "--full"), 3)
    assert "not worked on" in said
    assert writes(acme) == before
    in_step(acme)
    assert acme.in_chargebee("erp-500")["last_name"] == "Vik"
    assert acme.in_erp()["ase0@example.test"]["family_name"] == "Strand"


@pytest.mark.slow
@pytest.mark.parametrize(
    "effect",
    [
        {"kind": "html"},
        {"kind": "truncate_body"},
        {"kind": "hang_before", "limit_s": 1},
    ],
    ids=["HTML", "half a body", "a connection that hangs"],
)
def test_a_system_that_can_not_be_read_is_told_of(acme: Company, effect: dict[str, Any]) -> None:
    settled_then_edited(acme)
    acme.erp.add_fault(effect, match=ERP)
    before = writes(acme)
    said = ended(acme.run("sync"), 3)
    assert "Custom ERP" in said
    assert writes(acme) == before
    in_step(acme)
    assert acme.in_chargebee("erp-500")["last_name"] == "Vik"


def test_a_page_that_is_listed_twice_makes_nothing_twice(acme: Company) -> None:
    fill(acme, 2)
    acme.chargebee.add_fault({"kind": "repeat"}, match=CHARGEBEE)
    acme.erp.add_fault({"kind": "repeat"}, match=ERP)
    ended(acme.run("sync"), 0)
    in_step(acme)


@pytest.mark.slow
def test_a_list_that_is_suddenly_empty_is_a_brake_and_no_delete(acme: Company) -> None:
    fill(acme, 6)
    in_step(acme)
    acme.erp.add_fault({"kind": "rewrite_json", "set": {"/items": [], "/next_cursor": None}}, match=ERP)
    before = writes(acme)
    ended(acme.run("sync", "--full"), 0, 3)
    assert writes(acme) == before
    in_step(acme)


def test_a_wrong_key_and_an_unknown_site_stop_at_once(acme: Company) -> None:
    key = acme.directory / ".instep-sandbox" / "chargebee.key"
    right = key.read_text()
    key.write_text("test_of_another_company")
    said = ended(acme.run("sync"), 4)
    assert has_three_parts(said), said
    assert "test_of_another_company" not in said
    key.write_text(right)
    acme.chargebee.add_fault(
        {"kind": "status", "status": 404, "body": {"api_error_code": "site_not_found", "message": "no site"}}
    )
    said = ended(acme.run("sync"), 4)
    assert has_three_parts(said), said
    assert writes(acme) == 0


@pytest.mark.slow
def test_a_server_that_is_down_is_told_of_and_catches_up(acme: Company) -> None:
    fill(acme, 2)
    path = acme.directory / "instep.yaml"
    text = path.read_text()
    path.write_text(text.replace(acme.erp.url, "http://127.0.0.1:9"))
    said = ended(acme.run("sync"), 3)
    assert "Custom ERP" in said
    path.write_text(text)
    in_step(acme)
