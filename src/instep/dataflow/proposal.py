"""From what an ERP's entities are called to a proposed dataflow with Chargebee: pairs, properties, and what is left.

It goes by names alone, those that ERPs use for the things that Chargebee has; so it works for any connector. The
result is a text for a person to correct, that can be used as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from instep.core.model import Entity, Field

Names = tuple[str, ...]


@dataclass(frozen=True)
class Likely:
    """A property of Chargebee, what ERPs call it, and how the two are turned into each other. `types`: those that
    the ERP's field may have."""

    left: str
    names: Names
    transformation: str = ""
    types: Names = ("text",)


@dataclass(frozen=True)
class Kind:
    """An entity of Chargebee, what ERPs call it, by what its records are recognised, and its properties."""

    left: str
    names: Names
    match: Names
    likely: tuple[Likely, ...]
    new_id: str = ""


STREET: Final = ("street", "address_line1", "address1", "address_1", "street1", "address")
COUNTRY: Final = ("country", "country_code", "address_country")
CURRENCY: Final = ("currency", "currency_code")

CUSTOMER: Final = Kind(
    "customer",
    ("customer", "contact", "client", "account", "person", "debtor", "party"),
    ("email",),
    (
        Likely("first_name", ("first_name", "given_name", "firstname", "forename"), "text(trim)"),
        Likely("last_name", ("last_name", "family_name", "lastname", "surname"), "text(trim)"),
        Likely("company", ("company", "company_name", "organisation", "organization"), "text(trim)"),
        Likely("email", ("email", "e_mail", "mail", "email_address"), "email"),
        Likely("phone", ("phone", "telephone", "phone_number", "tel"), "text(trim)"),
        Likely("preferred_currency_code", CURRENCY, "currency"),
        Likely(
            "net_term_days", ("payment_terms_days", "payment_terms", "net_terms"), "integer", ("integer",)
        ),
        Likely("vat_number", ("vat_number", "vat", "tax_number", "vat_no", "tax_id"), "text(trim)"),
        Likely("locale", ("language", "lang", "locale"), "language(left=tag)"),
        Likely("billing_address.line1", STREET, "text(trim)"),
        Likely("billing_address.line2", ("street2", "address_line2", "address2", "address_2"), "text(trim)"),
        Likely("billing_address.zip", ("postal_code", "zip", "postcode", "zip_code"), "text(trim)"),
        Likely("billing_address.city", ("city", "town"), "text(trim)"),
        Likely("billing_address.state", ("region", "state", "province"), "text(trim)"),
        Likely("billing_address.country", COUNTRY, "country"),
    ),
    new_id="erp-{id}",
)
ITEM: Final = Kind(
    "item",
    ("product", "item", "article", "part", "service"),
    ("id",),
    (
        Likely("id", ("code", "sku", "number", "product_code", "article_no", "item_no"), "text(trim)"),
        Likely("name", ("name", "title"), "text(trim)"),
        Likely("description", ("description", "long_text"), "text(trim)"),
        Likely("unit", ("unit", "uom"), "text(trim)"),
        Likely(
            "status", ("active", "is_active", "enabled"), "lookup(active=true, archived=false)", ("boolean",)
        ),
    ),
)
ORDER: Final = Kind(
    "order",
    ("order", "sales_order", "sale", "sales_order_header"),
    ("reference_id",),
    (
        Likely(
            "reference_id", ("reference", "customer_reference", "po_number", "your_reference"), "text(trim)"
        ),
        Likely("order_date", ("order_date", "ordered_on", "placed_on", "date"), "timestamp(date)", ("date",)),
        Likely(
            "shipping_date", ("delivery_date", "shipping_date", "ship_date"), "timestamp(date)", ("date",)
        ),
        Likely("currency_code", CURRENCY, "currency"),
        Likely("tracking_id", ("tracking_number", "tracking_no"), "text(trim)"),
        Likely("shipment_carrier", ("carrier", "shipper"), "text(trim)"),
        Likely("note", ("note", "notes", "comment", "remarks"), "text(trim, max=600)"),
    ),
    new_id="erp-{id}",
)
PRICE: Final = Likely("price", ("price", "list_price", "unit_price", "sales_price"), "money", ("decimal",))
STATUS: Final = {
    "queued": ("draft", "new", "open", "queued"),
    "awaiting_shipment": ("confirmed", "processing", "awaiting_shipment"),
    "on_hold": ("on_hold", "held"),
    "shipped": ("shipped", "sent"),
    "delivered": ("delivered", "done", "completed"),
    "returned": ("returned",),
    "cancelled": ("cancelled", "canceled"),
}
LINE: Final = (
    Likely("description", ("description", "text", "name"), "text(trim, max=250)"),
    Likely("fulfillment_quantity", ("quantity", "qty", "amount"), "decimal"),
    Likely("unit_price", ("unit_price", "price", "net_price"), "money"),
    Likely("tax_rate", ("tax_rate", "vat_rate", "vat_percent", "tax_percent"), "decimal"),
)


@dataclass(frozen=True)
class Lines:
    """The lines of an order: the entity and the field that they are, their fields by name, and which of them holds
    the id of a record of which entity."""

    entity: str
    path: str
    fields: Names
    refers: Mapping[str, str]


def propose(entities: Mapping[str, Entity], lines: Sequence[Lines] = (), currency: str = "") -> str:
    """The text of a dataflow; without a pair whose names are known, one with an example to fill in. `currency`: that
    of the ERP's prices, "" if not known."""
    found = {kind.left: name for kind in (CUSTOMER, ITEM, ORDER) if (name := _entity(kind, entities))}
    out = [
        "# What is kept in step between Chargebee (left) and the ERP (right): a proposal, by the names of fields.",
        "# After a change here:  instep check   (is it right?)   and   instep plan   (what would it do?)",
        "version: 1",
        "policy: newest",
        "",
        "pairs:",
    ]
    for kind in (CUSTOMER, ITEM, ORDER):
        if kind.left in found:
            out += [*_pair(kind, entities[found[kind.left]], found, lines, currency), ""]
    if not found:
        some = next(iter(entities))
        out += [
            "  # No entity has a name that is known: say which one belongs to which, and which fields.",
            f"  customer: {{left: customer, right: {some}, properties: []}}",
        ]
    return "\n".join(out).rstrip() + "\n"


def _entity(kind: Kind, entities: Mapping[str, Entity]) -> str:
    """The entity that a kind most likely is: the name that comes first in its list, and has a field for it."""
    by_name = {name.lower(): name for name in entities}
    for name in kind.names:
        if name in by_name and any(_field(likely, entities[by_name[name]]) for likely in kind.likely):
            return by_name[name]
    return ""


def _pair(
    kind: Kind, entity: Entity, found: Mapping[str, str], lines: Sequence[Lines], currency: str
) -> Iterator[str]:
    used = {entity.abilities.marker, *([entity.retired[0]] if entity.retired and kind.left != "item" else [])}
    known = [(likely, field.path) for likely in kind.likely if (field := _field(likely, entity)) is not None]
    yield f"  {kind.left}:"
    yield f"    left: {kind.left}"
    yield f"    right: {entity.name}"
    matched = [left for left in kind.match if left in {likely.left for likely, _ in known}]
    if matched:
        yield f"    match: [{', '.join(matched)}]"
    yield "    create: both"
    if kind.new_id:
        yield f'    new_id: {{left: "{kind.new_id}"}}'
    yield "    properties:"
    if kind is ORDER:
        for field in entity.fields:
            if field.reference and field.reference == found.get("customer"):
                used.add(field.path)
                yield f"      - map: customer_id <-> {field.path} | reference(customer, {field.reference})"
                yield "        required: true"
                break
    for likely, path in known:
        used.add(path)
        yield f"      - {likely.left} <-> {path} | {likely.transformation}"
    price = _field(PRICE, entity) if kind is ITEM else None
    if price is not None and currency:
        used.add(price.path)
        yield f"      - price.{currency} <-> {price.path} | money({currency})"
    elif price is not None:
        used.add(price.path)
        yield f"      # {price.path}: say in which currency, here and under prices in instep.yaml:"
        yield f"      # - price.EUR <-> {price.path} | money(EUR)"
    if kind is ORDER:
        yield from _status(entity, used)
        for each in lines:
            if each.entity == entity.name:
                used.add(each.path)
                yield from _lines(each, entity, found)
    left_over = [
        field.path for field in entity.fields if field.path not in used and (field.create or field.update)
    ]
    if left_over:
        yield f"      # not in step, since no name tells with what: {', '.join(left_over)}"


def _field(likely: Likely, entity: Entity) -> Field | None:
    """The ERP's field that most likely is a property: by its last part, so that address.city is a city, and whatever
    stands between the words of a name, so that firstName is a first_name."""
    for name in likely.names:
        for field in entity.fields:
            names = (_bare(field.path.rpartition(".")[2]), _bare(field.path))
            if _bare(name) in names and field.type in likely.types:
                return field
    return None


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace(".", "")


def _status(entity: Entity, used: set[str]) -> Iterator[str]:
    """The states of an order, if all that the ERP allows have known names."""
    field = next((f for f in entity.fields if f.path.lower() in ("status", "state") and f.choices), None)
    if field is None or field.choices is None:
        return
    table = {left: [c for c in field.choices if c.lower() in names] for left, names in STATUS.items()}
    rows = [f"{left}={choice}" for left, choices in table.items() for choice in choices]
    if len(rows) != len(field.choices):
        yield f"      # {field.path}: say which of Chargebee's states is which: {', '.join(field.choices)}"
        used.add(field.path)
        return
    used.add(field.path)
    if "shipped" in field.choices:
        rows.append("partially_delivered=shipped")
    yield f"      - status <-> {field.path} | lookup({', '.join(rows)})"


def _lines(lines: Lines, entity: Entity, found: Mapping[str, str]) -> Iterator[str]:
    currency = next((f.path for f in entity.fields if f.path.lower() in CURRENCY), "")
    along = f" with {currency}" if currency else ""
    yield f"      - map: order_line_items with currency_code <-> {lines.path}{along}"
    yield "        as: lines"
    yield "        properties:"
    for path, entity_name in lines.refers.items():
        if entity_name == found.get("item"):
            yield f"          - item_id <-> {path} | reference(item, {entity_name})"
    for likely in LINE:
        path = next((name for name in likely.names if name in lines.fields), "")
        if path and likely.left == "unit_price":
            yield f"          - unit_price with currency_code <-> {path}{along} | money"
        elif path:
            yield f"          - {likely.left} <-> {path} | {likely.transformation}"
