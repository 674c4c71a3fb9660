"""Compare both systems with what is known of them, record by record, and find what nobody knew of.

An audit reads what an ordinary run would read, and then everything: what differs after that is what no run would
have noticed by itself. It writes to no system. Its memory is that of a page; a single record is read by its id
only if it differs, and if a listing may not show it as it is.

The kinds of findings are in `instep.core.drift`. Rows are compared in `audit_rows`, and what is stored with
itself in `audit_known`; `repair` has what is done about a finding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.errors import LeaseLost, OutcomeError, Stop
from instep.runner.audit_findings import Audited, Findings
from instep.runner.audit_known import compare_known
from instep.runner.audit_rows import compare_rows
from instep.runner.engine import Engine, entities_of
from instep.runner.lease import leased
from instep.runner.observe import is_listed
from instep.runner.redefined import look_again
from instep.runner.run import Progress
from instep.store.contract import Tx


class Audit:
    """One audit, under the lease like a run. `pairs`: only these, if any. `examples`: findings kept of each kind
    and pair. `repairs`: mark what is found, so that an ordinary run looks at it."""

    def __init__(
        self,
        engine: Engine,
        holder: str,
        *,
        pairs: tuple[str, ...] = (),
        examples: int = 5,
        repairs: bool = False,
        on_progress: Callable[[Progress], None] = lambda _: None,
        is_dead: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.engine, self.holder, self.is_dead = engine, holder, is_dead
        wanted = [pair for pair in engine.dataflow.pairs if not pairs or pair.name in pairs]
        self.findings = Findings(engine, wanted, examples, on_progress, repairs=repairs)
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End it at once; what was read is kept."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> Audited:
        """Raises StoreError (LeaseLost among it) and Stop; any other trouble of a system is in the answer."""
        engine, audited = self.engine, self.findings.audited
        began_ms = self.findings.began_ms
        async with leased(engine, self.holder, self.is_dead):
            run = await engine.store.write(lambda tx: tx.start_run("audit", began_ms))
            engine.run = audited.run = run.id
            audited.status = "failed"
            try:
                await self._until_stopped()
                audited.status = "stopped" if self._stopped else "done"
            finally:
                audited.took_ms = engine.now_ms() - began_ms
                audited.requests = self.findings.requests()
                with suppress(LeaseLost):
                    await engine.store.write(
                        lambda tx: tx.finish_run(run.id, engine.now_ms(), audited.status, audited.summary())
                    )
        return audited

    async def _until_stopped(self) -> None:
        self._task = task = asyncio.ensure_future(self._audit())
        if self._stopped:
            task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            if not self._stopped:
                raise
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _audit(self) -> None:
        await look_again(self.engine)
        sides = [asyncio.ensure_future(self._side(side)) for side in Side]
        try:
            await asyncio.gather(*sides)
        finally:
            for task in sides:
                task.cancel()
            await asyncio.gather(*sides, return_exceptions=True)
        troubles = self.findings.audited.troubles
        for pair in self.findings.pairs:
            if not any(f"{side}:{pair.entity[side]}" in troubles for side in Side):
                await compare_known(self.findings, pair)

    async def _side(self, side: Side) -> None:
        for where, entity in entities_of(self.engine.dataflow):
            if where is not side or not self.findings.pairs_of(side, entity):
                continue
            try:
                await compare_rows(self.findings, side, entity)
            except Stop:
                raise
            except OutcomeError as error:  # the other entities can be audited all the same
                self.findings.audited.troubles[f"{side}:{entity}"] = str(error)


def never_listed(engine: Engine, pairs: Iterable[Pair]) -> list[tuple[Side, str]]:
    """Entities that were never read completely: there is nothing to compare them with."""

    def look(tx: Tx) -> list[tuple[Side, str]]:
        wanted = dict.fromkeys((side, pair.entity[side]) for pair in pairs for side in Side)
        return [(side, entity) for side, entity in wanted if not is_listed(tx, side, entity)]

    return engine.store.read(look)
