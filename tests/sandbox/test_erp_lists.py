"""Lists of the sample ERP: filters, order, three styles of paging, lag and other lies."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.erp_app import Erp, erp

NOON = 1_800_000_000


async def filled(here: Erp, count: int) -> list[str]:
    """Contacts, one a second; returns their ids."""
    await here.at(NOON)
    ids = []
    for number in range(count):
        made = await here.make("contacts", external_ref=f"r{number}")
        ids.append(made["id"])
        await here.console("POST", "clock", {"advance_s": 1})
    return ids


async def walk(here: Erp, style: str, **params: str) -> list[str]:
    """Every id of a list, page by page in one style."""
    seen: list[str] = []
    begin = {"page": "1", "offset": "0", "cursor": ""}[style]
    step: Any = begin
    while step is not None:
        body = await here.read("contacts", **{style: str(step)}, **params)
        seen += [item["id"] for item in body["items"]]
        step = body[f"next_{style}"]
    return seen


@pytest.mark.parametrize("style", ["page", "offset", "cursor"])
@pytest.mark.parametrize("sort", ["id", "-id", "updated_at", "-updated_at", "created_at"])
async def test_every_style_of_paging_gives_every_record_once_in_order(style: str, sort: str) -> None:
    async with erp() as here:
        ids = await filled(here, 7)
        expected = ids[::-1] if sort.startswith("-") else ids
        assert await walk(here, style, sort=sort, page_size="3") == expected


@pytest.mark.parametrize("style", ["page", "offset", "cursor"])
async def test_the_link_header_leads_through_every_page(style: str) -> None:
    async with erp() as here:
        ids = await filled(here, 5)
        seen: list[str] = []
        url: str | None = (
            f"/api/v1/contacts?{style}={'1' if style == 'page' else ''}&page_size=2&sort=updated_at"
        )
        if style == "offset":
            url = "/api/v1/contacts?offset=0&page_size=2&sort=updated_at"
        while url is not None:
            answer = await here.ask("GET", url.removeprefix(here.url).removeprefix("/api/v1/"))
            seen += [item["id"] for item in answer.body["items"]]
            link = answer.headers.get("Link")
            assert link is None or link.endswith('; rel="next"')
            url = link and link[1 : link.index(">")]
        assert seen == ids


async def test_the_envelope_of_each_style() -> None:
    async with erp() as here:
        await filled(here, 3)

        async def envelope(**params: str) -> dict[str, Any]:
            body = await here.read("contacts", **params)
            return {name: value for name, value in body.items() if name != "items"}

        assert await envelope() == {"page": 1, "page_size": 50, "total": 3, "next_page": None}
        assert await envelope(page="1", page_size="2") == {
            "page": 1,
            "page_size": 2,
            "total": 3,
            "next_page": 2,
        }
        assert await envelope(offset="1", page_size="1") == {
            "offset": 1,
            "page_size": 1,
            "total": 3,
            "next_offset": 2,
        }
        assert await envelope(cursor="") == {"page_size": 50, "next_cursor": None}
        assert (await here.read("contacts", page="9"))["items"] == []


async def test_a_cursor_neither_skips_nor_repeats_while_records_come_and_go() -> None:
    async with erp() as here:
        ids = await filled(here, 6)
        first = await here.read("contacts", cursor="", page_size="3")
        await here.ask("DELETE", f"contacts/{ids[0]}")
        await here.make("contacts")
        rest = await here.read("contacts", cursor=first["next_cursor"], page_size="9")
        assert [item["id"] for item in rest["items"]][:3] == ids[3:]


async def test_a_page_number_skips_a_record_when_an_earlier_one_goes() -> None:
    async with erp() as here:
        ids = await filled(here, 6)
        await here.read("contacts", page="1", page_size="3")
        await here.ask("DELETE", f"contacts/{ids[0]}")
        second = await here.read("contacts", page="2", page_size="3")
        assert ids[3] not in [item["id"] for item in second["items"]]


@pytest.mark.parametrize(("shift", "expected"), [(-1, [0, 1, 1, 2, 3, 4]), (1, [0, 1, 3, 4])])
async def test_pages_can_be_made_to_overlap_or_to_skip(shift: int, expected: list[int]) -> None:
    async with erp() as here:
        ids = await filled(here, 5)
        await here.set(page_shift=shift)
        seen = await walk(here, "page", page_size="2")
        assert seen[: len(expected)] == [ids[place] for place in expected]


async def test_updated_since_is_inclusive() -> None:
    async with erp() as here:
        ids = await filled(here, 4)
        moment = (await here.read(f"contacts/{ids[2]}"))["updated_at"]
        seen = await walk(here, "cursor", updated_since=moment, sort="updated_at")
        assert seen == ids[2:]


@pytest.mark.parametrize(
    "moment", ["2027-01-15T09:00:02+01:00", "2027-01-15T08:00:02Z", "2027-01-15T08:00:02", "20270115T080002Z"]
)
async def test_updated_since_understands_time_zones(moment: str) -> None:
    async with erp() as here:
        ids = await filled(here, 4)
        assert await walk(here, "page", updated_since=moment) == ids[2:]


async def test_moments_are_utc_whatever_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        async with erp() as here:
            await here.at(NOON)
            made = await here.make("contacts")
            assert made["created_at"] == "2027-01-15T08:00:00.000Z"
            assert await walk(here, "page", updated_since="2027-01-15T08:00:00") == [made["id"]]
            assert await walk(here, "page", updated_since="2027-01-15T08:00:00.001") == []
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_change_moves_a_record_to_the_end_of_the_order_by_change() -> None:
    async with erp() as here:
        ids = await filled(here, 3)
        await here.ask("PATCH", f"contacts/{ids[0]}", {"notes": "x"})
        assert await walk(here, "cursor", sort="updated_at") == [ids[1], ids[2], ids[0]]


async def test_lists_are_filtered_by_reference_code_and_email() -> None:
    async with erp() as here:
        ida = await here.make("contacts", external_ref="a", email="Ida.Kern@Example.test")
        await here.make("contacts", external_ref="b")
        sensor = await here.make("products", code="S-1")
        await here.make("products", code="S-2")
        assert (await here.read("contacts", external_ref="a"))["items"] == [ida]
        assert (await here.read("contacts", email="ida.kern@EXAMPLE.test"))["items"] == [ida]
        assert (await here.read("contacts", email="ida"))["items"] == []
        assert (await here.read("products", code="S-1"))["items"] == [sensor]
        order = await here.make("orders", contact_id=ida["id"], reference="PO 7")
        for name, value in (("contact_id", ida["id"]), ("reference", "PO 7"), ("number", order["number"])):
            assert (await here.read("orders", **{name: value}))["items"] == [order]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"page_size": "201"}, "too_large"),
        ({"page_size": "0"}, "invalid_format"),
        ({"page": "x"}, "invalid_format"),
        ({"page": "1" * 30}, "invalid_format"),
        ({"offset": "-1"}, "invalid_format"),
        ({"cursor": "????"}, "invalid_format"),
        ({"cursor": "WyJpZCIsIDEsIDJd", "sort": "updated_at"}, "invalid_format"),
        ({"sort": "name"}, "not_allowed"),
        ({"include_deleted": "maybe"}, "not_allowed"),
        ({"updated_since": "yesterday"}, "invalid_format"),
        ({"colour": "red"}, "unknown_parameter"),
        ({"page": "1", "offset": "0"}, "not_allowed"),
    ],
)
async def test_a_wrong_list_request_is_refused(params: dict[str, str], code: str) -> None:
    async with erp() as here:
        answer = await here.ask("GET", "contacts", params=params)
        assert answer.status == 400
        assert [error["code"] for error in answer.body["errors"]] == [code]


async def test_the_total_follows_every_write() -> None:
    async with erp() as here:
        totals = []
        made = await here.make("contacts")
        totals.append((await here.read("contacts"))["total"])
        await here.make("contacts")
        totals.append((await here.read("contacts"))["total"])
        await here.ask("DELETE", f"contacts/{made['id']}")
        totals.append((await here.read("contacts"))["total"])
        assert totals == [1, 2, 1]


async def test_with_a_lag_lists_show_the_past_while_a_read_shows_the_present() -> None:
    async with erp() as here:
        ids = await filled(here, 3)
        await here.set(list_lag_ms=10_000)
        await here.ask("PATCH", f"contacts/{ids[0]}", {"notes": "new"})
        await here.ask("DELETE", f"contacts/{ids[1]}")
        await here.make("contacts")
        await here.console("POST", "clock", {"advance_s": 4})
        await here.ask("PATCH", f"contacts/{ids[0]}", {"notes": "newer"})

        listed = (await here.read("contacts", sort="updated_at"))["items"]
        assert [item["id"] for item in listed] == ids
        assert [item["notes"] for item in listed] == [None, None, None]
        assert (await here.read(f"contacts/{ids[0]}"))["notes"] == "newer"
        assert (await here.ask("GET", f"contacts/{ids[1]}")).status == 404

        await here.console("POST", "clock", {"advance_s": 10})
        listed = (await here.read("contacts"))["items"]
        assert [(item["id"], item["notes"]) for item in listed] == [
            (ids[0], "newer"),
            (ids[2], None),
            ("1004", None),
        ]


async def test_a_cursor_page_of_a_large_list_costs_no_more_than_one_of_a_small_list() -> None:
    async with erp() as here:
        rows = [{"family_name": f"K{n}", "external_ref": f"r{n}"} for n in range(3000)]
        await here.console("POST", "load", {"contacts": rows})
        seen = await walk(here, "cursor", page_size="200", sort="updated_at")
        assert (len(seen), len(set(seen))) == (3000, 3000)
        assert (await here.read("contacts"))["total"] == 3000
