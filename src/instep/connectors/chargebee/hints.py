"""What a Chargebee webhook hints at: which records to look at, and nothing of what they hold.

Source: Chargebee API, "events". Webhooks may repeat, come late, out of order or from anybody; since only ids are
taken, none of it does harm. Not for answering them or for checking who sent them.
"""

from __future__ import annotations

import msgspec

from instep.core.values import Json, decode
from instep.errors import BadAnswer

MAX_BODY = 1_000_000
_ENTITIES = ("business_entity", "customer", "item", "order")


def hinted(body: bytes) -> list[tuple[str, str]]:
    """(entity, id) of every record of ours that the event is about; an item price hints at its item.

    Raises BadAnswer for a body that is no event.
    """
    content = _content(body)
    found = [(entity, _id(content.get(entity), "id")) for entity in _ENTITIES]
    found.append(("item", _id(content.get("item_price"), "item_id")))
    return list(dict.fromkeys((entity, id) for entity, id in found if id))


def _content(body: bytes) -> dict[str, Json]:
    if len(body) > MAX_BODY:
        raise BadAnswer("a webhook was not read", why=f"it has {len(body):,} bytes, more than {MAX_BODY:,}")
    try:
        event = decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadAnswer("a webhook was not read", why="it is not JSON") from None
    content = event.get("content") if isinstance(event, dict) else None
    if not isinstance(content, dict):
        raise BadAnswer("a webhook was not read", why="it is no Chargebee event: it has no content")
    return content


def _id(resource: Json, name: str) -> str:
    id = resource.get(name) if isinstance(resource, dict) else None
    return id if isinstance(id, str) and len(id) <= 100 else ""
