"""The real store, opened by several processes, filled up, saved and put back; in memory, or in a file."""

from __future__ import annotations

import itertools

import apsw

from instep.store.migrations import migrate
from instep.store.sqlite import MEMORY, SqliteStore, open_store

_numbers = itertools.count(1)


class Disk:
    """One store file, or one database in memory that lasts as long as this. Each `open` is a process's own."""

    def __init__(self, path: str = MEMORY) -> None:
        self.path = path
        self._uri = path
        self._open: list[tuple[SqliteStore, apsw.Connection]] = []
        self._backup: apsw.Connection | None = None
        self._full = False
        self._keeper: apsw.Connection | None = None
        if path == MEMORY:
            self._uri = f"file:/world-{next(_numbers)}?vfs=memdb"
            self._keeper = self._connect()
            migrate(self._keeper, path)

    def _connect(self) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_CREATE
        connection = apsw.Connection(self._uri, flags=flags, statementcachesize=256)
        connection.set_busy_timeout(1_000)
        connection.execute("pragma temp_store = memory")
        return connection

    def open(self) -> SqliteStore:
        """The store as a process that starts now would open it."""
        if self.path == MEMORY:
            writer, reader = self._connect(), self._connect()
            reader.execute("pragma query_only = on")
            store = SqliteStore(writer, reader, self.path, threaded=False)
        else:
            store = open_store(self.path, threaded=False, busy_timeout_ms=1_000)
            writer = store._writer
        self._open = [(each, its) for each, its in self._open if not each._closed]
        self._open.append((store, writer))
        if self._full:
            self._limit(writer)
        return store

    def fill(self) -> None:
        """From now on there is no room: SQLite itself refuses to make the file longer."""
        self._full = True
        for store, writer in self._open:
            if not store._closed:
                self._limit(writer)

    def make_room(self) -> None:
        self._full = False
        for store, writer in self._open:
            if not store._closed:
                writer.execute("pragma max_page_count = 1000000")

    def _limit(self, writer: apsw.Connection) -> None:
        pages = writer.execute("pragma page_count").get
        writer.execute(f"pragma max_page_count = {pages}")

    def save(self) -> None:
        """Keep a backup, in place of an earlier one."""
        self._backup = self._backup or apsw.Connection(MEMORY)
        source = self._keeper or self._connect()
        with self._backup.backup("main", source, "main") as copying:
            copying.step()

    def put_back(self) -> bool:
        """The store is again what it was at `save`; False if there is no backup, or a process has it open."""
        if self._backup is None:
            return False
        target = self._keeper or self._connect()
        with target.backup("main", self._backup, "main") as copying:
            copying.step()
        return True

    def close(self) -> None:
        for store, writer in self._open:
            if not store._closed:
                store._closed = True
                store._reader.close()
                writer.close()
        self._open.clear()
        for connection in (self._keeper, self._backup):
            if connection is not None:
                connection.close()


def end(store: SqliteStore) -> None:
    """What the kernel does for a process that has died: its files are closed, its lease stays."""
    if not store._closed:
        store._closed = True
        store._reader.close()
        store._writer.close()
