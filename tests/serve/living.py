"""The loop of a site in the test's own event loop, between both systems as processes; and waiting for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from instep.core.model import Side
from instep.runner.polling import Rhythm
from instep.serve.live import Live
from instep.site import Site, opened
from tests.cli.company import Company

LEFT, RIGHT = Side.LEFT, Side.RIGHT
WAIT_S = 40.0
NEVER_MS = 86_400_000

T = TypeVar("T")


@asynccontextmanager
async def living(directory: Path, **rhythm: int) -> AsyncIterator[tuple[Live, Site]]:
    """A loop that goes on for as long as the block lasts; polls are far apart unless `rhythm` says otherwise."""
    far: dict[str, int] = {
        "slow_ms": NEVER_MS,
        "busy_ms": NEVER_MS,
        "tick_ms": 50,
        "failed_ms": 100,
        **rhythm,
    }
    async with opened(directory) as site:
        live = Live(site, rhythm=Rhythm(**far))
        going = asyncio.ensure_future(live.go_on())
        try:
            yield live, site
        finally:
            live.stop()
            await going


async def until(found: Callable[[], T]) -> T:
    """What is found, once it is anything; asked for in a thread, so that the loop goes on meanwhile."""
    ends = time.monotonic() + WAIT_S
    while not (value := await asyncio.to_thread(found)):
        assert time.monotonic() < ends, f"it does not come about: {found}"
        await asyncio.sleep(0.05)
    return value


async def at_rest(live: Live) -> None:
    """Nothing goes on and nothing is due."""
    runner, ends = live._runner, time.monotonic() + WAIT_S
    while live.now.state != "idle" or runner.busy or runner._due():  # asked in the loop, which it belongs to
        assert time.monotonic() < ends, f"no rest: {live.now}"
        await asyncio.sleep(0.02)


def sent(company: Company) -> dict[str, int]:
    """Requests to Chargebee since the counters were reset, by method and last part of the route."""
    found: dict[str, Any] = company.chargebee.counters()
    return {f"{row['method']} {row['route'].removeprefix('/api/v2/')}": row["count"] for row in found["by"]}
