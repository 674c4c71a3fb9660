"""Reading one kind of record: by id, by filter, from a cursor. An entity's module adds how it is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from instep.connectors.chargebee.api import Api, Payload, segment
from instep.connectors.chargebee.listing import Mark, Walk
from instep.connectors.chargebee.records import Shape
from instep.connectors.chargebee.settings import Settings
from instep.connectors.contract import CreateKey, Page
from instep.core.model import Entity, Record
from instep.core.values import Json, get_path
from instep.errors import BadAnswer, Refused, Unable

Clock = Callable[[], int]
"""Local time in milliseconds."""


class Resource:
    """One entity that the API lists and reads. `filters` are the fields that `find` can ask for."""

    def __init__(
        self,
        api: Api,
        settings: Settings,
        entity: Entity,
        *,
        path: str,
        fixed: tuple[tuple[str, str], ...],
        filters: tuple[str, ...],
        now_ms: Clock,
    ) -> None:
        self.api, self.settings, self.entity, self.now_ms = api, settings, entity, now_ms
        self.name, self.path, self.filters = entity.name, path, filters
        self.shape = Shape(entity)
        self.walk = Walk(self.name, path, fixed, f"{self.name} records", page_size=settings.page_size)

    async def records(self, payloads: Sequence[Payload], *, fresh: bool = False) -> list[Record]:
        """Records of what was listed, or (`fresh`) read by id; an entity may need more calls for them."""
        del fresh
        return [self.shape.record(payload) for payload in payloads]

    async def listed(self, payloads: Sequence[Payload]) -> list[Record]:
        """Records of a page of the list; an entity may leave rows out here."""
        return await self.records(payloads)

    async def pages(self, cursor: str | None) -> AsyncIterator[Page]:
        """See `Connector.list`."""
        started_ms = self.now_ms()
        mark = Mark.read(cursor, self.shape.mark)
        async for rows, after in self.walk.pages(self.api, mark, lambda: self.api.server_s(started_ms)):
            last = after.offset is None
            if last:
                after = after.next_walk(self.settings.list_lag_s)
            yield Page(await self.listed(rows), after.text(self.shape.mark), last)

    async def read(self, id: str) -> Record:
        """See `Connector.read`."""
        payload = await self.payload(id)
        return (await self.records([payload], fresh=True))[0]

    async def payload(self, id: str) -> Payload:
        return await self.api.get(
            self.name, f"{self.path}/{segment(id)}", route=f"{self.path}/{{id}}", subject=f"{self.name} {id}"
        )

    async def find(self, path: str, value: str) -> Sequence[Record]:
        """See `Connector.find`; a list may miss what is younger than its lag."""
        if path not in self.filters:
            raise Unable(f"{self.name} records were not searched", why=f"Chargebee has no filter on {path}")
        query = [("limit", "100"), (f"{path}[is]", value)]
        try:
            page = await self.api.page(self.name, self.path, query, subject=self.walk.subject)
        except Refused as refused:
            raise BadAnswer(refused.what, why=refused.why) from None
        found = await self.records(page.rows)
        return [record for record in found if get_path(record.fields, path) == value]

    async def create(self, fields: Mapping[str, Json], key: CreateKey) -> Record:
        del fields
        raise Unable(
            f"{self.name} {key.id} was not created", why=self.entity.abilities.reasons.get("create", "")
        )

    async def update(self, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str) -> Record:
        del changes, seen, idempotency
        raise Unable(f"{self.name} {id} was not updated", why=self.entity.abilities.reasons.get("update", ""))

    async def retire(self, id: str, *, seen: Record, idempotency: str) -> Record:
        del seen, idempotency
        raise Unable(f"{self.name} {id} was not retired", why=self.entity.abilities.reasons.get("retire", ""))

    async def discard(self, id: str) -> None:
        """See `Discards.discard`."""
        raise Unable(f"{self.name} {id} was not deleted", why=self.entity.abilities.reasons.get("retire", ""))

    async def post(
        self, action: str, id: str, parameters: Mapping[str, Json], *, idempotency: str, new_id: str = ""
    ) -> Payload:
        """A write below this resource's path; `action` is "" for a plain create or update."""
        parts = [self.path] + ([] if new_id else [segment(id)]) + ([action] if action else [])
        shown = [self.path] + ([] if new_id else ["{id}"]) + ([action] if action else [])
        return await self.api.post(
            self.name,
            "/".join(parts),
            parameters,
            route="/".join(shown),
            subject=f"{self.name} {id}",
            idempotency=idempotency,
            new_id=new_id,
        )


def checked_id(entity: Entity, id: str) -> str:
    """A chosen id that Chargebee surely takes. Raises Refused.

    Its charset is not documented; letters, digits, dot, hyphen and underscore are seen everywhere.
    """
    longest = entity.abilities.max_id_length
    fits = id.isascii() and id.replace(".", "").replace("-", "").replace("_", "").isalnum()
    if not fits or len(id) > longest or id in (".", ".."):
        raise Refused(
            f"{entity.name} {id} was not created",
            field="id",
            code="bad_id",
            why=f"an id has 1 to {longest} letters, digits, dots, hyphens and underscores",
            fix="change the pair's new_id",
        )
    return id
