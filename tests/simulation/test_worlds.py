"""Many worlds, each from its seed, each asked by the oracle once it has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from instep.core.model import Both

from .coverage import coverage, missing
from .faults import Faults
from .oracle import broken_laws
from .plan import KINDS, PROFILES, Plan, kind_of, told
from .world import World, simulate

CHUNK = 20
WORLDS = 1_000
CALM_WORLDS = 100
HASTY_WORLDS = 200
LIVING_WORLDS = 100
SHOWING = (
    *(("drawn", seed) for seed in (8, 9, 13, 33, 115, 124, 339, 480, 628, 852)),
    *(("hasty", seed) for seed in (7, 59)),
)
"""Worlds, of those that are lived here, that show all that may happen between them."""


def lived(plan: Plan, crash_at: int | None = None, store_path: str = ":memory:") -> World:
    """A world that broke no law; fails with the laws and how to see its story otherwise."""
    world = simulate(plan, crash_at, store_path)
    broken = broken_laws(world)
    world.disk.close()
    if broken:
        laws = "\n".join(broken)
        pytest.fail(f"{laws}\n{told(plan)}\n{replay(plan)}", pytrace=False)
    return world


def replay(plan: Plan) -> str:
    """The command that tells the story of a failing world."""
    command = (
        f".venv/bin/python -m tests.simulation.soak --seed {plan.seed} --kind {kind_of(plan)} --shrink 300"
    )
    return f"see its story: {command}"


def failed_once() -> Iterator[tuple[str, int]]:
    for line in Path(__file__).with_name("seeds.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            kind, seed, *_ = line.split()
            yield kind, int(seed)


@pytest.mark.parametrize(("kind", "seed"), sorted(set(failed_once())))
def test_a_world_that_once_broke_a_law_does_so_no_more(kind: str, seed: int) -> None:
    lived(KINDS[kind](seed))


def test_some_worlds_come_to_rest_with_all_promises_kept() -> None:
    for seed in range(WORLDS, WORLDS + 20):
        lived(Plan.draw(seed))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, WORLDS, CHUNK))
def test_every_world_comes_to_rest_with_all_promises_kept(first: int) -> None:
    for seed in range(first, first + CHUNK):
        lived(Plan.draw(seed))


@pytest.mark.parametrize("first", range(0, CALM_WORLDS, CHUNK))
def test_in_a_calm_world_an_edit_is_one_write_and_its_echo_none(first: int) -> None:
    for seed in range(first, first + CHUNK):
        lived(Plan.calm(seed))


def test_worlds_with_a_process_that_is_always_on_come_to_rest_with_all_promises_kept() -> None:
    worlds = [lived(Plan.living(seed)) for seed in range(LIVING_WORLDS, LIVING_WORLDS + 15)]
    for what in ("runs: live", "fate: a webhook", "outcomes: update done", "fate: a run beside another"):
        assert any(world.happened[what] for world in worlds), f"in none of these worlds: {what}"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, LIVING_WORLDS, CHUNK))
def test_every_world_with_a_process_that_is_always_on_keeps_all_promises(first: int) -> None:
    for seed in range(first, first + CHUNK):
        lived(Plan.living(seed))


def test_an_edit_that_was_overwritten_is_told_and_held() -> None:
    worlds = [lived(Plan.hasty(seed)) for seed in range(HASTY_WORLDS, HASTY_WORLDS + 12)]
    for what in ("outcomes: overwritten done", "holds: overwritten"):
        assert any(world.happened[what] for world in worlds), (
            "in none of these worlds was an edit overwritten"
        )


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, HASTY_WORLDS, CHUNK))
def test_every_hasty_world_comes_to_rest_with_all_promises_kept(first: int) -> None:
    for seed in range(first, first + CHUNK):
        lived(Plan.hasty(seed))


def test_everything_that_may_happen_does_so_in_some_of_these_worlds() -> None:
    """First in those that were found to show it; what they do no longer show is looked for in all the others."""
    every = (("drawn", seed) for seed in range(WORLDS))
    happened: Counter[str] = Counter()
    for kind, seed in (*SHOWING, *every):
        happened += coverage(lived(KINDS[kind](seed)))
        if not missing(happened):
            return
    pytest.fail(f"in none of these worlds: {', '.join(missing(happened))}")


@pytest.mark.slow
def test_worlds_on_a_store_in_a_real_file(tmp_path: Path) -> None:
    for seed in range(40):
        lived(Plan.draw(seed), store_path=str(tmp_path / f"{seed}.sqlite"))


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_the_same_seed_gives_the_same_world(seed: int) -> None:
    one, other = lived(Plan.draw(seed)), lived(Plan.draw(seed))
    assert one.story
    assert one.trace_hash() == other.trace_hash()
    assert one.trace_hash() != lived(Plan.draw(seed + 100)).trace_hash()


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_crash_at_any_point_ends_as_if_there_had_been_none(profile: str) -> None:
    """Every 25th point at which the process may die (around each request and commit), one world each."""
    plan = replace(
        Plan.draw(3),
        profiles=Both(profile, profile),
        policy="left",
        records=2,
        edits=6,
        deletes=1,
        runs=3,
        creates=0,
        twins=0,
        renames=0,
        reuses=0,
        merges=0,
        chooses=0,
        wipes=0,
        full_disks=0,
        restores=0,
        freezes=0,
        doubles=0,
        answers=0,
        stalls=0,
        brakes=False,
        rival=False,
        kinds_of_run=("sync",),
        faults=Faults(),
        read_only_entity=None,
    )
    undisturbed = lived(plan)
    for point in range(1, undisturbed.lived_points, 25):
        world = lived(plan, crash_at=point)
        assert world.mortal.crashes == 1, f"crash at point {point} with {profile}"
