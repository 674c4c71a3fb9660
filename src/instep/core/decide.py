"""What to do about one record: the deciding function, the same for a plan and for a run.

It looks at what is known (readings, base, holds, a person's choices) and answers with a `Verdict`: writes,
bases that may move at once, holds, values that lost. It does nothing itself and never raises on data.
`decide_link` is for linked records; `instep.core.match` decides on unlinked ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from instep.core.conditions import unmet
from instep.core.dataflow import Property
from instep.core.diff import Delta, diff, raw_of
from instep.core.gone import decide_gone
from instep.core.model import SIDES, Both, Side
from instep.core.overwritten import CAUSE as OVERWRITTEN
from instep.core.payload import by_hand, old_raw, unwritable
from instep.core.policy import POLICIES, Conflict, EditTime, edit_time
from instep.core.release import GIVING, STANDING, WHOLE
from instep.core.standing import (
    frozen,
    given,
    ignored_hold,
    mapped,
    outdated,
    property_digest,
    rebased,
    restored,
    shown,
    undone_hold,
    unit_digest,
    unlinks,
)
from instep.core.state import Hold, Key, Link, Release, Sighting
from instep.core.transformations.contract import Opaque, Unfit, Unlinked
from instep.core.values import Absent, Json, Raw
from instep.core.verdict import CHOSEN, GIVEN, UNDONE, Change, Overruled, Scene, Verdict, Write


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
    both = Both(left, right)
    late = [release.property for release in releases if outdated(scene, both, release)]
    if late:
        left_out = [release for release in releases if release.property not in late]
        verdict = decide_link(scene, key, link, seen, holds, left_out)
        return replace(verdict, used=(*verdict.used, *late))
    if link.state == "live" and not (left.deleted and right.deleted):
        still = frozen(scene, key, link, both, holds, releases)
        if still is not None:
            return still
    if left.deleted or right.deleted or link.state == "retired":
        return decide_gone(scene, key, link, both, holds, releases)
    run = unlinks(releases)
    if run:
        return Verdict(
            key, unlink=True, apart=True, note=f"run {run} linked them, and is undone", used=(WHOLE,)
        )
    undone = restored(scene, both, {release.property: release for release in releases})
    link = rebased(link, undone)
    return _Deciding(scene, key, link, both, holds, releases, undone).decide(_deltas(scene, link, both))


@dataclass(frozen=True, slots=True)
class Flow:
    """One property to be written to a side, and why. `raw`: these values, which come from no other side."""

    delta: Delta
    to: Side
    why: str
    raw: Raw | None = None


def _deltas(scene: Scene, link: Link, seen: Both[Sighting]) -> list[Delta]:
    found = []
    for prop in scene.pair.properties:
        if any(unmet(prop.when[side], seen[side].fields) for side in SIDES):
            continue
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
        undone: Mapping[str, Both[Raw] | None],
    ) -> None:
        self.scene, self.key, self.link, self.seen = scene, key, link, seen
        self.refused = {hold.property: hold for hold in holds if hold.cause == "refused"}
        self.standing = {hold.property: hold for hold in holds if hold.cause in STANDING}
        self.overwritten = {hold.property: hold for hold in holds if hold.cause == OVERWRITTEN}
        self.undone = undone
        self.releases = {release.property: release for release in releases}
        self.holds: list[Hold] = []
        self.overruled: list[Overruled] = []
        self.agreed: dict[str, Both[Raw] | None] = dict(undone)
        self.used: list[str] = list(undone)
        self.stale: list[str] = []
        self.flows: list[Flow] = []

    def decide(self, deltas: Sequence[Delta]) -> Verdict:
        for unit in _units(deltas):
            self._decide_unit(self._without_given(unit))
        for delta in deltas if self.overwritten else ():
            self._keep_overwritten(delta)
        writes = self._writes()
        return Verdict(
            self.key,
            writes,
            self.agreed,
            tuple(self.overruled),
            tuple(self.holds),
            used=(*self.used, *self.stale),
            stale=tuple(self.stale),
            undone=tuple(self.undone),
        )

    def _without_given(self, unit: Sequence[Delta]) -> list[Delta]:
        """What is left to decide of a unit, without the properties that are to be set to a given value."""
        return [delta for delta in unit if not self._set(delta)]

    def _set(self, delta: Delta) -> bool:
        """Whether a property is being set to what a person gave or a run had replaced."""
        name, prop = delta.property.name, delta.property
        release = self.releases.get(name)
        wanted = given(release.value) if release is not None else None
        if release is None or wanted is None or name in self.undone:
            return False
        now = {side: mapped(prop, side, delta.raw[side]) for side in wanted.sides}
        left = [side for side in wanted.sides if now[side] != wanted.raw[side]]
        if any(now[side] != wanted.seen[side] for side in left) or (left and wanted.other_moved(delta.raw)):
            self.stale.append(name)
            return False
        why = f"run {wanted.undoes} {UNDONE}" if release.choice == "undo" else GIVEN
        self.flows += [Flow(delta, side, why, wanted.raw[side]) for side in left]
        for side in left if self.scene.planning and wanted.base is not None else ():
            self._foresee_other_side(delta, side, wanted.raw[side] or ())
        return bool(left)

    def _foresee_other_side(self, delta: Delta, side: Side, value: Raw) -> None:
        """In a plan, what follows in the same run once a side has the value that a person gave: the other has it."""
        lookup, transformation = self.scene.lookup, delta.property.transformation
        raw = delta.raw.replace(side, transformation.trim(side, value + delta.raw[side][len(value) :]))
        canon = Both.of(lambda s: transformation.canon(s, raw[s], lookup))
        if canon.left == canon.right or isinstance(canon[side], Opaque):
            return
        if delta.property.may_flow(side.other):
            why = f"{CHOSEN} this side"
            then = replace(delta, raw=raw, canon=canon, to=side.other)
            self._lose(then, side.other, why)
            self.flows.append(Flow(then, side.other, f"conflict: {why}"))

    def _keep_overwritten(self, delta: Delta) -> None:
        """Hold an overwritten edit, which keeps nothing from being written, for as long as the values stay as they
        are and no person has answered."""
        name = delta.property.name
        hold, release = self.overwritten.get(name), self.releases.get(name)
        if hold is None or hold.digest != property_digest(delta):
            return
        given_now = any(flow.delta is delta and flow.raw is not None for flow in self.flows)
        if release is not None and release.digest == hold.digest and not given_now:
            self.used.append(name)  # left as it is, or to be what it is already
        else:
            self.holds.append(hold)

    def _chosen(self, name: str, open_ones: Sequence[Delta], about: str) -> Side | None:
        """The side that a person chose to win, at the sight of these values or of a fight."""
        release, standing = self.releases.get(name), self.standing.get(name)
        if release is None or name in self.stale:
            return None
        wanted = given(release.value) if release.choice in GIVING else None
        if wanted is not None and wanted.base is not None:
            if not wanted.other_moved(open_ones[0].raw):
                return wanted.sides[0]  # it has the value by now: the other one follows
            self.stale.append(name)
            return None
        seen = {"", about, _frozen_at(standing)}
        return Side(release.choice) if release.choice in SIDES and release.digest in seen else None

    def _left_alone(self, name: str, open_ones: Sequence[Delta], about: str) -> bool:
        """Whether these values stay as they are, since a person or a hold that stands says so."""
        release, standing = self.releases.get(name), self.standing.get(name)
        answered = {"", about, _frozen_at(standing), *(property_digest(delta) for delta in open_ones)}
        if release is not None and release.choice == "leave" and release.digest in answered:
            self.used.append(name)
            self.holds.append(ignored_hold(self.key, name, open_ones))
            return True
        undone = [delta.property.name for delta in open_ones if delta.property.name in self.undone]
        if undone:
            wanted = given(self.releases[undone[0]].value)
            self.holds.append(undone_hold(self.key, name, open_ones, wanted.undoes if wanted else 0))
            return True
        if standing is None or (standing.digest != about and standing.cause != "fight"):
            return False
        if release is not None and release.digest in ("", standing.digest) and release.choice == "retry":
            self.used.append(name)
            return False
        if self._chosen(name, open_ones, about) is not None:
            return False
        self.holds.append(standing)
        return True

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
        name = open_ones[0].property.group or open_ones[0].property.name
        about = unit_digest(open_ones)
        if self._left_alone(name, open_ones, about):
            return
        chosen = self._chosen(name, open_ones, about)
        stuck = [delta for delta in open_ones if delta.kind in ("waiting", "unreadable")]
        for delta in stuck:
            if delta.kind == "waiting":
                self._hold_waiting(delta)
            else:
                self._hold_unreadable(delta, (delta.to or Side.LEFT).other)
        if stuck:
            return  # what moves together waits together
        directions = {delta.to for delta in open_ones if delta.kind == "flow"}
        if chosen is not None or any(d.kind == "conflict" for d in open_ones) or len(directions) > 1:
            self._decide_conflict(open_ones, name, about, chosen)
            return
        for delta in open_ones:
            if delta.to is not None:
                why = f"{self._system(delta.to.other)} was edited"
                if delta.first:
                    why = f"only {self._system(delta.to.other)} has a value"
                if delta.overrules:
                    why = f"one-way property: {self._system(delta.to.other)} owns it"
                    self._lose(delta, delta.to, why)
                self.flows.append(Flow(delta, delta.to, why))

    def _decide_conflict(self, deltas: Sequence[Delta], name: str, about: str, chosen: Side | None) -> None:
        policy_name = deltas[0].property.policy or self.scene.pair.policy
        winner, why = chosen, f"{CHOSEN} this side"
        if chosen is not None:
            self.used.append(name)
            if not any(delta.property.may_flow(chosen.other) for delta in deltas):
                self.holds.append(ignored_hold(self.key, name, deltas))
                return
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
            self.flows.append(Flow(delta, winner.other, f"conflict: {why}"))

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
                values=shown(deltas),
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
                property_digest(delta),
                waits_for=waits_for,
                values=shown([delta]),
            )
        )

    # Writes

    def _writes(self) -> tuple[Write, ...]:
        """A write per side and group of fields, values that come from no side in writes of their own and first;
        properties that read a context are put after those that may change it."""
        written: dict[tuple[Side, str, bool], tuple[dict[str, Json], list[Change]]] = {}
        meant: Both[dict[str, Json]] = Both({}, {})
        ordered = sorted(
            self.flows, key=lambda f: (f.raw is None, bool(f.delta.property.parts[f.to].context))
        )
        for flow in ordered:
            delta, side, why, prop = flow.delta, flow.to, flow.why, flow.delta.property
            held = self.refused.get(prop.name)
            if flow.raw is None and held is not None and held.digest == property_digest(delta):
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
            new: Raw | Unfit | None = flow.raw
            if new is None:
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
            payload, changes = written.setdefault(
                (side, declared.group if declared else "", flow.raw is None), ({}, [])
            )
            payload.update(changed)
            source = delta.raw[side.other] if flow.raw is None else None
            changes.append(Change(prop.name, delta.raw[side], new, source, why))
        return tuple(
            Write(side, "update", self.link.ids[side], payload, tuple(changes), _reasons(changes))
            for (side, _, _), (payload, changes) in written.items()
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


def _frozen_at(standing: Hold | None) -> str:
    """What a choice for a fight answers, whose values go on changing; "" for any other hold."""
    return standing.digest if standing is not None and standing.cause == "fight" else ""


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
