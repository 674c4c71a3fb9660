"""One turn of recover, observe, plan, act, under the lease; and what it did.

A run can be stopped at any moment: what was read and written is saved, the rest is done by the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.errors import LeaseLost
from instep.runner.aside import take_up
from instep.runner.engine import Engine, entities_of
from instep.runner.lease import leased
from instep.runner.overwritten import look_back
from instep.runner.prune import prune
from instep.runner.reading import Reading
from instep.runner.recover import recover, retry_refused
from instep.runner.redefined import look_again
from instep.runner.report import Progress, Report, Wish
from instep.runner.work import Work

__all__ = ["COMPLETE", "Progress", "Report", "Runner", "Wish"]

COMPLETE = "complete_ms"
"""Name of the setting that says when both systems were last read completely."""


class Runner:
    """Runs of one engine. `stop()` ends the current one after the calls that are on their way.

    `holder` is this runner's name in the lease; `is_dead` says of another's whether it is known to be gone.
    `calm`, `closed`: see `Work`. `read_over`: whether the systems need not be listed any more.
    """

    def __init__(
        self,
        engine: Engine,
        holder: str,
        on_progress: Callable[[Progress], None] | None = None,
        is_dead: Callable[[str], bool] = lambda _: False,
        *,
        calm: bool = False,
        closed: Collection[str] = (),
    ) -> None:
        self.closed = closed
        self.engine, self.holder, self.is_dead, self.calm = engine, holder, is_dead, calm
        self.on_progress = on_progress or (lambda _: None)
        self.read_over = False
        self._stop = False
        self._reading: Reading | None = None
        self._work: Work | None = None

    def stop(self) -> None:
        """Ask the run to end: no new record is taken up."""
        self._stop = True
        if self._reading is not None:
            self._reading.stop()

    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop

    @property
    def counted(self) -> Mapping[str, int]:
        """See `Work`."""
        return self._work.counted if self._work is not None else {}

    async def run(self, wish: Wish | None = None) -> Report:
        """Raises StoreError (LeaseLost among it) and Stop; any other trouble is in the report."""
        async with leased(self.engine, self.holder, self.is_dead):
            return await self.run_leased(wish)

    async def run_leased(self, wish: Wish | None = None) -> Report:
        """The same for a caller who has the lease."""
        wish = wish or Wish()
        engine, report = self.engine, Report(acted=wish.act)
        began_ms = engine.now_ms()
        before = [c.requests for c in engine.connectors]
        kind = wish.kind if wish.act else "plan"
        run = await engine.store.write(
            lambda tx: tx.start_run(kind, began_ms, undoes=wish.undoes, partly=wish.partly)
        )
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
                await finish(engine, report)
        return report

    async def _run(self, wish: Wish, report: Report) -> None:
        engine = self.engine
        await engine.store.write(partial(recover, engine))
        await look_again(engine)
        await self._read(wish, report)
        if self.stopping():
            return
        await self._note_complete(report)
        if wish.full:
            await engine.store.write(partial(retry_refused, engine))
        self._work = work = Work(
            engine, wish, report, self.stopping, self.on_progress, calm=self.calm, closed=self.closed
        )
        pairs = [
            pair
            for pair in engine.dataflow.pairs
            if (not wish.pairs or pair.name in wish.pairs) and not self._troubled(pair, report)
        ]
        for pair in pairs:
            await work.plan(pair)
        if not wish.act or self.stopping():
            return
        emptied = work.emptied()
        pairs = [pair for pair in pairs if pair.name not in emptied]
        engine.readable_ms = 0
        await work.work_off(pairs)
        # A complete listing of the next run would be news again: what was heard now is read before this one ends.
        if await work.pause_until(engine.readable_ms):
            await work.work_off(pairs)
        await look_back(engine, report.troubles, self.stopping)
        for pair in pairs if not self.stopping() else ():
            await work.brake(pair)
        await engine.store.write(lambda tx: take_up(tx, engine.dataflow.pairs))
        await prune(engine, self.stopping)

    async def _read(self, wish: Wish, report: Report) -> None:
        self._reading = Reading(self.engine, wish, report, self.stopping, self.on_progress)
        try:
            await self._reading.read()
        finally:
            self._reading, self.read_over = None, True

    async def _note_complete(self, report: Report) -> None:
        wanted = entities_of(self.engine.dataflow)
        if all(place in report.observed and report.observed[place].complete for place in wanted):
            now_ms = self.engine.now_ms()
            await self.engine.store.write(lambda tx: tx.save_meta(COMPLETE, str(now_ms)))

    def _troubled(self, pair: Pair, report: Report) -> bool:
        return any(f"{side}:{pair.entity[side]}" in report.troubles for side in Side)


async def finish(engine: Engine, report: Report) -> None:
    """Note that a run came to its end."""
    now_ms = engine.now_ms()
    await engine.store.write(lambda tx: tx.finish_run(report.run, now_ms, report.status, report.summary()))
