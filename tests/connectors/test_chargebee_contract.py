"""The connector contract, proven for each Chargebee entity against the emulated site over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from instep.connectors.chargebee import Settings
from instep.connectors.contract import Connector
from instep.core.values import Json
from instep.testing.connector_suite import ConnectorContract

from .chargebee_site import SETTINGS, Site, chargebee_site


class OnASite(ConnectorContract):
    """What the entities share; `plural` is the entity's path."""

    plural = ""
    tells_requests = True
    settings: Settings = replace(SETTINGS, page_size=3)
    site: Site

    @pytest.fixture(autouse=True)
    async def a_site(self) -> AsyncIterator[None]:
        async with chargebee_site(self.settings) as self.site:
            yield

    async def connector(self) -> Connector:
        return self.site.connector

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        await self.site.edit(self.plural, id, changes)

    async def remove_as_person(self, id: str) -> None:
        await self.site.console("DELETE", f"{self.plural}/{id}")


class TestCustomers(OnASite):
    entity = "customer"
    plural = "customers"
    clearable = "phone"
    text_field = "company"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {
            "first_name": f"Ida {n}",
            "email": f"ida{n}@example.test",
            "phone": "+49 431 5550",
            "vat_number": "DE123456789",
            "net_term_days": 30,
            "cf_erp_id": f"c{n}",
            "meta_data": {"rank": n},
            "billing_address": {"line1": "Hafenweg 3", "city": "Kiel", "zip": "24103", "country": "DE"},
        }

    def an_edit(self) -> dict[str, Json]:
        return {"first_name": "Edda", "net_term_days": 14, "cf_erp_id": "other"}


class TestBillingOfCustomers(TestCustomers):
    clearable = "vat_number"
    text_field = "billing_address.line2"

    def an_edit(self) -> dict[str, Json]:
        return {"billing_address.line1": "Kai 1", "billing_address.company": "Kern"}


class TestItems(OnASite):
    entity = "item"
    plural = "items"
    clearable = "external_name"
    text_field = "external_name"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        self._keys.append(0)
        return {
            "name": f"Sensor {n} {len(self._keys)}",
            "external_name": "Sensor",
            "description": "Measures",
            "unit": "piece",
            "cf_shelf": f"A{n}",
            "metadata": {"rank": n},
        }

    def an_edit(self) -> dict[str, Json]:
        return {"unit": "box", "description": "Measures well"}


class TestItemsWithoutPrices(TestItems):
    settings = replace(SETTINGS, page_size=3, prices=())


class TestPricesOfItems(TestItems):
    clearable = "price.EUR"
    text_field = ""

    async def put_as_person(self, connector: Connector, fields: Mapping[str, Json]) -> str:
        return await self.site.an_item(self.new_key().id)

    def an_edit(self) -> dict[str, Json]:
        return {"price.EUR": 2500}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        await self.site.edit("item_prices", f"{id}-EUR", {"price": changes["price.EUR"]})

    async def remove_as_person(self, id: str) -> None:
        await self.site.console("DELETE", f"item_prices/{id}-EUR")
        await self.site.console("DELETE", f"items/{id}")


class TestOrders(OnASite):
    entity = "order"
    plural = "orders"
    unique_marker = False  # it isn't written but read off the invoice's id, and follows from the chosen id
    clearable = "note"
    text_field = "note"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        tag = f"{self.nonce}-{n}-{len(self._keys)}"
        self._keys.append(0)
        customer = await self.site.put("customers", id=f"c-{tag}", first_name="Ida")
        item = await self.site.an_item(f"i-{tag}")
        return {
            "customer_id": customer,
            "currency_code": "EUR",
            "order_date": 1_763_800_000,
            "reference_id": f"SO-{n}",
            "note": "Ring twice",
            "order_line_items": [
                {"item_id": item, "description": "Sensor", "fulfillment_quantity": 2, "unit_price": 1990},
                {"description": "Freight", "fulfillment_quantity": 1, "unit_price": 500},
            ],
            "shipping_address": {"line1": "Hafenweg 3", "city": "Kiel", "zip": "24103", "country": "DE"},
        }

    def an_edit(self) -> dict[str, Json]:
        return {"note": "Ring once", "tracking_id": "TRK9", "shipping_address.line1": "Kai 1"}


class TestBusinessEntities(OnASite):
    entity = "business_entity"
    plural = "business_entities"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {"name": f"Entity {n}"}

    def an_edit(self) -> dict[str, Json]:
        return {}

    async def put_as_person(self, connector: Connector, fields: Mapping[str, Json]) -> str:
        return await self.site.put("business_entities", **fields)
