"""Values to write: for every property ever new ones, that both systems can hold and the transformation can read.

They follow from the names and types of the fields (`likely`). Those of a property that a `Draft` takes are consistent
with the values that its transformation reads along, a currency say, and with what the record is to meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, islice
from typing import Final

from instep.core.conditions import Condition
from instep.core.dataflow import Pair, Property
from instep.core.model import Both, Field, Side
from instep.core.transformations.arguments import parse, spelled_scalar
from instep.core.transformations.contract import (
    Arguments,
    Canon,
    Lookup,
    Opaque,
    SubProperty,
    Unfit,
    Unlinked,
)
from instep.core.values import ABSENT, Json, Raw, get_path, is_empty, set_path
from instep.dataflow.documents.types import Entities, field_of
from instep.qa.likely import numbers, texts, typed

FULL: Final = 200
"""Characters of a text where neither system says how many there may be."""
MOST: Final = 2000


@dataclass
class Draft:
    """What a record is to hold on one side, and what its partner should then hold: nested fields. `raws`: what was
    chosen per property; `left_out`: properties without a value, and why. `new`: the record is to be made, and so is
    not to be out of use. `unknown`: only values that were never used before. `meeting`: what it is to meet."""

    here: dict[str, Json] = field(default_factory=dict)
    there: dict[str, Json] = field(default_factory=dict)
    raws: dict[str, Raw] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    new: bool = False
    unknown: bool = False
    meeting: Sequence[Condition] = ()

    @property
    def unmet(self) -> Condition | None:
        return next((one for one in self.meeting if not one.holds(self.here)), None)


@dataclass
class Values:
    """`mark`: what all texts bear that have room for it. `ids`: the ids of linked records of an entity."""

    entities: Entities
    lookup: Lookup
    mark: str
    ids: Callable[[Side, str], list[str]]
    _count: Iterator[int] = field(default_factory=lambda: count(1))

    def fill(
        self,
        draft: Draft,
        pair: Pair,
        side: Side,
        properties: Sequence[Property],
        known: Mapping[str, list[Canon]],
    ) -> None:
        """Take a value for each property into the draft: one that differs from all that are `known`, or at least
        from the last two or the last of them, unless the record is new and is not matched by it. Then what is still
        to be met."""
        for prop in sorted(
            properties, key=lambda p: len(p.parts[side].context) + len(p.parts[side.other].context)
        ):
            new = draft.new and not any(prop.name in key.properties for key in pair.match)
            before = [] if new else known.get(prop.name, [])
            tried = (before,) if draft.unknown else (before, before[-2:], before[-1:])
            others = (self.all(draft, pair, side, prop, few) for few in tried)
            found = next(chain.from_iterable(others), None)
            if found is None:
                draft.left_out[prop.name] = self._why_none(draft, side, prop)
                continue
            raw, target = found
            draft.raws[prop.name] = raw
            _take(draft.here, prop.parts[side].fields, raw)
            _take(draft.there, prop.parts[side.other].fields, target)
        for one in draft.meeting:
            if not one.holds(draft.here):
                for value in islice(self.meeting(pair, side, one), 1):
                    set_path(draft.here, one.path, value)

    def _why_none(self, draft: Draft, side: Side, prop: Property) -> str:
        paths = prop.parts[side].fields
        refers = _referred(prop.as_written, side)
        if refers:
            return f"there is no other linked record {refers} that it could refer to"
        asked = next((f", where {one}" for one in draft.meeting if one.path in paths), "")
        return f"no value was found that both systems can hold{asked}"

    def meeting(self, pair: Pair, side: Side, condition: Condition) -> Iterator[Json]:
        """Values of a condition's field that meet it, if there are any and a call writes them."""
        known = field_of(self.entities, pair, side, condition.path)
        if known is not None and not (known.create or known.update):
            return
        if condition.negated and not condition.values:
            yield None
        elif condition.values and not condition.negated:
            text = known is not None and known.type == "text"
            for value in condition.values:
                spelled = spelled_scalar(value) if text and not isinstance(value, str) else value
                if _holds(known, spelled):
                    yield spelled
        else:
            fields = [known] if known is not None else []
            refers = known.reference if known is not None else ""
            for other in self._likely(fields, condition.path, side, known, refers):
                if condition.holds(_nested(condition.path, other)):
                    yield other

    def all(
        self, draft: Draft, pair: Pair, side: Side, prop: Property, known: list[Canon]
    ) -> Iterator[tuple[Raw, Raw]]:
        """Every value at hand, no two of which mean the same."""
        taken = list(known)
        around = context(prop, side, draft.here)
        nothing: Raw = (ABSENT,) * len(prop.parts[side.other].fields)
        for raw in self._raws(draft, pair, prop, side, around):
            canon = prop.transformation.canon(side, raw + around, self.lookup)
            if canon is None or isinstance(canon, (Opaque, Unlinked)) or canon in taken:
                continue
            old = nothing + context(prop, side.other, draft.there)
            target = prop.transformation.put(side.other, canon, old, self.lookup)
            if isinstance(target, Unfit):
                continue
            if self._fits(pair, prop, side.other, target, draft) and self._fits(pair, prop, side, raw, draft):
                taken.append(canon)
                yield raw, target

    def _fits(self, pair: Pair, prop: Property, side: Side, raw: Raw, draft: Draft) -> bool:
        paths = prop.parts[side].fields
        held = (field_of(self.entities, pair, side, path) for path in paths)
        if not all(_holds(field, value) for field, value in zip(held, raw, strict=True)):
            return False
        entity = self.entities[side].get(pair.entity[side])
        shown = entity.retired if entity is not None else None
        return not (draft.new and shown is not None and shown in zip(paths, raw, strict=True))

    def _raws(self, draft: Draft, pair: Pair, prop: Property, side: Side, around: Raw) -> Iterator[Raw]:
        """Values of all fields of a property, the likeliest first; each meets what the draft is to meet."""
        paths = prop.parts[side].fields
        asked = [one for one in draft.meeting if one.path in paths]
        for raw in self._asked_first(pair, prop, side, around, asked):
            fields = dict(zip(paths, raw, strict=True))
            if all(one.holds(_nested(one.path, fields[one.path])) for one in asked):
                yield raw

    def _asked_first(
        self, pair: Pair, prop: Property, side: Side, around: Raw, asked: Sequence[Condition]
    ) -> Iterator[Raw]:
        paths = prop.parts[side].fields
        if prop.inside:
            yield from self._objects(prop, side, around)
            return
        if len(paths) == 1:
            for one in asked:
                yield from ((value,) for value in self.meeting(pair, side, one))
            yield from ((member[side],) for member in lookup_of(prop))
            yield from ((value,) for value in self._of_field(pair, prop, side, paths[0]))
            return
        for _ in range(3):
            # Words, that can be joined and split; then texts as long as there is room for.
            yield tuple(f"{self.mark}-{next(self._count)}" for _ in paths)
            yield tuple(next(self._of_field(pair, prop, side, path)) for path in paths)

    def _objects(self, prop: Property, side: Side, around: Raw) -> Iterator[Raw]:
        """An object, or one line of a list, with a value for each property inside; two of them."""
        for _ in range(2):
            made: dict[str, Json] = {}
            for sub in prop.inside:
                reads = tuple(
                    around[at] if isinstance(at, int) else get_path(made, at) for at in sub.contexts[side]
                )
                for raw in islice(self._inner(sub, side, reads), 1):
                    _take(made, sub.paths[side], raw)
            yield ([made] if prop.as_written.startswith("lines") else made,)

    def _inner(self, sub: SubProperty, side: Side, reads: Raw) -> Iterator[Raw]:
        """Values of a property inside, each written as its side spells it."""
        number = next(self._count)
        nothing: Raw = (ABSENT,) * len(sub.paths[side])
        refers = _referred(sub.as_written, side)
        if refers:
            values: list[Json] = [*self.ids(side, refers)]
        elif sub.as_written.startswith(("money", "decimal", "integer")):
            values = [*numbers(sub.paths[side][0], number)]
        else:
            values = [f"{self.mark} {number}"]
        for value in values:
            canon = sub.transformation.canon(side, (value,) * len(nothing) + reads, self.lookup)
            if canon is None or isinstance(canon, (Opaque, Unlinked)):
                continue
            raw = sub.transformation.put(side, canon, nothing + reads, self.lookup)
            if not isinstance(raw, Unfit):
                yield raw

    def _of_field(self, pair: Pair, prop: Property, side: Side, path: str) -> Iterator[Json]:
        """Values for one field of a property, as long as both sides have room for."""
        fields = [field_of(self.entities, pair, s, p) for s in Side for p in prop.parts[s].fields]
        known = field_of(self.entities, pair, side, path)
        refers = _referred(prop.as_written, side)
        return self._likely([each for each in fields if each is not None], path, side, known, refers)

    def _likely(
        self, around: Sequence[Field], path: str, side: Side, field: Field | None, refers: str = ""
    ) -> Iterator[Json]:
        """Values for one field, the likeliest first. `around`: the fields of both sides that have to hold them;
        `refers`: the entity whose ids they are."""
        if field is not None and field.choices:
            yield from (choice for choice in field.choices if _holds(field, choice))
            return
        if refers:
            for id in self.ids(side, refers):
                yield id
                yield from (int(id),) if id.isdigit() else ()
            return
        number = next(self._count)
        kind = "any" if field is None else field.type
        if kind in ("text", "any"):
            room = min((each.max_length for each in around if each.max_length is not None), default=FULL)
            yield from texts(path, self.mark, number, min(room, MOST))
        yield from typed(kind, number)


def context(prop: Property, side: Side, fields: Mapping[str, Json]) -> Raw:
    """The values that a property's transformation reads along."""
    return tuple(get_path(fields, path) for path in prop.parts[side].context)


def _nested(path: str, value: object) -> dict[str, Json]:
    made: dict[str, Json] = {}
    if not is_empty(value) and value is not ABSENT:  # type: ignore[arg-type]
        set_path(made, path, value)  # type: ignore[arg-type]
    return made


def _take(fields: dict[str, Json], paths: tuple[str, ...], raw: Raw) -> None:
    for path, value in zip(paths, raw, strict=True):
        if value is not ABSENT:
            set_path(fields, path, value)  # type: ignore[arg-type]


def _holds(field: Field | None, value: object) -> bool:
    """Whether a field takes a value, and lets go of it again."""
    if field is None:
        return True
    if field.choices is not None and value is not None:
        return value in field.choices and value not in field.by_hand + field.lasting
    return not (isinstance(value, str) and field.max_length is not None and len(value) > field.max_length)


def lookup_of(prop: Property) -> Sequence[Both[Json]]:
    """The values of both sides that a lookup says are the same; none for another transformation."""
    name, arguments = _spelled(prop.as_written)
    return [Both(left, right) for left, right in arguments.named] if name == "lookup" else []


def _referred(as_written: str, side: Side) -> str:
    """The entity whose ids a transformation reads on a side; "" if it reads none."""
    name, arguments = _spelled(as_written)
    return str(arguments.words[0 if side is Side.LEFT else 1]) if name == "reference" else ""


def _spelled(as_written: str) -> tuple[str, Arguments]:
    """The name and the arguments of a transformation, if it is written in one line."""
    try:
        return parse(as_written)
    except ValueError:
        return "", Arguments()
