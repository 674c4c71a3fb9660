"""What a listing leads to: sightings, marks, a cursor; nothing that is older than what is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instep.core.model import Abilities, Both, Record
from instep.core.state import Key
from instep.errors import BadAnswer, Gone, RetryLater
from instep.runner.look import look
from instep.runner.observe import is_listed, observe, read_record, take_records

from .site import LEFT, PROPERTIES, RIGHT, STRICT, Scripted, Send, Site, pair, raising

NONE = replace(STRICT, versions="none")
TIME = replace(STRICT, versions="time", resolution_ms=1_000)


def breaking_off(connector: Scripted, at_page: int) -> None:
    def fault(entity: str, page: int) -> None:
        if page == at_page:
            raise RetryLater("the listing broke off")

    connector.page_fault = fault


def mended(connector: Scripted) -> None:
    connector.page_fault = lambda entity, page: None


async def observed_once(site: Site) -> str:
    """A company on the left, listed."""
    id = site.put(LEFT, name="Ann", phone="1")
    await observe(site.runner.engine, LEFT, "company")
    return id


async def take(site: Site, *records: Record) -> int:
    engine = site.runner.engine
    return await site.store.write(lambda tx: take_records(engine, tx, LEFT, "company", records))


async def test_a_first_listing_is_complete_and_marks_every_record() -> None:
    site = Site(page_size=2)
    ids = [site.put(LEFT, name=name) for name in ("Ann", "Bea", "Cleo")]
    seen = await observe(site.runner.engine, LEFT, "company")
    assert (seen.rows, seen.changed, seen.missing, seen.complete) == (3, 3, 0, True)
    assert [todo.key for todo in site.todo()] == [Key("company", LEFT, id) for id in ids]
    assert site.store.read(lambda tx: is_listed(tx, LEFT, "company"))
    assert not site.store.read(lambda tx: is_listed(tx, RIGHT, "company"))


async def test_the_next_listing_brings_only_what_has_changed_since() -> None:
    site = Site()
    id = await observed_once(site)
    site.put(LEFT, name="Bea")
    site.edit(LEFT, id, phone="2")
    seen = await observe(site.runner.engine, LEFT, "company")
    assert (seen.rows, seen.changed, seen.complete) == (2, 2, False)
    assert (await observe(site.runner.engine, LEFT, "company")).rows == 0


async def test_only_mapped_fields_are_kept_and_a_change_of_others_is_no_change() -> None:
    site = Site(pair("company"))
    site.dataflow = replace(site.dataflow, pairs=(replace(pair(), properties=(PROPERTIES[0],), match=()),))
    site.new_runner()
    id = await observed_once(site)
    seen = site.sighting(LEFT, id)
    assert seen is not None
    assert set(seen.fields) == {"active", "name"}
    site.edit(LEFT, id, phone="2")
    assert (await observe(site.runner.engine, LEFT, "company")).changed == 0


async def test_a_row_that_is_older_than_what_is_known_is_dropped() -> None:
    site = Site()
    id = await observed_once(site)
    old = await site.connectors.left.read("company", id)
    site.edit(LEFT, id, name="Bea")
    await observe(site.runner.engine, LEFT, "company")
    assert await take(site, old) == 0
    seen = site.sighting(LEFT, id)
    assert seen is not None
    assert seen.fields["name"] == "Bea"


async def test_of_several_rows_of_one_record_the_newest_counts() -> None:
    site = Site()
    id = site.put(LEFT, name="Ann")
    old = await site.connectors.left.read("company", id)
    site.edit(LEFT, id, name="Bea")
    new = await site.connectors.left.read("company", id)
    for rows in ((old, new), (new, old)):
        await take(site, *rows)
        seen = site.sighting(LEFT, id)
        assert seen is not None
        assert seen.fields["name"] == "Bea"


async def test_a_reading_that_is_older_than_what_is_known_is_not_believed() -> None:
    site = Site()
    id = await observed_once(site)
    old = await site.connectors.left.read("company", id)
    site.edit(LEFT, id, name="Bea")
    await observe(site.runner.engine, LEFT, "company")

    async def stale(send: Send) -> Record:
        return old

    site.connectors.left.next("read", stale)
    assert await read_record(site.runner.engine, LEFT, "company", id, "company") is None
    seen = await read_record(site.runner.engine, LEFT, "company", id, "company")
    assert seen is not None
    assert seen.fields["name"] == "Bea"


async def test_a_hint_that_comes_while_its_record_is_read_has_it_read_again() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, name="Bea")
    await take(site, Record(left, complete=False))

    async def overtaken(send: Send) -> object:
        record = await send()
        site.edit(LEFT, left, name="Cleo")
        await take(site, Record(left, complete=False))
        return record

    site.connectors.left.next("read", overtaken)
    while todos := site.todo():
        await look(site.runner.engine, todos[0], lambda tx, link, key, write: write)
    assert site.fields(RIGHT, right)["title"] == "Cleo", "though nothing was listed"


async def test_a_stale_reading_postpones_the_record_and_reverts_nothing() -> None:
    site = Site(abilities=Both(replace(STRICT, conditional=False), STRICT))
    left, right = await site.linked_company()
    old = await site.connectors.left.inner.read("company", left)
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, title="Bea")

    async def stale(send: Send) -> Record:
        return old

    site.connectors.left.next("read", stale)
    report = await site.run()
    assert report.failed["company"] == 1
    await site.rest()
    assert site.fields(LEFT, left)["name"] == "Bea"
    assert site.fields(RIGHT, right)["phone"] == site.fields(LEFT, left)["phone"] == "2"


@pytest.mark.parametrize("abilities", [NONE, TIME])
async def test_a_changed_row_that_cannot_be_ordered_is_a_reason_to_read(abilities: Abilities) -> None:
    site = Site(abilities=Both(abilities, STRICT))
    id = await observed_once(site)
    row = await site.connectors.left.read("company", id)
    assert await take(site, replace(row, fields={**row.fields, "name": "Old"})) == 1
    seen = site.sighting(LEFT, id)
    assert seen is not None
    assert (seen.unread, seen.fields["name"]) == (True, "Ann")
    await site.rest()
    assert ("read", "company", id) in site.connectors.left.log
    assert site.titles(RIGHT) == ["Ann"]


@pytest.mark.parametrize("abilities", [NONE, TIME])
async def test_no_reading_is_believed_that_may_be_older_than_a_change_that_was_listed(
    abilities: Abilities,
) -> None:
    site = Site(abilities=Both(replace(abilities, read_lag_ms=8_000, resolution_ms=60_000), STRICT))
    left, right = await site.linked_company()
    old = await site.connectors.left.inner.read("company", left)
    site.systems.left.edit("company", left, {"name": "Bea"})

    async def too_early(send: Send) -> Record:
        return old if site.now < heard_ms + 8_000 else await send()

    heard_ms = site.now + 1_000
    site.connectors.left.next("read", too_early)
    await site.run()
    assert site.now >= heard_ms + 8_000, "the run itself has waited for the reading"
    assert site.fields(RIGHT, right)["title"] == "Bea"
    assert site.todo() == []


async def test_a_second_edit_is_not_missed_while_the_reading_for_the_first_one_is_due() -> None:
    site = Site(abilities=Both(replace(NONE, read_lag_ms=8_000), STRICT))
    left, right = await site.linked_company()
    site.systems.left.edit("company", left, {"name": "Bea"})
    bea = await site.connectors.left.inner.read("company", left)
    site.now += 1_000
    await observe(site.runner.engine, LEFT, "company")
    site.now += 10_000
    site.systems.left.edit("company", left, {"name": "Cay"})
    edited_ms = site.now

    async def lags(send: Send) -> Record:
        return bea if site.now < edited_ms + 8_000 else await send()

    site.connectors.left.next("read", lags)
    await site.run(full=True)
    await site.rest()
    assert site.fields(RIGHT, right)["title"] == "Cay"


async def test_no_reading_soon_after_our_own_write_is_taken_for_an_edit() -> None:
    site = Site(abilities=Both(replace(NONE, read_lag_ms=8_000), STRICT))
    left, right = await site.linked_company()
    old = await site.connectors.left.inner.read("company", left)
    site.edit(RIGHT, right, title="Bea")
    await site.run()
    site.edit(RIGHT, right, town="Oslo")

    async def lags(send: Send) -> Record:
        return old

    site.connectors.left.next("read", lags)
    await site.rest()
    assert site.fields(RIGHT, right)["title"] == site.fields(LEFT, left)["name"] == "Bea"
    assert site.fields(LEFT, left)["city"] == "Oslo"


@pytest.mark.parametrize("abilities", [STRICT, TIME, NONE])
async def test_edits_arrive_however_a_system_orders_its_readings(abilities: Abilities) -> None:
    site = Site(abilities=Both(abilities, abilities))
    left, right = await site.linked_company()
    for number in range(3):
        site.edit(LEFT, left, phone=f"l{number}")
        site.edit(RIGHT, right, town=f"r{number}")
        await site.rest()
    assert (site.fields(RIGHT, right)["phone"], site.fields(LEFT, left)["city"]) == ("l2", "r2")
    assert site.holds() == []


async def test_a_hint_is_read_before_anything_is_decided() -> None:
    site = Site()
    site.connectors.left.hints = True
    id = site.put(LEFT, name="Ann")
    await site.run()
    assert ("read", "company", id) in site.connectors.left.log
    assert site.titles(RIGHT) == ["Ann"]
    site.edit(LEFT, id, phone="2")
    await site.run()
    [right] = site.systems.right.ids("company")
    assert site.fields(RIGHT, right)["phone"] == "2"


async def test_a_hint_of_what_is_known_already_costs_no_request() -> None:
    site = Site()
    site.connectors.left.hints = True
    site.put(LEFT, name="Ann")
    await site.rest()
    site.forget_requests()
    await site.run(full=True)
    assert site.sent("read", "create", "update") == []


async def test_nothing_is_created_while_its_partner_may_be_among_records_that_are_not_read_yet() -> None:
    site = Site()
    site.connectors.left.hints = site.connectors.right.hints = True
    for number in range(12):
        site.put(LEFT, name=f"Ann {number}", mail=f"a{number}@x.example")
        site.put(RIGHT, title=f"Ann {number}", mail=f"a{number}@x.example")
    await site.run()
    assert site.sent("create") == []
    assert len(site.links()) == 12


async def test_a_record_that_cannot_be_read_keeps_creates_on_its_side_waiting() -> None:
    site = Site()
    site.connectors.right.hints = True
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.put(RIGHT, title="Ann", mail="a@x.example")
    site.connectors.right.next("read", *[raising(BadAnswer("HTML"))] * 3)
    await site.run()
    assert site.sent("create") == []
    await site.rest()
    assert (site.sent("create"), len(site.links())) == ([], 1)


async def test_a_listed_row_is_a_reading_of_what_was_known_from_a_hint_alone() -> None:
    site = Site()
    id = site.put(LEFT, name="Ann")
    await take(site, Record(id, version=1, complete=False))
    await observe(site.runner.engine, LEFT, "company")
    seen = site.sighting(LEFT, id)
    assert seen is not None
    assert (seen.fields["name"], seen.seen_ms) == ("Ann", site.now)


async def test_a_record_that_is_gone_before_it_was_ever_read_keeps_nothing_waiting() -> None:
    site = Site()
    id = site.put(RIGHT, title="Gone", mail="g@x.example")
    engine = site.runner.engine
    hint = Record(id, version=1, complete=False)
    await site.store.write(lambda tx: take_records(engine, tx, RIGHT, "company", [hint]))
    site.systems.right.remove("company", id)
    site.put(LEFT, name="Ann")
    await site.rest()
    assert site.titles(RIGHT) == ["Ann"]
    assert site.holds() == []


async def test_a_tombstone_is_believed_as_it_is() -> None:
    site = Site(pair(on_delete="retire"))
    left, right = await site.linked_company()
    site.put(LEFT, name="Other", mail="o@x.example")
    site.systems.left.remove("company", left)
    await site.run()
    assert site.fields(RIGHT, right)["active"] is False
    seen = site.sighting(LEFT, left)
    assert seen is not None
    assert seen.deleted
    assert seen.fields["name"] == "Ann", "what it held is kept"


async def test_nothing_is_created_beside_what_a_listing_said_and_no_reading_has_confirmed() -> None:
    site = Site(abilities=Both(STRICT, NONE))
    _, right = await site.linked_company()
    site.edit(RIGHT, right, mail="new@x.example")
    site.put(LEFT, name="Ann too", mail="new@x.example")
    site.connectors.right.next("read", *[raising(RetryLater("not now"))] * 3)
    await site.run(later_ms=30_000)
    await site.rest()
    assert site.titles(RIGHT) == ["Ann"]
    assert [hold.cause for hold in site.holds()] == ["ambiguous"]


async def test_nothing_is_created_beside_a_record_that_seemed_to_be_gone_and_is_listed_after_all() -> None:
    site = Site()
    right = site.put(RIGHT, title="Ann", mail="ann@x.example")
    site.connectors.right.unlisted = {right}
    site.connectors.right.next("read", *[raising(Gone("there is no such company"))] * 2)
    hint, engine = Record(right, version=1, complete=False), site.runner.engine
    await site.store.write(lambda tx: take_records(engine, tx, RIGHT, "company", [hint]))
    await site.run()
    site.connectors.right.unlisted = set()
    site.put(LEFT, name="Ann", mail="ann@x.example")
    site.connectors.right.next("read", *[raising(RetryLater("not now"))] * 3)
    await site.run(full=True)
    await site.rest()
    assert site.titles(RIGHT) == ["Ann"]
    assert len(site.links()) == 1


# --- Complete listings

QUIET = Both(replace(STRICT, tombstones=False), replace(STRICT, tombstones=False))


async def test_a_row_that_is_missing_from_a_complete_listing_is_read_and_not_believed_gone() -> None:
    site = Site(pair(on_delete="retire"), abilities=QUIET)
    left, right = await site.linked_company()
    site.put(LEFT, name="Other", mail="o@x.example")
    site.put(LEFT, name="More", mail="m@x.example")
    await site.run(full=True)
    site.forget_requests()
    site.systems.left.remove("company", left)
    report = await site.run(full=True)
    assert report.observed[LEFT, "company"].missing == 1
    assert site.connectors.left.log.count(("read", "company", left)) == 2, "asked twice"
    assert site.fields(RIGHT, right)["active"] is False


async def test_complete_listings_at_short_intervals_do_not_put_off_an_edit() -> None:
    site = Site(abilities=Both(replace(NONE, read_lag_ms=8_000), STRICT))
    left, right = await site.linked_company()
    site.edit(LEFT, left, name="Bea")
    for _ in range(8):
        await site.run(3_000, full=True)
    assert site.fields(RIGHT, right)["title"] == "Bea"


async def test_complete_listings_at_short_intervals_do_not_put_off_a_delete() -> None:
    abilities = replace(STRICT, tombstones=False, read_lag_ms=8_000)
    site = Site(abilities=Both(abilities, abilities))
    site.put(LEFT, name="Bea")
    left, _ = await site.linked_company()
    await site.rest()
    site.systems.left.remove("company", left)
    for _ in range(8):
        await site.run(3_000, full=True)
    seen = site.sighting(LEFT, left)
    assert seen is not None
    assert seen.deleted


async def test_a_missing_row_whose_record_is_there_changes_nothing() -> None:
    site = Site(pair(on_delete="retire"), abilities=QUIET)
    left, right = await site.linked_company()
    site.put(LEFT, name="Other", mail="o@x.example")
    await site.run()
    site.forget_requests()
    site.connectors.left.unlisted = {left}
    report = await site.run(full=True)
    assert report.observed[LEFT, "company"].missing == 1
    assert site.written(RIGHT) == []
    assert site.fields(RIGHT, right)["active"] is None
    assert site.todo() == []


async def test_a_delete_is_not_believed_while_other_known_records_are_missing_too() -> None:
    site = Site(pair(on_delete="retire"), abilities=QUIET)
    await site.linked_company()
    for n in range(4):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example")
    await site.run()
    site.forget_requests()
    kept = {id: site.fields(LEFT, id) for id in site.systems.left.ids("company")}
    for id in kept:
        site.systems.left.remove("company", id)
    await site.run(full=True, released=frozenset({"company:empty"}))
    assert site.written(RIGHT) == []
    assert all(site.fields(RIGHT, link.ids.right)["active"] is not False for link in site.links())


@pytest.mark.parametrize("who", ["a person", "instep"])
async def test_what_has_come_since_a_record_was_last_shown_says_nothing_of_its_being_gone(who: str) -> None:
    site = Site(pair(on_delete="retire"), abilities=QUIET)
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)  # as a system that lost what it held
    for n in range(3):
        if who == "instep":
            site.put(RIGHT, title=f"N{n}", mail=f"{n}@x.example")
        else:
            site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example")
    for _ in range(3):
        await site.run(later_ms=5_000, full=True, released=frozenset({"company:empty"}))
    assert site.fields(RIGHT, right)["active"] is not False
    assert [hold.cause for hold in site.holds()] == ["deleted"]


async def test_an_answered_write_is_no_showing_of_what_it_has_written() -> None:
    sure = Both(replace(QUIET.left, conditional=True), QUIET.right)  # nothing is read before it is written
    site = Site(pair(on_delete="retire"), abilities=sure)
    left, right = await site.linked_company()
    site.put(LEFT, name="Other", mail="o@x.example")
    site.edit(RIGHT, right, phone="2")
    site.connectors.left.unlisted = {left}
    await site.run(5_000)
    assert site.fields(LEFT, left)["phone"] == "2"
    site.systems.left.remove(
        "company", left
    )  # as a system that takes writes, and shows nothing of what it held
    for _ in range(3):
        await site.run(later_ms=5_000, full=True, released=frozenset({"company:empty"}))
    assert site.fields(RIGHT, right)["active"] is not False
    assert [hold.cause for hold in site.holds()] == ["deleted"]


async def test_the_last_known_record_is_believed_gone_only_by_a_person() -> None:
    site = Site(pair(on_delete="retire"), abilities=QUIET)
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)
    released = frozenset({"company:empty"})
    await site.run(full=True, released=released)
    assert site.fields(RIGHT, right)["active"] is not False
    [hold] = site.holds()
    assert hold.cause == "deleted"
    await site.release(hold, "retire")
    await site.run(released=released)
    assert site.fields(RIGHT, right)["active"] is False
    assert site.holds() == []


async def test_a_listing_that_broke_off_goes_on_where_it_was() -> None:
    site = Site(page_size=2)
    for n in range(6):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example")
    breaking_off(site.connectors.left, 3)
    report = await site.run()
    assert list(report.troubles) == ["left:company"]
    assert (report.observed[LEFT, "company"].rows, report.written) == (4, 0)
    assert site.store.read(lambda tx: tx.cursor(LEFT, "company")) is not None
    mended(site.connectors.left)
    report = await site.run()
    assert report.observed[LEFT, "company"].rows == 2
    assert (report.observed[LEFT, "company"].complete, report.written) == (True, 6)
    assert (report.observed[LEFT, "company"].missing, report.brakes) == (0, [])


async def test_what_was_listed_before_a_break_is_not_missing_after_it() -> None:
    site = Site(pair(on_delete="retire"), abilities=QUIET, page_size=2)
    for n in range(6):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example")
    await site.run()
    breaking_off(site.connectors.left, 3)
    await site.run(full=True)
    mended(site.connectors.left)
    for id in site.systems.left.ids("company")[4:]:
        site.systems.left.remove("company", id)
    report = await site.run()
    assert report.observed[LEFT, "company"].missing == 2
    assert report.brakes == [], "the rest of the listing was empty, the side is not"
    assert (
        len([id for id in site.systems.right.ids("company") if site.fields(RIGHT, id)["active"] is False])
        == 2
    )


async def test_a_field_that_was_not_mapped_before_is_read_for_all_records() -> None:
    site = Site(replace(pair(), properties=(PROPERTIES[0], PROPERTIES[3])))
    site.put(LEFT, name="Ann", mail="a@x.example", phone="7")
    await site.run()
    [right] = site.systems.right.ids("company")
    assert site.fields(RIGHT, right)["phone"] is None
    site.dataflow = replace(site.dataflow, pairs=(pair(),))
    site.new_runner()
    report = await site.run()
    assert report.observed[LEFT, "company"].complete
    assert site.fields(RIGHT, right)["phone"] == "7"
    assert not (await site.run()).observed[LEFT, "company"].complete


async def test_when_a_field_was_edited_is_kept_apart_from_when_others_were() -> None:
    site = Site()
    id = await observed_once(site)
    site.now += 5_000
    site.edit(LEFT, id, phone="2")
    phone_ms = site.now
    await observe(site.runner.engine, LEFT, "company")
    site.now += 5_000
    site.edit(LEFT, id, name="Bea")
    await observe(site.runner.engine, LEFT, "company")
    seen = site.sighting(LEFT, id)
    assert seen is not None
    assert seen.edits["phone"] == (phone_ms, phone_ms)
    assert seen.edits["name"] == (site.now, site.now)


async def test_two_fields_that_changed_between_two_readings_share_an_interval() -> None:
    site = Site()
    id = await observed_once(site)
    first_ms = site.now
    site.now += 5_000
    site.edit(LEFT, id, phone="2")
    site.edit(LEFT, id, name="Bea")
    await observe(site.runner.engine, LEFT, "company")
    seen = site.sighting(LEFT, id)
    assert seen is not None
    assert seen.edits["phone"] == seen.edits["name"] == (first_ms, site.now)


async def test_what_cannot_be_read_is_retried_later() -> None:
    site = Site()
    site.connectors.left.hints = True
    site.put(LEFT, name="Ann")
    site.connectors.left.next("read", raising(RetryLater("busy")))
    report = await site.run()
    assert report.failed["company"] == 1
    await site.rest()
    assert site.titles(RIGHT) == ["Ann"]


async def test_a_hint_takes_back_nothing_that_a_listing_told() -> None:
    """A record gets the address of one that is about to be created beside it; it is yet to be read when a hint of it
    comes."""
    site = Site(abilities=Both(replace(NONE, read_lag_ms=8_000), STRICT))
    left, _ = await site.linked_company()
    await site.rest()
    site.edit(LEFT, left, mail="b@x.example")
    await observe(site.runner.engine, LEFT, "company")
    await take(site, Record(left, complete=False))
    site.put(RIGHT, title="Bea", mail="b@x.example")
    await site.rest()
    assert site.systems.left.ids("company") == [left]


async def told_otherwise(site: Site) -> tuple[str, Record]:
    """A linked company of which a listing told another address, as of the version that is known already, and which
    is yet to be read; and what it is like. Another company of that address is about to be created beside it."""
    left, _ = await site.linked_company()
    await site.rest()
    record = await site.connectors.left.read("company", left)
    await take(site, replace(record, fields={**record.fields, "mail": "b@x.example"}))
    seen = site.sighting(LEFT, left)
    assert seen is not None
    assert seen.unread
    site.put(RIGHT, title="Bea", mail="b@x.example")
    return left, record


async def test_what_a_listing_told_is_over_once_the_record_is_read_as_it_was_known() -> None:
    site = Site(abilities=Both(NONE, STRICT))
    await told_otherwise(site)
    await site.rest()
    assert site.titles(LEFT) == ["Ann", "Bea"]


async def test_what_a_listing_told_is_over_once_a_later_row_shows_the_record_as_it_was_known() -> None:
    site = Site()
    _, record = await told_otherwise(site)
    assert record.version is not None
    await take(site, replace(record, version=record.version + 1))
    await site.rest()
    assert site.titles(LEFT) == ["Ann", "Bea"]


async def test_what_a_listing_told_while_the_record_was_read_is_not_over_with_that_reading() -> None:
    """The answer shows another edit than the one that was told, which came after it."""
    site = Site()
    left, _ = await site.linked_company()
    await site.rest()
    before = await site.connectors.left.read("company", left)

    async def told_meanwhile(send: Send) -> Record:
        record: Record = await send()
        site.now += 10
        await take(
            site, replace(record, fields={**record.fields, "mail": "b@x.example"}, version=before.version)
        )
        return record

    site.edit(LEFT, left, name="Eve")
    site.connectors.left.next("read", told_meanwhile)
    await read_record(site.runner.engine, LEFT, "company", left, "company")
    right = site.put(RIGHT, title="Bea", mail="b@x.example")
    await observe(site.runner.engine, RIGHT, "company")
    [case] = [action for action in site.plan() if action.key == Key("company", RIGHT, right)]
    assert case.verdict.note == f"{left} in Left has not been read yet, and may be its partner"
