"""What a person does in the admin UI: make, edit and delete records with plain JSON values, and load many.

Edits are validated like API calls but know no immutable field, since a person's reach is not ours to limit;
null empties a field, an address merges. They leave events with the source admin_console.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from . import catalog, customers, entities, invoices, orders
from .errors import ApiError, wrong_value
from .fields import Doc, Field, apply, defaults
from .forms import Tree
from .parameters import read
from .reach import reach
from .routes import ROUTES
from .site import Call, Site
from .specs_customer import CUSTOMER
from .specs_order import INVOICE, ORDER
from .store import Row, Taken, encoded

_KEPT = ("id", "object", "resource_version", "updated_at", "deleted")


@dataclass(frozen=True, slots=True)
class Record:
    """How one resource is named and looked after at the console. `fresh` gives the defaults of a new
    record."""

    resource: str
    plural: str
    spec: Mapping[str, Field]
    changed: str
    fresh: Callable[[Site], Doc]
    create: str = ""


def _fresh_invoice(_site: Site) -> Doc:
    return {**defaults(INVOICE), "recurring": False, "channel": "web", "deleted": False, "line_items": []}


_AMOUNTS = ("tax", "discount", "amount_paid", "amount_adjusted", "refundable_credits", "rounding_adjustement")


def _fresh_order(_site: Site) -> Doc:
    lists = (
        "order_line_items",
        "line_item_taxes",
        "line_item_discounts",
        "linked_credit_notes",
        "resent_orders",
    )
    return {
        **defaults(ORDER),
        **{name: [] for name in lists},
        **dict.fromkeys(_AMOUNTS, 0),
        "status": "queued",
        "order_type": "system_generated",
        "price_type": "tax_exclusive",
        "payment_status": "not_paid",
        "is_resent": False,
        "deleted": False,
        "is_gifted": False,
    }


def _fresh_entity(_site: Site) -> Doc:
    return {"status": "active"}


RECORDS = (
    Record("customer", "customers", CUSTOMER, "customer_changed", customers.new_customer, "customers"),
    *(
        Record(
            kind.resource,
            plural,
            kind.spec,
            f"{kind.resource}_updated",
            lambda site, kind=kind: catalog.new_record(kind, site),  # type: ignore[misc]
            plural,
        )
        for kind, plural in (
            (catalog.FAMILY_KIND, "item_families"),
            (catalog.ITEM_KIND, "items"),
            (catalog.PRICE_KIND, "item_prices"),
        )
    ),
    Record("invoice", "invoices", INVOICE, "invoice_updated", _fresh_invoice, "invoices/import_invoice"),
    Record("order", "orders", ORDER, "order_updated", _fresh_order, "orders/import_order"),
    Record(
        "business_entity",
        "business_entities",
        {},
        "business_entity_updated",
        _fresh_entity,
    ),
)
_CATALOGUE = {kind.resource: kind for kind in (catalog.FAMILY_KIND, catalog.ITEM_KIND, catalog.PRICE_KIND)}
BY_NAME = {name: record for record in RECORDS for name in (record.resource, record.plural)}


def person(site: Site, record_id: str = "", params: Tree | None = None) -> Call:
    """A call made at the admin UI."""
    return Call(params or {}, record_id, user=site.settings.admin, source="admin_console")


def named(name: str) -> Record:
    """Raises ApiError (404) for something that is no resource of the console."""
    if name not in BY_NAME:
        raise ApiError(
            "resource_not_found", f"{name}: one of {', '.join(record.plural for record in RECORDS)}"
        )
    return BY_NAME[name]


def create(site: Site, record: Record, values: Doc) -> Doc:
    """A new record as the UI's form would make it; raises ApiError."""
    if record.resource == "business_entity":
        return entities.create(site, values, person(site))
    answer = ROUTES["POST", record.create](site, person(site, "", tree_of(values, record.spec)))
    if not isinstance(answer, dict):
        raise TypeError("a creating call answers with an object")
    made: Doc = answer[record.resource]
    return made


def edit(site: Site, record: Record, record_id: str, values: Doc) -> Doc:
    """Changes what is named in `values`; raises ApiError (400, 404)."""
    call = person(site, record_id)
    if record.resource == "business_entity":
        return entities.change(site, record_id, values, call)
    row = reach(site, record.resource, record_id, call)
    raw: Doc = {}
    wanted: Doc = {}
    for name, value in values.items():
        known = record.spec.get(name)
        if name in _KEPT or (known is None and not name.startswith("cf_")):
            raise wrong_value(name, "cannot be edited")
        # A list is edited as a whole: a person sees all of it.
        (raw if known and known.kind in ("read_only", "objects") else wanted)[name] = value
        if known and known.kind in ("address", "object") and isinstance(value, dict):
            merged = {**row.doc.get(name, {}), **value}
            wanted[name] = {
                part: text for part, text in merged.items() if text is not None and part != "object"
            }
    changes = read(tree_of(wanted, record.spec), record.spec, "*", site.reading(record.resource))
    for name, value in changes.items():
        # What a create call needs, a record never goes without.
        if value is None and name in record.spec and set(record.spec[name].needed) & set("CI"):
            raise wrong_value(name, "cannot be blank")
    before = row.doc.get("status")
    if record.resource in _CATALOGUE:
        _CATALOGUE[record.resource].check(site, row, changes)
        catalog.change_status(site, row, changes)
    apply(row.doc, {**changes, **raw}, record.spec)
    if record.resource == "order" and row.doc.get("status") != before:
        row.doc["status_update_at"] = site.now_s()
    paid = record.resource == "invoice" and row.doc["status"] == "paid" and before != "paid"
    if paid:
        row.doc.update(amount_paid=row.doc["total"], amount_due=0, paid_at=site.now_s())
    site.change(record.resource, row, call, event=record.changed)
    if paid:
        invoices.pay(site, row, call)
    if record.resource == "order":
        orders.record_extra(site, row, call, before)
    return row.doc


def delete(site: Site, record: Record, record_id: str) -> Doc:
    """What the UI's delete button does; refused where the API refuses it. Raises ApiError."""
    if record.resource == "business_entity":
        return entities.delete(site, record_id, person(site))
    return act(site, record, record_id, "delete", {})


def act(site: Site, record: Record, record_id: str, action: str, values: Doc) -> Doc:
    """An action of the API (cancel, reopen, ...) done by a person; raises ApiError."""
    handler = ROUTES.get(("POST", f"{record.plural}/{{id}}/{action}"))
    if handler is None:
        raise ApiError("resource_not_found", f"{action}: there is no such action on {record.plural}")
    answer = handler(site, person(site, record_id, tree_of(values, record.spec)))
    if not isinstance(answer, dict):
        raise TypeError("an action answers with an object")
    done: Doc = answer[record.resource]
    return done


def tree_of(values: Doc, spec: Mapping[str, Field]) -> Tree:
    """JSON values as the parameters of a form, so that they are validated as such."""
    tree: Tree = {}
    for name, value in values.items():
        known = spec.get(name)
        is_json = known is not None and known.kind == "json"
        tree[name] = encoded(value) if is_json and value is not None else _form_value(value)
    return tree


def _form_value(value: object) -> str | Tree:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {str(name): _form_value(below) for name, below in value.items()}
    if isinstance(value, list):
        if not value:
            return ""
        if all(isinstance(each, dict) for each in value):
            columns: Tree = {}
            for place, each in enumerate(value):
                for name, below in each.items():
                    column = columns.setdefault(str(name), {})
                    if isinstance(column, dict):
                        column[str(place)] = _form_value(below)
            return columns
        return {str(place): _form_value(each) for place, each in enumerate(value)}
    return str(value)


def load(site: Site, batches: Mapping[str, list[Doc]]) -> dict[str, int]:
    """Many records as they are, with their ids and times, in one transaction and without events.

    `{"customers": [{...}], "items": [...], ...}`: attributes as the API shows them. What is left out has its
    default; `updated_at: null` makes a record without one. An order with `"imported": true` can be deleted.
    Raises ApiError (400) for an unknown resource or a taken id, and then nothing is loaded.
    """
    counts: dict[str, int] = {}
    with site.store.transaction():
        for name, docs in batches.items():
            record = named(name)
            if not isinstance(docs, list) or not all(isinstance(doc, dict) for doc in docs):
                raise wrong_value(name, "is a list of records")
            try:
                counts[record.plural] = site.store[record.resource].load(_rows(site, record, docs))
            except Taken as taken:
                raise ApiError(
                    "duplicate_entry", "a loaded record is there already", param=taken.attribute
                ) from None
    return counts


def _rows(site: Site, record: Record, docs: Iterable[Doc]) -> Iterator[Row]:
    fresh = record.fresh(site)
    now_s = site.now_s()
    has_created = record.resource not in ("item", "item_family", "invoice")
    for number, given in enumerate(docs):
        doc = {"id": site.new_id(), **fresh, "deleted": False, "object": record.resource}
        doc.update({name: value for name, value in given.items() if value is not None})
        created_at = doc.get("created_at", now_s) if has_created else given.get("created_at", now_s)
        if has_created:
            doc["created_at"] = created_at
        else:
            doc.pop("created_at", None)
        upd = given.get("updated_at", created_at) or 0
        if upd:
            doc["updated_at"] = upd
        doc.setdefault("resource_version", max(upd, created_at) * 1000 + number % 1000)
        private = {"imported": True} if doc.pop("imported", False) else {}
        _name_objects(doc)
        if record.resource == "invoice":
            invoices.complete(site, doc, doc.get("amount_paid", 0))
        deleted = bool(doc["deleted"]) or doc.get("status") == "deleted"
        yield Row(doc["id"], doc, created_at, upd, doc["resource_version"], deleted, private=private)


_LISTS = {
    "contacts": "contact",
    "order_line_items": "order_line_item",
    "line_items": "line_item",
    "linked_credit_notes": "linked_credit_note",
}


def _name_objects(doc: Doc) -> None:
    for name, value in doc.items():
        if isinstance(value, dict) and name not in ("meta_data", "metadata"):
            value.setdefault("object", name)
            if name.endswith("_address"):
                value.setdefault("validation_status", "not_validated")
        elif name in _LISTS and isinstance(value, list):
            for each in value:
                each.setdefault("object", _LISTS[name])


def settings_of(site: Site) -> Doc:
    """What the console shows of a site's settings; no key."""
    return {
        "site": site.settings.site,
        "keys": [{"name": key.name, "role": key.role} for key in site.settings.keys.values()],
        "base_currency": site.settings.base_currency,
        "admin": site.settings.admin,
        "custom_fields": {
            resource: [
                {"name": each.name, "datatype": each.datatype, "required": each.required, "max": each.max}
                for each in fields.values()
            ]
            for resource, fields in site.custom.items()
        },
    }


def change_admin(site: Site, admin: str) -> None:
    """Who the person at the console is, as events show it."""
    site.settings = replace(site.settings, admin=admin)
