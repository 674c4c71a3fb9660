"""Numbers and times as people read them in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime


def counted(number: int, noun: str, plural: str = "") -> str:
    """ "1 record", "2 records" """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def moment(at_ms: int) -> str:
    """A time, UTC, to the second."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
