"""Customers and contacts: parties, told apart by their category.

A contact's customer is the party that a relation of the configured type leads to. Of e-mail addresses, telephone
numbers and addresses there may be several; the first active one in Tryton's order is the field's (of addresses,
the first that is marked for invoices, if there is one), which is the one that Tryton itself uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from instep.connectors.tryton.names import Names
from instep.connectors.tryton.rpc import Rpc
from instep.connectors.tryton.settings import Settings
from instep.connectors.tryton.shape import COMMON, Part, Row, Values, part
from instep.connectors.tryton.values import inner, many, plain, truth
from instep.core.model import Abilities, Entity, Field
from instep.core.values import Json, whole_number
from instep.errors import Refused

MARKER: Final = "instep:"
"""What the code of the party identifier begins with that holds our reference."""

_MECHANISMS: Final = ("email", "phone", "mobile", "website")
_ADDRESS: Final = ("street", "postal_code", "city")

_READS: Final = (
    *COMMON,
    *("name", "code", "active", "lang.code", "customer_payment_term.name"),
    *(f"addresses.{name}" for name in (*_ADDRESS, "active", "invoice", "_timestamp")),
    *("addresses.country.code", "addresses.subdivision.code"),
    *(f"contact_mechanisms.{name}" for name in ("type", "value", "active", "_timestamp")),
    *(f"identifiers.{name}" for name in ("type", "code", "active", "_timestamp")),
)
_RELATIONS: Final = tuple(f"relations.{name}" for name in ("type.name", "to"))

_ABILITIES: Final = Abilities(
    marker="external_ref",
    conditional=True,
    versions="time",
    resolution_ms=1,
)


def _fields(kind: Literal["customer", "contact"]) -> tuple[Field, ...]:
    belongs = (Field("customer_id", "text", reference="customer"),) if kind == "contact" else ()
    texts = (
        *("code", "name", "language", "payment_term", *_MECHANISMS, "tax_number"),
        *(f"address.{name}" for name in (*_ADDRESS, "region", "country")),
        "external_ref",
    )
    return (
        Field("id", "text", create=False, update=False),
        *(Field(path, "text") for path in texts),
        *belongs,
        Field("active", "boolean"),
    )


@dataclass(frozen=True)
class Party:
    """Parties of one category. The tables are those that it writes by name."""

    settings: Settings
    kind: Literal["customer", "contact"]
    categories: Names
    relations: Names
    countries: Names
    subdivisions: Names
    languages: Names
    terms: Names
    entity: Entity
    model: str = "party.party"
    writes: str = "party.party"
    owner: str = "id"

    @classmethod
    def of(cls, rpc: Rpc, settings: Settings, kind: Literal["customer", "contact"]) -> Party:
        return cls(
            settings,
            kind,
            categories=Names(rpc, "party.category", "name"),
            relations=Names(rpc, "party.relation.type", "name"),
            countries=Names(rpc, "country.country", "code"),
            subdivisions=Names(rpc, "country.subdivision", "code"),
            languages=Names(rpc, "ir.lang", "code"),
            terms=Names(rpc, "account.invoice.payment_term", "name"),
            entity=Entity(kind, _fields(kind), _ABILITIES, retired=("active", False)),
        )

    @property
    def reads(self) -> Sequence[str]:
        return _READS if self.kind == "customer" else (*_READS, *_RELATIONS)

    @property
    def inner(self) -> Sequence[str]:
        """Not the relations: what Tryton says of when one has changed is the time of asking."""
        return ("addresses", "contact_mechanisms", "identifiers")

    @property
    def category(self) -> str:
        return self.settings.customer_category if self.kind == "customer" else self.settings.contact_category

    @property
    def domain(self) -> list[Json]:
        return [["categories.name", "=", self.category]]

    def marked(self, marker: str) -> list[Json]:
        return [["identifiers.code", "=", MARKER + marker]]

    def deleted(self, row: Row) -> tuple[str, int]:
        return self.model, int(str(row["id"]))

    # --- reading ---

    def parts(self, row: Row) -> list[Part]:
        found = [part(self.model, row)]
        found += [part("party.address", entry) for entry in many(row, "addresses")]
        found += [part("party.contact_mechanism", entry) for entry in many(row, "contact_mechanisms")]
        found += [part("party.identifier", entry) for entry in many(row, "identifiers")]
        # Relations, a view that shows each from either end, have no moment; the party alone guards them.
        for entry in self._relations(row):
            found.append(Part("party.relation.all", int(str(entry["id"])), "", state=str(entry["to"])))
        return found

    def fields(self, row: Row) -> dict[str, Json]:
        address = self._address(row)
        mechanisms = {kind: self._mechanisms(row, kind) for kind in _MECHANISMS}
        tax, marker = self._identifiers(row)
        relations = self._relations(row)
        fields: dict[str, Json] = {
            "id": str(row["id"]),
            "code": plain(row.get("code")),
            "name": plain(row.get("name")),
            "active": truth(row.get("active")),
            "language": plain(inner(row, "lang").get("code")),
            "payment_term": plain(inner(row, "customer_payment_term").get("name")),
            "address": {
                **{name: plain(address.get(name)) for name in _ADDRESS},
                "country": plain(inner(address, "country").get("code")),
                "region": plain(inner(address, "subdivision").get("code")),
            },
            **{kind: plain(found[0].get("value")) if found else None for kind, found in mechanisms.items()},
            "tax_number": plain(tax[0].get("code")) if tax else None,
            "external_ref": str(marker[0].get("code")).removeprefix(MARKER) if marker else None,
        }
        if self.kind == "contact":
            fields["customer_id"] = str(relations[0]["to"]) if relations else None
        return fields

    def _address(self, row: Row) -> Row:
        active = [entry for entry in many(row, "addresses") if truth(entry.get("active"))]
        invoiced = [entry for entry in active if truth(entry.get("invoice"))]
        return next(iter(invoiced or active), {})

    def _mechanisms(self, row: Row, kind: str) -> list[dict[str, Json]]:
        found = many(row, "contact_mechanisms")
        return [entry for entry in found if truth(entry.get("active")) and entry.get("type") == kind]

    def _identifiers(self, row: Row) -> tuple[list[dict[str, Json]], list[dict[str, Json]]]:
        """Those that are tax numbers, and those that hold our reference."""
        found = [entry for entry in many(row, "identifiers") if truth(entry.get("active"))]
        ours = [e for e in found if e.get("type") is None and str(e.get("code", "")).startswith(MARKER)]
        wanted = self.settings.tax_number_type or None
        return [e for e in found if e.get("type") == wanted and e not in ours], ours

    def _relations(self, row: Row) -> list[dict[str, Json]]:
        found = many(row, "relations")
        return [e for e in found if inner(e, "type").get("name") == self.settings.relation]

    # --- writing ---

    async def created(self, values: Mapping[str, Json], marker: str) -> Values:
        category = await self.categories.id(
            self.category,
            "",
            what="party category",
            fix="make it in Tryton (Parties > Configuration > Categories), or name another one in instep.yaml",
        )
        whole = {**values, "external_ref": marker} if marker else values
        made = await self._written({"id": 0}, {p: v for p, v in whole.items() if v is not None})
        made.setdefault("addresses", [])
        return {**made, "categories": [["add", [category]]]}

    async def updated(self, row: Row, changes: Mapping[str, Json]) -> Values:
        return await self._written(row, changes)

    async def _written(self, row: Row, changes: Mapping[str, Json]) -> Values:
        made: Values = {}
        address: dict[str, Json] = {}
        mechanisms: list[Json] = []
        identifiers: list[Json] = []
        tax, marker = self._identifiers(row)
        for path, value in changes.items():
            head, _, rest = path.partition(".")
            match head:
                case "code" | "name" | "active":
                    made[head] = value
                case "language":
                    made["lang"] = await self._id(self.languages, value, path, "language")
                case "payment_term":
                    made["customer_payment_term"] = await self._id(self.terms, value, path, "payment term")
                case "address":
                    inside = {rest: value} if rest else value if isinstance(value, dict) else {}
                    address |= inside
                case "tax_number":
                    kind = self.settings.tax_number_type or None
                    identifiers += _one(path, tax, {"type": kind, "code": value}, value)
                case "external_ref":
                    code = None if value is None else f"{MARKER}{value}"
                    identifiers += _one(path, marker, {"type": None, "code": code}, code)
                case "customer_id":
                    made["relations"] = await self._related(row, value)
                case _:
                    found = self._mechanisms(row, head)
                    mechanisms += _one(path, found, {"type": head, "value": value}, value)
        if address:
            made["addresses"] = await self._addressed(row, address)
        if mechanisms:
            made["contact_mechanisms"] = mechanisms
        if identifiers:
            made["identifiers"] = identifiers
        return made

    async def _addressed(self, row: Row, changes: Mapping[str, Json]) -> list[Json]:
        there = self._address(row)
        values: Values = {name: changes[name] for name in _ADDRESS if name in changes}
        if "country" in changes:
            values["country"] = await self._id(
                self.countries, changes["country"], "address.country", "country"
            )
        if "region" in changes:
            values["subdivision"] = await self._id(
                self.subdivisions, changes["region"], "address.region", "subdivision of a country"
            )
        if there:
            return [["write", [there["id"]], values]]
        return [["create", [values]]] if any(value is not None for value in values.values()) else []

    async def _related(self, row: Row, value: Json) -> list[Json]:
        there = self._relations(row)
        if value is None:
            return [["delete", [entry["id"] for entry in there]]] if there else []
        number = whole_number(value) if isinstance(value, str) else None
        if number is None:
            why = f"{value!r:.60} is not the number of a party"
            raise Refused("customer_id can't be written", field="customer_id", code="invalid", why=why)
        if there:
            return [["write", [there[0]["id"]], {"to": number}]]
        kind = await self.relations.id(
            self.settings.relation,
            "customer_id",
            what="type of relation",
            fix="make it in Tryton (Parties > Configuration > Relation types), or name another in instep.yaml",
        )
        return [["create", [{"to": number, "type": kind}]]]

    async def _id(self, names: Names, value: Json, path: str, what: str) -> int | None:
        if value is None:
            return None
        fix = "make it in Tryton, or change the value in the other system, or map it: instep holds list"
        return await names.id(value, path, what=what, fix=fix)


def _one(path: str, there: Sequence[Row], values: Values, value: Json) -> list[Json]:
    """Commands that make the first of some inner records hold the value, or take the only one away.

    Raises Refused if several are there and none is to be left: the next would show in its place.
    """
    if value is not None:
        return [["write", [there[0]["id"]], values]] if there else [["create", [values]]]
    if len(there) > 1:
        why = f"the party has {len(there)}, and the next one would take its place"
        fix = "remove those that are not wanted in Tryton"
        raise Refused(f"{path} can't be emptied in Tryton", field=path, code="several", why=why, fix=fix)
    return [["delete", [there[0]["id"]]]] if there else []
