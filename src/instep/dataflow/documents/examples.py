"""An example of a property: a value of one side, and what its transformation makes of it on the other.

Nothing is made up about the transformation: it runs. Only the first value is, by the field's type and name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from instep.core.dataflow import Pair, Property
from instep.core.model import Field, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Opaque, Unfit
from instep.core.transformations.no_links import NO_LINKS
from instep.core.values import ABSENT, Absent, Json, Raw
from instep.dataflow.documents.page import Code, Text, one_line, text
from instep.dataflow.documents.types import Entities, field_of

BY_NAME: Final[tuple[tuple[str, str], ...]] = (
    ("email", "ann@example.com"),
    ("phone", "+47 22 12 34 56"),
    ("first", "Ann"),
    ("given", "Ann"),
    ("last", "Berg"),
    ("family", "Berg"),
    ("company", "Acme AS"),
    ("line1", "Storgata 1"),
    ("line2", "2nd floor"),
    ("street2", "2nd floor"),
    ("street", "Storgata 1"),
    ("city", "Oslo"),
    ("zip", "0155"),
    ("postal", "0155"),
    ("country", "NO"),
    ("currency", "EUR"),
    ("locale", "en-GB"),
    ("language", "en"),
    ("url", "https://example.com/1"),
    ("vat", "NO123456789MVA"),
    ("tax", "NO123456789MVA"),
    ("name", "Acme"),
    ("id", "A-100"),
    ("code", "A-100"),
)
"""Part of a field's name to a value; the first one counts."""

BY_TYPE: Final[Mapping[str, tuple[Json, ...]]] = {
    "integer": (30, "30"),
    "decimal": (Decimal("12.50"), "12.50", 12),
    "boolean": (True,),
    "timestamp": (1_767_225_600,),
    "datetime": ("2026-01-01T12:00:00Z",),
    "date": ("2026-01-01",),
}
ANY: Final[tuple[Json, ...]] = ("text", 30, "12.50", True, "2026-01-01", "NO", "EUR", "en", 1_767_225_600)
"""Values for a field of which nothing is known, until the transformation takes one."""

ARROWS: Final = {"both": " ↔ ", "to-right": " → ", "to-left": " ← "}


class Example(NamedTuple):
    """Raw values of the mapped fields: `source` on the side from which the value comes, `target` on the other."""

    side: Side
    source: Raw
    target: Raw


def example_of(prop: Property, pair: Pair, entities: Entities) -> Example | None:
    """Values of a property that agree; None if none of those that are tried can be written."""
    name = _name(prop)
    if name == "reference" or prop.inside or ":" in name:
        return None
    side = Side.LEFT if prop.may_flow(Side.RIGHT) else Side.RIGHT
    around = _context(prop, pair, entities, side.other)
    nothing: Raw = (ABSENT,) * len(prop.parts[side.other].fields)
    for source in _sources(prop, pair, entities, side):
        canon = prop.transformation.canon(side, source + _context(prop, pair, entities, side), NO_LINKS)
        if canon is None or isinstance(canon, Opaque):
            continue
        target = prop.transformation.put(side.other, canon, nothing + around, NO_LINKS)
        if not isinstance(target, Unfit):
            return Example(side, source, target)
    return None


def example_text(prop: Property, pair: Pair, entities: Entities) -> Text:
    """The example as a cell of a table, the left side first."""
    found = example_of(prop, pair, entities)
    if found is None:
        return ("a record's partner",) if _name(prop) == "reference" else ()
    left, right = found.source, found.target
    if found.side is Side.RIGHT:
        left, right = right, left
    return text(*_shown(left), ARROWS[prop.flow], *_shown(right))


def _name(prop: Property) -> str:
    try:
        return parse(prop.as_written)[0]
    except ValueError:
        return ""


def _sources(prop: Property, pair: Pair, entities: Entities, side: Side) -> Iterator[Raw]:
    """Raw values to try, one per mapped field."""
    fields = prop.parts[side].fields
    if len(fields) > 1:
        yield tuple(_likely(field_of(entities, pair, side, path), path)[0] for path in fields)
        return
    for value in _of_lookup(prop, side):
        yield (value,)
    for value in _likely(field_of(entities, pair, side, fields[0]), fields[0]):
        yield (value,)


def _of_lookup(prop: Property, side: Side) -> Iterator[Json]:
    if _name(prop) == "lookup":
        for left, right in parse(prop.as_written)[1].named:
            yield left if side is Side.LEFT else right


def _likely(field: Field | None, path: str) -> tuple[Json, ...]:
    if field is not None and field.choices:
        return field.choices
    kind = "any" if field is None else field.type
    last = path.rpartition(".")[2].casefold()
    named = tuple(value for part, value in BY_NAME if part in last) if kind in ("text", "any") else ()
    return (*named, *BY_TYPE.get(kind, ()), *ANY)


def _context(prop: Property, pair: Pair, entities: Entities, side: Side) -> Raw:
    return tuple(_likely(field_of(entities, pair, side, path), path)[0] for path in prop.parts[side].context)


def _shown(raw: Raw) -> Text:
    found: list[str | Code] = []
    for value in raw:
        shown: str | Code = "empty"
        if not isinstance(value, Absent) and value is not None:
            spelled = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
            shown = Code(one_line(spelled))
        found += [", ", shown] if found else [shown]
    return text(*found)
