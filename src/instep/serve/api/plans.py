"""Plans: what a sync, or the undoing of a run, would do; looked at, approved, and done as they are."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from instep.desk.records import pair_of
from instep.desk.undoing import Asked, scope_of
from instep.serve.api.models import Model, Page, SideName, Value
from instep.serve.api.paging import Cursor, Limit, after
from instep.serve.parts import HIGHEST, Number, Operator, ThePlans, TheSite
from instep.serve.plans import Plan

router = APIRouter(prefix="/plans", tags=["plans"])


class NewPlan(Model):
    """What is to be planned."""

    pairs: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)] = Field(
        default_factory=list, description="only these; none: all"
    )
    full: bool = Field(default=False, description="read every record again, not only what changed")


class NewUndo(Model):
    """What is to be undone: a run, or of it a pair, a record, a property."""

    run: Annotated[int, Field(ge=1, le=HIGHEST)]
    pair: Annotated[str, Field(max_length=200)] = ""
    id: Annotated[str, Field(max_length=500)] = ""
    side: SideName | None = None
    property: Annotated[str, Field(max_length=200)] = ""


class GroupOut(Model):
    """Actions of one kind."""

    pair: str
    kind: str = Field(description="link, create, update, follow, retire, hold, unlink, rest, waiting, settle")
    about: str = Field(description="the side that is written, the cause of a hold, the reason of a wait")
    count: int = Field(description="how many actions, and of `follow` how many writes right after a create")


class PlanOut(Model):
    """A plan, and what became of it."""

    number: int
    state: Literal["making", "ready", "failed", "running", "done"]
    problem: str
    by: str
    made_ms: int
    pairs: list[str]
    full: bool
    undoes: int = Field(description="the run that it takes back; 0 for a sync")
    writes: int = Field(description="with those that come right after a create")
    counts: Value
    brakes: Value
    troubles: dict[str, str]
    note: str
    groups: list[GroupOut]
    approved_by: str
    run: int = Field(description="the run that did it; 0 before that")
    report: Value = Field(
        description="status, written, took_ms, held; `already`: how many of its writes other runs had made, by run"
    )


def plan_out(plan: Plan) -> PlanOut:
    return PlanOut(
        number=plan.number,
        state=plan.state,
        problem=plan.problem,
        by=plan.by,
        made_ms=plan.made_ms,
        pairs=list(plan.pairs),
        full=plan.full,
        undoes=plan.undoes,
        writes=plan.writes,
        counts=plan.counts,
        brakes=plan.brakes,
        troubles=plan.troubles,
        note=plan.note,
        groups=[
            GroupOut(pair=pair, kind=kind, about=about, count=plan.count((pair, kind, about)))
            for pair, kind, about in plan.groups
        ],
        approved_by=plan.approved_by,
        run=plan.run,
        report=plan.report,
    )


@router.get("", summary="Plans, latest first")
async def every(plans: ThePlans) -> list[PlanOut]:
    """The plans that this process knows; they go with it."""
    return [plan_out(plan) for plan in plans.all()]


@router.post("", summary="Make a plan", status_code=202)
async def make(site: TheSite, plans: ThePlans, person: Operator, wish: NewPlan) -> PlanOut:
    """Both systems are read and nothing is written. The plan is `ready` when it is whole."""
    for name in wish.pairs:
        pair_of(site, name)
    return plan_out(plans.make(tuple(wish.pairs), wish.full, person.name))


@router.post("/undo", summary="Plan to undo a run", status_code=202)
async def undo(site: TheSite, plans: ThePlans, person: Operator, wish: NewUndo) -> PlanOut:
    """The way back from a run, or from a part of it, as a plan; approved, it is done as a run of its own."""
    scope = scope_of(site, Asked(str(wish.run), wish.pair, wish.id, wish.side, wish.property))
    return plan_out(plans.undo(scope, person.name))


@router.get("/{number}", summary="One plan")
async def one(plans: ThePlans, number: Number) -> PlanOut:
    """How far it is, and what it would do, counted."""
    return plan_out(plans.get(number))


@router.get("/{number}/actions", summary="Actions of a plan")
async def actions(
    plans: ThePlans,
    number: Number,
    pair: Annotated[str, Query(max_length=200)],
    kind: Annotated[str, Query(max_length=50)],
    about: Annotated[str, Query(max_length=1000)] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[Value]:
    """Those of one group, each with its writes, property by property, old and new value."""
    plan, begin = plans.get(number), after(cursor)
    found = plans.page(plan, (pair, kind, about), begin, limit)
    return Page(items=found, next=str(begin + limit) if len(found) == limit else None)


@router.post("/{number}/approve", summary="Approve a plan", status_code=202)
async def approve(plans: ThePlans, person: Operator, number: Number) -> PlanOut:
    """It is done as it is: exactly its writes, and of these only those that are still the same."""
    return plan_out(await plans.approve(number, person.name))
