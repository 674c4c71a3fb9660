"""Worlds after worlds for a given time, or one world with its story.

    .venv/bin/python -m tests.simulation.soak --seconds 60
    .venv/bin/python -m tests.simulation.soak --seed 4711 --shrink 300

Exits with 1 if a world broke a law; each such world is made small and told, and so is one asked for with --shrink.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

from .coverage import coverage, missing, table
from .oracle import broken_laws
from .plan import KINDS, Plan, told
from .shrink import shrunk
from .tape import Strike
from .world import World, simulate


@dataclass
class Figures:
    """What was lived. A step is a turn of the loop's wheel: a request, a commit, a sleep that ended."""

    worlds: int = 0
    steps: int = 0
    crashes: int = 0
    writes: int = 0
    findings: list[tuple[Plan, list[str]]] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    def line(self, seconds: float) -> str:
        rate = f"{self.steps / seconds:,.0f} steps/s" if seconds else ""
        return (
            f"{self.worlds:,} worlds, {self.steps:,} steps, {rate}, {self.crashes:,} crashes, "
            f"{self.writes:,} writes, {len(self.findings)} findings"
        )


def judged(plan: Plan) -> tuple[World | None, list[str]]:
    """Live a world and ask the oracle; an error of the engine is a finding like any other."""
    try:
        world = simulate(plan)
        broken = broken_laws(world)
        world.disk.close()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return None, [f"error: {type(error).__name__} {error} in {frame.name}"]
    return world, broken


def small(plan: Plan, law: str, lives: int) -> Plan:
    """The plan as small as so many worlds make it, that still breaks that law."""

    def live(candidate: Plan) -> tuple[list[str], list[Strike]]:
        world, broken = judged(candidate)
        return broken, world.tape.struck() if world is not None else []

    return shrunk(plan, law, live, lives)


def soak(first: int, seconds: float, most: int, share: int = 10, lives: int = 0) -> Figures:
    """Live worlds from a seed on, one in `share` calm and one hasty, until the time is up or there are enough.
    `lives`: worlds to spend on making one that broke a law small."""
    figures, began, seed = Figures(), time.monotonic(), first
    while time.monotonic() - began < seconds and figures.worlds < most:
        kind = {0: "calm", 1: "hasty"}.get(seed % share, "drawn")
        plan = KINDS[kind](seed)
        world, broken = judged(plan)
        figures.worlds += 1
        if world is not None:
            figures.steps += world.loop.steps
            figures.crashes += world.mortal.crashes
            figures.writes += world.witness.effective
            figures.happened += coverage(world)
        if broken:
            figures.findings.append((plan, broken))
            print(f"seed {seed} ({kind}): {broken[0]}", flush=True)
            if lives:
                tell(small(plan, broken[0], lives))
        if figures.worlds % 500 == 0:
            print(figures.line(time.monotonic() - began), flush=True)
        seed += 1
    print(figures.line(time.monotonic() - began), *table(figures.happened), sep="\n", flush=True)
    if never := missing(figures.happened):
        print(f"did not happen: {', '.join(never)}", flush=True)
    return figures


def tell(plan: Plan) -> bool:
    """One world with its story; says whether it broke a law."""
    print(told(plan))
    world, broken = judged(plan)
    if world is not None:
        print(*world.lines(), sep="\n")
        print(f"trace {world.trace_hash()}")
    print(*(broken or ["no law was broken"]), sep="\n")
    return bool(broken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--worlds", type=int, default=10**9, help="at most so many")
    parser.add_argument("--first", type=int, default=10_000, help="the first seed")
    parser.add_argument("--seed", type=int, help="tell the story of this one")
    parser.add_argument("--kind", choices=KINDS, default="drawn", help="with --seed: calm is without faults")
    parser.add_argument(
        "--shrink", type=int, default=0, metavar="N", help="spend N worlds on making a failing one small"
    )
    given = parser.parse_args()
    if given.seed is not None:
        plan = KINDS[given.kind](given.seed)
        _, broken = judged(plan) if given.shrink else (None, [])
        return int(tell(small(plan, broken[0], given.shrink) if broken else plan))
    figures = soak(given.first, given.seconds, given.worlds, lives=given.shrink)
    return int(bool(figures.findings))


if __name__ == "__main__":
    sys.exit(main())
