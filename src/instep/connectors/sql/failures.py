"""What a database's error means for the statement that met it, in the words of the engine's outcomes.

A statement that fails has changed nothing: its transaction is rolled back, by us or by the server when the
connection is lost. Only a COMMIT whose answer is lost is in doubt. Of an error, only its first sentence and
the names of columns are kept; details may quote whole rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy.exc import DBAPIError

Meaning = Literal["taken", "required", "refused", "busy", "lost", "rights", "shape", "entry", "unknown"]
"""busy: try again (locks, deadlocks, time limits). lost: no connection. rights, entry: not allowed, not let in.
shape: a table or column is not as described. unknown: none of these."""

_POSTGRES: Final[Mapping[str, Meaning]] = {
    "23505": "taken",
    "23P01": "taken",
    "23502": "required",
    "40001": "busy",
    "40P01": "busy",
    "55P03": "busy",
    "57014": "busy",
    "57P01": "lost",
    "57P02": "lost",
    "57P03": "lost",
    "25006": "rights",
    "42501": "rights",
    "28000": "entry",
    "28P01": "entry",
    "3D000": "entry",
}
_POSTGRES_CLASSES: Final[Mapping[str, Meaning]] = {
    "22": "refused",
    "23": "refused",
    "P0": "refused",  # a trigger or a procedure raised it
    "42": "shape",
    "08": "lost",
    "53": "busy",
}
_MYSQL: Final[Mapping[int, Meaning]] = {
    1062: "taken",
    1586: "taken",
    1048: "required",
    1364: "required",
    1205: "busy",
    1213: "busy",
    1969: "busy",
    3024: "busy",
    1040: "busy",
    1317: "busy",
    2002: "lost",
    2003: "lost",
    2006: "lost",
    2013: "lost",
    1053: "lost",
    1044: "entry",
    1045: "entry",
    1049: "entry",
    1142: "rights",
    1143: "rights",
    1290: "rights",
    1792: "rights",
    1054: "shape",
    1146: "shape",
    1216: "refused",
    1217: "refused",
    1264: "refused",
    1292: "refused",
    1366: "refused",
    1406: "refused",
    1451: "refused",
    1452: "refused",
    1644: "refused",
    3819: "refused",
    4025: "refused",
}
_SQLSERVER: Final[Mapping[int, Meaning]] = {
    2601: "taken",
    2627: "taken",
    515: "required",
    547: "refused",
    245: "refused",
    2628: "refused",
    8115: "refused",
    8152: "refused",
    1205: "busy",
    1222: "busy",
    3960: "busy",
    20003: "busy",
    20006: "lost",
    20009: "lost",
    20047: "lost",
    18456: "entry",
    4060: "entry",
    229: "rights",
    230: "rights",
    3906: "rights",
    207: "shape",
    208: "shape",
}
_SQLITE: Final[Mapping[str, Meaning]] = {
    "SQLITE_CONSTRAINT_UNIQUE": "taken",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "taken",
    "SQLITE_CONSTRAINT_ROWID": "taken",
    "SQLITE_CONSTRAINT_NOTNULL": "required",
    "SQLITE_BUSY": "busy",
    "SQLITE_LOCKED": "busy",
    "SQLITE_INTERRUPT": "busy",
    "SQLITE_FULL": "busy",
    "SQLITE_READONLY": "rights",
    "SQLITE_PERM": "rights",
    "SQLITE_AUTH": "rights",
    "SQLITE_CANTOPEN": "entry",
    "SQLITE_NOTADB": "entry",
    "SQLITE_ERROR": "shape",
}
_ENTRY = re.compile(
    r"authentication failed|no pg_hba\.conf entry|no password supplied|role \".*\" does not exist"
    r"|database \".*\" does not exist|not permitted to log in",
    re.IGNORECASE,
)
_NAMES = re.compile(r"Key \(([^()=]+)\)=")


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong: its meaning, the columns that the database named, its own code, and its first sentence."""

    meaning: Meaning
    columns: tuple[str, ...]
    code: str
    sentence: str
    constraint: str = ""


def failure_of(error: DBAPIError, dialect: str) -> Failure:
    """What a driver's error means. Nothing of the statement or of its values is in the result."""
    original = error.orig
    if dialect == "postgresql":
        found = _postgres(original)
    elif dialect == "sqlite":
        found = _sqlite(original)
    else:
        found = _numbered(original, _SQLSERVER if dialect == "mssql" else _MYSQL)
    if found.meaning == "unknown" and error.connection_invalidated:
        return Failure("lost", (), found.code, found.sentence)
    return found


def _postgres(error: object) -> Failure:
    code = str(getattr(error, "sqlstate", None) or "")
    diag = getattr(error, "diag", None)
    primary = str(getattr(diag, "message_primary", None) or "") or _sentence(str(error))
    if not code:
        return Failure("entry" if _ENTRY.search(str(error)) else "lost", (), "", primary)
    meaning = _POSTGRES.get(code) or _POSTGRES_CLASSES.get(code[:2], "unknown")
    named = str(getattr(diag, "column_name", None) or "")
    columns: tuple[str, ...] = (named,) if named else ()
    detail = _NAMES.match(str(getattr(diag, "message_detail", None) or ""))
    if detail is not None:
        columns = tuple(name.strip().strip('"') for name in detail[1].split(","))
    return Failure(meaning, columns, code, primary, str(getattr(diag, "constraint_name", None) or ""))


def _sqlite(error: object) -> Failure:
    code = str(getattr(error, "sqlite_errorname", "") or "")
    text = _sentence(str(error))
    meaning = _SQLITE.get(code) or ("refused" if code.startswith("SQLITE_CONSTRAINT") else None)
    if meaning is None:
        base = "_".join(code.split("_")[:2])
        meaning = _SQLITE.get(base, "unknown")
    columns: tuple[str, ...] = ()
    if meaning in ("taken", "required") and ": " in text:
        columns = tuple(name.strip().rpartition(".")[2] for name in text.partition(": ")[2].split(","))
    return Failure(meaning, columns, code, text)


def _numbered(error: object, meanings: Mapping[int, Meaning]) -> Failure:
    """MySQL, MariaDB and SQL Server: a number and a sentence."""
    args: tuple[Any, ...] = getattr(error, "args", ())
    if args and isinstance(args[0], tuple):
        args = args[0]
    number = args[0] if args and isinstance(args[0], int) else 0
    text = args[1] if len(args) > 1 else str(error)
    sentence = _sentence(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))
    meaning = meanings.get(number, "unknown")
    quoted = re.search(r"[Cc]olumn '([^']+)'|for column '([^']+)'|Field '([^']+)'", sentence)
    columns = tuple(name for name in (quoted.groups() if quoted else ()) if name)
    key = re.search(r"for key '(?:[^'.]+\.)?([^']+)'|constraint '([^']+)'|index '([^']+)'", sentence)
    constraint = next((name for name in (key.groups() if key else ()) if name), "")
    return Failure(meaning, columns, str(number), sentence, constraint)


def _sentence(text: str) -> str:
    return text.strip().splitlines()[0][:200] if text.strip() else "it gave no reason"
