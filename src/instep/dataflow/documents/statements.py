"""What a dataflow document says, statement by statement, each with the lines that it stands in.

A document has a title `A to B Dataflow` and sections `A X to B Y`; a section has a rule in one of seven shapes,
perhaps a table of properties to match by, and a table of properties with the right side's data type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Creates = Literal["always", "when referred to", "on a condition", "never", "not said"]
"""When a right-hand record is made for a left-hand one that has no partner."""


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of a statement, both included; they count from 1."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was read and can't be taken over; `contradicts`: since something else says otherwise."""

    span: Span
    text: str
    contradicts: bool = False

    @property
    def line(self) -> int:
        return self.span.first

    @property
    def fate(self) -> Literal["comment", "contradiction"]:
        """What becomes of it in a dataflow."""
        return "contradiction" if self.contradicts else "comment"


@dataclass(frozen=True, slots=True)
class Datatype:
    """One side of a section: the system, its kind of record, and which part of it ("human data"), if said.

    `system` is as the section spells it, which may differ from the title, and is "" where it names none.
    """

    system: str
    name: str
    facet: str = ""

    def __str__(self) -> str:
        return f"{self.system} {self.name}".strip() + (f" ({self.facet})" if self.facet else "")


@dataclass(frozen=True, slots=True)
class Cell:
    """A property in a table; `conditions` are (path, value) of what it is said to depend on, each once."""

    path: str
    conditions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a property table. `type` is as written without its quotes, "" for N/A."""

    span: Span
    left: Cell
    right: Cell
    type: str = ""


@dataclass(frozen=True, slots=True)
class MatchRow:
    """A pair of properties by which records are found to be the same; the rows of a section are alternatives."""

    span: Span
    left: Cell
    right: Cell


@dataclass(frozen=True, slots=True)
class Rule:
    """A sentence that says when a record is made. `parents`: kinds of record that must refer to the left-hand one,
    for "when referred to"; `condition`: the prose, for "on a condition"."""

    span: Span
    creates: Creates
    parents: tuple[str, ...] = ()
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One section, as it stands; a document may have several for the same two kinds of record."""

    line: int
    left: Datatype
    right: Datatype
    rules: tuple[Rule, ...] = ()
    match: tuple[MatchRow, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def rule(self) -> Rule:
        """What holds: "a link must be established" opens several shapes, and a sentence after it may say more."""
        none = Rule(Span(self.line, self.line), "not said")
        return next(
            (rule for rule in self.rules if rule.creates != "never"), self.rules[0] if self.rules else none
        )


@dataclass(frozen=True, slots=True)
class DataflowDocument:
    """A whole document; `generated` is its time stamp as written, "" if it has none.

    `notes`: of what stands outside the sections. `form`: the lines that say nothing of their own: titles,
    underlines, headers of tables, formulas. Every line that is not blank is in `form`, or in the span of a
    statement or a note.
    """

    file: str
    left: str
    right: str
    generated: str
    sections: tuple[Section, ...]
    notes: tuple[Note, ...] = ()
    form: frozenset[int] = frozenset()
    title: Span = Span(1, 1)

    @property
    def all_notes(self) -> list[Note]:
        """Those of the document and of its sections, in the order of their lines."""
        notes = [*self.notes, *(note for section in self.sections for note in section.notes)]
        return sorted(notes, key=lambda note: (note.span.first, note.span.last))
