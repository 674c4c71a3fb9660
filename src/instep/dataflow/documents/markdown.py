"""A page as Markdown, of the kind that GitHub and others show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from instep.dataflow.documents.page import (
    Block,
    Heading,
    Items,
    Page,
    Paragraph,
    Picture,
    Table,
    Text,
    one_line,
)

_MARKED: Final = re.compile(r"[\\`*_{}\[\]<>()#+!|~&$-]")


def write_markdown(page: Page, picture: str) -> str:
    """The text of a page; `picture` is the name of the file that its picture is in."""
    return "\n\n".join(_block(block, picture) for block in page.blocks) + "\n"


def _block(block: Block, picture: str) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {_escaped(one_line(text))}"
        case Paragraph(text):
            return _text(text)
        case Items(texts):
            return "\n".join(f"- {_text(text)}" for text in texts)
        case Picture(_, alt):
            return f"![{_escaped(one_line(alt))}]({picture})"
        case Table():
            return "\n".join(_table(block))


def _table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(_escaped(column) for column in table.columns)} |"
    yield f"|{'---|' * len(table.columns)}"
    for row in table.rows:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"


def _text(text: Text) -> str:
    return "".join(_escaped(piece) if isinstance(piece, str) else _code(piece.text) for piece in text)


def _escaped(words: str) -> str:
    """Words in which nothing is marked up; a hyphen within a word needs no escape."""
    return _MARKED.sub(
        lambda found: found[0] if found[0] in "-()!+" and found.start() else "\\" + found[0], words
    )


def _code(code: str) -> str:
    """A code span; a bar, which would end a cell, is escaped within it."""
    shown = one_line(code).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if not shown or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{blank}{shown}{blank}{fence}"
