"""Which record a person means: a pair and an id, and a side where the id is in use on both."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from instep.core.dataflow import Pair
from instep.core.model import SIDES, Side
from instep.desk import words
from instep.errors import NotThere, UsageError
from instep.site import Site
from instep.store.contract import Tx

_EVERY_LISTING = 1 << 62
_NEAR = 5

READ: Final = "what is new is known once it is read: instep plan, or sync"
"""What mends that a record is not known which is there."""


def pair_of(site: Site, name: str) -> Pair:
    """Raises NotThere with the names that there are."""
    pair = site.dataflow.pair(name)
    if pair is None:
        names = [pair.name for pair in site.dataflow.pairs]
        near = get_close_matches(name, names, 1)
        raise NotThere(
            f"there is no pair {name}",
            why=f"the dataflow has {', '.join(names)}",
            fix=f"did you mean {near[0]}?" if near else "",
        )
    return pair


def side_of(site: Site, tx: Tx, pair: Pair, id: str, side: str | None) -> Side:
    """The side on which the id is known: as a reading, or as part of a link.

    Raises NotThere if it is known on neither (with similar ids), UsageError if on both as two different things.
    """
    wanted = [Side(side)] if side else list(SIDES)
    known = [
        s
        for s in wanted
        if tx.sighting(s, pair.entity[s], id) is not None or tx.link_of(pair.name, s, id) is not None
    ]
    if not known:
        places = " or ".join(f"{pair.entity[s]} of {site.systems[s]}" for s in wanted)
        similar = [f"{near} ({site.systems[s]})" for s in wanted for near in near_ids(tx, pair, s, id)]
        raise NotThere(
            f"no {places} has the id {id}",
            why="it was never seen: either there is none, or it was made after the last reading",
            fix=(f"did you mean {' or '.join(similar[:_NEAR])}? " if similar else "") + READ,
        )
    if len(known) == 2:
        links = [tx.link_of(pair.name, s, id) for s in known]
        if links[0] is None or links[1] is None or links[0].id != links[1].id:
            raise UsageError(
                f"two records have the id {id}",
                why=" and ".join(words.record(pair, site.systems, s, id) for s in known),
                fix="say which one: --side left, or --side right",
            )
    return known[0]


def near_ids(tx: Tx, pair: Pair, side: Side, id: str) -> list[str]:
    """Some known ids that begin in the same way, or are spelled alike."""
    entity = pair.entity[side]
    found: dict[str, None] = {}
    for length in range(len(id), 1, -1):
        # Ids in order, from just before the prefix on.
        page = tx.unlisted(side, entity, _EVERY_LISTING, id[:length], _NEAR)
        found |= dict.fromkeys(near for near in page if near.startswith(id[:length]))
        if found:
            break
    sample = tx.sample_ids(side, entity, "", 1000)
    lowered = {other.lower(): other for other in sample}
    found |= dict.fromkeys(
        lowered[near] for near in get_close_matches(id.lower(), list(lowered), _NEAR, cutoff=0.75)
    )
    return list(found)[:_NEAR]
