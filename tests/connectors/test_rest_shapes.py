"""The REST connector over APIs in the shapes that ERPs are known for, by description alone."""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from instep.connectors.contract import Connector
from instep.connectors.rest import Description, RestConnector
from instep.connectors.rest.moments import read_moment, write_moment
from instep.core.model import Record
from instep.core.values import Json
from instep.testing.connector_suite import ConnectorContract

from .erp_shapes import ODATA, Shelf, shape
from .rest_erp import no_sleep


def connect(description: Mapping[str, Any], shelf: Shelf) -> RestConnector:
    return RestConnector(
        Description.model_validate(description),
        lambda _: "",
        sleep=no_sleep,
        now_ms=lambda: shelf.clock_s * 1000,
    )


class ShapeContract(ConnectorContract):
    entity = "customer"
    clearable = "city"
    text_field = "name"
    unique_marker = False
    shape: str
    name = "name"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connector]:
        async with shape(self.shape) as (self.shelf, self.description), super().opened() as connector:
            yield connector

    async def connector(self) -> Connector:
        return connect(self.description, self.shelf)

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {self.name: f"Kern {n}", "city": "Oslo"}

    def an_edit(self) -> dict[str, Json]:
        return {"city": "Tromsø"}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        named = {"name" if path == self.name else path: value for path, value in changes.items()}
        self.shelf.put(self.number(id), named)

    async def remove_as_person(self, id: str) -> None:
        del self.shelf.rows[self.number(id)]

    def number(self, id: str) -> int:
        return int(id.removeprefix("CUST-"))


class TestOData(ShapeContract):
    shape = "odata"


class TestMethods(ShapeContract):
    shape = "methods"


class TestQuery(ShapeContract):
    shape = "query"


class TestLocalTimes(ShapeContract):
    shape, name, text_field = "local", "title", "title"


class TestEntries(ShapeContract):
    shape = "entries"


async def listed(connector: RestConnector, cursor: str | None = None) -> tuple[dict[str, Record], str]:
    found: dict[str, Record] = {}
    async for page in connector.list("customer", cursor):
        found |= {record.id: record for record in page.records}
        cursor = page.cursor
    return found, cursor or ""


async def test_a_list_that_answers_not_modified_has_no_rows() -> None:
    async with shape("entries") as (shelf, description):
        shelf.put(None, {"name": "Ada"})
        connector = connect(description, shelf)
        _, cursor = await listed(connector)
        shelf.rows[1]["changed"] -= 50  # nothing is as late as the cursor any more
        assert (await listed(connector, cursor))[0] == {}
        await connector.close()


async def test_words_in_a_body_keep_their_type_and_a_typed_id_is_a_number() -> None:
    async with shape("methods") as (shelf, description):
        shelf.put(None, {"name": "Ada"})
        connector = connect(description, shelf)
        await listed(connector)
        await connector.read("customer", "1")
        assert shelf.queries[0] == {
            "domain": [["changed", ">=", "1970-01-01 00:00:00"]],
            "order": "changed",
            "offset": 0,
            "limit": 2,
        }
        assert shelf.queries[-1] == {"ids": [1]}
        await connector.close()


async def test_a_query_of_one_text_holds_the_moment_and_the_page() -> None:
    async with shape("query") as (shelf, description):
        for _ in range(3):
            shelf.put(None, {"name": "Ada"})
        connector = connect(description, shelf)
        await listed(connector)
        assert all(re.search(r"startposition [1-9]", text) for text in shelf.queries)
        assert "'1970-01-01T00:00:00.000Z'" in shelf.queries[0]
        await connector.close()


AUTUMN_S = 1_761_436_800  # 26 October 2025, 00:00 UTC: an hour before clocks go back in Oslo


@pytest.mark.parametrize("minutes", range(-70, 190, 10))
async def test_no_edit_is_lost_in_the_night_in_which_local_time_goes_back(minutes: int) -> None:
    async with shape("local", AUTUMN_S + 60 * minutes) as (shelf, description):
        connector = connect(description, shelf)
        shelf.put(None, {"name": "Ada"})
        shelf.put(None, {"name": "Bo"})
        cursor: str | None = None
        for hour in range(6):
            _, cursor = await listed(connector, cursor)
            shelf.clock_s += 1500
            shelf.put(1 + hour % 2, {"city": f"c{hour}"})
            found, cursor = await listed(connector, cursor)
            assert found[f"CUST-{1 + hour % 2}"].fields["city"] == f"c{hour}"
        await connector.close()


@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_a_written_local_time_is_never_later_than_any_time_that_follows_it(zone: str) -> None:
    format = "%Y-%m-%d %H:%M:%S"
    for start in (1_761_440_400, 1_762_063_200, 1_743_865_200, 1_743_296_400):  # changes of the clock
        moments = range((start - 8000) * 1000, (start + 8000) * 1000, 600_000)
        for ms in moments:
            written = write_moment(ms, format, zone)
            shown = [shown_at(later, format, zone) for later in moments if later >= ms]
            assert written <= min(shown), (zone, ms)


def shown_at(ms: int, format: str, zone: str) -> str:
    """As a system shows it, which knows nothing of hours that come twice."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(ms // 1000, UTC).astimezone(ZoneInfo(zone)).strftime(format)


@pytest.mark.parametrize(
    ("value", "format", "zone", "ms"),
    [
        ("/Date(1769860800123+0100)/", "ms_date", "UTC", 1_769_860_800_123),
        ("/Date(-5)/", "ms_date", "UTC", None),
        ("Date(5)", "ms_date", "UTC", None),
        ("Sat, 31 Jan 2026 12:00:00 GMT", "http", "UTC", 1_769_860_800_000),
        ("31.01.2026 13:00", "%d.%m.%Y %H:%M", "Europe/Oslo", 1_769_860_800_000),
        ("2026-01-31T13:00:00", "iso", "Europe/Oslo", 1_769_860_800_000),
        ("2026-01-31T12:00:00Z", "iso", "Europe/Oslo", 1_769_860_800_000),
        ("2026-01-31", "date", "Europe/Oslo", 1_769_814_000_000),
        ("31.01.2026", "%d.%m.%Y %H:%M", "UTC", None),
        ("9999-12-31T23:59:59", "iso", "Pacific/Honolulu", None),
        ("", "http", "UTC", None),
    ],
)
def test_times_of_other_forms_are_read_or_not_at_all(
    value: str, format: str, zone: str, ms: int | None
) -> None:
    assert read_moment(value, format, zone) == ms


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"list": {"changed_since": {"format": "iso"}}}, "changed_since needs a param"),
        ({"list": {"params": {"q": "{since}"}}}, "{since} needs changed_since"),
        ({"list": {"changed_since": {"param": "s", "format": "whenever"}}}, "format"),
        ({"list": {"changed_since": {"param": "s", "zone": "Atlantis"}}}, "no time zone Atlantis"),
        ({"changes": {"items": "x"}}, "changes needs a list beside it, and changed_since"),
        ({"changes": {"changed_since": {"param": "s"}}}, "by changes or by list"),
        ({"marker": {"field": "ref"}}, "by a param of the list, or by a search"),
        ({"marker": {"field": "ref", "param": "q", "template": "x"}}, "no {value} in it"),
        ({"marker": {"field": "ref", "search": {"params": {"q": "x"}}}}, "no {value} in it"),
        (
            {
                "version": {"kind": "updated_at"},
                "updated_at": {"field": "modified", "zone": "Europe/Oslo"},
            },
            "comes twice in autumn",
        ),
        ({"version": {"token": "etag"}}, "a token needs token_at"),
        ({"version": {"token_at": "etag"}}, "these need a token"),
        ({"version": {"if_match": "{token}"}}, "these need a token"),
        ({"version": {"token": "e", "token_at": "e", "if_match": "{token}"}}, "not into both"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], complaint: str) -> None:
    described = copy.deepcopy(ODATA)
    described["entities"]["customer"] |= changes
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Description.model_validate({**described, "base_url": "https://x.example"})
