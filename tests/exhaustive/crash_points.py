"""Six scripted scenarios, and the engine killed at every point of each: around every request and every commit.

After each death a new process goes on, people having done the same as without it. All laws of the simulated world
hold at the end, and the two systems say what they say when nothing is killed. Where a system offers no way to find
out whether a create was made, a record may instead be held for a person, as its hold says.

    python -m tests.exhaustive.crash_points          every point, and a second death after every tenth
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from instep.core.dataflow import PolicyName
from instep.core.model import Both, Side
from instep.core.release import release_of
from instep.store.contract import Tx
from tests.simulation.faults import Faults
from tests.simulation.oracle import broken_laws
from tests.simulation.virtual_time import VirtualLoop, run
from tests.simulation.world import Edit, Plan, World

PROFILES = ("conditional", "key", "chosen id", "marker", "none")
AGAIN = 3
"""Points after the restart at which the process is killed once more."""
MOST_RUNS = 40

Step = Callable[[World], object]
LEFT, RIGHT = Side.LEFT, Side.RIGHT


def ids(world: World, side: Side, kind: str) -> dict[str, str]:
    """The live records of a kind, by e-mail address."""
    system = world.systems[side]
    return {str(system.fields(kind, id).get("mail")).lower(): id for id in system.ids(kind)}


def edit(world: World, side: Side, kind: str, mail: str, name: str) -> None:
    """A person gives a property a token of its own."""
    id, path = ids(world, side, kind)[mail], f"{side.value[0]}_{name}"
    saw, token = world.systems[side].fields(kind, id).get(path), world.token()
    world.systems[side].edit(kind, id, {path: token})
    world.edits[f"{kind} {mail}", name].append(Edit(side, token, saw if isinstance(saw, str) else None))


def delete(world: World, side: Side, mail: str) -> None:
    world.systems[side].remove("person", ids(world, side, "person")[mail])
    world.deleted.add((side, "person", mail))


def people(world: World) -> None:
    """Companies and persons to begin with: some on both sides, some on one."""
    for mail, sides in {
        "both@x.example": Side,
        "left@x.example": (LEFT,),
        "right@x.example": (RIGHT,),
    }.items():
        for side in sides:
            world.person_creates(side, "company", mail)
    for mail, sides in {"ann@x.example": Side, "bob@x.example": (LEFT,), "cy@x.example": (RIGHT,)}.items():
        for side in sides:
            world.person_creates(side, "person", mail)


def conflict(world: World) -> None:
    """Both sides edit one property, and each another one."""
    for side, name in ((LEFT, "phone"), (RIGHT, "phone"), (LEFT, "name"), (RIGHT, "city")):
        edit(world, side, "person", "ann@x.example", name)


def moves(world: World) -> None:
    """A person's company is a new one, and the address by which the person was matched changes."""
    company = world.person_creates(RIGHT, "company", "new@x.example")
    id = ids(world, RIGHT, "person")["cy@x.example"]
    world.systems[RIGHT].edit("person", id, {"parent": company, "mail": "cyrus@x.example"})
    for name in ("name", "phone", "city"):
        world.edits["person cyrus@x.example", name] = world.edits["person cy@x.example", name]


def release(world: World) -> None:
    """A person chooses the right side wherever something is held."""

    def choose(tx: Tx) -> None:
        for hold in tx.holds(cause="conflict", limit=1000):
            tx.save_release(release_of(hold, "right", at_ms=world.loop.now_ms()))
            tx.mark([hold.key], reason="released")

    writing = world.store.write(choose)
    try:  # a store whose commits are inline is done at once
        writing.send(None)
    except StopIteration:
        return
    raise AssertionError("the store in memory does not wait")


def unanswered(world: World) -> None:
    """A record is made while the writes of the first run after it get no answer."""
    world.person_creates(LEFT, "company", "doubt@x.example")
    world.faults.unanswered = 1.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """What people do, step by step; the engine comes to rest after each."""

    steps: Sequence[Step]
    policy: PolicyName = "left"
    on_delete: str = "hold"


SCENARIOS: Mapping[str, Scenario] = {
    "first load": Scenario((people,)),
    "conflict": Scenario((people, conflict)),
    "delete and retire": Scenario(
        (people, lambda world: delete(world, LEFT, "ann@x.example")), on_delete="retire"
    ),
    "create in doubt": Scenario((people, unanswered)),
    "parent and child": Scenario((people, moves)),
    "held and released": Scenario((people, conflict, release), "hold"),
}


@dataclass(slots=True)
class End:
    """How a scenario ended: what broke, what both systems say, and at which points of it one may die."""

    broken: list[str]
    state: list[tuple[Any, ...]]
    begin: int
    points: int
    held: list[str] = field(default_factory=list)


def live(scenario: Scenario, profile: str, at: int | None = None, *, twice: bool = False) -> End:
    """Live a scenario; the process dies at point `at` of its last step, and once more soon after if `twice`."""
    plan = Plan(0, Both(profile, profile), scenario.policy, 0, 0, 0, Faults(), 0, scenario.on_delete)
    loop = VirtualLoop()
    asyncio.set_event_loop(None)
    world = World(plan, loop)
    begun = 0

    async def main() -> None:
        nonlocal begun
        for number, step in enumerate(scenario.steps):
            step(world)
            if number == len(scenario.steps) - 1:
                begun = world.mortal.points
                world.mortal.at = None if at is None else begun + at
            await _rest(world, twice)
        before = sum(len(system.writes) for system in world.systems)
        await world.one_run(world.everything())
        world.final_writes = sum(len(system.writes) for system in world.systems) - before

    run(main(), loop)
    held = world.store.read(lambda tx: [hold.cause for hold in tx.holds(limit=1000)])
    return End(broken_laws(world), list(_state(world)), begun, world.mortal.points - begun, sorted(held))


async def _rest(world: World, twice: bool) -> None:
    for number in range(MOST_RUNS):
        crashes = world.mortal.crashes
        await world.one_run(world.everything())
        world.faults.unanswered = 0.0
        if twice and world.mortal.crashes > crashes == 0:
            world.mortal.at = world.mortal.points + AGAIN
        if world.mortal.crashes == crashes and number and not world.unfinished():
            return
        await asyncio.sleep(30)


def _state(world: World) -> Iterator[tuple[Any, ...]]:
    """What both systems say, with references by address, since ids may be given in another order."""
    for side in Side:
        companies = {id: mail for mail, id in ids(world, side, "company").items()}
        for kind in ("company", "person"):
            for mail, id in sorted(ids(world, side, kind).items()):
                fields = dict(world.systems[side].fields(kind, id))
                fields.pop("ref", None)
                fields["parent"] = companies.get(str(fields.get("parent")))
                yield (side.value, kind, mail, *sorted((k, str(v)) for k, v in fields.items()))


def wrong(profile: str, calm: End, end: End) -> list[str]:
    """What is not as it has to be after a death."""
    found = list(end.broken)
    if end.state != calm.state and not (profile == "none" and "doubt" in end.held):
        found.append("the end differs from the one without a crash")
    return found


def points(name: str, profile: str, every: int = 1) -> Iterator[tuple[int, bool, list[str]]]:
    """Every so many points of a scenario, and after every tenth of these a second death: what went wrong."""
    scenario = SCENARIOS[name]
    calm = live(scenario, profile)
    if calm.broken:
        yield 0, False, calm.broken
        return
    for count, at in enumerate(range(1, calm.points + 1, every)):
        yield at, False, wrong(profile, calm, live(scenario, profile, at))
        if count % 10 == 0:
            yield at, True, wrong(profile, calm, live(scenario, profile, at, twice=True))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exhaustive.crash_points", description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args(arguments).every
    began, total, broken = time.monotonic(), 0, 0
    for name in SCENARIOS:
        for profile in PROFILES:
            count = 0
            for at, twice, problems in points(name, profile, every):
                count += 1
                broken += bool(problems)
                for problem in problems:
                    print(f"    {name}, {profile}, point {at}{', twice' * twice}: {problem}")
            total += count
            print(f"{name:18} {profile:12} {count:5} deaths", flush=True)
    print(f"{total:,} deaths in {time.monotonic() - began:.0f} s; {broken or 'none'} ended badly")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
