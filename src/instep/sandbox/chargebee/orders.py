"""Orders: imported, made from an invoice, updated, cancelled, reopened, deleted. Source: Chargebee API,
"orders".

An order's lines, totals, customer and billing address come from its invoice and no call changes them; an
update may set the status and SKU of a line. Only an imported order can be deleted.
"""

from __future__ import annotations

from .errors import ApiError, not_found, wrong_value
from .fields import Doc, apply, defaults
from .lists import CREATED, ID, UPDATED, Listing, attribute
from .parameters import check_id, read
from .reach import reach
from .site import Call, Site
from .specs_order import ORDER, ORDER_STATUS_BY_CALL, TRANSITIONS
from .store import Row

LISTING = Listing(
    filters={
        "id": ID,
        "invoice_id": attribute("id", "invoice_id"),
        "subscription_id": attribute("id", "subscription_id"),
        "status": attribute("word", "status"),
        "order_type": attribute("word", "order_type"),
        "resent_status": attribute("word", "resent_status"),
        "is_resent": attribute("flag", "is_resent"),
        "original_order_id": attribute("id", "original_order_id"),
        "order_date": attribute("moment", "order_date"),
        "shipping_date": attribute("moment", "shipping_date"),
        "shipped_at": attribute("moment", "shipped_at"),
        "paid_on": attribute("moment", "paid_on"),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    sorts=("created_at", "updated_at"),
)

_EXTRA_EVENT = {"delivered": "order_delivered", "returned": "order_returned", "cancelled": "order_cancelled"}


def from_invoice(site: Site, invoice: Row, *, shippable_only: bool, by: str) -> Doc:
    """The part of an order that its invoice decides; `by` is the user who makes it."""
    lines = [_line(site, invoice, line) for line in invoice.doc["line_items"]]
    if shippable_only:
        lines = [line for line in lines if line["is_shippable"]]
    # Taxes name the invoice's lines: they are the invoice's, shown on the order (inferred).
    taken = {line["invoice_line_item_id"] for line in lines}
    paid = invoice.doc["status"] == "paid"
    total = sum(line["amount"] + line["tax_amount"] for line in lines)
    doc: Doc = {
        **defaults(ORDER),
        "invoice_id": invoice.id,
        "customer_id": invoice.doc["customer_id"],
        "payment_status": "paid" if paid else "not_paid",
        "order_type": "system_generated",
        "price_type": invoice.doc["price_type"],
        "created_by": by,
        "tax": sum(line["tax_amount"] for line in lines),
        "amount_paid": total if paid else 0,
        "amount_adjusted": 0,
        "refundable_credits": 0,
        "rounding_adjustement": 0,
        "is_resent": False,
        "deleted": False,
        "currency_code": invoice.doc["currency_code"],
        "discount": 0,
        "sub_total": sum(line["amount"] for line in lines),
        "total": total,
        "is_gifted": False,
        "object": "order",
        "order_line_items": lines,
        "line_item_taxes": [
            tax for tax in invoice.doc.get("line_item_taxes", []) if tax["line_item_id"] in taken
        ],
        "line_item_discounts": [],
        "linked_credit_notes": [],
        "resent_orders": [],
    }
    if paid:
        doc["paid_on"] = invoice.doc["paid_at"]
    for name in ("subscription_id", "business_entity_id"):
        if name in invoice.doc:
            doc[name] = invoice.doc[name]
    customer = site.store["customer"].get(invoice.doc["customer_id"])
    billing = invoice.doc.get("billing_address") or (
        customer.doc.get("billing_address") if customer else None
    )
    if billing:
        doc["billing_address"] = {**billing, "object": "billing_address"}
    if invoice.doc.get("shipping_address"):
        doc["shipping_address"] = {**invoice.doc["shipping_address"], "object": "shipping_address"}
    return doc


def _line(site: Site, invoice: Row, line: Doc) -> Doc:
    price = site.store["item_price"].get(line.get("entity_id", "")) if line.get("entity_id") else None
    item = site.store["item"].get(price.doc["item_id"]) if price else None
    sku = price.doc.get("accounting_detail", {}).get("sku") if price else None
    doc: Doc = {
        "id": site.new_id("oli_", 16),
        "invoice_id": invoice.id,
        "invoice_line_item_id": line["id"],
        "unit_price": line["unit_amount"],
        "description": line["description"],
        "amount": line["amount"],
        "fulfillment_quantity": line["quantity"],
        "fulfillment_amount": line["amount"],
        "tax_amount": line["tax_amount"],
        "amount_paid": line["amount"] if invoice.doc["status"] == "paid" else 0,
        "amount_adjusted": 0,
        "refundable_credits_issued": 0,
        "refundable_credits": 0,
        "is_shippable": bool(item and item.doc.get("is_shippable")),
        "status": "queued",
        "entity_type": line["entity_type"],
        "discount_amount": 0,
        "item_level_discount_amount": 0,
        "object": "order_line_item",
    }
    if sku:
        doc["sku"] = sku
    if line.get("entity_id"):
        doc["entity_id"] = line["entity_id"]
    return doc


def generate(site: Site, invoice: Row, call: Call) -> Row | None:
    """The order that an invoice with shippable lines makes by itself; None if it has no such line."""
    doc = from_invoice(site, invoice, shippable_only=True, by=call.user)
    if not doc["order_line_items"]:
        return None
    now_s = site.now_s()
    number = next_id(site)
    doc = {"id": number, "document_number": number, **doc, "status": "queued", "created_at": now_s}
    doc.update(order_date=now_s, shipping_date=now_s, status_update_at=now_s)
    return site.create("order", doc, call, event="order_created", secondary=True)


def next_id(site: Site) -> str:
    """The number that a new order gets when the caller gives no id."""
    while True:
        number = str(site.store.next_number("order"))
        if site.store["order"].get(number, deleted_too=True) is None:
            return number


def import_order(site: Site, call: Call) -> Doc:
    return {"order": _made(site, call, "I").doc}


def create(site: Site, call: Call) -> Doc:
    """The legacy call, which current sites refuse (switch legacy_orders)."""
    if not site.switches.on("legacy_orders"):
        raise ApiError("configuration_incompatible", "Creating orders is no longer supported on this site.")
    return {"order": _made(site, call, "N").doc}


def _made(site: Site, call: Call, letter: str) -> Row:
    changes = read(call.params, ORDER, letter, site.reading("order"))
    _check_status(changes, letter)
    invoice = site.store["invoice"].get(changes["invoice_id"])
    if invoice is None:
        raise not_found(changes["invoice_id"], "invoice_id")
    reach(site, "invoice", invoice.id, call, param="invoice_id")
    for name in ("customer_id", "subscription_id"):
        if name in changes and changes[name] != invoice.doc.get(name):
            raise wrong_value(name, "is not that of the invoice")
    now_s = site.now_s()
    record_id = changes.pop("id", None)
    record_id = check_id(record_id, 40, site.switches) if record_id else next_id(site)
    doc = {"id": record_id, "document_number": record_id, **from_invoice(
        site, invoice, shippable_only=False, by=call.user
    )}  # fmt: skip
    doc["order_type"] = "system_generated" if letter == "I" else "manual"
    doc["created_at"] = now_s
    doc["status_update_at"] = now_s
    doc["status"] = "new"
    apply(doc, changes, ORDER)
    if letter == "I":
        for line in doc["order_line_items"]:
            line["status"] = doc["status"]
    private = {"imported": letter == "I"}
    return site.create(
        "order", doc, call, event="order_created", private=private, created_at=doc["created_at"]
    )


def _check_status(changes: Doc, letter: str) -> None:
    allowed = ORDER_STATUS_BY_CALL[letter]
    if changes.get("status") and changes["status"] not in allowed:
        raise wrong_value("status", f"should be one of {', '.join(allowed)}")


def update(site: Site, call: Call) -> Doc:
    row = reach(site, "order", call.record_id, call)
    changes = read(call.params, ORDER, "U", site.reading("order"))
    lines = changes.pop("order_line_items", None) or []
    status = changes.get("status")
    if "status" in changes and status is None:
        raise wrong_value("status", "cannot be blank")
    held = {line["id"]: line for line in row.doc["order_line_items"]}
    for place, line in enumerate(lines):
        if line["id"] not in held:
            raise wrong_value(f"order_line_items[id][{place}]", f"{line['id']} not found")
    before = row.doc["status"]
    moved = status is not None and status != before
    if moved:
        _check_transition(site, row, str(status))
    for line in lines:
        held[line["id"]].update(line)
    apply(row.doc, changes, ORDER)
    if moved:
        row.doc["status_update_at"] = site.now_s()
    site.change("order", row, call, event="order_updated")
    record_extra(site, row, call, before)
    return {"order": row.doc}


def record_extra(site: Site, row: Row, call: Call, before: str | None) -> None:
    """The event of its own that a new status brings, beside order_updated; `before` is the former status."""
    extra = _EXTRA_EVENT.get(row.doc["status"]) if row.doc["status"] != before else None
    if extra and site.switches.on("order_extra_events"):
        site.record(extra, {"order": row.doc}, call, True)


def _check_transition(site: Site, row: Row, status: str) -> None:
    if site.switches.choice("order_status_rules") == "strict" and status not in TRANSITIONS.get(
        row.doc["status"], ()
    ):
        raise ApiError(
            "invalid_state_for_request", f"An order that is {row.doc['status']} cannot become {status}"
        )


def cancel(site: Site, call: Call) -> Doc:
    """Cancels and makes a refundable credit note, of which only the link on the order exists here."""
    row = reach(site, "order", call.record_id, call)
    changes = read(call.params, ORDER, "X", site.reading("order"))
    if row.doc["status"] == "cancelled" and site.switches.choice("cancelled_again") == "refuse":
        raise ApiError("invalid_state_for_request", f"Order {row.id} is already cancelled")
    now_s = site.now_s()
    credit = changes.pop("credit_note", None) or {}
    amount = credit.get("total", row.doc["total"])
    if amount > row.doc["total"]:
        raise wrong_value("credit_note[total]", "is more than the order's total")
    number = site.store.next_number("credit_note")
    note = {"id": f"CN-{number}", "type": "refundable", "status": "refund_due", "amount": amount}
    row.doc["linked_credit_notes"].append({**note, "object": "linked_credit_note"})
    row.doc.update(
        status="cancelled",
        cancellation_reason=changes["cancellation_reason"],
        cancelled_at=changes.get("cancelled_at") or now_s,
        status_update_at=now_s,
    )
    for line in row.doc["order_line_items"]:
        line["status"] = "cancelled"
    site.change("order", row, call, event="order_cancelled")
    if site.switches.on("order_extra_events"):
        site.record("order_updated", {"order": row.doc}, call, True)
    return {"order": row.doc}


def reopen(site: Site, call: Call) -> Doc:
    row = reach(site, "order", call.record_id, call)
    changes = read(call.params, ORDER, "O", site.reading("order"))
    if row.doc["status"] != "cancelled":
        raise ApiError("invalid_state_for_request", f"Order {row.id} is not cancelled")
    if changes.get("void_cancellation_credit_notes"):
        for note in row.doc["linked_credit_notes"]:
            note["status"] = "voided"
    for name in ("cancellation_reason", "cancelled_at"):
        row.doc.pop(name, None)
    row.doc.update(status="queued", status_update_at=site.now_s())
    for line in row.doc["order_line_items"]:
        line["status"] = "queued"
    return {"order": site.change("order", row, call, event="order_updated").doc}


def assign_order_number(site: Site, call: Call) -> Doc:
    row = reach(site, "order", call.record_id, call)
    row.doc["document_number"] = f"ORD-{site.store.next_number('order_document')}"
    return {"order": site.change("order", row, call, event="order_updated").doc}


def delete(site: Site, call: Call) -> Doc:
    row = reach(site, "order", call.record_id, call)
    if not row.private.get("imported"):
        raise site.refuse_delete("Only imported orders can be deleted.")
    if any(note["status"] == "refunded" for note in row.doc["linked_credit_notes"]):
        raise site.refuse_delete("The order has been refunded.")
    return {"order": site.remove("order", row, call, event="order_deleted").doc}
