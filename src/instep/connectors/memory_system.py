"""A whole system in memory: records, the rules that their fields declare, and a clock.

It is the far side of the wire and knows nothing of Instep. People edit it through `put`, `edit` and `remove`;
`MemoryConnector` calls the part under "as an API". There are no faults here and no waiting: a test that wants
them wraps the connector.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from instep.connectors.writing import fault, filled, leaves, missing
from instep.core.model import Entity, Logged, Record
from instep.core.values import Absent, Json, digest, get_path, is_empty, set_path
from instep.errors import Gone, Moved, Refused, Taken

PERSON = "person"


@dataclass(frozen=True, slots=True)
class Write:
    """One write that had an effect: who, what, and the value before and after by path.

    `operation` is "create", "update" or "delete"; retiring by a field is an update. Writing what is already
    there has no effect and leaves no Write.
    """

    at_ms: int
    author: str
    operation: str
    entity: str
    id: str
    changes: Mapping[str, tuple[Json, Json]]


@dataclass(slots=True)
class _Stored:
    """A record as the system holds it; `seq` is the number of its last change within the whole system."""

    id: str
    fields: dict[str, Json]
    created_ms: int
    updated_ms: int
    version: int = 0
    seq: int = 0
    deleted: bool = False


@dataclass(slots=True)
class _Answer:
    """What a request with an idempotency key was answered, and what it had asked for."""

    at_ms: int
    asked: str
    record: Record


class MemorySystem:
    """Records of some entities with the rules that their fields declare, on a clock of its own.

    `now_ms`: the system's clock in UTC milliseconds. `unique`: per entity, the paths that no two live records
    may share; by default the entity's marker. Ids are "1", "2"... per entity unless
    chosen, never given twice.
    `writes` is the log of every effective write, by people and by connectors: the truth to check against.
    `log` is what the system itself tells of updates, for entities with that ability, oldest first.
    """

    def __init__(
        self,
        entities: Iterable[Entity],
        *,
        now_ms: Callable[[], int],
        unique: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.entities = {entity.name: entity for entity in entities}
        self.now_ms = now_ms
        markers = {name: (e.abilities.marker,) for name, e in self.entities.items() if e.abilities.marker}
        self.unique: Mapping[str, Collection[str]] = markers if unique is None else unique
        self.writes: list[Write] = []
        self.log: list[tuple[int, Logged]] = []
        self._records: dict[str, dict[str, _Stored]] = {name: {} for name in self.entities}
        self._last_id = dict.fromkeys(self.entities, 0)
        self._seq = 0
        self._answers: dict[str, _Answer] = {}

    # --- as a person ---

    def put(self, entity: str, fields: Mapping[str, Json], id: str | None = None) -> str:
        """Make a record as a person would and return its id. Raises Refused or Taken as the form would."""
        return self._create(entity, leaves(self.entities[entity], fields), id, PERSON).id

    def edit(self, entity: str, id: str, changes: Mapping[str, Json]) -> None:
        """Write dotted paths as a person would. Raises Gone, Refused or Taken."""
        self._update(entity, id, changes, PERSON)

    def remove(self, entity: str, id: str) -> None:
        """Delete a record as a person would; what refers to it is left alone. Raises Gone."""
        self._delete(entity, id, PERSON)

    def fields(self, entity: str, id: str) -> dict[str, Json]:
        """What a live record holds now, looked at from outside: no request is counted. Raises Gone."""
        return dict(self._live(entity, id).fields)

    def ids(self, entity: str) -> list[str]:
        """The ids of the live records, oldest change first."""
        return [stored.id for stored in self._records[entity].values() if not stored.deleted]

    # --- as an API ---

    def record(self, entity: str, id: str) -> Record:
        return self._record(entity, self._live(entity, id))

    def changed_after(self, entity: str, seq: int, limit: int) -> list[tuple[int, Record]]:
        """Up to `limit` records whose last change has a number above `seq`, with that number, in order."""
        tombstones = self.entities[entity].abilities.tombstones
        newest_first = reversed(self._records[entity].values())
        changed: list[_Stored] = []
        for stored in newest_first:
            if stored.seq <= seq:
                break
            if tombstones or not stored.deleted:
                changed.append(stored)
        return [(stored.seq, self._record(entity, stored)) for stored in islice(reversed(changed), limit)]

    def logged(self, entities: Collection[str], since_ms: int, until_ms: int) -> list[Logged]:
        """The updates of these entities' records between two times of the system's clock, oldest first."""
        return [one for at_ms, one in self.log if one.entity in entities and since_ms <= at_ms <= until_ms]

    def holding(self, entity: str, path: str, value: Json) -> list[Record]:
        live = (stored for stored in self._records[entity].values() if not stored.deleted)
        return [self._record(entity, stored) for stored in live if get_path(stored.fields, path) == value]

    def create(
        self, entity: str, values: Mapping[str, Json], id: str | None, *, author: str, idempotency: str
    ) -> Record:
        asked = digest(["create", entity, id, dict(values)])
        return self._once(
            entity, idempotency, asked, lambda: self._create(entity, values, id or None, author)
        )

    def update(
        self,
        entity: str,
        id: str,
        changes: Mapping[str, Json],
        *,
        token: str | None,
        author: str,
        idempotency: str,
    ) -> Record:
        def write() -> _Stored:
            self._unmoved(entity, id, token)
            return self._update(entity, id, changes, author)

        return self._once(entity, idempotency, digest(["update", entity, id, dict(changes)]), write)

    def delete(self, entity: str, id: str, *, token: str | None, author: str, idempotency: str) -> Record:
        def write() -> _Stored:
            self._unmoved(entity, id, token)
            return self._delete(entity, id, author)

        return self._once(entity, idempotency, digest(["delete", entity, id]), write)

    # --- inside ---

    def _create(self, entity: str, values: Mapping[str, Json], id: str | None, author: str) -> _Stored:
        declared = self.entities[entity]
        records = self._records[entity]
        if id is not None and len(id) > declared.abilities.max_id_length:
            raise _refused(
                entity,
                "id",
                "too_long",
                f"{len(id)} characters, the limit is {declared.abilities.max_id_length}",
            )
        if id is not None and id in records:
            raise Taken(f"{entity} {id} was not created", existing_id=id, field="id", why="the id is in use")
        lacking = missing(declared, values)
        if lacking:
            raise _refused(entity, lacking, "required", "it is required and was left empty")
        self._permit(declared, values, id)
        if id is None:
            id = self._new_id(entity)
        fields: dict[str, Json] = {}
        for path, value in values.items():
            set_path(fields, path, value)
        now = self._now(declared)
        stored = _Stored(id, filled(fields, declared), created_ms=now, updated_ms=now)
        self._changed(
            entity, stored, author, "create", {path: (None, value) for path, value in values.items()}
        )
        return stored

    def _update(self, entity: str, id: str, changes: Mapping[str, Json], author: str) -> _Stored:
        stored = self._live(entity, id)
        declared = self.entities[entity]
        before = {path: get_path(stored.fields, path) for path in changes}
        old: dict[str, Json] = {p: None if isinstance(v, Absent) else v for p, v in before.items()}
        effective = {path: value for path, value in changes.items() if digest(old[path]) != digest(value)}
        self._permit(declared, effective, id)
        for path, value in effective.items():
            known = declared.field(path)
            if known is not None and known.path == path and known.required and is_empty(value):
                raise _refused(entity, path, "required", "it is required and can't be emptied")
        if effective:
            fields = dict(stored.fields)
            for path, value in effective.items():
                set_path(fields, path, value)
            stored.fields = fields
            self._changed(entity, stored, author, "update", {p: (old[p], v) for p, v in effective.items()})
        return stored

    def _delete(self, entity: str, id: str, author: str) -> _Stored:
        stored = self._live(entity, id)
        stored.deleted = True
        held = leaves(self.entities[entity], stored.fields)
        lost: dict[str, tuple[Json, Json]] = {p: (v, None) for p, v in held.items() if v is not None}
        stored.fields = {}
        self._changed(entity, stored, author, "delete", lost)
        return stored

    def _changed(
        self,
        entity: str,
        stored: _Stored,
        author: str,
        operation: str,
        changes: Mapping[str, tuple[Json, Json]],
    ) -> None:
        """Give the record its new version and its place at the end of the order of changes."""
        self._seq += 1
        stored.seq = self._seq
        stored.version += 1
        stored.updated_ms = max(stored.updated_ms, self._now(self.entities[entity]))
        records = self._records[entity]
        records.pop(stored.id, None)
        records[stored.id] = stored
        self.writes.append(Write(self.now_ms(), author, operation, entity, stored.id, changes))
        if operation == "update" and self.entities[entity].abilities.log:
            record = replace(self._record(entity, stored), author=author)
            self.log.append((self.now_ms(), Logged(f"change-{self._seq}", entity, record)))

    def _permit(self, entity: Entity, values: Mapping[str, Json], id: str | None) -> None:
        """Raise Refused or Taken for a value that the field's declaration or another record rules out."""
        for path, value in values.items():
            known = entity.field(path)
            if value is None or known is None or known.path != path:
                continue
            why = fault(known, value)
            if not why and known.reference and not self._exists(known.reference, value):
                why = f"there is no {known.reference} {value}"
            if why:
                raise _refused(entity.name, path, "invalid", why)
        for path in self.unique.get(entity.name, ()):
            value = values.get(path)
            others = [] if is_empty(value) else self.holding(entity.name, path, value)
            for other in others:
                if other.id != id:
                    why = f"{entity.name} {other.id} has this value"
                    raise Taken(f"{entity.name}: {path} is in use", existing_id=other.id, field=path, why=why)

    def _once(self, entity: str, key: str, asked: str, write: Callable[[], _Stored]) -> Record:
        """Answer a repeated idempotency key as the first time, within the entity's window."""
        window_ms = self.entities[entity].abilities.key_window_ms
        answer = self._answers.get(key)
        if window_ms and key and answer is not None and self.now_ms() - answer.at_ms < window_ms:
            if answer.asked != asked:
                raise _refused(entity, "", "key_reused", "the idempotency key was used for another request")
            return answer.record
        stored = write()
        record = replace(self._record(entity, stored), request=f"change-{stored.seq}")
        if window_ms and key:
            self._answers[key] = _Answer(self.now_ms(), asked, record)
        return record

    def _record(self, entity: str, stored: _Stored) -> Record:
        abilities = self.entities[entity].abilities
        versions = {"strict": stored.version, "time": stored.updated_ms, "none": None}
        return Record(
            stored.id,
            dict(stored.fields),
            version=versions[abilities.versions],
            token=str(stored.seq) if abilities.conditional else None,
            updated_ms=None if abilities.versions == "none" else stored.updated_ms,
            created_ms=stored.created_ms,
            deleted=stored.deleted,
        )

    def _live(self, entity: str, id: str) -> _Stored:
        stored = self._records[entity].get(id)
        if stored is None or stored.deleted:
            raise Gone(f"there is no {entity} {id}")
        return stored

    def _unmoved(self, entity: str, id: str, token: str | None) -> None:
        stored = self._live(entity, id)
        if self.entities[entity].abilities.conditional and token is not None and token != str(stored.seq):
            raise Moved(
                f"{entity} {id} has changed", why=f"it is at {stored.seq}, the decision was made at {token}"
            )

    def _exists(self, entity: str, id: Json) -> bool:
        stored = self._records.get(entity, {}).get(str(id))
        return stored is not None and not stored.deleted

    def _new_id(self, entity: str) -> str:
        while True:
            self._last_id[entity] += 1
            id = str(self._last_id[entity])
            if id not in self._records[entity]:
                return id

    def _now(self, entity: Entity) -> int:
        resolution_ms = max(1, entity.abilities.resolution_ms)
        return self.now_ms() // resolution_ms * resolution_ms


def _refused(entity: str, path: str, code: str, why: str) -> Refused:
    return Refused(f"{entity}: {path or 'the request'} was refused", field=path, code=code, why=why)
