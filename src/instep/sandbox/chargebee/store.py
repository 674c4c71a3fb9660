"""The emulator's records on one SQLite file: a table per resource, a JSON document per record, keyset order.

Not shared between processes: one server owns its file. Every call is synchronous and takes microseconds, and
a request runs within one transaction without an await, so requests see each other whole.
To add a resource: a row in `SHAPES`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import msgspec

Doc = dict[str, Any]
Scalar = None | int | float | str | bytes

_encoder = msgspec.json.Encoder()
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Shape:
    """How a resource is indexed. `unique_name`: no two records that aren't deleted share their name.
    `parent` is the attribute by which its records are found from another resource."""

    unique_name: bool = False
    parent: str = ""
    indexes: tuple[str, ...] = ()


SHAPES: Mapping[str, Shape] = {
    "customer": Shape(
        indexes=(
            "json_extract(doc, '$.email') COLLATE NOCASE",
            "json_extract(doc, '$.business_entity_id'), upd, seq",
            "json_extract(doc, '$.business_entity_id'), created_at, seq",
        )
    ),
    "item_family": Shape(unique_name=True),
    "item": Shape(unique_name=True, parent="item_family_id"),
    "item_price": Shape(unique_name=True, parent="item_id"),
    "invoice": Shape(parent="customer_id"),
    "order": Shape(parent="invoice_id"),
    "business_entity": Shape(),
    "business_entity_transfer": Shape(),
    "webhook_endpoint": Shape(),
}

_COLUMNS = "seq, id, created_at, upd, version, deleted, hidden, doc, private"

# `upd` is updated_at in seconds, 0 for a record without one; `visible_at` is in ms.
_RECORD = """
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, name TEXT, created_at INTEGER NOT NULL,
  upd INTEGER NOT NULL, version INTEGER NOT NULL, deleted INTEGER NOT NULL, hidden INTEGER NOT NULL,
  visible_at INTEGER NOT NULL, doc TEXT NOT NULL, private TEXT
"""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS past(
  resource TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, name TEXT, created_at INTEGER NOT NULL,
  upd INTEGER NOT NULL, deleted INTEGER NOT NULL, hidden INTEGER NOT NULL, visible_at INTEGER NOT NULL,
  until INTEGER NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS past_until ON past(resource, until);
CREATE INDEX IF NOT EXISTS past_seq ON past(resource, seq);
CREATE TABLE IF NOT EXISTS event(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, occurred_at INTEGER NOT NULL,
  event_type TEXT NOT NULL, source TEXT NOT NULL, user TEXT, webhook_status TEXT NOT NULL, content TEXT NOT
  NULL, webhooks TEXT NOT NULL DEFAULT '[]');
CREATE INDEX IF NOT EXISTS event_occurred ON event(occurred_at, seq);
CREATE TABLE IF NOT EXISTS delivery(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, event_seq INTEGER NOT NULL, endpoint TEXT NOT NULL,
  attempt INTEGER NOT NULL, due_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery(due_ms, seq);
CREATE TABLE IF NOT EXISTS task(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, due_ms INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS task_due ON task(due_ms, seq);
CREATE TABLE IF NOT EXISTS replay(
  key TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, fingerprint BLOB NOT NULL, status INTEGER NOT NULL,
  body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS replay_at ON replay(at_ms);
CREATE TABLE IF NOT EXISTS number(name TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting(name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Taken(Exception):
    """The id or the name belongs to another record that isn't deleted; `attribute` says which of the two."""

    def __init__(self, attribute: str) -> None:
        super().__init__(attribute)
        self.attribute = attribute


@dataclass(slots=True)
class Row:
    """One record. `doc` is what the API shows; `private` what it never does (an imported flag, a password).

    `created_at` and `upd` are seconds (`upd` 0: the record has no updated_at), `version` milliseconds.
    A hidden record is readable by its id and in no list.
    """

    id: str
    doc: Doc
    created_at: int
    upd: int
    version: int
    deleted: bool = False
    hidden: bool = False
    seq: int = 0
    private: Doc = field(default_factory=dict)


def sql(*words: str) -> str:
    """A statement from words of our own code; values never go in here, they are bound."""
    return " ".join(words)


def encoded(value: object) -> str:
    return _encoder.encode(value).decode("utf-8")


def decoded(text: str) -> Any:
    return _decode(text)


class Store:
    """`path` may be ":memory:"."""

    def __init__(self, path: Path | str) -> None:
        self.connection = apsw.Connection(str(path))
        self.connection.set_busy_timeout(5000)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "temp_store=MEMORY"):
            self.connection.execute("PRAGMA " + pragma)
        self.connection.execute(_SCHEMA)
        self.tables = {name: Table(self.connection, name, shape) for name, shape in SHAPES.items()}
        # Per table the moment (ms) from which every list shows the present; until then the past is looked up
        # too.
        self.lagging_until: dict[str, int] = {
            table.name: self.run(sql("SELECT max(visible_at) FROM", table.name))[0][0] or 0
            for table in self.tables.values()
        }

    def __getitem__(self, resource: str) -> Table:
        return self.tables[resource]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested. Must not span an await."""
        with self.connection:
            yield

    def run(self, sql: str, values: Sequence[Scalar] = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement of our own."""
        return list(self.connection.execute(sql, values))

    def next_number(self, name: str) -> int:
        """1, 2, 3 ...; never the same twice."""
        rows = self.run(
            "INSERT INTO number VALUES(?, 1) ON CONFLICT(name) DO UPDATE SET last = last + 1 RETURNING last",
            (name,),
        )
        return int(rows[0][0])

    def setting(self, name: str) -> Any:
        """A stored JSON value, or None."""
        rows = self.run("SELECT value FROM setting WHERE name = ?", (name,))
        return decoded(rows[0][0]) if rows else None

    def set_setting(self, name: str, value: object) -> None:
        self.run("INSERT OR REPLACE INTO setting VALUES(?, ?)", (name, encoded(value)))

    def last_version(self) -> int:
        """The greatest resource_version on file, in ms; 0 if there is no record."""
        greatest = (
            self.run(sql("SELECT max(version) FROM", table.name))[0][0] or 0 for table in self.tables.values()
        )
        return max(greatest)

    def close(self) -> None:
        self.connection.close()


class Table:
    """The records of one resource."""

    def __init__(self, connection: apsw.Connection, resource: str, shape: Shape) -> None:
        self.resource = resource
        self.shape = shape
        self.name = f"r_{resource}"
        self._connection = connection
        name = self.name
        parent = f"json_extract(doc, '$.{shape.parent}')" if shape.parent else "NULL"
        connection.execute(sql("CREATE TABLE IF NOT EXISTS", name, "(", _RECORD, ")"))
        wanted = [
            ("UNIQUE INDEX", "live", "(id) WHERE deleted = 0"),
            ("INDEX", "upd", "(upd, seq)"),
            ("INDEX", "created", "(created_at, seq)"),
            ("INDEX", "version", "(version)"),
            ("INDEX", "by_id", "(id, seq)"),
        ]
        if shape.unique_name:
            wanted.append(("UNIQUE INDEX", "name", "(name) WHERE deleted = 0"))
            wanted.append(("INDEX", "by_name", "(name, seq)"))
        if shape.parent:
            wanted.append(("INDEX", "parent", f"({parent})"))
        wanted.extend(("INDEX", f"x{place}", f"({index})") for place, index in enumerate(shape.indexes))
        for kind, suffix, on in wanted:
            connection.execute(f"CREATE {kind} IF NOT EXISTS {name}_{suffix} ON {name}{on}")
        columns = "id, name, created_at, upd, version, deleted, hidden, visible_at, doc, private"
        assignments = ", ".join(f"{column} = ?" for column in columns.split(", "))
        self._insert = sql("INSERT INTO", name, "(", columns, ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        self._update = sql("UPDATE", name, "SET", assignments, "WHERE seq = ?")
        kept = f"'{resource}', seq, id, name, created_at, upd, deleted, hidden, visible_at, ?, doc"
        self._keep_past = sql(
            "INSERT INTO past SELECT", kept, "FROM", name, "WHERE seq = ? AND visible_at < ?"
        )
        # A state that became visible later than its successor is never shown, nor is one before it any longer.
        self._cut_past = "UPDATE past SET until = min(until, ?) WHERE resource = ? AND seq = ?"
        self._drop_past = "DELETE FROM past WHERE resource = ? AND until <= ?"
        self._live = sql("SELECT", _COLUMNS, "FROM", name, "WHERE id = ? AND deleted = 0")
        self._live_text = sql("SELECT doc FROM", name, "WHERE id = ? AND deleted = 0")
        self._gone = sql("SELECT", _COLUMNS, "FROM", name, "WHERE id = ? ORDER BY seq DESC LIMIT 1")
        self._children = sql(
            "SELECT", _COLUMNS, "FROM", name, "WHERE", parent, "= ? AND deleted = 0 ORDER BY seq"
        )
        self._everything = sql("SELECT", _COLUMNS, "FROM", name, "WHERE seq > ? ORDER BY seq LIMIT ?")

    def text(self, record_id: str) -> str | None:
        """The JSON text of a record that isn't deleted."""
        row = self._connection.execute(self._live_text, (record_id,)).fetchone()
        return None if row is None else row[0]

    def get(self, record_id: str, *, deleted_too: bool = False) -> Row | None:
        """The record of this id that isn't deleted, else, if wanted, the deleted one of latest making."""
        row = self._connection.execute(self._live, (record_id,)).fetchone()
        if row is None and deleted_too:
            row = self._connection.execute(self._gone, (record_id,)).fetchone()
        return None if row is None else _row(row)

    def children(self, parent_id: str) -> list[Row]:
        """The records of one parent that aren't deleted, oldest first."""
        return [_row(row) for row in self._connection.execute(self._children, (parent_id,))]

    def insert(self, row: Row, visible_at: int = 0) -> None:
        """Stores a new record and gives it its `seq`; raises Taken."""
        try:
            self._connection.execute(self._insert, self._values(row, visible_at))
        except apsw.ConstraintError as error:
            raise Taken(str(error).rpartition(".")[2]) from None
        row.seq = self._connection.last_insert_rowid()

    def update(self, row: Row, visible_at: int = 0, *, lagging_at: int = 0) -> None:
        """Stores a record in place of its former state; raises Taken.

        While lists lag, `lagging_at` is the time now (ms): the former state is kept, and shown until `visible_at`.
        """
        try:
            if lagging_at:
                self._connection.execute(self._cut_past, (visible_at, self.resource, row.seq))
                self._connection.execute(self._drop_past, (self.resource, lagging_at))
                self._connection.execute(self._keep_past, (visible_at, row.seq, visible_at))
            self._connection.execute(self._update, (*self._values(row, visible_at), row.seq))
        except apsw.ConstraintError as error:
            raise Taken(str(error).rpartition(".")[2]) from None

    def load(self, rows: Iterator[Row]) -> int:
        """Stores many new records in one statement; returns how many. Raises Taken and then keeps none."""
        count = 0

        def values() -> Iterator[tuple[Scalar, ...]]:
            nonlocal count
            for row in rows:
                count += 1
                yield self._values(row, 0)

        with self._connection:
            try:
                self._connection.executemany(self._insert, values())
            except apsw.ConstraintError as error:
                raise Taken(str(error).rpartition(".")[2]) from None
        return count

    def everything(self) -> Iterator[Row]:
        """Every record, deleted and hidden ones too, in the order of their making; in batches, so that
        writing meanwhile is safe."""
        last = 0
        while rows := [_row(row) for row in self._connection.execute(self._everything, (last, 500))]:
            yield from rows
            last = rows[-1].seq

    def count(self) -> int:
        """How many aren't deleted."""
        found = self._connection.execute(sql("SELECT count(*) FROM", self.name, "WHERE deleted = 0"))
        count: int = next(found)[0]
        return count

    def _values(self, row: Row, visible_at: int) -> tuple[Scalar, ...]:
        return (
            row.id,
            row.doc.get("name") if self.shape.unique_name else None,
            row.created_at,
            row.upd,
            row.version,
            int(row.deleted),
            int(row.hidden),
            visible_at,
            encoded(row.doc),
            encoded(row.private) if row.private else None,
        )


def _row(values: tuple[Any, ...]) -> Row:
    seq, record_id, created_at, upd, version, deleted, hidden, doc, private = values
    return Row(
        id=record_id,
        doc=_decode(doc),
        created_at=created_at,
        upd=upd,
        version=version,
        deleted=bool(deleted),
        hidden=bool(hidden),
        seq=seq,
        private=_decode(private) if private else {},
    )
