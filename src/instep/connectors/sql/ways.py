"""From the description of an entity to the way in which its changes are told."""

from __future__ import annotations

from instep.connectors.sql.changes import ByCount, ByTime, Changes, Scan
from instep.connectors.sql.changes_log import ByLog
from instep.connectors.sql.description import ByNumber, ByTriggers, ByUpdatedAt, Log
from instep.connectors.sql.tables import Tables


def changes_of(tables: Tables, log: Log, dialect: str, replica_lag_s: float = 0.0) -> Changes:
    """The way that the description names. `replica_lag_s`: how far what is read trails behind."""
    described, changes = tables.described, tables.described.changes
    if isinstance(changes, ByUpdatedAt):
        assert described.updated_at is not None
        return ByTime(tables, described.updated_at, changes.lag_s + replica_lag_s)
    if isinstance(changes, ByNumber):
        return ByCount(tables, changes.column, changes.lag_s + replica_lag_s)
    if isinstance(changes, ByTriggers):
        return ByLog(tables, log, changes.lag_s + replica_lag_s, dialect)
    return Scan()
