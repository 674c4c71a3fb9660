"""What Instep remembers of records and pairs of records: plain nouns that the core decides on.

The store keeps them (`instep.store.contract`), the runner carries them about.
Times are UTC milliseconds of our clock unless said otherwise. Values are raw JSON (`instep.core.values`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from instep.core.model import Both, Side
from instep.core.values import Json, Raw


@dataclass(frozen=True, slots=True)
class Sighting:
    """The last reading of a record that we accepted, reduced to the fields that some pair maps.

    `digest` covers `fields` and `deleted`. `edits`: per dotted path, between which two times of the *system's*
    clock it was last edited (lower bound None: unknown); kept for the conflict policy `newest`.
    `listed_in`: number of the last complete listing that named it (0: none). `seen_ms`: when we read it; 0 or
    below if it has to be read before it is decided on, since something was heard of it at `-seen_ms`.
    `shown_ms`: when the system last showed it, in a reading or a listing (0: never, or not known).
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
    shown_ms: int = 0

    @property
    def unread(self) -> bool:
        """Whether it is to be read first: it may have changed, or be gone."""
        return self.seen_ms <= 0


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
    a newer one. `due_ms`: not before. `attempts`: failures in a row since the last new mark. `urgent`: it goes before
    those that are not."""

    key: Key
    seq: int
    bucket: int
    due_ms: int = 0
    attempts: int = 0
    reason: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """One record (`property` "") or property that waits for a person or for a reference, and why.

    `cause`: conflict | ambiguous | duplicate | refused | reference | person | deleted | required | unfit |
    brake | doubt | ignored | undone | fight | reused | overwritten. `digest`: of the values that it is about; a
    hold whose digest no longer applies is dropped.
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
    """A person's choice for a hold: left | right | create | link | unlink | retire | recreate | ignore |
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
    request. `source_version`, `seen_version`, `seen_token`: of the two readings decided on. `attempts`: times sent.
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
    seen_token: str | None = None
    generation: int = 0
    run: int = 0
    reason: str = ""
    made_ms: int = 0
    sent_ms: int = 0
    attempts: int = 0
    id: int = 0
