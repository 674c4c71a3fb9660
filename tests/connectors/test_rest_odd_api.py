"""The REST connector over an API of quite another shape, by description alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from instep.connectors.contract import Connector, CreateKey
from instep.connectors.rest import Description, RestConnector
from instep.core.model import Record
from instep.core.values import Json, set_path
from instep.errors import Moved, Refused, Unable
from instep.testing.connector_suite import ConnectorContract

from .odd_api import OddApi, odd_api
from .rest_erp import no_sleep


def secret(reference: str) -> str:
    return {"env:TENANT": "nordlys"}[reference]


class TestParts(ConnectorContract):
    entity = "part"
    clearable = "size.width"
    text_field = "label"
    api: OddApi

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connector]:
        async with odd_api() as (self.api, self.description), super().opened() as connector:
            yield connector

    async def connector(self) -> Connector:
        description = Description.model_validate(self.description)
        return RestConnector(
            description, secret, name="Odd", sleep=no_sleep, now_ms=lambda: self.api.clock_s * 1000
        )

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {"label": f"Bolt {n}", "weight": Decimal("0.125"), "size": {"width": 3, "depth": 40}}

    def an_edit(self) -> dict[str, Json]:
        return {"label": "Skrue", "size.depth": 50}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        attributes = dict(self.api.parts[id]["attributes"])
        for path, value in changes.items():
            set_path(attributes, path, value)
        self.api.put(id, attributes)

    async def remove_as_person(self, id: str) -> None:
        self.api.put(id, None)


async def part(connector: RestConnector, label: str = "Bolt") -> Record:
    key = CreateKey(id="p 1 ø", marker="", idempotency="k")
    return await connector.create("part", {"label": label}, key)


async def test_a_group_is_written_by_its_own_call_and_read_again() -> None:
    async with odd_api() as (api, description):
        connector = RestConnector(Description.model_validate(description), secret, sleep=no_sleep)
        seen = await part(connector)
        after = await connector.update("part", seen.id, {"stock": 12}, seen=seen, idempotency="s")
        assert after.fields["stock"] == 12
        assert api.parts["p 1 ø"]["attributes"]["stock"] == 12
        with pytest.raises(Unable):
            await connector.update("part", seen.id, {"stock": 1, "label": "x"}, seen=after, idempotency="t")
        with pytest.raises(Moved):
            await connector.update("part", seen.id, {"stock": 13}, seen=seen, idempotency="u")
        await connector.close()


async def test_a_refusal_in_another_shape_names_the_field_in_our_terms() -> None:
    async with odd_api() as (_, description):
        connector = RestConnector(Description.model_validate(description), secret, sleep=no_sleep)
        with pytest.raises(Refused) as refused:
            await part(connector, "forbidden")
        assert (refused.value.field, refused.value.code) == ("label", "BAD_LABEL")
        await connector.close()


async def test_headers_are_sent_with_their_secrets() -> None:
    async with odd_api() as (api, description):
        connector = RestConnector(Description.model_validate(description), secret, sleep=no_sleep)
        async for _ in connector.list("part", None):
            pass
        assert set(api.tenants) == {"nordlys"}
        await connector.close()
