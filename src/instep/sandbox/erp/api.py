"""The ERP over HTTP: four collections under /api/v1, their description at /openapi.json, the console.

The endpoints take the bare request: FastAPI describes and routes them, the models validate. That leaves
out its reading of parameters, which costs more than the work itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Lifespan

from instep.sandbox.erp.books import Books
from instep.sandbox.erp.console import console_routes
from instep.sandbox.erp.description import describe, described
from instep.sandbox.erp.entities import ENTITIES, Entity, Record
from instep.sandbox.erp.identity import Identity
from instep.sandbox.erp.listing import Lists, link_header
from instep.sandbox.erp.refusals import Refused
from instep.sandbox.kit import Kit

API = "/api/v1"
Endpoint = Callable[[Request], Awaitable[Response]]

_encode = msgspec.json.encode


class DirectRoute(APIRoute):
    """A route whose endpoint gets the request as it is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            response: Response = await endpoint(request)
            return response

        return handle


def create_app(books: Books, identity: Identity, kit: Kit, lifespan: Lifespan[FastAPI]) -> FastAPI:
    app = FastAPI(title="Custom ERP", version="1.0", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.router.route_class = DirectRoute
    lists = Lists(books)

    def guarded(endpoint: Endpoint) -> Endpoint:
        async def handle(request: Request) -> Response:
            try:
                identity.check(request.headers, books.settings)
                return await endpoint(request)
            except Refused as refusal:
                return refusal_answer(refusal)

        return handle

    for entity in ENTITIES.values():
        collection, one = Endpoints(entity, books, lists), f"{API}/{entity.name}/{{id}}"
        for method, path, endpoint in (
            ("GET", f"{API}/{entity.name}", collection.list),
            ("POST", f"{API}/{entity.name}", collection.create),
            ("GET", one, collection.read),
            ("PATCH", one, collection.change),
            ("DELETE", one, collection.delete),
        ):
            app.router.add_api_route(
                path,
                guarded(endpoint),
                methods=[method],
                response_model=None,
                openapi_extra=described(entity, method, one=path is one),
                operation_id=f"{endpoint.__name__}_{entity.name}",
                tags=[entity.name],
                summary=(endpoint.__doc__ or "").strip(),
            )

    async def token(request: Request) -> Response:
        try:
            content = identity.issue(request.headers, await request.body(), books.settings)
        except Refused as refusal:
            return refusal_answer(refusal)
        return json_answer(_encode(content), headers={"cache-control": "no-store"})

    app.router.add_route("/oauth/token", token, methods=["POST"])
    app.router.routes.extend([*kit.routes(), *console_routes(books)])
    app.add_exception_handler(HTTPException, _http_error)
    describe(app)
    return app


class Endpoints:
    """The five requests of one collection."""

    def __init__(self, entity: Entity, books: Books, lists: Lists) -> None:
        self._entity = entity
        self._books = books
        self._lists = lists

    async def list(self, request: Request) -> Response:
        """List, filter and page"""
        page = self._lists.page(self._entity, request.query_params)
        headers = {}
        if page.next_query is not None:
            url = str(request.url.replace(query=""))
            headers["link"] = link_header(url, page.next_query)
        return json_answer(page.body, headers=headers)

    async def create(self, request: Request) -> Response:
        """Make one"""
        record = self._books.create(self._entity, await request.body(), "api")
        return self._answer(record, 201, {"location": f"{API}/{self._entity.name}/{record['id']}"})

    async def read(self, request: Request) -> Response:
        """Read one"""
        key = request.path_params["id"]
        record = self._books.read(self._entity, key)
        if record is None:
            message = f"there is no record {key} in {self._entity.name}"
            raise Refused(404, [{"field": "id", "code": "not_found", "message": message}])
        etag = self._etag(record)
        if etag and request.headers.get("if-none-match") == etag.get("etag"):
            return Response(status_code=304, headers=etag)
        return self._answer(record)

    async def change(self, request: Request) -> Response:
        """Change the fields that are sent; null clears"""
        record = self._books.change(
            self._entity,
            request.path_params["id"],
            await request.body(),
            "api",
            request.headers.get("if-match"),
        )
        return self._answer(record)

    async def delete(self, request: Request) -> Response:
        """Delete one that nothing refers to"""
        self._books.delete(self._entity, request.path_params["id"], "api", request.headers.get("if-match"))
        return Response(status_code=204)

    def _etag(self, record: Record) -> dict[str, str]:
        return {"etag": f'"{record["version"]}"'} if self._books.settings.etags else {}

    def _answer(self, record: Record, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        content = _encode(self._lists.shown(record))
        return json_answer(content, status, {**(headers or {}), **self._etag(record)})


def json_answer(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status, headers, "application/json")


def refusal_answer(refusal: Refused) -> Response:
    headers = {"www-authenticate": 'Bearer realm="custom-erp"'} if refusal.status == 401 else None
    return json_answer(_encode({"errors": refusal.errors}), refusal.status, headers)


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "error")
    message = error.detail if isinstance(error, HTTPException) else "something went wrong"
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return json_answer(
        _encode({"errors": [{"field": None, "code": code, "message": message}]}), status, headers
    )
