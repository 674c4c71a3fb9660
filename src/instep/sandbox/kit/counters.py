"""What a server was asked: requests by method, route and status, and the last few in full order.

The outermost middleware, so that it sees what the client got. It also sets the `Date` header from the clock, and a
header with an id of its own for each request.
Requests to the console itself are not counted.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from instep.sandbox.kit.clock import Clock

CONSOLE = "/_console"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
RECENT = 1000
BODY_LIMIT = 4096
_SECRET_WORDS = ("token", "secret", "password", "key")


class Counters:
    """`status` 0 stands for a connection that ended without an answer."""

    def __init__(self) -> None:
        self.keep_bodies = False
        self._by: Counter[tuple[str, str, int]] = Counter()
        self._recent: deque[dict[str, Any]] = deque(maxlen=RECENT)
        self._number = self._last_id = 0

    def next_id(self) -> str:
        """An id for a request, which its answer carries in a header and `recent` names it by."""
        self._last_id += 1
        return f"req_{self._last_id:08d}"

    def note(self, scope: Scope, status: int, at_ms: int, body: bytes = b"", request_id: str = "") -> None:
        method = scope["method"]
        self._by[method, route_of(scope), status] += 1
        self._number += 1
        entry: dict[str, Any] = {
            "n": self._number,
            "request_id": request_id,
            "at_ms": at_ms,
            "method": method,
            "path": scope["path"],
            "params": _params(scope["query_string"]),
            "status": status,
        }
        if body:
            entry["body"] = body[:BODY_LIMIT].decode("utf-8", "replace")
        self._recent.append(entry)

    def reset(self) -> None:
        self._by.clear()
        self._recent.clear()

    def state(self) -> dict[str, Any]:
        """`writes` counts every request with a writing method, `refused` those answered 4xx or 5xx."""
        by = sorted(self._by.items())
        return {
            "total": sum(count for _, count in by),
            "reads": sum(count for (method, _, _), count in by if method in READS),
            "writes": sum(count for (method, _, _), count in by if method not in READS),
            "refused": sum(count for (_, _, status), count in by if status >= 400),
            "by": [
                {"method": method, "route": route, "status": status, "count": count}
                for (method, route, status), count in by
            ],
            "keep_bodies": self.keep_bodies,
        }

    def recent(self, limit: int = RECENT) -> list[dict[str, Any]]:
        """The newest `limit` requests, oldest first."""
        return list(self._recent)[-limit:] if limit > 0 else []


class CountingMiddleware:
    """`id_header`: where an answer tells the id of its request."""

    def __init__(self, app: ASGIApp, counters: Counters, clock: Clock, id_header: str) -> None:
        self._app = app
        self._id_header = id_header.lower().encode("ascii")
        self._counters = counters
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        body = bytearray()
        request_id = self._counters.next_id()

        async def dated_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"date", self._clock.http_date()), (self._id_header, request_id.encode("ascii"))]
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        async def heard_receive() -> Message:
            message = await receive()
            if message["type"] == "http.request" and len(body) < BODY_LIMIT:
                body.extend(message.get("body", b""))
            return message

        console = scope["path"].startswith(CONSOLE)
        keep = self._counters.keep_bodies and not console and "token" not in scope["path"]
        try:
            await self._app(scope, heard_receive if keep else receive, dated_send)
        finally:
            if not console:
                self._counters.note(scope, status, self._clock.now_ms(), bytes(body), request_id)


def route_of(scope: Scope) -> str:
    """The path with its parameters named: `/api/v1/contacts/{id}`; as asked, where no route was reached."""
    path: str = scope["path"]
    params: dict[str, Any] = scope.get("path_params") or {}
    segments = path.split("/")
    for name, value in params.items():
        text = str(value)
        for place in range(len(segments) - 1, -1, -1):
            if segments[place] == text:
                segments[place] = "{" + name + "}"
                break
    return "/".join(segments)


def _params(query: bytes) -> dict[str, str]:
    if not query:
        return {}
    pairs = parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True)
    return {
        name: "***" if any(word in name.lower() for word in _SECRET_WORDS) else value for name, value in pairs
    }
