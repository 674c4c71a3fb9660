"""Looks at what is urgent, beside all other work: as many at once as there are workers, each a task of its own.

Every request that such a look makes goes before those of other work (`instep.connectors.pace.ahead`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from instep.connectors.pace import ahead
from instep.core.dataflow import Pair
from instep.core.state import Key, Todo
from instep.errors import Stop
from instep.runner.drain import broken_off
from instep.runner.engine import Engine
from instep.runner.gate import Gate, open_gate
from instep.runner.look import look
from instep.runner.report import Report
from instep.runner.work import note_look
from instep.store.contract import Tx, Which

URGENT = Which(urgent=True)


class Urgent:
    """`begin` gives the report to count in, once the run has begun. `on_look` is told of each pair in which something
    was looked at, or why nothing can be until a person acts. `braked`: pairs in which a brake stopped something."""

    def __init__(
        self,
        engine: Engine,
        wake: Callable[[], None],
        begin: Callable[[], Awaitable[Report]],
        on_look: Callable[[Pair, Stop | None], None],
    ) -> None:
        self.engine, self.wake, self.begin, self.on_look = engine, wake, begin, on_look
        self.braked: set[str] = set()
        self._looks: dict[Key, asyncio.Task[None]] = {}

    def __bool__(self) -> bool:
        """Whether something is being looked at."""
        return bool(self._looks)

    def start(self, pairs: Iterable[Pair]) -> None:
        """Begin to look at what is due."""
        most = self.engine.settings.workers
        for pair in pairs:
            if len(self._looks) >= most:
                return
            for todo in self.engine.store.read(partial(self._due, pair=pair, limit=2 * most)):
                if len(self._looks) < most and todo.key not in self._looks:
                    self._looks[todo.key] = task = asyncio.ensure_future(self._look(pair, todo))
                    task.add_done_callback(lambda _: self.wake())

    def due(self, pairs: Iterable[Pair]) -> bool:
        return any(self.engine.store.read(partial(self._due, pair=pair, limit=1)) for pair in pairs)

    def reap(self) -> None:
        """Take note of looks that have ended. Raises what one of them raised: StoreError, or a bug."""
        for key, task in list(self._looks.items()):
            if task.done():
                del self._looks[key]
                task.result()

    async def end(self) -> None:
        """Break off the looks that are going on."""
        tasks = list(self._looks.values())
        self._looks.clear()
        await broken_off(tasks)

    def _due(self, tx: Tx, *, pair: Pair, limit: int) -> list[Todo]:
        return tx.todo(pair.name, now_ms=self.engine.now_ms(), which=URGENT, limit=limit)

    async def _look(self, pair: Pair, todo: Todo) -> None:
        ahead.set(True)  # in the context of this task alone
        report = await self.begin()
        try:
            found = await look(self.engine, todo, self._gate(report, pair).permit)
        except Stop as error:
            self.on_look(pair, error)
            return
        self.on_look(pair, None)
        if found.end == "skipped":
            self.braked.add(pair.name)
        await note_look(self.engine, report, pair, todo, found)

    def _gate(self, report: Report, pair: Pair) -> Gate:
        """The pair's gate: that of the last turn, which has counted what there was, or one that counts from now."""
        if pair.name not in report.gates:
            gate = open_gate(self.engine, pair, frozenset())
            gate.close()
            report.gates[pair.name] = gate
        return report.gates[pair.name]
