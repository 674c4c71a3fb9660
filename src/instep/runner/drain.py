"""The embedded engine: workers that drain buckets of one pair, each bucket by one worker at a time, in order.

This is the port that a distributed engine fills too: keys hash to buckets, `drain(bucket)` is all that has to
be run somewhere, and every commit checks the lease. See `instep.store.contract` for BUCKETS and todo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

Drain = Callable[[int], Awaitable[None]]
"""Work off what is due in one bucket."""


async def broken_off(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Cancel tasks, and wait until each has ended, however it does."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def drain_all(busy: Callable[[], list[int]], drain: Drain, workers: int) -> None:
    """Drain until no bucket has work that is due. The first error stops the workers after what they are at,
    and is raised."""
    claimed: set[int] = set()
    freed = asyncio.Event()
    failures: list[BaseException] = []

    async def work() -> None:
        while not failures:
            free = [bucket for bucket in busy() if bucket not in claimed]
            if not free:
                if not claimed:
                    return
                freed.clear()
                await freed.wait()
                continue
            bucket = free[0]
            claimed.add(bucket)
            try:
                await drain(bucket)
            except BaseException as error:
                failures.append(error)
                raise
            finally:
                claimed.discard(bucket)
                freed.set()

    tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks, return_exceptions=True)
    except asyncio.CancelledError:
        await broken_off(tasks)
        raise
    if failures:
        raise failures[0]
