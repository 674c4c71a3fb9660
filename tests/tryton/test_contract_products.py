"""The contract suite over the products of a real Tryton: variants, with what is their template's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from instep.core.values import Json
from instep.testing.connector_suite import ConnectorContract

from .hooks import OverTryton


class TestProducts(OverTryton, ConnectorContract):
    entity = "product"
    model = "product.product"
    clearable = "description"
    text_field = "description"

    def sweep(self) -> None:
        """Those that are sold already stay; an earlier test has put them into the codes of no other."""
        found = self.person.find(
            "product.template",
            [["products.identifiers.code", "like", "instep:%"], ["code", "like", "C-%"]],
            [],
        )
        self.person.delete("product.template", [row["id"] for row in found])

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {
            "code": f"C-{self.nonce}-{n}",
            "name": "Sensor",
            "description": "Measures",
            "type": "service",
            "account_category": "Services",
            "list_price": Decimal("19.90"),
            "salable": True,
            "active": True,
        }

    def an_edit(self) -> dict[str, Json]:
        return {"name": "Sonde", "description": "Measures well", "list_price": Decimal("21.05")}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        """In the form of the template, which shows its variants."""
        (row,) = self.person.find(self.model, [["id", "=", int(id)]], ["template"])
        self.person.write(
            "product.template",
            row["template"],
            name=changes["name"],
            list_price=changes["list_price"],
            products=[["write", [int(id)], {"description": changes["description"]}]],
        )
