"""What a database says of its tables: columns, keys, references, unique columns, allowed values. Reads no row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from instep.core.model import FieldType


@dataclass(frozen=True)
class Column:
    """One column. `type`: None for a kind of column that no field can be. `needed`: an insert must give it."""

    name: str
    type: FieldType | None
    needed: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    shown: str = ""


@dataclass(frozen=True)
class Surveyed:
    """One table. `refers`: columns of a foreign key -> the table that it leads to, within this schema."""

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    refers: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    unique: Sequence[frozenset[str]] = ()
    indexed: frozenset[str] = frozenset()
    view: bool = False

    def is_unique(self, column: str) -> bool:
        return frozenset({column}) in self.unique


def survey(connection: sa.Connection, schema: str) -> list[Surveyed]:
    """The tables of a schema ("" for the usual one), by name."""
    inspector = sa.inspect(connection)
    place = schema or None
    return [
        _table(inspector, name, place, connection.dialect.name)
        for name in sorted(inspector.get_table_names(place))
    ]


def _table(inspector: sa.Inspector, name: str, schema: str | None, dialect: str) -> Surveyed:
    own: dict[str, Any] = {"include_auto_indexes": True} if dialect == "sqlite" else {}
    indexes = [i for i in inspector.get_indexes(name, schema, **own) if all(i["column_names"])]
    unique = [frozenset(str(c) for c in i["column_names"]) for i in indexes if i.get("unique")]
    unique += [frozenset(c["column_names"]) for c in inspector.get_unique_constraints(name, schema)]
    key = tuple(inspector.get_pk_constraint(name, schema)["constrained_columns"])
    refers = {
        tuple(f["constrained_columns"]): str(f["referred_table"])
        for f in inspector.get_foreign_keys(name, schema)
        if f["referred_schema"] in (None, schema)
    }
    checks = [str(c["sqltext"]) for c in inspector.get_check_constraints(name, schema)]
    told = inspector.get_columns(name, schema)
    names = [str(column["name"]) for column in told]
    columns = {column["name"]: _column(column, checks, names) for column in told}
    first = frozenset(str(i["column_names"][0]) for i in indexes)
    return Surveyed(name, columns, key, refers, unique, first)


def _column(told: Any, checks: Sequence[str], names: Sequence[str]) -> Column:
    type_ = told["type"]
    given = told.get("default") is not None or told.get("autoincrement") is True
    given = given or bool(told.get("identity") or told.get("computed"))
    choices = tuple(type_.enums) if isinstance(type_, sa.Enum) and type_.enums else ()
    kind = _field_type(type_)
    if kind == "text" and not choices:
        choices = next((found for check in checks if (found := _choices(check, told["name"], names))), ())
    return Column(
        told["name"],
        kind,
        needed=not told["nullable"] and not given,
        max_length=type_.length if isinstance(type_, sa.String) and not isinstance(type_, sa.Enum) else None,
        choices=choices,
        shown=str(type_),
    )


def _field_type(type_: Any) -> FieldType | None:
    """The kind of field that a column can be. The order matters: a whole number is a number too."""
    kinds: list[tuple[type[Any] | tuple[type[Any], ...], FieldType]] = [
        (sa.Boolean, "boolean"),
        (sa.Integer, "integer"),
        (sa.Numeric, "decimal"),
        (sa.Float, "decimal"),
        (sa.DateTime, "datetime"),
        (sa.Date, "date"),
        (sa.JSON, "object"),
        ((sa.String, sa.Uuid), "text"),
    ]
    return next((kind for python, kind in kinds if isinstance(type_, python)), None)


_QUOTED = re.compile(r"'((?:[^']|'')*)'")


def _choices(check: str, column: str, names: Sequence[str]) -> tuple[str, ...]:
    """The values that a check allows a column, if that is all that the check says: `status IN ('a', 'b')`."""
    without = _QUOTED.sub("", check)
    words = set(re.findall(r"\w+", without))
    if (
        column not in words
        or words & (set(names) - {column})
        or re.search(r"<>|!=|\bNOT\b|\bOR\b|~|%", without, re.I)
    ):
        return ()
    if not re.search(r"\bIN\b|\bANY\b", without, re.I):
        return ()
    return tuple(value.replace("''", "'") for value in _QUOTED.findall(check))
