"""What waits for a person, and what the person chooses."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from instep.core.model import Side
from instep.core.release import SENTENCES
from instep.core.state import Hold, Link
from instep.desk.held import Which, check_which, held_kinds, offered, one_hold, page_of
from instep.desk.releasing import Choice, release_all, take_back
from instep.serve.api.models import Model, Page, SideName, Value
from instep.serve.api.paging import Cursor, Limit, after
from instep.serve.parts import HIGHEST, Number, Operator, TheLive, TheSite
from instep.site import Site

router = APIRouter(prefix="/holds", tags=["holds"])

Name = Annotated[str, Query(max_length=200)]


class Chosen(Model):
    """What can be chosen, and what it does."""

    choice: str
    means: str


class HoldOut(Model):
    """One record or property that waits for a person, or for a reference."""

    id: int
    pair: str
    side: SideName
    record: str
    partner: str | None = Field(description="the other record of its link; null if it has none")
    property: str = Field(description="empty for the record as a whole")
    cause: str
    what: str
    why: str
    fix: str
    since_ms: int
    values: Value = Field(
        description="per property what both sides hold; or candidates, or examples of a brake"
    )
    choices: list[Chosen]


class HoldKindOut(Model):
    """Holds of the same kind."""

    pair: str
    cause: str
    property: str
    count: int
    first: HoldOut


class Release(Model):
    """A choice for some holds: by their numbers, or all of one pair, cause and property as they are now."""

    choice: Annotated[str, Field(max_length=20)] = Field(
        description="one of `choices` of each of them", examples=["left"]
    )
    holds: Annotated[list[Annotated[int, Field(ge=1, le=HIGHEST)]], Field(max_length=1000)] = Field(
        default_factory=list, examples=[[118]]
    )
    pair: Annotated[str, Field(max_length=200)] = ""
    cause: Annotated[str, Field(max_length=50)] = ""
    property: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="only of this property; null for any"
    )
    other: Annotated[str, Field(max_length=500)] | None = Field(
        default=None, description="for `link`: the id on the other side"
    )
    value: Annotated[str, Field(max_length=100_000)] | None = Field(
        default=None, description="for `value`: a text, or JSON where the field is no text"
    )
    terms: SideName = Field(default="left", description="for `value`: in whose terms it is written")


class Released(Model):
    """How many holds a choice was kept for; the next run applies it. A brake that is dropped is gone at once."""

    released: int
    choice: str
    means: str


def hold_out(site: Site, hold: Hold, link: Link | None) -> HoldOut:
    options = site.store.read(lambda tx: offered(site, tx, hold, link))
    return HoldOut(
        id=hold.id,
        pair=hold.key.pair,
        side=hold.key.side.value,
        record=hold.key.id,
        partner=link.ids[hold.key.side.other] if link is not None else None,
        property=hold.property,
        cause=hold.cause,
        what=hold.what,
        why=hold.why,
        fix=hold.fix,
        since_ms=hold.since_ms,
        values=hold.values,
        choices=[Chosen(choice=choice, means=SENTENCES[choice]) for choice in options],
    )


@router.get("", summary="Holds, by number")
async def holds(
    site: TheSite,
    pair: Name = "",
    cause: Name = "",
    property: Annotated[str | None, Query(max_length=200, description="empty: of whole records")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[HoldOut]:
    """All that waits, oldest first; only those of a pair, a cause, a property if these are given."""
    which = Which(pair, cause, property)
    check_which(site, which)
    found = site.store.read(partial(page_of, which=which, after=after(cursor), limit=limit))
    return Page(
        items=[hold_out(site, *each) for each in found],
        next=str(found[-1][0].id) if len(found) == limit else None,
    )


@router.get("/kinds", summary="Kinds of holds, counted")
async def kinds(site: TheSite) -> list[HoldKindOut]:
    """How many holds there are of each pair, cause and property, with the first of each."""
    return [
        HoldKindOut(
            pair=kind.pair,
            cause=kind.cause,
            property=kind.property,
            count=kind.count,
            first=hold_out(site, *first),
        )
        for kind, first in held_kinds(site)
    ]


@router.get("/{number}", summary="One hold")
async def hold(site: TheSite, number: Number) -> HoldOut:
    """What waits, why, since when, and what can be chosen."""
    found, link, _ = site.store.read(partial(one_hold, number=number))
    return hold_out(site, found, link)


@router.post("/release", summary="Choose for holds")
async def release(site: TheSite, live: TheLive, person: Operator, wish: Release) -> Released:
    """Keep a choice for all of these holds, or for none if one of them can't be released that way.

    The next run, which begins at once, applies it. Who chose stands in the journal.
    """
    chosen = Choice(wish.choice, wish.other, wish.value, Side(wish.terms))
    which = Which(wish.pair, wish.cause, wish.property)
    held = await release_all(site, wish.holds, which, chosen, person.name)
    live.poke()
    return Released(released=len(held), choice=wish.choice, means=SENTENCES[wish.choice])


@router.post("/{number}/take-back", summary="Take a choice back", status_code=204)
async def undecided(site: TheSite, person: Operator, number: Number) -> None:
    """What was chosen is forgotten, if no run has applied it yet; the hold waits for a person again."""
    await take_back(site, [number], Which(), person.name)
