"""Numbers and times as people read them in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime


def counted(number: int, noun: str, plural: str = "") -> str:
    """ "1 record", "2 records" """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def moment(at_ms: int) -> str:
    """A time, UTC, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def span(milliseconds: float) -> str:
    """A length of time in the unit that suits it: "12 s", "5 min", "3 h", "2 days"."""
    seconds = max(milliseconds, 0) / 1000
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172_800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
