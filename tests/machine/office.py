"""An office: two systems with people at work in both, a site that connects them, and the commands of `instep`.

Everything is the product's own, from the command line to the SQLite file; only the clock is ours, and the two
systems are in memory. An `Office` offers what the witness and the oracle of the simulated world ask of a world.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, Literal
from unittest import mock

from click.testing import CliRunner

from instep import site as site_module
from instep.cli import EXIT_CODES, instep
from instep.connectors.memory import MemoryConnector
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.dataflow.systems import System
from instep.site import Kind, Site, Wiring
from instep.store.sqlite import SqliteStore, open_store
from tests.simulation.lenses import LENSES, Lens
from tests.simulation.people import People
from tests.simulation.plan import PROFILES
from tests.simulation.stores import end
from tests.simulation.systems import SimSystem, Write
from tests.simulation.witness import Witness
from tests.simulation.world import World

from .clock import Clock
from .line import Killed, Line
from .terms import PATH, PLAIN, Terms

KINDS = ("company", "person")
KILLED = -9
MISTAKE = "this is a mistake in Instep"
SITE = "version: 1\nsystems:\n  left: {kind: memory, name: Left}\n  right: {kind: memory, name: Right}\n"


class MemoryKind(System):
    """What `instep.yaml` says of a system in memory."""

    kind: Literal["memory"]


@dataclass(frozen=True)
class Setting:
    """What the two systems of an office are like. `fixed`: the side on which no call changes a city."""

    profiles: Both[str] = Both("conditional", "conditional")
    lenses: tuple[str, str] = ("plain", "plain")
    tombstones: bool = True
    fixed: Side | None = None


@dataclass(frozen=True)
class Answer:
    """What a command ended in."""

    words: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        return json.loads(self.stdout)

    def lines(self) -> list[Any]:
        """JSON, one value a line."""
        return [json.loads(line) for line in self.stdout.splitlines()]


@dataclass
class Faults:
    """What is to become of the next requests: per side, as `Line` understands it."""

    lines: Both[list[tuple[str, Any]]] = field(default_factory=lambda: Both([], []))
    pages: Both[list[Any]] = field(default_factory=lambda: Both([], []))


class Office:
    """To be closed. `lenses`: all properties that people fill in; `witness.findings` are broken laws."""

    def __init__(self, directory: Path, setting: Setting, terms: Terms) -> None:
        self.directory, self.setting, self.terms = directory, setting, terms
        self.clock = self.loop = Clock()
        self.random = Random(1)
        self.story: list[tuple[Any, ...]] = []
        self.lenses: dict[str, Lens] = {
            "name": LENSES["plain"],
            "phone": LENSES[setting.lenses[0]],
            "city": LENSES[setting.lenses[1]],
            "mail": LENSES["mail"],
        }
        self.path = PATH
        self.names_by_path = PATH.map(lambda paths: {path: name for name, path in paths.items()})
        self.witness = Witness(self)  # type: ignore[arg-type]
        self.systems = Both.of(self._system)
        self.people = People(self)  # type: ignore[arg-type]
        self.traces: set[tuple[str, str, str | None]] = set()
        self.retired: set[tuple[str, Side, str]] = set()
        self.happened: Counter[str] = Counter()
        self._counted: set[tuple[object, ...]] = set()
        self.skew = Both(0, 0)
        self.open_window_ms = 500
        self.restored_ms = None
        self.adrift: set[int] = set()
        self.final_writes = self.idle_reads = 0
        self.faults = Faults()
        self.running: Site | None = None
        self.killed = False
        self.lease_until_ms = 0
        self.broken = False
        self._reading: SqliteStore | None = None
        self._patches = ExitStack()
        self._take_the_place()
        self.write_files()

    # The files

    def write_files(self) -> None:
        (self.directory / "instep.yaml").write_text(SITE)
        spelled = {name: lens.spelled for name, lens in self.lenses.items()}
        (self.directory / "dataflow.yaml").write_text(self.terms.text(spelled))

    def agree_on(self, terms: Terms) -> None:
        """From now on the dataflow is another one."""
        self.terms = terms
        self.tell("a person", f"writes a dataflow: {terms}")
        self.write_files()

    @property
    def plan(self) -> Any:
        """What the witness asks of a world's plan."""
        return SimpleNamespace(policy=self.terms.policy, flow=self.terms.phone, spaced=False)

    @property
    def one_way(self) -> str:
        return "" if self.terms.phone == "both" else "phone"

    # The systems

    def _system(self, side: Side) -> SimSystem:
        abilities = Abilities(
            tombstones=self.setting.tombstones, late_apply_ms=20_000, **PROFILES[self.setting.profiles[side]]
        )
        entities = [
            self._entity("company", side, replace(abilities)),
            self._entity("person", side, abilities, Field("parent", "text", reference="company")),
        ]
        unique = {"company": (), "person": ()}
        if abilities.marker and abilities.marker_unique:
            unique = dict.fromkeys(unique, (abilities.marker,))
        system = SimSystem(entities, now_ms=self.clock.now_ms, unique=unique)
        system.normal = {PATH[side][name]: lens.stored[side] for name, lens in self.lenses.items()}
        system.witness = lambda write: self.witness.wrote(side, write)
        return system

    def _entity(self, name: str, side: Side, abilities: Abilities, *more: Field) -> Entity:
        fields = [
            Field(
                PATH[side][each],
                lens.types[side],
                required=each == "name",
                max_length=lens.max_length[side],
                update=not (each == "city" and self.setting.fixed is side),
            )
            for each, lens in self.lenses.items()
        ]
        fields += [Field("dna", "text"), *more]
        fields += [Field(abilities.marker, "text")] if abilities.marker else []
        return Entity(name, tuple(fields), abilities)

    # The commands

    def _take_the_place(self) -> None:
        """Of the clock, of the randomness and of the systems, and of nothing else."""
        put = partial(mock.patch.object, site_module)
        load = site_module.load_site
        kinds = {"memory": Kind(MemoryKind, self._connect)}

        def load_site(*given: Any, **more: Any) -> Site:
            self.running = load(*given, **more)
            self.running.random = self.random
            return self.running

        for patch in (
            put("time", self.clock),
            mock.patch.object(tempfile, "tempdir", str(self.directory)),  # for reports of trouble
            put("kinds", lambda: kinds),
            put("open_store", partial(open_store, threaded=False)),
            put("load_site", load_site),
            mock.patch.object(asyncio.events, "new_event_loop", self.clock.loop),
        ):
            self._patches.enter_context(patch)

    def _connect(self, wiring: Wiring) -> Line:
        side = wiring.side
        line = Line(MemoryConnector(wiring.system.name, self.systems[side], page_size=3), wiring.system.name)
        line.office, line.side = self, side
        for operation, fault in self.faults.lines[side]:
            line.next(operation, fault)
        pages = self.faults.pages[side]
        line.page_fault = lambda entity, page: pages.pop(0)() if pages else None
        return line

    def instep(self, *words: str, codes: tuple[int, ...] = (0,), faults: Faults | None = None) -> Answer:
        """A command in a process of its own, as far as it can tell; its exit code has to be one of these."""
        self.happened[f"commands: {words[0]}"] += 1
        self.faults, self.killed = faults or Faults(), False
        try:
            result = CliRunner().invoke(instep, ["-q", "-C", str(self.directory), *words])
            answer = Answer(words, result.exit_code, result.stdout, result.stderr)
            trouble = result.exception
        except Killed:
            answer, trouble = Answer(words, KILLED, "", ""), None
        said = " ".join((answer.stdout + answer.stderr).split())
        self.tell("instep", f"{' '.join(words)}: {answer.code} {said}")
        self.happened[f"exit codes: {KILLED if self.killed else answer.code}"] += 1
        self._note_doubts()
        if self.killed:
            return replace(answer, code=KILLED)
        assert trouble is None or isinstance(trouble, SystemExit), f"{words}: {trouble!r}"
        assert answer.code in EXIT_CODES and answer.code in codes, f"{words} ended in {answer.code}: {answer}"
        assert MISTAKE not in answer.stderr and "Traceback" not in answer.stdout + answer.stderr, answer
        if answer.code in (1, 2, 4, 5):
            assert answer.stderr.strip(), f"{words} ended in {answer.code} without a word"
        return answer

    def kill(self) -> None:
        """What the kernel does with the running process."""
        assert self.running is not None
        if self.running._open is not None:
            end(self.running._open)
        self.killed = True
        self.lease_until_ms = self.clock.now_ms() + 60_000
        raise Killed

    # What can be seen

    @property
    def store_path(self) -> Path:
        return self.directory / "instep.sqlite"

    @property
    def store(self) -> Any:
        """The store, to be read."""
        return self

    def read(self, work: Any) -> Any:
        """A transaction that reads, as another program would make it."""
        if self._reading is not None:
            return self._reading.read(work)
        with self.reading():
            return self.read(work)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The store stays open for as long as the block lasts."""
        self._reading = open_store(self.store_path, threaded=False)
        try:
            yield
        finally:
            end(self._reading)
            self._reading = None

    def _note_doubts(self) -> None:
        if not self.store_path.exists():
            return
        with self.reading():
            self.note_holds()
            for intent in self.read(lambda tx: tx.intents()):
                self.witness.doubt(intent.side, intent.key.pair, intent.record_id, intent.payload)

    def is_linked(self, kind: str, side: Side, id: str) -> bool:
        return self.store_path.exists() and self.read(lambda tx: tx.link_of(kind, side, id)) is not None

    # What the simulated world asks of its store, asked of this one.
    base_of = World.base_of
    gave_up = World.gave_up
    name_of = World.name_of
    remember_journal = World.remember_journal
    note_holds = World._note_holds
    _count_once = World._count_once

    def dnas(self, kind: str, ids: Both[str]) -> set[str]:
        """Every thing that these records have stood for."""
        return {dna for side in Side for dna in self.people.dna_of(side, kind, ids[side])}

    def choose(self, kind: str, ids: Both[str], what: str, name: str = "") -> None:
        """Tell the witness that what becomes of these records, or of that property of them, is a person's will."""
        for dna in self.dnas(kind, ids):
            self.witness.chosen.choose(kind, dna, what, name)

    def links(self) -> list[Any]:
        """As the command lists them."""
        return [] if not self.store_path.exists() else self.instep("links", "list", "--json").lines()

    def holds(self) -> list[Any]:
        """As the command lists them."""
        return [] if not self.store_path.exists() else self.instep("holds", "list", "--json").json()

    def unfinished(self, held: bool = True) -> list[str]:
        """Keys that are still to be looked at; with those that a hold speaks of, or without."""

        def left(tx: Any) -> list[str]:
            todo = [todo for kind in KINDS for todo in tx.todo_after(kind, after=0, limit=1000)]
            todo = [each for each in todo if held or not tx.holds_of(each.key)]
            told = [f"{each.key.pair} {each.key.side} {each.key.id}: {each.reason}" for each in todo]
            return told + [f"intent {intent.id}" for intent in tx.intents()]

        return self.read(left)

    def written(self) -> int:
        return sum(len(system.writes) for system in self.systems)

    def writes_since(self, before: Both[int]) -> list[tuple[Side, Write]]:
        """By anybody."""
        return [(side, write) for side in Side for write in self.systems[side].writes[before[side] :]]

    def mark(self) -> Both[int]:
        return self.systems.map(lambda system: len(system.writes))

    # The story

    def tell(self, who: str, what: str) -> None:
        self.story.append((self.clock.now_ms(), who, what))

    def close(self) -> None:
        self._patches.close()


__all__ = ["KILLED", "KINDS", "PLAIN", "Answer", "Faults", "Office", "Setting"]
