"""Records: looked for, looked at with both sides next to each other, linked, parted, and taken back."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, Response

from instep.core.explain import SETTLED
from instep.core.match import is_apart
from instep.core.model import Both, Side
from instep.desk.explaining import explained
from instep.desk.linking import adding, matching_again, removing
from instep.desk.records import pair_of, side_of
from instep.desk.search import called, search
from instep.desk.undoing import Asked, scope_of
from instep.serve.api.records import ENTRIES, record_out
from instep.serve.console.pages import Operating, Reading, Viewing, Visit, go_to, show
from instep.serve.parts import HIGHEST, TheSite

router = APIRouter()

FOUND = 50
Name = Annotated[str, Form(max_length=200)]
Id = Annotated[str, Form(max_length=500)]
SideForm = Annotated[str, Form(pattern="^(left|right)$")]


@router.get("/records")
async def form(visit: Viewing) -> HTMLResponse:
    return show(visit, "records.html", query="", found=[], limit=FOUND)


@router.post("/records")
async def found(
    visit: Reading, site: TheSite, query: Annotated[str, Form(max_length=200)] = ""
) -> HTMLResponse:
    """By POST, so that what is looked for stands in no address, history or log."""
    return show(visit, "records.html", query=query, found=search(site, query, limit=FOUND), limit=FOUND)


@router.get("/record")
async def record(
    visit: Viewing,
    site: TheSite,
    pair: Annotated[str, Query(max_length=200)],
    id: Annotated[str, Query(max_length=500)],
    side: Annotated[str, Query(pattern="^(left|right|)$")] = "",
) -> HTMLResponse:
    found_pair = pair_of(site, pair)
    where = site.store.read(lambda tx: side_of(site, tx, found_pair, id, side or None))
    known = site.store.read(lambda tx: explained(site, tx, found_pair, where, id, entries=ENTRIES))
    out = record_out(site, known).model_dump(mode="json")
    for prop in out["properties"]:
        prop["settled"] = prop["state"] in SETTLED
    seen = known.known.seen[where]
    return show(
        visit,
        "record.html",
        record=out,
        id=id,
        side_name=where.value,
        other_system=site.systems[where.other],
        called=" · ".join(called(found_pair, where, seen.fields)) if seen is not None else "",
        apart=is_apart(known.known.releases),
        may_decide=visit.person.may("operator"),
    )


def record_url(pair: str, side: str, id: str) -> str:
    return f"/record?{urlencode({'pair': pair, 'side': side, 'id': id})}"


@router.post("/record/link")
async def link(visit: Operating, pair: Name, side: SideForm, id: Id, other: Id) -> Response:
    where = Side(side)
    ids = Both("", "").replace(where, id).replace(where.other, other.strip())
    return await add_link(visit, pair, ids, record_url(pair, side, id))


async def add_link(visit: Visit, pair: str, ids: Both[str], back: str) -> Response:
    """Link two records, and go back to where that was asked for."""
    app = visit.request.app.state
    await app.site.store.write(adding(app.site, pair_of(app.site, pair), ids, visit.person.name))
    app.live.poke()
    return go_to(back, visit, f"{ids.left} and {ids.right} are linked.")


@router.post("/record/unlink")
async def unlink(visit: Operating, pair: Name, side: SideForm, id: Id, rematch: Name = "") -> Response:
    app = visit.request.app.state
    work = removing(app.site, pair_of(app.site, pair), id, side, visit.person.name, rematch=bool(rematch))
    await app.site.store.write(work)
    app.live.poke()
    then = "they are matched anew." if rematch else "they are kept apart."
    return go_to(record_url(pair, side, id), visit, f"The link is removed; {then}")


@router.post("/record/match-again")
async def match_again(visit: Operating, pair: Name, side: SideForm, id: Id) -> Response:
    app = visit.request.app.state
    await app.site.store.write(matching_again(app.site, pair_of(app.site, pair), id, side, visit.person.name))
    app.live.poke()
    return go_to(record_url(pair, side, id), visit, "It is matched again, as at first contact.")


@router.post("/record/undo")
async def undo(
    visit: Operating, pair: Name, side: SideForm, id: Id, run: Annotated[int, Form(ge=1, le=HIGHEST)]
) -> Response:
    """The way back is a plan, to be looked at first."""
    app = visit.request.app.state
    scope = scope_of(app.site, Asked(str(run), pair, id, side))
    plan = app.plans.undo(scope, visit.person.name)
    return go_to(f"/runs/plans/{plan.number}", visit)
