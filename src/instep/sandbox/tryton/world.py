"""The sample ERP's records of a made-up company, put into a Tryton as a person would have them there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from instep.sandbox.tryton.person import Person

Rows = Sequence[Mapping[str, Any]]

AT_ONCE = 50
"""Records of one transaction: SQLite, Tryton's database here, has its limits."""

_UNITS = {"hour": "Hour", "kg": "Kilogram"}
_PROCESSED = ("confirmed", "shipped", "delivered")


def fill(person: Person, erp: Mapping[str, Rows]) -> int:
    """Put customers, contacts, products and orders in; how many records that is. Raises SandboxError."""
    return _Filling(person).fill(erp)


class _Filling:
    """The names of one Tryton by their numbers, and the numbers that the sample ERP's ids have become."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._countries = self._names("country.country", "code")
        self._languages = self._names("ir.lang", "code")
        self._terms = self._names("account.invoice.payment_term", "name")
        self._categories = self._names("party.category", "name")
        self._accounting = self._names("product.category", "name")
        self._units = self._names("product.uom", "name")
        self._currencies = self._names("currency.currency", "code")
        self._taxes = self._names("account.tax", "name")
        self._unit_of: dict[int, int] = {}
        self._relation = self._names("party.relation.type", "name")["is contact of"]

    def fill(self, erp: Mapping[str, Rows]) -> int:
        customers = self._made("party.party", erp["customers"], self._customer)
        contacts = self._made("party.party", erp["contacts"], lambda row: self._contact(row, customers))
        templates = self._made("product.template", erp["products"], self._template)
        variants = self._person.find(
            "product.product", [["template", "in", [*templates.values()]]], ["template", "sale_uom"]
        )
        self._unit_of.update((row["id"], row["sale_uom"]) for row in variants)
        variant = {row["template"]: row["id"] for row in variants}
        products = {id: variant[template] for id, template in templates.items()}
        addresses: dict[int, int] = {}
        for row in self._person.find("party.address", [], ["party"]):
            addresses.setdefault(row["party"], row["id"])
        sales = self._made(
            "sale.sale", erp["orders"], lambda row: self._sale(row, contacts, products, addresses)
        )
        self._lead(erp["orders"], sales)
        return sum(map(len, (customers, contacts, templates, sales)))

    def _names(self, model: str, by: str) -> dict[str, int]:
        return {row[by]: row["id"] for row in self._person.find(model, [], [by])}

    def _made(self, model: str, rows: Rows, values: Any) -> dict[str, int]:
        """New records by the sample ERP's ids."""
        found: dict[str, int] = {}
        for some in _slices(rows):
            ids = self._person.call(model, "create", [values(row) for row in some])
            found.update(zip((str(row["id"]) for row in some), ids, strict=True))
        # An inactive record can't be filled in, so that it is made inactive afterwards.
        inactive = [found[str(row["id"])] for row in rows if row.get("active") is False]
        if inactive:
            self._person.call(model, "write", inactive, {"active": False})
        return found

    def _customer(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **self._party(row, "Customer"),
            "name": row["name"],
            "contact_mechanisms": _mechanisms(row, "email", "phone", "website"),
        }

    def _contact(self, row: Mapping[str, Any], customers: Mapping[str, int]) -> dict[str, Any]:
        customer = customers.get(str(row.get("customer_id")))
        days = row.get("payment_terms_days")
        return {
            **self._party(row, "Contact"),
            "name": " ".join(filter(None, (row.get("given_name"), row["family_name"]))),
            "lang": self._languages.get(str(row.get("language"))),
            "customer_payment_term": None if days is None else self._terms[f"{days} days"],
            "contact_mechanisms": _mechanisms(row, "email", "phone"),
            "relations": [["create", [{"to": customer, "type": self._relation}]]] if customer else [],
        }

    def _party(self, row: Mapping[str, Any], category: str) -> dict[str, Any]:
        address = row.get("address") or {}
        street = "\n".join(filter(None, (address.get("street"), address.get("street2"))))
        return {
            "categories": [["add", [self._categories[category]]]],
            "identifiers": [["create", [{"code": row["tax_number"]}]]] if row.get("tax_number") else [],
            "addresses": [
                [
                    "create",
                    [
                        {
                            "street": street or None,
                            "postal_code": address.get("postal_code"),
                            "city": address.get("city"),
                            "country": self._countries.get(str(address.get("country"))),
                        }
                    ],
                ]
            ],
        }

    def _template(self, row: Mapping[str, Any]) -> dict[str, Any]:
        unit = self._units[_UNITS.get(str(row["unit"]), "Unit")]
        price = row["prices"].get("EUR")
        return {
            "code": row["code"],
            "name": row["name"],
            "type": "goods" if row["kind"] == "goods" else "service",
            "default_uom": unit,
            "sale_uom": unit,
            "salable": True,
            "list_price": None if price is None else Decimal(price),
            "account_category": self._accounting[row["family"]],
            "products": [["create", [{"description": row["description"]}]]],
        }

    def _sale(
        self,
        row: Mapping[str, Any],
        contacts: Mapping[str, int],
        products: Mapping[str, int],
        addresses: Mapping[int, int],
    ) -> dict[str, Any]:
        party = contacts[str(row["contact_id"])]
        shipping = row.get("delivery_date")
        return {
            "party": party,
            "invoice_address": addresses.get(party),
            "shipment_address": addresses.get(party),
            "currency": self._currencies[row["currency"]],
            "sale_date": date.fromisoformat(row["order_date"]),
            "shipping_date": date.fromisoformat(shipping) if shipping else None,
            "reference": row.get("reference"),
            "comment": row.get("note"),
            "lines": [["create", [self._line(line, products) for line in row["lines"]]]],
        }

    def _line(self, line: Mapping[str, Any], products: Mapping[str, int]) -> dict[str, Any]:
        product = products.get(str(line.get("product_id")))
        rate = line.get("tax_rate")
        return {
            "type": "line",
            "product": product,
            "unit": self._unit_of[product] if product else self._units["Unit"],
            "description": line.get("description"),
            "quantity": float(line.get("quantity") or 1),
            "unit_price": Decimal(line["unit_price"]),
            "taxes": [["add", [self._taxes[f"{rate} %"]]]] if rate else [],
        }

    def _lead(self, orders: Rows, sales: Mapping[str, int]) -> None:
        """Each sale to the state that its order has in the sample ERP."""

        def those(*statuses: str) -> list[int]:
            return [sales[str(row["id"])] for row in orders if row["status"] in statuses]

        self._person.call("sale.sale", "quote", those("on_hold", *_PROCESSED))
        self._person.call("sale.sale", "confirm", those(*_PROCESSED))
        self._person.call("sale.sale", "cancel", those("cancelled"))


def _mechanisms(row: Mapping[str, Any], *kinds: str) -> list[Any]:
    made = [{"type": kind, "value": row[kind]} for kind in kinds if row.get(kind)]
    return [["create", made]] if made else []


def _slices(rows: Rows) -> Iterator[Rows]:
    for at in range(0, len(rows), AT_ONCE):
        yield rows[at : at + AT_ONCE]
