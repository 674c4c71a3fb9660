"""What the process is at, and who asks."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from instep.runner.run import Progress
from instep.serve.api.models import Model
from instep.serve.parts import TheLive, Viewer

router = APIRouter(tags=["status"])


class Me(Model):
    """Who asks, as the journal will name them."""

    name: str
    role: Literal["viewer", "operator", "admin"]


class ProgressNow(Model):
    """How far a run is."""

    phase: str
    what: str = Field(description="an entity while reading, a pair after")
    count: int
    total: int = Field(description="0 while it is not known")
    requests: int


class NowAt(Model):
    """What the process is at."""

    state: Literal["starting", "idle", "running", "stopping", "stopped"]
    progress: ProgressNow | None = None
    trouble: str = Field(default="", description="why the last run failed; empty if it did not")


@router.get("/me", summary="Who asks")
async def me(person: Viewer) -> Me:
    """By which name and role the token or the session is known."""
    return Me(name=person.name, role=person.role)


@router.get("/now", summary="What the process is at")
async def now(live: TheLive) -> NowAt:
    """Whether a run goes on, how far it is, and whether the last one met trouble."""
    at = live.now
    return NowAt(state=at.state, progress=_progress(at.progress), trouble=at.trouble)


def _progress(at: Progress | None) -> ProgressNow | None:
    if at is None:
        return None
    return ProgressNow(phase=at.phase, what=at.what, count=at.count, total=at.total, requests=at.requests)
