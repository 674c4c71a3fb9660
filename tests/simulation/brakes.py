"""What a brake holds is not written: asked of the journal, after each run that no person has let go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from instep.core.dataflow import Brakes, Limit
from instep.core.verdict import by_person
from instep.runner.brakes import EMPTY, OPERATIONS, RELEASE, brake_key, held_brakes
from instep.runner.run import Report
from instep.store.contract import Tx

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


def passed(world: World, before: Held, released: Held, report: Report) -> Iterator[str]:
    """I16: what a run has written in spite of a brake that was held before it and is held still. `released`: what a
    person has let go while it went on."""
    entries = world.store.read(lambda tx: tx.journal(run=report.run, limit=1000))
    still = (before & held(world)) - released
    for entry in entries:
        wrote = entry.operation in OPERATIONS and entry.outcome in ("done", "found done")
        if not wrote or by_person(entry.reason) or not entry.request:
            continue
        if (entry.pair, entry.operation) in still or (entry.pair, EMPTY) in still:
            yield f"{entry.operation} of {entry.pair} {entry.record_id} on the {entry.side} by run {entry.run}"
