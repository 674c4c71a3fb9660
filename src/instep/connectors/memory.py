"""The reference connector, over a system in memory. Copy it to begin a new one.

`MemoryConnector` is what a connector has to be: it says what the system can do, translates calls into
requests, sends a write once, and names each outcome by its class. `instep.testing.connector_suite` proves it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.memory_system import MemorySystem, Write
from instep.connectors.writing import require, require_creatable, require_updatable
from instep.core.model import Entity, Logged, Record
from instep.core.values import Json, whole_number
from instep.errors import Unable

__all__ = ["Counters", "MemoryConnector", "MemorySystem", "Write"]


@dataclass(slots=True)
class Counters:
    """Requests that a connector has sent: single readings (and finds), pages of listings, writes."""

    reads: int = 0
    lists: int = 0
    writes: int = 0


@dataclass(slots=True)
class MemoryConnector:
    """Speaks to a MemorySystem as any connector speaks to a system: one call, one request, one outcome.

    `page_size`: records per page of a listing. The clock figures may be set by a test; the system's clock is
    taken to be ours.
    """

    name: str
    system: MemorySystem
    page_size: int = 100
    clock_skew_ms: int = 0
    clock_error_ms: int = 0
    requests: int = 0
    counters: Counters = field(default_factory=Counters)

    def entities(self) -> Mapping[str, Entity]:
        return self.system.entities

    async def check(self) -> Health:
        return Health(problems=(), clock_skew_ms=self.clock_skew_ms, requests_per_minute=None)

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        """Keyset paging over the order of changes: a record that changes meanwhile moves ahead of the reader,
        so it is listed again and none is ever skipped. The cursor is the number of the last change listed."""
        require(self.name, self.system.entities[entity], "list")
        seq = whole_number(cursor or "") or 0
        last = False
        while not last:
            self._count("lists")
            rows = self.system.changed_after(entity, seq, self.page_size + 1)
            last = len(rows) <= self.page_size
            rows = rows[: self.page_size]
            seq = rows[-1][0] if rows else seq
            yield Page([record for _, record in rows], str(seq), last)

    async def read(self, entity: str, id: str) -> Record:
        require(self.name, self.system.entities[entity], "read")
        self._count("reads")
        return self.system.record(entity, id)

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        if not path or path != self.system.entities[entity].abilities.marker:
            raise Unable(
                f"{entity}: {self.name} can't be searched by {path}", why="it is not the marker field"
            )
        self._count("reads")
        return self.system.holding(entity, path, value)

    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        declared = self.system.entities[entity]
        values = require_creatable(self.name, declared, fields)
        abilities = declared.abilities
        if abilities.marker and key.marker:
            values[abilities.marker] = key.marker
        id = key.id if abilities.chosen_id else None
        self._count("writes")
        return self.system.create(entity, values, id, author=self.name, idempotency=key.idempotency)

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        require_updatable(self.name, self.system.entities[entity], changes)
        self._count("writes")
        return self.system.update(
            entity, id, changes, token=seen.token, author=self.name, idempotency=idempotency
        )

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        """By the field that `Entity.retired` names; an entity without one has its record deleted."""
        declared = self.system.entities[entity]
        require(self.name, declared, "retire")
        self._count("writes")
        if declared.retired is None:
            gone = self.system.delete(entity, id, token=seen.token, author=self.name, idempotency=idempotency)
            return replace(gone, deleted=True)
        path, value = declared.retired
        return self.system.update(
            entity, id, {path: value}, token=seen.token, author=self.name, idempotency=idempotency
        )

    async def discard(self, entity: str, id: str) -> None:
        self._count("writes")
        self.system.delete(entity, id, token=None, author=self.name, idempotency=f"discard-{entity}-{id}")

    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        """The system's log, page by page."""
        rows = self.system.logged(entities, since_ms, until_ms)
        for first in range(0, max(len(rows), 1), self.page_size):
            self._count("lists")
            yield rows[first : first + self.page_size]

    async def close(self) -> None:
        """Nothing is held open."""

    def _count(self, kind: str) -> None:
        self.requests += 1
        setattr(self.counters, kind, getattr(self.counters, kind) + 1)
