"""Brakes: what stops which kind of change, how long, and what a person's word does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from instep.core.dataflow import Brakes, Limit
from instep.core.model import Both
from instep.core.state import Hold
from instep.core.values import Json
from instep.errors import RetryLater
from instep.runner.brakes import CAUSE, brake_key, drop_brake, release_brake
from instep.runner.forget import forget, places_of

from .site import LEFT, RIGHT, STRICT, Site, only, pair, raising, with_dropped_person


def many(site: Site, count: int) -> None:
    """New companies on the left."""
    for n in range(count):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example", phone=f"1-{n}", city=f"City {n}")


async def linked_many(brakes: Brakes, count: int = 20, **more: Any) -> Site:
    """That many linked companies, with these brakes on."""
    site = Site(pair(brakes=brakes, on_delete="retire"), **more)
    many(site, count)
    assert (await site.run()).brakes == []
    assert len(site.links()) == count
    site.forget_requests()
    return site


def edit(site: Site, count: int, start: int = 0, /, **changes: Json) -> None:
    """The same edit of so many of the left records."""
    for link in site.links()[start : start + count]:
        site.edit(LEFT, link.ids.left, **changes)


def take_back(site: Site, count: int) -> None:
    """So many left records have the phone number again that the right ones still have."""
    for link in site.links()[:count]:
        site.edit(LEFT, link.ids.left, phone=site.fields(RIGHT, link.ids.right)["phone"])


def held(site: Site) -> Hold:
    """The one brake that is held."""
    [hold] = [hold for hold in site.holds() if hold.cause == CAUSE]
    return hold


async def choose(site: Site, choice: str) -> int:
    hold = held(site)
    decide = {"release": release_brake, "drop": drop_brake}[choice]
    return await site.store.write(lambda tx: decide(tx, hold, site.now))


async def braked(site: Site, kind: str, count: int) -> None:
    """The next run is stopped by that brake, before its first write; released, it goes through."""
    report = await site.run()
    assert [(b.pair, b.kind, b.count) for b in report.brakes] == [("company", kind, count)]
    assert report.status == "braked"
    assert site.written(LEFT) == site.written(RIGHT) == []
    assert (held(site).property, held(site).id) == (kind, report.brakes[0].hold)
    await choose(site, "release")
    released = await site.run()
    assert (released.brakes, released.written) == ([], count)
    assert [hold for hold in site.holds() if hold.cause == CAUSE] == []


# --- Every kind


async def test_too_many_creates_are_stopped() -> None:
    site = await linked_many(only(create=Limit(2, 0.1)))
    for n in range(3):
        site.put(RIGHT, title=f"New {n}", mail=f"new{n}@x.example")
    await braked(site, "create", 3)


async def test_too_many_changes_are_stopped() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    for n, link in enumerate(site.links()[:3]):
        site.edit(LEFT, link.ids.left, phone=f"2-{n}")
    await braked(site, "change", 3)


async def test_too_many_retirements_are_stopped() -> None:
    site = await linked_many(only(retire=Limit(2, 0.1)))
    for link in site.links()[:3]:
        site.systems.left.remove("company", link.ids.left)
    await braked(site, "retire", 3)


async def test_too_many_retirements_are_stopped_where_a_list_only_leaves_out_what_is_gone() -> None:
    silent = Both(replace(STRICT, tombstones=False), STRICT)
    site = await linked_many(only(retire=Limit(2, 0.1)), abilities=silent)
    for link in site.links()[:3]:
        site.systems.left.remove("company", link.ids.left)
    report = await site.run(full=True)
    assert [(b.kind, b.count) for b in report.brakes] == [("retire", 3)]
    assert site.written(RIGHT) == []


async def test_too_many_emptied_values_are_stopped() -> None:
    site = await linked_many(only(clear=Limit(2, 0.1)))
    edit(site, 3, phone=None)
    await braked(site, "clear", 3)


async def test_one_value_in_place_of_too_many_others_is_stopped() -> None:
    site = await linked_many(only(same=Limit(2, 0.1)))
    edit(site, 3, city="Rome")
    await braked(site, "same:city", 3)


async def test_many_different_values_or_filled_gaps_are_not_the_same_value() -> None:
    site = await linked_many(only(same=Limit(2, 0.1), clear=Limit(2, 0.1)))
    for n, link in enumerate(site.links()):
        site.edit(LEFT, link.ids.left, city=f"Town {n}")
    assert (await site.run()).brakes == []
    edit(site, 2, city=None)
    assert (await site.run()).brakes == []
    edit(site, 20, city="Rome")
    assert [b.count for b in (await site.run()).brakes] == [18], "two of them had none"


async def test_as_many_as_a_brake_allows_go_through() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 2, phone="2")
    report = await site.run()
    assert (report.brakes, report.written) == ([], 2)


async def test_a_small_pair_is_not_stopped_by_the_shares_of_a_large_one() -> None:
    site = await linked_many(Brakes(), 8)
    edit(site, 8, city="Rome")
    assert (await site.run()).written == 8


async def test_a_large_mistake_is_stopped_by_the_defaults() -> None:
    site = await linked_many(Brakes(), 120)
    edit(site, 13, city="Rome")
    assert [b.kind for b in (await site.run()).brakes] == ["same:city"]


# --- Other kinds and pairs go on


async def test_what_is_not_of_the_stopped_kind_is_written_of_the_very_same_record() -> None:
    site = await linked_many(only(clear=Limit(2, 0.1)))
    edit(site, 3, phone=None, city="Rome")
    site.put(RIGHT, title="New", mail="new@x.example")
    report = await site.run()
    assert [b.kind for b in report.brakes] == ["clear"]
    assert {tuple(changes) for operation, _, changes in site.written(RIGHT) if operation == "update"} == {
        ("town",)
    }
    assert len(site.titles(LEFT)) == 21
    await choose(site, "release")
    await site.run()
    assert [site.fields(RIGHT, link.ids.right)["phone"] for link in site.links()[:3]] == [None] * 3


async def test_a_brake_of_one_pair_does_not_stop_the_others() -> None:
    site = Site(pair(brakes=only(first_create=Limit(0, 0.1))), pair("person"))
    site.put(LEFT, name="Ann")
    site.put(LEFT, "person", name="Bea")
    report = await site.run()
    assert [b.pair for b in report.brakes] == ["company"]
    assert report.writes == {("person", "create", RIGHT): 1}


# --- First runs


async def test_the_first_run_has_limits_of_its_own() -> None:
    site = Site(pair(brakes=only(first_create=Limit(2, 0.5))))
    many(site, 3)
    assert [b.kind for b in (await site.run()).brakes] == ["create"]
    assert site.titles(RIGHT) == []


async def test_a_first_load_does_not_count_for_what_comes_after_it() -> None:
    site = await linked_many(Brakes(), 30)
    site.put(LEFT, name="New", mail="new@x.example")
    report = await site.run()
    assert (report.brakes, report.written) == ([], 1)


# --- Drips


async def test_many_small_runs_within_an_hour_are_one_large_one() -> None:
    site = await linked_many(only(change=Limit(3, 0.1)))
    for n in range(3):
        edit(site, 1, n, phone="2")
        assert (await site.run()).written == 1
    edit(site, 1, 3, phone="2")
    assert [(b.kind, b.count) for b in (await site.run()).brakes] == [("change", 1)]
    assert "3 were" in held(site).why


async def test_one_record_that_changes_all_the_time_is_one_record() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    for n in range(6):
        edit(site, 1, phone=f"2-{n}")
        assert (await site.run()).written == 1


async def test_what_was_written_more_than_an_hour_ago_counts_no_more() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 2, phone="2")
    await site.run()
    edit(site, 2, 2, phone="2")
    report = await site.run(later_ms=3_700_000)
    assert (report.brakes, report.written) == ([], 2)


async def test_what_only_shows_while_a_run_is_going_on_is_counted_too() -> None:
    """Persons wait for their companies, so that no plan of the first run foresees their making."""
    site = Site(pair(), pair("person", brakes=only(first_create=Limit(4, 0.5)), after=("company",)))
    for n in range(6):
        site.put(LEFT, "person", name=f"P{n}", mail=f"p{n}@x.example")
    report = await site.run()
    assert len(site.titles(RIGHT, "person")) <= 4
    assert [b.kind for b in report.brakes] == ["create"]


# --- Latch, release, drop


async def test_a_tripped_brake_stays_until_a_person_decides_even_if_less_is_left() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 3, phone="2")
    await site.run()
    before = held(site)
    take_back(site, 2)
    report = await site.run(later_ms=7_200_000)
    assert (report.written, [b.count for b in report.brakes]) == (0, [1])
    assert (held(site).id, held(site).since_ms) == (before.id, before.since_ms)


async def test_a_brake_goes_away_by_itself_when_nothing_of_its_kind_is_left() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 3, phone="2")
    await site.run()
    take_back(site, 3)
    report = await site.run()
    assert (report.brakes, site.holds()) == ([], [])


async def test_a_release_lets_go_what_was_counted_and_nothing_else() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 3, phone="2")
    await site.run()
    await choose(site, "release")
    edit(site, 3, 3, phone="2")
    report = await site.run()
    assert (report.written, [(b.kind, b.count) for b in report.brakes]) == (3, [("change", 3)])
    assert [site.fields(RIGHT, link.ids.right)["phone"] for link in site.links()[:3]] == ["2"] * 3


async def test_what_two_brakes_have_counted_is_written_when_both_are_released() -> None:
    site = await linked_many(only(change=Limit(2, 0.1), clear=Limit(2, 0.1)))
    edit(site, 3, phone=None)
    kinds = [("change", 3), ("clear", 3)]
    assert [(b.kind, b.count) for b in (await site.run()).brakes] == kinds
    for kind, left in (("change", kinds[1:]), ("clear", [])):
        [hold] = [hold for hold in site.holds() if hold.property == kind]
        assert await site.store.write(lambda tx, hold=hold: release_brake(tx, hold, site.now)) == 3
        for again in (1, 0):
            report = await site.run(full=not again)
            written = 0 if left or not again else 3
            assert (report.written, [(b.kind, b.count) for b in report.brakes]) == (written, left)
    assert site.store.read(lambda tx: tx.releases_of(brake_key("company"))) == []


async def test_a_brake_may_be_released_again_while_another_holds_what_it_has_let_go() -> None:
    site = await linked_many(only(change=Limit(2, 0.1), clear=Limit(2, 0.1)))
    edit(site, 3, phone=None)
    await site.run()
    for kind in ("change", "change", "clear"):
        for hold in [hold for hold in site.holds() if hold.property == kind]:
            await site.store.write(lambda tx, hold=hold: release_brake(tx, hold, site.now))
        if kind == "change":
            edit(site, 3, 3, phone="2")
        await site.run()
    assert [site.fields(RIGHT, link.ids.right)["phone"] for link in site.links()[:6]] == [None] * 3 + [
        "2"
    ] * 3
    assert [hold for hold in site.holds() if hold.cause == CAUSE] == []


async def test_what_was_released_and_could_not_be_written_yet_stays_let_go() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 3, phone="2")
    await site.run()
    await choose(site, "release")
    site.connectors.right.next("update", *[raising(RetryLater("not now", why="maintenance"))] * 3)
    report = await site.run()
    assert (report.written, report.brakes) == (0, [])
    await site.rest()
    assert [site.fields(RIGHT, link.ids.right)["phone"] for link in site.links()[:3]] == ["2"] * 3
    assert site.store.read(lambda tx: tx.releases_of(brake_key("company"))) == []


async def test_an_approved_plan_of_others_ends_no_release() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 3, phone="2")
    await site.run()
    await choose(site, "release")
    await site.run(approved=frozenset())
    report = await site.run()
    assert (report.written, report.brakes) == (3, [])


async def test_what_was_released_counts_for_no_later_run() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 5, phone="2")
    await site.run()
    await choose(site, "release")
    assert (await site.run()).written == 5
    edit(site, 2, 5, phone="2")
    report = await site.run()
    assert (report.brakes, report.written) == ([], 2)


async def test_what_was_dropped_stays_as_it_is_until_it_changes_again() -> None:
    site = await linked_many(only(clear=Limit(2, 0.1)))
    edit(site, 3, phone=None)
    await site.run()
    assert await choose(site, "drop") == 3
    report = await site.run()
    assert (report.brakes, report.written) == ([], 0)
    assert {hold.cause for hold in site.holds()} == {"ignored"}
    first = site.links()[0]
    site.edit(LEFT, first.ids.left, phone="9")
    assert (await site.run()).written == 1
    assert site.fields(RIGHT, first.ids.right)["phone"] == "9"


async def test_dropped_creates_and_retirements_are_left_alone_record_by_record() -> None:
    site = await linked_many(only(create=Limit(2, 0.1)))
    for n in range(3):
        site.put(RIGHT, title=f"New {n}", mail=f"new{n}@x.example")
    await site.run()
    await choose(site, "drop")
    assert ((await site.run()).written, len(site.titles(LEFT))) == (0, 20)
    site.edit(RIGHT, site.systems.right.ids("company")[-1], phone="5")
    assert (await site.run()).written == 1

    site = await linked_many(only(retire=Limit(2, 0.1)))
    gone = site.links()[:3]
    for link in gone:
        site.systems.left.remove("company", link.ids.left)
    await site.run()
    await choose(site, "drop")
    for _ in range(2):
        assert ((await site.run(full=True)).written, {h.cause for h in site.holds()}) == (0, {"ignored"})
    assert all(site.fields(RIGHT, link.ids.right)["active"] is not False for link in gone)


async def test_a_dropped_create_is_left_alone_whether_its_reference_can_be_written_or_not() -> None:
    site = await with_dropped_person()
    for _ in range(2):
        await site.run(released=frozenset({"person:create"}))
        assert site.titles(RIGHT, "person") == []
    assert {(h.key.pair, h.cause) for h in site.holds()} == {("company", CAUSE), ("person", "ignored")}


async def test_an_approved_plan_is_braked_by_nothing_and_counts_for_nothing() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 5, phone="2")
    await site.run()
    approved = frozenset(f for action in site.plan() for f in action.fingerprints)
    report = await site.run(approved=approved)
    assert (report.written, report.brakes, site.holds()) == (5, [], [])
    edit(site, 2, 5, phone="2")
    assert (await site.run()).written == 2


async def test_a_brake_that_is_let_go_by_name_lets_all_of_its_kind_go_for_one_run() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 3, phone="2")
    await site.run()
    edit(site, 1, 3, phone="2")
    report = await site.run(released=frozenset({"company:change"}))
    assert (report.written, report.brakes, site.holds()) == (4, [], [])
    edit(site, 3, phone="3")
    assert [b.kind for b in (await site.run()).brakes] == ["change"]


async def test_what_a_person_chose_is_neither_stopped_nor_counted() -> None:
    site = Site(pair(brakes=only(change=Limit(2, 0.1), same=Limit(2, 0.1)), policy="hold"))
    many(site, 6)
    await site.run()
    for link in site.links():
        site.edit(LEFT, link.ids.left, phone="2")
        site.edit(RIGHT, link.ids.right, phone="3")
    await site.run()
    for hold in site.holds():
        await site.release(hold, "left")
    report = await site.run()
    assert (report.brakes, report.written) == ([], 6)
    edit(site, 2, city="Rome")
    assert (await site.run()).written == 2


async def test_a_plan_tells_of_a_brake_and_keeps_nothing() -> None:
    site = await linked_many(only(change=Limit(2, 0.1)))
    edit(site, 3, phone="2")
    report = await site.run(act=False)
    assert [(b.kind, b.count, b.hold) for b in report.brakes] == [("change", 3, 0)]
    assert site.holds() == []


async def test_a_person_who_is_forgotten_is_in_no_example_of_a_brake() -> None:
    site = await linked_many(only(create=Limit(2, 0.1)))
    new = [site.put(LEFT, name=f"New {n}", mail=f"new{n}@x.example") for n in range(4)]
    await site.run()
    assert "new0@x.example" in str(held(site).values)
    site.systems.left.remove("company", new[0])
    await site.run(act=False)
    engine, [company] = site.runner.engine, site.dataflow.pairs
    await site.store.write(lambda tx: forget(engine, tx, places_of(engine, tx, company, LEFT, new[0])))
    assert "new0@x.example" not in str(held(site).values)
    assert "new1@x.example" in str(held(site).values)


# --- A side that is suddenly empty


def silent_about_deletes(**brakes: Limit) -> Site:
    """A left side whose listing doesn't name what was deleted."""
    made = pair(on_delete="retire", brakes=only(**{"empty": Limit(2, 0.9), **brakes}))
    return Site(made, abilities=Both(replace(STRICT, tombstones=False), STRICT))


async def emptied(count: int = 3) -> Site:
    site = silent_about_deletes()
    many(site, count)
    await site.run()
    site.forget_requests()
    for id in site.systems.left.ids("company"):
        site.systems.left.remove("company", id)
    return site


async def test_a_side_that_is_suddenly_empty_stops_its_pair() -> None:
    site = await emptied()
    report = await site.run(full=True)
    assert [b.kind for b in report.brakes] == ["empty"]
    assert site.written(RIGHT) == []
    await site.run()
    assert site.written(RIGHT) == [], "it stays so until a person says otherwise"
    assert "lists none of 3" in held(site).what


async def test_a_side_with_hardly_a_record_left_is_as_good_as_empty() -> None:
    site = silent_about_deletes()
    many(site, 30)
    await site.run()
    for id in site.systems.left.ids("company")[:28]:
        site.systems.left.remove("company", id)
    assert [(b.kind, b.count) for b in (await site.run(full=True)).brakes] == [("empty", 28)]


async def test_a_side_whose_records_come_back_is_gone_on_with_by_itself() -> None:
    site = silent_about_deletes()
    many(site, 4)
    await site.run()
    site.connectors.left.unlisted = set(site.systems.left.ids("company"))
    assert [b.kind for b in (await site.run(full=True)).brakes] == ["empty"]
    edit(site, 1, phone="2")
    assert (await site.run()).written == 0
    site.connectors.left.unlisted = set()
    report = await site.run(full=True)
    assert (report.brakes, report.written, site.holds()) == ([], 1, [])


async def test_a_side_that_was_empty_from_the_start_stops_nothing() -> None:
    site = silent_about_deletes()
    site.put(RIGHT, title="Ann", mail="a@x.example")
    assert (await site.run(full=True)).brakes == []
    site.put(RIGHT, title="Bea", mail="b@x.example")
    assert (await site.run()).brakes == []
    assert site.titles(LEFT) == ["Ann", "Bea"]


@pytest.mark.parametrize("by_name", [True, False])
async def test_a_side_that_a_person_said_is_rightly_empty_is_filled_again(by_name: bool) -> None:
    site = await emptied()
    if by_name:
        await site.run(full=True, released=frozenset({"company:empty"}))
    else:
        await site.run(full=True)
        await choose(site, "release")
        await site.run()
    assert [hold for hold in site.holds() if hold.cause == CAUSE] == []
    site.put(LEFT, name="New", mail="new@x.example")
    report = await site.run()
    assert report.brakes == []
    assert "New" in site.titles(RIGHT)
