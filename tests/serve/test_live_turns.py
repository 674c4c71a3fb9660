"""What goes first, what waits, and what a person says about it while the loop goes on."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from instep.errors import UsageError
from instep.runner.report import Progress, Wish
from instep.runner.undo import Scope, choose_ways_back, ways_back
from instep.serve.finish import Finish
from instep.site import opened
from tests.cli.company import LONG_AGO_S, Company, company
from tests.serve.living import LEFT, at_rest, has_read, living, readings, until

PEOPLE, CROWD = 24, 60


def settle(made: Company) -> None:
    """Some people that are in step, and no brake on creates."""
    for number in range(PEOPLE):
        made.customer(f"c{number}", f"First{number}", "Berg", f"c{number}@example.test")
    file = made.directory / "dataflow.yaml"
    many = "    left: customer\n    brakes: {create_count: 1000}\n"
    file.write_text(file.read_text().replace("    left: customer\n", many))
    assert made.run("sync").exit_code == 0


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(tmp_path_factory.mktemp("turns")) as made:
        settle(made)
        yield made


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Company]:
    with company(tmp_path) as made:
        settle(made)
        yield made


def first_name(crew: Company, number: int) -> str:
    return str(crew.in_erp()[f"c{number}@example.test"]["given_name"])


def arrive(crew: Company) -> None:
    """Sixty more people, unless they have come before."""
    if "n0@example.test" not in crew.in_erp():
        times = {"created_at": LONG_AGO_S, "updated_at": int(time.time())}
        each = {"first_name": "New", **times}
        rows = [{"id": f"n{n}", "email": f"n{n}@example.test", **each} for n in range(CROWD)]
        crew.chargebee.load({"customers": rows})


def everyone() -> list[str]:
    return [f"c{number}" for number in range(PEOPLE)] + [f"n{number}" for number in range(CROWD)]


def has_arrived(crew: Company) -> bool:
    return len(crew.in_erp()) == PEOPLE + CROWD


@pytest.mark.parametrize("turn_ms", [500, 60_000])
async def test_a_hinted_edit_goes_before_a_long_backlog(fresh: Company, turn_ms: int) -> None:
    """Sixty records are made at a slow system, sixteen at a time, in many turns or in one; an edit does not wait
    for them."""
    fresh.erp.add_fault({"kind": "latency", "seconds": 3}, match={"method": "POST"}, times=CROWD)
    arrive(fresh)
    async with living(fresh.directory, slow_ms=1_000, busy_ms=500, turn_ms=turn_ms) as (live, site):
        await until(lambda: len(fresh.in_erp()) > PEOPLE)
        fresh.edit_chargebee("c0", first_name="Before")
        await live.hint(LEFT, "customer", ["c0"])
        await until(lambda: first_name(fresh, 0) == "Before")
        assert not has_arrived(fresh)
        fresh.erp.clear_faults()
        await until(
            lambda: len(fresh.in_erp()) > PEOPLE + CROWD - 4
        )  # a write without an answer takes its time
        assert site.store.read(lambda tx: tx.count_holds("contact")) == {}


async def test_a_mass_change_is_stopped_before_its_first_write_and_goes_on_when_released(
    crew: Company,
) -> None:
    async with living(crew.directory, slow_ms=300, busy_ms=300) as (live, site):
        arrive(crew)
        await until(lambda: has_arrived(crew))
        await at_rest(live)
        for number in range(PEOPLE):
            crew.edit_chargebee(f"c{number}", last_name="Dahl")
        for number in range(CROWD):
            crew.edit_chargebee(f"n{number}", last_name="Dahl")
        await until(lambda: has_read(site, everyone(), "last_name", "Dahl"))
        await until(lambda: site.store.read(lambda tx: tx.holds(cause="brake")))
        await at_rest(live)
        edited = len([row for row in crew.in_erp().values() if row["family_name"] == "Dahl"])
        assert edited <= (PEOPLE + CROWD) / 4
        looked, polls = live._runner.run.report.looked["contact"], readings(live, LEFT, "customer")
        await until(lambda: len(polls) >= 3)
        assert polls == [0] * len(polls)
        # What is held is not looked at again and again.
        assert live._runner.run.report.looked["contact"] == looked
        words = ("holds", "release", "--pair", "contact", "--cause", "brake", "--choose", "release")
        answered = await asyncio.to_thread(crew.run, *words)
        assert answered.exit_code == 0, answered.output
        await until(lambda: all(row["family_name"] == "Dahl" for row in crew.in_erp().values()))
        await at_rest(live)
        assert site.store.read(lambda tx: tx.holds(cause="brake")) == []


async def test_a_paused_pair_waits_also_after_a_restart_and_the_journal_says_who_did_it(
    crew: Company,
) -> None:
    async with living(crew.directory) as (live, site):
        await live.pause("contact", "Ada")
        await live.pause("contact", "Olaf")
        with pytest.raises(UsageError):
            await live.pause("elsewhere", "Ada")
        assert live.paused() == {"contact": "Ada"}
    async with living(crew.directory) as (live, site):
        assert live.paused() == {"contact": "Ada"}
        await at_rest(live)
        crew.edit_chargebee("c1", first_name="Paused")
        await live.hint(LEFT, "customer", ["c1"])
        await at_rest(live)
        assert first_name(crew, 1) == "First1"
        await live.resume("contact", "Olaf")
        await until(lambda: first_name(crew, 1) == "Paused")
        entries = site.store.read(lambda tx: tx.journal(pair="contact", limit=200))
        told = [(e.operation, e.reason) for e in entries if e.operation in ("pause", "resume")]
        assert told == [("resume", "by Olaf"), ("pause", "by Ada")]


async def test_a_run_that_is_asked_for_does_what_a_hint_has_told_of_a_paused_pair(crew: Company) -> None:
    async with living(crew.directory) as (live, _):
        await live.pause("contact", "Ada")
        crew.edit_chargebee("c0", first_name="Wanted")
        await live.hint(LEFT, "customer", ["c0"])
        await at_rest(live)
        assert first_name(crew, 0) == "First0"
        assert (await live.ask(Wish())).written == 1
        assert first_name(crew, 0) == "Wanted"
        await live.resume("contact", "Ada")


async def test_in_quiet_hours_changes_are_read_and_nothing_is_written_by_itself(crew: Company) -> None:
    file = crew.directory / "instep.yaml"
    before, now = file.read_text(), datetime.now(UTC)
    hours = [f"{now + timedelta(hours=by):%H:%M}" for by in (-1, 1)]
    file.write_text(f'{before}\nserve:\n  quiet: {{begins: "{hours[0]}", ends: "{hours[1]}"}}\n')
    try:
        async with living(crew.directory, slow_ms=200, busy_ms=200) as (live, site):
            await until(lambda: live.now.quiet)
            crew.edit_chargebee("c2", first_name="Quiet")
            await until(lambda: any(site.store.read(lambda tx: tx.count_todo("contact"))))
            await at_rest(live)
            assert first_name(crew, 2) == "First2"
            await live.ask(Wish())
            assert first_name(crew, 2) == "Quiet"
    finally:
        file.write_text(before)


async def test_a_run_that_is_asked_for_is_done_beside_the_hints_and_told(crew: Company) -> None:
    async with living(crew.directory) as (live, site):
        await at_rest(live)
        crew.edit_chargebee("c3", first_name="Asked")
        report = await live.ask(Wish())
        assert (report.status, report.written, first_name(crew, 3)) == ("done", 1, "Asked")
        assert site.store.read(lambda tx: tx.run(report.run).kind) == "sync"  # type: ignore[union-attr]

        scope, approved = Scope(report.run), set()

        async def choose(engine: object) -> None:
            backs = list(ways_back(engine, scope))  # type: ignore[arg-type]
            approved.update(f for back in backs for f in back.action.fingerprints)
            await choose_ways_back(engine, scope)  # type: ignore[arg-type]

        await live.ask(Wish(act=False), choose)
        back = await live.ask(Wish(approved=frozenset(approved), kind="undo"))
        assert (back.written, first_name(crew, 3)) == (1, "First3")


async def test_commands_have_their_turn_beside_a_loop_that_has_nothing_to_do(crew: Company) -> None:
    async with living(crew.directory, linger_ms=1) as (live, _):
        await at_rest(live)
        crew.edit_chargebee("c4", first_name="Command")
        async with opened(crew.directory) as other:
            assert (await other.runner().run()).written == 1
            async with other.at_rest():
                crew.edit_chargebee("c4", first_name="Later")
                await live.hint(LEFT, "customer", ["c4"])
                await until(lambda: "has the lease" in live.now.trouble)
                assert first_name(crew, 4) == "Command"
        await until(lambda: first_name(crew, 4) == "Later")
        assert live.now.trouble == ""


async def test_whoever_watches_is_told_until_the_loop_ends(crew: Company) -> None:
    states: list[str] = []
    async with living(crew.directory) as (live, _):

        async def watch() -> None:
            async for now in live.subscribe():
                states.append(now.state)

        watching = asyncio.ensure_future(watch())
        await at_rest(live)
        await live.hint(LEFT, "customer", ["c5"])
        await until(lambda: "idle" in states)
    await watching
    assert states[-1] == "stopped"


def test_the_end_of_long_work_is_told_from_the_rate_of_late() -> None:
    finish, at_ms, told = Finish(), 1_000_000, None
    for count in range(1, 101):
        at_ms += 200
        told = finish.of(Progress("act", "contact", count, 400), at_ms)
        assert (told is None) is (count <= 20)
    assert told is not None
    assert abs(told - (at_ms + 300 * 200)) < 1_000
    assert finish.of(Progress("act", "order", 1, 50), at_ms) is None
    assert finish.of(Progress("read", "Chargebee order", 1), at_ms) is None
    assert re.fullmatch(r"\d+", str(told))


async def test_a_brake_that_is_released_while_a_turn_goes_on_is_let_go_after_it(crew: Company) -> None:
    async with living(crew.directory, slow_ms=300, busy_ms=300) as (live, site):
        arrive(crew)
        await until(lambda: has_arrived(crew))
        await at_rest(live)
        for number in range(PEOPLE):
            crew.edit_chargebee(f"c{number}", phone="", company=f"Company {number}")
        for number in range(CROWD):
            crew.edit_chargebee(f"n{number}", locale="nb-NO")
        await until(lambda: has_read(site, (f"n{n}" for n in range(CROWD)), "locale", "nb-NO"))
        await until(lambda: site.store.read(lambda tx: tx.holds(cause="brake")))
        await at_rest(live)
        crew.erp.add_fault({"kind": "latency", "seconds": 2}, match={"method": "PATCH"})
        words = ("holds", "release", "--pair", "contact", "--cause", "brake", "--choose", "release")
        for _ in range(2):
            answered = await asyncio.to_thread(crew.run, *words)
            assert answered.exit_code == 0, answered.output
            await until(lambda: site.store.read(lambda tx: tx.intents()))
        assert "turn" in live._runner._tasks
        crew.erp.clear_faults()
        await until(lambda: not site.store.read(lambda tx: tx.holds(cause="brake")))
        await at_rest(live)
        assert sum(row["language"] == "nb" for row in crew.in_erp().values()) == CROWD
