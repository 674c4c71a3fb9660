"""How a table tells which rows have changed: by the time of their last change, by a growing number, or not at all.

The trap is the late commit: a row gets its time or number when it is written, and can be seen only when its
transaction commits, by which time higher ones may have been listed. So each way has a *mark*: a value below which
nothing can appear any more. It lags behind by as long as a transaction may take (`lag_s`), and in PostgreSQL, if
the user may see other sessions, behind the oldest transaction that is running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from instep.connectors.sql.description import Moment
from instep.connectors.sql.rows import Row, key_in, select
from instep.connectors.sql.sessions import database_now, running_since
from instep.connectors.sql.tables import Expression, Tables, after
from instep.connectors.sql.types import EPOCH, Instant, Plain
from instep.core.model import Record
from instep.core.values import Json

KEPT = 20
"""Points in time of which a cursor remembers the highest number."""
NOTHING = (0, 0)
"""The first point of a mark of which none is settled yet."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that changed, records that are gone, and where to go on (None: that was all)."""

    rows: Sequence[Row]
    at: list[Any] | None
    gone: Sequence[Record] = field(default_factory=tuple)


class Changes(Protocol):
    """One way to tell changes. `how` names it, with the columns that it goes by."""

    @property
    def how(self) -> str: ...

    @property
    def parts(self) -> int:
        """How many values tell where a listing of changes is."""
        ...

    def usable(self, mark: Json) -> bool:
        """Whether this way can go on from a mark that a cursor holds."""
        ...

    def mark(self, connection: sa.Connection, before: Json) -> Json:
        """The mark of the next listing, taken as this one begins; `before`: the mark that this one takes."""
        ...

    def page(self, connection: sa.Connection, mark: Json, at: list[Any] | None, size: int) -> Found:
        """Rows that changed since the mark, from `at` on."""
        ...


class Scan:
    """Nothing tells, so that every listing is a complete one."""

    how = "scan"
    parts = 0

    def usable(self, mark: Json) -> bool:
        return False

    def mark(self, connection: sa.Connection, before: Json) -> Json:
        return True

    def page(self, connection: sa.Connection, mark: Json, at: list[Any] | None, size: int) -> Found:
        raise AssertionError("a scan takes no mark")


class ByTime:
    """By the column of the last change. The mark is a time, in UTC microseconds: all changes before it are in."""

    def __init__(self, tables: Tables, moment: Moment, lag_s: float) -> None:
        self.how = f"updated_at:{moment.column}"
        self._tables, self._moment, self._lag_s = tables, moment, lag_s
        self._column = _raw(tables, moment)
        self.parts = 1 + len(tables.key)

    def usable(self, mark: Json) -> bool:
        return isinstance(mark, int) and not isinstance(mark, bool) and 0 <= mark < 10**17

    def mark(self, connection: sa.Connection, before: Json) -> Json:
        now = database_now(connection)
        horizon = now - timedelta(seconds=self._lag_s, milliseconds=self._moment.resolution_ms)
        oldest = running_since(connection, now)
        if oldest is not None:
            horizon = min(horizon, oldest - timedelta(milliseconds=self._moment.resolution_ms))
        return max(0, _us(horizon))

    def page(self, connection: sa.Connection, mark: Json, at: list[Any] | None, size: int) -> Found:
        assert isinstance(mark, int)
        since = EPOCH + timedelta(microseconds=mark)
        column = self._column
        bound = _load(at[0], column) if at else self._from(since, connection.dialect)
        statement = select(self._tables).add_columns(column.label("instep_at"))
        if at:
            statement = statement.where(after((column, *self._tables.key), [bound, *at[1:]]))
        else:
            statement = statement.where(column >= bound)
        statement = statement.order_by(column, *self._tables.key).limit(size + 1)
        return _found(connection, self._tables, statement, size)

    def _from(self, since: datetime, dialect: sa.Dialect) -> Any:
        """The least stored value that can be at or after a time. Text is cut to the second, without a zone, since
        it is compared letter by letter."""
        stored = Instant(self._moment.stored, self._moment.zone)
        if self._moment.stored == "text":
            return since.replace(microsecond=0, tzinfo=None).isoformat()
        zone = ZoneInfo(self._moment.zone)
        # Where clocks are about to be put back, later changes will show an earlier time than this one.
        offsets = [
            (since + ahead).astimezone(zone).utcoffset() for ahead in (timedelta(), timedelta(hours=1))
        ]
        put_back = (offsets[0] or timedelta()) - (offsets[1] or timedelta())
        value = stored.stored_form(since - max(put_back, timedelta()), dialect)
        return value.partition(".")[0] if isinstance(value, str) else value


class ByCount:
    """By a column of growing numbers. The mark is a list of (time, highest number seen then): what was the highest
    a lag ago has no lower number outstanding any more."""

    def __init__(self, tables: Tables, column: str, lag_s: float) -> None:
        assert tables.number is not None
        self.how = f"number:{column}"
        self._tables, self._column, self._lag_s = tables, tables.number, lag_s
        self.parts = 1 + len(tables.key)

    def usable(self, mark: Json) -> bool:
        return usable_points(mark)

    def mark(self, connection: sa.Connection, before: Json) -> Json:
        # In this order: whoever has taken a number up to the highest has begun before the time that goes with it.
        highest = connection.execute(sa.select(sa.func.max(self._column))).scalar()
        now = database_now(connection)
        return watermarks(before, now, highest, horizon(connection, now, self._lag_s))

    def page(self, connection: sa.Connection, mark: Json, at: list[Any] | None, size: int) -> Found:
        since = settled(mark)
        statement = select(self._tables).add_columns(self._column.label("instep_at"))
        if at:
            statement = statement.where(after((self._column, *self._tables.key), at))
        elif since is not None:
            statement = statement.where(self._column > since)
        statement = statement.order_by(self._column, *self._tables.key).limit(size + 1)
        return _found(connection, self._tables, statement, size)


def horizon(connection: sa.Connection, now: datetime, lag_s: float) -> datetime:
    """A time such that every transaction that began before it has ended: told by the database if it can, else
    by the declared lag."""
    if connection.dialect.name == "sqlite":
        return now  # one transaction writes at a time, so that numbers are committed in their order
    oldest = running_since(connection, now)
    return now - timedelta(seconds=lag_s) if oldest is None else oldest


def watermarks(points: Json, now: datetime, highest: int | None, settled_at: datetime) -> Json:
    """The points to remember: the latest one that is settled comes first, then those that are not yet.

    A number that was the highest at a settled time has none below it that may still appear. Times in microseconds.
    """
    taken = _points(points)
    if highest is not None:
        taken.append((_us(now), int(highest)))
    limit = _us(settled_at)
    over = [point for point in taken if point[0] <= limit]
    first = max(over, key=lambda point: point[1]) if over else NOTHING
    later = [point for point in taken if point[0] > limit]
    if len(later) > KEPT:  # the oldest of them settle first
        later = [*later[: KEPT - 1], later[-1]]
    return [[at, number] for at, number in (first, *later)]


def settled(mark: Json) -> int | None:
    """The number up to which everything has been listed, None if nothing is settled yet."""
    points = _points(mark)
    return points[0][1] if points and points[0] != NOTHING else None


def usable_points(mark: Json) -> bool:
    """Whether a cursor's mark is one of points."""
    return isinstance(mark, list) and 0 < len(mark) == len(_points(mark))


def _points(mark: Json) -> list[tuple[int, int]]:
    """The points of a mark; those that are none are left out."""
    found: list[tuple[int, int]] = []
    for point in mark if isinstance(mark, list) else []:
        if isinstance(point, list) and len(point) == 2:
            at, number = point
            if isinstance(at, int) and isinstance(number, int):
                found.append((at, number))
    return found


def _us(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _found(connection: sa.Connection, tables: Tables, statement: sa.Select[Any], size: int) -> Found:
    rows: list[Row] = list(connection.execute(statement).mappings())
    if len(rows) <= size:
        return Found(rows, None)
    rows = rows[:size]
    return Found(rows, [_dump(rows[-1]["instep_at"]), *key_in(tables, rows[-1])])


def _raw(tables: Tables, moment: Moment) -> Expression:
    """The column of the last change as it is stored, so that it can be compared to the last digit."""
    column = tables.source.c[moment.column]
    raw: TypeEngine[Any] = sa.DateTime(timezone=moment.zone == "UTC")
    if moment.stored in ("epoch_s", "epoch_ms"):
        raw = sa.BigInteger()
    elif moment.stored == "text":
        raw = Plain()
    return sa.type_coerce(column, raw.with_variant(Plain(), "sqlite") if _is_time(raw) else raw)


def _is_time(raw: TypeEngine[Any]) -> bool:
    return isinstance(raw, sa.DateTime)


def _dump(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _load(value: Any, column: Expression) -> Any:
    if isinstance(column.type, sa.DateTime) and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value
