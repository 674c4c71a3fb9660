"""Runs: one at a time, one worker per record, and no more than was approved or is usual."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from instep.core import brakes as counting
from instep.core.dataflow import NO_BRAKES, Brakes, Limit
from instep.core.values import Json, digest
from instep.core.verdict import Write
from instep.errors import StoreError
from instep.runner import brakes, run
from instep.runner.engine import Claims
from instep.store import lease
from instep.store.group_commit import Group
from instep.store.sqlite import SqliteStore, open_store
from tests.runner.site import LEFT, RIGHT, Site, pair

from .checks import must, twice
from .notices import Notice, story
from .protection import Protection, put, wrap

MANY = 12
FEW = Limit(2, 0.1)


def only(**limits: Limit) -> Brakes:
    """No brakes but these."""
    return replace(NO_BRAKES, **limits)


async def linked(limits: Brakes) -> tuple[Site, list[tuple[str, str]]]:
    """Linked companies, with these brakes on."""
    site = Site(pair(brakes=limits, on_delete="retire"))
    for n in range(MANY):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example", phone=f"1-{n}", city=f"City {n}")
    await site.rest()
    site.forget_requests()
    return site, [(link.ids.left, link.ids.right) for link in site.links()]


def stopped(site: Site, most: int = 0) -> list[str]:
    """The law of brakes: no more than so many records were written."""
    written = {(side, id) for side in (LEFT, RIGHT) for _, id, _ in site.written(side)}
    return must("brakes", len(written) <= most, f"{len(written)} records were written, {most} may be")


def edits(kind: str, **changes: Json) -> Notice:
    """Three of the linked records get these values on the left, where two may."""

    async def tell() -> list[str]:
        site, ids = await linked(only(**{kind: FEW}))
        for n, (left, _) in enumerate(ids[:3]):
            site.edit(LEFT, left, **{k: v.format(n) if isinstance(v, str) else v for k, v in changes.items()})
        await site.run()
        return stopped(site)

    return story(tell)


async def too_many_creates() -> list[str]:
    site, _ = await linked(only(create=FEW))
    for n in range(3):
        site.put(RIGHT, title=f"New {n}", mail=f"new{n}@x.example")
    await site.run()
    return stopped(site)


async def too_many_retirements() -> list[str]:
    site, ids = await linked(only(retire=FEW))
    for left, _ in ids[:3]:
        site.systems.left.remove("company", left)
    await site.run()
    return stopped(site)


async def many_small_runs() -> list[str]:
    """One edit after the other, a run after each."""
    site, ids = await linked(only(change=FEW))
    for left, _ in ids[:6]:
        site.edit(LEFT, left, phone="2")
        await site.run()
    return stopped(site, 2)


async def some_taken_back() -> list[str]:
    """A brake has tripped, and some of what it stopped is taken back: the rest waits for a person all the same."""
    site, ids = await linked(only(change=FEW))
    for left, _ in ids[:3]:
        site.edit(LEFT, left, phone="2")
    await site.run()
    left, right = ids[0]
    site.edit(LEFT, left, phone=site.fields(RIGHT, right)["phone"])
    await site.run()
    return stopped(site)


def _no_brake(kind: str) -> Any:
    def switch(whole: Any) -> Any:
        def tripped(limits: Any, effect: Any, *given: Any, **more: Any) -> Any:
            return None if counting.kind_of(effect.brake) == kind else whole(limits, effect, *given, **more)

        return tripped

    return wrap(counting, "tripped", switch)


def _unlatched(whole: Any) -> Any:
    return lambda *given: replace(whole(*given), latched=frozenset())


def _of_the_record_alone(write: Write, key: Any) -> str:
    return digest([key.pair, write.side, write.operation, write.record_id])


async def approved_and_moved() -> list[str]:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    await site.run(act=False)
    approved = frozenset(print for action in site.plan() for print in action.fingerprints)
    site.edit(LEFT, left, phone="3")
    await site.run(approved=approved)
    return must(
        "approval", site.fields(RIGHT, right)["phone"] == "1", "3 was written, and nobody has approved of it"
    )


async def left_for_another_run() -> list[str]:
    """A run of an approved plan leaves a new edit alone; the next run takes it up."""
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    await site.run(approved=frozenset())
    await site.run()
    return must("1", site.fields(RIGHT, right)["phone"] == "2", "2 waits for ever")


def _two_sites(directory: str) -> tuple[Site, Site]:
    """Two processes at one store and the same two systems."""
    path = str(Path(directory) / "instep.sqlite")
    first, second = (Site(store=open_store(path, threaded=False)) for _ in range(2))
    for side in (LEFT, RIGHT):
        second.connectors[side].inner.system = first.systems[side]
    second.systems = first.systems
    second.new_runner("successor")
    return first, second


async def runner_that_stood_still() -> list[str]:
    """A runner stands still past its lease just before a request; another takes over and ends the work."""
    with tempfile.TemporaryDirectory() as directory:
        zombie, successor = _two_sites(directory)
        for n in range(3):
            zombie.put(LEFT, name=f"N{n}", mail=f"{n}@x.example")

        async def overtaken(send: Callable[[], Awaitable[Any]]) -> Any:
            zombie.now += 10 * zombie.settings.lease_ms
            successor.now = zombie.now
            await successor.rest()
            return await send()

        zombie.connectors.right.next("create", overtaken)
        try:
            await zombie.run()
        except StoreError:
            pass
        finally:
            for site in (zombie, successor):
                await site.store.close()
        late = len([w for w in zombie.written(RIGHT) if w[0] == "create"]) - 3
        return twice(zombie) + must("7", late <= 1, f"a runner that had been replaced made {late} records")


PROTECTIONS = (
    Protection(
        "the brake for creates",
        "core/brakes.py:create",
        "a wrong filter or a wrong tenant is copied as a whole",
        "brakes",
        _no_brake("create"),
        story(too_many_creates),
    ),
    Protection(
        "the brake for changes",
        "core/brakes.py:change",
        "an import gone wrong is on the other side before anybody sees it",
        "brakes",
        _no_brake("change"),
        edits("change", phone="2-{}"),
    ),
    Protection(
        "the brake for retirements",
        "core/brakes.py:retire",
        "a deleted folder takes its partners along",
        "brakes",
        _no_brake("retire"),
        story(too_many_retirements),
    ),
    Protection(
        "the brake for emptied values",
        "core/brakes.py:clear",
        "a field that was emptied by a mistake is empty on both sides",
        "brakes",
        _no_brake("clear"),
        edits("clear", phone=None),
    ),
    Protection(
        "the brake for one value over many",
        "core/brakes.py:SAME",
        "one value replaces all others on both sides",
        "brakes",
        _no_brake("same"),
        edits("same", city="Rome"),
    ),
    Protection(
        "brakes count the hour",
        "runner/brakes.py:_recent",
        "many small runs do what one may not",
        "brakes",
        put(brakes, "_recent", lambda *given: defaultdict(set)),
        story(many_small_runs),
    ),
    Protection(
        "a brake that tripped waits for a person",
        "runner/brakes.py:latched",
        "what was stopped drips out as soon as it is a little less",
        "brakes",
        wrap(brakes, "Gate", _unlatched),
        story(some_taken_back),
    ),
    Protection(
        "fingerprints of an approved plan",
        "core/verdict.py:fingerprint",
        "values that nobody has seen are written under an approval of others",
        "approval",
        put(Write, "fingerprint", _of_the_record_alone),
        story(approved_and_moved),
    ),
    Protection(
        "what a run left aside is taken up",
        "runner/aside.py:take_up",
        "an edit that was not in an approved plan waits for ever",
        "1",
        put(run, "take_up", lambda tx, pairs: None),
        story(left_for_another_run),
    ),
)

__all__ = ["PROTECTIONS", "Claims", "Group", "SqliteStore", "lease"]
