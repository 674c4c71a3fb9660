"""Keys that a run leaves for a later one: their writes are not in the approved plan, or a brake stops them.

They are put off for as long as the run lasts, so that it comes to its end, and taken up again after it; or by the
next one, if it dies before that.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from instep.core.dataflow import Pair
from instep.core.state import Todo
from instep.runner.engine import Engine
from instep.store.contract import Tx

REASON: Final = "left for another run"
NOTED: Final = "aside"
"""Name of the setting that says that there may be such keys."""
_YEARS_MS: Final = 10 * 365 * 86_400_000


async def set_aside(engine: Engine, todo: Todo) -> None:
    """Leave a key for the next run, out of the way of this one."""
    await engine.store.write(partial(_postpone, engine, todo=todo))


def _postpone(engine: Engine, tx: Tx, *, todo: Todo) -> None:
    due_ms = engine.now_ms() + _YEARS_MS
    if not todo.urgent:
        tx.postpone(todo, due_ms=due_ms, attempts=todo.attempts, reason=REASON)
    elif tx.finish(todo):  # what waits for another run is in no hurry
        tx.mark([todo.key], due_ms=due_ms, reason=REASON)
    if tx.meta(NOTED) is None:
        tx.save_meta(NOTED, "yes")


def take_up(tx: Tx, pairs: Iterable[Pair]) -> None:
    """Let everything that was set aside be looked at again."""
    if tx.meta(NOTED) is None:
        return
    for pair in pairs:
        after = 0
        while todos := tx.todo_after(pair.name, after=after, limit=1000):
            after = todos[-1].seq
            tx.mark(
                [todo.key for todo in todos if todo.reason == REASON], reason="it was left for another run"
            )
    tx.save_meta(NOTED, None)
