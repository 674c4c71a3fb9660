"""Cuts a document into headings, tables and paragraphs, with the line of each; no line is lost.

Only the little of reStructuredText that dataflow documents use. An empty table, which the language forbids, is
an ordinary one here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from instep.dataflow.documents.statements import Span


class TableRow(NamedTuple):
    """The cells of a row as written, a blank at their ends left out, but for one that stands for a missing name."""

    span: Span
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document. `line`: where its text begins. `rows`: of a table, header first. `strays`: lines of a
    table that belong to no row."""

    kind: Literal["title", "heading", "table", "paragraph"]
    span: Span
    line: int
    text: str = ""
    rows: tuple[TableRow, ...] = ()
    strays: tuple[tuple[int, str], ...] = ()


_RULE: Final = re.compile(r"([=\-~^\"#*+])\1{2,}\s*")
_TABLE: Final = re.compile(r"\s*\.\.\s+list-table::")
_CELL: Final = re.compile(r"(\*\s+)?-(?:\s(.*)|)")
_OPTION: Final = re.compile(r":[a-z-]+:.*")


def blocks(lines: Sequence[str]) -> Iterator[Block]:
    """The pieces of a document in order; every line that is not blank is in one of them."""
    at = 0
    while at < len(lines):
        block, after = _block(lines, at) if lines[at].strip() else (None, at + 1)
        if block is not None:
            yield block
        at = after


def _block(lines: Sequence[str], at: int) -> tuple[Block, int]:
    """The block that begins at a line, and the index of the line after it."""
    line = lines[at]
    below = lines[at + 1] if at + 1 < len(lines) else ""
    if _is_rule(line) and below.strip() and at + 2 < len(lines) and _is_rule(lines[at + 2]):
        return Block("title", Span(at + 1, at + 3), at + 2, below.rstrip()), at + 3
    if _TABLE.match(line):
        return _table(lines, at)
    if _is_rule(below) and not _is_rule(line):
        return Block("heading", Span(at + 1, at + 2), at + 1, line.rstrip()), at + 2
    after = at + 1
    while after < len(lines) and lines[after].strip() and not _begins_block(lines, after):
        after += 1
    return Block("paragraph", Span(at + 1, after), at + 1, "\n".join(lines[at:after])), after


def _is_rule(line: str) -> bool:
    return _RULE.fullmatch(line) is not None


def _begins_block(lines: Sequence[str], at: int) -> bool:
    return bool(_TABLE.match(lines[at])) or (at + 1 < len(lines) and _is_rule(lines[at + 1]))


def _is_within(lines: Sequence[str], at: int) -> bool:
    """Whether a line may belong to a table: it is blank or indented, and no heading whose first name is missing."""
    if not lines[at].strip():
        return True
    return lines[at][0].isspace() and not (at + 1 < len(lines) and _is_rule(lines[at + 1]))


def _table(lines: Sequence[str], start: int) -> tuple[Block, int]:
    """The table that begins at `start`, and the index of the line after it."""
    rows: list[tuple[int, int, list[list[str]]]] = []
    strays: list[tuple[int, str]] = []
    at, last = start + 1, start + 1
    while at < len(lines) and _is_within(lines, at):
        text = lines[at].strip()
        cell = _CELL.fullmatch(text)
        at += 1
        last = at if text else last
        if not text or (not rows and _OPTION.fullmatch(text)):
            continue
        if cell is not None and cell[1]:
            rows.append((at, at, [[cell[2] or ""]]))
        elif not rows:
            strays.append((at, text))
        else:
            first, _, cells = rows[-1]
            if cell is not None:
                cells.append([cell[2] or ""])
            else:
                cells[-1].append(text)
            rows[-1] = (first, at, cells)
    read = tuple(
        TableRow(Span(first, end), tuple("\n".join(c).rstrip() for c in cells)) for first, end, cells in rows
    )
    return Block("table", Span(start + 1, last), start + 1, rows=read, strays=tuple(strays)), at
