"""Times as an API writes them, to UTC milliseconds and back.

A local time comes twice in the hour that the clock is set back by. It is read as the earlier of the two, and a moment
just before that hour is written as if the clock had been set back already: a listing then gets more, never less.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime
from zoneinfo import ZoneInfo

from instep.core.values import Absent, Json

_FAR_MS = 253_402_300_800_000  # the year 10000
_MS_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_UNITS = {"iso": 1, "epoch_ms": 1, "ms_date": 1, "epoch_s": 1000, "http": 1000, "date": 86_400_000}


def unit_ms(format: str) -> int:
    """The smallest difference that the format can tell."""
    if format in _UNITS:
        return _UNITS[format]
    finest = ((r"%f", 1), (r"%[STcXs]", 1000), (r"%[MR]", 60_000), (r"%[HI]", 3_600_000))
    return next((unit for pattern, unit in finest if re.search(pattern, format)), 86_400_000)


def read_moment(value: Json | Absent, format: str, zone: str = "UTC") -> int | None:
    """UTC milliseconds, cut; None for anything that is no such time. One that does not tell its zone is of `zone`."""
    try:
        if format in ("epoch_s", "epoch_ms"):
            ms = _epoch_ms(value, format)
        elif not isinstance(value, str):
            return None
        elif format == "ms_date":
            found = _MS_DATE.fullmatch(value)
            ms = int(found[1]) if found else None
        else:
            ms = _ms_of(_moment(value, format), zone)
    except (ValueError, ArithmeticError, TypeError, IndexError):
        return None
    return ms if ms is not None and 0 <= ms < _FAR_MS else None


def _epoch_ms(value: Json | Absent, format: str) -> int | None:
    if isinstance(value, str):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    # Bounded before it becomes an int: a number of a billion digits fits into ten characters of JSON.
    if not 0 <= value < _FAR_MS:
        return None
    return int(value * 1000) if format == "epoch_s" else int(value)


def _moment(text: str, format: str) -> datetime:
    if format == "date":
        day = date.fromisoformat(text[:10])
        return datetime(day.year, day.month, day.day)  # noqa: DTZ001 of the described zone
    if format == "http":
        return parsedate_to_datetime(text)
    return datetime.fromisoformat(text) if format == "iso" else datetime.strptime(text, format)  # noqa: DTZ007


def _ms_of(moment: datetime, zone: str) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    # Cut, not rounded: a listing goes on from this moment, which must not be after the record's own.
    return calendar.timegm(moment.utctimetuple()) * 1000 + moment.microsecond // 1000


def write_moment(ms: int, format: str, zone: str = "UTC") -> str:
    """The moment, cut (never rounded up) to what the format can say."""
    if format == "epoch_ms":
        return str(ms)
    if format == "epoch_s":
        return str(ms // 1000)
    if format == "ms_date":
        return f"/Date({ms})/"
    moment = datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
    if format == "http":
        return format_datetime(moment.replace(microsecond=0), usegmt=True)
    if format == "iso" and zone == "UTC":
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"
    if format == "iso":
        return moment.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds")
    local = _earliest(moment, zone)
    return local.date().isoformat() if format == "date" else local.strftime(format)


def _earliest(moment: datetime, zone: str) -> datetime:
    """The earliest local time that this moment, or one after it, is written as."""
    local = moment.astimezone(ZoneInfo(zone))
    soon = (moment + timedelta(hours=3)).astimezone(ZoneInfo(zone))
    now_off, soon_off = local.utcoffset(), soon.utcoffset()
    back = now_off - soon_off if now_off is not None and soon_off is not None else timedelta()
    return local - max(back, timedelta())
