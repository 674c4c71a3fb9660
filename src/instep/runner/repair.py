"""What a repair of a finding is: marks, so that an ordinary run looks at it, with all its protections.

Nothing is written to a system, and nothing decided. A finding that the systems have disproved something by is
forgotten as far as that: a version that its system has gone back behind, a last agreement that never was.
"""

from __future__ import annotations

from dataclasses import replace

from instep.core.dataflow import Pair
from instep.core.drift import KINDS, Drift
from instep.core.model import Side
from instep.core.state import Link
from instep.runner.engine import Engine
from instep.runner.observe import mark, unread
from instep.store.contract import Tx

REASON = "an audit found it"


def repair(engine: Engine, tx: Tx, drift: Drift) -> bool:
    """Mark what a finding is about; says whether there is anything to be done about its kind."""
    kind, pair = KINDS[drift.kind], engine.dataflow.pair(drift.pair)
    if not kind.repair or pair is None:
        return False
    if kind.repair != "look":
        afresh = kind.repair == "afresh"
        _to_read(engine, tx, pair, drift.side, drift.id, afresh=afresh)
        if drift.kind == "dangling":
            _to_read(engine, tx, pair, drift.side.other, drift.others[0], afresh=False)
        if afresh:
            _forget_agreements(engine, tx, pair, drift)
    link = tx.link_of(pair.name, drift.side, drift.id)
    if link is not None and drift.based:
        tx.save_link(_without(link, drift.based))
    mark(engine, tx, drift.side, pair.entity[drift.side], [drift.id], REASON)
    return True


def _to_read(engine: Engine, tx: Tx, pair: Pair, side: Side, id: str, *, afresh: bool) -> None:
    """Have a record read before it is decided on; with `afresh`, whatever version it has then."""
    seen = tx.sighting(side, pair.entity[side], id)
    if seen is not None:
        seen = replace(seen, version=None) if afresh else seen
        tx.save_sightings([unread(engine, seen)])


def _forget_agreements(engine: Engine, tx: Tx, pair: Pair, drift: Drift) -> None:
    for each in engine.dataflow.of_entity(drift.side, pair.entity[drift.side]):
        link = tx.link_of(each.name, drift.side, drift.id)
        if link is not None:
            tx.save_link(replace(link, base={}))


def _without(link: Link, properties: tuple[str, ...]) -> Link:
    return replace(link, base={name: raw for name, raw in link.base.items() if name not in properties})
