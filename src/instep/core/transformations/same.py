"""The transformation `same`: a value as it is, whatever its kind."""

from __future__ import annotations

from decimal import Decimal

from instep.core.model import Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Maker, Transformation, Unfit
from instep.core.transformations.lens import Junk, one
from instep.core.transformations.numbers import plain
from instep.core.values import Absent, Json

DEEPEST = 40


def freeze(value: object, depth: int = 0) -> Canon | Junk:
    """A hashable picture of any JSON: lists and objects become tuples that begin with "list" or "object"."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | Decimal):
        number = plain(value)
        return Junk("a number is too large or too fine to be compared") if number is None else number
    if depth == DEEPEST:
        return Junk(f"lists and objects are nested more than {DEEPEST} deep")
    inner: list[Canon] = []
    items: list[object] = []
    if isinstance(value, list):
        inner, items = ["list"], value
    elif not isinstance(value, dict):
        return Junk(f"a {type(value).__name__} is not JSON")
    else:
        names = sorted(value)
        inner, items = ["object", tuple(names)], [value[name] for name in names]
    for item in items:
        frozen = freeze(item, depth + 1)
        if isinstance(frozen, Junk):
            return frozen
        inner.append(frozen)
    return tuple(inner)


def thaw(canon: Canon) -> Json:
    """The inverse of `freeze`, up to the spelling of numbers."""
    if isinstance(canon, tuple):
        if canon[0] == "list":
            return [thaw(item) for item in canon[1:]]
        return {name: thaw(item) for name, item in zip(canon[1], canon[2:], strict=True)}
    assert canon is None or isinstance(canon, bool | int | str | Decimal)
    return canon


def _read(_side: Side, value: Json) -> Canon | Junk:
    return freeze(value)


def _write(_side: Side, canon: Canon, _old: Json | Absent) -> Json | Unfit:
    return thaw(canon)


same: Transformation = one(_read, _write)


def _build(arguments: Arguments) -> Transformation:
    Given("same", arguments).done()
    return same


MAKERS = (
    Maker(
        "same",
        "The value as it is. Numbers are compared as numbers (1.5 is 1.50); empty text is empty.",
        _build,
        {},
        "first_name <-> given_name",
    ),
)
