"""Gather what is stored about one key, and ask the core for its verdict. Reads only: plan, run and explain share it.

For an unlinked record that means everything that could make it known already: a marker or an id of ours, an
open create, a match.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from instep.core.dataflow import Pair
from instep.core.decide import decide_link
from instep.core.match import (
    BY_HAND,
    CLAIM,
    Contact,
    Evidence,
    Other,
    claimed_ids,
    decide_new,
    is_apart,
    match_values,
    told,
)
from instep.core.model import Both, Side
from instep.core.release import PARTING, WHOLE
from instep.core.state import Hold, Intent, Key, Link, Sighting
from instep.core.values import digest, get_path
from instep.core.verdict import Scene, Verdict
from instep.runner.engine import Engine, StoreLookup
from instep.runner.observe import is_listed
from instep.store.contract import Tx

ASIDE_MS = 5_000
"""How long a record waits that may turn out to be what an open create makes."""

UNREAD_MS = 100
"""How long a create waits for records that are yet to be read: the same run comes back to it."""

UNREAD = "has to be read first"
"""What a plan says of a record of which something was heard that is not known yet."""


DEEP = 20
"""So many records, each referring to the next, are looked into to foretell what becomes of the first."""


@dataclass(slots=True)
class Foretold:
    """Which records that others refer to will have a partner, as far as that was asked within one transaction."""

    known: dict[Key, bool] = field(default_factory=dict)
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one key, and the verdict on it unless something has to be settled or read first."""

    key: Key
    pair: Pair
    scene: Scene
    link: Link | None = None
    seen: Both[Sighting | None] = Both(None, None)
    intents: tuple[Intent, ...] = ()
    reads: tuple[tuple[Side, str], ...] = ()
    verdict: Verdict | None = None


def judge(
    engine: Engine, tx: Tx, key: Key, *, planning: bool = False, foretold: Foretold | None = None
) -> Case:
    """Gather what is stored about a key and decide on it. Reads only. `foretold`: what is known already of others
    in the same transaction."""
    pair = engine.dataflow.pair(key.pair)
    if pair is None:
        raise LookupError(key.pair)
    gets_partner = partial(_gets_partner, engine, tx, foretold or Foretold())
    scene = engine.scene(tx, pair, planning=planning, gets_partner=gets_partner)
    link = tx.link_of(pair.name, key.side, key.id)
    if link is not None:
        return _judge_linked(tx, pair, scene, link, planning)
    seen = tx.sighting(key.side, pair.entity[key.side], key.id)
    sightings = Both(seen, None) if key.side is Side.LEFT else Both(None, seen)
    intent = tx.intent_to(pair.name, key.side, key.id) or _intent_that_made(tx, pair, scene, seen)
    if intent is not None:
        return Case(key, pair, scene, seen=sightings, intents=(intent,))
    if seen is None or seen.unread:
        if planning:
            return Case(key, pair, scene, seen=sightings, verdict=Verdict(key, note=UNREAD))
        return Case(key, pair, scene, seen=sightings, reads=((key.side, key.id),))
    doubted = _may_be_ours(tx, scene, key)
    if doubted is not None:
        return Case(key, pair, scene, seen=sightings, verdict=doubted)
    contact = _contact(engine, tx, pair, scene, seen)
    if pair.referred[key.side.other]:
        about = (key.side, seen.entity, key.id)
        awaited = about in engine.awaited if planning else bool(tx.waiting_for(*about))
        contact = replace(contact, referred=awaited)
    verdict = decide_new(scene, key, seen, contact, tx.holds_of(key), tx.releases_of(key))
    if verdict.writes:
        verdict = _unless_unread(tx, pair, scene, key, verdict)
    if verdict.link is not None and verdict.how == BY_HAND:
        verdict = _unless_kept_apart(
            tx, key, verdict, Key(pair.name, key.side.other, verdict.link[key.side.other])
        )
    return Case(key, pair, scene, seen=sightings, verdict=verdict)


def _unless_kept_apart(tx: Tx, key: Key, verdict: Verdict, other: Key) -> Verdict:
    """A person's later word that the chosen partner is to be kept apart counts for more than the choice."""
    asked_ms = max((release.at_ms for release in tx.releases_of(key) if release.choice == "link"), default=0)
    later = [r for r in tx.releases_of(other) if is_apart([r]) and r.at_ms > asked_ms]
    if not later:
        return verdict
    what = f"{key.id} can't be linked to {other.id}"
    why = f"a person chose after that that {other.id} is kept apart"
    fix = "choose another: instep holds release ID --link OTHER_ID, or --choose create, or --choose apart"
    hold = Hold(key, "", "duplicate", what, why, fix, digest([key.id, other.id, why]))
    return Verdict(key, holds=(hold,), used=verdict.used)


def _gets_partner(engine: Engine, tx: Tx, foretold: Foretold, key: Key) -> bool:
    """Whether a run gives an unlinked record a partner, as far as can be foretold: not one that is held or left
    alone. What hangs on itself, or on too long a row of others, is taken to get one."""
    if key not in foretold.known and foretold.depth < DEEP:
        foretold.known[key] = True
        foretold.depth += 1
        verdict = judge(engine, tx, key, planning=True, foretold=foretold).verdict
        foretold.depth -= 1
        waits = verdict is None or verdict.note == UNREAD or verdict.wait_ms > 0
        foretold.known[key] = waits or bool(verdict and (verdict.writes or verdict.link))
    return foretold.known.get(key, True)


def _judge_linked(tx: Tx, pair: Pair, scene: Scene, link: Link, planning: bool) -> Case:
    key = Key(pair.name, Side.LEFT, link.ids.left)
    seen = Both.of(lambda side: tx.sighting(side, pair.entity[side], link.ids[side]))
    intents = tx.intents_of(key)
    if intents:
        return Case(key, pair, scene, link, seen, intents=tuple(intents))
    releases = tx.releases_of(key)
    whole = next((r.choice for r in releases if r.property == WHOLE), "")
    if whole in PARTING:
        note = f"a person chose: {whole}"
        verdict = Verdict(key, unlink=True, apart=whole == "apart", note=note, used=(WHOLE,))
        return Case(key, pair, scene, link, seen, verdict=verdict)
    unread = [s for s in Side if (found := seen[s]) is None or found.unread]
    if unread and not planning:
        return Case(key, pair, scene, link, seen, reads=tuple((s, link.ids[s]) for s in unread))
    verdict = decide_link(scene, key, link, seen, tx.holds_of(key), releases)
    if unread and not (verdict.writes or verdict.holds or verdict.retired or verdict.unlink):
        verdict = replace(verdict, note=UNREAD)
    return Case(key, pair, scene, link, seen, verdict=verdict)


def _unless_unread(tx: Tx, pair: Pair, scene: Scene, key: Key, verdict: Verdict) -> Verdict:
    """A create waits while a record of the other side may be the partner and is yet to be read: one that is known by
    its id alone, or one of which a listing told what matches."""
    side = key.side.other
    unread = tx.unread(side, pair.entity[side], 1)
    for number, value in tx.match_values(pair.name, key.side, key.id).items():
        unread += tx.matches(pair.name, side, told(number), value, 1) if number >= 0 else []
    if not unread:
        return verdict
    note = f"{unread[0]} in {scene.systems[side]} has not been read yet, and may be its partner"
    return Verdict(key, note=note, wait_ms=UNREAD_MS)


def _claimed(pair: Pair, scene: Scene, seen: Sighting) -> list[str]:
    return claimed_ids(pair, scene.entities[seen.side], seen.side, seen.id, seen.fields)


def _intent_that_made(tx: Tx, pair: Pair, scene: Scene, seen: Sighting | None) -> Intent | None:
    """The open create whose marker an unlinked record carries: it is that record, and not a new one."""
    if seen is None or not scene.entities[seen.side].abilities.marker:
        return None
    for candidate in _claimed(pair, scene, seen):
        for intent in tx.intents_of(Key(pair.name, seen.side.other, candidate)):
            if intent.operation == "create" and intent.side is seen.side:
                return intent
    return None


def _may_be_ours(tx: Tx, scene: Scene, key: Key) -> Verdict | None:
    """What to do with an unlinked record that may be what an in-doubt create made, on a side where nothing
    would tell; None if there is no such doubt."""
    abilities = scene.entities[key.side].abilities
    if abilities.chosen_id or abilities.marker:
        return None
    for intent in tx.intents():
        if intent.operation == "create" and intent.side is key.side and intent.key.pair == key.pair:
            return Verdict(key, note="a create here is in doubt: this may be its record", wait_ms=ASIDE_MS)
    if tx.releases_of(key):
        return None
    doubts = [hold for hold in tx.holds(pair=key.pair, cause="doubt") if hold.key.side is not key.side]
    if not doubts:
        return None
    of = ", ".join(hold.key.id for hold in doubts[:3])
    hold = Hold(
        key,
        "",
        "doubt",
        f"{key.id} may be the copy of {of}",
        "it is not known whether that one was created here",
        "choose: instep holds release ID --link OTHER_ID, or --choose create",
        digest([key.id, of]),
    )
    return Verdict(key, holds=(hold,))


def _contact(engine: Engine, tx: Tx, pair: Pair, scene: Scene, seen: Sighting) -> Contact:
    side = seen.side
    other = side.other
    claimed: Other | None = None
    for candidate in _claimed(pair, scene, seen):
        known = tx.sighting(other, pair.entity[other], candidate)
        if known is not None:
            claimed = _other(tx, pair, other, candidate)
            break
    if claimed is None:
        copies = tx.matches(pair.name, other, CLAIM, digest(seen.id), 2)
        if copies:
            claimed = _other(tx, pair, other, copies[0])
    original = ""
    if claimed is None and pair.id_template[side] != "{id}":  # else any reference of anybody's would say so
        original = next(iter(_claimed(pair, scene, seen)), "")
    evidence = []
    for number, value in tx.match_values(pair.name, side, seen.id).items():
        if number < 0:
            continue
        twins = [id for id in tx.matches(pair.name, side, number, value, 5) if id != seen.id]
        others = [_other(tx, pair, other, id) for id in tx.matches(pair.name, other, number, value, 5)]
        evidence.append(Evidence(", ".join(pair.match[number].properties), twins, others))
    complete = all(is_listed(tx, s, pair.entity[s]) for s in Side)
    made = seen.created_ms if seen.created_ms is not None else seen.updated_ms
    skew = engine.connectors[side].clock_skew_ms
    age = engine.now_ms() - (made - skew) if made is not None else engine.now_ms() - seen.seen_ms
    settle_ms = scene.entities[other].abilities.list_lag_ms
    return Contact(claimed, tuple(evidence), complete, age, settle_ms, original=original)


def _other(tx: Tx, pair: Pair, side: Side, id: str) -> Other:
    link = tx.link_of(pair.name, side, id)
    if link is not None:
        return Other(id, link.ids[side.other])
    return Other(id, apart=is_apart(tx.releases_of(Key(pair.name, side, id))))


def stands_beside(engine: Engine, tx: Tx, intent: Intent) -> bool:
    """Whether a record of the target's side, other than the one that an in-doubt create may have made, matches what
    is to be created: as its source is now, or as it was sent. Then it would not be created, if decided anew."""
    pair = engine.dataflow.pair(intent.key.pair)
    if pair is None:
        return False
    side = intent.side
    meant = match_values(pair, side, intent.payload, StoreLookup(engine.dataflow, tx))
    values = {*tx.match_values(pair.name, side.other, intent.source_id).items(), *meant.items()}
    return any(
        set(tx.matches(pair.name, side, each, value, 2)) - {intent.chosen_id}
        for number, value in values
        if number >= 0
        for each in (number, told(number))
    )


def known_copy(engine: Engine, tx: Tx, intent: Intent) -> Sighting | None:
    """The unlinked record that was known to say that it is what an in-doubt create made; a listing may have told."""
    pair = engine.dataflow.pair(intent.key.pair)
    if pair is None:
        return None
    side, marker = intent.side, engine.entity(pair, intent.side).abilities.marker
    for id in tx.matches(pair.name, side, CLAIM, digest(intent.source_id), 2):
        seen, other = tx.sighting(side, pair.entity[side], id), _other(tx, pair, side, id)
        if seen is None or other.partner or other.apart:
            continue
        if (get_path(seen.fields, marker) if marker else id) == (intent.marker or intent.chosen_id):
            return seen
    return None


def likely_copy(engine: Engine, tx: Tx, intent: Intent) -> str | None:
    """The unlinked record that must be what an in-doubt create made: the only one that its source matches."""
    pair = engine.dataflow.pair(intent.key.pair)
    if pair is None:
        return None
    source = tx.sighting(intent.side.other, pair.entity[intent.side.other], intent.source_id)
    if source is None:
        return None
    contact = _contact(engine, tx, pair, engine.scene(tx, pair), source)
    for evidence in contact.evidence:
        if evidence.others:
            only = evidence.others[0]
            return (
                only.id
                if len(evidence.others) == 1 and not evidence.twins and not only.partner and not only.apart
                else None
            )
    return None
