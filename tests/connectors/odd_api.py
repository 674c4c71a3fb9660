"""An API unlike the sample ERP's: resources in envelopes, whole bodies, ids chosen by the caller, times in
seconds, links for pages. In this event loop, and edited by a person as a plain object."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from instep.sandbox.kit import listening

ODD: dict[str, Any] = {
    "base_url": "http://127.0.0.1:1/odd",
    "headers": {"X-Tenant": "env:TENANT", "X-Version": "7"},
    "errors": {
        "message": "fault.text",
        "field": "fault.at",
        "code": "fault.why",
        "strip": "data.attributes.",
    },
    "entities": {
        "part": {
            "path": "/parts",
            "fields_at": "attributes",
            "list": {
                "params": {"live": False},
                "items": "data",
                "paging": {"kind": "link", "next": "links.next", "size_param": "limit", "size": 2},
                "changed_since": {
                    "param": "filter",
                    "template": "changed ge {moment}",
                    "format": "epoch_s",
                    "oldest_first": True,
                },
            },
            "read": {"item": "data"},
            "create": {"wrap": "data.attributes", "item": "data", "constants": {"data.type": "part"}},
            "update": {
                "body": "full",
                "wrap": "data.attributes",
                "item": "data",
                "id_at": "data.id",
                "constants": {"data.type": "part"},
                "drop": ["stamp"],
            },
            "groups": {
                "stock": {"method": "POST", "path": "/parts/{id}/stock", "answers": "nothing"},
            },
            "chosen_id": {"max_length": 40, "by": "path"},
            "retire": {"by": "action", "path": "/parts/{id}/archive"},
            "retired": {"field": "state", "value": "archived"},
            "deleted": {"field": "meta.gone", "value": True},
            "version": {"kind": "updated_at", "if_match": "etag"},
            "updated_at": {"field": "meta.changed", "format": "epoch_s"},
            "lags": {"list_s": 0},
            "fields": [
                {"path": "label", "required": True, "max_length": 30},
                {"path": "weight", "type": "decimal"},
                {"path": "size.width", "type": "integer"},
                {"path": "size.depth", "type": "integer"},
                {"path": "state", "read_only": True, "choices": ["used", "archived"]},
                {"path": "stock", "type": "integer", "create": False, "group": "stock"},
                {"path": "stamp", "read_only": True},
            ],
        }
    },
}


class OddApi:
    """`parts`: id -> attributes, change and version; `clock_s` moves by a second with each write."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, Any]] = {}
        self.clock_s = 1_700_000_000
        self.tenants: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/odd/parts", self.listing),
                Route("/odd/parts/{id}", self.one, methods=["GET", "PUT"]),
                Route("/odd/parts/{id}/{action}", self.action, methods=["POST"]),
            ]
        )

    def put(self, id: str, attributes: dict[str, Any] | None) -> dict[str, Any]:
        """Write a part as a person; None deletes it."""
        self.clock_s += 1
        old = self.parts.pop(id, {"version": 0})
        part = {"attributes": attributes, "changed": self.clock_s, "version": old["version"] + 1}
        self.parts[id] = part
        return part

    async def listing(self, request: Request) -> Response:
        self.tenants.append(request.headers["x-tenant"])
        since = int(request.query_params.get("filter", "changed ge 0").rpartition(" ")[2])
        start, limit = int(request.query_params.get("from", 0)), int(request.query_params["limit"])
        rows = [self.shown(id) for id, part in self.parts.items() if part["changed"] >= since]
        page = rows[start : start + limit]
        more = start + limit < len(rows)
        query = f"live=false&filter=changed+ge+{since}&limit={limit}&from={start + limit}"
        links = {"next": f"/odd/parts?{query}" if more else None}
        return JSONResponse({"data": page, "links": links})

    async def one(self, request: Request) -> Response:
        id = request.path_params["id"]
        part = self.parts.get(id)
        live = part is not None and part["attributes"] is not None
        if request.method == "GET":
            return self.answer(id) if live else self.fault(404, "no such part")
        data = json.loads(await request.body())["data"]
        attributes = data["attributes"]
        if set(data) - {"id", "type", "attributes"} or data["type"] != "part" or "stamp" in attributes:
            return self.fault(400, "the envelope is wrong")
        if request.headers.get("if-none-match") == "*":
            if part is not None:
                return self.fault(412, "the id is in use")
        elif not live:
            return self.fault(404, "no such part")
        elif request.headers.get("if-match") != f'"{part["version"]}"':
            return self.fault(412, "it has changed")
        elif data.get("id") != id:
            return self.fault(400, "the id is missing")
        if attributes.get("label") == "forbidden":
            return self.fault(422, "not this label", "/data/attributes/label", "BAD_LABEL")
        old = part["attributes"] if live else {"state": "used", "stock": 0, "stamp": "s-1"}
        kept = {name: old[name] for name in ("state", "stock", "stamp")}
        self.put(id, {**attributes, **kept})
        return self.answer(id)

    async def action(self, request: Request) -> Response:
        id, action = request.path_params["id"], request.path_params["action"]
        part = self.parts.get(id)
        if part is None or part["attributes"] is None:
            return self.fault(404, "no such part")
        if request.headers.get("if-match") not in (None, f'"{part["version"]}"'):
            return self.fault(412, "it has changed")
        if action == "archive":
            self.put(id, {**part["attributes"], "state": "archived"})
        else:
            self.put(id, {**part["attributes"], "stock": json.loads(await request.body())["stock"]})
        return Response(status_code=204)

    def shown(self, id: str) -> dict[str, Any]:
        part = self.parts[id]
        meta = {"changed": part["changed"], "gone": part["attributes"] is None}
        return {"id": id, "type": "part", "attributes": part["attributes"], "meta": meta}

    def answer(self, id: str) -> Response:
        return JSONResponse({"data": self.shown(id)}, headers={"ETag": f'"{self.parts[id]["version"]}"'})

    def fault(self, status: int, text: str, at: str = "", why: str = "") -> Response:
        return JSONResponse({"fault": {"text": text, "at": at, "why": why}}, status)


@asynccontextmanager
async def odd_api() -> AsyncIterator[tuple[OddApi, dict[str, Any]]]:
    """The API and its description with the address it is at."""
    api = OddApi()
    async with listening(api.app) as url:
        yield api, {**ODD, "base_url": f"{url}/odd"}
