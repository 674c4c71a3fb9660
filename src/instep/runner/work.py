"""What is done with pairs once their records were read: count what would be written, write it, and brake.

Shared by a run and by the turns of a process that is always on (`live`). Takes keys as they are marked; who reads
the systems, who has the lease and which run it is are not decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.core.state import Todo
from instep.errors import Stop
from instep.runner.approval import Approval
from instep.runner.aside import set_aside
from instep.runner.brakes import EMPTY, forget_missed, released_empty, worked_off
from instep.runner.drain import drain_all
from instep.runner.engine import Engine
from instep.runner.gate import count_anew, decided, hold_stopped, may_trip, open_gate, tripped_brakes
from instep.runner.look import Look, look
from instep.runner.missing import read_missing
from instep.runner.planning import Tally, actions
from instep.runner.report import Progress, Report, Wish
from instep.store.contract import Tx, Which

BATCH = 20
SOON_MS = 200
"""A run waits this long for what it has postponed itself, since another look was at it."""
PAUSE_MS = 1_000
"""A run that waits looks this often whether it is to end."""


class Work:
    """The work of one run, or of one turn. `calm`: urgent keys are looked at beside it, and keys that are marked
    after their pair was counted are left for the next turn, so that brakes see each key before the first write;
    `counted` has the last mark that was, by pair. `closed`: pairs whose urgent keys nobody looks at beside it."""

    def __init__(
        self,
        engine: Engine,
        wish: Wish,
        report: Report,
        stopping: Callable[[], bool],
        on_progress: Callable[[Progress], None],
        *,
        calm: bool = False,
        closed: Collection[str] = (),
    ) -> None:
        self.closed = closed
        self.engine, self.wish, self.report = engine, wish, report
        self.stopping, self.on_progress, self.calm = stopping, on_progress, calm
        self._approval = Approval(wish.approved) if wish.approved is not None else None
        self.counted: dict[str, int] = {}

    # Plan

    async def plan(self, pair: Pair) -> None:
        """Open the gate of a pair, and count what it has to do, unless that can't trip a brake."""
        wish, engine, report = self.wish, self.engine, self.report
        approved = wish.approved is not None
        free = frozenset(b.partition(":")[2] for b in wish.released if b.partition(":")[0] == pair.name)
        if wish.act and (EMPTY in free or engine.store.read(partial(released_empty, pair=pair))):
            await engine.store.write(partial(forget_missed, pair=pair))
        gate = open_gate(engine, pair, free)
        emptied = gate.emptied is not None and EMPTY not in free and not (approved and wish.act)
        if not emptied and not approved:
            await read_missing(engine, pair, self.stopping)
        if self.calm:
            self.counted[pair.name] = engine.store.read(lambda tx: tx.last_mark())
        tally = Tally()
        counted = not wish.act or (not approved and not emptied and may_trip(gate))
        if counted:
            report.tallies[pair.name] = tally
        for count, action in enumerate(actions(engine, pair) if counted else (), 1):
            tally.add(action.verdict)
            gate.count(action)
            if count % BATCH == 0:
                self.on_progress(Progress("plan", pair.name, count))
                await asyncio.sleep(0)
                if self.stopping():
                    return
        gate.close()
        report.gates[pair.name] = gate
        report.brakes = [brake for brake in report.brakes if brake.pair != pair.name]
        if wish.act and (emptied or (gate.stopped and not approved)):
            report.brakes += await hold_stopped(engine, gate)  # kept before the first write
        elif not wish.act:
            report.brakes += tripped_brakes(gate)

    def emptied(self) -> set[str]:
        """Pairs of which nothing is written, since a side is suddenly empty."""
        return {brake.pair for brake in self.report.brakes if brake.kind == EMPTY}

    # Act

    async def work_off(self, pairs: list[Pair]) -> None:
        """Act on what is due, in the order of the pairs, and again on what that has woken."""
        for _ in range(len(pairs) + 2):
            for pair in pairs:
                await self._act(pair)
            wait_ms = self._next_due_ms(pairs)
            if self.stopping() or wait_ms is None or wait_ms > SOON_MS:
                return
            await self.engine.sleep(wait_ms / 1000)

    async def pause_until(self, at_ms: int) -> bool:
        """Wait, and say whether there was something to wait for and nobody has asked for the end meanwhile."""
        wait_ms = at_ms - self.engine.now_ms()
        while wait_ms > 0 and not self.stopping():
            await self.engine.sleep(min(wait_ms, PAUSE_MS) / 1000)
            wait_ms = at_ms - self.engine.now_ms()
            if wait_ms <= 0:
                return not self.stopping()
        return False

    def _next_due_ms(self, pairs: list[Pair]) -> int | None:
        """Milliseconds until some key is due, 0 if one is; None if none is marked."""

        def look(tx: Tx) -> list[int]:
            times = [tx.next_due(pair.name, self._urgent(pair)) for pair in pairs]
            return [at_ms for at_ms in times if at_ms is not None]

        due = self.engine.store.read(look)
        return max(min(due) - self.engine.now_ms(), 0) if due else None

    async def _act(self, pair: Pair) -> None:
        engine, report, which = self.engine, self.report, self._which(pair)
        total, linked = engine.store.read(
            lambda tx: (tx.count_todo(pair.name).left, tx.count_links(pair.name))
        )
        if not total:
            return
        created = self._created(pair)
        permit = self._approval.permit if self._approval is not None else report.gates[pair.name].permit
        looked = 0

        async def drain(bucket: int) -> None:
            nonlocal looked

            def due(tx: Tx) -> list[Todo]:
                return tx.todo(pair.name, now_ms=engine.now_ms(), bucket=bucket, which=which, limit=BATCH)

            while not self.stopping():
                todos = engine.store.read(due)
                if not todos:
                    return
                for todo in todos:
                    if self.stopping():
                        return
                    await note_look(engine, report, pair, todo, await look(engine, todo, permit))
                    looked += 1
                    self.on_progress(Progress("act", pair.name, looked, max(total, looked), engine.requests))

        def busy() -> list[int]:
            if self.stopping():
                return []
            return engine.store.read(lambda tx: tx.busy_buckets(pair.name, engine.now_ms(), which))

        try:
            await drain_all(busy, drain, engine.settings.workers)
        except Stop as error:
            report.troubles[pair.name] = str(error)
            raise
        finally:
            more = engine.store.read(lambda tx: tx.count_links(pair.name)) - linked
            report.linked[pair.name] += max(more - (self._created(pair) - created), 0)

    def _which(self, pair: Pair) -> Which | None:
        return Which(self._urgent(pair), self.counted[pair.name]) if self.calm else None

    def _urgent(self, pair: Pair) -> bool | None:
        """Which of the keys of a pair are looked at here: None if all are."""
        return False if self.calm and pair.name not in self.closed else None

    def _created(self, pair: Pair) -> int:
        return sum(self.report.writes[pair.name, "create", side] for side in Side)

    # Brake

    async def brake(self, pair: Pair) -> None:
        """A pair was worked off: hold what its brakes stopped, and let what a person decided be over."""
        engine, report = self.engine, self.report
        gate = report.gates[pair.name]
        found = await hold_stopped(engine, gate)
        report.brakes = [brake for brake in report.brakes if brake.pair != pair.name] + found

        def end(tx: Tx) -> None:
            if self.wish.approved is None:  # what was approved goes past the brakes, and ends no release
                decided(engine, tx, gate)
            first = tx.meta(worked_off(pair.name)) is None and not found
            if first:
                tx.save_meta(worked_off(pair.name), str(report.run))
            if first or self.wish.approved is not None:
                count_anew(engine, tx, pair.name)

        await engine.store.write(end)


async def note_look(engine: Engine, report: Report, pair: Pair, todo: Todo, found: Look) -> None:
    """Count what came of a look; a key whose write may not be made is left for another run."""
    report.looked[pair.name] += 1
    for operation, side in found.writes:
        report.writes[pair.name, operation, side] += 1
    if found.end == "failed":
        report.failed[pair.name] += 1
    if found.end == "skipped":
        report.skipped[pair.name] += 1
        report.skipped_keys.append(todo.key)
        await set_aside(engine, todo)
