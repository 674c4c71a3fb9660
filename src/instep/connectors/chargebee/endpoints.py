"""The site's webhook endpoints, and what came of their latest deliveries.

Source: Chargebee API, "webhook_endpoints" and "events". Not for webhooks that come in (`hints`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from instep.connectors.chargebee import forms
from instep.connectors.chargebee.api import Api, Payload, segment, whole
from instep.core.values import Json

MOST: Final = 5
"""Endpoints that a site may have."""

NOT_TAKEN: Final = ("re_scheduled", "failed")
"""What Chargebee says of a delivery that was not answered with 2xx: it is tried again, or was for the last time."""

_PATH = "webhook_endpoints"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Chargebee sends events. `events`: their types; none: all of them."""

    id: str
    name: str
    url: str
    disabled: bool
    api_version: str
    events: tuple[str, ...]

    def lacks(self, wanted: Sequence[str]) -> list[str]:
        """The events of these that it is not sent."""
        return sorted(set(wanted) - set(self.events)) if self.events else []


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A delivery that failed: of which event, when that was (seconds since 1970), and whether it is tried again."""

    endpoint: str
    event: str
    occurred_s: int
    again: bool


class Endpoints:
    """Calls on one site. They raise as `Api`'s do."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def all(self) -> list[Endpoint]:
        page = await self._api.page(
            "webhook_endpoint", _PATH, [("limit", "100")], subject="webhook endpoints"
        )
        return [_endpoint(row) for row in page.rows]

    async def save(
        self, name: str, url: str, events: Sequence[str], user: str, password: str, id: str = ""
    ) -> Endpoint:
        """Make an endpoint, or set right the one with that id."""
        parameters: Mapping[str, Json] = {
            "name": name,
            "url": url,
            "api_version": "v2",
            "disabled": False,
            "enabled_events": list(events),
            "basic_auth_username": user,
            "basic_auth_password": password,
        }
        path = f"{_PATH}/{segment(id)}" if id else _PATH
        row = await self._api.post(
            "webhook_endpoint",
            path,
            parameters,
            route=f"{_PATH}/{{id}}" if id else _PATH,
            subject=f"the webhook endpoint {name}",
            new_id="" if id else name,
        )
        return _endpoint(row)

    async def remove(self, id: str) -> None:
        await self._api.post(
            "webhook_endpoint",
            f"{_PATH}/{segment(id)}/delete",
            {},
            route=f"{_PATH}/{{id}}/delete",
            subject=f"the webhook endpoint {id}",
        )

    async def not_taken(self, since_s: int) -> list[NotTaken]:
        """Deliveries of events since then that failed, latest first; at most those of a hundred events."""
        query = [
            ("limit", "100"),
            ("sort_by[desc]", "occurred_at"),
            ("occurred_at[after]", str(since_s)),
            ("webhook_status[in]", forms.choice(list(NOT_TAKEN))),
        ]
        page = await self._api.page("event", "events", query, subject="events")
        return [found for event in page.rows for found in _failures(event)]


def _failures(event: Payload) -> list[NotTaken]:
    webhooks = event.get("webhooks")
    states = [each for each in webhooks if isinstance(each, dict)] if isinstance(webhooks, list) else []
    at_s = whole(event.get("occurred_at")) or 0
    return [
        NotTaken(str(each.get("id")), event["id"], at_s, each.get("webhook_status") == NOT_TAKEN[0])
        for each in states
        if each.get("webhook_status") in NOT_TAKEN
    ]


def _endpoint(row: Payload) -> Endpoint:
    events = row.get("enabled_events")
    return Endpoint(
        row["id"],
        str(row.get("name") or ""),
        str(row.get("url") or ""),
        row.get("disabled") is True,
        str(row.get("api_version") or ""),
        tuple(str(event) for event in events) if isinstance(events, list) else (),
    )
