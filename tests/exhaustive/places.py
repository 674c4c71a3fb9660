"""Places to go on from, each once, and in an order in which most are not gone on from at all."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from operator import ge
from typing import Any

from .little_world import LittleWorld

Left = tuple[int, int, int, int]
"""What is left of the budget: edits on the left and on the right, faults, crashes."""
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Place:
    """What lasts between two runs, as a copy to go on from. `whole`: what of it can make a difference, but for the
    budget that is `left`; `bare`: the same once no replica lags any more. `due_ms`: when the engine means to look
    again. `trail`: the answers that led here, run by run."""

    key: bytes
    whole: bytes
    bare: bytes
    left: Left
    world: LittleWorld
    rows: Rows
    due_ms: int | None
    trail: tuple[tuple[int, ...], ...] = ()


class Places:
    """Those with the most left of the budget come first: all that can happen at a place with less left can happen
    at one that is the same but for that, so it is no news."""

    def __init__(self) -> None:
        self._known: dict[bytes, list[Left]] = {}
        self._open: list[tuple[int, int, Place]] = []
        self._numbers = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, place: Place) -> None:
        """Keep a place to go on from, if it is news."""
        *_, faults, _ = place.left
        about = place.whole if faults else place.bare
        if any(all(map(ge, other, place.left)) for other in self._known.get(about, ())):
            return
        for each in {place.whole, place.bare}:
            self._known.setdefault(each, []).append(place.left)
        heapq.heappush(self._open, (-sum(place.left), next(self._numbers), place))

    def pop(self) -> Place:
        return heapq.heappop(self._open)[2]
