"""Resending an order: Chargebee makes a new order for goods that go out again. Source: Chargebee API,
"orders".

The copy points to its original by `original_order_id`; it is no new sale. At most five per order.
"""

from __future__ import annotations

import copy

from .errors import ApiError, wrong_value
from .fields import Doc, Field, by_name, moment, text
from .orders import next_id
from .parameters import read
from .reach import reach
from .site import Call, Site

MOST = 5
RESEND = by_name(
    moment("shipping_date", "R"),
    text("resend_reason", 100, "R"),
    Field(
        "order_line_items",
        "objects",
        "R",
        fields=(Field("id", "text", max=40, needed="R"), Field("fulfillment_quantity", "whole")),
    ),
)


def resend(site: Site, call: Call) -> Doc:
    """A new order with all lines of the old one, or with those named; answers with the new one."""
    row = reach(site, "order", call.record_id, call)
    changes = read(call.params, RESEND, "R", site.reading("order"))
    if row.doc["status"] == "cancelled":
        raise ApiError("invalid_state_for_request", f"Order {row.id} is cancelled")
    if len(row.doc["resent_orders"]) >= MOST:
        raise ApiError("resource_limit_exceeded", f"An order is resent at most {MOST} times")
    held = {line["id"]: line for line in row.doc["order_line_items"]}
    named = changes.get("order_line_items") or [{"id": line_id} for line_id in held]
    lines: list[Doc] = []
    for place, each in enumerate(named):
        if each["id"] not in held:
            raise wrong_value(f"order_line_items[id][{place}]", f"{each['id']} not found")
        lines.append({**held[each["id"]], **each, "id": site.new_id("oli_", 16), "status": "queued"})
    now_s = site.now_s()
    amount = sum(line["unit_price"] * line["fulfillment_quantity"] for line in lines)
    doc = copy.deepcopy(row.doc)
    for name in (
        "cancellation_reason",
        "cancelled_at",
        "shipped_at",
        "delivered_at",
        "tracking_id",
        "reference_id",
    ):
        doc.pop(name, None)
    number = next_id(site)
    doc.update(
        id=number,
        document_number=number,
        status="queued",
        created_at=now_s,
        order_date=now_s,
        shipping_date=changes.get("shipping_date") or now_s,
        status_update_at=now_s,
        order_line_items=lines,
        sub_total=amount,
        total=amount,
        is_resent=True,
        original_order_id=row.id,
        resent_orders=[],
        linked_credit_notes=[],
    )
    if changes.get("resend_reason"):
        doc["resend_reason"] = changes["resend_reason"]
    made = site.create("order", doc, call, event="order_created")
    whole = len(lines) == len(held) and not any("fulfillment_quantity" in each for each in named)
    row.doc["resent_status"] = "fully_resent" if whole else "partially_resent"
    entry = {"order_id": number, "reason": changes.get("resend_reason", ""), "amount": amount}
    row.doc["resent_orders"].append({**entry, "object": "resent_order"})
    site.change("order", row, call, event="order_resent", secondary=True)
    return {"order": made.doc}
