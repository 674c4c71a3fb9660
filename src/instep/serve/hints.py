"""From a hint to a mark: the record is to be read at once, which is on disk before whoever told is answered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from instep.connectors.webhooks import Hint
from instep.core.model import Record, Side
from instep.runner.engine import entities_of
from instep.runner.observe import take_records
from instep.site import Site
from instep.store.contract import Tx

MOST = 1_000
"""Records that one hint may name."""


async def take(site: Site, side: Side, hints: Sequence[Hint]) -> int:
    """Mark what is hinted at, of entities that some pair keeps in step; durable on return. Returns how many records
    are to be looked at for it: none that is known as new as the hint tells. Raises StoreError."""
    known = {entity for where, entity in entities_of(site.dataflow) if where is side}
    wanted = sorted((hint for hint in hints if hint.entity in known), key=lambda hint: hint.entity)
    if not wanted:
        return 0
    engine = site.engine()

    def mark(tx: Tx) -> int:
        return sum(
            take_records(engine, tx, side, entity, [_record(hint) for hint in of][:MOST], urgent=True)
            for entity, of in groupby(wanted, key=lambda hint: hint.entity)
        )

    return await site.store.write(mark)


def _record(hint: Hint) -> Record:
    return Record(hint.id, version=hint.version, complete=False)
