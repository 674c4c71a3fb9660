"""Holds that stand although nothing is unclear, and what a person set: left alone, undone, fought over, given.

`decide` asks here before it decides on a property. A standing hold keeps the property as it is while its values
are those that the hold is about; one of a fight, or of a record as a whole, until a person chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from instep.core.dataflow import Property
from instep.core.diff import Delta, raw_of
from instep.core.gone import is_retired
from instep.core.model import SIDES, Both, Side
from instep.core.release import STANDING, WHOLE
from instep.core.state import Hold, Key, Link, Release, Sighting
from instep.core.values import Json, Raw, digest, plain
from instep.core.verdict import UNDONE, Scene, Verdict, Write


def unit_digest(deltas: Sequence[Delta]) -> str:
    """What a hold on properties that are decided as one is about: their names and the values of both sides."""
    return digest([[delta.property.name, list(delta.raw)] for delta in deltas])


def property_digest(delta: Delta) -> str:
    """What a hold on one property is about."""
    return digest([delta.property.name, list(delta.raw)])


@dataclass(frozen=True, slots=True)
class Given:
    """Values that sides of a property are to be set to: as a person gave them, or as they were before a run.

    `raw`: per side, in its own terms, mapped fields alone; None for a side that is not set. `seen`: what those
    sides held when that was chosen; anything else by then was put there by somebody who did not know of the
    choice. `base`: for a person's value, what both sides held then; for the undoing of run `undoes`, what they
    had last agreed on before it (None: nothing).
    """

    raw: Both[Raw | None]
    seen: Both[Raw | None]
    base: Both[Raw] | None = None
    undoes: int = 0

    @property
    def sides(self) -> tuple[Side, ...]:
        return tuple(side for side in SIDES if self.raw[side] is not None)

    def other_moved(self, raw: Both[Raw]) -> bool:
        """Whether the side for which a person gave no value holds by now what they had not seen."""
        if self.base is None or self.undoes:
            return False
        return any(raw[side] != self.base[side] for side in SIDES if self.raw[side] is None)

    def to_json(self) -> Json:
        base = None if self.base is None else [plain(raw) for raw in self.base]
        raw: list[Json] = [plain(values) for values in self.raw]
        return {"raw": raw, "seen": [plain(values) for values in self.seen], "base": base, "run": self.undoes}


def given(value: Json) -> Given | None:
    """What `to_json` made; None if it is anything else."""
    match value:
        case {"raw": [left, right], "seen": [left_seen, right_seen], "base": base, "run": int(run)}:
            agreed: Both[Raw] | None = None
            if isinstance(base, list) and len(base) == 2:
                agreed = Both(_raw(base[0]) or (), _raw(base[1]) or ())
            raw, seen = Both(_raw(left), _raw(right)), Both(_raw(left_seen), _raw(right_seen))
            return Given(raw, seen, agreed, run)
    return None


def _raw(values: object) -> Raw | None:
    return tuple(values) if isinstance(values, list) else None


def mapped(prop: Property, side: Side, raw: Raw) -> Raw:
    """The values of the mapped fields, without those of the context."""
    return raw[: len(prop.parts[side].fields)]


def whole(prop: Property, side: Side, raw: Raw) -> Raw:
    """What was meant to be written, as a reading would show it but for the context."""
    return prop.transformation.trim(side, mapped(prop, side, raw) + (None,) * len(prop.parts[side].context))


def giving(prop: Property, side: Side, raw: Raw, seen: Both[Sighting]) -> Given | None:
    """A person's choice of a value for one side, at the sight of these readings; None if they don't offer it."""
    sides = Both.of(lambda s: raw_of(prop.parts[s], seen[s].fields))
    left, right = sides.left, sides.right
    if left is None or right is None:
        return None
    both = Both.of(lambda s: prop.transformation.trim(s, Both(left, right)[s]))
    nothing: Both[Raw | None] = Both(None, None)
    return Given(nothing.replace(side, raw), nothing.replace(side, mapped(prop, side, both[side])), both)


def restored(
    scene: Scene, seen: Both[Sighting], releases: Mapping[str, Release]
) -> dict[str, Both[Raw] | None]:
    """By property, the base that counts again since the write that moved it has been undone."""
    found: dict[str, Both[Raw] | None] = {}
    for name, release in releases.items():
        wanted = given(release.value) if release.choice == "undo" and name != WHOLE else None
        prop = scene.pair.property(name)
        if prop is None or wanted is None:
            continue
        now = {side: raw_of(prop.parts[side], seen[side].fields) for side in wanted.sides}
        if all(raw is not None and mapped(prop, s, raw) == wanted.raw[s] for s, raw in now.items()):
            found[name] = wanted.base
    return found


def rebased(link: Link, bases: Mapping[str, Both[Raw] | None]) -> Link:
    """The link with these bases; None takes one away, as before first contact."""
    base = {name: raw for name, raw in link.base.items() if name not in bases}
    base.update({name: raw for name, raw in bases.items() if raw is not None})
    return replace(link, base=base)


def undone_hold(key: Key, name: str, deltas: Sequence[Delta], run: int) -> Hold:
    """The hold that keeps an undone write from being made again at once."""
    return Hold(
        key,
        name,
        "undone",
        f"{name} is as it was before run {run}",
        "the run was undone; nothing is written until one of the values changes",
        "nothing, or: instep holds release ID --choose retry, to write it after all",
        unit_digest(deltas),
        values=shown(deltas),
    )


def ignored_hold(key: Key, name: str, deltas: Sequence[Delta]) -> Hold:
    """The hold that stands for a person's choice to leave a property as it is."""
    return Hold(
        key,
        name,
        "ignored",
        f"{name} is left as it is until one of its values changes",
        "a person chose so",
        "nothing, or: instep holds release ID --choose retry",
        unit_digest(deltas),
        values=shown(deltas),
    )


def shown(deltas: Sequence[Delta]) -> Json:
    """The values of both sides, by property, as a hold keeps them for a person to see."""
    return {delta.property.name: {s.value: plain(delta.raw[s]) for s in SIDES} for delta in deltas}


def standing_whole(holds: Sequence[Hold]) -> Hold | None:
    """The hold that keeps two linked records as a whole from being written to, if there is one."""
    return next(
        (h for h in holds if h.property == WHOLE and h.cause in STANDING and h.cause != "ignored"), None
    )


def frozen(
    scene: Scene,
    key: Key,
    link: Link,
    seen: Both[Sighting],
    holds: Sequence[Hold],
    releases: Sequence[Release],
) -> Verdict | None:
    """The verdict on linked records whose making was undone, or is to be; None if that is not so."""
    release = next((r for r in releases if r.property == WHOLE), None)
    hold = standing_whole(holds)
    if hold is not None:
        resumed = release is not None and release.choice == "retry" and release.digest in ("", hold.digest)
        return None if resumed else Verdict(key, holds=(hold,))
    match release and release.choice == "undo" and release.value:
        case {"made": str(made), "run": int(run)} if made in SIDES:
            return _unmade(scene, key, link, seen, Side(made), run)
    return None


def outdated(scene: Scene, seen: Both[Sighting], release: Release) -> bool:
    """Whether the making of a record was to be undone, and somebody has edited it since that was chosen."""
    match release.choice == "undo" and release.value:
        case {"made": str(made), "seen": str(about)} if made in SIDES:
            one = seen[Side(made)]
            return about != one.digest and not (
                one.deleted or is_retired(scene.entities[one.side], one.fields)
            )
    return False


def unlinks(releases: Sequence[Release]) -> int:
    """The run whose linking of two records is undone, once their properties are as they were; 0 if none is."""
    if any(r.choice == "undo" and r.property != WHOLE for r in releases):
        return 0
    for release in releases:
        match release.choice == "undo" and release.value:
            case {"linked": True, "run": int(run)}:
                return run
    return 0


def _unmade(scene: Scene, key: Key, link: Link, seen: Both[Sighting], side: Side, run: int) -> Verdict:
    entity, system = scene.entities[side], scene.systems[side]
    if not seen[side].deleted and not is_retired(entity, seen[side].fields):
        why = f"run {run} made it, and {UNDONE}"
        return Verdict(key, (Write(side, "retire", link.ids[side], {}, (), why),))
    stands = Hold(
        key,
        WHOLE,
        "undone",
        f"{link.ids[side]} was made in {system} by run {run}, which was undone",
        f"it is out of use in {system}, and nothing is written to either of the two",
        "nothing, or: instep holds release ID --choose retry",
        digest([str(side), link.ids[side]]),
    )
    return Verdict(key, holds=(stands,), used=(WHOLE,))
