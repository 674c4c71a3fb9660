"""Runs: what they did, beginning one, ending one, and pausing a pair."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from instep.desk.deciding import decided
from instep.desk.history import run_json, writes_of
from instep.desk.records import pair_of
from instep.errors import NotThere
from instep.serve.api.models import Model, Page, Value
from instep.serve.api.paging import Cursor, Limit, after
from instep.serve.parts import Number, Operator, TheLive, TheSite
from instep.store.contract import Run

router = APIRouter(tags=["runs"])


class RunOut(Model):
    """One turn of recover, observe, plan, act."""

    id: int
    kind: str = Field(description="sync, plan or undo")
    started_ms: int
    finished_ms: int | None
    status: str = Field(description="running, done, stopped, braked or failed")
    writes: int
    summary: Value = Field(description="what was written, linked, refused and asked; null while it runs")


def _out(run: Run) -> RunOut:
    return RunOut(**run_json(run), writes=writes_of(run))


@router.get("/runs", summary="Runs, latest first")
async def runs(site: TheSite, limit: Limit = 50, cursor: Cursor = "") -> Page[RunOut]:
    """What each wrote is in the journal: `GET /journal?run=ID`."""
    found = site.store.read(lambda tx: tx.runs(limit, before=after(cursor) or None))
    return Page(items=[_out(run) for run in found], next=str(found[-1].id) if len(found) == limit else None)


@router.get("/runs/{id}", summary="One run")
async def one(site: TheSite, id: Number) -> RunOut:
    """When it was and what came of it."""
    found = site.store.read(lambda tx: tx.run(id))
    if found is None:
        raise NotThere(f"there is no run {id}")
    return _out(found)


@router.post("/runs", summary="Look now", status_code=202)
async def start(site: TheSite, live: TheLive, person: Operator) -> None:
    """Both systems are read at once instead of at their time, and what that brings is done."""
    await decided(site, person.name, "asked for a run")
    live.read_now()


@router.post("/runs/stop", summary="Stop the run that goes on", status_code=202)
async def stop(site: TheSite, live: TheLive, person: Operator) -> None:
    """It ends after the requests that are on their way; what was done is kept, and the next run goes on there."""
    await decided(site, person.name, "stopped the run")
    live.stop_run()


@router.post("/pairs/{pair}/pause", summary="Pause a pair", status_code=204)
async def pause(
    site: TheSite, live: TheLive, person: Operator, pair: Annotated[str, Path(max_length=200)]
) -> None:
    """Nothing of it is written until it is resumed; what changes meanwhile is noticed, and waits."""
    name = pair_of(site, pair).name
    await live.pause(name, person.name)


@router.post("/pairs/{pair}/resume", summary="Let a pair go on", status_code=204)
async def resume(
    site: TheSite, live: TheLive, person: Operator, pair: Annotated[str, Path(max_length=200)]
) -> None:
    """What has waited is done by the next run."""
    name = pair_of(site, pair).name
    await live.resume(name, person.name)
