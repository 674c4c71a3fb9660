"""Plans and runs: what goes on now, the plans that were made here, what the brakes stopped, and every run."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from instep.core.model import Both
from instep.desk.deciding import decided
from instep.desk.held import Which, page_of
from instep.desk.history import About, entry_json, page
from instep.desk.releasing import Choice, release_all
from instep.desk.runs import did, told, told_json
from instep.desk.undoing import Asked, scope_of
from instep.errors import NotThere
from instep.runner.brakes import CAUSE
from instep.serve.api.paging import after
from instep.serve.console.pages import Operating, Viewing, go_to, show
from instep.serve.parts import HIGHEST, Number, TheLive, ThePlans, TheSite
from instep.store.contract import Run, Tx

router = APIRouter(prefix="/runs")

RUNS = 30
ENTRIES = 50
BRAKES = 100

Cursor = Annotated[str, Query(max_length=40)]


@router.get("")
async def runs(
    visit: Viewing, site: TheSite, live: TheLive, plans: ThePlans, before: Cursor = ""
) -> HTMLResponse:
    """What goes on, plans, and runs, latest first."""

    def look(tx: Tx) -> list[dict[str, Any]]:
        return [_shown(tx, run, site.systems) for run in tx.runs(RUNS + 1, before=after(before) or None)]

    found = site.store.read(look)
    return show(
        visit,
        "runs.html",
        plans=plans.all(),
        pairs=[pair.name for pair in site.dataflow.pairs],
        braked=len(site.store.read(lambda tx: tx.holds(cause=CAUSE, limit=BRAKES))),
        runs=found[:RUNS],
        first=not before,
        next=str(found[RUNS - 1]["id"]) if len(found) > RUNS else "",
        paused=live.paused(),
    )


def _shown(tx: Tx, run: Run, systems: Both[str]) -> dict[str, Any]:
    """A run as the pages show it."""
    about = told(tx, run)
    return {**told_json(about), "did": did(about, systems)}


@router.post("/now")
async def look_now(visit: Operating, site: TheSite, live: TheLive) -> RedirectResponse:
    await decided(site, visit.person.name, "asked for a run")
    live.read_now()
    return go_to("/runs", visit, "Both systems are looked at now.")


@router.post("/stop")
async def stop(visit: Operating, site: TheSite, live: TheLive) -> RedirectResponse:
    await decided(site, visit.person.name, "stopped the run")
    live.stop_run()
    return go_to("/runs", visit, "It ends after the requests that are on their way; what was done is kept.")


@router.post("/pause")
async def pause(
    visit: Operating,
    live: TheLive,
    pair: Annotated[str, Form(max_length=200)],
    plan: Annotated[int, Form(ge=0, le=HIGHEST)] = 0,
) -> RedirectResponse:
    """Back to the plan from which it was asked for, if it was one."""
    await live.pause(pair, visit.person.name)
    back = f"/runs/plans/{plan}" if plan else "/runs"
    return go_to(
        back, visit, f"Nothing of {pair} is written by itself until it is resumed; it is still read."
    )


@router.post("/resume")
async def resume(
    visit: Operating, live: TheLive, pair: Annotated[str, Form(max_length=200)]
) -> RedirectResponse:
    await live.resume(pair, visit.person.name)
    return go_to("/runs", visit, f"{pair.capitalize()} goes on.")


@router.get("/brakes")
async def brakes(visit: Viewing, site: TheSite) -> HTMLResponse:
    """What was stopped, with examples; to be let go, or left as it is."""
    found = site.store.read(partial(page_of, which=Which(cause=CAUSE), after=0, limit=BRAKES))
    return show(visit, "brakes.html", brakes=[hold for hold, _ in found])


@router.post("/brakes/{hold}")
async def decide(
    visit: Operating,
    site: TheSite,
    live: TheLive,
    hold: Number,
    choice: Annotated[Literal["release", "drop"], Form()],
) -> RedirectResponse:
    """Let what a brake has counted go, or leave those records as they are."""
    await release_all(site, [hold], Which(), Choice(choice), visit.person.name)
    live.poke()
    said = {
        "release": "The brake is released: what it has counted is done now.",
        "drop": "The brake is dropped: those records stay as they are until they change.",
    }
    return go_to("/runs/brakes", visit, said[choice])


@router.get("/{number}")
async def run(visit: Viewing, site: TheSite, number: Number, before: Cursor = "") -> HTMLResponse:
    """What one run did, write by write, old and new."""

    def look(tx: Tx) -> tuple[dict[str, Any] | None, list[dict[str, object]]]:
        entries = page(tx, About(run=number), after(before) or None, ENTRIES + 1)
        run = tx.run(number)
        shown = None if run is None else _shown(tx, run, site.systems)
        return shown, [entry_json(entry, site) for entry in entries]

    found, entries = site.store.read(look)
    if found is None:
        raise NotThere(f"there is no run {number}")
    return show(
        visit,
        "run.html",
        run=found,
        entries=entries[:ENTRIES],
        next=entries[ENTRIES - 1]["seq"] if len(entries) > ENTRIES else "",
    )


@router.post("/{number}/undo")
async def undo(visit: Operating, site: TheSite, plans: ThePlans, number: Number) -> RedirectResponse:
    """The way back as a plan: nothing is done before it is approved."""
    plan = plans.undo(scope_of(site, Asked(str(number))), visit.person.name)
    return go_to(f"/runs/plans/{plan.number}")
