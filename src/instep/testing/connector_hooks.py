"""What a connector's author supplies so that the contract suite can run: few hooks, most with a default.

A hook that plays a person works on the system from the other side (its own user interface, its console,
another client), never through the connector that is being proven.
"""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

import pytest

from instep.connectors.contract import Connector, CreateKey, Page
from instep.core.model import Entity, Record
from instep.core.values import Json, get_path
from instep.errors import Unable


@dataclass(slots=True)
class Listed:
    """A whole listing: the last reading of each record by id, the pages, and where the next one begins."""

    records: dict[str, Record] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    @property
    def cursor(self) -> str:
        return self.pages[-1].cursor

    def add(self, page: Page) -> None:
        self.pages.append(page)
        self.records.update((record.id, record) for record in page.records)


class ConnectorHooks(ABC):
    """The hooks. `entity` and the first five methods are needed, the rest where the system differs.

    `clearable`: a path that `valid_fields` fills and that may be emptied; "" if there is none.
    `text_field`: a writable path that takes any text of 20 characters; "" if there is none.
    `paging_records`: how many records make at least two pages of a listing.
    `unique_marker`: whether the system itself refuses a second record with the same marker.
    `tells_requests`: whether the system gives each request an id of its own.
    """

    entity: str = ""
    clearable: str = ""
    text_field: str = ""
    paging_records: int = 5
    unique_marker: bool = True
    tells_requests: bool = False

    @abstractmethod
    async def connector(self) -> Connector:
        """A connector to a system that may already hold records; each test asks once and closes it."""

    @abstractmethod
    async def valid_fields(self, n: int) -> dict[str, Json]:
        """The nested fields of the n-th record: all that is required, unique values differing with n. On a
        system that outlives a test, `self.nonce` keeps them apart."""

    @abstractmethod
    def an_edit(self) -> dict[str, Json]:
        """Dotted changes of one group that differ from every `valid_fields`; {} if nothing can be updated."""

    @abstractmethod
    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        """Write dotted paths on the system's own side."""

    @abstractmethod
    async def remove_as_person(self, id: str) -> None:
        """Delete a record on the system's own side."""

    async def put_as_person(self, connector: Connector, fields: Mapping[str, Json]) -> str:
        """Make a record and return its id; needed only where the connector can't create."""
        return (await connector.create(self.entity, fields, self.new_key())).id

    async def settle(self) -> None:
        """Let the declared lags pass (by the system's own clock; no test sleeps)."""
        await asyncio.sleep(0)

    # --- what the suite builds from them ---

    @cached_property
    def nonce(self) -> str:
        """Eight hex digits, other ones in every test."""
        return secrets.token_hex(4)

    @cached_property
    def _keys(self) -> list[int]:
        return []

    def new_key(self) -> CreateKey:
        self._keys.append(0)
        text = f"s-{self.nonce}-{len(self._keys)}"
        return CreateKey(id=text, marker=text, idempotency=f"key-{text}")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connector]:
        connector = await self.connector()
        try:
            yield connector
        finally:
            await connector.close()

    def declared(self, connector: Connector) -> Entity:
        return connector.entities()[self.entity]

    async def put(self, connector: Connector, n: int) -> str:
        return await self.put_as_person(connector, await self.valid_fields(n))

    async def put_many(self, connector: Connector) -> list[str]:
        ids = [await self.put(connector, n) for n in range(1, self.paging_records + 1)]
        await self.settle()
        return ids

    async def listed(self, connector: Connector, cursor: str | None = None) -> Listed:
        listed = Listed()
        async for page in connector.list(self.entity, cursor):
            listed.add(page)
        return listed

    def writable(self, connector: Connector, record: Record) -> dict[str, object]:
        """What a person or we could have written: the rest (totals, times, versions) is the system's own."""
        marker = self.declared(connector).abilities.marker
        paths = [
            f.path for f in self.declared(connector).fields if (f.create or f.update) and f.path != marker
        ]
        return {path: get_path(record.fields, path) for path in paths}

    def lists_all(self, connector: Connector) -> bool:
        can = self.declared(connector).abilities
        return can.list and can.complete_list

    def updates(self, connector: Connector) -> bool:
        can = self.declared(connector).abilities
        return can.update and can.read and bool(self.an_edit())

    def holds(self, record: Record, changes: dict[str, Json]) -> bool:
        return not record.complete or all(same(get_path(record.fields, p), v) for p, v in changes.items())

    async def look(self, connector: Connector, id: str) -> Record:
        if self.declared(connector).abilities.read:
            return await connector.read(self.entity, id)
        await self.settle()
        return (await self.listed(connector)).records[id]

    async def update(self, connector: Connector, seen: Record, changes: dict[str, Json]) -> Record:
        key = self.new_key().idempotency
        return await connector.update(self.entity, seen.id, changes, seen=seen, idempotency=key)

    async def unable(self, call: object) -> None:
        assert hasattr(call, "__await__")
        with pytest.raises(Unable) as unable:
            await call
        assert unable.value.why


def has_float(value: object) -> bool:
    """Whether a float hides anywhere in a raw value."""
    if isinstance(value, Mapping):
        return any(has_float(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(has_float(inner) for inner in value)
    return isinstance(value, float)


def same(found: object, sent: object) -> bool:
    """Whether a reading holds what was sent: numbers by value, objects on the keys that were sent, an empty
    text as empty."""
    if isinstance(sent, Mapping):
        return isinstance(found, Mapping) and all(same(found.get(key), value) for key, value in sent.items())
    if isinstance(sent, list):
        return isinstance(found, list) and len(found) == len(sent) and all(map(same, found, sent))
    if isinstance(sent, Decimal | int) and isinstance(found, Decimal | int):
        return sent == found
    return found == sent or (sent in (None, "") and found in (None, ""))
