"""How far each pair is in step, and the brakes that stand in the way."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from instep.core.dataflow import Pair, Property
from instep.core.model import SIDES
from instep.desk.standing import known, lag_ms, standing
from instep.runner.brakes import CAUSE
from instep.serve.api.holds import HoldOut, hold_out
from instep.serve.api.models import Model
from instep.serve.parts import TheLive, TheSite
from instep.site import Site

router = APIRouter(tags=["pairs"])


class Sides(Model):
    """A number per side."""

    left: int
    right: int


class Names(Model):
    """A text per side."""

    left: str
    right: str


class PairOut(Model):
    """Where a pair stands."""

    name: str
    entities: Names = Field(description="the kinds of record, each in its system's terms")
    records: Sides = Field(description="records that are believed to exist")
    linked: int
    todo: int = Field(description="records to be looked at")
    failing: int = Field(description="of these, those that failed and are tried again")
    held: dict[str, int] = Field(description="holds by cause", examples=[{"conflict": 2}])
    for_person: int = Field(description="holds that a person has to decide")
    lag_ms: int | None = Field(description="age of the reading that waits longest; null if none waits")
    paused_by: str | None = Field(default=None, description="who paused it; null if it goes on")


class PropertyOut(Model):
    """A property of a pair, as the dataflow has it."""

    name: str
    left: list[str] = Field(description="fields of the left side")
    right: list[str]
    transformation: str
    flow: str = Field(description="both, to-right or to-left")
    policy: str = Field(description="who wins a conflict")
    group: str
    required: bool


class Dataflow(Model):
    """What one pair keeps in step."""

    name: str
    entities: Names
    match: list[list[str]] = Field(description="properties by which partners are found, tried in order")
    create: dict[str, bool] = Field(description="whether records are created on that side")
    on_delete: str
    policy: str
    properties: list[PropertyOut]


@router.get("/pairs", summary="Where each pair stands")
async def pairs(site: TheSite, live: TheLive) -> list[PairOut]:
    """Counts of every pair: records, links, what is to do, what is held."""
    stands = standing(site)
    paused = live.paused()
    return [
        PairOut(
            name=pair.name,
            entities=_names(pair),
            records=Sides(**_sides(site, pair)),
            linked=stands[pair.name].linked,
            todo=stands[pair.name].todo,
            failing=stands[pair.name].failing,
            held=dict(stands[pair.name].held),
            for_person=stands[pair.name].for_person,
            lag_ms=lag_ms(site, pair),
            paused_by=paused.get(pair.name),
        )
        for pair in site.dataflow.pairs
    ]


def _sides(site: Site, pair: Pair) -> dict[str, int]:
    found = known(site, pair)
    return {side.value: found[side] for side in SIDES}


def _names(pair: Pair) -> Names:
    return Names(left=pair.entity.left, right=pair.entity.right)


@router.get("/dataflow", summary="What is kept in step")
async def dataflow(site: TheSite) -> list[Dataflow]:
    """Every pair with its properties, as `dataflow.yaml` has them."""
    return [
        Dataflow(
            name=pair.name,
            entities=_names(pair),
            match=[list(key.properties) for key in pair.match],
            create={side.value: pair.create[side] for side in SIDES},
            on_delete=pair.on_delete,
            policy=pair.policy,
            properties=[_property(pair, prop) for prop in pair.properties],
        )
        for pair in site.dataflow.pairs
    ]


def _property(pair: Pair, prop: Property) -> PropertyOut:
    return PropertyOut(
        name=prop.name,
        left=list(prop.parts.left.fields),
        right=list(prop.parts.right.fields),
        transformation=prop.as_written,
        flow=prop.flow,
        policy=prop.policy or pair.policy,
        group=prop.group,
        required=prop.required,
    )


@router.get("/brakes", summary="Brakes that stopped something")
async def brakes(site: TheSite) -> list[HoldOut]:
    """Each is a hold: it is released, or dropped, by `POST /holds/release`."""
    found = site.store.read(lambda tx: tx.holds(cause=CAUSE, limit=200))
    return [hold_out(site, hold, None) for hold in found]
