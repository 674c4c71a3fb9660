"""A dataflow, pair by pair, in the sentences and tables of `forms`: what `own_reader` reads again as the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from instep.core.dataflow import Brakes, Pair, Part, Property
from instep.core.model import SIDES, Both, Side
from instep.core.policy import POLICIES
from instep.core.transformations.contract import Flow, SubProperty
from instep.core.values import Json
from instep.dataflow.documents.forms import Values, said
from instep.dataflow.documents.page import Block, Code, Items, Paragraph, Table, Text, joined

DELETES: Final[Mapping[str, str]] = {
    "hold": "nothing is written, and a person chooses",
    "retire": "the partner is taken out of use in its system's own way, if nobody has edited it meanwhile",
    "ignore": "the partner stays as it is, and the link is put to rest",
}
RULES: Final = "Rules of "
PROPERTIES: Final = "Properties of "
"""How the headings begin under which a pair is stated; what stands under any other follows from it."""

BOTH_WAYS: Final = "both ways"
AS_PAIR: Final = "as the pair"
SAME: Final = "same"
_JSON: Final = msgspec.json.Encoder(decimal_format="number")


def rules(pair: Pair, systems: Both[str], can_make: Both[bool], to: Side | None) -> Items:
    """What holds for the records of a pair; with `to`, creating on that side alone. `can_make`: whether a system's
    API makes such records."""
    return Items(tuple(said(form, values) for form, values in _rules(pair, systems, can_make, to)))


def _rules(
    pair: Pair, systems: Both[str], can_make: Both[bool], to: Side | None
) -> Iterator[tuple[str, Values]]:
    yield "pair", {"pair": pair.name, "left": pair.entity.left, "right": pair.entity.right, **_names(systems)}
    for side in SIDES:
        if pair.where[side]:
            yield "where", {"Side": systems[side], "conditions": [str(one) for one in pair.where[side]]}
    for side in SIDES:
        if to in (None, side):
            yield _creating(pair, systems, side, can_make[side])
    for side in SIDES:
        if pair.id_template[side] != "{id}":
            yield (
                "id",
                {
                    "entity": pair.entity[side],
                    "Side": systems[side],
                    "template": pair.id_template[side],
                },
            )
        for path, value in pair.constants[side].items():
            yield (
                "constant",
                {
                    "entity": pair.entity[side],
                    "Side": systems[side],
                    "value": spelled_json(value),
                    "path": path,
                },
            )
    for key in pair.match:
        yield "match", {"properties": key.properties}
    if not pair.match:
        yield "match_none", {}
    yield "policy", {"policy": pair.policy, "rest": POLICIES[pair.policy].sentence.rstrip(".") + "."}
    yield "delete", {"on_delete": pair.on_delete, "rest": DELETES[pair.on_delete] + "."}
    yield "clear", {}
    if pair.brakes == Brakes():
        yield "brakes_usual", {}
    else:
        yield "brakes", {"limits": limits(pair.brakes)}


def _names(systems: Both[str]) -> dict[str, str]:
    return {"Left": systems.left, "Right": systems.right}


def _creating(pair: Pair, systems: Both[str], side: Side, can_make: bool) -> tuple[str, Values]:
    values: dict[str, str | Sequence[str]] = {
        "source": pair.entity[side.other],
        "Side": systems[side.other],
        "target": pair.entity[side],
        "Target": systems[side],
    }
    if not pair.create[side]:
        return "create_never", values
    if pair.create_when[side]:
        return "create_when", {**values, "conditions": [str(one) for one in pair.create_when[side]]}
    if pair.referred[side]:
        return "create_referred", values
    return "create_always" if can_make else "create_by_hand", values


def limits(brakes: Brakes) -> list[str]:
    """Each brake with its count and share, as ``create 10 0.25``."""
    kinds = Brakes.__dataclass_fields__
    return [f"{kind} {getattr(brakes, kind).count} {getattr(brakes, kind).share!r}" for kind in kinds]


def property_sentences(systems: Both[str], shown: Sequence[Property]) -> Iterator[Text]:
    """What the table of the properties has no room for."""
    groups: dict[str, list[str]] = {}
    for prop in shown:
        if prop.group:
            groups.setdefault(prop.group, []).append(prop.name)
    for group, names in groups.items():
        yield said("group", {"group": group, "properties": names})
    for prop in shown:
        if prop.required:
            yield said("required", {"property": prop.name})
        for side in SIDES:
            values: dict[str, str | Sequence[str]] = {"property": prop.name, "Side": systems[side]}
            if prop.required_when[side]:
                conditions = [str(one) for one in prop.required_when[side]]
                yield said("required_when", {**values, "conditions": conditions})
            if prop.when[side]:
                yield said("when", {**values, "conditions": [str(one) for one in prop.when[side]]})
            if prop.default[side] is not None:
                yield said("default", {**values, "value": spelled_json(prop.default[side])})


def property_table(
    shown: Sequence[Property],
    systems: Both[str],
    type_of: Callable[[Side, str], str],
    example: Callable[[Property], Text],
) -> Table:
    """The properties of a pair; `type_of` has the words for a field of a side, `example` for values that agree."""
    columns = ("Property", systems.left, f"{systems.left} type", systems.right, f"{systems.right} type")
    rows = [
        (
            *_sides(prop.name, prop.parts, type_of),
            _direction(prop.flow, systems),
            _code_or(prop.as_written, SAME, "the same value"),
            _code_or(prop.policy, None, AS_PAIR),
            example(prop),
        )
        for prop in shown
    ]
    more = ("Direction", "Transformation", "Conflict", "Example")
    return Table((*columns, *more), tuple(rows), (12, 14, 10, 14, 10, 8, 14, 8, 10))


def inside_blocks(prop: Property, systems: Both[str]) -> Iterator[Block]:
    """The properties within an object or within lines, down to the last."""
    contexts = prop.parts.map(lambda part: part.context)
    yield from _inside((prop.name,), prop.inside, contexts, systems)


def _inside(
    names: tuple[str, ...],
    inside: Sequence[SubProperty],
    around: Both[tuple[str, ...]],
    systems: Both[str],
) -> Iterator[Block]:
    if not inside:
        return
    yield Paragraph(said("inside", {"properties": names}))
    parts = {inner.name: _parts(inner, around) for inner in inside}
    rows = [
        (
            *(cell for at, cell in enumerate(_sides(inner.name, parts[inner.name], None)) if at in (0, 1, 3)),
            _code_or(inner.as_written, SAME, "the same value"),
        )
        for inner in inside
    ]
    yield Table(("Property", systems.left, systems.right, "Transformation"), tuple(rows), (25, 25, 25, 25))
    for inner in inside:
        contexts = parts[inner.name].map(lambda part: part.context)
        yield from _inside((*names, inner.name), inner.inside, contexts, systems)


def _parts(inner: SubProperty, around: Both[tuple[str, ...]]) -> Both[Part]:
    """The paths of an inner property; a context that is the record's has its name there."""

    def part(side: Side) -> Part:
        named = tuple(around[side][one] if isinstance(one, int) else one for one in inner.contexts[side])
        return Part(inner.paths[side], named)

    return Both.of(part)


def _sides(name: str, parts: Both[Part], type_of: Callable[[Side, str], str] | None) -> Iterator[Text]:
    yield (Code(name),)
    for side in SIDES:
        yield paths(parts[side])
        types = dict.fromkeys(type_of(side, path) for path in parts[side].fields) if type_of else {}
        yield _words(", ".join(types))


def paths(part: Part) -> Text:
    """Fields, and after "with" those that are only read along."""
    fields = joined(part.fields)
    return (*fields, " with ", *joined(part.context)) if part.context else fields


def _direction(flow: Flow, systems: Both[str]) -> Text:
    return (BOTH_WAYS if flow == "both" else f"to {systems[Side(flow.removeprefix('to-'))]}",)


def _code_or(value: str | None, usual: str | None, words: str) -> Text:
    return (words,) if value is None or value == usual else (Code(value),)


def _words(text: str) -> Text:
    return (text,) if text else ()


def spelled_json(value: Json) -> str:
    return _JSON.encode(value).decode()
