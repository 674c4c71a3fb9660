"""Hints: for a system that sends no webhooks, or for a script that knows what it has changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from instep.connectors.webhooks import Hint
from instep.core.model import Side
from instep.errors import NotThere
from instep.runner.engine import entities_of
from instep.serve.api.models import Model
from instep.serve.hints import MOST, take
from instep.serve.parts import Operator, TheLive, TheSite

router = APIRouter(tags=["hints"])

Id = Annotated[str, Field(min_length=1, max_length=255)]


class Hints(Model):
    """Records that have changed, or may have."""

    side: Side = Field(description="whose records they are")
    entity: str = Field(description="their entity, as the dataflow calls it")
    ids: list[Id] = Field(min_length=1, max_length=MOST, description="their ids in that system")


class Taken(Model):
    """What came of hints."""

    records: int = Field(description="how many records are to be looked at for them")


@router.post("/hints", summary="Look at records soon", status_code=202)
async def hint(hints: Hints, request: Request, site: TheSite, live: TheLive, _: Operator) -> Taken:
    """Look at these records soon. Nothing is decided by it: one that is repeated, late or wrong costs a reading."""
    known = sorted(entity for side, entity in entities_of(site.dataflow) if side is hints.side)
    if hints.entity not in known:
        raise NotThere(
            f"no pair has the entity {hints.entity[:40]} on that side", fix=f"one of: {', '.join(known)}"
        )
    new = await take(site, hints.side, [Hint(hints.entity, id) for id in hints.ids])
    request.app.state.heard["api", "new" if new else "known"] += 1
    live.poke()
    return Taken(records=new)
