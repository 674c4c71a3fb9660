"""Everything that can happen within larger budgets, under each profile of abilities; minutes to hours.

python -m tests.exhaustive                                  what `make exhaustive` runs
python -m tests.exhaustive --budget 2 2 1 1 --profile key   one search
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from instep.core.model import Both
from instep.core.policy import POLICIES
from tests.simulation.plan import PROFILES

from .little_world import Budget
from .scope import Found, explore

BUDGETS = (Budget(1, 1, 1, 1), Budget(2, 2, 1, 0), Budget(2, 2, 0, 1), Budget(1, 1, 2, 0), Budget(1, 1, 0, 2))
"""Edits on the left and on the right, faults, crashes."""

Search = tuple[str, Budget, str, float | None]


def search(asked: Search) -> Found:
    profile, budget, policy, most_s = asked
    return explore(Both(profile, profile), budget, policy, most_s)  # type: ignore[arg-type]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exhaustive", description=__doc__)
    parser.add_argument(
        "--profile",
        action="append",
        choices=sorted(PROFILES),
        help="all, if none is given",
    )
    parser.add_argument(
        "--budget", nargs=4, type=int, action="append", metavar=("L", "R", "FAULTS", "CRASHES")
    )
    parser.add_argument("--policy", default="left", choices=sorted(POLICIES))
    parser.add_argument("--most", type=float, help="CPU seconds after which a search is given up")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args(arguments)
    budgets = [Budget(*b) for b in given.budget] if given.budget else list(BUDGETS)
    asked = [
        (profile, budget, given.policy, given.most)
        for budget in budgets
        for profile in given.profile or sorted(PROFILES)
    ]
    began, runs, broken = time.monotonic(), 0, 0
    with ProcessPoolExecutor(given.workers) as pool:
        for (profile, budget, _, _), found in zip(asked, pool.map(search, asked), strict=True):
            runs += found.runs
            broken += len(found.broken) + (not found.whole)
            print(
                f"{profile:14} {budget} {found.runs:9,} runs {found.moments:9,} moments {found.places:8,} places"
                f" {found.seconds:8.1f} s{'' if found.whole else '  GIVEN UP'}",
                flush=True,
            )
            for law, trail in found.broken:
                print(f"    {law}\n        {trail}")
    print(
        f"{runs:,} runs in {time.monotonic() - began:.0f} s; {broken or 'no'} search{'es' * (broken != 1)} failed"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
