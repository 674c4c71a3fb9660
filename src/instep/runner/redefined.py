"""A pair that was redefined: what is known already is looked at again in the light of the new definition.

Which records a pair is for, how they are matched and who may be created count at first contact only, so records
that were left alone before would otherwise wait until somebody edits them.
"""

from __future__ import annotations

from functools import partial

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.core.state import Key
from instep.core.values import digest
from instep.runner.engine import Engine
from instep.runner.observe import index
from instep.store.contract import Tx

PAGE = 500


async def look_again(engine: Engine) -> None:
    """Index and mark every known record without a partner, of each pair whose rules of first contact are others
    than when it was looked at last. Raises StoreError."""
    for pair in engine.dataflow.pairs:
        before = engine.store.read(partial(_known_rules, pair=pair))
        if before == _rules(pair):
            continue
        for side in Side if before is not None else ():
            after: str | None = ""
            while after is not None:
                page = partial(_page, engine, pair=pair, side=side, after=after)
                after = await engine.store.write(page)
        await engine.store.write(partial(_know_rules, pair=pair))


def _known_rules(tx: Tx, *, pair: Pair) -> str | None:
    return tx.meta(f"contact:{pair.name}")


def _know_rules(tx: Tx, *, pair: Pair) -> None:
    tx.save_meta(f"contact:{pair.name}", _rules(pair))


def _rules(pair: Pair) -> str:
    where = [[str(condition) for condition in each] for each in (*pair.where, *pair.create_when)]
    keys = [list(key.properties) for key in pair.match]
    return digest([list(pair.entity), where, keys, list(pair.create), list(pair.referred)])


def _page(engine: Engine, tx: Tx, *, pair: Pair, side: Side, after: str) -> str | None:
    """Look again at the records after that id; the last id, None at the end."""
    entity = pair.entity[side]
    ids = tx.unlisted(side, entity, 1 << 62, after, PAGE)
    links = tx.links_of(pair.name, side, ids)
    alone = [id for id in ids if id not in links]
    index(engine, tx, side, entity, list(tx.sightings(side, entity, alone).values()))
    tx.mark([Key(pair.name, side, id) for id in alone], reason="the dataflow changed")
    return ids[-1] if len(ids) == PAGE else None
