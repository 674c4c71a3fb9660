"""First contact: what an unlinked record is. Its partner is recognised, or matched, or made, or asked for.

Nothing is created while there is any doubt that it may exist already: a match value that is not unique on both
sides, or that a linked record has, is held for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from instep.core.conditions import unmet
from instep.core.dataflow import Pair
from instep.core.diff import raw_of
from instep.core.identity import claimed_id
from instep.core.model import Both, Entity, Side
from instep.core.payload import ByHand, create_payload, following, is_chosen, is_required, unwritable
from instep.core.state import Hold, Key, Release, Sighting
from instep.core.transformations.contract import Canon, Lookup, Opaque, Unfit, Unlinked, canon_key
from instep.core.values import Json, Raw, digest, get_path
from instep.core.verdict import CHOSEN, Scene, Verdict, Write


@dataclass(frozen=True, slots=True)
class Other:
    """A record of the other side that may be the partner; `partner` is what it is linked to, "" if to nothing.
    `apart`: a person chose that it is left alone for good."""

    id: str
    partner: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one match key found: `twins` are other records of the same side with the same value, `others` those
    of the other side. `name` is how people call the key ("email")."""

    name: str
    twins: Sequence[str]
    others: Sequence[Other]


@dataclass(frozen=True, slots=True)
class Contact:
    """All that is known of an unlinked record's possible partners.

    `claimed`: the record that its marker, or the form of its id, says it is the copy of. `complete`: both
    sides have been listed completely once. `age_ms`: how long ago it was made or last changed.
    `settle_ms`: how old it must be before its partner can be expected to be listed. `referred`: a record of
    another pair refers to it, and waits for it. `original`: what it says it is the copy of, if that is not known.
    """

    claimed: Other | None
    evidence: Sequence[Evidence]
    complete: bool
    age_ms: int
    settle_ms: int
    referred: bool = False
    original: str = ""


FOR_GOOD = ("apart", "ignore")
"""Choices that count whatever becomes of the record; the second is how 0.1.0 spelled the first."""

BY_HAND = "by hand"
"""How two records were linked that a person chose."""

CLAIM = -1
"""The number under which the match index keeps whose copy a record says it is, beside those of the match keys."""


def is_apart(releases: Sequence[Release]) -> bool:
    """Whether a person chose that a record without a link is left alone for good."""
    return any(release.property == "" and release.choice in FOR_GOOD for release in releases)


def told(number: int) -> int:
    """The number under which the match index keeps what a listing told of a record that has to be read before it is
    believed: enough to create no partner beside it until then."""
    return -2 - number


def claimed_ids(pair: Pair, entity: Entity, side: Side, id: str, fields: Mapping[str, Json]) -> list[str]:
    """The ids of the other side that a record's marker, or the form of its id, says it is the copy of; the
    likeliest first. An id says so only where we choose it and the template sets ours apart from others."""
    marker, template = entity.abilities.marker, pair.id_template[side]
    if not marker and (template == "{id}" or not entity.abilities.chosen_id):
        return []
    name = get_path(fields, marker) if marker else id
    return claimed_id(template, name) if isinstance(name, str) else []


def match_values(pair: Pair, side: Side, fields: Mapping[str, Json], lookup: Lookup) -> dict[int, str]:
    """Per match key that has a value in all its properties: the digest of its canonical values. None for a record
    that the pair is not for, which is nobody's partner."""
    values: dict[int, str] = {}
    if unmet(pair.where[side], fields) is not None:
        return values
    for number, key in enumerate(pair.match):
        found: list[Canon] = []
        for name in key.properties:
            prop = pair.property(name)
            raw = None if prop is None else raw_of(prop.parts[side], fields)
            if prop is None or raw is None:
                break
            canon = prop.transformation.canon(side, prop.transformation.trim(side, raw), lookup)
            if canon is None or isinstance(canon, Opaque | Unlinked):
                break
            found.append(canon)
        else:
            values[number] = digest(canon_key(tuple(found)))
    return values


def decide_new(
    scene: Scene,
    key: Key,
    seen: Sighting,
    contact: Contact,
    holds: Sequence[Hold],
    releases: Sequence[Release],
) -> Verdict:
    """Decide on a record without a link. A person's choice counts for the hold that it answered and no other;
    only "apart" is for good."""
    release = next((r for r in releases if r.property == ""), None)
    left_alone = next((h for h in holds if h.property == "" and h.cause == "ignored"), None)
    if left_alone is not None and left_alone.digest == seen.digest and not seen.deleted:
        answered = {"", left_alone.digest}
        if release is None or release.digest not in answered:
            return Verdict(key, holds=(left_alone,))
    verdict = _decide_new(scene, key, seen, contact, holds, None)
    if release is None:
        return verdict
    answered = {"", *(hold.digest for hold in verdict.holds), *(write.about for write in verdict.writes)}
    if left_alone is not None:
        answered.add(left_alone.digest)
    if release.choice not in FOR_GOOD and release.digest not in answered:
        return verdict
    if release.choice == "leave" and (verdict.holds or verdict.writes):
        return Verdict(key, holds=(_left_alone(key, seen, verdict),), used=("",))
    return _decide_new(scene, key, seen, contact, holds, release)


def _left_alone(key: Key, seen: Sighting, verdict: Verdict) -> Hold:
    return Hold(
        key,
        "",
        "ignored",
        f"{seen.id} is left alone until it changes",
        "a person chose so" + (f" when {verdict.holds[0].what}" if verdict.holds else ""),
        "nothing, or: instep holds release ID --choose retry",
        seen.digest,
    )


def _decide_new(
    scene: Scene,
    key: Key,
    seen: Sighting,
    contact: Contact,
    holds: Sequence[Hold],
    release: Release | None,
) -> Verdict:
    side = key.side
    choice = release.choice if release is not None else ""
    doubt = next((hold for hold in holds if hold.property == "" and hold.cause == "doubt"), None)
    if doubt is not None and not choice:
        return Verdict(key, holds=(doubt,))
    if seen.deleted:
        return Verdict(key, note="gone before it was ever linked")
    if release is not None and choice == "link":
        return Verdict(key, link=_ids(side, seen.id, str(release.value)), how=BY_HAND, used=("",))
    if choice in FOR_GOOD:
        return Verdict(key, note="a person chose to leave it alone")
    if contact.claimed is not None and not (contact.claimed.apart and choice in ("create", "recreate")):
        if contact.claimed.apart:
            what = (
                f"{seen.id} says that it is the copy of {contact.claimed.id} in {scene.systems[side.other]}"
            )
            return _held_apart(key, seen, what, contact.claimed)
        if contact.claimed.partner in ("", seen.id):
            return Verdict(key, link=_ids(side, seen.id, contact.claimed.id), how="identity")
        return _held(key, seen, "duplicate", *_claims(scene, seen, contact.claimed))
    missed = unmet(scene.pair.where[side], seen.fields)
    if missed is not None:
        return Verdict(key, note=f"{scene.pair.name} is not for it: {missed.missed}")
    twins: Evidence | None = None
    for evidence in contact.evidence if choice not in ("create", "recreate") else ():
        verdict = _weigh(scene, key, seen, evidence)
        if verdict is not None:
            return verdict
        if evidence.twins and twins is None:
            twins = evidence
    if twins is not None and choice not in ("create", "recreate"):
        return _held(
            key,
            seen,
            "duplicate",
            f"{seen.id} and {_few(twins.twins)} share the same {twins.name}",
            f"it is not clear whether they are one {scene.pair.name} or several, so none is created"
            f" in {scene.systems[side.other]}",
            "merge them, or choose: instep holds release ID --choose create",
        )
    return _decide_create(scene, key, seen, contact, holds, release)


def _weigh(scene: Scene, key: Key, seen: Sighting, evidence: Evidence) -> Verdict | None:
    """What one match key says; None if it found nobody on the other side."""
    side, others = key.side, evidence.others
    if not others:
        return None
    system = scene.systems[side.other]
    if len(others) > 1 or evidence.twins:
        return _held(
            key,
            seen,
            "ambiguous",
            f"{seen.id} has no unique partner by {evidence.name}",
            f"{_few([seen.id, *evidence.twins])} on this side and {_few([o.id for o in others])} in {system}"
            " have the same value",
            "choose: instep holds release ID --link OTHER_ID, or --choose create",
            {"candidates": [other.id for other in others], "twins": list(evidence.twins)},
        )
    if others[0].partner:
        return _held(
            key,
            seen,
            "duplicate",
            f"{seen.id} looks like {others[0].partner}, which is linked",
            f"{others[0].id} in {system} has the same {evidence.name} and is the partner of {others[0].partner}",
            "merge the two, or choose: instep holds release ID --choose create",
            {"candidates": [others[0].id]},
        )
    if others[0].apart:
        what = f"{seen.id} looks like {others[0].id} in {system}, by {evidence.name}"
        return _held_apart(key, seen, what, others[0])
    return Verdict(key, link=_ids(side, seen.id, others[0].id), how=f"match {evidence.name}")


def _decide_create(
    scene: Scene, key: Key, seen: Sighting, contact: Contact, holds: Sequence[Hold], release: Release | None
) -> Verdict:
    target = key.side.other
    entity, system = scene.entities[target], scene.systems[target]
    used = ("",) if release is not None and release.choice in ("create", "recreate", "retry") else ()
    if not scene.pair.create[target]:
        return Verdict(key, note=f"the dataflow doesn't create records in {system}")
    missed = unmet(scene.pair.create_when[target], seen.fields)
    if missed is not None and not used:
        return Verdict(key, note=f"the dataflow doesn't create it in {system}: {missed.missed}")
    if scene.pair.referred[target] and not contact.referred and not used:
        return Verdict(key, note=f"created in {system} as soon as a record that is kept in step refers to it")
    if not entity.abilities.create:
        reason = entity.abilities.reasons.get("create", f"{system}'s API can't create {entity.name} records")
        return _held(
            key,
            seen,
            "person",
            f"{seen.id} has no partner in {system}",
            reason,
            f"create it in {system} by hand; it is matched by itself, or: instep links add {scene.pair.name}"
            " LEFT_ID RIGHT_ID",
        )
    if not contact.complete:
        return Verdict(key, note="waits until both sides were listed completely", wait_ms=1)
    if contact.age_ms < contact.settle_ms:
        return Verdict(
            key,
            note="too young: its partner may not be listed yet",
            wait_ms=contact.settle_ms - contact.age_ms,
        )
    if contact.original and not used:
        return _held(key, seen, "duplicate", *_orphaned(system, seen, contact.original))
    payload, changes, unfit = create_payload(scene, target, seen)
    # What can be set at creation and never after must be right by then: left out, it would stay wrong for good.
    blocking = [
        found
        for found in unfit
        if is_required(found[0], target, seen.fields)
        or isinstance(found[2], ByHand)
        or _is_coming(found[2])
        or _needs(scene, found[0].name, target)
        or unwritable(scene, found[0], target, "update") is not None
    ]
    blocking.sort(key=lambda found: not isinstance(found[2], ByHand))
    if blocking:
        return _held_unfit(scene, key, blocking)
    about = sources_digest({change.property: change.source for change in changes})
    refused = next(
        (h for h in holds if h.property == "" and h.cause in ("refused", "duplicate") and h.digest == about),
        None,
    )
    if refused is not None and not used:
        return Verdict(key, holds=(refused,))
    burned = next((h.values for h in holds if h.cause == "doubt"), None)
    again = 1 + burned if isinstance(burned, int) else 1
    again = again if release is not None and release.choice == "recreate" else 0
    why = f"{scene.systems[key.side]} has a new record"
    if used and release is not None and release.choice != "retry":
        why = f"{why}, and {CHOSEN} to create its partner"
    calls = following(scene, target, seen)
    held = [digest([change.property, list(change.source)]) for change in changes if change.source is not None]
    said = digest(sorted([*held, *(about for _, about, _ in unfit)]))
    write = Write(target, "create", "", payload, tuple(changes), why, again, calls, said)
    return Verdict(key, (write,), used=used)


def sources_digest(sources: Mapping[str, Raw | None]) -> str:
    """What a refused create is remembered by: the source's values, so that a corrected record is tried anew."""
    return digest(sources)


def _is_coming(unfit: Unfit | Opaque) -> bool:
    """Whether a property can't be written since its reference has no partner, which it gets by being asked for."""
    return isinstance(unfit, Unfit) and unfit.waits_for is not None and unfit.waits_for.planned


def _needs(scene: Scene, name: str, target: Side) -> bool:
    prop, entity = scene.pair.property(name), scene.entities[target]
    paths = () if prop is None else prop.parts[target].fields
    return any(
        is_chosen(entity, path) or ((found := entity.field(path)) is not None and found.required)
        for path in paths
    )


def _held_unfit(scene: Scene, key: Key, blocking: Sequence[tuple[object, str, Unfit | Opaque]]) -> Verdict:
    """A create that can't be made yet: waits for a reference, or for a value that a person has to correct."""
    target = scene.systems[key.side.other]
    holds = []
    prop, about, why = blocking[0]
    name = getattr(prop, "name", "")
    wanted = why.waits_for if isinstance(why, Unfit) else None
    if wanted is not None:
        what = f"{key.id} waits for {wanted.entity} {wanted.id} to be linked"
        fix = "it is created by itself as soon as that record is linked"
        holds.append(
            Hold(
                key,
                "",
                "reference",
                what,
                f"{target} needs {name} of a new record, and may not take it later",
                fix,
                about,
                waits_for=(wanted.side, wanted.entity, wanted.id),
            )
        )
    elif isinstance(why, ByHand):
        fix = f"create it in {target} by hand; it is matched by itself"
        what = f"{key.id} can't be created in {target} with this {name}"
        holds.append(Hold(key, "", "person", what, why.why, fix, about))
    else:
        fix = why.fix if isinstance(why, Unfit) else f"correct {name} in {scene.systems[key.side]}"
        what = f"{key.id} can't be created in {target}: {name}"
        cause = "required" if isinstance(why, Unfit) else "unfit"
        holds.append(Hold(key, "", cause, what, why.why, fix, about))
    return Verdict(key, holds=tuple(holds))


def _orphaned(system: str, seen: Sighting, original: str) -> tuple[str, str, str]:
    return (
        f"{seen.id} says that it is the copy of {original} in {system}, which is not there",
        "a copy of a copy is made by nobody but a person: the original may be hidden for a while, or be deleted",
        "nothing, if it comes back; else choose: instep holds release ID --choose create, or --link OTHER_ID",
    )


def _claims(scene: Scene, seen: Sighting, claimed: Other) -> tuple[str, str, str]:
    other = scene.systems[seen.side.other]
    return (
        f"{seen.id} says that it is the copy of {claimed.id} in {other}",
        f"{claimed.id} is linked to {claimed.partner} already",
        "remove one of the two, or its external reference",
    )


def _held_apart(key: Key, seen: Sighting, what: str, other: Other) -> Verdict:
    """A record whose partner may be one that is to be left alone: whoever chose so has to say what this one is."""
    return _held(
        key,
        seen,
        "duplicate",
        what,
        f"a person chose that {other.id} is kept apart, so nothing is linked to it",
        f"choose: instep holds release ID --link {other.id}, or --choose create, or --choose apart",
        {"candidates": [other.id]},
    )


def _held(
    key: Key,
    seen: Sighting,
    cause: str,
    what: str,
    why: str,
    fix: str,
    values: Json = None,
) -> Verdict:
    about = digest([seen.digest, cause, why])
    return Verdict(key, holds=(Hold(key, "", cause, what, why, fix, about, values=values),))


def _ids(side: Side, mine: str, other: str) -> Both[str]:
    return Both(mine, other) if side is Side.LEFT else Both(other, mine)


def _few(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:3])
    return shown if len(ids) <= 3 else f"{shown} and {len(ids) - 3} more"
