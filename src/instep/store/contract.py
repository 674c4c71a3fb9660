"""What the engine needs of a store: a few nouns, and one kind of transaction. `instep.testing` has the suite.

All state that must survive a crash is here. `Store.write` runs one function in one transaction and returns
when it is durable (a kill -9 or a power cut after that loses nothing); several callers' functions may share a
commit, each rolled back alone if it raises. `Store.read` sees the last commit.
Ids of links, intents, runs, journal entries and todo sequence numbers never repeat, even after deletes.
Times are UTC milliseconds of our clock unless said otherwise. Values are raw JSON (`instep.core.values`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from instep.core.model import Both, Side
from instep.core.state import Hold, Intent, Key, Link, LinkState, Release, Sighting, Todo
from instep.core.values import Json
from instep.store.chain import Anchor, Chain, SealedRow

__all__ = [
    "BUCKETS",
    "Activity",
    "AlreadyLinked",
    "Entry",
    "Hold",
    "HoldKind",
    "Intent",
    "Key",
    "Link",
    "LinkState",
    "Release",
    "Run",
    "Sighting",
    "Store",
    "Todo",
    "Tx",
    "Which",
    "bucket_of",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. `operation`: create | update | retire | link | unlink | overruled | release |
    hold | adopt | forget | prune | overwritten | pause | resume | decide (a person's, about runs: `reason` says
    what and who). `outcome`: done | found done | refused | not applied | given up.
    `changes`: [{property, old, new}] in the target's terms, with `kept` where the system made something else of what
    was meant, and `versions` (of the reading decided on, of the answer) where the write had no condition and the
    system has a log. `request`: the system's own id of the request, else our idempotency key.
    The store gives `seq` and `seal` (`instep.store.chain`), and says whether the values are `forgotten`: `reason`
    is then empty, and `changes` has names alone."""

    at_ms: int
    run: int
    pair: str
    operation: str
    outcome: str
    side: Side | None = None
    record_id: str = ""
    partner_id: str = ""
    link_id: int = 0
    reason: str = ""
    changes: Sequence[Mapping[str, Json]] = ()
    request: str = ""
    seq: int = 0
    seal: str = field(default="", compare=False)
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run, or some minutes of turns of a process that is always on ("live").

    `status`: running | done | stopped | braked | failed. `undoes`: the run that it takes back, 0 for none; `partly`:
    a part of it alone."""

    id: int
    kind: str
    started_ms: int
    finished_ms: int | None = None
    status: str = "running"
    summary: Json = None
    undoes: int = 0
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Which:
    """Some of the marks: those that are urgent or are not (None: both), and with a seq up to `upto`, if given."""

    urgent: bool | None = None
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class HoldKind:
    """Holds of one cause on one property of a pair ("" as a whole): how many, and the number of the first."""

    pair: str
    cause: str
    property: str
    count: int
    first: int


@dataclass(frozen=True, slots=True)
class Activity:
    """How many entries of one operation the journal has in the span of time that begins at `at_ms`."""

    at_ms: int
    pair: str
    operation: str
    side: Side | None
    count: int


class Tx(Protocol):
    """One transaction. Methods are plain and synchronous; those that read take part in it too."""

    # Sightings
    def sighting(self, side: Side, entity: str, id: str) -> Sighting | None: ...
    def sightings(self, side: Side, entity: str, ids: Sequence[str]) -> dict[str, Sighting]:
        """Those that exist, of up to 1,000 ids."""
        ...

    def save_sightings(self, sightings: Iterable[Sighting]) -> None:
        """Insert or replace; the caller has checked that none is older than the stored one. Each is found from then
        on by the terms of what it holds now (`instep.core.terms`), and by no others."""
        ...

    def search(
        self, words: Sequence[str], *, side: Side | None = None, entity: str = "", limit: int = 50
    ) -> list[tuple[Side, str, str]]:
        """(side, entity, id) of records that have, for each of up to three words, a term that begins with it; those
        whose term is the first word itself first. The words are folded as terms are. No words: no records."""
        ...

    def touch(self, side: Side, entity: str, ids: Sequence[str], listed_in: int, shown_ms: int) -> None:
        """Note that a complete listing named these unchanged records, and when."""
        ...

    def unlisted(self, side: Side, entity: str, listing: int, after: str, limit: int) -> list[str]:
        """Ids after `after`, sorted, of records not marked deleted whose `listed_in` is below `listing`: known
        before that complete listing began, and not named by it. A record first seen by other means while it
        runs is among them, unless it is saved with that listing's number."""
        ...

    def sample_ids(self, side: Side, entity: str, excluding: str, limit: int) -> list[str]:
        """Some other records not marked deleted, latest seen first."""
        ...

    def canaries(
        self, side: Side, entity: str, excluding: str, *, known_ms: int, created_ms: int, limit: int
    ) -> list[str]:
        """Some other records that are not marked deleted and were there at `known_ms`: no reading since then has
        changed them, or they were created at `created_ms` of the system's clock or before. Latest seen first, those
        that are yet to be read again last; none that is known from hints alone."""
        ...

    def unread(self, side: Side, entity: str, limit: int) -> list[str]:
        """Some records that are known from hints alone, sorted: seen_ms and digest are 0 and ""."""
        ...

    def count_sightings(self, side: Side, entity: str) -> int:
        """Records not marked deleted."""
        ...

    # Links
    def link(self, link_id: int) -> Link | None: ...
    def link_of(self, pair: str, side: Side, id: str) -> Link | None:
        """The live or retired link of that record in that pair."""
        ...

    def links_of(self, pair: str, side: Side, ids: Sequence[str]) -> dict[str, Link]:
        """By record id, for up to 1,000 ids."""
        ...

    def save_link(self, link: Link) -> Link:
        """Insert (id 0) or update; returns it with its id. Raises AlreadyLinked if a record has another link in
        this pair, live or retired: links are one to one, by the database's own constraint; the transaction can
        go on. LookupError if the link to update has been removed."""
        ...

    def remove_link(self, link_id: int) -> None: ...
    def links(self, pair: str, after: int, limit: int) -> list[Link]:
        """Those with an id above `after`, by id."""
        ...

    # Match index
    def save_matches(self, pair: str, side: Side, id: str, values: Mapping[int, str]) -> None:
        """Replace the match values of a record: number of the match key -> digest of its canonical values."""
        ...

    def match_values(self, pair: str, side: Side, id: str) -> dict[int, str]:
        """What `save_matches` stored for a record, by number of the match key."""
        ...

    def matches(self, pair: str, side: Side, key: int, value: str, limit: int) -> list[str]:
        """Ids of records of that side with that value, sorted."""
        ...

    # What there is to look at
    def mark(self, keys: Iterable[Key], *, due_ms: int = 0, reason: str = "", urgent: bool = False) -> None:
        """Mark keys to look at, with a new seq and no attempts; an earlier due time wins over a later one, and one
        that was urgent stays so until it is finished."""
        ...

    def todo(
        self,
        pair: str,
        *,
        now_ms: int,
        bucket: int | None = None,
        which: Which | None = None,
        limit: int = 100,
    ) -> list[Todo]:
        """Due ones, urgent ones first, else in order of seq; only of those that `which` means."""
        ...

    def todo_after(self, pair: str, *, after: int, limit: int) -> list[Todo]:
        """All, due or not, with seq above `after`, in order of seq: for plans."""
        ...

    def last_mark(self) -> int:
        """The seq of the newest mark that was ever made, 0 if there was none."""
        ...

    def is_todo(self, key: Key) -> bool: ...
    def todo_of(self, key: Key) -> Todo | None: ...
    def finish(self, todo: Todo) -> bool:
        """Forget it, unless it was marked again since; says whether it was forgotten."""
        ...

    def postpone(self, todo: Todo, *, due_ms: int, attempts: int, reason: str) -> bool:
        """Look again later, unless it was marked again since."""
        ...

    def busy_buckets(self, pair: str, now_ms: int, which: Which | None = None) -> list[int]:
        """Buckets with something due, those with something urgent first, else sorted; a look or two into each,
        however much there is to do."""
        ...

    def next_due(self, pair: str, urgent: bool | None = None) -> int | None:
        """The earliest due time, be it past or future; None if there is nothing to look at. `urgent`: only of those
        that are, or that are not."""
        ...

    # Holds and releases
    def holds_of(self, key: Key) -> list[Hold]: ...
    def replace_holds(self, key: Key, holds: Sequence[Hold]) -> None:
        """The holds of a key from now on; one with unchanged property, cause and digest keeps id and since_ms
        and takes on the rest. Ids and keys in `holds` are not looked at."""
        ...

    def hold(self, hold_id: int) -> Hold | None: ...
    def holds(
        self,
        *,
        pair: str = "",
        cause: str = "",
        property: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Hold]:
        """Those with a number above `after`, by number; of a property: "" for those of records as a whole."""
        ...

    def kinds_of_holds(self) -> list[HoldKind]:
        """What kinds of holds there are, sorted by pair, cause and property."""
        ...

    def waiting_for(self, side: Side, entity: str, id: str) -> list[Key]: ...
    def releases_of(self, key: Key) -> list[Release]: ...
    def save_release(self, release: Release) -> None: ...
    def drop_releases(self, key: Key, properties: Sequence[str]) -> None: ...

    # Intents
    def save_intent(self, intent: Intent) -> Intent:
        """Insert (id 0) or update; returns it with its id. LookupError if the one to update was closed."""
        ...

    def intents(self, limit: int = 1000) -> list[Intent]:
        """Open ones by id."""
        ...

    def intents_of(self, key: Key) -> list[Intent]: ...
    def intent_to(self, pair: str, side: Side, id: str) -> Intent | None:
        """The open create that is to make (chosen id or marker), or comes from, that record of that pair."""
        ...

    def close_intent(self, intent_id: int) -> None: ...

    # Cursors, listings, settings
    def cursor(self, side: Side, entity: str) -> str | None: ...
    def save_cursor(self, side: Side, entity: str, cursor: str | None) -> None: ...
    def meta(self, name: str) -> str | None: ...
    def save_meta(self, name: str, value: str | None) -> None: ...

    # Journal and runs
    def append(self, entries: Iterable[Entry]) -> None:
        """Add to the end, each sealed by a hash over itself and the seal before (`instep.store.chain`)."""
        ...

    def prune(self, before_ms: int, limit: int) -> Anchor | None:
        """Let go of the oldest entries, up to `limit` of them and none from `before_ms` on; what is kept begins
        after the last of them, which is returned (None: there was none). The caller says so in an entry of the
        operation "prune", whose `record_id` is the number of that last one."""
        ...

    def forget_values(self, pair: str, side: Side, id: str) -> int:
        """Erase the values and reasons of all entries that name this record, but those of the operation
        "forget"; returns of how many. Their seals go on to hold."""
        ...

    def chain(self) -> Chain:
        """Where the kept part of the journal begins and ends."""
        ...

    def sealed(self, after: int, limit: int) -> list[SealedRow]:
        """Entries with a seq above `after` as they were sealed, oldest first: to be verified."""
        ...

    def journal(
        self,
        *,
        pair: str = "",
        side: Side | None = None,
        record_id: str = "",
        run: int = 0,
        operation: str = "",
        before: int | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """Latest first, with a seq below `before`; only what is asked for ("", 0 and None: not asked).
        `side` alone: entries of that side. `record_id` matches the record or its partner, and with `side` only
        where it is the record of that side; an entry without a side then counts for both."""
        ...

    def activity(self, *, since_ms: int, span_ms: int) -> list[Activity]:
        """What the journal has since then, counted by spans of time (multiples of `span_ms`), oldest first."""
        ...

    def start_run(self, kind: str, now_ms: int, undoes: int = 0, partly: bool = False) -> Run: ...
    def finish_run(self, run_id: int, now_ms: int, status: str, summary: Json) -> None: ...
    def run(self, run_id: int) -> Run | None: ...
    def runs(self, limit: int = 20, before: int | None = None) -> list[Run]:
        """Latest first, with a number below `before`."""
        ...

    def lease(self) -> tuple[str, int]:
        """Who has the lease ("": nobody), and until when."""
        ...

    def undoings(self, run_id: int) -> list[Run]:
        """The runs that take this one back, whole or in part, first to last."""
        ...

    def written(self, run_id: int) -> dict[tuple[str, str, Side], int]:
        """By pair, operation and side: the writes of a run that are known to be made, also while it goes on."""
        ...

    # Counts for `status`
    def count_links(self, pair: str) -> int:
        """Live ones."""
        ...

    def count_todo(self, pair: str) -> Both[int]:
        """(to do, failing: of these with attempts > 0) as left and right of a Both."""
        ...

    def count_holds(self, pair: str) -> dict[str, int]:
        """By cause."""
        ...


class Store(Protocol):
    """An open store. One process writes at a time: `acquire` takes the lease, every later `write` of the holder
    checks it in the same transaction and raises LeaseLost if another has taken it."""

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction of its own; durable on return. What `work` raises undoes it and comes
        back. StoreError for a full disk, a damaged or locked file. `work` may run on another thread, and in the
        order in which writes were asked for. A caller that is cancelled does not know whether it was done."""
        ...

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on the last commit, at once, on the calling thread; it must not write (StoreError).
        A read inside a read sees the same commit."""
        ...

    async def acquire(self, holder: str, now_ms: int, ttl_ms: int) -> int:
        """Take or renew the lease; returns its epoch, which rises with each new holder. Raises Held with
        who holds it while another's lease has not run out.

        The same store renews under the same epoch, also after it ran out if nobody took it; if somebody did, it has
        to `release` before it can take it anew (LeaseLost). A holder of the
        same name in another store (a restarted process) takes it over at once, under a new epoch. Taking over
        from a holder that never gave it back looks for damage first (StoreError)."""
        ...

    async def release(self) -> None:
        """Give the lease back, if this store still has it; its later writes check no lease."""
        ...

    async def scrub(self) -> None:
        """Leave nothing readable of what was erased or replaced, neither in the files' free space nor in a log.
        Takes time and room as for a copy of the store. Raises StoreError if another process reads meanwhile."""
        ...

    async def close(self) -> None:
        """Finish the writes that wait, then close; a lease that was not given back stays until it runs out.
        Later calls raise StoreError, another `close` does nothing."""
        ...


class AlreadyLinked(Exception):
    """A record already has a link in that pair. Carries it, so that the engine can look at it."""

    def __init__(self, link: Link) -> None:
        super().__init__(f"already linked: {link.pair} {link.ids.left} = {link.ids.right}")
        self.link = link


BUCKETS = 64
"""Keys hash to this many buckets; a bucket is drained by one worker at a time, in order."""


def bucket_of(key: Key) -> int:
    """The bucket of a key, the same in every process and release: CRC-32 of its parts, modulo BUCKETS."""
    return zlib.crc32(f"{key.pair}\0{key.side}\0{key.id}".encode()) % BUCKETS
