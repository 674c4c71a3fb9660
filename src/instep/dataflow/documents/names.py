"""Which words of a title or a heading are the system, and which the kind of record.

Both may have several words, the system's name in a heading may differ from that in the title, or be missing
altogether ("Zendesk to  Dataflow"). What decides is the headers of a section's tables: "A X Property", "B Y
Property", "B Data Type"; where there is none, the title does, and the names that other sections use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from instep.dataflow.documents.blocks import Block
from instep.dataflow.documents.statements import Datatype

_TITLE: Final = re.compile(r"(?P<names>.*?(?<!\S)to(?!\S).*?)\s+Dataflow", re.IGNORECASE)
_TO: Final = re.compile(r"(?<!\S)to(?!\S)")
_FACET: Final = re.compile(r"(?P<name>.+?)\s*\((?P<facet>[^()]+)\)")
_TYPE: Final = re.compile(r"(?P<system>.*?)\s*Data Type", re.DOTALL)
_PROPERTY: Final = re.compile(r"(?P<text>.*?)\s+Property", re.DOTALL)
MOST_SPLITS: Final = 12
"""Places at which a heading is tried; a longer one is no heading."""


class Sides(NamedTuple):
    """The two halves of a heading, with a blank in front of one that names no system."""

    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Headers:
    """What the tables of a section say in their headers: how either side is called, and the right system alone."""

    left: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()
    system: str | None = None


@dataclass
class Names:
    """The names that a document goes by: those of its title, and others that stand for the same two systems."""

    left: str = ""
    right: str = ""
    others: set[str] = field(default_factory=set)

    def split(self, heading: str, headers: Headers) -> Sides | None:
        """The halves of a heading, cut where most speaks for it; None if it has no "to"."""
        halves = list(halves_of(heading))
        if not halves:
            return None
        return max(halves, key=lambda sides: self._speaks_for(sides, headers))

    def fits(self, heading: str, headers: Headers) -> int:
        """How much of a heading these names account for."""
        sides = self.split(heading, headers)
        if sides is None:
            return 0
        return is_of(sides.left, self.left) + is_of(sides.right, self.right) + (headers.system == self.right)

    def _speaks_for(self, sides: Sides, headers: Headers) -> tuple[int, int, int]:
        told = (tidy(sides.left) in headers.left) + (tidy(sides.right) in headers.right)
        titled = is_of(sides.left, self.left) + is_of(sides.right, self.right)
        known = sum(any(is_of(half, name) for name in self.others) for half in sides)
        return told, titled, known

    def datatype(self, half: str, system: str, headed: bool, told: str | None = None) -> Datatype | None:
        """One half of a heading, of the side that the title calls `system`; None if it names no kind of record.

        `headed`: a table's header calls it the same. `told`: the system, as the header of a table has it.
        """
        text = tidy(half)
        if half.startswith(" ") and not told:
            return _of("", text)
        for name in (*([told] if told else []), system, *sorted(self.others, key=len, reverse=True)):
            if name and is_of(text, name):
                return _of(text[: len(tidy(name))], text[len(tidy(name)) :].strip())
        first, _, rest = text.partition(" ")
        return _of(first, rest) if rest else _of("", text) if headed else None


def title_halves(title: str) -> list[Sides]:
    """The ways to read a title `A to B Dataflow`, none if it isn't one; either name may be missing."""
    found = _TITLE.fullmatch(title.strip())
    if found is None:
        return []
    return [Sides(tidy(left), tidy(right)) for left, right in halves_of(found["names"] + " ")]


def halves_of(text: str) -> Iterator[Sides]:
    """A text cut at each "to", what follows the blank after it as it stands."""
    for found in list(_TO.finditer(text))[:MOST_SPLITS]:
        left, right = text[: found.start()].rstrip(), text[found.end() :]
        yield Sides(left, right.removeprefix(" ").rstrip())


def headers_of(tables: Iterable[Block]) -> Headers:
    """What the headers of these tables say."""
    left: set[str] = set()
    right: set[str] = set()
    system = None
    for table in tables:
        header = table.rows[0].cells if table.rows else ()
        for side, cell in zip((left, right), header[:2], strict=False):
            if found := _PROPERTY.fullmatch(cell):
                side.add(tidy(found["text"]))
        if len(header) == 3 and (found := _TYPE.fullmatch(header[2])):
            system = tidy(found["system"])
    return Headers(frozenset(left), frozenset(right), system)


def best_title(halves: Sequence[Sides], sections: Sequence[tuple[str, Headers]]) -> tuple[Sides, bool]:
    """Of the ways to read a title, the one that fits most sections (heading, headers), and whether no other fits as
    many; the first of equals."""

    def fits(title: Sides) -> int:
        names = Names(title.left, title.right)
        return sum(names.fits(heading, headers) for heading, headers in sections)

    if len(halves) == 1:
        return halves[0], True
    counts = [fits(title) for title in halves]
    most = max(counts)
    return halves[counts.index(most)], counts.count(most) == 1


def is_of(text: str, system: str) -> bool:
    """Whether a text begins with a system's name, in any case, and has more words."""
    return bool(system) and tidy(text).casefold().startswith(tidy(system).casefold() + " ")


def tidy(text: str) -> str:
    """With single blanks."""
    return " ".join(text.split())


def _of(system: str, name: str) -> Datatype | None:
    found = _FACET.fullmatch(name)
    if found is not None:
        return Datatype(system, found["name"], found["facet"])
    return Datatype(system, name) if name else None
