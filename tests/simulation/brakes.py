"""What a brake holds is not written: asked of the journal, after each run that no person has let go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from instep.core.dataflow import Brakes, Limit
from instep.core.model import Side
from instep.core.state import Key
from instep.core.verdict import by_person
from instep.runner.brakes import EMPTY, OPERATIONS, RELEASE, RELEASED, brake_key, held_brakes, let_go
from instep.runner.run import Report
from instep.store.contract import Entry, Tx

if TYPE_CHECKING:
    from .world import World

TIGHT = Brakes(
    create=Limit(1, 0.2),
    change=Limit(1, 0.2),
    retire=Limit(0, 0.1),
    clear=Limit(0, 0.1),
    same=Limit(1, 0.1),
    empty=Limit(0, 0.99),
    first_create=Limit(2, 0.5),
    first_change=Limit(2, 0.5),
)
"""Brakes that trip in a world of a few records."""

Held = frozenset[tuple[str, str]]
"""Pair and kind of each brake that has tripped, and that nobody has released."""


def held(world: World) -> Held:
    def look(tx: Tx) -> Iterator[tuple[str, str]]:
        for pair in world.dataflow.pairs:
            released = {r.property for r in tx.releases_of(brake_key(pair.name)) if r.choice == RELEASE}
            for hold in held_brakes(tx, pair.name):
                if hold.property not in released:
                    yield pair.name, hold.property

    return world.store.read(lambda tx: frozenset(look(tx)))


LetGo = frozenset[tuple[str, Key]]
"""Kind of brake and key of each record that stays let go, since it could not be written yet."""


def left_over(world: World) -> LetGo:
    def look(tx: Tx) -> Iterator[tuple[str, Key]]:
        for pair in world.dataflow.pairs:
            releases = tx.releases_of(brake_key(pair.name))
            for brake, key, _ in let_go(pair.name, (r for r in releases if r.choice == RELEASED)):
                yield brake, key

    return world.store.read(lambda tx: frozenset(look(tx)))


def _key_of(entry: Entry) -> Key:
    """The key under which a brake counts what an entry wrote."""
    if entry.operation == "create" and entry.side is Side.LEFT:
        return Key(entry.pair, Side.RIGHT, entry.partner_id)
    return Key(entry.pair, Side.LEFT, entry.record_id if entry.side is Side.LEFT else entry.partner_id)


def passed(world: World, before: Held, earlier: LetGo, released: Held, report: Report) -> Iterator[str]:
    """I16: what a run has written in spite of a brake that was held before it and is held still. `earlier`: what
    stays let go of a release before it; `released`: what a person has let go while it went on."""
    entries = world.store.read(lambda tx: tx.journal(run=report.run, limit=1000))
    still = (before & held(world)) - released
    for entry in entries:
        wrote = entry.operation in OPERATIONS and entry.outcome in ("done", "found done")
        if not wrote or by_person(entry.reason) or not entry.request:
            continue
        stopped = (entry.pair, entry.operation) in still and (entry.operation, _key_of(entry)) not in earlier
        if stopped or (entry.pair, EMPTY) in still:
            yield f"{entry.operation} of {entry.pair} {entry.record_id} on the {entry.side} by run {entry.run}"
