"""The loop and the web server in one process, until one of them ends or a signal asks for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from instep.errors import UsageError

END_S: Final = 5
"""Requests that are being answered have this long when the server ends."""


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


@asynccontextmanager
async def serving(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """`app` is served in this event loop for as long as the block lasts; signals are left to the caller."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            ws="none",
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
