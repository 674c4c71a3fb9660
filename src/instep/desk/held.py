"""Which holds a person means, and how a hold and its choices are put into commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from instep.core.brakes import KINDS, kind_of
from instep.core.model import SIDES
from instep.core.release import CAUSES, WHOLE, choices
from instep.core.state import Hold, Link, Release
from instep.core.values import Json
from instep.dataflow.spelling import did_you_mean
from instep.desk.records import pair_of
from instep.errors import NotThere, UsageError
from instep.runner.brakes import CAUSE, RELEASED
from instep.site import Site
from instep.store.contract import HoldKind, Tx

PAGE: Final = 500
TOGETHER: Final = ("left", "right", "restore", "retry", "leave")
"""Choices that may be offered for many holds at once: none of these makes or forgets a record."""


@dataclass(frozen=True)
class Which:
    """Which holds are meant; "" and None for any."""

    pair: str = ""
    cause: str = ""
    property: str | None = None


def check_which(site: Site, which: Which) -> None:
    """Raises UsageError for a pair, a cause or a property that there is none of, so that no slip of the pen passes
    for "nothing is held"."""
    pairs = [pair_of(site, which.pair)] if which.pair else site.dataflow.pairs
    if which.cause and which.cause not in CAUSES:
        raise UsageError(
            f"nothing is ever held for the cause {which.cause}", fix=did_you_mean(which.cause, CAUSES)
        )
    if not which.property or kind_of(which.property) in KINDS:
        return
    known = {name for pair in pairs for prop in pair.properties for name in (prop.name, prop.group) if name}
    if which.property not in known and not site.store.read(lambda tx: page_of(tx, which, 0, 1)):
        has = f"{which.pair} has no" if which.pair else "no pair has a"
        raise UsageError(f"{has} property {which.property}", fix=did_you_mean(which.property, known))


def holds_of(site: Site, which: Which) -> Iterator[tuple[Hold, Link | None]]:
    """All of them, by number."""
    after = 0
    while page := site.store.read(partial(page_of, which=which, after=after, limit=PAGE)):
        yield from page
        after = page[-1][0].id


def page_of(tx: Tx, which: Which, after: int, limit: int) -> list[tuple[Hold, Link | None]]:
    """Those with a number above `after`, each with the link of its record."""
    holds = tx.holds(pair=which.pair, cause=which.cause, property=which.property, after=after, limit=limit)
    return [(hold, _link(tx, hold)) for hold in holds]


def held_kinds(site: Site) -> list[tuple[HoldKind, tuple[Hold, Link | None]]]:
    """What kinds of holds there are, each with its first: brakes first, then by how many records wait."""

    def look(tx: Tx) -> list[tuple[HoldKind, tuple[Hold, Link | None]]]:
        firsts = [(kind, tx.hold(kind.first)) for kind in tx.kinds_of_holds()]
        return [(kind, (hold, _link(tx, hold))) for kind, hold in firsts if hold is not None]

    return sorted(
        site.store.read(look), key=lambda each: (each[0].cause != CAUSE, -records_of(each[0], each[1][0]))
    )


def records_of(kind: HoldKind, first: Hold) -> int:
    """How many records wait: those that a brake has stopped, else as many as there are holds."""
    stopped = first.values.get("count") if kind.cause == CAUSE and isinstance(first.values, dict) else None
    return stopped if isinstance(stopped, int) else kind.count


def _link(tx: Tx, hold: Hold) -> Link | None:
    return tx.link_of(hold.key.pair, hold.key.side, hold.key.id)


def values_of(hold: Hold) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """What both sides hold, by property, where a hold is about that."""
    for name, sides in hold.values.items() if isinstance(hold.values, dict) else ():
        if isinstance(sides, dict) and set(sides) >= {side.value for side in SIDES}:
            yield name, sides


def fix_of(hold: Hold) -> str:
    """What a person can do, with the number of the hold put into the commands."""
    return hold.fix.replace("release ID", f"release {hold.id}")


def offered(site: Site, tx: Tx, hold: Hold, link: Link | None) -> tuple[str, ...]:
    """What can be chosen for a hold, the likeliest first: of its `choices` those that its pair and the systems
    allow. A group of properties takes no single value, and not every system can put a record out of use."""
    found, pair = choices(hold, linked=link is not None), site.dataflow.pair(hold.key.pair)
    if pair is None or link is None:
        return found
    without = set()
    if pair.property(hold.property) is None and any(
        p.group == hold.property != WHOLE for p in pair.properties
    ):
        without |= {"value", "restore"}
    if "retire" in found:
        seen = {side: tx.sighting(side, pair.entity[side], link.ids[side]) for side in SIDES}
        left = [side for side in SIDES if (reading := seen[side]) is not None and not reading.deleted]
        if len(left) != 1 or not site.engine().entity(pair, left[0]).abilities.retire:
            without.add("retire")
    return tuple(choice for choice in found if choice not in without)


def as_option(choice: str) -> str:
    given = {"link": "--link OTHER_ID", "value": "--value VALUE"}
    return given.get(choice) or (f"--take {choice}" if choice in SIDES else f"--choose {choice}")


def one_hold(tx: Tx, number: int) -> tuple[Hold, Link | None, list[Release]]:
    hold = tx.hold(number)
    if hold is None:
        raise NotThere(
            f"there is no hold {number}",
            why="it was released, or what it was about has changed since",
            fix="see what is held now: instep holds list",
        )
    return hold, _link(tx, hold), chosen_for(tx, hold)


def chosen_for(tx: Tx, hold: Hold) -> list[Release]:
    """What a person has chosen for a hold, and no run has applied yet."""
    about = (hold.property, WHOLE)
    return [r for r in tx.releases_of(hold.key) if r.property in about and r.choice != RELEASED]
