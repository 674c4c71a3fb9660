"""Conditions on a record's own fields: which records a pair is for, and when a property is required.

Spelled as `company`, `not company`, `type = firm`, `type != firm`, `type in (firm, school)`,
`type not in (firm, school)`. A field that is empty, or that a reading did not offer, has no value: of the
conditions that name values, only those with a "not" hold for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from instep.core.transformations.arguments import scalar, spelled_scalar, split_outside
from instep.core.transformations.contract import Scalar
from instep.core.values import Absent, Json, get_path, is_empty

_PATH: Final = r"[A-Za-z_][\w.-]*"
_ALONE: Final = re.compile(rf"(not\s+)?({_PATH})\Z")
_COMPARED: Final = re.compile(rf"({_PATH})\s*(!?=)\s*(\S.*)\Z", re.DOTALL)
_LISTED: Final = re.compile(rf"({_PATH})\s+(not\s+)?in\s*\((.*)\)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that has to be so. `values`: none for "has a value", else any of them. `negated`: it must not be."""

    path: str
    values: tuple[Scalar, ...] = ()
    negated: bool = False

    def holds(self, fields: Mapping[str, Json]) -> bool:
        """Whether a record with these fields (nested, as a sighting keeps them) meets it. Never raises."""
        value = get_path(fields, self.path)
        if not self.values:
            return (isinstance(value, Absent) or is_empty(value)) is self.negated
        return any(_same(value, wanted) for wanted in self.values) is not self.negated

    @property
    def missed(self) -> str:
        """What to say of a record that does not meet it."""
        if not self.values:
            return f"{self.path} {'has a value' if self.negated else 'is empty'}"
        listed = " or ".join(spelled_scalar(value) for value in self.values)
        return f"{self.path} is {'' if self.negated else 'not '}{listed}"

    def __str__(self) -> str:
        if not self.values:
            return f"not {self.path}" if self.negated else self.path
        if len(self.values) == 1:
            return f"{self.path} {'!=' if self.negated else '='} {spelled_scalar(self.values[0])}"
        listed = ", ".join(spelled_scalar(value) for value in self.values)
        return f"{self.path} {'not in' if self.negated else 'in'} ({listed})"


def parse_condition(text: str) -> Condition:
    """Read the spelling of one condition. Raises ValueError with a sentence and, after ". ", how to mend it."""
    spelled = text.strip()
    found: re.Match[str] | None
    if found := _ALONE.match(spelled):
        return Condition(found[2], negated=bool(found[1]))
    if found := _LISTED.match(spelled):
        values = [scalar(piece) for piece in split_outside(found[3], ",", spelled) if piece.strip()]
        if not values:
            raise ValueError(f'"{spelled}" names no value. Write: {found[1]} in (ONE, OTHER)')
        return Condition(found[1], tuple(values), bool(found[2]))
    if found := _COMPARED.match(spelled):
        if len(split_outside(found[3], ",", spelled)) > 1:
            raise ValueError(f'"{spelled}" compares with several values. Write: {found[1]} in ({found[3]})')
        return Condition(found[1], (scalar(found[3]),), found[2] == "!=")
    raise ValueError(
        f'"{spelled}" is not a condition. Write a field, or: not FIELD, FIELD = VALUE, FIELD != VALUE, '
        "FIELD in (ONE, OTHER), FIELD not in (ONE, OTHER)"
    )


def unmet(conditions: Iterable[Condition], fields: Mapping[str, Json]) -> Condition | None:
    """The first condition that a record does not meet; None if it meets all of them."""
    return next((condition for condition in conditions if not condition.holds(fields)), None)


def _same(value: Json | object, wanted: Scalar) -> bool:
    """As people read values: a number that an API spells as text is the number; True is not 1."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted or (isinstance(value, str) and value.casefold() == str(wanted).casefold())
    if wanted is None:
        return value is None
    if isinstance(value, str):
        return value.strip() == str(wanted)
    return isinstance(value, int | Decimal) and (value == wanted or str(value) == str(wanted))
