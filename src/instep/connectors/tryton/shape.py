"""What the connector needs to know of each entity: which records of Tryton it is made of, and how they are read
and written. `party`, `product` and `sale` have one each; a further entity of Tryton is one more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from instep.connectors.tryton import values
from instep.core.model import Entity, Record
from instep.core.values import Json, digest
from instep.errors import BadAnswer

Row = Mapping[str, Json]
Values = dict[str, Json]


class Shape(Protocol):
    """One entity. `model`: of the record that has the id. `writes`: the model through which all of it is written,
    and `owner` the name under which a record of `model` has the id of that ("id" if the two are one); a write of
    an inner record through it moves the `_timestamp` of both. `reads`: the names to read, with `_timestamp` of
    the record and of each inner one. `domain`: which records of the model belong to the entity. `inner`: names
    of the inner records whose own changes are changes of the entity. `deleted`: the model and the id of what is
    deleted for good when the record is.
    """

    @property
    def entity(self) -> Entity: ...
    @property
    def model(self) -> str: ...
    @property
    def writes(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def reads(self) -> Sequence[str]: ...
    @property
    def domain(self) -> list[Json]: ...
    @property
    def inner(self) -> Sequence[str]: ...
    def fields(self, row: Row) -> dict[str, Json]: ...
    def parts(self, row: Row) -> Sequence[Part]: ...
    async def created(self, values: Mapping[str, Json], marker: str) -> Values: ...
    async def updated(self, row: Row, changes: Mapping[str, Json]) -> Values: ...
    def marked(self, marker: str) -> list[Json]: ...
    def deleted(self, row: Row) -> tuple[str, int]: ...


@dataclass(frozen=True, slots=True)
class Part:
    """One record of Tryton that an entity's record is made of. `timestamp`: by which Tryton refuses to write it
    after a change; "" for one that has none, and `state` then tells its changes."""

    model: str
    id: int
    timestamp: str
    state: str = ""


def part(model: str, row: Row) -> Part:
    """Raises BadAnswer for a row without an id or a moment."""
    id, timestamp = row.get("id"), row.get("_timestamp")
    if not isinstance(id, int) or not isinstance(timestamp, str):
        raise BadAnswer(f"a record of {model} can't be read", why="it has no id or no _timestamp")
    return Part(model, id, timestamp)


def record_of(shape: Shape, row: Row) -> Record:
    """The record as the engine is to see it. Raises BadAnswer.

    The version is the moment of the record itself, which never falls; inner records that are changed by
    themselves leave it, and show in the token and in `updated_ms`.
    """
    parts = shape.parts(row)
    own = [part for part in parts if part.model in (shape.model, shape.writes)]
    version = max(values.moment_us(part.timestamp) for part in own)
    moments = [values.moment_us(part.timestamp) for part in parts if part.timestamp]
    created_us = values.stamp_us(row.get("create_date"))
    author = values.inner(row, "write_uid") or values.inner(row, "create_uid")
    name = author.get("name")
    return Record(
        str(parts[0].id),
        shape.fields(row),
        version=version,
        token=token_of(shape, row),
        updated_ms=max(moments) // 1000,
        created_ms=None if created_us is None else created_us // 1000,
        author=name if isinstance(name, str) and version == max(moments) else None,
    )


def owner_of(shape: Shape, row: Row) -> int:
    """The id of the record through which this one is written. Raises BadAnswer."""
    id = row.get(shape.owner)
    if not isinstance(id, int):
        raise BadAnswer(f"a record of {shape.model} can't be read", why=f"it has no {shape.owner}")
    return id


def token_of(shape: Shape, row: Row) -> str:
    """A text that changes with the record, and when an inner record is changed, added or taken away."""
    return digest(sorted([part.model, part.id, part.timestamp, part.state] for part in shape.parts(row)))


def timestamps(shape: Shape, row: Row) -> dict[str, Json]:
    """What makes Tryton refuse a write if any of the records has been changed since."""
    return {f"{part.model},{part.id}": part.timestamp for part in shape.parts(row) if part.timestamp}


COMMON = ("_timestamp", "create_date", "create_uid.name", "write_uid.name")
"""Read of the record itself, for every entity."""
