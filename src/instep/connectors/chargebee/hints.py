"""What a Chargebee webhook hints at: which records to look at, and nothing of what they hold.

Source: Chargebee API, "events". Webhooks may repeat, come late, out of order or from anybody; since only ids and
versions are taken, none of it does harm. Not for answering them or for checking who sent them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from instep.connectors.chargebee.api import whole
from instep.connectors.webhooks import MAX_BODY, Hint
from instep.core.values import Json, decode
from instep.errors import BadAnswer

EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "business_entity": (
        "business_entity_created", "business_entity_updated", "business_entity_deleted",
    ),
    "customer": (
        "customer_created", "customer_changed", "customer_deleted", "customer_moved_in", "customer_moved_out",
        "customer_business_entity_changed",
    ),
    "item": (
        "item_created", "item_updated", "item_deleted", "item_price_created", "item_price_updated",
        "item_price_deleted",
    ),
    "order": (
        "order_created", "order_updated", "order_cancelled", "order_delivered", "order_returned", "order_resent",
        "order_deleted", "order_ready_to_process", "order_ready_to_ship",
    ),
}  # fmt: skip
"""By entity, the events that tell of a change of its records."""


def events_for(entities: Iterable[str]) -> list[str]:
    """The events that an endpoint has to be sent so that no change of these entities is missed, sorted."""
    return sorted(name for entity in set(entities) for name in EVENTS.get(entity, ()))


def hinted(body: bytes) -> list[Hint]:
    """Every record of ours that the event is about; an item price hints at its item. An event that is about another
    kind of record hints at nothing, even where it shows a customer beside it.

    Raises BadAnswer for a body that is no event.
    """
    event = _event(body)
    kind, content = event.get("event_type"), event.get("content")
    if not isinstance(content, dict):
        raise BadAnswer("a webhook was not read", why="it is no Chargebee event: it has no content")
    if not isinstance(kind, str):
        return []
    # Chargebee adds events over time: what begins with a kind of record is about one.
    entity = next((name for name in EVENTS if kind.startswith(f"{name}_")), "")
    found = [(entity, content.get(entity), "id")]
    if entity == "item":
        found.append((entity, content.get("item_price"), "item_id"))
    hints = [_hint(name, resource, of) for name, resource, of in found]
    return list(dict.fromkeys(hint for hint in hints if hint is not None))


def _event(body: bytes) -> dict[str, Json]:
    if len(body) > MAX_BODY:
        raise BadAnswer("a webhook was not read", why=f"it has {len(body):,} bytes, more than {MAX_BODY:,}")
    try:
        event = decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadAnswer("a webhook was not read", why="it is not JSON") from None
    if not isinstance(event, dict):
        raise BadAnswer("a webhook was not read", why="it is no Chargebee event")
    return event


def _hint(entity: str, resource: Json, name: str) -> Hint | None:
    id = resource.get(name) if isinstance(resource, dict) else None
    if not isinstance(resource, dict) or not isinstance(id, str) or not 0 < len(id) <= 100:
        return None
    # An item's version here is that of its prices, too, so the event alone does not tell whether it is known.
    return Hint(entity, id, None if entity == "item" else whole(resource.get("resource_version")))
