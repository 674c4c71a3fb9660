"""Orders: sales with their lines, and the states that a sale goes through.

    draft -> quotation -> confirmed -> processing -> done        draft, quotation -> cancelled -> draft

A state is not written: it is reached by the steps that a person would take, one after the other. From the
quotation on Tryton lets the lines and most of the rest alone, and refuses other values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from instep.connectors.tryton.names import Names
from instep.connectors.tryton.rpc import Rpc
from instep.connectors.tryton.shape import COMMON, Part, Row, Values, part
from instep.connectors.tryton.values import encoded_date, encoded_decimal, inner, many, plain, truth
from instep.core.model import Abilities, Entity, Field
from instep.core.values import Json, whole_number
from instep.errors import BadAnswer, Refused

STEPS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("draft", "quotation"): ("quote",),
    ("draft", "processing"): ("quote", "confirm", "process"),
    ("draft", "cancelled"): ("cancel",),
    ("quotation", "draft"): ("draft",),
    ("quotation", "processing"): ("confirm", "process"),
    ("quotation", "cancelled"): ("cancel",),
    ("confirmed", "draft"): ("draft",),
    ("confirmed", "quotation"): ("draft", "quote"),
    ("confirmed", "processing"): ("process",),
    ("confirmed", "cancelled"): ("draft", "cancel"),
    ("cancelled", "draft"): ("draft",),
    ("cancelled", "quotation"): ("draft", "quote"),
    ("cancelled", "processing"): ("draft", "quote", "confirm", "process"),
}
"""From one state to another by Tryton's buttons. What is not here is for a person: a sale that is being processed
has invoices and shipments. "confirmed" is only passed through, since Tryton goes on by itself."""

_WRITTEN: Final = ("draft", "quotation", "processing", "cancelled")
_BY_HAND: Final = ("confirmed", "done")

_READS: Final = (
    *COMMON,
    *("number", "reference", "description", "state", "sale_date", "shipping_date", "party", "comment"),
    *("total_amount", "currency.code", "payment_term.name"),
    *(f"lines.{name}" for name in ("type", "product", "description", "quantity", "unit_price", "_timestamp")),
    *("lines.taxes.type", "lines.taxes.rate"),
)

_ENTITY: Final = Entity(
    "order",
    (
        Field("id", "text", create=False, update=False),
        Field("number", "text", create=False, update=False, reason="Tryton numbers its sales itself"),
        Field("party_id", "text", required=True, reference="contact"),
        Field("reference", "text"),
        Field("sale_date", "date"),
        Field("shipping_date", "date"),
        Field("currency", "text"),
        Field("payment_term", "text"),
        Field("note", "text"),
        Field("lines", "list"),
        Field(
            "state",
            "text",
            choices=_WRITTEN + _BY_HAND,
            by_hand=_BY_HAND,
            lasting=("processing",),
            group="state",
        ),
        Field("total", "decimal", create=False, update=False, reason="Tryton adds it up from the lines"),
        Field("external_ref", "text"),
    ),
    Abilities(
        marker="external_ref",
        conditional=True,
        versions="time",
        retire=False,
        reasons={"retire": "a sale is taken out of use by its state, which a person decides in Tryton"},
    ),
)
_NAMES: Final = {"reference": "reference", "note": "comment", "external_ref": "description"}


@dataclass(frozen=True)
class Sale:
    """Every sale of the user's company. The tables are those that it writes by name."""

    rpc: Rpc
    currencies: Names
    terms: Names
    taxes: Names
    entity: Entity = _ENTITY
    model: str = "sale.sale"
    writes: str = "sale.sale"
    owner: str = "id"
    reads: Sequence[str] = _READS
    inner: Sequence[str] = ("lines",)

    @classmethod
    def of(cls, rpc: Rpc) -> Sale:
        sold: list[Json] = [
            ["type", "=", "percentage"],
            ["parent", "=", None],
            ["OR", ["group", "=", None], ["group.kind", "in", ["sale", "both"]]],
        ]
        return cls(
            rpc,
            currencies=Names(rpc, "currency.currency", "code"),
            terms=Names(rpc, "account.invoice.payment_term", "name"),
            taxes=Names(rpc, "account.tax", "rate", sold),
        )

    @property
    def domain(self) -> list[Json]:
        return []

    def marked(self, marker: str) -> list[Json]:
        return [["description", "=", marker]]

    def deleted(self, row: Row) -> tuple[str, int]:
        return self.model, int(str(row["id"]))

    # --- reading ---

    def parts(self, row: Row) -> list[Part]:
        return [part(self.model, row), *(part("sale.line", line) for line in many(row, "lines"))]

    def fields(self, row: Row) -> dict[str, Json]:
        return {
            "id": str(row["id"]),
            "number": plain(row.get("number")),
            "party_id": str(row.get("party")),
            **{path: plain(row.get(name)) for path, name in _NAMES.items()},
            "sale_date": plain(row.get("sale_date")),
            "shipping_date": plain(row.get("shipping_date")),
            "currency": plain(inner(row, "currency").get("code")),
            "payment_term": plain(inner(row, "payment_term").get("name")),
            "lines": [_line(line) for line in many(row, "lines") if line.get("type") == "line"],
            "state": plain(row.get("state")),
            "total": plain(row.get("total_amount")),
        }

    # --- writing ---

    async def created(self, values: Mapping[str, Json], marker: str) -> Values:
        """A draft; the way to another state is gone afterwards."""
        given = {path: value for path, value in values.items() if value is not None and path != "state"}
        if marker:
            given["external_ref"] = marker
        return await self.updated({}, given)

    async def updated(self, row: Row, changes: Mapping[str, Json]) -> Values:
        made: Values = {}
        for path, value in changes.items():
            match path:
                case "party_id":
                    made |= await self._party(value)
                case "sale_date" | "shipping_date":
                    made[path] = _date(path, value)
                case "currency":
                    made["currency"] = await self._id(self.currencies, value, path, "currency")
                case "payment_term":
                    made[path] = await self._id(self.terms, value, path, "payment term")
                case "lines":
                    made["lines"] = await self._lines(row, value)
                case _:
                    made[_NAMES[path]] = value
        return made

    async def _party(self, value: Json) -> Values:
        """The party, with the addresses that Tryton's own form would choose."""
        number = whole_number(value) if isinstance(value, str) else None
        if number is None:
            why = f"{value!r:.60} is not the number of a party"
            raise Refused("party_id can't be written", field="party_id", code="invalid", why=why)
        rows = await _rows(
            self.rpc, "party.address", [["party", "=", number], ["active", "=", True]],
            ["invoice", "delivery"],
        )  # fmt: skip
        made: Values = {"party": number}
        for name, flag in (("invoice_address", "invoice"), ("shipment_address", "delivery")):
            flagged = [row for row in rows if truth(row.get(flag))] or rows
            made[name] = flagged[0]["id"] if flagged else None
        return made

    async def _lines(self, row: Row, value: Json) -> list[Json]:
        lines = [line for line in value if isinstance(line, dict)] if isinstance(value, list) else []
        products = {int(id) for line in lines if isinstance(id := line.get("product_id"), str)}
        units = {
            found["id"]: found.get("sale_uom") or found.get("default_uom")
            for found in await _rows(
                self.rpc, "product.product", [["id", "in", list(products)]], ["sale_uom", "default_uom"]
            )
        }
        there = [line["id"] for line in many(row, "lines") if line.get("type") == "line"]
        made: list[Json] = [await self._new_line(line, units) for line in lines]
        removed: list[Json] = [["delete", there]] if there else []
        return [*removed, ["create", made]] if made else removed

    async def _new_line(self, line: Mapping[str, Json], units: Mapping[Json, Json]) -> Json:
        made: Values = {"type": "line", "description": line.get("description")}
        if isinstance(product := line.get("product_id"), str):
            made |= {"product": int(product), "unit": units.get(int(product))}
        quantity, price, rate = (_number(line, name) for name in ("quantity", "unit_price", "tax_rate"))
        made["quantity"] = 1 if quantity is None else quantity
        made["unit_price"] = encoded_decimal(Decimal(0) if price is None else price)
        if rate:
            what = f"tax of sales of {rate} %, which would be"
            fix = "make it in Tryton (Financial > Configuration > Taxes), or correct the tax in the other system"
            tax = await self.taxes.id(rate / 100, "lines", what=what, fix=fix)
            made["taxes"] = [["add", [tax]]]
        return made

    async def _id(self, names: Names, value: Json, path: str, what: str) -> int | None:
        if value is None:
            return None
        fix = "make it in Tryton, change the value in the other system, or map it in dataflow.yaml"
        return await names.id(value, path, what=what, fix=fix)


def _line(line: Row) -> Json:
    taxes = [tax for tax in many(line, "taxes") if tax.get("type") == "percentage"]
    rates = [rate for tax in taxes if isinstance(rate := plain(tax.get("rate")), Decimal)]
    product = line.get("product")
    return {
        "product_id": None if product is None else str(product),
        "description": plain(line.get("description")),
        "quantity": line.get("quantity"),
        "unit_price": plain(line.get("unit_price")),
        "tax_rate": sum(rates, Decimal(0)) * 100 if rates else None,
    }


def _number(line: Mapping[str, Json], name: str) -> Decimal | None:
    value = line.get(name)
    if value is None:
        return None
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Decimal(value)
    why = f"{name} = {value!r:.60} is not a number"
    raise Refused("lines can't be written to Tryton", field="lines", code="invalid", why=why)


def _date(path: str, value: Json) -> Json:
    if value is None:
        return None
    try:
        return encoded_date(str(value))
    except ValueError:
        why = f"{value!r:.60} is not a date"
        raise Refused(f"{path} can't be written to Tryton", field=path, code="invalid", why=why) from None


async def _rows(rpc: Rpc, model: str, domain: list[Json], names: Sequence[str]) -> list[dict[str, Json]]:
    rows = await rpc.call(f"model.{model}.search_read", domain, 0, None, None, list(names))
    if not isinstance(rows, list):
        raise BadAnswer(f"{model} can't be read from Tryton", why="there is no list")
    return [row for row in rows if isinstance(row, dict)]
