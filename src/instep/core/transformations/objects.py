"""The transformations `nested` and `lines`: objects, and lists of objects, mapped field by field.

Each inner property has a transformation of its own. Fields that none maps are kept as they are, and so
are the ids of lines: a changed line is written over the old line that it most likely came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from instep.core.model import Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import (
    Arguments,
    Canon,
    Lookup,
    Maker,
    SubProperty,
    Transformation,
    Unfit,
    canon_key,
)
from instep.core.transformations.lens import Junk, Lens, offered, shown
from instep.core.values import Absent, Json, Raw, get_path, is_empty, set_path

Members: TypeAlias = tuple[Canon, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """How one object is read and written: its inner properties, those that others read as context first."""

    properties: tuple[SubProperty, ...]

    def read(self, side: Side, value: dict[str, Json], around: Raw, lookup: Lookup) -> Members:
        """A canonical value per inner property."""
        return tuple(
            inner.transformation.canon(side, self._raw(inner, side, value, value, around), lookup)
            for inner in self.properties
        )

    def write(
        self, side: Side, canons: Members, old: dict[str, Json], around: Raw, lookup: Lookup
    ) -> dict[str, Json] | Unfit:
        """A copy of the old object with the inner properties written over it."""
        new = dict(old)
        for inner, canon in zip(self.properties, canons, strict=True):
            paths = inner.paths[side]
            raw = self._raw(inner, side, old, new, around)
            written = inner.transformation.put(side, canon, raw, lookup)
            if isinstance(written, Unfit):
                return Unfit(f"{inner.name}: {written.why}", written.fix, written.waits_for)
            for path, value in zip(paths, written, strict=True):
                known = offered(get_path(new, path))
                if value is not known and not (value is None and is_empty(known) and path not in new):
                    set_path(new, path, offered(value))
        return new

    def trim(self, side: Side, value: dict[str, Json], around: Raw) -> dict[str, Json]:
        """The object with nothing but the paths that an inner property maps, or reads as context."""
        trimmed: dict[str, Json] = {}
        for inner in self.properties:
            inside = [path for path in inner.contexts[side] if isinstance(path, str)]
            for path in inside:
                set_path(trimmed, path, offered(get_path(value, path)))
        for inner in self.properties:
            raw = inner.transformation.trim(side, self._raw(inner, side, value, value, around))
            for path, kept in zip(inner.paths[side], raw, strict=False):
                set_path(trimmed, path, offered(kept))
        return trimmed

    def _raw(
        self, inner: SubProperty, side: Side, mapped: dict[str, Json], context: dict[str, Json], around: Raw
    ) -> Raw:
        """An inner field that is missing is empty: the object as a whole was offered."""
        values: list[Json | Absent] = [offered(get_path(mapped, path)) for path in inner.paths[side]]
        for source in inner.contexts[side]:
            values.append(around[source] if isinstance(source, int) else offered(get_path(context, source)))
        return tuple(values)


def _shape(of: str, arguments: Arguments) -> Shape:
    """Raises ValueError where there is nothing to map, or two inner properties write one field."""
    if not arguments.properties:
        raise ValueError(f'{of}: name its inner properties, properties: ["street <-> line1"]')
    for side in Side:
        paths = [path for inner in arguments.properties for path in inner.paths[side]]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        if twice:
            raise ValueError(f"{of}: {twice[0]} of the {side.value} side is mapped more than once")
        for inner in arguments.properties:
            for source in inner.contexts[side]:
                if isinstance(source, int) and not 0 <= source < arguments.contexts[side]:
                    raise ValueError(f"{of}: {inner.name} reads a context that the property lacks")

    def is_context(inner: SubProperty) -> bool:
        return any(
            path in other.contexts[side]
            for side in Side
            for path in inner.paths[side]
            for other in arguments.properties
        )

    return Shape(tuple(sorted(arguments.properties, key=lambda inner: not is_context(inner))))


def _build_nested(arguments: Arguments) -> Transformation:
    Given("nested", arguments).done()
    shape = _shape("nested", arguments)

    def reader(side: Side, raw: Raw, lookup: Lookup) -> Canon | Junk:
        value = offered(raw[0])
        if is_empty(value):
            value = {}
        if not isinstance(value, dict):
            return Junk(f"{shown(value)} is not an object")
        members = shape.read(side, value, raw[1:], lookup)
        return None if all(member is None for member in members) else members

    def writer(side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        before = old[0]
        members = canon if isinstance(canon, tuple) else (None,) * len(shape.properties)
        new = shape.write(side, members, before if isinstance(before, dict) else {}, old[1:], lookup)
        if isinstance(new, Unfit):
            return new
        return (None,) if all(is_empty(value) for value in new.values()) else (new,)

    def trimmer(side: Side, raw: Raw) -> Raw:
        value = raw[0]
        return (shape.trim(side, value, raw[1:]), *raw[1:]) if isinstance(value, dict) else raw

    return Lens(arguments.fields, reader, writer, reads_empty=True, trimmer=trimmer)


def _build_lines(arguments: Arguments) -> Transformation:
    given = Given("lines", arguments)
    anyorder = given.flag("anyorder")
    given.done()
    shape = _shape("lines", arguments)

    def read_all(side: Side, value: Json | Absent, around: Raw, lookup: Lookup) -> list[Members] | Junk:
        if is_empty(value) or isinstance(value, Absent):
            return []
        if not isinstance(value, list):
            return Junk(f"{shown(value)} is not a list of lines")
        lines: list[Members] = []
        for number, line in enumerate(value, 1):
            if not isinstance(line, dict):
                return Junk(f"line {number} is not an object but {shown(line)}")
            lines.append(shape.read(side, line, around, lookup))
        return lines

    def reader(side: Side, raw: Raw, lookup: Lookup) -> Canon | Junk:
        lines = read_all(side, raw[0], raw[1:], lookup)
        if isinstance(lines, Junk):
            return lines
        return tuple(sorted(lines, key=canon_key) if anyorder else lines) or None

    def writer(side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        wanted: tuple[Members, ...] = canon if isinstance(canon, tuple) else ()
        known = read_all(side, old[0], old[1:], lookup)
        before = old[0] if isinstance(old[0], list) and not isinstance(known, Junk) else []
        origins = align(wanted, [] if isinstance(known, Junk) else known)
        written: list[Json] = []
        for number, (members, origin) in enumerate(zip(wanted, origins, strict=True), 1):
            base = before[origin] if origin is not None else {}
            assert isinstance(base, dict)
            line = shape.write(side, members, base, old[1:], lookup)
            if isinstance(line, Unfit):
                return Unfit(f"line {number}, {line.why}", line.fix, line.waits_for)
            written.append(line)
        return (written,)

    def trimmer(side: Side, raw: Raw) -> Raw:
        lines = raw[0] if isinstance(raw[0], list) else []
        objects = [line for line in lines if isinstance(line, dict)]
        if not objects or len(objects) < len(lines):
            return raw  # junk is Opaque by all of it
        return ([shape.trim(side, line, raw[1:]) for line in objects], *raw[1:])

    return Lens(arguments.fields, reader, writer, reads_empty=True, trimmer=trimmer)


def align(wanted: Sequence[Members], known: Sequence[Members]) -> list[int | None]:
    """For each wanted line, the number of the known line that it came from; None for a new one.

    Lines that are equal go first, in place before elsewhere; then those in the same place; then by order.
    """
    origins: list[int | None] = [None] * len(wanted)
    free = set(range(len(known)))

    def take(here: int, there: int) -> None:
        origins[here] = there
        free.discard(there)

    for here, members in enumerate(wanted):
        if here in free and known[here] == members:
            take(here, here)
    places: dict[Members, list[int]] = {}
    for there in sorted(free, reverse=True):
        places.setdefault(known[there], []).append(there)
    for here, members in enumerate(wanted):
        if origins[here] is None and places.get(members):
            take(here, places[members].pop())
    for here in range(len(wanted)):
        if origins[here] is None and here in free:
            take(here, here)
    for here in range(len(wanted)):
        if origins[here] is None and free:
            take(here, min(free))
    return origins


_properties = {"properties": "the inner properties, spelled like outer ones, with paths inside the object"}

MAKERS = (
    Maker(
        "nested",
        "An object, mapped field by field, each with its own transformation.",
        _build_nested,
        _properties,
        '{map: billing_address <-> address, as: nested, properties: ["line1 <-> street", "zip <-> postal_code"]}',
        loses="what its inner transformations lose; fields that none maps are kept and don't travel",
        types=("object",),
        contexts=-1,
    ),
    Maker(
        "lines",
        "A list of objects, mapped line by line; ids and unmapped fields of a line are kept.",
        _build_lines,
        {**_properties, "anyorder": "the order of the lines doesn't count"},
        '{map: line_items <-> lines, as: lines, properties: ["description <-> text", "price <-> price | decimal"]}',
        loses="what its inner transformations lose; fields that none maps are kept and don't travel",
        types=("list",),
        contexts=-1,
    ),
)
