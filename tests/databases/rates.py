"""How fast the SQL connector reads and writes, on both databases: `python -m tests.databases.rates`.

Durable settings for PostgreSQL (fsync on), unlike those of the tests. Prints the table of docs/guide/sql.md.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from instep.connectors.contract import CreateKey
from instep.connectors.sql import SqlConnector
from instep.core.model import Record

from .company import Company, SqliteCompany, described, in_postgres
from .postgres import running

ROWS = 20_000
WRITES = 1_000
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")


async def timed(work: Callable[[], Awaitable[Any]], count: int) -> str:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return f"{count / wall:,.0f} /s, {cpu / count * 1e6:,.0f} µs of CPU"


async def read_all(connector: SqlConnector) -> None:
    async for _ in connector.list("customer", None):
        pass


async def create_all(connector: SqlConnector, at_once: int) -> list[Record]:
    gate = asyncio.Semaphore(at_once)

    async def one(n: int) -> Record:
        async with gate:
            fields: dict[str, Any] = {
                "name": f"C {n}",
                "email": f"{at_once}-{n}@x.example",
                "address": {"city": "Oslo"},
            }
            return await connector.create("customer", fields, CreateKey("", f"{at_once}-{n}", "k"))

    return list(await asyncio.gather(*map(one, range(WRITES))))


async def update_all(connector: SqlConnector, records: list[Record], at_once: int) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(seen: Record) -> None:
        async with gate:
            await connector.update("customer", seen.id, {"name": "New"}, seen=seen, idempotency="k")

    await asyncio.gather(*map(one, records))


async def measure(company: Company) -> None:
    for at_once in (1, 5, 10):
        connector = company.connect(connections=at_once)
        made: list[Record] = []
        created = await timed(lambda: _into(made, create_all(connector, at_once)), WRITES)  # noqa: B023
        updated = await timed(lambda: update_all(connector, made, at_once), WRITES)  # noqa: B023
        await connector.close()
        row("creates", f"{at_once} at once", created)
        row("updates", f"{at_once} at once", updated)
    company.run("DELETE FROM customers")
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
    company.run(f"{numbers} INSERT INTO customers (name, city) SELECT 'Customer ' || i, 'Oslo' FROM n"
                if company.dialect == "sqlite" else
                f"INSERT INTO customers (name, city) {numbers} SELECT 'Customer ' || i, 'Oslo' FROM n")  # fmt: skip
    for page in (100, 500, 2000):
        connector = company.connect(described(), page=page)
        row("reading", f"{page} rows a page", await timed(lambda: read_all(connector), ROWS))  # noqa: B023
        await connector.close()


async def _into(found: list[Record], made: Awaitable[list[Record]]) -> None:
    found.extend(await made)


def row(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        sys.stdout.write("SQLite\n")
        asyncio.run(measure(SqliteCompany(Path(place) / "erp.db")))
    with running(*DURABLE) as server, in_postgres(server) as company:
        sys.stdout.write("PostgreSQL\n")
        asyncio.run(measure(company))


if __name__ == "__main__":
    main()
