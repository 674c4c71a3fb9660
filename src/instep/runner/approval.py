"""What an approved plan lets through: the writes that it names, and what follows from the creates among them."""

from __future__ import annotations

from dataclasses import dataclass, field

from instep.core.model import Side
from instep.core.state import Key, Link
from instep.core.verdict import Write
from instep.store.contract import Tx


@dataclass(slots=True)
class Approval:
    """Of one run. `made`: records for which it has made a partner as approved; fields of another group are written
    to that one by calls of their own, which no plan names."""

    fingerprints: frozenset[str]
    made: set[Key] = field(default_factory=set)

    def permit(self, _: Tx, link: Link | None, key: Key, write: Write) -> Write | None:
        """The write, if it may be made."""
        if write.fingerprint(key) in self.fingerprints:
            if write.operation == "create":
                self.made.add(key)
            return write
        follows = link is not None and any(Key(link.pair, side, link.ids[side]) in self.made for side in Side)
        return write if follows and write.operation == "update" else None
