"""Inserts, updates and deletes of one record, each one unit of work in one transaction.

No concurrent edit can be overwritten: a row with a version is updated `WHERE version = ...`, and any other row is
locked, compared with all that was seen of it, and only then written. Lines are part of both. After a write the
record is read back in the same transaction, so that the answer holds what triggers and defaults have made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from instep.connectors.contract import CreateKey
from instep.connectors.sql.description import Moment
from instep.connectors.sql.keys import id_of, key_of
from instep.connectors.sql.lines import put_lines
from instep.connectors.sql.rows import Key, columns_of, read_one
from instep.connectors.sql.tables import Expression, Place, Tables
from instep.connectors.sql.types import iso
from instep.core.model import Record
from instep.core.values import Json, get_path, set_path
from instep.errors import Gone, InDoubt, Moved, Refused

Work = Callable[[sa.Connection], Record]


def insert(tables: Tables, values: Mapping[str, Json], key: CreateKey) -> Work:
    """A unit that makes a row, and its lines, of values by path; it gives the record as it is then."""
    described = tables.described
    values = dict(values)
    if described.marker and key.marker:
        values[described.marker.field] = key.marker
    columns, lines = _columns(tables, values, {})
    columns |= described.where
    if described.chosen_id:
        columns[described.key[0].column] = key.id

    def work(connection: sa.Connection) -> Record:
        assert tables.target is not None
        for column, value in _counted(tables, connection, new=True).items():
            columns.setdefault(column, value)
        result = connection.execute(sa.insert(tables.target).values(columns))
        made = _made_key(tables, columns, result)
        for child in tables.children:
            if child.name in lines:
                put_lines(connection, child, made, lines[child.name])
        return _after(connection, tables, made)

    return work


def update(tables: Tables, id: str, changes: Mapping[str, Json], seen: Record) -> Work:
    """A unit that writes dotted paths to the row with this id, if it is still as it was seen."""
    key = _key(tables, id)
    inner = [path for path in changes if tables.described.of(path) is None and path not in _lists(tables)]

    def work(connection: sa.Connection) -> Record:
        assert tables.target is not None
        held: Mapping[str, Json] = {}
        if inner or tables.children or tables.version is None or seen.version is None:
            found = read_one(connection, tables, key, lock=True)
            if found is None or found[0].deleted:
                raise _gone(tables, id)
            _unmoved(tables, found[0], seen)
            held = found[0].fields
        columns, lines = _columns(tables, changes, held)
        columns |= _counted(tables, connection, new=False)
        if columns:
            where = [*_at(tables, key)]
            if tables.version is not None and seen.version is not None:
                where.append(tables.target.c[str(tables.version.key)] == seen.version)
            done = connection.execute(sa.update(tables.target).where(*where).values(columns))
            if done.rowcount == 0:
                raise _missed(connection, tables, key, id)
        for child in tables.children:
            if child.name in lines:
                put_lines(connection, child, key, lines[child.name])
        return _after(connection, tables, key)

    return work


def delete(tables: Tables, id: str, seen: Record) -> Work:
    """A unit that deletes the row, and its lines, if it is still as it was seen."""
    key = _key(tables, id)

    def work(connection: sa.Connection) -> Record:
        assert tables.target is not None
        found = read_one(connection, tables, key, lock=True)
        if found is None:
            raise _gone(tables, id)
        _unmoved(tables, found[0], seen)
        for child in tables.children:
            put_lines(connection, child, key, [])
        connection.execute(sa.delete(tables.target).where(*_at(tables, key)))
        return Record(id, deleted=True)

    return work


def _key(tables: Tables, id: str) -> Key:
    key = key_of(id, tables.described.key)
    if key is None:
        why = "it is not a key that a row can have"
        raise Gone(f"there is no {tables.name} {id[:40]}", why=why)
    return key


def _at(tables: Tables, key: Key) -> list[Expression]:
    """The condition on the table that is written to."""
    assert tables.target is not None
    columns = tables.target.c
    wanted: list[Expression] = [
        columns[part.column] == value for part, value in zip(tables.described.key, key, strict=True)
    ]
    for column, value in tables.described.where.items():
        wanted.append(columns[column].is_(None) if value is None else columns[column] == value)
    return wanted


def _lists(tables: Tables) -> set[str]:
    return {child.name for child in tables.children}


def _columns(
    tables: Tables, values: Mapping[str, Json], held: Mapping[str, Json]
) -> tuple[dict[str, Any], dict[str, Json]]:
    """The columns to write, and the list fields that are tables of their own, by name.

    A path into a JSON column is put into what that column holds. Raises Refused for a value that no column takes.
    """
    places = {place.line.path: place for place in tables.places}
    columns: dict[str, Any] = {}
    lines: dict[str, Json] = {}
    whole: dict[str, dict[str, Json]] = {}
    for path, value in values.items():
        if path in _lists(tables):
            lines[path] = value
            continue
        place = places.get(path)
        if place is None:
            above = _above(places, path)
            now = whole.setdefault(above.line.path, _object(get_path(held, above.line.path)))
            set_path(now, path.removeprefix(above.line.path + "."), value)
            place, value = above, dict(now)
        columns |= checked(place, value)
    return columns, lines


def checked(place: Place, value: Json) -> dict[str, Any]:
    """The columns of one value. Raises Refused, naming the field, if it can't be one of its type."""
    path = place.line.path
    try:
        return columns_of(place, value)
    except ValueError as error:
        raise Refused(f"{path} was refused", field=path, code="invalid", why=str(error)) from None


def _above(places: Mapping[str, Place], path: str) -> Place:
    """The JSON column that a path leads into; the entity's declaration has let no other path through."""
    head = path
    while "." in head:
        head = head.rpartition(".")[0]
        if head in places:
            return places[head]
    raise LookupError(path)


def _object(value: object) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}


def _counted(tables: Tables, connection: sa.Connection, *, new: bool) -> dict[str, Any]:
    """What whoever writes a row has to write along: the version and the time of the change."""
    described = tables.described
    columns: dict[str, Any] = {}
    if described.version is not None and described.version.set_by == "writer":
        assert tables.target is not None
        name = described.version.column
        columns[name] = 1 if new else tables.target.c[name] + 1
    if described.updated_at is not None and described.updated_at.set_by == "writer":
        columns[described.updated_at.column] = _now(described.updated_at, connection)
    if new and described.created_at is not None and described.created_at.set_by == "writer":
        columns[described.created_at.column] = _now(described.created_at, connection)
    return columns


def _now(moment: Moment, connection: sa.Connection) -> Any:
    """The time of a write: by the database's clock where the column is a time, else by ours."""
    if moment.stored == "native" and moment.zone == "UTC":
        if connection.dialect.name == "postgresql":
            return sa.func.clock_timestamp()
        if connection.dialect.name in ("mysql", "mariadb"):
            return sa.text("UTC_TIMESTAMP(6)")
        if connection.dialect.name == "mssql":
            return sa.text("SYSUTCDATETIME()")
    return iso(datetime.now(UTC))


def _made_key(tables: Tables, columns: Mapping[str, Any], result: sa.CursorResult[Any]) -> Key:
    told = result.inserted_primary_key
    parts: list[Any] = []
    for number, column in enumerate(tables.described.key):
        value = columns.get(column.column)
        parts.append(value if value is not None else told[number] if told is not None else None)
    if not id_of(parts):
        raise InDoubt(f"{tables.name}: a row was made and its key is not known", why="the database told none")
    return tuple(parts)


def _after(connection: sa.Connection, tables: Tables, key: Key) -> Record:
    """The record as the transaction leaves it."""
    found = read_one(connection, tables, key)
    if found is None:
        why = "the row can't be read after it was written: a condition of the description leaves it out"
        raise Refused(f"{tables.name} {id_of(key)} was not written", code="hidden", why=why)
    return found[0]


def _unmoved(tables: Tables, now: Record, seen: Record) -> None:
    if seen.token is not None and seen.token != now.token:
        raise Moved(
            f"{tables.name} {now.id} has changed", why="the row is not as it was when it was decided on"
        )


def _missed(connection: sa.Connection, tables: Tables, key: Key, id: str) -> Gone | Moved:
    """Why an update met no row: it is gone, or has another version."""
    if read_one(connection, tables, key) is None:
        return _gone(tables, id)
    return Moved(f"{tables.name} {id} has changed", why="its version is not the one that was decided on")


def _gone(tables: Tables, id: str) -> Gone:
    return Gone(f"there is no {tables.name} {id}", why="no row has this key")
