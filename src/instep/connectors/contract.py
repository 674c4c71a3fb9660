"""What the engine needs of a connected system. Nine calls; the public suite in `instep.testing` is the proof.
A tenth, `ChangeLog`, is for systems that keep a log of changes and take no condition with an update; an eleventh,
`Discards`, for those that let a checklist delete what it made; and `webhooks` has `Hinting`, for those that tell by
themselves when a record changes.

A connector speaks to one system and knows nothing of the other, of links, or of the store. It paces itself
within the system's limits and retries what is safe to retry *reading*; a write it sends once, and reports the
outcome by the class of error (`instep.errors`), never milder than it can prove:

    Refused, Taken, Moved, RetryLater, Unable   definite: not applied
    InDoubt                                     may have been applied, may still be
    Gone                                        the system says that there is no such record
    Stop                                        nothing works until a person acts
    BadAnswer                                   a reading that can't be believed

Everything that comes from a system is untrusted: bodies are bounded, numbers with a fraction are Decimal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from instep.core.model import Entity, Logged, Record
from instep.core.values import Json
from instep.errors import Problem


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing. `cursor` is where to go on after this page, to be saved with its records.

    After the last page (`last`) the cursor begins the next changed-since listing, with whatever overlap the
    system needs. A cursor is opaque text below 2,000 characters; one that the system no longer accepts must be
    recovered from by the connector itself, by reading more, never less.
    """

    records: Sequence[Record]
    cursor: str
    last: bool


@dataclass(frozen=True, slots=True)
class CreateKey:
    """What makes a create happen at most once; made and stored before the first request.

    `id`: the id that the record is to have, used if the entity has `chosen_id`. `marker`: the text for the
    marker field, if the entity has one. `idempotency`: the key of the request, at most 100 characters.
    """

    id: str
    marker: str
    idempotency: str


@dataclass(frozen=True, slots=True)
class Health:
    """What a live look at a system found, for `check`; times in milliseconds.

    `clock_skew_ms`: the system's clock minus ours, None if it doesn't tell. `requests_per_minute`: the pace
    in force, None for unlimited. `notes`: sentences worth knowing.
    """

    problems: Sequence[Problem]
    clock_skew_ms: int | None
    requests_per_minute: int | None
    notes: Sequence[str] = ()


class Connector(Protocol):
    """One connected system. `name` is what people call it ("Chargebee", "Custom ERP").

    `clock_skew_ms` is the latest measurement (from `Date` headers), 0 until there is one, and
    `clock_error_ms` the bound of its error.
    `requests` counts every HTTP request sent so far, for progress and benchmarks.
    """

    @property
    def name(self) -> str: ...
    @property
    def clock_skew_ms(self) -> int: ...
    @property
    def clock_error_ms(self) -> int: ...
    @property
    def requests(self) -> int: ...

    def entities(self) -> Mapping[str, Entity]:
        """Every entity by name, without I/O."""
        ...

    async def check(self) -> Health:
        """Look at credentials, rights, entities and custom fields of the live system; never writes, never
        raises for what it can report."""
        ...

    def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        """All records (cursor None) or those changed since; retired and, with tombstones, deleted ones too.

        At least one page, even if it is empty. Oldest change first where the system can sort. A record may be
        listed twice. Raises RetryLater, Stop, BadAnswer.
        """
        ...

    async def read(self, entity: str, id: str) -> Record:
        """One record, complete. Raises Gone, RetryLater, InDoubt, Stop, BadAnswer."""
        ...

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        """The records whose field at `path` (the marker, at least) equals the value, checked on each row
        here, since a server may ignore a filter. Raises as `read`, and Unable."""
        ...

    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        """Make a record from nested fields and return what the response says of it.

        The record, and the error where there is one, tell the ids that the system gave to the requests
        (`Record.request`), as those of `update` and `retire` do. Raises every outcome but Moved and Gone: Taken
        if the chosen id, marker or another unique field is in use. Never silently drops a field: raises Unable
        for one that it can't write.
        """
        ...

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        """Write dotted paths (None clears), all of one `Field.group`, in one request; nothing else changes.

        `seen` is the reading that the decision was made from: its token makes the write conditional, and its
        fields complete what the API would otherwise wipe. Raises every outcome but Taken's chosen id.
        """
        ...

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        """Take the record out of use in the system's own way (archive, deactivate), never deleting more than
        itself. Raises as `update`."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class ChangeLog(Protocol):
    """What a connector is beside `Connector` if some of its entities have the ability `log`."""

    def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        """Pages of the updates of these entities' records that were made between two times of our clock, by
        whomever; those of around then do no harm. One request for all entities where the system can.

        The log may miss the latest changes for as long as the entity's `list_lag_ms`. Raises as `Connector.list`.
        """
        ...


@runtime_checkable
class Discards(Protocol):
    """What a connector is beside `Connector` if its system lets records be deleted for good. The engine never does
    that: it is for the records that a checklist has made itself."""

    async def discard(self, entity: str, id: str) -> None:
        """Delete one record, with whatever the system deletes along with it. It may still be read for a moment.

        Raises Unable where there is no such call, and as `update`.
        """
        ...


@runtime_checkable
class Paced(Protocol):
    """What a connector is beside `Connector` if its system has a quota of requests."""

    @property
    def requests_per_minute(self) -> int | None:
        """How many are sent in a minute at most, without the reserve; None: no limit."""
        ...
