"""The writing half of the contract suite: creating, updating, retiring, and their outcomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instep.connectors.contract import Discards
from instep.core.values import get_path, set_path
from instep.errors import Gone, Moved, Refused, Taken, Unable
from instep.testing.connector_hooks import ConnectorHooks, same


@pytest.mark.asyncio
class WritingContract(ConnectorHooks):
    """What a connector writes, and how it names each outcome."""

    # --- creating ---

    async def test_a_created_record_holds_what_was_sent_and_reads_the_same(self) -> None:
        async with self.opened() as connector:
            if self.declared(connector).abilities.create:
                fields = await self.valid_fields(1)
                created = await connector.create(self.entity, fields, self.new_key())
                await self.settle()
                read = await self.look(connector, created.id)
                assert self.writable(connector, created) == self.writable(connector, read)
                assert all(same(read.fields.get(name), value) for name, value in fields.items())

    async def test_a_chosen_id_is_used_and_refused_the_second_time(self) -> None:
        async with self.opened() as connector:
            can = self.declared(connector).abilities
            if can.create and can.chosen_id:
                key = self.new_key()
                created = await connector.create(self.entity, await self.valid_fields(1), key)
                again = replace(self.new_key(), id=key.id)
                with pytest.raises(Taken) as taken:
                    await connector.create(self.entity, await self.valid_fields(2), again)
                assert created.id == key.id == taken.value.existing_id
                assert taken.value.field in ("", "id")

    async def test_a_repeated_idempotency_key_makes_no_second_record(self) -> None:
        async with self.opened() as connector:
            can = self.declared(connector).abilities
            if can.create and can.key_window_ms:
                key, fields = self.new_key(), await self.valid_fields(1)
                first = await connector.create(self.entity, fields, key)
                assert (await connector.create(self.entity, fields, key)).id == first.id

    async def test_a_marked_record_is_found_by_its_marker_and_nothing_else_is(self) -> None:
        async with self.opened() as connector:
            can = self.declared(connector).abilities
            if can.create and can.marker:
                await connector.create(self.entity, await self.valid_fields(1), self.new_key())
                key = self.new_key()
                created = await connector.create(self.entity, await self.valid_fields(2), key)
                await self.settle()
                found = await connector.find(self.entity, can.marker, key.marker)
                assert [record.id for record in found] == [created.id]
                assert get_path(found[0].fields, can.marker) == key.marker
                assert list(await connector.find(self.entity, can.marker, "nobody-has-this")) == []

    async def test_a_marker_in_use_is_taken(self) -> None:
        async with self.opened() as connector:
            can = self.declared(connector).abilities
            if can.create and can.marker and self.unique_marker:
                key = self.new_key()
                await connector.create(self.entity, await self.valid_fields(1), key)
                again = replace(self.new_key(), marker=key.marker)
                with pytest.raises(Taken) as taken:
                    await connector.create(self.entity, await self.valid_fields(2), again)
                assert taken.value.field == can.marker

    async def test_a_create_without_a_required_field_is_refused_with_its_name(self) -> None:
        async with self.opened() as connector:
            entity = self.declared(connector)
            required = [field.path for field in entity.fields if field.required]
            for n, path in enumerate(required if entity.abilities.create else [], 1):
                fields = await self.valid_fields(n)
                set_path(fields, path, None)
                with pytest.raises(Refused) as refused:
                    await connector.create(self.entity, fields, self.new_key())
                assert refused.value.field == path

    # --- updating ---

    async def test_an_update_writes_the_named_fields_and_no_others(self) -> None:
        async with self.opened() as connector:
            if self.updates(connector):
                id = await self.put(connector, 1)
                seen = await connector.read(self.entity, id)
                await self.update(connector, seen, self.an_edit())
                after = await connector.read(self.entity, id)
                expected = dict(seen.fields)
                for path, value in self.an_edit().items():
                    set_path(expected, path, value)
                wanted = self.writable(connector, replace(seen, fields=expected))
                found = self.writable(connector, after)
                assert {path for path in wanted if not same(found[path], wanted[path])} == set()

    async def test_the_answer_to_an_update_is_what_a_following_reading_gives(self) -> None:
        async with self.opened() as connector:
            if self.updates(connector):
                seen = await connector.read(self.entity, await self.put(connector, 1))
                answer = await self.update(connector, seen, self.an_edit())
                read = await connector.read(self.entity, seen.id)
                offered = {head: value for head, value in read.fields.items() if head in answer.fields}
                assert answer.fields == offered
                assert answer.version == read.version

    async def test_a_write_tells_the_systems_own_id_of_its_request(self) -> None:
        async with self.opened() as connector:
            if self.updates(connector):
                told = []
                for n in (1, 2):
                    seen = await connector.read(self.entity, await self.put(connector, n))
                    told.append((await self.update(connector, seen, self.an_edit())).request)
                assert all(id == " ".join(id.split()) and id.isprintable() for id in told)
                assert (len(set(told)) == 2 and all(told)) if self.tells_requests else told == ["", ""]

    async def test_emptying_a_field_empties_it(self) -> None:
        async with self.opened() as connector:
            if self.updates(connector) and self.clearable:
                seen = await connector.read(self.entity, await self.put(connector, 1))
                assert get_path(seen.fields, self.clearable)
                answer = await self.update(connector, seen, {self.clearable: None})
                read = await connector.read(self.entity, seen.id)
                assert get_path(read.fields, self.clearable) is None
                assert get_path(answer.fields, self.clearable) is None

    async def test_text_of_any_script_survives(self) -> None:
        async with self.opened() as connector:
            if self.updates(connector) and self.text_field:
                seen = await connector.read(self.entity, await self.put(connector, 1))
                for text in (
                    "Ærø & Çelik <b>",
                    "李雷 \u0130\u0131 Ωμέγα",
                    'O\'Neil "é" 100% +1',
                    "🧾\u200d#?=;",
                ):
                    await self.update(connector, seen, {self.text_field: text})
                    seen = await connector.read(self.entity, seen.id)
                    assert get_path(seen.fields, self.text_field) == text

    async def test_a_text_that_is_too_long_is_refused_with_its_field(self) -> None:
        async with self.opened() as connector:
            field = self.declared(connector).field(self.text_field) if self.text_field else None
            if field is not None and field.max_length is not None and self.updates(connector):
                seen = await connector.read(self.entity, await self.put(connector, 1))
                fits, too_long = "é" * field.max_length, "é" * (field.max_length + 1)
                await self.update(connector, seen, {field.path: fits})
                seen = await connector.read(self.entity, seen.id)
                with pytest.raises(Refused) as refused:
                    await self.update(connector, seen, {field.path: too_long})
                assert refused.value.field == field.path
                read = await connector.read(self.entity, seen.id)
                assert get_path(read.fields, field.path) == fits

    async def test_a_value_outside_the_choices_is_refused_with_its_field(self) -> None:
        async with self.opened() as connector:
            choices = [f for f in self.declared(connector).fields if f.choices and f.update]
            for n, field in enumerate(choices if self.updates(connector) else [], 1):
                seen = await connector.read(self.entity, await self.put(connector, n))
                with pytest.raises(Refused) as refused:
                    await self.update(connector, seen, {field.path: "no-such-choice"})
                assert refused.value.field == field.path

    async def test_updating_a_removed_record_says_gone(self) -> None:
        async with self.opened() as connector:
            if self.updates(connector):
                seen = await connector.read(self.entity, await self.put(connector, 1))
                await self.remove_as_person(seen.id)
                with pytest.raises(Gone):
                    await self.update(connector, seen, self.an_edit())

    async def test_a_conditional_update_does_not_overwrite_a_later_edit(self) -> None:
        async with self.opened() as connector:
            if self.updates(connector) and self.declared(connector).abilities.conditional:
                seen = await connector.read(self.entity, await self.put(connector, 1))
                assert seen.token
                await self.edit_as_person(seen.id, self.an_edit())
                now = await connector.read(self.entity, seen.id)
                with pytest.raises(Moved):
                    await self.update(connector, seen, self.an_edit())
                assert (await connector.read(self.entity, seen.id)).fields == now.fields

    async def test_versions_never_fall_and_rise_where_strict(self) -> None:
        async with self.opened() as connector:
            kind = self.declared(connector).abilities.versions
            if self.updates(connector):
                seen = await connector.read(self.entity, await self.put(connector, 1))
                await self.update(connector, seen, self.an_edit())
                after = await connector.read(self.entity, seen.id)
                if kind == "none":
                    assert seen.version is None and after.version is None
                else:
                    assert seen.version is not None and after.version is not None
                    assert after.version >= seen.version
                    assert kind != "strict" or after.version > seen.version

    # --- retiring ---

    async def test_a_retired_record_is_still_listed_and_shown_as_retired(self) -> None:
        async with self.opened() as connector:
            entity = self.declared(connector)
            if entity.abilities.read and entity.abilities.retire and entity.retired is not None:
                path, value = entity.retired
                seen = await connector.read(self.entity, await self.put(connector, 1))
                assert get_path(seen.fields, path) != value
                await connector.retire(self.entity, seen.id, seen=seen, idempotency=f"r-{self.nonce}")
                read = await connector.read(self.entity, seen.id)
                await self.settle()
                assert get_path(read.fields, path) == value
                if entity.abilities.list:
                    listed = (await self.listed(connector)).records[seen.id]
                    assert not listed.complete or get_path(listed.fields, path) == value

    async def test_retiring_twice_is_harmless(self) -> None:
        async with self.opened() as connector:
            entity = self.declared(connector)
            if entity.abilities.retire and entity.abilities.read:
                seen = await connector.read(self.entity, await self.put(connector, 1))
                await connector.retire(self.entity, seen.id, seen=seen, idempotency=f"r-{self.nonce}")
                try:
                    seen = await connector.read(self.entity, seen.id)
                    await connector.retire(self.entity, seen.id, seen=seen, idempotency=f"q-{self.nonce}")
                except Gone:
                    assert entity.retired is None

    async def test_a_discarded_record_is_gone_and_no_other(self) -> None:
        async with self.opened() as connector:
            abilities = self.declared(connector).abilities
            if isinstance(connector, Discards) and abilities.create and abilities.read:
                kept, id = await self.put(connector, 1), await self.put(connector, 2)
                try:
                    await connector.discard(self.entity, id)
                except Unable:
                    return
                await self.settle()
                try:
                    assert (await self.look(connector, id)).deleted
                except Gone as gone:
                    assert id in str(gone)
                assert not (await self.look(connector, kept)).deleted
