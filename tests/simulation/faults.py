"""Connectors as bad days know them: slow, forgetful, late, stale, wrong. Wraps the in-memory reference connector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import cast

from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.memory import MemoryConnector
from instep.core.model import Entity, Logged, Record
from instep.core.values import Json
from instep.errors import BadAnswer, Gone, InDoubt, Moved, OutcomeError, Refused, RetryLater, Stop, Unable

from .processes import Process
from .systems import SimSystem
from .tape import Tape

TIMEOUT_MS = 1_000
"""The connectors' own limit for a request."""


@dataclass(slots=True)
class Faults:
    """Probabilities per request, and the bounds that the connectors declare. All 0 is a good day."""

    lost: float = 0.0  # never arrives; the caller sees a timeout
    unanswered: float = 0.0  # applied; the caller sees a timeout
    late: float = 0.0  # applied after the caller has seen a timeout
    refused: float = 0.0  # 429: definitely not applied
    stale: float = 0.0  # a reading from a replica
    broken_list: float = 0.0  # a listing ends in the middle
    crash: float = 0.0
    wrong: float = 0.0  # an error of some other class
    lagging_list: float = 0.0  # a row of a listing is an old one, or not there yet
    partial_list: float = 0.0  # a known row is left out, since the pages shift while they are read
    doubled_row: float = 0.0  # a row is listed twice
    hints: float = 0.0  # a webhook for a change: late, doubled, out of order or lost
    late_apply_ms: int = 20_000
    read_lag_ms: int = 8_000
    list_lag_ms: int = 8_000

    def chances(self) -> list[str]:
        """The names of the probabilities."""
        return [name for name in self.__slots__ if not name.endswith("_ms")]


def with_lags(entity: Entity, faults: Faults) -> Entity:
    """The entity as its connector declares it on a bad day."""
    abilities = replace(
        entity.abilities,
        late_apply_ms=faults.late_apply_ms,
        read_lag_ms=faults.read_lag_ms,
        list_lag_ms=faults.list_lag_ms if faults.lagging_list else 0,
    )
    return replace(entity, abilities=abilities)


@dataclass(slots=True)
class FaultyConnector:
    inner: MemoryConnector
    tape: Tape
    faults: Faults
    process: Process
    name: str = ""
    clock_skew_ms: int = 0
    clock_error_ms: int = 0
    known: Callable[[str, str], bool] = field(default=lambda entity, id: True)
    doubt: Callable[[str, str, Mapping[str, Json]], None] = field(default=lambda entity, id, values: None)
    sent: Callable[[], None] = field(default=lambda: None)
    heard: Callable[[], Mapping[str, int]] = field(default=dict)
    breach: Callable[[str], None] = field(default=lambda what: None)
    listed: Callable[[str, int], None] = field(default=lambda entity, since_ms: None)

    @property
    def system(self) -> SimSystem:
        return cast(SimSystem, self.inner.system)

    @property
    def requests(self) -> int:
        return self.inner.requests

    def entities(self) -> Mapping[str, Entity]:
        return self.inner.entities()

    async def check(self) -> Health:
        return await self.inner.check()

    async def close(self) -> None:
        await self.inner.close()

    # Reading

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        """The reference listing, with rows that lag, are left out or come twice. The cursor after a page never
        passes a row that was not told as it is, so that the next listing tells it."""
        since_ms, wiped, untrue = self.system.true_ms(), self.system.wiped_ms, None
        async for page in self.inner.list(entity, cursor):
            await self._travel()
            self._perhaps_wrong(BadAnswer("half a body"), Stop("the key was refused"), RetryLater("503"))
            rows = []
            for record in page.records:
                told = self._row(entity, record)
                if told is not record:
                    seq = self.system.seq_of(entity, record.id)
                    untrue = seq if untrue is None else min(untrue, seq)
                if told is not None:
                    rows += [told, told] if self._strikes("doubled_row") else [told]
            if self.system.wiped_ms != wiped:
                raise RetryLater("the listing broke off", why="the system changed underneath")
            reached = int(page.cursor) if untrue is None else min(int(page.cursor), untrue - 1)
            yield Page(rows, str(reached), page.last)
            if page.last and wiped is None and untrue is None:
                self.listed(entity, since_ms)
            if self._strikes("broken_list"):
                raise RetryLater("the listing broke off")

    def _row(self, entity: str, record: Record) -> Record | None:
        if self.system.hidden(entity, record.id):
            return None
        if self._strikes("partial_list") and self.known(entity, record.id):
            return None  # a record that the engine never heard of has to be in a complete listing
        if not self._strikes("lagging_list"):
            return record
        seen_ms = self.system.true_ms() - round(self.tape["lag"].draw() * self.faults.list_lag_ms)
        if self.system.changed_at(entity, record.id) <= seen_ms:
            return record
        return self.system.as_of(entity, record.id, seen_ms)

    async def read(self, entity: str, id: str) -> Record:
        await self._travel()
        self._perhaps_wrong(
            RetryLater("503"), InDoubt("no answer"), BadAnswer("HTML"), RetryLater("429", after_ms=3000)
        )
        if self.system.hidden(entity, id):
            raise Gone(f"there is no {entity} {id}")
        self.process.point()
        record = await self._gone_or(entity, id)
        if self._strikes("stale"):
            seen_ms = self.system.true_ms() - round(self.tape["lag"].draw() * self.faults.read_lag_ms)
            old = self.system.as_of(entity, id, seen_ms)
            if old is None:
                raise Gone(f"there is no {entity} {id} yet")
            return old
        if record is None:
            raise Gone(f"there is no {entity} {id}")
        return record

    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        """The log of changes of a system that keeps one; it may trail behind as a listing does."""
        await self._travel()
        self._perhaps_wrong(RetryLater("503"), BadAnswer("half a body"))
        told_ms = self.system.true_ms()
        if self._strikes("lagging_list"):
            told_ms -= round(self.tape["lag"].draw() * self.faults.list_lag_ms)
        found = [
            (at_ms, Logged(f"{entity} {id} at {record.version}", entity, record))
            for (entity, id), past in self.system.past.items()
            if entity in entities and not self.system.hidden(entity, id)
            for at_ms, record in past[1:]
            if since_ms <= at_ms <= min(until_ms, told_ms)
        ]
        found.sort(key=itemgetter(0))
        for at in range(0, len(found), 3):
            yield [state for _, state in found[at : at + 3]]

    async def _gone_or(self, entity: str, id: str) -> Record | None:
        try:
            return await self.inner.read(entity, id)
        except Gone:
            return None

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        await self._travel()
        self._perhaps_wrong(RetryLater("503"), InDoubt("no answer"), BadAnswer("HTML"))
        found = await self.inner.find(entity, path, value)
        return [record for record in found if not self.system.hidden(entity, record.id)]

    # Writing

    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await self._write(lambda: self.inner.create(entity, fields, key))

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        conditional = self.entities()[entity].abilities.conditional and seen.token is not None
        try:
            return await self._write(
                lambda: self.inner.update(entity, id, changes, seen=seen, idempotency=idempotency),
                conditional,
            )
        except InDoubt:
            self.doubt(entity, id, changes)
            raise

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        return await self._write(lambda: self.inner.retire(entity, id, seen=seen, idempotency=idempotency))

    async def _write(self, call: Callable[[], Awaitable[Record]], conditional: bool = False) -> Record:
        self.sent()
        heard, sent_ms = self.heard(), self.system.true_ms()

        async def send() -> Record:
            self.system.sent_ms = sent_ms
            self.system.heard = heard  # a request knows nothing of what came after it was sent
            return await call()

        await self._travel()
        if self._strikes("refused"):
            raise RetryLater("too many requests", after_ms=2000 if self.tape["net"].draw() < 0.3 else None)
        refusals: list[OutcomeError] = [Refused("not now", why="a rule of that day"), RetryLater("503")]
        self._perhaps_wrong(*refusals, *([Moved("it has changed")] if conditional else []))
        if self._strikes("lost"):
            raise InDoubt("no answer")
        if self._strikes("unanswered"):
            await self._ignoring_outcome(send)
            raise InDoubt("no answer")
        if self._strikes("late"):
            loop = asyncio.get_running_loop()
            delay = self.tape["net"].draw() * self.faults.late_apply_ms / 1000
            loop.call_later(delay, lambda: asyncio.ensure_future(self._ignoring_outcome(send)))
            raise InDoubt("no answer")
        try:
            record = await send()
        except Unable as unable:
            self.breach(f"a call that the system can't do was sent: {unable.what}")
            raise
        await self._travel()
        return record

    async def _ignoring_outcome(self, send: Callable[[], Awaitable[Record]]) -> None:
        try:
            await send()
        except OutcomeError:
            return

    # The way there

    def _perhaps_wrong(self, *errors: OutcomeError) -> None:
        if self._strikes("wrong"):
            raise self.tape["net"].choice(errors)

    def _strikes(self, fault: str) -> bool:
        return self.tape[f"fault {fault}"].strikes(getattr(self.faults, fault))

    async def _travel(self) -> None:
        """The way there or back. A process that stood still on it finds its time up when it goes on, as a client with
        a time limit does: what had not left by then does not leave any more."""
        loop = asyncio.get_running_loop()
        until = loop.time() + TIMEOUT_MS / 1000
        await self.process.pass_point()
        await asyncio.sleep(0.02 + self.tape["net"].draw() * 0.2)
        await self.process.pass_point()
        if loop.time() > until:
            raise InDoubt("no answer in time")
