"""A document between what it says and how it is written: blocks of texts, in which names are told from words.

`rst`, `markdown` and `html` write a page; to add a format, add a module with a function of a `Page`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Code:
    """A name or value of the dataflow or of a system, as it is: any characters at all."""

    text: str


Text: TypeAlias = tuple["str | Code", ...]
"""Words and names in turn; no two words stand beside each other."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Level 1 is the title. `anchor`: what the HTML page's links lead to."""

    level: Literal[1, 2, 3]
    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: Text


@dataclass(frozen=True, slots=True)
class Items:
    """A list without an order."""

    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`narrow`: the widths that columns want, in parts of the whole. There is one row at least."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG, which stands in a file of its own beside a document that can't hold it. `alt`: what it shows."""

    svg: str
    alt: str


Block: TypeAlias = Heading | Paragraph | Items | Table | Picture


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    blocks: tuple[Block, ...]


def text(*pieces: str | Code) -> Text:
    """A text of pieces: words beside each other become one, and empty ones none."""
    found: list[str | Code] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return tuple(found)


def joined(codes: tuple[str, ...] | list[str], between: str = ", ") -> Text:
    """Names with something between them."""
    found: list[str | Code] = []
    for code in codes:
        found += [between, Code(code)] if found else [Code(code)]
    return tuple(found)


def one_line(text: str) -> str:
    """Words that come from elsewhere, in one line of what can be printed."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
