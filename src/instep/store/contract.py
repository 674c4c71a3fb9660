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
from typing import Literal, Protocol, TypeVar

from instep.core.model import Both, Side
from instep.core.values import Json, Raw

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sighting:
    """The last reading of a record that we accepted, reduced to the fields that some pair maps.

    `digest` covers `fields` and `deleted`. `edits`: per dotted path, between which two times of the *system's*
    clock it was last edited (lower bound None: unknown); kept for the conflict policy `newest`.
    `listed_in`: number of the last complete listing that named it (0: none). `seen_ms`: when we read it.
    """

    side: Side
    entity: str
    id: str
    fields: Mapping[str, Json]
    digest: str
    version: int | None = None
    token: str | None = None
    updated_ms: int | None = None
    created_ms: int | None = None
    deleted: bool = False
    author: str | None = None
    seen_ms: int = 0
    listed_in: int = 0
    edits: Mapping[str, tuple[int | None, int]] = field(default_factory=dict)


LinkState = Literal["live", "retired"]
"""live: kept in step; retired: its records are out of use on both sides, kept so that they never come back."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two records that are the same thing. `base`: per property, what each side held when they last agreed, each
    in its own terms; a property without an entry has no base (first contact). `id` 0 asks for a new one.
    `generation` counts re-creations. `settled`: how many times a property's base was moved (for display)."""

    id: int
    pair: str
    ids: Both[str]
    base: Mapping[str, Both[Raw]] = field(default_factory=dict)
    state: LinkState = "live"
    generation: int = 0
    made_ms: int = 0
    made_by: str = ""  # how: "identity", "match email", "created right", "by hand"


@dataclass(frozen=True, slots=True)
class Key:
    """What there is to look at: a record of a pair. A linked record's key is always that of its left record."""

    pair: str
    side: Side
    id: str


@dataclass(frozen=True, slots=True)
class Todo:
    """A key that has to be looked at. `seq` changes with each new mark, so that finishing an old one can't lose
    a newer one. `due_ms`: not before. `attempts`: failures in a row since the last new mark."""

    key: Key
    seq: int
    bucket: int
    due_ms: int = 0
    attempts: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """One record (`property` "") or property that waits for a person or for a reference, and why.

    `cause`: conflict | ambiguous | duplicate | refused | reference | person | deleted | required | unfit |
    brake | doubt. `digest`: of the values that it is about; a hold whose digest no longer applies is dropped.
    `waits_for`: (side, entity, id) that releases it by itself once linked.
    `values`: what `holds show` prints: raw per side, or the candidates.
    """

    key: Key
    property: str
    cause: str
    what: str
    why: str = ""
    fix: str = ""
    digest: str = ""
    since_ms: int = 0
    waits_for: tuple[Side, str, str] | None = None
    values: Json = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Release:
    """A person's choice for a hold: left | right | value | create | link | unlink | retire | recreate | ignore |
    retry. Applies while the hold's digest is `digest`."""

    key: Key
    property: str
    choice: str
    digest: str
    value: Json = None
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that may be on its way: durable before the request goes out, closed by a definite outcome.

    `side` is where it writes; `record_id` the target ("" for a create whose id the system chooses).
    `payload`: dotted changes of an update, nested fields of a create. `properties`: name -> (source raw the
    decision used, target raw before, target raw meant). `marker`, `chosen_id`, `idempotency`: of a create or
    request. `source_version`, `seen_version`: of the two readings decided on. `attempts`: times sent.
    """

    key: Key
    side: Side
    operation: Literal["create", "update", "retire"]
    record_id: str
    source_id: str
    payload: Mapping[str, Json]
    properties: Mapping[str, tuple[Raw | None, Raw | None, Raw | None]]
    idempotency: str
    chosen_id: str = ""
    marker: str = ""
    link_id: int = 0
    source_version: int | None = None
    seen_version: int | None = None
    generation: int = 0
    run: int = 0
    reason: str = ""
    made_ms: int = 0
    sent_ms: int = 0
    attempts: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. `operation`: create | update | retire | link | unlink | overruled | release |
    hold | adopt. `outcome`: done | found done | refused | not applied | given up. `changes`: [{property, old,
    new}] in the target's terms."""

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


@dataclass(frozen=True, slots=True)
class Run:
    """One turn of recover, observe, plan, act. `status`: running | done | stopped | braked | failed."""

    id: int
    kind: str
    started_ms: int
    finished_ms: int | None = None
    status: str = "running"
    summary: Json = None


class Tx(Protocol):
    """One transaction. Methods are plain and synchronous; those that read take part in it too."""

    # Sightings
    def sighting(self, side: Side, entity: str, id: str) -> Sighting | None: ...
    def sightings(self, side: Side, entity: str, ids: Sequence[str]) -> dict[str, Sighting]:
        """Those that exist, of up to 1,000 ids."""
        ...

    def save_sightings(self, sightings: Iterable[Sighting]) -> None:
        """Insert or replace; the caller has checked that none is older than the stored one."""
        ...

    def touch(self, side: Side, entity: str, ids: Sequence[str], listed_in: int) -> None:
        """Note that a complete listing named these unchanged records."""
        ...

    def unlisted(self, side: Side, entity: str, listing: int, after: str, limit: int) -> list[str]:
        """Ids after `after`, sorted, of records not marked deleted that complete listing `listing` didn't name
        and that were known before it began."""
        ...

    def sample_ids(self, side: Side, entity: str, excluding: str, limit: int) -> list[str]:
        """Some other records believed to exist, latest seen first (canaries)."""
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
        this pair: links are one to one, by the database's own constraint."""
        ...

    def remove_link(self, link_id: int) -> None: ...
    def links(self, pair: str, after: int, limit: int) -> list[Link]:
        """By id."""
        ...

    # Match index
    def save_matches(self, pair: str, side: Side, id: str, values: Mapping[int, str]) -> None:
        """Replace the match values of a record: number of the match key -> digest of its canonical values."""
        ...

    def matches(self, pair: str, side: Side, key: int, value: str, limit: int) -> list[str]:
        """Ids of records of that side with that value, sorted."""
        ...

    # What there is to look at
    def mark(self, keys: Iterable[Key], *, due_ms: int = 0, reason: str = "") -> None:
        """Mark keys to look at, with a new seq and no attempts; an earlier due time wins over a later one."""
        ...

    def todo(self, pair: str, *, now_ms: int, bucket: int | None = None, limit: int = 100) -> list[Todo]:
        """Due ones in order of seq."""
        ...

    def todo_after(self, pair: str, *, after: int, limit: int) -> list[Todo]:
        """All, due or not, with seq above `after`, in order of seq: for plans."""
        ...

    def is_todo(self, key: Key) -> bool: ...
    def finish(self, todo: Todo) -> bool:
        """Forget it, unless it was marked again since; says whether it was forgotten."""
        ...

    def postpone(self, todo: Todo, *, due_ms: int, attempts: int, reason: str) -> bool:
        """Look again later, unless it was marked again since."""
        ...

    def busy_buckets(self, pair: str, now_ms: int) -> list[int]: ...
    def next_due(self, pair: str) -> int | None: ...

    # Holds and releases
    def holds_of(self, key: Key) -> list[Hold]: ...
    def replace_holds(self, key: Key, holds: Sequence[Hold]) -> None:
        """The holds of a key from now on; one with unchanged property, cause and digest keeps id and since_ms."""
        ...

    def hold(self, hold_id: int) -> Hold | None: ...
    def holds(self, *, pair: str = "", cause: str = "", after: int = 0, limit: int = 100) -> list[Hold]: ...
    def waiting_for(self, side: Side, entity: str, id: str) -> list[Key]: ...
    def releases_of(self, key: Key) -> list[Release]: ...
    def save_release(self, release: Release) -> None: ...
    def drop_releases(self, key: Key, properties: Sequence[str]) -> None: ...

    # Intents
    def save_intent(self, intent: Intent) -> Intent:
        """Insert (id 0) or update; returns it with its id."""
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
    def append(self, entries: Iterable[Entry]) -> None: ...
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
        """Latest first; `record_id` matches the record or its partner (with `side`: the record of that side)."""
        ...

    def start_run(self, kind: str, now_ms: int) -> Run: ...
    def finish_run(self, run_id: int, now_ms: int, status: str, summary: Json) -> None: ...
    def runs(self, limit: int = 20) -> list[Run]:
        """Latest first."""
        ...

    # Counts for `status`
    def count_links(self, pair: str) -> int: ...
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
        back. StoreError for a full disk, a damaged or locked file."""
        ...

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on the last commit, at once, on the calling thread; it must not write."""
        ...

    async def acquire(self, holder: str, now_ms: int, ttl_ms: int) -> int:
        """Take or renew the lease; returns its epoch, which rises with each new holder. Raises StoreError with
        who holds it while another's lease has not run out."""
        ...

    async def release(self) -> None:
        """Give the lease back."""
        ...

    async def close(self) -> None: ...


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
