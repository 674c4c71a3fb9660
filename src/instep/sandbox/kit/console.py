"""The console that every sandbox server has: clock, faults and counters under `/_console`.

| request | body | answer |
|---|---|---|
| GET, POST /_console/clock | {"offset_s"}, {"freeze_at"}, {"advance_s"}, {"skew_s"} | the clock |
| GET, POST, DELETE /_console/faults | a rule or a list of rules | {"rules": [...]}, {"ids": [...]} |
| DELETE /_console/faults/{id} | | {} |
| GET, POST /_console/counters | {"reset": true}, {"keep_bodies": true} | the counts |
| GET /_console/requests?limit= | | {"requests": [...]}, oldest first |
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from instep.sandbox.kit.clock import Clock
from instep.sandbox.kit.counters import CONSOLE, Counters, CountingMiddleware
from instep.sandbox.kit.faults import FaultMiddleware, Faults


class Kit:
    """One per server. `wrap` puts counting and faults around the application. `id_header`: see `counters`."""

    def __init__(self, id_header: str = "X-Request-Id") -> None:
        self._id_header = id_header
        self.clock = Clock()
        self.faults = Faults()
        self.counters = Counters()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        return CountingMiddleware(
            FaultMiddleware(app, self.faults), self.counters, self.clock, self._id_header
        )

    def routes(self) -> list[BaseRoute]:
        """Routes with full paths, to be added to the server's own."""
        return [
            Route(CONSOLE + "/clock", self._clock, methods=["GET", "POST"]),
            Route(CONSOLE + "/faults", self._faults, methods=["GET", "POST", "DELETE"]),
            Route(CONSOLE + "/faults/{number:int}", self._fault, methods=["DELETE"]),
            Route(CONSOLE + "/counters", self._counters, methods=["GET", "POST"]),
            Route(CONSOLE + "/requests", self._requests, methods=["GET"]),
        ]

    async def _clock(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self.clock.change(await console_body(request))
            except ValueError as error:
                return console_errors(error)
        return JSONResponse(self.clock.state())

    async def _faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        if request.method == "POST":
            try:
                body = json.loads(await request.body())
                rules = body if isinstance(body, list) else [body]
                return JSONResponse({"ids": [self.faults.add(rule) for rule in rules]}, status_code=201)
            except (ValueError, AttributeError, TypeError) as error:
                return console_errors(error)
        return JSONResponse({"rules": self.faults.state()})

    async def _fault(self, request: Request) -> Response:
        if not self.faults.remove(request.path_params["number"]):
            return console_errors("there is no such rule", status=404)
        return JSONResponse({})

    async def _counters(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                body = await console_body(request)
            except ValueError as error:
                return console_errors(error)
            if body.get("reset", not body):
                self.counters.reset()
            if "keep_bodies" in body:
                self.counters.keep_bodies = bool(body["keep_bodies"])
        return JSONResponse(self.counters.state())

    async def _requests(self, request: Request) -> Response:
        try:
            limit = int(request.query_params.get("limit", "1000"))
        except ValueError as error:
            return console_errors(error)
        return JSONResponse({"requests": self.counters.recent(limit)})


async def console_body(request: Request) -> dict[str, Any]:
    """The JSON object in the body, {} where there is none. Raises ValueError."""
    content = await request.body()
    if not content:
        return {}
    body = json.loads(content)
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def console_errors(error: object, *, status: int = 400) -> JSONResponse:
    return JSONResponse({"errors": str(error).splitlines()}, status_code=status)
