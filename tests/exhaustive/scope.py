"""All that can happen to one linked record within a budget, and whether a law is broken anywhere.

A place is what lasts between two runs of the engine: both systems, the store, what is on its way, the budget.
From each place every way in which a run can go is followed (`search`), from a copy of it, and each leads to a
place; those that differ only in what can make no difference any more (`same`) are one, and one from which more can
still happen does for one that is the same but for that (`places`). Once no place is new, each has been asked by
`laws`.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any

import apsw

from instep.connectors.memory import MemoryConnector
from instep.connectors.memory_system import MemorySystem
from instep.core.dataflow import PolicyName
from instep.core.model import Both, Side
from instep.core.state import Link
from instep.runner.engine import Engine, Settings
from instep.runner.run import Runner, Wish
from instep.store.contract import Tx
from instep.store.migrations import migrate
from instep.store.sqlite import SqliteStore
from tests.simulation.plan import PROFILES
from tests.simulation.processes import Crash
from tests.simulation.virtual_time import EPOCH_MS, VirtualLoop

from . import laws
from .little_world import (
    FIELD,
    ID,
    RECORD,
    TIMEOUT_MS,
    Budget,
    LittleWorld,
    Moments,
    MomentStore,
    NoChance,
    Wire,
    dataflow,
    entity,
)
from .places import Place, Places, Rows
from .same import essence
from .search import Tape, every_way

STORY = {"runs", "lease", "counters", "sqlite_sequence"}
"""Tables that tell of runs and numbers, by which no decision goes."""

_numbers = itertools.count(1)


def digest(about: Any) -> bytes:
    return blake2b(repr(about).encode(), digest_size=16).digest()


@dataclass(slots=True)
class Found:
    """What a search came to. `broken`: a law, and the answers that lead there, run by run."""

    places: int = 0
    moments: int = 0
    runs: int = 0
    seconds: float = 0.0
    whole: bool = True
    broken: list[tuple[str, tuple[tuple[int, ...], ...]]] = field(default_factory=list)


class Stage:
    """One engine's surroundings, used again for each run: a loop on virtual time and a store in memory."""

    def __init__(self, profiles: Both[str], policy: PolicyName) -> None:
        self.loop = VirtualLoop()
        self.policy = policy
        self.dataflow = dataflow(policy)
        self.abilities = profiles.map(lambda name: PROFILES[name])
        self.writer, self.reader = _open()
        self.store = self._opened()
        self.changed: set[str] = set()
        self.writer.set_update_hook(lambda _kind, _name, table, _row: self.changed.add(table))
        self.tables = [
            row[0]
            for row in self.writer.execute("select name from sqlite_schema where type = 'table' order by 1")
        ]
        self._columns: dict[str, tuple[str, ...]] = {}
        self.saved = {table: self._saved(table) for table in self.tables}
        self.world = LittleWorld(Both.of(self._system), EPOCH_MS, dict.fromkeys(Side, 0), 0, 0)

    def _system(self, side: Side) -> MemorySystem:
        declared = entity(self.abilities[side])
        system = MemorySystem([declared], now_ms=self.loop.now_ms)
        system.put(RECORD, {FIELD: "0"}, ID if declared.abilities.chosen_id else None)
        return system

    def _opened(self) -> SqliteStore:
        """The store as a new process has it, which knows nothing of a lease."""
        return SqliteStore(self.writer, self.reader, ":memory:", threaded=False)

    def save(self) -> Rows:
        execute = self.writer.execute
        return {table: list(execute(f"select {names} from {table}")) for table, names in self.saved.items()}

    def load(self, rows: Rows) -> None:
        execute = self.writer.execute
        execute("begin")
        for table, kept in rows.items():
            execute(f"delete from {table}")
            names = self.saved[table]
            marks = ", ".join("?" * len(names.split(", ")))
            self.writer.executemany(f"insert into {table} ({names}) values ({marks})", kept)
        execute("commit")

    def columns(self, table: str) -> tuple[str, ...]:
        if table not in self._columns:
            found = self.writer.execute("select name from pragma_table_info(?)", (table,))
            self._columns[table] = tuple(row[0] for row in found)
        return self._columns[table]

    def _saved(self, table: str) -> str:
        """What is saved of a table: its columns, and the number that SQLite gives to its rows, where it does."""
        numbered = not self.writer.execute("select wr from pragma_table_list(?)", (table,)).get
        return ", ".join((*(("rowid",) if numbered else ()), *self.columns(table)))

    def run(self, world: LittleWorld, tape: Tape, begun: bytes, wish: Wish | None = None) -> list[str]:
        """One run of a new process in this world, to its end or its death; returns the laws it broke on the way."""
        self.world, self.store = world, self._opened()
        self.loop.now = (world.now_ms - EPOCH_MS) / 1000
        moments = Moments(world, tape, begun, digest, self.loop.now_ms)
        wires = Both.of(
            lambda side: Wire(
                str(side),
                side,
                MemoryConnector("engine", world.systems[side]),
                moments,
                partial(self._known, side),
            )
        )
        self.changed.clear()
        store = MomentStore(self.store, moments, lambda: self._kept(moments))
        engine = Engine(
            self.dataflow,
            wires,  # type: ignore[arg-type]
            store,
            self.loop.now_ms,
            NoChance(world),
            settings=Settings(workers=1, retry_first_ms=200, retry_most_ms=5_000, timeout_ms=TIMEOUT_MS),
        )
        runner = Runner(engine, f"process {world.keys}", is_dead=lambda _: True)
        try:
            with suppress(Crash):
                self.loop.run_until_complete(runner.run(wish))
        finally:
            self._clear()
        world.now_ms = self.loop.now_ms()
        return moments.broken

    def _known(self, side: Side) -> int | None:
        """The version of a record that was last read."""
        seen = self.store.read(lambda tx: tx.sighting(side, RECORD, ID))
        return seen.version if seen else None

    def _clear(self) -> None:
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    def _kept(self, moments: Moments) -> bool:
        """Note what a commit keeps of what the engine was told; says whether it kept anything but its own story."""
        changed, self.changed = self.changed, set()
        if "sightings" in changed:
            seen = self.store.read(lambda tx: Both.of(lambda side: tx.sighting(side, RECORD, ID)))
            moments.world.known |= {
                (side, str(sighting.fields.get(FIELD)).strip())
                for side in Side
                if (sighting := seen[side]) is not None
            }
        return not changed <= STORY

    def place(self, world: LittleWorld, trail: tuple[tuple[int, ...], ...]) -> Place:
        """What there is now, to come back to. What no longer matters is left out of its key."""
        due = self.store.read(lambda tx: tx.next_due(RECORD))
        for side in Side:
            world.systems[side].writes.clear()
            world.past[side] = [
                (until, was) for until, was in world.past[side] if until > world.now_ms - 10 * TIMEOUT_MS
            ]
        edits = world.edits_left
        left = (edits[Side.LEFT], edits[Side.RIGHT], world.faults_left, world.crashes_left)
        bare = digest(self.store.read(lambda tx: essence(world, tx, faults=False)))
        whole = (
            digest(self.store.read(lambda tx: essence(world, tx, faults=True))) if world.faults_left else bare
        )
        return Place(digest((whole, left)), whole, bare, left, world, self.save(), due, trail)


def _open() -> tuple[apsw.Connection, apsw.Connection]:
    name = f"file:/scope-{next(_numbers)}?vfs=memdb"
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_CREATE
    writer, reader = (apsw.Connection(name, flags=flags, statementcachesize=256) for _ in range(2))
    migrate(writer, ":memory:")
    return writer, reader


def first_place(stage: Stage, budget: Budget) -> Place:
    """Two records that are linked and agree, the engine at rest, and the whole budget still to come."""
    world = stage.world

    def link(tx: Tx) -> None:
        tx.save_link(Link(0, RECORD, Both(ID, ID), {FIELD: Both(("0",), ("0",))}, made_by="by hand"))

    stage.loop.run_until_complete(stage.store.write(link))
    for _ in range(3):
        stage.run(world, Tape((), set()), b"", Wish(full=True))
    world.edits_left = {Side.LEFT: budget.left, Side.RIGHT: budget.right}
    world.faults_left, world.crashes_left = budget.faults, budget.crashes
    world.past = {side: [] for side in Side}
    world.now_ms += 60_000
    return stage.place(world, ())


def explore(
    profiles: Both[str],
    budget: Budget,
    policy: PolicyName = "left",
    most_s: float | None = None,
    most_broken: int = 1,
) -> Found:
    """Everything that can happen within a budget; less if the time is up (`whole` says so)."""
    began = time.process_time()
    stage = Stage(profiles, policy)
    found = Found()
    met: set[bytes] = set()
    places = Places()
    places.add(first_place(stage, budget))
    while places and len(found.broken) < most_broken:
        if most_s is not None and time.process_time() - began > most_s:
            found.whole = False
            break
        place = places.pop()
        found.places += 1
        following: list[Place] = []

        def program(tape: Tape, place: Place = place, following: list[Place] = following) -> None:
            world = place.world.copy()
            stage.load(place.rows)
            _wait(world, place, tape)
            broken = stage.run(world, tape, place.key)
            trail = (*place.trail, tuple(tape.answers))
            found.broken += [(law, trail) for law in broken]
            if tape.over:
                return
            after = stage.place(world, trail)
            found.broken += [(law, trail) for law in stage.store.read(lambda tx: list(laws.agreement(tx)))]
            following.append(after)
            if after.key == place.key and not any(tape.answers):
                found.broken += [(law, trail) for law in laws.at_rest(stage, after)]

        found.runs += every_way(program, met)
        for after in following:
            places.add(after)
    found.moments = len(met)
    found.seconds = time.process_time() - began
    return found


def _wait(world: LittleWorld, place: Place, tape: Tape) -> None:
    """Until the engine means to look again, or what is on its way has come down; or not at all."""
    ends = [late.until_ms for late in world.late]
    until_ms = place.due_ms if place.due_ms is not None else min(ends, default=None)
    if until_ms is None or until_ms <= world.now_ms:
        return
    busy = bool(world.late or any(world.edits_left.values()))
    if not busy or not tape.choose(2, lambda: digest((place.key, "wait"))):
        world.now_ms = until_ms
