"""A whole site in memory on a clock that stands still: two systems, connectors that can be told to fail, an engine.

Nothing of ours is replaced: `Scripted` passes every call on to the in-memory reference connector, unless a
test has put a fault before it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.memory import MemoryConnector
from instep.connectors.memory_system import PERSON, MemorySystem
from instep.core.dataflow import NO_BRAKES, Brakes, Dataflow, Limit, MatchKey, Pair, Part, Property
from instep.core.model import SIDES, Abilities, Both, Entity, Field, Logged, Record, Side
from instep.core.state import Hold, Intent, Key, Link, Release, Sighting, Todo
from instep.core.transformations.arguments import parse
from instep.core.transformations.registry import build
from instep.core.values import Json
from instep.errors import InDoubt
from instep.runner.brakes import drop_brake
from instep.runner.engine import Engine, Settings
from instep.runner.planning import Action, actions
from instep.runner.run import Report, Runner, Wish
from instep.runner.undo import Scope, choose_ways_back, ways_back
from instep.store.contract import Entry, Store, Tx
from instep.store.sqlite import open_store

LEFT, RIGHT = Side.LEFT, Side.RIGHT
START_MS = 1_763_850_000_000
DAY_MS = 86_400_000

Send = Callable[[], Awaitable[Any]]
Fault = Callable[[Send], Awaitable[Any]]
"""What becomes of one request: it may be sent, before or after something else happens, or not at all."""


def raising(error: Exception) -> Fault:
    """The request never arrives."""

    async def fault(send: Send) -> Any:
        raise error

    return fault


def unanswered(error: Exception | None = None) -> Fault:
    """The request is carried out, and its answer lost."""

    async def fault(send: Send) -> Any:
        await send()
        raise error or InDoubt("no answer")

    return fault


def lost() -> Fault:
    """The request never arrives, which the caller can't tell from `unanswered`."""
    return raising(InDoubt("no answer"))


def answering(answer: Any) -> Fault:
    """The request is answered without being carried out, as by a replica that lags."""

    async def fault(send: Send) -> Any:
        return answer

    return fault


def after(act: Callable[[], object]) -> Fault:
    """Something happens at the last moment before the request arrives."""

    async def fault(send: Send) -> Any:
        act()
        return await send()

    return fault


def before_answer(act: Callable[[], object]) -> Fault:
    """Something happens while the answer is on its way."""

    async def fault(send: Send) -> Any:
        answer = await send()
        act()
        return answer

    return fault


def chained(outer: Fault, inner: Fault) -> Fault:
    """One fault around another, which is nearer to the system."""
    return lambda send: outer(lambda: inner(send))


class WholeGroups(MemoryConnector):
    """Writes all fields of a group, as Chargebee's API takes an address: the others as they were seen."""

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        declared = self.system.entities[entity]
        groups = {field.group for field in declared.fields if field.path in changes}
        along = {f.path: seen.fields.get(f.path) for f in declared.fields if f.group in groups}
        return await super().update(entity, id, {**along, **changes}, seen=seen, idempotency=idempotency)


@dataclass(slots=True)
class Scripted:
    """The in-memory connector with a log of its requests, and faults for the next requests of a kind.

    `hints`: listings name only ids and versions. `unlisted`: records that listings leave out. `stale`: records
    that listings show as they were. `unlogged`: records that the log of changes does not show.
    """

    inner: MemoryConnector
    name: str
    clock_skew_ms: int = 0
    clock_error_ms: int = 0
    log: list[tuple[str, str, str]] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    page_fault: Callable[[str, int], None] = lambda entity, page: None
    hints: bool = False
    unlisted: set[str] = field(default_factory=set)
    stale: dict[str, Record] = field(default_factory=dict)
    unlogged: set[str] = field(default_factory=set)

    @property
    def requests(self) -> int:
        return self.inner.requests

    def next(self, operation: str, *faults: Fault) -> None:
        """What becomes of the next requests of that kind, one each."""
        self.faults[operation].extend(faults)

    def entities(self) -> Mapping[str, Entity]:
        return self.inner.entities()

    async def check(self) -> Health:
        return await self.inner.check()

    async def close(self) -> None:
        await self.inner.close()

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        number = 0
        async for page in self.inner.list(entity, cursor):
            number += 1
            self.log.append(("list", entity, str(number)))
            self.page_fault(entity, number)
            rows = [self.stale.get(r.id, r) for r in page.records if r.id not in self.unlisted]
            page = Page(rows, page.cursor, page.last)
            if self.hints:
                rows = [
                    Record(r.id, version=r.version, complete=False, deleted=r.deleted) for r in page.records
                ]
                page = Page(rows, page.cursor, page.last)
            yield page

    async def read(self, entity: str, id: str) -> Record:
        record: Record = await self._do("read", entity, id, lambda: self.inner.read(entity, id))
        return record

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        found: Sequence[Record] = await self._do(
            "find", entity, value, lambda: self.inner.find(entity, path, value)
        )
        return found

    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        record: Record = await self._do(
            "create", entity, key.id, lambda: self.inner.create(entity, fields, key)
        )
        return record

    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        def send() -> Awaitable[Record]:
            return self.inner.update(entity, id, changes, seen=seen, idempotency=idempotency)

        record: Record = await self._do("update", entity, id, send)
        return record

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:
        def send() -> Awaitable[Record]:
            return self.inner.retire(entity, id, seen=seen, idempotency=idempotency)

        record: Record = await self._do("retire", entity, id, send)
        return record

    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        async def pages() -> list[Sequence[Logged]]:
            return [page async for page in self.inner.changed(entities, since_ms, until_ms)]

        for page in await self._do("changed", ",".join(entities), f"{since_ms}-{until_ms}", pages):
            yield [one for one in page if one.record.id not in self.unlogged]

    async def _do(self, operation: str, entity: str, id: str, send: Send) -> Any:
        self.log.append((operation, entity, id))
        waiting = self.faults[operation]
        return await (waiting.popleft()(send) if waiting else send())


def prop(left: str, right: str, spelled: str = "text(trim)", **more: Any) -> Property:
    name, arguments = parse(spelled)
    return Property(left, Both(Part((left,)), Part((right,))), build(name, arguments), spelled, **more)


NAME, PHONE = prop("name", "title"), prop("phone", "phone")
CITY, MAIL = prop("city", "town"), prop("mail", "mail", "text(anycase)")
PARENT = prop("parent", "parent", "reference(company)")
PROPERTIES = (NAME, PHONE, CITY, MAIL)
STRICT = Abilities(versions="strict", tombstones=True, late_apply_ms=20_000)


def company(side: Side, abilities: Abilities = STRICT, **more: Any) -> Entity:
    """`town` of the right side is written by an update call of its own."""
    first, town = ("name", "city") if side is LEFT else ("title", "town")
    fields = [
        Field(first, "text", required=True),
        Field("phone", "text"),
        Field(town, "text", group="" if side is LEFT else "address"),
        Field("mail", "text"),
        Field("active", "boolean"),
    ]
    fields += [Field(abilities.marker, "text")] if abilities.marker else []
    return Entity("company", tuple(fields), abilities, retired=("active", False), **more)


def person(side: Side, abilities: Abilities = STRICT, *, required: bool = False) -> Entity:
    made = company(side, abilities)
    parent = Field("parent", "text", reference="company", required=required)
    return Entity("person", (*made.fields, parent), abilities, retired=made.retired)


def pair(name: str = "company", *more: Property, **settings: Any) -> Pair:
    settings = {"match": (MatchKey(("mail",)),), "brakes": NO_BRAKES, **settings}
    settings.setdefault("id_template", Both("r-{id}", "l-{id}"))
    return Pair(name, Both(name, name), (*PROPERTIES, *more), **settings)


def only(**limits: Limit) -> Brakes:
    """No brakes but these."""
    return replace(NO_BRAKES, **limits)


class Site:
    """Two systems with companies (and, if asked, persons), one store, and runs over them.

    `abilities`: of the entities of either side. Give `pairs` for another dataflow than one pair of companies.
    """

    def __init__(
        self,
        *pairs: Pair,
        abilities: Both[Abilities] = Both(STRICT, STRICT),
        entities: Both[list[Entity]] | None = None,
        store: Store | None = None,
        page_size: int = 100,
        settings: Settings | None = None,
    ) -> None:
        self.now = START_MS
        made = entities or Both.of(lambda s: [company(s, abilities[s]), person(s, abilities[s])])
        self.systems = Both.of(
            lambda side: MemorySystem(
                made[side],
                now_ms=lambda: self.now,
                unique={e.name: (e.abilities.marker,) for e in made[side] if e.abilities.marker_unique},
            )
        )
        self.connectors = Both.of(
            lambda side: Scripted(
                MemoryConnector(side.value, self.systems[side], page_size=page_size), side.value.title()
            )
        )
        self.dataflow = Dataflow(pairs or (pair(),))
        self.store = store or open_store(":memory:", threaded=False)
        self.settings = settings or Settings(workers=2, timeout_ms=1_000)
        self.runner = self.new_runner()

    def engine(self) -> Engine:
        return Engine(
            self.dataflow,
            self.connectors,  # type: ignore[arg-type]
            self.store,
            lambda: self.now,
            Random(1),
            self._sleep,
            settings=self.settings,
        )

    async def _sleep(self, seconds: float) -> None:
        """What a run waits for takes no time here and sets the clock forward; renewing the lease is not due yet."""
        if seconds < self.settings.lease_ms / 3000:
            self.now += round(seconds * 1000)
            seconds = 0
        await asyncio.sleep(seconds)

    def new_runner(self, holder: str = "test") -> Runner:
        """As after a restart: only the store remembers."""
        self.runner = Runner(self.engine(), holder)
        return self.runner

    async def run(self, later_ms: int = 1_000, **wish: Any) -> Report:
        """A run, on a clock that was set forward before."""
        self.now += later_ms
        return await self.runner.run(Wish(**wish))

    async def rest(self) -> None:
        """Runs, at first half a minute and later an hour apart, until there is nothing left to do."""
        for number in range(20):
            await self.run(30_000 if number < 10 else 3_600_000)
            if not self.todo():
                return
        raise AssertionError(f"no rest: {self.todo()}")

    # What people do

    def put(self, side: Side, kind: str = "company", /, **fields: Json) -> str:
        fields.setdefault("name" if side is LEFT else "title", "Ann")
        return self.systems[side].put(kind, fields)

    async def linked_company(self, **fields: Json) -> tuple[str, str]:
        """A company on both sides, linked and settled."""
        self.put(LEFT, **{"name": "Ann", "phone": "1", "city": "Rome", "mail": "ann@x.example", **fields})
        await self.run()
        link = self.links()[-1]
        self.forget_requests()
        return link.ids.left, link.ids.right

    def edit(self, side: Side, id: str, kind: str = "company", /, **changes: Json) -> None:
        self.now += 10
        self.systems[side].edit(kind, id, changes)

    # What can be seen

    def fields(self, side: Side, id: str, kind: str = "company") -> dict[str, Json]:
        return self.systems[side].fields(kind, id)

    def titles(self, side: Side, kind: str = "company") -> list[Json]:
        system = self.systems[side]
        name = "name" if side is LEFT else "title"
        return sorted((system.fields(kind, id)[name] for id in system.ids(kind)), key=str)

    def written(self, side: Side) -> list[tuple[str, str, dict[str, Json]]]:
        """The writes that had an effect and were not a person's: operation, id, new values."""
        return [
            (w.operation, w.id, {path: new for path, (_, new) in w.changes.items()})
            for w in self.systems[side].writes
            if w.author != PERSON
        ]

    def sent(self, *operations: str) -> list[tuple[str, str, str]]:
        """The requests of these kinds, of both sides."""
        return [entry for side in SIDES for entry in self.connectors[side].log if entry[0] in operations]

    def forget_requests(self) -> None:
        for side in SIDES:
            self.connectors[side].log.clear()
            self.systems[side].writes.clear()

    def links(self, name: str = "company") -> list[Link]:
        return self.store.read(lambda tx: tx.links(name, 0, 1000))

    def holds(self) -> list[Hold]:
        return self.store.read(lambda tx: tx.holds(limit=1000))

    def todo(self) -> list[Todo]:
        return self.store.read(
            lambda tx: [t for p in self.dataflow.pairs for t in tx.todo_after(p.name, after=0, limit=1000)]
        )

    def intents(self) -> list[Intent]:
        return self.store.read(lambda tx: tx.intents())

    def journal(self, operation: str = "") -> list[Entry]:
        return self.store.read(lambda tx: tx.journal(operation=operation, limit=1000))

    def sighting(self, side: Side, id: str, kind: str = "company") -> Sighting | None:
        return self.store.read(lambda tx: tx.sighting(side, kind, id))

    def plan(self, name: str = "company") -> list[Action]:
        found = self.dataflow.pair(name)
        assert found is not None
        return list(actions(self.runner.engine, found))

    # What a person answers

    async def release(self, hold: Hold, choice: str, value: Json = None) -> None:
        def save(tx: Tx) -> None:
            tx.save_release(Release(hold.key, hold.property, choice, hold.digest, value, self.now))
            tx.mark([hold.key], reason="released")

        await self.store.write(save)

    async def mark(self, key: Key) -> None:
        await self.store.write(lambda tx: tx.mark([key], reason="test"))


def with_persons(*, required: bool = False) -> Site:
    """A site with companies and the persons who refer to them."""
    entities = Both.of(lambda s: [company(s), person(s, required=required)])
    return Site(pair(), pair("person", PARENT, after=("company",)), entities=entities)


def another(site: Site, side: Side, id: str, name: str) -> None:
    """The record is deleted, and its id given to another one, before anybody looks."""
    system = site.systems[side]
    site.now += 5_000
    system.remove("company", id)
    version = system._records["company"].pop(id).version
    system.put("company", {"name" if side is LEFT else "title": name, "mail": f"{name}@x.example"}, id)
    system._records["company"][id].version = version + 1


async def with_dropped_person() -> Site:
    """A person and its company, both stopped by a brake, and the person dropped there: the plan that was stopped
    foresaw that the company would be made."""
    none = only(first_create=Limit(0, 0.1))
    site = Site(pair(brakes=none), pair("person", PARENT, brakes=none))
    acme = site.put(LEFT, name="Acme", mail="a@x.example")
    site.put(LEFT, "person", name="Ann", mail="ann@x.example", parent=acme)
    await site.run()
    [hold] = [hold for hold in site.holds() if hold.key.pair == "person"]
    await site.store.write(lambda tx: drop_brake(tx, hold, site.now))
    return site


async def edited(site: Site) -> tuple[str, str, int]:
    """A linked company whose phone went from 1 to 2 on the left, and what run wrote that to the right."""
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    report = await site.run()
    assert site.fields(RIGHT, right)["phone"] == "2"
    return left, right, report.run


async def take_back(site: Site, run: int, **scope: Any) -> Report:
    """Undo a run, or a part of it, as the command does."""
    engine = site.runner.engine
    ways = list(ways_back(engine, Scope(run, **scope)))
    approved = frozenset(print for back in ways for print in back.action.fingerprints)
    await choose_ways_back(engine, Scope(run, **scope))
    return await site.run(approved=approved, kind="undo")
