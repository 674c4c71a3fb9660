"""Take back what a run wrote: the way back as a plan, and the choices that make the next run go it.

The journal says what was written; the core says what of it can be undone. What is approved is kept as releases,
and carried out by a run like any other, which can itself be undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from instep.core.dataflow import Pair
from instep.core.decide import decide_link
from instep.core.model import Both, Side
from instep.core.release import WHOLE
from instep.core.standing import standing_whole
from instep.core.state import Hold, Key, Link, Release, Sighting
from instep.core.undo import Kept, Written, undo_create, undo_property, written
from instep.core.values import Json
from instep.core.verdict import Verdict
from instep.runner.brakes import EFFECT
from instep.runner.engine import Engine
from instep.runner.planning import Action
from instep.store.chain import names_of
from instep.store.contract import Entry, Tx

PAGE = 200
MOST = 1000
"""Entries of one record that are looked at; a run leaves no more than a few."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a run is to be undone: all of it, or one pair, one record (by its id on `side`), one property."""

    run: int
    pair: str = ""
    side: Side | None = None
    record: str = ""
    property: str = ""


@dataclass(frozen=True, slots=True)
class Back:
    """The way back for two linked records. `action`: as a plan shows it, with what stays as holds of the causes
    "changed since" and "no way back", which are told and not kept. `releases`: what the run acts on."""

    action: Action
    releases: tuple[Release, ...]


def ways_back(engine: Engine, scope: Scope) -> Iterator[Back]:
    """What undoing would do, record by record, from what is stored; latest written first."""
    told: set[int] = set()
    before: int | None = None
    while True:
        page, before = engine.store.read(partial(_page, engine, scope=scope, before=before, told=told))
        yield from page
        if before is None:
            return


def pruned_until(engine: Engine, run: int) -> int | None:
    """Up to when the journal was pruned, if that may concern what a run wrote; None if all of it is still there."""

    def look(tx: Tx) -> int | None:
        found, start = tx.run(run), tx.chain().start
        return start.at_ms if found is not None and start.seq and found.started_ms <= start.at_ms else None

    return engine.store.read(look)


def _page(
    engine: Engine, tx: Tx, *, scope: Scope, before: int | None, told: set[int]
) -> tuple[list[Back], int | None]:
    entries = tx.journal(
        pair=scope.pair, side=scope.side, record_id=scope.record, run=scope.run, before=before, limit=PAGE
    )
    found = []
    for entry in entries:
        if entry.link_id == 0 or entry.link_id in told or entry.outcome not in EFFECT:
            continue
        told.add(entry.link_id)
        back = _way_back(engine, tx, scope, entry)
        if back is not None:
            found.append(back)
    return found, entries[-1].seq if len(entries) == PAGE else None


def _way_back(engine: Engine, tx: Tx, scope: Scope, latest: Entry) -> Back | None:
    pair = engine.dataflow.pair(latest.pair)
    if pair is None:
        return None
    entries = [
        entry
        for entry in tx.journal(pair=pair.name, record_id=latest.record_id, limit=MOST)
        if entry.link_id == latest.link_id and entry.outcome in EFFECT
    ]
    ours = [entry for entry in reversed(entries) if entry.run == scope.run]
    later = [entry for entry in entries if entry.run != scope.run and entry.seq > ours[-1].seq]
    link = tx.link(latest.link_id)
    parted = next((e for e in ours if e.operation == "unlink"), None)
    if link is None and parted is not None:
        link = Link(0, pair.name, Both(parted.record_id, parted.partner_id))
    if link is None:
        return None  # no longer linked: neither record is ours to write to
    seen = Both.of(lambda side: tx.sighting(side, pair.entity[side], link.ids[side]))
    if seen.left is None or seen.right is None:
        return None
    undoing = _Undoing(engine, tx, pair, link, Both(seen.left, seen.right), scope)
    undoing.collect(ours, later)
    return undoing.way_back()


class _Undoing:
    """The undoing of one run for two linked records; lives for one look at them."""

    def __init__(
        self, engine: Engine, tx: Tx, pair: Pair, link: Link, seen: Both[Sighting], scope: Scope
    ) -> None:
        self.engine, self.tx, self.pair, self.link, self.seen, self.scope = (
            engine,
            tx,
            pair,
            link,
            seen,
            scope,
        )
        self.scene = engine.scene(tx, pair)
        self.key = Key(pair.name, Side.LEFT, link.ids.left)
        self.chosen = {r.property: r.choice for r in tx.releases_of(self.key) if r.choice != "undo"}
        self.releases: list[Release] = []
        self.kept: list[Hold] = []

    def collect(self, ours: list[Entry], later: list[Entry]) -> None:
        """Say for everything that the run did to the two how it is undone."""
        made = next((e.side for e in ours if e.operation == "create" and e.side is not None), None)
        if self.tx.intents_of(self.key):
            self._keep(Kept("a write", "it is in doubt", True, "settle it first: instep sync"))
            return
        stands = standing_whole(self.tx.holds_of(self.key))
        operations = {entry.operation for entry in ours}
        what = f"what was written to {self.link.ids.left} and {self.link.ids.right}"
        if stands is not None and "retire" not in operations:
            self._keep(Kept(what, stands.what, True, f"answer that first: instep holds show {stands.id}"))
            return
        if self.link.id and WHOLE in self.chosen:
            self._keep(self._decided(what, WHOLE))
            return
        if self.scope.property:
            self._properties(ours, later)
            return
        if made is not None:
            flowed = any(e.operation == "update" and e.side is made.other for e in later)
            found = undo_create(self.scene, self.link, self.seen, made, flowed_back=flowed)
            self._whole(found)
            if found is not None and not isinstance(found, Kept):
                self._filled_in(ours, made.other)
            return
        self._properties(ours, later)
        retired = next((e.side for e in ours if e.operation == "retire" and e.request), None)
        if retired is not None:
            self._keep(self._retired(retired, stands))
        if self.link.id == 0:
            self._linked_again()
        elif "link" in operations:
            self._whole({"linked": True})

    def _retired(self, side: Side, stands: Hold | None) -> Kept:
        """Why a record that was taken out of use stays so, and what brings it back."""
        entity, system, id = self.scene.entities[side], self.scene.systems[side], self.link.ids[side]
        field = entity.field(entity.retired[0]) if entity.retired is not None else None
        if field is None or not field.update:
            why = f"no call of {system}'s API that Instep uses brings it back"
            return Kept(
                f"{id} was taken out of use", why, False, f"take it back into use in {system} by hand"
            )
        fix = (
            f"take it back into use in {system}"
            if stands is None
            else f"instep holds release {stands.id} --choose retry"
        )
        return Kept(
            f"{id} was taken out of use", "whether it is to be used again, a person has to say", True, fix
        )

    def _decided(self, what: str, name: str) -> Kept:
        why = f'"{self.chosen[name]}" was chosen for it, and the next run acts on that'
        return Kept(what, why, True, "take that decision back first: instep holds take-back ID")

    def _filled_in(self, ours: list[Entry], side: Side) -> None:
        """What the run wrote to the record that it made another one from, which the other's retiring leaves there."""
        names = {change.get("property"): None for where, change in _updates(ours) if where is side}
        for name in names:
            id, system = self.link.ids[side], self.scene.systems[side]
            why = f"its partner's making is undone as a whole, and {system} holds it"
            self._keep(Kept(f"{name} of {id}", why, False, f"set it by hand in {system}"))

    def _linked_again(self) -> None:
        """Two that the run has parted are linked again, if both are there and neither has found another partner."""
        what = f"that {' and '.join(self.link.ids)} were parted"
        for side in Side:
            id = self.link.ids[side]
            other = self.tx.link_of(self.pair.name, side, id)
            if self.seen[side].deleted:
                self._keep(Kept(what, f"{id} is gone", False))
                return
            if other is not None:
                partner = other.ids[side.other]
                fix = f"instep links remove {self.pair.name} {id} --side {side.value}"
                self._keep(Kept(what, f"{id} is linked to {partner} by now", True, fix))
                return
        self._choose(WHOLE, "link", self.link.ids.right)

    def _properties(self, ours: list[Entry], later: list[Entry]) -> None:
        for prop in self.pair.properties:
            if self.scope.property not in ("", prop.name):
                continue
            again = sum(1 for _, change in _updates(later) if change.get("property") == prop.name)
            writes: list[Written] = [
                written(side, change, again)
                for side, change in _updates(ours)
                if change.get("property") == prop.name
            ]
            if not writes:
                continue
            waiting = next((name for name in (prop.name, prop.group) if name and name in self.chosen), None)
            if waiting is not None:
                self._keep(self._decided(prop.name, waiting))
                continue
            if any(entry.forgotten and prop.name in names_of(entry.changes) for entry in ours):
                self._keep(Kept(prop.name, "its values were forgotten on request", False))
                continue
            found = undo_property(self.scene, self.seen, prop, writes, self.scope.run)
            if isinstance(found, Kept):
                self._keep(found)
            elif found is not None:
                self._choose(prop.name, "undo", found.to_json())

    def _whole(self, found: Mapping[str, Json] | Kept | None) -> None:
        if isinstance(found, Kept):
            self._keep(found)
        elif found is not None:
            made = found.get("made")
            about = {"seen": self.seen[Side(made)].digest} if isinstance(made, str) else {}
            self._choose(WHOLE, "undo", {**found, **about, "run": self.scope.run})

    def _choose(self, name: str, choice: str, value: Json) -> None:
        self.releases.append(Release(self.key, name, choice, "", value, self.engine.now_ms()))

    def _keep(self, kept: Kept) -> None:
        cause = "changed since" if kept.possible else "no way back"
        self.kept.append(Hold(self.key, "", cause, f"{kept.what} stays as it is", kept.why, kept.fix))

    def way_back(self) -> Back | None:
        if not self.releases and not self.kept:
            return None
        verdict = Verdict(self.key)
        if self.releases:
            chosen = {release.property: release for release in self.tx.releases_of(self.key)}
            chosen |= {release.property: release for release in self.releases}
            seen: Both[Sighting | None] = Both(self.seen.left, self.seen.right)
            verdict = decide_link(self.scene, self.key, self.link, seen, [], list(chosen.values()))
        writes = tuple(
            write
            for write in verdict.writes
            if write.operation == "retire" or any(change.source is None for change in write.changes)
        )
        unlink = verdict.unlink or any(
            isinstance(r.value, dict) and r.value.get("linked") is True for r in self.releases
        )
        linked = any(release.choice == "link" for release in self.releases)
        shown = Verdict(
            self.key,
            writes,
            holds=tuple(self.kept),
            link=self.link.ids if linked else None,
            how=f"run {self.scope.run} parted them, and is undone" if linked else "",
            unlink=unlink,
            apart=unlink,
            note=f"run {self.scope.run} linked them, and is undone" if unlink else "",
        )
        return Back(Action(self.key, self.link.ids, shown), tuple(self.releases))


def _updates(entries: list[Entry]) -> Iterator[tuple[Side, Mapping[str, Json]]]:
    for entry in entries:
        if entry.operation == "update" and entry.side is not None:
            for change in entry.changes:
                yield entry.side, change


async def choose_ways_back(engine: Engine, scope: Scope) -> int:
    """Save what the run of the undoing acts on, in batches; returns for how many records."""
    batch: list[Back] = []
    count = 0

    def save(tx: Tx) -> None:
        for back in batch:
            for release in back.releases:
                tx.save_release(release)
        tx.mark([back.action.key for back in batch], reason=f"run {scope.run} is undone")

    for back in ways_back(engine, scope):
        if not back.releases:
            continue
        batch.append(back)
        count += 1
        if len(batch) == PAGE:
            await engine.store.write(save)
            batch = []
    if batch:
        await engine.store.write(save)
    return count
