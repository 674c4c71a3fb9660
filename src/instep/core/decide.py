"""What to do about one record: the deciding function, the same for a plan and for a run.

It looks at what is known (readings, base, holds, a person's choices) and answers with a `Verdict`: writes,
bases that may move at once, holds, values that lost. It does nothing itself and never raises on data.
`decide_link` is for linked records; `instep.core.match` decides on unlinked ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from instep.core.dataflow import Pair, Property
from instep.core.diff import Delta, diff, raw_of
from instep.core.identity import is_id
from instep.core.model import SIDES, Both, Entity, Field, Side
from instep.core.policy import POLICIES, Clock, Conflict, EditTime, edit_time
from instep.core.state import Hold, Key, Link, Release, Sighting
from instep.core.transformations.contract import Lookup, Opaque, Unfit, Unlinked
from instep.core.values import Absent, Json, Raw, digest, get_path, is_empty, set_path


@dataclass(frozen=True, slots=True)
class Scene:
    """What deciding on any record of a pair needs: its entities, how people call the systems, clocks, links."""

    pair: Pair
    entities: Both[Entity]
    systems: Both[str]
    lookup: Lookup
    clocks: Both[Clock] = Both(Clock(), Clock())
    planning: bool = False  # in a plan, a record that is going to be linked counts as linked


@dataclass(frozen=True, slots=True)
class Change:
    """One property to be written: the target's raw values before and as meant, and the source's raw values."""

    property: str
    old: Raw | None
    new: Raw | None
    source: Raw
    why: str


@dataclass(frozen=True, slots=True)
class Write:
    """One call to one system. `payload`: dotted changes of an update, nested fields of a create."""

    side: Side
    operation: Literal["create", "update", "retire"]
    record_id: str
    payload: Mapping[str, Json]
    changes: tuple[Change, ...]
    why: str
    generation: int = 0

    def fingerprint(self, key: Key) -> str:
        """Two writes share it exactly when they were decided from the same values for the same record."""
        sources = {change.property: [change.source, change.old] for change in self.changes}
        about = [key.side, key.id] if self.operation == "create" else self.record_id
        return digest([key.pair, about, self.side, self.operation, sources])


@dataclass(frozen=True, slots=True)
class Overruled:
    """An edit that lost: the property, the side that held it, its raw values, and why. For the journal."""

    property: str
    side: Side
    raw: Raw
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of one key. `agreed`: bases that may move without a write. `link`: the ids to link at
    once, and `how` they were found. `retired`: the link is to be put to rest. `age_ms`: look again later."""

    key: Key
    writes: tuple[Write, ...] = ()
    agreed: Mapping[str, Both[Raw]] = field(default_factory=dict)
    overruled: tuple[Overruled, ...] = ()
    holds: tuple[Hold, ...] = ()
    link: Both[str] | None = None
    how: str = ""
    retired: str = ""
    unlink: bool = False
    note: str = ""
    wait_ms: int = 0
    used: tuple[str, ...] = ()  # properties whose release was applied


def decide_link(
    scene: Scene,
    key: Key,
    link: Link,
    seen: Both[Sighting | None],
    holds: Sequence[Hold],
    releases: Sequence[Release],
) -> Verdict:
    """Decide on a linked pair of records from their last readings."""
    left, right = seen.left, seen.right
    if left is None or right is None:
        return Verdict(key, note="not seen on both sides yet")
    if left.deleted or right.deleted or link.state == "retired":
        return _decide_gone(scene, key, link, Both(left, right), holds, releases)
    deltas = _deltas(scene, link, Both(left, right))
    return _Deciding(scene, key, link, Both(left, right), holds, releases).decide(deltas)


def _deltas(scene: Scene, link: Link, seen: Both[Sighting]) -> list[Delta]:
    found = []
    for prop in scene.pair.properties:
        left = raw_of(prop.parts.left, seen.left.fields)
        right = raw_of(prop.parts.right, seen.right.fields)
        if left is not None and right is not None:
            found.append(diff(prop, Both(left, right), link.base.get(prop.name), scene.lookup))
    return found


class _Deciding:
    """One call of `decide_link`: collects what its steps find. Lives for that call only."""

    def __init__(
        self,
        scene: Scene,
        key: Key,
        link: Link,
        seen: Both[Sighting],
        holds: Sequence[Hold],
        releases: Sequence[Release],
    ) -> None:
        self.scene, self.key, self.link, self.seen = scene, key, link, seen
        self.refused = {hold.property: hold for hold in holds if hold.cause == "refused"}
        self.releases = {release.property: release for release in releases}
        self.holds: list[Hold] = []
        self.overruled: list[Overruled] = []
        self.agreed: dict[str, Both[Raw]] = {}
        self.used: list[str] = []
        self.flows: list[tuple[Delta, Side, str]] = []

    def decide(self, deltas: Sequence[Delta]) -> Verdict:
        for unit in _units(deltas):
            self._decide_unit(unit)
        writes = self._writes()
        return Verdict(
            self.key,
            writes,
            self.agreed,
            tuple(self.overruled),
            tuple(self.holds),
            used=tuple(self.used),
        )

    def _decide_unit(self, unit: Sequence[Delta]) -> None:
        """A group of properties, or a single one: agreed ones settle, moved ones flow or conflict together."""
        open_ones = []
        for delta in unit:
            if delta.kind in ("drift", "agreed"):
                self.agreed[delta.property.name] = delta.raw
            elif delta.kind != "same":
                open_ones.append(delta)
        if not open_ones:
            return
        stuck = [delta for delta in open_ones if delta.kind in ("waiting", "unreadable")]
        for delta in stuck:
            if delta.kind == "waiting":
                self._hold_waiting(delta)
            else:
                self._hold_unreadable(delta, (delta.to or Side.LEFT).other)
        if stuck:
            return  # what moves together waits together
        directions = {delta.to for delta in open_ones if delta.kind == "flow"}
        if any(d.kind == "conflict" for d in open_ones) or len(directions) > 1:
            self._decide_conflict(open_ones)
            return
        for delta in open_ones:
            if delta.to is not None:
                why = f"{self._system(delta.to.other)} was edited"
                if delta.first:
                    why = f"only {self._system(delta.to.other)} has a value"
                if delta.overrules:
                    why = f"one-way property: {self._system(delta.to.other)} owns it"
                    self._lose(delta, delta.to, why)
                self.flows.append((delta, delta.to, why))

    def _decide_conflict(self, deltas: Sequence[Delta]) -> None:
        prop = deltas[0].property
        name = prop.group or prop.name
        policy_name = prop.policy or self.scene.pair.policy
        about = digest([[delta.property.name, list(delta.raw)] for delta in deltas])
        winner: Side | None = None
        why = ""
        release = self.releases.get(name)
        if release is not None and release.digest in ("", about) and release.choice in SIDES:
            winner, why = Side(release.choice), "a person chose this side"
            self.used.append(name)
        if winner is None:
            policy = POLICIES[policy_name]
            winner = policy.decide(Conflict(tuple(deltas), self._times(deltas)))
            why = policy.why
        if winner is None:
            self._hold_conflict(name, deltas, about, policy_name)
            return
        for delta in deltas:
            if not delta.property.may_flow(winner.other):
                continue
            if isinstance(delta.canon[winner], Opaque):
                self._hold_unreadable(delta, winner)
                continue
            self._lose(delta, winner.other, why)
            self.flows.append((delta, winner.other, f"conflict: {why}"))

    def _times(self, deltas: Sequence[Delta]) -> Both[EditTime]:
        def of(side: Side) -> EditTime:
            paths = [
                path
                for delta in deltas
                for path, now, before in _by_path(delta, side, self.link)
                if before is None or now != before[0]
            ]
            return edit_time(paths, self.seen[side], self.scene.clocks[side])

        return Both.of(of)

    def _lose(self, delta: Delta, loser: Side, why: str) -> None:
        if delta.first and delta.canon[loser] is None:
            return  # an empty field at first contact is not an edit that could be lost
        self.overruled.append(Overruled(delta.property.name, loser, delta.raw[loser], why))

    # Holds

    def _hold_conflict(self, name: str, deltas: Sequence[Delta], about: str, policy: str) -> None:
        names = ", ".join(delta.property.name for delta in deltas)
        first = all(delta.first for delta in deltas)
        when = "differ at first contact" if first else "were edited on both sides"
        why = (
            "the policy is to ask a person"
            if policy == "hold"
            else "it can't be proved which of the two edits is the later one"
        )
        self.holds.append(
            Hold(
                self.key,
                name,
                "conflict",
                f"{names}: the values {when}",
                why,
                "choose: instep holds release ID --take left, or --take right",
                about,
                values={delta.property.name: _shown(delta.raw) for delta in deltas},
            )
        )

    def _hold_waiting(self, delta: Delta) -> None:
        wanted = next(canon for canon in delta.canon if isinstance(canon, Unlinked))
        self._hold(
            delta,
            "reference",
            f"{delta.property.name} refers to {wanted.entity} {wanted.id}, which is not linked yet",
            "until it is, nobody can tell whether both sides mean the same",
            "it is looked at again by itself as soon as that record is linked",
            (wanted.side, wanted.entity, wanted.id),
        )

    def _hold_unreadable(self, delta: Delta, source: Side) -> None:
        opaque = delta.canon[source]
        why = opaque.why if isinstance(opaque, Opaque) else ""
        self._hold(
            delta,
            "unfit",
            f"{delta.property.name} can't be read in {self._system(source)}",
            why,
            f"correct the value in {self._system(source)}",
        )

    def _hold(
        self,
        delta: Delta,
        cause: str,
        what: str,
        why: str,
        fix: str = "",
        waits_for: tuple[Side, str, str] | None = None,
    ) -> None:
        self.holds.append(
            Hold(
                self.key,
                delta.property.name,
                cause,
                what,
                why,
                fix,
                digest([delta.property.name, list(delta.raw)]),
                waits_for=waits_for,
                values={delta.property.name: _shown(delta.raw)},
            )
        )

    # Writes

    def _writes(self) -> tuple[Write, ...]:
        """A write per side and group of fields; properties that read a context are put after those that may
        change it."""
        written: dict[tuple[Side, str], tuple[dict[str, Json], list[Change]]] = {}
        meant: Both[dict[str, Json]] = Both({}, {})
        ordered = sorted(self.flows, key=lambda flow: bool(flow[0].property.parts[flow[1]].context))
        for delta, side, why in ordered:
            prop = delta.property
            held = self.refused.get(prop.name)
            if held is not None and held.digest == digest([prop.name, list(delta.raw)]):
                release = self.releases.get(prop.name)
                if release is None or release.choice != "retry" or release.digest not in ("", held.digest):
                    self.holds.append(held)
                    continue
                self.used.append(prop.name)
            blocked = self._unwritable(prop, side)
            if blocked is not None:
                self._hold_for_hand(delta, side, blocked)
                continue
            old = old_raw(prop, side, self.seen[side].fields, meant[side])
            new = prop.transformation.put(side, delta.canon[side.other], old, self.scene.lookup)
            if isinstance(new, Unfit):
                self._hold_unfit(delta, side, new)
                continue
            fields = prop.parts[side].fields
            changed = {
                path: value
                for path, value, was in zip(fields, new, old, strict=False)
                if value != was and not isinstance(value, Absent)
            }
            if not changed:
                # Its system holds what would be written already: the two agree, each in its own terms.
                self.agreed[prop.name] = delta.raw
                continue
            blocked = by_hand(self.scene.entities[side], changed)
            if blocked is not None:
                self._hold_for_hand(delta, side, blocked)
                continue
            meant[side].update(changed)
            declared = self.scene.entities[side].field(fields[0])
            payload, changes = written.setdefault((side, declared.group if declared else ""), ({}, []))
            payload.update(changed)
            changes.append(Change(prop.name, delta.raw[side], new, delta.raw[side.other], why))
        return tuple(
            Write(side, "update", self.link.ids[side], payload, tuple(changes), _reasons(changes))
            for (side, _), (payload, changes) in written.items()
        )

    def _hold_for_hand(self, delta: Delta, side: Side, why: str) -> None:
        system, source = self._system(side), self._system(side.other)
        fix = f"make the change in {system} by hand, or take it back in {source}"
        self._hold(delta, "person", f"{delta.property.name} can't be written to {system}", why, fix)

    def _hold_unfit(self, delta: Delta, side: Side, unfit: Unfit) -> None:
        prop, wanted = delta.property, unfit.waits_for
        if wanted is not None:
            self._hold(
                delta,
                "reference",
                f"{prop.name} refers to {wanted.entity} {wanted.id}, which is not linked yet",
                unfit.why,
                "it is written by itself as soon as that record is linked",
                (wanted.side, wanted.entity, wanted.id),
            )
        else:
            self._hold(
                delta,
                "unfit",
                f"{prop.name} doesn't fit into {self._system(side)}",
                unfit.why,
                unfit.fix,
            )

    def _unwritable(self, prop: Property, side: Side) -> str | None:
        return unwritable(self.scene, prop, side, "update")

    def _system(self, side: Side) -> str:
        return self.scene.systems[side]


def unwritable(
    scene: Scene, prop: Property, side: Side, operation: Literal["create", "update"]
) -> str | None:
    """Why an operation can't write a property to a side; None if it can."""
    entity = scene.entities[side]
    able = entity.abilities.update if operation == "update" else entity.abilities.create
    if not able:
        return entity.abilities.reasons.get(operation, f"{entity.name} records can't be {operation}d by API")
    for path in prop.parts[side].fields:
        found: Field | None = entity.field(path)
        if operation == "create" and is_chosen(entity, path):
            continue
        if found is not None and not (found.update if operation == "update" else found.create):
            return found.reason or f"the field {path} of {entity.name} can't be changed by API"
    return None


class ByHand(Unfit):
    """A value that a person alone sets in that system; a record with it is not made without it."""


def by_hand(entity: Entity, written: Mapping[str, Json | Absent]) -> str | None:
    """Why one of these values, by path, is for a person to set; None if calls may write all of them."""
    for path, value in written.items():
        found = entity.field(path)
        if found is not None and value in found.by_hand:
            return found.reason or f'"{value}" can\'t be written to {path} of {entity.name} by API'
    return None


def old_raw(prop: Property, side: Side, fields: Mapping[str, Json], meant: Mapping[str, Json]) -> Raw:
    """The raw values that a put starts from: the record's own, overlaid with what is about to be written."""
    part = prop.parts[side]
    values = [get_path(fields, path) for path in part.fields]
    values += [meant.get(path, get_path(fields, path)) for path in part.context]
    return tuple(values)


def create_payload(
    scene: Scene, side: Side, source: Sighting
) -> tuple[dict[str, Json], list[Change], list[tuple[Property, str, Unfit | Opaque]]]:
    """The nested fields that a new record on `side` is to have, the changes that they stand for, and the
    properties that can't be written (yet), each with its source raw digest."""
    pair, entity = scene.pair, scene.entities[side]
    payload: dict[str, Json] = {}
    meant: dict[str, Json] = {}
    changes: list[Change] = []
    unfit: list[tuple[Property, str, Unfit | Opaque]] = []
    for path, value in pair.constants[side].items():
        set_path(payload, path, value)
        meant[path] = value
    for prop in sorted(pair.properties, key=lambda p: bool(p.parts[side].context)):
        if not prop.may_flow(side) or unwritable(scene, prop, side, "create") is not None:
            continue
        raw = raw_of(prop.parts[side.other], source.fields)
        if raw is None:
            continue
        raw = prop.transformation.trim(side.other, raw)
        canon = prop.transformation.canon(side.other, raw, scene.lookup)
        about = digest([prop.name, list(raw)])
        if isinstance(canon, Opaque):
            unfit.append((prop, about, canon))
            continue
        new: Raw | Unfit
        if canon is None:
            if prop.default[side] is None:
                if prop.required or _required(entity, prop, side):
                    unfit.append((prop, about, Unfit(f"{prop.name} is empty and a new record needs it")))
                continue
            new = (prop.default[side],)
        else:
            new = prop.transformation.put(side, canon, old_raw(prop, side, {}, meant), scene.lookup)
        if isinstance(new, Unfit):
            if scene.planning and new.waits_for is not None and new.waits_for.planned:
                new = (f"(the link of {new.waits_for.entity} {new.waits_for.id}, made in this run)",)
            else:
                unfit.append((prop, about, new))
                continue
        blocked = by_hand(entity, dict(zip(prop.parts[side].fields, new, strict=False)))
        if blocked is not None:
            unfit.append((prop, about, ByHand(blocked)))
            continue
        for path, given in zip(prop.parts[side].fields, new, strict=False):
            if is_chosen(entity, path) and not is_id(given, entity.abilities.max_id_length):
                unfit.append((prop, about, _no_id(given, entity, scene.systems[side])))
                continue
            if not isinstance(given, Absent) and not is_empty(given):
                set_path(payload, path, given)
                meant[path] = given
        changes.append(Change(prop.name, None, new, raw, "new record"))
    return payload, changes, unfit


def is_chosen(entity: Entity, path: str) -> bool:
    """Whether a field is the record's own id, in a system where whoever creates a record chooses it. A property
    that maps it says which id a new record gets, in place of the pair's template."""
    return path == "id" and entity.abilities.chosen_id


def _no_id(given: object, entity: Entity, system: str) -> Unfit:
    return Unfit(
        f'"{given}" can\'t be the id of a new {entity.name} in {system}',
        f"use letters, digits, . _ and - in it, {entity.abilities.max_id_length} at most",
    )


def _required(entity: Entity, prop: Property, side: Side) -> bool:
    return any(
        is_chosen(entity, path) or ((found := entity.field(path)) is not None and found.required)
        for path in prop.parts[side].fields
    )


def _units(deltas: Sequence[Delta]) -> Iterable[list[Delta]]:
    groups: dict[str, list[Delta]] = {}
    for delta in deltas:
        groups.setdefault(delta.property.group or f"\0{delta.property.name}", []).append(delta)
    return groups.values()


def _by_path(delta: Delta, side: Side, link: Link) -> Iterable[tuple[str, Json, tuple[Json] | None]]:
    base = link.base.get(delta.property.name)
    before = None if base is None else base[side]
    for index, path in enumerate(delta.property.parts[side].fields):
        now = delta.raw[side][index]
        yield path, now, None if before is None else (before[index],)  # type: ignore[misc]


def _reasons(changes: Sequence[Change]) -> str:
    return "; ".join(dict.fromkeys(change.why for change in changes))


def _shown(raw: Both[Raw]) -> Json:
    return {side.value: list(raw[side]) for side in SIDES}  # type: ignore[arg-type]


def _decide_gone(
    scene: Scene,
    key: Key,
    link: Link,
    seen: Both[Sighting],
    holds: Sequence[Hold],
    releases: Sequence[Release],
) -> Verdict:
    """One or both records are gone (confirmed), or the link is at rest."""
    if link.state == "retired":
        return _decide_rest(key, link, seen, releases)
    if seen.left.deleted and seen.right.deleted:
        return Verdict(key, retired="deleted on both sides")
    gone = Side.LEFT if seen.left.deleted else Side.RIGHT
    alive = gone.other
    system, other = scene.systems[gone], scene.systems[alive]
    edited = _edited_since(scene, link, seen[alive])
    about = gone_digest(gone, link.ids[gone], edited)
    refused = next((h for h in holds if h.property == "" and h.cause == "refused"), None)
    asked = about if refused is None else refused.digest
    release = next((r for r in releases if r.property == "" and r.digest in ("", about, asked)), None)
    choice = release.choice if release is not None else ""
    used = ("",) if release is not None else ()
    if choice == "unlink":
        return Verdict(key, unlink=True, note="a person chose to unlink", used=used)
    entity = scene.entities[alive]
    wanted = choice == "retire" or (scene.pair.on_delete == "retire" and not edited)
    if scene.pair.on_delete == "ignore" and choice == "":
        return Verdict(key, retired=f"deleted in {system}; the pair leaves its partner alone")
    if wanted and is_retired(entity, seen[alive].fields):
        return Verdict(key, retired=f"deleted in {system}, out of use in {other}", used=used)
    if wanted and refused is not None and choice not in ("retire", "retry"):
        return Verdict(key, holds=(refused,))
    if wanted and entity.abilities.retire:
        write = Write(alive, "retire", link.ids[alive], {}, (), f"it was deleted in {system}")
        return Verdict(key, (write,), used=used)
    what = f"{link.ids[gone]} was deleted in {system}"
    fix = "choose: instep holds release ID --choose retire, or unlink"
    why = "the pair is set to hold deletes"
    if edited:
        why = f"an edit outlives a delete: {', '.join(edited)} changed in {other} since the last agreement"
    elif wanted:
        why = entity.abilities.reasons.get(
            "retire", f"{other} can't take {entity.name} records out of use by API"
        )
        fix = f"take {link.ids[alive]} out of use in {other} by hand, then: instep holds release ID --choose unlink"
    return Verdict(key, holds=(Hold(key, "", "deleted", what, why, fix, about),))


def gone_digest(gone: Side, id: str, edited: Sequence[str] = ()) -> str:
    """What a hold for a deleted record is about: which one, and what its partner has been edited in since."""
    return digest([str(gone), id, list(edited)])


def _decide_rest(key: Key, link: Link, seen: Both[Sighting], releases: Sequence[Release]) -> Verdict:
    """A link at rest stays so, unless the record whose delete put it to rest is there again."""
    if seen.left.deleted or seen.right.deleted:
        return Verdict(key)
    about = digest([link.ids.left, link.ids.right])
    release = next((r for r in releases if r.property == "" and r.digest in ("", about)), None)
    if release is not None and release.choice == "unlink":
        return Verdict(key, unlink=True, note="a person chose to unlink", used=("",))
    hold = Hold(
        key,
        "",
        "deleted",
        f"{link.ids.left} or {link.ids.right} had been deleted and is there again",
        "the same id may stand for another record now",
        "choose: instep holds release ID --choose unlink, to match it anew",
        about,
    )
    return Verdict(key, holds=(hold,))


def is_retired(entity: Entity, fields: Mapping[str, Json]) -> bool:
    """Whether a reading shows the record out of use."""
    return entity.retired is not None and get_path(fields, entity.retired[0]) == entity.retired[1]


def _edited_since(scene: Scene, link: Link, seen: Sighting) -> list[str]:
    """Names of properties whose raw values on that side differ from the base, or that have none."""
    edited = []
    for prop in scene.pair.properties:
        raw = raw_of(prop.parts[seen.side], seen.fields)
        base = link.base.get(prop.name)
        if raw is None or base is None:
            continue
        if prop.transformation.trim(seen.side, raw) != base[seen.side]:
            edited.append(prop.name)
    return edited
