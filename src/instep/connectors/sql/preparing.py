"""Triggers that write down which rows have changed: the statements that set them up, and those that remove them.

Each table of an entity that tells its changes `by: triggers`, and each child table of its lines, gets triggers
that add the key of the record to a log table, deletes too. Nothing of a row but its key is copied. Setting up
twice leaves what setting up once does. The statements are for a person with the rights to run them; Instep's own
user needs none but to read the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import sqlalchemy as sa

from instep.connectors.sql.description import ByTriggers, Description, Log

FUNCTION = "instep_log"
PREFIX = "instep_"


@dataclass(frozen=True)
class Watched:
    """A table whose changes are written down as those of `source`, whose key is in these columns."""

    schema: str
    table: str
    source: str
    key: tuple[str, ...]


def source_of(table: str, schema: str) -> str:
    """How the log names the table of an entity."""
    return f"{schema}.{table}" if schema else table


def watched(description: Description) -> list[Watched]:
    """Every table that triggers are for, each once for each source."""
    found: dict[tuple[str, str, str], Watched] = {}
    for entity in description.entities.values():
        if not isinstance(entity.changes, ByTriggers):
            continue
        source = source_of(entity.table, entity.db_schema)
        keys = tuple(key.column for key in entity.key)
        tables = [(entity.db_schema, entity.table, keys)]
        tables += [(lines.db_schema, lines.table, lines.parent) for lines in entity.lines.values()]
        for schema, table, key in tables:
            found.setdefault((schema, table, source), Watched(schema, table, source, key))
    return list(found.values())


def prepare(description: Description, dialect: sa.Dialect) -> list[str]:
    """The statements that set up the log and its triggers."""
    words = _Words(dialect, description.log)
    tables = watched(description)
    if dialect.name == "postgresql":
        return [*words.postgres_log(), *(line for table in tables for line in words.postgres_triggers(table))]
    if dialect.name == "mssql":
        return [*words.log(), *(words.sqlserver_trigger(table) for table in tables)]
    return [*words.log(), *(line for table in tables for line in words.triggers(table))]


def unprepare(description: Description, dialect: sa.Dialect, also: Sequence[str] = ()) -> list[str]:
    """The statements that remove all of it. `also`: further triggers of ours that were found in the database."""
    words = _Words(dialect, description.log)
    log = f"DROP TABLE IF EXISTS {words.log_table}"
    if dialect.name == "postgresql":
        return [f"DROP FUNCTION IF EXISTS {words.function} CASCADE", log]
    suffixes = ("",) if dialect.name == "mssql" else ("_insert", "_update", "_delete")
    named = [words.trigger(table) + suffix for table in watched(description) for suffix in suffixes]
    names = dict.fromkeys((*named, *also))
    return [*(f"DROP TRIGGER IF EXISTS {words.quote(name)}" for name in names), log]


_OURS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'instep\\_%' ESCAPE '\\'",
    "mysql": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
    " AND trigger_name LIKE 'instep\\_%'",
    "mssql": "SELECT name FROM sys.triggers WHERE name LIKE 'instep[_]%'",
}


def ours(connection: sa.Connection) -> list[str]:
    """The triggers in the database that have our prefix; of PostgreSQL none, since they go with their function."""
    statement = _OURS.get(connection.dialect.name.replace("mariadb", "mysql"))
    return [] if statement is None else [str(row[0]) for row in connection.exec_driver_sql(statement)]


_POSTGRES_KEY = """SELECT CASE count(*) WHEN 1 THEN min(part) ELSE
      string_agg(replace(replace(part, '%', '%25'), '/', '%2F'), '/' ORDER BY place) END INTO {into}
      FROM (SELECT to_jsonb({row}) ->> name AS part, place
        FROM unnest(TG_ARGV[1:]) WITH ORDINALITY AS names(name, place)) AS parts;"""


class _Words:
    """The statements in one database's own words."""

    def __init__(self, dialect: sa.Dialect, log: Log) -> None:
        self.dialect, self.quote = dialect, dialect.identifier_preparer.quote
        self.schema = log.place(dialect.name)
        self.log_table = self.name(log.table, self.schema)
        self.log_index = self.quote(f"{log.table}_by_source")
        self.function = self.name(FUNCTION, self.schema) + "()"

    def name(self, table: str, schema: str) -> str:
        return f"{self.quote(schema)}.{self.quote(table)}" if schema else self.quote(table)

    def trigger(self, watched: Watched) -> str:
        """A name of its own for the triggers of a table and a source, short enough for any database."""
        mark = f"{crc32(f'{watched.schema}.{watched.table} {watched.source}'.encode()):08x}"
        return f"{PREFIX}{watched.table[:30]}_{mark}"

    # --- PostgreSQL ---

    def postgres_log(self) -> list[str]:
        # The number of the transaction is kept along: it tells what may still be committed late.
        return [
            f"CREATE TABLE IF NOT EXISTS {self.log_table} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " txid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),"
            " source text NOT NULL, row_key text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())",
            f"CREATE INDEX IF NOT EXISTS {self.log_index} ON {self.log_table} (source, txid, seq)",
            f"""CREATE OR REPLACE FUNCTION {self.function} RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $instep$
DECLARE
  old_key text;
  new_key text;
BEGIN
  -- TG_ARGV: the name of the source, then the columns of its key.
  IF TG_OP <> 'INSERT' THEN
    {_POSTGRES_KEY.format(row="OLD", into="old_key")}
    INSERT INTO {self.log_table} (source, row_key) SELECT TG_ARGV[0], old_key WHERE old_key IS NOT NULL;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    {_POSTGRES_KEY.format(row="NEW", into="new_key")}
    INSERT INTO {self.log_table} (source, row_key)
      SELECT TG_ARGV[0], new_key WHERE new_key IS NOT NULL AND new_key IS DISTINCT FROM old_key;
  END IF;
  RETURN NULL;
END $instep$""",
            f"REVOKE ALL ON FUNCTION {self.function} FROM PUBLIC",
        ]

    def postgres_triggers(self, watched: Watched) -> list[str]:
        name, table = self.quote(self.trigger(watched)), self.name(watched.table, watched.schema)
        arguments = ", ".join(_text(word) for word in (watched.source, *watched.key))
        return [
            f"DROP TRIGGER IF EXISTS {name} ON {table}",
            f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {self.function[:-2]}({arguments})",
        ]

    # --- SQLite, MySQL, MariaDB ---

    def log(self) -> list[str]:
        if self.dialect.name == "sqlite":
            return [
                f"CREATE TABLE IF NOT EXISTS {self.log_table} (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
                " source TEXT NOT NULL, row_key TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)",
                f"CREATE INDEX IF NOT EXISTS {self.log_index} ON {self.log_table} (source, seq)",
            ]
        if self.dialect.name == "mssql":
            return [
                f"IF OBJECT_ID({_text(self.log_table)}) IS NULL CREATE TABLE {self.log_table}"
                " (seq bigint IDENTITY PRIMARY KEY, source nvarchar(200) NOT NULL, row_key nvarchar(255) NOT NULL,"
                f" at datetime2 NOT NULL DEFAULT SYSUTCDATETIME(), INDEX {self.log_index} (source, seq))",
            ]
        return [
            f"CREATE TABLE IF NOT EXISTS {self.log_table} (seq bigint AUTO_INCREMENT PRIMARY KEY,"
            " source varchar(200) NOT NULL, row_key varchar(255) NOT NULL,"
            f" at datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY {self.log_index} (source, seq))",
        ]

    def triggers(self, watched: Watched) -> list[str]:
        """One trigger for each event: the two databases have none for several."""
        table, source = self.name(watched.table, watched.schema), _text(watched.source)
        found: list[str] = []
        for event, rows in (("insert", ("NEW",)), ("update", ("OLD", "NEW")), ("delete", ("OLD",))):
            name = self.quote(f"{self.trigger(watched)}_{event}")
            inserts = " ".join(
                f"INSERT INTO {self.log_table} (source, row_key) SELECT {source}, {self._key(row, watched.key)}"
                f"{self._moved(rows, row, watched.key)};"
                for row in rows
            )
            found.append(f"DROP TRIGGER IF EXISTS {name}")
            found.append(
                f"CREATE TRIGGER {name} AFTER {event.upper()} ON {table} FOR EACH ROW BEGIN {inserts} END"
            )
        return found

    def _moved(self, rows: Sequence[str], row: str, key: Sequence[str]) -> str:
        """For the new row of an update: only if its key is another one."""
        if len(rows) == 1 or row == "OLD":
            return ""
        differs = " OR ".join(f"NEW.{self.quote(c)} <> OLD.{self.quote(c)}" for c in key)
        return f" {'FROM DUAL ' if self.dialect.name != 'sqlite' else ''}WHERE {differs}"

    def _key(self, row: str, key: Sequence[str]) -> str:
        kind = {"sqlite": "TEXT", "mssql": "nvarchar(255)"}.get(self.dialect.name, "char")
        parts = [f"CAST({row}.{self.quote(column)} AS {kind})" for column in key]
        if len(parts) == 1:
            return parts[0]
        parts = [f"REPLACE(REPLACE({part}, '%', '%25'), '/', '%2F')" for part in parts]
        if self.dialect.name == "sqlite":
            return " || '/' || ".join(parts)
        joined = ", '/', ".join(parts)
        return f"CONCAT({joined})"

    # --- SQL Server ---

    def sqlserver_trigger(self, watched: Watched) -> str:
        table, name = self.name(watched.table, watched.schema), self.quote(self.trigger(watched))
        rows = " UNION ".join(
            f"SELECT {_text(watched.source)}, {self._key(rows, watched.key)} FROM {rows}"
            for rows in ("inserted", "deleted")
        )
        return (
            f"CREATE OR ALTER TRIGGER {name} ON {table} AFTER INSERT, UPDATE, DELETE AS BEGIN SET NOCOUNT ON; "
            f"INSERT INTO {self.log_table} (source, row_key) {rows}; END"
        )


def _text(word: str) -> str:
    """A text literal. Only words of the description come here."""
    return "'" + word.replace("'", "''") + "'"
