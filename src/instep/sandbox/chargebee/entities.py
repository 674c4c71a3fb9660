"""Business entities: made by a person at the console only, and transfers of customers between them by the
API.

Source: Chargebee API, "business entities": no public call creates, reads or changes one; a transfer keeps the
customer's id on the new copy, and the old copy, under a new random id, keeps invoices and orders.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime

from .errors import ApiError, not_found, wrong_value
from .fields import Doc
from .forms import Tree
from .lists import CREATED, Listing, attribute
from .site import Call, Site
from .store import Row

MOST = 30
TRANSFERS_PER_YEAR = 3

TRANSFER_LISTING = Listing(
    filters={
        "resource_type": attribute("word", "resource_type"),
        "resource_id": attribute("id", "resource_id"),
        "active_resource_id": attribute("id", "active_resource_id"),
        "created_at": CREATED,
    },
    sorts=("created_at",),
)


def create(site: Site, fields: Doc, call: Call) -> Doc:
    """A new entity with `name` (and, for a test, `id`); raises ApiError (400) without a name or beyond 30."""
    name = fields.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 100:
        raise wrong_value("name", "is needed, with at most 100 characters")
    if site.store["business_entity"].count() >= MOST:
        raise ApiError("resource_limit_exceeded", f"A site has at most {MOST} business entities")
    doc = {
        "id": str(fields.get("id") or site.new_id("be_", 12)),
        "name": name,
        "status": str(fields.get("status", "active")),
        "deleted": False,
        "created_at": site.now_s(),
        "object": "business_entity",
    }
    return site.create("business_entity", doc, call, event="business_entity_created").doc


def change(site: Site, entity_id: str, fields: Doc, call: Call) -> Doc:
    """Renames, deactivates or activates; raises ApiError (400, 404)."""
    row = _entity(site, entity_id)
    for name, value in fields.items():
        fits = {
            "name": isinstance(value, str) and 1 <= len(value) <= 100,
            "status": value in ("active", "inactive"),
        }
        if not fits.get(name, False):
            raise wrong_value(name, "cannot be set to this on a business entity")
        row.doc[name] = value
    return site.change("business_entity", row, call, event="business_entity_updated").doc


def delete(site: Site, entity_id: str, call: Call) -> Doc:
    """Deletes; raises ApiError (404, 409 while customers belong to it)."""
    row = _entity(site, entity_id)
    held = site.store.run(
        "SELECT 1 FROM r_customer"
        " WHERE json_extract(doc, '$.business_entity_id') = ? AND deleted = 0 LIMIT 1",
        (entity_id,),
    )
    if held:
        raise site.refuse_delete("The business entity has customers.")
    return site.remove("business_entity", row, call, event="business_entity_deleted").doc


def _entity(site: Site, entity_id: str) -> Row:
    row = site.store["business_entity"].get(entity_id)
    if row is None:
        raise not_found(entity_id, "business_entity_id")
    return row


def create_transfers(site: Site, call: Call) -> Doc:
    """Moves customers. The answer has one transfer, or a list of them if several were asked for.

    Chargebee answers one call with one `business_entity_transfer`; several are inferred.
    """
    if call.business_entity:
        raise ApiError("invalid_request", "This call is made without a business entity context.")
    columns = {
        name: _column(call.params, name, needed=name != "resource_types")
        for name in (
            "active_resource_ids",
            "destination_business_entity_ids",
            "reason_codes",
            "resource_types",
        )
    }
    count = len(columns["active_resource_ids"])
    for name, column in columns.items():
        if column and len(column) != count:
            raise wrong_value(name, f"has {len(column)} elements where there are {count} resources")
    for place, reason in enumerate(columns["reason_codes"]):
        if reason != "correction":
            raise wrong_value(f"reason_codes[{place}]", "should be correction")
    for place, kind in enumerate(columns["resource_types"]):
        if kind != "customer":
            raise wrong_value(
                f"resource_types[{place}]", "should be customer (there are no subscriptions here)"
            )
    made = [
        _transfer(site, customer_id, columns["destination_business_entity_ids"][place], place, call)
        for place, customer_id in enumerate(columns["active_resource_ids"])
    ]
    if len(made) == 1:
        return {"business_entity_transfer": made[0]}
    return {"list": [{"business_entity_transfer": each} for each in made]}


def _column(tree: Tree, name: str, *, needed: bool) -> list[str]:
    given = tree.get(name)
    if given is None and not needed:
        return []
    if not isinstance(given, dict) or not given:
        raise wrong_value(name, "cannot be blank")
    column = [given.get(str(place)) for place in range(len(given))]
    if not all(isinstance(each, str) and each for each in column):
        raise wrong_value(name, "indices start at 0, without gaps")
    return [str(each) for each in column]


def _transfer(site: Site, customer_id: str, destination: str, place: int, call: Call) -> Doc:
    row = site.store["customer"].get(customer_id)
    if row is None or row.hidden:
        raise not_found(customer_id, f"active_resource_ids[{place}]")
    entity = site.store["business_entity"].get(destination)
    if entity is None:
        raise not_found(destination, f"destination_business_entity_ids[{place}]")
    source = row.doc.get("business_entity_id")
    if source == destination:
        raise wrong_value(f"destination_business_entity_ids[{place}]", "is where the customer is")
    if entity.doc["status"] != "active":
        raise ApiError("invalid_state_for_request", f"The business entity {destination} is inactive")
    if "relationship" in row.doc:
        raise ApiError("invalid_state_for_request", "The customer is part of a hierarchy.")
    _limit(site, customer_id)
    now_s = site.now_s()
    # The row with the history (invoices, orders) becomes the deprecated copy; the active one is a new row.
    active = Row(customer_id, copy.deepcopy(row.doc), row.created_at, row.upd, row.version)
    old_id = site.new_id()
    row.id = old_id
    row.doc.update(id=old_id, active_id=customer_id)
    row.hidden = True
    site.change("customer", row, call, event=None)
    for invoice in site.store["invoice"].children(customer_id):
        invoice.doc["customer_id"] = old_id
        site.change("invoice", invoice, call, event=None)
        for order in site.store["order"].children(invoice.id):
            order.doc["customer_id"] = old_id
            site.change("order", order, call, event=None)
    active.doc.update(business_entity_id=destination, active_id=customer_id)
    site.create(
        "customer", active.doc, call, event="customer_business_entity_changed", created_at=active.created_at
    )
    doc: Doc = {
        "id": f"bet_{site.store.next_number('business_entity_transfer')}",
        "resource_type": "customer",
        "resource_id": old_id,
        "active_resource_id": customer_id,
        "destination_business_entity_id": destination,
        "reason_code": "correction",
        "created_at": now_s,
        "object": "business_entity_transfer",
    }
    if source:
        doc["source_business_entity_id"] = source
    made = site.create("business_entity_transfer", dict(doc), call, event=None)
    made.doc.pop("updated_at", None)
    made.doc.pop("resource_version", None)
    return doc


def _limit(site: Site, customer_id: str) -> None:
    start = int(datetime(datetime.fromtimestamp(site.clock.now(), UTC).year, 1, 1, tzinfo=UTC).timestamp())
    rows = site.store.run(
        "SELECT count(*) FROM r_business_entity_transfer"
        " WHERE created_at >= ? AND json_extract(doc, '$.active_resource_id') = ?",
        (start, customer_id),
    )
    if rows[0][0] >= TRANSFERS_PER_YEAR:
        raise ApiError(
            "resource_limit_exceeded",
            f"A customer is transferred at most {TRANSFERS_PER_YEAR} times in a year",
        )
