"""How far each pair is in step: counts from the store, which are looked up and not counted row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from instep.core.dataflow import Pair
from instep.core.model import Both
from instep.site import Site, now_ms
from instep.store.contract import Tx


@dataclass(frozen=True)
class Standing:
    """Where a pair stands: counts from the store. `held`: by cause."""

    linked: int = 0
    todo: int = 0
    failing: int = 0
    held: Mapping[str, int] = field(default_factory=dict)

    @property
    def for_person(self) -> int:
        """Holds that a person has to decide; a reference is released by itself."""
        return sum(count for cause, count in self.held.items() if cause != "reference")


def standing(site: Site) -> dict[str, Standing]:
    """Of every pair, by name. Reads the store only."""

    def of(name: str) -> Standing:
        def look(tx: Tx) -> Standing:
            todo = tx.count_todo(name)
            return Standing(tx.count_links(name), todo.left, todo.right, tx.count_holds(name))

        return site.store.read(look)

    return {pair.name: of(pair.name) for pair in site.dataflow.pairs}


def standing_json(stand: Standing) -> dict[str, Any]:
    return {
        "linked": stand.linked,
        "todo": stand.todo,
        "failing": stand.failing,
        "held": dict(sorted(stand.held.items())),
    }


def known(site: Site, pair: Pair) -> Both[int]:
    """Records of each side that are believed to exist."""
    return site.store.read(lambda tx: Both.of(lambda side: tx.count_sightings(side, pair.entity[side])))


def lag_ms(site: Site, pair: Pair) -> int | None:
    """How long ago the record was read that waits longest for its turn, in milliseconds; None if none waits."""
    now = now_ms()

    def oldest(tx: Tx) -> int | None:
        waiting = tx.todo(pair.name, now_ms=now, limit=1)
        if not waiting:
            return None
        key = waiting[0].key
        seen = tx.sighting(key.side, pair.entity[key.side], key.id)
        return None if seen is None else max(now - abs(seen.seen_ms), 0)

    return site.store.read(oldest)
