"""What became of every line of the documents that were read: the report of `instep init --from`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from instep.core.phrases import counted
from instep.dataflow.documents.statements import DataflowDocument, Span

Fate = Literal["taken", "comment", "contradiction", "supplied"]

FATES: Final[dict[Fate, str]] = {
    "taken": "taken over",
    "comment": "could not be expressed, or not as it stands, and became a comment at its place",
    "contradiction": "contradicts something else that was read, and became a comment at its place",
    "supplied": "was left open by the documents, and was supplied",
}

KINDS: Final = {
    "pair": ("pair", "pairs"),
    "rule": ("sentence about creating", "sentences about creating"),
    "match": ("way to match", "ways to match"),
    "property": ("property", "properties"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement of a document, and what became of it. `kind`: of KINDS, for what was taken over."""

    file: str
    span: Span
    fate: Fate
    text: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.span.first}: {self.text}"


@dataclass(frozen=True, slots=True)
class Account:
    """What became of each statement. `heads`: a line on each document. `form`: per file, the lines that state nothing
    of their own; with those of the entries they are all lines there are."""

    heads: Sequence[str]
    form: Mapping[str, frozenset[int]]
    entries: Sequence[Entry]

    def of(self, fate: Fate) -> list[Entry]:
        return [entry for entry in self.entries if entry.fate == fate]

    def unaccounted(self, file: str, lines: Sequence[str]) -> list[int]:
        """Lines of a file of which nothing is told: none, or there is a mistake in this package."""
        told = set(self.form.get(file, ()))
        for entry in self.entries:
            if entry.file == file:
                told.update(range(entry.span.first, entry.span.last + 1))
        return [number for number, line in enumerate(lines, 1) if line.strip() and number not in told]

    def report(self) -> Iterator[str]:
        """The lines of the report, for a terminal."""
        yield from self.heads
        taken = self.of("taken")
        counts = [
            counted(sum(entry.kind == kind for entry in taken), *words) for kind, words in KINDS.items()
        ]
        yield f"  taken over: {', '.join(counts)}"
        for fate, what in FATES.items():
            entries = self.of(fate)
            if entries and fate != "taken":
                yield f"  what {what} ({len(entries)}):"
                yield from (f"    {entry}" for entry in entries)


def account_of(documents: Sequence[DataflowDocument], entries: Sequence[Entry]) -> Account:
    """The account of published documents."""
    heads = []
    form: dict[str, frozenset[int]] = {}
    for document in documents:
        systems = f"{document.left or '(no name)'} to {document.right or '(no name)'}"
        when = f", generated {document.generated}" if document.generated else ""
        sections = counted(len(document.sections), "section")
        heads.append(f"{document.file}: {systems}, {sections}{when}")
        form[document.file] = form.get(document.file, frozenset()) | document.form
    return Account(heads, form, entries)
