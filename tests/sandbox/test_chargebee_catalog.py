"""Item families, items and item prices, through the official SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chargebee import InvalidRequestError

from .chargebee_site import NOON, Emulator, emulator


@pytest.fixture
def site() -> Iterator[Emulator]:
    with emulator() as running:
        running.sdk.ItemFamily.create({"id": "erp-products", "name": "ERP products"})
        yield running


SENSOR = {"id": "SKU-4711", "name": "Sensor 4711", "type": "charge", "item_family_id": "erp-products"}
PRICE = {
    "id": "SKU-4711-EUR",
    "name": "Sensor EUR",
    "item_id": "SKU-4711",
    "currency_code": "EUR",
    "price": 1990,
}


def refused(call: object, *args: object) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        call(*args)  # type: ignore[operator]
    return caught.value


def without_times(doc: dict[str, Any]) -> dict[str, Any]:
    assert doc["resource_version"] // 1000 == doc["updated_at"]
    return {name: value for name, value in doc.items() if name not in ("resource_version", "updated_at")}


def test_a_family_has_the_documented_shape(site: Emulator) -> None:
    assert without_times(site.sdk.ItemFamily.retrieve("erp-products").item_family.raw_data) == {
        "id": "erp-products",
        "name": "ERP products",
        "status": "active",
        "channel": "web",
        "deleted": False,
        "object": "item_family",
    }


def test_an_item_has_the_documented_shape_and_no_time_of_making(site: Emulator) -> None:
    sent = {
        **SENSOR,
        "is_shippable": True,
        "external_name": "Sensor",
        "metadata": json.dumps({"erp_id": "4711"}),
    }
    assert without_times(site.sdk.Item.create(sent).item.raw_data) == {
        "id": "SKU-4711",
        "name": "Sensor 4711",
        "external_name": "Sensor",
        "status": "active",
        "item_family_id": "erp-products",
        "type": "charge",
        "is_shippable": True,
        "is_giftable": False,
        "enabled_for_checkout": True,
        "enabled_in_portal": True,
        "item_applicability": "all",
        "metered": False,
        "is_percentage_pricing": False,
        "channel": "web",
        "metadata": {"erp_id": "4711"},
        "deleted": False,
        "object": "item",
    }


def test_an_item_price_has_the_documented_shape(site: Emulator) -> None:
    site.sdk.Item.create(SENSOR)
    sent = {**PRICE, "pricing_model": "per_unit", "accounting_detail": {"sku": "4711"}}
    made = without_times(site.sdk.ItemPrice.create(sent).item_price.raw_data)
    made.pop("created_at")
    assert made == {
        "id": "SKU-4711-EUR",
        "name": "Sensor EUR",
        "item_family_id": "erp-products",
        "item_id": "SKU-4711",
        "status": "active",
        "pricing_model": "per_unit",
        "price": 1990,
        "currency_code": "EUR",
        "free_quantity": 0,
        "is_taxable": True,
        "item_type": "charge",
        "accounting_detail": {"sku": "4711", "object": "accounting_detail"},
        "show_description_in_invoices": False,
        "show_description_in_quotes": False,
        "deleted": False,
        "object": "item_price",
    }


@pytest.mark.parametrize("name", ["id", "name", "type", "item_family_id"])
def test_an_item_needs_id_name_type_and_family(site: Emulator, name: str) -> None:
    error = refused(site.sdk.Item.create, {key: value for key, value in SENSOR.items() if key != name})
    assert (error.api_error_code, error.param) == ("param_wrong_value", name)


def test_an_items_family_has_to_exist(site: Emulator) -> None:
    assert refused(site.sdk.Item.create, {**SENSOR, "item_family_id": "x"}).param == "item_family_id"


def test_names_are_unique_and_the_error_names_the_name(site: Emulator) -> None:
    site.sdk.Item.create(SENSOR)
    error = refused(site.sdk.Item.create, {**SENSOR, "id": "SKU-2"})
    assert (error.api_error_code, error.param) == ("duplicate_entry", "name")
    site.sdk.Item.create({**SENSOR, "id": "SKU-3", "name": "Other"})
    assert refused(site.sdk.Item.update, "SKU-3", {"name": "Sensor 4711"}).param == "name"


def test_immutable_attributes_of_an_item_stay(site: Emulator) -> None:
    site.sdk.Item.create(SENSOR)
    sent = {
        "type": "plan",
        "metered": "true",
        "business_entity_id": "x",
        "is_giftable": "true",
        "unit": "pcs",
    }
    changed = site.post("items/SKU-4711", sent).json()["item"]
    assert (changed["type"], changed["metered"], changed["is_giftable"]) == ("charge", False, False)
    assert changed["unit"] == "pcs"


def test_archiving_notes_its_time_and_keeps_the_name_taken(site: Emulator) -> None:
    site.freeze()
    site.sdk.Item.create(SENSOR)
    archived = site.sdk.Item.update("SKU-4711", {"status": "archived"}).item
    assert (archived.status, archived.archived_at) == ("archived", NOON)
    assert refused(site.sdk.Item.create, {**SENSOR, "id": "SKU-2"}).param == "name"
    back = site.sdk.Item.update("SKU-4711", {"status": "active"}).item
    assert (back.status, back.archived_at) == ("active", None)
    assert refused(site.sdk.Item.update, "SKU-4711", {"status": "deleted"}).param == "status"


def test_an_item_with_prices_cannot_be_deleted(site: Emulator) -> None:
    site.sdk.Item.create(SENSOR)
    site.sdk.ItemPrice.create(PRICE)
    error = refused(site.sdk.Item.delete, "SKU-4711")
    assert (error.http_status_code, error.api_error_code) == (409, "invalid_state_for_request")
    site.sdk.ItemPrice.delete("SKU-4711-EUR")
    assert site.sdk.Item.delete("SKU-4711").item.status == "deleted"


def test_a_deleted_item_frees_id_and_name_and_is_listed_by_its_status(site: Emulator) -> None:
    site.sdk.Item.create(SENSOR)
    site.sdk.Item.delete("SKU-4711")
    assert refused(site.sdk.Item.retrieve, "SKU-4711").http_status_code == 404
    again = site.sdk.Item.create(SENSOR).item
    assert again.status == "active"
    assert [entry.item.status for entry in site.sdk.Item.list().list] == ["active"]
    found = site.sdk.Item.list({"status": {"in": ["deleted", "archived"]}}).list
    assert [(entry.item.id, entry.item.status) for entry in found] == [("SKU-4711", "deleted")]
    assert site.event_types()[-3:] == ["item_created", "item_deleted", "item_created"]


def test_a_family_with_items_cannot_be_deleted(site: Emulator) -> None:
    site.sdk.Item.create(SENSOR)
    assert refused(site.sdk.ItemFamily.delete, "erp-products").http_status_code == 409
    site.sdk.Item.delete("SKU-4711")
    assert site.sdk.ItemFamily.delete("erp-products").item_family.deleted is True


def test_a_family_is_renamed(site: Emulator) -> None:
    changed = site.sdk.ItemFamily.update("erp-products", {"name": "Products", "description": "All of them"})
    assert (changed.item_family.name, changed.item_family.description) == ("Products", "All of them")
    assert site.event_types()[-1] == "item_family_updated"


def test_one_price_per_item_currency_and_period(site: Emulator) -> None:
    site.sdk.Item.create(SENSOR)
    site.sdk.ItemPrice.create(PRICE)
    error = refused(site.sdk.ItemPrice.create, {**PRICE, "id": "x", "name": "x"})
    assert error.api_error_code == "duplicate_entry"
    site.sdk.ItemPrice.create(
        {**PRICE, "id": "SKU-4711-JPY", "name": "JPY", "currency_code": "JPY", "price": 500}
    )
    found = site.sdk.ItemPrice.list({"item_id": {"is": "SKU-4711"}, "sort_by": {"asc": "id"}}).list
    assert [entry.item_price.currency_code for entry in found] == ["EUR", "JPY"]


def test_a_plans_price_needs_a_period_and_a_charges_price_has_none(site: Emulator) -> None:
    site.sdk.Item.create({**SENSOR, "id": "plan", "name": "Plan", "type": "plan"})
    site.sdk.Item.create(SENSOR)
    assert refused(site.sdk.ItemPrice.create, {**PRICE, "item_id": "plan"}).param == "period"
    assert (
        refused(site.sdk.ItemPrice.create, {**PRICE, "period": 1, "period_unit": "month"}).param == "period"
    )
    made = site.sdk.ItemPrice.create({**PRICE, "item_id": "plan", "period": 1, "period_unit": "month"})
    assert made.item_price.item_type == "plan"


def test_a_used_price_is_locked_and_a_delete_archives_it(site: Emulator) -> None:
    site.sdk.Customer.create({"id": "c"})
    site.sdk.Item.create(SENSOR)
    site.sdk.ItemPrice.create(PRICE)
    line = {
        "description": "x",
        "entity_type": "charge_item_price",
        "entity_id": "SKU-4711-EUR",
        "amount": 1990,
    }
    invoice = {"id": "i", "customer_id": "c", "date": NOON, "total": 1990, "line_items": [line]}
    site.sdk.Invoice.import_invoice(invoice)
    assert (
        refused(site.sdk.ItemPrice.update, "SKU-4711-EUR", {"currency_code": "USD"}).param == "currency_code"
    )
    changed = site.sdk.ItemPrice.update("SKU-4711-EUR", {"price": 2090, "accounting_detail": {"sku": "1"}})
    assert (changed.item_price.price, changed.item_price.accounting_detail.sku) == (2090, "1")
    assert site.sdk.ItemPrice.delete("SKU-4711-EUR").item_price.status == "archived"


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        ("sanitise", '<b>Fast</b> &amp; small <a href="https://x.example" rel="nofollow">more</a>'),
        ("strip", "Fast & small more"),
        ("off", '<b onclick="x()">Fast</b> & small <script>x()</script><a href="https://x.example">more</a>'),
    ],
)
def test_a_description_comes_back_as_the_switch_says(site: Emulator, how: str, kept: str) -> None:
    site.switch(description_html=how)
    sent = '<b onclick="x()">Fast</b> & small <script>x()</script><a href="https://x.example">more</a>'
    made = site.sdk.Item.create({**SENSOR, "description": sent}).item
    assert made.description == kept


def test_what_sanitising_gave_is_left_alone_the_second_time(site: Emulator) -> None:
    first = site.sdk.Item.create({**SENSOR, "description": "5 < 6 & <i>7</i>"}).item.description
    again = site.sdk.Item.update("SKU-4711", {"description": first}).item.description
    assert first == again == "5 &lt; 6 &amp; <i>7</i>"


def test_a_description_has_two_limits(site: Emulator) -> None:
    refusals = [{**SENSOR, "description": "x" * 501}, {**SENSOR, "description": "<b></b>" * 300}]
    assert [refused(site.sdk.Item.create, sent).param for sent in refusals] == ["description"] * 2
    site.sdk.Item.create({**SENSOR, "description": "<b>x</b>" * 240})


def test_items_sort_by_id_name_and_time_of_change(site: Emulator) -> None:
    for record_id, name in (("b", "Zebra"), ("a", "Yak"), ("c", "Ant")):
        site.sdk.Item.create({**SENSOR, "id": record_id, "name": name})
    site.sdk.Item.update("a", {"unit": "pcs"})

    def order(sort_by: dict[str, str]) -> list[str]:
        return [entry.item.id for entry in site.sdk.Item.list({"sort_by": sort_by}).list]

    assert order({"asc": "id"}) == ["a", "b", "c"]
    assert order({"desc": "name"}) == ["b", "a", "c"]
    assert order({"asc": "updated_at"})[-1] in ("a", "c")
    assert [entry.item.id for entry in site.sdk.Item.list().list] == ["c", "a", "b"]


def test_an_item_of_one_entity_and_one_of_the_site(site: Emulator) -> None:
    for entity in ("be_1", "be_2"):
        site.console("POST", "business_entities", {"id": entity, "name": entity})
    site.sdk.Item.create({**SENSOR, "business_entity_id": "be_1"})
    site.sdk.Item.create({**SENSOR, "id": "all", "name": "For all"})
    context = {"chargebee_business_entity_id": "be_2"}
    assert site.get("items", **context).json()["list"] == []
    widened = site.get("items", {"include_site_level_resources[is]": "true"}, **context).json()["list"]
    assert [entry["item"]["id"] for entry in widened] == ["all"]
    assert site.get("items/SKU-4711", **context).status_code == 404
    assert site.get("items/all", **context).status_code == 200
