"""One person, product or moment in the shape that each system takes.

Chargebee's attribute names are those of its API (customers, items, item_prices): whole seconds, minor units,
absent instead of null. The ERP's are those of the sample ERP: ISO moments, decimals in a text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from instep.sandbox.world.goods import EXPONENTS, FAMILIES, Good, decimal_text, price_minor
from instep.sandbox.world.people import Person

Record = dict[str, Any]

_ITEM_TYPES = {"goods": "charge", "service": "charge", "subscription": "plan"}


def iso(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def present(record: Record) -> Record:
    """Without what is None: Chargebee leaves out what is empty."""
    return {name: value for name, value in record.items() if value is not None}


def billing_address(person: Person) -> Record:
    address = {
        "first_name": person.given,
        "last_name": person.family,
        "company": person.company,
        "line1": person.street,
        "city": person.place.city,
        "state_code": person.place.state_code if person.land.code in ("US", "IN") else None,
        "state": person.place.state,
        "zip": person.place.postal_code,
        "country": person.land.code,
    }
    return present(address)


def customer(person: Person, key: str, created_s: int, updated_s: int) -> Record:
    """A Chargebee customer, without its business entity."""
    return present(
        {
            "id": key,
            "first_name": person.given,
            "last_name": person.family,
            "email": person.email,
            "phone": person.abroad,
            "company": person.company,
            "vat_number": person.tax_number,
            "auto_collection": "off",
            "net_term_days": 30 if person.company else 0,
            "preferred_currency_code": person.currency,
            "locale": person.land.locale,
            "billing_address": billing_address(person),
            "created_at": created_s,
            "updated_at": updated_s,
        }
    )


def contact(person: Person, created_s: int, updated_s: int) -> Record:
    """An ERP contact, without id, reference and customer."""
    return {
        "given_name": person.given,
        "family_name": person.family,
        "email": person.email,
        "phone": person.abroad,
        "language": person.land.language,
        "currency": person.currency,
        "payment_terms_days": 30 if person.company else 0,
        "tax_number": person.tax_number,
        "address": erp_address(person),
        "active": True,
        "created_at": iso(created_s),
        "updated_at": iso(updated_s),
    }


def erp_address(person: Person) -> Record:
    return {
        "street": person.street,
        "postal_code": person.place.postal_code,
        "city": person.place.city,
        "region": person.place.state,
        "country": person.land.code,
    }


def item(good: Good, updated_s: int) -> Record:
    """A Chargebee item. It has neither a price nor a moment of creation."""
    return present(
        {
            "id": good.code,
            "name": good.name,
            "external_name": good.name,
            "description": good.description,
            "type": "addon" if good.code.startswith("ADD-") else _ITEM_TYPES[good.kind],
            "item_family_id": good.family,
            "unit": good.unit,
            "is_shippable": good.kind == "goods",
            "status": "active",
            "updated_at": updated_s,
        }
    )


def item_price(good: Good, currency: str, at_s: int) -> Record:
    """A Chargebee item price in minor units; plans and add-ons are billed by the month."""
    kind = item(good, at_s)["type"]
    monthly = kind in ("plan", "addon")
    return present(
        {
            "id": f"{good.code}-{currency}{'-Monthly' if monthly else ''}",
            "name": f"{good.name} {currency}",
            "item_id": good.code,
            "item_family_id": good.family,
            "item_type": kind,
            "pricing_model": "per_unit",
            "currency_code": currency,
            "price": price_minor(good, currency),
            "period": 1 if monthly else None,
            "period_unit": "month" if monthly else None,
            "is_taxable": True,
            "accounting_detail": {"sku": good.code},
            "status": "active",
            "created_at": at_s,
            "updated_at": at_s,
        }
    )


def item_families(at_s: int) -> list[Record]:
    return [
        {"id": key, "name": name, "status": "active", "updated_at": at_s} for key, name in FAMILIES.items()
    ]


def product(good: Good, created_s: int, updated_s: int) -> Record:
    """An ERP product, without id and reference."""
    return {
        "code": good.code,
        "name": good.name,
        "description": good.description,
        "unit": good.unit,
        "kind": good.kind,
        "family": FAMILIES[good.family],
        "stocked": good.kind == "goods",
        "active": True,
        "prices": {currency: decimal_text(price_minor(good, currency), currency) for currency in EXPONENTS},
        "created_at": iso(created_s),
        "updated_at": iso(updated_s),
    }
