"""Where a listing is: the cursor between its pages, and what it has asked and seen so far."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from instep.connectors.cursors import cursor_fields
from instep.core.model import Record

MOST_SWEPT = 20_000
"""Rows of a pass that are remembered, so that memory doesn't grow with a system; a page shifts by far less."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a listing has read. `since_ms` is on the system's clock, None to begin at the beginning.

    `token`: the page to go on with, "" between listings. `high_ms`: the latest change seen in this listing.
    `cap_ms`: the system's time as it began; a change later than that (a clock that was wrong) does not move
    the cursor.
    """

    since_ms: int | None = None
    token: str = ""
    high_ms: int | None = None
    cap_ms: int | None = None

    def text(self) -> str:
        told = {"v": 1, "since": self.since_ms, "token": self.token, "high": self.high_ms, "cap": self.cap_ms}
        return json.dumps({name: value for name, value in told.items() if value not in (None, "")})

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Begins at the beginning for anything that is not a cursor of ours."""
        told = cursor_fields(text)
        since, high, cap, token = told.get("since"), told.get("high"), told.get("cap"), told.get("token", "")
        right = all(ms is None or (isinstance(ms, int) and 0 <= ms < 10**14) for ms in (since, high, cap))
        return cls(since, token, high, cap) if right and isinstance(token, str) else cls()


@dataclass(slots=True)
class Walk:
    """Where one listing is: the question (`since_ms`, `token`), and what it has seen.

    A listing may pass over its rows several times: `swept` is the state of each record in the present pass,
    `asked_rows` those since the question last changed, `total` the most rows that the system spoke of.
    `stale`: pages in a row that brought nothing new and led no further. `joined`: the last page began with a
    row that had been seen.

    More rows of one moment than a page holds are `numbered` by page after all, so others may slip by as they
    change: they are gone over again (`verifying`, and `spared` pages may then bring nothing new) until that
    brings no new row of the moment (`tied`).
    """

    since_ms: int | None
    token: str
    high_ms: int | None
    anchored: bool
    pages: int = 0
    asked_pages: int = 0
    sweeps: int = 0
    stale: int = 0
    total: int = 0
    joined: bool = True
    numbered: bool = False
    tied: bool = False
    verifying: bool = False
    spared: int = 0
    swept: dict[str, int] = field(default_factory=dict)
    asked_rows: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def slipping(self) -> bool:
        return self.numbered and self.tied

    def note(self, records: Sequence[Record], total: int | None) -> list[Record]:
        """Take a page in; returns the records that the present pass had not shown as they are now."""
        moments = [record.updated_ms for record in records if record.updated_ms is not None]
        known = [] if self.high_ms is None else [self.high_ms]
        self.high_ms = max([*moments, *known], default=None)
        states = {r.id: hash((r.version, r.updated_ms, r.deleted)) for r in records}
        unseen = [record for record in records if self.swept.get(record.id) != states[record.id]]
        self.stale = 0 if unseen or self.spared else self.stale + 1
        self.spared = max(0, self.spared - 1)
        self.joined = not records or records[0].id in self.swept
        self.swept |= states
        if len(self.swept) > MOST_SWEPT:  # the oldest half; a row that is forgotten may be told twice
            for id in list(islice(self.swept, MOST_SWEPT // 2)):
                del self.swept[id]
        self.asked_rows |= states.keys()
        self.total = max(self.total, total or 0)
        self.pages += 1
        self.asked_pages += 1
        return unseen

    def ask_from(self, since_ms: int | None) -> None:
        self.since_ms, self.token = since_ms, ""
        self.stale = self.asked_pages = self.spared = 0
        self.numbered = self.tied = self.verifying = False
        self.asked_rows.clear()
        self.asked.clear()

    def ask_again(self) -> None:
        spared = self.asked_pages + 2
        self.ask_from(self.since_ms)
        self.spared, self.verifying = spared, True

    def sweep_from(self, since_ms: int | None) -> None:
        self.ask_from(since_ms)
        self.sweeps += 1
        self.total = 0
        self.swept.clear()
