"""The loop and the web server in one process, until one of them ends or a signal asks for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from instep.errors import UsageError

END_S: Final = 5
"""Requests that are being answered have this long when the server ends."""
HEAD_S: Final = 10.0
"""The head of a request is here within this time, or its connection is closed."""
CONNECTIONS: Final = 500
"""Who comes beyond so many is answered 503: the files that a process may open are needed by the connectors, too."""


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 for any that is free. Raises UsageError if it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay off only on sockets that name their protocol.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise UsageError(
            f"{host}:{port} can't be listened at",
            why=error.strerror or str(error),
            fix="give another --port, or 0 for any that is free",
        ) from None
    return found


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Hasty(HttpToolsProtocol):
    """uvicorn waits for the head of a request for ever; this does not."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD_S, transport.close)

    def on_message_begin(self) -> None:
        self._head.cancel()
        self._head = self.loop.call_later(HEAD_S, self.transport.close)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head.cancel()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head.cancel()
        super().connection_lost(exc)


@asynccontextmanager
async def serving(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """`app` is served in this event loop for as long as the block lasts; signals are left to the caller."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=_Hasty,
            ws="none",
            limit_concurrency=CONNECTIONS,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=END_S,
        )
    )
    # _serve is serve without the signal handlers.
    task = asyncio.ensure_future(server._serve(sockets=[listening]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        if task.done():
            task.result()
            raise UsageError("the web server ended while it was starting")
        yield
    finally:
        server.should_exit = True
        await task
