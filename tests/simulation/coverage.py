"""What a world had of all that may happen: so that nobody takes a law for kept that no world put to the test.

To add something that may happen, count it in `World.happened` or find it here, and name it in `ALL`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from instep.core.release import SENTENCES

from .faults import Faults
from .plan import ACTS, PROFILES, RUNS
from .world import World

HOLDS = (
    "conflict",
    "ambiguous",
    "duplicate",
    "refused",
    "reference",
    "person",
    "deleted",
    "doubt",
    "ignored",
    "undone",
    "reused",
    "overwritten",
    "brake",
)
"""Causes of holds that a world can have. Its values fit all fields, none is required but the name, which nobody
empties, and no other program fights: `required`, `unfit` and `fight` have their tests in `tests/runner/`."""

OUTCOMES = (
    "create done",
    "create found done",
    "create not applied",
    "create refused",
    "update done",
    "update found done",
    "update not applied",
    "update refused",
    "retire done",
    "retire found done",
    "retire not applied",
    "link done",
    "unlink done",
    "overruled done",
    "overwritten done",
)
"""Entries of the journal, by operation and outcome."""

FATE = (
    "wipe",
    "full disk",
    "a commit that found no room",
    "backup",
    "restore",
    "freeze",
    "stall",
    "crash",
    "a run beside another",
    "a lease that was lost",
    "a webhook",
    "an undoing that wrote",
)

ALL: Mapping[str, tuple[str, ...]] = {
    "people": tuple(act for act in ACTS if act not in ("choose", "answer")),
    "choices": tuple(SENTENCES),
    "holds": HOLDS,
    "runs": RUNS,
    "fate": FATE,
    "faults": tuple(name for name in Faults().chances() if name not in ("crash", "hints")),
    "outcomes": OUTCOMES,
    "profiles": tuple(PROFILES),
}
"""Everything that has to happen in the worlds that the tests live, by kind."""


def coverage(world: World) -> Counter[str]:
    """How often each thing of `ALL` happened in a world, as "kind: thing"."""
    return Counter(dict(_found(world)))


def _found(world: World) -> Iterator[tuple[str, int]]:
    for kind, things in ALL.items():
        for thing in things:
            yield f"{kind}: {thing}", world.happened[f"{kind}: {thing}"]
    for name, stream in world.tape.streams.items():
        kind, _, fault = name.partition(" ")
        if kind == "fault" and fault in ALL["faults"]:
            yield f"faults: {fault}", len(stream.struck)
    yield "fate: crash", world.mortal.crashes
    for profile in PROFILES:
        yield f"profiles: {profile}", sum(profile == each for each in world.plan.profiles)


def missing(counts: Mapping[str, int]) -> list[str]:
    """What did not happen even once."""
    return [
        f"{kind}: {thing}"
        for kind, things in ALL.items()
        for thing in things
        if not counts.get(f"{kind}: {thing}")
    ]


def table(counts: Mapping[str, int]) -> Iterator[str]:
    """The counts as lines to be read."""
    for kind, things in ALL.items():
        told = ", ".join(f"{thing} {counts.get(f'{kind}: {thing}', 0):,}" for thing in things)
        yield f"{kind:9} {told}"
