"""The gate of a pair in one run: it counts what is about to be written, lets through what may be, and keeps what the
brakes stop as holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from instep.core import brakes
from instep.core.brakes import Effect, LetGo, Print, Trip
from instep.core.dataflow import Pair
from instep.core.model import Both, Side
from instep.core.state import Hold, Key, Link, Release
from instep.core.values import Json, digest, encode, plain
from instep.core.verdict import Write, by_person
from instep.runner.brakes import (
    CAUSE,
    EFFECT,
    EMPTY,
    OPERATIONS,
    RELEASE,
    RELEASED,
    Brake,
    brake_key,
    brake_of,
    counted,
    empty_hold,
    empty_side,
    held_brakes,
    let_go,
    row_key,
    rows_counted,
    rows_of,
    to_keep,
    worked_off,
)
from instep.runner.engine import Engine
from instep.runner.planning import Action, actions
from instep.store.contract import Entry, Tx

EXAMPLES: Final = 5
PAGE: Final = 500


def _counts_from(pair: str, brake: str = "") -> str:
    """Name of the setting from when on writes count again: a person has decided on all before."""
    return f"brakes_from:{pair}:{brake}"


@dataclass(slots=True)
class Gate:
    """What the brakes of one pair let through in one run.

    `free`: brakes that are let go for this run; `let_go`: what a person released; `recent`: per effect, the left
    ids of records written within the hour; `stopped`: effects that are not made, `latched` those of them that were
    held before.
    """

    pair: Pair
    linked: int
    first: bool
    free: frozenset[str]
    let_go: LetGo
    recent: dict[Effect, set[str]]
    latched: frozenset[Effect]
    releases: tuple[Release, ...]
    began_ms: int
    emptied: Brake | None
    stopped: set[Effect] = field(default_factory=set)
    pending: Counter[Effect] = field(default_factory=Counter)
    trips: dict[Effect, Trip] = field(default_factory=dict)
    admitted: dict[Effect, set[Key]] = field(default_factory=lambda: defaultdict(set))

    def count(self, action: Action) -> None:
        """Take an action of the plan into account."""
        found: set[Effect] = set()
        self.linked += action.verdict.link is not None
        for write in action.verdict.writes:
            found |= brakes.counting(self.pair, _key_of(action, write), action.ids, write, self.let_go)
        for effect in found:
            if self._counts(effect) and action.ids.left not in self.recent.get(effect, ()):
                self.pending[effect] += 1

    def close(self) -> None:
        """After the last `count`: what is more than may be made unasked is stopped from now on."""
        self.stopped = {effect for effect in self.latched if effect.brake not in self.free}
        for effect, count in self.pending.items():
            trip = self._tripped(effect, count)
            if trip is not None:
                self.trips[effect] = trip
                self.stopped.add(effect)

    def permit(self, tx: Tx, link: Link | None, key: Key, write: Write) -> Write | None:
        """What of a write may be made; None if nothing may."""
        if link is not None and link.made_by.startswith("created") and link.made_ms >= self.began_ms:
            return write  # the rest of a create
        ids = link.ids if link is not None else Both("", "").replace(key.side, key.id)
        while True:
            prints = brakes.stopped(self.pair, key, ids, write, self.stopped.__contains__, self.let_go)
            part = brakes.rest_of(self.pair, write, prints)
            if part is None:
                return None
            over = self._admit(tx, key, ids, part)
            if over is None:
                return part
            self.stopped.add(over)

    def _admit(self, tx: Tx, key: Key, ids: Both[str], write: Write) -> Effect | None:
        """Count a write that is about to be made; the effect of which there would be too many, if any. A plan has
        counted most of them before: this is for what only shows while a run is going on."""
        new = [
            effect
            for effect in brakes.counting(self.pair, key, ids, write, self.let_go)
            if self._counts(effect)
            and key not in self.admitted[effect]
            and ids.left not in self.recent.get(effect, ())
        ]
        for effect in sorted(new):
            trip = self._tripped(effect, len(self.admitted[effect]) + 1)
            if trip is not None:
                self.linked = max(self.linked, tx.count_links(self.pair.name))
                trip = self._tripped(effect, len(self.admitted[effect]) + 1)
            if trip is not None:
                self.trips[effect] = trip
                return effect
        for effect in new:
            self.admitted[effect].add(key)
        return None

    def _counts(self, effect: Effect) -> bool:
        return effect.brake not in self.free

    def _tripped(self, effect: Effect, count: int) -> Trip | None:
        recent = len(self.recent.get(effect, ()))
        return brakes.tripped(self.pair.brakes, effect, count, recent, self.linked, first=self.first)


def _key_of(action: Action, write: Write) -> Key:
    """The key at which a run makes the write: that of the left record, unless it makes a partner."""
    return action.key if write.operation == "create" else Key(action.key.pair, Side.LEFT, action.ids.left)


def open_gate(engine: Engine, pair: Pair, free: frozenset[str]) -> Gate:
    """The gate of a pair as it stands before anything is counted. `free`: brakes that are let go for this run."""

    def look(tx: Tx) -> Gate:
        releases = tx.releases_of(brake_key(pair.name))
        chosen = {release.property for release in releases if release.choice == RELEASE}
        latched = {
            effect
            for hold in held_brakes(tx, pair.name)
            if hold.property not in chosen and hold.property != EMPTY
            for effect in _effects_of(hold)
        }
        return Gate(
            pair,
            tx.count_links(pair.name),
            tx.meta(worked_off(pair.name)) is None,
            free,
            frozenset(let_go(pair.name, releases)),
            _recent(engine, tx, pair, chosen | free),
            frozenset(latched),
            tuple(releases),
            engine.now_ms(),
            empty_side(engine, tx, pair),
        )

    return engine.store.read(look)


def may_trip(gate: Gate) -> bool:
    """Whether some number of writes would be too many. Not in a pair's first run if it may create and change all,
    while nothing is linked that could be retired: to decide on each record beforehand would count for nothing."""
    limits = gate.pair.brakes
    free = limits.first_create.share >= 1.0 and limits.first_change.share >= 1.0
    return bool(gate.linked or gate.latched) or not gate.first or not free


def _effects_of(hold: Hold) -> Iterator[Effect]:
    values = hold.values.get("values") if isinstance(hold.values, dict) else None
    for value in values if isinstance(values, list) and values else [""]:
        yield Effect(hold.property, str(value))


def _recent(engine: Engine, tx: Tx, pair: Pair, decided: set[str] | frozenset[str]) -> dict[Effect, set[str]]:
    """Per effect, the left ids of the records that earlier runs of the hour wrote; what follows a create is part
    of it. Nothing of the brakes that a person has just `decided` on."""
    latest = engine.now_ms() - brakes.WINDOW_MS
    since = max(latest, int(tx.meta(_counts_from(pair.name)) or "0"))
    entries = list(_written_since(tx, pair.name, since))
    made = {entry.link_id for entry in entries if entry.operation == "create"}
    begins: dict[str, int] = {}
    found: dict[Effect, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.side is None or by_person(entry.reason):
            continue
        if entry.operation != "create" and entry.link_id in made:
            continue
        left = entry.record_id if entry.side is Side.LEFT else entry.partner_id
        for effect in _effects_of_entry(pair, entry, entry.side):
            if effect.brake not in begins:
                begins[effect.brake] = int(tx.meta(_counts_from(pair.name, effect.brake)) or "0")
            if entry.at_ms > begins[effect.brake] and effect.brake not in decided:
                found[effect].add(left)
    return found


def _written_since(tx: Tx, pair: str, since_ms: int) -> Iterator[Entry]:
    before: int | None = None
    while entries := tx.journal(pair=pair, before=before, limit=PAGE):
        for entry in entries:
            if entry.at_ms <= since_ms:
                return
            if entry.operation in OPERATIONS and entry.outcome in EFFECT:
                yield entry
        before = entries[-1].seq


def _effects_of_entry(pair: Pair, entry: Entry, side: Side) -> set[Effect]:
    if entry.operation != "update":
        return {Effect(entry.operation)}
    found: set[Effect] = set()
    for change in entry.changes:
        old, new = change.get("old"), change.get("new")
        if change.get("source") is not None and isinstance(old, list) and isinstance(new, list):
            found |= brakes.change_effects(pair, side, str(change.get("property")), tuple(old), tuple(new))
    return found


# What is held


@dataclass(slots=True)
class _Held:
    """What one brake stops: how many records, the first few as a person sees them, and all of it for a choice."""

    records: int = 0
    examples: list[Json] = field(default_factory=list)
    rows: list[Json] = field(default_factory=list)
    values: set[str] = field(default_factory=set)


def stopped_by(gate: Gate, action: Action) -> dict[str, list[Print]]:
    """By brake, what of an action it stops."""
    found: dict[str, list[Print]] = {}
    for brake in {effect.brake for effect in gate.stopped}:
        for write in action.verdict.writes:

            def stops(effect: Effect, brake: str = brake) -> bool:
                return effect.brake == brake and effect in gate.stopped

            key = _key_of(action, write)
            prints = brakes.stopped(gate.pair, key, action.ids, write, stops, gate.let_go)
            if prints:
                found.setdefault(brake, []).extend(prints)
    return found


def tripped_brakes(gate: Gate) -> list[Brake]:
    """What a plan says of the brakes of a pair, with nothing kept."""
    found = [gate.emptied] if gate.emptied is not None and EMPTY not in gate.free else []
    for brake in sorted({effect.brake for effect in gate.stopped}):
        counts = [gate.pending[effect] for effect in gate.stopped if effect.brake == brake]
        trip = next((t for e, t in gate.trips.items() if e.brake == brake), None)
        if sum(counts):
            what = brakes.told(gate.pair.name, brake, sum(counts))
            why = trip.why if trip is not None else "it was held before, and waits for a person"
            found.append(Brake(gate.pair.name, brake, sum(counts), trip.allowed if trip else 0, what, why))
    return found


async def hold_stopped(engine: Engine, gate: Gate) -> list[Brake]:
    """Keep what the gate stops as holds of the pair, in place of those from before; one of which nothing is left
    goes away. Returns them."""
    held: dict[str, _Held] = defaultdict(_Held)
    for action in actions(engine, gate.pair) if gate.stopped else ():
        for brake, prints in stopped_by(gate, action).items():
            _take(gate, held[brake], brake, action, prints)
    return await engine.store.write(partial(_save, engine, gate=gate, held=held))


def _take(gate: Gate, held: _Held, brake: str, action: Action, prints: list[Print]) -> None:
    held.records += 1
    for write in action.verdict.writes:
        held.values |= {e.value for e in brakes.effects(gate.pair, write) & gate.stopped if e.brake == brake}
        key = _key_of(action, write)
        held.rows += [[key.side.value, key.id, name, about] for name, about in prints]
        if len(held.examples) < EXAMPLES:
            held.examples.append(_example(gate, brake, action, write))


def _example(gate: Gate, brake: str, action: Action, write: Write) -> Json:
    """A write as a hold shows it: the properties that the brake is about."""
    changes: list[Json] = [
        {"property": c.property, "old": plain(c.old), "new": plain(c.new)}
        for c in write.changes
        if write.operation == "create"
        or any(
            e.brake == brake for e in brakes.change_effects(gate.pair, write.side, c.property, c.old, c.new)
        )
    ]
    return {
        "left": action.ids.left,
        "right": action.ids.right,
        "operation": write.operation,
        "side": write.side.value,
        "changes": changes,
    }


def _save(engine: Engine, tx: Tx, *, gate: Gate, held: dict[str, _Held]) -> list[Brake]:
    pair = gate.pair.name
    before = {hold.property: hold for hold in held_brakes(tx, pair)}
    holds = []
    for brake, found in sorted(held.items()):
        trip = next((t for e, t in gate.trips.items() if e.brake == brake), None)
        holds.append(_hold(pair, brake, found, trip, before.get(brake)))
        tx.save_meta(counted(pair, brake), encode(found.rows).decode())
    emptied = empty_side(engine, tx, gate.pair)
    if emptied is not None:
        holds.append(empty_hold(emptied))
    for brake in before.keys() - held.keys():
        tx.save_meta(counted(pair, brake), None)
    engine.hold(tx, brake_key(pair), holds)
    return [brake_of(hold) for hold in held_brakes(tx, pair)]


def _hold(pair: str, brake: str, held: _Held, trip: Trip | None, before: Hold | None) -> Hold:
    was = before.values if before is not None and isinstance(before.values, dict) else {}
    limit = trip.allowed if trip is not None else was.get("limit", 0)
    why = trip.why if trip is not None else before.why if before is not None else ""
    values: list[Json] = [value for value in sorted(held.values) if value]
    return Hold(
        brake_key(pair),
        brake,
        CAUSE,
        brakes.told(pair, brake, held.records),
        why,
        f"look at them: instep plan --pair {pair}; then choose: instep holds release ID --choose release, or drop",
        digest(brake),
        values={"count": held.records, "limit": limit, "examples": held.examples, "values": values},
    )


# The end of a run


def decided(engine: Engine, tx: Tx, gate: Gate) -> None:
    """A run has come to its end with what a person let go: that is over, and counting begins anew. What another
    brake holds of it, or could not be written yet, stays let go by this one."""
    key = brake_key(gate.pair.name)
    releases = [r for r in tx.releases_of(key) if r in gate.releases]  # not those made while the run went on
    chosen = {release.property for release in releases if release.choice == RELEASE}
    held = (
        {row for hold in held_brakes(tx, gate.pair.name) for row in rows_counted(tx, hold)}
        if releases
        else set()
    )
    for release in releases:
        left = [row for row in rows_of(release.value) if row in held or tx.is_todo(row_key(key.pair, row))]
        tx.drop_releases(key, [release.property])
        if left:
            tx.save_release(replace(release, choice=RELEASED, value=to_keep(left)))
    for brake in chosen | gate.free:
        tx.save_meta(_counts_from(gate.pair.name, brake), str(engine.now_ms()))


def count_anew(engine: Engine, tx: Tx, pair: str) -> None:
    """What was written up to now was approved, or was a first load: it counts for no brake."""
    tx.save_meta(_counts_from(pair), str(engine.now_ms()))
