"""What a run takes up before anything else: writes in doubt, what was left aside, and what was refused before."""

from __future__ import annotations

from dataclasses import replace

from instep.core.model import Side
from instep.core.release import WHOLE
from instep.core.state import Release
from instep.runner.aside import take_up
from instep.runner.engine import Engine
from instep.store.contract import Tx


def recover(engine: Engine, tx: Tx) -> None:
    """Writes that were on their way when a run ended are looked at first, due or not; and what it left aside."""
    take_up(tx, engine.dataflow.pairs)
    for intent in tx.intents():
        link = tx.link(intent.link_id) if intent.link_id else None
        key = replace(intent.key, side=Side.LEFT, id=link.ids.left) if link else intent.key
        if engine.dataflow.pair(key.pair) is not None:
            tx.mark([key], reason="a write is in doubt")


def retry_refused(engine: Engine, tx: Tx) -> None:
    """What a system refused may be taken by now, for a reason that no changed value shows: with a complete
    reading each is tried once more, unless a person has chosen something else for it."""
    for pair in engine.dataflow.pairs:
        after = 0
        while holds := tx.holds(pair=pair.name, cause="refused", after=after, limit=500):
            for hold in holds:
                if {WHOLE, hold.property}.isdisjoint(each.property for each in tx.releases_of(hold.key)):
                    tx.save_release(
                        Release(hold.key, hold.property, "retry", hold.digest, at_ms=engine.now_ms())
                    )
            tx.mark([hold.key for hold in holds], reason="refused before: tried once more")
            after = holds[-1].id
