"""A page as reStructuredText that docutils and Sphinx take without a warning, and back: the texts within a line.

Nothing is wrapped: a paragraph, and a thing of a list, is one line, so that a difference between two versions is
one of what they say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from instep.dataflow import yaml
from instep.dataflow.documents.page import (
    Block,
    Code,
    Heading,
    Items,
    Page,
    Paragraph,
    Picture,
    Table,
    Text,
    one_line,
)
from instep.errors import ConfigurationError

UNDERLINES: Final = {1: "=", 2: "-", 3: "~"}

_MARKED: Final = re.compile(r"[\\*`|_]|:(?=:)")
_BEGINS: Final = re.compile(r"[^A-Za-z0-9\\]|[A-Za-z0-9]+[.)](?:\s|$)")
_LITERAL: Final = re.compile(r"``(.+?)``(?!`)")
_PLAIN: Final = re.compile(r"(?!~\")[^\s`](?:[^`]*[^\s`])?")
_SPELLED: Final = '~"'
"""How a literal begins that has its text in double quotes, with escapes."""


def write_rst(page: Page, picture: str) -> str:
    """The text of a page; `picture` is the name of the file that its picture is in."""
    return "\n\n".join(_block(block, picture) for block in page.blocks) + "\n"


def _block(block: Block, picture: str) -> str:
    match block:
        case Heading(level, text):
            title = _escaped(one_line(text))
            rule = UNDERLINES[level] * width(title)
            return f"{rule}\n{title}\n{rule}" if level == 1 else f"{title}\n{rule}"
        case Paragraph(text):
            return _text(text)
        case Items(texts):
            return "\n".join(f"- {_text(text)}" for text in texts)
        case Picture(_, alt):
            return f".. image:: {picture}\n   :alt: {one_line(alt)}"
        case Table():
            return "\n".join(_table(block))


def _table(table: Table) -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield f"   :widths: {' '.join(map(str, table.widths))}"
    yield ""
    for row in (tuple((column,) for column in table.columns), *table.rows):
        for place, cell in enumerate(row):
            yield f"   {'  ' if place else '* '}- {_text(cell)}".rstrip()


def _text(text: Text) -> str:
    found = "".join(_escaped(piece) if isinstance(piece, str) else literal(piece.text) for piece in text)
    return f"\\{found}" if text and isinstance(text[0], str) and _BEGINS.match(found) else found


def _escaped(words: str) -> str:
    return _MARKED.sub(lambda found: "\\" + found[0], words)


def literal(code: str) -> str:
    """An inline literal, of the text itself or, where that can't stand in one, of its spelling in double quotes."""
    if _PLAIN.fullmatch(code) and code.isprintable() and "  " not in code:
        return f"``{code}``"
    inner = yaml.quoted(code).replace("`", "\\x60").replace("  ", " \\x20")
    return f"``~{inner}``"


def read_text(line: str) -> Text:
    """A line that `write_rst` has written, as words and names."""
    found: list[str | Code] = []
    at = 0
    for piece in _LITERAL.finditer(line):
        words = _unescaped(line[at : piece.start()])
        found += [words, Code(_meant(piece[1]))] if words else [Code(_meant(piece[1]))]
        at = piece.end()
    words = _unescaped(line[at:])
    return tuple([*found, words] if words else found)


def _unescaped(words: str) -> str:
    return re.sub(r"\\(.)", r"\1", words)


def _meant(inner: str) -> str:
    """What a literal stands for; a spelling that a person has broken stands for itself."""
    if inner.startswith(_SPELLED):
        try:
            value = yaml.read(inner[1:], "").value
        except ConfigurationError:
            return inner
        return value if isinstance(value, str) else inner
    return inner


def width(text: str) -> int:
    """How many columns docutils takes a text for."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
