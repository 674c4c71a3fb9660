"""A sample of records, field by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from instep.core.model import Entity, Field, Record, Side
from instep.core.transformations.contract import Canon, Lookup, Opaque, Transformation, canon_key
from instep.core.values import ABSENT, Json, is_empty

MOST_DEPTH: Final = 4
MOST_COLUMNS: Final = 300
"""A system may nest and invent as it likes; no more than this is looked at."""
ENOUGH: Final = 0.95
"""Share of the values that have to be of a kind, for the field to be of it."""
_TIMES: Final = {"timestamp": "seconds", "datetime": "iso", "date": "date"}
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_WHOLE: Final = re.compile(r"-?\d{1,30}")


@dataclass(frozen=True)
class Column:
    """One field at its dotted path: `values` has one for each record of the sample, None where it is empty."""

    path: str
    field: Field
    values: tuple[Json, ...]

    @cached_property
    def filled(self) -> tuple[Json, ...]:
        return tuple(value for value in self.values if value is not None)

    @cached_property
    def distinct(self) -> int:
        return len({repr(value) for value in self.filled})

    @property
    def writable(self) -> bool:
        return self.field.create or self.field.update

    @property
    def is_list(self) -> bool:
        return any(isinstance(value, list) for value in self.filled)

    @cached_property
    def is_text(self) -> bool:
        return self.holds(str)

    @cached_property
    def is_mail(self) -> bool:
        return self.is_text and self.mostly(lambda value: "@" in str(value))

    @cached_property
    def is_truth(self) -> bool:
        return self.field.type == "boolean" or self.holds(bool)

    @cached_property
    def is_number(self) -> bool:
        """Whether it holds numbers, as such or as text."""
        return self._spells(_NUMBER)

    @cached_property
    def is_whole(self) -> bool:
        return self._spells(_WHOLE)

    @cached_property
    def time(self) -> str:
        """How it holds times, in the words of a dataflow; "" if it holds none."""
        if self.field.type in _TIMES:
            return _TIMES[self.field.type]
        if self.is_text and self.mostly(lambda value: _DAY.match(str(value)) is not None):
            return "iso" if self.mostly(lambda value: "T" in str(value)) else "date"
        return ""

    def mostly(self, test: Callable[[Json], bool]) -> bool:
        """Whether it has values, and as good as all of them pass a test."""
        return bool(self.filled) and sum(map(test, self.filled)) >= ENOUGH * len(self.filled)

    def _spells(self, pattern: re.Pattern[str]) -> bool:
        return self.holds(int, Decimal, str) and all(pattern.fullmatch(str(value)) for value in self.filled)

    def holds(self, *types: type) -> bool:
        """Whether it has values, and all of them are of one of these types; a boolean is no integer here."""
        return bool(self.filled) and all(
            isinstance(value, types) and (bool in types or not isinstance(value, bool))
            for value in self.filled
        )

    def keys(
        self, transformation: Transformation, side: Side, lookup: Lookup, context: Column | None = None
    ) -> list[str | None]:
        """What each value means, as a text that equal meanings share; None where it is empty or can't be read."""
        along: Sequence[Json] = context.values if context is not None else ()
        found: list[str | None] = []
        for at, value in enumerate(self.values):
            raw: tuple[Any, ...] = (
                (value, along[at] if along[at] is not None else ABSENT) if along else (value,)
            )
            canon: Canon = None if value is None else transformation.canon(side, raw, lookup)
            found.append(None if canon is None or isinstance(canon, Opaque) else canon_key(canon))
        return found


def columns_of(entity: Entity, records: Sequence[Record]) -> list[Column]:
    """Every leaf that the records have, or that the entity declares, by path; lists are leaves. The field for our own
    reference is left out, since no person fills it."""
    values: dict[str, list[Json]] = {"id": [record.id for record in records]}
    for at, record in enumerate(records):
        for path, value in _leaves(record.fields):
            if len(values) >= MOST_COLUMNS and path not in values:
                continue
            values.setdefault(path, [None] * len(records))[at] = value
    for field in entity.fields:
        inner = f"{field.path}."
        if field.type != "object" and not any(path.startswith(inner) for path in values):
            values.setdefault(field.path, [None] * len(records))
    own = entity.abilities.marker
    return [
        Column(path, entity.field(path) or Field(path), tuple(of))
        for path, of in sorted(values.items())
        if path != own
    ]


def _leaves(fields: Mapping[str, Json], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Json]]:
    for name, value in fields.items():
        if not name or any(letter in name for letter in ",|"):
            continue  # a path of a dataflow can't have it
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value and depth < MOST_DEPTH:
            yield from _leaves(value, f"{path}.", depth + 1)
        elif not isinstance(value, dict):
            yield path, None if is_empty(value) else value
