"""Orders of both systems. Chargebee's come with the invoice that they are derived from.

Facts about Chargebee's orders: an order needs an invoice, its lines mirror the invoice's and name item
prices, amounts are in minor units, taxes stand beside the lines (Chargebee API, "orders").
"""

from __future__ import annotations

import random
from datetime import UTC, datetime

from instep.sandbox.world.goods import EXPONENTS, Good, decimal_text, price_minor
from instep.sandbox.world.lands import BY_CODE
from instep.sandbox.world.shapes import Record, iso, item_price

_DAY_S = 86_400
_STATUSES = (
    *("queued",) * 5,
    *("awaiting_shipment",) * 3,
    *("shipped",) * 4,
    *("delivered",) * 5,
    "on_hold",
    "returned",
    "partially_delivered",
    "cancelled",
)
_SENT = frozenset({"shipped", "delivered", "returned", "partially_delivered"})
_ERP_STATUSES = (
    "draft",
    "confirmed",
    "confirmed",
    "on_hold",
    "shipped",
    "delivered",
    "delivered",
    "cancelled",
)
_CARRIERS = (("DHL", "https://track.example/dhl/"), ("PostNord", "https://track.example/pn/"))
_ADHOC = ("Setup of the gateway, flat rate", "Goodwill — kulanse", "Spezialanfertigung nach Zeichnung 47/11")
_NOTES = ("Please deliver to the back entrance.", "Leveres før kl. 12", "Bitte anrufen ☎", None, None, None)


def chargebee_orders(
    chance: random.Random,
    count: int,
    buyers: list[Record],
    items: list[tuple[Good, Record]],
    until_s: int,
) -> tuple[list[Record], list[Record]]:
    """Invoices, and one order for each. A buyer's currency is one that every item is priced in."""
    invoices: list[Record] = []
    orders: list[Record] = []
    things = [good for good, row in items if row["type"] == "charge"]
    for number in range(1, count + 1):
        buyer = chance.choice(buyers)
        currency = buyer["preferred_currency_code"]
        date_s = until_s - chance.randrange(2 * _DAY_S, 200 * _DAY_S)
        invoice_id, order_id = f"INV-{1000 + number}", f"ORD-{1000 + number}"
        percent = BY_CODE[buyer["billing_address"]["country"]].tax_percent
        lines = _lines(chance, things, currency, percent, invoice_id)
        sub_total = sum(line["amount"] for line in lines)
        tax = sum(line["tax_amount"] for line in lines)
        paid = chance.random() < 0.8
        address = {**buyer["billing_address"], "phone": buyer["phone"]}
        invoices.append(
            {
                "id": invoice_id,
                "customer_id": buyer["id"],
                "business_entity_id": buyer["business_entity_id"],
                "currency_code": currency,
                "date": date_s,
                "updated_at": date_s,
                "sub_total": sub_total,
                "tax": tax,
                "total": sub_total + tax,
                "status": "paid" if paid else "payment_due",
                "line_items": [_invoice_line(line) for line in lines],
                "taxes": [{"name": "VAT", "rate": percent}],
                "billing_address": buyer["billing_address"],
            }
        )
        order: Record = {
            "id": order_id,
            "document_number": f"SO{1000 + number}",
            "invoice_id": invoice_id,
            "customer_id": buyer["id"],
            "business_entity_id": buyer["business_entity_id"],
            "currency_code": currency,
            "order_type": "system_generated",
            "price_type": "tax_exclusive",
            "payment_status": "paid" if paid else "not_paid",
            "created_at": date_s,
            "order_date": date_s,
            "shipping_date": date_s + 5 * _DAY_S,
            "sub_total": sub_total,
            "tax": tax,
            "discount": 0,
            "total": sub_total + tax,
            "amount_paid": sub_total + tax if paid else 0,
            "billing_address": buyer["billing_address"],
            "shipping_address": address,
            "line_item_taxes": [_tax(line, percent) for line in lines],
        }
        if paid:
            order["paid_on"] = date_s
        note = chance.choice(_NOTES)
        if note:
            order["note"] = note
        _fulfil(chance, order, lines, number)
        orders.append(order)
    return invoices, orders


def _lines(
    chance: random.Random, things: list[Good], currency: str, percent: int, invoice_id: str
) -> list[Record]:
    lines: list[Record] = []
    goods = chance.sample(things, chance.choice((1, 1, 2, 2, 3, 5)))
    for place, good in enumerate(goods, 1):
        price = price_minor(good, currency)
        quantity = chance.choice((1, 1, 2, 3, 10, 25))
        lines.append(
            {
                "description": good.name,
                "unit_price": price,
                "fulfillment_quantity": quantity,
                "entity_type": "charge_item_price",
                "entity_id": item_price(good, currency, 0)["id"],
                "sku": good.code,
                "is_shippable": good.kind == "goods",
                "id": f"{invoice_id}-{place}",
            }
        )
    if chance.random() < 0.2:
        price = chance.randrange(10, 500) * (100 if EXPONENTS[currency] else 10)
        lines.append(
            {
                "description": chance.choice(_ADHOC),
                "unit_price": price,
                "fulfillment_quantity": 1,
                "entity_type": "adhoc",
                "is_shippable": False,
                "id": f"{invoice_id}-{len(lines) + 1}",
            }
        )
    for line in lines:
        amount = line["unit_price"] * line["fulfillment_quantity"]
        line.update(
            invoice_id=invoice_id,
            invoice_line_item_id=f"li-{line['id']}",
            amount=amount,
            fulfillment_amount=amount,
            tax_amount=(amount * percent + 50) // 100,
            discount_amount=0,
            item_level_discount_amount=0,
            amount_paid=0,
            amount_adjusted=0,
            refundable_credits=0,
            refundable_credits_issued=0,
        )
    return lines


def _invoice_line(line: Record) -> Record:
    row: Record = {
        "id": line["invoice_line_item_id"],
        "description": line["description"],
        "unit_amount": line["unit_price"],
        "quantity": line["fulfillment_quantity"],
        "amount": line["amount"],
        "entity_type": line["entity_type"],
        "tax1_name": "VAT",
        "tax1_amount": line["tax_amount"],
    }
    if "entity_id" in line:
        row["entity_id"] = line["entity_id"]
    return row


def _tax(line: Record, percent: int) -> Record:
    return {
        "line_item_id": line["invoice_line_item_id"],
        "tax_name": "VAT",
        "tax_rate": percent,
        "taxable_amount": line["amount"],
        "tax_amount": line["tax_amount"],
        "object": "line_item_tax",
    }


def _fulfil(chance: random.Random, order: Record, lines: list[Record], number: int) -> None:
    """Give the order a status, its lines the same, and whatever goes with it."""
    status = chance.choice(_STATUSES)
    moment_s = order["order_date"] + chance.randrange(3600, 2 * _DAY_S)
    order["status"] = status
    if status in _SENT:
        carrier, page = chance.choice(_CARRIERS)
        order.update(
            shipment_carrier=carrier,
            tracking_id=f"TRK{700_000 + number}",
            tracking_url=f"{page}TRK{700_000 + number}",
            shipped_at=moment_s,
        )
    if status == "delivered":
        order["delivered_at"] = moment_s = min(moment_s + _DAY_S, order["order_date"] + 2 * _DAY_S)
    if status == "cancelled":
        order.update(cancelled_at=moment_s, cancellation_reason="product_not_required")
    order["order_line_items"] = [{**line, "status": status} for line in lines]
    order.update(updated_at=moment_s, status_update_at=moment_s)


def erp_orders(
    chance: random.Random, count: int, contacts: list[Record], products: list[Record], until_s: int
) -> list[Record]:
    """Orders that somebody took by telephone."""
    orders: list[Record] = []
    for number in range(1, count + 1):
        contact = chance.choice(contacts)
        currency = contact["currency"] if contact["currency"] in EXPONENTS else "EUR"
        date_s = until_s - chance.randrange(2 * _DAY_S, 200 * _DAY_S)
        status = chance.choice(_ERP_STATUSES)
        address = {
            **contact["address"],
            "name": f"{contact['given_name'] or ''} {contact['family_name']}".strip(),
        }
        percent = BY_CODE[contact["address"]["country"]].tax_percent
        order: Record = {
            "id": str(1000 + number),
            "contact_id": contact["id"],
            "order_date": _day(date_s),
            "delivery_date": _day(date_s + 7 * _DAY_S) if status != "draft" else None,
            "status": status,
            "currency": currency,
            "reference": f"PO {chance.randrange(100, 999)}" if chance.random() < 0.5 else None,
            "note": chance.choice(_NOTES),
            "shipping_address": address,
            "billing_address": address,
            "lines": [
                {
                    "product_id": product["id"],
                    "description": product["name"],
                    "quantity": chance.choice(("1", "2", "5", "12")),
                    "unit_price": product["prices"][currency],
                    "tax_rate": str(percent),
                }
                for product in chance.sample(products, chance.choice((1, 2, 3)))
            ],
            "created_at": iso(date_s),
            "updated_at": iso(date_s + chance.randrange(60, 2 * _DAY_S)),
        }
        if status in ("shipped", "delivered"):
            carrier, page = chance.choice(_CARRIERS)
            order.update(
                carrier=carrier, tracking_number=f"E{number:06d}", tracking_url=f"{page}E{number:06d}"
            )
        if chance.random() < 0.1:
            price = decimal_text(chance.randrange(500, 90_000), currency)
            order["lines"].append({"description": chance.choice(_ADHOC), "unit_price": price})
        orders.append(order)
    return orders


def _day(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).date().isoformat()
