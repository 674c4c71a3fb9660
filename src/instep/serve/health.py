"""Is it alive, and is it ready: for supervisors and load balancers, without a token and without a detail."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/ready")
async def ready(request: Request, response: Response) -> dict[str, str]:
    """The loop goes on and its last run met no trouble; 503 otherwise."""
    now = request.app.state.live.now
    if now.state in ("starting", "stopping", "stopped") or now.trouble:
        response.status_code = 503
        return {"status": "troubled" if now.trouble else now.state}
    return {"status": "ready"}
