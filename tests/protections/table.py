"""The table of all protections, and the page that is made from it. To add one, add it to the module of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from . import (
    choices,
    conflicts,
    creates,
    creates_in_doubt,
    creates_sought,
    deletes,
    doubt,
    forgetting,
    journal,
    logs,
    looks,
    readings,
    refusals,
    runs,
    statements,
    undoing,
    waiting,
)
from .laws import MORE, words_of
from .protection import Protection

GROUPS: dict[str, tuple[Protection, ...]] = {
    "What is read": readings.PROTECTIONS,
    "The look before a write, and its answer": looks.PROTECTIONS,
    "The system's own log": logs.PROTECTIONS,
    "Writes, and doubt about them": doubt.PROTECTIONS,
    "Creates without an answer": (*creates_in_doubt.PROTECTIONS, *creates_sought.PROTECTIONS),
    "What a system does not take": refusals.PROTECTIONS,
    "First contact": creates.PROTECTIONS,
    "Deletes": deletes.PROTECTIONS,
    "Runs": runs.PROTECTIONS,
    "Who waits, and what is news": waiting.PROTECTIONS,
    "Conflicts": conflicts.PROTECTIONS,
    "Holds and choices": choices.PROTECTIONS,
    "Undoing": undoing.PROTECTIONS,
    "The journal and the store": journal.PROTECTIONS,
    "Forgetting": forgetting.PROTECTIONS,
    "Statements of the store": statements.PROTECTIONS,
}
PROTECTIONS = tuple(each for group in GROUPS.values() for each in group)


PAGE: Final = Path(__file__).parents[2] / "docs" / "protections.md"


def page() -> str:
    """The page that lists them."""
    lines = [
        "# Protections",
        "",
        "What keeps the two systems right when requests get lost, answers come late, processes die and people"
        " are in a hurry.",
        "Each is taken out by a test, in the test and not in the product, and the law in its last column has to be"
        " broken by then; with it in place, none is.",
        f"There are {len(PROTECTIONS)}.",
        "A number is that of [a promise](promises.md); the other laws stand below.",
        "The table is made from `tests/protections/`.",
        "",
        "*search*: every order of edits, faults and crashes that one linked record can meet within a budget."
        " *worlds*: made-up worlds, judged by an oracle that knows nothing of the engine."
        " *story*: a few edits and requests in a fixed order."
        " *store*: the suite that every store has to pass.",
    ]
    for title, group in GROUPS.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| protection | where in `src/instep/` | without it | the law that is broken then (what notices) |",
            "|---|---|---|---|",
            *(each.row() for each in group),
        ]
    lines += ["", "## Laws beside the promises", "", *(f"- {words_of(name)}" for name in MORE)]
    return "\n".join(lines) + "\n"


def write_page() -> None:
    PAGE.write_text(page(), encoding="utf-8")
