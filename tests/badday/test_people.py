"""People who edit, delete, rename and restore while Instep is at work."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.badday.days import ended, fill, in_step, instep, living, run_later, writes
from tests.cli.company import Company

ODD_TEXTS = {
    "emoji": "Zoë 👩‍👩‍👧‍👦",
    "right to left": "\u202eעברית‏ العربية",
    "quotes": "O'Neill \"; drop table links; --",
    "form signs": "a&b=c%20+[0]#/..\\",
    "a combining accent": "Ase\u030a",
    "a line break": "first\r\nsecond\u2028third",
}


def holds(acme: Company) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = acme.json("holds", "list")
    return found


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_text_arrives_whole_and_stays(acme: Company, text: str) -> None:
    acme.customer("c1", "Åse", text, "ase@example.test")
    acme.contact("500", text, "Berg", "ole@example.test")
    ended(acme.run("sync"), 0)
    assert acme.in_erp()["ase@example.test"]["family_name"] == text
    assert acme.in_chargebee("erp-500")["first_name"] == text
    before = writes(acme)
    run_later(acme, 3600)
    assert writes(acme) == before


@pytest.mark.parametrize(
    "raw", ["\\u0000", "\\ud83d", "\\ud83d\\ude00\\udfff"], ids=["NUL", "half", "half too many"]
)
def test_text_that_is_no_text_is_held_or_carried_and_the_others_go_on(acme: Company, raw: str) -> None:
    acme.customer("c1", "Ida", "Vik", "ida@example.test")
    row = f'{{"list": [{{"customer": {{"id": "c2", "last_name": "x{raw}y", "email": "bad@example.test", '
    row += '"object": "customer", "created_at": 1760000000, "updated_at": 1760000000, '
    row += '"resource_version": 1760000000000, "deleted": false}}]}'
    acme.chargebee.add_fault({"kind": "garbage", "body": row}, match={"path": "^/api/v2/customers$"}, times=1)
    ended(acme.run("sync"), 0, 3)
    acme.chargebee.clear_faults()
    ended(acme.run("sync", "--full"), 0, 3)
    assert "ida@example.test" in acme.in_erp()


@pytest.mark.parametrize("id", ["a b", "ø", "a/b", "..", "a%2Fb", "a?b#c", "x" * 50, "-rf", "'"])
def test_an_odd_id_is_linked_once_or_held(acme: Company, id: str) -> None:
    acme.customer(id, "Åse", "Nordmann", "ase@example.test")
    acme.contact("500", "Ole", "Berg", "ole@example.test")
    for _ in range(2):
        ended(acme.run("sync", "--full"), 0, 3)
        assert len(living(acme, "erp", "contacts")) == 2
        assert len(living(acme, "chargebee", "customers")) == 2


@pytest.mark.slow
def test_a_description_of_a_megabyte_is_cut_for_one_side_and_whole_on_the_other(acme: Company) -> None:
    fill(acme, 1)
    acme.chargebee.console("PATCH", "items/probe", {"description": "d" * 490})
    ended(acme.run("sync"), 0, 3)
    lie = {"kind": "rewrite_json", "set": {"/list/0/item/description": "d" * 1_000_000}}
    acme.chargebee.add_fault(lie, match={"method": "GET", "path": "^/api/v2/items$"})
    ended(acme.run("sync", "--full"), 0, 3)
    acme.chargebee.clear_faults()
    in_step(acme)


VALUES: dict[str, tuple[dict[str, Any], str]] = {
    "terms that the ERP does not know": ({"net_term_days": 17}, "payment_terms_days"),
    "a language that is none": ({"locale": "xx-YY"}, "language"),
    "a country that is none": ({"billing_address": {"country": "QQ"}}, "country"),
}


@pytest.mark.parametrize(("fields", "named"), VALUES.values(), ids=VALUES)
def test_a_value_that_does_not_fit_is_held_and_names_itself(
    acme: Company, fields: dict[str, Any], named: str
) -> None:
    acme.customer("c1", "Ida", "Vik", "ida@example.test", **fields)
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    ended(acme.run("sync"), 3)
    (hold,) = holds(acme)
    assert named in str(hold), hold
    assert "ole@example.test" in acme.in_erp()


def test_two_that_match_one_are_held_and_nothing_is_made(acme: Company) -> None:
    acme.customer("c1", "Ida", "Vik", "ida@example.test")
    acme.customer("c2", "Ida", "Vik", "IDA@example.test")
    acme.contact("500", "Ida", "Vik", "ida@example.test")
    ended(acme.run("sync"), 3)
    assert {hold["cause"] for hold in holds(acme)} == {"ambiguous"}
    assert writes(acme) == 0


@pytest.mark.slow
def test_a_store_from_an_old_copy_makes_nothing_twice_and_reverts_no_edit(acme: Company) -> None:
    fill(acme, 2)
    in_step(acme)
    store, copy = acme.directory / "instep.sqlite", acme.directory / "backup.sqlite"
    shutil.copy(store, copy)
    for number in range(25):
        acme.customer(f"n{number}", "New", f"Norling {number}", f"new{number}@example.test")
        acme.contact(str(800 + number), "New", f"Erpson {number}", f"erp{number}@example.test")
    acme.edit_chargebee("c0", last_name="Strand")
    acme.edit_erp("501", family_name="Vik")
    run_later(acme, 3600)
    acme.edit_erp("500", family_name="Lund")
    for name in ("instep.sqlite-wal", "instep.sqlite-shm"):
        (acme.directory / name).unlink(missing_ok=True)
    shutil.copy(copy, store)
    believes = ended(acme.run("sync", "--full"), 3)
    assert "50 records of contact would be created" in believes
    ended(acme.run("sync", "--full", "--release", "contact:create"), 0)
    in_step(acme)
    assert acme.in_erp()["ase0@example.test"]["family_name"] == "Strand"
    assert acme.in_chargebee("erp-501")["last_name"] == "Vik"
    assert acme.in_chargebee("erp-500")["last_name"] == "Lund"


def test_what_a_person_deletes_is_held_and_made_anew_on_no_side(acme: Company) -> None:
    fill(acme, 4)
    in_step(acme)
    acme.erp.console("DELETE", "contacts/503")
    acme.chargebee.console("DELETE", "customers/c3")
    acme.chargebee.console("POST", "clock", {"advance_s": 3600})  # it deletes customers some time later
    ended(acme.run("sync", "--full"), 3)
    run_later(acme, 3600)
    assert {hold["cause"] for hold in holds(acme)} == {"deleted"}
    assert len(living(acme, "chargebee", "customers")) == 7
    assert len(living(acme, "erp", "contacts")) == 7


def test_a_match_key_that_moves_keeps_the_link(acme: Company) -> None:
    fill(acme, 2)
    in_step(acme)
    acme.edit_chargebee("c0", email="moved@example.test")
    acme.edit_erp("500", email="ase0@example.test")  # what c0 had before
    in_step(acme)
    assert acme.in_erp()["moved@example.test"]["family_name"] == "Nordmann 0"
    assert acme.in_chargebee("erp-500")["email"] == "ase0@example.test"


def test_an_item_renamed_to_a_name_that_is_taken_is_held_until_it_has_another(acme: Company) -> None:
    fill(acme, 1)
    in_step(acme)
    acme.erp.console("PATCH", "products/900", {"name": "Probe"})
    ended(acme.run("sync"), 3)
    (hold,) = holds(acme)
    assert hold["property"] == "name", hold
    assert sorted(row["name"] for row in living(acme, "chargebee", "items")) == ["Cable", "Probe"]
    acme.erp.console("PATCH", "products/900", {"name": "Cable 2"})
    in_step(acme)


def test_both_sides_edited_in_the_same_second_are_merged_or_held_and_neither_is_lost(acme: Company) -> None:
    fill(acme, 2)
    in_step(acme)
    acme.edit_chargebee("c0", last_name="Left", first_name="Only left")
    id = acme.in_erp()["ase0@example.test"]["id"]
    acme.edit_erp(id, family_name="Right", phone="+4722334455")
    run_later(acme, 3600)
    left, right = acme.in_chargebee("c0"), acme.in_erp()["ase0@example.test"]
    assert right["given_name"] == "Only left"
    assert left["phone"]
    if left["last_name"] != right["family_name"]:
        assert [hold["cause"] for hold in holds(acme)] == ["conflict"]
        assert (left["last_name"], right["family_name"]) == ("Left", "Right")
    else:
        lost = "Left" if left["last_name"] == "Right" else "Right"
        assert lost in instep(acme.directory, "history", "--limit", "1000").stdout


@pytest.mark.slow
@pytest.mark.parametrize("hours", [-7, 7])
def test_a_clock_that_is_hours_off_changes_nothing_about_who_is_right(acme: Company, hours: int) -> None:
    fill(acme, 2)
    acme.erp.console("POST", "clock", {"offset_s": hours * 3600})
    in_step(acme)
    acme.edit_erp("500", family_name="Earlier")
    acme.edit_chargebee("c1", last_name="Later")
    in_step(acme)
    assert acme.in_chargebee("erp-500")["last_name"] == "Earlier"
    assert acme.in_erp()["ase1@example.test"]["family_name"] == "Later"
    acme.erp.console("POST", "clock", {"offset_s": 0})
    acme.edit_erp("501", family_name="After the mend")
    in_step(acme)
    assert acme.in_chargebee("erp-501")["last_name"] == "After the mend"


@pytest.mark.slow
def test_our_own_clock_that_goes_back_loses_nothing(acme: Company) -> None:
    fill(acme, 2)
    run_later(acme, 48 * 3600)
    acme.edit_erp("500", family_name="Vik")
    run_later(acme, 0)
    in_step(acme)
    assert acme.in_chargebee("erp-500")["last_name"] == "Vik"
