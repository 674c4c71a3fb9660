"""`/_console/...`: the emulator's side door, for people, demonstrations and tests. Not part of Chargebee's
API.

| request | body | answer |
|---|---|---|
| POST /_console/{resource} | attributes | the new record |
| PATCH /_console/{resource}/{id} | attributes, null empties | the record |
| DELETE /_console/{resource}/{id} | | the record as deleted |
| POST /_console/{resource}/{id}/{action} | parameters of that API call | the record |
| POST /_console/load | {"customers": [...], ...} | how many of each |
| GET /_console/records/{resource} | | {"records": [...]}, deleted ones too |
| GET, POST /_console/switches | {name: value} | the table of switches |
| GET, POST /_console/settings | {"custom_fields": {...}, "admin": ...} | the settings |
| GET /_console/deliveries | | webhooks that are still on their way |
| POST /_console/events/{id}/resend | | sends an event's webhooks again |

Clock, faults and counters are the kit's. `{resource}` is customers, items, item_families, item_prices,
invoices, orders or business_entities.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from ..kit import console_errors
from . import people
from .errors import ApiError, not_found
from .fields import CustomField, Doc, refuse_unknown_type
from .site import Site
from .store import encoded
from .switches import SwitchError
from .tasks import Work, do_due

Endpoint = Callable[[Request], Awaitable[Response]]
PREFIX = "/_console"


def routes(site: Site, kinds: dict[str, Work]) -> list[BaseRoute]:
    """The console's routes, with full paths."""

    def guarded(work: Callable[[Request, Doc], Response]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            try:
                values = msgspec.json.decode(raw) if raw else {}
                if not isinstance(values, dict):
                    return console_errors("the body must be a JSON object")
                do_due(site, kinds)
                with site.store.transaction():
                    return work(request, values)
            except ApiError as error:
                return JSONResponse(json.loads(error.body()), status_code=error.status)
            except (SwitchError, msgspec.DecodeError) as error:
                return console_errors(error)

        return endpoint

    def record_of(request: Request) -> people.Record:
        return people.named(request.path_params["resource"])

    def create(request: Request, values: Doc) -> Response:
        return JSONResponse(people.create(site, record_of(request), values), status_code=201)

    def edit(request: Request, values: Doc) -> Response:
        return JSONResponse(people.edit(site, record_of(request), request.path_params["id"], values))

    def delete(request: Request, _values: Doc) -> Response:
        return JSONResponse(people.delete(site, record_of(request), request.path_params["id"]))

    def act(request: Request, values: Doc) -> Response:
        params = request.path_params
        return JSONResponse(people.act(site, record_of(request), params["id"], params["action"], values))

    def load(_request: Request, values: Doc) -> Response:
        return JSONResponse(people.load(site, values))

    def switches(_request: Request, values: Doc) -> Response:
        site.switches.set(values)
        site.wake()
        return JSONResponse({"switches": site.switches.described()})

    def settings(_request: Request, values: Doc) -> Response:
        declared = msgspec.convert(values.get("custom_fields", {}), dict[str, list[CustomField]])
        for resource, fields in declared.items():
            for custom in fields:
                refuse_unknown_type(custom.datatype)
                site.declare_custom_field(resource, custom)
        if values.get("admin"):
            people.change_admin(site, str(values["admin"]))
        return JSONResponse(people.settings_of(site))

    def deliveries(_request: Request, _values: Doc) -> Response:
        rows = site.store.run(
            "SELECT event.id, event_type, endpoint, attempt, due_ms FROM delivery"
            " JOIN event ON event.seq = event_seq ORDER BY due_ms, delivery.seq LIMIT 1000"
        )
        names = ("event", "event_type", "endpoint", "attempt", "due_ms")
        return JSONResponse({"deliveries": [dict(zip(names, row, strict=True)) for row in rows]})

    def resend(request: Request, _values: Doc) -> Response:
        rows = site.store.run("SELECT seq, event_type FROM event WHERE id = ?", (request.path_params["id"],))
        if not rows:
            raise not_found(request.path_params["id"], "event_id")
        endpoints = site.endpoints_for(rows[0][1])
        site.plan_deliveries(rows[0][0], endpoints)
        return JSONResponse({"endpoints": endpoints})

    def records(request: Request, _values: Doc) -> Response:
        return StreamingResponse(_records(site, record_of(request).resource), media_type="application/json")

    methods = (
        ("/load", load, "POST"),
        ("/switches", switches, "GET"),
        ("/switches", switches, "POST"),
        ("/settings", settings, "GET"),
        ("/settings", settings, "POST"),
        ("/deliveries", deliveries, "GET"),
        ("/events/{id}/resend", resend, "POST"),
        ("/records/{resource}", records, "GET"),
        ("/{resource}", create, "POST"),
        ("/{resource}/{id}", edit, "PATCH"),
        ("/{resource}/{id}", delete, "DELETE"),
        ("/{resource}/{id}/{action}", act, "POST"),
    )
    return [Route(PREFIX + path, guarded(work), methods=[method]) for path, work, method in methods]


async def _records(site: Site, resource: str) -> AsyncIterator[str]:
    """Every record, a hundred to a piece, so that a large site is never in memory as a whole.

    Asynchronous, so that it reads in the server's own thread, like everything else that touches the store.
    """
    yield '{"records":['
    texts: list[str] = []
    first = True
    for row in site.store[resource].everything():
        texts.append(encoded(row.doc))
        if len(texts) == 100:
            yield ("" if first else ",") + ",".join(texts)
            texts, first = [], False
    if texts:
        yield ("" if first else ",") + ",".join(texts)
    yield "]}"
