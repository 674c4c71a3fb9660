"""Hooks of the contract suite over a real Tryton: what a person does there, entity by entity."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from instep.connectors.contract import Connector
from instep.connectors.tryton import Settings, TrytonConnector
from instep.core.values import Json
from instep.sandbox.tryton import Person, Tryton
from instep.sandbox.tryton.server import DATABASE
from instep.testing.connector_hooks import ConnectorHooks

ADDRESS: dict[str, Json] = {
    "street": "Storgata 1\nOppgang B",
    "postal_code": "9008",
    "city": "Tromsø",
    "country": "NO",
}


def settings_of(tryton: Tryton, **changes: Any) -> Settings:
    """For the database of this server: small pages, no long look back."""
    usual = Settings(tryton.url, DATABASE, "sync", page_size=3, overlap_s=5, write_calls=1)
    return replace(usual, **changes)


def connect(tryton: Tryton, **changes: Any) -> TrytonConnector:
    return TrytonConnector(settings_of(tryton, **changes), tryton.installation.password("sync"))


class OverTryton(ConnectorHooks):
    """For any entity: what an earlier test has left of it is removed first, so that listings stay short."""

    paging_records = 4
    unique_marker = False
    model = ""
    tryton: Tryton
    person: Person

    @pytest.fixture(autouse=True)
    def _at_work(self, tryton: Tryton, person: Person) -> None:
        self.tryton, self.person = tryton, person

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connector]:
        self.sweep()
        async with super().opened() as connector:
            yield connector

    def sweep(self) -> None:
        """Remove every record of the entity."""
        raise NotImplementedError

    async def connector(self) -> Connector:
        return connect(self.tryton)

    async def remove_as_person(self, id: str) -> None:
        self.person.delete(self.model, [int(id)])


class OverParties(OverTryton):
    """Parties of one category."""

    model = "party.party"
    clearable = "phone"
    text_field = "name"
    category = ""

    def sweep(self) -> None:
        found = self.person.find(self.model, [["categories.name", "=", self.category]], ["id"])
        self.person.delete(self.model, [row["id"] for row in found])

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {
            "name": f"Åse Bråthen {n}",
            "email": f"ase{n}@example.test",
            "phone": "+47 22 33 44 55",
            "website": "https://example.test",
            "language": "nb",
            "payment_term": "30 days",
            "tax_number": "NO123456785MVA",
            "address": ADDRESS,
            "active": True,
        }

    def an_edit(self) -> dict[str, Json]:
        return {"name": "Aase", "address.postal_code": "0150", "email": "aase@example.test"}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        """As the form of a party saves it: the party with its address and its e-mail."""
        fields = ["addresses", "contact_mechanisms.type"]
        (row,) = self.person.find(self.model, [["id", "=", int(id)]], fields)
        (mail,) = [m["id"] for m in row["contact_mechanisms."] if m["type"] == "email"]
        self.person.write(
            self.model,
            int(id),
            name=changes["name"],
            addresses=[["write", row["addresses"][:1], {"postal_code": changes["address.postal_code"]}]],
            contact_mechanisms=[["write", [mail], {"value": changes["email"]}]],
        )
