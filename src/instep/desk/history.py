"""The journal, latest first: of everything, of a pair, of a record, of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from instep.core.dataflow import Dataflow
from instep.core.model import SIDES, Both, Side
from instep.desk import words
from instep.site import Site
from instep.store.contract import Entry, Tx

PAGE: Final = 200

IN_NO_SYSTEM: Final = ("link", "unlink", "adopt", "forget", "release")
"""Operations that change neither system."""


@dataclass(frozen=True, slots=True)
class About:
    """Which entries are meant; what is empty is not asked."""

    pair: str = ""
    side: Side | None = None
    record: str = ""
    run: int = 0
    operation: str = ""


def page(tx: Tx, about: About, before: int | None = None, limit: int = PAGE) -> list[Entry]:
    """Entries with a number below `before`, latest first."""
    return tx.journal(
        pair=about.pair,
        side=about.side,
        record_id=about.record,
        run=about.run,
        operation=about.operation,
        before=before,
        limit=limit,
    )


def entries(site: Site, about: About) -> Iterator[Entry]:
    """All of them, page by page."""
    before: int | None = None
    while True:
        found = site.store.read(lambda tx, before=before: page(tx, about, before))  # type: ignore[misc]
        yield from found
        if len(found) < PAGE:
            return
        before = found[-1].seq


def ids_of(entry: Entry) -> Both[str]:
    """The two records that an entry is about, "" for one that there is not."""
    ids = Both(entry.record_id, entry.partner_id)
    return ids if entry.side is not Side.RIGHT else Both(ids.right, ids.left)


def fields_of(entry: Entry, name: str, dataflow: Dataflow) -> list[str]:
    """What the system that was written to calls a property; nothing if that is not known any more."""
    pair = dataflow.pair(entry.pair)
    prop = pair.property(name) if pair is not None else None
    return list(prop.parts[entry.side].fields) if prop is not None and entry.side is not None else []


def done_in(entry: Entry) -> tuple[str, Side | None]:
    """What was done, in words, and the side of which system: a link that is put to rest, as when both of its records
    were deleted, is in the journal as a retirement without a request, and nothing was written."""
    if entry.operation == "retire" and not entry.request:
        return "put to rest, nothing written:", None
    return entry.operation, None if entry.operation in IN_NO_SYSTEM else entry.side


def entry_json(entry: Entry, site: Site) -> dict[str, Any]:
    """An entry with names next to sides, `did`: what was done, in words, and `said`: its reason in words."""
    systems = site.systems
    did, where = done_in(entry)
    return {
        "seq": entry.seq,
        "at_ms": entry.at_ms,
        "run": entry.run,
        "pair": entry.pair,
        "operation": entry.operation,
        "did": did,
        "outcome": entry.outcome,
        "side": entry.side.value if entry.side is not None else None,
        "system": systems[where] if where is not None else None,
        "record": entry.record_id,
        "partner": entry.partner_id,
        "link": entry.link_id,
        "ids": {side.value: id for side, id in zip(SIDES, ids_of(entry), strict=True)},
        "reason": entry.reason,
        "said": words.reason(entry.reason, systems),
        "changes": [
            {**change, "fields": fields_of(entry, str(change.get("property")), site.dataflow)}
            for change in entry.changes
        ],
        "request": entry.request,
        "forgotten": entry.forgotten,
        "seal": entry.seal,
    }
