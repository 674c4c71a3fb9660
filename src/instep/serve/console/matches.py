"""The match workbench: records without a partner next to those they may belong to, with a score per property."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, Response

from instep.core.model import Both, Side
from instep.core.release import choices
from instep.desk.held import one_hold
from instep.desk.matching import CAUSES, LIKELY, Question, question, questions
from instep.desk.records import pair_of
from instep.serve.console.pages import Operating, Viewing, show
from instep.serve.console.records import add_link
from instep.serve.parts import HIGHEST, TheSite
from instep.site import Site
from instep.store.contract import Tx

router = APIRouter()

PAGE: Final = 10
Id = Annotated[str, Form(min_length=1, max_length=500)]


@router.get("/matches")
async def matches(
    visit: Viewing,
    site: TheSite,
    pair: Annotated[str, Query(max_length=200)] = "",
    hold: Annotated[int, Query(ge=0, le=HIGHEST)] = 0,
    after: Annotated[int, Query(ge=0, le=HIGHEST)] = 0,
) -> HTMLResponse:
    """Of one pair, the one that is asked for, or the first that has any; or one hold alone."""
    counts = _counts(site)
    name = pair_of(site, pair).name if pair else next(iter(counts), site.dataflow.pairs[0].name)
    chosen = pair_of(site, name)
    found: list[Question] = []
    further: int | None = None
    if hold:

        def look(tx: Tx) -> Question | None:
            return question(site, tx, chosen, one_hold(tx, hold)[0])

        one = site.store.read(look)
        found = [one] if one is not None else []
    else:
        found, further = questions(site, chosen, after, PAGE)
    return show(
        visit,
        "matches.html",
        counts=counts,
        pair=name,
        found=found,
        further=further,
        likely=LIKELY,
        offered={each.hold.id: choices(each.hold, linked=False) for each in found},
        may_decide=visit.person.may("operator"),
    )


def _counts(site: Site) -> dict[str, int]:
    """By pair, how many records without a partner wait for a person."""
    found: dict[str, int] = {}
    for kind in site.store.read(lambda tx: tx.kinds_of_holds()):
        if kind.cause in CAUSES and not kind.property:
            found[kind.pair] = found.get(kind.pair, 0) + kind.count
    return found


@router.post("/matches/link")
async def link(
    visit: Operating,
    pair: Id,
    side: Annotated[str, Form(pattern="^(left|right)$")],
    id: Id,
    other: Id,
) -> Response:
    where = Side(side)
    ids = Both("", "").replace(where, id).replace(where.other, other)
    return await add_link(visit, pair, ids, "/matches")
