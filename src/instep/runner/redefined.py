"""A pair that was redefined: what is known already is looked at again in the light of the new definition.

Which records a pair is for, how they are matched and who may be created count at first contact only, and which way
a property goes or who wins a conflict counts when somebody edits it. So records that were left alone, and differences
that were, would otherwise wait for the next edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from instep.core.dataflow import Pair
from instep.core.model import Side
from instep.core.state import Key
from instep.core.values import Json, digest
from instep.runner.engine import Engine
from instep.runner.observe import index
from instep.store.contract import Tx

PAGE = 500
REDEFINED = "the dataflow changed"


async def look_again(engine: Engine) -> None:
    """Of each pair that is another one than when it was looked at last: index and mark every known record without
    a partner, if its rules of first contact are others, and mark every link, if its properties are. Raises
    StoreError."""
    for pair in engine.dataflow.pairs:
        now = {f"contact:{pair.name}": _of_contact(pair), f"linked:{pair.name}": _of_links(engine, pair)}
        before = engine.store.read(partial(_known, names=list(now)))
        if before == now:
            continue
        for (name, rules), mark_all in zip(now.items(), (_mark_alone, _mark_linked), strict=True):
            if before[name] not in (None, rules):
                await mark_all(engine, pair)
        await engine.store.write(partial(_know, rules=now))


def _known(tx: Tx, *, names: Sequence[str]) -> dict[str, str | None]:
    return {name: tx.meta(name) for name in names}


def _know(tx: Tx, *, rules: Mapping[str, str]) -> None:
    for name, text in rules.items():
        tx.save_meta(name, text)


def _of_contact(pair: Pair) -> str:
    where = [[str(condition) for condition in each] for each in (*pair.where, *pair.create_when)]
    keys = [list(key.properties) for key in pair.match]
    return digest([list(pair.entity), where, keys, list(pair.create), list(pair.referred)])


def _of_links(engine: Engine, pair: Pair) -> str:
    properties: list[Json] = [
        [
            prop.name,
            [[*part.fields, None, *part.context] for part in prop.parts],
            prop.as_written,
            prop.flow,
            prop.policy or pair.policy,
            prop.group,
            [[str(condition) for condition in each] for each in prop.when],
        ]
        for prop in pair.properties
    ]
    return digest([list(pair.entity), properties, pair.on_delete, *engine.dataflow.tables])


async def _mark_alone(engine: Engine, pair: Pair) -> None:
    for side in Side:
        after: str | None = ""
        while after is not None:
            page = partial(_page, engine, pair=pair, side=side, after=after)
            after = await engine.store.write(page)


async def _mark_linked(engine: Engine, pair: Pair) -> None:
    after: int | None = 0
    while after is not None:
        after = await engine.store.write(partial(_page_of_links, pair=pair, after=after))


def _page_of_links(tx: Tx, *, pair: Pair, after: int) -> int | None:
    """Look again at the links after that one; the last one, None at the end."""
    links = tx.links(pair.name, after, PAGE)
    keys = [Key(pair.name, Side.LEFT, link.ids.left) for link in links if link.state == "live"]
    tx.mark(keys, reason=REDEFINED)
    return links[-1].id if len(links) == PAGE else None


def _page(engine: Engine, tx: Tx, *, pair: Pair, side: Side, after: str) -> str | None:
    """Look again at the records after that id; the last id, None at the end."""
    entity = pair.entity[side]
    ids = tx.unlisted(side, entity, 1 << 62, after, PAGE)
    links = tx.links_of(pair.name, side, ids)
    alone = [id for id in ids if id not in links]
    index(engine, tx, side, entity, list(tx.sightings(side, entity, alone).values()))
    tx.mark([Key(pair.name, side, id) for id in alone], reason=REDEFINED)
    return ids[-1] if len(ids) == PAGE else None
