"""What a decision is made of: the scene it is made in, the writes it asks for, and the verdict itself. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from instep.core.dataflow import Pair
from instep.core.model import Both, Entity, Side
from instep.core.policy import Clock
from instep.core.state import Hold, Key
from instep.core.transformations.contract import Lookup
from instep.core.values import Json, Raw, digest

CHOSEN: Final = "a person chose"
GIVEN: Final = "a person gave this value"
UNDONE: Final = "is undone"


def by_person(why: str) -> bool:
    """Whether the reason of a write says that a person decided on it."""
    return any(words in why for words in (CHOSEN, GIVEN, UNDONE))


@dataclass(frozen=True, slots=True)
class Scene:
    """What deciding on any record of a pair needs: its entities, how people call the systems, clocks, links."""

    pair: Pair
    entities: Both[Entity]
    systems: Both[str]
    lookup: Lookup
    clocks: Both[Clock] = Both(Clock(), Clock())
    planning: bool = False  # in a plan, a record that is going to be linked counts as linked


@dataclass(frozen=True, slots=True)
class Change:
    """One property to be written: the target's raw values before and as meant, and the source's raw values; None
    if they come from no source, so that the base does not move."""

    property: str
    old: Raw | None
    new: Raw | None
    source: Raw | None
    why: str


@dataclass(frozen=True, slots=True)
class Write:
    """One call to one system. `payload`: dotted changes of an update, nested fields of a create.

    `following`: of a create, the first properties of the calls that will have to follow, since the create call
    doesn't take them. `about`: of a create, what its source held of all that it is to say, whether that can be
    written yet or not; a person's choice on it counts until this changes.
    """

    side: Side
    operation: Literal["create", "update", "retire"]
    record_id: str
    payload: Mapping[str, Json]
    changes: tuple[Change, ...]
    why: str
    generation: int = 0
    following: tuple[str, ...] = ()
    about: str = ""

    def fingerprint(self, key: Key) -> str:
        """Two writes share it exactly when they were decided from the same values for the same record."""
        sources = {change.property: [change.source, change.old] for change in self.changes}
        about = [key.side, key.id] if self.operation == "create" else self.record_id
        return digest([key.pair, about, self.side, self.operation, sources])


@dataclass(frozen=True, slots=True)
class Overruled:
    """An edit that lost: the property, the side that held it, its raw values, and why. For the journal."""

    property: str
    side: Side
    raw: Raw
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of one key. `agreed`: bases that may move without a write. `link`: the ids to link at
    once, and `how` they were found. `retired`: the link is to be put to rest. `unlink`: it is to be removed, and
    with `apart` never to come back by itself. `wait_ms`: look again later. `used`: properties whose release was
    applied; `stale`: those of them whose values had changed since, so that it came to nothing; `undone`: those that
    are as they were before a run, and rest.

    `agreed`: a base of None is taken away, as before first contact."""

    key: Key
    writes: tuple[Write, ...] = ()
    agreed: Mapping[str, Both[Raw] | None] = field(default_factory=dict)
    overruled: tuple[Overruled, ...] = ()
    holds: tuple[Hold, ...] = ()
    link: Both[str] | None = None
    how: str = ""
    retired: str = ""
    unlink: bool = False
    note: str = ""
    wait_ms: int = 0
    used: tuple[str, ...] = ()
    apart: bool = False
    stale: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
