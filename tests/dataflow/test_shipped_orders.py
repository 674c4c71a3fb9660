"""Orders by the shipped dataflow, over HTTP: made in either system, they come to the same total in the other."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from instep.connectors.chargebee.schema import CANCEL_CREDITS
from tests.cli.company import LONG_AGO, LONG_AGO_S, Company, company

PRICES = {"EUR": "3.34", "JPY": "333"}
# 3 x 3.34 = 10.02, 0.50, and one line without tax: 2.505 -> 2.51 and 0.044375 -> 0.04.
LINES = [
    {"product_id": "1", "quantity": "3", "unit_price": "3.34", "tax_rate": "25"},
    {"description": "Call", "quantity": "1", "unit_price": "0.50", "tax_rate": "8.875"},
    {"description": "Stamp", "quantity": "2", "unit_price": "1.00"},
]
YEN = [{"product_id": "1", "quantity": "3", "unit_price": "333", "tax_rate": "10"}]


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Company]:
    """A company with one person and one product, both in both systems."""
    with company(tmp_path) as made:
        made.chargebee.load({"item_families": [{"id": "services", "name": "Services"}]})
        made.contact("7", "Ole", "Berg", "ole@example.test", currency="EUR")
        product = {"id": "1", "code": "CAL", "name": "Calibration", "kind": "service", "family": "Services"}
        times = {"created_at": LONG_AGO, "updated_at": LONG_AGO}
        made.erp.load({"products": [{**product, **times, "unit": "pcs", "prices": PRICES}]})
        synced(made)
        yield made


def synced(acme: Company) -> None:
    done = acme.run("sync")
    assert done.exit_code == 0, done.output + acme.run("holds", "list").output


def in_erp(acme: Company) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = acme.erp.console("GET", "records/orders")["records"]
    return rows


def in_chargebee(acme: Company) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = acme.chargebee.console("GET", "records/orders")["records"]
    return rows


def erp_order(id: str, currency: str, lines: list[dict[str, str]]) -> dict[str, Any]:
    head = {"id": id, "contact_id": "7", "order_date": "2025-10-09", "currency": currency, "lines": lines}
    return {**head, "created_at": LONG_AGO, "updated_at": LONG_AGO}


def test_an_order_made_in_the_erp_has_its_tax_and_its_total_in_chargebee(acme: Company) -> None:
    acme.erp.load({"orders": [erp_order("50", "EUR", LINES), erp_order("51", "JPY", YEN)]})
    synced(acme)
    made = {order["id"]: order for order in in_chargebee(acme)}
    euro, yen = made["erp-50"], made["erp-51"]
    assert [line["tax_amount"] for line in euro["order_line_items"]] == [251, 4, 0]
    assert [tax["tax_rate"] for tax in euro["line_item_taxes"]] == [25.0, 8.875]
    assert (euro["tax"], yen["tax"]) == (255, 100)
    totals = {order["id"]: Decimal(order["total"]) for order in in_erp(acme)}
    assert totals == {"50": Decimal(euro["total"]) / 100, "51": Decimal(yen["total"])}
    assert acme.json("sync")["writes"] == []


def test_an_order_made_in_chargebee_has_its_tax_and_its_total_in_the_erp(acme: Company) -> None:
    customer = acme.chargebee.console("GET", "records/customers")["records"][0]["id"]
    price = {"entity_type": "charge_item_price", "entity_id": "CAL-EUR"}
    lines = [
        {**price, "description": "Calibration", "quantity": 3, "unit_amount": 334, "tax1_name": "VAT",
         "tax1_amount": 251},
        {"description": "Call", "unit_amount": 50, "tax1_name": "State", "tax1_amount": 3, "tax2_name": "County",
         "tax2_amount": 1},
        {"description": "Stamp", "quantity": 2, "unit_amount": 100},
    ]  # fmt: skip
    rates = {"VAT": 25, "State": 6.25, "County": 2.625}
    taxes = [{"name": name, "rate": rate} for name, rate in rates.items()]
    invoice = {"id": "i-1", "customer_id": customer, "currency_code": "EUR", "date": LONG_AGO_S}
    acme.chargebee.console(
        "POST", "invoices", {**invoice, "total": 1507, "line_items": lines, "taxes": taxes}
    )
    order = {"invoice_id": "i-1", "status": "queued", "order_date": LONG_AGO_S, "shipping_date": LONG_AGO_S}
    acme.chargebee.console("POST", "orders", {**order, "id": "o-1", "created_at": LONG_AGO_S})
    synced(acme)
    (made,) = in_erp(acme)
    told = [(line["product_id"], Decimal(line["tax_rate"]), line["tax_amount"]) for line in made["lines"]]
    assert told == [("1", 25, "2.51"), (None, Decimal("8.875"), "0.04"), (None, 0, "0.00")]
    assert (made["total"], in_chargebee(acme)[0]["total"]) == ("15.07", 1507)
    assert acme.json("sync")["writes"] == []


def held(acme: Company) -> list[tuple[str, str, str]]:
    found: list[dict[str, Any]] = acme.json("holds", "list")
    return [(hold["pair"], hold["cause"], hold["why"]) for hold in found]


def test_a_cancelled_order_of_the_erp_is_left_to_a_person_before_anything_is_sent(acme: Company) -> None:
    acme.erp.load({"orders": [{**erp_order("50", "EUR", LINES), "status": "cancelled"}]})
    acme.chargebee.reset_counters()
    (action,) = acme.json("plan")["actions"]
    assert (action["writes"], [hold["cause"] for hold in action["holds"]]) == ([], ["person"])
    assert acme.run("sync").exit_code == 3
    assert held(acme) == [("order", "person", CANCEL_CREDITS)]
    assert acme.chargebee.counters()["writes"] == 0
    acme.erp.console("PATCH", "orders/50", {"status": "confirmed"})
    synced(acme)
    assert [order["status"] for order in in_chargebee(acme)] == ["awaiting_shipment"]


def test_an_order_that_the_erp_cancels_later_waits_until_a_person_cancels_it_in_chargebee(
    acme: Company,
) -> None:
    acme.erp.load({"orders": [erp_order("50", "EUR", LINES)]})
    synced(acme)
    acme.erp.console("PATCH", "orders/50", {"status": "cancelled", "note": "by telephone"})
    assert acme.run("sync").exit_code == 3
    assert held(acme) == [("order", "person", CANCEL_CREDITS)]
    assert [(order["status"], order["note"]) for order in in_chargebee(acme)] == [("queued", "by telephone")]
    acme.chargebee.console("POST", "orders/erp-50/cancel", {"cancellation_reason": "product_not_required"})
    synced(acme)
    assert held(acme) == []
