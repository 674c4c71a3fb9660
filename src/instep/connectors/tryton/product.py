"""Products: variants, each with what it shares with the other variants of its template.

A sale refers to a variant, so that is what a product is here. Its name, kind, price and unit are those of the
template, so a template of several variants has them changed for all; the code of a variant is the template's code
with the variant's suffix. All is written through the template, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from instep.connectors.tryton.names import Names
from instep.connectors.tryton.party import MARKER
from instep.connectors.tryton.rpc import Rpc
from instep.connectors.tryton.settings import Settings
from instep.connectors.tryton.shape import COMMON, Part, Row, Values, part
from instep.connectors.tryton.values import encoded_decimal, inner, many, plain, truth
from instep.core.model import Abilities, Entity, Field
from instep.core.values import Json
from instep.errors import Refused

_TYPES: Final = ("goods", "assets", "service")
_SHARED: Final = ("name", "type", "salable", "list_price")

_READS: Final = (
    *COMMON,
    *("code", "suffix_code", "description", "active", "template", "list_price_used", "list_price"),
    *(f"template.{name}" for name in ("name", "code", "type", "salable", "active", "_timestamp")),
    *("template.default_uom.name", "template.account_category.name", "template.products"),
    *(f"identifiers.{name}" for name in ("type", "code", "_timestamp")),
)

_ENTITY: Final = Entity(
    "product",
    (
        Field("id", "text", create=False, update=False),
        Field("code", "text"),
        Field("name", "text", required=True),
        Field("description", "text"),
        Field("type", "text", choices=_TYPES),
        Field(
            "unit",
            "text",
            update=False,
            reason="Tryton's stock is counted in the unit of a product: it can't be changed once there is some",
        ),
        Field("account_category", "text"),
        Field("list_price", "decimal"),
        Field("salable", "boolean"),
        Field("external_ref", "text"),
        Field("active", "boolean"),
    ),
    Abilities(marker="external_ref", conditional=True, versions="time"),
    retired=("active", False),
)


@dataclass(frozen=True)
class Product:
    """Every variant of every template. The tables are those that it writes by name."""

    settings: Settings
    units: Names
    categories: Names
    entity: Entity = _ENTITY
    model: str = "product.product"
    writes: str = "product.template"
    owner: str = "template"
    reads: Sequence[str] = _READS
    inner: Sequence[str] = ("template", "identifiers")

    @classmethod
    def of(cls, rpc: Rpc, settings: Settings) -> Product:
        accounting: list[Json] = [["accounting", "=", True]]
        return cls(
            settings,
            units=Names(rpc, "product.uom", "name"),
            categories=Names(rpc, "product.category", "name", accounting),
        )

    @property
    def domain(self) -> list[Json]:
        return []

    def marked(self, marker: str) -> list[Json]:
        return [["identifiers.code", "=", MARKER + marker]]

    def deleted(self, row: Row) -> tuple[str, int]:
        """The template, unless it has other variants."""
        variants = inner(row, "template").get("products")
        if isinstance(variants, list) and len(variants) > 1:
            return self.model, int(str(row["id"]))
        return self.writes, int(str(row["template"]))

    # --- reading ---

    def parts(self, row: Row) -> list[Part]:
        found = [part(self.model, row), part(self.writes, inner(row, "template"))]
        return found + [part("product.identifier", entry) for entry in many(row, "identifiers")]

    def fields(self, row: Row) -> dict[str, Json]:
        template = inner(row, "template")
        marker = _markers(row)
        return {
            "id": str(row["id"]),
            "code": plain(row.get("code")),
            "name": plain(template.get("name")),
            "description": plain(row.get("description")),
            "type": plain(template.get("type")),
            "unit": plain(inner(template, "default_uom").get("name")),
            "account_category": plain(inner(template, "account_category").get("name")),
            "list_price": plain(row.get("list_price_used")),
            "salable": truth(template.get("salable")),
            "external_ref": str(marker[0].get("code")).removeprefix(MARKER) if marker else None,
            "active": truth(row.get("active")) and truth(template.get("active")),
        }

    # --- writing ---

    async def created(self, values: Mapping[str, Json], marker: str) -> Values:
        """A template with its one variant."""
        given: dict[str, Json] = {"type": "goods", "salable": True, "unit": self.settings.unit}
        given |= {path: value for path, value in values.items() if value is not None}
        if marker:
            given["external_ref"] = marker
        variant: Values = {}
        template: Values = {}
        for path, value in given.items():
            match path:
                case "code":
                    template["code"] = value
                case "unit":
                    unit = await self._id(self.units, value, path, "unit")
                    template["default_uom"] = template["sale_uom"] = unit
                case "external_ref":
                    variant["identifiers"] = [["create", [{"type": None, "code": f"{MARKER}{value}"}]]]
                case "description" | "active":
                    variant[path] = value
                case _:
                    template |= await self._shared(path, value)
        return {**template, "products": [["create", [variant]]]}

    async def updated(self, row: Row, changes: Mapping[str, Json]) -> Values:
        variant: Values = {}
        template: Values = {}
        for path, value in changes.items():
            match path:
                case "code":
                    template |= self._recoded(row, value)
                case "external_ref":
                    variant["identifiers"] = _marked(row, value)
                case "description":
                    variant[path] = value
                case "active":
                    variant[path] = value
                    if value and not truth(inner(row, "template").get("active")):
                        template[path] = value
                case "list_price" if row.get("list_price") is not None:
                    variant |= await self._shared(path, value)  # the variant has a price of its own
                case _:
                    template |= await self._shared(path, value)
        return {**template, "products": [["write", [row["id"]], variant]]}

    async def _shared(self, path: str, value: Json) -> Values:
        if path == "account_category":
            return {path: await self._id(self.categories, value, path, "accounting category of products")}
        if path == "list_price" and isinstance(value, Decimal | int):
            return {path: encoded_decimal(value)}
        return {path: value}

    def _recoded(self, row: Row, value: Json) -> Values:
        """The template's code that makes the variant's code the value."""
        suffix = row.get("suffix_code") or ""
        if not isinstance(suffix, str) or not suffix:
            return {"code": value}
        if isinstance(value, str) and value.endswith(suffix):
            return {"code": value.removesuffix(suffix)}
        why = f"the code of the variant ends with its suffix {suffix!r:.40}, and {value!r:.60} does not"
        raise Refused("code can't be written to Tryton", field="code", code="suffix", why=why)

    async def _id(self, names: Names, value: Json, path: str, what: str) -> int | None:
        if value is None:
            return None
        fix = "make it in Tryton, change the value in the other system, or map it in dataflow.yaml"
        return await names.id(value, path, what=what, fix=fix)


def _markers(row: Row) -> list[dict[str, Json]]:
    found = many(row, "identifiers")
    return [e for e in found if e.get("type") is None and str(e.get("code", "")).startswith(MARKER)]


def _marked(row: Row, value: Json) -> list[Json]:
    there = _markers(row)
    if value is None:
        return [["delete", [entry["id"] for entry in there]]] if there else []
    code: Values = {"type": None, "code": f"{MARKER}{value}"}
    return [["write", [there[0]["id"]], code]] if there else [["create", [code]]]
