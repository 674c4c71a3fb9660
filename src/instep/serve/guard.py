"""What goes around every answer: headers that keep a browser safe, and bounds on what a request may bring."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES: Final = 1 << 20
BODY_S: Final = 30.0
"""A body is here within this time, or not at all."""

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that, browsers leave the origin out of a form's request, and it could not be checked.
    # Other sites are told nothing either way.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Guard:
    """Middleware: a body that is too large is refused with 413, one that comes too slowly with 408."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES, body_s: float = BODY_S) -> None:
        self.app, self.most_bytes, self.body_s = app, most_bytes, body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, _Bounded(receive, self.most_bytes, self.body_s), guarded)


class _Bounded:
    """The body of a request, counted and timed until it is whole."""

    def __init__(self, receive: Receive, most_bytes: int, body_s: float) -> None:
        self._receive, self._left = receive, most_bytes
        self._until = asyncio.get_running_loop().time() + body_s
        self._whole = False

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is the end of the connection, for which there is no hurry
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the request took too long to arrive", {"Connection": "close"}) from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, "the request is too large", {"Connection": "close"})
        self._whole = not message.get("more_body", False)
        return message
