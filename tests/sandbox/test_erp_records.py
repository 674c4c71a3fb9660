"""Making, reading, changing and deleting records of the sample ERP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.erp_app import LEAST, erp

NOON = 1_800_000_000  # 2027-01-15T08:00:00Z
NO_ADDRESS = dict.fromkeys(("street", "street2", "postal_code", "city", "region", "country"))


async def test_a_new_record_has_every_field_a_number_as_id_and_a_place() -> None:
    async with erp() as here:
        await here.at(NOON)
        answer = await here.ask("POST", "contacts", {"family_name": "Kern"})
        assert answer.status == 201
        assert answer.headers["Location"] == "/api/v1/contacts/1001"
        assert answer.body == {
            "id": "1001",
            "given_name": None,
            "family_name": "Kern",
            "email": None,
            "phone": None,
            "language": None,
            "currency": None,
            "payment_terms_days": None,
            "tax_number": None,
            "address": NO_ADDRESS,
            "customer_id": None,
            "active": True,
            "external_ref": None,
            "notes": None,
            "version": 1,
            "created_at": "2027-01-15T08:00:00.000Z",
            "updated_at": "2027-01-15T08:00:00.000Z",
        }
        assert await here.read("contacts/1001") == answer.body
        assert (await here.make("contacts"))["id"] == "1002"


@pytest.mark.parametrize("entity", ["customers", "products"])
async def test_every_entity_can_be_made_read_changed_and_deleted(entity: str) -> None:
    async with erp() as here:
        made = await here.make(entity, name="First")
        changed = await here.ask("PATCH", f"{entity}/{made['id']}", {"name": "Second"})
        assert (changed.status, changed.body["name"], changed.body["version"]) == (200, "Second", 2)
        assert (await here.ask("DELETE", f"{entity}/{made['id']}")).status == 204
        assert (await here.ask("GET", f"{entity}/{made['id']}")).status == 404


async def test_a_change_touches_only_what_was_sent_and_null_clears() -> None:
    async with erp() as here:
        await here.at(NOON)
        made = await here.make("contacts", phone="+47 123 45 678", given_name="Ida", notes="x")
        await here.console("POST", "clock", {"advance_s": 1})
        changed = (await here.ask("PATCH", f"contacts/{made['id']}", {"phone": None, "notes": "y"})).body
        different = {name for name in made if made[name] != changed[name]}
        assert different == {"phone", "notes", "version", "updated_at"}
        assert (changed["phone"], changed["notes"], changed["given_name"]) == (None, "y", "Ida")


async def test_an_address_merges_field_by_field_and_null_empties_it() -> None:
    async with erp() as here:
        made = await here.make("contacts", address={"street": "Hafenweg 3", "city": "Kiel", "country": "DE"})
        path = f"contacts/{made['id']}"
        moved = (await here.ask("PATCH", path, {"address": {"street": "Hafenweg 5", "city": None}})).body
        assert moved["address"] == {**NO_ADDRESS, "street": "Hafenweg 5", "country": "DE"}
        assert (await here.ask("PATCH", path, {"address": None})).body["address"] == NO_ADDRESS


async def test_prices_get_the_decimals_of_their_currency_and_merge() -> None:
    async with erp() as here:
        made = await here.make("products", prices={"EUR": "19.9", "JPY": 500, "KWD": "1"})
        assert made["prices"] == {"EUR": "19.90", "JPY": "500", "KWD": "1.000"}
        change = {"prices": {"EUR": None, "NOK": "199"}}
        changed = (await here.ask("PATCH", f"products/{made['id']}", change)).body
        assert changed["prices"] == {"JPY": "500", "KWD": "1.000", "NOK": "199.00"}


@pytest.mark.parametrize(
    ("prices", "code"),
    [
        ({"JPY": "1.5"}, "too_many_decimals"),
        ({"EUR": "1.999"}, "too_many_decimals"),
        ({"EUR": 1.5}, "wrong_type"),
        ({"EUR": "much"}, "invalid_format"),
        ({"EUR": "1e3"}, "invalid_format"),
        ({"EUR": "NaN"}, "invalid_format"),
        ({"EUR": "-1"}, "too_small"),
        ({"EUR": "9999999999999"}, "too_large"),
        ({"XXX": "1"}, "not_allowed"),
        ([], "wrong_type"),
    ],
)
async def test_a_wrong_price_is_refused(prices: Any, code: str) -> None:
    async with erp() as here:
        answer = await here.ask("POST", "products", {**LEAST["products"], "prices": prices})
        assert (answer.status, answer.codes()) == (422, {"prices": code})


async def test_everything_that_is_wrong_is_said_at_once_with_its_limit() -> None:
    async with erp() as here:
        answer = await here.ask(
            "POST",
            "contacts",
            {
                "family_name": "K" * 61,
                "email": "nobody",
                "phone": "call me",
                "language": "tlh",
                "currency": "EURO",
                "payment_terms_days": 7,
                "active": "yes",
                "address": {"country": "XX", "planet": "Earth"},
                "nickname": "K",
                "external_ref": "x" * 65,
            },
        )
        assert answer.status == 422
        assert answer.codes() == {
            "family_name": "too_long",
            "email": "invalid_format",
            "phone": "invalid_format",
            "language": "not_allowed",
            "currency": "too_long",
            "payment_terms_days": "not_allowed",
            "active": "wrong_type",
            "address.country": "not_allowed",
            "address.planet": "unknown_field",
            "nickname": "unknown_field",
            "external_ref": "too_long",
        }
        limits = {error["field"]: error.get("limit") for error in answer.body["errors"]}
        assert limits["family_name"] == 60
        assert limits["payment_terms_days"] == "0, 14, 30, 45, 60, 90"
        assert all(error["message"] for error in answer.body["errors"])


@pytest.mark.parametrize(
    ("entity", "needed"),
    [
        ("customers", {"name"}),
        ("contacts", {"family_name"}),
        ("products", {"code", "name"}),
        ("orders", {"contact_id", "order_date"}),
    ],
)
async def test_what_is_required_must_be_there_and_can_not_be_cleared(entity: str, needed: set[str]) -> None:
    async with erp() as here:
        answer = await here.ask("POST", entity, {})
        assert (answer.status, answer.codes()) == (422, dict.fromkeys(needed, "required"))
        contact = await here.make("contacts")
        more = {"contact_id": contact["id"]} if entity == "orders" else {}
        made = await here.make(entity, **more)
        for name in needed:
            cleared = await here.ask("PATCH", f"{entity}/{made['id']}", {name: None})
            assert (cleared.status, cleared.codes()) == (422, {name: "required"})


@pytest.mark.parametrize(
    ("entity", "field", "limit"),
    [
        ("customers", "name", 100),
        ("contacts", "given_name", 60),
        ("contacts", "tax_number", 20),
        ("products", "code", 40),
        ("products", "name", 80),
        ("products", "description", 1000),
        ("products", "family", 30),
    ],
)
async def test_a_text_is_taken_up_to_its_limit_and_not_beyond(entity: str, field: str, limit: int) -> None:
    async with erp() as here:
        made = await here.make(entity, **{field: "ø" * limit})
        assert made[field] == "ø" * limit
        answer = await here.ask("PATCH", f"{entity}/{made['id']}", {field: "ø" * (limit + 1)})
        assert (answer.status, answer.body["errors"][0]["limit"]) == (422, limit)


async def test_a_record_that_was_read_can_be_sent_back_as_it_is() -> None:
    async with erp() as here:
        contact = await here.make("contacts")
        product = await here.make("products")
        lines = [{"product_id": product["id"], "quantity": 2, "unit_price": "5", "tax_rate": "10"}]
        order = await here.make("orders", contact_id=contact["id"], lines=lines)
        answer = await here.ask("PATCH", f"orders/{order['id']}", order)
        assert (answer.status, answer.body) == (200, order)


async def test_a_body_that_is_not_json_is_refused() -> None:
    async with erp() as here:
        answer = await here.ask("POST", "contacts", data=b"{nope")
        assert (answer.status, answer.codes()) == (400, {None: "invalid_json"})
        assert (await here.ask("POST", "contacts", [1, 2])).status == 422


@pytest.mark.parametrize(("entity", "field"), [("contacts", "external_ref"), ("products", "code")])
async def test_a_unique_value_is_refused_with_the_id_of_its_holder(entity: str, field: str) -> None:
    async with erp() as here:
        first = await here.make(entity, **{field: "taken"})
        answer = await here.ask("POST", entity, {**LEAST[entity], field: "taken"})
        assert (answer.status, answer.codes()) == (409, {field: "duplicate"})
        assert answer.body["errors"][0]["existing_id"] == first["id"]
        second = await here.make(entity, **{field: "free"})
        changed = await here.ask("PATCH", f"{entity}/{second['id']}", {field: "taken"})
        assert (changed.status, changed.body["errors"][0]["existing_id"]) == (409, first["id"])
        assert (await here.read(entity))["total"] == 2


async def test_of_many_requests_at_once_with_one_reference_exactly_one_makes_a_record() -> None:
    async with erp() as here:
        asks = [here.ask("POST", "contacts", {"family_name": "K", "external_ref": "x"}) for _ in range(20)]
        answers = await asyncio.gather(*asks)
        assert sorted(answer.status for answer in answers) == [201] + [409] * 19


async def test_a_unique_value_is_free_again_after_a_delete() -> None:
    async with erp() as here:
        first = await here.make("products", code="A", external_ref="x")
        await here.ask("DELETE", f"products/{first['id']}")
        again = await here.make("products", code="A", external_ref="x")
        assert again["id"] != first["id"]


async def test_a_deleted_record_is_gone_but_listed_as_deleted_on_request() -> None:
    async with erp() as here:
        await here.at(NOON)
        made = await here.make("contacts")
        await here.console("POST", "clock", {"advance_s": 5})
        assert (await here.ask("DELETE", f"contacts/{made['id']}")).status == 204
        for method in ("GET", "DELETE"):
            answer = await here.ask(method, f"contacts/{made['id']}")
            assert (answer.status, answer.codes()) == (404, {"id": "not_found"})
        assert (await here.ask("PATCH", f"contacts/{made['id']}", {"notes": "x"})).status == 404
        assert (await here.read("contacts"))["items"] == []
        assert (await here.read("contacts", include_deleted="true"))["items"] == [
            {
                "id": made["id"],
                "deleted": True,
                "version": 2,
                "created_at": "2027-01-15T08:00:00.000Z",
                "updated_at": "2027-01-15T08:00:05.000Z",
            }
        ]


async def test_a_hard_delete_leaves_no_trace() -> None:
    async with erp(hard_delete=True) as here:
        made = await here.make("contacts")
        await here.ask("DELETE", f"contacts/{made['id']}")
        assert (await here.read("contacts", include_deleted="true"))["total"] == 0
        assert (await here.make("contacts"))["id"] != made["id"]


async def test_a_record_that_another_refers_to_can_not_be_deleted() -> None:
    async with erp() as here:
        customer = await here.make("customers")
        contact = await here.make("contacts", customer_id=customer["id"])
        product = await here.make("products")
        lines = [{"product_id": product["id"]}]
        order = await here.make("orders", contact_id=contact["id"], lines=lines)
        held = {"customers": customer, "contacts": contact, "products": product}
        for entity, record in held.items():
            answer = await here.ask("DELETE", f"{entity}/{record['id']}")
            assert (answer.status, answer.codes()) == (409, {"id": "referenced"})
        await here.ask("DELETE", f"orders/{order['id']}")
        for entity in ("products", "contacts", "customers"):
            assert (await here.ask("DELETE", f"{entity}/{held[entity]['id']}")).status == 204


async def test_a_product_is_not_mistaken_for_one_whose_id_contains_its_own() -> None:
    async with erp() as here:
        await here.console("POST", "load", {"products": [{**LEAST["products"], "id": "11001"}]})
        contact = await here.make("contacts")
        other = {"code": "B", "name": "B", "id": "1001"}
        await here.console("POST", "load", {"products": [other]})
        await here.make("orders", contact_id=contact["id"], lines=[{"product_id": "11001"}])
        assert (await here.ask("DELETE", "products/1001")).status == 204


async def test_a_reference_must_name_a_living_record() -> None:
    async with erp() as here:
        gone = await here.make("contacts")
        await here.ask("DELETE", f"contacts/{gone['id']}")
        body = {"order_date": "2026-02-03", "contact_id": gone["id"], "lines": [{}, {"product_id": "77"}]}
        answer = await here.ask("POST", "orders", body)
        assert answer.status == 422
        assert answer.codes() == {
            "contact_id": "unknown_reference",
            "lines.1.product_id": "unknown_reference",
        }


async def test_retirement_is_a_change_of_active() -> None:
    async with erp() as here:
        made = await here.make("products")
        answer = await here.ask("PATCH", f"products/{made['id']}", {"active": False})
        assert answer.body["active"] is False
        assert (await here.read(f"products/{made['id']}"))["active"] is False


async def test_an_order_gets_a_number_and_its_amounts_are_computed() -> None:
    async with erp() as here:
        contact = await here.make("contacts")
        lines = [
            {"description": "Sensor", "quantity": 3, "unit_price": "19.9", "tax_rate": "25"},
            {"quantity": "0.5", "unit_price": "0.3333", "tax_rate": "12.5"},
        ]
        order = await here.make("orders", contact_id=contact["id"], lines=lines)
        assert order["number"] == "SO-2026-00001"
        assert [line["id"] for line in order["lines"]] == ["1", "2"]
        assert [line["quantity"] for line in order["lines"]] == ["3", "0.5"]
        assert [line["unit_price"] for line in order["lines"]] == ["19.90", "0.3333"]
        # 59.70 * 25% = 14.925 and 0.17 * 12.5% = 0.02125, half up
        assert [line["tax_amount"] for line in order["lines"]] == ["14.93", "0.02"]
        assert order["total"] == "74.82"
        second = await here.make("orders", contact_id=contact["id"], order_date="2025-12-31")
        assert (second["number"], second["total"]) == ("SO-2025-00001", "0.00")
        third = await here.make("orders", contact_id=contact["id"])
        assert third["number"] == "SO-2026-00002"


async def test_an_order_in_yen_has_no_decimals() -> None:
    async with erp() as here:
        contact = await here.make("contacts")
        lines = [{"quantity": 3, "unit_price": 333, "tax_rate": "10"}]
        order = await here.make("orders", contact_id=contact["id"], currency="JPY", lines=lines)
        assert (order["lines"][0]["tax_amount"], order["total"]) == ("100", "1099")


async def test_the_largest_order_can_be_added_up() -> None:
    async with erp() as here:
        contact = await here.make("contacts")
        lines = [{"quantity": 10**9, "unit_price": "999999999999", "tax_rate": 100}] * 1000
        order = await here.make("orders", contact_id=contact["id"], currency="KWD", lines=lines)
        assert order["total"] == f"{2 * 1000 * 10**9 * 999999999999}.000"


async def test_lines_are_replaced_and_a_line_that_is_named_keeps_its_id() -> None:
    async with erp() as here:
        contact = await here.make("contacts")
        lines = [{"description": "a"}, {"description": "b"}]
        order = await here.make("orders", contact_id=contact["id"], lines=lines)
        path = f"orders/{order['id']}"
        kept = [{"id": "2", "description": "b2"}, {"description": "c"}]
        changed = (await here.ask("PATCH", path, {"lines": kept})).body["lines"]
        assert [(line["id"], line["description"]) for line in changed] == [("2", "b2"), ("1", "c")]
        strange = await here.ask("PATCH", path, {"lines": [{"id": "9"}]})
        assert (strange.status, strange.codes()) == (422, {"lines.0.id": "unknown_reference"})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"order_date": "2026-02-30"}, "order_date"),
        ({"delivery_date": "tomorrow"}, "delivery_date"),
        ({"delivery_date": "20260203"}, "delivery_date"),
        ({"lines": [{}] * 1001}, "lines"),
        ({"tracking_url": "javascript:x"}, "tracking_url"),
        ({"lines": [{"quantity": "-1"}]}, "lines.0.quantity"),
        ({"lines": [{"tax_rate": 101}]}, "lines.0.tax_rate"),
        ({"shipping_address": {"country": "no"}}, "shipping_address.country"),
    ],
)
async def test_a_wrong_order_is_refused(change: dict[str, Any], field: str) -> None:
    async with erp() as here:
        contact = await here.make("contacts")
        body = {**LEAST["orders"], "contact_id": contact["id"], **change}
        answer = await here.ask("POST", "orders", body)
        assert (answer.status, list(answer.codes())) == (422, [field])


async def test_records_numbers_and_settings_survive_a_restart(tmp_path: Path) -> None:
    async with erp(tmp_path / "erp.db", hard_delete=True) as here:
        made = await here.make("contacts")
    async with erp(tmp_path / "erp.db") as here:
        assert await here.read(f"contacts/{made['id']}") == made
        assert (await here.console("GET", "settings"))["hard_delete"] is True
        assert (await here.make("contacts"))["id"] == "1002"
