"""What is asked of a run, how far it is, and what it did: plain data that the command line and others show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from instep.core.model import Side
from instep.core.state import Key
from instep.core.values import Json
from instep.runner.brakes import Brake
from instep.runner.gate import Gate
from instep.runner.observe import Observed
from instep.runner.planning import Tally


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `total` is 0 while it isn't known; `what` is an entity while reading, a pair after."""

    phase: Literal["read", "plan", "act", "audit", "qa", "clean"]
    what: str
    count: int
    total: int = 0
    requests: int = 0


@dataclass(slots=True)
class Report:
    """What a run did. `writes`: (pair, operation, side) -> count. `linked`: records that were found to be the
    same, without those that were created for each other. `tallies`: of the pairs whose writes were counted
    before the first. `gates`: what the brakes of a pair let through. `skipped`: writes that were not in the
    approved plan, or that brakes stopped; `troubles`: entity or pair -> why it could not be worked on. `acted`:
    whether it was more than a plan."""

    run: int = 0
    writes: Counter[tuple[str, str, Side]] = field(default_factory=Counter)
    linked: Counter[str] = field(default_factory=Counter)
    looked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_keys: list[Key] = field(default_factory=list)
    observed: dict[tuple[Side, str], Observed] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    brakes: list[Brake] = field(default_factory=list)
    troubles: dict[str, str] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    status: str = "done"
    took_ms: int = 0
    acted: bool = True

    @property
    def written(self) -> int:
        return sum(self.writes.values())

    def summary(self) -> Json:
        """As it is kept with the run. `planned`: what a plan would write, in place of what was written."""
        planned = Counter(
            {
                (pair, operation, side): count
                for pair, tally in self.tallies.items()
                for (operation, side), count in tally.writes.items()
            }
        )
        return {
            "writes": writes_json(self.writes),
            **({} if self.acted else {"planned": writes_json(planned)}),
            "linked": dict(self.linked),
            "failed": dict(self.failed),
            "skipped": dict(self.skipped),
            "brakes": [brake.why for brake in self.brakes],
            "troubles": dict(self.troubles),
            "requests": dict(self.requests),
        }


def writes_json(writes: Mapping[tuple[str, str, Side], int]) -> list[Json]:
    """Counts of writes by pair, operation and side."""
    return [
        {"pair": pair, "operation": operation, "side": side.value, "count": count}
        for (pair, operation, side), count in sorted(writes.items())
    ]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a run. `approved`: fingerprints of an approved plan, nothing else is written. `full`:
    list everything, not only what changed. `released`: brakes ("contact:create") that a person let go.
    `pairs`: only these, if any. `act`: False reads and plans alone. `kind`: what the run is called. `undoes`: the
    run that it takes back, if any, or a part of it (`partly`)."""

    approved: frozenset[str] | None = None
    full: bool = False
    released: frozenset[str] = frozenset()
    pairs: tuple[str, ...] = ()
    act: bool = True
    kind: str = "sync"
    undoes: int = 0
    partly: bool = False
