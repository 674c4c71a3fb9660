"""Between a system's layout of a record and fields: where each stands, and how "empty" is said there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from instep.connectors.rest.description import EntityDescription
from instep.connectors.rest.description_records import FieldLine
from instep.connectors.rest.pointers import at, put
from instep.connectors.writing import heads
from instep.core.model import Entity
from instep.core.values import ABSENT, Absent, Json, get_path, set_path

ROOT = "/"
"""Begins a pointer that starts at the whole record or body, not where the fields are."""


def read_fields(
    entity: Entity, described: EntityDescription, row: Json, held: Mapping[str, Json]
) -> dict[str, Json]:
    """The declared fields of a row. `held`: the object in it that holds them."""
    wanted, open_prefixes = set(heads(entity)), described.open_prefixes
    fields = {
        name: value
        for name, value in held.items()
        if name in wanted or (open_prefixes and name.startswith(open_prefixes))
    }
    for line in described.fields:
        if line.read_at:
            value = (
                at(row, line.read_at[1:]) if line.read_at.startswith(ROOT) else at(dict(held), line.read_at)
            )
            set_path(fields, line.path, None if isinstance(value, Absent) else value)
        empty = empty_of(described, line)
        if empty is not None and _same(get_path(fields, line.path), empty):
            set_path(fields, line.path, None)
    return fields


@dataclass(slots=True)
class Layout:
    """What is to be sent, in the system's own layout: where the fields stand, and at the body's root."""

    described: EntityDescription
    fields: dict[str, Json] = field(default_factory=dict)
    root: dict[str, Json] = field(default_factory=dict)

    def put(self, path: str, value: Json) -> None:
        """A field's value, at its place; None as the system says that a field is empty."""
        line = line_of(self.described, path)
        if value is None and line is not None:
            value = empty_of(self.described, line)
        pointer = line.write_at if line is not None else ""
        if pointer.startswith(ROOT):
            put(self.root, pointer[1:], value)
        elif pointer:
            put(self.fields, pointer, value)
        else:
            set_path(self.fields, path, value)

    def head(self, path: str) -> str:
        """The outermost object or list that a field's value stands in, "" if it stands in none, or at the root."""
        line = line_of(self.described, path)
        pointer = (line.write_at if line is not None else "") or path
        name = pointer.partition(".")[0].partition("[")[0]
        return "" if pointer in (name, "") or pointer.startswith(ROOT) else name


def line_of(described: EntityDescription, path: str) -> FieldLine | None:
    """The line of exactly this field."""
    return next((line for line in described.fields if line.path == path), None)


def mapped(described: EntityDescription, head: str) -> bool:
    """Whether a reading's field of this name is not just what the system has there."""
    return any(
        line.read_at or line.write_at or empty_of(described, line) is not None
        for line in described.fields
        if head in (line.path.partition(".")[0], (line.write_at or "").partition(".")[0].partition("[")[0])
    )


def empty_of(described: EntityDescription, line: FieldLine) -> Json:
    """What the system has in an empty field; None if that is null."""
    if line.empty is not None or line.type == "boolean":
        return line.empty
    return described.empty


def _same(value: Json | Absent, empty: Json) -> bool:
    return value is not ABSENT and type(value) is type(empty) and value == empty
