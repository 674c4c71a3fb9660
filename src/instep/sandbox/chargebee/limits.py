"""How much a site takes: requests a minute, requests at once, and one write at a time to a record.

Source: Chargebee API, "API limits" (150 a minute and 50 GETs and 50 POSTs at once on a test site) and the
error codes api_request_limit_exceeded, request_blocked and lock_timeout.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import ApiError
from .site import Site

_WINDOW_MS = 60_000
_BLOCKED = "Sorry, access has been blocked temporarily due to request count exceeding acceptable limits."


class Limits:
    """Counts accepted requests of the past 60 s on the site's clock, and those that are at work."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._accepted: deque[int] = deque()
        self._at_work: Counter[str] = Counter()
        self._locked: Counter[str] = Counter()

    @contextmanager
    def admitted(self, method: str, lock: str) -> Iterator[None]:
        """Holds a place while a request is at work. `lock` names the record that a POST writes, "" for none.

        Raises ApiError: 429 beyond a limit, with or without Retry-After, or 403 as the switches say.
        """
        self._rate()
        most = int(self._site.switches.number("concurrency_get" if method == "GET" else "concurrency_post"))
        if most and self._at_work[method] >= most:
            raise self._too_many(1)
        lock = lock if self._site.switches.on("lock_timeout") else ""
        if lock and self._locked[lock]:
            raise ApiError("lock_timeout", "Another request is changing the same record. Try again.")
        self._at_work[method] += 1
        if lock:
            self._locked[lock] += 1
        try:
            yield
        finally:
            self._at_work[method] -= 1
            if lock:
                self._locked[lock] -= 1
                if not self._locked[lock]:
                    del self._locked[lock]

    def _rate(self) -> None:
        most = int(self._site.switches.number("rate_limit_per_min"))
        if not most:
            self._accepted.clear()
            return
        now_ms = self._site.clock.now_ms()
        # A clock that was set back must not block for ever.
        while self._accepted and not now_ms - _WINDOW_MS < self._accepted[0] <= now_ms:
            self._accepted.popleft()
        if len(self._accepted) >= most:
            wait_ms = self._accepted[0] + _WINDOW_MS - now_ms
            raise self._too_many(max(1, -(-wait_ms // 1000)))
        self._accepted.append(now_ms)

    def _too_many(self, wait_s: int) -> ApiError:
        how = self._site.switches.choice("retry_after")
        told = how == "always" or (how == "sometimes" and self._site.draw.random() < 0.5)
        headers = {"Retry-After": str(wait_s)} if told else {}
        if self._site.switches.choice("rate_limit_answer") == "403":
            return ApiError("request_blocked", _BLOCKED, headers=headers)
        return ApiError("api_request_limit_exceeded", _BLOCKED, headers=headers)
