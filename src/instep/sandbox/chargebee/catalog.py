"""Item families, items and item prices. Source: Chargebee API, "items" and its neighbours.

All three are made, changed and deleted alike: a `Kind` says what differs. Deleting is refused while something
below is in use, and frees id and name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import ApiError, wrong_value
from .fields import Doc, Field, apply, defaults
from .forms import Tree
from .lists import ID, NAME, UPDATED, Listing, Where, attribute
from .parameters import check_id, read
from .reach import entity_of_new, reach
from .site import Call, Site
from .specs_catalog import ITEM, ITEM_FAMILY, ITEM_PRICE, LOCKED_AFTER_USE
from .store import Row


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of catalogue record. `complete` checks and fills in a new one, `check` the changes of one."""

    resource: str
    spec: Mapping[str, Field]
    id_length: int
    complete: Callable[[Site, Doc], None]
    check: Callable[[Site, Row, Doc], None]
    dated: bool = False


def new_record(kind: Kind, site: Site) -> Doc:
    """What a catalogue record holds before anything is said about it. Items and families have no
    created_at."""
    doc = {
        **defaults(kind.spec),
        "status": "active",
        "channel": "web",
        "deleted": False,
        "object": kind.resource,
    }
    if kind.dated:
        doc["created_at"] = site.now_s()
        del doc["channel"]
    return doc


def create(kind: Kind) -> Callable[[Site, Call], Doc]:
    def create_call(site: Site, call: Call) -> Doc:
        changes = read(call.params, kind.spec, "C", site.reading(kind.resource))
        record_id = check_id(changes.pop("id"), kind.id_length, site.switches)
        entity = entity_of_new(site, changes.pop("business_entity_id", None), call)
        doc = {"id": record_id, **new_record(kind, site)}
        apply(doc, changes, kind.spec)
        if entity:
            doc["business_entity_id"] = entity
        kind.complete(site, doc)
        row = site.create(kind.resource, doc, call, event=f"{kind.resource}_created")
        return {kind.resource: row.doc}

    return create_call


def update(kind: Kind) -> Callable[[Site, Call], Doc]:
    def update_call(site: Site, call: Call) -> Doc:
        row = reach(site, kind.resource, call.record_id, call)
        changes = read(call.params, kind.spec, "U", site.reading(kind.resource))
        if "name" in changes and changes["name"] is None:
            raise wrong_value("name", "cannot be blank")
        kind.check(site, row, changes)
        change_status(site, row, changes)
        apply(row.doc, changes, kind.spec)
        return {kind.resource: site.change(kind.resource, row, call, event=f"{kind.resource}_updated").doc}

    return update_call


def change_status(site: Site, row: Row, changes: Doc) -> None:
    """Archiving notes its time; taking a record back into use forgets it."""
    status = changes.get("status", row.doc["status"])
    if status == "archived" and row.doc["status"] != "archived":
        row.doc["archived_at"] = site.now_s()
    elif status == "active":
        row.doc.pop("archived_at", None)


def delete(kind: Kind) -> Callable[[Site, Call], Doc]:
    def delete_call(site: Site, call: Call) -> Doc:
        row = reach(site, kind.resource, call.record_id, call)
        if kind.resource == "item_price" and _used(site, row.id):
            changes: Doc = {"status": "archived"}
            change_status(site, row, changes)
            row.doc.update(changes)
            return {kind.resource: site.change(kind.resource, row, call, event="item_price_updated").doc}
        child, words = BELOW.get(kind.resource, ("", ""))
        if child and site.store[child].children(row.id):
            raise site.refuse_delete(words)
        row.doc["status"] = "deleted"
        return {kind.resource: site.remove(kind.resource, row, call, event=f"{kind.resource}_deleted").doc}

    return delete_call


BELOW = {
    "item_family": ("item", "Item family cannot be deleted as it has items."),
    "item": ("item_price", "Item cannot be deleted as it has item prices."),
}


def _used(site: Site, item_price_id: str) -> bool:
    """Whether an invoice that isn't deleted has a line of this price."""
    rows = site.store.run(
        "SELECT 1 FROM r_invoice, json_each(r_invoice.doc, '$.line_items') AS line"
        " WHERE r_invoice.deleted = 0 AND json_extract(line.value, '$.entity_id') = ? LIMIT 1",
        (item_price_id,),
    )
    return bool(rows)


def _complete_family(_site: Site, _doc: Doc) -> None:
    return None


def _complete_item(site: Site, doc: Doc) -> None:
    _family(site, doc["item_family_id"])
    _show_applicable(doc)


def _show_applicable(doc: Doc) -> None:
    """Ids are what a call takes, objects what a record shows."""
    if doc.get("applicable_items"):
        doc["applicable_items"] = [
            {"id": item_id, "object": "applicable_item"} for item_id in doc["applicable_items"]
        ]


def _complete_price(site: Site, doc: Doc) -> None:
    item = site.store["item"].get(doc["item_id"])
    if item is None:
        raise wrong_value("item_id", f"{doc['item_id']} not found")
    doc["item_family_id"] = item.doc["item_family_id"]
    doc["item_type"] = item.doc["type"]
    doc.setdefault("currency_code", site.settings.base_currency)
    if "business_entity_id" in item.doc:
        doc.setdefault("business_entity_id", item.doc["business_entity_id"])
    periodic = item.doc["type"] != "charge"
    for name in ("period", "period_unit"):
        if periodic and name not in doc:
            raise wrong_value(name, f"is needed for the price of a {item.doc['type']}")
        if not periodic and name in doc:
            raise wrong_value(name, "is not allowed for the price of a charge")
    for other in site.store["item_price"].children(item.id):
        if all(other.doc.get(name) == doc.get(name) for name in ("currency_code", "period", "period_unit")):
            raise ApiError(
                "duplicate_entry", f"{other.id} has the same currency and period.", param="currency_code"
            )
    _add_objects(doc)


def _check_family(_site: Site, _row: Row, _changes: Doc) -> None:
    return None


def _check_item(site: Site, _row: Row, changes: Doc) -> None:
    if changes.get("item_family_id"):
        _family(site, changes["item_family_id"])
    elif "item_family_id" in changes:
        raise wrong_value("item_family_id", "cannot be blank")
    if changes.pop("clear_applicable_items", None):
        changes["applicable_items"] = None
    _show_applicable(changes)


def _check_price(site: Site, row: Row, changes: Doc) -> None:
    locked = [name for name in LOCKED_AFTER_USE if name in changes and changes[name] != row.doc.get(name)]
    if locked and _used(site, row.id):
        raise wrong_value(locked[0], "cannot be changed once the item price has been used")
    for name in ("accounting_detail", "tax_detail"):
        if changes.get(name):
            changes[name] = {**row.doc.get(name, {}), **changes[name]}
    _add_objects(changes)


def _add_objects(doc: Doc) -> None:
    for name in ("accounting_detail", "tax_detail"):
        if doc.get(name):
            doc[name]["object"] = name


def _family(site: Site, family_id: str) -> Row:
    family = site.store["item_family"].get(family_id)
    if family is None:
        raise wrong_value("item_family_id", f"{family_id} not found")
    return family


FAMILY_KIND = Kind("item_family", ITEM_FAMILY, 50, _complete_family, _check_family)
ITEM_KIND = Kind("item", ITEM, 100, _complete_item, _check_item)
PRICE_KIND = Kind("item_price", ITEM_PRICE, 100, _complete_price, _check_price, dated=True)

_SHARED = {
    "id": ID,
    "name": NAME,
    "updated_at": UPDATED,
    "business_entity_id": attribute("id", "business_entity_id"),
}
_SORTS = ("id", "name", "updated_at")

FAMILY_LISTING = Listing(filters=_SHARED, descending=True)
ITEM_LISTING = Listing(
    filters={
        **_SHARED,
        "item_family_id": attribute("id", "item_family_id"),
        "type": attribute("word", "type"),
        "status": attribute("word", "status"),
        "item_applicability": attribute("word", "item_applicability"),
        "is_giftable": attribute("flag", "is_giftable"),
        "enabled_for_checkout": attribute("flag", "enabled_for_checkout"),
        "enabled_in_portal": attribute("flag", "enabled_in_portal"),
        "metered": attribute("flag", "metered"),
        "usage_calculation": attribute("word", "usage_calculation"),
        "channel": attribute("word", "channel"),
    },
    sorts=_SORTS,
    descending=True,
)
PRICE_LISTING = Listing(
    filters={
        **_SHARED,
        "item_id": attribute("id", "item_id"),
        "item_family_id": attribute("id", "item_family_id"),
        "item_type": attribute("word", "item_type"),
        "currency_code": attribute("text", "currency_code"),
        "pricing_model": attribute("word", "pricing_model"),
        "status": attribute("word", "status"),
        "period": attribute("number", "period"),
        "period_unit": attribute("word", "period_unit"),
        "trial_period": attribute("number", "trial_period"),
        "trial_period_unit": attribute("word", "trial_period_unit"),
        "channel": attribute("word", "channel"),
    },
    sorts=_SORTS,
    descending=True,
)


def narrow(site: Site, tree: Tree, where: Where) -> None:
    """Deleted records show when the status filter names them (switch deleted_items_in_list)."""
    status = tree.get("status")
    named = isinstance(status, dict) and any("deleted" in str(value) for value in status.values())
    if not named and site.switches.choice("deleted_items_in_list") == "when_asked":
        where.add("deleted = 0")


def with_site_level(tree: Tree) -> bool:
    """The filter include_site_level_resources[is], which widens the business entity context of a list."""
    wanted = tree.get("include_site_level_resources")
    return isinstance(wanted, dict) and wanted.get("is") == "true"
