"""Invoices, as far as orders need them: import, read, list. Source: Chargebee API, "invoices"
(import_invoice).

An invoice with shippable lines makes its own order (switch auto_orders). Nothing is computed but what is left
to pay: an imported invoice states its total.
"""

from __future__ import annotations

from . import orders
from .errors import ApiError, wrong_value
from .fields import Doc, apply, defaults
from .lists import ID, UPDATED, Listing, attribute
from .parameters import check_id, read
from .reach import reach
from .site import Call, Site
from .specs_order import INVOICE
from .store import Row

LISTING = Listing(
    filters={
        "id": ID,
        "subscription_id": attribute("id", "subscription_id"),
        "customer_id": attribute("id", "customer_id"),
        "status": attribute("word", "status"),
        "price_type": attribute("word", "price_type"),
        "date": attribute("moment", "date"),
        "paid_at": attribute("moment", "paid_at"),
        "total": attribute("number", "total"),
        "amount_paid": attribute("number", "amount_paid"),
        "amount_due": attribute("number", "amount_due"),
        "recurring": attribute("flag", "recurring"),
        "channel": attribute("word", "channel"),
        "updated_at": UPDATED,
    },
    sorts=("updated_at",),
    descending=True,
)


def import_invoice(site: Site, call: Call) -> Doc:
    changes = read(call.params, INVOICE, "I", site.reading("invoice"))
    if "customer_id" not in changes:
        raise wrong_value("customer_id", "cannot be blank")
    customer = reach(site, "customer", changes["customer_id"], call, param="customer_id")
    doc = {
        "id": check_id(changes.pop("id"), 50, site.switches),
        **defaults(INVOICE),
        "recurring": False,
        "currency_code": customer.doc.get("preferred_currency_code", site.settings.base_currency),
        "channel": "web",
        "deleted": False,
        "object": "invoice",
    }
    payments = changes.pop("payments", [])
    apply(doc, changes, INVOICE)
    _check_lines(site, doc)
    complete(site, doc, sum(payment["amount"] for payment in payments))
    if "business_entity_id" in customer.doc:
        doc["business_entity_id"] = customer.doc["business_entity_id"]
    row = site.create("invoice", doc, call, event="invoice_generated", private={"imported": True})
    when = site.switches.choice("auto_orders")
    if when == "at_once" or (when == "when_paid" and doc["status"] == "paid"):
        orders.generate(site, row, call)
    return {"invoice": row.doc}


def complete(site: Site, doc: Doc, paid: int) -> None:
    """Fills in ids and amounts of lines, what is paid and what is due."""
    taxes: list[Doc] = []
    for line in doc.setdefault("line_items", []):
        line.setdefault("id", site.new_id("li_", 16))
        line.setdefault("quantity", 1)
        line.setdefault("unit_amount", line.get("amount", 0) // max(line["quantity"], 1))
        line.setdefault("amount", line["unit_amount"] * line["quantity"])
        line.setdefault("entity_type", "adhoc")
        line.setdefault("date_from", doc["date"])
        line.setdefault("date_to", doc["date"])
        name = line.pop("tax1_name", "Tax")
        line["tax_amount"] = line.pop("tax1_amount", line.get("tax_amount", 0))
        line["is_taxed"] = line["tax_amount"] > 0
        if line["is_taxed"]:
            taxes.append(line_tax(line["id"], name, line["amount"], line["tax_amount"]))
        line["customer_id"] = doc["customer_id"]
        line["object"] = "line_item"
    if taxes:
        doc.setdefault("line_item_taxes", taxes)
    status = doc.setdefault("status", "paid" if paid >= doc["total"] else "payment_due")
    doc["amount_paid"] = doc["total"] if status == "paid" else min(paid, doc["total"])
    doc["amount_due"] = 0 if status in ("paid", "voided") else doc["total"] - doc["amount_paid"]
    doc.setdefault("sub_total", sum(line["amount"] for line in doc["line_items"]))
    doc.setdefault("tax", sum(line["tax_amount"] for line in doc["line_items"]))
    if status == "paid":
        doc.setdefault("paid_at", doc["date"])


def line_tax(line_id: str, name: str, taxable: int, amount: int) -> Doc:
    """The tax of one line. An import gives the amount only; the rate is inferred from it."""
    return {
        "line_item_id": line_id,
        "tax_name": name,
        "tax_rate": round(100 * amount / taxable, 2) if taxable else 0.0,
        "taxable_amount": taxable,
        "tax_amount": amount,
        "object": "line_item_tax",
    }


def _check_lines(site: Site, doc: Doc) -> None:
    for place, line in enumerate(doc.get("line_items", [])):
        spelled = f"line_items[entity_id][{place}]"
        if line.get("entity_type", "adhoc") == "adhoc":
            continue
        price = site.store["item_price"].get(line.get("entity_id", ""))
        if price is None:
            raise wrong_value(spelled, f"{line.get('entity_id', '')} not found")
        if line["entity_type"] != f"{price.doc['item_type']}_item_price":
            raise wrong_value(f"line_items[entity_type][{place}]", f"is not the type of {price.id}")


def orders_of(site: Site, call: Call) -> list[Row]:
    """The orders of one invoice that aren't deleted, oldest first."""
    invoice = reach(site, "invoice", call.record_id, call)
    return site.store["order"].children(invoice.id)


def pay(site: Site, row: Row, call: Call) -> None:
    """What becomes of an invoice's orders when it is paid."""
    if row.doc["status"] != "paid":
        raise ApiError("invalid_state_for_request", f"{row.id} is not paid")
    existing = site.store["order"].children(row.id)
    for order in existing:
        if order.doc.get("payment_status") != "paid":
            order.doc.update(
                payment_status="paid", paid_on=row.doc["paid_at"], amount_paid=order.doc["total"]
            )
            site.change("order", order, call, event="order_updated", secondary=True)
    if not existing and site.switches.choice("auto_orders") == "when_paid":
        orders.generate(site, row, call)
