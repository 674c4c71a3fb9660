"""Changes by the log that triggers write: which records were touched, deletes too.

In PostgreSQL each entry has the number of its transaction. All transactions below the lowest that is running have
ended, so that nothing below it can appear any more: that is the mark, and no change is missed however long a
transaction takes. In SQLite one transaction writes at a time, and the entries' own numbers do. Elsewhere the numbers
are believed once the declared lag is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from instep.connectors.sql.changes import Found, horizon, settled, usable_points, watermarks
from instep.connectors.sql.description import Log
from instep.connectors.sql.keys import key_of
from instep.connectors.sql.preparing import source_of
from instep.connectors.sql.rows import IN_LIST, Key, Row, key_in, select
from instep.connectors.sql.sessions import database_now
from instep.connectors.sql.tables import Expression, Tables, after, any_of
from instep.core.model import Record
from instep.core.values import Json

_LOWEST_RUNNING = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"


class ByLog:
    """By the log of triggers. The mark is a transaction's number in PostgreSQL, else points as of `ByCount`."""

    def __init__(self, tables: Tables, log: Log, lag_s: float, dialect: str) -> None:
        self.how = f"triggers:{log.table}"
        self._tables, self._lag_s, self._by_transaction = tables, lag_s, dialect == "postgresql"
        self._source = source_of(tables.described.table, tables.described.db_schema)
        self._log = sa.table(
            log.table,
            sa.column("seq", sa.BigInteger),
            sa.column("txid", sa.BigInteger),
            sa.column("source", sa.String),
            sa.column("row_key", sa.String),
            schema=log.place(dialect) or None,
        )

    @property
    def _order(self) -> tuple[Expression, ...]:
        columns = self._log.c
        return (columns.txid, columns.seq) if self._by_transaction else (columns.seq,)

    @property
    def parts(self) -> int:
        """How many values tell where in the log a listing is."""
        return len(self._order)

    def usable(self, mark: Json) -> bool:
        if self._by_transaction:
            return isinstance(mark, int) and not isinstance(mark, bool) and 0 <= mark < 2**63
        return usable_points(mark)

    def mark(self, connection: sa.Connection, before: Json) -> Json:
        if self._by_transaction:
            lowest: int = connection.execute(sa.text(_LOWEST_RUNNING)).scalar_one()
            return lowest
        highest = connection.execute(sa.select(sa.func.max(self._log.c.seq))).scalar()
        now = database_now(connection)
        return watermarks(before, now, highest or 0, horizon(connection, now, self._lag_s))

    def page(self, connection: sa.Connection, mark: Json, at: list[Any] | None, size: int) -> Found:
        statement = sa.select(self._log.c.row_key, *self._order).where(self._log.c.source == self._source)
        if at:
            statement = statement.where(after(self._order, at))
        elif self._by_transaction:
            statement = statement.where(self._log.c.txid >= mark)
        elif (since := settled(mark)) is not None:
            statement = statement.where(self._log.c.seq > since)
        entries = connection.execute(statement.order_by(*self._order).limit(size + 1)).all()
        more = len(entries) > size
        entries = entries[:size]
        keys = dict.fromkeys(
            key for entry in entries if (key := key_of(str(entry[0]), self._tables.described.key)) is not None
        )
        rows = self._rows(connection, list(keys))
        found = {key_in(self._tables, row) for row in rows}
        ids = dict.fromkeys(str(entry[0]) for entry in entries)
        gone = [
            Record(id, deleted=True)
            for id in ids
            if (key := key_of(id, self._tables.described.key)) is not None and key not in found
        ]
        return Found(rows, list(entries[-1][1:]) if more else None, gone)

    def _rows(self, connection: sa.Connection, keys: Sequence[Key]) -> list[Row]:
        rows: list[Row] = []
        for start in range(0, len(keys), IN_LIST):
            some = keys[start : start + IN_LIST]
            statement = select(self._tables).where(any_of(self._tables.key, some))
            rows += connection.execute(statement).mappings()
        return rows
