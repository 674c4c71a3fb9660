"""What Chargebee's events tell of changes, on an emulated site over HTTP; hostile ones over a server of our own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from instep.connectors.chargebee import ChargebeeConnector
from instep.core.model import Logged
from instep.core.values import get_path

from .chargebee_site import SETTINGS, Site, chargebee_site, key
from .misbehaving import misbehaving
from .mutations import Good

EVER = (0, 4_000_000_000_000)


async def logged(connector: ChargebeeConnector, *entities: str) -> list[Logged]:
    return [one async for page in connector.changed(entities, *EVER) for one in page]


async def a_customer(site: Site) -> str:
    await site.connector.create("customer", {"first_name": "Ida"}, key("c1"))
    return "c1"


async def test_an_item_price_tells_its_own_amount_and_no_other() -> None:
    async with chargebee_site() as site:
        await site.an_item("i1")
        await site.put(
            "item_prices", id="i1-USD", name="i1 USD", item_id="i1", currency_code="USD",
            pricing_model="per_unit", price=2100,
        )  # fmt: skip
        await site.connector.read("item", "i1")
        await site.edit("item_prices", "i1-EUR", {"price": 1700})
        told = (await logged(site.connector, "item"))[-1]
        assert (told.entity, told.record.id, told.paths) == ("item", "i1", {"price.EUR"})
        assert get_path(told.record.fields, "price.EUR") == 1700
        read = await site.connector.read("item", "i1")
        assert (told.record.version, told.record.author) == (read.version, "admin@acme.test (admin_console)")


async def test_an_item_price_that_was_archived_tells_that_there_is_no_price() -> None:
    async with chargebee_site() as site:
        await site.an_item("i1")
        await site.connector.read("item", "i1")
        await site.edit("item_prices", "i1-EUR", {"status": "archived"})
        told = (await logged(site.connector, "item"))[-1]
        assert (told.paths, get_path(told.record.fields, "price.EUR")) == ({"price.EUR"}, None)


async def test_a_second_item_price_of_that_currency_says_nothing_of_the_one_that_counts() -> None:
    async with chargebee_site() as site:
        await site.an_item("i1")
        await site.connector.read("item", "i1")
        await site.edit("item_prices", "i1-EUR", {"price": 1700})
        second = {
            "id": "i1-second", "name": "second", "item_id": "i1", "currency_code": "EUR",
            "pricing_model": "per_unit", "price": 9900,
        }  # fmt: skip
        await site.console("POST", "load", {"item_prices": [second]})
        await site.edit("item_prices", "i1-second", {"price": 9901})
        told = (await logged(site.connector, "item"))[-1]
        assert told.paths == frozenset()


async def test_an_item_and_an_order_say_nothing_of_what_their_events_do_not_hold() -> None:
    async with chargebee_site() as site:
        await site.an_item("i1")
        await site.edit("items", "i1", {"unit": "box"})
        told = (await logged(site.connector, "item"))[-1]
        assert get_path(told.record.fields, "unit") == "box"
        assert {"price", "price_id"}.isdisjoint(told.record.fields)
        await site.put("customers", id="c1", first_name="Ida")
        lines = [{"item_id": "i1", "fulfillment_quantity": 1, "unit_price": 1990}]
        fields = {"customer_id": "c1", "order_date": 1_763_800_000, "order_line_items": lines}
        await site.connector.create("order", fields, key("o1"))  # type: ignore[arg-type]
        await site.edit("orders", "o1", {"note": "Ring"})
        order = (await logged(site.connector, "order"))[-1]
        assert (order.record.id, get_path(order.record.fields, "note")) == ("o1", "Ring")
        assert {"order_line_items", "made_as"}.isdisjoint(order.record.fields)


async def test_all_entities_are_asked_for_at_once_page_by_page_and_no_further_than_needed() -> None:
    async with chargebee_site(replace(SETTINGS, page_size=2)) as site:
        id = await a_customer(site)
        for number in range(5):
            await site.edit("customers", id, {"company": f"{number}"})
        now_ms = (await site.connector.read("customer", id)).updated_ms
        assert now_ms is not None
        await site.advance(600)
        for number in range(5, 9):
            await site.edit("customers", id, {"company": f"{number}"})
        site.log.clear()
        pages = [page async for page in site.connector.changed(("customer", "item", "order"), *EVER)]
        assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
        assert site.sent() == ["GET events"] * 5
        site.log.clear()
        pages = [page async for page in site.connector.changed(("customer",), now_ms - 60_000, now_ms)]
        assert [len(page) for page in pages] == [2, 2, 2]
        assert site.sent() == ["GET events"] * 3


async def test_nothing_is_asked_for_entities_that_are_never_updated() -> None:
    async with chargebee_site() as site:
        assert await logged(site.connector, "business_entity") == []
        assert site.sent() == []


SPOILT: Sequence[Any] = (
    {"content": None},
    {"content": []},
    {"content": {"customer": None}},
    {"content": {"customer": {"id": 7}}},
    {"content": {"item_price": {"id": "p", "item_id": "i"}}},
    {"content": {"customer": {"id": "c1", "resource_version": "new", "updated_at": []}}},
    {"event_type": None},
    {"event_type": ["customer_changed"]},
    {"event_type": "item_price_updated"},
    {"event_type": "item_price_updated", "content": {"item_price": {"item_id": "i", "currency_code": {}}}},
    {"user": {"a": 1}, "source": 7},
    {"occurred_at": "yesterday"},
)


@pytest.mark.parametrize("spoilt", SPOILT)
async def test_an_event_that_makes_no_sense_is_left_out_or_tells_less(spoilt: dict[str, Any]) -> None:
    async with chargebee_site() as site:
        id = await a_customer(site)
        await site.edit("customers", id, {"company": "A"})

        def spoil(_what: str, good: Good) -> bytes:
            answer = json.loads(good.body)
            answer["list"][0]["event"].update(spoilt)
            return replace(good, body=json.dumps(answer).encode()).wire()

        async with misbehaving(site.url) as server:
            server.spoil = spoil
            connector = ChargebeeConnector(
                "acme-test", "test_key", SETTINGS, base_url=server.url, requests_per_minute=None
            )
            try:
                for one in await logged(connector, "customer"):
                    assert one.record.version is None or isinstance(one.record.version, int)
                    assert one.record.author is None or isinstance(one.record.author, str)
            finally:
                await connector.close()
