"""Which writes of a plan another run has made since: so that whoever approves it is told so, and by which."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from instep.core.values import Json, digest
from instep.desk.history import PAGE, About, page
from instep.runner.brakes import EFFECT, OPERATIONS
from instep.store.contract import Entry, Store

Marks = frozenset[str]
"""What a write is known by: a mark for each property, of what is written to which record."""


def marks_of(action: Mapping[str, Any]) -> Iterator[Marks]:
    """Of each write of a plan's action, as `instep.desk.plan_file.action_json` makes it."""
    key = action["key"]
    for write in action["writes"]:
        made = write["operation"] == "create"
        about = [key["side"], key["id"]] if made else [write["side"], write["record"]]
        changes = [(each["property"], each["from"], each["new"]) for each in write["changes"]]
        yield _marks(action["pair"], write["operation"], about, changes)


async def made_by_others(store: Store, wanted: Iterable[Marks], since_ms: int, run: int) -> Counter[int]:
    """How many of these writes other runs than this one have made since then, by run."""
    runs: dict[str, int] = {}
    async for entry in _writes(store, since_ms):
        if entry.run != run:
            runs.update(dict.fromkeys(_marks_of_entry(entry), entry.run))
    found = (marks for marks in wanted if runs and marks <= runs.keys())
    return Counter(max(runs[mark] for mark in marks) for marks in found)


async def _writes(store: Store, since_ms: int) -> AsyncIterator[Entry]:
    """What has been written since then, latest first; other tasks go on between two pages."""
    before: int | None = None
    while found := store.read(partial(page, about=About(), before=before)):
        for entry in found:
            if entry.at_ms < since_ms:
                return
            if entry.operation in OPERATIONS and entry.outcome in EFFECT and not entry.forgotten:
                yield entry
        if len(found) < PAGE:
            return
        before = found[-1].seq
        await asyncio.sleep(0)


def _marks_of_entry(entry: Entry) -> Marks:
    if entry.side is None:
        return frozenset()
    made = entry.operation == "create"
    about = [entry.side.other, entry.partner_id] if made else [entry.side, entry.record_id]
    changes = [(str(each["property"]), each.get("source"), each.get("new")) for each in entry.changes]
    return _marks(entry.pair, entry.operation, about, changes)


def _marks(pair: str, operation: str, about: list[str], changes: Iterable[tuple[str, Json, Json]]) -> Marks:
    """A value that comes from the other side is known by what it is there, any other by itself."""
    named: list[object] = [[name, source if source is not None else new] for name, source, new in changes]
    return frozenset(digest([pair, operation, about, each]) for each in named or [operation])
