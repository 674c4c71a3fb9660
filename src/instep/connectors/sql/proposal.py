"""From the tables of a database to a proposed description: entities, fields, lines, and how changes are told.

What a name says is only a guess, so each guess that matters is told in a comment beside it. The result is a text
for a person to correct, that can be used as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from instep.connectors.proposing import (
    ACTIVE,
    CREATED,
    DELETED,
    MARKER,
    UPDATED,
    VERSION,
    Proposal,
    flow,
    nested,
    scalar,
    singular,
)
from instep.connectors.sql.surveying import Column, Surveyed

LINES = re.compile(r"(lines?|items?|positions?|rows?|details?)$", re.IGNORECASE)
POSITION = ("line_no", "line_number", "position", "pos", "sort", "seq")
OURS = ("instep_changes",)


def propose(tables: Sequence[Surveyed], url: str, password: str, schema: str) -> Proposal:
    """`password`: the reference to it, "" for none. Tables without a primary key are told and left out."""
    usable = {table.name: table for table in tables if table.key and table.name not in OURS and _keyed(table)}
    children = {name: parent for name in usable if (parent := _parent(usable[name], usable)) is not None}
    notes = [
        f"{table.name} is left out: it has no primary key that can be an id"
        for table in tables
        if table.name not in usable and table.name not in OURS
    ]
    names = {name: singular(name) for name in usable if name not in children}
    lines = [
        "# The ERP's database, as its tables look: a proposal. Correct it, take out what is of no interest, and ask",
        "# `instep check` whether it fits. docs/guide/sql.md says what each thing is for.",
        f"url: {scalar(url)}",
    ]
    lines += [f"password: {scalar(password)}"] if password else []
    lines += ["", "entities:"]
    for name, entity in names.items():
        own = [usable[child] for child, parent in children.items() if parent == name]
        lines += [*_entity(usable[name], entity, own, names, schema, notes), ""]
    return Proposal("\n".join(lines).rstrip() + "\n", notes)


def _keyed(table: Surveyed) -> bool:
    return all(table.columns[name].type in ("integer", "text") for name in table.key)


def _parent(table: Surveyed, usable: Mapping[str, Surveyed]) -> str | None:
    """The table whose lines these rows are: they are named so, and can't be without it."""
    for columns, parent in table.refers.items():
        named = table.name.lower().startswith(singular(parent).lower())
        bound = all(table.columns[column].needed or column in table.key for column in columns)
        if parent in usable and parent != table.name and LINES.search(table.name) and named and bound:
            return parent
    return None


def _key(table: Surveyed) -> list[dict[str, object]]:
    return [{"column": name, "type": table.columns[name].type} for name in table.key]


def _entity(
    table: Surveyed,
    entity: str,
    children: Sequence[Surveyed],
    names: Mapping[str, str],
    schema: str,
    notes: list[str],
) -> Iterator[str]:
    yield f"  {scalar(entity)}:"
    yield f"    table: {scalar(table.name)}"
    if schema:
        yield f"    schema: {scalar(schema)}"
    if _key(table) != [{"column": "id", "type": "integer"}]:
        yield f"    key: {nested(_key(table))}"
    used = set[str]()
    yield from _changes(table, entity, used, notes)
    marker = _named(table, MARKER, "text")
    if marker:
        yield f"    marker: {flow({'field': marker, 'unique': table.is_unique(marker)})}"
    else:
        notes.append(
            f"{entity}: no column for Instep's reference; with one, and a unique index, a create whose answer is"
            f" lost is found again: ALTER TABLE {table.name} ADD COLUMN instep_ref varchar(64) UNIQUE"
        )
    deleted, active = _named(table, DELETED, "boolean"), _named(table, ACTIVE, "boolean")
    if deleted:
        yield f"    deleted: {flow({'field': deleted, 'value': True})}"
    if active:
        yield f"    retired: {flow({'field': active, 'value': False})}"
        yield "    retire: {by: field}"
    yield "    fields:"
    for field_ in _fields(table, names, used, notes, entity):
        yield f"      - {flow(field_)}"
    if children:
        yield "    lines:"
    for child in children:
        yield from _lines(child, table, names, schema, notes, "lines" if len(children) == 1 else child.name)


def _changes(table: Surveyed, entity: str, used: set[str], notes: list[str]) -> Iterator[str]:
    updated = _named(table, UPDATED, "datetime")
    version = _named(table, VERSION, "integer")
    created = _named(table, CREATED, "datetime")
    if updated:
        yield "    changes: {by: updated_at}  # if every program that writes this table sets it"
        yield f"    updated_at: {flow({'column': updated})}"
        if updated not in table.indexed:
            notes.append(
                f"{entity}: {updated} has no index; looks for changes read the whole table without one"
            )
    else:
        yield "    changes: {by: scan}  # or triggers: see instep sql prepare"
    if created:
        yield f"    created_at: {flow({'column': created, 'set_by': 'database'})}"
    if version:
        yield f"    version: {flow({'column': version})}  # if every program that updates a row adds one"
    used |= {name for name in (updated, version, created) if name}


def _fields(
    table: Surveyed, names: Mapping[str, str], used: set[str], notes: list[str], entity: str
) -> Iterator[dict[str, object]]:
    for columns, parent in table.refers.items():
        if len(columns) > 1 and parent in names and not set(columns) & set(table.key):
            yield {"path": f"{names[parent]}_id", "columns": list(columns), "reference": names[parent]}
    for column in table.columns.values():
        if column.name in used:
            continue
        if column.type is None:
            notes.append(f"{entity}: {column.name} is left out: a column of type {column.shown} is no field")
            continue
        yield _field(table, column, names)


def _field(table: Surveyed, column: Column, names: Mapping[str, str]) -> dict[str, object]:
    parent = table.refers.get((column.name,))
    told: dict[str, object] = {"path": column.name.replace(".", "_")}
    if told["path"] != column.name:
        told["column"] = column.name
    if parent is not None and parent in names and column.name not in table.key:
        told["reference"] = names[parent]
    elif column.type != "text":
        told["type"] = column.type
    alone = table.key == (column.name,)
    if alone and (column.type == "integer" or not column.needed):
        told["read_only"] = True
    elif column.needed:
        told["required"] = True
    if column.max_length and not column.choices:
        told["max_length"] = column.max_length
    if column.choices:
        told["choices"] = list(column.choices)
    return told


def _lines(
    child: Surveyed, parent: Surveyed, names: Mapping[str, str], schema: str, notes: list[str], path: str
) -> Iterator[str]:
    bound = next(columns for columns, table in child.refers.items() if table == parent.name)
    position = _named(child, POSITION, "integer")
    yield f"      {scalar(path)}:"
    yield f"        table: {scalar(child.name)}"
    if schema:
        yield f"        schema: {scalar(schema)}"
    yield f"        parent: {nested(list(bound))}"
    if _key(child) != [{"column": "id", "type": "integer"}]:
        yield f"        key: {nested(_key(child))}"
    if position:
        yield f"        position: {scalar(position)}"
    yield "        fields:"
    for column in child.columns.values():
        if column.name in (*child.key, *bound, position):
            continue
        if column.type is None:
            notes.append(
                f"{child.name}: {column.name} is left out: a column of type {column.shown} is no field"
            )
            continue
        yield f"          - {flow(_field(child, column, names))}"


def _named(table: Surveyed, names: Sequence[str], kind: str) -> str:
    """The first column with one of these names that is of this kind, "" if there is none."""
    by_name = {name.lower(): column for name, column in table.columns.items()}
    found = (by_name[name] for name in names if name in by_name and by_name[name].type == kind)
    return next((column.name for column in found), "")
