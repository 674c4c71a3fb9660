"""How Tryton writes values in JSON, and back.

A Decimal, a date and a moment are objects with a `__class__`; a quantity is a JSON number; a many2one that is
read with a dotted name ("lang.code") comes as an object under the name with a dot behind ("lang.").
SQLite as its database has booleans as 0 and 1. Source: trytond/protocols/jsonrpc.py of Tryton 8.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from instep.core.values import Json
from instep.errors import BadAnswer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encoded_decimal(value: Decimal | int) -> Json:
    return {"__class__": "Decimal", "decimal": f"{Decimal(value):f}"}


def encoded_date(text: str) -> Json:
    """From YYYY-MM-DD. Raises ValueError if it is no date."""
    day = date.fromisoformat(text)
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def encoded_moment(ms: int) -> Json:
    """From UTC milliseconds; Tryton's moments have no zone and mean UTC."""
    at = _EPOCH + timedelta(milliseconds=ms)
    return {
        "__class__": "datetime",
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "hour": at.hour,
        "minute": at.minute,
        "second": at.second,
        "microsecond": at.microsecond,
    }


def plain(value: Json) -> Json:
    """A value as we have it: Decimal for a decimal, YYYY-MM-DD for a date; "" is empty. Raises BadAnswer."""
    if value == "":
        return None
    if not isinstance(value, dict) or "__class__" not in value:
        return value
    try:
        match value["__class__"]:
            case "Decimal":
                return Decimal(str(value["decimal"]))
            case "date":
                return date(*(_whole(value, name) for name in ("year", "month", "day"))).isoformat()
    except (KeyError, ValueError, TypeError, InvalidOperation):
        pass
    raise BadAnswer("a value of Tryton can't be read", why=f"it has the form {str(value)[:100]}")


def truth(value: Json) -> bool:
    return value in (True, 1)


def moment_us(timestamp: Json) -> int:
    """Microseconds since 1970 of a `_timestamp` ("1795898269.89445"). Raises BadAnswer."""
    try:
        return int(Decimal(str(timestamp)) * 1_000_000)
    except (InvalidOperation, ValueError, OverflowError):
        why = f"its _timestamp is {str(timestamp)[:40]!r}"
        raise BadAnswer("a record of Tryton does not tell when it changed", why=why) from None


def stamp_us(value: Json) -> int | None:
    """Microseconds since 1970 of a moment, None if it is none."""
    if not isinstance(value, dict):
        return None
    try:
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        at = datetime(*(_whole(value, name) for name in names), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except (KeyError, ValueError, TypeError):
        return None
    return (at - _EPOCH) // timedelta(microseconds=1)


def inner(row: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """The record that a many2one leads to, with what was read of it by dotted names; {} if it is empty."""
    value = row.get(f"{name}.")
    return value if isinstance(value, dict) else {}


def many(row: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """The records of a one2many, in Tryton's order."""
    value = row.get(f"{name}.")
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _whole(value: Mapping[str, Json], name: str) -> int:
    number = value[name]
    if not isinstance(number, int):
        raise TypeError(name)
    return number
