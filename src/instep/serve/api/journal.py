"""The journal: every write that was meant and what came of it, and what people decided."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from instep.core.model import Side
from instep.desk.history import About, entry_json, page
from instep.desk.records import pair_of
from instep.serve.api.models import Model, Page, SideName, Value
from instep.serve.api.paging import Cursor, Limit, after
from instep.serve.parts import HIGHEST, TheSite

router = APIRouter(prefix="/journal", tags=["journal"])


class EntryOut(Model):
    """One line of the journal."""

    seq: int
    at_ms: int
    run: int = Field(description="0 for what a person did")
    pair: str
    operation: str
    did: str = Field(description="what was done, in words")
    outcome: str
    side: SideName | None
    system: str | None = Field(description="the one that it is about; null if it changed neither")
    record: str
    partner: str
    link: int
    ids: dict[SideName, str] = Field(description='the two records by side, "" for one that there is not')
    reason: str
    said: str = Field(description="the reason in words, with systems for sides")
    changes: Value = Field(
        description="per property the old and the new value, and `fields`, as the system that was written to calls "
        "them; names alone once forgotten"
    )
    request: str = Field(description="the system's own id of the request, or our idempotency key")
    forgotten: bool
    seal: str = Field(description="the hash over it and the seal before")


@router.get("", summary="Entries, latest first")
async def journal(
    site: TheSite,
    pair: Annotated[str, Query(max_length=200)] = "",
    id: Annotated[str, Query(max_length=500, description="of this record or its partner")] = "",
    side: SideName | None = None,
    run: Annotated[int, Query(ge=0, le=HIGHEST)] = 0,
    operation: Annotated[str, Query(max_length=50)] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[EntryOut]:
    """All of it, or only what is asked for: of a pair, a record, a run, a kind of operation."""
    if pair:
        pair_of(site, pair)
    about = About(pair, Side(side) if side else None, id, run, operation)
    found = site.store.read(partial(page, about=about, before=after(cursor) or None, limit=limit))
    return Page(
        items=[EntryOut(**entry_json(entry, site)) for entry in found],
        next=str(found[-1].seq) if len(found) == limit else None,
    )
