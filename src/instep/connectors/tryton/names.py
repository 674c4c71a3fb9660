"""What Tryton refers to by number and people by name: countries, currencies, taxes, terms, categories.

A table is read when it is first needed, and again for a name that is not in it, since a person may just have
added it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from instep.connectors.tryton.rpc import Rpc
from instep.connectors.tryton.values import plain
from instep.core.values import Json
from instep.errors import BadAnswer, Refused

MOST = 20_000
"""Rows of one table; more than that is not looked up by name."""


class Names:
    """The ids of one model's records by a text, say country.country by `code`. The domain narrows it."""

    def __init__(self, rpc: Rpc, model: str, by: str, domain: Sequence[Json] = ()) -> None:
        self._rpc, self._model, self._by, self._domain = rpc, model, by, list(domain)
        self._ids: dict[Json, int] = {}
        self._lock = asyncio.Lock()

    async def find(self, name: Json) -> int | None:
        """The id, None if there is no such record; of several of one name the first made."""
        if name not in self._ids:
            async with self._lock:
                if name not in self._ids:
                    await self._read()
        return self._ids.get(name)

    async def id(self, name: Json, field: str, *, what: str, fix: str) -> int:
        """As `find`. Raises Refused for the field if there is no such record; `what` is the thing in words."""
        found = await self.find(name)
        if found is None:
            why = f"Tryton has no {what} {name!r:.80}"
            raise Refused(
                f"{field} can't be written to Tryton", field=field, code="unknown", why=why, fix=fix
            )
        return found

    async def _read(self) -> None:
        rows = await self._rpc.call(
            f"model.{self._model}.search_read", self._domain, 0, MOST, [["id", "DESC"]], [self._by]
        )
        if not isinstance(rows, list):
            raise BadAnswer(f"the names of {self._model} can't be read", why="there is no list")
        found: dict[Json, int] = {}
        for row in rows:
            if isinstance(row, dict) and isinstance(id := row.get("id"), int):
                found[plain(row.get(self._by))] = id
        self._ids = found
