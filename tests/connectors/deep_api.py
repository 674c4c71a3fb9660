"""An API whose records are under others, whose details come by requests of their own, and that writes later than it
answers. In this event loop, and edited by a person as plain objects."""

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

DEEP: dict[str, Any] = {
    "base_url": "http://127.0.0.1:1/deep",
    "errors": {"message": "why", "field": "at", "code": "code"},
    "entities": {
        "account": {
            "path": "/accounts",
            "list": {"paging": {"kind": "page", "size_param": "size", "size": 2}},
            "create": None,
            "update": None,
            "fields": [{"path": "name", "read_only": True}],
        },
        "contact": {
            "path": "/accounts/{account}/contacts",
            "parent": {"entity": "account", "field": "account_id"},
            "list": {
                "items": "contacts",
                "paging": {"kind": "offset", "param": "from", "size_param": "size", "size": 2},
                "changed_since": {"param": "since", "format": "epoch_s"},
            },
            "parts": {"emails": {"path": "/accounts/{account}/contacts/{id}/emails", "items": "emails"}},
            "updated_at": {"field": "changed", "format": "epoch_s"},
            "version": {"kind": "field", "field": "version", "if_match": "v{version}"},
            "marker": {"field": "ref", "param": "ref"},
            "retire": {"by": "delete"},
            "lags": {"list_s": 0},
            "fields": [
                {"path": "account_id", "reference": "account", "required": True, "update": False},
                {"path": "name", "required": True, "max_length": 30},
                {"path": "phone"},
                {"path": "ref"},
                {"path": "emails", "type": "list", "read_only": True},
            ],
        },
        "order": {
            "path": "/orders",
            "list": {"items": "ids", "rows": "hint"},
            "parts": {
                "lines": {
                    "path": "/orders/{id}/lines",
                    "items": "lines",
                    "paging": {"kind": "page", "size_param": "size", "size": 2},
                },
                "terms": {"path": "/terms/{terms_code}", "value": "days"},
            },
            "create": {"job": {"state": "state", "done": ["done"], "failed": ["failed"], "new_id": "made"}},
            "update": {"answers": "nothing", "job": {"path": "/jobs/{job.id}"}},
            "fields": [
                {"path": "note", "required": True},
                {"path": "terms_code"},
                {"path": "lines", "type": "list", "read_only": True},
                {"path": "terms", "type": "integer", "read_only": True},
            ],
        },
    },
}


class DeepApi:
    """`accounts`, `contacts` by account, `orders`, all by id; `jobs` by number, each done after `patience` questions.
    `clock_s` moves by a second with each write."""

    def __init__(self) -> None:
        self.accounts: dict[str, dict[str, Any]] = {}
        self.contacts: dict[str, dict[str, dict[str, Any]]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.patience, self.clock_s, self.last = 2, 1_700_000_000, 0
        self.under_way = self.most_under_way = 0
        self.asked: list[str] = []
        for id in ("a 1", "a?2", "a3"):
            self.accounts[id] = {"id": id, "name": id.upper()}
            self.contacts[id] = {}
        contact = "/deep/accounts/{account}/contacts/{id}"
        self.app = Starlette(
            routes=[
                Route("/deep/accounts", self.list_accounts),
                Route("/deep/accounts/{account}", self.read_account),
                Route("/deep/accounts/{account}/contacts", self.list_contacts, methods=["GET"]),
                Route("/deep/accounts/{account}/contacts", self.make_contact, methods=["POST"]),
                Route(contact, self.contact, methods=["GET", "PATCH", "DELETE"]),
                Route(contact + "/emails", self.emails),
                Route("/deep/orders", self.list_orders, methods=["GET"]),
                Route("/deep/orders", self.make_order, methods=["POST"]),
                Route("/deep/orders/{id}", self.order, methods=["GET", "PATCH"]),
                Route("/deep/orders/{id}/lines", self.lines),
                Route("/deep/terms/{code}", self.terms),
                Route("/deep/jobs/{id}", self.job),
            ]
        )

    def new_id(self) -> str:
        self.last += 1
        return f"n {self.last}"

    # --- what a person does ---

    def put_contact(self, account: str, id: str, fields: dict[str, Any]) -> dict[str, Any]:
        self.clock_s += 1
        old = self.contacts[account].get(id, {"id": id, "version": 0, "emails": []})
        new = {**old, **fields, "version": old["version"] + 1, "changed": self.clock_s}
        self.contacts[account][id] = new
        return new

    def put_order(self, id: str, fields: dict[str, Any]) -> None:
        old = self.orders.get(id, {"id": id, "terms_code": "net", "lines": [{"n": n} for n in range(5)]})
        self.orders[id] = {**old, **fields}

    # --- what is asked for ---

    async def list_accounts(self, request: Request) -> Response:
        return JSONResponse(page_of(list(self.accounts.values()), request))

    async def read_account(self, request: Request) -> Response:
        found = self.accounts.get(request.path_params["account"])
        return JSONResponse(found) if found else missing()

    def of_account(self, request: Request) -> dict[str, dict[str, Any]] | None:
        self.asked.append(request.url.path)
        return self.contacts.get(request.path_params["account"])

    async def list_contacts(self, request: Request) -> Response:
        found = self.of_account(request)
        if found is None:
            return missing()
        query = request.query_params
        rows = [row for row in found.values() if row["changed"] >= int(query.get("since", 0))]
        rows = [row for row in rows if query.get("ref") in (None, row.get("ref"))]
        start = int(query["from"])
        return JSONResponse({"contacts": [shown(r) for r in rows[start : start + int(query["size"])]]})

    async def make_contact(self, request: Request) -> Response:
        found, fields = self.of_account(request), json.loads(await request.body())
        if found is None:
            return missing()
        if "account_id" in fields or "emails" in fields:
            return JSONResponse({"why": "unknown field"}, 400)
        made = self.put_contact(request.path_params["account"], self.new_id(), fields)
        return JSONResponse(shown(made), 201)

    async def contact(self, request: Request) -> Response:
        found, id = self.of_account(request) or {}, request.path_params["id"]
        if id not in found:
            return missing()
        if request.headers.get("if-match") not in (None, f"v{found[id]['version']}"):
            return JSONResponse({"why": "it has changed"}, 412)
        if request.method == "DELETE":
            del found[id]
            return Response(status_code=204)
        if request.method == "PATCH":
            self.put_contact(request.path_params["account"], id, json.loads(await request.body()))
        return JSONResponse(shown(found[id]))

    async def emails(self, request: Request) -> Response:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            found = (self.of_account(request) or {}).get(request.path_params["id"])
            return JSONResponse({"emails": found["emails"]}) if found else missing()
        finally:
            self.under_way -= 1

    async def list_orders(self, request: Request) -> Response:
        return JSONResponse({"ids": [{"id": id} for id in self.orders]})

    async def make_order(self, request: Request) -> Response:
        fields = json.loads(await request.body())
        return self.noted({"make": fields, "left": self.patience})

    async def order(self, request: Request) -> Response:
        id = request.path_params["id"]
        if id not in self.orders:
            return missing()
        if request.method == "PATCH":
            return self.noted(
                {"change": id, "fields": json.loads(await request.body()), "left": self.patience}
            )
        return JSONResponse({name: value for name, value in self.orders[id].items() if name != "lines"})

    def noted(self, job: dict[str, Any]) -> Response:
        number = str(len(self.jobs) + 1)
        self.jobs[number] = job
        return JSONResponse({"job": {"id": number}}, 202, headers={"Location": f"/deep/jobs/{number}"})

    async def job(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            return missing()
        job["left"] -= 1
        if job["left"] > 0:
            return JSONResponse({"state": "waiting"}, 202)
        if "change" in job:
            self.put_order(job["change"], job["fields"])
            return JSONResponse({"state": "done"})
        if job["make"]["note"] == "forbidden":
            return JSONResponse({"state": "failed", "why": "not this note", "at": "note"})
        if "made" not in job:
            job["made"] = self.new_id()
            self.put_order(job["made"], job["make"])
        return JSONResponse({"state": "done", "made": f"/deep/orders/{job['made']}"})

    async def lines(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        found = self.orders.get(request.path_params["id"])
        return JSONResponse({"lines": page_of(found["lines"], request)}) if found else missing()

    async def terms(self, request: Request) -> Response:
        return JSONResponse({"days": {"net": 0, "m": 30}[request.path_params["code"]]})


def page_of(rows: list[Any], request: Request) -> list[Any]:
    size, page = int(request.query_params["size"]), int(request.query_params.get("page", 1))
    return rows[size * (page - 1) : size * page]


def shown(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in contact.items() if name != "emails"}


def missing() -> Response:
    return JSONResponse({"why": "no such thing"}, 404)


@asynccontextmanager
async def deep_api() -> AsyncIterator[tuple[DeepApi, dict[str, Any]]]:
    """The API and its description with the address it is at."""
    api = DeepApi()
    async with listening(api.app) as url:
        yield api, {**DEEP, "base_url": f"{url}/deep"}
