"""A world from one seed: two systems, people who edit both, an engine that crashes, and an oracle.

The oracle sees what the systems hold and what people did, never the engine's mind. Every edit is a unique
token, so whoever edits a field that shows a token has seen it; from that alone it tells which values may be
the last ones (Hughes, Pierce, Arts, Norell: *Mysteries of Dropbox*).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from instep.connectors.memory import MemoryConnector
from instep.connectors.memory_system import PERSON, MemorySystem
from instep.core.dataflow import (
    NO_BRAKES,
    Dataflow,
    Limit,
    MatchKey,
    Pair,
    Part,
    PolicyName,
    Property,
)
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.core.transformations.registry import build, parse
from instep.errors import Gone, OutcomeError
from instep.runner.engine import Engine, Settings
from instep.runner.run import Runner, Wish
from instep.store.contract import Store, Tx
from instep.store.sqlite import open_store

from .faults import Crash, Faults, FaultyConnector, Mortal, with_lags
from .virtual_time import VirtualLoop, run

PROFILES: dict[str, dict[str, Any]] = {
    "conditional": {"conditional": True, "chosen_id": True, "versions": "strict"},
    "key": {"key_window_ms": 1_800_000, "chosen_id": True, "versions": "strict"},
    "chosen id": {"chosen_id": True, "versions": "strict"},
    "marker": {"marker": "ref", "versions": "strict"},
    "unique marker": {"marker": "ref", "marker_unique": True, "conditional": True, "versions": "strict"},
    "none": {"versions": "strict"},
    "times": {"versions": "time", "resolution_ms": 1000, "chosen_id": True},
    "no versions": {"versions": "none", "marker": "ref", "marker_unique": True},
}
"""What a system offers to make a write definite; the rest of `Abilities` is alike."""

PROPERTIES = ("name", "phone", "city")


def prop(left: str, right: str, spelled: str = "same", **more: Any) -> Property:
    """A property as one line of a dataflow file would have it."""
    name, arguments = parse(spelled)
    return Property(left, Both(Part((left,)), Part((right,))), build(name, arguments), spelled, **more)


def entity(name: str, prefix: str, abilities: Abilities, parent: str = "") -> Entity:
    fields = [Field(f"{prefix}{n}", "text", required=n == "name") for n in PROPERTIES]
    fields.append(Field("mail", "text"))
    if abilities.marker:
        fields.append(Field(abilities.marker, "text"))
    if parent:
        fields.append(Field("parent", "text", reference=parent))
    return Entity(name, tuple(fields), abilities)


@dataclass(slots=True)
class Plan:
    """What is drawn from the seed before anything happens; the shrinker may change it."""

    seed: int
    profiles: Both[str]
    policy: PolicyName
    records: int
    edits: int
    deletes: int
    faults: Faults
    runs: int
    on_delete: str = "hold"

    @classmethod
    def draw(cls, seed: int) -> Plan:
        random = Random(f"plan {seed}")
        names = sorted(PROFILES)
        bad = random.random()

        def some(most: float) -> float:
            return random.random() * most * bad if random.random() < 0.5 else 0.0

        faults = Faults(
            lost=some(0.2),
            unanswered=some(0.3),
            late=some(0.2),
            refused=some(0.2),
            stale=some(0.5),
            broken_list=some(0.3),
            crash=some(0.02),
        )
        return cls(
            seed,
            Both(random.choice(names), random.choice(names)),
            random.choice(("newest", "hold", "left", "right")),
            random.randint(1, 6),
            random.randint(0, 25),
            random.randint(0, 2),
            faults,
            random.randint(2, 6),
            random.choice(("hold", "retire")),
        )


@dataclass(slots=True)
class Edit:
    """One value that a person gave a field, and the token that the field showed just before."""

    side: Side
    token: str
    saw: str | None


@dataclass
class World:
    plan: Plan
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    crash_at: int | None = None
    store_path: str = ":memory:"
    final_writes: int = 0

    def __post_init__(self) -> None:
        plan = self.plan
        self.people = Random(f"people {plan.seed}")
        self.network = Random(f"network {plan.seed}")
        self.faults = replace(plan.faults)
        self.mortal = Mortal(Random(f"crash {plan.seed}"), self.faults, self.crash_at)
        self.skew = Both(0, self.people.choice((-7_000, 0, 0, 40_000)))
        self.systems = Both.of(self._system)
        self.store: Store = open_store(self.store_path, threaded=False)
        self.tokens = 0
        self.replicas: Both[dict[tuple[str, str], tuple[float, Any]]] = Both({}, {})
        self.edits: dict[tuple[str, str], list[Edit]] = defaultdict(list)
        self.people_of: dict[tuple[Side, str, str], str] = {}
        self.deleted: set[tuple[Side, str, str]] = set()
        self.dataflow = self._dataflow()
        self.engines = 0

    def _system(self, side: Side) -> MemorySystem:
        abilities = Abilities(tombstones=self.people.random() < 0.5, **PROFILES[self.plan.profiles[side]])
        prefix = "l_" if side is Side.LEFT else "r_"
        entities = [
            with_lags(entity("company", prefix, abilities), self.faults),
            with_lags(entity("person", prefix, abilities, parent="company"), self.faults),
        ]
        unique = {
            e.name: (e.abilities.marker,)
            for e in entities
            if e.abilities.marker and e.abilities.marker_unique
        }
        return MemorySystem(entities, now_ms=lambda: self.loop.now_ms() + self.skew[side], unique=unique)

    def _dataflow(self) -> Dataflow:
        properties = tuple(prop(f"l_{name}", f"r_{name}", "text(trim)") for name in PROPERTIES)
        mail = prop("mail", "mail", "text(anycase)")
        parent = prop("parent", "parent", "reference(company)")

        def pair(name: str, more: tuple[Property, ...], after: tuple[str, ...] = ()) -> Pair:
            return Pair(
                name,
                Both(name, name),
                (*properties, mail, *more),
                match=(MatchKey(("mail",)),),
                policy=self.plan.policy,
                on_delete=self.plan.on_delete,  # type: ignore[arg-type]
                id_template=Both("r-{id}", "l-{id}"),
                brakes=replace(NO_BRAKES, empty=Limit(0, 0.99)),
                after=after,
            )

        return Dataflow((pair("company", ()), pair("person", (parent,), ("company",))))

    # People

    def token(self) -> str:
        self.tokens += 1
        return f"t{self.tokens}"

    def person_creates(self, side: Side, kind: str, mail: str | None = None) -> str:
        prefix = "l_" if side is Side.LEFT else "r_"
        fields: dict[str, Any] = {f"{prefix}{name}": self.token() for name in PROPERTIES}
        fields["mail"] = mail or f"{self.token()}@x.example"
        companies = self.systems[side].ids("company")
        if kind == "person" and companies and self.people.random() < 0.7:
            fields["parent"] = self.people.choice(companies)
        id = self.systems[side].put(kind, fields)
        self.people_of[side, kind, id] = fields["mail"].lower()
        for name in PROPERTIES:
            who = fields["mail"].lower()
            self.edits[f"{kind} {who}", name].append(Edit(side, fields[f"{prefix}{name}"], None))
        return id

    def person_edits(self) -> None:
        side = self.people.choice(list(Side))
        kind = self.people.choice(("company", "person"))
        ids = self.systems[side].ids(kind)
        if not ids:
            return
        id = self.people.choice(ids)
        prefix = "l_" if side is Side.LEFT else "r_"
        name = self.people.choice(PROPERTIES)
        fields = self.systems[side].fields(kind, id)
        clear = name != "name" and self.people.random() < 0.1
        token = None if clear else self.token()
        saw = fields.get(f"{prefix}{name}")
        self.systems[side].edit(kind, id, {f"{prefix}{name}": token})
        who = str(fields.get("mail")).lower()
        if token is not None:
            self.edits[f"{kind} {who}", name].append(Edit(side, token, saw if isinstance(saw, str) else None))

    def person_deletes(self) -> None:
        side = self.people.choice(list(Side))
        ids = self.systems[side].ids("person")
        if not ids:
            return
        id = self.people.choice(ids)
        who = str(self.systems[side].fields("person", id).get("mail")).lower()
        self.systems[side].remove("person", id)
        self.deleted.add((side, "person", who))

    async def people_at_work(self) -> None:
        work = [self.person_edits] * self.plan.edits + [self.person_deletes] * self.plan.deletes
        self.people.shuffle(work)
        for act in work:
            await asyncio.sleep(self.people.choice((0.05, 0.3, 2.0, 20.0)))
            act()

    def populate(self) -> None:
        for number in range(self.plan.records):
            for kind in ("company", "person"):
                where = self.people.random()
                mail = f"{kind}{number}@x.example"
                if where < 0.6:
                    self.person_creates(Side.LEFT, kind, mail.upper() if where < 0.1 else mail)
                if where > 0.4:
                    self.person_creates(Side.RIGHT, kind, mail)

    # The engine

    def engine(self) -> Engine:
        self.engines += 1
        self.mortal.alive = True
        connectors = Both.of(
            lambda side: FaultyConnector(
                MemoryConnector("Left" if side is Side.LEFT else "Right", self.systems[side], page_size=3),
                self.network,
                self.faults,
                self.mortal,
                name="Left" if side is Side.LEFT else "Right",
                clock_skew_ms=self.skew[side],
                cache=self.replicas[side],
            )
        )
        settings = Settings(workers=3, retry_first_ms=200, retry_most_ms=5_000, timeout_ms=1_000)
        return Engine(
            self.dataflow,
            connectors,  # type: ignore[arg-type]
            MortalStore(self.store, self.mortal),
            self.loop.now_ms,
            Random(f"engine {self.plan.seed} {self.engines}"),
            settings=settings,
        )

    async def one_run(self, wish: Wish | None = None) -> Any:
        """A run that may crash; the lease of a dead process has to run out first."""
        try:
            return await Runner(self.engine(), f"process {self.engines}").run(wish)
        except Crash:
            await self._bury()
        except BaseExceptionGroup as group:
            if group.subgroup(Crash) is None:
                raise
            await self._bury()
        except OutcomeError:
            await asyncio.sleep(1)
        return None

    async def _bury(self) -> None:
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task() and task.get_name() != "people":
                task.cancel()
        await asyncio.sleep(61)

    async def live(self) -> None:
        self.populate()
        people = asyncio.ensure_future(self.people_at_work())
        people.set_name("people")
        for _ in range(self.plan.runs):
            await self.one_run()
            await asyncio.sleep(self.people.random() * 20)
        await people
        for name in ("lost", "unanswered", "late", "refused", "stale", "broken_list", "crash"):
            setattr(self.faults, name, 0.0)
        await asyncio.sleep(120)
        for _ in range(60):
            await self.one_run(self.everything())
            if not self.unfinished():
                break
            await asyncio.sleep(30)
        # What was made in the last run may be what a doubted delete could not be checked by before.
        await self.one_run(self.everything())

    def everything(self) -> Wish:
        """A full run in which a person has let go the brake for an emptied side: there the people did it."""
        return Wish(full=True, released=frozenset(f"{pair.name}:empty" for pair in self.dataflow.pairs))

    def unfinished(self) -> list[str]:
        """Keys that the engine still means to look at."""

        def left(tx: Tx) -> list[str]:
            todo = [t for pair in self.dataflow.pairs for t in tx.todo_after(pair.name, after=0, limit=1000)]
            return [f"{t.key.pair} {t.key.side} {t.key.id}: {t.reason}" for t in todo] + [
                f"intent {i.id}" for i in tx.intents()
            ]

        return self.store.read(left)


class MortalStore:
    """The store of a process that may die before or after any commit."""

    def __init__(self, store: Store, mortal: Mortal) -> None:
        self.store, self.mortal = store, mortal

    async def write(self, work: Any) -> Any:
        self.mortal.point()
        result = await self.store.write(work)
        self.mortal.point()
        return result

    def read(self, work: Any) -> Any:
        return self.store.read(work)

    async def acquire(self, holder: str, now_ms: int, ttl_ms: int) -> int:
        return await self.store.acquire(holder, now_ms, ttl_ms)

    async def release(self) -> None:
        self.mortal.point()
        await self.store.release()

    async def close(self) -> None:
        await self.store.close()


def simulate(plan: Plan, crash_at: int | None = None, store_path: str = ":memory:") -> World:
    """Live a whole world; the caller asks the oracle afterwards."""
    loop = VirtualLoop()
    asyncio.set_event_loop(None)
    world = World(plan, loop, crash_at, store_path)

    async def main() -> None:
        await world.live()
        world.final_writes = await _idle(world)

    run(main(), loop)
    return world


async def _idle(world: World) -> int:
    before = sum(len(system.writes) for system in world.systems)
    await world.one_run(world.everything())
    return sum(len(system.writes) for system in world.systems) - before


__all__ = ["PERSON", "Gone", "Plan", "World", "simulate"]
