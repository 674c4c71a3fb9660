"""Random edits, writes, deletes, pauses and restarts between pages of lagging lists: no change is missed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from instep.connectors.contract import Page
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import Gone

from .chargebee_site import SETTINGS, Site, chargebee_site

LAG_S = 60
WRITES = {
    "customer": ["phone", "billing_address.city", "vat_number"],
    "item": ["unit", "price.EUR", "price.USD"],
}


class Reader:
    """Keeps what a client knows that goes by versions: an older reading is dropped, and of two with the same
    version and other fields neither is believed before the record was read. Readings and cursor are kept."""

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
            await self.take(record)
        if page.last:
            self.restart()
        return page.last

    async def take(self, record: Record) -> None:
        """Believe a reading as far as its version allows."""
        known = self.known.get(record.id)
        if known is not None and known.version == record.version and known.fields != record.fields:
            record = await self.site.connector.read(self.entity, record.id)
        if known is None or (record.version or 0) >= (known.version or 0):
            self.known[record.id] = record

    async def write(self, id: str, path: str, value: Json) -> None:
        """Write from what is known, and believe the answer."""
        known = self.known.get(id)
        if known is None or known.deleted:
            return
        key = f"k-{self.site.connector.requests}"
        try:
            answer = await self.site.connector.update(
                self.entity, id, {path: value}, seen=known, idempotency=key
            )
        except Gone:
            return
        await self.take(answer)

    def restart(self) -> None:
        """Forget the listing under way, as a crash would; the saved cursor stays."""
        self._pages = None


async def shake(site: Site, draw: random.Random, reader: Reader, target: str) -> None:
    """One random step of the world or of the reader."""
    what = draw.choice(["edit", "edit", "make", "delete", "wait", "page", "page", "page", "crash", "write"])
    id = f"r-{draw.randrange(8)}"
    if what == "edit":
        field = "price" if "item_prices" in target else "unit" if "items" in target else "phone"
        value = draw.randrange(1, 999)
        body = {field: value if field == "price" else str(value)}
        await site.client.request("PATCH", f"{site.url}/_console/{target.format(id)}", json=body)
    elif what == "make":
        await make(site, reader.entity, id)
    elif what == "delete" and reader.entity == "customer":
        await site.client.request("DELETE", f"{site.url}/_console/customers/{id}")
    elif what == "wait":
        await site.advance(draw.choice([0.2, 1, 7, 45, 200]))
    elif what == "page":
        await reader.step()
    elif what == "crash":
        reader.restart()
    elif what == "write":
        path = draw.choice(WRITES[reader.entity])
        number = draw.randrange(999)
        await reader.write(id, path, number if "price" in path else str(number))


async def make(site: Site, entity: str, id: str) -> None:
    """A record, if it isn't there."""
    if entity == "customer":
        await site.client.request("POST", f"{site.url}/_console/customers", json={"id": id})
        return
    held = (await site.console("GET", "records/items"))["records"]
    if not any(item["id"] == id for item in held):
        await site.an_item(id)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("entity", "target"),
    [("customer", "customers/{}"), ("item", "item_prices/{}-EUR"), ("item", "items/{}")],
)
async def test_whatever_happens_between_pages_the_last_state_is_known(
    entity: str, target: str, seed: int
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
            await shake(site, draw, reader, target)
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
            assert reader.known[id].version == read.version
