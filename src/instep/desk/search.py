"""Records that a person looks for: by id, name or address, on either side. No record is read that is not found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from instep.core.dataflow import Pair
from instep.core.model import SIDES, Side
from instep.core.state import Key
from instep.core.terms import wanted
from instep.core.values import Json, get_path
from instep.site import Site
from instep.store.contract import Tx

MOST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A record, as one pair knows it. `called`: a few of its values, to know it by; `held`: how many holds it has."""

    pair: str
    side: Side
    id: str
    called: tuple[str, ...]
    partner: str = ""
    deleted: bool = False
    held: int = 0


def search(
    site: Site, query: str, *, pair: str = "", side: Side | None = None, limit: int = 50
) -> list[Found]:
    """Records that have all the words of the query, up to three of them, at the beginning of some word of theirs."""
    words = wanted(query)[:MOST_WORDS]
    chosen = [each for each in site.dataflow.pairs if pair in ("", each.name)]

    def look(tx: Tx) -> list[Found]:
        if not words:
            return []
        kinds = {(s, each.entity[s]) for each in chosen for s in SIDES if side in (None, s)}
        only = next(iter(kinds))[1] if len({kind for _, kind in kinds}) == 1 else ""
        places = tx.search(words, side=side, entity=only, limit=limit)
        return [
            _found(tx, each, where, id)
            for where, entity, id in places
            for each in chosen
            if each.entity[where] == entity
        ][:limit]

    return site.store.read(look)


def _found(tx: Tx, pair: Pair, side: Side, id: str) -> Found:
    seen = tx.sighting(side, pair.entity[side], id)
    link = tx.link_of(pair.name, side, id)
    key = Key(pair.name, Side.LEFT, link.ids.left) if link is not None else Key(pair.name, side, id)
    return Found(
        pair.name,
        side,
        id,
        called(pair, side, seen.fields if seen is not None else {}),
        link.ids[side.other] if link is not None else "",
        seen is not None and seen.deleted,
        len(tx.holds_of(key)),
    )


def called(pair: Pair, side: Side, fields: Mapping[str, Json], most: int = 3) -> tuple[str, ...]:
    """The first few texts of a record in the order of its pair's properties: what people know it by."""
    told: list[str] = []
    for prop in pair.properties:
        for path in prop.parts[side].fields:
            value = get_path(fields, path)
            if isinstance(value, str) and value and value not in told:
                told.append(value)
            if len(told) == most:
                return tuple(told)
    return tuple(told)
