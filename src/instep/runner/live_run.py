"""The run that turns belong to in a process that is always on: it begins when there is something to do, and ends.

Idle turns have none. Every write names one; after a few minutes the next one begins, so that each can be looked at,
and taken back, by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from instep.core.model import Both
from instep.runner.engine import Engine
from instep.runner.polling import Rhythm
from instep.runner.report import Report
from instep.runner.run import finish

KIND = "live"


class LiveRun:
    """`report`: of the run that is going on (its `run` is 0 if none is); `last`: of the one that ended last."""

    def __init__(self, engine: Engine, rhythm: Rhythm) -> None:
        self.engine, self.rhythm = engine, rhythm
        self.report = Report()
        self.last: Report | None = None
        self._beginning = asyncio.Lock()
        self._began_ms = self._used_ms = 0
        self._before = Both(0, 0)

    async def begin(self) -> Report:
        """The report of the run that is going on, which begins if none is."""
        async with self._beginning:
            self._used_ms = self.engine.now_ms()
            if not self.report.run:
                self._began_ms = self._used_ms
                self._before = self.engine.connectors.map(lambda connector: connector.requests)
                run = await self.engine.store.write(lambda tx: tx.start_run(KIND, self._began_ms))
                self.engine.run, self.report = run.id, Report(run=run.id)
            return self.report

    async def end_if_over(self, troubles: Mapping[str, str]) -> None:
        """End it if it has gone on for long enough, or nothing was done in it for long."""
        now_ms, rhythm = self.engine.now_ms(), self.rhythm
        if now_ms - self._began_ms >= rhythm.run_ms or now_ms - self._used_ms >= rhythm.idle_ms:
            await self.end(troubles)

    async def end(self, troubles: Mapping[str, str]) -> None:
        async with self._beginning:
            report = self.report
            if not report.run:
                return
            report.status = "braked" if report.brakes else "done"
            report.took_ms = self.engine.now_ms() - self._began_ms
            report.troubles.update(troubles)
            for connector, before in zip(self.engine.connectors, self._before, strict=True):
                report.requests[connector.name] = connector.requests - before
            self.report, self.last = Report(), report
            await finish(self.engine, report)
