"""How often somebody has failed to show a token lately: who guesses is made to wait, by address.

Not altogether, or strangers could keep out whoever has a right one; a token is too long to be guessed from however
many addresses.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from fastapi import HTTPException, Request

WINDOW_S: Final = 300.0
PER_ADDRESS: Final = 10
MOST_ADDRESSES: Final = 10_000


class Attempts:
    """Failures within the last five minutes."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._of: dict[str, deque[float]] = {}

    def require(self, address: str) -> None:
        """Raises HTTPException 429 if that address has failed too often."""
        wait_s = self._wait_s(self._of.get(address))
        if wait_s > 0:
            raise HTTPException(
                429, "too many attempts with a wrong token", {"Retry-After": str(int(wait_s) + 1)}
            )

    def failed(self, address: str) -> None:
        now_s = self._now_s()
        if len(self._of) >= MOST_ADDRESSES and address not in self._of:
            self._of.pop(next(iter(self._of)))
        self._of.setdefault(address, deque(maxlen=PER_ADDRESS)).append(now_s)

    def _wait_s(self, failures: deque[float] | None) -> float:
        """Until the oldest of the last failures is out of the window."""
        if failures is None or len(failures) < PER_ADDRESS:
            return 0.0
        return failures[0] + WINDOW_S - self._now_s()


def address_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""
