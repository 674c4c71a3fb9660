"""Parts of a record that come by requests of their own: asked for after the record, never before.

In that order a part can be newer than its record, which the next listing mends, since the record then shows a
later change; never older, which nothing would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from instep.connectors.http import HttpClient
from instep.connectors.rest.asking import Asker
from instep.connectors.rest.description_calls import Errors
from instep.connectors.rest.description_list import PartCall
from instep.connectors.rest.places import Place
from instep.connectors.rest.pointers import at
from instep.connectors.rest.words import Words
from instep.core.model import Entity, Record
from instep.core.values import Absent, Json, set_path
from instep.errors import BadAnswer, Gone


class Parts:
    """The parts of one entity's records. How many requests go out at once is the client's to bound."""

    def __init__(self, client: HttpClient, entity: Entity, place: Place, errors: Errors) -> None:
        self._client, self._entity, self._place, self._errors = client, entity, place, errors

    @property
    def fields(self) -> set[str]:
        """The top-level fields that hold parts."""
        return {path.partition(".")[0] for path in self._place.described.parts}

    async def of(self, record: Record, parent: str = "") -> Record:
        """The record with its parts; a hint if it is gone meanwhile. Raises BadAnswer, RetryLater, Stop."""
        parts = self._place.described.parts
        if not parts or record.deleted or not record.complete:
            return record
        words = {**record.fields, **self._place.words(record.id, parent)}
        asked = [
            self._ask(path, call, f"{self._entity.name} {record.id}", words) for path, call in parts.items()
        ]
        try:
            found = await asyncio.gather(*asked)
        except Gone:
            return replace(record, fields={}, complete=False)
        fields = dict(record.fields)
        for path, value in zip(parts, found, strict=True):
            set_path(fields, path, value)
        return replace(record, fields=fields)

    async def of_all(self, records: Sequence[Record], parent: str = "") -> list[Record]:
        """The same of a page."""
        return list(await asyncio.gather(*(self.of(record, parent) for record in records)))

    async def _ask(self, path: str, call: PartCall, whose: str, words: Words) -> Json:
        asker = Asker(self._client, call, call.path, f"{path} of {whose}", self._errors, words=words)
        if call.value is None:
            return await asker.all_rows()
        answer, _ = await asker.page("")
        value = at(answer.value, call.value)
        if isinstance(value, Absent):
            raise BadAnswer(f"{path} of {whose} is not in the answer", why=f"nothing at {call.value!r}")
        return value
