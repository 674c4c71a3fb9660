"""The reading half of the contract suite: what is declared, listings, single readings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instep.core.model import Field, Record
from instep.core.values import Json, get_path, set_path
from instep.errors import Gone
from instep.testing.connector_hooks import ConnectorHooks, Listed, has_float

_PYTHON_TYPES = {
    "text": str,
    "integer": int,
    "boolean": bool,
    "timestamp": int,
    "datetime": str,
    "date": str,
    "object": dict,
    "list": list,
}


@pytest.mark.asyncio
class ReadingContract(ConnectorHooks):
    """What a connector declares, lists and reads."""

    # --- what is declared ---

    async def test_entities_are_declared_consistently_and_without_a_request(self) -> None:
        async with self.opened() as connector:
            sent = connector.requests
            entity = self.declared(connector)
            paths = [field.path for field in entity.fields]
            assert connector.requests == sent
            assert entity.name == self.entity
            assert len(paths) == len(set(paths))
            assert not entity.abilities.marker or entity.abilities.marker in paths
            assert entity.retired is None or entity.field(entity.retired[0]) is not None
            can_create = entity.abilities.create
            assert all(field.create for field in entity.fields if field.required and can_create)
            assert all(f.reference in connector.entities() for f in entity.fields if f.reference)

    async def test_check_finds_nothing_wrong_with_a_working_system(self) -> None:
        async with self.opened() as connector:
            health = await connector.check()
            assert [str(problem) for problem in health.problems if problem.severity == "error"] == []

    async def test_what_is_declared_impossible_is_unable_before_any_request(self) -> None:
        async with self.opened() as connector:
            can = self.declared(connector).abilities
            fields, seen = await self.valid_fields(1), Record("1", {})
            sent = connector.requests
            if not can.create:
                await self.unable(connector.create(self.entity, fields, self.new_key()))
            if not can.update:
                await self.unable(connector.update(self.entity, "1", fields, seen=seen, idempotency="k"))
            if not can.retire:
                await self.unable(connector.retire(self.entity, "1", seen=seen, idempotency="k"))
            if not can.read:
                await self.unable(connector.read(self.entity, "1"))
            if not can.list:
                await self.unable(self.listed(connector))
            if not can.marker:
                await self.unable(connector.find(self.entity, "no_such_field", "x"))
            assert connector.requests == sent

    async def test_a_field_that_cannot_be_written_is_never_dropped_silently(self) -> None:
        async with self.opened() as connector:
            entity = self.declared(connector)
            locked = [f for f in entity.fields if not f.update] + [Field("no-such.field")]
            sent, seen = connector.requests, Record("1", {})
            for field in locked if entity.field("no-such.field") is None else locked[:-1]:
                await self.unable(
                    connector.update(self.entity, "1", {field.path: None}, seen=seen, idempotency="k")
                )
            uncreatable = [field for field in entity.fields if not field.create]
            assert connector.requests == sent
            for n, field in enumerate(uncreatable if entity.abilities.create else [], 1):
                fields = await self.valid_fields(n)
                set_path(fields, field.path, "x")
                sent = connector.requests
                await self.unable(connector.create(self.entity, fields, self.new_key()))
                assert connector.requests == sent

    async def test_fields_of_two_groups_are_not_written_by_one_call(self) -> None:
        async with self.opened() as connector:
            by_group = {f.group: f.path for f in self.declared(connector).fields if f.update}
            changes: dict[str, Json] = dict.fromkeys(by_group.values(), "x")
            sent, seen = connector.requests, Record("1", {})
            if len(by_group) > 1:
                await self.unable(connector.update(self.entity, "1", changes, seen=seen, idempotency="k"))
            assert connector.requests == sent

    # --- listing ---

    async def test_a_listing_ends_with_one_last_page_and_usable_cursors(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.list:
                await self.put_many(connector)
                pages = (await self.listed(connector)).pages
                assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
                assert all(isinstance(page.cursor, str) and len(page.cursor) < 2000 for page in pages)

    async def test_a_full_listing_names_every_live_record(self) -> None:
        async with self.opened() as connector:
            if self.lists_all(connector):
                ids = await self.put_many(connector)
                assert set(ids) <= set((await self.listed(connector)).records)

    async def test_a_listing_can_go_on_from_any_page(self) -> None:
        async with self.opened() as connector:
            if self.lists_all(connector):
                ids = await self.put_many(connector)
                pages = (await self.listed(connector)).pages
                for at in range(len(pages)):
                    before = {record.id for page in pages[: at + 1] for record in page.records}
                    after = set((await self.listed(connector, pages[at].cursor)).records)
                    assert set(ids) <= before | after, f"lost after page {at + 1}"

    async def test_an_edit_is_listed_from_the_cursor_before_it(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.list and self.an_edit():
                ids = await self.put_many(connector)
                cursor = (await self.listed(connector)).cursor
                await self.edit_as_person(ids[0], self.an_edit())
                await self.settle()
                assert self.holds((await self.listed(connector, cursor)).records[ids[0]], self.an_edit())

    async def test_a_new_record_is_listed_from_the_cursor_before_it(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.list:
                await self.put(connector, 1)
                await self.settle()
                cursor = (await self.listed(connector)).cursor
                id = await self.put(connector, 2)
                await self.settle()
                assert id in (await self.listed(connector, cursor)).records

    async def test_a_quiet_listing_still_has_a_page(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.list:
                cursor = (await self.listed(connector)).cursor
                assert (await self.listed(connector, cursor)).pages[-1].last

    async def test_records_that_change_between_pages_are_not_lost(self) -> None:
        async with self.opened() as connector:
            if self.lists_all(connector) and self.an_edit():
                ids = await self.put_many(connector)
                listed = Listed()
                async for page in connector.list(self.entity, None):
                    if not listed.pages:
                        for id in (ids[0], ids[-1]):
                            await self.edit_as_person(id, self.an_edit())
                    listed.add(page)
                await self.settle()
                later = await self.listed(connector, listed.cursor)
                assert set(ids) <= set(listed.records)
                newest = listed.records | later.records
                assert all(self.holds(newest[id], self.an_edit()) for id in (ids[0], ids[-1]))

    async def test_a_delete_between_pages_hides_no_other_record(self) -> None:
        async with self.opened() as connector:
            if self.lists_all(connector):
                ids = await self.put_many(connector)
                listed = Listed()
                async for page in connector.list(self.entity, None):
                    if not listed.pages:
                        await self.remove_as_person(ids[0])
                    listed.add(page)
                await self.settle()
                later = await self.listed(connector, listed.cursor)
                assert set(ids[1:]) <= set(listed.records | later.records)

    async def test_an_unusable_cursor_is_recovered_from_by_reading_more(self) -> None:
        async with self.opened() as connector:
            if self.lists_all(connector):
                ids = await self.put_many(connector)
                for cursor in ("", "not a cursor", '{"v": 999, "since": "x"}', "[]"):
                    assert set(ids) <= set((await self.listed(connector, cursor)).records)

    async def test_a_listed_record_is_what_a_reading_gives(self) -> None:
        async with self.opened() as connector:
            can = self.declared(connector).abilities
            if can.list and can.read:
                id = await self.put(connector, 1)
                await self.settle()
                listed = (await self.listed(connector)).records[id]
                if listed.complete:
                    read = await connector.read(self.entity, id)
                    assert replace(listed, token=None) == replace(read, token=None)

    async def test_a_deleted_record_is_listed_as_such_where_tombstones_are_declared(self) -> None:
        async with self.opened() as connector:
            can = self.declared(connector).abilities
            if can.list and can.tombstones:
                id = await self.put(connector, 1)
                await self.settle()
                cursor = (await self.listed(connector)).cursor
                await self.remove_as_person(id)
                await self.settle()
                assert (await self.listed(connector, cursor)).records[id].deleted

    # --- reading ---

    async def test_a_reading_offers_every_declared_field(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.read:
                record = await connector.read(self.entity, await self.put(connector, 1))
                heads = {field.path.partition(".")[0] for field in self.declared(connector).fields}
                assert record.complete
                assert heads - set(record.fields) == set()

    async def test_values_are_of_the_declared_types_and_never_floats(self) -> None:
        async with self.opened() as connector:
            id = await self.put(connector, 1)
            record = await self.look(connector, id)
            assert not has_float(record.fields)
            for field in self.declared(connector).fields:
                value, python = get_path(record.fields, field.path), _PYTHON_TYPES.get(field.type)
                if value is not None and python is not None:
                    right = isinstance(value, python) and (python is bool or not isinstance(value, bool))
                    assert right, f"{field.path} = {value!r} is not of type {field.type}"

    async def test_a_record_that_never_was_is_gone(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.read:
                with pytest.raises(Gone):
                    await connector.read(self.entity, f"999{int(self.nonce, 16)}")

    async def test_a_removed_record_is_gone_or_says_that_it_is_deleted(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.read:
                id = await self.put(connector, 1)
                await self.remove_as_person(id)
                await self.settle()
                try:
                    assert (await connector.read(self.entity, id)).deleted
                except Gone as gone:
                    assert id in str(gone)

    async def test_every_request_is_counted(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.read and self.declared(connector).abilities.create:
                sent = connector.requests
                made = await connector.create(self.entity, await self.valid_fields(1), self.new_key())
                created = connector.requests
                await connector.read(self.entity, made.id)
                assert sent < created < connector.requests
