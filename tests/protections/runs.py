"""Runs: one at a time, one worker per record, and no more than was approved or is usual."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from instep.core import brakes as counting
from instep.core import match
from instep.core.dataflow import Brakes, Limit
from instep.core.model import SIDES, Both
from instep.core.values import Json, digest
from instep.core.verdict import Write
from instep.errors import RetryLater, StoreError
from instep.runner import gate
from instep.runner.engine import Claims
from instep.store.sqlite import SqliteStore, open_store
from tests.runner.site import LEFT, RIGHT, STRICT, Send, Site, only, pair, raising, with_dropped_person

from .checks import must, unlike
from .notices import Notice, story
from .protection import Protection, put, wrap

MANY = 12
FEW = Limit(2, 0.1)


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


async def dropped_before_its_reference() -> list[str]:
    """A create is dropped at a brake; the plan that was stopped foresaw the making of what it refers to."""
    site = await with_dropped_person()
    await site.run(released=frozenset({"person:create"}))
    made = site.titles(RIGHT, "person")
    return must("choices", not made, f"{made} was made, which a person had dropped")


def _of_what_can_be_written(write: Any) -> Any:
    def build(*given: Any) -> Any:
        *rest, _ = given
        made = write(*rest)
        return replace(made, about=digest([[change.property, change.source] for change in made.changes]))

    return build


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


async def slow_write_and_another_worker() -> list[str]:
    """New records are linked; while the write that follows is on its way, a worker comes to the other mark."""
    conditional = replace(STRICT, conditional=True)
    site = Site(pair(policy="left"), abilities=Both(conditional, conditional))
    for n in range(4):
        site.put(LEFT, name="Ann", mail=f"{n}@x.example", phone="1")
        site.put(RIGHT, title="Ann", mail=f"{n}@x.example", phone="2")

    async def slow(send: Send) -> Any:
        site.now += 10_000
        for _ in range(50):
            await asyncio.sleep(0)
        return await send()

    site.connectors.right.next("update", *(slow for _ in range(20)))
    await site.run()
    sent = len(site.sent("update"))
    return must("10", sent == 4, f"four edits were sent in {sent} writes")


def _two_sites(directory: str) -> tuple[Site, Site]:
    """Two processes with one store and the same two systems."""
    path = str(Path(directory) / "instep.sqlite")
    first, second = (Site(pair(policy="right"), store=open_store(path, threaded=False)) for _ in range(2))
    for side in SIDES:
        second.connectors[side].inner.system = first.systems[side]
    second.systems = first.systems
    second.new_runner("successor")
    return first, second


async def runner_that_stood_still() -> list[str]:
    """A runner stands still past its lease, with an answer in its hands; meanwhile another one has gone on."""
    with tempfile.TemporaryDirectory() as directory:
        zombie, successor = _two_sites(directory)
        left, right = await zombie.linked_company()
        zombie.edit(LEFT, left, phone="2")

        async def overtaken(send: Send) -> Any:
            answer = await send()
            zombie.now += 10 * zombie.settings.lease_ms
            successor.now = zombie.now
            await successor.rest()
            successor.edit(RIGHT, right, phone="3")
            await successor.rest()
            successor.edit(LEFT, left, phone="4")
            successor.connectors.right.next("update", raising(RetryLater("busy")))
            await successor.run()
            return answer

        zombie.connectors.right.next("update", overtaken)
        with suppress(StoreError):
            await zombie.run()
        await successor.rest()
        for site in (zombie, successor):
            await site.store.close()
        return unlike(successor, phone="4")


async def edits_that_only_show_on_the_way() -> list[str]:
    """Lists name ids alone: what changed, and how much of it there is, shows when the records are read."""
    site, ids = await linked(only(change=FEW))
    site.connectors.left.hints = True
    for left, _ in ids[:4]:
        site.edit(LEFT, left, phone="2")
    await site.run()
    return stopped(site, 2)


async def _unfenced(store: Any, work: Any) -> Any:
    return await store._jobs.submit(work, None)


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
        "runner/gate.py:_recent",
        "many small runs do what one may not",
        "brakes",
        put(gate, "_recent", lambda *given: defaultdict(set)),
        story(many_small_runs),
    ),
    Protection(
        "a brake that tripped waits for a person",
        "runner/gate.py:latched",
        "what was stopped drips out as soon as it is a little less",
        "brakes",
        wrap(gate, "Gate", _unlatched),
        story(some_taken_back),
    ),
    Protection(
        "a create is dropped as its source is, not as it can be written",
        "core/match.py:said",
        "what a person has dropped is made as soon as less of it can be written",
        "choices",
        wrap(match, "Write", _of_what_can_be_written),
        story(dropped_before_its_reference),
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
        "brakes count on the way too",
        "runner/gate.py:_admit",
        "what only shows while a run goes on is counted by no brake",
        "brakes",
        put(gate.Gate, "_admit", lambda *given: None),
        story(edits_that_only_show_on_the_way),
    ),
    Protection(
        "one worker at a record",
        "runner/engine.py:Claims",
        "one worker takes another's call for one in doubt, and sends it again",
        "10",
        put(Claims, "take", lambda claims, keys, mine: True),
        story(slow_write_and_another_worker),
    ),
    Protection(
        "the lease is asked at every commit",
        "store/group_commit.py:epoch",
        "a runner that stood still writes down what has been overtaken",
        "1",
        put(SqliteStore, "write", _unfenced),
        story(runner_that_stood_still),
    ),
)
