"""That a person decided something about runs, for the journal: a plan approved, a run started or stopped, a pause."""

from __future__ import annotations

from instep.site import Site, now_ms
from instep.store.contract import Entry

DECIDE = "decide"


async def decided(site: Site, who: str, what: str, *, run: int = 0, pair: str = "") -> None:
    """Keep it: `what` is a sentence without its subject ("approved plan 3")."""
    entry = Entry(now_ms(), run, pair, DECIDE, "done", reason=f"{who} {what}")
    await site.store.write(lambda tx: tx.append([entry]))
