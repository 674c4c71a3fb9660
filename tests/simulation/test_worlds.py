"""Many worlds, each from its seed, each asked by the oracle once it has come to rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from instep.core.model import Both

from .faults import Faults
from .oracle import broken_laws
from .world import PROFILES, Plan, simulate

SEEDS = range(400)
"""More are lived by hand: each prints its seed, and the world is the same every time."""


@pytest.mark.parametrize("first", range(0, len(SEEDS), 25))
def test_every_world_comes_to_rest_with_all_promises_kept(first: int) -> None:
    for seed in SEEDS[first : first + 25]:
        plan = Plan.draw(seed)
        world = simulate(plan)
        assert broken_laws(world) == [], f"seed {seed}: {plan}"


def test_the_same_seed_gives_the_same_world() -> None:
    one, other = simulate(Plan.draw(7)), simulate(Plan.draw(7))
    assert [one.systems.left.writes, one.systems.right.writes] == [
        other.systems.left.writes,
        other.systems.right.writes,
    ]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_crash_at_any_point_ends_as_if_there_had_been_none(profile: str) -> None:
    """Every fifth point at which the process may die (around each request and commit), one world each."""
    plan = replace(
        Plan.draw(3), profiles=Both(profile, profile), policy="left", records=2, edits=6, deletes=1, runs=3
    )
    calm = replace(plan, faults=Faults())
    undisturbed = simulate(calm)
    assert broken_laws(undisturbed) == []
    for point in range(1, undisturbed.mortal.points, 5):
        world = simulate(calm, crash_at=point)
        assert world.mortal.crashes == 1
        assert broken_laws(world) == [], f"crash at point {point} with {profile}"


@pytest.mark.slow
def test_worlds_on_a_store_in_a_real_file(tmp_path: Path) -> None:
    for seed in range(40):
        world = simulate(Plan.draw(seed), store_path=str(tmp_path / f"{seed}.sqlite"))
        assert broken_laws(world) == [], f"seed {seed}"
