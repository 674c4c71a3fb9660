"""A connector that knows the records of checklists and no others, so that a run over it can do no harm.

A listing has our own records alone, each read by its id; what was not made by us is not written. So the very engine
that `instep sync` runs works here on a store of its own, and no record of the company is read in or touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from instep.connectors.contract import Connector, CreateKey, Discards, Health, Page
from instep.core.model import Entity, Record, Side
from instep.core.values import Json
from instep.errors import Gone, Refused, RetryLater, Stop, Taken, Unable
from instep.qa.ledger import NEVER, Ledger


class Fence:
    """One side's connector, fenced. Implements `Connector`; `mark` is the text that our records bear."""

    def __init__(self, inner: Connector, side: Side, ledger: Ledger, mark: str) -> None:
        self.inner, self.side, self.ledger, self.mark = inner, side, ledger, mark
        self._fenced: dict[str, tuple[Entity, Entity]] = {}

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def clock_skew_ms(self) -> int:
        return self.inner.clock_skew_ms

    @property
    def clock_error_ms(self) -> int:
        return self.inner.clock_error_ms

    @property
    def requests(self) -> int:
        return self.inner.requests

    def entities(self) -> Mapping[str, Entity]:
        """As the system has them, but for its log of changes, which tells of everybody's records, and for the time by
        which its lists trail behind, since ours are made of readings."""
        return {name: self._fenced_off(each) for name, each in self.inner.entities().items()}

    def _fenced_off(self, entity: Entity) -> Entity:
        """The same object for the same one of the system: the engine asks for it with every record."""
        known = self._fenced.get(entity.name)
        if known is None or known[0] is not entity:
            abilities = replace(entity.abilities, log=False, list_lag_ms=entity.abilities.read_lag_ms)
            fenced = replace(entity, abilities=abilities)
            self._fenced[entity.name] = known = (entity, fenced)
        return known[1]

    async def check(self) -> Health:
        return await self.inner.check()

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        del cursor
        ours = (self.side, entity, self.mark)
        ids = [m.id for m in self.ledger.made if (m.side, m.entity, m.mark) == ours and m.sure]
        found = await asyncio.gather(*(self._unless_gone(entity, id) for id in ids))
        yield Page([record for record in found if record is not None], "all", True)

    async def _unless_gone(self, entity: str, id: str) -> Record | None:
        try:
            return await self.inner.read(entity, id)
        except Gone:
            return None

    async def read(self, entity: str, id: str) -> Record:
        return await self.inner.read(entity, id)

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        found = await self.inner.find(entity, path, value)
        for made in self.ledger.made:
            here = (made.side, made.entity, made.marker) == (self.side, entity, value)
            if here and not made.sure and not made.over and len(found) == 1:
                self.ledger.was_made(made.number, found[0].id)
        return found

    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        abilities = self.inner.entities()[entity].abilities
        id = key.id if abilities.chosen_id else ""
        marker = key.marker if abilities.marker else ""
        open_entry = self.ledger.unsure(self.side, entity, id=id, marker=marker)
        number = open_entry or self.ledger.making(self.side, entity, self.mark, id=id, marker=marker)
        try:
            record = await self.inner.create(entity, fields, key)
        except Taken as error:  # if it was sent before, the first request has arrived after all
            if not open_entry:
                self.ledger.is_over(number, NEVER)
            elif error.existing_id or id:
                self.ledger.was_made(number, error.existing_id or id)
            raise
        except (Refused, RetryLater, Stop, Unable):
            if not open_entry:
                self.ledger.is_over(number, NEVER)
            raise
        self.ledger.was_made(number, record.id)
        return record

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        self._require_ours(entity, id)
        return await self.inner.update(entity, id, changes, seen=seen, idempotency=idempotency)

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        self._require_ours(entity, id)
        return await self.inner.retire(entity, id, seen=seen, idempotency=idempotency)

    async def discard(self, entity: str, id: str) -> None:
        self._require_ours(entity, id)
        if not isinstance(self.inner, Discards):
            raise Unable(f"{entity} {id} was not deleted", why=f"{self.name} has no call for it")
        await self.inner.discard(entity, id)

    async def close(self) -> None:
        """Nothing: whoever opened the connector closes it."""

    def _require_ours(self, entity: str, id: str) -> None:
        if not self.ledger.is_ours(self.side, entity, id):
            raise Unable(
                f"{entity} {id} of {self.name} was not written",
                why="a checklist writes its own records alone",
            )


_: type[Connector] = Fence
