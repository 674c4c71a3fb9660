"""Ways of paging, and of answering with rows, that APIs have: each is read to its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from instep.connectors.rest import Description, RestConnector
from instep.connectors.rest.expressions import evaluated
from instep.core.model import Record
from instep.errors import BadAnswer
from instep.sandbox.kit import listening

from .rest_erp import no_sleep

ROWS = [{"id": f"r{n}", "name": f"n{n}", "at": 1_700_000_000 + n} for n in range(7)]
SIZE = 3
Answer = Callable[[dict[str, str], Any], Response]


def window(start: int) -> list[dict[str, Any]]:
    return ROWS[start : start + SIZE]


def answered(rows: list[Any], headers: dict[str, str] | None = None, **more: Any) -> Response:
    return JSONResponse({"rows": rows, **more}, headers=headers)


def pages_counted(query: dict[str, str], _: Any) -> Response:
    page = int(query["page"])
    return answered(window(SIZE * page), meta={"pages": 3})


def last_told(query: dict[str, str], _: Any) -> Response:
    start = SIZE * (int(query["page"]) - 1)
    return answered(window(start), last=start + SIZE >= len(ROWS))


def more_told(query: dict[str, str], _: Any) -> Response:
    start = int(query["offset"])
    return answered(window(start), info={"more": "true" if start + SIZE < len(ROWS) else "false"})


def total_in_a_header(query: dict[str, str], _: Any) -> Response:
    return answered(window(int(query["offset"])), {"X-WP-Total": str(len(ROWS))})


def total_as_text(query: dict[str, str], _: Any) -> Response:
    return answered(window(SIZE * (int(query["page"]) - 1)), total=str(len(ROWS)))


def next_in_a_header(query: dict[str, str], _: Any) -> Response:
    page = int(query["page"])
    return answered(window(SIZE * (page - 1)), {"X-Next-Page": str(page + 1) if page < 3 else ""})


def cursor_always(query: dict[str, str], _: Any) -> Response:
    start = int(query.get("after", "0"))
    return answered(window(start), after=str(start + SIZE), more=start + SIZE < len(ROWS))


def in_the_body(_: dict[str, str], body: Any) -> Response:
    assert body["limit"] == SIZE and isinstance(body["from"], int)
    return answered(window(body["from"]))


def two_values_of_the_last_row(query: dict[str, str], _: Any) -> Response:
    after = (int(query.get("at", 0)), query.get("id", ""))
    found = [row for row in ROWS if (row["at"], row["id"]) > after]
    return answered(found[:SIZE])


def link_to_another_host(query: dict[str, str], _: Any) -> Response:
    start = int(query.get("cursor", "0"))
    more = start + SIZE < len(ROWS)
    link = f"https://inner.example/list?x=1&cursor={start + SIZE}" if more else None
    return answered(window(start), links={"next": link})


def row_numbers(query: dict[str, str], _: Any) -> Response:
    start, end = int(query["from"]), int(query["to"])
    return answered(ROWS[start - 1 : end])


PAGINGS: dict[str, tuple[Answer, dict[str, Any], int]] = {
    "pages": (pages_counted, {"paging": {"kind": "page", "first": 0, "pages": "meta.pages"}}, 3),
    "last": (last_told, {"paging": {"kind": "page", "last": "last"}}, 3),
    "more": (more_told, {"paging": {"kind": "offset", "more": "info.more"}}, 3),
    "a short page": (
        lambda query, _: answered(window(SIZE * (int(query["page"]) - 1))),
        {"paging": {"kind": "page", "size": SIZE, "short_is_last": True}},
        3,
    ),
    "total in a header": (
        total_in_a_header,
        {"paging": {"kind": "offset", "total": "header:X-WP-Total"}},
        3,
    ),
    "total as text": (total_as_text, {"paging": {"kind": "page", "total": "total"}}, 3),
    "next in a header": (next_in_a_header, {"paging": {"kind": "page", "next": "header:x-next-page"}}, 3),
    "cursor with more": (
        cursor_always,
        {"paging": {"kind": "cursor", "param": "after", "next": "after", "more": "more"}},
        3,
    ),
    "in the body": (
        in_the_body,
        {"body": {"from": "{next}", "limit": "{size}"}, "paging": {"kind": "offset", "size": SIZE}},
        6,
    ),
    "two values of the last row": (
        two_values_of_the_last_row,
        {"paging": {"kind": "custom", "next": {"at": "{last.at}", "id": "{last.id}"}}},
        4,
    ),
    "a parameter of an address": (
        link_to_another_host,
        {"paging": {"kind": "custom", "next": {"cursor": "{answer.links.next ? cursor}"}}},
        3,
    ),
    "numbers of rows": (
        row_numbers,
        {
            "paging": {
                "kind": "custom",
                "first": {"from": 1, "to": SIZE},
                "next": {"from": "{to + 1}", "to": "{to + rows}"},
            }
        },
        4,
    ),
    "a word of custom paging in a parameter": (
        row_numbers,
        {
            "params": {"from": "{begin}", "to": "{end}"},
            "paging": {
                "kind": "custom",
                "first": {"begin": 1, "end": SIZE},
                "next": {"begin": "{end + 1}", "end": "{end + 3}"},
            },
        },
        4,
    ),
}


async def read(
    answer: Answer, call: dict[str, Any], path: str = "/things"
) -> tuple[list[Record], list[dict[str, str]]]:
    """The records of a list that is answered so, and what was asked for."""
    asked: list[dict[str, str]] = []

    async def served(request: Request) -> Response:
        query = dict(parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True))
        asked.append(query)
        body = await request.body()
        return answer(query, json.loads(body) if body else None)

    async with listening(Starlette(routes=[Route("/things", served, methods=["GET", "POST"])])) as url:
        thing = {"path": path, "list": {"items": "rows", **call}, "fields": [{"path": "name"}]}
        connector = RestConnector(
            Description.model_validate({"base_url": url, "entities": {"thing": thing}}),
            lambda _: "",
            sleep=no_sleep,
        )
        try:
            found = [r async for page in connector.list("thing", None) for r in page.records]
        finally:
            await connector.close()
    return found, asked


@pytest.mark.parametrize("style", PAGINGS)
async def test_every_row_is_read_with_as_few_requests_as_the_answers_allow(style: str) -> None:
    answer, call, requests = PAGINGS[style]
    records, asked = await read(answer, call)
    assert {record.id for record in records} == {row["id"] for row in ROWS}
    assert len(asked) == requests, asked


ANSWERS: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "rows by their id": (
        {"rows": {"r1": {"id": "r1"}, "r2": {"id": "r2"}}},
        {"shape": "values"},
        ["r1", "r2"],
    ),
    "no rows by their id": ({"rows": []}, {"shape": "values"}, []),
    "a single row": ({"rows": {"id": "r1"}}, {"shape": "one_or_many"}, ["r1"]),
    "several rows": ({"rows": [{"id": "r1"}]}, {"shape": "one_or_many"}, ["r1"]),
    "a record within an entry": ({"rows": [{"thing": {"id": "r1"}}]}, {"item": "thing"}, ["r1"]),
    "nothing where nothing is": ({"count": 0}, {"optional": True}, []),
    "a null where nothing is": ({"rows": None}, {"optional": True}, []),
}


@pytest.mark.parametrize("how", ANSWERS)
async def test_rows_are_found_in_each_shape(how: str) -> None:
    content, call, ids = ANSWERS[how]
    records, _ = await read(lambda *_: JSONResponse(content), call)
    assert [record.id for record in records] == ids


async def test_statuses_can_say_that_there_are_no_rows() -> None:
    assert (await read(lambda *_: Response(status_code=204), {}))[0] == []
    none: Answer = lambda *_: JSONResponse({"message": "no rows"}, 404)  # noqa: E731
    assert (await read(none, {"none": [404]}))[0] == []
    with pytest.raises(BadAnswer):
        await read(none, {})


@pytest.mark.parametrize(
    "content", [{"rows": [{"other": {"id": "r1"}}]}, {"rows": [7]}, {"rows": "none"}, {}, []]
)
async def test_rows_that_are_not_where_they_should_be_are_not_believed(content: Any) -> None:
    with pytest.raises(BadAnswer):
        await read(lambda *_: JSONResponse(content), {"item": "thing"})


async def test_custom_paging_that_runs_in_a_circle_is_left() -> None:
    stuck = {"paging": {"kind": "custom", "next": {"page": "{answer.next}"}}}
    with pytest.raises(BadAnswer, match=r"circle|does not end"):
        await read(lambda *_: answered(window(0), next=1), stuck)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{answer.meta.page}", "3"),
        ("{answer.meta.page + 1}", "4"),
        ("{answer.meta.page - rows}", "-4"),
        ("p{answer.meta.page}-{rows}", "p3-7"),
        ("{answer.link ? page[after]}", "x=/1"),
        ("{answer.link ? nothing}", ""),
        ("{answer.meta.gone}", ""),
        ("{answer.meta.gone + 1}", ""),
        ("{answer.link + 1}", ""),
        ("{last.id}", "r9"),
        ("{header.X-Next}", "n"),
        ("{answer.flag}", ""),
        ("plain", "plain"),
    ],
)
def test_expressions(template: str, value: str) -> None:
    words: dict[str, Any] = {
        "answer": {
            "meta": {"page": 3},
            "link": "/list?page%5Bafter%5D=x%3D%2F1&size=2",
            "flag": True,
        },
        "last": {"id": "r9"},
        "rows": 7,
        "header": {"x-next": "n"},
    }
    assert evaluated(template, words) == value


def test_an_expression_of_an_unknown_word_is_refused() -> None:
    thing = {
        "path": "/things",
        "list": {"paging": {"kind": "custom", "next": {"page": "{page + 1}", "x": "{nothing.y}"}}},
        "fields": [{"path": "name"}],
    }
    with pytest.raises(ValidationError, match=r"nothing\.y"):
        Description.model_validate({"base_url": "https://x.example", "entities": {"thing": thing}})


async def test_changes_may_be_asked_for_by_another_call_than_all_records() -> None:
    asked: list[Any] = []

    async def all_rows(request: Request) -> Response:
        asked.append("all")
        return JSONResponse({"rows": window(int(request.query_params.get("after", 0))), "after": None})

    async def search(request: Request) -> Response:
        asked.append(await request.json())
        return JSONResponse({"results": [{**ROWS[0], "name": "edited"}]})

    app = Starlette(routes=[Route("/things", all_rows), Route("/things/search", search, methods=["POST"])])
    async with listening(app) as url:
        thing = {
            "path": "/things",
            "list": {"items": "rows", "paging": {"kind": "cursor", "param": "after", "next": "after"}},
            "changes": {
                "path": "/things/search",
                "body": {"filters": [{"property": "at", "operator": "GTE", "value": "{since}"}], "limit": 9},
                "items": "results",
                "changed_since": {"format": "epoch_ms"},
                "overlap_s": 0,
            },
            "updated_at": {"field": "at", "format": "epoch_s"},
            "lags": {"list_s": 0},
            "fields": [{"path": "name"}],
        }
        connector = RestConnector(
            Description.model_validate({"base_url": url, "entities": {"thing": thing}}), lambda _: ""
        )
        pages = [page async for page in connector.list("thing", None)]
        later = [page async for page in connector.list("thing", pages[-1].cursor)]
        await connector.close()
    assert [record.fields["name"] for page in later for record in page.records] == ["edited"]
    assert asked[0] == "all"
    assert asked[1:] == [
        {"filters": [{"property": "at", "operator": "GTE", "value": "1700000001000"}], "limit": 9}
    ]
