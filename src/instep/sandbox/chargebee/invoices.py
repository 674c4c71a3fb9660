"""Invoices, as far as orders need them: import, read, list. Source: Chargebee API, "invoices"
(import_invoice).

An invoice with shippable lines makes its own order (switch auto_orders). Nothing is computed but what is left
to pay: an imported invoice states its total, and its taxes, per line by amount and for all lines by rate.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import orders
from .errors import ApiError, wrong_value
from .fields import Doc, apply, defaults
from .lists import ID, UPDATED, Listing, attribute
from .parameters import check_id, read
from .reach import reach
from .site import Call, Site
from .specs_order import INVOICE, TAX_PLACES
from .store import Row

_JURISDICTION = ("juris_type", "juris_name", "juris_code")

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
    stated = {tax["name"]: tax for tax in doc.pop("taxes", [])}
    taxes: list[Doc] = []
    for line in doc.setdefault("line_items", []):
        line.setdefault("id", site.new_id("li_", 16))
        line.setdefault("quantity", 1)
        line.setdefault("unit_amount", line.get("amount", 0) // max(line["quantity"], 1))
        line.setdefault("amount", line["unit_amount"] * line["quantity"])
        line.setdefault("entity_type", "adhoc")
        line.setdefault("date_from", doc["date"])
        line.setdefault("date_to", doc["date"])
        own = _line_taxes(line, stated)
        line["tax_amount"] = sum(tax["tax_amount"] for tax in own) if own else line.get("tax_amount", 0)
        line["is_taxed"] = line["tax_amount"] > 0
        taxes.extend(own)
        line["customer_id"] = doc["customer_id"]
        line["object"] = "line_item"
    if taxes:
        doc.setdefault("line_item_taxes", taxes)
    if taxes or stated:
        doc["taxes"] = _taxes(taxes, stated)
    status = doc.setdefault("status", "paid" if paid >= doc["total"] else "payment_due")
    doc["amount_paid"] = doc["total"] if status == "paid" else min(paid, doc["total"])
    doc["amount_due"] = 0 if status in ("paid", "voided") else doc["total"] - doc["amount_paid"]
    doc.setdefault("sub_total", sum(line["amount"] for line in doc["line_items"]))
    doc.setdefault("tax", sum(line["tax_amount"] for line in doc["line_items"]))
    if status == "paid":
        doc.setdefault("paid_at", doc["date"])


def _line_taxes(line: Doc, stated: Mapping[str, Doc]) -> list[Doc]:
    """The taxes that an import names on one line, as answers show them; `stated` are the import's own, by name.

    A rate is the one that the import states for a tax of that name (inferred), else it follows from the amount.
    """
    taxable, found = line["amount"], []
    for place in TAX_PLACES:
        name = line.pop(f"tax{place}_name", None)
        amount = line.pop(f"tax{place}_amount", None)
        if name is None and not amount:
            continue
        inferred = round(100 * (amount or 0) / taxable, 2) if taxable else 0.0
        tax = stated.get(name or "", {})
        shown = {
            "line_item_id": line["id"],
            "tax_name": name or "Tax",
            "tax_rate": tax.get("rate", inferred),
            "taxable_amount": taxable,
            "tax_amount": amount or 0,
            "object": "line_item_tax",
        }
        shown |= {f"tax_{part}": tax[part] for part in _JURISDICTION if part in tax}
        found.append(shown)
    return found


def _taxes(line_taxes: list[Doc], stated: Mapping[str, Doc]) -> list[Doc]:
    """What an invoice says of each of its taxes: the amount of all lines together."""
    amounts = dict.fromkeys(stated, 0)
    for tax in line_taxes:
        amounts[tax["tax_name"]] = amounts.get(tax["tax_name"], 0) + tax["tax_amount"]
    rows = []
    for name, amount in amounts.items():
        tax = stated.get(name, {})
        described = {"description": tax["description"]} if "description" in tax else {}
        rows.append({"name": name, "amount": tax.get("amount", amount), **described, "object": "tax"})
    return rows


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
