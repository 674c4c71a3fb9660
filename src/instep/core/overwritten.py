"""Whether a write replaced an edit that Instep had not seen: told afterwards, by the system's own log of changes.

A system without conditional writes takes a write whatever came before it. Its log has each state that the record
went through; what stood in a field just before our write, and is neither what we had seen there nor what we wrote,
was lost. States are ordered by version, so this needs versions that tell two changes apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from instep.core.dataflow import Pair, Property
from instep.core.diff import raw_of
from instep.core.model import SIDES, Both, Entity, Logged, Side
from instep.core.release import WHOLE
from instep.core.standing import Given, giving, mapped, whole
from instep.core.state import Hold, Key, Sighting
from instep.core.transformations.contract import Lookup
from instep.core.values import Json, Raw, digest, plain

CAUSE = "overwritten"
"""Of the holds, and the operation of the journal's entries, that tell of such a loss."""

Values = Mapping[str, tuple[Raw, Raw]]
"""By property that a write changed: what was seen there before, and what was meant."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a write stands among the versions of its record: after `seen`, which it was decided on, and no later
    than `answered`. `found`: that is not the answer's version but a later reading's, so that others may have come
    after ours and before it."""

    seen: int
    answered: int
    found: bool = False

    def covers(self, version: int | None) -> bool:
        return version is not None and self.seen < version <= self.answered


@dataclass(frozen=True, slots=True)
class Way:
    """How a log may show a write: the states of the record since it was seen for it, oldest first, and the one that
    the write made; None if that is yet to be logged."""

    before: Sequence[Logged]
    ours: Logged | None


@dataclass(frozen=True, slots=True)
class Loss:
    """An edit that a write replaced unseen: its value, what took its place, and how the log tells it."""

    property: Property
    raw: Raw
    by: Raw
    logged: Logged


def around(
    pair: Pair, side: Side, span: Span, written: Values, states: Iterable[Logged], lookup: Lookup
) -> list[Way]:
    """Each way in which the log may show a write, oldest first; none if it does not show that it was applied. There
    are several if the record came to hold what was meant more than once: nothing tells which time was ours."""
    steps = sorted(
        (state for state in states if span.covers(state.record.version)),
        key=lambda state: state.record.version or 0,
    )
    if not span.found:
        ours = [place for place, state in enumerate(steps) if state.record.version == span.answered]
        return [Way(steps[:place], steps[place]) for place in ours] or [Way(steps, None)]
    shown = [_shows(pair, side, written, state, lookup) for state in steps]
    return [
        Way(steps[:place], state)
        for place, state in enumerate(steps)
        if shown[place] and not (place and shown[place - 1])
    ]


def losses(
    pair: Pair,
    entity: Entity,
    side: Side,
    written: Values,
    groups: frozenset[str],
    way: Way,
    lookup: Lookup,
) -> list[Loss]:
    """What a write replaced unseen in one pair. `groups`: those of the fields that it changed; the other fields of
    a group are written along as they were seen, so that an edit of one is taken back by it."""
    found, ours = [], way.ours
    for prop in pair.properties:
        if prop.name in written:
            seen, meant = written[prop.name]
            by = whole(prop, side, meant)
        else:
            along = ours is not None and groups & {_group(entity, path) for path in prop.parts[side].fields}
            told = _told(prop, side, ours) if ours is not None and along else None
            if told is None:
                continue
            seen = by = told
        values = [(state, raw) for state in way.before if (raw := _told(prop, side, state)) is not None]
        if not values:
            continue
        state, raw = values[-1]
        if mapped(prop, side, raw) == mapped(prop, side, seen) or _same(prop, side, raw, by, lookup):
            continue
        found.append(Loss(prop, raw, by, state))
    return found


def groups_of(pair: Pair, entity: Entity, side: Side, names: Iterable[str]) -> frozenset[str]:
    """The groups of the fields that these properties are written to; "", which is none, is not among them."""
    props = (pair.property(name) for name in names)
    paths = (path for prop in props if prop is not None for path in prop.parts[side].fields)
    return frozenset(_group(entity, path) for path in paths) - {""}


def restoring(hold: Hold, prop: Property, seen: Both[Sighting]) -> Given | None:
    """The overwritten value of a hold as the value that both sides are to be set to, at the sight of these
    readings; None if the hold has none, or the readings don't offer the property."""
    lost = _lost(hold)
    return None if lost is None else giving(prop, lost[0], mapped(prop, *lost), seen)


def overwritten_hold(key: Key, loss: Loss, side: Side, raw: Both[Raw], system: str, when: str) -> Hold:
    """`raw`: what both sides hold now. `when`: the moment of the edit in words, "" if the log does not tell."""
    name, who = loss.property.name, loss.logged.record.author or "somebody"
    values: Json = {**{side.value: plain(raw[side]) for side in SIDES}, CAUSE: {side.value: plain(loss.raw)}}
    return Hold(
        key,
        name,
        CAUSE,
        f"{name}: an edit in {system} was overwritten by a write of Instep",
        f"{who} made it{when and f' at {when}'}, after Instep had read the record and before it wrote"
        f" ({loss.logged.id} in the log of {system})",
        "choose: instep holds release ID --choose restore, or --choose leave",
        digest([name, list(raw)]),
        values={name: values},
    )


def beside(holds: Sequence[Hold], before: Sequence[Hold]) -> list[Hold]:
    """The holds of a record from now on, with those of overwritten edits where they speak of the record as a whole,
    and so say nothing of its properties."""
    told = {hold.property for hold in holds if hold.cause == CAUSE}
    kept = [hold for hold in before if hold.cause == CAUSE and hold.property not in told]
    return [*holds, *(kept if any(hold.property == WHOLE for hold in holds) else ())]


def _lost(hold: Hold) -> tuple[Side, Raw] | None:
    told = hold.values.get(hold.property) if isinstance(hold.values, dict) else None
    lost = told.get(CAUSE) if isinstance(told, dict) else None
    if isinstance(lost, dict):
        for side, values in lost.items():
            if isinstance(values, list):
                return Side(side), tuple(values)
    return None


def _told(prop: Property, side: Side, state: Logged) -> Raw | None:
    """The values of a property in a logged state; None if that does not tell them."""
    if state.record.deleted or not (state.paths is None or state.paths >= set(prop.parts[side].fields)):
        return None
    raw = raw_of(prop.parts[side], state.record.fields)
    return None if raw is None else prop.transformation.trim(side, raw)


def _shows(pair: Pair, side: Side, written: Values, state: Logged, lookup: Lookup) -> bool:
    """Whether a state holds all that was meant, of what it tells."""
    told = [
        _same(prop, side, raw, whole(prop, side, written[prop.name][1]), lookup)
        for prop in pair.properties
        if prop.name in written and (raw := _told(prop, side, state)) is not None
    ]
    return bool(told) and all(told)


def _same(prop: Property, side: Side, one: Raw, other: Raw, lookup: Lookup) -> bool:
    canon = prop.transformation.canon
    return canon(side, one, lookup) == canon(side, other, lookup)


def _group(entity: Entity, path: str) -> str:
    field = entity.field(path)
    return "" if field is None else field.group
