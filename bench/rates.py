"""How fast the Chargebee and REST connectors read and write, with no quota in the way: python -m bench.rates

Records per second of wall time against the sandbox's servers, which share the machine, so that these are lower
bounds. A real system's quota is far below them.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path

from bench.stage import SECRETS, Stage, contacts_in_both
from instep.connectors.contract import Connector, CreateKey
from instep.core.model import Record, Side
from instep.core.values import Json
from instep.site import load_site

RECORDS = 10_000
WRITES = 600
AT_ONCE = (1, 8, 16)
WRITTEN: dict[Side, tuple[str, dict[str, Json], dict[str, Json]]] = {
    Side.LEFT: ("customer", {"first_name": "Åse", "last_name": "Bråthen"}, {"phone": "+47 22 33 44 55"}),
    Side.RIGHT: ("contact", {"given_name": "Åse", "family_name": "Bråthen"}, {"phone": "+47 22 33 44 55"}),
}
"""Entity, a new record's fields, and what is changed of it."""


async def at_once(jobs: Iterable[Callable[[], Awaitable[Record]]], many: int) -> tuple[list[Record], float]:
    """The results, and records per second, with so many requests under way."""
    gate, began_s = asyncio.Semaphore(many), time.monotonic()

    async def one(job: Callable[[], Awaitable[Record]]) -> Record:
        async with gate:
            return await job()

    found = await asyncio.gather(*map(one, jobs))
    return list(found), len(found) / (time.monotonic() - began_s)


async def reads(connector: Connector, entity: str) -> float:
    began_s, count = time.monotonic(), 0
    async for page in connector.list(entity, None):
        count += len(page.records)
    return count / (time.monotonic() - began_s)


async def measure(connector: Connector, side: Side) -> None:
    entity, new, changes = WRITTEN[side]
    before = connector.requests
    rate = await reads(connector, entity)
    print(
        f"| {connector.name} | reading, {RECORDS / (connector.requests - before):.0f} a page | {rate:,.0f} |"
    )
    for many in AT_ONCE:
        keys = [CreateKey(f"r-{many}-{n}", f"r-{many}-{n}", f"create-{many}-{n}") for n in range(WRITES)]
        creates = [partial(connector.create, entity, new, key) for key in keys]
        made, created = await at_once(creates, many)
        updates = [
            partial(connector.update, entity, seen.id, changes, seen=seen, idempotency=f"u-{seen.id}")
            for seen in made
        ]
        _, changed = await at_once(updates, many)
        print(f"| {connector.name} | creating, {many} at once | {created:,.0f} |")
        print(f"| {connector.name} | updating, {many} at once | {changed:,.0f} |", flush=True)


async def main() -> None:
    os.environ.update(SECRETS)
    with tempfile.TemporaryDirectory() as directory, Stage(Path(directory) / "stage") as stage:
        stage.fill(contacts_in_both(RECORDS))
        site = load_site(stage.site)
        print("| system | what | records per second |\n|---|---|---:|")
        try:
            for side in Side:
                await measure(site.connectors[side], side)
        finally:
            await site.close()


if __name__ == "__main__":
    asyncio.run(main())
