"""The API as HTTP: key, path, limits, idempotency, then the handler within one transaction.

A plain ASGI application, to be mounted at /api/v2. Everything it refuses is JSON with an `api_error_code`;
the official SDKs take anything else for an answer that isn't Chargebee's.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging

import msgspec
from starlette.types import Receive, Scope, Send

from . import replays
from .errors import ApiError
from .forms import Tree, parse
from .limits import Limits
from .routes import ROUTES, Handler, resolve
from .site import ApiKey, Call, Site
from .tasks import Work, do_due

logger = logging.getLogger(__name__)

PREFIX = "/api/v2/"
_JSON = b"application/json;charset=utf-8"


class Api:
    """`kinds` are the delayed tasks, which are done before each request that finds them due."""

    def __init__(self, site: Site, kinds: dict[str, Work]) -> None:
        self._site = site
        self._kinds = kinds
        self._limits = Limits(site)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers: dict[str, str] = {}
        try:
            status, body, headers = await self._answer(scope, receive)
        except ApiError as error:
            status, body, headers = error.status, error.body(), error.headers
        except Exception:
            logger.exception("a request to the emulator failed")
            broken = ApiError("internal_error", "Sorry, something went wrong.")
            status, body = broken.status, broken.body()
        shown = [(b"content-type", _JSON), (b"content-length", str(len(body)).encode())]
        shown.extend((name.lower().encode(), value.encode()) for name, value in headers.items())
        await send({"type": "http.response.start", "status": status, "headers": shown})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes, dict[str, str]]:
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        key = self._key(given.get("authorization", ""))
        path = str(scope["path"]).removeprefix(PREFIX)
        found = resolve(path)
        if found is None:
            raise ApiError("resource_not_found", f"{path[:100]} not found")
        template, record_id = found
        if record_id:
            scope["path_params"] = {"id": record_id}
        method = str(scope["method"])
        handler = ROUTES.get((method, template))
        if handler is None:
            raise ApiError("http_method_not_supported", f"{method} is not supported here")
        if method == "POST" and key.role != "full_access":
            raise ApiError("api_authorization_failed", "Sorry, the API key may not write.")
        lock = "/".join(path.split("/")[:2]) if record_id else ""
        with self._limits.admitted(method, lock if method == "POST" else ""):
            raw = await _body(receive) if method == "POST" else b""
            if service_ms := self._site.switches.number("service_time_ms"):
                await asyncio.sleep(service_ms / 1000)
            return self._handle(handler, scope, given, key, record_id, raw)

    def _handle(
        self, handler: Handler, scope: Scope, given: dict[str, str], key: ApiKey, record_id: str, raw: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        site = self._site
        do_due(site, self._kinds)
        quiet = "all-disabled" in (given.get("chargebee-event-webhook"), given.get("chargebee-event-actions"))
        entity = given.get("chargebee-business-entity-id", "")
        call = Call({}, record_id, entity, key.name, "api", quiet)
        if scope["method"] == "GET":
            call.params = _parsed(scope["query_string"])
            return 200, _encoded(handler(site, call)), {}
        idempotency_key = given.get(replays.KEY_HEADER, "")
        mark = replays.fingerprint(scope["path"], raw, given) if idempotency_key else b""
        if idempotency_key and (replay := replays.find(site, idempotency_key, mark)):
            return replay.status, replay.body, {replays.REPLAYED_HEADER: "true"}
        try:
            with site.store.transaction():
                call.params = _parsed(raw)
                body = _encoded(handler(site, call))
                if idempotency_key:
                    replays.keep(site, idempotency_key, mark, 200, body)
        except ApiError as error:
            if idempotency_key and site.switches.choice("idempotency_remembers") == "all":
                replays.keep(site, idempotency_key, mark, error.status, error.body())
            raise
        return 200, body, {}

    def _key(self, authorization: str) -> ApiKey:
        scheme, _, token = authorization.partition(" ")
        try:
            user = base64.b64decode(token, validate=True).decode("utf-8").partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            user = ""
        key = self._site.settings.keys.get(user) if scheme.lower() == "basic" else None
        if key is None:
            raise ApiError("api_authentication_failed", "Sorry, authentication failed. Invalid api key")
        return key


def _encoded(answer: object) -> bytes:
    return answer.encode("utf-8") if isinstance(answer, str) else msgspec.json.encode(answer)


def _parsed(raw: bytes) -> Tree:
    try:
        return parse(raw.decode("utf-8"))
    except (UnicodeDecodeError, ValueError):
        raise ApiError("invalid_request", "The parameters are not form-encoded UTF-8") from None


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError("invalid_request", "The request ended early")
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
