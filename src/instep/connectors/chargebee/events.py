"""The log of changes: what the site's events say of customers, items with their prices, and orders.

Source: Chargebee API, "events". An event has the record as it was right after the change, with its version; they can
be read for 90 days. Not for webhooks (`hints`), nor for business entities, of which events are all that can be read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from instep.connectors.chargebee import forms, schema
from instep.connectors.chargebee.api import FAR_S, Api, Payload, whole
from instep.connectors.chargebee.listing import Mark, Walk
from instep.connectors.chargebee.prices import Prices
from instep.connectors.chargebee.records import Shape
from instep.core.model import Logged

TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "customer": ("customer_changed",),
    "item": ("item_updated", "item_price_created", "item_price_updated"),
    "order": (
        "order_updated", "order_cancelled", "order_delivered", "order_returned", "order_ready_to_process",
        "order_ready_to_ship",
    ),
}  # fmt: skip
"""By entity, the events that an update of its records leaves."""

UNTOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "item": ("price", "price_id"),
    "order": ("order_line_items", schema.MADE_AS),
}
"""By entity, the fields of a record that come from elsewhere than the resource that its events show."""

BEFORE_S: Final = 2
AFTER_S: Final = 60
"""What is read beyond the bounds in time: events tell whole seconds, and a clock is known only to within an error."""


class Events:
    """`shapes`: how records of each entity are made of what Chargebee sends."""

    def __init__(self, api: Api, shapes: Mapping[str, Shape], prices: Prices, page_size: int) -> None:
        self.api, self.prices, self._page_size = api, prices, page_size
        self.shapes = {entity: shapes[entity] for entity in TYPES}

    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        """See `ChangeLog.changed`: one list of events, a request per page."""
        types = [name for entity in entities for name in TYPES.get(entity, ())]
        if not types:
            return
        query = (("event_type[in]", forms.choice(types)),)
        walk = Walk("event", "events", query, "events", moment="occurred_at", page_size=self._page_size)
        mark = Mark(since=max(self._server_s(since_ms) - BEFORE_S, 0))
        until_s = self._server_s(until_ms) + AFTER_S
        async for rows, _ in walk.pages(self.api, mark, lambda: self.api.server_s(since_ms)):
            yield [logged for event in rows if (logged := self._logged(event)) is not None]
            if any((whole(event.get("occurred_at"), FAR_S) or 0) > until_s for event in rows):
                return  # oldest first: the rest came later

    def _server_s(self, local_ms: int) -> int:
        at_s = self.api.server_s(local_ms)
        return local_ms // 1000 if at_s is None else at_s

    def _logged(self, event: Payload) -> Logged | None:
        """What an event tells of a record; None if that is not what its type says."""
        kind, content = event.get("event_type"), event.get("content")
        entity = next((entity for entity, types in TYPES.items() if kind in types), "")
        of_price = isinstance(kind, str) and kind.startswith("item_price")
        held = content.get("item_price" if of_price else entity) if isinstance(content, dict) else None
        if not isinstance(held, dict) or not isinstance(held.get("item_id" if of_price else "id"), str):
            return None
        paths: frozenset[str] | None = None
        if of_price:  # a change of its item, of which it tells that price alone
            told = self.prices.told(held)
            paths = frozenset(f"price.{label}" for label in told)
            held = {**held, "id": held["item_id"], "price": told}
        record = self.shapes[entity].record(held)
        left_out = () if of_price else UNTOLD.get(entity, ())
        fields = {name: value for name, value in record.fields.items() if name not in left_out}
        return Logged(event["id"], entity, replace(record, fields=fields, author=_author(event)), paths)


def _author(event: Payload) -> str | None:
    """Who made the change, a user of the site or the name of an API key, and in which way."""
    told = [text for name in ("user", "source") if isinstance(text := event.get(name), str) and text]
    return f"{told[0]} ({told[1]})" if len(told) == 2 else next(iter(told), None)
