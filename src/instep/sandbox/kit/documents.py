"""Tables of JSON documents with a few indexed columns, on one SQLite file (apsw, WAL).

A column is computed from its document at every write, so the two can't disagree. Not for several
processes: one server owns its file. Calls are synchronous and take microseconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import msgspec

Scalar = None | int | float | str | bytes
Document = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Duplicate(Exception):
    """A unique column (or the id) already holds the value; `column` says which."""

    def __init__(self, column: str) -> None:
        super().__init__(f"duplicate {column}")
        self.column = column


@dataclass(frozen=True)
class Column:
    """`of` takes the value out of a document. A unique column lets several records hold None."""

    name: str
    of: Callable[[Document], Scalar]
    unique: bool = False


class Documents:
    """`path` may be ":memory:". `table` is idempotent, for a file that is opened again."""

    def __init__(self, path: Path | str) -> None:
        self.connection = apsw.Connection(str(path))
        self.connection.set_busy_timeout(5000)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "temp_store=MEMORY"):
            self.connection.execute("PRAGMA " + pragma)
        self.connection.execute("CREATE TABLE IF NOT EXISTS kit_numbers(name TEXT PRIMARY KEY, last INTEGER)")
        self.connection.execute("CREATE TABLE IF NOT EXISTS kit_settings(name TEXT PRIMARY KEY, value BLOB)")

    def table(
        self, name: str, columns: Sequence[Column] = (), *, indexes: Sequence[Sequence[str]] = ()
    ) -> Table:
        """Open or make a table. `indexes` are tuples of column names; `id` is indexed anyway."""
        return Table(self.connection, name, columns, indexes)

    def view(self, name: str, query: str) -> Rows:
        """Open or make a view: `query` is a SELECT that yields `id`, columns and `body`."""
        self.connection.execute(" ".join(["CREATE VIEW IF NOT EXISTS", name, "AS", query]))
        return Rows(self.connection, name)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested (savepoints). Must not span an await."""
        with self.connection:
            yield

    def next_number(self, name: str, first: int = 1) -> int:
        """The next of a sequence that survives restarts and never gives a number twice."""
        number: int = self.connection.execute(
            "INSERT INTO kit_numbers VALUES(?, ?)"
            " ON CONFLICT(name) DO UPDATE SET last = last + 1 RETURNING last",
            (name, first),
        ).get
        return number

    def raise_number(self, name: str, least: int) -> None:
        """Make sure that `next_number` answers more than `least` from now on."""
        self.connection.execute(
            "INSERT INTO kit_numbers VALUES(?, ?)"
            " ON CONFLICT(name) DO UPDATE SET last = max(last, excluded.last)",
            (name, least),
        )

    def setting(self, name: str) -> Any:
        """A stored JSON value, or None."""
        row = self.connection.execute("SELECT value FROM kit_settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else _decode(row[0])

    def set_setting(self, name: str, value: Any) -> None:
        self.connection.execute("INSERT OR REPLACE INTO kit_settings VALUES(?, ?)", (name, _encode(value)))

    def close(self) -> None:
        self.connection.close()


class Rows:
    """A table or a view with `id`, some columns and `body`.

    `where` and `order` are SQL of the server's own code over the columns; values go into `params`.
    """

    def __init__(self, connection: apsw.Connection, name: str) -> None:
        self.name = name
        self._connection = connection

    def count(self, where: str = "", params: Sequence[Scalar] = ()) -> int:
        number: int = self._query("count(*)", where, params, "", None, 0).get
        return number

    def raw_rows(
        self,
        where: str = "",
        params: Sequence[Scalar] = (),
        *,
        order: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[bytes]:
        return [row[0] for row in self._query("body", where, params, order, limit, offset)]

    def rows(
        self,
        where: str = "",
        params: Sequence[Scalar] = (),
        *,
        order: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Document]:
        query = self._query("body", where, params, order, limit, offset)
        return [_decode(row[0]) for row in query]

    def values(
        self,
        columns: Sequence[str],
        where: str = "",
        params: Sequence[Scalar] = (),
        *,
        order: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[tuple[Any, ...]]:
        """Only these columns (`id` and `body` among them), without decoding."""
        return list(self._query(", ".join(columns), where, params, order, limit, offset))

    def _query(
        self,
        what: str,
        where: str,
        params: Sequence[Scalar],
        order: str,
        limit: int | None,
        offset: int,
    ) -> apsw.Cursor:
        parts = ["SELECT", what, "FROM", self.name]
        values = list(params)
        if where:
            parts += ["WHERE", where]
        if order:
            parts += ["ORDER BY", order]
        if limit is not None or offset:
            parts.append("LIMIT ? OFFSET ?")
            values += [-1 if limit is None else limit, offset]
        return self._connection.execute(" ".join(parts), values)


class Table(Rows):
    """Rows that can be written."""

    def __init__(
        self,
        connection: apsw.Connection,
        name: str,
        columns: Sequence[Column],
        indexes: Sequence[Sequence[str]],
    ) -> None:
        super().__init__(connection, name)
        self._columns = tuple(columns)
        self.columns = tuple(column.name for column in columns)
        definitions = ["id TEXT PRIMARY KEY", *(column.name for column in columns), "body BLOB NOT NULL"]
        connection.execute(" ".join(["CREATE TABLE IF NOT EXISTS", name, "(", ", ".join(definitions), ")"]))
        unique = [(column.name,) for column in columns if column.unique]
        for kind, sets in (("UNIQUE INDEX", unique), ("INDEX", indexes)):
            for names in sets:
                index = "_".join([name, *names])
                connection.execute(
                    " ".join(["CREATE", kind, "IF NOT EXISTS", index, "ON", name, "(", ", ".join(names), ")"])
                )
        marks = ", ".join("?" * (len(columns) + 2))
        self._insert = " ".join(["INSERT INTO", name, "VALUES (", marks, ")"])
        changes = [f"{each} = excluded.{each}" for each in [*(column.name for column in columns), "body"]]
        self._upsert = " ".join([self._insert, "ON CONFLICT(id) DO UPDATE SET", ", ".join(changes)])
        self._select_one = " ".join(["SELECT body FROM", name, "WHERE id = ?"])

    def insert(self, document: Document) -> None:
        """Store a new document under its `id`. Raises Duplicate."""
        self._write(self._insert, document)

    def put(self, document: Document) -> None:
        """Store a document under its `id`, in place of the one that was there. Raises Duplicate."""
        self._write(self._upsert, document)

    def load(self, documents: Iterable[Document]) -> int:
        """Put many in one transaction, streaming; returns how many. Raises Duplicate and then keeps none."""
        count = 0

        def rows() -> Iterator[tuple[Scalar, ...]]:
            nonlocal count
            for document in documents:
                count += 1
                yield self._row(document)

        with self._connection:
            try:
                self._connection.executemany(self._upsert, rows())
            except apsw.ConstraintError as error:
                raise Duplicate(_column(error)) from None
        return count

    def raw(self, key: str) -> bytes | None:
        """The stored JSON text of one document."""
        row = self._connection.execute(self._select_one, (key,)).fetchone()
        return None if row is None else row[0]

    def get(self, key: str) -> Document | None:
        body = self.raw(key)
        return None if body is None else _decode(body)

    def remove(self, key: str) -> bool:
        self._connection.execute(" ".join(["DELETE FROM", self.name, "WHERE id = ?"]), (key,))
        return self._connection.changes() > 0

    def clear(self) -> None:
        self._connection.execute(" ".join(["DELETE FROM", self.name]))

    def _row(self, document: Document) -> tuple[Scalar, ...]:
        return (document["id"], *(column.of(document) for column in self._columns), _encode(document))

    def _write(self, sql: str, document: Document) -> None:
        try:
            self._connection.execute(sql, self._row(document))
        except apsw.ConstraintError as error:
            raise Duplicate(_column(error)) from None


def _column(error: apsw.ConstraintError) -> str:
    # SQLite says "UNIQUE constraint failed: orders.number" or "... : orders.a, orders.b".
    return str(error).rpartition(": ")[2].split(",")[0].rpartition(".")[2]
