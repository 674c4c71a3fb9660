"""Getting into APIs that sign requests, hand out tokens for tokens, count what is left, and page by the last row."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from instep.connectors.clock import used_up_s
from instep.connectors.contract import CreateKey
from instep.connectors.rest import Description, RestConnector
from instep.connectors.rest.description_auth import Signature
from instep.dataflow.secrets import keeper, resolver
from instep.errors import BadAnswer, Stop, StoreError
from instep.sandbox.kit import listening

PEOPLE: dict[str, Any] = {
    "path": "/people",
    "list": {
        "items": "data",
        "paging": {
            "kind": "keyset",
            "param": "starting_after",
            "more": "has_more",
            "size_param": "limit",
            "size": 2,
        },
    },
    "fields": [{"path": "name", "required": True}],
}
SIGNED = {
    "kind": "hmac",
    "key_id": "k-1",
    "secret": "env:SECRET",
    "text": "{method}|{path}|{timestamp}|{nonce}|{body_hash}",
    "headers": {
        "Authorization": "HMAC {key_id}:{signature}",
        "X-Time": "{timestamp}",
        "X-Nonce": "{nonce}",
    },
}


class Modern:
    """People by id. `signed`: every request has to be. `tokens`: good ones; each refresh token counts once."""

    def __init__(self, *, signed: bool = False, tokens: bool = False) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.signed, self.nonces = signed, set[str]()
        self.refresh, self.access, self.refreshed = "refresh-0", "" if tokens else None, 0
        self.answer_headers: dict[str, str] = {}
        self.times: list[float] = []
        self.app = Starlette(
            routes=[
                Route("/people", self.listed, methods=["GET"]),
                Route("/people", self.made, methods=["POST"]),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def let_in(self, request: Request) -> bool:
        self.times.append(time.monotonic())
        if self.signed:
            body = await request.body()
            moment, nonce = request.headers["x-time"], request.headers["x-nonce"]
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            text = f"{request.method}|{path}|{moment}|{nonce}|{hashlib.sha256(body).hexdigest()}"
            right = hmac.digest(b"geheim", text.encode(), "sha256").hex()
            fresh = abs(int(moment) - time.time()) < 60 and nonce not in self.nonces
            self.nonces.add(nonce)
            return fresh and request.headers["authorization"] == f"HMAC k-1:{right}"
        return self.access is None or request.headers.get("authorization") == f"Bearer {self.access}"

    async def listed(self, request: Request) -> Response:
        if not await self.let_in(request):
            return JSONResponse({"message": "no"}, 401)
        after, limit = request.query_params.get("starting_after"), int(request.query_params["limit"])
        ids = sorted(self.people)
        ids = ids[ids.index(after) + 1 :] if after else ids
        rows = [self.people[id] for id in ids[:limit]]
        return JSONResponse({"data": rows, "has_more": len(ids) > limit}, headers=self.answer_headers)

    async def made(self, request: Request) -> Response:
        if not await self.let_in(request):
            return JSONResponse({"message": "no"}, 401)
        id = f"p{len(self.people)}"
        self.people[id] = {"id": id, **await request.json()}
        return JSONResponse(self.people[id], 201)

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        right = {"grant_type": "refresh_token", "refresh_token": self.refresh, "client_id": "me"}
        if {**form, **right} != form or form["client_secret"] != "geheim":
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.refreshed += 1
        self.refresh, self.access = f"refresh-{self.refreshed}", f"access-{self.refreshed}"
        return JSONResponse({"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600})


@asynccontextmanager
async def modern(directory: Path, auth: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Any]:
    """The API and a function that makes connectors to it, each as after a restart."""
    api = Modern(**options)
    made: list[RestConnector] = []
    async with listening(api.app) as url:

        def connect(people: dict[str, Any] = PEOPLE) -> RestConnector:
            described = {"base_url": url, "auth": auth, "entities": {"person": people}}
            secrets = resolver(directory=directory, environ={"SECRET": "geheim"})
            made.append(
                RestConnector(
                    Description.model_validate(described), secrets, keep=keeper(directory=directory)
                )
            )
            return made[-1]

        try:
            yield api, connect
        finally:
            for connector in made:
                await connector.close()


async def names(connector: RestConnector) -> list[object]:
    return [r.fields["name"] async for page in connector.list("person", None) for r in page.records]


async def test_every_request_is_signed_with_its_query_and_its_body(tmp_path: Path) -> None:
    async with modern(tmp_path, SIGNED, signed=True) as (api, connect):
        connector = connect()
        for n in range(5):
            await connector.create("person", {"name": f"Åse {n}"}, CreateKey("", "", ""))
        assert await names(connector) == [f"Åse {n}" for n in range(5)]
        assert len(api.nonces) == 8


async def test_a_wrong_secret_stops_with_a_sentence(tmp_path: Path) -> None:
    wrong = {**SIGNED, "secret": "file:wrong"}
    (tmp_path / "wrong").write_text("another")
    async with modern(tmp_path, wrong, signed=True) as (_, connect):
        with pytest.raises(Stop):
            await names(connect())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"text": "{methd}"}, "{methd} is not known here"),
        ({"headers": {"X-Sig": "{body}"}}, "{body} is not known here"),
        ({"headers": {"X-Time": "{timestamp}"}}, "no header holds the {signature}"),
        ({"secret": "geheim"}, "a secret is written as env:NAME"),
    ],
)
def test_a_signature_that_can_not_be_made_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Signature.model_validate({**SIGNED, **change})
    assert why in str(caught.value)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("moment", ["epoch_s", "epoch_ms", "iso"])
async def test_a_signature_is_that_of_the_standard_library(encoding: str, moment: str) -> None:
    import base64

    from instep.connectors.http import Outgoing
    from instep.connectors.rest.auth import Signing

    auth = Signature.model_validate(
        {
            **SIGNED,
            "text": "{timestamp}{body}",
            "encoding": encoding,
            "timestamp": moment,
            "algorithm": "sha512",
            "headers": {"S": "{signature}"},
        }
    )
    signing = Signing(auth, lambda _: "geheim", now_ms=lambda: 1_790_000_000_123)
    told = (await signing.headers(Outgoing("POST", "/x", b'{"a": 1}')))["S"]
    at = {"epoch_s": "1790000000", "epoch_ms": "1790000000123", "iso": "2026-09-21T14:13:20Z"}[moment]
    right = hmac.digest(b"geheim", f'{at}{{"a": 1}}'.encode(), "sha512")
    assert told == (right.hex() if encoding == "hex" else base64.b64encode(right).decode())


REFRESHING = {
    "kind": "oauth2",
    "token_url": "/token",
    "client_id": "me",
    "client_secret": "env:SECRET",
    "refresh_token": "file:refresh.secret",
}


async def test_a_new_refresh_token_is_kept_and_used_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "refresh.secret").write_text("refresh-0\n")
    async with modern(tmp_path, REFRESHING, tokens=True) as (api, connect):
        assert await names(connect()) == []
        assert (tmp_path / "refresh.secret").read_text() == "refresh-1"
        assert (tmp_path / "refresh.secret").stat().st_mode & 0o077 == 0
        assert await names(connect()) == []
        assert api.refreshed == 2
    assert [path.name for path in tmp_path.iterdir()] == ["refresh.secret"]  # noqa: ASYNC240


async def test_a_refresh_token_that_is_no_longer_good_stops_and_says_that_a_person_is_needed(
    tmp_path: Path,
) -> None:
    (tmp_path / "refresh.secret").write_text("stolen")
    async with modern(tmp_path, REFRESHING, tokens=True) as (_, connect):
        with pytest.raises(Stop) as stopped:
            await names(connect())
    assert "invalid_grant" in stopped.value.why
    assert "a person has to give a new refresh token" in stopped.value.fix


def test_a_secret_that_can_not_be_kept_says_so(tmp_path: Path) -> None:
    keep = keeper(directory=tmp_path)
    keep("env:SECRET", "new")
    with pytest.raises(StoreError) as caught:
        keep("file:nowhere/refresh.secret", "new")
    assert "nowhere/refresh.secret" in caught.value.what
    assert "new" not in str(caught.value).replace("the new secret", "").replace("a new one", "")


async def test_a_quota_that_is_used_up_is_waited_for(tmp_path: Path) -> None:
    async with modern(tmp_path) as (api, connect):
        api.people = {f"p{n}": {"id": f"p{n}", "name": "x"} for n in range(3)}
        api.answer_headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}
        await names(connect())
        assert api.times[1] - api.times[0] >= 0.95


NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "9"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, 9),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1790000030"}, 30),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "1790000000500"}, 0.5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1789999999"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "999999"}, 3600),
        ({"ratelimit": '"default";r=0;t=30'}, 30),
        ({"ratelimit": '"default";r=50;t=30'}, None),
        ({"ratelimit": "limit=100, remaining=0, reset=5"}, 5),
        ({"x-ratelimit": "default;r=0;t=55"}, 55),
    ],
)
def test_what_headers_say_of_a_quota(headers: dict[str, str], seconds: float | None) -> None:
    assert used_up_s(headers, NOW_MS) == seconds


async def test_pages_that_follow_the_last_row_are_all_read(tmp_path: Path) -> None:
    async with modern(tmp_path) as (api, connect):
        api.people = {f"p{n}": {"id": f"p{n}", "name": f"n{n}"} for n in range(7)}
        assert await names(connect()) == [f"n{n}" for n in range(7)]
        assert len(api.times) == 4


async def test_a_last_row_without_a_name_is_not_believed(tmp_path: Path) -> None:
    async with modern(tmp_path) as (api, connect):
        api.people = {f"p{n}": {"id": f"p{n}", "name": "x"} for n in range(3)}
        page = PEOPLE["list"]["paging"]
        described = {**PEOPLE, "list": {**PEOPLE["list"], "paging": {**page, "field": "number"}}}
        with pytest.raises(BadAnswer, match="its last row has no number"):
            await names(connect(described))
