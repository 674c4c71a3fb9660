"""Every random draw of a world, on tapes with names: a world can be lived again with some draws changed.

A draw is a number in [0, 1). A stream draws the same numbers whatever is drawn from the others, so that one
fault less changes nothing but what follows from it. `edits` replaces draws by stream and position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

Strike = tuple[str, int]
"""Where a fault happened: stream and position."""
Edits = Mapping[Strike, float]
NEVER = 0.999_999_9
"""The draw with which no fault strikes."""


class Stream:
    """One tape. `struck` says at which positions a fault happened: these are what a shrinker takes away."""

    def __init__(self, seed: int, name: str, edits: Edits) -> None:
        self.name, self.position = name, 0
        self.struck: list[int] = []
        self._random = Random(f"{name} {seed}")
        self._edits = {position: draw for (stream, position), draw in edits.items() if stream == name}

    def draw(self) -> float:
        """The next number in [0, 1)."""
        number = self._random.random()
        if self._edits:
            number = self._edits.get(self.position, number)
        self.position += 1
        return number

    def strikes(self, probability: float) -> bool:
        """Whether a fault of this probability happens; draws only if it could."""
        if not probability or self.draw() >= probability:
            return False
        self.struck.append(self.position - 1)
        return True

    def choice(self, of: Sequence[T]) -> T:
        return of[int(self.draw() * len(of))]

    def integer(self, least: int, most: int) -> int:
        return least + int(self.draw() * (most - least + 1))


class Tape:
    """The streams of a world by name, made when they are first asked for."""

    def __init__(self, seed: int, edits: Edits) -> None:
        self.seed, self.edits = seed, edits
        self.streams: dict[str, Stream] = {}

    def __getitem__(self, name: str) -> Stream:
        found = self.streams.get(name)
        if found is None:
            found = self.streams[name] = Stream(self.seed, name, self.edits)
        return found

    def struck(self) -> list[Strike]:
        """Where faults happened."""
        return [(name, at) for name, stream in sorted(self.streams.items()) for at in stream.struck]
