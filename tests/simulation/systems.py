"""A system as it is on bad days: it remembers what its replicas still say, and changes what it is given.

`SimSystem` is the reference system with what no API offers: a past, to be read from lagging replicas; server-side
normalisation; ids that come back as another record; and a witness who sees every write as it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from instep.connectors.memory_system import PERSON, MemorySystem, Write
from instep.core.model import Record
from instep.core.values import Json

Normal = Mapping[str, Callable[[Any], Any]]
"""By path: what the server makes of a value that it is given."""


class SimSystem(MemorySystem):
    """`witness` is called with every effective write at the moment it happens. `normal`: what the server makes of
    values. `wiped_ms`: since when the system shows nothing of what it held before; None if it is well. `heard`: by
    entity, since when it had been listed completely when the write that it carries out was sent, at `sent_ms`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.normal: Normal = {}
        self.witness: Callable[[Write], None] = lambda write: None
        self.wiped_ms: int | None = None
        self.heard: Mapping[str, int] = {}
        self.sent_ms = 0
        self.true_ms: Callable[[], int] = self.now_ms  # our clock; the system's own may be skewed
        self.past: dict[tuple[str, str], list[tuple[int, Record]]] = {}
        self._floor: dict[tuple[str, str], int] = {}

    # What people do and no API offers

    def reuse(self, entity: str, id: str, fields: Mapping[str, Json]) -> None:
        """A deleted id comes back as another record, with versions that go on."""
        old = self._records[entity].pop(id)
        self._floor[entity, id] = old.version
        self.put(entity, fields, id)

    def deleted_ids(self, entity: str) -> list[str]:
        return [stored.id for stored in self._records[entity].values() if stored.deleted]

    # What replicas say

    def as_of(self, entity: str, id: str, at_ms: int) -> Record | None:
        """The record as it was at that time of our clock; None if there was none, or it was deleted."""
        found: Record | None = None
        for since_ms, record in self.past.get((entity, id), ()):
            if since_ms > at_ms:
                break
            found = record
        return None if found is None or found.deleted else found

    def hidden(self, entity: str, id: str) -> bool:
        """Whether the record is one that a wiped system does not show."""
        past = self.past.get((entity, id))
        return self.wiped_ms is not None and past is not None and past[0][0] < self.wiped_ms

    def seq_of(self, entity: str, id: str) -> int:
        """The number of the record's last change."""
        return int(self._records[entity][id].seq)

    def changed_at(self, entity: str, id: str) -> int:
        return self.past[entity, id][-1][0]

    # Inside

    def _create(self, entity: str, values: Mapping[str, Json], id: str | None, author: str) -> Any:
        return super()._create(entity, self._stored(values), id, author)

    def _update(self, entity: str, id: str, changes: Mapping[str, Json], author: str) -> Any:
        return super()._update(entity, id, self._stored(changes), author)

    def _stored(self, values: Mapping[str, Json]) -> dict[str, Json]:
        normal = self.normal
        return {path: normal[path](value) if path in normal else value for path, value in values.items()}

    def _changed(self, entity: str, stored: Any, author: str, operation: str, changes: Any) -> None:
        stored.version = max(stored.version, self._floor.pop((entity, stored.id), 0))
        super()._changed(entity, stored, author, operation, changes)
        record = self._record(entity, stored)
        if stored.deleted:
            record = replace(record, deleted=True)
        self.past.setdefault((entity, stored.id), []).append((self.true_ms(), record))
        self.witness(self.writes[-1])


__all__ = ["PERSON", "SimSystem", "Write"]
