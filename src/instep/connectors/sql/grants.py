"""The least rights that Instep's own user needs, as the statements that give them."""

from __future__ import annotations

import sqlalchemy as sa

from instep.connectors.sql.description import ByNumber, ByTriggers, ByUpdatedAt, Description
from instep.connectors.sql.tables import ChildTable, Tables, tables_of


def grants(description: Description, dialect: sa.Dialect, user: str) -> list[str]:
    """A statement per table and right, of the columns that are described and no others; comments begin with --.

    A query in place of a table is named in a comment: what it reads has to be granted by a person.
    """
    if dialect.name == "sqlite":
        return ["-- SQLite has no users: whoever may write the file may do everything"]
    words = _Words(dialect, user)
    found: list[str] = []
    for name in description.entities:
        found += words.entity(tables_of(name, description))
    changes = [entity.changes for entity in description.entities.values()]
    if any(isinstance(change, ByTriggers) for change in changes):
        log = description.log
        found.append(words.grant("SELECT", (), log.table, log.place(dialect.name)))
    if dialect.name == "postgresql":
        schemas = {entity.db_schema for entity in description.entities.values() if entity.db_schema}
        if any(isinstance(change, ByTriggers) for change in changes):
            schemas.add(description.log.place(dialect.name))
        used = [f"GRANT USAGE ON SCHEMA {words.quote(schema)} TO {words.user};" for schema in sorted(schemas)]
        found = [*used, *found]
        if any(isinstance(change, ByUpdatedAt | ByNumber) for change in changes):
            found.append("-- to see when other transactions began, so that no late commit is missed:")
            found.append(f"GRANT pg_read_all_stats TO {words.user};")
    return list(dict.fromkeys(found))


class _Words:
    def __init__(self, dialect: sa.Dialect, user: str) -> None:
        self.quote, self.dialect = dialect.identifier_preparer.quote, dialect.name
        self.user = self.quote(user) if dialect.name in ("postgresql", "mssql") else f"'{user}'@'%'"

    def grant(self, right: str, columns: tuple[str, ...], table: str, schema: str) -> str:
        name = f"{self.quote(schema)}.{self.quote(table)}" if schema else self.quote(table)
        named = f" ({', '.join(self.quote(column) for column in columns)})" if columns else ""
        return f"GRANT {right}{named} ON {name} TO {self.user};"

    def entity(self, tables: Tables) -> list[str]:
        described = tables.described
        read = tuple(str(column.key) for column in tables.read())
        conditions = tuple(described.where)
        table, schema = described.table, described.db_schema
        found: list[str] = []
        if described.query:
            found.append(f"-- {tables.name} is a query: grant SELECT on all that it reads")
        if table:
            found.append(self.grant("SELECT", _each(read, conditions), table, schema))
        if tables.target is None:
            return found
        written = tuple(
            str(c.key) for place in tables.places if not place.line.read_only for c in place.columns
        )
        keys = tuple(key.column for key in described.key)
        told = _set_by_writer(tables)
        if described.create:
            own = keys if described.chosen_id else ()
            found.append(self.grant("INSERT", _each(written, told, own, conditions), table, schema))
            found += self._sequence(table, schema, keys)
        if described.update:
            changed = tuple(column for column in _each(written, told) if column not in keys)
            # A right to update something is needed to lock a row, too.
            found.append(self.grant("UPDATE", changed, table, schema))
        if described.retire is not None and described.retire.by == "delete":
            found.append(self.grant("DELETE", (), table, schema))
        for child in tables.children:
            found += self._child(child)
        return found

    def _child(self, child: ChildTable) -> list[str]:
        table, schema = child.described.table, child.described.db_schema
        columns = tuple(str(column.key) for column in child.table.c)
        keys = {key.column for key in child.described.key}
        written = tuple(column for column in columns if column not in keys)
        return [
            self.grant("SELECT", columns, table, schema),
            self.grant("INSERT", written, table, schema),
            self.grant("UPDATE", tuple(c for c in written if c not in child.described.parent), table, schema),
            self.grant("DELETE", (), table, schema),
            *self._sequence(table, schema, tuple(keys)),
        ]

    def _sequence(self, table: str, schema: str, keys: tuple[str, ...]) -> list[str]:
        """An identity column needs no right; a serial one has a sequence beside it that does."""
        if self.dialect != "postgresql" or len(keys) != 1:
            return []
        name = f"{table}_{keys[0]}_seq"
        whole = f"{self.quote(schema)}.{self.quote(name)}" if schema else self.quote(name)
        return [f"-- if {table}.{keys[0]} is serial: GRANT USAGE ON SEQUENCE {whole} TO {self.user};"]


def _set_by_writer(tables: Tables) -> tuple[str, ...]:
    described = tables.described
    kept = (described.version, described.updated_at, described.created_at)
    return tuple(one.column for one in kept if one is not None and one.set_by == "writer")


def _each(*columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for some in columns for column in some))
