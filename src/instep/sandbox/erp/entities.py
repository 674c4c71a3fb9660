"""The four entities: models, an empty record of each, what they refer to, and what the server computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pydantic import BaseModel

from instep.sandbox.erp import records
from instep.sandbox.erp.fields import decimals_of, plain
from instep.sandbox.erp.iso import DECIMALS

Record = dict[str, Any]

FIRST_ID = 1001
_ADDRESS: Record = dict.fromkeys(records.Address.model_fields)
_NAMED_ADDRESS: Record = {"name": None, **_ADDRESS}
_LINE: Record = {
    "id": None,
    "product_id": None,
    "description": None,
    "quantity": "1",
    "unit_price": "0",
    "tax_rate": "0",
    "tax_amount": "0",
}


def _unchanged(record: Record) -> Record:
    return record


@dataclass(frozen=True)
class Reference:
    """`field` holds an id of `entity`; `lines[].x` looks at every line of an order."""

    field: str
    entity: str


@dataclass(frozen=True)
class Entity:
    """`blank` holds every field, nulls too; `server` are the fields that a client can't set."""

    name: str
    fields: type[BaseModel]
    create: type[BaseModel]
    answer: type[BaseModel]
    blank: Record
    unique: tuple[str, ...] = ("external_ref",)
    filters: tuple[str, ...] = ("external_ref",)
    references: tuple[Reference, ...] = ()
    server: frozenset[str] = frozenset({"id", "version", "created_at", "updated_at"})
    complete: Callable[[Record], Record] = _unchanged


def _blank(fields: type[BaseModel], **rest: Any) -> Record:
    return {name: rest.get(name, field.default) for name, field in fields.model_fields.items()}


def complete_order(order: Record) -> Record:
    """Number the lines, compute each tax and the total; amounts get at least the currency's decimals."""
    places = DECIMALS[order["currency"]]
    unit = Decimal(1).scaleb(-places)
    total = Decimal(0)
    lines = []
    taken = {line.get("id") for line in order["lines"]}
    number = 0
    for given in order["lines"]:
        line = {**_LINE, **given}
        while line["id"] is None:
            number += 1
            line["id"] = str(number) if str(number) not in taken else None
        price = Decimal(line["unit_price"])
        amount = (Decimal(line["quantity"]) * price).quantize(unit, ROUND_HALF_UP)
        tax = (amount * Decimal(line["tax_rate"]) / 100).quantize(unit, ROUND_HALF_UP)
        line["unit_price"] = plain(price, max(places, decimals_of(price.normalize())))
        line["tax_amount"] = plain(tax, places)
        total += amount + tax
        lines.append(line)
    return {**order, "lines": lines, "total": plain(total, places)}


CUSTOMERS = Entity(
    name="customers",
    fields=records.CustomerFields,
    create=records.CustomerCreate,
    answer=records.Customer,
    blank=_blank(records.CustomerFields, address=_ADDRESS),
    filters=("external_ref", "email", "number"),
)
CONTACTS = Entity(
    name="contacts",
    fields=records.ContactFields,
    create=records.ContactCreate,
    answer=records.Contact,
    blank=_blank(records.ContactFields, address=_ADDRESS),
    filters=("external_ref", "email", "customer_id"),
    references=(Reference("customer_id", "customers"),),
)
PRODUCTS = Entity(
    name="products",
    fields=records.ProductFields,
    create=records.ProductCreate,
    answer=records.Product,
    blank=_blank(records.ProductFields, prices={}),
    unique=("external_ref", "code"),
    filters=("external_ref", "code"),
)
ORDERS = Entity(
    name="orders",
    fields=records.OrderFields,
    create=records.OrderCreate,
    answer=records.Order,
    blank={
        "number": None,
        **_blank(
            records.OrderFields, shipping_address=_NAMED_ADDRESS, billing_address=_NAMED_ADDRESS, lines=[]
        ),
        "total": "0",
    },
    filters=("external_ref", "number", "contact_id", "reference", "status"),
    references=(Reference("contact_id", "contacts"), Reference("lines[].product_id", "products")),
    server=frozenset({"id", "version", "created_at", "updated_at", "number", "total", "tax_amount"}),
    complete=complete_order,
)
ENTITIES: dict[str, Entity] = {entity.name: entity for entity in (CUSTOMERS, CONTACTS, PRODUCTS, ORDERS)}


def referred(record: Record, reference: Reference) -> list[tuple[str, str]]:
    """Every (dotted field, id) that a record names through this reference."""
    if reference.field.startswith("lines[]."):
        inner = reference.field.removeprefix("lines[].")
        return [
            (f"lines.{place}.{inner}", line[inner])
            for place, line in enumerate(record.get("lines") or [])
            if line.get(inner) is not None
        ]
    value = record.get(reference.field)
    return [] if value is None else [(reference.field, value)]
