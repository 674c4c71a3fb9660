"""A live look at one described entity: are its tables there, with these columns, keys and indexes? Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from instep.connectors.sql.database import Database
from instep.connectors.sql.description import ByNumber, ByTriggers, ByUpdatedAt, Log
from instep.connectors.sql.sessions import database_now, running_since
from instep.connectors.sql.tables import Tables
from instep.errors import Problem


@dataclass(frozen=True)
class Shape:
    """What the database says of a table: columns by name, primary key, sets of columns that are unique, columns
    that an index begins with."""

    columns: dict[str, Any]
    key: frozenset[str]
    unique: Sequence[frozenset[str]]
    indexed: frozenset[str]


async def look(database: Database, tables: Tables, log: Log) -> tuple[list[Problem], list[str]]:
    """What is wrong (an error stops a run, a warning does not), and sentences worth knowing. Raises as `read`."""

    def work(connection: sa.Connection) -> tuple[list[Problem], list[str]]:
        described = tables.described
        problems: list[Problem] = []
        notes: list[str] = []
        if described.table:
            shape = shape_of(connection, described.table, described.db_schema)
            if shape is None:
                return [_problem(tables, f"there is no table {described.table}", "", "correct the name")], []
            assert tables.target is not None or not described.writable
            wanted = [str(column.key) for column in (*tables.read(), *_conditions(tables))]
            if not described.query or tables.target is not None:
                problems += _columns(tables, described.table, shape, wanted)
            problems += _key(tables, shape)
            problems += _marker(tables, shape)
            if tables.updated is not None and isinstance(described.changes, ByUpdatedAt):
                notes += _index(tables, shape, described.updated_at.column if described.updated_at else "")
            if isinstance(described.changes, ByNumber):
                notes += _index(tables, shape, described.changes.column)
            own = {*wanted, *(lines for child in tables.children for lines in child.described.parent)}
            extra = sorted(set(shape.columns) - own)
            if extra:
                notes.append(f"{tables.name}: not described and so left alone: {', '.join(extra)}")
        for child in tables.children:
            problems += _child(connection, tables, child.described.table, child)
        if isinstance(described.changes, ByTriggers):
            problems += _triggers(connection, tables, log)
        notes += _late(connection, tables)
        return problems, notes

    return await database.read(work)


def shape_of(connection: sa.Connection, table: str, schema: str) -> Shape | None:
    """What is known of a table or view, None if there is none."""
    inspector = sa.inspect(connection)
    try:
        columns = {str(c["name"]): c for c in inspector.get_columns(table, schema=schema or None)}
    except NoSuchTableError:
        return None
    if not columns:
        return None
    key = frozenset(
        str(c) for c in inspector.get_pk_constraint(table, schema=schema or None)["constrained_columns"]
    )
    # SQLite keeps an index for each inline UNIQUE, which is otherwise not told.
    own = {"include_auto_indexes": True} if connection.dialect.name == "sqlite" else {}
    indexes = inspector.get_indexes(table, schema=schema or None, **own)
    constraints = inspector.get_unique_constraints(table, schema=schema or None)
    unique = [frozenset(str(c) for c in i["column_names"]) for i in indexes if i.get("unique")]
    unique += [frozenset(c["column_names"]) for c in constraints]
    first = {str(i["column_names"][0]) for i in indexes if i["column_names"]}
    return Shape(columns, key, unique, frozenset(first))


def _conditions(tables: Tables) -> list[Any]:
    return [tables.source.c[column] for column in tables.described.where]


def _columns(tables: Tables, table: str, shape: Shape, wanted: Sequence[str]) -> list[Problem]:
    return [
        _problem(tables, f"{table} has no column {name}", "", "correct the column in the description")
        for name in dict.fromkeys(wanted)
        if name not in shape.columns
    ]


def _key(tables: Tables, shape: Shape) -> list[Problem]:
    described = frozenset(key.column for key in tables.described.key)
    if shape.key == described or described in shape.unique:
        return []
    if not shape.key:
        return []  # a view has none; that its rows are told apart is the description's word
    why = f"the primary key is {', '.join(sorted(shape.key))}"
    what = f"the key {', '.join(sorted(described))} is not unique"
    return [_problem(tables, what, why, "correct key in the description")]


def _marker(tables: Tables, shape: Shape) -> list[Problem]:
    marker = tables.described.marker
    line = tables.described.of(marker.field) if marker else None
    if marker is None or line is None:
        return []
    is_unique = frozenset(line.names) in shape.unique
    if marker.unique and not is_unique:
        what = f"{line.names[0]} is described as unique and is not"
        fix = (
            f"CREATE UNIQUE INDEX ON {tables.described.table} ({line.names[0]}), or set marker.unique: false"
        )
        return [_problem(tables, what, "no unique index on it alone", fix)]
    if not marker.unique and not is_unique:
        what = f"{line.names[0]} has no unique index"
        why = "a create whose answer is lost is looked for, and could be made twice if a commit comes late"
        return [_problem(tables, what, why, "make it unique, and set marker.unique: true", "warning")]
    return []


def _index(tables: Tables, shape: Shape, column: str) -> list[str]:
    if column in shape.indexed:
        return []
    return [
        f"{tables.name}: no index begins with {column}, so that each look for changes reads the whole table"
    ]


def _child(connection: sa.Connection, tables: Tables, table: str, child: Any) -> list[Problem]:
    shape = shape_of(connection, table, child.described.db_schema)
    if shape is None:
        return [_problem(tables, f"there is no table {table}", "", "correct the name")]
    return _columns(tables, table, shape, [str(column.key) for column in child.table.c])


def _triggers(connection: sa.Connection, tables: Tables, log: Log) -> list[Problem]:
    """A problem if the log that triggers write to is not there."""
    if shape_of(connection, log.table, log.place(connection.dialect.name)) is not None:
        return []
    what = "its changes are to be told by triggers, and there are none"
    return [_problem(tables, what, f"there is no table {log.table}", "set them up: instep sql prepare")]


def _late(connection: sa.Connection, tables: Tables) -> list[str]:
    """Whether commits that come late can be told, or only the declared lag is there for them."""
    changes = tables.described.changes
    if not isinstance(changes, ByUpdatedAt | ByNumber) or connection.dialect.name == "sqlite":
        return []
    if running_since(connection, database_now(connection)) is not None:
        return []
    how = (
        "; to have it told, grant its user pg_read_all_stats"
        if connection.dialect.name == "postgresql"
        else ""
    )
    return [
        f"{tables.name}: a transaction that takes longer than {changes.lag_s:g} s may be missed until the next"
        f" full reading{how}"
    ]


def _problem(tables: Tables, what: str, why: str, fix: str, severity: str = "error") -> Problem:
    return Problem("", 0, 0, f"{tables.name}: {what}", why, fix, severity, where=tables.name)
