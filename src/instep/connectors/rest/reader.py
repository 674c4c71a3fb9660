"""Reading the records of one described entity: one, a search, a listing; each with its parts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from instep.connectors.contract import Page
from instep.connectors.http import HttpClient
from instep.connectors.rest.description_calls import Errors
from instep.connectors.rest.description_list import ListCall
from instep.connectors.rest.listing import Listing
from instep.connectors.rest.nested import nested_pages
from instep.connectors.rest.outcomes import READ, refusal, says_no
from instep.connectors.rest.parts import Parts
from instep.connectors.rest.places import Place, usable_id
from instep.connectors.rest.pointers import at
from instep.connectors.rest.rows import record_of
from instep.connectors.rest.searching import search
from instep.connectors.rest.walk import Cursor
from instep.connectors.rest.words import filled_body, filled_texts
from instep.core.model import Entity, Record
from instep.core.values import Absent, Json, get_path
from instep.errors import BadAnswer, Gone, Unable

PARENTS_AT_ONCE = 8


class Reader:
    """Raises as the connector's `list`, `read` and `find` do. `above` reads what the records are under."""

    def __init__(
        self,
        client: HttpClient,
        entity: Entity,
        place: Place,
        errors: Errors,
        *,
        now_ms: Callable[[], int],
        above: Reader | None = None,
    ) -> None:
        self.client, self.entity, self.place, self.errors = client, entity, place, errors
        self.parts = Parts(client, entity, place, errors)
        self._now_ms, self._above = now_ms, above

    async def parents(self) -> AsyncGenerator[str, None]:
        """The ids of what the records are under, in the order of their listing; "" where they are under nothing."""
        parent = self.place.described.parent
        if parent is None:
            yield ""
        elif self._above is None:
            for id in parent.among:
                yield str(id)
        else:
            seen = set[str]()
            async with aclosing(self._above.pages(None, bare=True)) as pages:
                async for page in pages:
                    for record in page.records:
                        if not record.deleted and record.id not in seen:
                            seen.add(record.id)
                            yield record.id

    async def pages(self, cursor: str | None, *, bare: bool = False) -> AsyncGenerator[Page, None]:
        """`bare`: without the parts, for who needs but the ids."""
        if self.place.described.parent is None:
            async for page in self._under("", cursor, bare):
                yield page
            return
        began_ms = self._now_ms()
        nested = nested_pages(
            self.parents(),
            lambda parent, at: self._under(parent, at, bare),
            cursor,
            at_once=PARENTS_AT_ONCE,
            latest_ms=lambda: self._listing("").no_later_than(began_ms),
        )
        async with aclosing(nested) as pages:
            async for page in pages:
                yield page

    async def first_rows(self, marked: str | None = None) -> tuple[Listing, list[Json]]:
        """The rows of one page, or of a search for a marker, for a look at the system, and the listing that they are
        of. Raises BadAnswer if there is no parent that they could be under."""
        async with aclosing(self.parents()) as parents:
            async for parent in parents:
                if marked is None:
                    listing = self._listing(parent)
                    answer, _ = await listing.ask(None, "")
                else:
                    listing, extra = self._search(parent, marked)
                    answer, _ = await listing.ask(None, "", extra, marked)
                return listing, listing.rows(answer)
        why = "there is nothing that its records could be under"
        raise BadAnswer(f"{self.entity.name} can't be looked at", why=why)

    async def read(self, id: str) -> Record:
        """One record, with its parts."""
        row, etag = await self.row(id)
        return await self.whole(row, etag, self.place.parent_of(id))

    async def row(self, id: str) -> tuple[Json, str]:
        """The record just as the system gives it, and its ETag."""
        described = self.place.described
        if described.read is None:
            why = "no call is described"
            raise Unable(f"{self.entity.name}: reading one is not possible in {self.client.system}", why=why)
        words = self.place.words(id)
        path = self.place.path(described.read.path, words)
        if path is None:
            raise Gone(f"there is no {self.entity.name} {id}", why="its path can't be made of its id")
        call = described.read
        body = filled_body(call.body, words)
        answer = await self.client.request(
            call.method or ("GET" if body is None else "POST"),
            path,
            query=list(filled_texts(call.params, words).items()),
            body=body,
            route=described.path + "/{id}",
            write=False,
        )
        if says_no(self.errors, answer):
            raise refusal(self.client.system, f"{self.entity.name} {id}", READ, answer, self.errors)
        row = at(answer.value, call.item)
        if call.absent_is_gone and (row is None or isinstance(row, Absent)):
            raise Gone(f"{self.client.system} has no {self.entity.name} {id}", why="the answer holds none")
        what = f"{self.entity.name} {id} can't be read"
        if not isinstance(row, dict):
            raise BadAnswer(what, why=f"there is no object at {call.item!r}")
        if usable_id(at(row, described.id)) != str(words["id"]):
            raise BadAnswer(what, why="the answer is about another record")
        return row, answer.headers.get("etag", "")

    async def whole(self, row: Json | Absent, etag: str, parent: str) -> Record:
        """The record of a row that is not a listed one, with its parts. Raises Gone if it is there no more."""
        record = await self.parts.of(
            record_of(self.entity, self.place, row, parent=parent, etag=etag), parent
        )
        if not record.complete:
            raise Gone(f"there is no {self.entity.name} {record.id}", why="its parts are not there any more")
        return record

    async def find(self, path: str, value: str) -> Sequence[Record]:
        """By the marker's parameter, under every parent; a server that ignores or loosens the filter is seen through,
        or refused with BadAnswer if its answer proves nothing."""
        described = self.place.described
        if described.marker is None or described.list is None or path != described.marker.field:
            why = "it is not the marker field"
            what = f"{self.entity.name}: {self.client.system} can't be searched by {path}"
            raise Unable(what, why=why)
        found: list[Record] = []
        async for parent in self.parents():
            listing, extra = self._search(parent, value)
            listed = await search(listing, described.marker, value, extra)
            found += await self.parts.of_all(listed, parent)
        whole = [record if record.complete else await self._still(record.id) for record in found]
        return [record for record in whole if record and get_path(record.fields, path) == value]

    def _listing(self, parent: str, cursor: str | None = None) -> Listing:
        """The listing of all records, or of what changed since a cursor."""
        described = self.place.described
        assert described.list is not None
        if described.changes is not None and Cursor.read(cursor).since_ms is not None:
            return self._asking(described.changes, parent)
        return self._asking(described.list, parent, described.changes)

    def _search(self, parent: str, value: str) -> tuple[Listing, dict[str, str]]:
        """The listing that searches for a marker, and the parameters that do it."""
        described = self.place.described
        marker = described.marker
        assert marker is not None and described.list is not None
        if marker.search is not None:
            return self._asking(marker.search, parent), {}
        return self._asking(described.list, parent), {marker.param: marker.template.replace("{value}", value)}

    def _asking(self, call: ListCall, parent: str, followed_by: ListCall | None = None) -> Listing:
        return Listing(
            self.client,
            self.entity,
            self.place,
            call,
            self.errors,
            now_ms=self._now_ms,
            parent=parent,
            followed_by=followed_by,
        )

    async def _under(self, parent: str, cursor: str | None, bare: bool) -> AsyncIterator[Page]:
        """The pages under one parent; none if it is gone meanwhile."""
        try:
            async for page in self._listing(parent, cursor).pages(cursor):
                yield page if bare else replace(page, records=await self.parts.of_all(page.records, parent))
        except Gone as gone:
            if self._above is None:
                raise BadAnswer(gone.what, why=gone.why, fix="correct the path in the description") from None
            try:
                await self._above.row(parent)
            except Gone:
                return
            why = f"{self._above.entity.name} {parent} is there, and its {self.entity.name} records are not"
            raise BadAnswer(gone.what, why=why, fix="correct the path in the description") from None

    async def _still(self, id: str) -> Record | None:
        try:
            return await self.read(id)
        except Gone:
            return None
