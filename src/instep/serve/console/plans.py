"""One plan: counts and money, every action with old and new values; approved as it is, and watched as it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from instep.core.model import Both, Side
from instep.desk.records import pair_of
from instep.serve.console.pages import Operating, Viewing, go_to, show
from instep.serve.parts import Number, TheLive, ThePlans, TheSite
from instep.serve.plans import Plan

router = APIRouter(prefix="/runs/plans")

PAGE: Final = 25
KINDS: Final[Mapping[str, str]] = {
    "create": "create in {}",
    "update": "change in {}",
    "follow": "change in {} right after the create",
    "retire": "take out of use in {}",
    "link": "link",
    "unlink": "unlink",
    "rest": "put to rest",
    "hold": "held: {}",
    "waiting": "waiting: {}",
    "settle": "agree already",
}
"""Kind of action -> its heading, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A group of actions as the page names it. `count`: of what it names; `actions`: in which that is."""

    pair: str
    kind: str
    about: str
    name: str
    count: int
    actions: int


def headings(plan: Plan, systems: Both[str]) -> list[Heading]:
    """The groups of a plan: writes first."""
    order = list(KINDS)
    found = [
        Heading(pair, kind, about, _named(kind, about, systems), plan.count((pair, kind, about)), len(places))
        for (pair, kind, about), places in plan.groups.items()
    ]
    return sorted(found, key=lambda each: order.index(each.kind))


def written(plan: Plan) -> set[str]:
    """The pairs that a plan writes to."""
    return {pair for pair, kind, _ in plan.groups if kind in ("create", "update", "retire")}


def _named(kind: str, about: str, systems: Both[str]) -> str:
    side = kind in ("create", "update", "follow", "retire")
    return KINDS[kind].format(systems[Side(about)] if side else about or "for the other side")


@router.post("")
async def make(
    visit: Operating,
    site: TheSite,
    plans: ThePlans,
    pair: Annotated[list[str], Form(max_length=100)] = [],  # noqa: B006 - FastAPI copies it
    full: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    for name in pair:
        pair_of(site, name)
    wanted = () if len(pair) == len(site.dataflow.pairs) else tuple(pair)
    plan = plans.make(wanted, full, visit.person.name)
    return go_to(f"/runs/plans/{plan.number}")


@router.get("/{number}")
async def one(
    visit: Viewing,
    site: TheSite,
    live: TheLive,
    plans: ThePlans,
    number: Number,
    pair: Annotated[str, Query(max_length=200)] = "",
    kind: Annotated[str, Query(max_length=50)] = "",
    about: Annotated[str, Query(max_length=1000)] = "",
    start: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HTMLResponse:
    plan = plans.get(number)
    groups = headings(plan, site.systems) if plan.state not in ("making", "failed") else []
    chosen = next(
        (each for each in groups if (each.pair, each.kind, each.about) == (pair, kind, about)), None
    )
    chosen = chosen or next(iter(groups), None)
    actions: list[dict[str, Any]] = []
    if chosen is not None:
        actions = plans.page(plan, (chosen.pair, chosen.kind, chosen.about), start, PAGE)
    return show(
        visit,
        "plan.html",
        plan=plan,
        groups=groups,
        chosen=chosen,
        actions=actions,
        start=start,
        size=PAGE,
        open_pairs=sorted(written(plan) - set(live.paused())),
    )


@router.post("/{number}/approve")
async def approve(visit: Operating, plans: ThePlans, number: Number) -> RedirectResponse:
    await plans.approve(number, visit.person.name)
    return go_to(f"/runs/plans/{number}")
