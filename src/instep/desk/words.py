"""How values, moments and records are put into a line. Decides nothing, prints nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from instep.core import phrases
from instep.core.dataflow import Pair
from instep.core.model import SIDES, Both, Side
from instep.core.phrases import counted as counted
from instep.core.state import Link
from instep.core.values import Absent, Json, Raw, encode, plain

MOST_TEXT: Final = 60
_REASONS: Final = {
    "identity": "it bears the id that its partner was to have",
    "by hand": "a person linked them",
}


def value(given: Json | Absent) -> str:
    """One value: a text in quotes, shortened; "(empty)" for none."""
    if given is None or isinstance(given, Absent):
        return "(empty)"
    shown = json.dumps(given, ensure_ascii=False) if isinstance(given, str) else encode(given).decode()
    return shown if len(shown) <= MOST_TEXT else f"{shown[: MOST_TEXT - 1]}…"


def values(given: Raw | Json) -> str:
    """What a property holds on one side: its values, those of further fields after a comma.

    Takes raw values, or what `instep.core.values.plain` made of them.
    """
    if isinstance(given, tuple):
        given = plain(given)
    if not isinstance(given, list):
        return value(given)
    if all(one is None for one in given):
        return value(None)
    return ", ".join(value(one) for one in given)


def moment(ms: int | None) -> str:
    """A time of our clock, UTC, to the second."""
    return phrases.moment(ms) if ms else "never"


def ids(of: Both[str]) -> str:
    """How two linked records are named in one line, left first."""
    return " = ".join(of[side] or "(none)" for side in SIDES)


def few(names: Sequence[str], most: int = 3) -> str:
    """The first names of a list, with how many there are besides."""
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")


def record(pair: Pair, systems: Both[str], side: Side, id: str) -> str:
    """ "customer acme-42 in Chargebee" """
    return f"{pair.entity[side]} {id} in {systems[side]}"


def reason(given: str, systems: Mapping[str, str] | Both[str]) -> str:
    """Why something was written or linked, as people say it; the journal and links keep it with sides and keys."""
    if given in _REASONS:
        return _REASONS[given]
    head, _, about = given.partition(" ")
    if head == "created" and about in SIDES:
        return f"made in {systems[Side(about)]} to be its partner"
    if head == "match" and about:
        return f"the same {about}"
    head, chose, choice = given.rpartition(" chose ")
    return f"{head}{chose}{systems[Side(choice)]}" if chose and choice in SIDES else given


def link_json(link: Link) -> dict[str, Json]:
    """A link without its base, for JSON output."""
    return {
        "id": link.id,
        "pair": link.pair,
        "left": link.ids.left,
        "right": link.ids.right,
        "state": link.state,
        "made_by": link.made_by,
        "made_ms": link.made_ms,
    }
