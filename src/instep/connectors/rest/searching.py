"""Search by the marker, with no trust in the filter: rows are checked here, and a search that proves nothing
is said to be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from instep.connectors.rest.description_calls import Marker
from instep.connectors.rest.listing import Listing
from instep.core.model import Record
from instep.core.values import get_path
from instep.errors import BadAnswer

MAX_PAGES = 10


async def search(listing: Listing, marker: Marker, value: str, extra: Mapping[str, str]) -> Sequence[Record]:
    """The live records whose marker is the value; hints are returned unchecked. `extra`: the parameters that search.

    Raises BadAnswer if rows that don't have it fill ten pages: the filter is then ignored, and the record
    could be on any later page.
    """
    found: dict[str, Record] = {}
    token, rows = "", 0
    for _ in range(MAX_PAGES):
        answer, url = await listing.ask(None, token, extra, value)
        page = listing.rows(answer)
        records = listing.records(page)
        rows += len(records)
        for record in records:
            if not record.deleted and (not record.complete or get_path(record.fields, marker.field) == value):
                found[record.id] = record
        token = listing.next(token, answer, page, rows, url)
        if not token:
            return list(found.values())
    why = f"{MAX_PAGES} pages of answers, most of which do not have the value"
    raise BadAnswer(f"a search by {marker.param or marker.field} proves nothing", why=why)
