"""Scripted scenarios, and the engine killed at every point of each: around every request and every commit.

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
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from instep.core.dataflow import PolicyName
from instep.core.model import Both, Side
from instep.core.state import Key, Link
from instep.store.contract import Tx
from tests.simulation.faults import Faults
from tests.simulation.oracle import broken_laws
from tests.simulation.plan import Plan
from tests.simulation.virtual_time import VirtualLoop, run
from tests.simulation.world import KINDS, World

PROFILES = ("conditional", "key", "chosen id", "marker", "none")
AGAIN = 3
"""Points after a death at which the process is killed once more."""
WITHOUT_ANSWER_S = 5

Step = Callable[[World], Coroutine[Any, Any, None] | None]
State = list[tuple[Any, ...]]
LEFT, RIGHT = Side.LEFT, Side.RIGHT


def ids(world: World, side: Side, kind: str) -> dict[str, str]:
    """The live records of a kind, by the thing that they are of."""
    system = world.systems[side]
    return {str(system.fields(kind, id).get("dna")): id for id in system.ids(kind)}


def enter(world: World, kind: str, dna: str, *sides: Side) -> None:
    """Somebody has a record on each of these sides; a person's company is the first one there."""
    mail = world.people.token()
    for side in sides:
        world.people.enter(side, kind, dna, mail, lambda: 0.0)


def edit(world: World, side: Side, kind: str, dna: str, *names: str) -> None:
    """A person gives each of these properties a token of its own."""
    for name in names:
        value = world.lenses[name].enter[side](world.people.token())
        world.systems[side].edit(kind, ids(world, side, kind)[dna], {world.path[side][name]: value})


def people(world: World) -> None:
    """Companies and persons to begin with: some on both sides, some on one."""
    for kind, names in (("company", ("both", "left", "right")), ("person", ("ann", "bob", "cy"))):
        for dna, sides in zip(names, ((LEFT, RIGHT), (LEFT,), (RIGHT,)), strict=True):
            enter(world, kind, dna, *sides)


def conflict(world: World) -> None:
    """Both sides edit one property, and each another one."""
    edit(world, LEFT, "person", "ann", "phone", "name")
    edit(world, RIGHT, "person", "ann", "phone", "city")


def delete(world: World) -> None:
    world.systems.left.remove("person", ids(world, LEFT, "person")["ann"])


def moves(world: World) -> None:
    """A person's company is a new one, and the address by which the person was matched changes."""
    enter(world, "company", "new", RIGHT)
    id, company = ids(world, RIGHT, "person")["cy"], ids(world, RIGHT, "company")["new"]
    world.systems.right.edit("person", id, {"parent": company})
    edit(world, RIGHT, "person", "cy", "mail")


def _link_of(key: Key, tx: Tx) -> Link | None:
    return tx.link_of(key.pair, key.side, key.id)


def release(world: World) -> None:
    """A person chooses the right side wherever something is held."""
    holds = world.store.read(lambda tx: tx.holds(cause="conflict", limit=1000))
    assert holds, "there is something to release"
    for hold in holds:
        link = world.store.read(partial(_link_of, hold.key))
        world.people.release(hold, "right", world.store, world.people.dnas(hold, link))


def unanswered(world: World) -> None:
    """A record is made while no write gets an answer."""
    enter(world, "company", "doubt", LEFT)
    world.faults.unanswered = 1.0
    world.loop.call_later(WITHOUT_ANSWER_S, setattr, world.faults, "unanswered", 0.0)


def changes(world: World) -> None:
    """An edit on each side of one record, a new record and one of its own on the other side."""
    edit(world, LEFT, "person", "ann", "phone")
    edit(world, RIGHT, "person", "ann", "city")
    edit(world, RIGHT, "person", "cy", "name")
    enter(world, "company", "new", LEFT)


async def undo(world: World) -> None:
    """A person takes back what was written last, and says so again if that came to no end."""
    run = world.runs_that_wrote()[-1]
    while await world.undo(run) is None:
        pass


@dataclass(frozen=True, slots=True)
class Scenario:
    """What people do, step by step; the engine comes to rest after each."""

    steps: Sequence[Step]
    policy: PolicyName = "left"
    on_delete: Literal["hold", "retire"] = "hold"


SCENARIOS: Mapping[str, Scenario] = {
    "first load": Scenario((people,)),
    "conflict": Scenario((people, conflict)),
    "delete and retire": Scenario((people, delete), on_delete="retire"),
    "create in doubt": Scenario((people, unanswered)),
    "parent and child": Scenario((people, moves)),
    "held and released": Scenario((people, conflict, release), "hold"),
    "undo": Scenario((people, changes, undo)),
}


@dataclass(slots=True)
class End:
    """How a scenario ended: what broke, what both systems say, how many points its last step has, and what is
    held."""

    broken: list[str]
    state: State
    points: int
    held: list[str]


def live(scenario: Scenario, profile: str, *deaths: int) -> End:
    """Live a scenario; the process dies at these points of its last step."""
    plan = Plan(
        0, Both(profile, profile), scenario.policy, 0, 0, 0, Faults(), 0, on_delete=scenario.on_delete
    )
    loop = VirtualLoop()
    asyncio.set_event_loop(None)
    world = World(plan, loop)
    begun = 0

    async def main() -> None:
        nonlocal begun
        for step in scenario.steps:
            begun = world.mortal.points
            if step is scenario.steps[-1]:
                world.mortal.at = [begun + at for at in deaths]
            if (doing := step(world)) is not None:
                await doing
            await world.rest()
        world.lived_points = world.mortal.points - begun
        world.remember_journal()
        await world.idle()

    run(main(), loop)
    assert world.mortal.crashes == len(deaths)
    held = world.store.read(lambda tx: sorted(hold.cause for hold in tx.holds(limit=1000)))
    end = End(broken_laws(world), list(_state(world)), world.lived_points, held)
    world.disk.close()
    return end


def _state(world: World) -> Iterator[tuple[Any, ...]]:
    """What both systems say, with references by what they refer to, since ids may be given in another order."""
    for side in Side:
        companies = {id: dna for dna, id in ids(world, side, "company").items()}
        for kind in KINDS:
            for dna, id in sorted(ids(world, side, kind).items()):
                fields = dict(world.systems[side].fields(kind, id))
                fields.pop("ref", None)
                fields["parent"] = companies.get(str(fields.get("parent")))
                yield (side.value, kind, dna, *sorted((k, str(v)) for k, v in fields.items()))


def wrong(profile: str, calm: End, end: End) -> list[str]:
    """What is not as it has to be after a death."""
    found = list(end.broken)
    if end.state != calm.state and not (profile == "none" and "doubt" in end.held):
        found.append("the end differs from the one without a crash")
    return found


@dataclass(frozen=True, slots=True)
class Death:
    """A life that ended at point `at`, and what went wrong after it."""

    at: int
    twice: bool
    problems: list[str]


def points(name: str, profile: str, every: int = 1) -> list[Death]:
    """Every so many points of a scenario, and after every tenth of these a second death."""
    scenario = SCENARIOS[name]
    calm = live(scenario, profile)
    if calm.broken:
        return [Death(0, False, calm.broken)]
    found = []
    for count, at in enumerate(range(1, calm.points + 1, every)):
        found.append(Death(at, False, wrong(profile, calm, live(scenario, profile, at))))
        if count % 10 == 0:
            found.append(Death(at, True, wrong(profile, calm, live(scenario, profile, at, at + AGAIN))))
    return found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exhaustive.crash_points", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every so many points")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args(arguments)
    began, total, bad = time.monotonic(), 0, 0
    asked = [(name, profile) for name in SCENARIOS for profile in PROFILES]
    with ProcessPoolExecutor(given.workers) as pool:
        lived = pool.map(points, *zip(*asked, strict=True), [given.every] * len(asked))
        for (name, profile), deaths in zip(asked, lived, strict=True):
            total += len(deaths)
            print(f"{name:18} {profile:12} {len(deaths):5} deaths", flush=True)
            for death in deaths:
                bad += bool(death.problems)
                for problem in death.problems:
                    print(f"    point {death.at}{', twice' * death.twice}: {problem}", flush=True)
    print(f"{total:,} deaths in {time.monotonic() - began:.0f} s; {bad or 'none'} ended badly")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
