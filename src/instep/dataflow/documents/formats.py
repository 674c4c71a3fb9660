"""The files of a document, by the end of its name; and what differs in those that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import unified_diff
from pathlib import PurePath
from typing import Final

from instep.dataflow.documents.html import write_html
from instep.dataflow.documents.markdown import write_markdown
from instep.dataflow.documents.page import Page, Picture
from instep.dataflow.documents.rst import write_rst

WRITERS: Final[Mapping[str, Callable[[Page, str], str]]] = {
    ".rst": write_rst,
    ".md": write_markdown,
    ".html": lambda page, _: write_html(page),
}
"""End of a file's name -> the text of a page, given the name of the file that its picture is in."""

MOST_LINES: Final = 20


def files_of(page: Page, name: str) -> dict[str, str]:
    """Name of a file -> its text: the document, and its picture if it can't hold that. `name` ends in one of
    `WRITERS`; the picture's file is beside it."""
    path = PurePath(name)
    picture = path.with_suffix(".svg")
    files = {name: WRITERS[path.suffix](page, picture.name)}
    if path.suffix != ".html":
        files |= {str(picture): block.svg for block in page.blocks if isinstance(block, Picture)}
    return files


def differing(name: str, wanted: str, found: str) -> Iterator[str]:
    """The first lines in which a file is not what it would be now."""
    lines = unified_diff(found.splitlines(), wanted.splitlines(), name, f"{name} now", lineterm="", n=0)
    shown = [line if len(line) <= 200 else line[:199] + "…" for line in lines]
    yield from shown[:MOST_LINES]
    if len(shown) > MOST_LINES:
        yield f"… and {len(shown) - MOST_LINES} more lines"
