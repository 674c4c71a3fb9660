"""The journal's chain: each entry is sealed by a hash over itself and the seal of the entry before.

So an entry that was changed, taken out, put in or moved shows, and says which one it is. What a person may want
erased (values, and the reason, which may name some) is in the hash only by a *commitment*: a hash over it and a
random salt. Erasing values and salt leaves the commitment, and with it the chain; without the salt nobody can
try values until one fits. Every store seals in this way, so that a copy of one can be checked by any other.

Who can write the file can seal everything anew. Against that helps only an anchor that was kept elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias, cast

from instep.core.values import decode, encode

SealedRow: TypeAlias = Mapping[str, "str | int | None"]
"""An entry as it is stored, by column: those of SEALED, then reason, changes (JSON text), salt, commitment, seal."""

SEALED = (
    "seq",
    "at_ms",
    "run",
    "pair",
    "side",
    "record_id",
    "partner_id",
    "link_id",
    "operation",
    "outcome",
    "request",
)
"""The columns that are in the hash as they are, in this order."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the chain: the number of an entry and its seal. `count`: entries sealed up to and with it.
    Number 0, with an empty seal, is the place before the first entry. `at_ms`: time of that entry."""

    seq: int = 0
    seal: str = ""
    count: int = 0
    at_ms: int = 0

    def __str__(self) -> str:
        return f"{self.seq}:{self.seal}"


@dataclass(frozen=True, slots=True)
class Chain:
    """Where the kept part of the journal begins (after `start`, the last entry that was pruned) and ends."""

    start: Anchor
    head: Anchor


def new_salt() -> str:
    """32 random hex digits."""
    return os.urandom(16).hex()


def commitment(salt: str, reason: str, changes: str) -> str:
    """Stands for what may be erased, given as it is stored; `changes` is canonical JSON text."""
    return sha256(encode([salt, reason, changes])).hexdigest()


def seal(before: str, row: SealedRow, names: Sequence[object], committed: str) -> str:
    """64 hex digits: SHA-256 of the canonical JSON of the seal before, the columns SEALED, the names of the
    changed properties, and the commitment."""
    return sha256(encode([before, *(row[name] for name in SEALED), names, committed])).hexdigest()


def names_of(changes: Sequence[Mapping[str, object]]) -> list[object]:
    """The names of the properties that an entry is about."""
    return [change.get("property") for change in changes]


def resealed(before: str, row: SealedRow) -> str:
    """The seal that a stored entry must have; "" if what is there could never have been sealed."""
    changes, salt, committed = row["changes"], row["salt"], row["commitment"]
    try:
        parts = decode(str(changes))
    except ValueError:
        return ""
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return ""
    each = cast(list[dict[str, object]], parts)
    if salt is not None:
        committed = commitment(str(salt), str(row["reason"]), str(changes))
    elif row["reason"] or any(part.keys() - {"property"} for part in each):
        return ""  # values without the salt that they were sealed with
    return seal(before, row, names_of(each), str(committed))
