"""The readings of a process that is always on: each entity as a task of its own, beside whatever else is done.

What a listing brings is marked like any other change. A complete reading of everything is due by the schedule; when
the last entity has come to its end, that is noted, and what was refused before is tried once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.errors import OutcomeError
from instep.runner.drain import broken_off
from instep.runner.engine import Engine, entities_of
from instep.runner.observe import Observed, observe, refresh_paths
from instep.runner.polling import Poll, Rhythm
from instep.runner.recover import retry_refused
from instep.runner.report import Progress
from instep.runner.run import COMPLETE
from instep.store.contract import Tx


async def nothing_to_renew(_: Side) -> None:
    """For systems whose keys can't change."""


class Polls:
    """Every entity of a dataflow. `on_read` is called when one was read to its end, with what that brought; `renew`
    before a system is asked again that did not take our key."""

    def __init__(
        self,
        engine: Engine,
        rhythm: Rhythm,
        wake: Callable[[], None],
        on_progress: Callable[[Progress], None],
        on_read: Callable[[Poll, Observed], Awaitable[None]],
        renew: Callable[[Side], Awaitable[None]],
    ) -> None:
        self.engine, self.rhythm, self.wake = engine, rhythm, wake
        self.on_progress, self.on_read, self.renew = on_progress, on_read, renew
        self.all = [Poll(side, entity, rhythm) for side, entity in entities_of(engine.dataflow)]
        self._tasks: dict[tuple[Side, str], asyncio.Task[None]] = {}
        self._full_ms = engine.now_ms()

    def due_ms(self) -> int:
        """When the next one is to be read."""
        return min((poll.due_ms for poll in self.all), default=1 << 62)

    def bring_forward(self, ms: int) -> None:
        """Let everything be due so much earlier."""
        for poll in self.all:
            poll.due_ms -= ms

    def soon(self) -> None:
        """Let everything be due that can be read."""
        for poll in self.all:
            poll.soon(self.engine.now_ms())

    def start(self) -> None:
        """Begin to read what is due."""
        now_ms = self.engine.now_ms()
        if self._full_due(now_ms):
            self._full_ms = now_ms
            for poll in self.all:
                poll.full, poll.complete_ms = True, 0
                poll.soon(now_ms)
        for poll in self.all:
            place = poll.side, poll.entity
            if poll.due_ms <= now_ms and place not in self._tasks:
                self._tasks[place] = task = asyncio.ensure_future(self._read(poll))
                task.add_done_callback(lambda _: self.wake())

    def overdue_ms(self) -> int:
        """For how long some entity is to be read that nobody has begun to read."""
        waiting = [poll.due_ms for poll in self.all if (poll.side, poll.entity) not in self._tasks]
        return max(self.engine.now_ms() - min(waiting, default=1 << 62), 0)

    def read_ms(self) -> list[int]:
        """When each entity was last read to its end, 0 if it was not yet; now for one that is being read."""
        now_ms = self.engine.now_ms()
        return [
            now_ms if (poll.side, poll.entity) in self._tasks and poll.read_ms else poll.read_ms
            for poll in self.all
        ]

    def reading(self, pair: Pair | None = None) -> bool:
        """Whether an entity is being read: one of that pair, if it is given."""
        if pair is None:
            return bool(self._tasks)
        return any((side, pair.entity[side]) in self._tasks for side in Side)

    def trouble(self, pair: Pair) -> str:
        """Why an entity of a pair could not be read last."""
        for poll in self.all:
            if poll.trouble and poll.entity == pair.entity[poll.side]:
                return poll.trouble
        return ""

    def doubt(self, pair: Pair) -> None:
        """A system did not take our key for a record of that pair."""
        for poll in self.all:
            poll.doubted = poll.doubted or poll.entity == pair.entity[poll.side]

    def troubles(self) -> dict[str, str]:
        """By side and entity, why it could not be read last."""
        return {f"{poll.side}:{poll.entity}": poll.trouble for poll in self.all if poll.trouble}

    async def end(self) -> None:
        """Break off what is being read; the next reading goes on there."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        await broken_off(tasks)

    def reap(self) -> None:
        """Take note of readings that have ended. Raises StoreError that one of them ended with."""
        for place, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[place]
                if not task.cancelled():  # one that `end` breaks off may be seen before `end` goes on
                    task.result()

    def _full_due(self, now_ms: int) -> bool:
        """Whether the schedule asks for a complete reading, which is what finds deletes. One that was broken off with
        an earlier process left no time: then all are read once more when each has been read by this one."""
        going_on = any(poll.full or poll.complete_ms for poll in self.all)
        waited = now_ms - self._full_ms >= self.rhythm.full_ms
        if going_on and not waited:
            return False  # an entity that can't be read is not waited for any longer
        last = self.engine.store.read(lambda tx: tx.meta(COMPLETE))
        if last is None:
            return waited or all(poll.wait_ms and not poll.trouble for poll in self.all)
        return now_ms - int(last) >= self.rhythm.full_ms

    async def _read(self, poll: Poll) -> None:
        engine, side, entity = self.engine, poll.side, poll.entity
        name, observed = f"{engine.connectors[side].name} {entity}", Observed()

        def note(rows: int) -> None:
            self.on_progress(Progress("read", name, rows, requests=engine.requests))

        if poll.doubted:
            poll.doubted = False
            await self.renew(side)
        full, poll.full = poll.full, False
        try:
            await refresh_paths(engine, side, entity)
            await observe(engine, side, entity, full=full, observed=observed, note=note)
        except OutcomeError as error:
            poll.failed(engine.now_ms(), error)
            return
        poll.succeeded(engine.now_ms(), observed.changed + observed.missing)
        if observed.complete:
            poll.complete_ms = engine.now_ms()
            await self._note_complete()
        await self.on_read(poll, observed)

    async def _note_complete(self) -> None:
        """Once every entity was read completely, that is so; each begins anew then."""
        if not all(poll.complete_ms for poll in self.all):
            return
        at_ms = min(poll.complete_ms for poll in self.all)
        for poll in self.all:
            poll.complete_ms = 0
        await self.engine.store.write(partial(_save_complete, self.engine, at_ms=at_ms))


def _save_complete(engine: Engine, tx: Tx, *, at_ms: int) -> None:
    if tx.meta(COMPLETE) is not None:
        retry_refused(engine, tx)
    tx.save_meta(COMPLETE, str(at_ms))
