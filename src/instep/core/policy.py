"""Who wins a conflict. A policy is a named, deterministic function that names a side or declines to.

To add one, add a function to `POLICIES` with a sentence; the reference page and the law of determinism pick
it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from instep.core.diff import Delta
from instep.core.model import Both, Side
from instep.core.state import Sighting


@dataclass(frozen=True, slots=True)
class Clock:
    """How a system's clock relates to ours: `skew_ms` is its time minus ours, known to within `error_ms`;
    `resolution_ms` is that of its record times."""

    skew_ms: int = 0
    error_ms: int = 0
    resolution_ms: int = 1


@dataclass(frozen=True, slots=True)
class EditTime:
    """Between which two moments of our clock a value was last edited, errors included; None is "long ago"."""

    earliest_ms: int | None
    latest_ms: int | None


def edit_time(paths: Iterable[str], seen: Sighting, clock: Clock) -> EditTime:
    """The time of the last edit of any of these fields, from what sightings told of it.

    Without a history of the field it lies between the record's creation and its last change.
    """
    earliest: int | None = None
    latest: int | None = None
    for path in paths:
        low, high = seen.edits.get(path, (seen.created_ms, seen.updated_ms))
        if low is not None:
            earliest = low if earliest is None else max(earliest, low)
        if high is None:
            return EditTime(None, None)
        latest = high if latest is None else max(latest, high)
    if latest is None:
        return EditTime(None, None)
    return EditTime(
        None if earliest is None else earliest - clock.skew_ms - clock.error_ms,
        latest - clock.skew_ms + clock.error_ms + clock.resolution_ms,
    )


def later(times: Both[EditTime]) -> Side | None:
    """The side whose edit is provably the later one: its earliest moment is after the other's latest."""
    for side in (Side.LEFT, Side.RIGHT):
        mine, other = times[side].earliest_ms, times[side.other].latest_ms
        if mine is not None and other is not None and mine > other:
            return side
    return None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Properties that are decided as one (a group, or a single one), and when each side edited them."""

    deltas: tuple[Delta, ...]
    times: Both[EditTime]


@dataclass(frozen=True, slots=True)
class Policy:
    """`decide` names the winner or None to hold; `sentence` says so in the reference; `why` in a journal."""

    decide: Callable[[Conflict], Side | None]
    sentence: str
    why: str


POLICIES: dict[str, Policy] = {
    "newest": Policy(
        lambda conflict: later(conflict.times),
        "The later edit wins, if the order of the two edits is provable: both times are known and further "
        "apart than the clocks' skew and resolution. Otherwise the conflict is held.",
        "the later edit wins",
    ),
    "hold": Policy(
        lambda _: None,
        "Nobody wins: the conflict is held until a person chooses. Nothing is written.",
        "a person decides",
    ),
    "left": Policy(lambda _: Side.LEFT, "The left side wins.", "left wins"),
    "right": Policy(lambda _: Side.RIGHT, "The right side wins.", "right wins"),
}
