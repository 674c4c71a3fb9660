"""Times as an API writes them, to UTC milliseconds and back."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime
from decimal import Decimal

from instep.core.values import Absent, Json

_FAR_MS = 253_402_300_800_000  # the year 10000


def read_moment(value: Json | Absent, format: str) -> int | None:
    """UTC milliseconds, cut; None for anything that is no such time. A time without a zone is taken as UTC."""
    try:
        if format in ("epoch_s", "epoch_ms"):
            if isinstance(value, str):
                value = Decimal(value)
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                return None
            # Bounded before it becomes an int: a number of a billion digits fits into ten characters of JSON.
            if not 0 <= value < _FAR_MS:
                return None
            ms = int(value * 1000) if format == "epoch_s" else int(value)
        elif not isinstance(value, str):
            return None
        elif format == "date":
            day = date.fromisoformat(value[:10])
            ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
        else:
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            # Cut, not rounded: a listing goes on from this moment, which must not be after the record's own.
            ms = calendar.timegm(moment.utctimetuple()) * 1000 + moment.microsecond // 1000
    except (ValueError, ArithmeticError):
        return None
    return ms if 0 <= ms < _FAR_MS else None


def write_moment(ms: int, format: str) -> str:
    """The moment, cut (never rounded up) to what the format can say."""
    if format == "epoch_ms":
        return str(ms)
    if format == "epoch_s":
        return str(ms // 1000)
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    if format == "date":
        return moment.date().isoformat()
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"
