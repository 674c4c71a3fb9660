"""Read what a complete listing did not name, before anything is planned: what is gone is then known, and counted.

A record that can't be read now is left for its turn, which tells why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.core.state import Todo
from instep.errors import Gone, OutcomeError, Stop
from instep.runner.absence import confirm_gone
from instep.runner.engine import Engine
from instep.runner.judge import judge
from instep.runner.observe import MISSING, read_record, unsettled_ms
from instep.store.contract import Tx

PAGE = 200


async def read_missing(engine: Engine, pair: Pair, stopping: Callable[[], bool]) -> None:
    """Raises Stop and StoreError."""
    free = asyncio.Semaphore(engine.settings.workers)

    async def read(todo: Todo) -> None:
        async with free:
            if not stopping():
                await _read(engine, pair, todo)

    after = 0
    while not stopping():
        todos = engine.store.read(partial(_page, pair=pair, after=after))
        missing = [t for t in todos if t.reason == MISSING and t.due_ms <= engine.now_ms()]
        await asyncio.gather(*map(read, missing))
        if len(todos) < PAGE:
            return
        after = todos[-1].seq


def _page(tx: Tx, *, pair: Pair, after: int) -> list[Todo]:
    return tx.todo_after(pair.name, after=after, limit=PAGE)


async def _read(engine: Engine, pair: Pair, todo: Todo) -> None:
    case = engine.store.read(lambda tx: judge(engine, tx, todo.key))
    if case.intents:
        return  # a write that is in doubt is settled first
    for side, id in case.reads:
        entity = pair.entity[side]
        if engine.store.read(partial(_unsettled_ms, engine, side=side, entity=entity, id=id)):
            continue  # an answer could still be from before it was missed
        try:
            try:
                await read_record(engine, side, entity, id, pair.name)
            except Gone:
                await confirm_gone(engine, side, entity, id)
        except Stop:
            raise
        except OutcomeError:
            return


def _unsettled_ms(engine: Engine, tx: Tx, *, side: Side, entity: str, id: str) -> int:
    return unsettled_ms(engine, tx.sighting(side, entity, id))
