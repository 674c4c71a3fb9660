"""What makes two places one: all that can still make a difference, and nothing else.

Values are opaque to the engine, and each was typed once, so what counts is where the same one is met: tokens go by
the order in which they are come across. Versions go by their order, times by how far off they are. Of people's
edits only those count that a law could still miss, and of what was told, heard and written only what is about a
value that is still somewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

from instep.core.model import Record, Side
from instep.core.state import Intent
from instep.store.contract import Tx

from .laws import EVERY, told
from .little_world import ID, LAG_MS, RECORD, Late, LittleWorld, is_older

TOKEN = re.compile(r"(0|[lr]\d+)( ?)")
LONG_MS = 60_000
"""As good as for ever: longer than any wait of the engine's."""
MOST_TIMES = 3
"""Written so often or more is the same to the engine, which takes it for a fight."""


class Names:
    """Gives each token the number of its first appearance, and keeps all else."""

    def __init__(self) -> None:
        self.given: dict[str, int] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            match = TOKEN.fullmatch(value)
            return (self.token(match[1]), match[2]) if match else value
        if isinstance(value, Mapping):
            return tuple((name, self(inner)) for name, inner in value.items())
        return tuple(map(self, value)) if isinstance(value, list | tuple) else value

    def token(self, token: str) -> int:
        return self.given.setdefault(token, len(self.given))

    def known(self, tokens: Iterable[str]) -> list[int]:
        """The numbers of those that were met already."""
        return sorted(self.given[token] for token in set(tokens) & self.given.keys())


def essence(world: LittleWorld, tx: Tx, faults: bool) -> Any:
    """What of a place can still make a difference, but for what is left of the budget. `faults`: whether a replica
    may still lag."""
    names, keys = Names(), dict[str, int]()
    settled = [_side(world, tx, side, names, faults) for side in Side]
    links = [names([*base]) for link in tx.links(RECORD, 0, EVERY) for base in link.base.values()]
    intents = [_intent(world, intent, names, keys) for intent in tx.intents()]
    late = [_late(world, each, names, keys) for each in world.late]
    todo = [
        (t.key.side, max(t.due_ms - world.now_ms, 0), t.attempts)
        for t in tx.todo_after(RECORD, after=0, limit=EVERY)
    ]
    holds = [(hold.key.side, hold.property, hold.cause, hold.digest) for hold in tx.holds(limit=EVERY)]
    return (
        (settled, links, intents, late, todo, holds),
        _owed(world, tx, names),
        [names.known(each.told) for each in world.late],
        [names.known(token for of, token in world.known if of is side) for side in Side],
        _written(tx, names),
    )


def _side(world: LittleWorld, tx: Tx, side: Side, names: Names, faults: bool) -> Any:
    """A record as it is, as a replica may still show it, and as it was last read."""
    system = world.systems[side]
    now, seen = system.record(RECORD, ID), tx.sighting(side, RECORD, ID)
    known = seen.version if seen else None
    past = world.replicas(side, known) if faults else []
    ages = [(until - world.now_ms, is_older(was, known)) for until, was in past]
    abilities = system.entities[RECORD].abilities
    readings: list[Record | Any] = [now, *(was for _, was in past if not is_older(was, known))]
    readings += [seen] if seen else []
    versions = sorted({each.version for each in readings if each.version is not None})
    told = [
        (names(each.fields), each.version and versions.index(each.version), each.token == now.token)
        for each in readings
    ]
    heard = None if seen is None else seen.unread
    ago_ms = None
    if seen is not None and abilities.versions != "strict":
        ago_ms = min(world.now_ms - abs(seen.seen_ms), LAG_MS)
    recent = abilities.versions == "time" and min(
        world.now_ms - (now.version or 0), 2 * abilities.resolution_ms
    )
    cursor = int(tx.cursor(side, RECORD) or 0)
    news = bool(system.changed_after(RECORD, cursor, 1))
    return told, ages, heard, ago_ms, recent, news


def _intent(world: LittleWorld, intent: Intent, names: Names, keys: dict[str, int]) -> Any:
    return (
        intent.side,
        names(intent.payload),
        names(intent.properties),
        world.is_current(intent.side, intent.seen_token),
        keys.setdefault(intent.idempotency, len(keys)),
        world.has_answered(intent.side, intent.idempotency),
        min(world.now_ms - intent.made_ms, LONG_MS),
        min(world.now_ms - intent.sent_ms, LONG_MS),
        intent.attempts,
    )


def _late(world: LittleWorld, late: Late, names: Names, keys: dict[str, int]) -> Any:
    return (
        late.side,
        names(late.changes),
        world.is_current(late.side, late.token),
        keys.setdefault(late.idempotency, len(keys)),
        world.has_answered(late.side, late.idempotency),
        late.until_ms - world.now_ms,
    )


def _owed(world: LittleWorld, tx: Tx, names: Names) -> Any:
    """What a law could still find missing of people's edits: a trace of it; that it is not what somebody has seen
    and replaced that comes back; and that the latest of a side stays as it was typed."""
    traced = {edit.saw for edit in world.edits} | told(tx) | world.excused
    latest = [next((e.token for e in reversed(world.edits) if e.side is side), None) for side in Side]
    trace = [names.token(edit.token) for edit in world.edits if edit.token not in traced]
    back = [
        (names.given[edit.saw], names.given.get(edit.token, -1))
        for edit in world.edits
        if edit.saw in names.given and edit.token not in world.excused
    ]
    return trace, sorted(back), [token and names.given.get(token) for token in latest]


def _written(tx: Tx, names: Names) -> Any:
    """How often each value that is still somewhere was written."""
    times = Counter(
        (entry.side, str(value).strip())
        for entry in tx.journal(operation="update", limit=EVERY)
        if entry.outcome in ("done", "found done")
        for change in entry.changes
        for value in cast("list[Any]", change.get("new") or [])
    )
    return sorted(
        (str(side), names.given[token], min(count, MOST_TIMES))
        for (side, token), count in times.items()
        if token in names.given
    )
