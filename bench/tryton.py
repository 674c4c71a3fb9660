"""How fast a real Tryton is read and written through the connector: python -m bench.tryton

Each figure is records per second of wall time for one batch size, with as many writers as fit into a batch.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path

from instep.connectors.contract import CreateKey
from instep.connectors.tryton import Settings, TrytonConnector
from instep.core.model import Record
from instep.core.values import Json
from instep.sandbox.tryton import Tryton, install, start
from instep.sandbox.tryton.install import usual_cache
from instep.sandbox.tryton.server import DATABASE

RECORDS = {1: 100, 16: 480, 50: 600}
"""Batch size -> records that are written with it."""


def connector_of(tryton: Tryton, batch: int) -> TrytonConnector:
    settings = Settings(tryton.url, DATABASE, "sync", batch=batch, write_calls=1)
    return TrytonConnector(settings, tryton.installation.password("sync"))


async def at_once(jobs: Sequence[Callable[[], Awaitable[Record]]], many: int) -> tuple[list[Record], float]:
    """The results, and records per second, with so many under way at any time."""
    gate = asyncio.Semaphore(many)

    async def one(job: Callable[[], Awaitable[Record]]) -> Record:
        async with gate:
            return await job()

    began_s = time.monotonic()
    found = await asyncio.gather(*(one(job) for job in jobs))
    return list(found), len(jobs) / (time.monotonic() - began_s)


def contact(n: int) -> dict[str, Json]:
    return {
        "name": f"Åse Bråthen {n}",
        "email": f"ase{n}@example.test",
        "phone": "+47 22 33 44 55",
        "address": {"street": "Storgata 1", "postal_code": "9008", "city": "Tromsø", "country": "NO"},
    }


def product(n: int, batch: int) -> dict[str, Json]:
    return {"code": f"B-{batch}-{n}", "name": "Sensor", "list_price": Decimal("19.90"), "type": "service"}


async def writes(tryton: Tryton, batch: int, count: int) -> None:
    connector = connector_of(tryton, batch)
    key = CreateKey("", "", "")
    try:
        await connector.read("contact", (await connector.create("contact", contact(0), key)).id)
        new = [lambda n=n: connector.create("contact", contact(n), key) for n in range(count)]
        made, created = await at_once(new, batch)
        edits = [
            lambda r=r: connector.update("contact", r.id, {"name": "New"}, seen=r, idempotency="")
            for r in made
        ]
        _, updated = await at_once(edits, batch)
        goods = [lambda n=n: connector.create("product", product(n, batch), key) for n in range(count)]
        _, stocked = await at_once(goods, batch)
        print(
            f"batch {batch:3}: contacts made {created:6.0f}/s, changed {updated:6.0f}/s; "
            f"products made {stocked:6.0f}/s"
        )
    finally:
        await connector.close()


async def reads(tryton: Tryton, entity: str) -> None:
    connector = connector_of(tryton, 100)
    try:
        began_s, sent = time.monotonic(), connector.requests
        count = sum([len(page.records) async for page in connector.list(entity, None)])
        took_s = time.monotonic() - began_s
        print(
            f"read {entity}: {count / took_s:6.0f}/s in pages of 500 ({connector.requests - sent} requests)"
        )
    finally:
        await connector.close()


async def main() -> None:
    installation = install(usual_cache(), print)
    with tempfile.TemporaryDirectory() as directory, start(installation, Path(directory)) as tryton:
        for batch, count in RECORDS.items():
            await writes(tryton, batch, count)
        for entity in ("contact", "product"):
            await reads(tryton, entity)


if __name__ == "__main__":
    asyncio.run(main())
