"""Getting into APIs by sessions, keys in parameters, headers of their own; forms, parameters of writes, defaults."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from instep.connectors.clock import QuotaHeaders, used_up_s
from instep.connectors.contract import CreateKey
from instep.connectors.exchange import Traffic
from instep.connectors.rest import Description, RestConnector
from instep.core.model import Record
from instep.errors import Refused, RetryLater, Stop
from instep.sandbox.kit import listening

from .rest_erp import no_sleep

SECRETS = {"env:KEY": "k&y =1", "env:PASSWORD": "geheim", "env:USER": "me"}
PEOPLE: dict[str, Any] = {
    "path": "/people",
    "list": {"items": "rows", "paging": {"kind": "link", "next": "next"}},
    "fields": [{"path": "name", "required": True}, {"path": "tags", "type": "list"}, {"path": "at.city"}],
}


class Guarded:
    """Notes each request; `allowed` says who is let in, `sessions` counts the logins."""

    def __init__(self) -> None:
        self.allowed: Any = lambda request: True
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []
        self.sessions = 0
        self.refusal: dict[str, Any] | None = None
        self.login: Any = lambda n: JSONResponse({"data": {"token": f"t{n}"}})
        paths = ["/people", "/people/{id}", "/people/{id}/{action}"]
        self.app = Starlette(
            routes=[
                Route("/login", self.log_in, methods=["POST"]),
                *(Route(path, self.served, methods=["GET", "POST", "PATCH", "DELETE"]) for path in paths),
            ]
        )

    async def log_in(self, request: Request) -> Response:
        self.sessions += 1
        self.bodies.append(await request.body())
        answer: Response = self.login(self.sessions)
        return answer

    async def served(self, request: Request) -> Response:
        self.requests.append(request)
        self.bodies.append(await request.body())
        if not self.allowed(request):
            return JSONResponse(self.refusal or {"message": "no"}, 422 if self.refusal else 401)
        if request.method == "GET" and request.url.path == "/people":
            more = "page" not in request.query_params
            link = str(request.url.include_query_params(page=2)) if more else None
            return JSONResponse({"rows": [{"id": "2" if more else "3", "name": "Ada"}], "next": link})
        return JSONResponse({"id": "1", "name": "Ada"})


@asynccontextmanager
async def guarded(
    person: dict[str, Any] | None = None, **described: Any
) -> AsyncIterator[tuple[Guarded, RestConnector]]:
    api = Guarded()
    async with listening(api.app) as url:
        whole = {"base_url": url, "entities": {"person": {**PEOPLE, **(person or {})}}, **described}
        connector = RestConnector(
            Description.model_validate(whole), SECRETS.__getitem__, name="Guarded", sleep=no_sleep
        )
        try:
            yield api, connector
        finally:
            await connector.close()


async def listed(connector: RestConnector) -> list[str]:
    return [record.id async for page in connector.list("person", None) for record in page.records]


LOGIN: dict[str, Any] = {
    "kind": "login",
    "path": "/login",
    "body": {"user.name": "env:USER", "user.password": "env:PASSWORD", "company": "demo"},
}


async def test_a_session_is_begun_once_and_again_when_it_has_ended() -> None:
    async with guarded(auth={**LOGIN, "token": "data.token"}) as (api, connector):
        api.allowed = lambda request: request.headers["authorization"] == f"Bearer t{api.sessions}"
        assert await listed(connector) == ["2", "3"]
        assert api.sessions == 1
        assert json.loads(api.bodies[0]) == {
            "user": {"name": "me", "password": "geheim"},
            "company": "demo",
        }
        connector._auth._fetched = float("-inf")  # type: ignore[union-attr] # as after a while
        api.sessions += 1  # somebody else has begun one, and ours is over
        assert await listed(connector) == ["2", "3"]


async def test_a_session_can_be_a_cookie_among_several() -> None:
    def answer(n: int) -> Response:
        response = JSONResponse({"SessionId": "x"})
        response.set_cookie("ROUTE", "node1", path="/")
        response.set_cookie("B1SESSION", f"s-{n}", httponly=True)
        response.set_cookie("LAST", "z")
        return response

    async with guarded(auth={**LOGIN, "cookie": "B1SESSION"}) as (api, connector):
        api.login = answer
        api.allowed = lambda request: request.headers.get("cookie") == "B1SESSION=s-1"
        assert await listed(connector) == ["2", "3"]


@pytest.mark.parametrize(
    ("login", "error"),
    [
        (lambda _: JSONResponse({"message": "wrong password"}, 401), Stop),
        (lambda _: JSONResponse({"data": {}}), Stop),
        (lambda _: JSONResponse({"data": {"token": "a\nb"}}), Stop),
        (lambda _: Response("<html>", media_type="text/html"), RetryLater),
        (lambda _: JSONResponse({}, 503), RetryLater),
    ],
)
async def test_a_login_that_gives_no_session_says_so(login: Any, error: type[Exception]) -> None:
    async with guarded(auth={**LOGIN, "token": "data.token"}) as (api, connector):
        api.login = login
        with pytest.raises(error) as raised:
            await listed(connector)
        assert "geheim" not in str(raised.value)
        assert api.requests == []


def test_a_session_is_a_token_or_a_cookie() -> None:
    for more in ({}, {"token": "t", "cookie": "c"}):
        with pytest.raises(ValidationError, match="a token or a cookie"):
            Description.model_validate(
                {"base_url": "https://x.example", "auth": {**LOGIN, **more}, "entities": {"person": PEOPLE}}
            )


async def test_a_key_in_a_parameter_goes_with_every_request_and_is_shown_nowhere() -> None:
    async with guarded(params={"api_key": "env:KEY", "format": "json"}) as (api, connector):
        shown: list[Traffic] = []
        connector.listen(shown.append)
        cursors = [page.cursor async for page in connector.list("person", None)]
        await connector.read("person", "1")
        assert [request.query_params.getlist("api_key") for request in api.requests] == [["k&y =1"]] * 3
        assert all(request.query_params["format"] == "json" for request in api.requests)
        assert not [text for text in (*cursors, *(t.url for t in shown)) if "api_key" in text]


async def test_a_header_can_have_words_around_its_key() -> None:
    auth = {"kind": "header", "name": "Authorization", "value": "env:KEY", "template": "token {value}"}
    async with guarded(auth=auth) as (api, connector):
        await connector.read("person", "1")
        assert api.requests[0].headers["authorization"] == "token k&y =1"


async def test_a_token_s_request_can_have_more_in_it_and_its_header_other_words() -> None:
    auth = {
        "kind": "oauth2",
        "token_url": "/login",
        "client_id": "c",
        "client_secret": "env:KEY",
        "params": {"grant_type": "password", "username": "env:USER", "password": "env:PASSWORD"},
        "template": "Zoho-oauthtoken {token}",
    }
    async with guarded(auth=auth) as (api, connector):
        api.login = lambda _: JSONResponse({"access_token": "abc", "expires_in": 60})
        await connector.read("person", "1")
        assert dict(parse_qsl(api.bodies[0].decode())) == {
            "grant_type": "password",
            "username": "me",
            "password": "geheim",
            "client_id": "c",
            "client_secret": "k&y =1",
        }
        assert api.requests[0].headers["authorization"] == "Zoho-oauthtoken abc"


async def test_a_token_can_be_asked_for_in_json() -> None:
    auth = {
        "kind": "oauth2",
        "token_url": "/login",
        "client_id": "c",
        "client_secret": "env:KEY",
        "client_auth": "basic",
        "encoding": "json",
    }
    async with guarded(auth=auth) as (api, connector):
        api.login = lambda _: JSONResponse({"access_token": "abc", "expires_in": 60})
        await connector.read("person", "1")
        assert json.loads(api.bodies[0]) == {"grant_type": "client_credentials"}


NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize(
    ("headers", "own", "seconds"),
    [
        ({"x-calls": "40/40"}, QuotaHeaders("x-calls"), 2),
        ({"x-calls": "39/40"}, QuotaHeaders("x-calls"), None),
        ({"x-min-remaining": "0"}, QuotaHeaders("x-min-remaining", pause_s=7), 7),
        ({"x-min-remaining": "3"}, QuotaHeaders("x-min-remaining"), None),
        ({"x-left": "0", "x-until": "1790000030"}, QuotaHeaders("x-left", "x-until"), 30),
        ({"x-left": "0", "x-until": "soon"}, QuotaHeaders("x-left", "x-until"), None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, QuotaHeaders("x-left"), None),
    ],
)
def test_what_a_system_s_own_headers_say_of_a_quota(
    headers: dict[str, str], own: QuotaHeaders, seconds: float | None
) -> None:
    assert used_up_s(headers, NOW_MS, own) == seconds


async def test_a_body_can_be_a_form_and_a_write_can_have_parameters() -> None:
    create = {"encoding": "form", "wrap": "person", "params": {"notify": False}}
    async with guarded({"create": create}) as (api, connector):
        fields = {"name": "Ada & Bo", "tags": ["x", None], "at": {"city": "Å"}}
        await connector.create("person", fields, CreateKey("", "", ""))
        assert api.requests[0].headers["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qsl(api.bodies[0].decode(), keep_blank_values=True) == [
            ("person[name]", "Ada & Bo"),
            ("person[tags][0]", "x"),
            ("person[tags][1]", ""),
            ("person[at][city]", "Å"),
        ]
        assert dict(api.requests[0].query_params) == {"notify": "false"}


@pytest.mark.parametrize("wrap", ["", "person"])
async def test_what_always_stands_in_a_body_is_kept_beside_fields_of_the_same_object(wrap: str) -> None:
    create = {"wrap": wrap, "constants": {f"{wrap}.at.kind".strip("."): "city", "v": 1}}
    async with guarded({"create": create}) as (api, connector):
        await connector.create("person", {"name": "Ada", "at": {"city": "Å"}}, CreateKey("", "", ""))
        fields = {"name": "Ada", "at": {"kind": "city", "city": "Å"}}
        assert json.loads(api.bodies[0]) == ({wrap: fields, "v": 1} if wrap else {**fields, "v": 1})


async def test_an_action_can_have_a_body_and_a_delete_parameters() -> None:
    retired = {"field": "name", "value": "-"}
    action = {"by": "action", "path": "/people/archive", "body": {"ids": ["{id}"], "archived": True}}
    async with guarded({"retire": action, "retired": retired, "id_type": "integer"}) as (api, connector):
        await connector.retire("person", "1", seen=Record("1", {}), idempotency="")
        assert json.loads(api.bodies[0]) == {"ids": [1], "archived": True}
    delete = {"by": "delete", "params": {"force": True}}
    async with guarded({"retire": delete}) as (api, connector):
        await connector.retire("person", "1", seen=Record("1", {}), idempotency="")
        assert (api.requests[0].method, str(api.requests[0].query_params)) == ("DELETE", "force=true")


async def test_a_path_can_have_a_field_of_the_record_and_needs_it() -> None:
    update = {"path": "/people/{id}/{at.city}"}
    async with guarded({"update": update}) as (api, connector):
        seen = Record("1", {"name": "Ada", "at": {"city": "Os ø"}})
        await connector.update("person", "1", {"name": "Bo"}, seen=seen, idempotency="")
        assert api.requests[0].path_params["action"] == "Os ø"
        with pytest.raises(Refused, match="was not written"):
            await connector.update("person", "1", {"name": "Bo"}, seen=Record("1", {}), idempotency="")


DEFAULTS: dict[str, Any] = {
    "base_url": "https://x.example",
    "defaults": {
        "id": "uuid",
        "list": {"items": "data", "paging": {"kind": "page", "size_param": "n"}},
        "retire": {"by": "delete"},
        "fields": [{"path": "created", "read_only": True}, {"path": "name", "max_length": 9}],
    },
    "entities": {
        "one": {"path": "/ones", "fields": [{"path": "size"}]},
        "two": {
            "path": "/twos",
            "id": "key",
            "retire": None,
            "list": {"paging": {"kind": "offset"}, "params": {"sort": "at"}},
            "fields": [{"path": "name", "required": True}],
        },
    },
}


def test_defaults_are_laid_under_every_entity() -> None:
    description = Description.model_validate(DEFAULTS)
    one, two = description.entities["one"], description.entities["two"]
    assert one.list is not None and two.list is not None
    assert (one.id, one.list.items, one.list.paging.kind) == ("uuid", "data", "page")
    assert (two.id, two.list.items, two.list.paging.kind, two.list.params) == (
        "key",
        "data",
        "offset",
        {"sort": "at"},
    )
    assert (one.retire is not None, two.retire) == (True, None)
    assert [field.path for field in one.fields] == ["created", "name", "size"]
    assert [(field.path, field.max_length) for field in two.fields] == [("created", None), ("name", None)]


def test_a_mistake_in_defaults_is_told_as_one_of_an_entity() -> None:
    with pytest.raises(ValidationError) as error:
        Description.model_validate({**DEFAULTS, "defaults": {**DEFAULTS["defaults"], "colour": "red"}})
    assert "colour" in str(error.value)
    for defaults in ([], "x", {"fields": "x"}):
        with pytest.raises(ValidationError):
            Description.model_validate({**DEFAULTS, "defaults": defaults, "entities": {"a": {"path": "/a"}}})


@pytest.mark.parametrize(
    ("errors", "field", "why"),
    [
        ({"name": ["can't be blank", "is odd"], "email": ["is no address"]}, "name", "can't be blank"),
        ({"name": "is odd"}, "name", "is odd"),
        ({"at": {"city": ["is unknown"]}}, "at.city", "is unknown"),
        ({"lines": [{"qty": ["is too small"]}]}, "lines.qty", "is too small"),
    ],
)
async def test_errors_can_be_an_object_of_messages_by_field(errors: Any, field: str, why: str) -> None:
    async with guarded(errors={"items": "errors", "message": "message"}) as (api, connector):
        api.allowed = lambda request: False
        api.refusal = {"errors": errors}
        with pytest.raises(Refused) as refused:
            await connector.create("person", {"name": "Ada"}, CreateKey("", "", ""))
        assert (refused.value.field, refused.value.why) == (field, f"{field}: 422: {why}")


async def test_errors_by_field_that_say_nothing_are_a_refusal_all_the_same() -> None:
    async with guarded(errors={"items": "errors", "message": "message"}) as (api, connector):
        api.allowed = lambda request: False
        for said in ({}, {"name": []}, {"name": 7}, {"": {"": []}}):
            api.refusal = {"errors": said}
            with pytest.raises(Refused):
                await connector.create("person", {"name": "Ada"}, CreateKey("", "", ""))
