"""Reads a dataflow document: the reStructuredText that states which records of two systems go together.

The grammar is small and the documents are irregular, so this is a reader of its own and not a reST library (which
refuses an empty table, the commonest one). It never fails: what it does not understand becomes a note with its
line, so that nothing is dropped in silence. What a document means for a dataflow is the business of `conversion`.

A document has a title `A to B Dataflow` and sections `A X to B Y`; a section has a rule in one of seven shapes,
perhaps a table of properties to match by, and a table of properties with the right side's data type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from instep.dataflow.document_blocks import Block, blocks

MAX_LINES: Final = 200_000
MAX_TEXT: Final = 2_000
"""Characters of a paragraph, heading or cell; the longest published ones have a few hundred."""

Creates = Literal["always", "when referred to", "on a condition", "never", "not said"]
"""When a right-hand record is made for a left-hand one that has no partner."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was read but not understood or not expressible; `line` counts from 1."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Datatype:
    """One side of a section: the system, its kind of record, and which part of it ("human data"), if said."""

    system: str
    name: str
    facet: str = ""

    def __str__(self) -> str:
        return f"{self.system} {self.name}" + (f" ({self.facet})" if self.facet else "")


@dataclass(frozen=True, slots=True)
class Cell:
    """A property in a table; `condition` is (path, value) of "(Dependant on having " value " in " path ")"."""

    path: str
    condition: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a property table. `type` is as written without its quotes, "" for N/A."""

    line: int
    left: Cell
    right: Cell
    type: str = ""


@dataclass(frozen=True, slots=True)
class MatchRow:
    """A pair of properties by which records are found to be the same; the rows of a section are alternatives."""

    line: int
    left: Cell
    right: Cell


@dataclass(frozen=True, slots=True)
class Section:
    """What one pair's section says, repeated sections merged into the first.

    `parents`: kinds of record that must refer to the left-hand one, where `creates` is "when referred to".
    `condition`: the prose, where it is "on a condition".
    """

    line: int
    left: Datatype
    right: Datatype
    creates: Creates = "not said"
    parents: tuple[str, ...] = ()
    condition: str = ""
    match: tuple[MatchRow, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class DataflowDocument:
    """A whole document; `generated` is its time stamp as written, "" if it has none."""

    file: str
    left: str
    right: str
    generated: str
    sections: tuple[Section, ...]
    notes: tuple[Note, ...] = field(default=())


def read_document(text: str, file: str = "") -> DataflowDocument:
    """Read a document of any line ends; never raises. Notes come in the order of their lines."""
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    reader = _Reader(file)
    if len(lines) > MAX_LINES:
        reader.note(MAX_LINES + 1, f"the rest of {len(lines)} lines is not read")
        lines = lines[:MAX_LINES]
    for block in blocks(lines):
        reader.block(block)
    return reader.document()


_SENTENCE_START: Final = re.compile(
    r"(?<=[.:])\s+"
    r"(?=(?:Every|Before any|A new|If (?:a|no) matching|Once a link|The following properties) |A .+ will merge)"
)
_EVERY: Final = re.compile(r"Every (?P<x>.+?) will be synchronized with an? (?P<y>.+)\.")
_BEFORE: Final = re.compile(
    r"Before any synchronization can take place, a link between .+ must be established\."
)
_REFERRED: Final = re.compile(
    r"A new (?P<y>.+) will be created from an? (?P<x>.+) if it is connected to an? (?P<parents>.+) that is "
    r"synchronized into .+\."
)
_MERGE: Final = re.compile(r"An? (?P<x>.+) will merge with an? (?P<y>.+) if one of the following .+:")
_EXISTS: Final = re.compile(r"If a matching .+ already exists, .+\.")
_NEW: Final = re.compile(r"If no matching .+ is found, a new .+ will be created\.")
_ONCE: Final = re.compile(r"Once a link between .+ is established, .+\.")
_TABLE: Final = re.compile(r"The following properties are synchronized between .+:")
_CONDITION: Final = re.compile(
    r"(?P<condition>.+),\s+it\s+will be synchronized with an? (?P<y>.+)\.", re.DOTALL
)
_GENERATED: Final = re.compile(r"Generated:\s*(.*)")
_TITLE: Final = re.compile(r"(?P<names>.+ to .+?)\s+Dataflow", re.IGNORECASE)
_FACET: Final = re.compile(r"(?P<name>.+?)\s+\((?P<facet>[^()]+)\)")
_DEPENDANT: Final = re.compile(
    r"(?P<path>.*?)\s*\(Dependant on having\s+\"\s*(?P<value>.*?)\s*\"\s+in\s+\"\s*(?P<where>.*?)\s*\"\s*\)",
    re.DOTALL,
)


class _Reader:
    """Takes blocks in order; keeps the section that is open and everything worth a note."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.left = self.right = self.generated = ""
        self.titled = False
        self.sections: list[Section] = []
        self.open: Section | None = None
        self.introduction = False
        self.notes: list[Note] = []

    def note(self, line: int, text: str) -> None:
        self.notes.append(Note(line, text))

    def document(self) -> DataflowDocument:
        self.close()
        if not self.titled:
            self.note(1, "there is no title of the form: A to B Dataflow")
        for section in self.sections:
            self.many(section)
        notes = tuple(sorted(self.notes, key=lambda note: note.line))
        return DataflowDocument(self.file, self.left, self.right, self.generated, tuple(self.sections), notes)

    def block(self, block: Block) -> None:
        if len(block.text) > MAX_TEXT:
            self.note(
                block.line, f"not read, since it is {len(block.text)} characters long: {_short(block.text)}"
            )
        elif block.kind == "title":
            self.title(block)
        elif block.kind == "heading":
            self.heading(block)
        elif block.kind == "table":
            self.table(block)
        else:
            self.paragraph(block)

    def title(self, block: Block) -> None:
        found = _TITLE.fullmatch(block.text)
        if found is None or self.titled:
            self.note(block.line, f"not understood as a title: {_short(block.text)}")
            return
        self.titled = True
        self.left, _, self.right = (part.strip() for part in found["names"].partition(" to "))
        if " to " in self.right:
            self.note(
                block.line,
                f"the title can be split in more than one place; read as {self.left} to {self.right}",
            )

    def heading(self, block: Block) -> None:
        self.introduction = block.text.rstrip(".").casefold() == "introduction"
        if self.introduction:
            self.close()
            return
        sides = self.sides(block)
        self.close()
        if sides is None:
            self.note(block.line, f"not understood as the heading of a pair: {_short(block.text)}")
            return
        self.open = Section(block.line, *sides)

    def sides(self, block: Block) -> tuple[Datatype, Datatype] | None:
        splits = [found.start() for found in re.finditer(r" to (?=\S)", block.text)]
        if not splits:
            return None
        texts = [(block.text[:at].strip(), block.text[at + 4 :].strip()) for at in splits]
        fitting = [t for t in texts if _is_of(t[0], self.left) and _is_of(t[1], self.right)]
        half = [t for t in texts if _is_of(t[0], self.left) or _is_of(t[1], self.right)]
        left, right = (fitting or half or texts)[0]
        sides = _datatype(left, self.left), _datatype(right, self.right)
        for side, system in zip(sides, (self.left, self.right), strict=True):
            if not side.name:
                return None
            if side.system != system:
                self.note(block.line, f'the heading says "{side.system}" where the title says "{system}"')
        return sides

    def close(self) -> None:
        """End the open section; one that was there before with the same two kinds takes it in."""
        section, self.open = self.open, None
        if section is None:
            return
        for index, before in enumerate(self.sections):
            if (before.left, before.right) == (section.left, section.right):
                self.sections[index] = self.merged(before, section)
                return
        self.sections.append(section)

    def merged(self, first: Section, second: Section) -> Section:
        self.note(second.line, f"repeats the section of line {first.line}; both are taken together")
        rule = first
        if "not said" not in (first.creates, second.creates) and first.creates != second.creates:
            self.note(
                second.line,
                f'creates "{second.creates}", but line {first.line} creates "{first.creates}"; the first is kept',
            )
        elif first.creates == "not said":
            rule = second
        match = {(row.left, row.right): row for row in (*second.match, *first.match)}
        rows = {(row.left, row.right): row for row in (*second.rows, *first.rows)}
        for row in second.rows:
            other = rows[row.left, row.right]
            if other.type != row.type:
                self.note(
                    row.line,
                    f'type "{row.type}" differs from "{other.type}" of line {other.line}; kept the first',
                )
        return replace(
            first,
            creates=rule.creates,
            parents=rule.parents,
            condition=rule.condition,
            match=tuple(sorted(match.values(), key=lambda row: row.line)),
            rows=tuple(sorted(rows.values(), key=lambda row: row.line)),
        )

    def paragraph(self, block: Block) -> None:
        text = " ".join(block.text.split())
        if found := _GENERATED.fullmatch(text):
            self.generated = found[1]
        elif self.introduction:
            self.note(block.line, "the introduction says nothing to configure")
        elif self.open is None:
            self.note(block.line, f"stands outside any section: {_short(text)}")
        else:
            for sentence in _SENTENCE_START.split(text):
                self.sentence(block.line, self.open, sentence)

    def sentence(self, line: int, section: Section, text: str) -> None:
        if _BEFORE.fullmatch(text):
            section = self.rule(line, section, "never")
        elif found := _REFERRED.fullmatch(text):
            section = self.rule(line, section, "when referred to")
            section = replace(section, parents=_parents(found["parents"], self.left))
        elif found := _EVERY.fullmatch(text):
            section = self.rule(line, section, "always")
            self.names(line, section, found)
        elif found := _CONDITION.fullmatch(text):
            section = replace(
                self.rule(line, section, "on a condition"), condition=found["condition"].strip()
            )
        elif _NEW.fullmatch(text):
            section = section if section.creates == "on a condition" else self.rule(line, section, "always")
        elif found := _MERGE.fullmatch(text):
            self.names(line, section, found)
        elif not (_EXISTS.fullmatch(text) or _ONCE.fullmatch(text) or _TABLE.fullmatch(text)):
            self.note(line, f"not understood: {_short(text)}")
        self.open = section

    def rule(self, line: int, section: Section, creates: Creates) -> Section:
        # "Before any synchronization ... a link must be established" opens three shapes; a sentence that follows
        # it says when records are created after all.
        if section.creates not in ("not said", "never", creates):
            self.note(line, f'says "creates {creates}" after "creates {section.creates}"; the first is kept')
            return section
        return replace(section, creates=creates)

    def names(self, line: int, section: Section, found: re.Match[str]) -> None:
        for side, name in ((section.left, found["x"]), (section.right, found["y"])):
            if name.casefold() not in (str(side).casefold(), f"{side.system} {side.name}".casefold()):
                self.note(line, f'speaks of "{_short(name)}" in the section of "{side}"')

    def table(self, block: Block) -> None:
        for line, text in block.strays:
            self.note(line, f"not understood in a table: {_short(text)}")
        if self.open is None:
            self.note(block.line, "a table stands outside any section")
            return
        if not block.rows:
            self.note(block.line, "a table without a header is not read")
            return
        width = len(block.rows[0][1])
        if width not in (2, 3):
            self.note(
                block.line, f"a table of {width} columns is not read; 2 are for matching, 3 for properties"
            )
            return
        for line, cells in block.rows[1:]:
            if len(cells) != width or not cells[0] or not cells[1] or max(map(len, cells)) > MAX_TEXT:
                self.note(line, f"a row that does not fit its header: {_short(' | '.join(cells))}")
            elif width == 2:
                row = MatchRow(line, _cell(cells[0]), _cell(cells[1]))
                self.open = replace(self.open, match=(*self.open.match, row))
            else:
                written = cells[2].strip('"').strip()
                type_ = "" if written.upper() == "N/A" else written
                self.open = replace(
                    self.open, rows=(*self.open.rows, Row(line, _cell(cells[0]), _cell(cells[1]), type_))
                )

    def many(self, section: Section) -> None:
        """Several fields for one: the document has no word on which of them counts."""
        several = (
            (
                "several left properties go to",
                [(row.right.path, row.left.path, row.line) for row in section.rows],
            ),
            (
                "several right properties come from",
                [(row.left.path, row.right.path, row.line) for row in section.rows],
            ),
        )
        for what, rows in several:
            others: dict[str, set[str]] = {}
            last: dict[str, int] = {}
            for target, other, line in rows:
                others.setdefault(target, set()).add(other)
                last[target] = line
            for target, names in others.items():
                if len(names) > 1:
                    shown = ", ".join(sorted(names)[:6])
                    self.note(
                        last[target], f"{what} {_short(target)}: {_short(shown)}; no precedence is said"
                    )


def _is_of(text: str, system: str) -> bool:
    return bool(system) and text.startswith(system + " ")


def _datatype(text: str, system: str) -> Datatype:
    if _is_of(text, system):
        name = text[len(system) :].strip()
    else:
        system, _, name = text.partition(" ")
        name = name.strip()
    found = _FACET.fullmatch(name)
    return Datatype(system, found["name"], found["facet"]) if found else Datatype(system, name)


def _parents(text: str, system: str) -> tuple[str, ...]:
    names = (part.strip() for part in re.split(r",\s*or\s+|,\s*|\s+or\s+", text))
    return tuple(name.removeprefix(system).strip() for name in names if name)


def _cell(text: str) -> Cell:
    found = _DEPENDANT.fullmatch(text)
    if found is None:
        return Cell(text)
    return Cell(found["path"].strip(), (found["where"], found["value"]))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"
