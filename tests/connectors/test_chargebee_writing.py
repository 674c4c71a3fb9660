"""How the Chargebee connector writes: nothing wiped, nothing made twice, every outcome by its proper name."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from instep.connectors.chargebee import ChargebeeConnector, PriceTerm, forms
from instep.connectors.chargebee.api import derived_key
from instep.connectors.chargebee.forms import pairs
from instep.connectors.contract import CreateKey
from instep.connectors.http import Limits
from instep.core.model import Record
from instep.core.values import Json, decode, encode, get_path
from instep.errors import Gone, InDoubt, OutcomeError, Refused, RetryLater, Stop, Taken, Unable

from .chargebee_site import SETTINGS, Site, chargebee_site, key
from .faulty_server import Clock, faulty_server, http

ADDRESS: dict[str, Json] = {"line1": "Hafenweg 3", "city": "Kiel", "zip": "24103", "country": "DE"}


async def edited(
    site: Site, entity: str, id: str, changes: dict[str, Json], idempotency: str = "k-1"
) -> Record:
    seen = await site.connector.read(entity, id)
    return await site.connector.update(entity, id, changes, seen=seen, idempotency=idempotency)


# --- customers ---------------------------------------------------------------------------------------------


async def test_a_new_address_does_not_wipe_the_vat_number() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1", vat_number="DE123456789", billing_address=ADDRESS)
        await edited(site, "customer", "c-1", {"billing_address.line1": "Kai 1"})
        stored = await site.stored("customers", "c-1")
    assert stored["vat_number"] == "DE123456789"
    assert {name: stored["billing_address"][name] for name in ADDRESS} == {**ADDRESS, "line1": "Kai 1"}


async def test_a_new_vat_number_does_not_wipe_the_address() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1", billing_address=ADDRESS)
        await edited(site, "customer", "c-1", {"vat_number": "DE987654321"})
        stored = await site.stored("customers", "c-1")
    assert stored["vat_number"] == "DE987654321"
    assert {name: stored["billing_address"][name] for name in ADDRESS} == ADDRESS


async def test_a_whole_address_can_be_emptied() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1", vat_number="DE123456789", billing_address=ADDRESS)
        changes: dict[str, Json] = {f"billing_address.{part}": None for part in ADDRESS}
        record = await edited(site, "customer", "c-1", changes)
    assert [get_path(record.fields, path) for path in changes] == [None] * 4
    assert record.fields["vat_number"] == "DE123456789"


async def test_an_address_seen_only_in_part_is_read_before_it_is_written() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1", vat_number="DE123456789", billing_address=ADDRESS)
        hint = Record("c-1", {"first_name": None}, complete=False)
        await site.connector.update(
            "customer", "c-1", {"billing_address.zip": "24105"}, seen=hint, idempotency="k"
        )
        stored = await site.stored("customers", "c-1")
    assert (stored["vat_number"], stored["billing_address"]["zip"]) == ("DE123456789", "24105")


async def test_a_part_of_the_meta_data_takes_the_rest_along() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1", meta_data={"crm": {"a": 1, "b": 2}, "rank": 3})
        record = await edited(site, "customer", "c-1", {"meta_data.crm.a": 7, "meta_data.rank": None})
    assert record.fields["meta_data"] == {"crm": {"a": 7, "b": 2}}


async def test_a_customer_is_made_in_its_business_entity_and_stays_there() -> None:
    async with chargebee_site() as site:
        await site.put("business_entities", id="be_Nord01", name="Nord")
        fields: dict[str, Json] = {"first_name": "Ida", "business_entity_id": "be_Nord01"}
        record = await site.connector.create("customer", fields, key("c-1"))
        assert record.fields["business_entity_id"] == "be_Nord01"
        with pytest.raises(Unable, match="transfer"):
            await edited(site, "customer", "c-1", {"business_entity_id": "be_Sued02"})


async def test_a_customer_is_never_deleted_and_a_person_is_told_why() -> None:
    async with chargebee_site() as site:
        await site.put("customers", id="c-1")
        seen = await site.connector.read("customer", "c-1")
        sent = site.connector.requests
        with pytest.raises(Unable, match="invoices"):
            await site.connector.retire("customer", "c-1", seen=seen, idempotency="k")
        assert site.connector.requests == sent


async def test_writes_carry_their_key_and_say_who_they_are() -> None:
    async with faulty_server([], http(200, b'{"customer": {"id": "c-1"}}')) as server:
        connector = ChargebeeConnector("acme-test", "test_key", base_url=server.url)
        await connector.create("customer", {"first_name": "Ida"}, key("c-1", "key-7"))
        await connector.close()
    head = server.heads[0].lower()
    assert "chargebee-idempotency-key: key-7" in head
    assert "chargebee-request-origin-user: instep" in head
    assert server.bodies == [b"first_name=Ida&id=c-1"]


@pytest.mark.parametrize("id", ["", "a/b", "a b", "ä", "x" * 51, ".."])
async def test_a_chosen_id_that_might_not_be_taken_is_refused_before_sending(id: str) -> None:
    async with chargebee_site() as site:
        with pytest.raises(Refused) as refused:
            await site.connector.create("customer", {"first_name": "Ida"}, key(id))
        assert refused.value.field == "id"
        assert site.connector.requests == 0


# --- items and prices --------------------------------------------------------------------------------------


async def test_items_that_are_made_at_once_share_the_family_that_one_of_them_made() -> None:
    async with chargebee_site() as site:
        creates = [site.connector.create("item", {"name": f"S{n}"}, key(f"S-{n}")) for n in range(4)]
        made = await asyncio.gather(*creates)
        assert {record.fields["item_family_id"] for record in made} == {"erp-products"}


async def test_the_item_family_is_made_with_the_first_item_and_not_asked_for_again() -> None:
    async with chargebee_site() as site:
        await site.connector.create("item", {"name": "Sensor"}, key("S-1"))
        await site.connector.create("item", {"name": "Other"}, key("S-2"))
        assert (await site.stored("items", "S-2"))["item_family_id"] == "erp-products"
        assert site.sent() == [
            "GET item_families/{id}",
            "POST item_families",
            "POST items",
            "POST items",
        ]


async def test_a_taken_name_is_not_a_taken_id() -> None:
    async with chargebee_site() as site:
        await site.connector.create("item", {"name": "Sensor"}, key("S-1"))
        with pytest.raises(Taken) as taken:
            await site.connector.create("item", {"name": "Sensor"}, key("S-2"))
        assert (taken.value.field, taken.value.existing_id) == ("name", "")


async def test_a_write_of_several_requests_tells_the_ids_of_all() -> None:
    async with chargebee_site() as site:
        record = await site.connector.create("item", {"name": "Sensor"}, key("S-1"))
        written = [x.request_id for x in site.log if x.method == "POST"]
        assert len(written) == 2 and all(written)
        assert record.request == " ".join(written)
        again = await site.connector.create("item", {"name": "Other"}, key("S-2"))
        assert again.request == site.log[-1].request_id


async def test_a_first_price_makes_an_item_price_with_a_chosen_id() -> None:
    async with chargebee_site() as site:
        await site.connector.create("item", {"name": "Sensor", "external_name": "S"}, key("S-1"))
        record = await edited(site, "item", "S-1", {"price.EUR": 1990})
        assert record.fields["price"] == {"EUR": 1990, "USD": None}
        stored = await site.stored("item_prices", "S-1-EUR")
        assert (stored["price"], stored["pricing_model"], stored["external_name"]) == (1990, "per_unit", "S")


@pytest.mark.parametrize(("type", "unit"), [("plan", "month"), ("addon", "month"), ("charge", None)])
async def test_a_price_without_a_period_is_the_monthly_one_of_a_plan(type: str, unit: str | None) -> None:
    async with chargebee_site() as site:
        await site.connector.create("item", {"name": "Sensor", "type": type}, key("S-1"))
        record = await edited(site, "item", "S-1", {"price.EUR": 1990})
        assert get_path(record.fields, "price.EUR") == 1990
        assert (await site.stored("item_prices", "S-1-EUR")).get("period_unit") == unit
        record = await edited(site, "item", "S-1", {"price.EUR": 2490}, "k-2")
        assert get_path(record.fields, "price.EUR") == 2490
        assert (await site.stored("item_prices", "S-1-EUR"))["price"] == 2490


async def test_a_yearly_price_is_not_taken_for_the_monthly_one() -> None:
    async with chargebee_site() as site:
        await site.connector.create("item", {"name": "Sensor", "type": "plan"}, key("S-1"))
        yearly = {"item_id": "S-1", "currency_code": "EUR", "period": 1, "period_unit": "year"}
        await site.put("item_prices", id="yearly", name="yearly", price=9900, **yearly)
        record = await site.connector.read("item", "S-1")
        assert get_path(record.fields, "price.EUR") is None


async def test_a_price_that_may_have_been_made_is_not_made_twice() -> None:
    async with chargebee_site(limits=Limits(total_s=0.5)) as site:
        await site.connector.create("item", {"name": "Sensor"}, key("S-1"))
        await site.fault(
            {"kind": "hang_after_apply"}, match={"method": "POST", "path": "item_prices"}, times=1
        )
        seen = await site.connector.read("item", "S-1")
        with pytest.raises(InDoubt):
            await site.connector.update("item", "S-1", {"price.EUR": 1990}, seen=seen, idempotency="k-1")
        await site.advance(3600)
        again = await site.connector.update("item", "S-1", {"price.EUR": 1990}, seen=seen, idempotency="k-1")
        assert get_path(again.fields, "price.EUR") == 1990
        assert await site.count("item_prices") == 1


async def test_a_cleared_price_is_archived_and_comes_back_with_the_next() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        cleared = await edited(site, "item", "S-1", {"price.EUR": None}, "k-1")
        assert get_path(cleared.fields, "price.EUR") is None
        assert (await site.stored("item_prices", "S-1-EUR"))["status"] == "archived"
        again = await edited(site, "item", "S-1", {"price.EUR": 2500}, "k-2")
        assert get_path(again.fields, "price.EUR") == 2500
        assert (await site.stored("item_prices", "S-1-EUR"))["status"] == "active"


async def test_a_price_that_a_person_archived_under_another_id_is_taken_up_again() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        await site.put("item_prices", id="usd", name="usd", item_id="S-1", currency_code="USD", price=1)
        await site.edit("item_prices", "usd", {"status": "archived"})
        record = await edited(site, "item", "S-1", {"price.USD": 2200})
        assert record.fields["price"] == {"EUR": 1990, "USD": 2200}
        assert record.fields["price_id"] == {"EUR": "S-1-EUR", "USD": "usd"}


async def test_a_price_is_changed_in_one_write_even_if_only_the_price_was_seen() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        await site.listed("item")
        seen = Record("S-1", {"price": {"EUR": 1990, "USD": None}})
        await site.connector.update("item", "S-1", {"price.EUR": 2500}, seen=seen, idempotency="k")
        assert (await site.stored("item_prices", "S-1-EUR"))["price"] == 2500
        assert site.sent("POST") == ["POST item_prices/{id}"]


async def test_a_written_price_whose_item_cannot_be_read_is_in_doubt() -> None:
    async with chargebee_site(limits=Limits(total_s=0.3, read_tries=1)) as site:
        await site.an_item("S-1")
        seen = Record("S-1", {"price": {"EUR": 1990, "USD": None}, "price_id": {"EUR": "S-1-EUR"}})
        await site.fault({"kind": "html"}, match={"method": "GET", "path": "items/S-1"})
        with pytest.raises(InDoubt, match="was written"):
            await site.connector.update("item", "S-1", {"price.EUR": 2500}, seen=seen, idempotency="k")


async def test_the_answers_to_edits_of_an_item_cost_no_further_reading() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        seen = await site.connector.read("item", "S-1")
        site.log.clear()
        await site.connector.update("item", "S-1", {"unit": "box"}, seen=seen, idempotency="k-1")
        await site.connector.update("item", "S-1", {"price.USD": 2200}, seen=seen, idempotency="k-2")
        record = await site.connector.update("item", "S-1", {"price.EUR": 5}, seen=seen, idempotency="k-3")
        assert site.sent() == ["POST items/{id}", "POST item_prices", "POST item_prices/{id}"]
        assert record == await site.connector.read("item", "S-1")
        assert record == (await site.listed("item"))[0]["S-1"]


async def test_a_price_that_is_deleted_or_of_another_currency_leaves_versions_comparable() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        for id, currency in (("usd", "USD"), ("gbp", "GBP")):
            await site.put("item_prices", id=id, name=id, item_id="S-1", currency_code=currency, price=1)
        await site.edit("item_prices", "gbp", {"price": 2})
        await site.console("DELETE", "item_prices/usd")
        listed = (await site.listed("item"))[0]["S-1"]
        assert listed == await site.connector.read("item", "S-1")
        assert listed.fields["price"] == {"EUR": 1990, "USD": None}


async def test_the_chosen_id_may_stand_among_the_fields() -> None:
    async with chargebee_site() as site:
        record = await site.connector.create("item", {"id": "S-1", "name": "Sensor"}, key("S-1"))
        assert record.id == "S-1"
        with pytest.raises(Unable):
            await site.connector.create("item", {"id": "S-2", "name": "Other"}, key("S-3"))


async def test_a_price_with_decimals_is_left_alone() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        await site.edit("item_prices", "S-1-EUR", {"price": None, "price_in_decimal": "0.00123"})
        record = await site.connector.read("item", "S-1")
        assert get_path(record.fields, "price.EUR") is None
        with pytest.raises(Unable, match="decimals"):
            await edited(site, "item", "S-1", {"price.EUR": 2500})


async def test_a_price_in_tiers_is_left_alone() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        await site.edit("item_prices", "S-1-EUR", {"pricing_model": "tiered", "price": None})
        record = await site.connector.read("item", "S-1")
        assert get_path(record.fields, "price.EUR") is None
        with pytest.raises(Unable, match="flat"):
            await edited(site, "item", "S-1", {"price.EUR": 2500})


@pytest.mark.parametrize("value", [-1, True, "19.90"])
async def test_a_price_that_is_no_count_of_cents_is_refused(value: Json) -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        with pytest.raises(Refused) as refused:
            await edited(site, "item", "S-1", {"price.EUR": value})
        assert refused.value.field == "price.EUR"
        assert site.sent("POST") == []


async def test_a_price_with_a_period_is_made_with_it() -> None:
    settings = replace(SETTINGS, prices=(PriceTerm("EUR", 3, "month"),), item_type="plan")
    async with chargebee_site(settings) as site:
        await site.connector.create("item", {"name": "Plan"}, key("P-1"))
        record = await edited(site, "item", "P-1", {"price.EUR_3_month": 9900})
        stored = await site.stored("item_prices", "P-1-EUR-3-month")
    assert record.fields["price"] == {"EUR_3_month": 9900}
    assert (stored["period"], stored["period_unit"]) == (3, "month")


async def test_a_retired_item_is_archived() -> None:
    async with chargebee_site() as site:
        await site.an_item("S-1")
        seen = await site.connector.read("item", "S-1")
        await site.connector.retire("item", "S-1", seen=seen, idempotency="k")
        assert (await site.stored("items", "S-1"))["status"] == "archived"
        assert (await site.stored("item_prices", "S-1-EUR"))["status"] == "active"


# --- orders ------------------------------------------------------------------------------------------------


async def an_order(site: Site, **fields: Json) -> dict[str, Json]:
    """The fields of an order of two sensors for a customer; the item isn't shippable."""
    await site.put("customers", id="c-1", first_name="Ida")
    await site.an_item("S-1")
    lines: Json = [{"item_id": "S-1", "description": "Sensor", "fulfillment_quantity": 2, "unit_price": 1990}]
    return {
        "customer_id": "c-1",
        "currency_code": "EUR",
        "order_date": 1_763_800_000,
        "reference_id": "SO-1",
        "order_line_items": lines,
        **fields,
    }


async def test_an_order_is_imported_on_an_invoice_of_its_own() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site, status="shipped", shipping_address=ADDRESS)
        record = await site.connector.create("order", fields, key("so-1"))
        invoice = await site.stored("invoices", "inv-so-1")
        line = record.fields["order_line_items"][0]  # type: ignore[index,call-overload]
    assert (record.id, record.fields["invoice_id"], record.fields["total"]) == ("so-1", "inv-so-1", 3980)
    assert (record.fields["status"], get_path(record.fields, "shipping_address.city")) == ("shipped", "Kiel")
    assert (invoice["customer_id"], invoice["total"], invoice["currency_code"]) == ("c-1", 3980, "EUR")
    assert (line["item_id"], line["entity_id"], line["fulfillment_quantity"]) == ("S-1", "S-1-EUR", 2)


async def test_tax_on_a_line_is_part_of_the_total() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site)
        fields["order_line_items"] = [
            {"description": "Sensor", "fulfillment_quantity": 1, "unit_price": 1000, "tax_amount": 190}
        ]
        record = await site.connector.create("order", fields, key("so-1"))
    assert (record.fields["total"], record.fields["tax"]) == (1190, 190)


async def test_a_lines_tax_rate_makes_its_tax_rounded_half_up_and_is_read_back() -> None:
    rates: list[Json] = [25, Decimal("25.0"), Decimal("8.875"), 0, None]
    async with chargebee_site() as site:
        fields = await an_order(site)
        fields["order_line_items"] = [
            {"description": "x", "fulfillment_quantity": 3, "unit_price": 334, "tax_rate": rate}
            for rate in rates
        ]
        record = await site.connector.create("order", fields, key("so-1"))
        stored = await site.stored("orders", "so-1")
        invoice = await site.stored("invoices", "inv-so-1")
    lines = record.fields["order_line_items"]
    assert isinstance(lines, list)
    told = [(line["tax_rate"], line["tax_amount"]) for line in lines]  # type: ignore[index,call-overload]
    assert told == [(25, 251), (25, 251), (Decimal("8.875"), 89), (0, 0), (0, 0)]
    assert (stored["tax"], stored["total"]) == (591, 5 * 1002 + 591)
    assert [(tax["name"], tax["amount"]) for tax in invoice["taxes"]] == [
        ("Tax 25%", 502),
        ("Tax 8.875%", 89),
    ]


async def test_the_tax_rate_of_a_line_that_costs_nothing_is_kept() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site)
        fields["order_line_items"] = [{"description": "Sample", "unit_price": 0, "tax_rate": 25}]
        record = await site.connector.create("order", fields, key("so-1"))
    assert record.fields["order_line_items"][0]["tax_rate"] == 25  # type: ignore[index,call-overload]


async def test_an_order_that_chargebee_made_itself_is_adopted() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site)
        await site.edit("items", "S-1", {"is_shippable": True})
        record = await site.connector.create("order", fields, key("so-1"))
        assert record.id != "so-1"
        assert record.fields["reference_id"] == "SO-1"
        assert await site.count("orders") == 1
        again = await site.connector.create("order", fields, key("so-1"))
        assert again.id == record.id
        assert await site.count("orders") == 1


async def test_an_order_that_chargebee_made_of_the_shippable_lines_alone_is_not_the_whole_sale() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site)
        await site.edit("items", "S-1", {"is_shippable": True})
        lines = fields["order_line_items"]
        assert isinstance(lines, list)
        fields["order_line_items"] = [*lines, {"description": "Setup", "unit_price": 500, "tax_rate": 25}]
        record = await site.connector.create("order", fields, key("so-1"))
        assert (record.id, record.fields["total"]) == ("so-1", 3980 + 625)
        records, _ = await site.listed("order")
        assert set(records) == {"so-1"}


async def test_an_order_that_chargebee_makes_later_from_the_same_invoice_is_not_listed_as_another_sale() -> (
    None
):
    async with chargebee_site() as site:
        await site.switch(auto_orders="off")
        fields = await an_order(site)
        await site.connector.create("order", fields, key("so-1"))
        await site.put(
            "orders", id="4711", invoice_id="inv-so-1", status="queued", order_date=1_763_800_000,
            shipping_date=1_763_800_000, created_at=1_763_800_000,
        )  # fmt: skip
        records, _ = await site.listed("order")
        assert set(records) == {"so-1"}
        assert (await site.connector.read("order", "4711")).id == "4711"


async def test_an_adopted_order_is_listed() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site)
        await site.edit("items", "S-1", {"is_shippable": True})
        record = await site.connector.create("order", fields, key("so-1"))
        records, _ = await site.listed("order")
        assert set(records) == {record.id}


STEPS = ("invoices/import_invoice", "invoices/inv-so-1/orders", "orders/import_order")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("effect", ["hang_before", "drop_after_apply", "status_after_apply"])
@pytest.mark.parametrize("later_s", [0, 3600])
async def test_an_order_is_made_once_wherever_its_making_broke_off(
    step: str, effect: str, later_s: int
) -> None:
    limits = Limits(total_s=0.3, read_tries=1)
    async with chargebee_site(limits=limits) as site:
        fields = await an_order(site)
        await site.fault({"kind": effect, "status": 500}, match={"path": step}, times=1)
        with pytest.raises((InDoubt, RetryLater)):
            await site.connector.create("order", fields, key("so-1"))
        await site.advance(later_s)
        try:
            record = await site.connector.create("order", fields, key("so-1"))
        except Taken as taken:
            record = await site.connector.read("order", taken.existing_id)
        assert record.fields["reference_id"] == "SO-1"
        assert (await site.count("orders"), await site.count("invoices")) == (1, 1)


async def test_an_invoice_of_something_else_is_not_taken_for_the_orders_own() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site)
        await site.put("invoices", id="inv-so-1", customer_id="c-1", date=1_763_700_000, total=5)
        with pytest.raises(Refused) as refused:
            await site.connector.create("order", fields, key("so-1"))
    assert refused.value.code == "other_invoice"
    assert "inv-so-1" in refused.value.fix


BAD_LINES: dict[str, Json] = {
    "no lines": [],
    "no list": "lines",
    "a line that is no object": [7],
    "no price at all": [{"description": "x"}],
    "half a piece": [{"unit_price": 5, "fulfillment_quantity": "1.5"}],
    "an item without a price in the currency": [{"item_id": "no-such", "unit_price": 5}],
    "a tax rate that is no number": [{"unit_price": 5, "tax_rate": "25"}],
    "a tax rate that is no percentage": [{"unit_price": 5, "tax_rate": -1}],
    "something that can't be written": [{"unit_price": 5, "discount_amount": 1}],
}


@pytest.mark.parametrize("lines", BAD_LINES.values(), ids=BAD_LINES.keys())
async def test_lines_that_chargebee_could_not_hold_are_refused_before_anything_is_made(lines: Json) -> None:
    async with chargebee_site() as site:
        fields = await an_order(site)
        fields["order_line_items"] = lines
        with pytest.raises(Refused) as refused:
            await site.connector.create("order", fields, key("so-1"))
        assert refused.value.field == "order_line_items"
        assert site.sent("POST") == []


async def test_an_order_of_an_unknown_customer_is_refused_with_the_field() -> None:
    async with chargebee_site() as site:
        fields = {**await an_order(site), "customer_id": "nobody"}
        with pytest.raises(Refused) as refused:
            await site.connector.create("order", fields, key("so-1"))
    assert refused.value.field == "customer_id"


async def test_cancelling_an_order_is_left_to_a_person() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site)
        record = await site.connector.create("order", fields, key("so-1"))
        sent = site.connector.requests
        with pytest.raises(Unable, match="credit note"):
            await site.connector.update(
                "order", "so-1", {"status": "cancelled"}, seen=record, idempotency="k"
            )
        with pytest.raises(Unable, match="invoice"):
            await site.connector.update(
                "order", "so-1", {"order_line_items": []}, seen=record, idempotency="k"
            )
        assert site.connector.requests == sent


async def test_a_part_of_a_shipping_address_keeps_the_rest() -> None:
    async with chargebee_site() as site:
        fields = await an_order(site, shipping_address=ADDRESS)
        await site.connector.create("order", fields, key("so-1"))
        record = await edited(site, "order", "so-1", {"shipping_address.line1": "Kai 1"})
        assert get_path(record.fields, "shipping_address.line1") == "Kai 1"
        assert get_path(record.fields, "shipping_address.city") == "Kiel"


# --- outcomes ----------------------------------------------------------------------------------------------


def refusal(status: int, code: str, message: str = "No", param: str = "") -> bytes:
    body = {"message": message, "api_error_code": code} | ({"param": param} if param else {})
    return http(status, json.dumps(body).encode())


HTML_404 = http(404, b"<html>no such page</html>", type="text/html")
OUTCOMES: dict[str, tuple[bytes, type[OutcomeError], str]] = {
    "a wrong value": (
        refusal(400, "param_wrong_value", param="billing_address[zip]"),
        Refused,
        "billing_address.zip",
    ),
    "a taken name": (refusal(400, "duplicate_entry", param="name"), Taken, "name"),
    "senseless": (refusal(400, "invalid_request"), Refused, ""),
    "a limit": (refusal(400, "resource_limit_exceeded"), Refused, ""),
    "a feature that is off": (refusal(400, "configuration_incompatible"), Stop, ""),
    "a bad key": (refusal(401, "api_authentication_failed"), Stop, ""),
    "a key without the right": (refusal(403, "api_authorization_failed"), Stop, ""),
    "a blocked site": (refusal(403, "request_blocked"), Stop, ""),
    "an unknown site": (refusal(404, "site_not_found"), Stop, ""),
    "no such record": (refusal(404, "resource_not_found", param="customer_id"), Gone, ""),
    "a missing reference": (refusal(404, "resource_not_found", param="first_name"), Refused, "first_name"),
    "a wrong verb": (refusal(405, "http_method_not_supported"), Refused, ""),
    "a state that forbids it": (refusal(409, "invalid_state_for_request"), Refused, ""),
    "a key of another request": (
        refusal(422, "unable_to_process_request", "The idempotency key was used"),
        InDoubt,
        "",
    ),
    "unprocessable": (refusal(422, "unable_to_process_request", "No way"), Refused, ""),
    "a lock": (refusal(429, "lock_timeout"), RetryLater, ""),
    "its own fault": (refusal(500, "internal_error"), InDoubt, ""),
    "maintenance": (refusal(503, "site_not_ready"), InDoubt, ""),
    "a proxy's page": (HTML_404, InDoubt, ""),
    "a body too large for a proxy": (http(413, b"<html>", type="text/html"), Refused, ""),
    "another object": (http(200, b'{"item": {"id": "c-1"}}'), InDoubt, ""),
    "nothing": (http(200, b""), InDoubt, ""),
}


@pytest.mark.parametrize(("answer", "expected", "path"), OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_each_answer_to_a_write_has_its_outcome(
    answer: bytes, expected: type[OutcomeError], path: str
) -> None:
    clock = Clock()
    async with faulty_server([], answer) as server:
        connector = ChargebeeConnector(
            "acme-test",
            "geheim_key",
            base_url=server.url,
            requests_per_minute=None,
            sleep=clock.sleep,
            monotonic=clock.monotonic,
        )
        seen = Record("c-1", {})
        with pytest.raises(expected) as caught:
            await connector.update("customer", "c-1", {"first_name": "Ida"}, seen=seen, idempotency="k")
        await connector.close()
    assert type(caught.value) is expected
    assert getattr(caught.value, "field", "") == path
    assert "customer" in caught.value.what
    assert "geheim" not in str(caught.value)
    assert server.count == 1 or expected is RetryLater


async def test_a_create_that_misses_a_reference_is_refused_and_not_gone() -> None:
    missing = refusal(404, "resource_not_found", param="business_entity_id")
    async with faulty_server([], missing) as server:
        connector = ChargebeeConnector("acme-test", "test_key", base_url=server.url)
        with pytest.raises(Refused) as refused:
            await connector.create("customer", {"business_entity_id": "be_X"}, key("c-1"))
        await connector.close()
    assert refused.value.field == "business_entity_id"


async def test_a_taken_id_is_recognised_by_its_message_alone() -> None:
    taken_id = refusal(400, "duplicate_entry", "id: The value c-1 is already present.")
    async with faulty_server([], taken_id) as server:
        connector = ChargebeeConnector("acme-test", "test_key", base_url=server.url)
        with pytest.raises(Taken) as taken:
            await connector.create("customer", {"first_name": "Ida"}, CreateKey("c-1", "", "k"))
        await connector.close()
    assert (taken.value.field, taken.value.existing_id) == ("id", "c-1")


# --- forms -------------------------------------------------------------------------------------------------


def test_nested_values_become_the_form_fields_that_chargebee_reads() -> None:
    parameters: dict[str, Json] = {
        "billing_address": {"city": "Køln", "zip": None},
        "order_line_items": [{"id": "a", "status": "shipped"}, {"id": "b"}],
        "names": ["x", "y"],
        "allow_direct_debit": True,
        "meta_data": {"b": 1, "a": None},
    }
    assert list(pairs(parameters)) == [
        ("billing_address[city]", "Køln"),
        ("billing_address[zip]", ""),
        ("order_line_items[id][0]", "a"),
        ("order_line_items[status][0]", "shipped"),
        ("order_line_items[id][1]", "b"),
        ("names[0]", "x"),
        ("names[1]", "y"),
        ("allow_direct_debit", "true"),
        ("meta_data", '{"a":null,"b":1}'),
    ]


def test_a_derived_key_is_another_key_of_at_most_100_characters() -> None:
    assert derived_key("k", "inv") == "k-inv"
    longest = "x" * 100
    assert len(derived_key(longest, "inv")) <= 100
    assert derived_key(longest, "inv") != derived_key(longest, "own")


def test_a_payload_that_was_kept_in_a_store_has_the_same_body_as_before() -> None:
    payload: Any = {
        "id": "c-1",
        "billing_address": {"zip": "0150", "city": "Oslo"},
        "lines": [{"b": 1, "a": "2"}],
    }
    assert forms.encode(decode(encode(payload))) == forms.encode(payload)
