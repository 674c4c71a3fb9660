"""Many writes in one request: each has its own outcome, and one that can't be told is in doubt."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from instep.connectors.contract import Connector, CreateKey
from instep.connectors.rest import Description, RestConnector
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import InDoubt, OutcomeError, Refused, Taken
from instep.sandbox.kit import listening
from instep.testing.connector_suite import ConnectorContract

from .rest_erp import no_sleep

BULK: dict[str, Any] = {
    "path": "/products/bulk",
    "entries": "products",
    "body": {"mode": "each"},
    "wrap": "data",
    "most": 5,
    "calls": 1,
    "results": "outcomes",
    "item": "product",
    "errors": {
        "status": "status",
        "message": "why",
        "field": "at",
        "codes": {"dup": "taken"},
        "code": "code",
    },
}
BY_ID: dict[str, Any] = {
    "path": "/products/batch",
    "entries": "inputs",
    "wrap": "properties",
    "results": "results",
    "match": "id",
    "failures": "errors",
    "failure_id": "context.ids.0",
    "calls": 1,
    "errors": {"message": "message", "codes": {"GONE": "gone"}, "code": "category"},
}
PRODUCT: dict[str, Any] = {
    "path": "/products",
    "list": {"paging": {"kind": "none"}},
    "bulk_create": BULK,
    "bulk_update": BULK,
    "marker": {"field": "ref", "param": "ref"},
    "errors": {"message": "why", "field": "at"},
    "fields": [{"path": "name", "required": True, "max_length": 20}, {"path": "size"}, {"path": "ref"}],
}


class Shop:
    """`products` by id; `requests`: method and path of each that writes. `spoil` changes a bulk's outcomes."""

    def __init__(self) -> None:
        self.products: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.sizes: list[int] = []
        self.spoil: Any = lambda outcomes: outcomes
        self.open, self.began = asyncio.Event(), asyncio.Event()
        self.open.set()
        self.app = Starlette(
            routes=[
                Route("/products", self.listed, methods=["GET"]),
                Route("/products", self.made, methods=["POST"]),
                Route("/products/bulk", self.bulk, methods=["POST"]),
                Route("/products/batch", self.batch, methods=["POST"]),
                Route("/products/{id}", self.single, methods=["GET", "PATCH"]),
            ]
        )

    def put(self, id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        self.products[id] = {"id": id, "size": None, **self.products.get(id, {}), **fields}
        return self.products[id]

    async def listed(self, request: Request) -> Response:
        ref = request.query_params.get("ref")
        return JSONResponse([p for p in self.products.values() if ref in (None, p.get("ref"))])

    async def note(self, request: Request) -> Any:
        self.requests.append(f"{request.method} {request.url.path}")
        self.began.set()
        await self.open.wait()
        return json.loads(await request.body())

    async def made(self, request: Request) -> Response:
        fields = await self.note(request)
        if fields.get("size") == "poison":
            return JSONResponse({"why": "what is this?"}, 400)
        return JSONResponse(self.put(f"p{len(self.products)}", fields), 201)

    async def single(self, request: Request) -> Response:
        id = request.path_params["id"]
        if id not in self.products:
            return JSONResponse({"why": "no such product"}, 404)
        if request.method == "PATCH":
            fields = await self.note(request)
            if fields.get("name") == "bad":
                return JSONResponse({"why": "not this", "at": "name"}, 422)
            self.put(id, fields)
        return JSONResponse(self.products[id])

    async def bulk(self, request: Request) -> Response:
        body = await self.note(request)
        entries = body["products"]
        self.sizes.append(len(entries))
        assert body["mode"] == "each"
        if any(entry["data"].get("size") == "poison" for entry in entries):
            return JSONResponse({"why": "what is this?"}, 400)
        outcomes = self.spoil([self.done(entry) for entry in entries])
        return JSONResponse({"outcomes": outcomes}, headers={"X-Request-Id": "r-17"})

    def done(self, entry: dict[str, Any]) -> dict[str, Any]:
        fields = entry["data"]
        if fields.get("name") == "bad":
            return {"status": 422, "why": "not this name", "at": "name"}
        if fields.get("name") == "taken":
            return {"status": 409, "why": "it is there", "code": "dup", "at": "name"}
        if "id" in entry and entry["id"] not in self.products:
            return {"status": 404, "why": "no such product"}
        return {"status": 200, "product": self.put(entry.get("id", f"p{len(self.products)}"), fields)}

    async def batch(self, request: Request) -> Response:
        body = await self.note(request)
        results, errors = [], []
        for entry in reversed(body["inputs"]):
            if entry["id"] not in self.products:
                errors.append({"category": "GONE", "message": "none", "context": {"ids": [entry["id"]]}})
            elif entry["properties"].get("name") != "unsaid":
                results.append(self.put(entry["id"], entry["properties"]))
        return JSONResponse({"results": results, "errors": errors}, 207)


@asynccontextmanager
async def shop(**changes: Any) -> AsyncIterator[tuple[Shop, RestConnector]]:
    there = Shop()
    async with listening(there.app) as url:
        described = {"base_url": url, "entities": {"product": {**PRODUCT, **changes}}}
        connector = RestConnector(
            Description.model_validate(described), lambda _: "", name="Shop", sleep=no_sleep
        )
        try:
            yield there, connector
        finally:
            await connector.close()


async def together(there: Shop, connector: RestConnector, *calls: Any) -> list[Record | BaseException]:
    """What becomes of writes that are all asked for while a first one is under way."""
    there.open.clear()
    first = asyncio.create_task(create(connector, 999))
    await there.began.wait()
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)
    there.open.set()
    await first
    there.requests.clear()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def create(connector: RestConnector, n: int, **fields: Json) -> Record:
    key = CreateKey(id="", marker=f"m{n}", idempotency="")
    return await connector.create("product", {"name": f"n{n}", **fields}, key)


async def update(connector: RestConnector, id: str, **changes: Json) -> Record:
    return await connector.update("product", id, changes, seen=Record(id, {}), idempotency="u")


class TestInBulk(ConnectorContract):
    entity = "product"
    clearable = "size"
    text_field = "name"
    unique_marker = False
    there: Shop

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connector]:
        async with shop() as (self.there, connector):
            yield connector

    async def connector(self) -> Connector:
        raise NotImplementedError

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {"name": f"Bolt {n}", "size": "M"}

    def an_edit(self) -> dict[str, Json]:
        return {"size": "XL"}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        self.there.put(id, changes)

    async def remove_as_person(self, id: str) -> None:
        del self.there.products[id]


async def test_a_write_that_is_alone_is_sent_by_the_usual_call() -> None:
    async with shop() as (there, connector):
        made = await create(connector, 1)
        await update(connector, made.id, size="M")
        assert there.requests == ["POST /products", f"PATCH /products/{made.id}"]


async def test_creates_that_come_together_are_one_request_each_with_its_own_record() -> None:
    async with shop() as (there, connector):
        made = await together(there, connector, *(create(connector, n) for n in range(5)))
        assert there.requests == ["POST /products/bulk"]
        assert [record.fields["ref"] for record in made if isinstance(record, Record)] == [
            f"m{n}" for n in range(5)
        ]
        assert {record.request for record in made if isinstance(record, Record)} == {"r-17"}


async def test_no_request_holds_more_than_the_system_allows() -> None:
    async with shop() as (there, connector):
        await together(there, connector, *(create(connector, n) for n in range(12)))
        assert there.sizes == [5, 5, 2]


async def test_each_of_many_updates_has_its_own_outcome() -> None:
    async with shop() as (there, connector):
        for id in ("a", "b", "c", "d"):
            there.put(id, {"name": id})
        done = await together(
            there,
            connector,
            update(connector, "a", size="1"),
            update(connector, "b", name="bad"),
            update(connector, "c", name="taken"),
            update(connector, "gone", size="1"),
            update(connector, "d", size="4"),
        )
        assert there.requests == ["POST /products/bulk"]
        assert [type(each).__name__ for each in done] == ["Record", "Refused", "Taken", "Gone", "Record"]
        refused, taken = done[1], done[2]
        assert isinstance(refused, Refused)
        assert (refused.field, refused.why) == ("name", "422: not this name")
        assert str(refused).startswith("product b was not updated in Shop")
        assert isinstance(taken, Taken) and taken.request == "r-17"
        assert (there.products["a"]["size"], there.products["d"]["size"]) == ("1", "4")


async def test_a_request_that_is_refused_whole_is_halved_until_the_one_is_found() -> None:
    async with shop() as (there, connector):
        done = await together(
            there,
            connector,
            *(create(connector, n, **({"size": "poison"} if n == 3 else {})) for n in range(5)),
        )
        assert [type(each).__name__ for each in done] == ["Record"] * 3 + ["Refused", "Record"]
        assert len(there.products) == 5


SPOILT: dict[str, Any] = {
    "one is missing": lambda outcomes: outcomes[:-1],
    "no list": lambda outcomes: None,
    "in another order": lambda outcomes: outcomes[::-1],
    "without records": lambda outcomes: [{"status": 200} for _ in outcomes],
}


@pytest.mark.parametrize("how", SPOILT)
async def test_outcomes_that_cannot_be_told_apart_leave_writes_in_doubt(how: str) -> None:
    async with shop() as (there, connector):
        there.spoil = SPOILT[how]
        done = await together(there, connector, create(connector, 1), create(connector, 2))
        assert [type(each) for each in done] == [InDoubt, InDoubt]
        assert len(there.products) == 3


async def test_outcomes_may_be_matched_by_id_and_failures_stand_in_a_list_of_their_own() -> None:
    async with shop(bulk_update=BY_ID) as (there, connector):
        for id in ("a", "b", "c"):
            there.put(id, {"name": id})
        done = await together(
            there,
            connector,
            update(connector, "a", size="1"),
            update(connector, "x", size="2"),
            update(connector, "b", name="unsaid"),
            update(connector, "c", size="3"),
        )
        assert there.requests == ["POST /products/batch"]
        assert [type(each).__name__ for each in done] == ["Record", "Gone", "InDoubt", "Record"]
        assert isinstance(done[3], Record) and done[3].fields["size"] == "3"


async def test_a_system_that_breaks_down_leaves_all_of_a_request_in_doubt() -> None:
    async with shop() as (there, connector):
        there.spoil = lambda outcomes: 1 / 0
        done = await together(there, connector, create(connector, 1), create(connector, 2))
        assert [type(each) for each in done] == [InDoubt, InDoubt]
        assert all(isinstance(each, OutcomeError) for each in done)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"version": {"kind": "none", "if_match": "etag"}}, "a bulk update is not conditional"),
        ({"idempotency_header": "X-Key"}, "one idempotency key can't stand for many"),
        ({"bulk_create": BY_ID}, "needs match: order"),
        ({"update": None}, "sent by the usual call"),
        ({"bulk_update": {**BULK, "errors": {}}}, "needs error_at, errors: {failed"),
        ({"bulk_update": {**BY_ID, "match": "order"}}, "need match: id"),
        ({"bulk_update": {**BULK, "path": "/x/{id}"}}, "has no words in it"),
        ({"errors": {"failed": {"field": "ok", "value": 1, "unless": 2}}}, "either a value says it"),
    ],
)
def test_a_bulk_call_that_cannot_work_is_refused(changes: dict[str, Any], complaint: str) -> None:
    described = copy.deepcopy(PRODUCT) | changes
    with pytest.raises(ValidationError) as error:
        Description.model_validate({"base_url": "https://x.example", "entities": {"product": described}})
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("failed", "answer", "no"),
    [
        ({"field": "ok", "value": False}, {"ok": False}, True),
        ({"field": "ok", "value": False}, {"ok": True, "id": "1"}, False),
        ({"field": "ok", "value": False}, {"id": "1"}, False),
        ({"field": "state", "unless": "success"}, {"state": "error"}, True),
        ({"field": "state", "unless": "success"}, {"state": "success", "id": "1"}, False),
        ({"field": "state", "unless": "success"}, {"id": "1"}, False),
        ({"field": "error"}, {"error": {"code": 7}}, True),
        ({"field": "error"}, {"error": None, "id": "1"}, False),
        ({"field": "error"}, {"error": [], "id": "1"}, False),
    ],
)
async def test_an_answer_of_success_can_be_a_refusal(
    failed: dict[str, Any], answer: dict[str, Any], no: bool
) -> None:
    async def said(_: Request) -> Response:
        return JSONResponse(answer)

    app = Starlette(routes=[Route("/products", said, methods=["POST"])])
    plain = {key: value for key, value in PRODUCT.items() if not key.startswith("bulk")}
    async with listening(app) as url:
        described = {"base_url": url, "errors": {"failed": failed}, "entities": {"product": plain}}
        del described["entities"]["product"]["errors"]
        connector = RestConnector(Description.model_validate(described), lambda _: "", sleep=no_sleep)
        if no:
            with pytest.raises(Refused):
                await create(connector, 1)
        else:
            assert (await create(connector, 1)).id == "1"
        await connector.close()
