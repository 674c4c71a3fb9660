"""What a delete leads to. Never guessed: by the time this is asked, the record is known to be gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from instep.core.dataflow import Property
from instep.core.diff import raw_of
from instep.core.model import Both, Entity, Side
from instep.core.state import Hold, Key, Link, Release, Sighting
from instep.core.values import Json, Raw, digest, get_path, plain
from instep.core.verdict import CHOSEN, Scene, Verdict, Write

NOTHING: Final[Mapping[str, Raw]] = {}


def decide_gone(
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
    edited = _edited_since(scene, link, seen[alive], seen[gone])
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
    if _left_alone(holds, about, choice):
        return Verdict(
            key, holds=(_ignored(key, about, f"{link.ids[gone]} was deleted in {system}"),), used=used
        )
    if wanted and refused is not None and choice not in ("retire", "retry"):
        return Verdict(key, holds=(refused,))
    if wanted and entity.abilities.retire:
        why = f"it was deleted in {system}"
        why = f"{why}, and {CHOSEN} to retire it" if choice == "retire" else why
        write = Write(alive, "retire", link.ids[alive], {}, (), why)
        return Verdict(key, (write,), used=used)
    what = f"{link.ids[gone]} was deleted in {system}"
    fix = "choose: instep holds release ID --choose retire, or apart to keep the other one"
    if not entity.abilities.retire:
        fix = "to keep the other one: instep holds release ID --choose apart"
    why = "the pair is set to hold deletes"
    if edited:
        why = f"an edit outlives a delete: {', '.join(edited)} changed in {other} since the last agreement"
    elif wanted:
        why = entity.abilities.reasons.get(
            "retire", f"{other} can't take {entity.name} records out of use by API"
        )
        by_hand = f"take {link.ids[alive]} out of use in {other} by hand, or keep it"
        fix = f"{by_hand}; then: instep holds release ID --choose apart"
    return Verdict(key, holds=(Hold(key, "", "deleted", what, why, fix, about),))


def gone_digest(gone: Side, id: str, edited: Mapping[str, Raw] = NOTHING) -> str:
    """What a hold for a deleted record is about: which one, and what its partner has been edited to since."""
    return digest([str(gone), id, [[name, plain(raw)] for name, raw in edited.items()]])


def _left_alone(holds: Sequence[Hold], about: str, choice: str) -> bool:
    """Whether a person said, now or before, that the partner of this very delete stays as it is."""
    stands = any(h.property == "" and h.cause == "ignored" and h.digest == about for h in holds)
    return choice == "leave" or (stands and choice == "")


def _ignored(key: Key, about: str, what: str) -> Hold:
    return Hold(
        key,
        "",
        "ignored",
        f"{what}, and its partner is left as it is",
        "a person chose so",
        "nothing, or: instep holds release ID --choose retire, or unlink",
        about,
    )


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


def _edited_since(scene: Scene, link: Link, seen: Sighting, gone: Sighting) -> dict[str, Raw]:
    """The properties whose raw values on that side differ from the base, with these; one that has no base, if it
    holds what the deleted record did not: who deleted that one had not seen it."""
    edited: dict[str, Raw] = {}
    entity = scene.entities[seen.side]
    asked_for = entity.retired[0] if entity.retired and is_retired(entity, seen.fields) else None
    for prop in scene.pair.properties:
        if asked_for in prop.parts[seen.side].fields:
            continue  # out of use is what a delete asks for
        raw = raw_of(prop.parts[seen.side], seen.fields)
        base = link.base.get(prop.name)
        if raw is None:
            continue
        raw = prop.transformation.trim(seen.side, raw)
        if base is None:
            moved = _unseen(scene, prop, seen.side, raw, raw_of(prop.parts[gone.side], gone.fields))
        else:
            moved = raw != base[seen.side]
        if moved:
            edited[prop.name] = raw
    return edited


def _unseen(scene: Scene, prop: Property, side: Side, raw: Raw, gone: Raw | None) -> bool:
    here = prop.transformation.canon(side, raw, scene.lookup)
    if here is None:
        return False
    if gone is None:
        return True
    there = prop.transformation.trim(side.other, gone)
    return here != prop.transformation.canon(side.other, there, scene.lookup)
