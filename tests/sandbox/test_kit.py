"""Clock, counters, document tables and the way servers are started and stopped."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from instep.sandbox.kit import Clock, Column, Documents, Duplicate
from tests.sandbox.kit_app import shop


async def test_the_date_header_follows_the_clock_and_its_skew() -> None:
    async with shop() as here:
        await here.console("POST", "clock", {"freeze_at": 1_800_000_000, "skew_s": 90})
        async with here.client.get(here.url + "/things") as answer:
            assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == 1_800_000_090


async def test_a_frozen_clock_moves_only_when_advanced() -> None:
    async with shop() as here:
        await here.console("POST", "clock", {"freeze_at": 1_800_000_000})
        assert (await here.console("GET", "clock"))["now"] == 1_800_000_000
        state = await here.console("POST", "clock", {"advance_s": 3600})
        assert (state["now"], state["frozen"]) == (1_800_003_600, True)


def test_an_offset_ends_a_freeze_and_time_runs_again() -> None:
    clock = Clock()
    clock.freeze_at(0)
    assert clock.iso_ms() == "1970-01-01T00:00:00.000Z"
    clock.set_offset(-86_400)
    assert clock.now_ms() > 1_700_000_000_000


async def test_a_sleeper_wakes_when_the_clock_is_advanced_past_its_moment() -> None:
    clock = Clock()
    clock.freeze_at(100)
    sleeper = asyncio.create_task(clock.sleep_until(200))
    clock.advance(50)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(50)
    async with asyncio.timeout(5):
        await sleeper


async def test_a_sleeper_on_running_time_wakes_by_itself_or_by_an_advance() -> None:
    clock = Clock()
    async with asyncio.timeout(5):
        await clock.sleep_until(clock.now() + 0.01)
        sleeper = asyncio.create_task(clock.sleep_until(clock.now() + 10_000))
        await asyncio.sleep(0)
        clock.advance(10_001)
        await sleeper


@pytest.mark.parametrize(
    "body", [{"advance": 1}, {"advance_s": "soon"}, {"offset_s": True}, {"skew_s": None}]
)
async def test_a_wrong_clock_order_is_refused(body: dict[str, Any]) -> None:
    async with shop() as here, here.client.post(here.url + "/_console/clock", json=body) as answer:
        assert answer.status == 400


async def test_requests_are_counted_by_method_route_and_status() -> None:
    async with shop() as here:
        for _ in range(2):
            await here.get("/things/7", page="1")
        async with here.client.post(here.url + "/things", json={}):
            pass
        async with here.client.get(here.url + "/nowhere"):
            pass
        counts = await here.console("GET", "counters")
        assert counts["by"] == [
            {"method": "GET", "route": "/nowhere", "status": 404, "count": 1},
            {"method": "GET", "route": "/things/{id}", "status": 200, "count": 2},
            {"method": "POST", "route": "/things", "status": 201, "count": 1},
        ]
        assert (counts["total"], counts["reads"], counts["writes"], counts["refused"]) == (4, 3, 1, 1)
        assert (await here.console("POST", "counters", {"reset": True}))["total"] == 0


async def test_the_last_requests_are_kept_in_order_without_secrets() -> None:
    async with shop() as here:
        await here.get("/things", page="2", api_key="hush")
        await here.get("/things/1")
        newest = (await here.console("GET", "requests?limit=1"))["requests"]
        assert [entry["path"] for entry in newest] == ["/things/1"]
        first = (await here.console("GET", "requests"))["requests"][0]
        assert first["params"] == {"page": "2", "api_key": "***"}
        assert (first["method"], first["status"]) == ("GET", 200)


async def test_bodies_are_kept_only_when_asked_for_and_never_of_a_token_request() -> None:
    async with shop() as here:
        for keep in (False, True):
            await here.console("POST", "counters", {"keep_bodies": keep})
            for path in ("/things", "/oauth/token"):
                async with here.client.post(here.url + path, json={"secret": "hush"}):
                    pass
        kept = [entry.get("body") for entry in (await here.console("GET", "requests"))["requests"]]
        assert kept == [None, None, '{"secret": "hush"}', None]


def people(documents: Documents) -> Any:
    columns = [Column("age", lambda d: d["age"]), Column("email", lambda d: d["email"], unique=True)]
    return documents.table("people", columns, indexes=[("age", "id")])


def person(key: str, age: int, email: str | None = None) -> dict[str, Any]:
    return {"id": key, "age": age, "email": email}


def test_documents_come_back_as_they_were_put(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "d.db")
    table = people(documents)
    table.put(person("a", 3, "a@x.test"))
    table.put(person("a", 4, "a@x.test"))
    documents.close()
    again = Documents(tmp_path / "d.db")
    table = people(again)
    assert table.get("a") == person("a", 4, "a@x.test")
    assert table.raw("a") == b'{"id":"a","age":4,"email":"a@x.test"}'
    assert table.get("b") is None
    again.close()


def test_a_unique_column_refuses_a_second_holder_and_lets_many_hold_nothing() -> None:
    table = people(Documents(":memory:"))
    table.put(person("a", 1, "x@x.test"))
    table.put(person("b", 1))
    table.put(person("c", 1))
    with pytest.raises(Duplicate) as refusal:
        table.put(person("d", 1, "x@x.test"))
    assert refusal.value.column == "email"
    with pytest.raises(Duplicate) as refusal:
        table.insert(person("a", 1))
    assert refusal.value.column == "id"


def test_rows_are_selected_ordered_and_paged() -> None:
    table = people(Documents(":memory:"))
    assert table.load(person(f"p{n}", n % 5) for n in range(20)) == 20
    rows = table.rows("age >= ?", (3,), order="age, id", limit=3, offset=3)
    assert [row["id"] for row in rows] == ["p8", "p14", "p19"]
    assert table.count("age = ?", (4,)) == 4
    assert table.values(["id"], "age = ?", (0,), order="id", limit=1) == [("p0",)]
    assert table.remove("p0")
    assert not table.remove("p0")
    table.clear()
    assert table.count() == 0


def test_a_load_that_hits_a_duplicate_keeps_nothing() -> None:
    table = people(Documents(":memory:"))
    with pytest.raises(Duplicate):
        table.load(person(key, 1, "same@x.test") for key in ("a", "b"))
    assert table.count() == 0


def test_a_failed_transaction_leaves_no_trace() -> None:
    documents = Documents(":memory:")
    table = people(documents)
    with pytest.raises(RuntimeError), documents.transaction():
        table.put(person("a", 1))
        raise RuntimeError
    assert table.count() == 0


def test_numbers_and_settings_survive_a_restart(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "d.db")
    assert [documents.next_number("orders", 1001) for _ in range(2)] == [1001, 1002]
    documents.raise_number("orders", 5000)
    documents.raise_number("orders", 10)
    documents.set_setting("lag", {"ms": 5})
    documents.close()
    again = Documents(tmp_path / "d.db")
    assert again.next_number("orders", 1001) == 5001
    assert again.setting("lag") == {"ms": 5}
    assert again.setting("other") is None
    again.close()


async def test_a_server_in_the_same_loop_answers_and_then_is_gone() -> None:
    async with shop() as here:
        url = here.url
        assert url.startswith("http://127.0.0.1:")
        assert (await here.get("/things"))["items"] == [1]
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(url + "/things")
