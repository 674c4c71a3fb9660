"""The in-memory connector under the contract suite, once per profile of abilities, and its system's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest

from instep.connectors.contract import Connector, CreateKey
from instep.connectors.memory import MemoryConnector, MemorySystem
from instep.core.model import Abilities, Entity, Field, Record
from instep.core.values import Json
from instep.errors import Gone, Refused, Taken
from instep.testing.connector_suite import ConnectorContract

COMPANY = Entity("company", (Field("name", "text", required=True),), Abilities())
FIELDS = (
    Field("name", "text", required=True, max_length=30),
    Field("email", "text", max_length=60),
    Field("kind", "text", choices=("goods", "service")),
    Field("price", "decimal"),
    Field("stocked", "boolean"),
    Field("address.city", "text"),
    Field("address.country", "text"),
    Field("vat", "text", group="tax"),
    Field("company_id", "text", reference="company"),
    Field("first_seen", "date", update=False, reason="it is set once"),
    Field("total", "decimal", create=False, update=False, reason="the system computes it"),
    Field("ref", "text"),
    Field("active", "boolean"),
)
FULL = Abilities(
    chosen_id=True,
    max_id_length=40,
    marker="ref",
    key_window_ms=60_000,
    conditional=True,
    tombstones=True,
    versions="strict",
)


def system_of(abilities: Abilities, *, retired: tuple[str, Json] | None = ("active", False)) -> MemorySystem:
    """A company and its contacts, on a clock that moves 7 ms at each look."""
    ticks: Iterator[int] = count(1_700_000_000_000, 7)
    contact = Entity("contact", FIELDS, abilities, retired=retired)
    return MemorySystem([COMPANY, contact], now_ms=lambda: next(ticks))


class InMemory(ConnectorContract):
    """The hooks for any profile; a subclass gives `abilities`."""

    entity = "contact"
    clearable = "address.city"
    text_field = "name"
    tells_requests = True
    abilities = FULL
    retired: tuple[str, Json] | None = ("active", False)

    async def connector(self) -> Connector:
        self.system = system_of(self.abilities, retired=self.retired)
        self.company = self.system.put("company", {"name": "Nordlys"})
        return MemoryConnector("Memory", self.system, page_size=2)

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {
            "name": f"Åse {n}",
            "email": f"{n}@example.test",
            "kind": "goods",
            "price": Decimal("19.90"),
            "stocked": True,
            "address": {"city": "Tromsø", "country": "NO"},
            "company_id": self.company,
            "first_seen": "2026-01-31",
        }

    def an_edit(self) -> dict[str, Json]:
        return {"email": "new@example.test", "address.country": "SE"}

    async def put_as_person(self, connector: Connector, fields: Mapping[str, Json]) -> str:
        return self.system.put("contact", fields)

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        self.system.edit("contact", id, changes)

    async def remove_as_person(self, id: str) -> None:
        self.system.remove("contact", id)


class TestEverythingAble(InMemory):
    pass


class TestNothingToRelyOn(InMemory):
    abilities = Abilities(versions="none")
    retired = None


class TestTimesOfOneSecond(InMemory):
    abilities = replace(FULL, versions="time", resolution_ms=1000, chosen_id=False, conditional=False)


class TestALogInPlaceOfConditions(InMemory):
    abilities = replace(FULL, conditional=False, log=True)


class TestOnlyAMarker(InMemory):
    abilities = Abilities(marker="ref", versions="time", retire=False)


class TestReadOnly(InMemory):
    abilities = Abilities(
        create=False,
        update=False,
        retire=False,
        reasons={"create": "a person does it in the form", "update": "it is fixed"},
    )


class TestListedButNeverReadSingly(InMemory):
    abilities = Abilities(read=False, versions="strict", complete_list=False)


class TestWriteOnly(InMemory):
    abilities = replace(FULL, list=False)


def key(text: str) -> CreateKey:
    return CreateKey(id=text, marker=text, idempotency=text)


async def test_the_log_holds_each_effective_write_with_both_values() -> None:
    system = system_of(FULL)
    connector = MemoryConnector("Memory", system)
    seen = await connector.create("contact", {"name": "A"}, key("k"))
    await connector.update("contact", "k", {"name": "B"}, seen=seen, idempotency="1")
    await connector.update("contact", "k", {"name": "B"}, seen=Record("k"), idempotency="2")
    system.edit("contact", "k", {"name": "C"})
    assert [(w.author, w.operation, w.changes["name"]) for w in system.writes] == [
        ("Memory", "create", (None, "A")),
        ("Memory", "update", ("A", "B")),
        ("person", "update", ("B", "C")),
    ]
    assert (connector.counters.writes, connector.counters.reads, connector.requests) == (3, 0, 3)


async def test_the_id_of_a_deleted_record_stays_taken() -> None:
    system = system_of(FULL)
    connector = MemoryConnector("Memory", system)
    await connector.create("contact", {"name": "A"}, key("k"))
    system.remove("contact", "k")
    with pytest.raises(Taken) as taken:
        await connector.create("contact", {"name": "A"}, replace(key("k"), idempotency="other"))
    assert taken.value.existing_id == "k"


async def test_a_key_that_comes_back_with_another_request_is_refused() -> None:
    connector = MemoryConnector("Memory", system_of(FULL))
    await connector.create("contact", {"name": "A"}, key("k"))
    with pytest.raises(Refused) as refused:
        await connector.create("contact", {"name": "B"}, key("k"))
    assert refused.value.code == "key_reused"


async def test_a_reference_to_nothing_is_refused_with_its_field() -> None:
    connector = MemoryConnector("Memory", system_of(FULL))
    with pytest.raises(Refused) as refused:
        await connector.create("contact", {"name": "A", "company_id": "77"}, key("k"))
    assert refused.value.field == "company_id"


async def test_a_float_is_refused_for_an_amount() -> None:
    system = system_of(FULL)
    with pytest.raises(Refused) as refused:
        system.put("contact", {"name": "A", "price": 19.9})  # type: ignore[dict-item]
    assert refused.value.field == "price"


async def test_a_retired_entity_without_a_field_for_it_is_deleted() -> None:
    system = system_of(replace(FULL, conditional=False), retired=None)
    connector = MemoryConnector("Memory", system)
    seen = await connector.create("contact", {"name": "A"}, key("k"))
    assert (await connector.retire("contact", "k", seen=seen, idempotency="r")).deleted
    with pytest.raises(Gone):
        await connector.read("contact", "k")


async def test_a_reading_is_not_changed_by_a_later_write() -> None:
    system = system_of(FULL)
    connector = MemoryConnector("Memory", system)
    before = await connector.create("contact", {"name": "A", "address": {"city": "Oslo"}}, key("k"))
    system.edit("contact", "k", {"address.city": "Bergen"})
    assert before.fields["address"] == {"city": "Oslo"}
