"""In which pairs something may be done now, by a process that is always on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.runner.brakes import EMPTY, empty_side, held_brakes, released_empty
from instep.runner.engine import Engine
from instep.runner.observe import is_listed
from instep.runner.pauses import paused
from instep.runner.polls import Polls
from instep.store.contract import Tx, Which

CALM: Final = Which(urgent=False)


class Pairs:
    """Some may rest, since nothing can be done in them until a person acts; some wait for their next turn."""

    def __init__(self, engine: Engine, quiet: Callable[[int], bool]) -> None:
        self.engine, self.quiet = engine, quiet
        self._resting: dict[str, int] = {}
        self._not_before: dict[str, int] = {}

    def rest(self, pair: Pair, ms: int) -> None:
        """Do nothing in a pair for so long."""
        self._resting[pair.name] = self.engine.now_ms() + ms

    def wait(self, pairs: Iterable[Pair], ms: int) -> None:
        """Give them no turn for so long; what is urgent is done all the same."""
        self._not_before.update({pair.name: self.engine.now_ms() + ms for pair in pairs})

    def begin_anew(self) -> None:
        self._resting.clear()
        self._not_before.clear()

    def times(self) -> Collection[int]:
        """When one may be done again."""
        return [*self._resting.values(), *self._not_before.values()]

    def open(self) -> list[Pair]:
        """Those in which something may be written."""
        engine = self.engine

        def look(tx: Tx) -> list[Pair]:
            return [pair for pair in self._going_on(tx) if empty_side(engine, tx, pair) is None]

        return engine.store.read(look)

    def ready(self, polls: Polls, wanted: Collection[str]) -> list[Pair]:
        """Those whose turn it can be: something is due that is not urgent, or a turn is wanted."""
        now_ms = self.engine.now_ms()

        def look(tx: Tx) -> list[Pair]:
            return [
                pair
                for pair in self._going_on(tx)
                if not polls.reading(pair)
                and not polls.trouble(pair)
                and self._not_before.get(pair.name, 0) <= now_ms
                and not self._is_held_as_empty(tx, pair)
                and (pair.name in wanted or tx.todo(pair.name, now_ms=now_ms, which=CALM, limit=1))
            ]

        return self.engine.store.read(look)

    def _going_on(self, tx: Tx) -> list[Pair]:
        """Those that are kept in step now: neither paused nor resting, and known on both sides."""
        now_ms = self.engine.now_ms()
        if self.quiet(now_ms):
            return []
        stopped = paused(tx, self.engine.dataflow)
        return [
            pair
            for pair in self.engine.dataflow.pairs
            if pair.name not in stopped
            and self._resting.get(pair.name, 0) <= now_ms
            and all(is_listed(tx, side, pair.entity[side]) for side in Side)
        ]

    def _is_held_as_empty(self, tx: Tx, pair: Pair) -> bool:
        """Whether a side is empty, and a person knows of it and has not said that this is right."""
        if empty_side(self.engine, tx, pair) is None or released_empty(tx, pair):
            return False
        return any(hold.property == EMPTY for hold in held_brakes(tx, pair.name))
