"""One protection: where it is, how a test takes it out, and what has to notice."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from .laws import words_of
from .notices import Notice

Remove = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Protection:
    """`where`: file and name in `src/instep/`, with a colon between. `without`: what breaks. `law`: the one that
    `notice` finds broken then. `also`: others, by law."""

    name: str
    where: str
    without: str
    law: str
    remove: Remove
    notice: Notice
    also: Mapping[str, Notice] = field(default_factory=dict)

    @property
    def notices(self) -> tuple[tuple[str, Notice], ...]:
        """Each law, and what finds it broken."""
        return ((self.law, self.notice), *self.also.items())

    def __str__(self) -> str:
        return f"{self.name}, or {self.without}"

    def row(self) -> str:
        """Its row of the table."""
        file, _, name = self.where.partition(":")
        kinds: dict[str, list[str]] = {}
        for law, notice in self.notices:
            kinds.setdefault(law, []).append(f"*{notice.kind}*")
        found = "<br>".join(f"{words_of(law)} ({', '.join(by)})" for law, by in kinds.items())
        cells = (self.name, f"`{file}`: `{name}`", self.without, found)
        return f"| {' | '.join(cells)} |"


def put(place: Any, name: str, value: Any) -> Remove:
    """Another value in the place of a function or a constant."""
    return lambda patch: patch.setattr(place, name, value)


def wrap(place: Any, name: str, around: Callable[[Any], Any]) -> Remove:
    """What `around` makes of a function in its place."""
    return lambda patch: patch.setattr(place, name, around(getattr(place, name)))


def within(place: Any, name: str, removal: Remove) -> Remove:
    """Something is taken out while that function runs, and for nobody else who needs it."""

    def around(whole: Any) -> Any:
        def at_once(*given: Any, **more: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                removal(patch)
                return whole(*given, **more)

        async def later(*given: Any, **more: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                removal(patch)
                return await whole(*given, **more)

        return later if inspect.iscoroutinefunction(whole) else at_once

    return wrap(place, name, around)


def both(*removals: Remove) -> Remove:
    """Several at once: a function that two modules have by name, or protections that make up for each other."""

    def remove(patch: pytest.MonkeyPatch) -> None:
        for each in removals:
            each(patch)

    return remove
