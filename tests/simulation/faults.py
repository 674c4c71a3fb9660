"""Connectors as bad days know them: slow, forgetful, late, stale. Wraps the in-memory reference connector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.memory import MemoryConnector
from instep.core.model import Entity, Record
from instep.core.values import Json
from instep.errors import InDoubt, OutcomeError, RetryLater


class Crash(BaseException):
    """The process dies here. Not an Exception: nothing in the engine may catch it."""


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
    late_apply_ms: int = 20_000
    read_lag_ms: int = 8_000


@dataclass(slots=True)
class Mortal:
    """Counts the points at which the process may die; dies at `at`, or by chance."""

    random: Random
    faults: Faults
    at: int | None = None
    points: int = 0
    crashes: int = 0
    alive: bool = True

    def point(self) -> None:
        self.points += 1
        if not self.alive:
            raise Crash
        if self.points == self.at or (self.faults.crash and self.random.random() < self.faults.crash):
            self.crashes += 1
            self.alive = False
            raise Crash


@dataclass(slots=True)
class FaultyConnector:
    inner: MemoryConnector
    random: Random
    faults: Faults
    mortal: Mortal
    name: str = ""
    clock_skew_ms: int = 0
    clock_error_ms: int = 0
    cache: dict[tuple[str, str], tuple[float, Record]] = field(default_factory=dict)
    pending: set[asyncio.TimerHandle] = field(default_factory=set)

    @property
    def requests(self) -> int:
        return self.inner.requests

    def entities(self) -> Mapping[str, Entity]:
        return self.inner.entities()

    async def check(self) -> Health:
        return await self.inner.check()

    async def close(self) -> None:
        await self.inner.close()

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        async for page in self.inner.list(entity, cursor):
            await self._travel()
            yield page
            if self.random.random() < self.faults.broken_list:
                raise RetryLater("the listing broke off")

    async def read(self, entity: str, id: str) -> Record:
        await self._travel()
        now = asyncio.get_running_loop().time()
        held = self.cache.get((entity, id))
        fresh_s = self.faults.read_lag_ms / 1000
        if held and now - held[0] < fresh_s and self.random.random() < self.faults.stale:
            return held[1]
        self.mortal.point()
        record = await self.inner.read(entity, id)
        self.cache[entity, id] = (now, record)
        return record

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        await self._travel()
        return await self.inner.find(entity, path, value)

    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await self._write(lambda: self.inner.create(entity, fields, key))

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        return await self._write(
            lambda: self.inner.update(entity, id, changes, seen=seen, idempotency=idempotency)
        )

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        return await self._write(lambda: self.inner.retire(entity, id, seen=seen, idempotency=idempotency))

    async def _write(self, send: Callable[[], Awaitable[Record]]) -> Record:
        await self._travel()
        drawn, faults = self.random.random(), self.faults
        if drawn < faults.refused:
            raise RetryLater("too many requests")
        drawn -= faults.refused
        if drawn < faults.lost:
            raise InDoubt("no answer")
        drawn -= faults.lost
        if drawn < faults.unanswered:
            await self._ignoring_outcome(send)
            raise InDoubt("no answer")
        drawn -= faults.unanswered
        if drawn < faults.late:
            loop = asyncio.get_running_loop()
            delay = self.random.random() * faults.late_apply_ms / 1000
            loop.call_later(delay, lambda: asyncio.ensure_future(self._ignoring_outcome(send)))
            raise InDoubt("no answer")
        record = await send()
        await self._travel()
        return record

    async def _ignoring_outcome(self, send: Callable[[], Awaitable[Record]]) -> None:
        try:
            await send()
        except OutcomeError:
            return

    async def _travel(self) -> None:
        self.mortal.point()
        await asyncio.sleep(0.02 + self.random.random() * 0.2)
        self.mortal.point()


def with_lags(entity: Entity, faults: Faults) -> Entity:
    """The entity as its connector declares it on a bad day."""
    abilities = replace(entity.abilities, late_apply_ms=faults.late_apply_ms, read_lag_ms=faults.read_lag_ms)
    return replace(entity, abilities=abilities)
