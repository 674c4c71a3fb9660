"""Runs: what they did, beginning one, ending one, and pausing a pair."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from instep.desk.deciding import decided
from instep.desk.records import pair_of
from instep.desk.runs import told, told_json
from instep.errors import NotThere
from instep.serve.api.models import Model, Page, SideName, Value
from instep.serve.api.paging import Cursor, Limit, after
from instep.serve.parts import Number, Operator, TheLive, TheSite
from instep.store.contract import Run, Tx

router = APIRouter(tags=["runs"])


class WritesOut(Model):
    """Writes of one kind."""

    pair: str
    operation: str = Field(description="create, update or retire")
    side: SideName
    count: int


class UndoingOut(Model):
    """A run that takes back another."""

    run: int
    partly: bool = Field(description="a part of it alone, or not to the end")


class RunOut(Model):
    """One turn of recover, observe, plan, act."""

    id: int
    kind: str = Field(description="sync, live, plan, undo, audit or qa")
    started_ms: int
    finished_ms: int | None
    status: str = Field(description="running, done, stopped, braked or failed")
    writes: int = Field(description="how many it has made; while it runs, so far")
    made: list[WritesOut] = Field(description="the same by pair, operation and side")
    planned: int | None = Field(description="how many writes a plan has found; null for other runs")
    troubles: dict[str, str] = Field(
        description='what could not be worked on ("side:entity", a pair or a log), and why'
    )
    broken_off: bool = Field(
        description="it never came to its end, and will not; its status is still running"
    )
    undoes: int = Field(description="the run that it takes back; 0 for none")
    partly: bool = Field(description="that it takes back a part of it alone")
    undone_by: list[UndoingOut] = Field(description="the runs that take it back, first to last")
    summary: Value = Field(description="what was written, linked, refused and asked; null while it runs")


def _out(tx: Tx, run: Run) -> RunOut:
    return RunOut(**told_json(told(tx, run)))


@router.get("/runs", summary="Runs, latest first")
async def runs(site: TheSite, limit: Limit = 50, cursor: Cursor = "") -> Page[RunOut]:
    """What each wrote is in the journal: `GET /journal?run=ID`."""

    def look(tx: Tx) -> list[RunOut]:
        return [_out(tx, run) for run in tx.runs(limit, before=after(cursor) or None)]

    found = site.store.read(look)
    return Page(items=found, next=str(found[-1].id) if len(found) == limit else None)


@router.get("/runs/{id}", summary="One run")
async def one(site: TheSite, id: Number) -> RunOut:
    """When it was and what came of it."""

    def look(tx: Tx) -> RunOut | None:
        run = tx.run(id)
        return None if run is None else _out(tx, run)

    found = site.store.read(look)
    if found is None:
        raise NotThere(f"there is no run {id}")
    return found


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
