"""Recorded traffic: a real server that answers as a system once did, and the proxy that records it.

A recording is JSON: a list of exchanges, each {"request": {"method", "path", "query", "body"}, "response":
{"status", "headers", "body"}}, in the order in which they happened. It holds no request header, so no credentials;
look through the bodies before you commit it.

    python -m instep.testing.recording https://api.example.com recorded.json

listens on this machine, passes requests on to that address, and writes what went by when it is stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, TypedDict

import aiohttp
import msgspec
from aiohttp import web

from instep.errors import UsageError

KEPT_HEADERS: Final = ("content-type", "date", "etag", "link", "location", "retry-after")
"""Of a response, also every header whose name begins with "x-"; never one that sets a cookie."""


class _Request(TypedDict):
    method: str
    path: str
    query: list[str]
    body: Any


class _Response(TypedDict):
    status: Annotated[int, msgspec.Meta(ge=100, le=599)]
    headers: dict[str, str]
    body: Any


class _Exchange(TypedDict):
    request: _Request
    response: _Response


@dataclass
class Replay:
    """What a replaying server was asked. `surprises`: sentences about requests that differ from the recording."""

    url: str
    expected: Sequence[dict[str, Any]]
    taken: int = 0
    surprises: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise AssertionError unless every recorded exchange took place, and nothing else."""
        left = [_shown(exchange["request"]) for exchange in self.expected[self.taken :]]
        assert not self.surprises and not left, "; ".join(
            [*self.surprises, *(f"never asked: {each}" for each in left)]
        )


@asynccontextmanager
async def replaying(recording: Path | Sequence[dict[str, Any]]) -> AsyncIterator[Replay]:
    """A server on this machine that answers the recorded requests, in their order. Check it at the end.

    Raises UsageError for a file that is no recording.
    """
    replay = Replay("", read_recording(recording) if isinstance(recording, Path) else recording)

    async def answer(request: web.Request) -> web.Response:
        asked = await _request(request)
        if replay.taken >= len(replay.expected):
            replay.surprises.append(f"asked after the end: {_shown(asked)}")
            return web.Response(status=599)
        expected = replay.expected[replay.taken]
        replay.taken += 1
        if asked != expected["request"]:
            replay.surprises.append(f"asked {_shown(asked)}, recorded {_shown(expected['request'])}")
            return web.Response(status=599)
        return _response(expected["response"])

    async with _serving(answer, 0) as replay.url:
        yield replay


@asynccontextmanager
async def recording(target: str, out: Path, port: int = 0) -> AsyncIterator[str]:
    """A proxy on this machine to `target`, whose address it gives; writes the exchanges to `out` at the end."""
    exchanges: list[dict[str, Any]] = []

    async def pass_on(request: web.Request) -> web.Response:
        asked = await _request(request)
        dropped = {"host", "content-length", "accept-encoding", "connection"}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
        url = target.rstrip("/") + request.raw_path
        async with session.request(
            request.method, url, data=await request.read(), headers=headers, allow_redirects=False
        ) as got:
            kept = {n.lower(): v for n, v in got.headers.items() if _kept(n.lower())}
            response = {"status": got.status, "headers": kept, "body": _body(await got.read())}
        exchanges.append({"request": asked, "response": response})
        return _response(response)

    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        try:
            async with _serving(pass_on, port) as url:
                yield url
        finally:
            _write(out, exchanges)


def read_recording(path: Path) -> list[dict[str, Any]]:
    """The exchanges of a file. Raises UsageError if it can't be read or is no recording."""
    fix = f"record one: python -m instep.testing.recording https://api.example.com {path.name}"
    try:
        exchanges = msgspec.json.decode(path.read_bytes(), type=list[_Exchange])
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{path} is no recording", why=why, fix=fix) from None
    return [dict(exchange) for exchange in exchanges]


def _write(out: Path, exchanges: list[dict[str, Any]]) -> None:
    out.write_text(json.dumps(exchanges, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@asynccontextmanager
async def _serving(handler: Any, port: int) -> AsyncIterator[str]:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _request(request: web.Request) -> dict[str, Any]:
    query = sorted(f"{name}={value}" for name, value in request.query.items())
    return {
        "method": request.method,
        "path": request.path,
        "query": query,
        "body": _body(await request.read()),
    }


def _body(data: bytes) -> Any:
    """As JSON where it is JSON, else as text; None for nothing."""
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def _response(response: dict[str, Any]) -> web.Response:
    body = response["body"]
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    headers = {"content-type": "application/json", **response["headers"]}
    return web.Response(status=response["status"], body=text.encode(), headers=headers)


def _kept(name: str) -> bool:
    return name in KEPT_HEADERS or name.startswith("x-")


def _shown(request: dict[str, Any]) -> str:
    query = f"?{'&'.join(request['query'])}" if request["query"] else ""
    body = "" if request["body"] is None else f" {json.dumps(request['body'], ensure_ascii=False):.200}"
    return f"{request['method']} {request['path']}{query}{body}"


async def _record(target: str, out: Path) -> None:
    async with recording(target, out) as url:
        print(f"{url} passes on to {target}; Ctrl-C writes {out}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m instep.testing.recording https://api.example.com recorded.json")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_record(sys.argv[1], Path(sys.argv[2])))
