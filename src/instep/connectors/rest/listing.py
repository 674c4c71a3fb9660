"""Listings that lose nothing: cursors, overlap, paging that drifts, and servers that lie about the next page.

Where rows come oldest change first, pages are asked for *from the last moment seen* instead of by their
number or link, so that no row slips by as others change. Where they don't, a listing counts what it saw against
the total that the system tells, and begins again if rows are missing. A cursor is trusted to be a place among
the rows, not a number of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from instep.connectors.contract import Page
from instep.connectors.http import Answer, HttpClient
from instep.connectors.rest.asking import Asker
from instep.connectors.rest.description_calls import Errors
from instep.connectors.rest.description_list import (
    ChangedSince,
    CursorPaging,
    ListCall,
    NoPaging,
    OffsetPaging,
)
from instep.connectors.rest.entities import resolution_ms
from instep.connectors.rest.moments import unit_ms, write_moment
from instep.connectors.rest.outcomes import LIST, READ
from instep.connectors.rest.paging import counted, total_of
from instep.connectors.rest.places import Place
from instep.connectors.rest.rows import record_of
from instep.connectors.rest.walk import Cursor, Walk
from instep.core.model import Entity, Record
from instep.core.values import Json
from instep.errors import BadAnswer

MAX_CURSOR = 1900
MAX_REPEATS = 3
"""Times that one token may come back, and pages in a row that may bring nothing new."""

MAX_SWEEPS = 3


class Listing:
    """Listings of one entity, of its records under one parent where it has any.

    `followed_by`: the call for what changes after this listing, where it is another one. `now_ms` is our own clock.
    """

    def __init__(
        self,
        client: HttpClient,
        entity: Entity,
        place: Place,
        call: ListCall,
        errors: Errors,
        *,
        now_ms: Callable[[], int],
        parent: str = "",
        followed_by: ListCall | None = None,
    ) -> None:
        described = place.described
        self._client, self._entity, self._described, self._call = client, entity, described, call
        self._place, self.parent, self._now_ms = place, parent, now_ms
        what = f"{entity.name} under {parent}" if parent else entity.name
        operation = READ if parent else LIST
        self._asker = Asker(
            client, call, described.path, what, errors, words=place.under(parent), operation=operation
        )
        self.paging = call.paging
        self._followed = followed_by is not None or call.changed_since is not None
        overlap_s = (followed_by or call).overlap_s
        overlap_s = described.lags.list_s if overlap_s is None else overlap_s
        self._overlap_ms = int(overlap_s * 1000) + resolution_ms(described)
        since = call.changed_since
        self._anchored = (
            since is not None
            and since.oldest_first
            and described.updated_at is not None
            and not isinstance(call.paging, CursorPaging | NoPaging)
        )

    async def pages(self, cursor: str | None) -> AsyncIterator[Page]:
        """Raises BadAnswer, RetryLater, Stop."""
        start = Cursor.read(cursor)
        if self._call.changed_since is None:
            start = replace(start, since_ms=None)
        walk = Walk(start.since_ms, start.token, start.high_ms, self._anchored)
        cap_ms = start.cap_ms
        began_ms = self._now_ms()
        while True:
            first = walk.pages == 0
            try:
                answer, url = await self.ask(walk.since_ms, walk.token)
                rows = self.rows(answer)
                records = self.records(rows)
            except BadAnswer:
                if first and start.token:
                    start = Cursor(start.since_ms)
                    walk.ask_from(start.since_ms)
                    continue
                raise
            skew = self._client.skew
            cap_ms = began_ms + (skew.skew_ms or 0) + skew.error_ms if cap_ms is None else cap_ms
            total = total_of(self.paging, answer)
            whole = total if not walk.anchored or (first and walk.since_ms is None) else None
            unseen = walk.note(records, whole)
            news = self._tied(walk.since_ms, unseen) or not walk.verifying
            walk.numbered |= walk.anchored and bool(walk.token)
            walk.tied |= walk.anchored and news
            if walk.anchored and not _in_order(records):
                # Not the order that was described: a moment is then no place to go on from.
                walk.anchored = False
                walk.sweep_from(start.since_ms)
                yield Page(records, Cursor(start.since_ms).text(), last=False)
                continue
            token = self.next(walk.token, answer, rows, len(walk.asked_rows), url)
            if token:
                self._go_on(walk, records, token)
                yield Page(records, self._between(walk, start, cap_ms), last=False)
                continue
            if walk.slipping:
                walk.ask_again()
                yield Page(records, self._between(walk, start, cap_ms), last=False)
                continue
            if len(walk.swept) < walk.total and not start.token:
                if walk.sweeps < MAX_SWEEPS:
                    walk.anchored = False
                    walk.sweep_from(start.since_ms)
                    yield Page(records, Cursor(start.since_ms).text(), last=False)
                    continue
                if total is not None and len(walk.swept) < total:
                    why = f"it says that there are {total} rows and shows {len(walk.swept)}"
                    raise BadAnswer(f"the listing of {self._entity.name} misses rows", why=why)
            yield Page(records, self._after(walk, start, cap_ms), last=True)
            return

    async def ask(
        self,
        since_ms: int | None,
        token: str,
        extra: Mapping[str, str] | None = None,
        value: str | None = None,
    ) -> tuple[Answer, str]:
        """One page and its address; `extra` parameters replace others, `value` is what is searched for. Raises
        BadAnswer for a refusal, Gone for a list that is not there though it is a parent's, Stop, RetryLater."""
        since = self._call.changed_since
        asked: dict[str, str] = {}
        words: dict[str, Json] = {}
        if since is not None and since_ms is not None:
            words["since"] = self._written(since, since_ms)
            if since.param:
                asked[since.param] = since.template.replace("{moment}", str(words["since"]))
        elif since is not None and since.beginning is not None:
            words["since"] = write_moment(_midnight_ms(since.beginning), since.format, since.zone)
        if value is not None:
            words["value"] = value
        return await self._asker.page(token, words=words, extra=asked | dict(extra or {}))

    def records(self, rows: Sequence[Json]) -> list[Record]:
        """The records of a page's rows. Raises BadAnswer for a row that is none."""
        hint = self._call.rows == "hint"
        return [record_of(self._entity, self._place, row, parent=self.parent, hint=hint) for row in rows]

    def rows(self, answer: Answer) -> list[Json]:
        """The rows of a page just as they came. Raises BadAnswer if there is no list where one is described."""
        return self._asker.rows(answer)

    def next(self, token: str, answer: Answer, rows: Sequence[Json], rows_so_far: int, url: str) -> str:
        """The token of the page after this one, "" if this was the last."""
        return self._asker.next(token, answer, rows, rows_so_far, url)

    def no_later_than(self, began_ms: int) -> int:
        """Where the next listing has to begin, by the system's clock, after one that began at a time of ours."""
        skew = self._client.skew
        return began_ms + (skew.skew_ms or 0) - skew.error_ms - self._overlap_ms

    def _go_on(self, walk: Walk, records: Sequence[Record], token: str) -> None:
        """Choose the next question. A page that brings nothing new is asked for once more, then passed."""
        if walk.stale > MAX_REPEATS or walk.pages >= self._call.max_pages:
            why = f"{walk.stale} pages in a row bring nothing new"
            if walk.stale <= MAX_REPEATS:
                why = f"it goes on after {walk.pages} pages"
            raise BadAnswer(f"the listing of {self._entity.name} does not end", why=why)
        if walk.stale == 1 and counted(self.paging):
            return
        last_ms = records[-1].updated_ms if records else None
        since = self._call.changed_since
        if walk.anchored and since is not None and last_ms is not None and last_ms > (walk.since_ms or 0):
            before = None if walk.since_ms is None else self._written(since, walk.since_ms)
            if self._written(since, last_ms) != before:
                if walk.slipping:
                    walk.ask_again()
                elif walk.numbered and walk.since_ms is not None:
                    # Rows just after that moment may have slipped too: go on right behind it.
                    unit = unit_ms(since.format)
                    walk.ask_from((walk.since_ms // unit + 1) * unit)
                else:
                    walk.ask_from(last_ms)
                return
        if isinstance(self.paging, OffsetPaging) and not walk.anchored:
            token = _overlapping(walk, len(records), token)
        walk.asked[token] += 1
        if walk.asked[token] > MAX_REPEATS:
            why = "the same next page came back again and again"
            raise BadAnswer(f"the listing of {self._entity.name} runs in a circle", why=why)
        walk.token = token

    def _between(self, walk: Walk, start: Cursor, cap_ms: int) -> str:
        """Counted pages have no lasting place, so they go on from a moment, or begin again."""
        if walk.anchored:
            return Cursor(None if walk.since_ms is None else min(walk.since_ms, cap_ms)).text()
        again = Cursor(start.since_ms).text()
        if counted(self.paging):
            return again
        text = Cursor(start.since_ms, walk.token, walk.high_ms, cap_ms).text()
        return text if len(text) <= MAX_CURSOR else again

    def _after(self, walk: Walk, start: Cursor, cap_ms: int) -> str:
        """Where the next changed-since listing begins: the latest change seen, less the overlap."""
        if not self._followed:
            return Cursor().text()
        since_ms = start.since_ms
        if self._described.updated_at is None:
            high_ms: int | None = cap_ms - 2 * self._client.skew.error_ms
        else:
            high_ms = walk.high_ms
        if high_ms is not None:
            since_ms = max(since_ms or 0, min(high_ms, cap_ms) - self._overlap_ms, 0)
        return Cursor(since_ms).text()

    def _tied(self, since_ms: int | None, records: Sequence[Record]) -> bool:
        """Whether any of the records shows the moment that is asked from."""
        since = self._call.changed_since
        if since is None or since_ms is None:
            return False
        moments = {self._written(since, r.updated_ms) for r in records if r.updated_ms is not None}
        return self._written(since, since_ms) in moments

    def _written(self, since: ChangedSince, ms: int) -> str:
        ms = ms if since.inclusive else max(0, ms - unit_ms(since.format))
        return write_moment(ms, since.format, since.zone)


def _overlapping(walk: Walk, rows: int, token: str) -> str:
    """The next offset, one row back: a page that does not begin with a row that was seen shows that rows have
    slipped to the front, and is gone back from by a page."""
    offset, following = int(walk.token or 0), int(token)
    if offset and not walk.joined:
        return str(max(0, offset - rows))
    return str(following - 1) if rows > 1 and following > offset + 1 else token


def _midnight_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _in_order(records: Sequence[Record]) -> bool:
    moments = [record.updated_ms for record in records]
    told = [moment for moment in moments if moment is not None]
    return len(told) == len(moments) and told == sorted(told)
