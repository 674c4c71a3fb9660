"""From rows to records: reading by key or by page, with the lines of each, and what a writer hands back.

Everything is read with the statements of `tables`; a value that is not of the described kind makes the reading
unbelievable, and says in which field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from instep.connectors.sql.description import EntityDescription
from instep.connectors.sql.keys import id_of, key_of
from instep.connectors.sql.tables import ChildTable, Place, Tables, any_of
from instep.connectors.sql.types import Unreadable, moment_of
from instep.core.model import Record
from instep.core.values import Json, digest, get_path, set_path

Key = tuple[int | str, ...]
Row = sa.RowMapping
IN_LIST = 500
"""Keys that one statement names at most."""


def select(tables: Tables) -> sa.Select[Any]:
    """Every column of the entity's records, under their own names."""
    return sa.select(*tables.read()).where(*tables.only)


def read_one(
    connection: sa.Connection, tables: Tables, key: Key, *, lock: bool = False
) -> tuple[Record, Row] | None:
    """The record with this key and its row, None if there is none. `lock`: nobody else may change the row, or a
    line that it has, until the transaction ends."""
    statement = sa.select(*tables.read()).where(tables.at(key))
    if lock:
        statement = statement.with_for_update()
        if connection.dialect.name == "mssql":
            statement = statement.with_hint(tables.source, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
    row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    lines = lines_of(connection, tables, [key], lock=lock)
    return record_of(tables, row, lines.get(key, {})), row


def records_of(connection: sa.Connection, tables: Tables, rows: Sequence[Row]) -> list[Record]:
    """Records of rows that were read together, with the lines of all of them."""
    keys = [key_in(tables, row) for row in rows]
    lines = lines_of(connection, tables, keys)
    return [record_of(tables, row, lines.get(key, {})) for key, row in zip(keys, rows, strict=True)]


def key_in(tables: Tables, row: Row) -> Key:
    return tuple(row[str(column.key)] for column in tables.key)


def record_of(tables: Tables, row: Row, lines: Mapping[str, list[Json]]) -> Record:
    """One row as a record. Raises Unreadable if it has no key that can be an id."""
    id = id_of(key_in(tables, row))
    if not id:
        raise Unreadable(f"{tables.name}: a row has no usable key")
    fields: dict[str, Json] = {}
    for place in tables.places:
        set_path(fields, place.line.path, value_of(place, row))
    for child in tables.children:
        fields[child.name] = lines.get(child.name, [])
    deleted = tables.described.deleted
    gone = deleted is not None and get_path(fields, deleted.field) == deleted.value
    updated, created = _ms(tables.updated, row), _ms(tables.created, row)
    version = None
    if tables.version is not None:
        version = _number(tables.version, row)
    elif orders_by_time(tables.described):
        version = updated
    token = digest([fields, version])
    return Record(id, {} if gone else fields, version, token, updated, created, deleted=gone)


def orders_by_time(described: EntityDescription) -> bool:
    """Whether the time of the last change tells which of two readings is newer: not in a zone that puts its
    clocks back."""
    return (
        described.version is None and described.updated_at is not None and described.updated_at.zone == "UTC"
    )


def _number(column: sa.ColumnElement[Any], row: Row) -> int | None:
    value = row[str(column.key)]
    return value if isinstance(value, int) else None


def _ms(column: sa.ColumnElement[Any] | None, row: Row) -> int | None:
    value = None if column is None else row[str(column.key)]
    return None if value is None else int(moment_of(value).timestamp() * 1000)


def value_of(place: Place, row: Row) -> Json:
    """What a field holds: the value of its column, or the id that its columns refer to."""
    values = [row[str(column.key)] for column in place.columns]
    if not place.refers:
        value: Json = values[0]
        return value
    return id_of(values) or None


def lines_of(
    connection: sa.Connection, tables: Tables, keys: Sequence[Key], *, lock: bool = False
) -> dict[Key, dict[str, list[Json]]]:
    """Key of a record -> name of a list field -> its objects, in order."""
    found: dict[Key, dict[str, list[Json]]] = {}
    for child in tables.children:
        for some in _parts(keys):
            for row in _child_rows(connection, child, some, lock):
                key = tuple(row[str(column.key)] for column in child.parent)
                objects = found.setdefault(key, {}).setdefault(child.name, [])
                objects.append(line_of(child, row))
                if len(objects) > child.described.max_rows:
                    limit = child.described.max_rows
                    raise Unreadable(f"{tables.name} {id_of(key)} has more than {limit} {child.name}")
    return found


def _child_rows(
    connection: sa.Connection, child: ChildTable, keys: Sequence[Key], lock: bool
) -> Iterable[Row]:
    position = child.described.position
    order = [*([child.table.c[position]] if position else []), *child.key]
    statement = sa.select(child.table).where(any_of(child.parent, keys)).order_by(*order)
    if lock:
        statement = statement.with_for_update()
    return connection.execute(statement).mappings()


def line_of(child: ChildTable, row: Row) -> Json:
    """One child row as an object, with its own id."""
    line: dict[str, Json] = {"id": id_of(tuple(row[str(column.key)] for column in child.key))}
    for place in child.places:
        set_path(line, place.line.path, value_of(place, row))
    return line


def columns_of(place: Place, value: Json) -> dict[str, Any]:
    """The columns that a field's value is written to. Raises ValueError for an id that no key can have, and for
    what is no date or time."""
    names = [str(column.key) for column in place.columns]
    if not place.refers:
        if value is not None and place.line.type == "datetime":
            moment_of(str(value))
        elif value is not None and place.line.type == "date":
            date.fromisoformat(str(value))
        return {names[0]: value}
    if value is None or value == "":
        return dict.fromkeys(names, None)
    key = key_of(str(value), place.refers)
    if key is None:
        raise ValueError(f"{str(value)!r:.60} is no id of {place.line.reference}")
    return dict(zip(names, key, strict=True))


def _parts(keys: Sequence[Key]) -> Iterable[Sequence[Key]]:
    for start in range(0, len(keys), IN_LIST):
        yield keys[start : start + IN_LIST]
