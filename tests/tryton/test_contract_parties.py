"""The contract suite over the parties of a real Tryton."""

from __future__ import annotations

from instep.core.values import Json
from instep.testing.connector_suite import ConnectorContract

from .hooks import OverParties


class TestCustomers(OverParties, ConnectorContract):
    entity = "customer"
    category = "Customer"


class TestContacts(OverParties, ConnectorContract):
    """People, each with the customer that they belong to."""

    entity = "contact"
    category = "Contact"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        category = self.person.only("party.category", [["name", "=", "Customer"]])
        customer = self.person.new("party.party", name=f"Nordlys {n} AS", categories=[["add", [category]]])
        return {**await super().valid_fields(n), "customer_id": str(customer)}
