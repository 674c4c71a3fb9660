"""The brakes at work: count what a pair is about to write, let through what may be, and hold the rest.

A brake that trips is a hold of the pair, so it stays until a person has decided: `release` lets what it has counted
go, `drop` leaves those records as they are. It stops its own kind of change on its own pair and nothing else, and
goes away by itself when nothing of its kind is left to be written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from instep.core import brakes
from instep.core.brakes import Effect, LetGo, Print, Trip
from instep.core.dataflow import Pair
from instep.core.model import SIDES, Both, Side
from instep.core.state import Hold, Key, Link, Release
from instep.core.values import Json, decode, digest, encode, plain
from instep.core.verdict import Write, by_person
from instep.runner.engine import Engine
from instep.runner.observe import missed
from instep.runner.planning import Action, actions
from instep.store.contract import Entry, Tx

CAUSE: Final = "brake"
EMPTY: Final = "empty"
EXAMPLES: Final = 5
PAGE: Final = 500
EFFECT: Final = ("done", "found done")
RELEASE: Final = "release"
RELEASED: Final = "released"
"""What is left of a release when its run is over: for what another brake holds, or could not be written yet."""
OPERATIONS: Final = ("create", "update", "retire")


@dataclass(frozen=True, slots=True)
class Brake:
    """A brake that has tripped. `hold` is its number, 0 if it is not kept yet, as in a plan."""

    pair: str
    kind: str
    count: int
    limit: int
    what: str
    why: str
    hold: int = 0


def brake_key(pair: str) -> Key:
    """The key under which a pair's brakes are held; no record has it."""
    return Key(pair, Side.LEFT, "")


def held_brakes(tx: Tx, pair: str) -> list[Hold]:
    return tx.holds_of(brake_key(pair))


def worked_off(pair: str) -> str:
    """Name of the setting that says which run was the first to get to the end of a pair: until then, records
    that are created are first contact, however often it was stopped on the way."""
    return f"worked_off:{pair}"


def _counts_from(pair: str, brake: str = "") -> str:
    """Name of the setting from when on writes count again: a person has decided on all before."""
    return f"brakes_from:{pair}:{brake}"


def _counted(pair: str, brake: str) -> str:
    """Name of the setting with what a held brake has counted: a row of each."""
    return f"braked:{pair}:{brake}"


_Row = tuple[str, str, str, str]
"""Of what a brake has counted, as it is kept: side, id, property, digest."""


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
            frozenset(_released(pair.name, releases)),
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


def _released(pair: str, releases: Iterable[Release]) -> Iterator[tuple[str, Key, Print]]:
    for release in releases:
        for row in _rows_of(release.value):
            yield release.property, _key(pair, row), row[2:]


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
        tx.save_meta(_counted(pair, brake), encode(found.rows).decode())
    emptied = empty_side(engine, tx, gate.pair)
    if emptied is not None:
        holds.append(_empty_hold(emptied))
    for brake in before.keys() - held.keys():
        tx.save_meta(_counted(pair, brake), None)
    engine.hold(tx, brake_key(pair), holds)
    return [_brake(hold) for hold in held_brakes(tx, pair)]


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


def _brake(hold: Hold) -> Brake:
    values = hold.values if isinstance(hold.values, dict) else {}
    count, limit = values.get("count"), values.get("limit")
    return Brake(
        hold.key.pair,
        hold.property,
        count if isinstance(count, int) else 0,
        limit if isinstance(limit, int) else 0,
        hold.what,
        hold.why,
        hold.id,
    )


# A side that is suddenly empty


def empty_side(engine: Engine, tx: Tx, pair: Pair) -> Brake | None:
    """A side whose last complete listing named hardly any of its known records."""
    limit = pair.brakes.empty
    for side in SIDES:
        entity, told = pair.entity[side], tx.meta(missed(side, pair.entity[side]))
        missing, known = map(int, told.split(" of ")) if told is not None else (0, 0)
        allowed = limit.allowed(known)
        if allowed is not None and missing > allowed:
            name = engine.connectors[side].name
            what = f"{name} lists {known - missing or 'none'} of {known} known {entity} records"
            why = "as many are missed by no small accident: it may be another tenant, a filter or a fault"
            return Brake(pair.name, EMPTY, missing, allowed, what, why)
    return None


def _empty_hold(brake: Brake) -> Hold:
    return Hold(
        brake_key(brake.pair),
        EMPTY,
        CAUSE,
        f"{brake.what}: nothing of {brake.pair} is written",
        brake.why,
        "nothing, if they come back: a complete reading sees them; if they are rightly gone:"
        " instep holds release ID --choose release",
        digest(EMPTY),
        values={"count": brake.count, "limit": brake.limit},
    )


def forget_missed(tx: Tx, pair: Pair) -> None:
    """A person has said that a side is rightly empty: what is made there from now on is not stopped by that."""
    for side in SIDES:
        tx.save_meta(missed(side, pair.entity[side]), None)


def released_empty(tx: Tx, pair: Pair) -> bool:
    return any(r.property == EMPTY and r.choice == RELEASE for r in tx.releases_of(brake_key(pair.name)))


# What a person decides


def release_brake(tx: Tx, hold: Hold, at_ms: int) -> int:
    """Let what a brake has counted go in the next run; returns for how many properties or records. What another
    brake holds of that is let go by this one until then."""
    rows = _rows(tx, hold)
    kept = [row for r in tx.releases_of(hold.key) if r.property == hold.property for row in _rows_of(r.value)]
    tx.save_release(Release(hold.key, hold.property, RELEASE, hold.digest, _to_keep([*rows, *kept]), at_ms))
    return len(rows)


def drop_brake(tx: Tx, hold: Hold, at_ms: int) -> int:
    """Leave what a brake has counted as it is, until it changes; returns for how many properties or records."""
    keys = set()
    rows = _rows(tx, hold)
    for row in rows:
        key, (name, about) = _key(hold.key.pair, row), row[2:]
        tx.save_release(Release(key, name, "leave", about, at_ms=at_ms))
        keys.add(key)
    tx.mark(sorted(keys, key=lambda key: (key.side, key.id)), reason="a person chose")
    tx.replace_holds(hold.key, [h for h in tx.holds_of(hold.key) if h.property != hold.property])
    tx.drop_releases(hold.key, [hold.property])
    tx.save_meta(_counted(hold.key.pair, hold.property), None)
    return len(rows)


def _rows(tx: Tx, hold: Hold) -> list[_Row]:
    kept = tx.meta(_counted(hold.key.pair, hold.property))
    return _rows_of(decode(kept)) if kept is not None else []


def _key(pair: str, row: _Row) -> Key:
    return Key(pair, Side(row[0]), row[1])


def _to_keep(rows: Iterable[_Row]) -> list[Json]:
    return [list(row) for row in rows]


def _rows_of(kept: Json) -> list[_Row]:
    found = []
    for row in kept if isinstance(kept, list) else ():
        match row:
            case [str(side), str(id), str(name), str(about)]:
                found.append((side, id, name, about))
    return found


def forget_record(tx: Tx, pair: str, side: Side, id: str, keys: Collection[Key]) -> None:
    """Take a record whose values are erased out of what held brakes show and have counted, and of what was let go;
    `keys` are its own and its link's."""
    holds = []
    for hold in held_brakes(tx, pair):
        rows = _rows(tx, hold)
        left = [row for row in rows if _key(pair, row) not in keys]
        if left != rows:
            tx.save_meta(_counted(pair, hold.property), encode(_to_keep(left)).decode())
        values = dict(hold.values) if isinstance(hold.values, dict) else {}
        shown = values.get("examples")
        if isinstance(shown, list):
            values["examples"] = [e for e in shown if not (isinstance(e, dict) and e.get(side.value) == id)]
        holds.append(replace(hold, values=values))
    if holds:
        tx.replace_holds(brake_key(pair), holds)
    for release in tx.releases_of(brake_key(pair)):
        rows = _rows_of(release.value)
        left = [row for row in rows if _key(pair, row) not in keys]
        if left != rows:
            tx.save_release(replace(release, value=_to_keep(left)))


def decided(engine: Engine, tx: Tx, gate: Gate) -> None:
    """A run has come to its end with what a person let go: that is over, and counting begins anew. What another
    brake holds of it, or could not be written yet, stays let go by this one."""
    key = brake_key(gate.pair.name)
    releases = [r for r in tx.releases_of(key) if r in gate.releases]  # not those made while the run went on
    chosen = {release.property for release in releases if release.choice == RELEASE}
    held = {row for hold in held_brakes(tx, gate.pair.name) for row in _rows(tx, hold)} if releases else set()
    for release in releases:
        left = [row for row in _rows_of(release.value) if row in held or tx.is_todo(_key(key.pair, row))]
        tx.drop_releases(key, [release.property])
        if left:
            tx.save_release(replace(release, choice=RELEASED, value=_to_keep(left)))
    for brake in chosen | gate.free:
        tx.save_meta(_counts_from(gate.pair.name, brake), str(engine.now_ms()))


def count_anew(engine: Engine, tx: Tx, pair: str) -> None:
    """What was written up to now was approved, or was a first load: it counts for no brake."""
    tx.save_meta(_counts_from(pair), str(engine.now_ms()))
