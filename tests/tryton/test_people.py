"""What people do in Tryton beside the form of a record, and what becomes of it."""

from __future__ import annotations

import asyncio

import pytest

from instep.connectors.contract import CreateKey
from instep.connectors.tryton import TrytonConnector
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import Gone, Moved, Refused, Stop
from instep.sandbox.tryton import Person, Tryton

from .hooks import connect


async def made(connector: TrytonConnector, **fields: Json) -> Record:
    given = {"name": "Åse", "email": "ase@example.test", "address": {"city": "Oslo"}, **fields}
    return await connector.create("contact", given, CreateKey("", "", "k"))


async def changed(connector: TrytonConnector, cursor: str) -> dict[str, Record]:
    return {r.id: r async for page in connector.list("contact", cursor) for r in page.records}


async def cursor_of(connector: TrytonConnector) -> str:
    return [page.cursor async for page in connector.list("contact", None)][-1]


async def test_an_address_that_is_edited_by_itself_is_listed_and_moves_the_record(
    tryton: Tryton, person: Person
) -> None:
    connector = connect(tryton, overlap_s=1)
    try:
        seen = await made(connector)
        cursor = await cursor_of(connector)
        address = person.only("party.address", [["party", "=", int(seen.id)]])
        person.write("party.address", address, city="Bergen")
        now = (await changed(connector, cursor))[seen.id]
        assert now.fields["address"] != seen.fields["address"]
        assert now.version == seen.version and (now.updated_ms or 0) > (seen.updated_ms or 0)
        with pytest.raises(Moved):
            await connector.update("contact", seen.id, {"address.city": "Tromsø"}, seen=seen, idempotency="")
    finally:
        await connector.close()


async def test_an_email_that_is_added_by_itself_moves_the_record(tryton: Tryton, person: Person) -> None:
    connector = connect(tryton)
    try:
        seen = await made(connector, email=None)
        mail = {"party": int(seen.id), "type": "email", "value": "new@example.test"}
        person.new("party.contact_mechanism", **mail)
        with pytest.raises(Moved):
            await connector.update("contact", seen.id, {"email": "x@example.test"}, seen=seen, idempotency="")
        assert (await connector.read("contact", seen.id)).fields["email"] == "new@example.test"
    finally:
        await connector.close()


async def test_one_of_several_emails_is_not_emptied(tryton: Tryton, person: Person) -> None:
    connector = connect(tryton)
    try:
        seen = await made(connector)
        mail = {"party": int(seen.id), "type": "email", "value": "second@example.test"}
        person.new("party.contact_mechanism", **mail)
        seen = await connector.read("contact", seen.id)
        with pytest.raises(Refused) as refused:
            await connector.update("contact", seen.id, {"email": None}, seen=seen, idempotency="")
        assert refused.value.field == "email"
    finally:
        await connector.close()


async def test_a_contact_changes_its_customer_and_loses_it(tryton: Tryton) -> None:
    connector = connect(tryton)
    try:
        key = CreateKey("", "", "k")
        first, second = [await connector.create("customer", {"name": n}, key) for n in ("One AS", "Two AS")]
        seen = await made(connector, customer_id=first.id)
        for wanted in (second.id, None, first.id):
            seen = await connector.update(
                "contact", seen.id, {"customer_id": wanted}, seen=seen, idempotency=""
            )
            assert seen.fields["customer_id"] == wanted
    finally:
        await connector.close()


async def test_a_party_that_is_no_contact_any_more_is_gone_from_the_contacts(
    tryton: Tryton, person: Person
) -> None:
    connector = connect(tryton)
    try:
        seen = await made(connector)
        category = person.only("party.category", [["name", "=", "Contact"]])
        person.write("party.party", int(seen.id), categories=[["remove", [category]]])
        with pytest.raises(Gone):
            await connector.read("contact", seen.id)
    finally:
        await connector.close()


async def test_a_bad_record_of_a_batch_is_refused_alone(tryton: Tryton) -> None:
    """A code that is in use undoes the whole transaction, which Tryton does not explain."""
    connector = connect(tryton)
    try:
        taken = (await made(connector)).fields["code"]
        jobs = [made(connector, name=f"N {n}", **({"code": taken} if n == 5 else {})) for n in range(12)]
        found = await asyncio.gather(*jobs, return_exceptions=True)
        assert [n for n, one in enumerate(found) if isinstance(one, Refused)] == [5]
        assert sorted(r.fields["name"] for r in found if isinstance(r, Record)) == sorted(
            f"N {n}" for n in range(12) if n != 5
        )
    finally:
        await connector.close()


async def test_a_stale_record_of_a_batch_moves_alone(tryton: Tryton, person: Person) -> None:
    connector = connect(tryton)
    try:
        seen = [await made(connector, name=f"N {n}") for n in range(6)]
        person.write("party.party", int(seen[2].id), name="by hand")
        found = await asyncio.gather(
            *(connector.update("contact", one.id, {"name": "new"}, seen=one, idempotency="") for one in seen),
            return_exceptions=True,
        )
        assert [n for n, one in enumerate(found) if isinstance(one, Moved)] == [2]
        assert (await connector.read("contact", seen[2].id)).fields["name"] == "by hand"
    finally:
        await connector.close()


async def test_many_writes_at_once_are_few_requests(tryton: Tryton) -> None:
    connector = connect(tryton)
    try:
        await made(connector)
        before = connector.requests
        await asyncio.gather(*(made(connector, name=f"N {n}") for n in range(20)))
        assert connector.requests - before <= 6
    finally:
        await connector.close()


async def test_a_country_that_tryton_does_not_have_is_refused_for_its_field(tryton: Tryton) -> None:
    connector = connect(tryton)
    try:
        with pytest.raises(Refused) as refused:
            await made(connector, address={"country": "ZW"})
        assert refused.value.field == "address.country" and "'ZW'" in refused.value.why
    finally:
        await connector.close()


async def test_a_wrong_password_is_tried_once_and_then_stops_everything(tryton: Tryton) -> None:
    connector = TrytonConnector(connect(tryton, user="nobody-of-this-name").settings, "wrong")
    try:
        for _ in range(2):
            with pytest.raises(Stop) as stop:
                await connector.read("contact", "1")
        assert "password" in stop.value.why
        assert connector.requests == 1
    finally:
        await connector.close()


async def test_an_unknown_database_stops_with_its_name(tryton: Tryton) -> None:
    connector = connect(tryton, database="nope")
    try:
        with pytest.raises(Stop) as stop:
            await connector.read("contact", "1")
        assert "'nope'" in stop.value.why
    finally:
        await connector.close()


async def test_a_session_that_has_ended_is_begun_again(tryton: Tryton, person: Person) -> None:
    clock = [1000.0]
    settings = connect(tryton).settings
    password = tryton.installation.password("sync")
    connector = TrytonConnector(settings, password, monotonic=lambda: clock[0])
    try:
        seen = await made(connector)
        connector._session._authorization = "Session " + "bm9ib2R5OjE6eA=="
        clock[0] += 60.0
        assert (await connector.read("contact", seen.id)).fields == seen.fields
    finally:
        await connector.close()


async def test_check_names_what_is_missing_and_where_to_write_it(tryton: Tryton) -> None:
    connector = connect(tryton, contact_category="People", relation="knows")
    try:
        health = await connector.check()
        told = [str(problem) for problem in health.problems]
        assert len(told) == 2
        assert "'People'" in told[0] and "contact_category" in told[0] and "'knows'" in told[1]
    finally:
        await connector.close()
