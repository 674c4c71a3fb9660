"""A database as coroutines: a bounded pool of connections, each used by a thread of its own at a time.

A unit of work is a function of a connection; it runs in one transaction, in a thread. `read` may be repeated
by whoever calls; `write` is run once, and its failure says whether it may have been applied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from instep.connectors.sql.failures import Failure, failure_of
from instep.connectors.sql.sessions import arrange, connect_args
from instep.connectors.sql.types import Unreadable
from instep.core.values import decode, encode
from instep.errors import BadAnswer, InDoubt, RetryLater, Stop

T = TypeVar("T")

DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mssql": "mssql+pymssql",
    "sqlserver": "mssql+pymssql",
}
KNOWN = ("postgresql", "mysql", "mariadb", "sqlite", "mssql")
POOL_WAIT_S = 60


class Failed(Exception):
    """A statement that failed, rolled back and so not applied; `failure` tells what it means."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class Database:
    """One database. `name` is for messages; times in seconds. Nothing is connected until the first work.

    `read_only`: its transactions can't write, as far as the database can be told so. Raises Stop if there is no
    driver for the address.
    """

    def __init__(
        self,
        name: str,
        url: str,
        password: str | None,
        *,
        directory: Path = Path(),
        connections: int,
        statement_timeout_s: float,
        lock_timeout_s: float,
        read_only: bool = False,
    ) -> None:
        self.name, self.units = name, 0
        address = address_of(name, url, password, directory)
        self.dialect_name = address.get_backend_name().replace("mariadb", "mysql")
        self._engine = _engine(name, address, connections, statement_timeout_s)
        arrange(self._engine, statement_timeout_s, lock_timeout_s, read_only)
        self._turn = Lock()
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="sql")

    @property
    def dialect(self) -> sa.Dialect:
        return self._engine.dialect

    @property
    def engine(self) -> sa.Engine:
        """For what looks at the schema, in a thread."""
        return self._engine

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a unit that changes nothing. Raises RetryLater, Stop, BadAnswer."""
        try:
            return await self._in_thread(work, write=False)
        except Failed as failed:
            raise unread(self.name, failed.failure) from None

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a unit that writes, once. Raises Failed for a statement that was turned down and rolled back,
        InDoubt if it isn't known whether the commit took place, RetryLater if nothing was written."""
        return await self._in_thread(work, write=True)

    async def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._engine.dispose()

    async def _in_thread(self, work: Callable[[sa.Connection], T], *, write: bool) -> T:
        self.units += 1
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, work, write)

    def _run(self, work: Callable[[sa.Connection], T], write: bool) -> T:
        # SQLite lets one transaction write at a time, and those that wait are not served in turn.
        with self._turn if write and self.dialect_name == "sqlite" else nullcontext():
            return self._in_transaction(work, write)

    def _in_transaction(self, work: Callable[[sa.Connection], T], write: bool) -> T:
        try:
            connection = self._engine.connect()
        except DBAPIError as error:
            raise Failed(_unconnected(failure_of(error, self.dialect_name))) from None
        except PoolTimeout:
            raise RetryLater(f"{self.name} can't be asked", why="all connections are in use") from None
        with connection:
            if write:
                connection = connection.execution_options(instep_write=True)
            transaction: sa.RootTransaction | None = None
            try:
                transaction = connection.begin()
                result = work(connection)
            except DBAPIError as error:
                failure = failure_of(error, self.dialect_name)
                _roll_back(transaction)
                raise Failed(failure) from None
            except Unreadable as error:
                _roll_back(transaction)
                raise BadAnswer(f"{self.name} holds a value that can't be believed", why=str(error)) from None
            except BaseException:
                _roll_back(transaction)
                raise
            try:
                transaction.commit()
            except DBAPIError as error:
                # A transaction that could not be committed may still be open: it ends with its connection.
                with suppress(SQLAlchemyError):
                    connection.invalidate()
                self._commit_failed(failure_of(error, self.dialect_name), write)
            return result

    def _commit_failed(self, failure: Failure, write: bool) -> None:
        """A commit that the database turned down has changed nothing; one without an answer may have."""
        if write and failure.meaning in ("lost", "unknown"):
            raise InDoubt(f"{self.name} did not say whether it was written", why=failure.sentence)
        raise Failed(failure)


def unread(name: str, failure: Failure) -> RetryLater | Stop | BadAnswer:
    """What a failed reading means to the engine."""
    stopped = stop_of(name, failure)
    if stopped is not None:
        return stopped
    if failure.meaning in ("busy", "lost"):
        return RetryLater(f"{name} can't be read", why=failure.sentence)
    return BadAnswer(f"{name} can't be read", why=failure.sentence)


def stop_of(name: str, failure: Failure) -> Stop | None:
    """The error for what only a person can mend; None for anything else."""
    if failure.meaning == "entry":
        return Stop(f"{name} can't be entered", why=failure.sentence, fix="check url and password")
    if failure.meaning == "rights":
        fix = "give its user the rights that are printed by: instep sql grants"
        return Stop(f"{name} does not allow it", why=failure.sentence, fix=fix)
    if failure.meaning == "shape":
        fix = "correct the description of the database: instep check"
        return Stop(f"{name} is not as it is described", why=failure.sentence, fix=fix)
    return None


def address_of(name: str, url: str, password: str | None, directory: Path = Path()) -> URL:
    """The address with its driver and password, and the path of a file seen from `directory`. Raises Stop for one
    that can't be used."""
    fix = "write it as postgresql://user@host:5432/database"
    try:
        address = make_url(url)
    except ArgumentError:
        raise Stop(
            f"the address of {name} can't be read", why=f"{url.partition(':')[0]}:...", fix=fix
        ) from None
    driver = DRIVERS.get(address.drivername, address.drivername)
    if driver.partition("+")[0] not in KNOWN:
        why = f"{address.drivername} is none of {', '.join(KNOWN)}"
        raise Stop(f"the address of {name} can't be used", why=why, fix=fix)
    address = address.set(drivername=driver)
    if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
        address = address.set(database=str(directory / str(address.database)))
    return address if password is None else address.set(password=password)


def _engine(name: str, address: URL, connections: int, timeout_s: float) -> sa.Engine:
    options: dict[str, Any] = {}
    if address.get_backend_name() != "sqlite":
        options["isolation_level"] = "READ COMMITTED"
    try:
        return sa.create_engine(
            address,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            pool_pre_ping=True,
            poolclass=sa.pool.QueuePool,
            hide_parameters=True,
            json_serializer=lambda value: encode(value).decode(),
            json_deserializer=decode,
            connect_args=connect_args(address, timeout_s),
            **options,
        )
    except (ImportError, NoSuchModuleError) as error:
        extra = "sqlserver" if address.get_backend_name() == "mssql" else "sql"
        why = f"{error.name or address.drivername} is not installed" if isinstance(error, ImportError) else ""
        fix = f"pip install 'instep[{extra}]'"
        raise Stop(f"there is no driver to reach {name}", why=why or str(error)[:100], fix=fix) from None


def _unconnected(failure: Failure) -> Failure:
    """Whatever keeps a connection from being made is either for a person to mend, or passes."""
    if failure.meaning in ("entry", "rights"):
        return failure
    return Failure("lost", (), failure.code, failure.sentence)


def _roll_back(transaction: sa.RootTransaction | None) -> None:
    with suppress(SQLAlchemyError):  # the connection may be lost: then the server rolls back by itself
        if transaction is not None:
            transaction.rollback()
