"""Everything that is known of one record, and why it is or is not in step. Reads only; no system is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from instep.core.dataflow import Pair
from instep.core.explain import Explanation, Known, explain
from instep.core.model import SIDES, Side
from instep.core.state import Key
from instep.core.values import plain
from instep.desk import words
from instep.desk.history import About, entry_json, page
from instep.runner.engine import Engine
from instep.runner.judge import judge
from instep.site import Site
from instep.store.contract import Entry, Tx

ENTRIES: Final = 10


@dataclass(frozen=True, slots=True)
class Explained:
    """A record with its explanation and the last entries of the journal that name it."""

    known: Known
    explanation: Explanation
    entries: Sequence[Entry]


def explained(site: Site, tx: Tx, pair: Pair, side: Side, id: str, *, entries: int = ENTRIES) -> Explained:
    engine = site.engine()
    known = gather(engine, tx, Key(pair.name, side, id))
    about = About(pair.name, known.key.side, known.key.id)
    return Explained(
        known,
        explain(engine.scene(tx, pair, planning=True), known),
        page(tx, about, limit=entries),
    )


def gather(engine: Engine, tx: Tx, key: Key) -> Known:
    """Everything that is stored about a record, with what would be decided on it now. Reads only."""
    case = judge(engine, tx, key, planning=True)
    key = case.key
    return Known(
        key,
        case.link,
        case.seen,
        tx.holds_of(key),
        tx.releases_of(key),
        case.intents,
        tx.todo_of(key),
        case.verdict,
    )


def explained_json(site: Site, found: Explained) -> dict[str, Any]:
    known, explanation = found.known, found.explanation
    return {
        "pair": known.key.pair,
        "side": known.key.side.value,
        "record": known.key.id,
        "link": words.link_json(known.link) if known.link is not None else None,
        "in_step": explanation.in_step,
        "summary": explanation.summary,
        "facts": list(explanation.facts),
        "properties": [
            {
                "name": p.property,
                "state": p.state,
                "left": plain(p.raw.left),
                "right": plain(p.raw.right),
                "base": {s.value: plain(p.base[s]) for s in SIDES} if p.base is not None else None,
                "edited": [s.value for s in p.edited],
                "to": p.to.value if p.to is not None else None,
                "why": p.why,
            }
            for p in explanation.properties
        ],
        "next": list(explanation.following),
        "fixes": list(explanation.fixes),
        "holds": [hold.id for hold in known.holds],
        "journal": [entry_json(entry, site) for entry in found.entries],
    }
