"""A loopback server whose next answers a test dictates, to the single byte, and that keeps what it got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CLOSE = b"<close>"  # close the connection without an answer
HANG = b"<hang>"  # never answer


class Clock:
    """Time that passes only by sleeping on it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@dataclass
class FaultyServer:
    """Answers requests with `script` in order, then with `rest` for ever."""

    script: list[bytes]
    rest: bytes
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""
    connections: int = 0

    @property
    def count(self) -> int:
        return len(self.heads)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    (
                        int(x.split(":")[1])
                        for x in head.lower().split("\r\n")
                        if x.startswith("content-length")
                    ),
                    0,
                )
                self.bodies.append(await reader.readexactly(length))
                self.heads.append(head)
                answer = self.script.pop(0) if self.script else self.rest
                if answer == HANG:
                    await reader.read()
                    return
                if answer == CLOSE:
                    return
                writer.write(answer)
                await writer.drain()
                if b"connection: close" in answer.lower().split(b"\r\n\r\n")[0]:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def http(
    status: int = 200, body: bytes = b"{}", *headers: str, type: str = "application/json", length: int = -1
) -> bytes:
    """A response as bytes; `length` lies about the size of the body."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {type}"]
    lines.append(f"Content-Length: {len(body) if length < 0 else length}")
    lines.extend(headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def faulty_server(script: Sequence[bytes], rest: bytes = http()) -> AsyncIterator[FaultyServer]:
    server = FaultyServer(list(script), rest)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
