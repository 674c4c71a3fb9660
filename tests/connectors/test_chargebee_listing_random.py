"""Random edits, deletes, pauses and restarts between the pages of lagging lists: no change is ever missed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from instep.connectors.contract import Page
from instep.core.model import Record

from .chargebee_site import SETTINGS, Site, chargebee_site

LAG_S = 60


class Reader:
    """Keeps what a client that only lists would know: the newest reading of each record, and the cursor."""

    def __init__(self, site: Site, entity: str) -> None:
        self.site, self.entity = site, entity
        self.cursor: str | None = None
        self.known: dict[str, Record] = {}
        self._pages: AsyncIterator[Page] | None = None

    async def step(self) -> bool:
        """Take one page; True after the last one of a listing."""
        if self._pages is None:
            self._pages = self.site.connector.list(self.entity, self.cursor)
        page = await anext(self._pages)
        self.cursor = page.cursor
        for record in page.records:
            known = self.known.get(record.id)
            if known is None or (record.version or 0) >= (known.version or 0):
                self.known[record.id] = record
        if page.last:
            self.restart()
        return page.last

    def restart(self) -> None:
        """Forget the listing under way, as a crash would; the saved cursor stays."""
        self._pages = None


async def shake(site: Site, draw: random.Random, reader: Reader, change: str) -> None:
    """One random step of the world or of the reader."""
    what = draw.choice(["edit", "edit", "make", "delete", "wait", "page", "page", "page", "crash"])
    n = draw.randrange(8)
    if what == "edit":
        await site.client.request("PATCH", f"{site.url}/_console/{change.format(n)}", json=edit(draw, change))
    elif what == "make":
        await make(site, reader.entity, n)
    elif what == "delete" and reader.entity == "customer":
        await site.client.request("DELETE", f"{site.url}/_console/customers/r-{n}")
    elif what == "wait":
        await site.advance(draw.choice([0.2, 1, 7, 45, 200]))
    elif what == "page":
        await reader.step()
    elif what == "crash":
        reader.restart()


def edit(draw: random.Random, change: str) -> dict[str, int | str]:
    return (
        {"price": draw.randrange(1, 999)} if "item_prices" in change else {"phone": str(draw.randrange(999))}
    )


async def make(site: Site, entity: str, n: int) -> None:
    """A record, if it isn't there."""
    if entity == "customer":
        await site.client.request("POST", f"{site.url}/_console/customers", json={"id": f"r-{n}"})
        return
    held = (await site.console("GET", "records/items"))["records"]
    if not any(item["id"] == f"r-{n}" for item in held):
        await site.an_item(f"r-{n}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("entity", "change"), [("customer", "customers/r-{}"), ("item", "item_prices/r-{}-EUR")]
)
async def test_whatever_happens_between_pages_the_last_state_is_read(
    entity: str, change: str, seed: int
) -> None:
    draw = random.Random(seed)
    switches = {
        "rate_limit_per_min": 0, "customer_delete_delay_s": 0,
        "list_lag_ms": LAG_S * 1000, "list_lag_varies": True,
    }  # fmt: skip
    settings = replace(SETTINGS, list_lag_s=LAG_S, page_size=2)
    async with chargebee_site(settings, switches=switches) as site:
        await site.console("POST", "clock", {"freeze_at": 1_795_435_200 + draw.random()})
        reader = Reader(site, entity)
        for _ in range(120):
            await shake(site, draw, reader, change)
        for _ in range(2):
            await site.advance(LAG_S + 1)
            while not await reader.step():
                pass
        held = (await site.console("GET", f"records/{entity}s"))["records"]
        truth = {record["id"] for record in held if not record["deleted"]}
        assert {id for id, record in reader.known.items() if not record.deleted} == truth
        for id in truth:
            read = await site.connector.read(entity, id)
            assert reader.known[id].fields == read.fields
