"""What an audit has found so far: counts and first examples, so that memory does not grow with the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from instep.core.dataflow import Pair
from instep.core.drift import KINDS, Drift
from instep.core.model import Side
from instep.core.values import Json
from instep.runner.engine import Engine
from instep.runner.repair import repair
from instep.runner.run import Progress
from instep.store.contract import Tx


@dataclass(slots=True)
class Found:
    """Findings of one kind in one pair: how many, how many of them were marked, and the first ones."""

    count: int = 0
    marked: int = 0
    examples: list[Drift] = field(default_factory=list)


@dataclass(slots=True)
class Audited:
    """What an audit came to. `found`: by kind and pair. `records`: rows read, by side and entity. `links`:
    compared, by pair. `known`: (pair, why) -> records that differ and are known to: "new" (an ordinary reading
    brings it), "waiting", "held", "kept otherwise" (a system holds what we wrote in a form of its own).
    `readings`: made by id. `requests`: by system, all of them."""

    run: int = 0
    found: dict[tuple[str, str], Found] = field(default_factory=dict)
    records: Counter[tuple[Side, str]] = field(default_factory=Counter)
    links: Counter[str] = field(default_factory=Counter)
    known: Counter[tuple[str, str]] = field(default_factory=Counter)
    troubles: dict[str, str] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    readings: int = 0
    status: str = "done"
    took_ms: int = 0

    @property
    def drift(self) -> int:
        return sum(found.count for found in self.found.values())

    @property
    def left(self) -> int:
        """Findings that were not marked to be repaired."""
        return sum(found.count - found.marked for found in self.found.values())

    def in_order(self, pairs: Iterable[Pair]) -> list[tuple[str, str, Found]]:
        """Pair, kind and findings, in the order in which they are told."""
        wanted = [(kind, pair.name) for pair in pairs for kind in KINDS]
        return [(pair, kind, self.found[kind, pair]) for kind, pair in wanted if (kind, pair) in self.found]

    def summary(self) -> Json:
        """As it is kept with the run."""
        drift: list[Json] = [
            {"kind": kind, "pair": pair, "count": found.count, "marked": found.marked}
            for (kind, pair), found in self.found.items()
        ]
        return {"drift": drift, "troubles": dict(self.troubles), "requests": dict(self.requests)}


class Findings:
    """What the parts of an audit share. `began_ms`: when it began. `examples`: how many are kept of each kind.
    `repairs`: whether what is found is marked."""

    def __init__(
        self,
        engine: Engine,
        pairs: list[Pair],
        examples: int,
        on_progress: Callable[[Progress], None],
        *,
        repairs: bool = False,
    ) -> None:
        self.engine, self.pairs, self.examples, self.on_progress = engine, pairs, examples, on_progress
        self.repairs = repairs
        self._to_repair: list[Drift] = []
        self.audited = Audited()
        self.began_ms = engine.now_ms()
        self._before = [connector.requests for connector in engine.connectors]

    def pairs_of(self, side: Side, entity: str) -> list[Pair]:
        """The audited pairs that have this entity."""
        return [pair for pair in self.pairs if pair.entity[side] == entity]

    def tell(self, drifts: Iterable[Drift]) -> None:
        """Count findings, and keep the first of each kind."""
        for drift in drifts:
            found = self.audited.found.setdefault((drift.kind, drift.pair), Found())
            found.count += 1
            if len(found.examples) < self.examples:
                found.examples.append(drift)
            if self.repairs:
                self._to_repair.append(drift)

    async def repair(self) -> None:
        """Mark what was told since, if that is wanted."""
        drifts, self._to_repair = self._to_repair, []
        if not drifts:
            return

        def marked(tx: Tx) -> list[bool]:
            return [repair(self.engine, tx, drift) for drift in drifts]

        for drift, done in zip(drifts, await self.engine.store.write(marked), strict=True):
            self.audited.found[drift.kind, drift.pair].marked += done

    def know(self, pair: Pair, why: str) -> None:
        """Count a record that differs, and is known to."""
        self.audited.known[pair.name, why] += 1

    def progress(self, what: str, count: int, total: int = 0) -> None:
        """`total`: as many as there were when it was asked; more may have come since."""
        known = max(count, total) if total else 0
        self.on_progress(Progress("audit", what, count, known, sum(self.requests().values())))

    def requests(self) -> dict[str, int]:
        """Sent since the audit began, by system."""
        connectors = self.engine.connectors
        return {c.name: c.requests - sent for c, sent in zip(connectors, self._before, strict=True)}
