"""The loop of a site in the test's own event loop, between both systems as processes; and waiting for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from instep.core.model import Side
from instep.runner.observe import Observed
from instep.runner.polling import Poll, Rhythm
from instep.runner.watched import Note
from instep.serve.live import Live
from instep.site import Site, opened
from instep.store.contract import Tx
from tests.cli.company import Company

LEFT, RIGHT = Side.LEFT, Side.RIGHT
WAIT_S = 120.0
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


def readings(live: Live, side: Side, entity: str) -> list[int]:
    """From now on, of each reading of that entity that comes to its end, how many records had changed."""
    polls, news = live._runner.polls, list[int]()
    whole = polls.on_read

    async def note(poll: Poll, observed: Observed) -> None:
        if (poll.side, poll.entity) == (side, entity):
            news.append(observed.changed)
        await whole(poll, observed)

    polls.on_read = note
    return news


def at_most(since_s: float, every_s: float) -> int:
    """How often something was done since then that is done no more often than that, however slow the machine is."""
    return 2 + int((time.monotonic() - since_s) / every_s)


def nothing_is_watched(site: Site) -> bool:
    """Whether no log is going to be asked any more about what was written before."""

    def look(tx: Tx) -> bool:
        places = [(side, pair.entity[side]) for pair in site.dataflow.pairs for side in Side]
        return not any(Note.read(tx, side, entity) for side, entity in places)

    return site.store.read(look)


def has_read(site: Site, ids: Iterable[str], field: str, value: Any) -> bool:
    """Whether these customers have been read with that value of a field."""
    seen = [site.store.read(lambda tx, id=id: tx.sighting(LEFT, "customer", id)) for id in ids]
    return all(each is not None and each.fields.get(field) == value for each in seen)
