"""Go along the journal's chain and say where it is broken: in one transaction, a page at a time.

Not for mending: what was changed can't be known from here. A copy of the store, or an anchor that was kept
elsewhere, tells more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from instep.core.model import Side
from instep.store.chain import Anchor, Chain, SealedRow, resealed
from instep.store.contract import Tx

PAGE = 1000
FORGET = "forget"
"""The operation of the entry that says whose values were erased."""

PRUNE = "prune"
"""The operation of the entry that says up to which number (its `record_id`) the journal was pruned."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found. `entries`: how many were looked at; `forgotten`: how many of them have no values any more.
    `trouble`: what is wrong first, "" if nothing is; `at`: the entry where it shows."""

    chain: Chain
    entries: int
    forgotten: int
    trouble: str = ""
    at: int = 0


def verify(tx: Tx, anchor: str = "") -> Verified:
    """Check every kept entry, and that `anchor` ("NUMBER:SEAL", or a seal alone) is in the chain if one is given.

    Flat in memory, however long the journal is.
    """
    chain = tx.chain()
    wanted = _Wanted.of(anchor)
    before, entries, forgotten, pruned = chain.start, 0, 0, "0"
    wanted.meet(before)
    for row in _rows(tx):
        seq = int(row["seq"] or 0)
        trouble = _trouble(tx, row, seq, before)
        if trouble:
            return Verified(chain, entries, forgotten, trouble, seq)
        entries += 1
        forgotten += row["salt"] is None
        pruned = str(row["record_id"]) if row["operation"] == PRUNE else pruned
        before = Anchor(seq, str(row["seal"]), before.count + 1, int(row["at_ms"] or 0))
        wanted.meet(before)
    trouble, at = _trouble_at_end(chain.head, before)
    if not trouble and pruned != str(chain.start.seq):
        trouble, at = f"{_range(1, chain.start.seq)} taken out, and no entry says that they were pruned", 1
    if not trouble and not wanted.met:
        trouble, at = wanted.missed(chain), wanted.seq
    return Verified(chain, entries, forgotten, trouble, at)


def _rows(tx: Tx) -> Iterator[SealedRow]:
    after = 0
    while page := tx.sealed(after, PAGE):
        yield from page
        after = int(page[-1]["seq"] or 0)


def _trouble(tx: Tx, row: SealedRow, seq: int, before: Anchor) -> str:
    if seq <= before.seq:
        return f"entry {seq} stands before the first one that is kept: it was put in"
    if not row["seal"] or row["seal"] != resealed(before.seal, row):
        missing = _range(before.seq + 1, seq - 1)
        return f"{missing} taken out" if missing else f"entry {seq} is not as it was written"
    if row["salt"] is None and not _forgotten(tx, row, seq):
        return f"the values of entry {seq} were taken away, and no entry says that they were to be forgotten"
    return ""


def _trouble_at_end(head: Anchor, last: Anchor) -> tuple[str, int]:
    if last.seq < head.seq:
        return f"{_range(last.seq + 1, head.seq)} taken out at the end", last.seq + 1
    if last.seq > head.seq:
        return f"entries after {head.seq} were put in: the journal ends there", head.seq + 1
    if (last.seal, last.count) != (head.seal, head.count):
        return f"entry {last.seq} is not the one that the journal ended with", last.seq
    return "", 0


def _range(first: int, last: int) -> str:
    """ "" for none."""
    if last < first:
        return ""
    return f"entry {first} was" if first == last else f"entries {first} to {last} were"


def _forgotten(tx: Tx, row: SealedRow, seq: int) -> bool:
    """Whether a later entry says that the values of one of its records were to be forgotten."""
    side = None if row["side"] is None else Side(str(row["side"]))
    places = [(side, row["record_id"]), (None if side is None else side.other, row["partner_id"])]
    return any(
        entry.seq > seq
        for where, id in places
        if id
        for entry in tx.journal(
            pair=str(row["pair"]), side=where, record_id=str(id), operation=FORGET, limit=1
        )
    )


@dataclass(slots=True)
class _Wanted:
    """An anchor from elsewhere, and whether the chain has come by it."""

    seq: int
    seal: str
    met: bool

    @classmethod
    def of(cls, text: str) -> _Wanted:
        number, _, seal = text.strip().rpartition(":")
        return cls(int(number) if number else 0, seal.lower(), not text.strip())

    def meet(self, place: Anchor) -> None:
        self.met = self.met or (place.seal == self.seal and self.seq in (0, place.seq))

    def missed(self, chain: Chain) -> str:
        if self.seq and self.seq < chain.start.seq:
            return (
                f"the anchor is of entry {self.seq}, and all entries up to {chain.start.seq} have been pruned:"
                " they can't be compared any more"
            )
        return "the anchor is not in this journal: it was written anew since, or the anchor is of another one"
