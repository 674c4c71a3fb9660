"""What every part of a run shares: the dataflow, the two connectors, the store, a clock and randomness.

Nothing here reads a clock, draws a random number or sleeps but through these, so that the very same code runs
on virtual time in the simulated world.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from threading import Lock
from zlib import crc32

from instep.connectors.contract import Connector
from instep.core.conditions import unmet
from instep.core.dataflow import Dataflow, Pair
from instep.core.model import Both, Entity, Side
from instep.core.overwritten import beside
from instep.core.policy import Clock
from instep.core.state import Hold, Key
from instep.core.transformations.contract import Linked, Lookup, Unlinked
from instep.core.verdict import Scene
from instep.runner.spans import Spans, unwatched
from instep.store.contract import Store, Tx


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run goes about its work. Times in milliseconds.

    `workers`: records looked at at once. `attempts`: failures in a row after which a record counts as failing
    (it is still tried, ever more rarely). `timeout_ms`: the connectors' own limit for a request, part of how
    long a write may stay in doubt. `keep_history_ms`: how long the journal is kept, None for ever.
    """

    workers: int = 16
    retry_first_ms: int = 2_000
    retry_most_ms: int = 3_600_000
    timeout_ms: int = 60_000
    lease_ms: int = 60_000
    canaries: int = 3
    keep_history_ms: int | None = None


class Claims:
    """The keys that workers are at, so that no two are at one record: the one's calls would be doubted by the
    other. Asked on the event loop and within transactions, which a store may run in a thread of its own."""

    def __init__(self) -> None:
        self._taken: set[Key] = set()
        self._lock = Lock()

    def take(self, keys: set[Key], mine: set[Key]) -> bool:
        """Add keys to `mine`, unless another worker has one of them; says whether it has them all now."""
        with self._lock:
            if keys & (self._taken - mine):
                return False
            self._taken |= keys
            mine |= keys
            return True

    def give_back(self, mine: set[Key]) -> None:
        with self._lock:
            self._taken -= mine


@dataclass(slots=True)
class Engine:
    """One site's parts, wired.

    `now_ms` gives UTC milliseconds; `run` is the id of the run that is going on; `claims` knows the keys that
    some worker is at; `apart` has those whose properties are written one by one, since a write of several was
    refused; while a plan is made, `awaited` collects the records that others are going to wait for, and `woken` per
    pair the held records that wait for one which gets its partner in this plan;
    `readable_ms` is when the last of the readings can be made that the run had to put off (`_reading` in `turn`);
    `spans` is told what goes on.
    """

    dataflow: Dataflow
    connectors: Both[Connector]
    store: Store
    now_ms: Callable[[], int]
    random: Random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    settings: Settings = field(default_factory=Settings)
    run: int = 0
    claims: Claims = field(default_factory=lambda: Claims())
    apart: set[Key] = field(default_factory=set)
    awaited: set[tuple[Side, str, str]] = field(default_factory=set)
    woken: dict[str, set[Key]] = field(default_factory=dict)
    readable_ms: int = 0
    spans: Spans = unwatched
    _paths: dict[tuple[Side, str], tuple[Entity, tuple[str, ...]]] = field(default_factory=dict, repr=False)

    @property
    def requests(self) -> int:
        """How many were sent to both systems so far."""
        return sum(connector.requests for connector in self.connectors)

    def entity(self, pair: Pair, side: Side) -> Entity:
        return self.connectors[side].entities()[pair.entity[side]]

    def clock(self, side: Side, entity: Entity) -> Clock:
        connector = self.connectors[side]
        return Clock(connector.clock_skew_ms, connector.clock_error_ms, entity.abilities.resolution_ms)

    def scene(
        self,
        tx: Tx,
        pair: Pair,
        *,
        planning: bool = False,
        gets_partner: Callable[[Key], bool] | None = None,
    ) -> Scene:
        """What the core needs to decide on a record of this pair, on the state that `tx` sees."""
        entities = Both.of(lambda side: self.entity(pair, side))
        return Scene(
            pair,
            entities,
            self.connectors.map(lambda connector: connector.name),
            StoreLookup(self.dataflow, tx, planning, self.awaited, gets_partner),
            Both.of(lambda side: self.clock(side, entities[side])),
            planning,
        )

    def paths(self, side: Side, entity: str) -> tuple[str, ...]:
        """Every field path of an entity that any pair reads or writes, with its marker and retirement field."""
        declared = self.connectors[side].entities()[entity]
        known = self._paths.get((side, entity))
        if known is not None and known[0] is declared:
            return known[1]
        paths = {path for pair in self.dataflow.of_entity(side, entity) for path in pair.paths(side)}
        if declared.abilities.marker:
            paths.add(declared.abilities.marker)
        if declared.retired is not None:
            paths.add(declared.retired[0])
        groups = {its.group for path in paths if (its := declared.field(path)) and its.group}
        paths.update(each.path for each in declared.fields if each.group in groups)
        found = tuple(sorted(paths))
        self._paths[side, entity] = (declared, found)
        return found

    def backoff_ms(self, attempts: int) -> int:
        """The wait before try number `attempts` + 1: doubling, with jitter so that records don't march in step."""
        longest: int = min(self.settings.retry_first_ms << min(attempts, 20), self.settings.retry_most_ms)
        return round(longest * (0.5 + self.random.random() / 2))

    def hold(self, tx: Tx, key: Key, holds: Sequence[Hold]) -> None:
        """The holds of a key from now on; one that is new begins now. A record that is waited for is looked at
        where it is created only when it is."""
        before = tx.holds_of(key)
        known = {hold.waits_for for hold in before}
        holds = [replace(hold, since_ms=hold.since_ms or self.now_ms()) for hold in beside(holds, before)]
        tx.replace_holds(key, holds)
        for wanted in {hold.waits_for for hold in holds} - known:
            if wanted is not None:
                self._need(tx, *wanted)

    def _need(self, tx: Tx, side: Side, entity: str, id: str) -> None:
        pairs = [pair for pair in self.dataflow.of_entity(side, entity) if pair.referred[side.other]]
        if pairs and tx.sighting(side, entity, id) is not None:
            tx.mark([Key(pair.name, side, id) for pair in pairs], reason="a record refers to it")

    def idempotency_key(self) -> str:
        return f"instep-{self.random.getrandbits(128):032x}"


@dataclass(frozen=True, slots=True)
class StoreLookup:
    """Answers a reference's questions from the link table, within one transaction.

    `planning`: two records that match each other and no other count as linked, since the run links them before
    it comes to what refers to them. Such a link has a negative id, kept in `foreseen`. A record that gets a partner
    since it is asked for here counts as planned in a run too; a plan puts it into `awaited`. `gets_partner`: whether
    the run is going to give one to a record that it looks at; without it, one that is not held counts.
    """

    dataflow: Dataflow
    tx: Tx
    planning: bool = False
    awaited: set[tuple[Side, str, str]] = field(default_factory=set)
    gets_partner: Callable[[Key], bool] | None = None
    foreseen: dict[int, Both[str]] = field(default_factory=dict)

    def link_of(self, side: Side, entity: str, id: str, other: str) -> Linked | Unlinked:
        planned = False
        for pair in self.dataflow.of_entity(side, entity):
            if pair.entity[side.other] != other:
                continue
            link = self.tx.link_of(pair.name, side, id)
            if link is not None and link.state == "live":
                return Linked(link.id)
            if link is None and pair.referred[side.other] and self._is_made_if_asked_for(pair, side, id):
                planned = True
            if self.planning:
                if planned:
                    self.awaited.add((side, entity, id))
                number = None if link is not None else self._foreseen(pair, side, id)
                if number is not None:
                    return Linked(number)
                planned = planned or self._is_planned(Key(pair.name, side, id))
        return Unlinked(side, entity, id, planned)

    def _is_planned(self, key: Key) -> bool:
        if not self.tx.is_todo(key):
            return False
        return not self.tx.holds_of(key) if self.gets_partner is None else self.gets_partner(key)

    def _is_made_if_asked_for(self, pair: Pair, side: Side, id: str) -> bool:
        seen = self.tx.sighting(side, pair.entity[side], id)
        if seen is None or seen.deleted:
            return False
        if unmet((*pair.where[side], *pair.create_when[side.other]), seen.fields) is not None:
            return False
        return pair.create[side.other] and not self.tx.holds_of(Key(pair.name, side, id))

    def _foreseen(self, pair: Pair, side: Side, id: str) -> int | None:
        """The id of the link that two unlinked records are going to have, by the first match key that says so."""
        for number, value in sorted(self.tx.match_values(pair.name, side, id).items()):
            if number < 0:
                continue
            same = Both.of(partial(self._matching, pair, number, value))
            if len(same.left) == len(same.right) == 1:
                ids = same.map(lambda found: found[0])
                if self.tx.link_of(pair.name, side.other, ids[side.other]) is not None:
                    return None
                foreseen = -1 - crc32(f"{pair.name}\0{ids.left}".encode())
                self.foreseen[foreseen] = ids
                return foreseen
            if same[side.other]:
                return None
        return None

    def _matching(self, pair: Pair, number: int, value: str, side: Side) -> list[str]:
        return self.tx.matches(pair.name, side, number, value, 2)

    def id_of(self, link_id: int, side: Side) -> str | None:
        if link_id in self.foreseen:
            return self.foreseen[link_id][side]
        link = self.tx.link(link_id)
        return None if link is None or link.state != "live" else link.ids[side]


def entities_of(dataflow: Dataflow) -> list[tuple[Side, str]]:
    """Every (side, entity) that is read, each once, referred-to ones first."""
    found: Mapping[tuple[Side, str], None] = dict.fromkeys(
        (side, pair.entity[side]) for pair in dataflow.pairs for side in Side
    )
    return list(found)


_: type[Lookup] = StoreLookup
