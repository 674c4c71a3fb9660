"""What a person does at the ERP's screen, and what tests and the demo need, under `/_console`.

| request | body | answer |
|---|---|---|
| GET, POST /_console/settings | settings to change | all settings |
| POST /_console/load | {"contacts": [...], ...} | {"loaded": {"contacts": n}} |
| GET /_console/records/{entity} | | {"records": [...]}, deleted ones too |
| GET /_console/history?entity=&id=&after=&limit= | | {"history": [...]}: who changed what |
| POST /_console/{entity} | a record | the record |
| PATCH, DELETE /_console/{entity}/{id} | fields | the record |

A write is refused as the API would refuse it, but needs no proof of identity and no If-Match. The header
`X-Author` says who it was.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from instep.sandbox.erp.books import Books
from instep.sandbox.erp.entities import ENTITIES, Entity
from instep.sandbox.erp.refusals import Refused, refused
from instep.sandbox.kit import console_body, console_errors

_CONSOLE = "/_console"
_CHUNK = 1000
AUTHOR = "someone at the console"


def console_routes(books: Books) -> list[BaseRoute]:
    async def settings(request: Request) -> Response:
        if request.method == "POST":
            try:
                books.change_settings(await console_body(request))
            except (ValidationError, ValueError) as error:
                return console_errors(error)
        return JSONResponse(books.settings.model_dump())

    async def load(request: Request) -> Response:
        try:
            body = msgspec.json.decode(await request.body())
            unknown = set(body) - set(ENTITIES)
            if unknown:
                return console_errors("unknown: " + ", ".join(sorted(unknown)))
            with books.documents.transaction():
                # In the order of the table, so that a reference finds what it names.
                loaded = {
                    name: books.load(entity, body[name]) for name, entity in ENTITIES.items() if name in body
                }
        except Refused as refusal:
            return JSONResponse({"errors": refusal.errors}, refusal.status)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return console_errors(error)
        return JSONResponse({"loaded": loaded})

    async def records(request: Request) -> Response:
        name = request.path_params["entity"]
        if name not in ENTITIES:
            return console_errors("there is no such entity", status=404)

        def parts() -> Iterator[bytes]:
            table, after, first = books.tables[name], -1, True
            yield b'{"records":['
            while rows := table.values(["body", "seq"], "seq > ?", (after,), order="seq", limit=_CHUNK):
                yield (b"" if first else b",") + b",".join(row[0] for row in rows)
                after, first = rows[-1][1], False
            yield b"]}"

        return StreamingResponse(parts(), media_type="application/json")

    async def history(request: Request) -> Response:
        query = request.query_params
        try:
            after, limit = int(query.get("after", 0)), int(query.get("limit", 1000))
        except ValueError as error:
            return console_errors(error)
        return JSONResponse({"history": books.history(query.get("entity"), query.get("id"), after, limit)})

    async def collection(request: Request) -> Response:
        try:
            record = books.create(_entity(request), await request.body(), _author(request))
        except Refused as refusal:
            return JSONResponse({"errors": refusal.errors}, refusal.status)
        return JSONResponse(record, 201)

    async def one(request: Request) -> Response:
        entity, key, author = None, request.path_params["id"], _author(request)
        try:
            entity = _entity(request)
            if request.method == "DELETE":
                books.delete(entity, key, author, "*")
                return JSONResponse({})
            if request.method == "GET":
                record = books.tables[entity.name].get(key)
                if record is None:
                    raise refused(404, "id", "not_found", "there is no such record")
                return JSONResponse(record)
            return JSONResponse(books.change(entity, key, await request.body(), author, "*"))
        except Refused as refusal:
            return JSONResponse({"errors": refusal.errors}, refusal.status)

    return [
        Route(_CONSOLE + "/settings", settings, methods=["GET", "POST"]),
        Route(_CONSOLE + "/load", load, methods=["POST"]),
        Route(_CONSOLE + "/records/{entity}", records, methods=["GET"]),
        Route(_CONSOLE + "/history", history, methods=["GET"]),
        Route(_CONSOLE + "/{entity}", collection, methods=["POST"]),
        Route(_CONSOLE + "/{entity}/{id}", one, methods=["GET", "PATCH", "DELETE"]),
    ]


def _entity(request: Request) -> Entity:
    name = request.path_params["entity"]
    if name not in ENTITIES:
        raise refused(404, None, "not_found", "there is no such entity")
    return ENTITIES[name]


def _author(request: Request) -> str:
    return request.headers.get("x-author", AUTHOR)
