"""Whether a record and its partner hold what a property of the stated dataflow says, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from instep.core.dataflow import Property
from instep.core.diff import raw_of
from instep.core.model import Record, Side
from instep.core.state import Hold
from instep.core.transformations.contract import Lookup, Opaque
from instep.core.values import Absent, Raw


@dataclass(frozen=True, slots=True)
class Shown:
    """What was to be found and what was, in words; `well` if they are the same."""

    well: bool
    expected: str
    found: str


def agrees(prop: Property, side: Side, source: Raw, partner: Record, lookup: Lookup) -> Shown:
    """Compare what one side was given (with what is read along) with what the other side has."""
    other = side.other
    raw = raw_of(prop.parts[other], partner.fields)
    canon = prop.transformation.canon(side, source, lookup)
    mapped = len(prop.parts[other].fields)
    meant = prop.transformation.put(other, canon, raw or (None,) * mapped, lookup)
    expected = words(meant) if isinstance(meant, tuple) else words(source)
    if raw is None:
        return Shown(False, expected, "the field is not offered")
    held = prop.transformation.canon(other, raw, lookup)
    return Shown(held == canon and not isinstance(held, Opaque), expected, words(raw[:mapped]))


def unchanged(prop: Property, side: Side, wanted: Raw, record: Record) -> Shown:
    """Compare what a side was given with what it has now."""
    raw = raw_of(prop.parts[side], record.fields)
    mapped = len(prop.parts[side].fields)
    found = "the field is not offered" if raw is None else words(raw[:mapped])
    return Shown(raw is not None and raw[:mapped] == wanted[:mapped], words(wanted[:mapped]), found)


def about(holds: Sequence[Hold], prop: str, group: str = "") -> str:
    """The holds of a record that stand in the way of a property, or of its group, in words; "" if none does."""
    return "; ".join(
        f"held: {hold.what}" + (f" ({hold.why})" if hold.why else "")
        for hold in holds
        if hold.property in ("", prop) or (group and hold.property == group)
    )


def words(raw: Raw) -> str:
    return ", ".join(_word(value) for value in raw)


def _word(value: object) -> str:
    if value is None or isinstance(value, Absent):
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"
