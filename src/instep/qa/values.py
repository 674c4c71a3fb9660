"""Values to write: for every property ever new ones, that both systems can hold and the transformation can read.

They follow from the names and types of the fields. Those of a property that a `Draft` takes are consistent with the
values that its transformation reads along, a currency say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Final

from instep.core.dataflow import Pair, Property
from instep.core.model import Field, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Canon, Lookup, Opaque, SubProperty, Unfit, Unlinked
from instep.core.values import ABSENT, Json, Raw, get_path, set_path
from instep.dataflow.documents.types import Entities, field_of

COUNTRIES: Final = ("NO", "DK", "CH", "AT", "BE", "SI")
CURRENCIES: Final = ("EUR", "NOK", "USD")
LANGUAGES: Final = ("en", "de", "fr", "sv", "fi", "es")
DAYS: Final = (30, 14, 60, 45, 90)
"""Words and numbers that most systems know, where a field takes no others. The countries all have zip codes of four
digits, so that those of `BY_NAME` go with each."""

FULL: Final = 200
"""Characters of a text where neither system says how many there may be."""
MOST: Final = 2000


@dataclass
class Draft:
    """What a record is to hold on one side, and what its partner should then hold: nested fields. `raws`: what was
    chosen per property; `left_out`: properties without a value, and why. `new`: the record is to be made, and so is
    not to be out of use."""

    here: dict[str, Json] = field(default_factory=dict)
    there: dict[str, Json] = field(default_factory=dict)
    raws: dict[str, Raw] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    new: bool = False


@dataclass
class Values:
    """`mark`: what all texts bear that have room for it. `ids`: the ids of linked records on a side."""

    entities: Entities
    lookup: Lookup
    mark: str
    ids: Callable[[Side], list[str]]
    _count: Iterator[int] = field(default_factory=lambda: count(1))

    def fill(
        self,
        draft: Draft,
        pair: Pair,
        side: Side,
        properties: list[Property],
        known: Mapping[str, list[Canon]],
    ) -> None:
        """Take a value for each property into the draft: one that differs from all that are `known`, or at least
        from the last of them."""
        for prop in sorted(
            properties, key=lambda p: len(p.parts[side].context) + len(p.parts[side.other].context)
        ):
            before = known.get(prop.name, [])
            found = next(self.all(draft, pair, side, prop, before), None)
            found = found or next(self.all(draft, pair, side, prop, before[-1:]), None)
            if found is None:
                draft.left_out[prop.name] = "no value was found that both systems can hold"
                continue
            raw, target = found
            draft.raws[prop.name] = raw
            _take(draft.here, prop.parts[side].fields, raw)
            _take(draft.there, prop.parts[side.other].fields, target)

    def all(
        self, draft: Draft, pair: Pair, side: Side, prop: Property, known: list[Canon]
    ) -> Iterator[tuple[Raw, Raw]]:
        """Every value at hand, no two of which mean the same."""
        taken = list(known)
        around = context(prop, side, draft.here)
        nothing: Raw = (ABSENT,) * len(prop.parts[side.other].fields)
        for raw in self._objects(prop, side, around) if prop.inside else self._raws(pair, prop, side):
            canon = prop.transformation.canon(side, raw + around, self.lookup)
            if canon is None or isinstance(canon, (Opaque, Unlinked)) or canon in taken:
                continue
            old = nothing + context(prop, side.other, draft.there)
            target = prop.transformation.put(side.other, canon, old, self.lookup)
            if isinstance(target, Unfit) or not self._fits(pair, prop, side.other, target):
                continue
            if draft.new and (
                self._retired(pair, prop, side, raw) or self._retired(pair, prop, side.other, target)
            ):
                continue
            if self._fits(pair, prop, side, raw):
                taken.append(canon)
                yield raw, target

    def _fits(self, pair: Pair, prop: Property, side: Side, raw: Raw) -> bool:
        fields = [field_of(self.entities, pair, side, path) for path in prop.parts[side].fields]
        return all(_holds(field, value) for field, value in zip(fields, raw, strict=True))

    def _retired(self, pair: Pair, prop: Property, side: Side, raw: Raw) -> bool:
        entity = self.entities[side].get(pair.entity[side])
        shown = entity.retired if entity is not None else None
        return shown is not None and shown in zip(prop.parts[side].fields, raw, strict=True)

    def _raws(self, pair: Pair, prop: Property, side: Side) -> Iterator[Raw]:
        paths = prop.parts[side].fields
        for one in _of_lookup(prop, side):
            yield (one,)
        if len(paths) == 1:
            for value in self._likely(pair, prop, side, paths[0]):
                yield (value,)
            return
        for _ in range(3):
            yield tuple(
                f"{self.mark}-{next(self._count)}" for _ in paths
            )  # words, that can be joined and split
            yield tuple(next(self._likely(pair, prop, side, path)) for path in paths)

    def _objects(self, prop: Property, side: Side, around: Raw) -> Iterator[Raw]:
        """An object, or one line of a list, with a value for each property inside; two of them."""
        for _ in range(2):
            made: dict[str, Json] = {}
            for sub in prop.inside:
                reads = tuple(
                    around[at] if isinstance(at, int) else get_path(made, at) for at in sub.contexts[side]
                )
                _take(made, sub.paths[side], next(self._inner(sub, side, reads), ()))
            yield ([made] if prop.as_written.startswith("lines") else made,)

    def _inner(self, sub: SubProperty, side: Side, reads: Raw) -> Iterator[Raw]:
        """Values of a property inside, each written as its side spells it."""
        number = next(self._count)
        nothing: Raw = (ABSENT,) * len(sub.paths[side])
        if sub.as_written.startswith("reference"):
            values: list[Json] = [*self.ids(side)]
        elif sub.as_written.startswith(("money", "decimal", "integer")):
            values = [Decimal(number % 20 + 5), number % 20 + 5]
        else:
            values = [f"{self.mark} {number}"]
        for value in values:
            canon = sub.transformation.canon(side, (value,) * len(nothing) + reads, self.lookup)
            if canon is None or isinstance(canon, (Opaque, Unlinked)):
                continue
            raw = sub.transformation.put(side, canon, nothing + reads, self.lookup)
            if not isinstance(raw, Unfit):
                yield raw

    def _likely(self, pair: Pair, prop: Property, side: Side, path: str) -> Iterator[Json]:
        """Values for one field, the likeliest first; for a text one as long as both sides have room for, then a
        short one."""
        field = field_of(self.entities, pair, side, path)
        if field is not None and field.choices:
            yield from (choice for choice in field.choices if choice not in field.by_hand)
            return
        if any(_refers(self.entities, pair, prop, each) for each in Side):
            for id in self.ids(side):
                yield id
                yield from (int(id),) if id.isdigit() else ()
            return
        number = next(self._count)
        kind = "any" if field is None else field.type
        if kind in ("text", "any"):
            yield from self._texts(path, number, self._room(pair, prop))
        yield from _typed(kind, number)

    def _room(self, pair: Pair, prop: Property) -> int:
        """How many characters every field of a property has room for."""
        fields = [field_of(self.entities, pair, s, path) for s in Side for path in prop.parts[s].fields]
        rooms = [f.max_length for f in fields if f is not None and f.max_length is not None]
        return min(min(rooms, default=FULL), MOST)

    def _texts(self, path: str, number: int, room: int) -> Iterator[Json]:
        last = path.rpartition(".")[2].casefold()
        for part, make in BY_NAME:
            if part in last:
                yield from make(self.mark, number)
                return
        words = f"{self.mark} {number} {path.replace('.', ' ').replace('_', ' ')}"
        short = words if len(words) <= room else f"{number:04} {self.mark}"[:room]
        yield short + " " + "x" * (room - len(short) - 1) if room > len(short) + 1 else short
        yield short


def context(prop: Property, side: Side, fields: Mapping[str, Json]) -> Raw:
    """The values that a property's transformation reads along."""
    return tuple(get_path(fields, path) for path in prop.parts[side].context)


def _take(fields: dict[str, Json], paths: tuple[str, ...], raw: Raw) -> None:
    for path, value in zip(paths, raw, strict=True):
        if value is not ABSENT:
            set_path(fields, path, value)  # type: ignore[arg-type]


def _holds(field: Field | None, value: object) -> bool:
    if field is None:
        return True
    if field.choices is not None and value is not None:
        return value in field.choices and value not in field.by_hand
    return not (isinstance(value, str) and field.max_length is not None and len(value) > field.max_length)


def _refers(entities: Entities, pair: Pair, prop: Property, side: Side) -> bool:
    fields = [field_of(entities, pair, side, path) for path in prop.parts[side].fields]
    return any(field is not None and field.reference for field in fields)


def _of_lookup(prop: Property, side: Side) -> Iterator[Json]:
    try:
        name, arguments = parse(prop.as_written)
    except ValueError:
        return
    if name == "lookup":
        for left, right in arguments.named:
            yield left if side is Side.LEFT else right


def _cycle(words: tuple[str, ...]) -> Callable[[str, int], Iterator[Json]]:
    def make(mark: str, number: int) -> Iterator[Json]:
        del mark
        start = number % len(words)
        yield from (*words[start:], *words[:start])

    return make


def _spelled(pattern: str) -> Callable[[str, int], Iterator[Json]]:
    def make(mark: str, number: int) -> Iterator[Json]:
        yield pattern.format(mark=mark, n=number)

    return make


def _zip(mark: str, number: int) -> Iterator[Json]:
    del mark
    yield str(1000 + number % 9000)


BY_NAME: Final[tuple[tuple[str, Callable[[str, int], Iterator[Json]]], ...]] = (
    ("email", _spelled("{mark}-{n}@qa.example")),
    ("phone", _spelled("+47 22 1{n:05}")),
    ("zip", _zip),
    ("postal", _zip),
    ("country", _cycle(COUNTRIES)),
    ("currency", _cycle(CURRENCIES)),
    ("locale", _cycle(LANGUAGES)),
    ("language", _cycle(LANGUAGES)),
    ("url", _spelled("https://qa.example/{mark}/{n}")),
    ("website", _spelled("https://qa.example/{mark}/{n}")),
    ("vat", _spelled("NO9{n:08}MVA")),
    ("tax", _spelled("NO9{n:08}MVA")),
    ("id", _spelled("{mark}-{n}")),
    ("code", _spelled("{mark}-{n}")),
)
"""Part of a field's name to a way to make values; the first one counts."""

BEGIN: Final = date(2026, 1, 1)


def _typed(kind: str, number: int) -> Iterator[Json]:
    day = BEGIN + timedelta(days=number)
    moment = datetime(day.year, day.month, day.day, 10, 20, 30, tzinfo=UTC)
    amount = Decimal(number % 9000 + 1000).scaleb(-2)
    if kind in ("integer", "any"):
        start = number % len(DAYS)
        yield from (*DAYS[start:], *DAYS[:start])
        yield str(DAYS[start])
    if kind in ("decimal", "any", "object"):
        yield from (amount, str(amount))
    if kind in ("boolean", "any"):
        yield from (True, False)
    if kind in ("timestamp", "any"):
        yield int(moment.timestamp())
    if kind in ("datetime", "any"):
        yield moment.isoformat().replace("+00:00", "Z")
    if kind in ("date", "any"):
        yield day.isoformat()
