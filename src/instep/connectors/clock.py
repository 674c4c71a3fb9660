"""What a system's headers tell of time: how far its clock is from ours, and how long it wants us to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

_KEEP_MS = 300_000


def http_date_ms(text: str) -> int | None:
    """UTC milliseconds of an HTTP date ("Sun, 06 Nov 1994 08:49:37 GMT"), None if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def retry_after_s(text: str, now_ms: int) -> float | None:
    """Seconds that a `Retry-After` asks for, as a number or a date; None if it is absent or senseless."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    at_ms = http_date_ms(text) if text else None
    return None if at_ms is None else max(0.0, (at_ms - now_ms) / 1000)


_REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_LIST = re.compile(r"\b(r|remaining|t|reset)\s*=\s*(\d{1,9})\b")
LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class QuotaHeaders:
    """A system's own headers, in lower case, for what is left of a quota ("0", or "40/40" for used and all), and for
    the time until there is more, "" for none: then `pause_s` is waited."""

    remaining: str
    reset: str = ""
    pause_s: float = 2.0


def used_up_s(headers: Mapping[str, str], now_ms: int, own: QuotaHeaders | None = None) -> float | None:
    """Seconds until a quota is filled up that an answer says is used up; None if it doesn't say so.

    Header names in lower case. Known are `X-RateLimit-Remaining` with `-Reset` (also X-Rate-Limit- and
    RateLimit-), where the time is in seconds from now or, if it is that large, a moment since 1970 in seconds or
    milliseconds; and `RateLimit: ...;r=0;t=30` of the IETF draft (also X-RateLimit), `RateLimit: limit=9,
    remaining=0, reset=30` of its older versions. `own`: those of a system that has others.
    """
    if own is not None:
        used, slash, all_ = headers.get(own.remaining, "").strip().partition("/")
        if (not slash and used not in ("0", "0.0")) or (slash and used.strip() != all_.strip()):
            return None
        return _until_s(headers.get(own.reset, ""), now_ms) if own.reset in headers else own.pause_s
    told: dict[str, str] = dict(_LIST.findall(headers.get("ratelimit", headers.get("x-ratelimit", ""))))
    remaining = told.get("r", told.get("remaining", _first(headers, _REMAINING)))
    reset = told.get("t", told.get("reset", _first(headers, _RESET)))
    return _until_s(reset, now_ms) if remaining.strip() in ("0", "0.0") else None


def _until_s(reset: str, now_ms: int) -> float | None:
    """The seconds that a header tells, from now or as a moment; None if it tells none."""
    if not re.fullmatch(r"\d{1,15}(\.\d{1,9})?", reset.strip()):
        return None
    seconds = float(reset)
    if seconds > 1e11:
        seconds = (seconds - now_ms) / 1000
    elif seconds > 1e9:
        seconds -= now_ms / 1000
    return min(max(seconds, 0.0), LONGEST_PAUSE_S)


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((headers[name] for name in names if name in headers), "")


class Skew:
    """The system's clock minus ours, from `Date` headers.

    A `Date` is cut to the second and made somewhere between our sending and our receiving, so a measurement
    is uncertain by half the round trip plus half a second. A slow answer does not replace a good measurement
    of the last five minutes.
    """

    def __init__(self) -> None:
        self.skew_ms: int | None = None
        self.error_ms = 0
        self._text = ""
        self._at_ms = 0

    def observe(self, date: str, sent_ms: int, received_ms: int) -> None:
        if not date or date == self._text:
            return
        self._text = date
        at_ms = http_date_ms(date)
        if at_ms is None or received_ms < sent_ms:
            return
        error_ms = (received_ms - sent_ms) // 2 + 500
        fresh = received_ms - self._at_ms < _KEEP_MS
        if self.skew_ms is not None and fresh and error_ms > 2 * self.error_ms:
            return
        self.skew_ms = at_ms + 500 - (sent_ms + received_ms) // 2
        self.error_ms, self._at_ms = error_ms, received_ms
