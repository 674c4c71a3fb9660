"""How long the console's pages take over a large store: python -m bench.console --records 100000

A store is filled with linked people, conflicts, ambiguous records and a journal, as runs would have left them; no
system is asked. Each page is fetched by a person who is logged in, from the process that serves it; the loop of the
site doesn't run meanwhile. What is told is the median and the slowest, from the request to the last byte.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from aiohttp import ClientSession, CookieJar
from click.testing import CliRunner

from instep.cli import instep
from instep.core.model import Both, Side
from instep.core.state import Hold, Key, Link, Sighting
from instep.core.values import digest
from instep.serve.access import access_of
from instep.serve.app import build_app
from instep.serve.live import Live
from instep.serve.serving import listener, serving, url_of
from instep.site import Site, load_site, now_ms
from instep.store.contract import Entry, Tx

TOKEN: Final = "a-token-of-the-benchmark"
PAIR: Final = "contact"
BATCH: Final = 1000
TIMES: Final = 5
PAGES: Final = (
    "/",
    "/inbox",
    "/matches",
    "/records",
    "/runs",
    "/runs/1",
    "/runs/brakes",
    "/dataflow",
    "/dataflow/try",
    "/api/v1/pairs",
    "/api/v1/holds",
    "/api/v1/journal",
    "/api/v1/runs",
)
SEARCHES: Final = ("nordmann", "c77", "ase77@example.test", "a", "nobody of that name")


def new_site(directory: Path) -> Site:
    """A site whose systems are never asked."""
    words = [
        "-C",
        str(directory),
        "init",
        "--site",
        "acme-test",
        "--erp-name",
        "Acme ERP",
        "--currency",
        "EUR",
    ]
    made = CliRunner().invoke(instep, words)
    assert made.exit_code == 0, made.output
    return load_site(directory, environ={"CHARGEBEE_API_KEY": "x" * 20, "ERP_TOKEN": "y" * 20})


async def fill(site: Site, records: int) -> None:
    """So many records, half on each side; each tenth pair in conflict, each fiftieth ambiguous, 3 entries of each."""
    now, links = now_ms(), records // 2
    run = await site.store.write(lambda tx: tx.start_run("sync", now))
    for start in range(0, links, BATCH):
        numbers = range(start, min(start + BATCH, links))
        await site.store.write(lambda tx, numbers=numbers: _batch(tx, numbers, run.id, now))  # type: ignore[misc]
    summary = {"writes": [{"pair": PAIR, "operation": "update", "side": "right", "count": links}]}
    await site.store.write(lambda tx: tx.finish_run(run.id, now + 1000, "done", summary))


def _batch(tx: Tx, numbers: Sequence[int], run: int, now: int) -> None:
    tx.save_sightings(seen for number in numbers for seen in _people(number, now))
    for number in numbers:
        ids = Both(f"c{number}", str(number))
        key = Key(PAIR, Side.LEFT, ids.left)
        if number % 50 == 49:
            why = "more than one record could be its partner"
            tx.replace_holds(
                key, [Hold(key, "", "ambiguous", "it may be 1 or 2", why, digest="d", since_ms=now)]
            )
            continue
        base = {name: Both((value,), (value,)) for name, value in _fields(number).items()}
        link = tx.save_link(Link(0, PAIR, ids, base, made_ms=now, made_by="match email"))
        if number % 10 == 3:
            values = {"first_name": {"left": ["Åse"], "right": ["Åsa"]}}
            what = "first_name: both sides were edited"
            held = Hold(
                key,
                "first_name",
                "conflict",
                what,
                "it can't be proved",
                digest="d",
                since_ms=now,
                values=values,
            )
            tx.replace_holds(key, [held])
        if number % 100 == 7:
            tx.mark([key], reason="changed")
        changes = [{"property": "last_name", "old": ["Berg"], "new": [f"Nordmann {number}"]}]
        tx.append(
            Entry(
                now, run, PAIR, operation, "done", Side.RIGHT, ids.right, ids.left, link.id, "edited", changes
            )
            for operation in ("link", "update", "update")
        )


def _fields(number: int) -> Mapping[str, str]:
    return {"first_name": "Åse", "last_name": f"Nordmann {number}", "email": f"ase{number}@example.test"}


def _people(number: int, now: int) -> Iterator[Sighting]:
    left = dict(_fields(number))
    right = {"given_name": left["first_name"], "family_name": left["last_name"], "email": left["email"]}
    for side, entity, id, fields in (
        (Side.LEFT, "customer", f"c{number}", left),
        (Side.RIGHT, "contact", str(number), right),
    ):
        yield Sighting(side, entity, id, fields, digest([fields]), updated_ms=now, seen_ms=now, shown_ms=now)


async def measure(site: Site, times: int = TIMES) -> dict[str, list[float]]:
    """Milliseconds per page."""
    app = build_app(site, Live(site), access_of([(TOKEN, "Ada", "admin")]))
    listening = listener("127.0.0.1", 0)
    url = url_of(listening)
    found: dict[str, list[float]] = {}
    async with serving(app, listening), ClientSession(url, cookie_jar=CookieJar(unsafe=True)) as person:
        page = await _text(person, "GET", "/login")
        mark = re.search(r'name="mark" value="([^"]*)"', page)
        assert mark is not None
        await _text(person, "POST", "/login", data={"token": TOKEN, "mark": mark[1], "next": "/"}, url=url)
        for path in PAGES:
            found[path] = [await _took(person, "GET", path) for _ in range(times)]
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for query in SEARCHES:
            wish = {"query": query}
            found[f"search {query}"] = [
                await _took(person, "POST", "/api/v1/records/search", json=wish, headers=bearer)
                for _ in range(times)
            ]
    return found


async def _text(person: ClientSession, method: str, path: str, url: str = "", **given: object) -> str:
    headers = {"Origin": url} if url else {}
    async with person.request(method, path, headers=headers, **given) as answer:  # type: ignore[arg-type]
        assert answer.status == 200, (path, answer.status)
        return await answer.text()


async def _took(person: ClientSession, method: str, path: str, **given: object) -> float:
    began = time.perf_counter()
    async with person.request(method, path, **given) as answer:  # type: ignore[arg-type]
        body = await answer.read()
    assert answer.status == 200, (path, answer.status, body[:200])
    return (time.perf_counter() - began) * 1000


async def run(records: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        site = new_site(Path(directory))
        try:
            began = time.perf_counter()
            await fill(site, records)
            print(f"{records:,} records filled in {time.perf_counter() - began:.0f} s\n")
            print("| page | median ms | slowest ms |\n|---|---:|---:|")
            for path, took in (await measure(site)).items():
                print(f"| `{path}` | {statistics.median(took):.0f} | {max(took):.0f} |")
        finally:
            await site.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    asyncio.run(run(parser.parse_args().records))
