"""What a described system's webhooks hint at. Whatever is not as it is described hints at nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from instep.connectors.rest.description import Description
from instep.connectors.rest.description_webhooks import BasicWebhook, TokenWebhook, Webhooks
from instep.connectors.rest.places import joined, usable_id
from instep.connectors.rest.pointers import at, text_at
from instep.connectors.rest.sessions import Secrets
from instep.connectors.webhooks import MAX_BODY, Call, Hint, Password, Proof, Signature, Token
from instep.core.values import Absent, Json, decode
from instep.errors import BadAnswer

MOST = 1_000
"""Events in one body."""


def proof_of(webhooks: Webhooks | None, secrets: Secrets) -> Proof | None:
    """What a webhook has to show."""
    if webhooks is None:
        return None
    proof = webhooks.proof
    if isinstance(proof, TokenWebhook):
        return Token(secrets(proof.token))
    if isinstance(proof, BasicWebhook):
        return Password(proof.user, secrets(proof.password))
    return Signature(secrets(proof.secret), **proof.model_dump(exclude={"kind", "secret"}))


def hinted(description: Description, call: Call) -> Sequence[Hint]:
    """See `Hinting.hinted`."""
    webhooks = description.webhooks
    if webhooks is None:
        return ()
    try:
        body = decode(call.body) if len(call.body) <= MAX_BODY else None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict | list):
        raise BadAnswer("a webhook was not read", why="its body is no JSON object or list")
    told = at(body, webhooks.events)
    events = told[:MOST] if isinstance(told, list) else [told]
    return list(
        dict.fromkeys(hint for event in events for hint in _hints(description, webhooks, event, call))
    )


def _hints(description: Description, webhooks: Webhooks, event: Json | Absent, call: Call) -> Iterator[Hint]:
    entity = _entity(webhooks, _named(webhooks.entity, event, call))
    if entity not in description.entities:
        return
    parents = [usable_id(at(event, pointer)) for pointer in webhooks.under]
    version = _version(at(event, webhooks.version)) if webhooks.version else None
    for pointer in webhooks.ids:
        own = usable_id(at(event, pointer))
        if own and all(parents):
            yield Hint(entity, joined([*parents, own]), version)
        version = None  # it is that of the first record alone


def _version(value: Json | Absent) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _named(pointer: str, event: Json | Absent, call: Call) -> str:
    if pointer.startswith("header:"):
        return call.headers.get(pointer.removeprefix("header:").strip().lower(), "")
    return text_at(event, pointer)


def _entity(webhooks: Webhooks, named: str) -> str:
    if not webhooks.entities:
        return named
    return next((entity for form, entity in webhooks.entities.items() if fnmatchcase(named, form)), "")
