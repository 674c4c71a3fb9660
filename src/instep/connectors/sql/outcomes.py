"""What a write that failed means to the engine. Its transaction was rolled back, so nothing here is in doubt."""

from __future__ import annotations

from instep.connectors.sql.database import stop_of
from instep.connectors.sql.failures import Failure
from instep.connectors.sql.tables import Tables
from instep.errors import OutcomeError, Refused, RetryLater, Taken


def outcome_of(system: str, what: str, tables: Tables, failure: Failure) -> OutcomeError:
    """The error to raise; `what` names the record."""
    stopped = stop_of(system, failure)
    if stopped is not None:
        return stopped
    if failure.meaning in ("busy", "lost"):
        return RetryLater(f"{what} was not written to {system}", why=failure.sentence)
    named = field_of(tables, failure)
    if failure.meaning == "taken":
        # An unknown index is named as it is: it must not be taken for the marker or the id.
        field = named or failure.constraint or "a unique index"
        return Taken(f"{what}: {field} is in use in {system}", field=field, why=failure.sentence)
    code = "required" if failure.meaning == "required" else failure.code
    return Refused(f"{what} was refused by {system}", field=named, code=code, why=failure.sentence)


def field_of(tables: Tables, failure: Failure) -> str:
    """The path of the field that the database named by its column, "" if none."""
    for place in tables.places:
        if not {str(column.key) for column in place.columns}.isdisjoint(failure.columns):
            return place.line.path
    return ""
