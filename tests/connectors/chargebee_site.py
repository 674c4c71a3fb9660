"""An emulated Chargebee site in this event loop, a connector on it, and a person at its admin UI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from instep.connectors.chargebee import BusinessEntity, ChargebeeConnector, PriceTerm, Settings
from instep.connectors.contract import CreateKey, Page
from instep.connectors.http import Exchange
from instep.core.model import Record
from instep.core.values import Json, set_path
from instep.sandbox.chargebee import Settings as SiteSettings
from instep.sandbox.chargebee import build_app
from instep.sandbox.kit import listening

SETTINGS = Settings(
    list_lag_s=0,
    prices=(PriceTerm("EUR"), PriceTerm("USD")),
    item_family="erp-products",
    custom_fields={"customer": {"cf_erp_id": "text"}, "item": {"cf_shelf": "text"}},
    business_entities=(BusinessEntity("be_Nord01", "Nord"),),
)
SWITCHES: Mapping[str, Any] = {"rate_limit_per_min": 0, "customer_delete_delay_s": 0}


@dataclass
class Site:
    """`log` holds each request that the connector sent, `forms` what `watch` kept of them."""

    url: str
    connector: ChargebeeConnector
    client: aiohttp.ClientSession
    log: list[Exchange] = field(default_factory=list)

    async def console(self, method: str, path: str, body: Any = None) -> Any:
        async with self.client.request(method, f"{self.url}/_console/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def switch(self, **values: Any) -> None:
        await self.console("POST", "switches", values)

    async def fault(self, effect: Mapping[str, Any], **rule: Any) -> None:
        await self.console("POST", "faults", {**rule, "effect": dict(effect)})

    async def advance(self, seconds: float) -> None:
        await self.console("POST", "clock", {"advance_s": seconds})

    async def put(self, plural: str, **fields: Any) -> str:
        """A record that a person makes."""
        made = await self.console("POST", plural, fields)
        id: str = made["id"]
        return id

    async def edit(self, plural: str, id: str, changes: Mapping[str, Json]) -> None:
        """A person's edit of dotted paths."""
        nested: dict[str, Json] = {}
        for path, value in changes.items():
            set_path(nested, path, value)
        await self.console("PATCH", f"{plural}/{id}", nested)

    async def stored(self, plural: str, id: str) -> dict[str, Any]:
        """The record as the site holds it."""
        held = (await self.console("GET", f"records/{plural}"))["records"]
        found: dict[str, Any] = next(
            record for record in held if record["id"] == id and not record["deleted"]
        )
        return found

    async def count(self, plural: str) -> int:
        held = (await self.console("GET", f"records/{plural}"))["records"]
        return sum(not record.get("deleted") for record in held)

    async def listed(self, entity: str, cursor: str | None = None) -> tuple[dict[str, Record], str]:
        """All records of a listing by id, and where the next one begins."""
        records: dict[str, Record] = {}
        page: Page | None = None
        async for page in self.connector.list(entity, cursor):
            records.update((record.id, record) for record in page.records)
        assert page is not None and page.last
        return records, page.cursor

    def sent(self, method: str = "") -> list[str]:
        """The routes of the requests so far, of one method if it is given."""
        return [f"{x.method} {x.route}" for x in self.log if not method or x.method == method]

    async def an_item(self, id: str, **fields: Any) -> str:
        """An item with a price of 19.90 in EUR."""
        families = (await self.console("GET", "records/item_families"))["records"]
        if not families:
            await self.put("item_families", id="erp-products", name="ERP products")
        await self.put(
            "items", **{"id": id, "name": id, "type": "charge", "item_family_id": "erp-products", **fields}
        )
        await self.put(
            "item_prices", id=f"{id}-EUR", name=f"{id} EUR", item_id=id, currency_code="EUR",
            pricing_model="per_unit", price=1990,
        )  # fmt: skip
        return id


def key(id: str, idempotency: str = "") -> CreateKey:
    return CreateKey(id, "", idempotency or f"k-{id}")


@asynccontextmanager
async def chargebee_site(
    settings: Settings = SETTINGS, *, switches: Mapping[str, Any] = SWITCHES, **options: Any
) -> AsyncIterator[Site]:
    """A fresh site; `options` go to the connector."""
    custom = {"customer": ("cf_erp_id",), "item": ("cf_shelf",)}
    app = build_app(SiteSettings(switches=dict(switches)))
    log: list[Exchange] = []
    async with listening(app) as url, aiohttp.ClientSession() as client:
        connector = ChargebeeConnector(
            "acme-test",
            "test_key",
            settings,
            base_url=url,
            **{"requests_per_minute": None, "log": log.append, **options},
        )
        site = Site(url, connector, client, log)
        for resource, names in custom.items():
            await site.console(
                "POST", "settings", {"custom_fields": {resource: [{"name": name} for name in names]}}
            )
        try:
            yield site
        finally:
            await connector.close()
