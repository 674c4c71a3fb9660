"""What the REST connector makes of a server in trouble: the exact class of each outcome, and of each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from instep.connectors.contract import CreateKey
from instep.connectors.request_ids import LONGEST, clean
from instep.connectors.rest import RestConnector
from instep.core.model import Record
from instep.errors import BadAnswer, Gone, InDoubt, Moved, OutcomeError, Refused, RetryLater, Stop, Taken

from .rest_erp import Erp, connect, described, erp

POST = {"method": "POST", "path": "/api/v1/contacts"}
PATCH = {"method": "PATCH", "path": "/api/v1/contacts"}
GET = {"method": "GET", "path": "/api/v1/contacts"}
SHORT = {**described(), "timeout_s": 0.5}


def key(text: str = "m-1") -> CreateKey:
    return CreateKey(id="", marker=text, idempotency=text)


async def create(connector: RestConnector, marker: str = "m-1", **fields: Any) -> Record:
    return await connector.create("contact", {"family_name": "Kern", **fields}, key(marker))


@pytest.mark.parametrize(
    ("fault", "applied"),
    [
        ({"kind": "status", "status": 500}, 0),
        ({"kind": "status", "status": 502}, 0),
        ({"kind": "status_after_apply", "status": 500}, 1),
        ({"kind": "hang_before", "limit_s": 5}, 0),
        ({"kind": "hang_after_apply", "limit_s": 5}, 1),
        ({"kind": "drop_before"}, 0),
        ({"kind": "drop_after_apply"}, 1),
        ({"kind": "html", "status": 200}, 0),
        ({"kind": "html", "status": 502}, 0),
        ({"kind": "truncate_body"}, 1),
        ({"kind": "garbage"}, 1),
        ({"kind": "rewrite_json", "set": {"/id": None}}, 1),
        ({"kind": "rewrite_json", "set": {"": []}}, 1),
        ({"kind": "status", "status": 202, "body": {"id": "1", "queued": True}}, 0),
        ({"kind": "status", "status": 200, "body": {"errors": [{"message": "no"}]}}, 0),
    ],
)
async def test_a_create_without_a_clear_answer_is_in_doubt_and_sent_once(
    fault: dict[str, Any], applied: int
) -> None:
    async with erp() as here:
        connector = connect(here.url, SHORT)
        await here.fault(match=POST, **fault)
        with pytest.raises(InDoubt):
            await create(connector)
        assert connector.requests == 1
        assert await here.count("contact") == applied
        found = await connector.find("contact", "external_ref", "m-1")
        assert len(found) == applied
        await connector.close()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status_after_apply", "status": 500},
        {"kind": "hang_after_apply", "limit_s": 5},
        {"kind": "drop_after_apply"},
        {"kind": "garbage"},
        {"kind": "rewrite_json", "set": {"/id": "77"}},
    ],
)
async def test_an_update_without_a_clear_answer_is_in_doubt(fault: dict[str, Any]) -> None:
    async with erp() as here:
        connector = connect(here.url, SHORT)
        seen = await create(connector)
        await here.fault(match=PATCH, **fault)
        with pytest.raises(InDoubt):
            await connector.update("contact", seen.id, {"notes": "x"}, seen=seen, idempotency="u")
        assert (await connector.read("contact", seen.id)).fields["notes"] == "x"
        await connector.close()


async def test_a_write_whose_record_cannot_be_read_after_it_is_in_doubt() -> None:
    async with erp() as here:
        connector = connect(here.url, described(create={"answers": "nothing"}))
        await here.fault("status", match=GET, status=404, times=None)
        with pytest.raises(InDoubt):
            await create(connector)
        await connector.close()


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"kind": "html", "status": 200}, BadAnswer),
        ({"kind": "truncate_body"}, RetryLater),
        ({"kind": "garbage"}, BadAnswer),
        ({"kind": "huge_body", "bytes": 21_000_000}, BadAnswer),
        ({"kind": "rewrite_json", "set": {"": []}}, BadAnswer),
        ({"kind": "rewrite_json", "set": {"/id": "77"}}, BadAnswer),
        ({"kind": "status", "status": 500}, RetryLater),
        ({"kind": "status", "status": 503}, RetryLater),
        ({"kind": "drop_before"}, RetryLater),
        ({"kind": "status", "status": 401}, Stop),
        ({"kind": "status", "status": 403}, Stop),
        ({"kind": "status", "status": 404}, Gone),
        ({"kind": "status", "status": 410}, Gone),
        ({"kind": "status", "status": 418}, BadAnswer),
        ({"kind": "redirect", "location": "https://login.example/"}, Stop),
    ],
)
async def test_a_reading_that_goes_wrong_every_time_says_how(
    fault: dict[str, Any], outcome: type[OutcomeError]
) -> None:
    async with erp() as here:
        connector = connect(here.url)
        made = await create(connector)
        await here.fault(match=GET, times=None, **fault)
        with pytest.raises(outcome):
            await connector.read("contact", made.id)
        await connector.close()


@pytest.mark.parametrize(
    "fault", [{"kind": "html", "status": 502}, {"kind": "drop_before"}, {"kind": "truncate_body"}]
)
async def test_a_reading_that_goes_wrong_once_is_read_again(fault: dict[str, Any]) -> None:
    async with erp() as here:
        connector = connect(here.url)
        made = await create(connector)
        await here.fault(match=GET, **fault)
        assert (await connector.read("contact", made.id)).id == made.id
        await connector.close()


async def test_a_busy_server_is_asked_again_and_the_write_happens_once() -> None:
    async with erp() as here:
        connector = connect(here.url)
        await here.fault("status", match=POST, status=429, headers={"Retry-After": "0"}, times=2)
        await create(connector)
        assert await here.count("contact") == 1
        await connector.close()


async def test_a_status_that_is_described_as_not_applied_is_for_later() -> None:
    async with erp() as here:
        connector = connect(here.url)
        await here.fault("status", match=POST, status=503, headers={"Retry-After": "7"})
        with pytest.raises(RetryLater) as later:
            await create(connector)
        assert later.value.after_ms == 7000
        undescribed = connect(here.url, {**described(), "errors": {}})
        await here.fault("status", match=POST, status=503, headers={"Retry-After": "0"})
        with pytest.raises(InDoubt):
            await create(undescribed)
        await connector.close()
        await undescribed.close()


async def test_a_refused_connection_is_for_later() -> None:
    connector = connect("http://127.0.0.1:1")
    with pytest.raises(RetryLater):
        await create(connector)
    with pytest.raises(RetryLater):
        await connector.read("contact", "1")
    await connector.close()


async def test_a_refusal_names_the_field_and_the_reason() -> None:
    async with erp() as here:
        connector = connect(here.url)
        seen = await create(connector)
        with pytest.raises(Refused) as refused:
            await connector.update("contact", seen.id, {"payment_terms_days": 15}, seen=seen, idempotency="u")
        assert (refused.value.field, refused.value.code) == ("payment_terms_days", "not_allowed")
        assert "must be one of 0, 14, 30, 45, 60, 90" in str(refused.value)
        assert refused.value.request.startswith("req_")
        with pytest.raises(Refused) as refused:
            await connector.update("contact", seen.id, {"address.country": "XX"}, seen=seen, idempotency="v")
        assert refused.value.field == "address.country"
        with pytest.raises(Refused) as refused:
            await create(connector, "m-2", customer_id="77")
        assert refused.value.field == "customer_id"
        await connector.close()


async def test_the_header_with_the_id_of_a_request_can_be_named() -> None:
    async with erp() as here:
        for header, told in (("", True), ("X-REQUEST-ID", True), ("X-Trace", False)):
            connector = connect(here.url, {**described(), "request_id_header": header})
            assert bool((await create(connector, f"m{header}")).request) is told
            await connector.close()


async def test_an_id_that_could_disturb_a_line_is_made_harmless() -> None:
    assert clean("a b\x1b[31m\u202eé" + "x" * 500) == ("ab[31m" + "x" * 500)[:LONGEST]


async def test_a_unique_value_in_use_is_taken_and_says_by_which_record() -> None:
    async with erp() as here:
        connector = connect(here.url)
        fields = {"code": "S-1", "name": "Sensor"}
        first = await connector.create("product", fields, key("a"))
        with pytest.raises(Taken) as taken:
            await connector.create("product", fields, key("b"))
        assert (taken.value.existing_id, taken.value.field) == (first.id, "code")
        await connector.close()


async def test_a_conflict_of_another_kind_is_refused() -> None:
    async with erp() as here:
        connector = connect(here.url, described(retire={"by": "delete"}, retired=None))
        customer = await connector.create("customer", {"name": "Nordlys"}, key("a"))
        await create(connector, "b", customer_id=customer.id)
        with pytest.raises(Refused) as refused:
            await connector.retire("customer", customer.id, seen=customer, idempotency="r")
        assert refused.value.code == "referenced"
        await connector.close()


@pytest.mark.parametrize(
    ("meaning", "outcome"),
    [("moved", Moved), ("gone", Gone), ("taken", Taken), ("in_doubt", InDoubt), ("stop", Stop)],
)
async def test_a_status_means_what_the_description_says(meaning: str, outcome: type[OutcomeError]) -> None:
    async with erp() as here:
        connector = connect(here.url, {**described(), "errors": {"statuses": {"409": meaning}}})
        seen = await create(connector)
        await here.fault("status", match=PATCH, status=409)
        with pytest.raises(outcome):
            await connector.update("contact", seen.id, {"notes": "x"}, seen=seen, idempotency="u")
        await connector.close()


async def test_a_full_body_is_not_written_over_an_edit_that_was_not_seen() -> None:
    async with erp(etags=False) as here:
        connector = connect(here.url, described(update={"body": "full", "method": "PATCH"}))
        seen = await create(connector)
        await here.edit("contact", seen.id, {"phone": "+47 22 22 22 22"})
        with pytest.raises(Moved):
            await connector.update("contact", seen.id, {"notes": "x"}, seen=seen, idempotency="u")
        await connector.close()


async def test_a_search_that_is_loose_is_seen_through_and_one_that_is_ignored_is_not_believed() -> None:
    async with erp() as here:
        for n in range(25):
            await here.make("contact", {"family_name": f"Kern {n}", "external_ref": f"m-{n}"})
        loose = described(marker={"field": "external_ref", "param": "sort"})
        for entity in loose["entities"].values():
            entity["list"]["params"] = {}
            entity["list"]["paging"]["size"] = 30
        connector = connect(here.url, loose)
        await here.fault("rewrite_json", match=GET, times=None, set={"/no": 1})
        with pytest.raises(BadAnswer):
            await connector.find("contact", "external_ref", "m-3")
        await connector.close()


async def test_messages_hold_no_secret_and_no_whole_record() -> None:
    async with erp() as here:
        connector = connect(here.url)
        for status in (400, 401, 404, 409, 422, 500):
            body = {"errors": [{"message": "Bearer abcdefghijkl is wrong " + "x" * 5000}]}
            await here.fault("status", match=POST, status=status, body=body)
            with pytest.raises(OutcomeError) as error:
                await create(connector)
            assert "abcdefghijkl" not in str(error.value)
            assert "test_token" not in str(error.value)
            assert len(str(error.value)) < 700
        await connector.close()


@pytest.mark.parametrize(
    ("way", "auth"),
    [
        ("bearer", {"kind": "bearer", "token": "env:ERP"}),
        ("basic", {"kind": "basic", "user": "instep", "password": "env:ERP"}),
        ("api_key", {"kind": "header", "name": "X-Api-Key", "value": "env:ERP"}),
        (
            "oauth",
            {
                "kind": "oauth2",
                "token_url": "/oauth/token",
                "client_id": "instep",
                "client_secret": "env:ERP",
            },
        ),
        (
            "oauth",
            {
                "kind": "oauth2",
                "token_url": "/oauth/token",
                "client_id": "instep",
                "client_secret": "env:ERP",
                "client_auth": "basic",
            },
        ),
    ],
)
async def test_each_way_to_get_in_gets_in(way: str, auth: dict[str, Any]) -> None:
    async with erp(auth=[way]) as here:
        connector = connect(here.url, {**described(), "auth": auth})
        made = await create(connector)
        assert (await connector.read("contact", made.id)).id == made.id
        await connector.close()
        other = "basic" if way == "api_key" else "api_key"
        await here.console("POST", "settings", {"auth": [other]})
        shut_out = connect(here.url, {**described(), "auth": auth})
        with pytest.raises(Stop):
            await create(shut_out, "m-2")
        await shut_out.close()


async def oauth(here: Erp, **options: Any) -> RestConnector:
    auth = {
        "kind": "oauth2",
        "token_url": f"{here.url}/oauth/token",
        "client_id": "instep",
        "client_secret": "env:ERP",
    }
    return connect(here.url, {**described(), "auth": auth}, **options)


async def test_a_token_is_shared_and_renewed_before_its_end() -> None:
    async with erp(auth=["oauth"], token_ttl_s=3600) as here:
        now = [1000.0]
        connector = await oauth(here, monotonic=lambda: now[0])
        made = await create(connector)
        await connector.read("contact", made.id)
        assert connector.requests == 3
        now[0] += 3590
        await connector.read("contact", made.id)
        assert connector.requests == 5
        await connector.close()


async def test_a_token_that_the_server_forgot_is_renewed_once_and_the_write_happens_once() -> None:
    async with erp(auth=["oauth"], token_ttl_s=3600) as here:
        now = [1000.0]
        connector = await oauth(here, monotonic=lambda: now[0])
        await create(connector)
        now[0] += 100
        await here.console("POST", "clock", {"advance_s": 4000})
        await create(connector, "m-2")
        assert await here.count("contact") == 2
        await connector.close()


async def test_an_unreachable_token_address_is_for_later_and_nothing_is_sent() -> None:
    async with erp(auth=["oauth"]) as here:
        connector = await oauth(here)
        await here.fault("html", match={"path": "oauth"}, times=None, status=200)
        with pytest.raises(RetryLater):
            await create(connector)
        assert await here.count("contact") == 0
        await connector.close()
