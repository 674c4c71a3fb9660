"""Which holds a person means, and how a hold and its choices are put into commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import click

from instep.core.model import SIDES
from instep.core.state import Hold, Link, Release
from instep.errors import UsageError
from instep.site import Site
from instep.store.contract import Tx

PAGE: Final = 500
HOLD: Final = click.IntRange(1, 2**63 - 1)
"""The number of a hold; a larger one is in no store."""


@dataclass(frozen=True)
class Which:
    """Which holds are meant; "" for any."""

    pair: str = ""
    cause: str = ""
    property: str = ""


def holds_of(site: Site, which: Which) -> Iterator[tuple[Hold, Link | None]]:
    after = 0
    while page := site.store.read(partial(_page, which=which, after=after)):
        yield from (found for found in page if which.property in ("", found[0].property))
        after = page[-1][0].id


def _page(tx: Tx, *, which: Which, after: int) -> list[tuple[Hold, Link | None]]:
    holds = tx.holds(pair=which.pair, cause=which.cause, after=after, limit=PAGE)
    return [(hold, _link(tx, hold)) for hold in holds]


def _link(tx: Tx, hold: Hold) -> Link | None:
    return tx.link_of(hold.key.pair, hold.key.side, hold.key.id)


def fix_of(hold: Hold) -> str:
    """What a person can do, with the number of the hold put into the commands."""
    return hold.fix.replace("release ID", f"release {hold.id}")


def as_option(choice: str) -> str:
    given = {"link": "--link OTHER_ID", "value": "--value VALUE"}
    return given.get(choice) or (f"--take {choice}" if choice in SIDES else f"--choose {choice}")


def one_hold(tx: Tx, number: int) -> tuple[Hold, Link | None, list[Release]]:
    hold = tx.hold(number)
    if hold is None:
        raise UsageError(
            f"there is no hold {number}",
            why="it was released, or what it was about has changed since",
            fix="see what is held now: instep holds list",
        )
    return hold, _link(tx, hold), tx.releases_of(hold.key)
