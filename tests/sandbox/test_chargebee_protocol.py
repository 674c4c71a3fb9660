"""The API as HTTP: keys, errors, forms, idempotency, limits."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator

import httpx
import pytest
from chargebee import APIError, InvalidRequestError, OperationFailedError

from instep.sandbox.chargebee import ApiKey, Settings

from .chargebee_site import NOON, Emulator, emulator

KEY = "chargebee-idempotency-key"


@pytest.fixture
def site() -> Iterator[Emulator]:
    with emulator() as running:
        yield running


def test_a_bad_key_is_401_as_the_sdk_expects_it(site: Emulator) -> None:
    site.sdk.env.api_key = "wrong"
    with pytest.raises(APIError) as caught:
        site.sdk.Customer.list()
    assert caught.value.json_obj == {
        "message": "Sorry, authentication failed. Invalid api key",
        "api_error_code": "api_authentication_failed",
        "error_code": "api_authentication_failed",
        "error_msg": "Sorry, authentication failed. Invalid api key",
        "http_status_code": 401,
    }


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer test_key", "Basic dGVzdA=="])
def test_anything_but_the_key_is_401(site: Emulator, header: str) -> None:
    answer = httpx.get(f"{site.url}/api/v2/customers", headers={"authorization": header})
    assert (answer.status_code, answer.json()["api_error_code"]) == (401, "api_authentication_failed")


def test_a_read_only_key_may_not_write() -> None:
    keys = {"full": ApiKey("sync_key"), "reader": ApiKey("report", "read_only_access")}
    with emulator(Settings(keys=keys, switches={"rate_limit_per_min": 0})) as site:
        site.sdk.env.api_key = "reader"
        assert site.sdk.Customer.list().list == []
        with pytest.raises(APIError) as caught:
            site.sdk.Customer.create({})
        assert (caught.value.http_status_code, caught.value.api_error_code) == (
            403,
            "api_authorization_failed",
        )


@pytest.mark.parametrize(
    "path", ["", "nothing", "customers/a/b/c", "customers/c/fly", "subscriptions", "../customers"]
)
def test_an_unknown_path_is_404_in_json(site: Emulator, path: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer.json()["api_error_code"]) == (404, "resource_not_found")
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "customers"), ("DELETE", "customers/c"), ("GET", "customers/c/delete")]
)
def test_a_wrong_verb_is_405_in_json(site: Emulator, method: str, path: str) -> None:
    answer = site.http.request(method, f"{site.url}/api/v2/{path}")
    assert (answer.status_code, answer.json()["api_error_code"]) == (405, "http_method_not_supported")


def test_unknown_and_immutable_parameters_are_ignored_or_rejected(site: Emulator) -> None:
    site.post("customers", {"id": "c", "favourite_colour": "red"})
    assert site.post("customers/c", {"vat_number": "1", "nonsense[deep]": "x"}).status_code == 200
    site.switch(unknown_parameters="reject", immutable_parameters="reject")
    refusals = [
        site.post("customers", {"favourite_colour": "red"}),
        site.post("customers/c", {"billing_address[city]": "Ulm"}),
        site.post("customers/c/update_billing_info", {"billing_address[planet]": "Mars"}),
    ]
    params = ["favourite_colour", "billing_address[city]", "billing_address[planet]"]
    assert [answer.json()["param"] for answer in refusals] == params


def test_ids_are_strict_or_loose(site: Emulator) -> None:
    sent = ["a b", "a/b", " a", "ä", "a\tb", "a+b"]
    assert [site.post("customers", {"id": each}).status_code for each in sent] == [400] * 6
    site.switch(id_charset="loose")
    assert [site.post("customers", {"id": each}).status_code for each in sent] == [
        200,
        400,
        400,
        200,
        400,
        200,
    ]
    assert site.sdk.Customer.retrieve("a b").customer.id == "a b"


def test_malformed_forms_are_refused_in_json(site: Emulator) -> None:
    for body in ("a[b=1", "billing_address=x&billing_address[city]=y", "billing_address=x", "email[a]=b"):
        answer = site.http.post(f"{site.url}/api/v2/customers", content=body)
        assert (answer.status_code, "api_error_code" in answer.json()) == (400, True), body
    assert site.http.post(f"{site.url}/api/v2/customers", content=b"email=\xff\xfe").status_code == 400


def test_the_sdk_escapes_and_the_emulator_keeps_every_character(site: Emulator) -> None:
    name = "Ærø & Søn = 100% +1 [x] \"q\" '𝄞' 株式会社"
    site.sdk.Customer.create({"id": "c", "company": name})
    assert site.sdk.Customer.retrieve("c").customer.company == name
    assert site.sdk.Customer.list({"company": {"is": name}}).list[0].customer.id == "c"


def test_a_repeated_key_replays_the_answer_without_a_second_record(site: Emulator) -> None:
    first = site.sdk.Customer.create({"first_name": "Ida"}, {KEY: "k1"})
    again = site.sdk.Customer.create({"first_name": "Ida"}, {KEY: "k1"})
    assert (first.is_idempotency_replayed, again.is_idempotency_replayed) == (False, True)
    assert again.customer.raw_data == first.customer.raw_data
    assert len(site.ids("customers")) == 1
    assert site.event_types() == ["customer_created"]


def test_a_key_with_another_request_is_422(site: Emulator) -> None:
    site.post("customers", {"first_name": "Ida"}, chargebee_idempotency_key="k1")
    site.post("customers", {"id": "c"})
    others = [
        site.post("customers", {"first_name": "Eva"}, chargebee_idempotency_key="k1"),
        site.post("customers/c", {"first_name": "Ida"}, chargebee_idempotency_key="k1"),
        site.post(
            "customers",
            {"first_name": "Ida"},
            chargebee_idempotency_key="k1",
            chargebee_event_webhook="all-disabled",
        ),
    ]
    assert [(answer.status_code, answer.json()["api_error_code"]) for answer in others] == [
        (422, "unable_to_process_request")
    ] * 3


def test_a_key_is_forgotten_after_thirty_minutes(site: Emulator) -> None:
    site.freeze()
    site.post("customers", {"first_name": "Ida"}, chargebee_idempotency_key="k1")
    site.advance(1799)
    assert (
        "chargebee-idempotency-replayed"
        in site.post("customers", {"first_name": "Ida"}, chargebee_idempotency_key="k1").headers
    )
    site.advance(1)
    site.post("customers", {"first_name": "Ida"}, chargebee_idempotency_key="k1")
    assert len(site.ids("customers")) == 2


def test_a_refusal_is_remembered_only_if_the_switch_says_so(site: Emulator) -> None:
    create = {"id": "c", "business_entity_id": "be_1"}
    site.post("customers", create, chargebee_idempotency_key="k1")
    site.switch(idempotency_remembers="all")
    site.post("customers", {**create, "id": "d"}, chargebee_idempotency_key="k2")
    site.console("POST", "business_entities", {"id": "be_1", "name": "Nord"})
    answers = [
        site.post("customers", create, chargebee_idempotency_key="k1"),
        site.post("customers", {**create, "id": "d"}, chargebee_idempotency_key="k2"),
    ]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert site.post("customers", {}, chargebee_idempotency_key="k" * 101).status_code == 400


def test_an_answer_that_was_lost_is_found_again_by_its_key(site: Emulator) -> None:
    rule = {"times": 1, "match": {"method": "POST"}, "effect": {"kind": "status_after_apply", "status": 500}}
    site.console("POST", "faults", rule)
    lost = site.post("customers", {"first_name": "Ida"}, chargebee_idempotency_key="k1")
    again = site.sdk.Customer.create({"first_name": "Ida"}, {KEY: "k1"})
    assert lost.status_code == 500
    assert again.is_idempotency_replayed
    assert site.ids("customers") == [again.customer.id]


def test_the_minutes_limit_is_429_until_the_window_moves_on(site: Emulator) -> None:
    site.freeze()
    site.switch(rate_limit_per_min=3)
    for _ in range(3):
        assert site.get("customers").status_code == 200
        site.advance(10)
    with pytest.raises(OperationFailedError) as caught:
        site.sdk.Customer.list()
    assert caught.value.http_status_code == 429
    assert caught.value.api_error_code == "api_request_limit_exceeded"
    assert site.get("customers").headers["retry-after"] == "30"
    site.advance(29)
    assert site.get("customers").status_code == 429
    site.advance(1)
    assert site.get("customers").status_code == 200


def test_a_test_sites_limit_is_150_a_minute_unless_switched() -> None:
    with emulator(Settings()) as site:
        site.freeze()
        statuses = [site.get("events/x").status_code for _ in range(151)]
        assert (statuses[:150].count(404), statuses[150]) == (150, 429)


def test_retry_after_may_be_missing_and_a_live_site_blocks(site: Emulator) -> None:
    site.freeze()
    site.switch(rate_limit_per_min=1, retry_after="never")
    site.get("customers")
    assert "retry-after" not in site.get("customers").headers
    site.switch(retry_after="sometimes")
    told = {"retry-after" in site.get("customers").headers for _ in range(40)}
    assert told == {True, False}
    site.switch(rate_limit_answer="403")
    answer = site.get("customers")
    assert (answer.status_code, answer.json()["api_error_code"]) == (403, "request_blocked")


def at_once(site: Emulator, count: int, method: str, path: str) -> list[httpx.Response]:
    """The same request, `count` times at the same time; the client opens a connection for each."""

    def send(_: int) -> httpx.Response:
        return site.http.request(method, f"{site.url}/api/v2/{path}")

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def test_requests_at_once_are_limited_by_method(site: Emulator) -> None:
    site.switch(concurrency_get=2, concurrency_post=3, service_time_ms=800, lock_timeout="off")
    for method, allowed in (("GET", 2), ("POST", 3)):
        statuses = sorted(answer.status_code for answer in at_once(site, 5, method, "customers"))
        assert statuses == [200] * allowed + [429] * (5 - allowed)


def test_one_write_at_a_time_to_a_record(site: Emulator) -> None:
    site.post("customers", {"id": "c"})
    site.switch(service_time_ms=800)
    answers = at_once(site, 3, "POST", "customers/c")
    assert sorted(answer.status_code for answer in answers) == [200, 429, 429]
    codes = {answer.json()["api_error_code"] for answer in answers if answer.status_code == 429}
    assert codes == {"lock_timeout"}
    assert {answer.status_code for answer in at_once(site, 3, "GET", "customers/c")} == {200}
    site.switch(lock_timeout="off")
    assert {answer.status_code for answer in at_once(site, 3, "POST", "customers/c")} == {200}


def test_concurrent_writes_lose_no_record_and_no_event(site: Emulator) -> None:
    def create(number: int) -> int:
        return site.post("customers", {"id": f"c{number}"}).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(create, [*range(40), *range(40)]))
    assert (statuses.count(200), statuses.count(400)) == (40, 40)
    records = site.console("GET", "records/customers")["records"]
    assert len(records) == len({record["resource_version"] for record in records}) == 40
    assert site.event_types() == ["customer_created"] * 40


def test_a_refused_request_leaves_nothing_behind(site: Emulator) -> None:
    site.freeze()
    site.post("customers", {"id": "c"})
    site.post("invoices/import_invoice", {"id": "i", "customer_id": "c", "date": NOON, "total": "x"})
    with pytest.raises(InvalidRequestError):
        site.sdk.Customer.update("c", {"first_name": "x", "email": "bad"})
    assert "first_name" not in site.get("customers/c").json()["customer"]
    assert site.event_types() == ["customer_created"]


def test_the_sdks_own_headers_and_async_client_work(site: Emulator) -> None:
    import asyncio

    site.sdk.env.use_async_client = True
    made = asyncio.run(site.sdk.Customer.create({"id": "c"}))
    assert made.customer.id == "c"


def test_the_window_of_a_key_is_a_switch(site: Emulator) -> None:
    site.freeze()
    site.switch(idempotency_window_s=10)
    for wait_s, replayed in ((0, False), (9, True), (1, False)):
        site.advance(wait_s)
        answer = site.post("customers", {"first_name": "Ida"}, chargebee_idempotency_key="k1")
        assert ("chargebee-idempotency-replayed" in answer.headers) is replayed


def test_a_page_of_a_load_balancer_is_no_chargebee_answer_to_the_sdk(site: Emulator) -> None:
    for status, told in ((502, "500"), (503, "503"), (504, "504")):
        effect = {"kind": "html", "status": status}
        site.console("POST", "faults", {"times": 1, "effect": effect})
        with pytest.raises(Exception, match=f"http_status_code: {told}"):
            site.sdk.Customer.list()
    assert site.sdk.Customer.list().list == []
