"""How a sandbox server is served: uvicorn on 127.0.0.1, one JSON line when ready, a clean end.

The protocol hands the connection to the application (scope extension `TRANSPORT`), because a fault that
cuts a connection can't be expressed in ASGI.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TRANSPORT = "instep.sandbox.transport"
_PARENT_POLL_S = 0.5
_END_S = 2


class CuttableProtocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class SandboxServer(uvicorn.Server):
    """Ends with status 0 on SIGTERM and SIGINT, and calls `ready` once it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._ended = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def main_loop(self) -> None:
        # uvicorn looks every 0.1 s; waiting instead makes an idle server cost nothing and end at once.
        await self._ended.wait()

    def stop(self) -> None:
        self.should_exit = True
        self._ended.set()


def serve(app: ASGIApp, *, system: str, port: int = 0, with_parent: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, or until the parent process is gone if `with_parent`.

    Prints one line when requests are answered: `{"system": ..., "url": ..., "pid": ...}`.
    Raises OSError if the port is taken.
    """
    asyncio.run(_serve(app, system, port, with_parent))


async def _serve(app: ASGIApp, system: str, port: int, with_parent: bool) -> None:
    listener = _listener(port)
    url = _url(listener)

    def ready() -> None:
        print(json.dumps({"system": system, "url": url, "pid": os.getpid()}), flush=True)

    server = SandboxServer(_config(app), ready)
    watch = asyncio.create_task(_stop_with_parent(server)) if with_parent else None
    try:
        await server.serve(sockets=[listener])
    finally:
        if watch is not None:
            watch.cancel()


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` in this very event loop while the block runs; yields its URL."""
    listener = _listener(port)
    started = asyncio.Event()
    server = SandboxServer(_config(app), started.set)
    # _serve is serve without the signal handlers, which belong to the host here.
    task = asyncio.create_task(server._serve(sockets=[listener]))
    waiting = asyncio.create_task(started.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            raise OSError("the sandbox server ended while it was starting")
        yield _url(listener)
    finally:
        waiting.cancel()
        server.stop()
        await task


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        date_header=False,  # CountingMiddleware sets it, from the sandbox clock
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_END_S,
    )


def _listener(port: int) -> socket.socket:
    # asyncio turns Nagle's delay (40 ms an answer) off only on sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def _stop_with_parent(server: SandboxServer) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing signals this event portably
        await asyncio.sleep(_PARENT_POLL_S)
    server.stop()
