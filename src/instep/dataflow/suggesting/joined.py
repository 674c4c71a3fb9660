"""Two text fields of one side that the other holds as one, as given and family name are held as a full name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from instep.core.model import Both, Side
from instep.dataflow.suggesting.columns import Column
from instep.dataflow.suggesting.names import words

FEWEST: Final = 5
_SEPARATORS: Final = (" ", ", ", ",", "; ", "-", "/")
_SHARE: Final = 0.8
_TRIED: Final = 12

Joined: TypeAlias = tuple[Side, Column, tuple[Column, Column], str, int, int]
"""The side of the one field, that field, the two of the other side in their order, the transformation, how many
records agree and how many have the one field."""


def joined(columns: Both[list[Column]]) -> Iterator[Joined]:
    """Every such field that most records speak for."""
    for side in Side:
        parts = [column for column in columns[side.other] if column.holds(str) and column.writable]
        for whole in columns[side]:
            if not whole.holds(str) or not whole.writable or len(whole.filled) < FEWEST:
                continue
            yield from _of(side, whole, parts)


def _of(side: Side, whole: Column, parts: Sequence[Column]) -> Iterator[Joined]:
    votes: Counter[tuple[int, int, str]] = Counter()
    for at, value in enumerate(whole.values):
        if not isinstance(value, str):
            continue
        text = value.strip()
        begins = [n for n, part in enumerate(parts) if text.startswith(_at(part, at) or "\0")]
        ends = [n for n, part in enumerate(parts) if text.endswith(_at(part, at) or "\0")]
        for first in begins:
            for last in ends:
                between = text[len(_at(parts[first], at)) : len(text) - len(_at(parts[last], at))]
                if first != last and between in _SEPARATORS:
                    votes[first, last, between] += 1
    for (first, last, between), count in votes.most_common(_TRIED):
        if count >= _SHARE * len(whole.filled):
            pair = parts[first], parts[last]
            yield side, whole, pair, _spelled(between, whole, pair), count, len(whole.filled)


def _at(column: Column, at: int) -> str:
    value = column.values[at]
    return value.strip() if isinstance(value, str) else ""


def _spelled(between: str, whole: Column, parts: tuple[Column, Column]) -> str:
    named = all("name" in words(column.path) for column in (whole, *parts))
    return "names" if between == " " and named else f"join('{between}')"
