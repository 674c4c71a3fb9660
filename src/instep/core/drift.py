"""What an audit can find that nobody knew of: its kinds, and whether two linked records agree.

A kind has a sentence, and says what a repair of it would be. A repair writes to no system: it marks records, and
forgets what the systems have disproved, so that an ordinary run decides on them with all its protections.
To add a kind, add it to `KINDS` and find it in `instep.runner.audit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from instep.core.conditions import unmet
from instep.core.dataflow import Pair, Property
from instep.core.diff import diff, raw_of
from instep.core.model import SIDES, Both, Side
from instep.core.state import Hold, Link, Sighting
from instep.core.transformations.contract import Lookup, Opaque, Unlinked
from instep.core.values import Json, Raw

Repair = Literal["look", "read", "afresh", ""]
"""look: it is decided on again; read: it is read again first; afresh: moreover, its version and what was last
agreed on are forgotten, as at first contact; "": nothing that Instep could do."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`means`: one such finding, as a sentence without its subject. `columns`: what the two values of each
    difference are. `fix`: what mends it, if a repair does not."""

    means: str
    repair: Repair
    leads_to: str
    columns: tuple[str, str] = ("", "")
    fix: str = ""


_KNOWN: Final = ("known", "there")
_SIDES: Final = ("left", "right")

KINDS: Final[Mapping[str, Kind]] = {
    "changed": Kind(
        "differs from what was last read, and no later reading would have brought it",
        "read",
        "it is read again, and its change travels like any other",
        _KNOWN,
    ),
    "older": Kind(
        "is older in its system than it was when it was last read: a backup was restored there",
        "afresh",
        "it is read again and decided on as at first contact, so that an old value does not pass for a new edit",
        _KNOWN,
    ),
    "unseen": Kind(
        "is listed by its system and was never seen",
        "read",
        "it is read, and linked or created like any new record",
    ),
    "gone": Kind(
        "is known, and no longer there",
        "read",
        "its delete is confirmed, and then held or followed as the pair says",
    ),
    "unlisted": Kind(
        "is known, and its system's own list leaves it out",
        "read",
        "it is read again, which shows a delete; a list that leaves out what is there can't be mended from here",
        fix="find out why the system does not list it: edits of it are not seen",
    ),
    "unlinked": Kind(
        "has no partner, and nothing waits to find or make one",
        "look",
        "it is matched, created or held like any new record",
    ),
    "copy": Kind(
        "is by its id or reference the copy of another record, and is not linked to it",
        "look",
        "it is linked to the record that it is the copy of, or held",
    ),
    "dangling": Kind(
        "is linked to a record that is not known, or known to be deleted",
        "read",
        "what is missing is read; if it is gone, that is held or followed as the pair says",
    ),
    "disagree": Kind(
        "does not agree with its partner, though nothing waits and nothing is held",
        "look",
        "it is decided on again, and as at first contact where both sides pass for agreed",
        _SIDES,
    ),
    "alike": Kind(
        "shares its match value with another record of its system: they may be one thing twice",
        "",
        "",
        fix="merge them in their system if they are the same; if they are not, nothing has to be done",
    ),
}
"""Kind -> what it means. In the order in which an audit tells them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field or property that differs: its two values, as the kind's `columns` say."""

    name: str
    values: tuple[Json, Json]


@dataclass(frozen=True, slots=True)
class Drift:
    """One finding. `side` and `id` are of the record that it is about, `others` of records that it is told with
    (a partner's id on the other side; of `alike`, ids of the same side). `based`: properties of which the last
    agreement is not to be believed."""

    kind: str
    pair: str
    side: Side
    id: str
    others: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    based: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A property that two linked records don't agree on. `based`: their last agreement says that they do, so
    that no look at them would ever change anything."""

    property: Property
    raw: Both[Raw]
    based: bool


def disagreeing(pair: Pair, link: Link, seen: Both[Sighting], lookup: Lookup) -> Iterator[Disagreement]:
    """The properties that two linked records don't agree on, by their last readings.

    Unlike a decision this does not trust the base: values that it calls settled are compared, too. One that a
    new record was given since its source had none (`default`) is no disagreement.
    """
    for prop in pair.properties:
        if any(unmet(prop.when[side], seen[side].fields) for side in SIDES):
            continue
        left = raw_of(prop.parts.left, seen.left.fields)
        right = raw_of(prop.parts.right, seen.right.fields)
        if left is None or right is None:
            continue
        base = link.base.get(prop.name)
        delta = diff(prop, Both(left, right), base, lookup)
        if delta.kind not in ("same", "drift", "agreed"):
            yield Disagreement(prop, delta.raw, False)
        elif base is not None and delta.kind != "agreed":
            transformation = prop.transformation
            canon = Both(
                transformation.canon(Side.LEFT, delta.raw.left, lookup),
                transformation.canon(Side.RIGHT, delta.raw.right, lookup),
            )
            if canon.left == canon.right or any(isinstance(found, Opaque) for found in canon):
                continue
            if all(isinstance(found, Unlinked) for found in canon):
                continue  # they agreed when both were linked, and there is no link to compare them by any more
            if not any(canon[s.other] is None and delta.raw[s][0] == prop.default[s] for s in SIDES):
                yield Disagreement(prop, delta.raw, True)


def is_held(prop: Property, holds: Sequence[Hold]) -> bool:
    """Whether one of a record's holds is about this property, its group, or the whole."""
    return any(hold.property in ("", prop.name, prop.group) for hold in holds)
