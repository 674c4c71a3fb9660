"""What a write may carry: who can write a field, what a put starts from, and the fields of a new record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from instep.core.conditions import unmet
from instep.core.dataflow import Property
from instep.core.diff import raw_of
from instep.core.identity import is_id
from instep.core.model import Both, Entity, Field, Side
from instep.core.state import Sighting
from instep.core.transformations.contract import Opaque, Unfit, Unlinked
from instep.core.values import Absent, Json, Raw, digest, get_path, is_empty, set_path
from instep.core.verdict import Change, Scene


def unwritable(
    scene: Scene, prop: Property, side: Side, operation: Literal["create", "update"]
) -> str | None:
    """Why an operation can't write a property to a side; None if it can."""
    entity = scene.entities[side]
    able = entity.abilities.update if operation == "update" else entity.abilities.create
    if not able:
        return entity.abilities.reasons.get(operation, f"{entity.name} records can't be {operation}d by API")
    for path in prop.parts[side].fields:
        found: Field | None = entity.field(path)
        if operation == "create" and is_chosen(entity, path):
            continue
        if found is not None and not (found.update if operation == "update" else found.create):
            return found.reason or f"the field {path} of {entity.name} can't be changed by API"
    return None


class ByHand(Unfit):
    """A value that a person alone sets in that system; a record with it is not made without it."""


def by_hand(entity: Entity, written: Mapping[str, Json | Absent]) -> str | None:
    """Why one of these values, by path, is for a person to set; None if calls may write all of them."""
    for path, value in written.items():
        found = entity.field(path)
        if found is not None and value in found.by_hand:
            return found.reason or f'"{value}" can\'t be written to {path} of {entity.name} by API'
    return None


def old_raw(prop: Property, side: Side, fields: Mapping[str, Json], meant: Mapping[str, Json]) -> Raw:
    """The raw values that a put starts from: the record's own, overlaid with what is about to be written."""
    part = prop.parts[side]
    values = [get_path(fields, path) for path in part.fields]
    values += [meant.get(path, get_path(fields, path)) for path in part.context]
    return tuple(values)


def create_payload(
    scene: Scene, side: Side, source: Sighting
) -> tuple[dict[str, Json], list[Change], list[tuple[Property, str, Unfit | Opaque]]]:
    """The nested fields that a new record on `side` is to have, the changes that they stand for, and the
    properties that can't be written (yet), each with its source raw digest."""
    pair, entity = scene.pair, scene.entities[side]
    payload: dict[str, Json] = {}
    meant: dict[str, Json] = {}
    changes: list[Change] = []
    unfit: list[tuple[Property, str, Unfit | Opaque]] = []
    for path, value in pair.constants[side].items():
        set_path(payload, path, value)
        meant[path] = value
    for prop in sorted(pair.properties, key=lambda p: bool(p.parts[side].context)):
        if not prop.may_flow(side) or unwritable(scene, prop, side, "create") is not None:
            continue
        if unmet(prop.when[side.other], source.fields) is not None:
            continue
        raw = raw_of(prop.parts[side.other], source.fields)
        if raw is None:
            continue
        raw = prop.transformation.trim(side.other, raw)
        canon = prop.transformation.canon(side.other, raw, scene.lookup)
        about = digest([prop.name, list(raw)])
        if isinstance(canon, Opaque):
            unfit.append((prop, about, canon))
            continue
        new: Raw | Unfit
        if canon is None:
            if prop.default[side] is None:
                if is_required(prop, side, source.fields) or _required(entity, prop, side):
                    unfit.append((prop, about, Unfit(f"{prop.name} is empty and a new record needs it")))
                continue
            new = (prop.default[side],)
        else:
            new = prop.transformation.put(side, canon, old_raw(prop, side, {}, meant), scene.lookup)
        if isinstance(new, Unfit):
            if scene.planning and new.waits_for is not None and new.waits_for.planned:
                new = (f"(the link of {new.waits_for.entity} {new.waits_for.id}, made in this run)",)
            else:
                unfit.append((prop, about, new))
                continue
        blocked = by_hand(entity, dict(zip(prop.parts[side].fields, new, strict=False)))
        if blocked is not None:
            unfit.append((prop, about, ByHand(blocked)))
            continue
        for path, given in zip(prop.parts[side].fields, new, strict=False):
            if is_chosen(entity, path) and not is_id(given, entity.abilities.max_id_length):
                unfit.append((prop, about, _no_id(given, entity, scene.systems[side])))
                continue
            if not isinstance(given, Absent) and not is_empty(given):
                set_path(payload, path, given)
                meant[path] = given
        changes.append(Change(prop.name, None, new, raw, "new record"))
    return payload, changes, unfit


def preset(
    scene: Scene, side: Side, source: Mapping[str, Json], made: Mapping[str, Json]
) -> dict[str, Both[Raw]]:
    """Bases of what a create on `side` could not carry and the system has filled in itself, from the fields of the
    record that it was made for and of the one that was made.

    Nobody has edited such a value: it counts as what both sides held, so that the source's own follows as an edit."""
    bases: dict[str, Both[Raw]] = {}
    for prop in scene.pair.properties:
        if not prop.may_flow(side) or unwritable(scene, prop, side, "create") is None:
            continue
        if unwritable(scene, prop, side, "update") is not None or unmet(prop.when[side.other], source):
            continue
        base = _as_if_shared(scene, prop, side, made, source)
        if base is not None:
            bases[prop.name] = base
    return bases


def retirement(
    scene: Scene, side: Side, retired: Mapping[str, Json], other: Mapping[str, Json]
) -> dict[str, Both[Raw]]:
    """Bases of what a record of `side` says by being out of use, since we have taken it out of use; `other` are its
    partner's fields.

    Nobody has edited that: it counts as what both sides held, so that it never flows, and the partner's own does if
    the two go on together."""
    field = scene.entities[side].retired
    bases: dict[str, Both[Raw]] = {}
    for prop in scene.pair.properties:
        if field is not None and field[0] in prop.parts[side].fields:
            base = _as_if_shared(scene, prop, side, retired, other)
            if base is not None:
                bases[prop.name] = base
    return bases


def _as_if_shared(
    scene: Scene, prop: Property, side: Side, fields: Mapping[str, Json], others: Mapping[str, Json]
) -> Both[Raw] | None:
    """The base of a property whose value on `side` nobody has edited, as if both sides had held it; None if they do,
    or if the other one can't."""
    here, there = raw_of(prop.parts[side], fields), raw_of(prop.parts[side.other], others)
    if here is None or there is None:
        return None
    here, there = prop.transformation.trim(side, here), prop.transformation.trim(side.other, there)
    canons = (
        prop.transformation.canon(side, here, scene.lookup),
        prop.transformation.canon(side.other, there, scene.lookup),
    )
    if canons[0] == canons[1] or any(c is None or isinstance(c, Opaque | Unlinked) for c in canons):
        return None
    before = prop.transformation.put(side.other, canons[0], there, scene.lookup)
    if isinstance(before, Unfit):
        return None
    before += there[len(before) :]
    return Both(here, before) if side is Side.LEFT else Both(before, here)


def following(scene: Scene, side: Side, source: Sighting) -> tuple[str, ...]:
    """One property per call that has to follow a create, for what only updates can write.

    That a record is in use follows by no call: a new one is."""
    calls: dict[str, str] = {}
    for prop in scene.pair.properties:
        first = scene.entities[side].field(prop.parts[side].fields[0])
        raw = raw_of(prop.parts[side.other], source.fields)
        if first is None or first.create or not first.update or not prop.may_flow(side) or raw is None:
            continue
        if unmet(prop.when[side.other], source.fields) is not None:
            continue
        canon = prop.transformation.canon(side.other, raw, scene.lookup)
        if canon is None or isinstance(canon, Opaque):
            continue
        retired = scene.entities[side].retired
        if retired is not None and first.path == retired[0]:
            new = prop.transformation.put(side, canon, old_raw(prop, side, {}, {}), scene.lookup)
            if not isinstance(new, Unfit) and new[0] != retired[1]:
                continue
        calls.setdefault(first.group, prop.name)
    return tuple(calls.values())


def is_required(prop: Property, side: Side, source: Mapping[str, Json]) -> bool:
    """Whether a record to be made on `side` has to have a value of this property, as the dataflow says."""
    when = prop.required_when[side.other]
    return prop.required or (bool(when) and unmet(when, source) is None)


def is_chosen(entity: Entity, path: str) -> bool:
    """Whether a field is the record's own id, in a system where whoever creates a record chooses it. A property
    that maps it says which id a new record gets, in place of the pair's template."""
    return path == "id" and entity.abilities.chosen_id


def _no_id(given: object, entity: Entity, system: str) -> Unfit:
    return Unfit(
        f'"{given}" can\'t be the id of a new {entity.name} in {system}',
        f"use letters, digits, . _ and - in it, {entity.abilities.max_id_length} at most",
    )


def _required(entity: Entity, prop: Property, side: Side) -> bool:
    return any(
        is_chosen(entity, path) or ((found := entity.field(path)) is not None and found.required)
        for path in prop.parts[side].fields
    )
