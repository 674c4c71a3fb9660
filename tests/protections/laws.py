"""The laws by which the loss of a protection shows: the thirteen promises as the documents word them, and a few more.

Whatever finds a law broken says so in a sentence that names it: "(promise 7)", or "(law brakes)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_PROMISE: Final = re.compile(r"^\| (\d+) \| \*\*(.+?)\.?\*\*", re.MULTILINE)
_NAMED: Final = re.compile(r"promises? ([\d, ]*\d)|law ([a-z]+)")


def promises() -> dict[str, str]:
    """Number -> words, from the page that makes the promises."""
    page = (Path(__file__).parents[2] / "docs" / "promises.md").read_text("utf-8")
    return {number: f"{words}." for number, words in _PROMISE.findall(page)}


MORE: Final = {
    "brakes": "What would change too much is stopped before its first write.",
    "approval": "A run of an approved plan writes what was approved, and nothing else.",
    "abilities": "What an API can't do is never asked of it.",
    "deletes": "What a person deleted is not made again.",
    "groups": "Fields that make sense only together move together.",
    "guesses": "A partner that is not the only one is asked for, and never guessed.",
    "choices": "What a person chose counts for what they saw, and for nothing else.",
    "fights": "What is changed back again and again is not written for ever.",
    "store": "A store does what its contract says.",
    "holds": "A hold that waits for something ends when that has come.",
}
"""Laws beside the promises, by name."""


def words_of(law: str) -> str:
    """What a law says, with its number or name."""
    return f"{law}: {promises()[law]}" if law.isdecimal() else f"{law}: {MORE[law]}"


def broken(law: str, what: str) -> str:
    """The sentence that says that a law is broken, and by what."""
    return f"{what} ({'promise' if law.isdecimal() else 'law'} {law})"


def named(sentences: Iterable[str]) -> set[str]:
    """The laws that some sentences say are broken."""
    found: set[str] = set()
    for sentence in sentences:
        for numbers, name in _NAMED.findall(sentence):
            found |= {number.strip() for number in numbers.split(",")} if numbers else {name}
    return found
