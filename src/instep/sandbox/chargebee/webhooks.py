"""Webhook endpoints, and which of them an event goes to. Source: Chargebee API, "webhook_endpoints"."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from .errors import ApiError, wrong_value
from .fields import Doc, Field, apply, by_name, flag, text, word
from .lists import Listing
from .parameters import read
from .reach import reach
from .site import Call, Site
from .store import Row

MOST = 5
LISTING = Listing(filters={})
_PORTS = (80, 443, 8080, 8443)

ENDPOINT: Mapping[str, Field] = by_name(
    text("name", 50, "CU", "C"),
    text("url", 512, "CU", "C"),
    word("api_version", "v1 v2", "CU", default="v2"),
    flag("primary_url", "CU", default=False),
    flag("disabled", "CU", default=False),
    flag("send_card_resource", "CU", default=False),
    text("basic_auth_username", 250, "CU"),
    text("basic_auth_password", 250, "CU"),
    word("chargebee_response_schema_type", "plans_addons items compat", "C"),
    Field("enabled_events", "texts", "CU", 100),
)
_SECRET = ("basic_auth_username", "basic_auth_password")


def create(site: Site, call: Call) -> Doc:
    changes = read(call.params, ENDPOINT, "C", site.reading("webhook_endpoint"))
    _check_url(site, changes)
    others = _endpoints(site)
    if len(others) >= MOST:
        raise ApiError("resource_limit_exceeded", f"A site has at most {MOST} webhook endpoints")
    private = {name: changes.pop(name) for name in _SECRET if changes.get(name)}
    doc = {
        "id": site.new_id("whv2_"),
        "send_card_resource": False,
        "disabled": False,
        "primary_url": not others,
        "api_version": "v2",
        "enabled_events": [],
        "object": "webhook_endpoint",
    }
    apply(doc, {name: value for name, value in changes.items() if name not in _SECRET}, ENDPOINT)
    row = site.create("webhook_endpoint", doc, call, event=None, private=private)
    site.forget_endpoints()
    return {"webhook_endpoint": shown(row.doc)}


def update(site: Site, call: Call) -> Doc:
    row = reach(site, "webhook_endpoint", call.record_id, call)
    changes = read(call.params, ENDPOINT, "U", site.reading("webhook_endpoint"))
    _check_url(site, changes)
    for name in _SECRET:
        if name in changes:
            value = changes.pop(name)
            row.private.pop(name, None)
            row.private.update({name: value} if value else {})
    apply(row.doc, changes, ENDPOINT)
    row.doc.setdefault("enabled_events", [])
    site.change("webhook_endpoint", row, call, event=None)
    site.forget_endpoints()
    return {"webhook_endpoint": shown(row.doc)}


def delete(site: Site, call: Call) -> Doc:
    row = reach(site, "webhook_endpoint", call.record_id, call)
    site.remove("webhook_endpoint", row, call, event=None)
    site.forget_endpoints()
    return {"webhook_endpoint": shown(row.doc)}


def retrieve(site: Site, call: Call) -> Doc:
    return {"webhook_endpoint": shown(reach(site, "webhook_endpoint", call.record_id, call).doc)}


def shown(doc: Doc) -> Doc:
    """An endpoint without what only the emulator keeps: the resource has no version and no times."""
    return {
        name: value
        for name, value in doc.items()
        if name not in ("updated_at", "resource_version", "deleted")
    }


def _check_url(site: Site, changes: Doc) -> None:
    if "url" not in changes:
        return
    try:
        parts = urlsplit(changes["url"] or "")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        raise wrong_value("url", "is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong_value("url", "should be an http or https URL")
    if site.switches.choice("webhook_ports") == "documented" and port not in _PORTS:
        raise wrong_value("url", "the port should be one of 80, 443, 8080, 8443")


def _endpoints(site: Site) -> list[Row]:
    return [row for row in site.store["webhook_endpoint"].everything() if not row.deleted]


class Endpoints:
    """The endpoints in memory, read again after a change: every event asks for them."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rows: list[Row] | None = None

    def forget(self) -> None:
        self._rows = None

    def wanting(self, event_type: str) -> list[str]:
        """The ids of the endpoints that want an event of this type, the primary one first."""
        if self._rows is None:
            rows = _endpoints(self._site)
            self._rows = sorted(rows, key=lambda row: (not row.doc["primary_url"], row.seq))
        return [
            row.id
            for row in self._rows
            if not row.doc["disabled"]
            and (not row.doc["enabled_events"] or event_type in row.doc["enabled_events"])
        ]
