"""Whether one property fits the two fields, or sets of fields, that it maps.

Enumerations are not compared as words: each value that one side can have is sent through the transformation, so
that a lookup, a language or a truth value is judged by what it would really write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from instep.core.dataflow import Pair, Property
from instep.core.model import SIDES, Both, Entity, Field, FieldType, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Opaque, Unfit
from instep.core.transformations.no_links import NO_LINKS
from instep.core.transformations.registry import MAKERS
from instep.core.values import ABSENT, Absent, Json
from instep.dataflow.spelling import field_hint
from instep.errors import Problem

_SUGGESTED: Final[dict[frozenset[FieldType], str]] = {
    frozenset({"integer", "text"}): "integer",
    frozenset({"decimal", "text"}): "decimal",
    frozenset({"integer", "decimal"}): "decimal, or money for an amount",
    frozenset({"boolean", "text"}): "boolean, or a lookup",
    frozenset({"timestamp", "date"}): "timestamp",
    frozenset({"timestamp", "datetime"}): "timestamp",
    frozenset({"datetime", "date"}): "timestamp",
    frozenset({"object", "text"}): "own fields of the object, or nested",
}
_ALIKE: Final[tuple[frozenset[FieldType], ...]] = (
    frozenset({"integer", "decimal"}),
    frozenset({"text", "date", "datetime"}),
)
_TEXTS: Final = frozenset({"same", "text"})


def transformation_name(prop: Property) -> str:
    """The name of a property's transformation, as the dataflow wrote it; "" for one made by hand in code."""
    try:
        return parse(prop.as_written)[0]
    except ValueError:
        return ""


def check_property(pair: Pair, prop: Property, both: Both[Entity], systems: Both[str]) -> Iterator[Problem]:
    """Every problem of one property."""
    fields: dict[Side, list[Field]] = {Side.LEFT: [], Side.RIGHT: []}
    complete = True
    for side in SIDES:
        known = [field.path for field in both[side].fields]
        for path in prop.parts[side].paths:
            found = both[side].field(path)
            if found is None:
                complete = False
                yield _problem(
                    pair,
                    prop,
                    f'{both[side].name} of {systems[side]} has no field "{path}"',
                    fix=field_hint(path, known),
                )
            elif path in prop.parts[side].fields:
                # What lies within an object that is described as a whole may hold anything.
                fields[side].append(
                    found if found.path == path else replace(found, type="any", max_length=None)
                )
    if not complete:
        return
    one = Both(fields[Side.LEFT], fields[Side.RIGHT])
    yield from _types(pair, prop, one, systems)
    yield from _references(pair, prop, one, systems)
    if all(len(found) == 1 for found in one):
        pair_of_fields = one.map(lambda found: found[0])
        for target in SIDES:
            if prop.may_flow(target):
                yield from _lengths(pair, prop, pair_of_fields, target, systems)
                yield from _choices(pair, prop, pair_of_fields, target, systems)


def _types(pair: Pair, prop: Property, fields: Both[list[Field]], systems: Both[str]) -> Iterator[Problem]:
    name = transformation_name(prop)
    maker = MAKERS.get(name)
    fitting = maker.types if maker is not None else ("any",)
    for side in SIDES:
        for field in fields[side]:
            if "any" not in fitting and field.type not in ("any", *fitting):
                yield _problem(
                    pair,
                    prop,
                    f'{name} does not fit "{field.path}" of {systems[side]}',
                    why=f"the field is {_a(field.type)}; {name} is for {', '.join(fitting)}",
                    fix="choose another transformation; a value that can't be read is held",
                    severity="warning",
                )
    types = {field.type for side in SIDES for field in fields[side]}
    alike = any(types <= group for group in _ALIKE)
    if name == "same" and len(types) == 2 and "any" not in types and not alike:
        left, right = fields.left[0], fields.right[0]
        suggested = _SUGGESTED.get(frozenset(types), "")
        yield _problem(
            pair,
            prop,
            f'"{left.path}" and "{right.path}" hold different kinds of value',
            why=f"{systems.left} has {_a(left.type)}, {systems.right} {_a(right.type)}, and nothing translates",
            fix=f"name a transformation after a |{f': {suggested}' if suggested else ''}",
            severity="warning",
        )


def _a(type: str) -> str:
    return f"an {type}" if type[0] in "aeiou" else f"a {type}"


def _references(
    pair: Pair, prop: Property, fields: Both[list[Field]], systems: Both[str]
) -> Iterator[Problem]:
    name = transformation_name(prop)
    words = [str(word) for word in parse(prop.as_written)[1].words] if name == "reference" else []
    named = {Side.LEFT: words[0], Side.RIGHT: words[-1]} if words else {}
    for side in SIDES:
        for field in fields[side]:
            if not field.reference:
                continue
            if name == "reference" and named.get(side) != field.reference:
                wrong = named.get(side, "nothing")
                yield _problem(
                    pair,
                    prop,
                    f'"{field.path}" of {systems[side]} refers to {field.reference}, not {wrong}',
                    why="the link of another kind of record would be looked up",
                    fix=f"name {field.reference} for the {side.value} side: reference(LEFT, RIGHT)",
                )
            elif name not in ("reference", "") and all(f.reference for f in (*fields.left, *fields.right)):
                yield _problem(
                    pair,
                    prop,
                    f'"{field.path}" of {systems[side]} holds the id of a {field.reference}',
                    why="the other system has ids of its own, so the same id means another record there",
                    fix=f"translate it: | reference({fields.left[0].reference}, {fields.right[0].reference})",
                    severity="warning",
                )
                return


def _lengths(
    pair: Pair, prop: Property, fields: Both[Field], target: Side, systems: Both[str]
) -> Iterator[Problem]:
    room, longest = fields[target].max_length, fields[target.other].max_length
    if room is None or transformation_name(prop) not in _TEXTS:
        return
    cut = next((value for key, value in parse(prop.as_written)[1].named if key == "max"), None)
    if isinstance(cut, int):
        longest = cut if longest is None else min(cut, longest)
    if longest is not None and longest > room:
        yield _problem(
            pair,
            prop,
            f'"{fields[target.other].path}" may be longer than {systems[target]} takes',
            why=f"up to {longest} characters, and {fields[target].path} has room for {room}; a longer value is held",
            fix=f"to send the first part and keep the whole where it is: text(max={room})",
            severity="warning",
        )


def _choices(
    pair: Pair, prop: Property, fields: Both[Field], target: Side, systems: Both[str]
) -> Iterator[Problem]:
    source = fields[target.other]
    values = _values(source)
    if not values or transformation_name(prop) == "reference":
        return
    lost: list[tuple[str, str]] = []
    for value in values:
        why = _why_lost(prop, value, fields[target], target)
        if why:
            lost.append((str(value).lower() if isinstance(value, bool) else str(value), why))
    if lost:
        names = ", ".join(name for name, _ in lost[:8]) + (", …" if len(lost) > 8 else "")
        yield _problem(
            pair,
            prop,
            f"{systems[target]} has no {fields[target].path} for {source.path} = {names}",
            why=lost[0][1],
            fix="add what it stands for to a lookup; until then a record with it is held",
            severity="warning",
        )


def _values(field: Field) -> Sequence[Json]:
    if field.choices is not None:
        if field.type == "integer":
            return [int(choice) for choice in field.choices if choice.lstrip("-").isdigit()]
        return list(field.choices)
    return [True, False] if field.type == "boolean" else []


def _why_lost(prop: Property, value: Json, field: Field, target: Side) -> str:
    """Why one value of the other side can't be written to a field; "" if it can."""
    nothing: tuple[Json | Absent, ...] = (ABSENT,)
    contexts = prop.parts.map(lambda part: nothing * len(part.context))
    canon = prop.transformation.canon(target.other, (value, *contexts[target.other]), NO_LINKS)
    if isinstance(canon, Opaque):
        return canon.why
    written = prop.transformation.put(target, canon, (ABSENT, *contexts[target]), NO_LINKS)
    if isinstance(written, Unfit):
        return written.why
    known = _values(field)
    if known and written[0] not in known:
        shown = ", ".join(str(choice) for choice in known[:12])
        return f'"{written[0]}" would be written, and the field takes {shown}'
    return ""


def _problem(
    pair: Pair, prop: Property, what: str, *, why: str = "", fix: str = "", severity: str = "error"
) -> Problem:
    file, line = prop.source if prop.source[1] else pair.source
    return Problem(
        file,
        line,
        1 if line else 0,
        what,
        why=why,
        fix=fix,
        severity=severity,
        where=f"{pair.name}.{prop.name}",
    )
