"""How fast a client may send: a smooth pace within a system's quota, and one pause for all of it.

Not for retries: `http` decides what is sent again. Time and sleep are arguments, so that a test brings its
own clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from heapq import heapify, heappush
from itertools import count
from typing import Final

ahead: Final[ContextVar[bool]] = ContextVar("ahead", default=False)
"""Whether requests that are made in this context go before those of others that wait for their turn."""
OVERTAKEN: Final = 100
"""So many that come later and go ahead may overtake a request, and no more, or nothing else would get a turn for as
long as what is urgent uses up the quota. More than ever wait at once, so a backlog alone holds up nothing urgent."""

Sleep = Callable[[float], Awaitable[object]]
Monotonic = Callable[[], float]


class Paused(Exception):
    """The next turn is further away than the caller was ready to wait; `left_s` says how far."""

    def __init__(self, left_s: float) -> None:
        super().__init__(f"paused for another {left_s:.1f} s")
        self.left_s = left_s


class Pace:
    """Turns for requests: first come first served, those that go `ahead` before up to `OVERTAKEN` others.

    `requests_per_minute` is the system's whole quota (None: unlimited) and `reserve` the share of it, 0 to 1,
    that is left to other tools. Any minute sees at most the remaining number of turns: a burst of up to
    `burst` at once is taken out of the smooth rate, not added to it.
    """

    def __init__(
        self,
        requests_per_minute: int | None,
        *,
        reserve: float = 0.0,
        burst: int = 5,
        monotonic: Monotonic,
        sleep: Sleep,
    ) -> None:
        self._monotonic, self._sleep = monotonic, sleep
        self._waiting: list[tuple[int, int, asyncio.Event]] = []
        self._numbers = count()
        self._paused_until = float("-inf")
        self._next = float("-inf")  # when the smooth rate would give the next turn
        self.per_minute: int | None = None
        self._interval = self._slack = 0.0
        if requests_per_minute:
            self.per_minute = max(1, int(requests_per_minute * (1.0 - min(max(reserve, 0.0), 1.0))))
            burst = max(1, min(burst, self.per_minute // 4))
            self._interval = 60.0 / max(1, self.per_minute - burst)
            self._slack = self._interval * (burst - 1)

    def pause(self, seconds: float) -> None:
        """Nobody gets a turn for so long; a pause never shortens another."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def left_s(self) -> float:
        """How long a pause still lasts."""
        return max(0.0, self._paused_until - self._monotonic())

    async def turn(self, patience_s: float) -> None:
        """Wait for a turn. Raises Paused at once if it is further away than `patience_s`."""
        if self.per_minute is None and self._paused_until <= self._monotonic():
            return
        number = next(self._numbers)
        mine = (number if ahead.get() else number + OVERTAKEN, number, asyncio.Event())
        heappush(self._waiting, mine)
        try:
            await self._first(mine, patience_s)
        finally:
            self._waiting.remove(mine)
            heapify(self._waiting)
            if self._waiting:
                self._waiting[0][2].set()

    async def _first(self, mine: tuple[int, int, asyncio.Event], patience_s: float) -> None:
        """Wait until it is the turn of whoever is first in line, and that is this one."""
        while True:
            now = self._monotonic()
            wait_s = max(self._paused_until, self._next - self._slack) - now
            if self._waiting[0] is not mine:
                mine[2].clear()
                await mine[2].wait()
            elif wait_s <= 0:
                self._next = max(self._next, now) + self._interval
                return
            elif wait_s > patience_s:
                raise Paused(wait_s)
            else:
                await self._sleep(wait_s)
