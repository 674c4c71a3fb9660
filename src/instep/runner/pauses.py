"""Pairs that a person has paused: nothing of them is written until somebody says so; they are still read.

It concerns what a process that is always on does by itself. A run that a person asks for goes ahead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from instep.core.dataflow import Dataflow
from instep.runner.engine import Engine
from instep.store.contract import Entry, Tx

Change = Callable[[Engine, str, str], Awaitable[bool]]
"""`pause` or `resume`."""


def _name(pair: str) -> str:
    """Name of the setting that says who has paused a pair."""
    return f"paused:{pair}"


def paused(tx: Tx, dataflow: Dataflow) -> Mapping[str, str]:
    """By pair, who has paused it."""
    found = {pair.name: tx.meta(_name(pair.name)) for pair in dataflow.pairs}
    return {name: who for name, who in found.items() if who is not None}


async def pause(engine: Engine, pair: str, who: str) -> bool:
    """Pause a pair, and say so in the journal; False if it is paused already. Raises LookupError for no pair."""
    return await engine.store.write(partial(_change, engine, pair=pair, who=who, pausing=True))


async def resume(engine: Engine, pair: str, who: str) -> bool:
    """Let a pair go on, and say so in the journal; False if it is not paused. Raises LookupError for no pair."""
    return await engine.store.write(partial(_change, engine, pair=pair, who=who, pausing=False))


def _change(engine: Engine, tx: Tx, *, pair: str, who: str, pausing: bool) -> bool:
    if engine.dataflow.pair(pair) is None:
        raise LookupError(pair)
    if (tx.meta(_name(pair)) is not None) is pausing:
        return False
    tx.save_meta(_name(pair), who if pausing else None)
    operation = "pause" if pausing else "resume"
    tx.append([Entry(engine.now_ms(), engine.run, pair, operation, "done", reason=f"by {who}")])
    return True
