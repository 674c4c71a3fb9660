"""Events and webhooks: snapshots, retention, delivery, retries on the virtual clock, and things gone
wrong."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from chargebee import InvalidRequestError

from .chargebee_site import NOON, Emulator, Receiver, emulator, receiver

DAY = 86_400


@pytest.fixture
def site() -> Iterator[Emulator]:
    with emulator() as running:
        running.freeze()
        yield running


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def subscribe(site: Emulator, hook: Receiver, **more: Any) -> str:
    made = site.sdk.WebhookEndpoint.create({"name": "erp-sync", "url": hook.url, **more})
    endpoint_id: str = made.webhook_endpoint.id
    return endpoint_id


def settled(site: Emulator, event_id: str, status: str) -> dict[str, Any]:
    """The event, once its webhooks have come to `status`; the dispatcher notes it just after the answer."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        event: dict[str, Any] = site.get(f"events/{event_id}").json()["event"]
        if event["webhook_status"] == status:
            return event
    raise AssertionError(f"{event_id} is {event['webhook_status']}")


def test_an_event_is_a_snapshot_of_its_time(site: Emulator) -> None:
    created = site.sdk.Customer.create({"id": "c", "first_name": "Ida"}).customer.raw_data
    site.advance(1)
    site.sdk.Customer.update("c", {"first_name": "Eva"})
    events = [entry.event for entry in site.sdk.Event.list({"sort_by": {"asc": "occurred_at"}}).list]
    assert [event.event_type for event in events] == ["customer_created", "customer_changed"]
    assert events[0].raw_data == {
        "id": events[0].id,
        "occurred_at": NOON,
        "source": "api",
        "user": "sync_key",
        "object": "event",
        "api_version": "v2",
        "content": {"customer": created},
        "event_type": "customer_created",
        "webhook_status": "not_configured",
    }
    assert site.sdk.Event.retrieve(events[1].id).event.content["customer"]["first_name"] == "Eva"


def test_events_are_filtered_sorted_and_paged(site: Emulator) -> None:
    for number in range(3):
        site.post("customers", {"id": f"c{number}"})
        site.advance(1)
    site.post("item_families", {"id": "f", "name": "f"})
    found = site.sdk.Event.list({"event_type": {"in": ["customer_created", "item_created"]}, "limit": 2})
    assert len(found.list) == 2
    following = site.sdk.Event.list({"event_type": {"in": ["customer_created"]}, "offset": found.next_offset})
    assert [entry.event.content["customer"]["id"] for entry in following.list] == ["c0"]
    after = site.sdk.Event.list({"occurred_at": {"after": NOON + 1}, "source": {"is": "api"}})
    assert [entry.event.event_type for entry in after.list] == ["item_family_created", "customer_created"]
    old_style = site.sdk.Event.list({"start_time": NOON + 1, "end_time": NOON + 2})
    assert len(old_style.list) == 2
    assert site.get("events", {"include_deleted": "true"}).status_code == 200


def test_events_can_be_read_for_ninety_days(site: Emulator) -> None:
    site.post("customers", {"id": "c"})
    event_id = site.sdk.Event.list().list[0].event.id
    site.advance(90 * DAY)
    assert site.sdk.Event.retrieve(event_id).event.id == event_id
    site.advance(1)
    assert site.sdk.Event.list().list == []
    with pytest.raises(InvalidRequestError) as caught:
        site.sdk.Event.retrieve(event_id)
    assert caught.value.http_status_code == 404


def test_the_webhook_status_filter_reaches_back_six_days(site: Emulator) -> None:
    site.post("customers", {"id": "c"})
    wanted = {"webhook_status": {"is": "not_configured"}}
    assert len(site.sdk.Event.list(wanted).list) == 1
    site.advance(6 * DAY + 1)
    assert site.sdk.Event.list(wanted).list == []


def test_a_webhook_is_the_event_with_basic_auth(site: Emulator, hook: Receiver) -> None:
    endpoint_id = subscribe(site, hook, basic_auth_username="hook", basic_auth_password="secret")
    site.post("customers", {"id": "c", "first_name": "Ida"})
    came = hook.next()
    headers = came.pop("headers")
    assert headers["authorization"] == "Basic aG9vazpzZWNyZXQ="
    assert headers["content-type"] == "application/json"
    assert came["content"]["customer"]["first_name"] == "Ida"
    assert came["webhook_status"] == "scheduled"
    assert site.sdk.Event.deserialize(json.dumps(came)).id == came["id"]
    event = settled(site, came["id"], "succeeded")
    assert event["webhooks"] == [{"id": endpoint_id, "webhook_status": "succeeded", "object": "webhook"}]


def test_an_endpoint_hears_only_the_events_that_it_enabled(site: Emulator, hook: Receiver) -> None:
    endpoint_id = subscribe(site, hook, enabled_events=["customer_changed"])
    site.post("customers", {"id": "c"})
    site.post("customers/c", {"first_name": "Ida"})
    assert hook.next()["event_type"] == "customer_changed"
    site.sdk.WebhookEndpoint.update(endpoint_id, {"enabled_events": ["customer_created"]})
    site.post("customers/c", {"first_name": "Eva"})
    site.post("customers", {"id": "d"})
    assert hook.next()["event_type"] == "customer_created"
    site.sdk.WebhookEndpoint.update(endpoint_id, {"disabled": True})
    site.post("customers", {"id": "e"})
    site.sdk.WebhookEndpoint.update(endpoint_id, {"disabled": False})
    site.post("customers", {"id": "f"})
    assert hook.next()["content"]["customer"]["id"] == "f"


def test_a_failed_delivery_is_tried_seven_times_more_on_the_clock(site: Emulator, hook: Receiver) -> None:
    subscribe(site, hook)
    for _ in range(8):
        hook.answers.put(503)
    site.post("customers", {"id": "c"})
    event_id = hook.next()["id"]
    for wait_s in (120, 360, 1_800, 3_600, 18_000, DAY, 2 * DAY):
        settled(site, event_id, "re_scheduled")
        site.advance(wait_s - 1)
        assert [each["event"] for each in site.console("GET", "deliveries")["deliveries"]] == [event_id]
        assert hook.got.empty()
        site.advance(1)
        assert hook.next()["id"] == event_id
    settled(site, event_id, "failed")
    assert site.console("GET", "deliveries") == {"deliveries": []}


def test_a_retry_may_succeed_and_a_redirect_does_not_count(site: Emulator, hook: Receiver) -> None:
    subscribe(site, hook)
    for status in (302, 204):
        hook.answers.put(status)
    site.post("customers", {"id": "c"})
    event_id = hook.next()["id"]
    settled(site, event_id, "re_scheduled")
    site.advance(120)
    assert hook.next()["id"] == event_id
    assert settled(site, event_id, "succeeded")["webhooks"][0]["webhook_status"] == "succeeded"


def test_a_receiver_that_is_not_there_is_a_failed_delivery(site: Emulator) -> None:
    with receiver() as gone:
        url = gone.url
    site.sdk.WebhookEndpoint.create({"name": "gone", "url": url})
    site.post("customers", {"id": "c"})
    settled(site, site.sdk.Event.list().list[0].event.id, "re_scheduled")


@pytest.mark.parametrize("header", ["chargebee_event_webhook", "chargebee_event_actions"])
def test_a_call_can_switch_its_webhooks_off_but_not_its_event(
    site: Emulator, hook: Receiver, header: str
) -> None:
    subscribe(site, hook)
    site.post("customers", {"id": "quiet"}, **{header: "all-disabled"})
    site.post("customers", {"id": "loud"}, chargebee_event_email="all-disabled")
    assert hook.next()["content"]["customer"]["id"] == "loud"
    assert hook.got.empty()
    events = site.sdk.Event.list({"sort_by": {"asc": "occurred_at"}}).list
    assert [entry.event.event_type for entry in events] == ["customer_created"] * 2
    assert events[0].event.webhook_status == "skipped"


def test_silencing_reaches_secondary_events_as_the_switch_says(site: Emulator, hook: Receiver) -> None:
    site.post("customers", {"id": "c"})
    site.post("item_families", {"id": "f", "name": "f"})
    site.post(
        "items", {"id": "s", "name": "s", "type": "charge", "item_family_id": "f", "is_shippable": "true"}
    )
    site.post("item_prices", {"id": "p", "name": "p", "item_id": "s", "price": "100"})
    site.switch(silenced_side_events="off")
    subscribe(site, hook)
    line = {"description": "x", "entity_type": "charge_item_price", "entity_id": "p", "amount": "100"}
    invoice = {"id": "i", "customer_id": "c", "date": str(NOON), "total": "100"}
    lines = {f"line_items[{name}][0]": value for name, value in line.items()}
    site.post("invoices/import_invoice", {**invoice, **lines}, chargebee_event_webhook="all-disabled")
    assert hook.next()["event_type"] == "order_created"


def test_webhooks_may_come_twice(site: Emulator, hook: Receiver) -> None:
    subscribe(site, hook)
    site.switch(webhook_duplicate=1)
    site.post("customers", {"id": "c"})
    assert hook.next()["id"] == hook.next()["id"]


def test_webhooks_may_be_lost(site: Emulator, hook: Receiver) -> None:
    subscribe(site, hook)
    site.switch(webhook_drop=1)
    site.post("customers", {"id": "lost"})
    site.switch(webhook_drop=0)
    site.post("customers", {"id": "found"})
    assert hook.next()["content"]["customer"]["id"] == "found"


def test_webhooks_may_be_overtaken(site: Emulator, hook: Receiver) -> None:
    subscribe(site, hook)
    site.switch(webhook_reorder=1)
    site.post("customers", {"id": "first"})
    site.switch(webhook_reorder=0)
    site.post("customers", {"id": "second"})
    assert hook.next()["content"]["customer"]["id"] == "second"
    site.advance(1)
    assert hook.next()["content"]["customer"]["id"] == "first"


def test_webhooks_may_be_late(site: Emulator, hook: Receiver) -> None:
    subscribe(site, hook)
    site.switch(webhook_delay_ms=60_000)
    site.post("customers", {"id": "c"})
    site.post("customers/c", {"first_name": "Ida"})
    site.advance(59)
    assert len(site.console("GET", "deliveries")["deliveries"]) == 2
    site.advance(1)
    came = hook.next()
    assert "first_name" not in came["content"]["customer"]


def test_every_endpoint_gets_every_event_the_primary_one_first(site: Emulator, hook: Receiver) -> None:
    with receiver() as other:
        first = subscribe(site, other)
        second = subscribe(site, hook)
        site.sdk.WebhookEndpoint.update(second, {"primary_url": True})
        site.sdk.WebhookEndpoint.update(first, {"primary_url": False})
        site.post("customers", {"id": "c"})
        event_id = hook.next()["id"]
        assert other.next()["id"] == event_id
        webhooks = settled(site, event_id, "succeeded")["webhooks"]
        assert [webhook["id"] for webhook in webhooks] == [second, first]


def test_a_person_sends_an_event_again(site: Emulator, hook: Receiver) -> None:
    site.post("customers", {"id": "c"})
    subscribe(site, hook)
    event_id = site.sdk.Event.list().list[0].event.id
    site.console("POST", f"events/{event_id}/resend")
    assert hook.next()["id"] == event_id


def test_an_endpoint_has_the_documented_shape_and_keeps_its_password(site: Emulator) -> None:
    made = site.sdk.WebhookEndpoint.create(
        {
            "name": "erp-sync",
            "url": "https://sync.acme.test/hooks/chargebee",
            "basic_auth_username": "hook",
            "basic_auth_password": "secret",
            "enabled_events": ["customer_created", "customer_changed"],
        }
    ).webhook_endpoint
    assert made.raw_data == {
        "id": made.id,
        "name": "erp-sync",
        "url": "https://sync.acme.test/hooks/chargebee",
        "send_card_resource": False,
        "disabled": False,
        "primary_url": True,
        "api_version": "v2",
        "enabled_events": ["customer_created", "customer_changed"],
        "object": "webhook_endpoint",
    }
    assert site.sdk.WebhookEndpoint.retrieve(made.id).webhook_endpoint.raw_data == made.raw_data
    assert [entry.webhook_endpoint.raw_data for entry in site.sdk.WebhookEndpoint.list().list] == [
        made.raw_data
    ]
    site.sdk.WebhookEndpoint.delete(made.id)
    assert site.sdk.WebhookEndpoint.list().list == []


def test_a_site_has_at_most_five_endpoints_with_sensible_urls(site: Emulator) -> None:
    for url in ("ftp://x.test/", "nonsense", "https://", "https://x.test:99999/"):
        with pytest.raises(InvalidRequestError) as caught:
            site.sdk.WebhookEndpoint.create({"name": "x", "url": url})
        assert caught.value.param == "url"
    site.switch(webhook_ports="documented")
    with pytest.raises(InvalidRequestError):
        site.sdk.WebhookEndpoint.create({"name": "x", "url": "https://x.test:9000/"})
    for number in range(5):
        site.sdk.WebhookEndpoint.create({"name": f"e{number}", "url": "https://x.test:8443/"})
    with pytest.raises(InvalidRequestError) as caught:
        site.sdk.WebhookEndpoint.create({"name": "sixth", "url": "https://x.test/"})
    assert caught.value.api_error_code == "resource_limit_exceeded"


def test_a_receiver_that_does_not_answer_in_time_has_not_got_it(site: Emulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        site.switch(webhook_timeout_s=1, events_readable_days=1)
        site.sdk.WebhookEndpoint.create({"name": "silent", "url": url})
        site.post("customers", {"id": "c"})
        connection, _ = silent.accept()
        with connection:
            event_id = site.sdk.Event.list().list[0].event.id
            settled(site, event_id, "re_scheduled")
        site.advance(DAY + 1)
        assert site.sdk.Event.list().list == []
