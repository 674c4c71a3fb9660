"""One turn of recover, observe, plan, act, under the lease; and what it did.

A run can be stopped at any moment: what was read and written is saved, the rest is done by the next one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.core.state import Key, Release, Todo
from instep.core.values import Json
from instep.errors import LeaseLost, OutcomeError, Stop
from instep.runner.approval import Approval
from instep.runner.aside import set_aside, take_up
from instep.runner.brakes import (
    EMPTY,
    Brake,
    Gate,
    count_anew,
    decided,
    forget_missed,
    hold_stopped,
    may_trip,
    open_gate,
    released_empty,
    tripped_brakes,
    worked_off,
)
from instep.runner.drain import drain_all
from instep.runner.engine import Engine, entities_of
from instep.runner.lease import leased
from instep.runner.look import Look, look
from instep.runner.missing import read_missing
from instep.runner.observe import Observed, observe, refresh_paths
from instep.runner.overwritten import look_back
from instep.runner.planning import Tally, actions
from instep.runner.prune import prune
from instep.runner.redefined import look_again
from instep.store.contract import Tx

BATCH = 20
SOON_MS = 200
"""A run waits this long for what it has postponed itself, since another look was at it."""
PAUSE_MS = 1_000
"""A run that waits looks this often whether it is to end."""
COMPLETE = "complete_ms"
"""Name of the setting that says when both systems were last read completely."""


class _Stopping(Exception):
    """Ends a reading between two pages, since the run is to end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `total` is 0 while it isn't known; `what` is an entity while reading, a pair after."""

    phase: Literal["read", "plan", "act", "audit", "qa", "clean"]
    what: str
    count: int
    total: int = 0
    requests: int = 0


@dataclass(slots=True)
class Report:
    """What a run did. `writes`: (pair, operation, side) -> count. `linked`: records that were found to be the
    same, without those that were created for each other. `tallies`: of the pairs whose writes were counted
    before the first. `gates`: what the brakes of a pair let through. `skipped`: writes that were not in the
    approved plan, or that brakes stopped; `troubles`: entity or pair -> why it could not be worked on."""

    run: int = 0
    writes: Counter[tuple[str, str, Side]] = field(default_factory=Counter)
    linked: Counter[str] = field(default_factory=Counter)
    looked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_keys: list[Key] = field(default_factory=list)
    observed: dict[tuple[Side, str], Observed] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    brakes: list[Brake] = field(default_factory=list)
    troubles: dict[str, str] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    status: str = "done"
    took_ms: int = 0

    @property
    def written(self) -> int:
        return sum(self.writes.values())

    def summary(self) -> Json:
        """As it is kept with the run."""
        writes: list[Json] = [
            {"pair": pair, "operation": operation, "side": side.value, "count": count}
            for (pair, operation, side), count in sorted(self.writes.items())
        ]
        return {
            "writes": writes,
            "linked": dict(self.linked),
            "failed": dict(self.failed),
            "skipped": dict(self.skipped),
            "brakes": [brake.why for brake in self.brakes],
            "troubles": dict(self.troubles),
            "requests": dict(self.requests),
        }


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a run. `approved`: fingerprints of an approved plan, nothing else is written. `full`:
    list everything, not only what changed. `released`: brakes ("contact:create") that a person let go.
    `pairs`: only these, if any. `act`: False reads and plans alone. `kind`: what the run is called."""

    approved: frozenset[str] | None = None
    full: bool = False
    released: frozenset[str] = frozenset()
    pairs: tuple[str, ...] = ()
    act: bool = True
    kind: str = "sync"


class Runner:
    """Runs of one engine. `stop()` ends the current one after the calls that are on their way.

    `holder` is this runner's name in the lease; `is_dead` says of another's whether it is known to be gone.
    """

    def __init__(
        self,
        engine: Engine,
        holder: str,
        on_progress: Callable[[Progress], None] | None = None,
        is_dead: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.engine, self.holder, self.is_dead = engine, holder, is_dead
        self.on_progress = on_progress or (lambda _: None)
        self._stop = False
        self._approval: Approval | None = None
        self._reading: list[asyncio.Future[None]] = []

    def stop(self) -> None:
        """Ask the run to end: no new record is taken up."""
        self._stop = True
        for task in self._reading:  # a reading that is broken off is gone on with by the next run
            task.cancel()

    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop

    async def run(self, wish: Wish | None = None) -> Report:
        """Raises StoreError (LeaseLost among it) and Stop; any other trouble is in the report."""
        wish = wish or Wish()
        engine, report = self.engine, Report()
        self._approval = Approval(wish.approved) if wish.approved is not None else None
        began_ms = engine.now_ms()
        before = [c.requests for c in engine.connectors]
        async with leased(engine, self.holder, self.is_dead):
            kind = wish.kind if wish.act else "plan"
            run = await engine.store.write(lambda tx: tx.start_run(kind, began_ms))
            engine.run, report.run = run.id, run.id
            report.status = "failed"
            try:
                await self._run(wish, report)
                report.status = "stopped" if self.stopping() else "braked" if report.brakes else "done"
            except asyncio.CancelledError:
                report.status = "stopped" if self.stopping() else "failed"
                raise
            finally:
                report.took_ms = engine.now_ms() - began_ms
                for connector, sent in zip(engine.connectors, before, strict=True):
                    report.requests[connector.name] = connector.requests - sent
                with suppress(LeaseLost):
                    await self._finish(report)
        return report

    async def _finish(self, report: Report) -> None:
        now_ms = self.engine.now_ms()
        await self.engine.store.write(
            lambda tx: tx.finish_run(report.run, now_ms, report.status, report.summary())
        )

    async def _run(self, wish: Wish, report: Report) -> None:
        await self.engine.store.write(partial(_recover, self.engine))
        await look_again(self.engine)
        await self._observe(wish, report)
        if self.stopping():
            return
        await self._note_complete(report)
        if wish.full and wish.act:
            await self.engine.store.write(partial(_retry_refused, self.engine))
        pairs = [
            pair
            for pair in self.engine.dataflow.pairs
            if (not wish.pairs or pair.name in wish.pairs) and not self._troubled(pair, report)
        ]
        for pair in pairs:
            await self._plan(pair, wish, report)
        if not wish.act or self.stopping():
            return
        emptied = {brake.pair for brake in report.brakes if brake.kind == EMPTY}
        pairs = [pair for pair in pairs if pair.name not in emptied]
        self.engine.readable_ms = 0
        await self._work_off(pairs, report)
        # A complete listing of the next run would be news again: what was heard now is read before this one ends.
        if await self._pause_until(self.engine.readable_ms):
            await self._work_off(pairs, report)
        await look_back(self.engine, report.troubles, self.stopping)
        for pair in pairs if not self.stopping() else ():
            await self._brake(pair, wish, report)
        await self.engine.store.write(lambda tx: take_up(tx, self.engine.dataflow.pairs))
        await prune(self.engine, self.stopping)

    async def _work_off(self, pairs: list[Pair], report: Report) -> None:
        for _ in range(len(pairs) + 2):
            for pair in pairs:
                await self._act(pair, report)
            wait_ms = self._next_due_ms(pairs)
            if self.stopping() or wait_ms is None or wait_ms > SOON_MS:
                return
            await self.engine.sleep(wait_ms / 1000)

    async def _pause_until(self, at_ms: int) -> bool:
        """Wait, and say whether there was something to wait for and nobody has asked for the end meanwhile."""
        wait_ms = at_ms - self.engine.now_ms()
        while wait_ms > 0 and not self.stopping():
            await self.engine.sleep(min(wait_ms, PAUSE_MS) / 1000)
            wait_ms = at_ms - self.engine.now_ms()
            if wait_ms <= 0:
                return not self.stopping()
        return False

    async def _brake(self, pair: Pair, wish: Wish, report: Report) -> None:
        """A pair was worked off: hold what its brakes stopped, and let what a person decided be over."""
        gate = report.gates[pair.name]
        found = await hold_stopped(self.engine, gate)
        report.brakes = [brake for brake in report.brakes if brake.pair != pair.name] + found

        def end(tx: Tx) -> None:
            decided(self.engine, tx, gate)
            first = tx.meta(worked_off(pair.name)) is None and not found
            if first:
                tx.save_meta(worked_off(pair.name), str(report.run))
            if first or wish.approved is not None:
                count_anew(self.engine, tx, pair.name)

        await self.engine.store.write(end)

    async def _note_complete(self, report: Report) -> None:
        wanted = entities_of(self.engine.dataflow)
        if all(place in report.observed and report.observed[place].complete for place in wanted):
            now_ms = self.engine.now_ms()
            await self.engine.store.write(lambda tx: tx.save_meta(COMPLETE, str(now_ms)))

    def _next_due_ms(self, pairs: list[Pair]) -> int | None:
        """Milliseconds until some key is due, 0 if one is; None if none is marked."""

        def look(tx: Tx) -> list[int]:
            return [at_ms for pair in pairs if (at_ms := tx.next_due(pair.name)) is not None]

        due = self.engine.store.read(look)
        return max(min(due) - self.engine.now_ms(), 0) if due else None

    # Observe

    async def _observe(self, wish: Wish, report: Report) -> None:
        wanted = [
            (side, entity)
            for side, entity in entities_of(self.engine.dataflow)
            if not wish.pairs
            or any(p.name in wish.pairs for p in self.engine.dataflow.of_entity(side, entity))
        ]
        self._reading = [
            asyncio.ensure_future(
                self._observe_side(side, [entity for where, entity in wanted if where is side], wish, report)
            )
            for side in Side
        ]
        try:
            await asyncio.gather(*self._reading)
        except asyncio.CancelledError:
            if not self.stopping():
                raise
        finally:
            for task in self._reading:
                task.cancel()
            await asyncio.gather(*self._reading, return_exceptions=True)
            self._reading = []

    async def _observe_side(self, side: Side, entities: list[str], wish: Wish, report: Report) -> None:
        for entity in entities:
            if self.stopping():
                return
            name = f"{self.engine.connectors[side].name} {entity}"
            observed = Observed()
            report.observed[side, entity] = observed

            def note(rows: int, name: str = name) -> None:
                self.on_progress(Progress("read", name, rows, requests=self._requests()))
                if self.stopping():
                    raise _Stopping

            try:
                await refresh_paths(self.engine, side, entity)
                await observe(self.engine, side, entity, full=wish.full, observed=observed, note=note)
            except _Stopping:
                return
            except Stop:
                raise
            except OutcomeError as error:  # the other entities can be worked on all the same
                report.troubles[f"{side}:{entity}"] = str(error)

    def _troubled(self, pair: Pair, report: Report) -> bool:
        return any(f"{side}:{pair.entity[side]}" in report.troubles for side in Side)

    # Plan

    async def _plan(self, pair: Pair, wish: Wish, report: Report) -> None:
        approved = wish.approved is not None
        free = frozenset(b.partition(":")[2] for b in wish.released if b.partition(":")[0] == pair.name)
        if wish.act and (EMPTY in free or self.engine.store.read(partial(released_empty, pair=pair))):
            await self.engine.store.write(partial(forget_missed, pair=pair))
        gate = open_gate(self.engine, pair, free)
        report.gates[pair.name] = gate
        emptied = gate.emptied is not None and EMPTY not in free and not (approved and wish.act)
        if not emptied and not approved:
            await read_missing(self.engine, pair, self.stopping)
        tally = Tally()
        counted = not wish.act or (not approved and not emptied and may_trip(gate))
        if counted:
            report.tallies[pair.name] = tally
        for count, action in enumerate(actions(self.engine, pair) if counted else (), 1):
            tally.add(action.verdict)
            gate.count(action)
            if count % BATCH == 0:
                self.on_progress(Progress("plan", pair.name, count))
                await asyncio.sleep(0)
                if self.stopping():
                    return
        gate.close()
        if wish.act and (emptied or (gate.stopped and not approved)):
            report.brakes += await hold_stopped(self.engine, gate)  # kept before the first write
        elif not wish.act:
            report.brakes += tripped_brakes(gate)

    # Act

    async def _act(self, pair: Pair, report: Report) -> None:
        total, linked = self.engine.store.read(
            lambda tx: (tx.count_todo(pair.name).left, tx.count_links(pair.name))
        )
        if not total:
            return
        created = self._created(pair, report)
        permit = self._approval.permit if self._approval is not None else report.gates[pair.name].permit
        looked = 0

        async def drain(bucket: int) -> None:
            nonlocal looked

            def due(tx: Tx) -> list[Todo]:
                return tx.todo(pair.name, now_ms=self.engine.now_ms(), bucket=bucket, limit=BATCH)

            while not self.stopping():
                todos = self.engine.store.read(due)
                if not todos:
                    return
                for todo in todos:
                    if self.stopping():
                        return
                    found = await look(self.engine, todo, permit)
                    looked += 1
                    self._count(pair, todo.key, found, report)
                    if found.end == "skipped":
                        report.skipped[pair.name] += 1
                        report.skipped_keys.append(todo.key)
                        await set_aside(self.engine, todo)
                    self.on_progress(Progress("act", pair.name, looked, max(total, looked), self._requests()))

        def busy() -> list[int]:
            if self.stopping():
                return []
            return self.engine.store.read(lambda tx: tx.busy_buckets(pair.name, self.engine.now_ms()))

        try:
            await drain_all(busy, drain, self.engine.settings.workers)
        except Stop as error:
            report.troubles[pair.name] = str(error)
            raise
        finally:
            more = self.engine.store.read(lambda tx: tx.count_links(pair.name)) - linked
            report.linked[pair.name] += max(more - (self._created(pair, report) - created), 0)

    def _created(self, pair: Pair, report: Report) -> int:
        return sum(report.writes[pair.name, "create", side] for side in Side)

    def _count(self, pair: Pair, key: Key, found: Look, report: Report) -> None:
        del key
        report.looked[pair.name] += 1
        for operation, side in found.writes:
            report.writes[pair.name, operation, side] += 1
        if found.end == "failed":
            report.failed[pair.name] += 1

    def _requests(self) -> int:
        return sum(connector.requests for connector in self.engine.connectors)


def _retry_refused(engine: Engine, tx: Tx) -> None:
    """What a system refused may be taken by now, for a reason that no changed value shows: with a complete
    reading each is tried once more."""
    for pair in engine.dataflow.pairs:
        after = 0
        while holds := tx.holds(pair=pair.name, cause="refused", after=after, limit=500):
            for hold in holds:
                tx.save_release(Release(hold.key, hold.property, "retry", hold.digest, at_ms=engine.now_ms()))
            tx.mark([hold.key for hold in holds], reason="refused before: tried once more")
            after = holds[-1].id


def _recover(engine: Engine, tx: Tx) -> None:
    """Writes that were on their way when a run ended are looked at first, due or not; and what it left aside."""
    take_up(tx, engine.dataflow.pairs)
    for intent in tx.intents():
        link = tx.link(intent.link_id) if intent.link_id else None
        key = replace(intent.key, side=Side.LEFT, id=link.ids.left) if link else intent.key
        if engine.dataflow.pair(key.pair) is not None:
            tx.mark([key], reason="a write is in doubt")
