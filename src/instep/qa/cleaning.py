"""Take back what checklists made, and prove it by reading each record again.

A record is deleted where its system has a call for that, what refers to others before those; what can't be deleted is
taken out of use in its system's own way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from instep.connectors.contract import Connector, Discards
from instep.core.gone import is_retired
from instep.core.model import Both, Record
from instep.core.values import encode
from instep.errors import Gone, OutcomeError, Refused, Stop, Unable
from instep.qa.ledger import NEVER, Ledger, Made

GONE: Final = "gone"
RETIRED: Final = "out of use"
STILL_THERE: Final = "it was deleted, and is still read; look again with: instep qa --clean"
PATIENCE_S: Final = 300.0
"""How long a system may take until what was deleted is no longer read."""


@dataclass(frozen=True, slots=True)
class Left:
    """A record that could not be taken back, and why."""

    made: Made
    why: str


async def clean(
    ledger: Ledger,
    connectors: Both[Connector],
    on_progress: Callable[[int, int], None] = lambda *_: None,
    patience_s: float = PATIENCE_S,
) -> Sequence[Left]:
    """Take back all that the ledger has; what is left, with the reasons. Raises Stop and StoreError."""
    todo = ledger.left

    def over(made: Made, how: str) -> None:
        ledger.is_over(made.number, how)
        on_progress(len(todo) - len(ledger.left), len(todo))

    cleaning = _Cleaning(connectors, over, patience_s)
    while (left := ledger.left) and await cleaning.delete(left):
        pass  # what is gone now may have kept others from being deleted
    return await cleaning.retire(ledger.left)


@dataclass(frozen=True)
class _Cleaning:
    """`over`: called with what nothing is left of, or nothing in use. `still`: numbers of what was deleted and is
    read all the same."""

    connectors: Both[Connector]
    over: Callable[[Made, str], None]
    patience_s: float
    still: set[int] = field(default_factory=set)

    async def delete(self, left: Sequence[Made]) -> int:
        """Delete what can be, kind by kind, each once the one before it is gone; how many are over by that."""
        over = 0
        for kind in dict.fromkeys((made.side, made.entity) for made in left):
            todo = [m for m in left if (m.side, m.entity) == kind and m.number not in self.still]
            deleting = []
            for made in todo:
                try:
                    how = await self._discard(made)
                except Stop:
                    raise
                except OutcomeError:
                    continue
                if how:
                    self.over(made, how)
                    over += 1
                else:
                    deleting.append(made)
            self.still.update(made.number for made in deleting)
            async for made in self._gone(deleting):
                self.over(made, GONE)
                self.still.remove(made.number)
                over += 1
        return over

    async def retire(self, left: Sequence[Made]) -> Sequence[Left]:
        """Take out of use what is left; what can't be, and why."""
        found = []
        for made in left:
            if made.number in self.still:
                found.append(Left(made, STILL_THERE))
                continue
            try:
                self.over(made, await self._retire(made))
            except Stop:
                raise
            except OutcomeError as error:
                found.append(Left(made, error.why or error.what))
        return found

    async def _discard(self, made: Made) -> str:
        """What is so already; "" if the record is about to be gone. Raises what the system does."""
        connector = self.connectors[made.side]
        record = await _found(made, connector)
        if record is None:
            return GONE if made.sure else NEVER
        if record.deleted:
            return GONE
        if not isinstance(connector, Discards):
            raise Unable(
                f"{made.entity} {record.id} was not deleted", why=f"{connector.name} has no call for it"
            )
        await connector.discard(made.entity, record.id)
        return ""

    async def _retire(self, made: Made) -> str:
        """What is so now. Raises what the system does."""
        connector = self.connectors[made.side]
        record, entity = await _found(made, connector), connector.entities()[made.entity]
        if record is not None and not record.deleted and not is_retired(entity, record.fields):
            key = f"clean-{made.mark}-{record.id}"
            await connector.retire(made.entity, record.id, seen=record, idempotency=key[:100])
            record = await _found(made, connector)
        if record is None or record.deleted:
            return GONE
        if not is_retired(entity, record.fields):
            raise Refused("it was retired, and is read as in use all the same")
        return RETIRED

    async def _gone(self, deleting: Sequence[Made]) -> AsyncIterator[Made]:
        """The records whose delete shows, as they do; ends when all do, or the patience does."""
        left, waited_s, pause_s = list(deleting), 0.0, 0.0
        while left and waited_s <= self.patience_s:
            await asyncio.sleep(pause_s)
            waited_s, pause_s = waited_s + pause_s, min(pause_s + 0.5, 5.0)
            for made in list(left):
                record = await _found(made, self.connectors[made.side])
                if record is None or record.deleted:
                    left.remove(made)
                    yield made


async def _found(made: Made, connector: Connector) -> Record | None:
    """The record of an entry. One that the system never confirmed counts only if it bears the mark: an id that we
    meant to give may have been somebody else's already."""
    if made.id:
        try:
            record = await connector.read(made.entity, made.id)
        except Gone:
            return None
        return record if made.sure or _bears(record, made.mark) else None
    if made.marker:
        path = connector.entities()[made.entity].abilities.marker
        return next(iter(await connector.find(made.entity, path, made.marker)), None)
    return await anext((record async for record in _marked(made, connector)), None)


async def _marked(made: Made, connector: Connector) -> AsyncIterator[Record]:
    async for page in connector.list(made.entity, None):
        for record in page.records:
            if _bears(record, made.mark):
                yield record


def _bears(record: Record, mark: str) -> bool:
    return mark.encode() in encode(dict(record.fields))
