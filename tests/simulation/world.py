"""A world from one seed: two systems, people who edit both, an engine that crashes, and a witness.

Everything that happens is drawn from a `Plan`; the same plan is the same world, to the millisecond.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, cast

from instep.connectors.memory import MemoryConnector
from instep.core.brakes import KINDS as KINDS_OF_BRAKE
from instep.core.brakes import SAME
from instep.core.dataflow import NO_BRAKES, Dataflow, MatchKey, Pair, Part, Property
from instep.core.model import Abilities, Both, Entity, Field, Record, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.registry import build
from instep.errors import Held, LeaseLost, OutcomeError, StoreError
from instep.runner.engine import Engine, Settings
from instep.runner.live import LiveRunner
from instep.runner.observe import take_records
from instep.runner.planning import actions
from instep.runner.polling import Rhythm
from instep.runner.run import Report, Runner, Wish
from instep.runner.undo import Scope, choose_ways_back, ways_back
from instep.store.contract import Store, Tx
from instep.store.sqlite import SqliteStore

from . import brakes
from .faults import TIMEOUT_MS, Faults, FaultyConnector, with_lags
from .lenses import LENSES, Lens
from .people import People
from .plan import EVENTS, PROFILES, Plan, Step
from .processes import Crash, Mortal, MortalStore, Process
from .stores import Disk, end
from .systems import PERSON, SimSystem, Write
from .tape import Tape
from .virtual_time import EPOCH_MS, VirtualLoop, run
from .witness import Witness

KINDS = ("company", "person")
PREFIX = Both("l_", "r_")
PLAIN = ("mail", "dna", "parent")
"""Fields with one name on both sides."""
LEASE_MS = 60_000
BRAKED = (Wish(), Wish(full=True))
"""Runs that brakes stop; one that was approved they do not."""
NO_ROOM = "the store is out of space"


class World:
    def __init__(
        self, plan: Plan, loop: VirtualLoop, crash_at: int | None = None, store_path: str = ":memory:"
    ) -> None:
        self.plan, self.loop = plan, loop
        self.tape = Tape(plan.seed, plan.edited_draws)
        self.faults = replace(plan.faults)
        self.story: list[tuple[Any, ...]] = []
        self.happened: Counter[str] = Counter()
        self.released: list[tuple[str, str]] = []
        self.adrift: set[int] = set()
        self._counted: set[tuple[object, ...]] = set()
        self.mortal = Mortal(
            lambda: self.faults.crash, self.tape["fault crash"], () if crash_at is None else (crash_at,)
        )
        self.lenses: dict[str, Lens] = {
            "name": LENSES["plain"],
            "phone": LENSES[plan.lenses[0]],
            "city": LENSES[plan.lenses[1]],
            "mail": LENSES["mail"],
        }
        self.one_way = "phone" if plan.flow != "both" else ""
        self.path: Both[dict[str, str]] = PREFIX.map(
            lambda prefix: {name: name if name in PLAIN else f"{prefix}{name}" for name in self.lenses}
        )
        self.names_by_path = self.path.map(lambda paths: {path: name for name, path in paths.items()})
        self.skew = Both(0, self.tape["clock"].choice((-7_000, 0, 0, 40_000)))
        self.skew_error_ms = self.tape["clock"].choice((0, 0, 500))
        self.witness = Witness(self)
        self.systems = Both.of(self._system)
        self.dataflow = self._dataflow()
        self.disk = Disk(store_path)
        self.store: Store = self.disk.open()
        self.people = People(self)
        self.processes: list[Process] = []
        self.restored_ms: int | None = None
        self.listed_then: dict[tuple[Side, str], int] = {}
        self.traces: set[tuple[str, str, str | None]] = set()
        self.retired: set[tuple[str, Side, str]] = set()
        self.longest_freeze_ms = 0
        self.stalls_s: list[float] = []
        self.final_writes = 0
        self.calls = 0
        self.lived_points = 0
        self.idle_reads = 0
        self.started = 0

    # The two systems

    def _system(self, side: Side) -> SimSystem:
        plan = self.plan
        drawn = {"tombstones": self.tape["clock"].draw() < 0.5}
        abilities = Abilities(**{**drawn, **PROFILES[plan.profiles[side]]})
        if plan.logs and abilities.versions == "strict":
            abilities = replace(abilities, log=True)
        if plan.read_only_entity is side:
            abilities = replace(abilities, create=False, update=False, retire=False)
        entities = [
            with_lags(self._entity("company", side, replace(abilities)), self.faults),
            with_lags(self._entity("person", side, abilities, parent="company"), self.faults),
        ]
        unique = {
            e.name: (e.abilities.marker,)
            for e in entities
            if e.abilities.marker and e.abilities.marker_unique
        }
        system = SimSystem(entities, now_ms=lambda: self.loop.now_ms() + self.skew[side], unique=unique)
        system.true_ms = self.loop.now_ms
        system.normal = {self.path[side][name]: lens.stored[side] for name, lens in self.lenses.items()}
        system.witness = lambda write: self._wrote(side, write)
        return system

    def _entity(self, name: str, side: Side, abilities: Abilities, parent: str = "") -> Entity:
        fields = [
            Field(
                self.path[side][n],
                lens.types[side],
                required=n == "name",
                max_length=lens.max_length[side],
                create=not (n == "city" and self.plan.read_only_field is side),
                update=not (n == "city" and self.plan.read_only_field is side),
            )
            for n, lens in self.lenses.items()
        ]
        fields.append(Field("dna", "text"))
        if abilities.marker:
            fields.append(Field(abilities.marker, "text"))
        if parent:
            fields.append(Field("parent", "text", reference=parent))
        return Entity(name, tuple(fields), abilities)

    def _wrote(self, side: Side, write: Write) -> None:
        self.witness.wrote(side, write)
        sent_ms, restored_ms = self.systems[side].sent_ms, self.restored_ms
        if write.author != PERSON and restored_ms is not None and sent_ms <= restored_ms:
            self.adrift.add(id(write))
        if self.faults.hints:
            self._hint(side, write)

    def _dataflow(self) -> Dataflow:
        plan = self.plan
        properties = [
            prop(
                self.path.left[name],
                self.path.right[name],
                lens.spelled,
                flow=plan.flow if name == self.one_way else "both",
            )
            for name, lens in self.lenses.items()
        ]
        properties.append(prop("dna", "dna"))
        parent = prop("parent", "parent", "reference(company)")

        def pair(name: str, more: tuple[Property, ...], after: tuple[str, ...] = ()) -> Pair:
            return Pair(
                name,
                Both(name, name),
                (*properties, *more),
                match=(MatchKey(("mail",)),),
                policy=plan.policy,
                on_delete=plan.on_delete,
                id_template=Both("r-{id}", "l-{id}"),
                brakes=brakes.TIGHT if plan.brakes else replace(NO_BRAKES, empty=brakes.TIGHT.empty),
                after=after,
            )

        return Dataflow((pair("company", ()), pair("person", (parent,), ("company",))))

    def name_of(self, property: str) -> str:
        """The short name of a dataflow's property."""
        return self.names_by_path.left.get(property, property)

    @property
    def open_window_ms(self) -> int:
        """How long after its decision a write of the engine may still be applied."""
        return self.faults_declared.late_apply_ms + 3 * TIMEOUT_MS + self.longest_freeze_ms

    @property
    def faults_declared(self) -> Faults:
        return self.plan.faults

    # Telling

    def tell(self, who: str, what: str) -> None:
        self.story.append((self.loop.now_ms(), who, what))

    def lines(self) -> list[str]:
        """The story, for a person to read: seconds since the beginning, who, what."""
        return [f"{(at_ms - EPOCH_MS) / 1000:9.3f} s  {_line(*what)}" for at_ms, *what in self.story]

    def trace_hash(self) -> str:
        """The same for the same world, whatever process lived it."""
        return hashlib.blake2b(repr(self.story).encode(), digest_size=8).hexdigest()

    # The engine's processes

    def start(self, name: str = "process") -> tuple[Process, Engine, SqliteStore]:
        """A new process of the engine, with the store as it finds it."""
        self.started += 1
        process = Process(f"{name} {self.started}", self.mortal, self.loop, self.tell)
        self.processes.append(process)
        store = self.disk.open()
        connectors = Both.of(lambda side: self._connector(side, process))
        settings = Settings(
            workers=3, retry_first_ms=200, retry_most_ms=5_000, timeout_ms=TIMEOUT_MS, lease_ms=LEASE_MS
        )
        engine = Engine(
            self.dataflow,
            cast(Any, connectors),
            cast(Store, MortalStore(store, process)),
            self.loop.now_ms,
            Random(f"engine {self.plan.seed} {self.started}"),
            sleep=process.sleep,
            settings=settings,
        )
        return process, engine, store

    def _connector(self, side: Side, process: Process) -> FaultyConnector:
        name = "Left" if side is Side.LEFT else "Right"
        return FaultyConnector(
            MemoryConnector(name, self.systems[side], page_size=3),
            self.tape,
            self.faults,
            process,
            name=name,
            clock_skew_ms=self.skew[side] + (self.skew_error_ms if side is Side.RIGHT else 0),
            clock_error_ms=self.skew_error_ms,
            known=lambda entity, id: self.knows(side, entity, id),
            sent=self._sent,
            heard=lambda: {kind: self.witness.listed_ms.get((side, kind), 0) for kind in KINDS},
            doubt=lambda entity, id, values: self.witness.doubt(side, entity, id, values),
            breach=lambda what: self.witness.finding(
                "I18 the impossible is never sent (law abilities)", what
            ),
            listed=lambda entity, since_ms: self.witness.listed_ms.update({(side, entity): since_ms}),
        )

    def close(self, store: SqliteStore) -> None:
        end(store)

    def write_now(self, store: SqliteStore, work: Any) -> Any:
        """A transaction of somebody who holds no lease."""
        coroutine = store.write(work)
        try:
            coroutine.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("an unthreaded store writes at once")

    async def one_run(self, wish: Wish | None = None, kind: str = "sync", name: str = "process") -> Any:
        """A run of one of the kinds that are drawn."""
        if kind == "undo":
            return await self.undo()

        async def work(process: Process, engine: Engine) -> Report:
            asked = wish or (Wish(full=True) if kind == "full" else Wish())
            if kind == "approved":
                asked = await self._approved(process, engine)
            if kind == "live":
                return await self._live_on(process, engine)
            held, earlier, known = brakes.held(self), brakes.left_over(self), len(self.released)
            report = await self._runner(process, engine).run(asked)
            released = frozenset(self.released[known:])
            for told in brakes.passed(self, held, earlier, released, report) if asked in BRAKED else ():
                self.witness.finding("I16 what a brake holds is not written", told)
            return report

        return await self._lived(name, kind, work)

    async def undo(self, run: int = 0) -> Report | None:
        """A person takes back a run, one that wrote something if none is given; None if that did not end."""
        return await self._lived("process", "undo", partial(self._undo, run))

    async def _lived(
        self, name: str, kind: str, work: Callable[[Process, Engine], Awaitable[Report | None]]
    ) -> Report | None:
        """A process that may crash, be refused the lease, or lose it."""
        process, engine, store = self.start(name)
        self._doubt_what_is_open()  # of a process that stands still
        self.tell(process.name, f"starts: {kind}")
        report: Report | None = None
        if self.stalls_s:
            self.loop.call_later(self.tape["sched"].draw(), self._stall, process, self.stalls_s.pop())
        try:
            report = await work(process, engine)
        except Crash:
            pass
        except BaseExceptionGroup as group:
            if group.subgroup(Crash) is None:
                raise
        except Held as held:
            self.happened["fate: a run beside another"] += 1
            self.tell(process.name, f"can't run: {held.what}")
        except (OutcomeError, StoreError) as error:
            self.happened["fate: a lease that was lost"] += isinstance(error, LeaseLost)
            self.happened["fate: a commit that found no room"] += error.what.startswith(NO_ROOM)
            self.tell(process.name, f"stops: {error.what}")
        finally:
            process.alive = False
            end(store)
            self._doubt_what_is_open()
        self._note_holds()
        if report is not None:
            self.happened[f"runs: {kind}"] += 1
            self.happened["fate: an undoing that wrote"] += kind == "undo" and report.written > 0
            self.tell(process.name, f"ends: {report.status}, {report.written} written")
        else:
            await asyncio.sleep(5)
        return report

    def _doubt_what_is_open(self) -> None:
        """Of a write that is open when a process ends, or another one begins, nobody knows whether it was seen."""
        for intent in self.store.read(lambda tx: tx.intents()):
            self.witness.doubt(intent.side, intent.key.pair, intent.record_id, intent.payload)

    def _sent(self) -> None:
        self.calls += 1

    def _runner(self, process: Process, engine: Engine) -> Runner:
        return Runner(engine, process.name, is_dead=self._is_dead)

    async def _live_on(self, process: Process, engine: Engine) -> Report:
        """A process that is always on, for a while: it lives by hints and by polls, and by a wish now and then."""
        rhythm = Rhythm(4_000, 1_000, 40_000, 500, 5_000, 15_000, 10_000, 2_000, 500, 5_000, 3_000)
        runner = LiveRunner(engine, process.name, rhythm=rhythm, is_dead=self._is_dead)
        going = asyncio.ensure_future(runner.go_on())
        await asyncio.wait([going], timeout=5 + self.tape["sched"].draw() * 40)
        if self.tape["sched"].draw() < 0.3 and not going.done():
            asked = asyncio.ensure_future(runner.ask(Wish(full=self.tape["sched"].draw() < 0.3)))
            await asyncio.wait([going, asked], timeout=60, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        runner.stop()
        await going
        return runner.run.last or Report()

    def _is_dead(self, holder: str) -> bool:
        """What the operating system says of another process; now and then it can't tell."""
        known = {process.name: process.alive for process in self.processes}
        return not known.get(holder, True) and self.tape["sched"].draw() < 0.7

    async def _approved(self, process: Process, engine: Engine) -> Wish:
        """What a person has seen as a plan and approved of."""
        await self._runner(process, engine).run(Wish(act=False))
        fingerprints = {
            fingerprint
            for pair in self.dataflow.pairs
            for action in actions(engine, pair)
            for fingerprint in action.fingerprints
        }
        await process.sleep(3 + self.tape["sched"].draw() * 20)
        return Wish(approved=frozenset(fingerprints))

    def runs_that_wrote(self) -> list[int]:
        entries = self.store.read(lambda tx: tx.journal(limit=200))
        return sorted({e.run for e in entries if e.run and e.operation in ("create", "update", "link")})

    async def _undo(self, run: int, process: Process, engine: Engine) -> Report | None:
        """Take back a run as the command does."""
        await self._runner(process, engine).run(Wish(act=False))
        runs = self.runs_that_wrote()
        if not runs:
            return None
        number = run or runs[int(self.tape["sched"].draw() * len(runs))]
        scope, approved = Scope(number), set()
        for back in ways_back(engine, scope):
            approved |= set(back.action.fingerprints)
            if back.releases:
                ids = back.action.ids
                for side in Side:
                    for dna in self.people.dna_of(side, back.action.key.pair, ids[side]):
                        self.witness.chosen.choose(back.action.key.pair, dna, "undo")
        self.tell("a person", f"undoes run {number}")
        await choose_ways_back(engine, scope)
        return await self._runner(process, engine).run(Wish(approved=frozenset(approved), kind="undo"))

    # Webhooks

    def _hint(self, side: Side, write: Write) -> None:
        """The other side of the wire tells of a change: late, twice, out of order, or never."""
        stream = self.tape["hint"]
        if stream.draw() >= self.faults.hints:
            return
        for _ in range(2 if stream.draw() < 0.2 else 1):
            delay = stream.draw() ** 3 * 60
            version = self.systems[side].past[write.entity, write.id][-1][1].version
            hint = Record(write.id, version=version, complete=False)
            self.loop.call_later(delay, self._deliver, side, write.entity, hint)

    def _deliver(self, side: Side, entity: str, hint: Record) -> None:
        if not self.faults.hints:
            return
        process = Process("webhook", self.mortal, self.loop)
        connectors = Both.of(lambda s: self._connector(s, process))
        engine = Engine(self.dataflow, cast(Any, connectors), self.store, self.loop.now_ms, Random(0))
        try:
            self.write_now(
                cast(SqliteStore, self.store),
                lambda tx: take_records(
                    engine, cast(Any, tx), side, entity, [hint], urgent="live" in self.plan.kinds_of_run
                ),
            )
            self.happened["fate: a webhook"] += 1
        except StoreError as error:
            self.tell("a webhook", f"is lost: {error.what}")

    # Life

    async def events(self) -> None:
        """The script, step by step."""
        for step in self.plan.script():
            await asyncio.sleep(max(0.0, step.at_s - self.loop.time()))
            if step.act in EVENTS:
                self._befall(step)
            else:
                self.people.act(step)
            if self.plan.spaced:
                await self.one_run()

    def _befall(self, step: Step) -> None:
        lasts_s = 5 + step.picks[0] * 60
        self.tell("fate", f"{step.act} ({step.side}, {lasts_s:.0f} s)")
        self.happened[f"fate: {step.act}"] += step.act not in ("restore", "freeze", "stall")
        if step.act == "wipe":
            self.systems[step.side].wiped_ms = self.loop.now_ms()
            self.loop.call_later(lasts_s, lambda: setattr(self.systems[step.side], "wiped_ms", None))
        elif step.act == "full disk":
            self.disk.fill()
            self.loop.call_later(lasts_s, self.disk.make_room)
        elif step.act == "backup":
            self.disk.save()
            self.listed_then = dict(self.witness.listed_ms)
        elif step.act == "restore":
            self.restore()
        elif step.act == "freeze":
            lasts_s *= 2
            self.longest_freeze_ms = max(self.longest_freeze_ms, round(lasts_s * 1000))
            for process in self.processes:
                if process.alive:
                    process.frozen_until = self.loop.time() + lasts_s
                    self.happened["fate: freeze"] += 1
        elif step.act == "stall":
            self.stalls_s.append(LEASE_MS / 1000 + lasts_s)

    def _stall(self, process: Process, lasts_s: float) -> None:
        """A process stands still until its lease is over and another has taken its place; then it goes on."""
        if not process.alive:
            self.stalls_s.append(lasts_s)
            return
        self.tell(process.name, f"stands still for {lasts_s:.0f} s")
        self.happened["fate: stall"] += 1
        self.longest_freeze_ms = max(self.longest_freeze_ms, round(lasts_s * 1000))
        process.frozen_until = self.loop.time() + lasts_s
        self.loop.call_later(
            LEASE_MS / 1000 + 0.5, lambda: asyncio.ensure_future(self.one_run(name="successor"))
        )

    def restore(self) -> None:
        """An old backup is put in the place of the store, by somebody who has stopped the engine."""
        for process in self.processes:
            process.alive = False
        self.remember_journal()
        self.remember_intents()
        if self.disk.put_back():
            self.witness.listed_ms = dict(self.listed_then)
            self.restored_ms = self.loop.now_ms()
            self.happened["fate: restore"] += 1

    def remember_journal(self) -> None:
        """The tokens that the journal tells of, by kind and property, and what was retired, for the oracle."""
        for entry in self.store.read(lambda tx: tx.journal(limit=100_000)):
            self._count_once(f"outcomes: {entry.operation} {entry.outcome}", entry.seq, entry.at_ms)
            if entry.operation == "retire" and entry.outcome != "not applied" and entry.side is not None:
                self.retired.add((entry.pair, entry.side, entry.record_id))
            for change in entry.changes:
                name = self.name_of(str(change.get("property")))
                lens = self.lenses.get(name)
                for values in (change.get("old"), change.get("new"), change.get("source")):
                    if lens is not None and isinstance(values, list):
                        self.traces.add((entry.pair, name, lens.token(values[0])))

    def remember_intents(self) -> None:
        """The tokens of writes that are on their way when the store forgets them: they may still arrive."""
        for intent in self.store.read(lambda tx: tx.intents()):
            for property, (_, _, meant) in intent.properties.items():
                name = self.name_of(property)
                if name in self.lenses and meant is not None:
                    self.traces.add((intent.key.pair, name, self.lenses[name].token(meant[0])))

    def _held(self) -> set[tuple[object, ...]]:
        holds = self.store.read(lambda tx: tx.holds(limit=10_000))
        return {(hold.key, hold.property, hold.cause, hold.what) for hold in holds}

    def _note_holds(self) -> None:
        for hold in self.store.read(lambda tx: tx.holds(limit=1000)):
            self._count_once(f"holds: {hold.cause}", hold.key, hold.property, hold.since_ms)

    def _count_once(self, what: str, *about: object) -> None:
        if (what, *about) not in self._counted:
            self._counted.add((what, *about))
            self.happened[what] += 1

    def knows(self, side: Side, kind: str, id: str) -> bool:
        """Whether Instep has ever read that record."""
        seen = self.store.read(lambda tx: tx.sighting(side, kind, id))
        return seen is not None and seen.digest != ""

    def is_linked(self, kind: str, side: Side, id: str) -> bool:
        return self.store.read(lambda tx: tx.link_of(kind, side, id)) is not None

    def base_of(self, kind: str, side: Side, id: str, name: str) -> Any:
        """What the two records of a link last agreed on, if they ever did."""
        link = self.store.read(lambda tx: tx.link_of(kind, side, id))
        return None if link is None else link.base.get(self.path.left[name])

    def gave_up(self, kind: str, side: Side, id: str) -> str:
        """The last write of a record, if it had to be given up since the system hid the record: "create" or "update".
        What it wrote all the same counts as an edit."""
        for entry in self.store.read(lambda tx: tx.journal(pair=kind, side=side, record_id=id)):
            if entry.side is side and entry.operation in ("create", "update"):
                hidden = entry.reason.endswith(("is gone", "can't be read"))
                return entry.operation if entry.outcome == "not applied" and hidden else ""
        return ""

    async def _rivals(self) -> None:
        while True:
            await asyncio.sleep(10 + self.tape["sched"].draw() * 50)
            await self.one_run(name="rival")

    async def live(self) -> None:
        self.people.populate(self.plan.records, self.tape["user"].draw)
        people = asyncio.ensure_future(self.events())
        rivals = asyncio.ensure_future(self._rivals()) if self.plan.rival else None
        for _ in range(self.plan.runs if not self.plan.spaced else 1):
            await self.one_run(kind=self.tape["sched"].choice(self.plan.kinds_of_run))
            await asyncio.sleep(self.tape["sched"].draw() * 20)
        await people
        if rivals is not None:
            rivals.cancel()
        for chance in self.faults.chances():
            setattr(self.faults, chance, 0.0)
        self.disk.make_room()
        for process in self.processes:
            process.frozen_until = 0.0
        await asyncio.sleep(200)
        for process in self.processes:
            process.alive = False
        self.stalls_s.clear()
        await self.rest()
        self.remember_journal()
        self.lived_points = self.mortal.points

    async def rest(self) -> None:
        """Runs until nothing is left to do: complete ones, and between them ones that bring no new doubt of what
        is read."""
        for number in range(60):
            full, held = number % 2 == 0, self._held()
            report = await self.one_run(replace(self.everything(), full=full), "full" if full else "sync")
            if self.unfinished(held=number < 12):
                await asyncio.sleep(30)
            elif full and report is not None and not report.written and self._held() == held:
                break  # else what was made or read may be what a doubted delete could not be checked by before

    def everything(self) -> Wish:
        """A full run in which a person has let go every brake: there the people did it."""
        kinds = [kind for kind in KINDS_OF_BRAKE if kind != SAME]
        kinds += [f"{SAME}:{prop.name}" for pair in self.dataflow.pairs for prop in pair.properties]
        return Wish(
            full=True,
            released=frozenset(f"{pair.name}:{kind}" for pair in self.dataflow.pairs for kind in kinds),
        )

    def unfinished(self, held: bool = True) -> list[str]:
        """Keys that the engine still means to look at; with those that a hold speaks of, or without."""

        def left(tx: Tx) -> list[str]:
            todo = [t for pair in self.dataflow.pairs for t in tx.todo_after(pair.name, after=0, limit=1000)]
            todo = [t for t in todo if held or not tx.holds_of(t.key)]
            return [f"{t.key.pair} {t.key.side} {t.key.id}: {t.reason}" for t in todo] + [
                f"intent {i.id}" for i in tx.intents()
            ]

        return self.store.read(left)

    async def idle(self) -> None:
        """What a settled world is left with: a complete run that writes nothing, and one that reads nothing."""
        before = self._writes()
        await self.one_run(self.everything(), "full")
        self.final_writes = self._writes() - before
        process, engine, store = self.start()
        await Runner(engine, process.name, is_dead=self._is_dead).run()
        end(store)
        self.idle_reads = sum(connector.inner.counters.reads for connector in cast(Any, engine.connectors))
        self.final_writes += sum(c.inner.counters.writes for c in cast(Any, engine.connectors))

    def _writes(self) -> int:
        return sum(len(system.writes) for system in self.systems)


def _line(who: str | Side, what: str | Write) -> str:
    if isinstance(what, str):
        return f"{who:12} {what}"
    author = "a person" if what.author == PERSON else "instep"
    changes = ", ".join(
        f"{path.removeprefix('l_').removeprefix('r_')} {new!r}"
        + (f" in place of {old!r}" if what.operation == "update" else "")
        for path, (old, new) in what.changes.items()
    )
    done = f"{what.operation}s {what.entity} {what.id} on the {who}"
    return f"{author:12} {done}" + (f": {changes}" if what.operation != "delete" else "")


def prop(left: str, right: str, spelled: str = "same", **more: Any) -> Property:
    """A property as one line of a dataflow file would have it."""
    name, arguments = parse(spelled)
    return Property(left, Both(Part((left,)), Part((right,))), build(name, arguments), spelled, **more)


def simulate(plan: Plan, crash_at: int | None = None, store_path: str = ":memory:") -> World:
    """Live a whole world; the caller asks the oracle afterwards, and closes it."""
    loop = VirtualLoop()
    asyncio.set_event_loop(None)
    world = World(plan, loop, crash_at, store_path)

    async def main() -> None:
        await world.live()
        await world.idle()

    run(main(), loop)
    return world


__all__ = ["PROFILES", "Plan", "World", "simulate"]
