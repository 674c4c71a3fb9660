"""The frame of every transformation: a reader and a writer, made lawful in one place.

A *reader* turns the raw values of one side into a canonical value or `Junk`; a *writer* turns a canonical
value that is not empty into the raw values of the mapped fields, or `Unfit`. `Lens` adds what is the same for
all: empty is None on both sides, junk is Opaque, and old raw values that already mean the canonical value are
kept as they are. To add a transformation, write a reader, a writer and a Maker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from instep.core.model import Both, Side
from instep.core.transformations.contract import Canon, Lookup, Opaque, Transformation, Unfit, opaque
from instep.core.values import Absent, Json, Raw, is_empty


@dataclass(frozen=True, slots=True)
class Junk:
    """A reader's verdict that a raw value can't be read, and why; `Lens` makes an Opaque of it."""

    why: str


Reader: TypeAlias = Callable[[Side, Raw, Lookup], "Canon | Junk"]
Writer: TypeAlias = Callable[[Side, Canon, Raw, Lookup], "Raw | Unfit"]


@dataclass(frozen=True, slots=True)
class Lens:
    """A transformation of `fields` mapped values per side.

    `reads_empty`: the reader is asked about empty values too, and the writer about None (for defaults, flags
    and objects); otherwise empty fields are None and None empties the fields. `trimmer`: see `trim`.
    """

    fields: Both[int]
    reader: Reader
    writer: Writer
    reads_empty: bool = False
    trimmer: Callable[[Side, Raw], Raw] | None = None

    def trim(self, side: Side, raw: Raw) -> Raw:
        return raw if self.trimmer is None else self.trimmer(side, raw)

    def canon(self, side: Side, raw: Raw, lookup: Lookup) -> Canon:
        values = raw[: self.fields[side]]
        if not self.reads_empty and all(is_empty(value) for value in values):
            return None
        read = self.reader(side, raw, lookup)
        return opaque(values, read.why) if isinstance(read, Junk) else read

    def put(self, side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        values = old[: self.fields[side]]
        if not any(isinstance(value, Absent) for value in values) and self.canon(side, old, lookup) == canon:
            return values
        if isinstance(canon, Opaque):
            return Unfit(
                f"the other side's value can't be read: {canon.why}",
                "correct the value there, or choose another transformation for this property",
            )
        if canon is None and not self.reads_empty:
            return (None,) * self.fields[side]
        return self.writer(side, canon, old, lookup)


def offered(value: Json | Absent) -> Json:
    """A value with ABSENT read as empty: by contract only a context's ever reaches a reader."""
    return None if isinstance(value, Absent) else value


OneReader: TypeAlias = Callable[[Side, Json], "Canon | Junk"]
OneWriter: TypeAlias = Callable[[Side, Canon, "Json | Absent"], "Json | Unfit"]


def one(read: OneReader, write: OneWriter) -> Transformation:
    """A transformation of one field a side that asks neither context nor links."""

    def reader(side: Side, raw: Raw, _: Lookup) -> Canon | Junk:
        return read(side, offered(raw[0]))

    def writer(side: Side, canon: Canon, old: Raw, _: Lookup) -> Raw | Unfit:
        written = write(side, canon, old[0])
        return written if isinstance(written, Unfit) else (written,)

    return Lens(Both(1, 1), reader, writer)


def shown(value: object, limit: int = 40) -> str:
    """A value as a message may show it: short, on one line, printable."""
    text = value if isinstance(value, str) else f"{type(value).__name__}"
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, int):
        text = str(value) if abs(value) < 10**limit else "a very large number"
    text = "".join(letter if letter.isprintable() else "?" for letter in text[: limit + 1])
    return f'"{text[:limit]}…"' if len(text) > limit else f'"{text}"'
