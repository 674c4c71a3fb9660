"""Two fenced systems, a store of their own, and the engine between them: what the lines of a checklist are run on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import Final

from instep.connectors.contract import CreateKey
from instep.core.dataflow import NO_BRAKES, Dataflow, Pair
from instep.core.model import SIDES, Both, Entity, Record, Side
from instep.core.state import Hold, Key, Link
from instep.core.transformations.contract import Linked, Unlinked
from instep.core.values import Json, set_path
from instep.errors import Gone
from instep.qa.fence import Fence
from instep.runner.engine import Engine, StoreLookup
from instep.runner.run import Runner, Wish
from instep.store.contract import Entry, Tx

MOST_RUNS: Final = 5
MOST_WAIT_MS: Final = 5_000
"""A checklist waits this long for what a run has put off, and runs again this often."""
MOST_LINKS: Final = 100


def without_brakes(dataflow: Dataflow) -> Dataflow:
    """The same dataflow, for records that nobody has to be asked about."""
    return replace(dataflow, pairs=tuple(replace(pair, brakes=NO_BRAKES) for pair in dataflow.pairs))


@dataclass
class Workbench:
    """`stated`: what is expected; the engine has the dataflow that is on trial."""

    stated: Dataflow
    engine: Engine
    runner: Runner
    fences: Both[Fence]
    mark: str
    random: Random
    _count: count[int] = field(default_factory=lambda: count(1))

    def entity(self, pair: Pair, side: Side) -> Entity:
        return self.fences[side].entities()[pair.entity[side]]

    async def sync(self, pair: Pair) -> None:
        """Bring our records of this pair to rest, by the runs that `instep sync` makes."""
        if self.engine.dataflow.pair(pair.name) is None:
            return
        for _ in range(MOST_RUNS):
            await self.runner.run(Wish(full=True, pairs=(pair.name,), kind="qa"))
            due_ms = self.engine.store.read(lambda tx: tx.next_due(pair.name))
            if due_ms is None or due_ms - self.engine.now_ms() > MOST_WAIT_MS:
                return
            await asyncio.sleep(max(due_ms - self.engine.now_ms(), 0) / 1000)

    # What is done at a system

    async def create(self, pair: Pair, side: Side, fields: Mapping[str, Json]) -> Record:
        """A marked record with these nested fields; what a create does not take is written after it."""
        entity = self.entity(pair, side)
        name = f"{self.mark}-{next(self._count)}"
        at_once: dict[str, Json] = {}
        later: dict[str, Json] = {}
        for path, value in leaves(entity, fields).items():
            known = entity.field(path)
            if known is None or known.create:
                set_path(at_once, path, value)
            elif known.update:
                later[path] = value
        id = at_once.pop("id", None) if entity.abilities.chosen_id else None
        key = CreateKey(str(id or name), name, self.engine.idempotency_key())
        record = await self.fences[side].create(entity.name, at_once, key)
        return await self.update(pair, side, record.id, later)

    async def update(self, pair: Pair, side: Side, id: str, changes: Mapping[str, Json]) -> Record:
        """Write dotted paths, a call per group of fields; gives the record as it is then."""
        entity = self.entity(pair, side)
        groups: dict[str, dict[str, Json]] = {}
        for path, value in changes.items():
            known = entity.field(path)
            groups.setdefault(known.group if known else "", {})[path] = value
        record = await self.read(pair, side, id)
        for group in groups.values():
            key = self.engine.idempotency_key()
            await self.fences[side].update(entity.name, id, group, seen=record, idempotency=key)
            record = await self.read(pair, side, id)
        return record

    async def read(self, pair: Pair, side: Side, id: str) -> Record:
        return await self.fences[side].read(pair.entity[side], id)

    async def seen(self, pair: Pair, side: Side, id: str) -> Record:
        """As `read`, and a record that is gone as one that was deleted."""
        try:
            return await self.read(pair, side, id)
        except Gone:
            return Record(id, deleted=True)

    @property
    def made(self) -> int:
        """How many records were made so far, by whomever."""
        return sum(made.sure for made in self.fences.left.ledger.made)

    # What the engine knows

    def link(self, pair: Pair, side: Side, id: str) -> Link | None:
        return self.engine.store.read(lambda tx: tx.link_of(pair.name, side, id))

    def holds(self, pair: Pair, side: Side, id: str) -> list[Hold]:
        """What of a record waits for a person, linked or not."""
        link = self.link(pair, side, id)
        key = Key(pair.name, Side.LEFT, link.ids.left) if link else Key(pair.name, side, id)
        return self.engine.store.read(lambda tx: tx.holds_of(key))

    def journal(self, pair: Pair, side: Side, id: str, after: int) -> list[Entry]:
        """What was written about a record since, the oldest first."""
        found = self.engine.store.read(lambda tx: tx.journal(pair=pair.name, side=side, record_id=id))
        return [entry for entry in reversed(found) if entry.seq > after]

    def last_entry(self) -> int:
        found = self.engine.store.read(lambda tx: tx.journal(limit=1))
        return found[0].seq if found else 0

    def ids(self, side: Side, entity: str) -> list[str]:
        """The ids of an entity's linked records, the latest first, but for those of which either is gone."""

        def live(tx: Tx) -> list[str]:
            found = []
            for pair in self.stated.of_entity(side, entity):
                for link in tx.links(pair.name, 0, MOST_LINKS):
                    seen = [tx.sighting(s, pair.entity[s], link.ids[s]) for s in SIDES]
                    if not any(each is None or each.deleted for each in seen):
                        found.append(link.ids[side])
            return list(dict.fromkeys(reversed(found)))

        return self.engine.store.read(live)

    @property
    def lookup(self) -> Links:
        return Links(self)


@dataclass(frozen=True)
class Links:
    """Answers references by what the store says at that time."""

    bench: Workbench

    def link_of(self, side: Side, entity: str, id: str, other: str, /) -> Linked | Unlinked:
        stated, store = self.bench.stated, self.bench.engine.store
        return store.read(lambda tx: StoreLookup(stated, tx).link_of(side, entity, id, other))

    def id_of(self, link_id: int, side: Side) -> str | None:
        stated, store = self.bench.stated, self.bench.engine.store
        return store.read(lambda tx: StoreLookup(stated, tx).id_of(link_id, side))


def leaves(entity: Entity, fields: Mapping[str, Json]) -> dict[str, Json]:
    """The values of nested fields by the dotted paths that the entity declares."""
    found: dict[str, Json] = {}

    def walk(value: Json, path: str) -> None:
        known = entity.field(path)
        if isinstance(value, dict) and (known is None or known.path != path):
            for name, inner in value.items():
                walk(inner, f"{path}.{name}")
        else:
            found[path] = value

    for name, value in fields.items():
        walk(value, name)
    return found
