"""Whole runs: what one does, what stops it, and that nothing of it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from instep.connectors.contract import Page
from instep.core.model import Both, Side
from instep.errors import BadAnswer, InDoubt, LeaseLost, RetryLater, Stop, StoreError
from instep.runner.run import Progress, Runner, Wish
from instep.store.sqlite import open_store

from .site import LEFT, RIGHT, Scripted, Send, Site, after, before_answer, pair, raising, unanswered


async def test_records_of_both_sides_get_their_partners_and_the_report_counts_them() -> None:
    site = Site()
    site.put(LEFT, name="Ann", mail="ann@x.example")
    site.put(LEFT, name="Bea", mail="bea@x.example")
    site.put(RIGHT, title="Bea", mail="BEA@x.example")
    site.put(RIGHT, title="Cleo", mail="cleo@x.example")
    report = await site.run()
    assert site.titles(LEFT) == site.titles(RIGHT) == ["Ann", "Bea", "Cleo"]
    assert len(site.links()) == 3
    assert report.writes == {("company", "create", LEFT): 1, ("company", "create", RIGHT): 1}
    assert (report.written, report.status, report.linked["company"]) == (2, "done", 1)
    assert report.summary()["writes"][0]["count"] == 1  # type: ignore[index, call-overload]


async def test_a_second_run_writes_nothing_and_only_lists() -> None:
    site = Site()
    for n in range(5):
        site.put(LEFT, name=f"L{n}", mail=f"l{n}@x.example")
        site.put(RIGHT, title=f"R{n}", mail=f"r{n}@x.example")
    await site.run()
    site.forget_requests()
    report = await site.run()
    assert report.written == 0
    assert {operation for operation, _, _ in site.sent("list", "read", "create", "update", "find")} == {
        "list"
    }
    assert report.requests == {"Left": 1, "Right": 1}


@pytest.mark.parametrize("side", [LEFT, RIGHT])
async def test_one_edit_is_one_write_and_its_echo_none(side: Side) -> None:
    site = Site()
    ids = dict(zip(Side, await site.linked_company(), strict=True))
    site.edit(side, ids[side], phone="2")
    await site.run()
    await site.run()
    assert site.written(side.other) == [("update", ids[side.other], {"phone": "2"})]
    assert site.written(side) == []


async def test_a_run_that_only_plans_writes_nothing_and_leaves_everything_to_do() -> None:
    site = Site()
    site.put(LEFT, name="Ann", mail="a@x.example")
    report = await site.run(act=False)
    assert report.tallies["company"].writes == {("create", RIGHT): 1}
    assert site.sent("create") == []
    assert len(site.todo()) == 1
    assert (await site.run()).written == 1


async def test_only_the_pairs_that_were_asked_for_are_worked_on() -> None:
    site = Site(pair(), pair("person"))
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.put(LEFT, "person", name="Bea", mail="b@x.example")
    report = await site.run(pairs=("person",))
    assert report.writes == {("person", "create", RIGHT): 1}
    assert site.sent("list") == [("list", "person", "1"), ("list", "person", "1")]


def many(site: Site, count: int) -> None:
    """New companies on the left."""
    for n in range(count):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example")


# --- Approved plans


async def test_a_run_of_an_approved_plan_does_what_was_planned() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.put(RIGHT, title="Bea", mail="b@x.example")
    await site.run(act=False)
    approved = frozenset(f for action in site.plan() for f in action.fingerprints)
    assert len(approved) == 2
    report = await site.run(approved=approved)
    assert (report.written, report.skipped.total()) == (2, 0)
    assert site.fields(RIGHT, right)["phone"] == "2"


async def test_an_approved_plan_refuses_what_has_moved_since_and_the_next_run_takes_it_up() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    await site.run(act=False)
    approved = frozenset(f for action in site.plan() for f in action.fingerprints)
    site.edit(LEFT, left, phone="3")
    report = await site.run(approved=approved)
    assert (report.written, report.skipped["company"]) == (0, 1)
    assert site.fields(RIGHT, right)["phone"] == "1"
    assert (await site.run()).written == 1
    assert site.fields(RIGHT, right)["phone"] == "3"


async def test_an_approved_plan_makes_no_create_that_was_not_in_it() -> None:
    site = Site()
    site.put(LEFT, name="Ann")
    report = await site.run(approved=frozenset())
    assert (report.written, report.skipped["company"]) == (0, 1)
    assert (await site.run()).written == 1


async def test_what_a_failed_run_had_put_aside_is_taken_up_by_the_next() -> None:
    site = Site()
    many(site, 3)
    site.connectors.right.next("create", raising(Stop("the key was revoked")))
    await site.run(act=False)
    chosen = site.plan()[-1].fingerprints
    with pytest.raises(Stop):
        await site.run(approved=frozenset(chosen))
    site.new_runner()
    assert (await site.run()).written == 3


# --- Stopping and failing


async def test_a_stopped_run_loses_nothing() -> None:
    site = Site()
    many(site, 30)
    runner = site.runner
    site.connectors.right.next("create", before_answer(runner.stop))
    report = await site.run()
    assert report.status == "stopped"
    assert 1 <= report.written <= 2, "the calls that were on their way are finished"
    assert site.intents() == []
    site.new_runner()
    assert (await site.run()).written == 30 - report.written
    assert len(site.titles(RIGHT)) == 30


async def test_a_run_that_is_stopped_while_reading_goes_on_there() -> None:
    site = Site(page_size=2)
    many(site, 6)
    runner = site.runner

    def stop_at_second(entity: str, page: int) -> None:
        if page == 2:
            runner.stop()

    site.connectors.left.page_fault = stop_at_second
    report = await site.run()
    assert (report.status, report.written) == ("stopped", 0)
    site.connectors.left.page_fault = lambda entity, page: None
    site.new_runner()
    assert (await site.run()).written == 6


async def test_an_error_that_a_person_must_mend_ends_the_run_with_everything_saved() -> None:
    site = Site()
    many(site, 5)
    site.connectors.right.next("create", after(lambda: None), raising(Stop("the key was revoked")))
    with pytest.raises(Stop, match="revoked"):
        await site.run()
    assert site.store.read(lambda tx: tx.runs())[0].status == "failed"
    assert site.intents() == []
    assert len(site.titles(RIGHT)) == len(site.links())
    site.new_runner()
    await site.rest()
    assert len(site.titles(RIGHT)) == len(site.links()) == 5


async def test_an_error_that_a_person_must_mend_ends_the_run_while_reading_too() -> None:
    site = Site()
    many(site, 2)

    def refuse(entity: str, page: int) -> None:
        raise Stop("the key was revoked")

    site.connectors.left.page_fault = refuse
    with pytest.raises(Stop, match="revoked"):
        await site.run()
    site.connectors.left.page_fault = lambda entity, page: None
    await site.rest()
    assert len(site.links()) == 2


@pytest.mark.parametrize("error", [RetryLater("busy"), InDoubt("no answer"), BadAnswer("not JSON")])
async def test_an_entity_that_cannot_be_listed_is_reported_and_its_pair_left_alone(error: Exception) -> None:
    site = Site(pair(), pair("person"))
    site.put(LEFT, name="Ann")
    site.put(LEFT, "person", name="Bea")

    def refuse(entity: str, page: int) -> None:
        if entity == "company":
            raise error

    site.connectors.right.page_fault = refuse
    report = await site.run()
    assert list(report.troubles) == ["right:company"]
    assert report.writes == {("person", "create", RIGHT): 1}
    assert report.status == "done"


async def test_what_is_to_be_retried_waits_as_long_as_the_system_asked() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", raising(RetryLater("too many requests", after_ms=90_000)))
    report = await site.run()
    assert (report.written, report.failed["company"]) == (0, 1)
    [todo] = site.todo()
    assert (todo.due_ms - site.now, todo.attempts) == (90_000, 1)
    assert site.intents() == []
    assert (await site.run(later_ms=80_000)).written == 0
    assert (await site.run(later_ms=10_000)).written == 1
    assert site.fields(RIGHT, right)["phone"] == "2"


async def test_waits_grow_while_a_record_goes_on_failing() -> None:
    site = Site()
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    waits = []
    for _ in range(5):
        site.connectors.right.next("update", raising(RetryLater("busy")))
        await site.run(later_ms=3_600_000)
        waits.append(site.todo()[0].due_ms - site.now)
    assert waits[4] > waits[2] > waits[0]


async def test_progress_tells_reading_planning_and_acting() -> None:
    site = Site()
    many(site, 25)
    heard: list[Progress] = []
    runner = Runner(site.engine(), "test", heard.append)
    await runner.run(Wish(act=False))
    assert {p.phase for p in heard} == {"read", "plan"}
    await runner.run()
    assert {p.phase for p in heard} == {"read", "plan", "act"}
    assert heard[-1].count == heard[-1].total == 25


async def test_a_first_run_that_may_create_all_does_not_decide_on_each_record_beforehand() -> None:
    site = Site()
    many(site, 25)
    heard: list[Progress] = []
    report = await Runner(site.engine(), "test", heard.append).run()
    assert report.written == 25
    assert report.tallies == {}
    assert {p.phase for p in heard} == {"read", "act"}


# --- Two runners


async def test_a_second_runner_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    first = Site(store=open_store(str(tmp_path / "store"), threaded=False))
    second = Site(store=open_store(str(tmp_path / "store"), threaded=False))
    try:
        second.new_runner("second")
        many(first, 1)
        refusals: list[str] = []

        async def try_second() -> None:
            with pytest.raises(StoreError) as refused:
                await second.run()
            refusals.append(str(refused.value))

        async def at_create(send: Send) -> Any:
            await try_second()
            return await send()

        first.connectors.right.next("create", at_create)
        assert (await first.run()).written == 1
        assert "test has the lease" in refusals[0]
        assert second.sent("list", "create") == []
    finally:
        await first.store.close()
        await second.store.close()


async def test_a_runner_that_was_thought_dead_commits_nothing_any_more(tmp_path: Path) -> None:
    zombie = Site(store=open_store(str(tmp_path / "store"), threaded=False))
    successor = open_store(str(tmp_path / "store"), threaded=False)
    try:
        many(zombie, 3)

        async def taken_over(send: Send) -> Any:
            zombie.now += 10 * zombie.settings.lease_ms
            await successor.acquire("successor", zombie.now, 60_000)
            return await send()

        zombie.connectors.right.next("create", taken_over)
        with pytest.raises(LeaseLost):
            await zombie.run()
        assert len(zombie.sent("create")) <= 2, "at most what was on its way"
        assert zombie.links() == [], "nothing was saved after the lease was lost"
        assert zombie.intents() != [], "the successor finds the write in doubt"
    finally:
        await zombie.store.close()
        await successor.close()


async def test_the_wish_says_by_default_that_everything_is_worked_on() -> None:
    assert Wish() == Wish(approved=None, full=False, released=frozenset(), pairs=(), act=True)


class Hanging(Scripted):
    """Lists nothing until a test lets it; tells that it was asked."""

    begun: asyncio.Event

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        self.begun.set()
        await asyncio.Event().wait()
        async for page in super().list(entity, cursor):
            yield page


async def test_a_stop_cuts_a_reading_that_hangs() -> None:
    site = Site()
    site.put(LEFT, name="Ann", mail="a@x.example")
    sound = site.runner.engine.connectors
    hanging = Hanging(sound.left.inner, "Left")
    hanging.begun = asyncio.Event()
    site.runner.engine.connectors = Both(hanging, sound.right)
    running = asyncio.create_task(site.run())
    await hanging.begun.wait()
    site.runner.stop()
    report = await running
    assert (report.status, report.written) == ("stopped", 0)
    site.new_runner()
    await site.run()
    assert site.titles(RIGHT) == ["Ann"]


async def test_an_approved_run_writes_no_edit_to_a_record_of_which_it_found_out_that_it_was_made() -> None:
    site = Site()
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors[RIGHT].next("create", unanswered())
    await site.run()
    [right] = site.systems.right.ids("company")
    site.edit(LEFT, left, name="Bea")
    report = await site.run(60_000, approved=frozenset())
    assert [link.ids for link in site.links()] == [Both(left, right)], "the doubt is settled"
    assert (report.written, site.fields(RIGHT, right)["title"]) == (0, "Ann")
    await site.rest()
    assert site.fields(RIGHT, right)["title"] == "Bea"
