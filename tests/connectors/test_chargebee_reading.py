"""How the Chargebee connector reads a site: nothing lost, nothing endless, nothing said that wasn't offered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from instep.connectors.chargebee import BusinessEntity, ChargebeeConnector, Settings
from instep.connectors.http import Limits
from instep.core.values import ABSENT, Json, encode, get_path
from instep.errors import BadAnswer, Gone, RetryLater, Stop

from .chargebee_site import SETTINGS, chargebee_site
from .faulty_server import Clock, FaultyServer, faulty_server, http

LAGGING = {"rate_limit_per_min": 0, "list_lag_ms": 60_000}


# --- listing -----------------------------------------------------------------------------------------------


async def test_the_first_listing_asks_without_a_time_so_that_records_without_one_are_found() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1")
        await site.console("POST", "counters", {"reset": True})
        await site.listed("customer")
        requests = (await site.console("GET", "requests"))["requests"]
    assert "updated_at%5Bafter" not in json.dumps(requests)


async def test_an_idle_pass_costs_one_request_and_reads_no_record() -> None:
    async with chargebee_site(replace(SETTINGS, list_lag_s=300)) as site:
        for n in range(5):
            await site.put("customers", id=f"c-{n}")
        await site.advance(3600)
        _, cursor = await site.listed("customer")
        before = site.connector.requests
        records, _ = await site.listed("customer", cursor)
        assert site.connector.requests - before == 1
        assert records == {}


async def test_what_a_lagging_list_missed_is_in_the_next_one() -> None:
    async with chargebee_site(replace(SETTINGS, list_lag_s=60), switches=LAGGING) as site:
        await site.put("customers", id="c-1", first_name="Ida")
        await site.advance(120)
        _, cursor = await site.listed("customer")
        await site.edit("customers", "c-1", {"first_name": "Edda"})
        await site.advance(30)
        missed, cursor = await site.listed("customer", cursor)
        assert all(record.fields["first_name"] == "Ida" for record in missed.values())
        await site.advance(45)
        found, _ = await site.listed("customer", cursor)
        assert found["c-1"].fields["first_name"] == "Edda"


async def test_edits_in_the_second_in_which_a_listing_ends_are_in_the_next_one() -> None:
    async with chargebee_site() as site:
        await site.console("POST", "clock", {"freeze_at": 1_795_435_200})
        await site.put("customers", id="c-1")
        _, cursor = await site.listed("customer")
        await site.edit("customers", "c-1", {"first_name": "Edda"})
        await site.put("customers", id="c-2")
        found, _ = await site.listed("customer", cursor)
        assert set(found) == {"c-1", "c-2"}


async def test_a_wrong_date_header_does_not_hide_edits_once_a_write_told_the_time() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1")
        await site.console("POST", "clock", {"skew_s": 3600})
        seen = await site.connector.read("customer", "c-1")
        await site.connector.update("customer", "c-1", {"phone": "1"}, seen=seen, idempotency="k1")
        _, cursor = await site.listed("customer")
        await site.edit("customers", "c-1", {"first_name": "Edda"})
        found, _ = await site.listed("customer", cursor)
        assert found["c-1"].fields["first_name"] == "Edda"


async def test_a_cursor_whose_offset_expired_starts_its_listing_over() -> None:
    async with chargebee_site(replace(SETTINGS, page_size=2)) as site:
        for n in range(5):
            await site.put("customers", id=f"c-{n}")
        pages = [page async for page in site.connector.list("customer", None)]
        shape, since, began, _, stage = json.loads(pages[0].cursor)
        expired = json.dumps([shape, since, began, '["not", "an", "offset"]', stage])
        records, _ = await site.listed("customer", expired)
        assert set(records) == {f"c-{n}" for n in range(5)}


async def test_new_settings_read_everything_again() -> None:
    async with chargebee_site(replace(SETTINGS, prices=())) as site:
        await site.an_item("S-1")
        await site.advance(60)
        _, cursor = await site.listed("item")
        assert (await site.listed("item", cursor))[0] == {}
        priced = ChargebeeConnector(
            "acme-test", "test_key", SETTINGS, base_url=site.url, requests_per_minute=None
        )
        records = [record async for page in priced.list("item", cursor) for record in page.records]
        await priced.close()
        assert [get_path(record.fields, "price.EUR") for record in records] == [1990]


def customers(*ids: str, offset: Any = None, version: int = 1) -> bytes:
    rows = [{"customer": {"id": id, "resource_version": version, "updated_at": 1_763_850_000}} for id in ids]
    return http(
        200, json.dumps({"list": rows} | ({} if offset is None else {"next_offset": offset})).encode()
    )


@asynccontextmanager
async def against(
    script: list[bytes], rest: bytes = http(), settings: Settings = SETTINGS
) -> AsyncIterator[tuple[ChargebeeConnector, FaultyServer]]:
    clock = Clock()
    async with faulty_server(script, rest) as server:
        connector = ChargebeeConnector(
            "acme-test", "test_key", settings, base_url=server.url, requests_per_minute=None,
            limits=Limits(total_s=0.5, read_tries=2, write_tries=2), sleep=clock.sleep, monotonic=clock.monotonic,
        )  # fmt: skip
        try:
            yield connector, server
        finally:
            await connector.close()


ENDLESS = {
    "an empty offset": [customers("a", offset="")],
    "an offset that is no text": [customers("a", offset=7)],
    "the same offset for ever": [customers("a", offset="x"), customers("b", offset="x")],
    "the same page for ever": [customers("a", offset="x"), customers("a", offset="y")],
    "empty pages for ever": [customers(offset=f"{n}") for n in range(20)],
    "an offset too long to keep": [customers("a", offset="x" * 3000)],
    "rows without an id": [http(200, b'{"list": [{"customer": {"email": "a"}}]}')],
    "rows of another kind": [http(200, b'{"list": [{"item": {"id": "a"}}]}')],
    "no list": [http(200, b'{"customer": {"id": "a"}}')],
    "a bare list": [http(200, b"[]")],
}


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_listing_that_cannot_be_believed_is_a_bad_answer(script: list[bytes]) -> None:
    async with against(list(script), customers("z", offset="z")) as (connector, server):
        with pytest.raises(BadAnswer):
            async for _page in connector.list("customer", None):
                assert server.count < 20


@pytest.mark.parametrize("odd", [2**63, 10**30, -1, "1", [], {}, True, None, Decimal("1.5")], ids=str)
async def test_a_version_or_a_moment_that_can_not_be_is_none(odd: Json) -> None:
    row = {"id": "a", "resource_version": odd, "updated_at": odd, "created_at": odd}
    body = encode({"list": [{"customer": row}]})
    async with against([http(200, body)]) as (connector, _server):
        [page] = [page async for page in connector.list("customer", None)]
    [record] = page.records
    assert (record.version, record.updated_ms, record.created_ms) == (None, None, None)


@pytest.mark.parametrize("lines", [7, "x", {}, [None], [["x"]]], ids=str)
async def test_an_order_whose_lines_are_no_lines_is_a_bad_answer(lines: Json) -> None:
    body = encode({"order": {"id": "o-1", "order_line_items": lines}})
    async with against([http(200, body)]) as (connector, _server):
        with pytest.raises(BadAnswer, match="order o-1"):
            await connector.read("order", "o-1")


@pytest.mark.parametrize(
    "rate", [Decimal("1e999999999"), Decimal("1e-999999999"), 10**400, "x", [], None], ids=str
)
async def test_a_tax_rate_that_can_not_be_is_no_tax(rate: Json) -> None:
    line = {"id": "l-1", "entity_type": "adhoc", "description": "x"}
    order = {
        "id": "o-1",
        "order_line_items": [line],
        "line_item_taxes": [{"line_item_id": "l-1", "tax_rate": rate}],
    }
    async with against([http(200, encode({"order": order}))]) as (connector, _server):
        record = await connector.read("order", "o-1")
    assert get_path(record.fields, "order_line_items")[0]["tax_rate"] == 0


async def test_a_listing_gives_its_pages_as_they_come_and_goes_on_after_trouble() -> None:
    script = [customers("a", offset="1"), http(200, b"<html>"), http(200, b"<html>"), customers("b")]
    async with against(script) as (connector, _server):
        pages = []
        with pytest.raises(BadAnswer):
            async for page in connector.list("customer", None):
                pages.append(page)
        later = [page async for page in connector.list("customer", pages[0].cursor)]
    assert [record.id for page in [*pages, *later] for record in page.records] == ["a", "b"]


# --- records -----------------------------------------------------------------------------------------------


async def test_an_empty_field_is_empty_and_not_absent() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1")
        record = await site.connector.read("customer", "c-1")
    assert record.fields["email"] is None
    assert get_path(record.fields, "billing_address.city") is None
    assert record.fields["cf_erp_id"] is None
    assert get_path(record.fields, "cf_unknown") is ABSENT


async def test_what_was_blanked_for_privacy_is_not_offered() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1", first_name="Ida", cf_erp_id="7")
        await site.console("PATCH", "customers/c-1", {"pii_cleared": "cleared", "first_name": None})
        record = await site.connector.read("customer", "c-1")
    assert get_path(record.fields, "first_name") is ABSENT
    assert get_path(record.fields, "billing_address.city") is ABSENT
    assert get_path(record.fields, "cf_erp_id") is ABSENT
    assert record.fields["auto_collection"] == "on"


async def test_times_are_milliseconds_of_chargebees_clock() -> None:
    async with chargebee_site() as site:
        await site.console("POST", "clock", {"freeze_at": 1_795_435_200})
        await site.put("customers", id="c-1")
        record = await site.connector.read("customer", "c-1")
    assert record.created_ms == 1_795_435_200_000
    assert record.updated_ms == record.version
    assert record.updated_ms is not None and 0 <= record.updated_ms - record.created_ms < 1000


@pytest.mark.parametrize("id", ["", ".", "..", "no-such", "a/b", "a?b=c", "a b"])
async def test_an_id_never_asks_for_anything_but_a_record(id: str) -> None:
    async with chargebee_site() as site:
        with pytest.raises(Gone):
            await site.connector.read("customer", id)


async def test_a_price_that_a_person_changes_lists_its_item() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        await site.an_item("S-2")
        await site.advance(10)
        _, cursor = await site.listed("item")
        await site.edit("item_prices", "S-1-EUR", {"price": 2500})
        found, cursor = await site.listed("item", cursor)
        assert {id: record.fields["price"] for id, record in found.items()} == {
            "S-1": {"EUR": 2500, "USD": None}
        }
        await site.advance(10)
        _, cursor = await site.listed("item", cursor)
        assert (await site.listed("item", cursor))[0] == {}


async def test_prices_cost_one_request_per_page_of_items() -> None:
    async with chargebee_site() as site:
        for n in range(7):
            await site.an_item(f"S-{n}")
        before = site.connector.requests
        await site.listed("item")
        assert site.connector.requests - before == 2


async def test_a_price_made_by_a_person_under_another_id_is_the_items_price() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        await site.put(
            "item_prices", id="dollars", name="dollars", item_id="S-1", currency_code="USD", price=2200
        )
        record = await site.connector.read("item", "S-1")
        assert record.fields["price"] == {"EUR": 1990, "USD": 2200}
        assert record.fields["price_id"] == {"EUR": "S-1-EUR", "USD": "dollars"}


async def test_a_reading_shows_a_new_price_although_lists_lag() -> None:
    async with chargebee_site(replace(SETTINGS, list_lag_s=60), switches=LAGGING) as site:
        await site.an_item("S-1")
        await site.advance(120)
        await site.listed("item")
        await site.edit("item_prices", "S-1-EUR", {"price": 2500})
        record = await site.connector.read("item", "S-1")
        assert get_path(record.fields, "price.EUR") == 2500


async def test_order_lines_name_the_item_of_their_item_price() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1")
        await site.an_item("S-1")
        await site.put(
            "invoices", id="i-1", customer_id="c-1", date=1_763_800_000, total=3980, status="payment_due",
            line_items=[
                {"description": "Sensor", "quantity": 2, "unit_amount": 1990, "amount": 3980,
                 "entity_type": "charge_item_price", "entity_id": "S-1-EUR"},
                {"description": "Freight", "quantity": 1, "unit_amount": 0, "amount": 0},
            ],
        )  # fmt: skip
        await site.put(
            "orders", id="o-1", invoice_id="i-1", status="queued", order_date=1_763_800_000,
            shipping_date=1_763_800_000, created_at=1_763_800_000,
        )  # fmt: skip
        records, _ = await site.listed("order")
        requests = site.connector.requests
        again, _ = await site.listed("order")
        assert site.connector.requests - requests == 1, "an item price is looked up once"
        lines = records["o-1"].fields["order_line_items"]
        assert again["o-1"].fields["order_line_items"] == lines
        assert isinstance(lines, list)
        assert [(line["item_id"], line["entity_id"], line["unit_price"]) for line in lines] == [
            ("S-1", "S-1-EUR", 1990),
            (None, None, 0),
        ]


@pytest.mark.parametrize("named", ["id", "invoice_line_item_id"])
async def test_a_lines_tax_rate_is_that_of_all_its_taxes_together(named: str) -> None:
    line = {"id": "oli_1", "invoice_line_item_id": "li_1", "unit_price": 1000, "entity_type": "adhoc"}
    taxes = [{"line_item_id": line[named], "tax_rate": rate} for rate in (6.25, 2.625)]
    lines = [line, {**line, "id": "oli_2", "invoice_line_item_id": "li_2"}]
    async with chargebee_site() as site:
        order = {"id": "o-1", "customer_id": "c-1", "order_line_items": lines, "line_item_taxes": taxes}
        await site.console("POST", "load", {"orders": [order]})
        record = await site.connector.read("order", "o-1")
    told = record.fields["order_line_items"]
    assert isinstance(told, list)
    assert [line["tax_rate"] for line in told] == [Decimal("8.875"), 0]  # type: ignore[index,call-overload]


# --- business entities -------------------------------------------------------------------------------------


async def test_business_entities_are_known_from_entries_events_and_customers() -> None:
    async with chargebee_site() as site:
        await site.put("business_entities", id="be_Sued02", name="Süd")
        await site.put("business_entities", id="be_Old03", name="Alt")
        await site.put("customers", id="c-1", business_entity_id="be_Old03")
        await site.advance(100 * 86_400)
        await site.edit("business_entities", "be_Sued02", {"name": "Süden"})
        await site.listed("customer")
        found, _ = await site.listed("business_entity")
        again, _ = await site.listed("business_entity")
        assert set(again) == {"be_Nord01", "be_Sued02"}, "a hint is given once"
    shown = {id: (record.fields.get("name"), record.complete) for id, record in found.items()}
    assert shown == {"be_Nord01": ("Nord", True), "be_Sued02": ("Süden", True), "be_Old03": (None, False)}


async def test_a_renamed_business_entity_is_listed_again_even_by_a_new_connector() -> None:
    async with chargebee_site() as site:
        await site.put("business_entities", id="be_Sued02", name="Süd")
        await site.advance(10)
        _, cursor = await site.listed("business_entity")
        await site.edit("business_entities", "be_Sued02", {"name": "Süden"})
        other = ChargebeeConnector(
            "acme-test", "test_key", SETTINGS, base_url=site.url, requests_per_minute=None
        )
        records = [record async for page in other.list("business_entity", cursor) for record in page.records]
        await other.close()
        assert {record.id: record.fields["name"] for record in records}["be_Sued02"] == "Süden"


async def test_a_business_entity_named_by_a_customer_is_not_gone() -> None:
    async with chargebee_site() as site:
        await site.put("business_entities", id="be_Old03", name="Alt")
        await site.put("customers", id="c-1", business_entity_id="be_Old03")
        await site.advance(100 * 86_400)
        record = await site.connector.read("business_entity", "be_Old03")
        assert (record.id, record.complete) == ("be_Old03", False)
        with pytest.raises(Gone):
            await site.connector.read("business_entity", "be_Never")


async def test_a_newer_event_wins_over_an_entry_of_the_configuration() -> None:
    settings = replace(SETTINGS, business_entities=(BusinessEntity("be_Nord01", "Nord"),))
    async with chargebee_site(settings) as site:
        assert (await site.connector.read("business_entity", "be_Nord01")).fields["name"] == "Nord"
        await site.put("business_entities", id="be_Nord01", name="Norden")
        assert (await site.connector.read("business_entity", "be_Nord01")).fields["name"] == "Norden"


# --- check -------------------------------------------------------------------------------------------------


async def test_check_finds_a_wrong_key_and_asks_no_further() -> None:
    async with chargebee_site() as site:
        bad = ChargebeeConnector("acme-test", "wrong_key", base_url=site.url, requests_per_minute=None)
        health = await bad.check()
        assert (bad.requests, [problem.severity for problem in health.problems]) == (1, ["error"])
        assert "api_authentication_failed" in health.problems[0].why
        assert "wrong_key" not in str(health)
        with pytest.raises(Stop):
            await bad.read("customer", "c-1")
        await bad.close()


async def test_check_compares_the_configured_custom_fields_with_the_sites() -> None:
    fields = {"customer": {"cf_erp_id": "integer", "cf_missing": "text"}}
    async with chargebee_site(replace(SETTINGS, custom_fields=fields)) as site:
        health = await site.connector.check()
    assert sorted(problem.where for problem in health.problems if problem.severity == "error") == [
        "custom_fields.customer.cf_erp_id",
        "custom_fields.customer.cf_missing",
    ]
    assert health.clock_skew_ms is not None


async def test_check_says_when_orders_are_turned_off() -> None:
    off = http(400, b'{"message": "Orders is off", "api_error_code": "configuration_incompatible"}')
    script = [http(200, b'{"list": []}'), http(200, b'{"list": []}'), off]
    async with against(script, http(200, b'{"list": []}'), Settings()) as (connector, _server):
        health = await connector.check()
    assert [(problem.severity, "order" in problem.what) for problem in health.problems] == [("warning", True)]


async def test_a_paused_site_says_how_long() -> None:
    busy = b'{"message": "Sorry", "api_error_code": "api_request_limit_exceeded"}'
    async with against([], http(429, busy, "Retry-After: 600")) as (connector, server):
        with pytest.raises(RetryLater) as later:
            await connector.read("customer", "c-1")
        assert (later.value.after_ms or 0) > 590_000
        assert server.count == 1
