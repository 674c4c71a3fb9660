"""Listings that lose nothing: every row by key first, then what changed since, with the overlap that late
commits need.

A complete listing goes by the primary key, so that no row slips by as others change. Where it begins, it notes
how far all changes are surely committed (the *mark*, of `changes`); the next listing takes what came after that.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from instep.connectors.contract import Page
from instep.connectors.cursors import cursor_fields
from instep.connectors.sql.changes import Changes
from instep.connectors.sql.database import Database
from instep.connectors.sql.rows import Row, key_in, records_of, select
from instep.connectors.sql.tables import Tables, after
from instep.core.values import Json

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a listing has read. `mark`: what the changes are taken from, None for a complete listing.

    `at`: where the listing goes on, None at its beginning. `next`: the mark of the listing after this one.
    `how`: which way changes are told, since a description may come to tell them another way.
    """

    how: str
    mark: Json = None
    at: list[Any] | None = None
    next: Json = None

    def text(self) -> str:
        told = {"v": FORMAT, "how": self.how, "mark": self.mark, "at": self.at, "next": self.next}
        return json.dumps({name: value for name, value in told.items() if value is not None})

    @classmethod
    def read(cls, text: str | None, how: str, keys: int, parts: int) -> Cursor:
        """Begins at the beginning for anything that is not a cursor of ours, of this way. A place is of `keys`
        values in a complete listing, of `parts` in one of changes."""
        told = cursor_fields(text, FORMAT)
        if told.get("how") != how:
            return cls(how)
        at, mark = told.get("at"), told.get("mark")
        wanted = keys if mark is None else parts
        if at is not None and not (isinstance(at, list) and len(at) == wanted):
            return cls(how)
        return cls(how, mark, at, told.get("next"))


@dataclass(slots=True)
class Listing:
    """The listings of one entity. `size`: rows per page."""

    database: Database
    tables: Tables
    changes: Changes
    size: int

    async def pages(self, text: str | None) -> AsyncIterator[Page]:
        """Raises RetryLater, Stop, BadAnswer."""
        cursor = Cursor.read(text, self.changes.how, len(self.tables.key), self.changes.parts)
        last = False
        while not last:
            page, cursor = await self.database.read(self._unit(cursor))
            last = page.last
            yield page

    def _unit(self, cursor: Cursor) -> Any:
        def work(connection: sa.Connection) -> tuple[Page, Cursor]:
            mark = cursor.mark
            if mark is not None and not self.changes.usable(mark):
                return work_on(connection, Cursor(cursor.how))
            return work_on(connection, cursor)

        def work_on(connection: sa.Connection, cursor: Cursor) -> tuple[Page, Cursor]:
            following = cursor.next
            if cursor.at is None:
                following = self.changes.mark(connection, cursor.mark)
            if cursor.mark is None:
                return self._all(connection, cursor, following)
            return self._changed(connection, cursor, following)

        return work

    def _all(self, connection: sa.Connection, cursor: Cursor, following: Json) -> tuple[Page, Cursor]:
        """A page of every row, by key."""
        statement = select(self.tables).order_by(*self.tables.key).limit(self.size + 1)
        if cursor.at is not None:
            statement = statement.where(after(self.tables.key, cursor.at))
        rows: list[Row] = list(connection.execute(statement).mappings())
        last = len(rows) <= self.size
        rows = rows[: self.size]
        if last:
            then = Cursor(cursor.how, following)
        else:
            then = Cursor(cursor.how, None, list(key_in(self.tables, rows[-1])), following)
        return Page(records_of(connection, self.tables, rows), then.text(), last), then

    def _changed(self, connection: sa.Connection, cursor: Cursor, following: Json) -> tuple[Page, Cursor]:
        """A page of what changed since the mark, oldest change first."""
        size = self.size
        found = self.changes.page(connection, cursor.mark, cursor.at, size)
        while (
            found.at is not None and found.at == cursor.at
        ):  # a driver that cuts times off can't go on within one
            size *= 2
            found = self.changes.page(connection, cursor.mark, cursor.at, size)
        if found.at is None:
            then = Cursor(cursor.how, following)
        else:
            then = Cursor(cursor.how, cursor.mark, found.at, following)
        records = [*found.gone, *records_of(connection, self.tables, found.rows)]
        return Page(records, then.text(), found.at is None), then
