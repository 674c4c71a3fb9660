"""From a hint to a mark: the record is to be read at once, which is on disk before whoever told is answered."""

from __future__ import annotations

from collections.abc import Sequence

from instep.connectors.webhooks import Hint
from instep.core.model import Record, Side
from instep.runner.engine import entities_of
from instep.runner.observe import take_records
from instep.site import Site
from instep.store.contract import Tx

MOST = 1_000
"""Records that a store is asked about at once."""


async def take(site: Site, side: Side, hints: Sequence[Hint]) -> int:
    """Mark what is hinted at, of entities that some pair keeps in step; durable on return. Returns how many records
    are to be looked at for it: none that is known as new as the hint tells. Raises StoreError."""
    known = {entity for where, entity in entities_of(site.dataflow) if where is side}
    named: dict[str, list[Record]] = {}
    for hint in hints:
        if hint.entity in known:
            named.setdefault(hint.entity, []).append(Record(hint.id, version=hint.version, complete=False))
    if not named:
        return 0
    engine = site.engine()

    def mark(tx: Tx) -> int:
        return sum(
            take_records(engine, tx, side, entity, records[start : start + MOST], urgent=True)
            for entity, records in named.items()
            for start in range(0, len(records), MOST)
        )

    return await site.store.write(mark)
