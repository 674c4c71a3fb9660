"""Let go of what the journal has kept for as long as it is to be kept, a little at a time.

Only from its oldest end, so that the rest goes on to verify from there. Each step says so in an entry of its own,
in the same transaction; a run that is killed leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from instep.runner.engine import Engine
from instep.store.contract import Entry, Tx
from instep.store.verify import PRUNE

STEP: Final = 1000
"""Entries that go in one transaction; others can write in between."""

MOST_STEPS: Final = 20
"""A run does no more, so that its end does not wait; the next one goes on."""

PRUNED: Final = "pruned_ms"
"""Name of the setting that says when the journal was last found to have nothing left to let go of."""

DAY_MS: Final = 86_400_000


async def prune(engine: Engine, stopping: Callable[[], bool]) -> None:
    """Prune the journal, once a day; not at all if it is to be kept for ever."""
    keep_ms, now_ms = engine.settings.keep_history_ms, engine.now_ms()
    if keep_ms is None or not prune_due(engine):
        return
    for _ in range(MOST_STEPS):
        if stopping():
            return
        if not await engine.store.write(lambda tx: _step(engine, tx, now_ms, keep_ms)):
            await engine.store.write(lambda tx: tx.save_meta(PRUNED, str(now_ms)))
            return


def prune_due(engine: Engine) -> bool:
    """Whether there may be something to let go of."""
    if engine.settings.keep_history_ms is None:
        return False
    last = engine.store.read(lambda tx: tx.meta(PRUNED))
    return last is None or not 0 <= engine.now_ms() - int(last) < DAY_MS


def _step(engine: Engine, tx: Tx, now_ms: int, keep_ms: int) -> bool:
    """Whether anything was let go."""
    start = tx.prune(now_ms - keep_ms, STEP)
    if start is None:
        return False
    last = f"{datetime.fromtimestamp(start.at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    why = f"entries up to {start.seq}, the last one of {last}: it is kept for {keep_ms // DAY_MS} days"
    tx.append([Entry(now_ms, engine.run, "", PRUNE, "done", record_id=str(start.seq), reason=why)])
    return True
