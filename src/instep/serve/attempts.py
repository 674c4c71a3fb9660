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
BEGUN_PER_ADDRESS: Final = 30
"""Logins elsewhere that are begun: people share an address in an office, and few of them begin within minutes."""
WRONG: Final = "too many attempts with a wrong token"
MOST_ADDRESSES: Final = 10_000


class Attempts:
    """What an address has done within the last five minutes that it may do `most` times: by default, to fail."""

    def __init__(
        self, now_s: Callable[[], float] = time.monotonic, *, most: int = PER_ADDRESS, why: str = WRONG
    ) -> None:
        self._now_s, self._most, self._why = now_s, most, why
        self._of: dict[str, deque[float]] = {}

    def require(self, address: str) -> None:
        """Raises HTTPException 429 if that address has failed too often."""
        wait_s = self._wait_s(self._of.get(address))
        if wait_s > 0:
            raise HTTPException(429, self._why, {"Retry-After": str(int(wait_s) + 1)})

    def failed(self, address: str) -> None:
        now_s = self._now_s()
        if len(self._of) >= MOST_ADDRESSES and address not in self._of:
            self._of.pop(next(iter(self._of)))
        self._of.setdefault(address, deque(maxlen=self._most)).append(now_s)

    def forgive(self, address: str) -> None:
        """The last one does not count."""
        if known := self._of.get(address):
            known.pop()

    def _wait_s(self, failures: deque[float] | None) -> float:
        """Until the oldest of the last failures is out of the window."""
        if failures is None or len(failures) < self._most:
            return 0.0
        return failures[0] + WINDOW_S - self._now_s()


def address_of(request: Request) -> str:
    return request.client.host if request.client is not None else ""
