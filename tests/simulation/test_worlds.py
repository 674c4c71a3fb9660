"""Many worlds, each from its seed, each asked by the oracle once it has come to rest."""

from __future__ import annotations

import pytest

from .oracle import broken_laws
from .world import Plan, simulate

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
