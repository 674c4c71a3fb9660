"""`instep forget` over real HTTP: shown, asked about, done, and not a byte is left in the store's files."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from instep.store.sqlite import open_store
from tests.cli.company import Company


@pytest.fixture
def people(acme: Company) -> Company:
    """Two people in both systems; one of them was called by another name before."""
    acme.customer("c1", "Ada", "Byron-Before", "ada@example.test", phone="+4940111")
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    assert acme.run("sync").exit_code == 0
    acme.edit_chargebee("c1", last_name="Lovelace")
    assert acme.run("sync").exit_code == 0
    return acme


def bytes_of(acme: Company) -> bytes:
    return b"".join(file.read_bytes() for file in acme.directory.glob("instep.sqlite*"))


def test_nothing_is_erased_unasked(people: Company) -> None:
    shown = people.run("forget", "contact", "c1")
    assert shown.exit_code == 2
    assert "to forget: customer c1 in Chargebee, contact " in shown.stdout
    assert "values and reasons of 3 entries" in shown.stdout
    assert "still in Chargebee" in shown.stdout
    assert "nothing was erased\n" in shown.stderr and "fix: say so with --yes" in shown.stderr
    as_json = people.run("forget", "contact", "c1", "--json")
    assert as_json.exit_code == 2 and json.loads(as_json.stdout)["done"] is False
    assert b"Byron-Before" in bytes_of(people)


def test_a_living_person_goes_on_without_a_past(people: Company) -> None:
    assert people.run("forget", "contact", "c1", "--yes").exit_code == 0
    assert b"Byron-Before" not in bytes_of(people)
    assert b"Lovelace" in bytes_of(people), "it is what both systems hold, and needed to go on"
    assert "family_name (last_name): (forgotten)" in people.run("history", "contact", "c1").stdout
    verified = people.json("history", "--verify")
    assert verified["verified"] and verified["forgotten"] == 3
    assert people.json("sync", "--full")["writes"] == []
    people.edit_chargebee("c1", last_name="King")
    assert people.json("sync")["writes"][0]["count"] == 1
    assert people.in_erp()["ada@example.test"]["family_name"] == "King"


def test_of_a_person_who_is_gone_from_both_systems_not_a_byte_is_left(people: Company) -> None:
    people.erp.console("DELETE", f"contacts/{people.in_erp()['ada@example.test']['id']}")
    people.chargebee.console("DELETE", "customers/c1")
    people.chargebee.console("POST", "clock", {"advance_s": 3600})  # it deletes customers some time later
    people.run("sync", "--full")
    done = people.json("forget", "contact", "c1", "--yes")
    assert (done["done"], done["readings"], done["stays"]) == (True, 2, [])
    for value in (b"Byron-Before", b"Lovelace", b"ada@example.test", b"+4940111"):
        assert value not in bytes_of(people)
    assert b"ole@example.test" in bytes_of(people)
    assert people.json("history", "--verify")["verified"]
    assert people.json("sync", "--full")["writes"] == []


def test_a_record_that_is_not_known_and_one_that_is_in_doubt_of_its_side_are_answered(
    people: Company,
) -> None:
    assert people.run("forget", "contact", "nobody", "--yes").exit_code == 2
    assert people.run("forget", "contakt", "c1", "--yes").exit_code == 2


def test_while_a_run_is_going_on_nothing_is_forgotten(people: Company) -> None:
    async def running() -> None:
        store = open_store(people.directory / "instep.sqlite")
        await store.acquire("another machine", time.time_ns() // 1_000_000, 60_000)
        await store.close()

    asyncio.run(running())
    refused = people.run("forget", "contact", "c1", "--yes")
    assert refused.exit_code == 5
    assert "another machine has the lease" in refused.stderr
    assert (
        "one that crashed on this machine is followed at once, one that crashed on another in"
        in refused.stderr
    )
    assert b"Byron-Before" in bytes_of(people)


def test_what_is_forgotten_can_not_be_undone_and_undo_says_so(people: Company) -> None:
    people.run("forget", "contact", "c1", "--yes")
    told = people.run("undo", "2")
    assert "its values were forgotten on request" in told.output
