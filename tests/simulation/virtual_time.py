"""An asyncio loop on virtual time: sleeping costs nothing, and the same program runs the same way each time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

EPOCH_MS = 1_763_850_000_000


class _Jump(selectors.SelectSelector):
    """Never waits: when the loop would, its clock jumps to the next timer instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the simulated world waits for something that will never happen")
        if timeout > 0:
            self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        selector = _Jump()
        self.now = 0.0
        self.steps = 0
        selector.loop = self
        super().__init__(selector)

    def _run_once(self) -> None:
        self.steps += len(self._ready) or 1  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]

    def time(self) -> float:
        return self.now

    def now_ms(self) -> int:
        return EPOCH_MS + round(self.now * 1000)


def run(main: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run to the end on virtual time; tasks that are left over are cancelled, as a crash would end them."""
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
