"""The smallest world that can go wrong: one linked record with one property, and whatever may happen to it.

People edit it on either side, requests get lost or are applied unanswered or late, readings come from a replica
that lags, the process dies: each a question to the tape, within a budget for each. The engine is the real one, on
a real store in memory and two systems in memory; only chance, time and the wire are ours.

A run takes no time. What people do to a side can only be seen by the engine's next call to that side, so it is
asked for there and nowhere else; a crash matters only after something that lasts, a commit or a write, so it is
asked for after these. All other moments lead to the same states.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.memory import MemoryConnector
from instep.connectors.memory_system import MemorySystem
from instep.core.dataflow import NO_BRAKES, Dataflow, Pair, Part, PolicyName, Property
from instep.core.model import Abilities, Both, Entity, Field, Record, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.registry import build
from instep.errors import InDoubt, OutcomeError
from instep.store.contract import Tx
from instep.store.sqlite import SqliteStore
from tests.simulation.processes import Crash

from .search import Tape

T = TypeVar("T")

RECORD = "record"
ID = "1"
FIELD = "value"
TIMEOUT_MS = 1_000
LATE_MS = 20_000
LAG_MS = 8_000


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may happen: edits per side, faults of the wire, deaths of the process."""

    left: int
    right: int
    faults: int
    crashes: int

    def __str__(self) -> str:
        return f"({self.left},{self.right},{self.faults},{self.crashes})"


@dataclass(frozen=True, slots=True)
class Edit:
    """A value that a person gave, and the token that the field showed just before."""

    side: Side
    token: str
    saw: str


@dataclass(frozen=True, slots=True)
class Late:
    """A request that its caller gave up, and that may still be applied until `until_ms`."""

    side: Side
    changes: Mapping[str, Any]
    token: str | None
    idempotency: str
    told: frozenset[str]
    until_ms: int


def is_older(record: Record, known: int | None) -> bool:
    """Whether a reading is of an older version than the known one."""
    return record.version is not None and known is not None and record.version < known


@dataclass
class LittleWorld:
    """All that lasts but the store. A copy of it and of the store's rows is a place to go on from.

    `past`: per side, until when an earlier state of the record was the current one. `excused`: edits that were
    overwritten in the window that can't be closed. `known`: tokens that a side showed to an engine which lived to
    save them.
    """

    systems: Both[MemorySystem]
    now_ms: int
    edits_left: dict[Side, int]
    faults_left: int
    crashes_left: int
    late: list[Late] = field(default_factory=list)
    past: dict[Side, list[tuple[int, Record]]] = field(default_factory=lambda: {s: [] for s in Side})
    edits: list[Edit] = field(default_factory=list)
    excused: set[str] = field(default_factory=set)
    known: set[tuple[Side, str]] = field(default_factory=set)
    keys: int = 0

    def copy(self) -> LittleWorld:
        shared: dict[int, Any] = {id(system.entities): system.entities for system in self.systems}
        shared |= {id(system.now_ms): system.now_ms for system in self.systems}
        return deepcopy(self, shared)

    def shown(self, side: Side) -> str:
        """The token that a side shows: its value without what doesn't count."""
        return str(self.systems[side].fields(RECORD, ID)[FIELD]).strip()

    def replicas(self, side: Side, known: int | None) -> list[tuple[int, Record]]:
        """Earlier states of the record that a replica which lags may still show, each once, with when it went out
        of date. Of those that are older than the `known` version only the one that is shown longest: the engine
        drops them all alike."""
        found: list[tuple[int, Record]] = []
        for until_ms, record in reversed(self.past[side]):
            if until_ms <= self.now_ms - LAG_MS:
                break
            if all(record != other for _, other in found):
                found.append((until_ms, record))
            if is_older(record, known):
                break
        return found

    def key(self) -> tuple[Any, ...]:
        """What of it can still make a difference to a run that has begun."""
        sides = []
        for side in Side:
            record = self.systems[side].record(RECORD, ID)
            old = [
                (until - self.now_ms, tuple(was.fields.items()), *self._rank(record, was))
                for until, was in self.past[side]
                if self.faults_left and until > self.now_ms - LAG_MS
            ]
            sides.append((tuple(record.fields.items()), self.edits_left[side], tuple(old)))
        late = [
            (
                each.side,
                tuple(each.changes.items()),
                self.is_current(each.side, each.token),
                tuple(sorted(each.told)),
                each.until_ms - self.now_ms,
            )
            for each in self.late
        ]
        return (
            tuple(sides),
            self.faults_left,
            self.crashes_left,
            tuple(late),
            tuple(sorted((e.side, e.token, e.saw) for e in self.edits)),
            tuple(sorted(self.excused)),
            tuple(sorted(self.known)),
        )

    def _rank(self, now: Record, was: Record) -> tuple[Any, ...]:
        older = None if was.version is None or now.version is None else was.version == now.version
        return older, was.token == now.token

    def has_answered(self, side: Side, idempotency: str) -> bool:
        """Whether the system would answer a request with that key as it did before."""
        return idempotency in self.systems[side]._answers

    def is_current(self, side: Side, token: str | None) -> bool | None:
        """Whether a token is still that of the record."""
        return None if token is None else token == self.systems[side].record(RECORD, ID).token


def entity(abilities: Mapping[str, Any]) -> Entity:
    declared = Abilities(read_lag_ms=LAG_MS, late_apply_ms=LATE_MS, **abilities)
    fields = [Field(FIELD, "text")]
    if declared.marker:
        fields.append(Field(declared.marker, "text"))
    return Entity(RECORD, tuple(fields), declared)


def dataflow(policy: PolicyName) -> Dataflow:
    """One property whose blanks at the ends don't count, so that what a person typed is more than what travels."""
    name, arguments = parse("text(trim)")
    prop = Property(FIELD, Both(Part((FIELD,)), Part((FIELD,))), build(name, arguments), "text(trim)")
    pair = Pair(RECORD, Both(RECORD, RECORD), (prop,), policy=policy, brakes=NO_BRAKES)
    return Dataflow((pair,))


@dataclass(slots=True)
class Moments:
    """The moments of one run at which something may happen, and what the engine has been told until then."""

    world: LittleWorld
    tape: Tape
    begun: bytes
    digest: Callable[[Any], bytes]
    now_ms: Callable[[], int]
    heard: bytes = b""
    alive: bool = True
    broken: list[str] = field(default_factory=list)
    told: dict[Side, set[str]] = field(default_factory=lambda: {s: set() for s in Side})
    calls: list[Side | None] = field(default_factory=list)

    def hear(self, *answer: Any) -> None:
        """The engine gets an answer: from now on it may be in another state of mind."""
        self.heard = self.digest((self.heard, answer))

    def choose(self, options: int, what: str) -> int:
        return self.tape.choose(
            options, lambda: self.digest((self.begun, self.heard, what, self.world.key()))
        )

    def living(self) -> None:
        self.world.now_ms = self.now_ms()
        if not self.alive:
            raise Crash

    def mortal(self) -> None:
        """Something lasting has happened; the process may die now."""
        self.living()
        if self.world.crashes_left and self.choose(2, "death"):
            self.world.crashes_left -= 1
            self.alive = False
            raise Crash

    def before_call(self, side: Side, more: int = 0) -> int:
        """Let people edit and late requests be applied on that side, then answer which of `more` other ways the
        call goes (0: well)."""
        self.living()
        world = self.world
        while True:
            late = [each for each in world.late if each.side is side]
            due = next((each for each in late if each.until_ms <= world.now_ms), None)
            if due is not None:
                self.apply_late(due)
                continue
            edits = min(world.edits_left[side], 1)
            chosen = self.choose(1 + more + edits + len(late), "call")
            if chosen <= more:
                return chosen
            chosen -= 1 + more
            if chosen < edits:
                self.edit(side)
            else:
                self.apply_late(late[chosen - edits])

    def edit(self, side: Side) -> None:
        """A person gives the field a new value, with a blank that doesn't count."""
        world = self.world
        world.edits_left[side] -= 1
        number = sum(1 for e in world.edits if e.side is side) + 1
        token = f"{side.value[0]}{number}"
        world.edits.append(Edit(side, token, world.shown(side)))
        self.changing(side)
        world.systems[side].edit(RECORD, ID, {FIELD: f"{token} "})

    def changing(self, side: Side) -> None:
        """Keep what a replica may still show for a while."""
        record = self.world.systems[side].record(RECORD, ID)
        self.world.past[side].append((self.world.now_ms, record))

    def apply_late(self, late: Late) -> None:
        self.world.late.remove(late)
        try:
            self.apply(late)
        except OutcomeError:
            return

    def apply(self, late: Late) -> Record:
        """The system carries out a request. An edit that is overwritten unseen, where no request can be
        conditional, is excused: no engine can do better there."""
        world, system = self.world, self.world.systems[late.side]
        before, writes = system.record(RECORD, ID), len(system.writes)
        shown = world.shown(late.side)
        answer = system.update(
            RECORD, ID, late.changes, token=late.token, author="engine", idempotency=late.idempotency
        )
        if len(system.writes) > writes:
            world.past[late.side].append((world.now_ms, before))
            unseen = shown not in late.told and not system.entities[RECORD].abilities.conditional
            if unseen and any(edit.token == shown for edit in world.edits):
                world.excused.add(shown)
        return answer


@dataclass(slots=True)
class Wire:
    """One side's connector: the memory system's own, with a moment before and after each call. `known`: the version
    that was last read."""

    name: str
    side: Side
    inner: MemoryConnector
    moments: Moments
    known: Callable[[], int | None]
    clock_skew_ms: int = 0
    clock_error_ms: int = 0

    @property
    def requests(self) -> int:
        return self.inner.requests

    def entities(self) -> Mapping[str, Entity]:
        return self.inner.entities()

    async def check(self) -> Health:
        return await self.inner.check()

    async def close(self) -> None:
        await self.inner.close()

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        self.moments.before_call(self.side)
        async for page in self.inner.list(entity, cursor):
            for record in page.records:
                self._tell(record)
            self.moments.calls.append(None)
            self.moments.hear("list", self.side, page.cursor, [_content(r) for r in page.records])
            yield page

    async def read(self, entity: str, id: str) -> Record:
        moments, world, known = self.moments, self.moments.world, self.known()
        record = None
        while record is None:
            old = world.replicas(self.side, known) if world.faults_left else []
            chosen = moments.before_call(self.side, len(old))
            now = world.replicas(self.side, known) if world.faults_left else []
            if chosen and old == now:
                world.faults_left -= 1
                record = old[chosen - 1][1]
            elif not chosen:
                record = await self.inner.read(entity, id)
        if not is_older(record, known):
            self._tell(record)
        moments.calls.append(self.side)
        moments.hear("read", self.side, _content(record))
        return record

    def _tell(self, record: Record) -> None:
        self.moments.told[self.side].add(str(record.fields.get(FIELD)).strip())

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        raise AssertionError("nothing is created in this world")

    async def create(self, entity: str, fields: Mapping[str, Any], key: CreateKey) -> Record:
        raise AssertionError("nothing is created in this world")

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        raise AssertionError("nothing is deleted in this world")

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Any], *, seen: Record, idempotency: str
    ) -> Record:
        moments, world = self.moments, self.moments.world
        conditional = self.inner.system.entities[RECORD].abilities.conditional
        if not conditional and self.side not in moments.calls[-2:]:
            moments.broken.append(f"looked (promise 3): {self.side} was written without a look just before")
        told = frozenset(moments.told[self.side] | {t for s, t in world.known if s is self.side})
        ways = 3 if world.faults_left else 0
        chosen = moments.before_call(self.side, ways)
        request = Late(
            self.side, dict(changes), seen.token, idempotency, told, world.now_ms + TIMEOUT_MS + LATE_MS
        )
        if chosen:
            world.faults_left -= 1
            if chosen == 2:
                moments.apply_late(_sent(world, request))
            elif chosen == 3:
                world.late.append(request)
            moments.mortal()
            moments.hear("write", self.side, "no answer")
            raise InDoubt("no answer")
        try:
            record = moments.apply(request)
        except OutcomeError as error:
            moments.mortal()
            moments.hear("write", self.side, type(error).__name__)
            raise
        moments.mortal()
        self._tell(record)
        moments.calls.append(self.side)
        moments.hear("write", self.side, _content(record))
        return record


def _sent(world: LittleWorld, request: Late) -> Late:
    world.late.append(request)
    return request


def _content(record: Record) -> tuple[Any, ...]:
    return (record.id, tuple(record.fields.items()), record.version, record.token, record.deleted)


@dataclass(slots=True)
class MomentStore:
    """The store of a process that may die after any commit. `kept` says whether the last one changed anything that
    another process could go by."""

    store: SqliteStore
    moments: Moments
    kept: Callable[[], bool]

    async def write(self, work: Callable[[Tx], T]) -> T:
        self.moments.living()
        result = await self.store.write(work)
        self.moments.hear("commit")
        if self.kept():
            self.moments.mortal()
        return result

    def read(self, work: Callable[[Tx], T]) -> T:
        return self.store.read(work)

    async def acquire(self, holder: str, now_ms: int, ttl_ms: int) -> int:
        return await self.store.acquire(holder, now_ms, ttl_ms)

    async def release(self) -> None:
        self.moments.living()
        await self.store.release()

    async def scrub(self) -> None:
        raise AssertionError("nothing is forgotten in this world")

    async def close(self) -> None:
        """The store outlives its process."""


class NoChance(Random):
    """Randomness without chance: the middle of every range, and keys that never repeat in a world."""

    def __init__(self, world: LittleWorld) -> None:
        super().__init__(0)
        self.world = world

    def random(self) -> float:
        return 0.5

    def getrandbits(self, k: int, /) -> int:
        self.world.keys += 1
        return self.world.keys
