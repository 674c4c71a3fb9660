"""Walking a list of Chargebee oldest change first, from a cursor, without losing or looping.

Source: Chargebee API, "pagination", and what is known of lists: they may miss the latest minutes, time has
whole seconds, and records without `updated_at` match no filter on it (so the first walk uses none).

A walk notes when it began, on Chargebee's clock; all that changed before that, less the lag of lists, it has
seen. The next walk begins there. Not for what a row means.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import msgspec

from instep.connectors.chargebee.api import FAR_S, Api, Page, Payload, whole
from instep.errors import BadAnswer, Refused

MAX_CURSOR = 2000
MAX_EMPTY_PAGES = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """A cursor: `since` bounds this walk (None: everything), `began` the next one; seconds of Chargebee's
    clock.

    `offset` is the next page of the list named by `stage`, "" being the entity's own.
    """

    since: int | None = None
    began: int | None = None
    offset: str | None = None
    stage: str = ""

    def text(self, shape: str) -> str:
        """As opaque text; `shape` is what records hold. Raises BadAnswer if the offset makes it too long."""
        text = msgspec.json.encode([shape, self.since, self.began, self.offset, self.stage]).decode()
        if len(text) >= MAX_CURSOR:
            raise BadAnswer("a list was not read on", why="its next_offset is too long to keep")
        return text

    @classmethod
    def read(cls, text: str | None, shape: str) -> Mark:
        """From such text. One that can't be read, or from a time when records held other fields, begins again
        from nothing: that reads more, never less."""
        if text is None:
            return cls()
        try:
            written, since, began, offset, stage = msgspec.json.decode(
                text, type=tuple[str, int | None, int | None, str | None, str]
            )
        except (msgspec.DecodeError, UnicodeEncodeError):
            return cls()
        return cls(since, began, offset, stage) if written == shape else cls()

    def next_walk(self, overlap_s: int) -> Mark:
        """Where the walk after this one begins."""
        return self if self.began is None else Mark(since=max(0, self.began - overlap_s - 1))


class LoopGuard:
    """Notices a list that doesn't end: an offset or a page that came before, or empty pages without end."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._offsets: set[str] = set()
        self._pages: set[int] = set()
        self._empty = 0

    def check(self, page: Page) -> None:
        """Raises BadAnswer."""
        why = ""
        if page.next_offset is not None:
            if page.next_offset in self._offsets:
                why = "it gave the same next_offset twice"
            self._offsets.add(page.next_offset)
            self._empty = 0 if page.rows else self._empty + 1
            if self._empty > MAX_EMPTY_PAGES:
                why = "it goes on with empty pages"
        if page.rows:
            content = hash(tuple((row["id"], whole(row.get("resource_version"))) for row in page.rows))
            if content in self._pages:
                why = "it gave the same page twice"
            self._pages.add(content)
        if why:
            raise BadAnswer(
                f"{self._subject} were not listed to the end", why=f"the list goes in a circle: {why}"
            )


@dataclass(frozen=True, slots=True)
class Walk:
    """One list and how to ask for it. `fixed` are parameters that each page needs."""

    resource: str
    path: str
    fixed: tuple[tuple[str, str], ...]
    subject: str
    moment: str = "updated_at"
    page_size: int = 100

    def query(self, mark: Mark) -> list[tuple[str, str]]:
        query = [("limit", str(self.page_size)), ("sort_by[asc]", self.moment), *self.fixed]
        if mark.since:
            query.append((f"{self.moment}[after]", str(mark.since)))
        if mark.offset is not None:
            query.append(("offset", mark.offset))
        return query

    async def pages(
        self, api: Api, mark: Mark, server_s: Callable[[], int | None]
    ) -> AsyncIterator[tuple[list[Payload], Mark]]:
        """Pages from `mark` to the end, each with the mark after it; the last one's `offset` is None.

        `server_s` tells Chargebee's time at the moment this was called, not above the truth; it is asked
        after the first page, since the first answer may be the first to tell the time.
        """
        guard = LoopGuard(self.subject)
        resumed = mark.offset is not None
        newest = mark.since
        while True:
            try:
                page = await api.page(self.resource, self.path, self.query(mark), subject=self.subject)
            except Refused:
                if not resumed:
                    raise
                # Chargebee no longer takes the offset: this walk starts over from where it once began.
                resumed, mark = False, replace(mark, offset=None)
                continue
            resumed = False
            guard.check(page)
            moments = (whole(row.get(self.moment), FAR_S) for row in page.rows)
            newest = max([newest or 0, *(at for at in moments if at is not None)])
            if mark.began is None:
                mark = replace(mark, began=server_s())
            mark = replace(mark, offset=page.next_offset)
            if page.next_offset is None and mark.began is None:
                # No clock to go by: what was seen is the only measure of how far the list has come.
                mark = replace(mark, began=newest or None)
            yield page.rows, mark
            if page.next_offset is None:
                return
