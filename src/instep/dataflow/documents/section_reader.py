"""The sections of one published document, read block by block; see `reader` for where a document begins and ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from instep.dataflow.documents.blocks import Block, TableRow
from instep.dataflow.documents.names import Headers, Names, tidy
from instep.dataflow.documents.sentences import sentences, understood
from instep.dataflow.documents.statements import (
    Cell,
    DataflowDocument,
    Datatype,
    MatchRow,
    Note,
    Row,
    Rule,
    Section,
    Span,
)

MAX_TEXT: Final = 2_000
"""Characters of a paragraph or cell; the longest published ones have a few hundred."""

MAX_HEADING: Final = 500
MAX_SHOWN: Final = 400
"""Characters of what is not understood that are repeated in a note."""

_GENERATED: Final = re.compile(r"Generated:\s*(.*)")
_DEPENDANT: Final = re.compile(r"(?P<path>.*?)\s*\((?P<conditions>Dependant on having\b.*)\)\s*", re.DOTALL)
_VALUE_IN_PATH: Final = re.compile(r"(?P<value>.*)(?<!\S)in(?!\S)(?P<path>.*)", re.DOTALL)


@dataclass
class _Open:
    """The section that is being read."""

    left: Datatype
    right: Datatype
    rules: list[Rule] = field(default_factory=list)
    match: list[MatchRow] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


class SectionReader:
    """Keeps what was read of one document, and everything worth a note."""

    def __init__(self, file: str, names: Names, title: Span) -> None:
        self.file, self.names, self.title = file, names, title
        self.generated = ""
        self.sections: list[Section] = []
        self.open: _Open | None = None
        self.notes: list[Note] = []
        self.form: set[int] = set()
        self.called: dict[tuple[str, str], list[int]] = {}

    def note(self, span: Span, text: str, *, contradicts: bool = False) -> None:
        notes = self.notes if self.open is None else self.open.notes
        notes.append(Note(span, text, contradicts))

    def formed(self, span: Span) -> None:
        self.form.update(range(span.first, span.last + 1))

    def document(self) -> DataflowDocument:
        for (said, title), lines in self.called.items():
            also = f", and so in {len(lines) - 1} more" if len(lines) > 1 else ""
            self.note(
                Span(lines[0], lines[0]),
                f'the heading says "{said}" where the title says "{title}"{also}',
                contradicts=True,
            )
        return DataflowDocument(
            self.file,
            self.names.left,
            self.names.right,
            self.generated,
            tuple(self.sections),
            tuple(sorted(self.notes, key=lambda note: note.span.first)),
            frozenset(self.form),
            self.title,
        )

    def outside(self, block: Block) -> None:
        """A block that is in no section."""
        text = tidy(block.text)
        if block.kind == "paragraph" and (found := _GENERATED.fullmatch(text)):
            self.generated = found[1]
            self.formed(block.span)
        elif block.kind == "table":
            self.note(block.span, "a table stands outside any section")
        else:
            self.note(block.span, f"stands outside any section: {short(text)}")

    def section(self, heading: Block, inside: Sequence[Block], headers: Headers) -> None:
        if heading.text.rstrip(".").strip().casefold() == "introduction":
            self.formed(heading.span)
            for block in inside:
                self.note(block.span, "the introduction says nothing to configure")
            return
        sides = None if len(heading.text) > MAX_HEADING else self.sides(heading, headers)
        if sides is None:
            kind = "a title" if heading.kind == "title" else "the heading of a pair"
            self.note(heading.span, f"not understood as {kind}: {short(heading.text)}")
            for block in inside:
                self.outside(block)
            return
        self.formed(heading.span)
        self.open = _Open(*sides)
        for block in inside:
            self.table(block) if block.kind == "table" else self.paragraph(block)
        done, self.open = self.open, None
        self.sections.append(
            Section(
                heading.line,
                done.left,
                done.right,
                tuple(done.rules),
                tuple(done.match),
                tuple(done.rows),
                tuple(done.notes),
            )
        )

    def sides(self, heading: Block, headers: Headers) -> tuple[Datatype, Datatype] | None:
        halves = self.names.split(heading.text, headers)
        if halves is None:
            return None
        left = self.names.datatype(halves.left, self.names.left, tidy(halves.left) in headers.left)
        right = self.names.datatype(
            halves.right, self.names.right, tidy(halves.right) in headers.right, headers.system
        )
        if left is None or right is None:
            return None
        for side, system in ((left, self.names.left), (right, self.names.right)):
            if side.system != system:
                self.called.setdefault((side.system, system), []).append(heading.line)
        return left, right

    def paragraph(self, block: Block) -> None:
        assert self.open is not None
        if len(block.text) > MAX_TEXT:
            self.note(
                block.span, f"not read, since it is {len(block.text)} characters long: {short(block.text)}"
            )
            return
        for first, last, text in sentences(block.text):
            span = Span(block.line + first, block.line + last)
            said = understood(text)
            if said is None:
                self.note(span, f"not understood: {short(text)}")
                continue
            if said.form:
                self.formed(span)
            if said.creates is not None:
                self.rule(Rule(span, said.creates, self.parents(said.parents), said.condition))
            for side, name in zip((self.open.left, self.open.right), said.names, strict=False):
                if name.casefold() not in (str(side).casefold(), f"{side.system} {side.name}".casefold()):
                    self.note(span, f'speaks of "{short(name)}" in the section of "{side}"', contradicts=True)

    def rule(self, rule: Rule) -> None:
        # "Before any synchronization ... a link must be established" opens three shapes, and "if no matching one is
        # found, a new one will be created" belongs to a condition as well; neither takes back what another says.
        assert self.open is not None
        others = [other for other in self.open.rules if other.creates not in ("never", rule.creates)]
        if rule.creates == "always" and any(other.creates == "on a condition" for other in others):
            self.formed(rule.span)
        elif rule.creates != "never" and others:
            self.note(
                rule.span,
                f'says "creates {rule.creates}" after "creates {others[0].creates}"; the first is kept',
                contradicts=True,
            )
        else:
            self.open.rules.append(rule)

    def parents(self, text: str) -> tuple[str, ...]:
        assert self.open is not None
        system = self.open.left.system
        names = (part.strip() for part in re.split(r",\s*or\s+|,\s*|\s+or\s+", text))
        return tuple(name.removeprefix(f"{system} ").strip() for name in names if name)

    def table(self, block: Block) -> None:
        assert self.open is not None
        for line, text in block.strays:
            self.note(Span(line, line), f"not understood in a table: {short(text)}")
        width = len(block.rows[0].cells) if block.rows else 0
        if width not in (2, 3):
            what = f"of {width} columns" if width else "without a header"
            self.note(block.span, f"a table {what} is not read; 2 are for matching, 3 for properties")
            return
        body = block.rows[1].span.first - 1 if len(block.rows) > 1 else block.span.last
        self.formed(Span(block.span.first, max(body, block.rows[0].span.last)))
        for row in block.rows[1:]:
            self.row(row, width)

    def row(self, row: TableRow, width: int) -> None:
        assert self.open is not None
        cells = [cell.strip() for cell in row.cells]
        if len(cells) != width or not cells[0] or not cells[1] or max(map(len, cells)) > MAX_TEXT:
            self.note(row.span, f"a row that does not fit its header: {short(' | '.join(cells))}")
        elif width == 2:
            self.open.match.append(MatchRow(row.span, _cell(cells[0]), _cell(cells[1])))
        else:
            quoted = re.fullmatch(r'"([^"]*)"', cells[2])
            type_ = quoted[1].strip() if quoted else cells[2]
            self.open.rows.append(
                Row(row.span, _cell(cells[0]), _cell(cells[1]), "" if type_.upper() == "N/A" else type_)
            )


def _cell(text: str) -> Cell:
    """A path, and what is said to be needed for it: one or more of "Dependant on having VALUE in PATH", with nothing
    between them."""
    found = _DEPENDANT.fullmatch(text)
    if found is None:
        return Cell(text)
    conditions: dict[tuple[str, str], None] = {}
    for piece in found["conditions"].split("Dependant on having")[1:]:
        said = _VALUE_IN_PATH.fullmatch(piece)
        value, path = (said["value"], said["path"]) if said else (piece, "")
        conditions[path.strip(' "'), value.strip(' "')] = None
    return Cell(found["path"].strip(), tuple(conditions))


def short(text: str) -> str:
    """A text of any length, in one line of a message."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
