"""The tables of an entity for SQLAlchemy, made from its description alone, without asking the database.

Every name is quoted by SQLAlchemy where needed, and every value is bound: nothing of a record ever becomes a
part of a statement's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from instep.connectors.sql.description import (
    ByNumber,
    Description,
    EntityDescription,
    FieldLine,
    KeyColumn,
    Lines,
)
from instep.connectors.sql.types import Plain, RowVersion, Whole, type_of, type_of_key

Expression = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Place:
    """Where a field is: its path, its columns in the source, and the key that it holds if it is a reference."""

    line: FieldLine
    columns: tuple[Expression, ...]
    refers: tuple[KeyColumn, ...] = ()


@dataclass(frozen=True)
class ChildTable:
    """Where the objects of one list field are."""

    name: str
    described: Lines
    table: sa.Table
    parent: tuple[Expression, ...]
    key: tuple[Expression, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Tables:
    """One entity's: what is read from (`source`), what is written to (`target`, None if nothing), its columns.

    `version`, `updated`, `created`, `number` are the source's columns of that meaning, if described.
    `only`: what a row must fulfil to be a record.
    """

    name: str
    described: EntityDescription
    source: sa.FromClause
    target: sa.Table | None
    key: tuple[Expression, ...]
    places: tuple[Place, ...]
    children: tuple[ChildTable, ...]
    version: Expression | None
    updated: Expression | None
    created: Expression | None
    number: Expression | None
    only: tuple[Expression, ...]

    def read(self) -> tuple[Expression, ...]:
        """Every column that a reading needs, in a fixed order; the key first."""
        found: dict[str, Expression] = {}
        moments = (self.version, self.updated, self.created, self.number)
        for column in (*self.key, *(c for p in self.places for c in p.columns), *moments):
            if column is not None:
                found.setdefault(str(column.key), column)
        return tuple(found.values())

    def at(self, key: Sequence[int | str]) -> Expression:
        """The condition that a row has this key and is a record."""
        return sa.and_(*(column == value for column, value in zip(self.key, key, strict=True)), *self.only)


def tables_of(name: str, description: Description, returning: bool = True) -> Tables:
    """The tables of one entity. `returning`: an insert may be asked for what it made."""
    described = description.entities[name]
    types = _column_types(described, description)
    wide: dict[str, Any] = {"schema": described.db_schema or None}
    target = None
    if described.table:
        key_names = [key.column for key in described.key]
        single = len(key_names) == 1
        columns = [
            sa.Column(
                column,
                type_,
                primary_key=column in key_names,
                autoincrement=single and column in key_names and described.key[0].type == "integer",
                # Whatever is not given, the database fills in and tells.
                server_default=sa.FetchedValue() if column in key_names and not _counts(described) else None,
            )
            for column, type_ in types.items()
        ]
        # SQL Server refuses to tell what it inserted where a table has triggers, unless asked for the last identity.
        target = sa.Table(described.table, sa.MetaData(), *columns, implicit_returning=returning, **wide)
    source: sa.FromClause
    if described.query:
        text = sa.text(described.query.strip().rstrip(";"))
        source = text.columns(*(sa.column(c, t) for c, t in types.items())).subquery("source")
    else:
        assert target is not None
        source = target
    column_of = source.c

    def some(column: str) -> Expression:
        return column_of[column]

    changes = described.changes
    return Tables(
        name,
        described,
        source,
        target if described.writable else None,
        tuple(some(key.column) for key in described.key),
        tuple(_place(line, column_of, description) for line in described.fields),
        tuple(_child(at, lines, described, description, returning) for at, lines in described.lines.items()),
        some(described.version.column) if described.version else None,
        some(described.updated_at.column) if described.updated_at else None,
        some(described.created_at.column) if described.created_at else None,
        some(changes.column) if isinstance(changes, ByNumber) else None,
        tuple(_is(some(column), value) for column, value in described.where.items()),
    )


def _counts(described: EntityDescription) -> bool:
    """Whether the table numbers its rows by itself."""
    return len(described.key) == 1 and described.key[0].type == "integer"


def _column_types(described: EntityDescription, description: Description) -> Mapping[str, TypeEngine[Any]]:
    """Every column that is spoken of, with its type; the key first."""
    types: dict[str, TypeEngine[Any]] = {key.column: type_of_key(key) for key in described.key}
    for line in described.fields:
        for column, type_ in zip(line.names, _types_of(line, description), strict=True):
            types.setdefault(column, type_)
    if described.version:
        counter = RowVersion() if described.version.stored == "rowversion" else Whole()
        types.setdefault(described.version.column, counter)
    if isinstance(described.changes, ByNumber):
        counter = RowVersion() if described.changes.stored == "rowversion" else Whole()
        types[described.changes.column] = counter
    for moment in (described.updated_at, described.created_at):
        if moment is not None:
            types.setdefault(moment.column, type_of(_as_field(moment.column, moment.stored, moment.zone)))
    for column, value in described.where.items():
        kind: TypeEngine[Any] = sa.Boolean(create_constraint=False) if isinstance(value, bool) else Plain()
        types.setdefault(column, Whole() if type(value) is int else kind)
    return types


def _as_field(column: str, stored: Any, zone: str) -> FieldLine:
    return FieldLine(path="moment", column=column, type="datetime", stored=stored, zone=zone)


def _types_of(line: FieldLine, description: Description) -> list[TypeEngine[Any]]:
    if line.reference:
        return [type_of_key(key) for key in description.entities[line.reference].key]
    return [type_of(line)]


def _place(line: FieldLine, columns: Any, description: Description) -> Place:
    refers = description.entities[line.reference].key if line.reference else ()
    return Place(line, tuple(columns[name] for name in line.names), refers)


def _child(
    name: str, lines: Lines, described: EntityDescription, description: Description, returning: bool
) -> ChildTable:
    types: dict[str, TypeEngine[Any]] = {key.column: type_of_key(key) for key in lines.key}
    for column, key in zip(lines.parent, described.key, strict=True):
        types.setdefault(column, type_of_key(key))
    for line in lines.fields:
        for column, type_ in zip(line.names, _types_of(line, description), strict=True):
            types.setdefault(column, type_)
    if lines.position:
        types.setdefault(lines.position, Whole())
    keys = [key.column for key in lines.key]
    counts = len(keys) == 1 and lines.key[0].type == "integer"
    table = sa.Table(
        lines.table,
        sa.MetaData(),
        *(
            sa.Column(
                column,
                type_,
                primary_key=column in keys,
                autoincrement=counts and column in keys,
                server_default=sa.FetchedValue() if column in keys and not counts else None,
            )
            for column, type_ in types.items()
        ),
        schema=lines.db_schema or None,
        implicit_returning=returning,
    )
    return ChildTable(
        name,
        lines,
        table,
        tuple(table.c[column] for column in lines.parent),
        tuple(table.c[column] for column in keys),
        tuple(_place(line, table.c, description) for line in lines.fields),
    )


def _is(column: Expression, value: object) -> Expression:
    return column.is_(None) if value is None else column == value


def after(columns: Sequence[Expression], values: Sequence[Any]) -> Expression:
    """The condition that a row comes after these values, in the order of the columns.

    Written out, since not every database compares rows; the first part lets an index find the place.
    """
    first, rest = columns[0], columns[1:]
    bound, others = values[0], values[1:]
    later: Expression = first > bound
    if not rest:
        return later
    return sa.and_(first >= bound, sa.or_(later, after(rest, others)))


def any_of(columns: Sequence[Expression], keys: Iterable[Sequence[Any]]) -> Expression:
    """The condition that the columns hold one of these keys."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return sa.or_(*(sa.and_(*(c == v for c, v in zip(columns, key, strict=True))) for key in keys))
