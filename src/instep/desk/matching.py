"""How much records look like each other, for a person who has to say which of them are the same thing.

A score decides nothing: what is matched by itself is matched by keys, exactly (`instep.core.match`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from instep.core.dataflow import Pair, Property
from instep.core.diff import raw_of
from instep.core.model import Both, Side
from instep.core.state import Hold, Sighting
from instep.core.terms import folded, wanted
from instep.core.transformations.contract import Opaque, Unlinked
from instep.core.values import Json, Raw, encode, plain
from instep.desk.search import MOST_WORDS, called
from instep.runner.engine import StoreLookup
from instep.site import Site
from instep.store.contract import Tx

CAUSES: Final = ("ambiguous", "duplicate", "doubt", "person", "required", "unfit", "refused")
"""Of holds whose record has no partner, and may have one that no key has found."""

KEY_WEIGHT: Final = 3
LIKELY: Final = 0.5
MOST: Final = 6


@dataclass(frozen=True, slots=True)
class Score:
    """One property of two records: from 0 (different) to 1 (the same); None if one of them has no value."""

    property: str
    mine: Json
    other: Json
    score: float | None
    why: str
    key: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may be the partner. `sure`: a match key says so; `partner`: what it is linked to already."""

    id: str
    called: tuple[str, ...]
    partner: str
    score: float
    scores: tuple[Score, ...]
    sure: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A held record without a partner, with those that it may belong to, the likeliest first."""

    hold: Hold
    called: tuple[str, ...]
    candidates: tuple[Candidate, ...]


def question(site: Site, tx: Tx, pair: Pair, hold: Hold) -> Question | None:
    """None if the record is linked by now, or is not known."""
    side, id = hold.key.side, hold.key.id
    seen = tx.sighting(side, pair.entity[side], id)
    if seen is None or tx.link_of(pair.name, side, id) is not None:
        return None
    named = called(pair, side, seen.fields)
    told = hold.values.get("candidates") if isinstance(hold.values, dict) else None
    sure = [str(each) for each in told] if isinstance(told, list) else []
    ids = dict.fromkeys([*sure, *_alike(tx, pair, side.other, named)])
    found = [
        candidate
        for other in ids
        if (candidate := _candidate(site, tx, pair, seen, other, sure=other in sure)) is not None
    ]
    found = [each for each in found if each.sure or (each.score >= LIKELY and not each.partner)]
    found.sort(key=lambda each: (not each.sure, -each.score))
    return Question(hold, named, tuple(found[:MOST]))


def _alike(tx: Tx, pair: Pair, side: Side, named: Sequence[str]) -> list[str]:
    """Records of that side that share an address, or all the words of the name."""
    addresses = [text for text in named if "@" in text]
    name = " ".join(text for text in named if "@" not in text)
    found: list[str] = []
    for text in (*addresses, name):
        words = wanted(text)[:MOST_WORDS]
        found += [id for _, _, id in tx.search(words, side=side, entity=pair.entity[side], limit=MOST)]
    return found


def _candidate(site: Site, tx: Tx, pair: Pair, mine: Sighting, id: str, *, sure: bool) -> Candidate | None:
    side = mine.side.other
    other = tx.sighting(side, pair.entity[side], id)
    if other is None or other.deleted:
        return None
    link = tx.link_of(pair.name, side, id)
    keys = {name for key in pair.match for name in key.properties}
    lookup = StoreLookup(site.dataflow, tx)
    seen = Both(mine, other) if mine.side is Side.LEFT else Both(other, mine)
    scores = tuple(
        found
        for prop in pair.properties
        if (found := _score(prop, seen, mine.side, lookup, prop.name in keys)) is not None
    )
    weights = [(KEY_WEIGHT if each.key else 1, each.score) for each in scores if each.score is not None]
    total = sum(weight for weight, _ in weights)
    score = sum(weight * one for weight, one in weights) / total if total else 0.0
    partner = link.ids[mine.side] if link is not None else ""
    return Candidate(id, called(pair, side, other.fields), partner, score, scores, sure)


def _score(prop: Property, seen: Both[Sighting], mine: Side, lookup: StoreLookup, key: bool) -> Score | None:
    raw = Both.of(lambda side: raw_of(prop.parts[side], seen[side].fields))
    if raw.left is None or raw.right is None:
        return None
    canon = Both.of(
        lambda side: prop.transformation.canon(side, prop.transformation.trim(side, raw[side] or ()), lookup)
    )
    shown = raw.map(_shown)
    if canon.left is None and canon.right is None:
        return None
    if canon.left is None or canon.right is None:
        score, why = None, "only one of them has it"
    elif canon.left == canon.right and not isinstance(canon.left, Opaque | Unlinked):
        score, why = 1.0, "the same"
    else:
        score = SequenceMatcher(None, _text(shown.left), _text(shown.right)).ratio()
        why = "nearly the same" if score > 0.8 else "alike" if score > LIKELY else "different"
    return Score(prop.name, shown[mine], shown[mine.other], score, why, key)


def _shown(raw: Raw | None) -> Json:
    found = plain(raw)
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _text(value: Json) -> str:
    return folded(value if isinstance(value, str) else encode(value).decode())


def questions(site: Site, pair: Pair, after: int, limit: int) -> tuple[list[Question], int | None]:
    """The held records of a pair that may have a partner, by number of the hold, and after which number to go on."""

    def look(tx: Tx) -> tuple[list[Question], int | None]:
        holds = [
            hold
            for cause in CAUSES
            for hold in tx.holds(pair=pair.name, cause=cause, property="", after=after, limit=limit)
        ]
        holds = sorted(holds, key=lambda hold: hold.id)[:limit]
        found = [asked for hold in holds if (asked := question(site, tx, pair, hold)) is not None]
        return found, holds[-1].id if len(holds) == limit else None

    return site.store.read(look)
