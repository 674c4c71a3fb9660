"""Trying things out: a transformation on a value or a record, and a changed dataflow. Nothing is kept or written."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from instep.core.model import Side
from instep.core.values import plain
from instep.desk.records import pair_of
from instep.desk.trying import changed, look_through, try_record, try_values
from instep.errors import NotThere
from instep.serve.api.models import Model, SideName, Value
from instep.serve.parts import TheSite

router = APIRouter(prefix="/dataflow", tags=["pairs"])

Short = Annotated[str, Field(max_length=500)]


class Try(Model):
    """A property, and a value for it: typed, or that of a record."""

    pair: Short
    property: Short
    side: SideName = Field(default="left", description="whose value it is")
    values: Annotated[list[Short], Field(max_length=20)] = Field(
        default_factory=list, description="one per field; JSON where it is some, else a text"
    )
    record: Short = Field(default="", description="or the id of a record that has one")
    transformation: Annotated[str, Field(max_length=5000)] = Field(
        default="", description="another one than the dataflow's; empty for its own"
    )


class TriedOut(Model):
    """What comes of a value."""

    source: Value
    compared_as: str = Field(description="what both sides are compared by")
    target: Value = Field(description="what the other side would hold; null if nothing can be made of it")
    why: str = Field(description="why nothing can be made of it; empty otherwise")
    fix: str


class Text(Model):
    """A whole `dataflow.yaml`."""

    text: Annotated[str, Field(max_length=500_000)]


class ProblemOut(Model):
    """Something that is wrong in it, with its place."""

    severity: str
    line: int
    column: int
    what: str
    why: str
    fix: str


@router.post("/try", summary="Try a transformation")
async def try_it(site: TheSite, wish: Try) -> TriedOut:
    """What a property's transformation makes of a value of one side."""
    pair = pair_of(site, wish.pair)
    prop = pair.property(wish.property)
    if prop is None:
        raise NotThere(f"{pair.name} has no property {wish.property}")
    prop, side = changed(prop, wish.transformation.strip() or prop.as_written), Side(wish.side)
    tried = (
        try_record(site, pair, prop, side, wish.record)
        if wish.record
        else try_values(site, prop, side, wish.values)
    )
    target = plain(tried.target) if tried.target is not None else None
    return TriedOut(
        source=plain(tried.source), compared_as=tried.canon, target=target, why=tried.why, fix=tried.fix
    )


@router.post("/check", summary="Look through a changed dataflow")
async def check(site: TheSite, wish: Text) -> list[ProblemOut]:
    """Every problem that it would have with these two systems; it is not saved."""
    return [
        ProblemOut(
            severity=each.severity,
            line=each.line,
            column=each.column,
            what=each.what,
            why=each.why,
            fix=each.fix,
        )
        for each in await asyncio.to_thread(look_through, site, wish.text)
    ]
