"""The store in one SQLite file: one connection that writes, in groups; one that reads the last commit.

WAL with synchronous=FULL: what was committed survives a kill and a power cut. What is deleted is overwritten.
Debian's own SQLite is not used: apsw brings a recent one along (versions up to 3.51.2 can corrupt a WAL file).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import TypeVar, cast

import apsw

from instep.errors import StoreError
from instep.store import lease
from instep.store.contract import Tx
from instep.store.failures import told, unreachable
from instep.store.group_commit import Group, Inline, WriterThread, closed
from instep.store.migrations import migrate
from instep.store.transaction import SqliteTx

T = TypeVar("T")

MEMORY = ":memory:"
BUSY_TIMEOUT_MS = 5_000
STATEMENTS = 256
"""Prepared statements kept per connection: all of `sql/queries.sql` and its variations."""

_memory_names = itertools.count(1)


class SqliteStore:
    """The contract's `Store`. Made by `open_store`; to be closed."""

    def __init__(
        self, writer: apsw.Connection, reader: apsw.Connection, path: str, *, threaded: bool
    ) -> None:
        self._writer, self._reader, self._path = writer, reader, path
        group = Group(writer, path)
        self._jobs = WriterThread(group) if threaded else Inline(group)
        self._read_tx = SqliteTx(reader)
        self._read_lock = RLock()
        self._epoch: int | None = None
        self._closed = False

    async def write(self, work: Callable[[Tx], T]) -> T:
        if self._closed:
            raise closed(self._path)
        return cast(T, await self._jobs.submit(work, self._epoch))

    def read(self, work: Callable[[Tx], T]) -> T:
        if self._closed:
            raise closed(self._path)
        with self._read_lock:
            if self._reader.in_transaction:  # A read inside a read sees the same commit.
                return work(self._read_tx)
            try:
                self._reader.execute("begin")
                try:
                    return work(self._read_tx)
                finally:
                    self._reader.execute("commit")
            except apsw.Error as error:
                raise told(error, self._path) from error

    async def acquire(self, holder: str, now_ms: int, ttl_ms: int) -> int:
        if self._closed:
            raise closed(self._path)
        own_epoch, until_ms = self._epoch, now_ms + ttl_ms

        def take(_: Tx) -> int:
            epoch, unclean = lease.take(self._writer, self._path, holder, own_epoch, now_ms, until_ms)
            if unclean:
                check(self._writer, self._path)
            return epoch

        self._epoch = cast(int, await self._jobs.submit(take, None))
        return self._epoch

    async def release(self) -> None:
        epoch, self._epoch = self._epoch, None
        if epoch is not None:
            await self._jobs.submit(lambda _: lease.give_back(self._writer, epoch), None)

    async def scrub(self) -> None:
        if self._closed:
            raise closed(self._path)
        await self._jobs.submit(lambda _: self._scrub(), None, alone=True)

    def _scrub(self) -> None:
        """A new copy of everything that is there takes the place of the pages, and the log is emptied."""
        self._writer.execute("vacuum")
        busy, _, _ = self._writer.execute("pragma wal_checkpoint(truncate)").get
        if busy:
            raise StoreError(
                f"what was erased may still stand in the log beside the store: {self._path}-wal",
                why="another process has the store open, so that the log can't be emptied",
                fix="end the other commands that use this store, then run the same command again",
            )

    async def close(self) -> None:
        """Do what is waiting and close the file; a lease that is still held stays until it runs out."""
        if self._closed:
            return
        self._closed = True
        await self._jobs.stop()
        with self._read_lock:
            self._reader.close()
        self._writer.close()


def open_store(
    path: Path | str, *, threaded: bool = True, busy_timeout_ms: int = BUSY_TIMEOUT_MS
) -> SqliteStore:
    """Open the file, make it (readable for its owner alone) or bring it to this release's schema.

    `threaded`: a thread of its own writes, and commits for all who wait; otherwise each `write` runs at once on
    the caller's thread. `path` ":memory:" is a store that ends with `close`. `busy_timeout_ms`: how long to
    wait for another process that is writing.
    Raises StoreError for a file that is damaged, locked, not a store, from a newer release, or out of reach.
    """
    name = str(path)
    memory = name == MEMORY
    try:
        if memory:
            uri = f"file:/instep-{next(_memory_names)}?vfs=memdb"
            left_over = False
        else:
            uri = name
            left_over = _make_file(Path(name))
        writer = _connect(uri, busy_timeout_ms)
        try:
            migrate(writer, name)
            if not memory:
                writer.execute("pragma journal_mode = wal")
            if left_over and not lease.held(writer)[0]:
                check(writer, name)
            reader = _connect(uri, busy_timeout_ms)
            reader.execute("pragma query_only = on")
        except BaseException:
            writer.close()
            raise
    except OSError as error:
        raise unreachable(error, name) from error
    except apsw.Error as error:
        raise told(error, name) from error
    return SqliteStore(writer, reader, name, threaded=threaded)


def check(connection: apsw.Connection, path: str) -> None:
    """Look for damage after an unclean end. Raises StoreError with the first that was found."""
    found = connection.execute("pragma quick_check(1)").get
    if found != "ok":
        raise StoreError(
            f"the store is damaged: {path}",
            why=f"SQLite's check found: {found}",
            fix="put the file away and restore the last backup; Instep finds what has changed since by itself",
        )


def _make_file(path: Path) -> bool:
    """Make the file if it is not there; says whether its last user is still there or left without closing."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _connect(uri: str, busy_timeout_ms: int) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
    if "vfs=memdb" in uri:
        flags |= apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(uri, flags=flags, statementcachesize=STATEMENTS)
    connection.set_busy_timeout(busy_timeout_ms)
    connection.execute(
        "pragma synchronous = full; pragma cache_size = -6144; pragma temp_store = memory;"
        "pragma journal_size_limit = 67108864; pragma secure_delete = on"
    ).fetchall()  # a statement that gives a row holds back those after it until it is fetched
    return connection
