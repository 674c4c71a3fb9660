"""That something changed, told to pages that are open, as server-sent events: they then fetch what they show anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from instep.serve.console.pages import Viewing
from instep.serve.live import Now
from instep.serve.parts import TheLive
from instep.serve.sessions import Sessions

router = APIRouter()

BEAT_S: Final = 20.0
"""An open line says something this often, so that one that is dead is noticed."""


@router.get("/events")
async def events(visit: Viewing, live: TheLive) -> StreamingResponse:
    sessions: Sessions[object] = visit.request.app.state.sessions
    id = visit.request.cookies.get(sessions.cookie, "")

    async def told() -> AsyncIterator[str]:
        changes = live.subscribe()
        waiting: asyncio.Future[Now | None] | None = None
        try:
            while sessions.find(id, used=False) is not None:
                waiting = waiting or asyncio.ensure_future(anext(changes, None))
                done, _ = await asyncio.wait([waiting], timeout=BEAT_S)
                if not done:
                    yield ": still here\n\n"
                    continue
                now, waiting = waiting.result(), None
                if now is None:
                    return
                yield f"data: {now.state}\n\n"
        finally:
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            if isinstance(changes, AsyncGenerator):
                await changes.aclose()

    return StreamingResponse(told(), media_type="text/event-stream")
