"""A process of the engine: it may die at any point, or stand still for longer than its lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from instep.store.contract import Store

from .tape import Stream


class Crash(BaseException):
    """The process dies here. Not an Exception: nothing in the engine may catch it."""


@dataclass(slots=True)
class Mortal:
    """Counts the points at which a process may die, around each request and each commit; dies at those of
    `at`, or by chance. One of these outlives the processes, so that the points of a world are counted through."""

    chance: Callable[[], float]
    stream: Stream
    at: Collection[int] = ()
    points: int = 0
    crashes: int = 0

    def dies(self) -> bool:
        self.points += 1
        if self.points in self.at or self.stream.strikes(self.chance()):
            self.crashes += 1
            return True
        return False


@dataclass(slots=True)
class Process:
    """One start of the engine. Whoever runs in it passes its points."""

    name: str
    mortal: Mortal
    loop: Any
    told: Callable[[str, str], None] = field(default=lambda who, what: None)
    alive: bool = True
    frozen_until: float = 0.0

    def point(self) -> None:
        """Raises Crash if the process is dead, or dies here."""
        if not self.alive:
            raise Crash
        if self.mortal.dies():
            self.alive = False
            self.told(self.name, "dies")
            raise Crash

    async def pass_point(self) -> None:
        """A point at which the process may also stand still."""
        self.point()
        while self.loop.time() < self.frozen_until:
            await asyncio.sleep(self.frozen_until - self.loop.time())
            self.point()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.pass_point()


class MortalStore:
    """The store of a process that may die, or stand still, before or after any commit."""

    def __init__(self, store: Store, process: Process) -> None:
        self.store, self.process = store, process

    async def write(self, work: Any) -> Any:
        await self.process.pass_point()
        result = await self.store.write(work)
        await self.process.pass_point()
        return result

    def read(self, work: Any) -> Any:
        if not self.process.alive:
            raise Crash
        return self.store.read(work)

    async def acquire(self, holder: str, now_ms: int, ttl_ms: int) -> int:
        await self.process.pass_point()
        return await self.store.acquire(holder, now_ms, ttl_ms)

    async def release(self) -> None:
        await self.process.pass_point()
        await self.store.release()

    async def close(self) -> None:
        await self.store.close()
