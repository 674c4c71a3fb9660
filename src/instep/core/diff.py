"""Compare each side of a property with its own past, and say what that means for the two of them together.

The sides are compared with each other only to see that they agree. So a rounding, a truncation or another
loss between the systems never looks like an edit. Which of two edits wins is not decided here (`policy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from instep.core.dataflow import Part, Property
from instep.core.model import Both, Side
from instep.core.transformations.contract import Canon, Lookup, Opaque, Unlinked
from instep.core.values import Absent, Json, Raw, get_path

Kind = Literal["same", "drift", "agreed", "flow", "conflict", "unreadable", "waiting"]
"""same: nothing moved; drift: a side changed within what the transformation sees as equal; agreed: the sides
say the same, the base may move; flow: one side's edit is to be written to the other; conflict: both moved and
disagree; unreadable: the side that moved holds junk; waiting: both refer to something, and at least one of these
is not linked yet."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What became of one property since the base. `to` is set for a flow; `overrules` if that flow undoes an
    edit at the target of a one-way property; `first` if there is no base yet."""

    property: Property
    kind: Kind
    raw: Both[Raw]
    canon: Both[Canon]
    to: Side | None = None
    first: bool = False
    overrules: bool = False


def raw_of(part: Part, fields: Mapping[str, Json]) -> Raw | None:
    """The raw values of one side of a property, context last; None if a mapped field was not offered."""
    values: list[Json] = []
    for path in part.fields:
        value = get_path(fields, path)
        if isinstance(value, Absent):
            return None
        values.append(value)
    for path in part.context:
        value = get_path(fields, path)
        values.append(None if isinstance(value, Absent) else value)
    return tuple(values)


def diff(prop: Property, raw: Both[Raw], base: Both[Raw] | None, lookup: Lookup) -> Delta:
    """Classify one property of a linked pair of records from its two readings and its base."""
    transformation = prop.transformation
    raw = Both.of(lambda side: transformation.trim(side, raw[side]))
    if base is not None and raw == base:
        return Delta(prop, "same", raw, Both(None, None))
    canon = Both.of(lambda side: transformation.canon(side, raw[side], lookup))
    if base is None:
        moved = touched = Both(True, True)
    else:
        before = base
        moved = Both.of(
            lambda side: (
                raw[side] != before[side] and canon[side] != transformation.canon(side, before[side], lookup)
            )
        )
        touched = Both.of(lambda side: raw[side] != before[side])
    first = base is None

    def delta(kind: Kind, to: Side | None = None, overrules: bool = False) -> Delta:
        return Delta(prop, kind, raw, canon, to, first, overrules)

    if not moved.left and not moved.right:
        return delta("drift")
    if canon.left == canon.right and not isinstance(canon.left, Opaque):
        return delta("agreed")
    if prop.flow != "both":
        target = Side.RIGHT if prop.flow == "to-right" else Side.LEFT
        if first and canon[target.other] is None:
            return delta("same")  # at first contact emptiness is no evidence of an edit
        return _readable(delta("flow", target, overrules=moved[target] and not first), target.other)
    if first and (canon.left is None) != (canon.right is None):
        target = Side.LEFT if canon.left is None else Side.RIGHT
        return _readable(delta("flow", target), target.other)
    if moved.left and not touched.right:
        return _readable(delta("flow", Side.RIGHT), Side.LEFT)
    if moved.right and not touched.left:
        return _readable(delta("flow", Side.LEFT), Side.RIGHT)
    if any(isinstance(found, Unlinked) for found in canon):
        return delta("waiting")
    return delta("conflict")


def _readable(found: Delta, source: Side) -> Delta:
    if isinstance(found.canon[source], Opaque):
        return Delta(found.property, "unreadable", found.raw, found.canon, found.to, found.first)
    return found
