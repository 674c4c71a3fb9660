"""Is it alive, and is it ready: for supervisors and load balancers, without a token and without a detail."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from instep.errors import StoreError
from instep.serve.live import Live
from instep.serve.parts import TheLive, TheSite
from instep.site import Site, now_ms

router = APIRouter(prefix="/health", tags=["health"])

STALLED_MS: Final = 300_000
"""A loop that has not begun what was due for so long stands still: starting the process anew is the only help."""
RECENT_POLLS: Final = 5
"""So many readings may fail, one after the other, before it is no longer ready."""
PROBE: Final = "health_probe_ms"


def is_alive(live: Live) -> bool:
    """Whether the loop goes on, and takes up what is due."""
    return live.now.state != "stopped" and live.late_ms() < STALLED_MS


@router.get("/live", summary="Alive")
async def alive(live: TheLive, response: Response) -> dict[str, str]:
    """The process answers, and its loop goes on; 503 if that stands still, and has to be started anew."""
    if not is_alive(live):
        response.status_code = 503
        return {"status": "stopped" if live.now.state == "stopped" else "stalled"}
    return {"status": "alive"}


@router.get("/ready", summary="Ready")
async def ready(site: TheSite, live: TheLive, response: Response) -> dict[str, str]:
    """The loop goes on, the store takes writes, and every entity was read lately without trouble; else 503."""
    status = _amiss(site, live) or await _unwritable(site)
    if status:
        response.status_code = 503
    return {"status": status or "ready"}


def _amiss(site: Site, live: Live) -> str:
    """Why it is not ready, "" if it is."""
    if live.now.state in ("starting", "stopping", "stopped"):
        return live.now.state
    if not is_alive(live):
        return "stalled"
    if live.now.troubles:
        return "troubled"
    behind_ms = live.behind_ms()
    if behind_ms is None:
        return "starting"
    allowed_ms = max(RECENT_POLLS * site.file.settings.serve.poll_s * 1000, STALLED_MS)
    return "behind" if behind_ms > allowed_ms else ""


async def _unwritable(site: Site) -> str:
    try:
        await site.store.write(lambda tx: tx.save_meta(PROBE, str(now_ms())))
    except StoreError:
        return "unwritable"
    return ""
