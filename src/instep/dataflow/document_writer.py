"""Writes a dataflow as a document: one section per pair, with the properties to tick off when testing.

The form is the one that `documents` reads, sentence for sentence where the grammar needs it, so that what is
written is read back as the same pairs, rules and rows. One document states one direction; write both for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from instep.core.dataflow import Dataflow, Pair, Property
from instep.core.model import Both, Entity, Side

_TYPES: Mapping[str, str] = {
    "integer": "integer",
    "timestamp": "integer",
    "decimal": "float",
    "boolean": "boolean",
    "text": "string",
    "date": "string",
    "datetime": "string",
}


def write_document(
    dataflow: Dataflow,
    systems: Both[str],
    generated: str,
    *,
    to: Side = Side.RIGHT,
    entities: Both[Mapping[str, Entity]] | None = None,
) -> str:
    """The document of what flows to one side. `generated` is the time stamp, "YYYY-MM-DD HH:MM:SS".

    `entities`, if given, say the data types of that side's fields; without them every type is N/A.
    """
    source, target = systems[to.other], systems[to]
    title = f"{source} to {target} Dataflow"
    parts = [
        "\n".join(["=" * len(title), title, "=" * len(title)]),
        f"Generated: {generated}",
        "Introduction\n------------",
        f"What is kept in step from {source} to {target}, pair by pair: when a record is made, how its partner is "
        "found, and which properties to compare when testing.",
    ]
    for pair in dataflow.pairs:
        parents = [p.entity[to.other] for p in dataflow.pairs if pair.name in p.after]
        parts.append("\n" + "\n\n".join(_section(pair, parents, systems, to, entities)))
    return "\n\n".join(parts) + "\n"


def _section(
    pair: Pair,
    parents: Sequence[str],
    systems: Both[str],
    to: Side,
    entities: Both[Mapping[str, Entity]] | None,
) -> Iterator[str]:
    x = f"{systems[to.other]} {_datatype(pair.entity[to.other])}"
    y = f"{systems[to]} {_datatype(pair.entity[to])}"
    rows = list(_matches(pair, to))
    heading = f"{x} to {y}\n{'-' * len(f'{x} to {y}')}\n"
    before = f"Before any synchronization can take place, a link between a {x} and a {y} must be established."
    every = f"Every {x} will be synchronized with a {y}."
    always = pair.create[to] and not pair.referred[to]
    yield heading + (every if always else before)
    if pair.referred[to]:
        listed = ", or ".join(_datatype(parent) for parent in parents) or "record"
        yield (
            f"A new {y} will be created from a {x} if it is connected to a {systems[to.other]} {listed} "
            f"that is synchronized into {systems[to]}."
        )
    if rows and always:
        yield f"If a matching {y} already exists, the {x} will be merged with the existing one."
        yield f"If no matching {y} is found, a new {y} will be created."
    if rows:
        yield f"A {x} will merge with a {y} if one of the following property combinations match:"
        yield _table([f"{x} Property", f"{y} Property"], rows)
    yield (
        f"Once a link between a {x} and a {y} is established, it will keep in sync between the two systems, "
        "regardless of where it is edited."
    )
    yield f"The following properties are synchronized between a {x} and a {y}:"
    entity = entities[to].get(pair.entity[to]) if entities is not None else None
    columns = [f"{x} Property", f"{y} Property", f"{systems[to]} Data Type"]
    yield _table(
        columns, sorted(row for p in pair.properties if p.may_flow(to) for row in _rows(p, to, entity))
    )


def _matches(pair: Pair, to: Side) -> Iterator[Sequence[str]]:
    """A row per match key of a single property; a row can't say that several must be equal together."""
    for key in pair.match:
        prop = pair.property(key.properties[0])
        if prop is not None and len(key.properties) == 1:
            for source in prop.parts[to.other].fields:
                for target in prop.parts[to].fields:
                    yield source, target


def _rows(prop: Property, to: Side, entity: Entity | None) -> Iterator[tuple[str, str, str]]:
    for source in prop.parts[to.other].fields:
        for target in prop.parts[to].fields:
            field = entity.field(target) if entity is not None else None
            known = _TYPES.get(field.type) if field is not None and field.path == target else None
            yield source, target, f'"{known}"' if known else "N/A"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (columns, *rows):
        lines += [f"   {'  ' if place else '* '}- {cell}" for place, cell in enumerate(row)]
    return "\n".join(lines)


def _datatype(entity: str) -> str:
    return entity[:1].upper() + entity[1:]
