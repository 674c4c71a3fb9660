"""Listings over the REST connector when the server drifts, lies, repeats itself or has a wrong clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from instep.connectors.contract import Connector
from instep.core.model import Record
from instep.errors import BadAnswer

from .rest_erp import Erp, connect, described, erp, paged

LIST = {"method": "GET", "path": "contacts$"}


async def filled(here: Erp, count: int = 5) -> list[str]:
    return [await here.make("contact", {"family_name": f"Kern {n}"}) for n in range(count)]


async def listed(connector: Connector, cursor: str | None = None) -> tuple[list[Record], str]:
    records: list[Record] = []
    last = ""
    async for page in connector.list("contact", cursor):
        records.extend(page.records)
        last = page.cursor
    return records, last


async def names(connector: Connector) -> set[str]:
    return {record.id for record in (await listed(connector))[0]}


@pytest.mark.parametrize("style", ["page", "page counted", "page bare", "offset", "offset bare", "link"])
async def test_no_row_is_lost_when_every_page_shifts_the_next(style: str) -> None:
    async with erp() as here:
        ids = await filled(here, 9)
        connector = connect(here.url, paged(style))
        seen: dict[str, Record] = {}
        edits = iter(ids[:6])
        async for page in connector.list("contact", None):
            seen |= {record.id: record for record in page.records}
            if (id := next(edits, "")) != "":
                await here.edit("contact", id, {"notes": "moves to the end"})
        assert set(seen) == set(ids)
        assert all(seen[id].fields["notes"] == "moves to the end" for id in ids[:6])
        await connector.close()


@pytest.mark.parametrize("style", ["page", "page counted", "page bare", "offset", "link"])
async def test_no_row_is_lost_among_many_of_the_same_moment(style: str) -> None:
    """As after an import: the moment is then no place to go on from, and pages by number shift."""
    async with erp() as here:
        await here.console("POST", "clock", {"freeze_at": 1_790_000_000})
        ids = await filled(here, 9)
        await here.console("POST", "clock", {"advance_s": 60})
        connector = connect(here.url, paged(style))
        seen: dict[str, Record] = {}
        edits = iter(ids[:6])
        async for page in connector.list("contact", None):
            seen |= {record.id: record for record in page.records}
            if (id := next(edits, "")) != "":
                await here.edit("contact", id, {"notes": "moves to the end"})
        assert set(seen) == set(ids)
        await connector.close()


async def test_rows_hidden_by_a_shifted_page_are_found_by_the_total() -> None:
    in_no_order = paged(
        "offset",
        params={"include_deleted": False},
        changed_since={"param": "updated_since", "format": "iso"},
    )
    async with erp() as here:
        ids = await filled(here, 7)
        connector = connect(here.url, in_no_order)
        seen: set[str] = set()
        removed = False
        async for page in connector.list("contact", None):
            seen |= {record.id for record in page.records}
            if not removed:
                await here.remove("contact", ids[0])
                removed = True
        assert seen == set(ids)
        await connector.close()


@pytest.mark.parametrize("shift", [-1, 1])
async def test_a_server_whose_pages_are_off_by_a_row_loses_none(shift: int) -> None:
    async with erp(page_shift=shift) as here:
        ids = await filled(here, 7)
        connector = connect(here.url, paged("offset", size=3, changed_since=None))
        assert await names(connector) == set(ids)
        await connector.close()


@pytest.mark.parametrize("style", ["page", "page counted", "offset"])
async def test_a_server_that_never_shows_some_rows_is_not_believed(style: str) -> None:
    async with erp() as here:
        await filled(here, 7)
        connector = connect(here.url, paged(style))
        await here.fault("rewrite_json", match=LIST, times=None, set={"/total": 9, "/next_page": None})
        with pytest.raises(BadAnswer, match=r"misses rows|does not end|circle"):
            await listed(connector)
        assert connector.requests < 40
        await connector.close()


@pytest.mark.parametrize("style", ["page", "page counted", "offset", "cursor", "link"])
async def test_a_page_that_is_sent_twice_hides_nothing(style: str) -> None:
    async with erp() as here:
        ids = await filled(here, 7)
        connector = connect(here.url, paged(style))
        await here.fault("repeat", match=LIST, times=None)
        assert await names(connector) == set(ids)
        await connector.close()


@pytest.mark.parametrize(
    ("style", "lie"),
    [
        ("page", {"/next_page": 1}),
        ("page", {"/next_page": 2}),
        ("offset", {"/next_offset": 0}),
        ("cursor", {"/next_cursor": "WyJ1cGRhdGVkX2F0IiwgMCwgMF0"}),
    ],
)
async def test_a_next_page_that_comes_back_again_and_again_is_not_followed(
    style: str, lie: dict[str, Any]
) -> None:
    async with erp() as here:
        await filled(here)
        connector = connect(here.url, paged(style, size=50, changed_since=None))
        await here.fault("rewrite_json", match=LIST, times=None, set=lie)
        with pytest.raises(BadAnswer, match=r"circle|does not end"):
            await listed(connector)
        assert connector.requests < 12
        await connector.close()


async def test_an_endless_row_of_empty_pages_is_left() -> None:
    async with erp() as here:
        connector = connect(here.url, paged("cursor", changed_since=None))
        lie = {"/next_cursor": "WyJ1cGRhdGVkX2F0IiwgMCwge259XQ", "/items": []}
        await here.fault("rewrite_json", match=LIST, times=None, set=lie)
        with pytest.raises(BadAnswer):
            await listed(connector)
        assert connector.requests < 12
        await connector.close()


async def test_a_listing_is_bounded_by_the_described_number_of_pages() -> None:
    async with erp() as here:
        await filled(here, 9)
        connector = connect(here.url, paged("cursor", max_pages=3))
        with pytest.raises(BadAnswer, match="goes on after 3 pages"):
            await listed(connector)
        await connector.close()


async def test_a_link_to_another_host_is_not_followed() -> None:
    async with erp() as here:
        await filled(here)
        description = paged("link")
        for entity in description["entities"].values():
            entity["list"]["paging"]["next"] = "next_page"
            entity["list"]["changed_since"]["oldest_first"] = False
        connector = connect(here.url, description)
        await here.fault("rewrite_json", match=LIST, set={"/next_page": "http://127.0.0.2:9/api/v1/contacts"})
        with pytest.raises(BadAnswer, match="another host"):
            await listed(connector)
        await connector.close()


@pytest.mark.parametrize(
    "lie",
    [
        {"/items": {"0": {}}},
        {"/items/0": "a text"},
        {"/items/0/id": None},
        {"/items/0/id": True},
        {"/items/0/id": "../../oauth"[:2]},
        {"/items/0/id": "x" * 300},
        {"/items/0/id": "a\nb"},
    ],
)
async def test_rows_that_cannot_be_records_are_not_believed(lie: dict[str, Any]) -> None:
    async with erp() as here:
        await filled(here)
        connector = connect(here.url)
        await here.fault("rewrite_json", match=LIST, set=lie)
        with pytest.raises(BadAnswer):
            await listed(connector)
        await connector.close()


async def test_an_id_with_strange_characters_stays_within_its_place_of_the_address() -> None:
    async with erp() as here:
        await filled(here, 1)
        connector = connect(here.url)
        await here.fault("rewrite_json", match=LIST, set={"/items/0/id": "../a b/?c#d%2e"})
        record = (await listed(connector))[0][0]
        await here.fault(
            "rewrite_json", match={"method": "GET", "path": r"contacts/\.\./a b/\?c#d%2e$"}, set={"/seen": 1}
        )
        with pytest.raises(Exception, match="has no contact"):
            await connector.read("contact", record.id)
        await connector.close()


async def test_a_wrong_clock_in_one_record_does_not_move_the_cursor_into_the_future() -> None:
    async with erp() as here:
        ids = await filled(here, 3)
        connector = connect(here.url, paged("page"))
        await here.fault(
            "rewrite_json", match=LIST, times=None, set={"/items/1/updated_at": "2090-01-01T00:00:00.000Z"}
        )
        _, cursor = await listed(connector)
        await here.console("DELETE", "faults")
        await here.edit("contact", ids[0], {"notes": "later"})
        records, _ = await listed(connector, cursor)
        assert ids[0] in {record.id for record in records}
        await connector.close()


@pytest.mark.parametrize("lag_ms", [0, 1500])
async def test_a_change_that_the_list_shows_late_is_not_lost(lag_ms: int) -> None:
    async with erp(list_lag_ms=lag_ms) as here:
        await here.console("POST", "clock", {"freeze_at": 1_790_000_000})
        ids = await filled(here, 2)
        connector = connect(here.url, described(lags={"list_s": 2}))
        await here.console("POST", "clock", {"advance_s": 60})
        await here.edit("contact", ids[0], {"notes": "first"})
        await here.console("POST", "clock", {"advance_s": 1})
        await here.edit("contact", ids[1], {"notes": "second"})
        await here.console("POST", "clock", {"advance_s": 0.8})
        _, cursor = await listed(connector)
        await here.console("POST", "clock", {"advance_s": 10})
        records, _ = await listed(connector, cursor)
        assert {record.id: record.fields["notes"] for record in records} == {
            ids[0]: "first",
            ids[1]: "second",
        }
        await connector.close()


async def test_a_quiet_entity_costs_one_request() -> None:
    async with erp() as here:
        await filled(here, 30)
        for style in ("page", "offset", "cursor", "link"):
            connector = connect(here.url, paged(style, size=100))
            _, cursor = await listed(connector)
            before = connector.requests
            await listed(connector, cursor)
            assert connector.requests - before == 1, style
            await connector.close()


@pytest.mark.parametrize("style", ["cursor", "link", "page"])
async def test_a_listing_goes_on_when_the_server_has_forgotten_its_place(style: str) -> None:
    async with erp() as here:
        ids = await filled(here, 6)
        connector = connect(here.url, paged(style, changed_since={"param": "updated_since"}))
        pages = [page async for page in connector.list("contact", None)]
        cursor = json.loads(pages[0].cursor)
        if "token" in cursor:
            cursor["token"] = "http://127.0.0.1:9/elsewhere" if style == "link" else "forgotten"
        records, _ = await listed(connector, json.dumps(cursor))
        assert set(ids) <= {record.id for record in records}
        await connector.close()
