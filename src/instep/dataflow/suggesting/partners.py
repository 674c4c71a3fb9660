"""Which records of two samples are the same thing, where no links tell: those that share a value of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from instep.core.model import Both, Entity, Record
from instep.core.values import Json
from instep.dataflow.suggesting.columns import Column, columns_of

FEWEST: Final = 3
"""Partners below which a shared value is taken for chance."""
TELLING: Final = 0.8
"""Share of a field's values that no other record has, for it to be asked."""
_TRIED: Final = 6


@dataclass(frozen=True)
class Found:
    """Records that are the same thing, as positions in the two samples, and the fields whose values told so: None
    where links did, or where nothing did."""

    positions: tuple[Both[int], ...] = ()
    key: Both[str] | None = None


def find_partners(entities: Both[Entity], samples: Both[list[Record]]) -> Found:
    """By the pair of fields that share most, weighed by how many other fields agree on the records so found; numbers
    alone, that agree on nothing else, are taken for chance."""
    columns = Both(columns_of(entities.left, samples.left), columns_of(entities.right, samples.right))
    shared: Counter[tuple[int, int]] = Counter()
    unique = columns.map(lambda some: [_unique(column) for column in some])
    where: dict[str, list[int]] = {}
    for at, values in enumerate(unique.right):
        for text in values:
            where.setdefault(text, []).append(at)
    for at, values in enumerate(unique.left):
        for text in values:
            for other in where.get(text, ()):
                shared[at, other] += 1
    best, best_weight = Found(), 0
    for (at, other), count in shared.most_common(_TRIED):
        if count < FEWEST:
            break
        left, right = unique.left[at], unique.right[other]
        positions = tuple(Both(left[text], right[text]) for text in left if text in right)
        agreeing = _agreeing(columns, positions, (at, other))
        weight = count * (1 + agreeing)
        numbers = all(text.isdigit() for text in left if text in right)
        if weight > best_weight and (agreeing or not numbers):
            key = Both(columns.left[at].path, columns.right[other].path)
            best, best_weight = Found(positions, key), weight
    return best


def _unique(column: Column) -> Mapping[str, int]:
    """Value -> the one record that has it; nothing of a field whose values tell records apart only now and then."""
    texts = [_text(value) for value in column.values]
    counts = Counter(text for text in texts if text)
    found = {text: at for at, text in enumerate(texts) if counts[text] == 1}
    return found if len(found) >= TELLING * counts.total() else {}


def _text(value: Json) -> str:
    """As two systems would spell the same; "" for what tells no record from another."""
    if isinstance(value, str):
        text = value.strip().casefold()
        return text if len(text) > 2 else ""
    return "" if value is None or isinstance(value, bool | list | dict) else str(value)


def _agreeing(columns: Both[list[Column]], positions: Sequence[Both[int]], key: tuple[int, int]) -> int:
    """How many other fields of the left have one on the right that mostly says the same, and not one thing only."""
    left = [[_text(column.values[each.left]) for each in positions] for column in columns.left]
    right = [[_text(column.values[each.right]) for each in positions] for column in columns.right]
    found = 0
    for at, mine in enumerate(left):
        filled = sum(map(bool, mine))
        if at == key[0] or filled < FEWEST or len(set(mine)) < FEWEST:
            continue
        found += any(
            other != key[1] and 2 * sum(a == b != "" for a, b in zip(mine, theirs, strict=True)) > filled
            for other, theirs in enumerate(right)
        )
    return found
