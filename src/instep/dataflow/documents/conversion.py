"""From dataflow documents to the text of a `dataflow.yaml`, with an account of every line.

Pairs and who may create come from the documents; where a pair is one that the shipped dataflow knows and its
table is empty, the shipped properties stand in, comments and all. What a document says and a dataflow can't
becomes a comment with the document's line, so that a person finds it where it matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from instep.dataflow.documents.account import Account, Entry, account_of
from instep.dataflow.documents.merging import LEFT, Told, tell, turned
from instep.dataflow.documents.pair_text import PairText
from instep.dataflow.documents.shipped import Shipped, key
from instep.dataflow.documents.statements import DataflowDocument
from instep.dataflow.documents.words import plain


class Conversion(NamedTuple):
    """The text of a dataflow, and what became of the documents' statements. `whole`: the documents leave nothing
    open, so that nothing of the text is to be replaced by what is usual."""

    text: str
    account: Account
    whole: bool = False


def convert(documents: Sequence[DataflowDocument], shipped_text: str) -> Conversion:
    """The dataflow that the documents state: one document, or both directions.

    Chargebee is the left side; without it the first document's left, unless the shipped dataflow knows its pairs
    the other way round. The text is always one that can be read and built again.
    """
    shipped = Shipped.read(shipped_text)
    named = _named(tell(documents, shipped), shipped)
    lines = [_title(documents, shipped), *shipped.head()[1:]]
    entries = [entry for document in documents for entry in _outside(document)]
    lines += [f"  # {plain(str(entry))}" for entry in entries]
    if not named:
        lines += ["  # The documents state no pair; these are the shipped ones."]
        for name in shipped.entities:
            lines += ["", *shipped.block(name)]
    kept = {told.entity for told in named.values()}
    for name, told in named.items():
        text = PairText(shipped, name, told, kept)
        lines += ["", *text.lines()]
        entries += text.entries
    left_out = [name for name in shipped.entities if named and name not in named]
    if left_out:
        lines += ["", f"  # Not in the documents, and so not here: {', '.join(left_out)}."]
    order = {document.file: place for place, document in reversed(list(enumerate(documents)))}
    entries.sort(key=lambda entry: (order[entry.file], entry.span.first, entry.span.last))
    return Conversion("\n".join(lines).rstrip() + "\n", account_of(documents, entries))


def _title(documents: Sequence[DataflowDocument], shipped: Shipped) -> str:
    """The first line, with the names that the documents have for the two systems."""
    first = documents[0]
    systems = (first.right, first.left) if turned(documents, shipped) else (first.left, first.right)
    left, right = (plain(name) or "a system without a name" for name in systems)
    return f"# What is kept in step between {left} (left) and {right} (right)."


def _outside(document: DataflowDocument) -> Iterator[Entry]:
    """What is to be said of a document as a whole."""
    if document.sections and LEFT not in (key(document.left), key(document.right)):
        what = "neither system is called Chargebee, which instep.yaml has on its left: name the right connector there"
        yield Entry(document.file, document.title, "contradiction", what)
    for note in document.notes:
        yield Entry(document.file, note.span, note.fate, note.text)


def _named(pairs: Sequence[Told], shipped: Shipped) -> Mapping[str, Told]:
    """A name per pair: the shipped one, else made from the right entity, and made unique."""
    names: dict[str, Told] = {}
    numbers: dict[str, int] = {}
    for told in pairs:
        base = told.shipped or re.sub(r"[^A-Za-z0-9_]+", "_", told.entity.right).strip("_")[:40]
        if not re.match("[A-Za-z]", base):
            base = f"pair_{base}".strip("_")
        name, number = base, numbers.get(base, 1)
        while name in names or (name in shipped.entities and name != told.shipped):
            number += 1
            name = f"{base}_{number}"
        numbers[base] = number
        names[name] = told
    return names
