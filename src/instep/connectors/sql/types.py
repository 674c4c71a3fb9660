"""Between values as a database holds them and raw values: a column type of SQLAlchemy per kind of field.

A value goes in and comes out as JSON says it: numbers with a fraction are Decimal, times are ISO 8601 in UTC.
A driver's own surprises (SQLite's floats, times without a zone) end here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from instep.connectors.sql.description import FieldLine, KeyColumn, Stored
from instep.core.model import FieldType
from instep.core.values import decode, encode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):
    """A stored value that is not of the kind that the description says; the text tells what it is."""


class Plain(UserDefinedType[Any]):
    """Text of any kind of column: names no type to the database, so that enumerations, UUIDs and domains take it."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TEXT"

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return _as_text


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview | float):
        raise Unreadable(f"it holds {type(value).__name__}, not text")
    return str(value)


class Whole(TypeDecorator[int]):
    """A whole number, whatever kind of number column it is in."""

    impl = sa.BigInteger
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
            raise Unreadable(f"it holds {type(value).__name__}, not a whole number")
        try:
            number = int(value)
        except (ValueError, OverflowError):
            raise Unreadable(f"{value!r:.40} is no whole number") from None
        if not isinstance(value, str) and number != value:
            raise Unreadable(f"{value!r:.40} is no whole number")
        return number


class RowVersion(TypeDecorator[int]):
    """Eight bytes that a database counts up, as a number."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else int(value).to_bytes(8, "big")

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        return None if value is None else int.from_bytes(bytes(value), "big")


class Exact(TypeDecorator[Decimal]):
    """A number with a fraction. `as_text`: it is in a text column, or in a database that knows no decimals."""

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, as_text: bool = False) -> None:
        super().__init__()
        self.as_text = as_text

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        text = self.as_text or dialect.name == "sqlite"
        return Plain() if text else dialect.type_descriptor(sa.Numeric(asdecimal=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        text = self.as_text or dialect.name == "sqlite"
        return None if value is None else format(Decimal(value), "f") if text else Decimal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None or value == "":
            return None
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise Unreadable(f"{value!r:.40} is no number") from None
        if not number.is_finite():
            raise Unreadable(f"{value!r:.40} is no number")
        return number

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # SQLite gives floats, whose shortest text is what was written; the text processor would refuse them.
        if dialect.name == "sqlite" or self.as_text:
            return lambda value: self.process_result_value(value, dialect)
        return super().result_processor(dialect, coltype)


class Truth(TypeDecorator[bool]):
    """Yes or no, also where the database has only 0 and 1."""

    impl = sa.Boolean(create_constraint=False)
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class Day(TypeDecorator[str]):
    """A date, as YYYY-MM-DD. `as_text`: in a text column, as in SQLite."""

    impl = sa.Date
    cache_ok = True

    def __init__(self, as_text: bool = False) -> None:
        super().__init__()
        self.as_text = as_text

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        text = self.as_text or dialect.name == "sqlite"
        return Plain() if text else dialect.type_descriptor(sa.Date())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        parsed = date.fromisoformat(value)
        return parsed.isoformat() if self.as_text or dialect.name == "sqlite" else parsed

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            return value.date().isoformat()
        try:
            return date.fromisoformat(str(value)[:10]).isoformat()
        except ValueError:
            raise Unreadable(f"{value!r:.40} is no date") from None


class Instant(TypeDecorator[str]):
    """A point in time, as ISO 8601 in UTC ("2026-01-31T12:00:00Z"), from any way to store one.

    `zone`: what a stored time without one is in.
    """

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, stored: Stored = "native", zone: str = "UTC") -> None:
        super().__init__()
        self.stored, self.zone = stored, zone

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if self.stored in ("epoch_s", "epoch_ms"):
            return dialect.type_descriptor(sa.BigInteger())
        if self.stored == "text" or dialect.name == "sqlite":
            return Plain()
        return dialect.type_descriptor(sa.DateTime(timezone=self._aware(dialect)))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.stored_form(moment_of(value), dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        found = read_moment(value, self.stored, self.zone)
        return None if found is None else iso(found)

    def stored_form(self, at: datetime, dialect: Dialect) -> Any:
        """A point in time as this column stores it."""
        if self.stored == "epoch_s":
            return int(at.timestamp())
        if self.stored == "epoch_ms":
            return (at - EPOCH) // timedelta_ms
        if self.stored == "text":
            return iso(at)
        local = at if self._aware(dialect) else at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        return local.isoformat(" ") if dialect.name == "sqlite" else local

    def _aware(self, dialect: Dialect) -> bool:
        # PostgreSQL's session is in UTC, so that a column with or without a zone takes the same value.
        return self.zone == "UTC" and dialect.name == "postgresql"


class JsonText(TypeDecorator[Any]):
    """An object or a list in a text column."""

    impl = Plain
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None or value == "":
            return None
        try:
            return decode(value)
        except ValueError:
            raise Unreadable("it is not JSON") from None


timedelta_ms = datetime(1970, 1, 1, microsecond=1000) - datetime(1970, 1, 1)  # noqa: DTZ001 - a difference


def iso(at: datetime) -> str:
    """A point in time in UTC, with a fraction only if there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_of(text: str) -> datetime:
    """The point in time that an ISO 8601 text names; UTC if it has no zone. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def read_moment(value: object, stored: Stored, zone: str) -> datetime | None:
    """The point in time that a stored value tells. Raises Unreadable."""
    if value is None or value == "":
        return None
    try:
        if stored in ("epoch_s", "epoch_ms"):
            if not isinstance(value, int | float | Decimal):
                raise ValueError
            per_second = 1 if stored == "epoch_s" else 1000
            return EPOCH + timedelta_ms * int(Decimal(str(value)) * 1000 / per_second)
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except (ValueError, OverflowError):
        raise Unreadable(f"{value!r:.40} is no time") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


_SIMPLE: dict[FieldType, TypeEngine[Any]] = {
    "text": Plain(),
    "any": Plain(),
    "integer": Whole(),
    "timestamp": Whole(),
    "boolean": Truth(),
}


def type_of(line: FieldLine) -> TypeEngine[Any]:
    """The column type of a field that is no reference."""
    if line.type == "decimal":
        return Exact(line.stored == "text")
    if line.type == "date":
        return Day(line.stored == "text")
    if line.type == "datetime":
        return Instant(line.stored, line.zone)
    if line.type in ("object", "list"):
        return JsonText() if line.stored == "text" else sa.JSON(none_as_null=True)
    return _SIMPLE[line.type]


def type_of_key(key: KeyColumn) -> TypeEngine[Any]:
    """The column type of a part of a key."""
    return Whole() if key.type == "integer" else Plain()
