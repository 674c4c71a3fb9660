"""The clock of one sandbox server: real time plus an offset, or frozen and moved by hand.

Everything a server says about time comes from here. `skew_s` bends only the `Date` header, as a server
behind a badly set proxy would.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any


class Clock:
    def __init__(self) -> None:
        self.skew_s = 0.0
        self._offset_s = 0.0
        self._frozen_at: float | None = None
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Seconds since 1970."""
        if self._frozen_at is not None:
            return self._frozen_at
        return time.time() + self._offset_s

    def now_s(self) -> int:
        return int(self.now())

    def now_ms(self) -> int:
        return int(self.now() * 1000)

    def iso_ms(self) -> str:
        """ISO 8601 in UTC with milliseconds: `2026-11-23T04:05:06.789Z`."""
        moment = datetime.fromtimestamp(self.now_ms() / 1000, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def http_date(self) -> bytes:
        return formatdate(self.now() + self.skew_s, usegmt=True).encode("ascii")

    def set_offset(self, offset_s: float) -> None:
        """Run at the speed of real time, `offset_s` away from it. Ends a freeze."""
        self._frozen_at = None
        self._offset_s = offset_s
        self._wake()

    def freeze_at(self, moment_s: float) -> None:
        self._frozen_at = moment_s
        self._wake()

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, frozen or not; sleepers whose time has come wake up."""
        if self._frozen_at is not None:
            self._frozen_at += seconds
        else:
            self._offset_s += seconds
        self._wake()

    async def sleep_until(self, moment_s: float) -> None:
        """Return when this clock, however it is moved, reads `moment_s` or later."""
        while (left_s := moment_s - self.now()) > 0:
            moved = self._moved
            if self._frozen_at is not None:
                await moved.wait()
                continue
            try:
                async with asyncio.timeout(left_s):
                    await moved.wait()
            except TimeoutError:
                continue

    def state(self) -> dict[str, Any]:
        return {
            "now": self.now(),
            "offset_s": self._offset_s,
            "frozen": self._frozen_at is not None,
            "skew_s": self.skew_s,
        }

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Apply the body of `POST /_console/clock`.

        ValueError names an unknown key or a value that is no number.

        `freeze_at` takes seconds since 1970, or null for "where it stands".
        """
        known = {"offset_s", "freeze_at", "advance_s", "skew_s"}
        for key, value in wanted.items():
            if key not in known:
                raise ValueError(f"{key}: unknown; one of {', '.join(sorted(known))}")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number and not (key == "freeze_at" and value is None):
                raise ValueError(f"{key}: not a number of seconds")
        if "offset_s" in wanted:
            self.set_offset(wanted["offset_s"])
        if "freeze_at" in wanted:
            self.freeze_at(self.now() if wanted["freeze_at"] is None else wanted["freeze_at"])
        if "advance_s" in wanted:
            self.advance(wanted["advance_s"])
        if "skew_s" in wanted:
            self.skew_s = wanted["skew_s"]

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
