"""APIs in the shapes that ERPs are known for, over one shelf of customers: OData, calls of methods, one query
language, local times with a lock in the body, dates in slashes with entries in lists. In this event loop."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from instep.sandbox.kit import listening

OSLO = ZoneInfo("Europe/Oslo")
FIELDS = [{"path": "name", "required": True, "max_length": 40}, {"path": "city"}, {"path": "ref"}]


class Shelf:
    """Customers by number: name, city, ref, version, changed. `clock_s` moves by a second with each write."""

    def __init__(self, clock_s: int = 1_700_000_000) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.clock_s, self.last = clock_s, 0
        self.queries: list[Any] = []

    def put(self, number: int | None, fields: dict[str, Any]) -> dict[str, Any]:
        self.clock_s += 1
        if number is None:
            self.last += 1
            number = self.last
        old = self.rows.get(number, {"id": number, "name": None, "city": None, "ref": None, "version": 0})
        known = {name: value for name, value in fields.items() if name in ("name", "city", "ref")}
        assert len(known) == len(fields), fields
        self.rows[number] = {**old, **known, "version": old["version"] + 1, "changed": self.clock_s}
        return self.rows[number]

    def since(self, since_s: float) -> list[dict[str, Any]]:
        found = [row for row in self.rows.values() if row["changed"] >= since_s]
        return sorted(found, key=lambda row: (row["changed"], row["id"]))


def said(message: str, status: int) -> Response:
    return JSONResponse({"error": {"message": message}}, status)


def utc_s(text: str, format: str, zone: Any = UTC) -> float:
    return datetime.strptime(text, format).replace(tzinfo=zone).timestamp()


# --- OData ---

ODATA: dict[str, Any] = {
    "errors": {"message": "error.message"},
    "entities": {
        "customer": {
            "path": "/customers",
            "list": {
                "params": {"$orderby": "modified"},
                "items": "value",
                "paging": {"kind": "link", "next": "@odata.nextLink"},
                "changed_since": {
                    "param": "$filter",
                    "template": "modified ge {moment}",
                    "oldest_first": True,
                },
            },
            "read": {"path": "/customers({id})"},
            "update": {"path": "/customers({id})"},
            "retire": {"by": "delete", "path": "/customers({id})"},
            "version": {"kind": "updated_at", "token": "@odata.etag", "if_match": "{token}"},
            "updated_at": {"field": "modified"},
            "marker": {"field": "ref", "param": "$filter", "template": "ref eq '{value}'"},
            "lags": {"list_s": 0},
            "fields": FIELDS,
        }
    },
}


def odata(shelf: Shelf) -> list[Route]:
    def shown(row: dict[str, Any]) -> dict[str, Any]:
        moment = datetime.fromtimestamp(row["changed"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        own = {name: row[name] for name in ("id", "name", "city", "ref")}
        return {"@odata.etag": f'W/"{row["version"]}"', **own, "modified": moment}

    async def many(request: Request) -> Response:
        if request.method == "POST":
            return JSONResponse(shown(shelf.put(None, await request.json())), 201)
        text = request.query_params.get("$filter", "")
        rows = shelf.since(0)
        if text.startswith("modified ge "):
            rows = shelf.since(datetime.fromisoformat(text[12:]).timestamp())
        elif text:
            rows = [row for row in rows if f"ref eq '{row['ref']}'" == text]
        start = int(request.query_params.get("$skiptoken", 0))
        answer: dict[str, Any] = {"value": [shown(row) for row in rows[start : start + 2]]}
        if start + 2 < len(rows):
            answer["@odata.nextLink"] = str(request.url.include_query_params(**{"$skiptoken": start + 2}))
        return JSONResponse(answer)

    async def one(request: Request) -> Response:
        row = shelf.rows.get(int(request.path_params["id"]))
        if row is None:
            return said("no such customer", 404)
        if request.headers.get("if-match", f'W/"{row["version"]}"') != f'W/"{row["version"]}"':
            return said("it has changed", 412)
        if request.method == "DELETE":
            del shelf.rows[row["id"]]
            return Response(status_code=204)
        if request.method == "PATCH":
            row = shelf.put(row["id"], await request.json())
        return JSONResponse(shown(row))

    return [
        Route("/customers", many, methods=["GET", "POST"]),
        Route("/customers({id:int})", one, methods=["GET", "PATCH", "DELETE"]),
    ]


# --- calls of methods, with empty as false and numbers for ids ---

METHODS: dict[str, Any] = {
    "errors": {"message": "error.message"},
    "entities": {
        "customer": {
            "path": "/partner",
            "id_type": "integer",
            "empty": False,
            "list": {
                "path": "/partner/search_read",
                "body": {
                    "domain": [["changed", ">=", "{since}"]],
                    "order": "changed",
                    "offset": "{next}",
                    "limit": "{size}",
                },
                "paging": {"kind": "offset", "size": 2},
                "changed_since": {
                    "format": "%Y-%m-%d %H:%M:%S",
                    "beginning": "1970-01-01",
                    "oldest_first": True,
                },
            },
            "read": {
                "path": "/partner/read",
                "body": {"ids": ["{id}"]},
                "item": "0",
                "absent_is_gone": True,
            },
            "create": {"path": "/partner/create", "wrap": "vals_list.0", "new_id": "0"},
            "update": {
                "method": "POST",
                "path": "/partner/write",
                "wrap": "vals",
                "id_at": "ids.0",
                "answers": "nothing",
            },
            "updated_at": {"field": "changed", "format": "%Y-%m-%d %H:%M:%S"},
            "marker": {
                "field": "ref",
                "search": {
                    "path": "/partner/search_read",
                    "body": {"domain": [["ref", "=", "{value}"]], "offset": "{next}", "limit": "{size}"},
                    "paging": {"kind": "offset", "size": 2},
                },
            },
            "lags": {"list_s": 0},
            "fields": [
                FIELDS[0],
                {"path": "city", "read_at": "place_id.1", "write_at": "place"},
                FIELDS[2],
            ],
        }
    },
}


def methods(shelf: Shelf) -> list[Route]:
    def shown(row: dict[str, Any]) -> dict[str, Any]:
        moment = datetime.fromtimestamp(row["changed"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        place = [7, row["city"]] if row["city"] else False
        own = {"id": row["id"], "name": row["name"] or False, "ref": row["ref"] or False}
        return {**own, "changed": moment, "place_id": place}

    def own_terms(vals: dict[str, Any]) -> dict[str, Any]:
        assert all(value is not None for value in vals.values()), vals
        return {{"place": "city"}.get(name, name): value or None for name, value in vals.items()}

    async def call(request: Request) -> Response:
        body = await request.json()
        shelf.queries.append(body)
        method = request.path_params["method"]
        if method == "create":
            return JSONResponse([shelf.put(None, own_terms(vals))["id"] for vals in body["vals_list"]])
        if method == "write":
            if any(id not in shelf.rows for id in body["ids"]):
                return said("no such partner", 404)
            for id in body["ids"]:
                shelf.put(id, own_terms(body["vals"]))
            return JSONResponse(True)
        if method == "read":
            return JSONResponse([shown(shelf.rows[id]) for id in body["ids"] if id in shelf.rows])
        [[field, _, value]] = body["domain"]
        if field == "ref":
            rows = [row for row in shelf.since(0) if row["ref"] == value]
        else:
            rows = shelf.since(utc_s(value, "%Y-%m-%d %H:%M:%S"))
        start, limit = body["offset"], body["limit"]
        assert isinstance(start, int) and isinstance(limit, int)
        return JSONResponse([shown(row) for row in rows[start : start + limit]])

    return [Route("/partner/{method}", call, methods=["POST"])]


# --- one query language, whole answers in envelopes, the lock in the body ---

QUERY: dict[str, Any] = {
    "errors": {
        "items": "Fault.Error",
        "message": "Message",
        "code": "code",
        "codes": {"5010": "moved", "610": "gone"},
    },
    "entities": {
        "customer": {
            "path": "/customer",
            "id": "Id",
            "list": {
                "path": "/query",
                "params": {
                    "query": "select * from Customer where Changed >= '{since}' orderby Changed"
                    " startposition {next} maxresults {size}"
                },
                "items": "QueryResponse.Customer",
                "optional": True,
                "paging": {"kind": "offset", "first": 1, "size": 2},
                "changed_since": {"beginning": "1970-01-01", "oldest_first": True},
            },
            "read": {"item": "Customer"},
            "create": {"item": "Customer"},
            "update": {
                "method": "POST",
                "path": "/customer",
                "constants": {"sparse": True},
                "id_at": "Id",
                "item": "Customer",
            },
            "version": {
                "kind": "field",
                "field": "SyncToken",
                "token": "SyncToken",
                "token_at": "SyncToken",
            },
            "updated_at": {"field": "MetaData.Changed"},
            "lags": {"list_s": 0},
            "fields": [
                {"path": "name", "required": True, "read_at": "DisplayName", "write_at": "DisplayName"},
                {"path": "city", "read_at": "BillAddr.City", "write_at": "BillAddr.City"},
                {"path": "ref", "read_at": "Notes", "write_at": "Notes"},
            ],
        }
    },
}


def query(shelf: Shelf) -> list[Route]:
    def shown(row: dict[str, Any]) -> dict[str, Any]:
        moment = datetime.fromtimestamp(row["changed"], OSLO).isoformat()
        own = {"Id": str(row["id"]), "SyncToken": str(row["version"]), "MetaData": {"Changed": moment}}
        address = {"BillAddr": {"City": row["city"]}} if row["city"] else {}
        return {**own, "DisplayName": row["name"], **address, "Notes": row["ref"]}

    def fault(code: str, message: str) -> Response:
        return JSONResponse({"Fault": {"Error": [{"Message": message, "code": code}]}}, 400)

    async def asked(request: Request) -> Response:
        text = request.query_params["query"]
        shelf.queries.append(text)
        found = re.fullmatch(
            r"select \* from Customer where Changed >= '(\S+)' orderby Changed startposition (\d+) maxresults 2",
            text,
        )
        assert found, text
        start = int(found[2]) - 1
        rows = shelf.since(datetime.fromisoformat(found[1]).timestamp())[start : start + 2]
        return JSONResponse({"QueryResponse": {"Customer": [shown(r) for r in rows]} if rows else {}})

    async def written(request: Request) -> Response:
        body = await request.json()
        fields = {
            {"DisplayName": "name", "Notes": "ref"}[name]: value
            for name, value in body.items()
            if name in ("DisplayName", "Notes")
        }
        if "BillAddr" in body:
            fields["city"] = body["BillAddr"]["City"]
        if "Id" not in body:
            return JSONResponse({"Customer": shown(shelf.put(None, fields))})
        row = shelf.rows.get(int(body["Id"]))
        if row is None:
            return fault("610", "Object Not Found")
        if body["SyncToken"] != str(row["version"]) or body["sparse"] is not True:
            return fault("5010", "Stale Object Error")
        return JSONResponse({"Customer": shown(shelf.put(row["id"], fields))})

    async def one(request: Request) -> Response:
        row = shelf.rows.get(int(request.path_params["id"]))
        return JSONResponse({"Customer": shown(row)}) if row else fault("610", "Object Not Found")

    return [
        Route("/query", asked),
        Route("/customer", written, methods=["POST"]),
        Route("/customer/{id:int}", one),
    ]


# --- local times, and lists of conditions ---

LOCAL: dict[str, Any] = {
    "errors": {"message": "exc"},
    "entities": {
        "customer": {
            "path": "/resource/Customer",
            "id": "name",
            "list": {
                "params": {"fields": '["*"]', "order_by": "modified asc"},
                "items": "data",
                "paging": {
                    "kind": "offset",
                    "param": "limit_start",
                    "size_param": "limit_page_length",
                    "size": 2,
                },
                "changed_since": {
                    "param": "filters",
                    "template": '[["modified",">=","{moment}"]]',
                    "format": "%Y-%m-%d %H:%M:%S.%f",
                    "zone": "Europe/Oslo",
                    "oldest_first": True,
                },
            },
            "read": {"item": "data"},
            "create": {"item": "data"},
            "update": {"method": "PUT", "item": "data"},
            "version": {"token": "modified", "token_at": "modified"},
            "updated_at": {
                "field": "modified",
                "format": "%Y-%m-%d %H:%M:%S.%f",
                "zone": "Europe/Oslo",
            },
            "marker": {"field": "ref", "param": "filters", "template": '[["ref","=","{value}"]]'},
            "errors": {"message": "exc", "statuses": {417: "moved"}},
            "lags": {"list_s": 0},
            "fields": [
                {"path": "title", "required": True, "read_at": "customer_name", "write_at": "customer_name"},
                {"path": "city"},
                {"path": "ref"},
            ],
        }
    },
}


def local(shelf: Shelf) -> list[Route]:
    def shown(row: dict[str, Any]) -> dict[str, Any]:
        moment = datetime.fromtimestamp(row["changed"], OSLO).strftime("%Y-%m-%d %H:%M:%S.%f")
        own = {"name": f"CUST-{row['id']}", "customer_name": row["name"], "modified": moment}
        return {**own, "city": row["city"], "ref": row["ref"]}

    def own_terms(body: dict[str, Any]) -> dict[str, Any]:
        return {
            {"customer_name": "name"}.get(name, name): v for name, v in body.items() if name != "modified"
        }

    async def many(request: Request) -> Response:
        if request.method == "POST":
            return JSONResponse({"data": shown(shelf.put(None, own_terms(await request.json())))})
        rows = [shown(row) for row in shelf.since(0)]
        for field, sign, value in json.loads(request.query_params.get("filters", "[]")):
            rows = [row for row in rows if (row[field] >= value if sign == ">=" else row[field] == value)]
        rows.sort(key=lambda row: row["modified"])
        start, limit = (int(request.query_params[name]) for name in ("limit_start", "limit_page_length"))
        return JSONResponse({"data": rows[start : start + limit]})

    async def one(request: Request) -> Response:
        row = shelf.rows.get(int(request.path_params["id"]))
        if row is None:
            return JSONResponse({"exc": "DoesNotExistError"}, 404)
        if request.method == "PUT":
            body = await request.json()
            if body["modified"] != shown(row)["modified"]:
                return JSONResponse({"exc": "TimestampMismatchError"}, 417)
            row = shelf.put(row["id"], own_terms(body))
        return JSONResponse({"data": shown(row)})

    return [
        Route("/resource/Customer", many, methods=["GET", "POST"]),
        Route("/resource/Customer/CUST-{id:int}", one, methods=["GET", "PUT"]),
    ]


# --- dates in slashes, the moment in a header, values in the entries of lists ---

ENTRIES: dict[str, Any] = {
    "errors": {"items": "Elements.0.ValidationErrors", "message": "Message"},
    "entities": {
        "customer": {
            "path": "/Contacts",
            "id": "ContactID",
            "list": {
                "headers": {"If-Modified-Since": "{since}"},
                "items": "Contacts",
                "paging": {
                    "kind": "page",
                    "size_param": "pageSize",
                    "size": 2,
                    "pages": "pagination.pageCount",
                    "total": "pagination.itemCount",
                },
                "changed_since": {"format": "http"},
            },
            "read": {"item": "Contacts.0"},
            "create": {"method": "PUT", "wrap": "Contacts.0", "item": "Contacts.0"},
            "update": {
                "method": "POST",
                "wrap": "Contacts.0",
                "nested": "replace",
                "item": "Contacts.0",
            },
            "updated_at": {"field": "UpdatedDateUTC", "format": "ms_date"},
            "lags": {"list_s": 0},
            "fields": [
                {"path": "name", "required": True, "read_at": "Name", "write_at": "Name"},
                {
                    "path": "city",
                    "read_at": "Addresses[AddressType=STREET].City",
                    "write_at": "Addresses[AddressType=STREET].City",
                    "empty": "",
                },
                {"path": "ref", "read_at": "AccountNumber", "write_at": "AccountNumber"},
            ],
        }
    },
}


def entries(shelf: Shelf) -> list[Route]:
    other = {"AddressType": "POBOX", "City": "Bergen"}

    def shown(row: dict[str, Any]) -> dict[str, Any]:
        street = {"AddressType": "STREET", "City": row["city"] or "", "AddressLine1": "Storgata 1"}
        return {
            "ContactID": str(row["id"]),
            "Name": row["name"],
            "AccountNumber": row["ref"],
            "Addresses": [other, street],
            "UpdatedDateUTC": f"/Date({row['changed'] * 1000}+0000)/",
        }

    def own_terms(contact: dict[str, Any], whole: bool) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in contact.items():
            if name == "Addresses":
                assert not whole or other in value, "an address was lost"
                [street] = [each for each in value if each["AddressType"] == "STREET"]
                assert not whole or street["AddressLine1"] == "Storgata 1"
                fields["city"] = street["City"] or None
            else:
                fields[{"Name": "name", "AccountNumber": "ref"}[name]] = value
        return fields

    async def many(request: Request) -> Response:
        if request.method == "PUT":
            [contact] = (await request.json())["Contacts"]
            return JSONResponse({"Contacts": [shown(shelf.put(None, own_terms(contact, False)))]})
        since = request.headers.get("if-modified-since")
        rows = shelf.since(utc_s(since, "%a, %d %b %Y %H:%M:%S GMT") if since else 0)
        if since and not rows:
            return Response(status_code=304)
        size, page = int(request.query_params["pageSize"]), int(request.query_params["page"])
        found = [shown(row) for row in rows[size * (page - 1) : size * page]]
        return JSONResponse(
            {"Contacts": found, "pagination": {"pageCount": -(-len(rows) // size), "itemCount": len(rows)}}
        )

    async def one(request: Request) -> Response:
        row = shelf.rows.get(int(request.path_params["id"]))
        if row is None:
            return JSONResponse({"Message": "not found"}, 404)
        if request.method == "POST":
            [contact] = (await request.json())["Contacts"]
            row = shelf.put(row["id"], own_terms(contact, True))
        return JSONResponse({"Contacts": [shown(row)]})

    return [
        Route("/Contacts", many, methods=["GET", "PUT"]),
        Route("/Contacts/{id:int}", one, methods=["GET", "POST"]),
    ]


SHAPES: dict[str, tuple[dict[str, Any], Callable[[Shelf], list[Route]]]] = {
    "odata": (ODATA, odata),
    "methods": (METHODS, methods),
    "query": (QUERY, query),
    "local": (LOCAL, local),
    "entries": (ENTRIES, entries),
}


@asynccontextmanager
async def shape(name: str, clock_s: int = 1_700_000_000) -> AsyncIterator[tuple[Shelf, dict[str, Any]]]:
    """The shelf behind an API of this shape, and its description with the address it is at."""
    shelf = Shelf(clock_s)
    description, routes = SHAPES[name]
    async with listening(Starlette(routes=routes(shelf))) as url:
        yield shelf, {**description, "base_url": url}
