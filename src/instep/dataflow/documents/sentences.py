"""The sentences of published dataflow documents, which say when a record is made; read here and never written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from instep.dataflow.documents.statements import Creates

_START: Final = re.compile(
    r"(?<=[.:])\s+"
    r"(?=(?:Every|Before any|A new|If (?:a|no) matching|Once a link|The following properties)\b"
    r"|An? .{1,300} will merge)"
)
_EVERY: Final = re.compile(r"Every (?P<x>.+?) will be synchronized with an? (?P<y>.+)\.")
_BEFORE: Final = re.compile(
    r"Before any synchronization can take place, a link between .+ must be established\."
)
_REFERRED: Final = re.compile(
    r"A new (?P<y>.+) will be created from an? (?P<x>.+) if it is connected to an? (?P<parents>.+) that is "
    r"synchronized into\b.*\."
)
_MERGE: Final = re.compile(r"An? (?P<x>.+) will merge with an? (?P<y>.+) if one of the following .+:")
_EXISTS: Final = re.compile(r"If a matching .+ already exists, .+\.")
_NEW: Final = re.compile(r"If no matching .+ is found, a new .+ will be created\.")
_ONCE: Final = re.compile(r"Once a link between .+ is established, it will keep in sync .+\.")
_TABLE: Final = re.compile(r"The following properties are synchronized between .+:")
_CONDITION: Final = re.compile(r"(?P<condition>.+), it will be synchronized with an? (?P<y>.+)\.")


class Sentence(NamedTuple):
    """What a sentence says. `creates`: the rule in it, "" for none. `form`: it only leads up to a table, or says what
    always holds. `names`: what it calls the two kinds of record, to compare with the heading."""

    creates: Creates | None = None
    parents: str = ""
    condition: str = ""
    form: bool = False
    names: tuple[str, ...] = ()


def sentences(text: str) -> Iterator[tuple[int, int, str]]:
    """The sentences of a paragraph, each with its first and last line in it (counted from 0)."""
    start = 0
    for end in [*(found.start() for found in _START.finditer(text)), len(text)]:
        piece = text[start:end]
        first = text.count("\n", 0, start + len(piece) - len(piece.lstrip()))
        yield first, first + piece.strip().count("\n"), " ".join(piece.split())
        start = end


def understood(text: str) -> Sentence | None:
    """What a sentence (with single blanks) says; None if it is none of the grammar's."""
    if _BEFORE.fullmatch(text):
        return Sentence("never")
    if found := _REFERRED.fullmatch(text):
        return Sentence("when referred to", parents=found["parents"], names=(found["x"], found["y"]))
    if found := _EVERY.fullmatch(text):
        return Sentence("always", names=(found["x"], found["y"]))
    if found := _CONDITION.fullmatch(text):
        return Sentence("on a condition", condition=found["condition"])
    if _NEW.fullmatch(text):
        return Sentence("always")
    if found := _MERGE.fullmatch(text):
        return Sentence(form=True, names=(found["x"], found["y"]))
    if _EXISTS.fullmatch(text) or _ONCE.fullmatch(text) or _TABLE.fullmatch(text):
        return Sentence(form=True)
    return None
