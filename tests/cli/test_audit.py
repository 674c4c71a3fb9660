"""`instep audit` over real HTTP: each kind of drift is found, what is known is told apart, nothing is written."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from instep.core.model import Both, Side
from instep.core.state import Link
from instep.core.values import Raw, digest
from instep.store.contract import Tx
from instep.store.sqlite import open_store
from tests.warm import start

from .company import ERP_TOKEN, Company

DAY_S = 86_400


@pytest.fixture
def settled(acme: Company) -> Company:
    """Three contacts that are linked and in step, and a fourth that is held."""
    for number, name in enumerate(("Ann", "Bea", "Cleo"), 1):
        acme.customer(f"c{number}", name, "Lee", f"{name.lower()}@x.example", phone=f"+493011111{number}")
    acme.contact("2000", "Dora", "Earlier", "dora@x.example")
    acme.customer("c4", "Dora", "Later", "dora@x.example")
    acme.run("sync")
    acme.run("sync")
    assert [hold["cause"] for hold in acme.json("holds", "list")] == ["conflict"]
    return acme


def in_store(acme: Company, work: Callable[[Tx], Any]) -> Any:
    """One transaction in the site's store."""

    async def write() -> Any:
        store = open_store(acme.directory / "instep.sqlite")
        try:
            return await store.write(work)
        finally:
            await store.close()

    return asyncio.run(write())


def link_of(acme: Company, id: str) -> Link:
    found: Link = in_store(acme, lambda tx: tx.link_of("contact", Side.LEFT, id))
    return found


def found(acme: Company, *words: str) -> dict[str, Any]:
    """What an audit of contacts finds, by kind; both servers must see no request that could write."""
    for server in (acme.chargebee, acme.erp):
        server.reset_counters()
    told = acme.json("audit", "--pair", "contact", *words)
    for server in (acme.chargebee, acme.erp):
        assert server.counters()["writes"] == 0
    assert told["status"] == "done"
    assert told["troubles"] == {}
    return {drift["kind"]: drift for drift in told["drift"]}


def only(acme: Company, kind: str) -> dict[str, Any]:
    """The one finding that there is."""
    kinds = found(acme)
    assert list(kinds) == [kind], kinds
    assert kinds[kind]["count"] == 1
    example: dict[str, Any] = kinds[kind]["examples"][0]
    return example


def repaired(acme: Company) -> None:
    """Let the audit mark what it found, and a sync look at it; then there is no drift any more."""
    told = acme.run("audit", "--pair", "contact", "--repair")
    assert told.exit_code == 0, told.output
    assert found(acme) == {}, "what is marked is known"
    acme.run("sync", "--pair", "contact")
    assert found(acme) == {}


def held(acme: Company) -> list[str]:
    return sorted(hold["cause"] for hold in acme.json("holds", "list"))


def a_day_ago(server: Any) -> Iterator[None]:
    """Changes that are dated before what was already read, as by a clock that was wrong."""
    server.console("POST", "clock", {"offset_s": -DAY_S})
    yield
    server.console("POST", "clock", {"offset_s": 0})


def test_a_settled_company_has_no_drift_and_what_is_held_is_not_told_as_such(settled: Company) -> None:
    told = settled.run("audit", quiet=False)
    assert told.exit_code == 0, told.output
    assert "nothing was found that was not known" in told.stdout
    assert "differs, and is known to: 1 held" in told.stdout
    assert "8 records and 4 links compared" in told.stdout
    assert "auditing" in told.stderr
    report = settled.json("audit")
    assert report["drift"] == []
    assert report["known"]["contact"] == {"held": 1}
    assert report["records"]["left:customer"] == 4
    assert sum(report["requests"].values()) < 25
    assert '"kind":"audit"' in settled.run("history", "--runs", "--json").stdout


def test_a_change_that_an_ordinary_reading_brings_is_no_drift(settled: Company) -> None:
    settled.edit_erp("2000", phone="+4930999999")
    settled.edit_chargebee("c1", last_name="Lie")
    assert found(settled) == {}
    settled.run("sync")
    assert found(settled) == {}


def test_a_change_that_no_reading_would_have_brought_is_found(settled: Company) -> None:
    contact = link_of(settled, "c1").ids.right
    for _ in a_day_ago(settled.erp):
        settled.edit_erp(contact, family_name="Missed")
    settled.run("sync")
    assert settled.in_chargebee("c1")["last_name"] == "Lee"
    example = only(settled, "changed")
    assert (example["side"], example["id"], example["with"]) == ("right", contact, ["c1"])
    assert example["differences"] == [{"name": "family_name", "known": "Lee", "there": "Missed"}]
    shown = settled.run("audit", "--pair", "contact")
    assert shown.exit_code == 3
    assert 'family_name: known "Lee", there "Missed"' in shown.stdout
    acted = settled.run("audit", "--pair", "contact", "--repair", quiet=False)
    assert "next: instep plan --full" in acted.stderr
    planned = settled.run("plan").stdout
    assert (
        "nothing to write as far as is known; 1 record has to be read first: instep sync reads it" in planned
    )
    assert "1 write, " in settled.run("plan", "--full").stdout
    settled.run("sync")
    assert settled.in_chargebee("c1")["last_name"] == "Missed"


def test_a_record_that_was_listed_and_never_seen_is_found(settled: Company) -> None:
    settled.contact("900", "Eve", "New", "eve@x.example")
    settled.run("sync")
    assert (only(settled, "unseen")["side"], only(settled, "unseen")["id"]) == ("right", "900")
    repaired(settled)
    rows = settled.chargebee.console("GET", "records/customers")["records"]
    assert [row["first_name"] for row in rows if row["email"] == "eve@x.example"] == ["Eve"]


def test_a_record_that_is_no_longer_there_is_found(settled: Company) -> None:
    contact = link_of(settled, "c2").ids.right
    for _ in a_day_ago(settled.erp):
        settled.erp.console("DELETE", f"contacts/{contact}")
    settled.run("sync")
    assert (only(settled, "gone")["id"], only(settled, "gone")["with"]) == (contact, ["c2"])
    repaired(settled)
    assert held(settled) == ["conflict", "deleted"], "a delete is confirmed and then held, as the pair says"


def test_a_record_that_its_list_leaves_out_though_it_is_there_is_told_apart(settled: Company) -> None:
    contact = sorted(row["id"] for row in settled.in_erp().values())[0]
    rewrite = {"kind": "rewrite_json", "remove": ["/items/0"]}
    match = {"method": "GET", "path": "^/api/v1/contacts$", "query": "include_deleted"}
    settled.erp.add_fault(rewrite, match=match)
    listed = {row["id"] for row in settled.in_erp().values()}
    assert contact in listed
    assert only(settled, "unlisted")["side"] == "right"
    settled.erp.clear_faults()
    assert found(settled) == {}


def test_a_system_whose_backup_was_restored_is_found_to_be_older(settled: Company, tmp_path: Path) -> None:
    contact = link_of(settled, "c1").ids.right
    db, backup = tmp_path / "servers" / "erp.db", tmp_path / "servers" / "erp-backup.db"
    with closing(sqlite3.connect(db)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    settled.edit_chargebee("c1", last_name="Newer")
    settled.run("sync")
    assert settled.in_erp()["ann@x.example"]["family_name"] == "Newer"
    settled.erp.stop()
    old_url = settled.erp.url
    with start("erp", backup, options=["--token", ERP_TOKEN]) as settled.erp:
        # Its port may have become somebody else's by now.
        site = settled.directory / "instep.yaml"
        site.write_text(site.read_text("utf-8").replace(old_url, settled.erp.url), "utf-8")
        example = only(settled, "older")
        assert (example["id"], example["side"]) == (contact, "right")
        assert {"name": "family_name", "known": "Newer", "there": "Lee"} in example["differences"]
        repaired(settled)
        assert settled.in_chargebee("c1")["last_name"] == "Newer", "an old value does not pass for an edit"
        causes = held(settled)
        if settled.in_erp()["ann@x.example"]["family_name"] == "Lee":
            assert causes == ["conflict", "conflict"]
        else:
            assert settled.in_erp()["ann@x.example"]["family_name"] == "Newer"


def test_a_record_without_a_partner_that_nothing_waits_to_find_is_found(settled: Company) -> None:
    link = link_of(settled, "c3")

    def forget(tx: Tx) -> None:
        tx.remove_link(link.id)

    in_store(settled, forget)
    kinds = found(settled)
    # The ERP's contact was made by Instep, and says so by its reference.
    assert kinds["unlinked"]["examples"][0]["id"] == "c3"
    assert (kinds["copy"]["examples"][0]["id"], kinds["copy"]["examples"][0]["with"]) == (
        link.ids.right,
        ["c3"],
    )
    repaired(settled)
    assert link_of(settled, "c3").ids.right == link.ids.right


def test_a_link_to_a_record_that_is_not_known_is_found(settled: Company) -> None:
    link = link_of(settled, "c3")
    in_store(settled, lambda tx: tx.save_link(replace(link, ids=Both("c3", "77777"))))
    kinds = found(settled)
    assert (kinds["dangling"]["examples"][0]["id"], kinds["dangling"]["examples"][0]["with"]) == (
        "c3",
        ["77777"],
    )
    repaired(settled)
    assert held(settled) == ["conflict", "deleted", "duplicate"]


def as_if_read(acme: Company, id: str) -> None:
    """Let the store hold what the ERP holds of this contact, as if it had been looked at and nothing been done."""
    row = next(row for row in acme.in_erp().values() if row["id"] == id)

    def save(tx: Tx) -> None:
        seen = tx.sighting(Side.RIGHT, "contact", id)
        assert seen is not None
        fields = {name: row[name] for name in seen.fields}
        tx.save_sightings(
            [replace(seen, fields=fields, version=row["version"], digest=digest([fields, False]))]
        )

    in_store(acme, save)


def test_linked_records_that_do_not_agree_are_found(settled: Company) -> None:
    contact = link_of(settled, "c1").ids.right
    for _ in a_day_ago(settled.erp):
        settled.edit_erp(contact, family_name="Other")
    as_if_read(settled, contact)
    example = only(settled, "disagree")
    assert (example["id"], example["with"]) == ("c1", [contact])
    assert example["differences"] == [{"name": "last_name", "left": ["Lee"], "right": ["Other"]}]
    repaired(settled)
    assert settled.in_chargebee("c1")["last_name"] == "Other"


def test_linked_records_that_pass_for_agreed_and_are_not_are_found(settled: Company) -> None:
    link = link_of(settled, "c1")
    for _ in a_day_ago(settled.erp):
        settled.edit_erp(link.ids.right, family_name="Other")
    as_if_read(settled, link.ids.right)
    base: dict[str, Both[Raw]] = {**link.base, "last_name": Both(("Lee",), ("Other",))}
    in_store(settled, lambda tx: tx.save_link(replace(link, base=base)))
    assert "nothing to write" in settled.run("sync", "--full", "--pair", "contact").stdout
    shown = settled.run("audit", "--pair", "contact")
    assert shown.exit_code == 3
    assert 'last_name: Chargebee "Lee", Custom ERP "Other"' in shown.stdout
    repaired(settled)
    assert settled.in_chargebee("c1")["last_name"] == "Other", "the later of the two, as at first contact"


def test_two_records_that_may_be_one_thing_twice_are_told(settled: Company) -> None:
    settled.edit_chargebee("c2", email="ann@x.example")
    settled.run("sync")
    kinds = found(settled)
    assert list(kinds) == ["alike"]
    told = {example["side"]: [example["id"], *example["with"]] for example in kinds["alike"]["examples"]}
    assert told["left"] == ["c1", "c2"]
    assert len(told["right"]) == 2
    shown = settled.run("audit", "--pair", "contact", "--repair")
    assert shown.exit_code == 3, "that is for a person"
    assert "merge them in their system" in shown.stdout


def test_only_the_pairs_that_are_asked_for_are_read(settled: Company) -> None:
    settled.contact("900", "Eve", "New", "eve@x.example")
    assert settled.json("audit", "--pair", "product")["drift"] == []
    assert settled.run("audit", "--pair", "nobody").exit_code == 2


def test_an_entity_that_can_not_be_read_is_told_and_the_others_are_audited(settled: Company) -> None:
    settled.erp.add_fault({"kind": "status", "status": 404}, match={"path": "^/api/v1/products"})
    told = settled.run("audit", "--json")
    assert told.exit_code == 3
    report = json.loads(told.stdout)
    assert list(report["troubles"]) == ["right:product"]
    assert report["links"]["contact"] == 4


def test_nothing_is_compared_with_nothing(acme: Company) -> None:
    told = acme.run("audit")
    assert told.exit_code == 2
    assert "instep plan" in told.output
    assert "Traceback" not in told.output
