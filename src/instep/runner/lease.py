"""Having the store to oneself: the lease is taken, renewed for as long as work goes on, and given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from instep.errors import Held, LeaseLost
from instep.runner.engine import Engine


@asynccontextmanager
async def leased(engine: Engine, holder: str, is_dead: Callable[[str], bool]) -> AsyncIterator[int]:
    """The lease in the name of `holder`, for as long as the block lasts; gives its epoch.

    From a holder that `is_dead` knows to be gone it is taken at once. Raises Held while another one has it; a
    lease that is lost meanwhile shows at the next write (LeaseLost).
    """
    epoch = await _acquire(engine, holder, is_dead)
    renewing = asyncio.ensure_future(_renew(engine, holder))
    try:
        yield epoch
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError, LeaseLost):
            await renewing
        with suppress(LeaseLost):
            await engine.store.release()


async def _acquire(engine: Engine, holder: str, is_dead: Callable[[str], bool]) -> int:
    """Take the lease; from a process that is known to be dead at once, in its own name first."""
    now_ms, ttl_ms = engine.now_ms(), engine.settings.lease_ms
    try:
        return await engine.store.acquire(holder, now_ms, ttl_ms)
    except Held as held:
        if not is_dead(held.holder):
            raise
        await engine.store.acquire(held.holder, now_ms, ttl_ms)
        return await engine.store.acquire(holder, now_ms, ttl_ms)


async def _renew(engine: Engine, holder: str) -> None:
    while True:
        await engine.sleep(engine.settings.lease_ms / 3000)
        await engine.store.acquire(holder, engine.now_ms(), engine.settings.lease_ms)
