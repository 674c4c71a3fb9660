"""Events: every change leaves one, with a snapshot of the record as it then was. Source: Chargebee API,
"events".

They can be read for 90 days. `webhook_status` follows the deliveries, which are planned here and made in
`dispatcher`.
"""

from __future__ import annotations

from .errors import not_found, wrong_value
from .fields import Doc
from .forms import Tree
from .lists import Filter, Listing, Where
from .site import Call, Site
from .store import decoded, encoded, sql

COLUMNS = "id, occurred_at, event_type, source, user, webhook_status, content, webhooks"

LISTING = Listing(
    filters={
        "id": Filter("id", "id"),
        "event_type": Filter("word", "event_type"),
        "source": Filter("word", "source"),
        "webhook_status": Filter("word", "webhook_status"),
        "occurred_at": Filter("moment", "occurred_at"),
    },
    sorts=("occurred_at",),
    natural="occurred_at",
    descending=True,
)

_WEBHOOK_STATUS_DAYS = 6
_DAY_S = 86_400


def record(site: Site, event_type: str, content: Doc, call: Call, secondary: bool) -> None:
    """Notes an event, and plans its delivery to every endpoint that wants it."""
    silent = call.silent and (not secondary or site.switches.on("silenced_side_events"))
    status = "not_configured"
    endpoints: list[str] = []
    if silent:
        status = site.switches.choice("silenced_webhook_status")
    else:
        endpoints = site.endpoints_for(event_type)
        if endpoints:
            status = "scheduled"
    rows = site.store.run(
        "INSERT INTO event(id, occurred_at, event_type, source, user, webhook_status, content)"
        " VALUES(?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        (
            site.new_id("ev_"),
            site.now_s(),
            event_type,
            call.source,
            call.user or None,
            status,
            encoded(content),
        ),
    )
    if endpoints:
        site.plan_deliveries(int(rows[0][0]), endpoints)


def shown(row: tuple[object, ...]) -> str:
    """One row of COLUMNS as the JSON text of an event."""
    event_id, occurred_at, event_type, source, user, webhook_status, content, webhooks = row
    doc: Doc = {"id": event_id, "occurred_at": occurred_at, "source": source}
    if user:
        doc["user"] = user
    doc.update(object="event", api_version="v2", event_type=event_type, webhook_status=webhook_status)
    held = decoded(str(webhooks))
    if held:
        doc["webhooks"] = held
    return f'{encoded(doc)[:-1]},"content":{content}}}'


def narrow(site: Site, tree: Tree, where: Where) -> None:
    """What a list leaves out: events that are too old; and the older filters start_time and end_time."""
    where.add("occurred_at >= ?", _oldest(site))
    if "webhook_status" in tree:
        where.add("occurred_at >= ?", site.now_s() - _WEBHOOK_STATUS_DAYS * _DAY_S)
    for name, sign in (("start_time", ">="), ("end_time", "<=")):
        value = tree.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or not value.isdecimal():
            raise wrong_value(name, "should be a UTC timestamp in seconds")
        where.add(f"occurred_at {sign} ?", int(value))


def retrieve(site: Site, call: Call) -> str:
    """The JSON text of one event; raises ApiError (404), also for one of more than 90 days."""
    rows = site.store.run(
        sql("SELECT", COLUMNS, "FROM event WHERE id = ? AND occurred_at >= ?"),
        (call.record_id, _oldest(site)),
    )
    if not rows:
        raise not_found(call.record_id, "event_id")
    return shown(rows[0])


def _oldest(site: Site) -> int:
    return site.now_s() - int(site.switches.number("events_readable_days")) * _DAY_S
