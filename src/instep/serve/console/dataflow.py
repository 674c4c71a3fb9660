"""What is kept in step, as a table with examples of real records; transformations and changes to be tried out."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse

from instep.core.model import SIDES, Both, Side
from instep.core.values import plain
from instep.desk.records import pair_of
from instep.desk.trying import Tried, changed, examples, look_through, own_text, try_record, try_values
from instep.errors import NotThere, UsageError
from instep.serve.console.pages import Reading, Viewing, show
from instep.serve.parts import TheSite

router = APIRouter(prefix="/dataflow")

ARROWS: Final = {"both": "↔", "to-right": "→", "to-left": "←"}
FLOWS: Final = {"both": "both ways", "to-right": "to the right only", "to-left": "to the left only"}
MOST_TEXT: Final = 500_000

Short = Annotated[str, Form(max_length=500)]


@router.get("")
async def dataflow(visit: Viewing, site: TheSite) -> HTMLResponse:
    return show(
        visit,
        "dataflow.html",
        pairs=[
            (pair, {name: raw.map(plain) for name, raw in examples(site, pair).items()})
            for pair in site.dataflow.pairs
        ],
        arrows=ARROWS,
        flows=FLOWS,
        name=site.file.settings.dataflow,
    )


@router.get("/try")
async def form(
    visit: Viewing,
    site: TheSite,
    pair: Annotated[str, Query(max_length=200)] = "",
    property: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    return _try_page(visit, site, pair, property)


@router.post("/try")
async def try_it(
    visit: Reading,
    site: TheSite,
    pair: Short,
    property: Short,
    side: Annotated[Side, Form()],
    transformation: Annotated[str, Form(max_length=5000)] = "",
    value: Annotated[list[str], Form(max_length=20)] = [],  # noqa: B006 - FastAPI copies it
    record: Short = "",
) -> HTMLResponse:
    """A value of a record is no part of an address: it is sent as a form."""
    tried, problem = None, None
    try:
        chosen = pair_of(site, pair)
        prop = chosen.property(property)
        if prop is None:
            raise NotThere(f"{pair} has no property {property}")
        prop = changed(prop, transformation.strip() or prop.as_written)
        tried = (
            try_record(site, chosen, prop, side, record.strip())
            if record.strip()
            else try_values(site, prop, side, value)
        )
    except UsageError as error:
        problem = error
    return _try_page(
        visit, site, pair, property, side, transformation, value, record, tried=tried, problem=problem
    )


def _try_page(
    visit: Viewing,
    site: TheSite,
    pair: str,
    property: str,
    side: Side = Side.LEFT,
    transformation: str = "",
    value: list[str] | None = None,
    record: str = "",
    *,
    tried: Tried | None = None,
    problem: UsageError | None = None,
) -> HTMLResponse:
    chosen = site.dataflow.pair(pair) or site.dataflow.pairs[0]
    prop = chosen.property(property) or chosen.properties[0]
    return show(
        visit,
        "try.html",
        pairs=site.dataflow.pairs,
        pair=chosen,
        prop=prop,
        side=side,
        sides=SIDES,
        transformation=transformation or prop.as_written,
        value=value or [],
        record=record,
        tried=tried,
        shown=_shown(tried) if tried is not None else None,
        problem=problem,
        arrows=ARROWS,
    )


def _shown(tried: Tried) -> Both[object]:
    """The value and what comes of it, each on its own side."""
    sides = {tried.side: tried.source, tried.side.other: tried.target}
    return Both.of(lambda side: plain(sides[side]) if sides[side] is not None else None)


@router.get("/check")
async def text(visit: Viewing, site: TheSite) -> HTMLResponse:
    return show(visit, "check.html", text=own_text(site), problems=None, name=site.file.settings.dataflow)


@router.post("/check")
async def check(
    visit: Reading, site: TheSite, text: Annotated[str, Form(max_length=MOST_TEXT)] = ""
) -> HTMLResponse:
    """Looked through, and not saved: the file is changed by whoever keeps it."""
    text = text.replace("\r\n", "\n")
    problems = await asyncio.to_thread(look_through, site, text)
    return show(visit, "check.html", text=text, problems=problems, name=site.file.settings.dataflow)
