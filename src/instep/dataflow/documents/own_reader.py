"""Reads the documents that `instep document` writes: their sentences and tables, back to a dataflow.

Two of one direction each are taken together. What a person has added that states nothing becomes a comment, with
its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from instep.core.model import Both
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.account import Account, Entry, Fate
from instep.dataflow.documents.blocks import Block, TableRow, blocks
from instep.dataflow.documents.conversion import Conversion
from instep.dataflow.documents.forms import Values, understood
from instep.dataflow.documents.own_pair import StatedPair
from instep.dataflow.documents.own_statements import Contradiction, state, state_row
from instep.dataflow.documents.page import Text
from instep.dataflow.documents.reader import MAX_LINES
from instep.dataflow.documents.rst import read_text
from instep.dataflow.documents.section_reader import short
from instep.dataflow.documents.statements import Span
from instep.dataflow.documents.stating import PROPERTIES, RULES
from instep.dataflow.documents.words import plain
from instep.dataflow.documents.yaml_text import yaml_lines

NO_SYSTEMS = Both("\0left", "\0right")


def is_own(text: str) -> bool:
    """Whether this is a document that states its dataflow in our own sentences."""
    return systems_of(text) is not None


def systems_of(text: str) -> Both[str] | None:
    """The two systems that an own document names; None if it is none of ours."""
    for line in text.splitlines()[:100]:
        if line.startswith("It keeps ") and (found := understood(read_text(line), NO_SYSTEMS)):
            values = found[1]
            return Both(str(values["left"]), str(values["right"])) if found[0] == "systems" else None
    return None


def convert_own(texts: Sequence[tuple[str, str]]) -> Conversion:
    """The dataflow that our own documents state, each a text and the name of its file. Raises ConfigurationError if
    what a person has made of them can't be built."""
    reader = OwnReader()
    for text, file in texts:
        reader.read(text, file)
    whole = reader.text()
    parse_dataflow(whole, f"dataflow.yaml, as {texts[0][1]} states it")
    return Conversion(whole, reader.account(), whole=True)


class OwnReader:
    """Takes documents one after the other. `pairs`: what they state; `entries`, `form`, `heads`: the account."""

    def __init__(self) -> None:
        self.pairs: dict[str, StatedPair] = {}
        self.entries: list[Entry] = []
        self.form: dict[str, frozenset[int]] = {}
        self.heads: list[str] = []
        self.comments: dict[str, list[str]] = {}

    def read(self, text: str, file: str) -> None:
        systems = systems_of(text)
        assert systems is not None
        before = len(self.entries)
        reading = _Reading(self, file, systems)
        lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
        for block in blocks(lines[:MAX_LINES]):
            reading.block(block)
        if any(line.strip() for line in lines[MAX_LINES:]):
            reading.comment(Span(MAX_LINES + 1, len(lines)), "the rest is not read")
        self.form[file] = frozenset(reading.form)
        pairs = sum(entry.kind == "pair" for entry in self.entries[before:])
        self.heads.append(f"{file}: {systems.left} and {systems.right}, {pairs} pairs, in our own form")

    def text(self) -> str:
        """The dataflow as YAML."""
        lines = ["# What is kept in step, as a document states it.", "version: 1", "", "pairs:"]
        lines += [f"  # {comment}" for comment in self.comments.get("", ())]
        for name, pair in self.pairs.items():
            lines += [f"  # {comment}" for comment in self.comments.get(name, ())]
            lines += [*yaml_lines({name: pair.value()}, 2), ""]
        return "\n".join(lines).rstrip() + "\n"

    def account(self) -> Account:
        return Account(tuple(self.heads), self.form, self.entries)


class _Reading:
    """Where a document is being read: in which pair, under which heading, inside which property."""

    def __init__(self, reader: OwnReader, file: str, systems: Both[str]) -> None:
        self.reader, self.file, self.systems = reader, file, systems
        self.form: set[int] = set()
        self.pair = ""
        self.stating = False
        self.inside: Sequence[str] = ()
        self.after = ""

    def block(self, block: Block) -> None:
        if block.kind in ("title", "heading"):
            self.heading(block)
        elif not self.stating:
            # What follows from the statements is made anew with them.
            self.formed(block.span)
        elif block.kind == "table":
            self.table(block)
        else:
            for span, text in _lines(block):
                self.sentence(span, read_text(text))

    def heading(self, block: Block) -> None:
        self.formed(block.span)
        self.stating = block.text.startswith((RULES, PROPERTIES))
        self.inside, self.after = (), ""

    def sentence(self, span: Span, text: Text) -> None:
        found = understood(text, self.systems)
        if found is None:
            words = "".join(piece if isinstance(piece, str) else piece.text for piece in text)
            self.comment(span, f"not understood: {short(words)}")
            return
        form, values = found
        if form == "pair":
            self.open(span, values)
        elif form == "inside":
            self.inside = list(values["properties"])
            self.formed(span)
        elif self.pair not in self.reader.pairs:
            self.comment(span, "a sentence that belongs to no pair")
        else:
            self.state(span, form, values)

    def open(self, span: Span, values: Values) -> None:
        self.pair = str(values["pair"])
        entity = Both(str(values["left"]), str(values["right"]))
        known = self.reader.pairs.setdefault(self.pair, StatedPair(entity))
        if known.entity != entity:
            self.comment(
                span, f"the pair {self.pair} has other records elsewhere; these are left out", "contradiction"
            )
            self.pair = ""
        else:
            self.take(span, f"pair {self.pair}", "pair")

    def state(self, span: Span, form: str, values: Values) -> None:
        try:
            state(self.reader.pairs[self.pair], form, values, self.systems)
        except (Contradiction, ValueError) as error:
            self.comment(span, str(error), "contradiction" if isinstance(error, Contradiction) else "comment")
        else:
            self.take(
                span,
                form,
                "rule" if form.startswith("create") else "match" if form == "match" else "statement",
            )

    def table(self, block: Block) -> None:
        first = block.rows[1].span.first - 1 if len(block.rows) > 1 else block.span.last
        self.formed(Span(block.span.first, first))
        for line, text in block.strays:
            self.comment(Span(line, line), f"not understood in a table: {text}")
        for row in block.rows[1:]:
            self.row(row)

    def row(self, row: TableRow) -> None:
        cells = [read_text(" ".join(cell.split())) for cell in row.cells]
        if self.pair not in self.reader.pairs:
            self.comment(row.span, "a row that belongs to no pair")
            return
        try:
            name = state_row(self.reader.pairs[self.pair], cells, self.systems, self.inside, self.after)
        except (Contradiction, ValueError) as error:
            self.comment(
                row.span, str(error), "contradiction" if isinstance(error, Contradiction) else "comment"
            )
        else:
            self.take(row.span, f"property {name}", "inner" if self.inside else "property")
            self.after = self.after if self.inside else name

    # --- The account --------------------------------------------------------------------------------------

    def formed(self, span: Span) -> None:
        self.form.update(range(span.first, span.last + 1))

    def take(self, span: Span, what: str, kind: str) -> None:
        self.reader.entries.append(Entry(self.file, span, "taken", what, kind))

    def comment(self, span: Span, what: str, fate: Fate = "comment") -> None:
        entry = Entry(self.file, span, fate, what)
        self.reader.entries.append(entry)
        self.reader.comments.setdefault(self.pair, []).append(plain(str(entry)))


def _lines(block: Block) -> Iterator[tuple[Span, str]]:
    """The sentences of a block, each a line or a thing of a list; lines that a person has broken are joined."""
    found: list[tuple[Span, str]] = []
    for number, line in enumerate(block.text.split("\n"), block.line):
        if line.startswith("- "):
            found.append((Span(number, number), line[2:].strip()))
        elif found and (line.startswith(" ") or not block.text.startswith("- ")):
            span, text = found[-1]
            found[-1] = Span(span.first, number), f"{text} {line.strip()}"
        else:
            found.append((Span(number, number), line.strip()))
    return iter(found)
