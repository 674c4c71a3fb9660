"""The sections of one or more documents, gathered by the two kinds of record that they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from instep.core.model import Both, Side
from instep.dataflow.documents.shipped import Shipped, key
from instep.dataflow.documents.statements import Cell, DataflowDocument, MatchRow, Row, Rule, Section, Span

LEFT: Final = "chargebee"
"""The system that is on the left of a new site."""


@dataclass(frozen=True, slots=True)
class Said:
    """A section as the site sees it. `turned`: its left-hand kind of record is the site's right."""

    file: str
    section: Section
    turned: bool

    @property
    def target(self) -> Side:
        """The side on which its rule makes records."""
        return Side.LEFT if self.turned else Side.RIGHT

    def sides(self, row: Row | MatchRow) -> Both[Cell]:
        return Both(row.right, row.left) if self.turned else Both(row.left, row.right)


@dataclass
class Told:
    """All that the documents say of one pair, in their order. `shipped`: its name in the shipped dataflow, or ""."""

    entity: Both[str]
    shipped: str = ""
    sections: list[Said] = field(default_factory=list)

    @cached_property
    def rules(self) -> Mapping[Side, tuple[Said, Rule]]:
        """Per side on which records may be made, the first rule for it, and whose it is."""
        found: dict[Side, tuple[Said, Rule]] = {}
        for said in self.sections:
            before = found.setdefault(said.target, (said, said.section.rule))
            if before[1].creates == "not said":
                found[said.target] = said, said.section.rule
        return found

    @property
    def has_rows(self) -> bool:
        return any(said.section.rows for said in self.sections)


def turned(documents: Sequence[DataflowDocument], shipped: Shipped) -> bool:
    """Whether the first document's left is the site's right: by the systems' names, else by the pairs it has."""
    for document in documents[:1]:
        if LEFT in (key(document.left), key(document.right)):
            return key(document.left) != LEFT
        sections = [Both(key(s.left.name), key(s.right.name)) for s in document.sections]
        straight = sum(pair in shipped.by_entities for pair in sections)
        return sum(Both(pair.right, pair.left) in shipped.by_entities for pair in sections) > straight
    return False


def flips(documents: Sequence[DataflowDocument], shipped: Shipped) -> list[bool]:
    """Per document, whether its left is the site's right."""
    first = turned(documents, shipped)
    return [first != (not same_system(document.left, documents[0].left)) for document in documents]


def strangers(documents: Sequence[DataflowDocument]) -> list[DataflowDocument]:
    """Those that are not about the two systems of the first."""
    first = documents[0] if documents else None
    return [
        document
        for document in documents
        if first is not None
        and not (same_system(document.left, first.left) and same_system(document.right, first.right))
        and not (same_system(document.left, first.right) and same_system(document.right, first.left))
    ]


def same_system(one: str, other: str) -> bool:
    """As documents spell systems: "Exact" is "Exact Online", and one that has no name may be any."""
    first, second = sorted((key(one), key(other)), key=len)
    return second.startswith(first)


def tell(documents: Sequence[DataflowDocument], shipped: Shipped) -> list[Told]:
    """By pair, in the order of their first sections. Facets of one kind of record are one pair."""
    told: dict[Both[str], Told] = {}
    for document, flipped in zip(documents, flips(documents, shipped), strict=True):
        for section in document.sections:
            names = Both(section.left.name, section.right.name)
            names = Both(names.right, names.left) if flipped else names
            keys = names.map(key)
            if keys not in told:
                name = shipped.by_entities.get(keys, "")
                told[keys] = Told(shipped.entities[name] if name else names.map(_entity), name)
            told[keys].sections.append(Said(document.file, section, flipped))
    return list(told.values())


def unmirrored(told: Told) -> Mapping[str, list[Span]]:
    """File -> rows that it has and the document of the other direction has not, where both have a table."""
    sets: dict[bool, set[tuple[str, str]]] = {False: set(), True: set()}
    for said in told.sections:
        sets[said.turned].update(_paths(said, row) for row in said.section.rows)
    found: dict[str, list[Span]] = {}
    if all(sets.values()):
        for said in told.sections:
            for row in said.section.rows:
                if _paths(said, row) not in sets[not said.turned]:
                    found.setdefault(said.file, []).append(row.span)
    return found


def _paths(said: Said, row: Row) -> tuple[str, str]:
    sides = said.sides(row)
    return sides.left.path, sides.right.path


def _entity(name: str) -> str:
    """A datatype's name as an entity; only its first letter was raised by the document."""
    return (name[:1].lower() + name[1:])[:200] or "unnamed"
