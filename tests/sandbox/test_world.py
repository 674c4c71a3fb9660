"""The world's data: repeatable, truthful about its overlaps, and taken by the servers it is made for."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest

from instep.sandbox.world import World, build_world, bulk_contacts, bulk_customers
from instep.sandbox.world.people import LONG_NAME
from tests.sandbox.erp_app import erp

WORLD = build_world()


def by_id(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    keyed = {record["id"]: record for record in records}
    assert len(keyed) == len(records)
    return keyed


def test_a_world_follows_from_its_seed() -> None:
    assert build_world(7, 0.2) == build_world(7, 0.2)
    assert build_world(7, 0.2).chargebee != build_world(8, 0.2).chargebee


def test_the_default_scale_is_a_small_company() -> None:
    counts = {name: len(records) for name, records in WORLD.chargebee.items()}
    assert counts == {
        "business_entities": 6,
        "customers": 160,
        "item_families": 4,
        "items": 43,
        "item_prices": 172,
        "invoices": 70,
        "orders": 70,
    }
    erp_counts = {name: len(records) for name, records in WORLD.erp.items()}
    assert erp_counts == {"customers": 8, "contacts": 150, "products": 50, "orders": 40}
    assert {name: len(pairs) for name, pairs in WORLD.same.items()} == {
        "business_entities": 4,
        "customers": 88,
        "items": 30,
    }


@pytest.mark.parametrize("scale", [0.01, 0.3, 5.0])
def test_a_world_of_another_scale_holds_together(scale: float) -> None:
    world = build_world(3, scale)
    assert_whole(world)
    assert len(world.chargebee["customers"]) == max(8, round(160 * scale))


def test_the_default_world_holds_together() -> None:
    assert_whole(WORLD)


def assert_whole(world: World) -> None:
    """References lead somewhere, sums are right, and every e-mail is as unique as it is said to be."""
    entities = by_id(world.chargebee["business_entities"])
    customers = by_id(world.chargebee["customers"])
    prices = by_id(world.chargebee["item_prices"])
    invoices = by_id(world.chargebee["invoices"])
    items = by_id(world.chargebee["items"])
    families = by_id(world.chargebee["item_families"])
    contacts = by_id(world.erp["contacts"])
    assert all(row["business_entity_id"] in entities for row in customers.values())
    assert all(row["item_family_id"] in families for row in items.values())
    assert all(row["item_id"] in items for row in prices.values())
    for order in world.chargebee["orders"]:
        invoice = invoices[order["invoice_id"]]
        assert invoice["customer_id"] == order["customer_id"]
        lines = order["order_line_items"]
        assert len(lines) == len(invoice["line_items"])
        assert (
            order["total"] == invoice["total"] == sum(line["amount"] + line["tax_amount"] for line in lines)
        )
        for line in lines:
            if line["entity_type"] == "adhoc":
                assert "entity_id" not in line
            else:
                price = prices[line["entity_id"]]
                assert (price["currency_code"], price["price"]) == (
                    order["currency_code"],
                    line["unit_price"],
                )
        for name in ("created_at", "order_date", "updated_at"):
            assert isinstance(order[name], int)

    def shared(records: dict[str, dict[str, Any]]) -> set[str]:
        emails = Counter(record["email"].lower() for record in records.values())
        return {email for email, count in emails.items() if count > 1}

    assert shared(customers) | shared(contacts) == set(world.ambiguous)
    assert len(world.ambiguous) == 2
    same = dict(world.same["customers"])
    there = {contact["email"].lower(): key for key, contact in contacts.items()}
    for key, customer in customers.items():
        email = customer["email"].lower()
        if email not in world.ambiguous:
            assert there.get(email) == same.get(key)
    assert set(world.refused) <= set(customers) - set(same)


def test_chargebee_s_facts_are_kept() -> None:
    assert not any("created_at" in item for item in WORLD.chargebee["items"])
    for records in WORLD.chargebee.values():
        for record in records:
            assert None not in record.values()
    assert all(isinstance(row["price"], int) for row in WORLD.chargebee["item_prices"])
    for row in WORLD.chargebee["item_prices"]:
        assert ("period" in row) == (row["item_type"] in ("plan", "addon"))
    limits = {"first_name": 150, "email": 70, "phone": 50, "vat_number": 20, "id": 50}
    for customer in WORLD.chargebee["customers"]:
        assert all(len(str(customer.get(name, ""))) <= limit for name, limit in limits.items())
    statuses = {order["status"] for order in WORLD.chargebee["orders"]}
    assert statuses >= {"queued", "awaiting_shipment", "shipped", "delivered"}
    adhoc = [
        line
        for order in WORLD.chargebee["orders"]
        for line in order["order_line_items"]
        if line["entity_type"] == "adhoc"
    ]
    assert adhoc


def test_people_come_from_many_lands_with_their_own_letters() -> None:
    customers = WORLD.chargebee["customers"]
    countries = {customer["billing_address"]["country"] for customer in customers}
    assert countries >= {"NO", "SE", "DE", "FR", "JP", "US", "GB", "BR", "IN", "IS", "GR"}
    names = "".join(customer["last_name"] for customer in customers)
    assert any("\u0370" <= letter <= "\u03ff" for letter in names)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in names)
    assert any(letter in "øæåßðþ" for letter in names)
    assert len(LONG_NAME) == 58
    assert LONG_NAME in names
    assert {"No"} <= {contact["family_name"] for contact in WORLD.erp["contacts"]}
    assert all(
        customer["billing_address"].get("state_code")
        for customer in customers
        if customer["billing_address"]["country"] == "US"
    )
    emails = [customer["email"] for customer in customers] + [c["email"] for c in WORLD.erp["contacts"]]
    assert all(email.lower().endswith((".test", ".example")) for email in emails)
    assert all(email.isascii() for email in emails)
    phones = {customer["phone"][0] for customer in customers} | {
        contact["phone"][0] for contact in WORLD.erp["contacts"]
    }
    assert "+" in phones
    assert phones - {"+"}


def test_the_same_person_is_told_a_little_differently_on_each_side() -> None:
    customers, contacts = by_id(WORLD.chargebee["customers"]), by_id(WORLD.erp["contacts"])
    pairs = [(customers[here], contacts[there]) for here, there in WORLD.same["customers"]]
    assert any(here["email"] != there["email"] for here, there in pairs)
    assert any(here["email"] == there["email"] for here, there in pairs)
    assert any(here["phone"] != there["phone"] for here, there in pairs)
    assert any(here["first_name"] != there["given_name"] for here, there in pairs)
    agreeing = [
        pair
        for pair in pairs
        if (pair[0]["email"], pair[0]["phone"], pair[0]["first_name"])
        == (pair[1]["email"], pair[1]["phone"], pair[1]["given_name"])
    ]
    assert agreeing


def test_yen_have_no_decimals_and_others_have_two() -> None:
    for product in WORLD.erp["products"]:
        assert set(product["prices"]) == {"EUR", "USD", "NOK", "JPY"}
        for currency, price in product["prices"].items():
            assert len(price.partition(".")[2]) == (0 if currency == "JPY" else 2)


async def test_the_erp_takes_its_half_and_links_what_belongs_together() -> None:
    async with erp() as here:
        loaded = await here.console("POST", "load", WORLD.erp)
        assert loaded == {"loaded": {name: len(rows) for name, rows in WORLD.erp.items()}}
        last = WORLD.erp["orders"][-1]
        order = await here.read(f"orders/{last['id']}")
        assert (order["contact_id"], order["currency"]) == (last["contact_id"], last["currency"])
        assert float(order["total"]) > 0
        twice = await here.read("contacts", email=WORLD.ambiguous[1])
        assert twice["total"] == 2


async def test_the_erp_refuses_the_customers_that_are_said_to_be_refused() -> None:
    customers = by_id(WORLD.chargebee["customers"])
    assert WORLD.refused
    async with erp() as here:
        for key in WORLD.refused:
            days = customers[key]["net_term_days"]
            answer = await here.ask("POST", "contacts", {"family_name": "K", "payment_terms_days": days})
            assert answer.codes() == {"payment_terms_days": "not_allowed"}


def test_people_in_bulk_are_streamed_unique_and_the_same_on_both_sides() -> None:
    endless = itertools.islice(bulk_customers(10**12), 3)
    assert [row["id"] for row in endless] == ["bulk-0000000", "bulk-0000001", "bulk-0000002"]
    customers = list(bulk_customers(5000))
    assert len({row["email"] for row in customers}) == 5000
    assert list(bulk_customers(3, first=4000)) == customers[4000:4003]
    contacts = list(bulk_contacts(50))
    assert [row["email"] for row in contacts] == [row["email"] for row in customers[:50]]
    names = {(row["first_name"], row["last_name"]) for row in customers}
    assert len(names) > 300


async def test_people_in_bulk_are_taken_by_the_erp() -> None:
    async with erp() as here:
        assert await here.console("POST", "load", {"contacts": list(bulk_contacts(2000))})
        assert (await here.read("contacts", page_size="1"))["total"] == 2000
