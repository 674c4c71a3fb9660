"""Cuts a document into headings, tables and paragraphs, with the line of each; no line is lost.

Only the little of reStructuredText that dataflow documents use. An empty table, which the language forbids, is
an ordinary one here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document. `rows`: of a table, each with its line and its cells, header first. `strays`: lines
    of a table that belong to no row."""

    kind: Literal["title", "heading", "table", "paragraph"]
    line: int
    text: str = ""
    rows: tuple[tuple[int, tuple[str, ...]], ...] = ()
    strays: tuple[tuple[int, str], ...] = ()


_RULE: Final = re.compile(r"([=\-~^\"#*+])\1{2,}\s*")
_CELL: Final = re.compile(r"(\*\s+)?-(?:\s+(.*)|)")


def blocks(lines: Sequence[str]) -> Iterator[Block]:
    """The pieces of a document in order; every line that is not blank is in one of them."""
    at = 0
    while at < len(lines):
        line = lines[at]
        below = lines[at + 1] if at + 1 < len(lines) else ""
        if not line.strip():
            at += 1
        elif (
            _RULE.fullmatch(line) and below.strip() and at + 2 < len(lines) and _RULE.fullmatch(lines[at + 2])
        ):
            yield Block("title", at + 2, below.strip())
            at += 3
        elif re.match(r"\s*\.\.\s+list-table::", line):
            block, at = _table(lines, at)
            yield block
        elif _RULE.fullmatch(below) and not _RULE.fullmatch(line):
            yield Block("heading", at + 1, line.strip())
            at += 2
        else:
            first = at
            while at < len(lines) and lines[at].strip() and not _begins_block(lines, at, first):
                at += 1
            at = max(at, first + 1)
            yield Block("paragraph", first + 1, "\n".join(lines[first:at]))


def _begins_block(lines: Sequence[str], at: int, first: int) -> bool:
    if at == first:
        return False
    if re.match(r"\s*\.\.\s+list-table::", lines[at]):
        return True
    return at + 1 < len(lines) and bool(lines[at].strip()) and _RULE.fullmatch(lines[at + 1]) is not None


def _table(lines: Sequence[str], start: int) -> tuple[Block, int]:
    """The table that begins at `start`, and the index of the line after it."""
    rows: list[tuple[int, list[str]]] = []
    strays: list[tuple[int, str]] = []
    at = start + 1
    while at < len(lines):
        line, text = lines[at], lines[at].strip()
        if text and not line[0].isspace():
            break
        cell = _CELL.fullmatch(text)
        if not text or re.fullmatch(r":[a-z-]+:.*", text):
            pass
        elif cell is not None and cell[1]:
            rows.append((at + 1, [(cell[2] or "").strip()]))
        elif cell is not None and rows:
            rows[-1][1].append((cell[2] or "").strip())
        elif rows:
            rows[-1][1][-1] = f"{rows[-1][1][-1]}\n{text}".strip()
        else:
            strays.append((at + 1, text))
        at += 1
    block = Block(
        "table", start + 1, rows=tuple((line, tuple(cells)) for line, cells in rows), strays=tuple(strays)
    )
    return block, at
