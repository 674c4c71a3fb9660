"""Webhooks of the ERP: each change in the history, in its order, to each address of the setting `webhooks`.

The history is the outbox: how far an address has been told is on file, so that a restart loses none. One that is
not taken is sent again, ever more rarely on the ERP's clock, and what comes later waits; after a day it is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
from starlette.types import ASGIApp

from instep.sandbox.erp.books import Books, iso

HEADER, TIMESTAMP = "x-erp-signature", "x-erp-timestamp"
TIMEOUT_S = 10.0
FIRST_RETRY_S, LONGEST_RETRY_S, GIVEN_UP_S = 1.0, 300.0, 86_400.0
_SENT = "webhooks_sent"
_encode = msgspec.json.encode


class Sender:
    """`secret` signs: `sha256=` and the HMAC of the time, a dot and the body."""

    def __init__(self, books: Books, secret: str) -> None:
        self._books, self._secret = books, secret
        self._news = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        books.on_change = self._wake

    @contextlib.asynccontextmanager
    async def sending(self, _app: ASGIApp) -> AsyncIterator[None]:
        """A lifespan: sends as long as it lasts."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
            task = asyncio.create_task(self._run(session))
            try:
                yield
            finally:
                for each in (task, *self._tasks.values()):
                    each.cancel()
                await asyncio.gather(task, *self._tasks.values(), return_exceptions=True)

    async def _run(self, session: aiohttp.ClientSession) -> None:
        """Keep one task per address that the setting names."""
        while True:
            news = self._news
            wanted = self._books.settings.webhooks
            for url in set(self._tasks) - set(wanted):
                self._tasks.pop(url).cancel()
                self._save({known: at for known, at in self._sent().items() if known != url})
            for url in set(wanted) - set(self._tasks):
                self._tasks[url] = asyncio.create_task(self._tell(session, url))
            await news.wait()

    async def _tell(self, session: aiohttp.ClientSession, url: str) -> None:
        books, wait_s, since_s = self._books, 0.0, 0.0
        sent = self._sent().get(url)
        if sent is None:
            sent = self._note(url, books.last_change())
        while True:
            news = self._news
            entry = next(iter(books.history(None, None, sent, 1)), None)
            if entry is None:
                await news.wait()
                continue
            since_s = since_s or books.clock.now()
            if await self._posted(session, url, entry) or books.clock.now() - since_s > GIVEN_UP_S:
                sent, wait_s, since_s = self._note(url, entry["number"]), 0.0, 0.0
                continue
            wait_s = min(wait_s * 2 or FIRST_RETRY_S, LONGEST_RETRY_S)
            await books.clock.sleep_until(books.clock.now() + wait_s)

    async def _posted(self, session: aiohttp.ClientSession, url: str, entry: dict[str, Any]) -> bool:
        """Whether the receiver took it: any 2xx."""
        body, moment = _encode(event(entry)), str(self._books.clock.now_ms() // 1000)
        signed = hmac.digest(self._secret.encode(), f"{moment}.".encode() + body, "sha256").hex()
        headers = {"content-type": "application/json", TIMESTAMP: moment, HEADER: f"sha256={signed}"}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return 200 <= answer.status < 300
        return False

    def _sent(self) -> dict[str, int]:
        found: dict[str, int] = self._books.documents.setting(_SENT) or {}
        return found

    def _note(self, url: str, number: int) -> int:
        self._save({**self._sent(), url: number})
        return number

    def _save(self, sent: dict[str, int]) -> None:
        self._books.documents.set_setting(_SENT, sent)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def event(entry: dict[str, Any]) -> dict[str, Any]:
    """One entry of the history as a webhook tells it: which record changed, and nothing of what it holds."""
    return {
        "id": f"evt-{entry['number']}",
        "type": f"{entry['entity']}.{entry['action']}",
        "at": iso(entry["at_ms"]),
        "record": {"id": entry["id"], "version": entry["version"]},
    }
