"""How alike two field names are: the same words, words that systems use for the same thing, or similar ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache
from typing import Final

from instep.dataflow.proposal import CUSTOMER, ITEM, LINE, ORDER, PRICE, Likely

SYNONYM: Final = 0.9
SIMILAR: Final = 0.8
"""What a synonym counts, and the most that a mere likeness does; the same name is 1."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LEAF: Final = 0.75


def words(name: str) -> tuple[str, ...]:
    """("given", "name") for given_name, givenName and Given-Name."""
    return tuple(word.lower() for word in _WORD.findall(name))


@cache
def likeness(left: str, right: str) -> float:
    """From 0 to 1, of two dotted paths: what the last names say, and a little of what stands before them."""
    (above_left, leaf_left), (above_right, leaf_right) = _split(left), _split(right)
    leaf = _alike(words(leaf_left), words(leaf_right))
    if not above_left and not above_right:
        return leaf
    above = _alike(above_left, above_right) if above_left and above_right else 0.5
    return _LEAF * leaf + (1 - _LEAF) * above


def _split(path: str) -> tuple[tuple[str, ...], str]:
    above, _, leaf = path.rpartition(".")
    return words(above), leaf


def _alike(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    joined = "_".join(left), "_".join(right)
    if _groups(joined[0]) & _groups(joined[1]):
        return SYNONYM
    shared = len(set(left) & set(right)) / len(set(left) | set(right))
    return SIMILAR * max(shared, SequenceMatcher(None, *joined).ratio())


def _groups(name: str) -> frozenset[int]:
    return _SYNONYMS.get(name, frozenset())


def _known() -> Iterator[Likely]:
    for kind in (CUSTOMER, ITEM, ORDER):
        yield from kind.likely
    yield from (*LINE, PRICE)


def _synonyms() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, likely in enumerate(_known()):
        for name in (likely.left.rpartition(".")[2], *likely.names):
            found.setdefault("_".join(words(name)), set()).add(number)
    return {name: frozenset(groups) for name, groups in found.items()}


_SYNONYMS: Final = _synonyms()
