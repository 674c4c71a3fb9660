"""Some records of both sides that are the same thing, to learn from: by the links that there are, else by values that
they share. Reads the systems, and writes nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from instep.connectors.contract import Connector
from instep.core.dataflow import Pair
from instep.core.model import Both, Entity, Record, Side
from instep.dataflow.suggesting import find_partners
from instep.errors import Gone
from instep.store.contract import Store
from instep.store.paging import every_link

FEWEST: Final = 20
"""Partners that are looked for one by one, if the listings have fewer."""


@dataclass(frozen=True)
class Sampled:
    """`entities`: what the two sides say of themselves. `partners`: records that are the same thing. `read`: how many
    of each side were read. `key`: the fields whose values told that they are; None where links did."""

    entities: Both[Entity]
    partners: Sequence[Both[Record]]
    read: Both[int]
    key: Both[str] | None

    @property
    def ids(self) -> dict[str, str]:
        """Id on the left -> id on the right."""
        return {each.left.id: each.right.id for each in self.partners}


async def sample(connectors: Both[Connector], store: Store | None, pair: Pair, most: int) -> Sampled:
    """From up to `most` records of each side. Raises RetryLater, Stop, BadAnswer."""
    left, right = await asyncio.gather(*(_listed(connectors[side], pair.entity[side], most) for side in Side))
    read = Both(left, right)
    entities = Both(
        connectors.left.entities()[pair.entity.left], connectors.right.entities()[pair.entity.right]
    )
    links = _links(store, pair.name, most)
    if links:
        by_id = read.map(lambda records: {record.id: record for record in records})
        partners = [
            Both(by_id.left[ids.left], by_id.right[ids.right])
            for ids in links
            if ids.left in by_id.left and ids.right in by_id.right
        ]
        if len(partners) < FEWEST:
            partners = await _read(connectors, pair, links[:FEWEST])
        return Sampled(entities, partners, read.map(len), None)
    found = find_partners(entities, read)
    partners = [Both(left[each.left], right[each.right]) for each in found.positions]
    return Sampled(entities, partners, read.map(len), found.key)


async def _listed(connector: Connector, entity: str, most: int) -> list[Record]:
    records: dict[str, Record] = {}
    async for page in connector.list(entity, None):
        records |= {record.id: record for record in page.records if record.complete and not record.deleted}
        if len(records) >= most:
            break
    return list(records.values())[:most]


def _links(store: Store | None, pair: str, most: int) -> list[Both[str]]:
    """The newest links, at most so many."""
    if store is None:
        return []
    found = (link.ids for link in every_link(store, pair) if link.state == "live")
    return list(deque(found, maxlen=most))


async def _read(connectors: Both[Connector], pair: Pair, links: Sequence[Both[str]]) -> list[Both[Record]]:
    """Of these links, the records of both sides, read one by one; without those that are gone meanwhile."""

    async def one(side: Side, id: str) -> Record | None:
        try:
            record = await connectors[side].read(pair.entity[side], id)
        except Gone:
            return None
        return None if record.deleted else record

    found = []
    for ids in links:
        left, right = await asyncio.gather(one(Side.LEFT, ids.left), one(Side.RIGHT, ids.right))
        if left is not None and right is not None:
            found.append(Both(left, right))
    return found
