"""Which records are the same thing: listed, made, removed, kept apart."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from instep.core.model import Both
from instep.core.state import Link
from instep.desk.linking import adding, matching_again, removing
from instep.desk.records import pair_of
from instep.desk.words import link_json
from instep.serve.api.models import Model, Page, SideName
from instep.serve.api.paging import Cursor, Limit, after
from instep.serve.parts import Operator, TheLive, TheSite

router = APIRouter(prefix="/links", tags=["links"])

Text = Annotated[str, Field(min_length=1, max_length=500)]


class LinkOut(Model):
    """Two records that are the same thing."""

    id: int
    pair: str
    left: str
    right: str
    state: str
    made_by: str
    made_ms: int


class NewLink(Model):
    """Two records to link."""

    pair: Text
    left: Text = Field(description="the left system's id")
    right: Text


class OneRecord(Model):
    """A record of a pair; `side` where two different records have the id."""

    pair: Text
    id: Text
    side: SideName | None = None


class Unlink(OneRecord):
    """A link to remove, by one of its records."""

    rematch: bool = Field(
        default=False, description="look for partners of both anew; else they are kept apart from now on"
    )


def _out(link: Link) -> LinkOut:
    return LinkOut.model_validate(link_json(link))


@router.get("", summary="Links of a pair, oldest first")
async def links(
    site: TheSite, pair: Annotated[str, Query(max_length=200)], limit: Limit = 50, cursor: Cursor = ""
) -> Page[LinkOut]:
    """Those that are alive, and those whose records are out of use on both sides."""
    name = pair_of(site, pair).name
    found = site.store.read(lambda tx: tx.links(name, after(cursor), limit))
    return Page(items=[_out(link) for link in found], next=str(found[-1].id) if len(found) == limit else None)


@router.post("", summary="Link two records", status_code=201)
async def add(site: TheSite, live: TheLive, person: Operator, wish: NewLink) -> LinkOut:
    """Both must have been seen and have no partner. What differs is decided as at first contact."""
    pair = pair_of(site, wish.pair)
    link = await site.store.write(adding(site, pair, Both(wish.left, wish.right), person.name))
    live.poke()
    return _out(link)


@router.post("/remove", summary="Remove a link")
async def remove(site: TheSite, live: TheLive, person: Operator, wish: Unlink) -> LinkOut:
    """Neither record is changed. The two are kept apart until they are linked again, or matched anew."""
    pair = pair_of(site, wish.pair)
    link = await site.store.write(removing(site, pair, wish.id, wish.side, person.name, rematch=wish.rematch))
    live.poke()
    return _out(link)


@router.post("/match-again", summary="Let a record be matched again", status_code=204)
async def match_again(site: TheSite, live: TheLive, person: Operator, wish: OneRecord) -> None:
    """Takes back that it is kept apart: the next run looks for its partner as at first contact."""
    pair = pair_of(site, wish.pair)
    await site.store.write(matching_again(site, pair, wish.id, wish.side, person.name))
    live.poke()
