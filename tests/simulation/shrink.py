"""Make a failing world small: fewer things that happen, fewer faults, until each one left is needed to break the law.

Every candidate is lived. A step, a fault's probability, a setting or a single strike of a fault is taken away; if the
same law still breaks, it stays away. Draws are on tapes with names, so that what is left happens as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from .plan import Plan
from .tape import NEVER, Strike

Broken = Callable[[Plan], tuple[Sequence[str], Sequence[Strike]]]
"""Lives a plan: the laws that it breaks, and where faults struck."""
Simpler = Callable[[Plan], Plan]


def shrunk(plan: Plan, law: str, broken: Broken, lives: int) -> Plan:
    """The plan, made as small as `lives` worlds allow, so that it still breaks that law."""
    return _Shrinking(plan, law_of(law), broken, lives).run()


def law_of(told: str) -> str:
    """The law of a finding, without what it was about."""
    return told.partition(":")[0]


@dataclass
class _Shrinking:
    """One plan on its way. `lives`: how many more worlds may be lived for it."""

    plan: Plan
    law: str
    broken: Broken
    lives: int

    def run(self) -> Plan:
        self._try(lambda plan: replace(plan, steps=plan.script()))
        before: Plan | None = None
        while self.lives > 0 and before != self.plan:
            before = self.plan
            self._fewer_steps()
            for simpler in _simpler(self.plan):
                self._try(simpler)
            self._fewer_strikes()
        return self.plan

    def _try(self, simpler: Simpler) -> bool:
        """Keep what is simpler if it breaks the law all the same."""
        candidate = simpler(self.plan)
        if self.lives <= 0 or candidate == self.plan:
            return False
        self.lives -= 1
        laws, _ = self.broken(candidate)
        if not any(law_of(law) == self.law for law in laws):
            return False
        self.plan = candidate
        return True

    def _fewer_steps(self) -> None:
        """Leave out halves, quarters and so on, down to single steps."""
        length = len(self.plan.steps or ())
        while length and self.lives > 0:
            at = 0
            while at < len(self.plan.steps or ()):
                if not self._try(partial(_without_steps, at=at, length=length)):
                    at += length
            length //= 2

    def _fewer_strikes(self) -> None:
        _, struck = self.broken(self.plan)
        for strike in struck:
            self._try(partial(_without_strike, strike=strike))


def _without_steps(plan: Plan, *, at: int, length: int) -> Plan:
    steps = plan.steps or ()
    return replace(plan, steps=(*steps[:at], *steps[at + length :]))


def _without_strike(plan: Plan, *, strike: Strike) -> Plan:
    return replace(plan, edited_draws={**plan.edited_draws, strike: NEVER})


def _without_fault(plan: Plan, *, chance: str) -> Plan:
    faults = replace(plan.faults)
    setattr(faults, chance, 0.0)
    return replace(plan, faults=faults)


def _simpler(plan: Plan) -> Iterator[Simpler]:
    """Ways to take one part away, or to make it ordinary."""
    for chance in plan.faults.chances():
        yield partial(_without_fault, chance=chance)
    yield partial(replace, rival=False)
    yield partial(replace, brakes=False)
    yield partial(replace, kinds_of_run=("sync",))
    yield partial(replace, lenses=("plain", "plain"))
    yield partial(replace, flow="both")
    yield partial(replace, read_only_field=None)
    yield partial(replace, read_only_entity=None)
    yield partial(replace, on_delete="hold")
    for fewer in range(1, plan.runs):
        yield partial(replace, runs=fewer)
    for fewer in range(plan.records):
        yield partial(replace, records=fewer)
