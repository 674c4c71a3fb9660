"""Records: looked for, and looked at: both sides, property by property, where values came from, and why it stands so.

Ids are asked for by query and values by body, so that none of a record's values is in an address.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from instep.core.model import SIDES, Both, Side
from instep.core.state import Sighting
from instep.core.values import plain
from instep.desk.explaining import Explained, explained
from instep.desk.history import entry_json
from instep.desk.origin import origin
from instep.desk.records import pair_of, side_of
from instep.desk.search import Found, search
from instep.serve.api.holds import HoldOut, hold_out
from instep.serve.api.journal import EntryOut
from instep.serve.api.models import Model, SideName, Value
from instep.serve.parts import TheSite
from instep.site import Site

router = APIRouter(prefix="/records", tags=["records"])

ENTRIES = 200

PairName = Annotated[str, Query(max_length=200)]
Id = Annotated[str, Query(min_length=1, max_length=500)]


class Search(Model):
    """What is looked for."""

    query: Annotated[str, Field(max_length=200)] = Field(
        description="an id, a name, an address; the beginnings of up to three words",
        examples=["lovelace ada"],
    )
    pair: Annotated[str, Field(max_length=200)] = ""
    side: SideName | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class FoundOut(Model):
    """A record that was found."""

    pair: str
    side: SideName
    id: str
    called: list[str] = Field(description="a few of its values, to know it by")
    partner: str | None
    deleted: bool
    held: int = Field(description="how many holds it has")


class OriginOut(Model):
    """Where a value came from."""

    how: Literal["written", "edited", "read"]
    at_ms: int | None
    run: int
    who: str
    why: str


class PropertyNow(Model):
    """One property of a record and of its partner."""

    name: str
    state: str = Field(description="same, differs, conflict, held, unreadable, not offered, not for it")
    left: Value
    right: Value
    base: Value = Field(description="what both held when they last agreed: a list per side; null if never")
    edited: list[SideName] = Field(description="sides that moved since")
    to: SideName | None = Field(description="the side that will be written")
    why: str
    origins: dict[str, OriginOut] = Field(description="per side, where its value came from")


class Reading(Model):
    """The last reading of a record on one side."""

    id: str
    entity: str
    system: str
    read_ms: int | None = Field(description="null if it is to be read again")
    updated_ms: int | None = Field(description="by the system's clock")
    author: str | None
    deleted: bool


class RecordOut(Model):
    """A record with its partner, and why the two are or are not in step."""

    pair: str
    linked: bool
    made_by: str | None = Field(description="how the link was made")
    left: Reading | None
    right: Reading | None
    in_step: bool
    summary: str
    facts: list[str]
    properties: list[PropertyNow]
    next: list[str] = Field(description="what the next run does")
    fixes: list[str] = Field(description="what a person can do")
    holds: list[HoldOut]
    journal: list[EntryOut] = Field(description="the last entries that name it")


@router.post("/search", summary="Look for records")
async def look_for(site: TheSite, wish: Search) -> list[FoundOut]:
    """By id, name or e-mail address, on either side. Nothing that is asked for is kept or logged."""
    if wish.pair:
        pair_of(site, wish.pair)
    side = Side(wish.side) if wish.side else None
    return [_found(each) for each in search(site, wish.query, pair=wish.pair, side=side, limit=wish.limit)]


def _found(found: Found) -> FoundOut:
    return FoundOut(
        pair=found.pair,
        side=found.side.value,
        id=found.id,
        called=list(found.called),
        partner=found.partner or None,
        deleted=found.deleted,
        held=found.held,
    )


@router.get("/one", summary="One record, both sides of it")
async def one(site: TheSite, pair: PairName, id: Id, side: SideName | None = None) -> RecordOut:
    """Everything that is known of it: both readings, property by property, history, and an explanation.

    `side` is needed where two different records have the id.
    """
    found_pair = pair_of(site, pair)
    found = site.store.read(
        lambda tx: explained(
            site, tx, found_pair, side_of(site, tx, found_pair, id, side), id, entries=ENTRIES
        )
    )
    return record_out(site, found)


def record_out(site: Site, found: Explained) -> RecordOut:
    known, explanation = found.known, found.explanation
    return RecordOut(
        pair=known.key.pair,
        linked=known.link is not None,
        made_by=known.link.made_by if known.link is not None else None,
        left=_reading(site, known.seen.left),
        right=_reading(site, known.seen.right),
        in_step=explanation.in_step,
        summary=explanation.summary,
        facts=list(explanation.facts),
        properties=_properties(site, found),
        next=list(explanation.following),
        fixes=list(explanation.fixes),
        holds=[hold_out(site, hold, known.link) for hold in known.holds],
        journal=[EntryOut(**entry_json(entry, site)) for entry in found.entries],
    )


def _reading(site: Site, seen: Sighting | None) -> Reading | None:
    if seen is None:
        return None
    return Reading(
        id=seen.id,
        entity=seen.entity,
        system=site.systems[seen.side],
        read_ms=None if seen.unread else seen.seen_ms,
        updated_ms=seen.updated_ms,
        author=seen.author,
        deleted=seen.deleted,
    )


def _properties(site: Site, found: Explained) -> list[PropertyNow]:
    pair = pair_of(site, found.known.key.pair)
    shown = []
    for standing in found.explanation.properties:
        prop = pair.property(standing.property)
        origins = {
            side.value: OriginOut(**_fields(origin(prop, side, seen, found.entries)))
            for side in SIDES
            if prop is not None and (seen := found.known.seen[side]) is not None
        }
        shown.append(
            PropertyNow(
                name=standing.property,
                state=standing.state,
                left=plain(standing.raw.left),
                right=plain(standing.raw.right),
                base=_base(standing.base),
                edited=[side.value for side in standing.edited],
                to=standing.to.value if standing.to is not None else None,
                why=standing.why,
                origins=origins,
            )
        )
    return shown


def _base(base: Both[Any] | None) -> Any:
    return None if base is None else {side.value: plain(base[side]) for side in SIDES}


def _fields(noun: Any) -> dict[str, Any]:
    return {name: getattr(noun, name) for name in noun.__slots__}
