"""What must hold in the smallest world: by what the two systems show and what people did, not by what we think."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from instep.core.model import Both, Side
from instep.runner.run import Wish
from instep.store.contract import Tx

from .little_world import FIELD, ID, RECORD, LittleWorld
from .search import Tape

if TYPE_CHECKING:
    from .places import Place
    from .scope import Stage

EVERY = 1_000


def agreement(tx: Tx) -> Iterator[str]:
    """At every commit: what the two sides are remembered to have agreed on is one and the same."""
    for link in tx.links(RECORD, 0, EVERY):
        for name, base in link.base.items():
            left, right = (str(raw[0]).strip() for raw in base)
            if left != right:
                yield f"agreement (promise 1): the base of {name} is {left} and {right}"


def at_rest(stage: Stage, place: Place) -> Iterator[str]:
    """Once a run changes nothing any more: every law of a settled world."""
    world = place.world
    unfinished = stage.store.read(_unfinished)
    for what in unfinished:
        yield f"rest (promise 1): {what} waits for ever"
    held = stage.store.read(lambda tx: [hold for hold in tx.holds(limit=EVERY) if hold.property == FIELD])
    journal = stage.store.read(told)
    shown = Both.of(world.shown)
    if shown.left != shown.right and not held:
        yield f"converged (promise 1): {shown.left} is not {shown.right}, and no hold says why"
    if not held:
        yield from _last(world, shown.left)
    seen = {edit.saw for edit in world.edits}
    for edit in world.edits:
        if edit.token in {*seen, *shown, *journal, *world.excused}:
            continue
        yield f"never lost (promise 3): {edit.token} left no trace"
    yield from _as_typed(world)
    yield from _left_alone(stage, place)


def _last(world: LittleWorld, final: str) -> Iterator[str]:
    """The last value is one that nobody saw and replaced."""
    for edit in world.edits:
        if edit.saw == final and edit.token not in world.excused:
            yield f"never lost (promises 3, 11): the last value is {final}, which {edit.token} had replaced"


def _as_typed(world: LittleWorld) -> Iterator[str]:
    """Where the last value was typed, it stands as it was typed."""
    for side in Side:
        last = next((e for e in reversed(world.edits) if e.side is side), None)
        raw = str(world.systems[side].fields(RECORD, ID)[FIELD])
        if last is not None and raw.strip() == last.token and raw != f"{last.token} ":
            yield f"as typed (promise 1): {last.token} was rewritten on the {side}"


def _left_alone(stage: Stage, place: Place) -> Iterator[str]:
    """A complete run over a settled world writes nothing."""
    world = place.world.copy()
    world.edits_left, world.faults_left, world.crashes_left = dict.fromkeys(Side, 0), 0, 0
    stage.run(world, Tape((), set()), place.key, Wish(full=True))
    written = sum(len(system.writes) for system in world.systems)
    if written:
        yield f"left alone (promise 9): a complete run over a settled world wrote {written} times"
    stage.world = place.world


def _unfinished(tx: Tx) -> list[str]:
    todo = [f"{t.key.side} {t.key.id}: {t.reason}" for t in tx.todo_after(RECORD, after=0, limit=EVERY)]
    return todo + [f"the {intent.operation} of {intent.record_id}" for intent in tx.intents()]


def told(tx: Tx) -> set[str]:
    """Every value that the journal names."""
    found = set()
    for entry in tx.journal(limit=100_000):
        for change in entry.changes:
            for values in (change.get("old"), change.get("new"), change.get("source")):
                found |= {str(value).strip() for value in values} if isinstance(values, list) else set()
    return found
