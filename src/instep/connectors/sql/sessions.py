"""What a session of each database is told at its start: UTC, time limits, and how transactions begin.

PostgreSQL counts a statement's time itself and so does MariaDB; SQLite is interrupted from here, and SQL
Server by its driver.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL

CONNECT_S = 15
"""Seconds to wait for a connection."""
STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""


def connect_args(address: URL, statement_timeout_s: float) -> dict[str, Any]:
    """What the driver is told as it connects; how long it waits for a network that is silent, above all."""
    backend, driver = address.get_backend_name(), address.get_driver_name()
    patient = int(statement_timeout_s) + 10
    if backend == "postgresql" and driver == "psycopg":
        # The server ends a statement; these end a connection whose server is not there any more.
        return {
            "connect_timeout": CONNECT_S,
            "application_name": "instep",
            "keepalives": 1,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": patient * 1000,
        }
    if driver == "pymysql":
        return {
            "connect_timeout": CONNECT_S,
            "read_timeout": patient,
            "write_timeout": patient,
            "charset": "utf8mb4",
        }
    if driver == "pymssql":
        return {"login_timeout": CONNECT_S, "timeout": patient, "appname": "instep"}
    if backend == "sqlite":
        return {"check_same_thread": False}
    return {}


def arrange(engine: sa.Engine, statement_timeout_s: float, lock_timeout_s: float, read_only: bool) -> None:
    """Have every new connection of the engine told so."""
    backend = engine.dialect.name
    if backend == "sqlite":
        _arrange_sqlite(engine, statement_timeout_s, lock_timeout_s, read_only)
        return
    told = _statements(engine, statement_timeout_s, lock_timeout_s, read_only)

    @event.listens_for(engine, "connect")
    def begin_session(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        try:
            for statement in told:
                cursor.execute(statement)
        finally:
            cursor.close()
        connection.commit()


def _statements(engine: sa.Engine, statement_s: float, lock_s: float, read_only: bool) -> list[str]:
    backend = engine.dialect.name
    if backend == "postgresql":
        told = [
            "SET TIME ZONE 'UTC'",
            f"SET statement_timeout = {int(statement_s * 1000)}",
            f"SET lock_timeout = {int(lock_s * 1000)}",
            f"SET idle_in_transaction_session_timeout = {int(statement_s * 1000) + 30_000}",
        ]
        return [*told, "SET default_transaction_read_only = on"] if read_only else told
    if backend in ("mysql", "mariadb"):
        told = [
            "SET time_zone = '+00:00'",
            "SET sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
            f"SET innodb_lock_wait_timeout = {max(1, int(lock_s))}",
            # Each of the two servers takes the other's part for a comment.
            f"SET @instep = 1 /*!50708 , SESSION max_execution_time = {int(statement_s * 1000)} */"
            f" /*M!100101 , SESSION max_statement_time = {statement_s} */",
        ]
        return [*told, "SET SESSION TRANSACTION READ ONLY"] if read_only else told
    if backend == "mssql":
        return [f"SET LOCK_TIMEOUT {int(lock_s * 1000)}", "SET XACT_ABORT ON"]
    return []


def _arrange_sqlite(engine: sa.Engine, statement_s: float, lock_s: float, read_only: bool) -> None:
    """Transactions begin when they are told to: a writing one takes the lock at once, so that what it read
    can't change before it writes."""

    @event.listens_for(engine, "connect")
    def begin_session(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver is not to begin transactions of its own
        connection.execute(f"PRAGMA busy_timeout = {int(lock_s * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("instep_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    @event.listens_for(engine, "before_cursor_execute")
    def before(connection: sa.Connection, *_: object) -> None:
        ends = time.monotonic() + statement_s
        raw: Any = connection.connection.dbapi_connection
        raw.set_progress_handler(lambda: time.monotonic() > ends, STEPS)


_NOW = {
    "postgresql": "SELECT clock_timestamp()",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
    "mariadb": "SELECT UTC_TIMESTAMP(6)",
    "mssql": "SELECT SYSUTCDATETIME()",
}
# A session that only reads counts too: it may yet write, and its now() is the time of its beginning.
_RUNNING = """
SELECT CASE
  WHEN NOT pg_is_in_recovery() AND pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  THEN (
    SELECT LEAST(
      (SELECT min(xact_start) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'),
      (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()),
      CAST(:now AS timestamptz)
    )
  )
END
"""


def database_now(connection: sa.Connection) -> datetime:
    """The database's own clock; of a database that is a file, this machine's."""
    statement = _NOW.get(connection.dialect.name)
    if statement is None:
        return datetime.now(UTC)
    now: datetime = connection.execute(sa.text(statement)).scalar_one()
    return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)


def running_since(connection: sa.Connection, now: datetime) -> datetime | None:
    """When the oldest transaction began that is running, `now` if none is; None if that can't be told.

    Source: PostgreSQL's pg_stat_activity, which shows other users' sessions to members of pg_read_all_stats.
    """
    if connection.dialect.name != "postgresql":
        return None
    oldest: datetime | None = connection.execute(sa.text(_RUNNING), {"now": now}).scalar_one()
    return oldest if oldest is None else oldest.astimezone(UTC)
