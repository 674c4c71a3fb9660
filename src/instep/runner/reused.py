"""Notice that the id of a linked record stands for another record now, and stop before the two are mixed up.

A record that was deleted and another one that got its id look like one edit of every field. What tells them
apart is the time of creation, which no edit changes. Where a system tells none, nothing can be noticed.
"""

from __future__ import annotations

from typing import Final

from instep.core.model import Side
from instep.core.phrases import moment
from instep.core.release import WHOLE
from instep.core.state import Hold, Key, Sighting
from instep.core.values import digest
from instep.runner.engine import Engine
from instep.store.contract import Tx

REUSED: Final = "reused"
ALIKE_MS = 1_000
"""Times of creation no further apart are one: a listing may tell whole seconds, and a reading milliseconds."""


def hold_reused(engine: Engine, tx: Tx, before: Sighting | None, after: Sighting) -> None:
    """Hold the live links of a record whose new reading tells another time of creation than the last one."""
    if before is None or after.deleted or before.created_ms is None or after.created_ms is None:
        return
    if abs(after.created_ms - before.created_ms) <= ALIKE_MS:
        return
    for pair in engine.dataflow.of_entity(after.side, after.entity):
        link = tx.link_of(pair.name, after.side, after.id)
        if link is None or link.state != "live":
            continue
        system, partner = engine.connectors[after.side].name, link.ids[after.side.other]
        key = Key(pair.name, Side.LEFT, link.ids.left)
        hold = Hold(
            key,
            WHOLE,
            REUSED,
            f"{after.id} in {system} is another record than the one that was linked",
            f"it was created at {moment(after.created_ms)} UTC, "
            f"and the one before at {moment(before.created_ms)} UTC",
            f"if {partner} is its partner all the same: instep holds release ID --choose retry; else unlink",
            digest([str(after.side), after.id, after.created_ms]),
        )
        engine.hold(tx, key, [*(h for h in tx.holds_of(key) if h.property != WHOLE), hold])
        tx.mark([key], reason="its id was used again")
