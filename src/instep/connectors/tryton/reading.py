"""Listing and reading the records of one entity."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

from instep.connectors.contract import Page
from instep.connectors.cursors import cursor_fields
from instep.connectors.tryton.rpc import Rpc
from instep.connectors.tryton.shape import Row, Shape, record_of
from instep.connectors.tryton.values import encoded_moment
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import BadAnswer, Moved, Refused

_LATEST_MS = 10**14


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a listing has read. `since_ms`: it lists what has changed since, None for everything.

    `next_ms`: from when the listing after it is to begin; `last`: the id of the last record that it has listed,
    0 between listings. Milliseconds are on Tryton's clock.
    """

    since_ms: int | None = None
    next_ms: int | None = None
    last: int = 0

    def text(self) -> str:
        return json.dumps({"v": 1, "since": self.since_ms, "next": self.next_ms, "last": self.last})

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Begins at the beginning for anything that is not a cursor of ours."""
        told = cursor_fields(text)
        since, following, last = told.get("since"), told.get("next"), told.get("last")
        right = all(ms is None or (type(ms) is int and 0 <= ms < _LATEST_MS) for ms in (since, following))
        return cls(since, following, last) if right and type(last) is int and 0 <= last < 2**62 else cls()


class Reader:
    """Readings of one entity. `now_ms`: the latest that Tryton's clock can be behind ours, as far as is known."""

    def __init__(
        self, rpc: Rpc, shape: Shape, *, page_size: int, overlap_s: int, now_ms: Callable[[], int]
    ) -> None:
        self._rpc, self._shape, self._page_size = rpc, shape, page_size
        self._overlap_ms, self._now_ms = overlap_s * 1000, now_ms

    async def pages(self, cursor: str | None) -> AsyncIterator[Page]:
        """By rising id, since ids never change: nothing is skipped, whatever is edited meanwhile.

        Tryton stamps a record with the moment at which its transaction began, so that a record may show up with
        an earlier one than others that were listed already: the next listing begins `overlap_s` before this one.
        """
        start = Cursor.read(cursor)
        following = start.next_ms
        if following is None:
            await self._rpc.context()  # the first answer tells the server's clock
            following = max(0, self._now_ms() - self._overlap_ms)
        last = start.last
        while True:
            rows = await self._search(
                [["id", ">", last], *self._changed(start.since_ms)], limit=self._page_size
            )
            records = [record_of(self._shape, row) for row in rows]
            ids = [_id(row) for row in rows]
            if any(id <= before for before, id in zip([last, *ids], ids, strict=False)):
                why = "the rows are not in the order that was asked for"
                raise BadAnswer(f"a page of {self._shape.entity.name} can't be used", why=why)
            if len(rows) < self._page_size:
                yield Page(records, Cursor(following).text(), last=True)
                return
            last = ids[-1]
            yield Page(records, Cursor(start.since_ms, following, last).text(), last=False)

    async def rows(self, ids: Sequence[int]) -> dict[int, Row]:
        """Those of the ids that are there and belong to the entity."""
        return await self.by("id", ids)

    async def by(self, name: str, ids: Sequence[int]) -> dict[int, Row]:
        """Rows by what they hold under a name, where that is one of the ids."""
        if not ids:
            return {}
        rows = await self._search([[name, "in", list(ids)]], limit=None)
        return {held: row for row in rows if isinstance(held := row.get(name), int)}

    async def marked(self, marker: str) -> list[Record]:
        rows = await self._search(self._shape.marked(marker), limit=100)
        return [record_of(self._shape, row) for row in rows]

    def _changed(self, since_ms: int | None) -> Iterator[Json]:
        """Inner records that a person changes by themselves leave the moment of the record as it was."""
        if since_ms is not None:
            since = encoded_moment(since_ms)
            names = ["last_modified_at", *(f"{name}.last_modified_at" for name in self._shape.inner)]
            clauses: list[Json] = [[name, ">=", since] for name in names]
            yield ["OR", *clauses]

    async def _search(self, domain: Sequence[Json], *, limit: int | None) -> list[dict[str, Json]]:
        name = f"model.{self._shape.model}.search_read"
        whole = [*self._shape.domain, *domain]
        try:
            rows = await self._rpc.call(name, whole, 0, limit, [["id", "ASC"]], list(self._shape.reads))
        except (Refused, Moved) as error:
            raise BadAnswer(f"{self._shape.entity.name} can't be read from Tryton", why=error.why) from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadAnswer(f"{self._shape.entity.name} can't be read from Tryton", why="there is no list")
        return [row for row in rows if isinstance(row, dict)]


def _id(row: Row) -> int:
    id = row.get("id")
    if not isinstance(id, int):
        raise BadAnswer("a record of Tryton can't be read", why="it has no id")
    return id
