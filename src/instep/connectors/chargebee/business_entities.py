"""Business entities, which the API neither lists nor reads. Source: Chargebee API, "business entities".

What is known of them comes from three places: the entries that a person configured, the events of the past 90
days, and the ids that customers carry. The newest event wins over an entry. One known by its id alone is
given as incomplete. Writing is impossible, and each attempt says what a person has to do instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from instep.connectors.chargebee import forms, schema
from instep.connectors.chargebee.api import Api, Payload, whole
from instep.connectors.chargebee.hints import EVENTS
from instep.connectors.chargebee.listing import Mark, Walk
from instep.connectors.chargebee.resource import Clock, Resource
from instep.connectors.chargebee.settings import Settings
from instep.connectors.contract import Page
from instep.core.model import Record
from instep.core.values import get_path
from instep.errors import Gone, Unable


class BusinessEntities(Resource):
    def __init__(self, api: Api, settings: Settings, now_ms: Clock) -> None:
        super().__init__(
            api,
            settings,
            schema.business_entity(settings),
            path="business_entities",
            fixed=(),
            filters=("id", "name"),
            now_ms=now_ms,
        )
        self._events = Walk(
            "event",
            "events",
            (("event_type[in]", forms.choice(list(EVENTS["business_entity"]))),),
            "business entity events",
            moment="occurred_at",
            page_size=settings.page_size,
        )
        self._known: dict[str, Payload] = {
            entry.id: {"id": entry.id, "name": entry.name, "status": entry.status, "deleted": False}
            for entry in settings.business_entities
        }
        self._configured = frozenset(self._known)
        self._seen: set[str] = set()
        self._told: set[str] = set()
        self._read_to: Mark | None = None

    def met(self, records: Iterable[Record]) -> None:
        """Note the business entities that records of other entities name."""
        for record in records:
            id = record.fields.get("business_entity_id")
            if isinstance(id, str) and id:
                self._seen.add(id)

    async def pages(self, cursor: str | None) -> AsyncIterator[Page]:
        """Everything known, and with a cursor the configured ones and what events changed since."""
        fresh = self._read_to is None
        changed = await self._learn() if fresh else await self._learn(Mark.read(cursor, self.shape.mark))
        ids = sorted(changed | self._configured | (set(self._known) if cursor is None else set()))
        records = [self._record(id) for id in ids]
        hints = self._seen - set(self._known) - self._told
        records += [self._record(id) for id in sorted(hints)]
        after = self._read_to or Mark()
        yield Page(records, after.text(self.shape.mark), True)
        self._told |= hints

    async def read(self, id: str) -> Record:
        await self._learn(self._read_to)
        if id in self._known:
            record = self._record(id)
            if record.deleted:
                raise Gone(f"business entity {id} was deleted in Chargebee")
            return record
        if id in self._seen or await self._on_a_customer(id):
            return self._record(id)
        raise Gone(
            f"business entity {id} is not known",
            why="no entry, no event of the past 90 days and no customer names it",
        )

    async def find(self, path: str, value: str) -> Sequence[Record]:
        if path not in self.filters:
            raise Unable("business entities were not searched", why=f"there is no filter on {path}")
        await self._learn(self._read_to)
        found = [self._record(id) for id in sorted(self._known)]
        return [one for one in found if get_path(one.fields, path) == value and not one.deleted]

    async def _learn(self, since: Mark | None = None) -> set[str]:
        """Read events, all that there are or those since a mark. Returns the ids that they are about."""
        started_ms = self.now_ms()
        met: set[str] = set()
        mark = since or Mark()
        walk = self._events.pages(self.api, mark, lambda: self.api.server_s(started_ms))
        async for rows, after in walk:
            mark = after
            for event in rows:
                content = event.get("content")
                entity = content.get("business_entity") if isinstance(content, Mapping) else None
                if isinstance(entity, dict) and isinstance(entity.get("id"), str):
                    self._fold(event, entity)
                    met.add(entity["id"])
        if mark.began is not None:
            self._read_to = mark.next_walk(self.settings.list_lag_s)
        return met

    def _fold(self, event: Payload, entity: Payload) -> None:
        """Take one event's snapshot, unless a newer one is known; events may repeat and come out of order."""
        if event.get("event_type") == "business_entity_deleted":
            entity = {**entity, "deleted": True}
        held = self._known.get(entity["id"], {})
        if (whole(held.get("resource_version")) or 0) <= (whole(entity.get("resource_version")) or 0):
            self._known[entity["id"]] = entity

    def _record(self, id: str) -> Record:
        payload = self._known.get(id)
        if payload is None:
            return Record(id, {"id": id}, complete=False)
        return self.shape.record(payload)

    async def _on_a_customer(self, id: str) -> bool:
        """Whether some customer is of this business entity."""
        page = await self.api.page(
            "customer", "customers", [("limit", "1"), ("business_entity_id[is]", id)], subject="customers"
        )
        if any(row.get("business_entity_id") == id for row in page.rows):
            self._seen.add(id)
            return True
        return False
