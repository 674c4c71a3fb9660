"""The contract suite over the REST connector: each entity of the sample ERP, each paging, each way to write."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from instep.connectors.contract import Connector
from instep.core.values import Json, set_path
from instep.testing.connector_hooks import ConnectorHooks
from instep.testing.connector_reading import ReadingContract
from instep.testing.connector_suite import ConnectorContract
from instep.testing.connector_writing import WritingContract

from .rest_erp import Erp, connect, described, erp, paged

ADDRESS: dict[str, Json] = {"street": "Storgata 1", "postal_code": "9008", "city": "Tromsø", "country": "NO"}


class OverErp(ConnectorHooks):
    """Hooks for any entity: a fresh ERP per test, edited through its console. A subclass gives the rest."""

    clearable = "address.city"
    text_field = "notes"
    tells_requests = True
    description: Mapping[str, Any] = paged("cursor")
    settings: Mapping[str, Any] = {}
    erp: Erp

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connector]:
        async with erp(**self.settings) as self.erp, super().opened() as connector:
            yield connector

    async def connector(self) -> Connector:
        return connect(self.erp.url, self.description)

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        fields: dict[str, Json] = {}
        for path, value in changes.items():
            set_path(fields, path, value)
        await self.erp.edit(self.entity, id, fields)

    async def remove_as_person(self, id: str) -> None:
        await self.erp.remove(self.entity, id)


class Contacts(OverErp):
    entity = "contact"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {
            "given_name": "Åse",
            "family_name": f"Bråthen {n}",
            "email": f"ase{n}@example.test",
            "language": "nb",
            "payment_terms_days": 30,
            "address": ADDRESS,
            "active": True,
        }

    def an_edit(self) -> dict[str, Json]:
        return {"given_name": "Aase", "address.postal_code": "0150", "payment_terms_days": 45}


class TestContacts(Contacts, ConnectorContract):
    pass


class TestCustomers(OverErp, ConnectorContract):
    entity = "customer"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {"name": f"Nordlys {n} AS", "currency": "NOK", "address": ADDRESS, "active": True}

    def an_edit(self) -> dict[str, Json]:
        return {"name": "Nordlys ASA", "address.country": "SE"}


class TestProducts(OverErp, ConnectorContract):
    entity = "product"
    clearable = "description"
    text_field = "description"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {
            "code": f"S-{n}",
            "name": "Sensor",
            "description": "Measures",
            "kind": "goods",
            "stocked": True,
            "active": True,
            "prices": {"EUR": "19.90", "JPY": "500"},
        }

    def an_edit(self) -> dict[str, Json]:
        return {"name": "Sonde", "unit": "pcs", "prices": {"EUR": "21.00", "JPY": "500"}}


class TestOrders(OverErp, ConnectorContract):
    entity = "order"
    clearable = "carrier"
    text_field = "note"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        contact = await self.erp.make("contact", {"family_name": f"Buyer {n}"})
        product = await self.erp.make("product", {"code": secrets.token_hex(8), "name": "Sensor"})
        line = {"product_id": product, "quantity": "2", "unit_price": "19.90", "tax_rate": "25"}
        return {
            "contact_id": contact,
            "order_date": "2026-01-31",
            "status": "confirmed",
            "carrier": "Posten",
            "currency": "EUR",
            "shipping_address": {"name": "Åse", **ADDRESS},
            "lines": [line, {"description": "Freight", "quantity": "1", "unit_price": "5.00"}],
        }

    def an_edit(self) -> dict[str, Json]:
        return {"tracking_number": "N-1", "status": "shipped", "shipping_address.name": "Aase"}


class TestPagesFromTheLastMoment(Contacts, ReadingContract):
    description = paged("page")


class TestPagesByTotal(Contacts, ReadingContract):
    description = paged("page counted")


class TestPagesWithoutAnyNote(Contacts, ReadingContract):
    description = paged("page bare")


class TestPagesInNoKnownOrder(Contacts, ReadingContract):
    """Sorted by id: pages are counted, and rows may slip from one to another."""

    description = paged(
        "page",
        params={"include_deleted": True},
        changed_since={"param": "updated_since", "format": "iso"},
    )


class TestOffsets(Contacts, ReadingContract):
    description = paged("offset")


class TestOffsetsWithoutAnyNote(Contacts, ReadingContract):
    description = paged("offset bare")


class TestOffsetsInNoKnownOrderWithoutChangedSince(Contacts, ReadingContract):
    description = paged("offset", params={"include_deleted": True}, changed_since=None)


class TestLinks(Contacts, ReadingContract):
    description = paged("link")


class TestChangesAfterTheMomentAlone(Contacts, ReadingContract):
    description = paged("cursor", changed_since={"param": "updated_since", "inclusive": False})


class TestNoVersionsAtAll(Contacts, WritingContract):
    description = described(version={"kind": "none"}, updated_at=None, created_at=None)


class TestVersionsByTime(Contacts, WritingContract):
    description = described(version={"kind": "updated_at", "if_match": "etag"})
    settings: ClassVar = {"require_if_match": False}


class TestFullBodies(Contacts, WritingContract):
    """Read, merge and write everything, though the server would take less."""

    description = described(update={"method": "PATCH", "body": "full"})


class TestWholeInnerObjects(Contacts, WritingContract):
    description = described(update={"nested": "replace"})


class TestAnswersThatHoldNothing(Contacts, WritingContract):
    description = described(create={"answers": "nothing"}, update={"answers": "nothing"})


class TestRowsAreHints(Contacts, ReadingContract):
    description = described(list={"rows": "hint"})


class TestRetiredByDeleting(Contacts, WritingContract):
    description = described(retire={"by": "delete"}, retired=None)


class TestRequiredConditions(Contacts, WritingContract):
    settings: ClassVar = {"require_if_match": True}


class TestDeletesThatLeaveNoTrace(Contacts, ReadingContract):
    description = described(deleted=None)
    settings: ClassVar = {"hard_delete": True}


class TestReadOnlyDescription(Contacts, ReadingContract):
    description = described(
        create=None, update=None, retire=None, reasons={"create": "a person does it", "update": "likewise"}
    )

    async def put_as_person(self, connector: Connector, fields: Mapping[str, Json]) -> str:
        return await self.erp.make(self.entity, fields)
