"""A transformation tried on a value or a record, and a changed dataflow looked through: nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from instep.core.dataflow import Dataflow, Pair, Property
from instep.core.diff import raw_of
from instep.core.model import Both, Side
from instep.core.state import Link
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Canon, Linked, Opaque, Spelled, Unfit, Unlinked
from instep.core.transformations.registry import build
from instep.core.values import ABSENT, Absent, Json, Raw, decode, is_empty
from instep.dataflow.build import load_function, parse_dataflow
from instep.dataflow.check import check
from instep.dataflow.files import read_text
from instep.errors import ConfigurationError, NotThere, Problem, UsageError
from instep.runner.engine import StoreLookup
from instep.site import Site
from instep.store.contract import Tx

EXAMPLES = 8
"""Linked records that are looked through for a value of each property."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a property's transformation makes of a value: what both sides compare, what the other side would hold, and
    what comes back from there; `why` and `fix` where it makes nothing of it."""

    side: Side
    source: Raw
    canon: str = ""
    target: Raw | None = None
    back: Raw | None = None
    why: str = ""
    fix: str = ""


def examples(site: Site, pair: Pair) -> dict[str, Both[Raw]]:
    """Per property, what both records of some link hold; nothing for a property that none of the first has."""

    def look(tx: Tx) -> dict[str, Both[Raw]]:
        found: dict[str, Both[Raw]] = {}
        for link in tx.links(pair.name, 0, EXAMPLES):
            for name, raw in _held(tx, pair, link):
                found.setdefault(name, raw)
        return found

    return site.store.read(look)


def _held(tx: Tx, pair: Pair, link: Link) -> Iterator[tuple[str, Both[Raw]]]:
    seen = Both.of(lambda side: tx.sighting(side, pair.entity[side], link.ids[side]))
    if seen.left is None or seen.right is None:
        return
    fields = Both(seen.left.fields, seen.right.fields)
    for prop in pair.properties:
        raw = Both.of(lambda side, prop=prop: raw_of(prop.parts[side], fields[side]))  # type: ignore[misc]
        if raw.left is None or raw.right is None or not any(map(_says, (*raw.left, *raw.right))):
            continue
        yield prop.name, Both.of(lambda side, raw=raw, prop=prop: raw[side][: len(prop.parts[side].fields)])  # type: ignore[misc]


def _says(value: Json | Absent) -> bool:
    return not isinstance(value, Absent) and not is_empty(value) and value != {}


def changed(prop: Property, as_written: str) -> Property:
    """The property with another transformation. Raises UsageError with a sentence."""
    if as_written == prop.as_written:
        return prop
    fields = prop.parts.map(lambda part: len(part.fields))
    contexts = prop.parts.map(lambda part: len(part.context))
    try:
        name, arguments = parse(as_written)
        made = build(name, arguments, fields, contexts, flow=prop.flow)
    except ValueError as error:
        raise UsageError("that transformation can't be used", why=str(error)) from None
    return replace(prop, transformation=made, as_written=as_written, inside=())


def try_values(site: Site, prop: Property, side: Side, texts: list[str]) -> Tried:
    """On values as a person types them, one per field and then one per field that is read along."""
    part = prop.parts[side]
    given = [_typed(text) for text in texts]
    given += [None] * (len(part.paths) - len(given))
    return _tried(site, prop, side, tuple(given[: len(part.paths)]), None)


def try_record(site: Site, pair: Pair, prop: Property, side: Side, id: str) -> Tried:
    """On what a record holds. Raises NotThere."""

    def look(tx: Tx) -> Tried:
        seen = tx.sighting(side, pair.entity[side], id)
        if seen is None:
            name = f"{pair.entity[side]} {id}"
            raise NotThere(f"{name} is not known in {site.systems[side]}", why="it was never listed there")
        raw = raw_of(prop.parts[side], seen.fields)
        link = tx.link_of(pair.name, side, id)
        other = tx.sighting(side.other, pair.entity[side.other], link.ids[side.other]) if link else None
        old = raw_of(prop.parts[side.other], other.fields) if other is not None else None
        if raw is None:
            return Tried(side, (), why="the record was read without that field")
        return _tried(site, prop, side, raw, old)

    return site.store.read(look)


def _tried(site: Site, prop: Property, side: Side, raw: Raw, old: Raw | None) -> Tried:
    def look(tx: Tx) -> Tried:
        lookup = StoreLookup(site.dataflow, tx)
        made, other = prop.transformation, side.other
        shown = raw[: len(prop.parts[side].fields)]
        canon = made.canon(side, raw, lookup)
        if isinstance(canon, Opaque):
            return Tried(side, shown, why=canon.why or "it can't be read")
        part = prop.parts[other]
        context = old[len(part.fields) :] if old is not None else _same_context(prop, side, raw)
        start = old if old is not None else (ABSENT,) * len(part.fields) + context
        target = made.put(other, canon, start, lookup)
        if isinstance(target, Unfit):
            return Tried(side, shown, _named(canon), why=target.why, fix=target.fix)
        again = made.canon(other, target + context, lookup)
        back = None if isinstance(again, Opaque) else made.put(side, again, raw, lookup)
        return Tried(side, shown, _named(canon), target, None if isinstance(back, Unfit) else back)

    return site.store.read(look)


def _same_context(prop: Property, side: Side, raw: Raw) -> Raw:
    """What is read along on the other side, where there is no record there: the same as on this side."""
    here = raw[len(prop.parts[side].fields) :]
    wanted = len(prop.parts[side.other].context)
    return (*here[:wanted], *(None,) * (wanted - len(here)))


def _named(canon: Canon) -> str:
    """A canonical value for people to read."""
    if isinstance(canon, tuple):
        return f"({', '.join(map(_named, canon))})"
    if isinstance(canon, Spelled):
        return canon.key
    if isinstance(canon, Linked):
        return f"link {canon.link_id}"
    if isinstance(canon, Unlinked):
        return f"{canon.entity} {canon.id}, not linked yet"
    return "empty" if canon is None else str(canon)


def _typed(text: str) -> Json:
    """A value as it is typed: JSON where it is some, a text otherwise; nothing for nothing."""
    if not text.strip():
        return None
    try:
        found: Json = decode(text)
    except ValueError:
        return text
    return found


def own_text(site: Site) -> str:
    """The dataflow as it stands in its file. Raises ConfigurationError."""
    return read_text(site.file.path(site.file.settings.dataflow), what="dataflow")


def look_through(site: Site, text: str) -> list[Problem]:
    """Every problem that a dataflow of this text would have with these two systems; none is written anywhere.

    No module is imported that the site's own dataflow doesn't name.
    """
    own = set(re.findall(r"[\w.]+:[\w.]+", own_text(site)))

    def load(name: str) -> object:
        if name not in own:
            raise ValueError(
                f"{name} is a program that this process doesn't run yet. Try it with: instep check"
            )
        return load_function(name)

    name = str(site.file.path(site.file.settings.dataflow))
    try:
        dataflow: Dataflow = parse_dataflow(text, name, load)
    except ConfigurationError as error:
        return list(error.problems)
    return check(dataflow, site.connectors.map(lambda c: c.entities()), site.systems)
