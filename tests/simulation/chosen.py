"""What people chose at the console, so that the engine is not judged for what they asked for, and for nothing else.

A choice about a property excuses what becomes of that property, one about a record as a whole what follows from it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from instep.core.model import Side

if TYPE_CHECKING:
    from .witness import Witness

REMATCHING = frozenset({"link", "unlink", "apart", "create", "recreate", "undo", "retry"})
"""Choices about a record as a whole after which it may have another partner, or what it held before counts again."""

DELETING = frozenset({"link", "retire", "undo", "retry"})
"""Those after which a record is taken out of use that nobody has deleted, or of which it is not the copy."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose, and for which property; "" for the record as a whole."""

    at_ms: int
    what: str
    name: str = ""


@dataclass
class Chosen:
    """`choices`: by (kind, dna). `apart`: by (kind, side, id) when a person chose that a record has no partner, and
    which thing it was."""

    witness: Witness
    choices: dict[tuple[str, str], list[Choice]] = field(default_factory=lambda: defaultdict(list))
    apart: dict[tuple[str, Side, str], tuple[int, str]] = field(default_factory=dict)

    def choose(self, kind: str, dna: str, what: str, name: str = "") -> None:
        self.choices[kind, dna].append(Choice(self.witness.now_ms, what, name))

    def keep_apart(self, kind: str, side: Side, id: str) -> None:
        self.apart[kind, side, id] = self.witness.now_ms, self.witness.dna_now(side, kind, id)

    def anything(self, kind: str, dna: str) -> bool:
        """Whether a person ever chose anything for a thing."""
        return bool(self.choices.get((kind, dna)))

    def asked_ms(self, kind: str, dna: str, whole: frozenset[str], name: str = "") -> int:
        """When a person last chose one of these for a thing as a whole, or anything for that property of it; 0 if
        nobody did."""
        found = (
            choice.at_ms
            for choice in self.choices.get((kind, dna), ())
            if (choice.name == name if choice.name else choice.what in whole)
        )
        return max(found, default=0)

    def stands_apart(self, kind: str, side: Side, id: str) -> bool:
        """Whether a person's word that a record has no partner still counts: it is still that thing, nothing else
        was chosen for it since, and no store has forgotten it."""
        at_ms, dna = self.apart[kind, side, id]
        restored_ms = self.witness.world.restored_ms
        return (
            (restored_ms is None or restored_ms < at_ms)
            and id in self.witness.standing_for(side, kind, dna)
            and all(each.what == "apart" or each.at_ms < at_ms for each in self.choices[kind, dna])
        )
