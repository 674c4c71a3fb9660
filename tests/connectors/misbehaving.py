"""A server that passes requests on to a real one, and spoils some of its answers on the way back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from .faulty_server import CLOSE
from .mutations import Good

PASSED_ON = ("authorization", "content-type", "if-match", "chargebee-idempotency-key", "idempotency-key")
KEPT = ("etag", "date", "link", "chargebee-idempotency-replayed")

Spoil = Callable[[str, Good], bytes]
"""From "METHOD PATH" and the real answer to the bytes that go out."""


@dataclass
class Misbehaving:
    """`spoil` is asked about each answer; `count` counts requests. Give up on a client that never stops: `most`."""

    inner: str
    client: aiohttp.ClientSession
    spoil: Spoil = lambda _what, good: good.wire()
    count: int = 0
    most: int = 100_000
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        raw = dict(line.split(": ", 1) for line in lines if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.count += 1
        if self.count > self.most:
            return False
        passed = {name: value for name, value in raw.items() if name.lower() in PASSED_ON}
        good = await self._ask(method, target, passed, body)
        answer = self.spoil(f"{method} {target}", good)
        if answer == CLOSE:
            return False
        writer.write(answer)
        await writer.drain()
        return answer == good.wire()  # after a spoilt answer nobody knows where the next one would begin

    async def _ask(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Good:
        url = URL(self.inner + target, encoded=True)
        async with self.client.request(method, url, headers=headers, data=body or None) as answer:
            kept = tuple(f"{name}: {value}" for name, value in answer.headers.items() if name.lower() in KEPT)
            return Good(answer.status, await answer.read(), kept)


@asynccontextmanager
async def misbehaving(inner: str) -> AsyncIterator[Misbehaving]:
    """In front of the server at `inner`, in this event loop."""
    async with aiohttp.ClientSession() as client:
        server = Misbehaving(inner, client)
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        try:
            yield server
        finally:
            listener.close()
