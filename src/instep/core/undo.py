"""What it takes to undo what one run did to one pair of records, and what of it can't or must not be undone.

Undoing is deciding: each value that a run replaced is given back to its side, and the base that counted before
counts again. So an edit that had caused the write is an edit again; it is held as undone, and not written at once.
What somebody changed since is left alone. Nothing here writes anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instep.core.dataflow import Property
from instep.core.diff import raw_of
from instep.core.gone import is_retired
from instep.core.model import SIDES, Both, Side
from instep.core.payload import by_hand, unwritable
from instep.core.standing import Given, mapped
from instep.core.state import Link, Sighting
from instep.core.values import Json, Raw
from instep.core.verdict import Scene


@dataclass(frozen=True, slots=True)
class Written:
    """One property that a run wrote to a side: what it replaced, what it wrote, and the base before (None: none).
    `later`: how many writes of Instep to the same property, on either side, came after that run."""

    side: Side
    old: Raw | None
    new: Raw | None
    base: Both[Raw] | None
    later: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Why something that a run did stays as it is. `possible`: it could be undone, but must not be."""

    what: str
    why: str
    possible: bool
    fix: str = ""


def undo_property(
    scene: Scene, seen: Both[Sighting], prop: Property, writes: Sequence[Written], run: int
) -> Given | Kept | None:
    """What one property is to be set to; None if both sides hold that already.

    `writes`: those of the run to that property, oldest first.
    """
    first = {
        side: next(w for w in writes if w.side is side)
        for side in SIDES
        if any(w.side is side for w in writes)
    }
    last = {write.side: write for write in writes}
    back: Both[Raw | None] = Both(None, None)
    now_held: Both[Raw | None] = Both(None, None)
    for side, write in first.items():
        now = raw_of(prop.parts[side], seen[side].fields)
        if now is None or write.old is None:
            return Kept(prop.name, "what it held before is not known", False)
        now = mapped(prop, side, prop.transformation.trim(side, now))
        old = mapped(prop, side, write.old)
        if now == old:
            continue
        if not _as_left(scene, prop, side, now, last[side]):
            by = f" by {seen[side].author}" if seen[side].author else ""
            return Kept(prop.name, f"it was changed in {scene.systems[side]} since{by}", True)
        if last[side].later:
            return Kept(prop.name, "a later run has written it again", True, "undo that run first")
        blocked = unwritable(scene, prop, side, "update") or by_hand(
            scene.entities[side], dict(zip(prop.parts[side].fields, old, strict=False))
        )
        if blocked is not None:
            fix = f"set it by hand in {scene.systems[side]}"
            return Kept(prop.name, blocked, False, fix)
        back, now_held = back.replace(side, old), now_held.replace(side, now)
    if back == Both(None, None):
        return None
    return Given(back, now_held, writes[0].base, run)


def _as_left(scene: Scene, prop: Property, side: Side, now: Raw, last: Written) -> bool:
    """Whether a side still holds what the run left there: as it was meant, or as its system made of it."""
    if last.new is None:
        return False
    context = (None,) * len(prop.parts[side].context)
    meant = prop.transformation.canon(side, mapped(prop, side, last.new) + context, scene.lookup)
    return (
        now == mapped(prop, side, last.new)
        or prop.transformation.canon(side, now + context, scene.lookup) == meant
    )


def undo_create(
    scene: Scene, link: Link, seen: Both[Sighting], side: Side, *, flowed_back: bool
) -> Mapping[str, Json] | Kept | None:
    """How the making of a record is undone: by taking it out of use; None if it is out of use already.

    `flowed_back`: Instep has written to the record that it was made from since, so that somebody edited it.
    """
    entity, system, id = scene.entities[side], scene.systems[side], link.ids[side]
    if seen[side].deleted or is_retired(entity, seen[side].fields):
        return None
    what = f"{id} was made in {system}"
    if not entity.abilities.retire:
        why = entity.abilities.reasons.get(
            "retire", f"{system}'s API can't take {entity.name} records out of use"
        )
        return Kept(
            what,
            why,
            False,
            f"take it out of use there by hand, then: instep links remove {scene.pair.name} {id}",
        )
    edited = [
        prop.name
        for prop in scene.pair.properties
        if (raw := raw_of(prop.parts[side], seen[side].fields)) is not None
        and (base := link.base.get(prop.name)) is not None
        and prop.transformation.trim(side, raw) != base[side]
    ]
    if edited or flowed_back:
        return Kept(what, f"it was edited there since{': ' if edited else ''}{', '.join(edited)}", True)
    return {"made": side.value}


def written(side: Side, change: Mapping[str, Json], later: int) -> Written:
    """A write as the journal tells it."""
    base = change.get("base")
    before = (
        Both(_raw(base[0]) or (), _raw(base[1]) or ()) if isinstance(base, list) and len(base) == 2 else None
    )
    return Written(side, _raw(change.get("old")), _raw(change.get("new")), before, later)


def _raw(value: Json) -> Raw | None:
    return tuple(value) if isinstance(value, list) else None


__all__ = ["Kept", "Written", "undo_create", "undo_property", "written"]
