"""The REST connector over records under others, details by requests of their own, and writes that are done later."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import ValidationError

from instep.connectors.contract import Connector, CreateKey, Page
from instep.connectors.rest import Description, RestConnector
from instep.connectors.rest.nested import nested_pages
from instep.connectors.rest.walk import Cursor
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import BadAnswer, Gone, InDoubt, Moved, Refused
from instep.testing.connector_suite import ConnectorContract

from .deep_api import DEEP, DeepApi, deep_api
from .rest_erp import no_sleep


def connect(description: Mapping[str, Any], api: DeepApi) -> RestConnector:
    return RestConnector(
        Description.model_validate(description),
        lambda _: "",
        name="Deep",
        sleep=no_sleep,
        now_ms=lambda: api.clock_s * 1000,
    )


class DeepContract(ConnectorContract):
    api: DeepApi

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connector]:
        async with deep_api() as (self.api, self.description), super().opened() as connector:
            yield connector

    async def connector(self) -> Connector:
        return connect(self.description, self.api)


class TestContactsUnderAccounts(DeepContract):
    entity = "contact"
    clearable = "phone"
    text_field = "name"
    unique_marker = False

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {"account_id": ["a 1", "a?2"][n % 2], "name": f"Kern {n}", "phone": "1"}

    def an_edit(self) -> dict[str, Json]:
        return {"phone": "22 33"}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        account, own = id.split("/")
        self.api.put_contact(unquote(account), own, dict(changes))

    async def remove_as_person(self, id: str) -> None:
        account, own = id.split("/")
        del self.api.contacts[unquote(account)][own]


class TestOrdersByJobs(DeepContract):
    entity = "order"
    text_field = "note"

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {"note": f"n {n}", "terms_code": "m"}

    def an_edit(self) -> dict[str, Json]:
        return {"note": "other"}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        self.api.put_order(id, dict(changes))

    async def remove_as_person(self, id: str) -> None:
        del self.api.orders[id]


@asynccontextmanager
async def deep(**changes: Any) -> AsyncIterator[tuple[DeepApi, RestConnector]]:
    """`changes`: keys of an entity's description, laid over its own."""
    async with deep_api() as (api, description):
        described = copy.deepcopy(description)
        for entity, laid in changes.items():
            described["entities"][entity] |= laid
        connector = connect(described, api)
        try:
            yield api, connector
        finally:
            await connector.close()


async def listed(connector: RestConnector, entity: str, cursor: str | None = None) -> dict[str, Record]:
    return {r.id: r async for page in connector.list(entity, cursor) for r in page.records}


async def end(connector: RestConnector, entity: str) -> str:
    return [page.cursor async for page in connector.list(entity, None)][-1]


KEY = CreateKey(id="", marker="m-1", idempotency="k")


async def test_records_are_listed_under_every_parent_with_ids_that_tell_it() -> None:
    async with deep() as (api, connector):
        api.put_contact("a 1", "7", {"name": "Ada"})
        api.put_contact("a?2", "7", {"name": "Bo"})
        found = await listed(connector, "contact")
        assert {id: (r.fields["account_id"], r.fields["name"]) for id, r in found.items()} == {
            "a%201/7": ("a 1", "Ada"),
            "a%3F2/7": ("a?2", "Bo"),
        }
        assert (await connector.read("contact", "a%3F2/7")).fields["account_id"] == "a?2"
        with pytest.raises(Gone):
            await connector.read("contact", "a3/7")
        with pytest.raises(Gone):
            await connector.read("contact", "7")


async def test_a_change_under_any_parent_is_listed_from_the_one_cursor() -> None:
    async with deep() as (api, connector):
        for n in range(5):
            api.put_contact("a 1", f"c{n}", {"name": "x"})
        cursor = await end(connector, "contact")
        api.put_contact("a3", "new", {"name": "y"})
        assert "a3/new" in await listed(connector, "contact", cursor)


async def test_what_changes_under_an_earlier_parent_while_a_later_one_is_listed_comes_again() -> None:
    async with deep() as (api, connector):
        api.put_contact("a 1", "c", {"name": "x"})
        api.put_contact("a3", "d", {"name": "x"})
        cursor = ""
        async for page in connector.list("contact", None):
            cursor = page.cursor
            if any(record.id.startswith("a%201/") for record in page.records):
                api.put_contact("a 1", "c", {"name": "edited"})
                api.put_contact("a3", "e", {"name": "later"})
        assert (await listed(connector, "contact", cursor))["a%201/c"].fields["name"] == "edited"


async def test_a_listing_that_is_left_early_stops_asking() -> None:
    async with deep() as (api, connector):
        for n in range(40):
            api.put_contact(["a 1", "a?2", "a3"][n % 3], f"c{n}", {"name": "x"})
        before = asyncio.all_tasks()
        async with aclosing(connector.list("contact", None)) as pages:
            async for page in pages:
                assert page.records
                break
        assert asyncio.all_tasks() - before == set()


async def of(*names: str) -> AsyncIterator[str]:
    for name in names:
        yield name


@pytest.mark.parametrize(("latest_ms", "since"), [(500, 500), (5000, 900), (50, 100)])
async def test_the_next_listing_begins_before_whatever_changed_while_this_one_went_from_parent_to_parent(
    latest_ms: int, since: int
) -> None:
    async def under(parent: str, cursor: str) -> AsyncIterator[Page]:
        assert Cursor.read(cursor).since_ms == 100
        ends = {"a": 100, "b": 900, "c": None}
        yield Page([Record(parent)], Cursor(7).text(), last=False)
        yield Page([], Cursor(ends[parent]).text(), last=True)

    pages = [
        page
        async for page in nested_pages(
            of("a", "b", "c"), under, Cursor(100).text(), at_once=2, latest_ms=lambda: latest_ms
        )
    ]
    assert {record.id for page in pages for record in page.records} == {"a", "b", "c"}
    assert Cursor.read(pages[-1].cursor).since_ms == since
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert {Cursor.read(page.cursor).since_ms for page in pages[:-1]} == {100}


async def test_an_error_under_one_parent_ends_the_listing_and_the_others() -> None:
    running = 0

    async def under(parent: str, cursor: str) -> AsyncIterator[Page]:
        nonlocal running
        if parent == "bad":
            raise BadAnswer("no")
        running += 1
        try:
            while True:
                yield Page([Record(parent)], cursor, last=False)
        finally:
            running -= 1

    listing = nested_pages(of("a", "bad", "b"), under, None, at_once=3, latest_ms=lambda: 0)
    with pytest.raises(BadAnswer):
        async for _ in listing:
            await asyncio.sleep(0)
    assert running == 0


async def test_a_parent_that_is_gone_meanwhile_hides_no_other_record() -> None:
    async with deep() as (api, connector):
        api.put_contact("a 1", "c", {"name": "x"})
        del api.contacts["a?2"]  # listed as an account, with nothing below
        with pytest.raises(BadAnswer, match=r"account a\?2 is there, and its contact records are not"):
            await listed(connector, "contact")
        api.accounts["a?2"]["id"] = "forgotten"  # shown in the list, gone when it is read
        assert set(await listed(connector, "contact")) == {"a%201/c"}


async def test_a_wrong_path_below_parents_is_a_mistake_and_not_an_empty_list() -> None:
    wrong = {"path": "/accounts/{account}/people"}
    async with deep(contact=wrong) as (_, connector):
        with pytest.raises(BadAnswer) as bad:
            await listed(connector, "contact")
        assert "correct the path" in bad.value.fix


async def test_parents_may_be_a_few_known_ids() -> None:
    few = {"parent": {"word": "account", "among": ["a 1", "a3"], "field": "account_id"}}
    async with deep(contact=few) as (api, connector):
        api.put_contact("a 1", "7", {"name": "Ada"})
        api.put_contact("a?2", "8", {"name": "Bo"})
        assert set(await listed(connector, "contact")) == {"a%201/7"}
        found = await connector.find("contact", "ref", "none")
        assert found == []


async def test_a_search_looks_under_every_parent() -> None:
    async with deep() as (_, connector):
        made = await connector.create("contact", {"account_id": "a?2", "name": "Bo"}, KEY)
        assert [record.id for record in await connector.find("contact", "ref", "m-1")] == [made.id]


async def test_ids_may_be_unique_without_their_parent() -> None:
    flat = {
        "parent": {"entity": "account", "field": "account_id", "in_id": False},
        "read": {"path": "/accounts/a3/contacts/{id}"},
        "update": {"path": "/accounts/{account}/contacts/{id}"},
        "retire": None,
        "parts": {"emails": {"path": "/accounts/{account}/contacts/{id}/emails", "items": "emails"}},
    }
    async with deep(contact=flat) as (api, connector):
        api.put_contact("a3", "7", {"name": "Ada", "emails": ["a@b.c"]})
        [record] = (await listed(connector, "contact")).values()
        assert (record.id, record.fields["emails"]) == ("7", ["a@b.c"])
        with pytest.raises(BadAnswer, match="a word of"):  # read by itself, nothing tells its account
            await connector.read("contact", "7")


async def test_a_new_record_needs_its_parent() -> None:
    async with deep() as (api, connector):
        with pytest.raises(Refused) as refused:
            await connector.create("contact", {"name": "Ada"}, KEY)
        assert refused.value.field == "account_id"
        assert api.asked == []


async def test_parts_come_with_listed_and_read_records_a_few_at_a_time() -> None:
    async with deep() as (api, connector):
        for n in range(20):
            api.put_contact("a 1", f"c{n}", {"name": "x", "emails": [{"to": n}]})
        found = await listed(connector, "contact")
        assert found["a%201/c17"].fields["emails"] == [{"to": 17}]
        assert (await connector.read("contact", "a%201/c3")).fields["emails"] == [{"to": 3}]
        assert api.most_under_way <= 10


async def test_a_record_that_goes_before_its_parts_are_asked_for_is_a_hint() -> None:
    broken = {"parts": {"emails": {"path": "/accounts/{account}/contacts/{id}x/emails", "items": "emails"}}}
    async with deep(contact=broken) as (api, connector):
        api.put_contact("a 1", "c", {"name": "x"})
        [record] = (await listed(connector, "contact")).values()
        assert (record.id, record.complete, dict(record.fields)) == ("a%201/c", False, {})
        with pytest.raises(Gone):
            await connector.read("contact", "a%201/c")


async def test_the_parts_of_a_part_s_pages_are_all_read_and_one_value_can_be_a_part() -> None:
    async with deep() as (api, connector):
        api.put_order("1", {"note": "x", "terms_code": "m"})
        order = await connector.read("order", "1")
        assert order.fields["lines"] == [{"n": n} for n in range(5)]
        assert order.fields["terms"] == 30
        assert order.fields["note"] == "x"


async def test_a_write_done_later_is_waited_for() -> None:
    async with deep() as (api, connector):
        made = await connector.create("order", {"note": "x", "terms_code": "m"}, KEY)
        assert made.fields["terms"] == 30
        after = await connector.update("order", made.id, {"note": "y"}, seen=made, idempotency="u")
        assert after.fields["note"] == "y"
        assert api.orders[made.id]["note"] == "y"


async def test_a_job_that_fails_is_a_refusal_with_its_reason() -> None:
    async with deep() as (api, connector):
        with pytest.raises(Refused, match="was not created") as refused:
            await connector.create("order", {"note": "forbidden"}, KEY)
        assert (refused.value.field, refused.value.why) == ("note", "not this note")
        assert api.orders == {}


@pytest.mark.parametrize("lost", ["never done", "forgotten", "nowhere"])
async def test_a_job_that_is_lost_leaves_the_write_in_doubt(lost: str) -> None:
    async with deep() as (api, connector):
        if lost == "never done":
            api.patience = 10_000
        elif lost == "forgotten":
            api.jobs = Forgetful()
        else:
            connector._client._headers["X-Nothing"] = "1"
            api.noted = lambda job: api_response(202)  # type: ignore[method-assign]
        with pytest.raises(InDoubt, match="did not say what became of order"):
            await connector.create("order", {"note": "x"}, KEY)
        assert connector.requests < 70


class Forgetful(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        return None


def api_response(status: int) -> Any:
    from starlette.responses import JSONResponse

    return JSONResponse({}, status)


async def test_a_202_without_a_described_job_is_in_doubt() -> None:
    async with deep(order={"create": {}}) as (_, connector):
        with pytest.raises(InDoubt, match="did not say"):
            await connector.create("order", {"note": "x"}, KEY)


async def test_an_update_is_refused_if_the_record_has_moved_below_its_parent() -> None:
    async with deep() as (api, connector):
        made = await connector.create("contact", {"account_id": "a?2", "name": "Bo"}, KEY)
        api.put_contact("a?2", made.id.rpartition("/")[2], {"phone": "9"})
        with pytest.raises(Moved):
            await connector.update("contact", made.id, {"phone": "8"}, seen=made, idempotency="u")


@pytest.mark.parametrize(
    ("entity", "changes", "complaint"),
    [
        ("contact", {"parent": None}, "the path has {account}, and there is no parent"),
        ("contact", {"path": "/contacts"}, "the path lacks {account}"),
        ("contact", {"path": "/accounts/{account}/{team}/contacts"}, "{team}, which is none of its parents"),
        ("contact", {"parent": {"entity": "team", "field": "account_id"}}, "is under team"),
        ("contact", {"parent": {"entity": "account", "field": "nothing"}}, "nothing is not among"),
        ("contact", {"parent": {"field": "account_id"}}, "either an entity or among some ids"),
        ("contact", {"parent": {"among": [1], "field": "account_id"}}, "needs a word"),
        (
            "contact",
            {"parent": {"entity": "account", "field": "account_id", "in_id": False}},
            "in_id: false needs read",
        ),
        ("contact", {"parent": {"entity": "contact", "field": "account_id"}}, "is under itself"),
        ("contact", {"parts": {"nothing": {"path": "/x"}}}, "nothing is not among the fields"),
        ("contact", {"parts": {"phone": {"path": "/x/{id}"}}}, "read_only or a group"),
        ("account", {"list": None}, "which can't be listed"),
        ("order", {"lags": {"late_apply_s": 30}}, "a job may be done later"),
        ("order", {"create": {"job": {"state": "s"}}}, "needs the states"),
        ("order", {"create": {"job": {"failed": ["x"]}}}, "need the pointer to its state"),
    ],
)
def test_a_nesting_that_cannot_work_is_refused(entity: str, changes: dict[str, Any], complaint: str) -> None:
    described = copy.deepcopy(DEEP)
    described["entities"][entity] |= changes
    with pytest.raises(ValidationError) as error:
        Description.model_validate(described)
    assert complaint in str(error.value)
