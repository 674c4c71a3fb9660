"""Webhooks on their way: asynchronous, repeated on the site's clock, and sometimes wrong on purpose.

Source: Chargebee API, "webhooks": a delivery succeeds with any 2xx; a failed one is tried again after 2 min,
6 min, 30 min, 1 h, 5 h, 1 day and 2 days, then never. Deliveries are on file, so a restart loses none.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging

import aiohttp

from . import events
from .site import Site
from .store import decoded, encoded, sql
from .tasks import Work, do_due

logger = logging.getLogger(__name__)

RETRY_AFTER_S = (120, 360, 1_800, 3_600, 18_000, 86_400, 172_800)
_OVERTAKEN_MS = 1_000
_NEVER = 1 << 62


class Dispatcher:
    """Plans deliveries as events come, and makes them while `run` runs."""

    def __init__(self, site: Site, kinds: dict[str, Work]) -> None:
        self._site = site
        self._kinds = kinds
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    def plan(self, event_seq: int, endpoints: list[str]) -> None:
        """Deliveries of one event. The switches webhook_drop, _duplicate, _reorder and _delay_ms act here; an
        overtaken delivery is one that waits a second of the site's clock longer."""
        site, chance = self._site, self._site.switches.number
        for endpoint in endpoints:
            if site.draw.random() < chance("webhook_drop"):
                continue
            due_ms = site.clock.now_ms() + int(chance("webhook_delay_ms"))
            if site.draw.random() < chance("webhook_reorder"):
                due_ms += _OVERTAKEN_MS
            for _ in range(2 if site.draw.random() < chance("webhook_duplicate") else 1):
                site.store.run(
                    "INSERT INTO delivery(event_seq, endpoint, attempt, due_ms) VALUES(?, ?, 0, ?)",
                    (event_seq, endpoint, due_ms),
                )
        self.wake()

    async def run(self) -> None:
        """Does what falls due, until cancelled."""
        async with aiohttp.ClientSession() as session:
            while True:
                self._news.clear()
                do_due(self._site, self._kinds)
                rows = self._site.store.run(
                    "SELECT seq, event_seq, endpoint, attempt, due_ms FROM delivery"
                    " ORDER BY due_ms, seq LIMIT 1"
                )
                if rows and rows[0][4] <= self._site.clock.now_ms():
                    await self._deliver(session, *rows[0][:4])
                    continue
                due_ms = min(rows[0][4] if rows else _NEVER, self._site.next_task_ms)
                await self._wait(due_ms)

    async def _wait(self, due_ms: int) -> None:
        """Until there is news, or the site's clock (however it is moved) shows `due_ms`."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._news.wait())]
        if due_ms < _NEVER:
            waits.append(asyncio.ensure_future(self._site.clock.sleep_until(due_ms / 1000)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _deliver(
        self, session: aiohttp.ClientSession, seq: int, event_seq: int, endpoint_id: str, attempt: int
    ) -> None:
        store = self._site.store
        endpoint = store["webhook_endpoint"].get(endpoint_id)
        found = store.run(sql("SELECT", events.COLUMNS, "FROM event WHERE seq = ?"), (event_seq,))
        if endpoint is None or endpoint.doc["disabled"] or not found:
            self._settle(seq, event_seq, endpoint_id, "skipped")
            return
        headers = {"content-type": "application/json", "user-agent": "ChargeBee"}
        if name := endpoint.private.get("basic_auth_username"):
            credentials = f"{name}:{endpoint.private.get('basic_auth_password', '')}"
            headers["authorization"] = "Basic " + base64.b64encode(credentials.encode("utf-8")).decode(
                "ascii"
            )
        timeout = aiohttp.ClientTimeout(total=self._site.switches.number("webhook_timeout_s") or None)
        succeeded = False
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with session.post(
                endpoint.doc["url"],
                data=events.shown(found[0]).encode("utf-8"),
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                succeeded = 200 <= answer.status < 300
        if succeeded:
            self._settle(seq, event_seq, endpoint_id, "succeeded")
        elif attempt < len(RETRY_AFTER_S):
            due_ms = self._site.clock.now_ms() + RETRY_AFTER_S[attempt] * 1000
            with store.transaction():
                store.run(
                    "UPDATE delivery SET attempt = ?, due_ms = ? WHERE seq = ?", (attempt + 1, due_ms, seq)
                )
                self._note(event_seq, endpoint_id, "re_scheduled")
        else:
            self._settle(seq, event_seq, endpoint_id, "failed")

    def _settle(self, seq: int, event_seq: int, endpoint_id: str, status: str) -> None:
        with self._site.store.transaction():
            self._site.store.run("DELETE FROM delivery WHERE seq = ?", (seq,))
            self._note(event_seq, endpoint_id, status)

    def _note(self, event_seq: int, endpoint_id: str, status: str) -> None:
        """The state per endpoint, and from them the event's own: the worst of them, while any is open."""
        store = self._site.store
        held = decoded(store.run("SELECT webhooks FROM event WHERE seq = ?", (event_seq,))[0][0])
        others = [each for each in held if each["id"] != endpoint_id]
        webhooks = [*others, {"id": endpoint_id, "webhook_status": status, "object": "webhook"}]
        states = {each["webhook_status"] for each in webhooks}
        still_open = store.run(
            "SELECT 1 FROM delivery WHERE event_seq = ? AND attempt = 0 LIMIT 1", (event_seq,)
        )
        overall = next(
            (each for each in ("failed", "re_scheduled") if each in states),
            "scheduled" if still_open else "succeeded" if "succeeded" in states else "skipped",
        )
        store.run(
            "UPDATE event SET webhooks = ?, webhook_status = ? WHERE seq = ?",
            (encoded(webhooks), overall, event_seq),
        )
