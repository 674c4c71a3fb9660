"""Reads published dataflow documents, one per direction; it never fails.

The grammar is small and the documents are irregular, so this is a reader of its own and not a reST library (which
refuses an empty table, the commonest one). What it does not understand becomes a note with its lines, so that
nothing is dropped in silence. What a document means for a dataflow is the business of `conversion`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from instep.dataflow.documents.blocks import Block, blocks
from instep.dataflow.documents.names import Headers, Names, best_title, headers_of, title_halves
from instep.dataflow.documents.section_reader import MAX_HEADING, SectionReader
from instep.dataflow.documents.statements import DataflowDocument, Span

MAX_LINES: Final = 100_000
MOST_NAMES: Final = 50
"""Names of systems that are looked for in headings; the published documents have two to four."""


def read_document(text: str, file: str = "") -> DataflowDocument:
    """Read one document of any line ends; if there are several in the text, the first."""
    return read_documents([(text, file)])[0]


def read_documents(texts: Sequence[tuple[str, str]]) -> list[DataflowDocument]:
    """Read documents, each a text and the name of its file; never raises. A text with several titles has several
    documents. The names that one of them uses for a system help to read the others."""
    parts = [part for text, file in texts for part in _parts(text, file)]
    known = list(dict.fromkeys(name for part in parts for name in part.names() if name))
    return [part.read(known[:MOST_NAMES]) for part in parts]


@dataclass
class _Part:
    """One document: its blocks up to the next title. `end`: (line, lines) where a text was cut off."""

    file: str
    title: Block | None = None
    before: list[Block] = field(default_factory=list)
    sections: list[tuple[Block, list[Block]]] = field(default_factory=list)
    end: tuple[int, int] | None = None

    def may_begin(self, block: Block) -> bool:
        """Whether a block may be a title: one without a line above it only where there is none yet."""
        return block.kind == "title" or (block.kind == "heading" and self.title is None and not self.sections)

    @cached_property
    def headed(self) -> list[tuple[str, Headers]]:
        """Each heading, with what the tables under it say."""
        return [
            (heading.text, headers_of(block for block in inside if block.kind == "table"))
            for heading, inside in self.sections
        ]

    @cached_property
    def titled(self) -> tuple[str, str, bool]:
        """The two systems, and whether the title can be read in one way only."""
        text = self.title.text if self.title is not None else ""
        halves = title_halves(text[:MAX_HEADING])
        if not halves:
            return "", "", True
        sides, alone = best_title(halves, self.headed)
        return sides.left, sides.right, alone

    def names(self) -> Iterable[str]:
        yield from self.titled[:2]
        for _, headers in self.headed:
            yield headers.system or ""

    def read(self, known: Sequence[str]) -> DataflowDocument:
        left, right, alone = self.titled
        title = self.title.span if self.title is not None else Span(1, 1)
        reader = SectionReader(self.file, Names(left, right, set(known) - {left, right}), title)
        if self.end is not None:
            reader.note(Span(*self.end), f"the rest, up to line {self.end[1]}, is not read")
        if self.title is None:
            reader.note(title, "there is no title of the form: A to B Dataflow")
        else:
            reader.formed(title)
            if not alone:
                reader.note(
                    title,
                    f'the title can be split in more than one place; read as "{left}" to "{right}"',
                )
        for block in self.before:
            reader.outside(block)
        for (heading, inside), (_, headers) in zip(self.sections, self.headed, strict=True):
            reader.section(heading, inside, headers)
        return reader.document()


def _parts(text: str, file: str) -> list[_Part]:
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    parts = [_Part(file)]
    for block in blocks(lines[:MAX_LINES]):
        part = parts[-1]
        if part.may_begin(block) and title_halves(block.text[:MAX_HEADING]):
            if part.title is not None:
                part = _Part(file)
                parts.append(part)
            part.title = block
        elif block.kind in ("title", "heading"):
            part.sections.append((block, []))
        elif part.sections:
            part.sections[-1][1].append(block)
        else:
            part.before.append(block)
    if any(line.strip() for line in lines[MAX_LINES:]):
        parts[-1].end = (MAX_LINES + 1, len(lines))
    return parts
