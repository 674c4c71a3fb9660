"""Faults planted in the in-memory connector, each with the sentence of the contract suite that catches it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace

import pytest

from instep.connectors.contract import Connector, CreateKey, Page
from instep.connectors.memory import MemoryConnector
from instep.core.model import Logged, Record
from instep.core.values import Json
from instep.errors import Gone, InstepError, Refused, Taken

from .test_memory import FULL, InMemory, system_of


class UpdatesWipeTheRest(MemoryConnector):
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        wiped = {"email": None, "kind": None, **changes}
        return await super().update(entity, id, wiped, seen=seen, idempotency=idempotency)


class UpdatesDropAField(MemoryConnector):
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        kept = {path: value for path, value in changes.items() if path != "address.country"}
        return await super().update(entity, id, kept, seen=seen, idempotency=idempotency)


class UpdatesWithoutTheCondition(MemoryConnector):
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        return await super().update(
            entity, id, changes, seen=replace(seen, token=None), idempotency=idempotency
        )


class UpdatesCutLongTexts(MemoryConnector):
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        cut = {path: value[:30] if isinstance(value, str) else value for path, value in changes.items()}
        return await super().update(entity, id, cut, seen=seen, idempotency=idempotency)


class UpdatesNameOneRequestForAll(MemoryConnector):
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        answer = await super().update(entity, id, changes, seen=seen, idempotency=idempotency)
        return replace(answer, request="request")


class UpdatesAnswerWithThePast(MemoryConnector):
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        await super().update(entity, id, changes, seen=seen, idempotency=idempotency)
        return seen


class CreatesDropAField(MemoryConnector):
    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await super().create(entity, {n: v for n, v in fields.items() if n != "email"}, key)


class CreatesForgetTheKey(MemoryConnector):
    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await super().create(
            entity, fields, replace(key, id=f"{key.id}{self.requests}", idempotency="")
        )


class CreatesWithoutMarker(MemoryConnector):
    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        return await super().create(entity, fields, replace(key, marker=""))


class TakenIsOnlyRefused(MemoryConnector):
    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        try:
            return await super().create(entity, fields, key)
        except Taken as taken:
            raise Refused(taken.what) from None


class RefusalsNameNoField(MemoryConnector):
    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        try:
            return await super().create(entity, fields, key)
        except Refused as refused:
            raise Refused(refused.what) from None


class AsksBeforeItIsUnable(MemoryConnector):
    async def update(
        self, entity: str, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str
    ) -> Record:
        self.requests += 1
        return await super().update(entity, id, changes, seen=seen, idempotency=idempotency)


class ReadsFloats(MemoryConnector):
    async def read(self, entity: str, id: str) -> Record:
        record = await super().read(entity, id)
        return replace(record, fields={**record.fields, "price": 19.9})  # type: ignore[dict-item]


class ReadsLeaveEmptyFieldsOut(MemoryConnector):
    async def read(self, entity: str, id: str) -> Record:
        record = await super().read(entity, id)
        return replace(record, fields={n: v for n, v in record.fields.items() if v is not None})


class ReadsWhatIsGone(MemoryConnector):
    async def read(self, entity: str, id: str) -> Record:
        try:
            return await super().read(entity, id)
        except Gone:
            return Record(id, {})


class ReadsUncounted(MemoryConnector):
    async def read(self, entity: str, id: str) -> Record:
        record = await super().read(entity, id)
        self.requests -= 1
        return record


class ReadsWithVersionsThatStandStill(MemoryConnector):
    async def read(self, entity: str, id: str) -> Record:
        return replace(await super().read(entity, id), version=7)


class SearchesIgnoreTheFilter(MemoryConnector):
    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        await super().find(entity, path, value)
        return [self.system.record(entity, id) for id in self.system.ids(entity)]


class PagesByNumber(MemoryConnector):
    """The place is a number of rows, and rows move to the end as they change."""

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        offset = 0 if cursor is None or not cursor.isdecimal() else int(cursor)
        last = False
        while not last:
            rows = [record for _, record in self.system.changed_after(entity, 0, 1000)]
            page = rows[offset : offset + 2]
            offset += len(page)
            last = offset >= len(rows)
            yield Page(page, str(offset), last)


class CursorsRunAhead(MemoryConnector):
    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        async for page in super().list(entity, cursor):
            yield replace(page, cursor=str(int(page.cursor) + 1))


class PagesWithoutAnEnd(MemoryConnector):
    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        async for page in super().list(entity, cursor):
            yield replace(page, last=False)


class QuietMeansNoPage(MemoryConnector):
    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        async for page in super().list(entity, cursor):
            if page.records:
                yield page


class ForeignCursorsEndTheListing(MemoryConnector):
    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        if cursor is not None and not cursor.isdecimal():
            yield Page([], "0", last=True)
            return
        async for page in super().list(entity, cursor):
            yield page


class DeletedRowsAreLeftOut(MemoryConnector):
    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        async for page in super().list(entity, cursor):
            yield replace(page, records=[record for record in page.records if not record.deleted])


class RetiredRowsAreLeftOut(MemoryConnector):
    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        async for page in super().list(entity, cursor):
            kept = [record for record in page.records if record.fields.get("active") is not False]
            yield replace(page, records=kept)


class TheLogTellsWhatIsThereNow(MemoryConnector):
    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        async for page in super().changed(entities, since_ms, until_ms):
            now = [self.system.record(one.entity, one.record.id) for one in page]
            yield [
                replace(one, record=replace(r, version=one.record.version))
                for one, r in zip(page, now, strict=True)
            ]


class TheLogForgetsTheLast(MemoryConnector):
    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        async for page in super().changed(entities, since_ms, until_ms):
            yield page[:-1]


class TheLogIsOfAllTimes(MemoryConnector):
    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        async for page in super().changed(entities, 0, 2 * until_ms):
            yield page


class TheLogIsOfEverything(MemoryConnector):
    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        async for page in super().changed(self.system.entities, since_ms, until_ms):
            yield page


class TheLogNamesNobody(MemoryConnector):
    async def changed(
        self, entities: Collection[str], since_ms: int, until_ms: int
    ) -> AsyncIterator[Sequence[Logged]]:
        async for page in super().changed(entities, since_ms, until_ms):
            yield [replace(one, record=replace(one.record, author=None)) for one in page]


CAUGHT_BY: list[tuple[type[MemoryConnector], str]] = [
    (UpdatesWipeTheRest, "test_an_update_writes_the_named_fields_and_no_others"),
    (UpdatesDropAField, "test_an_update_writes_the_named_fields_and_no_others"),
    (UpdatesWithoutTheCondition, "test_a_conditional_update_does_not_overwrite_a_later_edit"),
    (UpdatesCutLongTexts, "test_a_text_that_is_too_long_is_refused_with_its_field"),
    (UpdatesNameOneRequestForAll, "test_a_write_tells_the_systems_own_id_of_its_request"),
    (UpdatesAnswerWithThePast, "test_the_answer_to_an_update_is_what_a_following_reading_gives"),
    (CreatesDropAField, "test_a_created_record_holds_what_was_sent_and_reads_the_same"),
    (CreatesForgetTheKey, "test_a_repeated_idempotency_key_makes_no_second_record"),
    (CreatesForgetTheKey, "test_a_chosen_id_is_used_and_refused_the_second_time"),
    (CreatesWithoutMarker, "test_a_marked_record_is_found_by_its_marker_and_nothing_else_is"),
    (TakenIsOnlyRefused, "test_a_marker_in_use_is_taken"),
    (RefusalsNameNoField, "test_a_create_without_a_required_field_is_refused_with_its_name"),
    (AsksBeforeItIsUnable, "test_a_field_that_cannot_be_written_is_never_dropped_silently"),
    (ReadsFloats, "test_values_are_of_the_declared_types_and_never_floats"),
    (ReadsLeaveEmptyFieldsOut, "test_a_reading_offers_every_declared_field"),
    (ReadsWhatIsGone, "test_a_record_that_never_was_is_gone"),
    (ReadsUncounted, "test_every_request_is_counted"),
    (ReadsWithVersionsThatStandStill, "test_versions_never_fall_and_rise_where_strict"),
    (SearchesIgnoreTheFilter, "test_a_marked_record_is_found_by_its_marker_and_nothing_else_is"),
    (PagesByNumber, "test_records_that_change_between_pages_are_not_lost"),
    (PagesByNumber, "test_a_delete_between_pages_hides_no_other_record"),
    (CursorsRunAhead, "test_a_new_record_is_listed_from_the_cursor_before_it"),
    (PagesWithoutAnEnd, "test_a_listing_ends_with_one_last_page_and_usable_cursors"),
    (QuietMeansNoPage, "test_a_quiet_listing_still_has_a_page"),
    (ForeignCursorsEndTheListing, "test_an_unusable_cursor_is_recovered_from_by_reading_more"),
    (DeletedRowsAreLeftOut, "test_a_deleted_record_is_listed_as_such_where_tombstones_are_declared"),
    (RetiredRowsAreLeftOut, "test_a_retired_record_is_still_listed_and_shown_as_retired"),
    (TheLogTellsWhatIsThereNow, "test_the_log_has_each_state_that_an_update_led_to_by_its_version"),
    (TheLogForgetsTheLast, "test_the_log_has_each_state_that_an_update_led_to_by_its_version"),
    (TheLogIsOfAllTimes, "test_the_log_of_other_times_and_other_entities_is_left_out"),
    (TheLogIsOfEverything, "test_the_log_of_other_times_and_other_entities_is_left_out"),
    (TheLogNamesNobody, "test_the_log_says_who_made_a_change"),
]


@pytest.mark.parametrize(("faulty", "sentence"), CAUGHT_BY)
async def test_the_suite_catches(faulty: type[MemoryConnector], sentence: str) -> None:
    class WithFault(InMemory):
        async def connector(self) -> Connector:
            self.system = system_of(replace(FULL, log=True))
            self.company = self.system.put("company", {"name": "Nordlys"})
            return faulty("Memory", self.system, page_size=2)

    with pytest.raises((AssertionError, pytest.fail.Exception, IndexError, KeyError, InstepError)):
        await getattr(WithFault(), sentence)()
    await getattr(InMemory(), sentence)()
