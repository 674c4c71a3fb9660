"""A server of three routes on which the kit is tried: it counts what it really did."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from instep.sandbox.kit import Kit, listening


@dataclass
class Shop:
    """One kit, the things that were really made, and a client that speaks to it over a socket."""

    kit: Kit
    url: str
    client: aiohttp.ClientSession
    made: list[Any] = field(default_factory=list)

    async def get(self, path: str, **params: str) -> Any:
        async with self.client.get(self.url + path, params=params) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def console(self, method: str, path: str, body: Any = None) -> Any:
        async with self.client.request(method, f"{self.url}/_console/{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def fault(self, kind: str, /, times: int | None = None, **rest: Any) -> None:
        rule = {key: rest.pop(key) for key in ("match", "after", "probability", "seed") if key in rest}
        await self.console("POST", "faults", {**rule, "times": times, "effect": {"kind": kind, **rest}})


@contextlib.asynccontextmanager
async def shop() -> AsyncIterator[Shop]:
    kit = Kit()
    made: list[Any] = []

    async def things(request: Request) -> Response:
        if request.method == "POST":
            made.append(await request.json())
            return JSONResponse({"id": len(made)}, status_code=201)
        page = int(request.query_params.get("page", "1"))
        return JSONResponse({"items": [page], "next": page + 1 if page < 3 else None})

    async def thing(request: Request) -> Response:
        return JSONResponse({"id": request.path_params["id"]})

    async def oauth(request: Request) -> Response:
        return JSONResponse({"access_token": "t"})

    app = Starlette(
        routes=[
            *kit.routes(),
            Route("/things", things, methods=["GET", "POST"]),
            Route("/things/{id}", thing, methods=["GET", "PATCH"]),
            Route("/oauth/token", oauth, methods=["POST"]),
        ]
    )
    async with listening(kit.wrap(app)) as url, aiohttp.ClientSession() as client:
        yield Shop(kit, url, client, made)
