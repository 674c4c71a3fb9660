"""Erase what the store holds of one person's record, as far as it can do without.

The journal can do without all values: its seals stay. What keeps living records in step can't: the last readings,
what was last agreed, and what waits for a person. They hold what the systems hold themselves, and go when the
record is gone there. Not for the systems: what one of them still gives is read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from instep.core.dataflow import Pair
from instep.core.match import is_apart
from instep.core.model import SIDES, Both, Side
from instep.core.state import Key, Link
from instep.errors import UsageError
from instep.runner.brakes import forget_record
from instep.runner.engine import Engine
from instep.store.contract import Entry, Tx
from instep.store.verify import FORGET

PAGE = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A record of one side, as one pair knows it."""

    pair: Pair
    side: Side
    id: str

    @property
    def entity(self) -> tuple[Side, str]:
        return self.side, self.pair.entity[self.side]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is erased, or would be. `entries`: of the journal; `readings`, `agreed`: last readings, and links whose
    last agreement goes; `waiting`: holds and choices that go. `kept`: records (side, entity, id) of which what is
    needed to go on stays."""

    places: tuple[Place, ...]
    entries: int
    readings: int
    agreed: int
    waiting: int
    kept: tuple[tuple[Side, str, str], ...]


def places_of(engine: Engine, tx: Tx, pair: Pair, side: Side, id: str, *, only: bool = False) -> list[Place]:
    """The record in every pair that has its entity, and with it the records that it is linked with (and those
    of these, and so on), unless `only` it is meant."""
    found: dict[tuple[str, Side, str], Place] = {}
    to_see = [(side, pair.entity[side], id)]
    while to_see:
        where, entity, each = to_see.pop()
        for its in engine.dataflow.of_entity(where, entity):
            name = (its.name, where, each)
            if name in found:
                continue
            found[name] = Place(its, where, each)
            link = tx.link_of(its.name, where, each)
            if link is not None and not only:
                to_see.append((where.other, its.entity[where.other], link.ids[where.other]))
    return list(found.values())


def to_forget(tx: Tx, places: list[Place]) -> Forgotten:
    """What `forget` would erase. Raises UsageError while a write to one of the records is in doubt."""
    for place in places:
        keys = [Key(place.pair.name, place.side, place.id), *_link_keys(tx, place)]
        if any(tx.intents_of(key) for key in keys) or tx.intent_to(place.pair.name, place.side, place.id):
            raise UsageError(
                f"{place.id} can't be forgotten now",
                why="a write of it is on its way, and its values are needed to find out what came of it",
                fix="let it come to its end first: instep sync",
            )
    entries = {seq for place in places for seq in _entries(tx, place)}
    over = [place for place in places if _over(tx, place)]
    readings = {(*place.entity, place.id) for place in over if _reading(tx, place)}
    agreed = {link.id for place in places if (link := _at_rest(tx, place)) is not None and link.base}
    waiting = sum(_waiting(tx, key) for key in {key for place in over for key in _keys(tx, place)})
    kept = dict.fromkeys((*p.entity, p.id) for p in places if p not in over and tx.sighting(*p.entity, p.id))
    return Forgotten(tuple(places), len(entries), len(readings), len(agreed), waiting, tuple(kept))


def forget(engine: Engine, tx: Tx, places: list[Place]) -> Forgotten:
    """Erase it, and say so in the journal, without values. The bytes go with `Store.scrub`."""
    found = to_forget(tx, places)
    over = [place for place in places if _over(tx, place)]
    keys = {key for place in over for key in _keys(tx, place)}
    for place in places:
        tx.forget_values(place.pair.name, place.side, place.id)
    for place in over:
        seen = tx.sighting(*place.entity, place.id)
        if seen is not None and seen.fields:
            tx.save_sightings([replace(seen, fields={}, digest="", edits={}, author=None)])
        tx.save_matches(place.pair.name, place.side, place.id, {})
        forget_record(tx, place.pair.name, place.side, place.id, _keys(tx, place))
    for place in places:
        link = _at_rest(tx, place)
        if link is not None and link.base:
            tx.save_link(replace(link, base={}))
    for key in sorted(keys, key=lambda key: (key.pair, key.side, key.id)):
        tx.replace_holds(key, [])
        chosen = [release for release in tx.releases_of(key) if release.value]
        tx.drop_releases(key, [release.property for release in chosen])
        for release in chosen:
            if is_apart([release]):
                tx.save_release(replace(release, value=None))
        tx.mark([key], reason="its values were forgotten")
    tx.append(_entries_of_it(engine, tx, places))
    return found


def _entries_of_it(engine: Engine, tx: Tx, places: list[Place]) -> Iterator[Entry]:
    """One per pair and link, or per record that has none there."""
    told: set[tuple[str, str, str]] = set()
    named = {(place.pair.name, place.side, place.id) for place in places}
    for place in places:
        link = tx.link_of(place.pair.name, place.side, place.id)
        partner = ""
        if link is not None and (place.pair.name, place.side.other, link.ids[place.side.other]) in named:
            partner = link.ids[place.side.other]
        ids = (place.id, partner) if place.side is Side.LEFT else (partner, place.id)
        if (place.pair.name, *ids) in told:
            continue
        told.add((place.pair.name, *ids))
        yield Entry(
            engine.now_ms(),
            0,
            place.pair.name,
            FORGET,
            "done",
            place.side,
            place.id,
            partner,
            link.id if link is not None else 0,
            "on request",
        )


def _entries(tx: Tx, place: Place) -> Iterator[int]:
    """Numbers of the entries that name the record and have values or a reason left."""
    before: int | None = None
    while True:
        page = tx.journal(
            pair=place.pair.name, side=place.side, record_id=place.id, before=before, limit=PAGE
        )
        yield from (entry.seq for entry in page if not entry.forgotten and entry.operation != FORGET)
        if len(page) < PAGE:
            return
        before = page[-1].seq


def _over(tx: Tx, place: Place) -> bool:
    """Whether nothing goes on with the record: it is gone, and no living one is linked with it in any way."""
    seen = tx.sighting(*place.entity, place.id)
    if seen is not None and not seen.deleted:
        return False
    return tx.link_of(place.pair.name, place.side, place.id) is None or _at_rest(tx, place) is not None


def _at_rest(tx: Tx, place: Place) -> Link | None:
    """Its link in that pair, if nothing is kept in step by it any more."""
    link = tx.link_of(place.pair.name, place.side, place.id)
    if link is None or link.state == "retired":
        return link
    seen = Both.of(lambda side: tx.sighting(side, place.pair.entity[side], link.ids[side]))
    return link if all(one is None or one.deleted for one in seen) else None


def _reading(tx: Tx, place: Place) -> bool:
    seen = tx.sighting(*place.entity, place.id)
    return seen is not None and bool(seen.fields)


def _link_keys(tx: Tx, place: Place) -> list[Key]:
    link = tx.link_of(place.pair.name, place.side, place.id)
    return [] if link is None else [Key(place.pair.name, side, link.ids[side]) for side in SIDES]


def _keys(tx: Tx, place: Place) -> list[Key]:
    return list(dict.fromkeys([Key(place.pair.name, place.side, place.id), *_link_keys(tx, place)]))


def _waiting(tx: Tx, key: Key) -> int:
    chosen = [release for release in tx.releases_of(key) if release.value and not is_apart([release])]
    return len(tx.holds_of(key)) + len(chosen)
