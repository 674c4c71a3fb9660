"""A company kept in step in the test's own event loop, with everybody told who wants to be."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from instep.runner.polling import Rhythm
from instep.serve import logs
from instep.serve.access import access_of
from instep.serve.app import build_app
from instep.serve.hooks import Heard
from instep.serve.live import Live
from instep.serve.metrics import Metrics
from instep.serve.observing import Observing
from instep.serve.serving import listener, serving, url_of
from instep.serve.traces import Traces
from instep.site import Site, opened

from .hooks_site import TOKENS

QUICK = {"slow_ms": 500, "busy_ms": 200, "tick_ms": 50, "failed_ms": 100}


@dataclass
class Observed:
    url: str
    site: Site
    live: Live
    metrics: Metrics
    heard: Heard
    log: io.StringIO
    client: aiohttp.ClientSession

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """What was logged, of that event if it is given."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if not event or line["event"] == event]

    async def get(self, path: str, role: str = "viewer") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {TOKENS.get(role, role)}"}
        async with self.client.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def observed(directory: Path, traces: Traces | None = None, **rhythm: int) -> AsyncIterator[Observed]:
    """`instep serve`, put together as the command does it, but for the notifier and the signals."""
    observing, stream = Observing(Metrics(), traces), io.StringIO()
    async with opened(directory, log=observing.exchanged) as site, aiohttp.ClientSession() as client:
        logs.configure(site.secrets, stream)
        site.spans = observing.spans
        live = Live(site, rhythm=Rhythm(**{**QUICK, **rhythm}))
        access = access_of([(token, name, name) for name, token in TOKENS.items()])  # type: ignore[misc]
        app = build_app(site, live, access, observing.metrics)
        listening = listener("127.0.0.1", 0)
        going = asyncio.ensure_future(live.go_on())
        try:
            async with serving(app, listening):
                yield Observed(
                    url_of(listening), site, live, observing.metrics, app.state.heard, stream, client
                )
        finally:
            live.stop()
            await going
            if traces is not None:
                await asyncio.to_thread(traces.close)
