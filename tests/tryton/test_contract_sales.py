"""The contract suite over the sales of a real Tryton, and the states that a sale goes through."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property

import pytest

from instep.connectors.contract import Connector
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import Refused
from instep.testing.connector_suite import ConnectorContract

from .hooks import OverTryton


class OverSales(OverTryton):
    entity = "order"
    model = "sale.sale"
    clearable = "note"
    text_field = "note"

    def sweep(self) -> None:
        """Only a draft or a cancelled sale can be removed; the others stay, and are few."""
        found = self.person.find(self.model, [["state", "in", ["draft", "cancelled"]]], ["state"])
        drafts = [row["id"] for row in found if row["state"] == "draft"]
        self.person.call(self.model, "cancel", drafts)
        self.person.delete(self.model, [row["id"] for row in found])

    @cached_property
    def buyer(self) -> int:
        return self.person.new("party.party", name="Buyer", addresses=[["create", [{"city": "Oslo"}]]])

    @cached_property
    def thing(self) -> int:
        unit = self.person.only("product.uom", [["name", "=", "Unit"]])
        kind = self.person.only("product.category", [["name", "=", "Services"]])
        template = self.person.new(
            "product.template",
            name="Sensor",
            type="service",
            default_uom=unit,
            sale_uom=unit,
            salable=True,
            account_category=kind,
            products=[["create", [{}]]],
        )
        return self.person.only("product.product", [["template", "=", template]])

    async def valid_fields(self, n: int) -> dict[str, Json]:
        line: dict[str, Json] = {
            "product_id": str(self.thing),
            "description": "Sensor",
            "quantity": Decimal(2),
            "unit_price": Decimal("19.90"),
            "tax_rate": Decimal(25),
        }
        freight: dict[str, Json] = {
            "product_id": None,
            "description": "Freight",
            "quantity": Decimal(1),
            "unit_price": Decimal("5.00"),
            "tax_rate": None,
        }
        return {
            "party_id": str(self.buyer),
            "reference": f"PO {n}",
            "sale_date": "2026-01-31",
            "currency": "EUR",
            "payment_term": "30 days",
            "note": "by the back door",
            "lines": [line, freight],
        }

    def an_edit(self) -> dict[str, Json]:
        return {"reference": "PO X", "note": "by the front door", "sale_date": "2026-02-01"}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        year, month, day = map(int, str(changes["sale_date"]).split("-"))
        date = {"__class__": "date", "year": year, "month": month, "day": day}
        self.person.write(
            self.model, int(id), reference=changes["reference"], comment=changes["note"], sale_date=date
        )

    async def remove_as_person(self, id: str) -> None:
        self.person.call(self.model, "cancel", [int(id)])
        await super().remove_as_person(id)


class TestSales(OverSales, ConnectorContract):
    pass


class TestStates(OverSales):
    async def made(self, connector: Connector, **fields: Json) -> Record:
        return await connector.create(self.entity, {**await self.valid_fields(1), **fields}, self.new_key())

    async def led(self, connector: Connector, seen: Record, state: str) -> Record:
        return await self.update(connector, seen, {"state": state})

    async def test_a_sale_can_be_made_in_a_later_state(self) -> None:
        async with self.opened() as connector:
            made = await self.made(connector, state="processing")
            assert made.fields["state"] == "processing"
            assert made.fields["number"]
            assert made.fields["total"] == Decimal("54.75")

    async def test_a_sale_goes_through_its_states_and_back(self) -> None:
        async with self.opened() as connector:
            seen = await self.made(connector)
            for state in ("quotation", "draft", "cancelled", "quotation", "processing"):
                seen = await self.led(connector, seen, state)
                assert seen.fields["state"] == state
                assert (await connector.read(self.entity, seen.id)).fields == seen.fields

    async def test_a_sale_that_is_being_processed_is_not_cancelled(self) -> None:
        async with self.opened() as connector:
            seen = await self.made(connector, state="processing")
            with pytest.raises(Refused) as refused:
                await self.led(connector, seen, "cancelled")
            assert refused.value.field == "state"

    async def test_the_lines_of_a_quotation_are_refused_with_what_tryton_says(self) -> None:
        async with self.opened() as connector:
            seen = await self.made(connector, state="quotation")
            with pytest.raises(Refused) as refused:
                await self.update(connector, seen, {"lines": []})
            assert "draft" in refused.value.why

    async def test_a_sale_that_tryton_does_not_let_go_on_is_there_as_a_draft(self) -> None:
        """A sale without lines is no quotation."""
        async with self.opened() as connector:
            unknown = {**(await self.valid_fields(1)), "lines": None, "state": "processing"}
            made = await connector.create(self.entity, unknown, self.new_key())
            assert made.fields["state"] == "draft"
            with pytest.raises(Refused) as refused:
                await self.led(connector, made, "processing")
            assert refused.value.why

    async def test_a_tax_that_tryton_does_not_have_is_refused_for_the_lines(self) -> None:
        async with self.opened() as connector:
            fields = await self.valid_fields(1)
            assert isinstance(fields["lines"], list) and isinstance(fields["lines"][0], dict)
            fields["lines"][0]["tax_rate"] = Decimal("17.3")
            with pytest.raises(Refused) as refused:
                await connector.create(self.entity, fields, self.new_key())
            assert refused.value.field == "lines" and "17.3" in refused.value.why
