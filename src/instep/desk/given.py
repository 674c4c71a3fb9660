"""A value that a person gives for a held property, read and checked: what both sides are to hold."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from instep.core.dataflow import Pair, Property
from instep.core.model import Both, Side
from instep.core.overwritten import restoring
from instep.core.standing import giving
from instep.core.state import Hold, Link, Sighting
from instep.core.transformations.contract import Opaque
from instep.core.values import Json, Raw, decode
from instep.desk.records import pair_of
from instep.errors import UsageError
from instep.runner.engine import StoreLookup
from instep.site import Site
from instep.store.contract import Tx


def given_value(site: Site, tx: Tx, hold: Hold, link: Link, side: Side, text: str) -> Json:
    """The release's value for `text`, in the terms of `side`. Raises UsageError for what can't be meant."""
    pair = pair_of(site, hold.key.pair)
    prop = _property(pair, hold)
    raw = _read(site, prop, pair.entity[side], side, text)
    whole = raw + (None,) * len(prop.parts[side].context)
    canon = prop.transformation.canon(side, whole, StoreLookup(site.dataflow, tx))
    if isinstance(canon, Opaque):
        raise UsageError(
            f"{text} is no value of {prop.name} in {site.systems[side]}",
            why=canon.why,
            fix="write it as that system does, or in the other's terms: --in",
        )
    seen = _seen(site, tx, hold, link)
    found = None if seen is None else giving(prop, side, raw, seen)
    return found.to_json() if found is not None else _unknown(hold)


def restored_value(site: Site, tx: Tx, hold: Hold, link: Link) -> Json:
    """The release's value for the edit that a hold says was overwritten. Raises UsageError if that is not known."""
    prop, seen = _property(pair_of(site, hold.key.pair), hold), _seen(site, tx, hold, link)
    found = None if seen is None else restoring(hold, prop, seen)
    return found.to_json() if found is not None else _unknown(hold)


def check_mapped(pair: Pair, hold: Hold) -> None:
    """Raises UsageError if what a hold is about is not kept in step any more."""
    if not any(hold.property in (each.name, each.group) for each in pair.properties):
        raise UsageError(
            f"{pair.name} has no property {hold.property} any more",
            why="dataflow.yaml was changed after it was held",
            fix="let the next run forget the hold: instep sync",
        )


def _property(pair: Pair, hold: Hold) -> Property:
    """The property that a hold is about. Raises UsageError if it is about several."""
    prop = pair.property(hold.property)
    if prop is None:
        raise UsageError(
            f"no value can be given for {hold.property}",
            why="its properties are decided together",
            fix=f"choose a side: instep holds release {hold.id} --take left, or --take right",
        )
    return prop


def _seen(site: Site, tx: Tx, hold: Hold, link: Link) -> Both[Sighting] | None:
    entity = pair_of(site, hold.key.pair).entity
    left, right = (tx.sighting(side, entity[side], link.ids[side]) for side in Side)
    return None if left is None or right is None else Both(left, right)


def _unknown(hold: Hold) -> NoReturn:
    raise UsageError(
        f"{hold.property} of {hold.key.id} is not known on both sides",
        fix="read both again: instep plan --full",
    )


def _read(site: Site, prop: Property, entity: str, side: Side, text: str) -> Raw:
    """The raw values that a text stands for: JSON where the field is no text, a list of them for several."""
    fields = prop.parts[side].fields
    declared = site.connectors[side].entities()[entity].field(fields[0])
    textual = declared is not None and declared.type in ("text", "date", "datetime")
    if len(fields) == 1 and textual:
        return (text or None,)
    try:
        value = decode(text)
    except msgspec.DecodeError:
        value = text
    if len(fields) == 1:
        return (value,)
    if not isinstance(value, list) or len(value) != len(fields):
        raise UsageError(
            f"{text} is no value of {prop.name}",
            why=f"it has {len(fields)} fields in {site.systems[side]}: {', '.join(fields)}",
            fix="give a JSON list with a value for each",
        )
    return tuple(value)
