"""Take back what checklists made, and prove it by reading each record again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from instep.connectors.contract import Connector, Discards
from instep.core.gone import is_retired
from instep.core.model import Both, Record
from instep.core.values import encode
from instep.errors import Gone, OutcomeError, Refused, Stop, Unable
from instep.qa.ledger import Ledger, Made

GONE: Final = "gone"
NEVER: Final = "never made"
RETIRED: Final = "out of use"
DELETING: Final = "deleting"
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
    found: list[Left] = []
    deleting: list[Made] = []

    def note(made: Made, how: str) -> None:
        ledger.is_over(made.number, how)
        on_progress(len(todo) - len(ledger.left), len(todo))

    for made in todo:
        try:
            how = await _take_back(made, connectors[made.side])
        except Stop:
            raise
        except OutcomeError as error:
            found.append(Left(made, error.why or error.what))
            continue
        if how == DELETING:
            deleting.append(made)
        else:
            note(made, how)
    async for made in _seen_gone(deleting, connectors, patience_s):
        note(made, GONE)
        deleting.remove(made)
    return [*found, *(Left(made, STILL_THERE) for made in deleting)]


async def _take_back(made: Made, connector: Connector) -> str:
    """What is so now: the record is deleted or about to be, if the system can do that, else out of use. Raises what
    the system does."""
    record = await _found(made, connector)
    if record is None:
        return GONE if made.sure else NEVER
    if record.deleted:
        return GONE
    if isinstance(connector, Discards):
        with suppress(Refused, Unable):
            await connector.discard(made.entity, record.id)
            return DELETING
    entity = connector.entities()[made.entity]
    if not is_retired(entity, record.fields):
        key = f"clean-{made.mark}-{record.id}"
        await connector.retire(made.entity, record.id, seen=record, idempotency=key[:100])
        record = await connector.read(made.entity, record.id)
        if not is_retired(entity, record.fields):
            raise Refused("it was retired, and is read as in use all the same")
    return RETIRED


async def _seen_gone(
    deleting: Sequence[Made], connectors: Both[Connector], patience_s: float
) -> AsyncIterator[Made]:
    """The records whose delete shows, as they do; ends when all do, or the patience does."""
    left, waited_s, pause_s = list(deleting), 0.0, 0.0
    while left and waited_s <= patience_s:
        await asyncio.sleep(pause_s)
        waited_s, pause_s = waited_s + pause_s, min(pause_s + 0.5, 5.0)
        for made in list(left):
            record = await _found(made, connectors[made.side])
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
