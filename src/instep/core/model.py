"""The nouns that every part shares: sides, records, what a system's entities and fields can do.

Connectors make these, the store keeps them, the core decides on them. Nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Generic, Literal, TypeVar

from instep.core.values import Json

T = TypeVar("T")
U = TypeVar("U")


class Side(StrEnum):
    """One of the two connected systems. Left is Chargebee in the shipped dataflow, but nothing relies on it."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


SIDES = (Side.LEFT, Side.RIGHT)


@dataclass(frozen=True, slots=True)
class Both(Generic[T]):
    """A thing per side, indexed by side, so that no function needs a twin."""

    left: T
    right: T

    def __getitem__(self, side: Side) -> T:
        return self.left if side is Side.LEFT else self.right

    def __iter__(self) -> Iterator[T]:
        yield self.left
        yield self.right

    def replace(self, side: Side, value: T) -> Both[T]:
        return Both(value, self.right) if side is Side.LEFT else Both(self.left, value)

    def map(self, function: Callable[[T], U]) -> Both[U]:
        return Both(function(self.left), function(self.right))

    @classmethod
    def of(cls, function: Callable[[Side], T]) -> Both[T]:
        return cls(function(Side.LEFT), function(Side.RIGHT))


@dataclass(frozen=True, slots=True)
class Record:
    """One reading of one record, in its own system's terms.

    `fields`: a key that is missing was not offered by this reading (ABSENT); a key with None is empty. A
    connector whose API leaves empty fields out adds them as None, since it knows what a full reading offers.
    `version`: an integer that never falls as the record changes; None if the system has none. Two readings
    with the same version hold the same fields, if the entity's `versions` is "strict".
    `token`: what a conditional write hands back (an ETag, say).
    `updated_ms`, `created_ms`: UTC milliseconds on the *system's* clock, None if it doesn't tell.
    `deleted`: the system itself says that the record is gone; `fields` may then be empty.
    `complete`: False for a hint, which has an id and perhaps a version but is not to be decided on.
    `author`: who made the last change, if the system tells.
    `request`: of the answer to a write: the system's own ids of the requests, with blanks between, "" for none.
    """

    id: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    version: int | None = None
    token: str | None = None
    updated_ms: int | None = None
    created_ms: int | None = None
    deleted: bool = False
    complete: bool = True
    author: str | None = None
    request: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Logged:
    """One change as a system's own log tells it: the record as it was after the change, with its version, the time
    of the change and, if the log tells, its author.

    `id`: the log's name for it. `paths`: the field paths that it tells of; None: all that `record.fields` offers.
    """

    id: str
    entity: str
    record: Record
    paths: frozenset[str] | None = None


FieldType = Literal[
    "text", "integer", "decimal", "boolean", "timestamp", "datetime", "date", "object", "list", "any"
]
"""timestamp: integer seconds; datetime: ISO 8601 text; date: YYYY-MM-DD text; any: not known."""


@dataclass(frozen=True, slots=True)
class Field:
    """What one field of an entity can hold and who may write it.

    `path`: dotted. `create`: the create call takes it. `update`: some update call takes it. Neither: read only.
    `group`: fields of one group are written by one update call; the engine makes a call per group, and keeps all
    fields of a named group in the reading that it hands to that call, mapped or not.
    A field "id" that the create call takes is the id that the caller chooses; every entity has one to be read.
    `required`: a create without it is refused. `reference`: the entity of the same system whose id it holds.
    `by_hand`: the choices that a reading may show and no call writes: what they bring about is for a person.
    `lasting`: those that calls write and none leads away from, so that what they bring about can't be taken back.
    `reason`: the sentence to show when it would have to be written and can't be.
    """

    path: str
    type: FieldType = "any"
    create: bool = True
    update: bool = True
    group: str = ""
    required: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] | None = None
    by_hand: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()
    reference: str = ""
    reason: str = ""


Versions = Literal["strict", "time", "none"]
"""strict: every change raises the version; time: the version is a time of limited resolution, so that two
changes may share it; none: readings can't be ordered."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a system's API can do with one entity; declared, never tried out in the middle of a run.

    Operations: `create`, `update`, `retire`, `read` (one by id), `list`.
    Making a create happen once: `chosen_id` (the caller sets the id and a taken id is refused), `marker` (the
    path of a field that holds our reference; `find` can search it; `marker_unique` if the system itself refuses
    a second record with the same one), `key_window_ms` (a repeated idempotency
    key returns the first answer for that long; 0 = none).
    `conditional`: an update with `Record.token` is refused with Moved if the record has changed since.
    `log`: the connector is a `ChangeLog` and tells each state that such a record went through by updates.
    `tombstones`: a changed-since listing names deleted records. `complete_list`: a listing from no cursor
    names every live record.
    `list_lag_ms`, `read_lag_ms`: how long after a change a listing, a reading, may still miss it.
    `late_apply_ms`: how long after a timeout the request may still be applied.
    `resolution_ms`: of `updated_ms`. `max_id_length` bounds a chosen id.
    `reasons`: operation -> the sentence that a person needs where that operation is impossible.
    """

    create: bool = True
    update: bool = True
    retire: bool = True
    read: bool = True
    list: bool = True
    chosen_id: bool = False
    max_id_length: int = 64
    marker: str = ""
    marker_unique: bool = False
    key_window_ms: int = 0
    conditional: bool = False
    log: bool = False
    tombstones: bool = False
    complete_list: bool = True
    versions: Versions = "none"
    list_lag_ms: int = 0
    read_lag_ms: int = 0
    late_apply_ms: int = 300_000
    resolution_ms: int = 1
    reasons: Mapping[str, str] = field(default_factory=dict)


_ID = Field("id", "text", create=False, update=False, reason="a record's id is given by its own system")


@dataclass(frozen=True)
class Entity:
    """A kind of record in one system: its name there, its fields, and what can be done with it.

    `open_prefixes`: further top-level fields may exist under these prefixes ("cf_"); "" allows any.
    `retired`: (field path, value) by which a reading shows that the record is out of use, or None.
    """

    name: str
    fields: tuple[Field, ...]
    abilities: Abilities
    open_prefixes: tuple[str, ...] = ()
    retired: tuple[str, Json] | None = None

    @cached_property
    def _by_path(self) -> Mapping[str, Field]:
        return {field.path: field for field in self.fields}

    def field(self, path: str) -> Field | None:
        """The field at exactly this path; else the nearest one above it that is an object, a list or any."""
        found = self._by_path.get(path)
        if found is not None:
            return found
        if path == "id":
            return _ID
        for prefix in self.open_prefixes:
            if path.startswith(prefix):
                return Field(path)
        head = path
        while "." in head:
            head = head.rpartition(".")[0]
            above = self._by_path.get(head)
            if above is not None and above.type in ("object", "list", "any"):
                return above
        return None
