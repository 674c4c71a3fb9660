"""What a run reads of both systems before it decides anything: each entity once, both sides at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from instep.core.model import Side
from instep.errors import OutcomeError, Stop
from instep.runner.drain import broken_off
from instep.runner.engine import Engine, entities_of
from instep.runner.observe import Observed, observe, refresh_paths
from instep.runner.report import Progress, Report, Wish


class _Stopping(Exception):
    """Ends a reading between two pages, since the run is to end."""


class Reading:
    """The reading of one run; what it breaks off is gone on with by the next one."""

    def __init__(
        self,
        engine: Engine,
        wish: Wish,
        report: Report,
        stopping: Callable[[], bool],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.engine, self.wish, self.report = engine, wish, report
        self.stopping, self.on_progress = stopping, on_progress
        self._tasks: list[asyncio.Future[None]] = []

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def read(self) -> None:
        """Raises Stop and StoreError; any other trouble of an entity is in the report."""
        wanted = [
            (side, entity)
            for side, entity in entities_of(self.engine.dataflow)
            if not self.wish.pairs
            or any(pair.name in self.wish.pairs for pair in self.engine.dataflow.of_entity(side, entity))
        ]
        self._tasks = [
            asyncio.ensure_future(self._side(side, [entity for where, entity in wanted if where is side]))
            for side in Side
        ]
        try:
            await asyncio.gather(*self._tasks)
        except asyncio.CancelledError:
            if not self.stopping():
                raise
        finally:
            await broken_off(self._tasks)
            self._tasks = []

    async def _side(self, side: Side, entities: list[str]) -> None:
        for entity in entities:
            if self.stopping():
                return
            observed = self.report.observed[side, entity] = Observed()
            try:
                await refresh_paths(self.engine, side, entity)
                note = self._noting(f"{self.engine.connectors[side].name} {entity}")
                await observe(self.engine, side, entity, full=self.wish.full, observed=observed, note=note)
            except _Stopping:
                return
            except Stop:
                raise
            except OutcomeError as error:  # the other entities can be worked on all the same
                self.report.troubles[f"{side}:{entity}"] = str(error)

    def _noting(self, name: str) -> Callable[[int], None]:
        def note(rows: int) -> None:
            self.on_progress(Progress("read", name, rows, requests=self.engine.requests))
            if self.stopping():
                raise _Stopping

        return note
