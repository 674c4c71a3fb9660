"""The rows of a child table as one list: what differs is written, row by row, and no more.

A line keeps its row by its id. One without an id, or with one that the record does not have, becomes a new row,
and a row whose id is in no line is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from instep.connectors.sql.keys import id_of
from instep.connectors.sql.rows import Key, Row, columns_of
from instep.connectors.sql.tables import ChildTable, Expression, Place
from instep.connectors.writing import fault
from instep.core.model import Field
from instep.core.values import ABSENT, Absent, Json, get_path
from instep.errors import Refused


def put_lines(connection: sa.Connection, child: ChildTable, key: Key, lines: Json) -> None:
    """Make the record's lines be these. Raises Refused for what can't be lines, naming the field."""
    wanted = _objects(child, lines)
    columns = [columns_of_line(child, at, line) for at, line in enumerate(wanted)]
    if len(wanted) > child.described.max_rows:
        raise _refused(child, f"{len(wanted)} lines, the limit is {child.described.max_rows}")
    held: dict[str, Row] = {}
    statement = sa.select(child.table).where(*_of(child, key))
    for row in connection.execute(statement).mappings():
        held[id_of(tuple(row[str(column.key)] for column in child.key))] = row
    keep = {str(line.get("id")) for line in wanted if line.get("id") is not None} & held.keys()
    for id, row in held.items():
        if id not in keep:
            connection.execute(sa.delete(child.table).where(*_row(child, key, row)))
    used = set[str]()
    for number, (line, values) in enumerate(zip(wanted, columns, strict=True), 1):
        place = {child.described.position: number} if child.described.position else {}
        id = str(line.get("id"))
        if id in held and id not in used:
            used.add(id)
            _change(connection, child, key, held[id], {**values, **place})
        else:
            parent = {str(column.key): part for column, part in zip(child.parent, key, strict=True)}
            connection.execute(sa.insert(child.table).values({**values, **place, **parent}))


def columns_of_line(child: ChildTable, at: int, line: Mapping[str, Json]) -> dict[str, Any]:
    """The columns of one line; a field that it does not have is left alone. Raises Refused."""
    known = {place.line.path.partition(".")[0] for place in child.places} | {"id"}
    strange = sorted(set(line) - known)
    if strange:
        raise _refused(child, f"line {at + 1} has {', '.join(strange)}, which no column is described for")
    columns: dict[str, Any] = {}
    for place in child.places:
        value: Json | Absent = get_path(line, place.line.path)
        if isinstance(value, Absent) or place.line.read_only:
            continue
        try:
            wrong = fault(declared(place), value)
            if wrong:
                raise ValueError(wrong)
            columns |= columns_of(place, value)
        except ValueError as error:
            raise _refused(child, f"line {at + 1}: {place.line.path}: {error}") from None
    return columns


def declared(place: Place) -> Field:
    """A line's field as an entity declares its own."""
    line = place.line
    return Field(line.path, line.type, max_length=line.max_length, choices=line.choices)


def _change(
    connection: sa.Connection, child: ChildTable, key: Key, row: Row, values: Mapping[str, Any]
) -> None:
    """Update a row where it differs."""
    differs = {name: value for name, value in values.items() if row.get(name, ABSENT) != value}
    if differs:
        connection.execute(sa.update(child.table).where(*_row(child, key, row)).values(differs))


def _of(child: ChildTable, key: Key) -> list[Expression]:
    return [column == part for column, part in zip(child.parent, key, strict=True)]


def _row(child: ChildTable, key: Key, row: Row) -> list[Expression]:
    return [*_of(child, key), *(column == row[str(column.key)] for column in child.key)]


def _objects(child: ChildTable, lines: Json) -> list[dict[str, Json]]:
    if lines is None:
        return []
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise _refused(child, "it must be a list of objects")
    return [line for line in lines if isinstance(line, dict)]


def _refused(child: ChildTable, why: str) -> Refused:
    return Refused(f"{child.name} was refused", field=child.name, code="invalid", why=why)
