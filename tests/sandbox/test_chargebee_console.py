"""The console: a person's edits, bulk loads, records for oracles, switches, and the server as a process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chargebee import Chargebee

from instep.sandbox import launch
from instep.sandbox.chargebee import switches

from .chargebee_site import NOON, Emulator, emulator


@pytest.fixture
def site() -> Iterator[Emulator]:
    with emulator() as running:
        running.freeze()
        yield running


def test_a_persons_edit_reaches_what_the_api_cannot_change(site: Emulator) -> None:
    site.post("customers", {"id": "c", "billing_address[city]": "Kiel", "billing_address[line1]": "Hafenweg"})
    site.advance(1)
    edit = {
        "first_name": "Ida",
        "vat_number": "DE1",
        "billing_address": {"city": "Ulm"},
        "meta_data": {"a": 1},
    }
    edited = site.console("PATCH", "customers/c", {**edit, "cf_erp_id": "7", "allow_direct_debit": True})
    assert edited == site.get("customers/c").json()["customer"]
    assert (edited["vat_number"], edited["meta_data"], edited["allow_direct_debit"]) == (
        "DE1",
        {"a": 1},
        True,
    )
    assert (edited["billing_address"]["city"], edited["billing_address"]["line1"]) == ("Ulm", "Hafenweg")
    event = site.sdk.Event.list().list[0].event
    assert (event.event_type, event.source, event.user) == (
        "customer_changed",
        "admin_console",
        "admin@acme.test",
    )
    cleared = site.console("PATCH", "customers/c", {"first_name": None, "billing_address": {"line1": None}})
    assert "first_name" not in cleared
    assert "line1" not in cleared["billing_address"]


def test_a_person_is_held_to_the_same_values(site: Emulator) -> None:
    site.post("customers", {"id": "c"})
    for edit, param in (
        ({"email": "nonsense"}, "email"),
        ({"billing_address": {"country": "Germany"}}, "billing_address[country]"),
        ({"id": "d"}, "id"),
        ({"resource_version": 1}, "resource_version"),
        ({"shoe_size": 44}, "shoe_size"),
    ):
        assert site.console("PATCH", "customers/c", edit, status=400)["param"] == param
    site.post("item_families", {"id": "f", "name": "F"})
    assert site.console("PATCH", "item_families/f", {"name": None}, status=400)["param"] == "name"
    assert site.console("PATCH", "customers/x", {"email": None}, status=404)["param"] == "customer_id"
    assert site.console("PATCH", "spaceships/x", {}, status=404)["api_error_code"] == "resource_not_found"


def test_a_person_makes_and_deletes_every_kind_of_record(site: Emulator) -> None:
    site.console("POST", "business_entities", {"id": "be", "name": "Nord"})
    site.console("POST", "customers", {"id": "c", "email": "ida@example.test", "meta_data": {"x": [1]}})
    site.console("POST", "item_families", {"id": "f", "name": "F"})
    site.console("POST", "items", {"id": "i", "name": "I", "type": "charge", "item_family_id": "f"})
    site.console("POST", "item_prices", {"id": "p", "name": "P", "item_id": "i", "price": 100})
    line = {"description": "x", "entity_type": "charge_item_price", "entity_id": "p", "amount": 100}
    invoice = {"id": "inv", "customer_id": "c", "date": NOON, "total": 100, "line_items": [line]}
    site.console("POST", "invoices", invoice)
    times = {"created_at": NOON, "order_date": NOON, "shipping_date": NOON}
    order = site.console("POST", "orders", {"id": "o", "invoice_id": "inv", "status": "queued", **times})
    assert order["order_line_items"][0]["entity_id"] == "p"
    site.console("POST", "orders/o/cancel", {"cancellation_reason": "others"})
    site.console("DELETE", "orders/o")
    archived = site.console("PATCH", "items/i", {"status": "archived"})
    assert archived["archived_at"] == NOON
    site.console("DELETE", "customers/c")
    site.advance(121)
    assert site.ids("customers") == []
    site.console("DELETE", "business_entities/be")
    events = [
        entry.event for entry in site.sdk.Event.list({"limit": 100, "sort_by": {"asc": "occurred_at"}}).list
    ]
    assert {event.source for event in events} == {"admin_console"}
    assert [event.event_type for event in events] == [
        "business_entity_created",
        "customer_created",
        "item_family_created",
        "item_created",
        "item_price_created",
        "invoice_generated",
        "order_created",
        "order_cancelled",
        "order_updated",
        "order_deleted",
        "item_updated",
        "invoice_deleted",
        "customer_deleted",
        "business_entity_deleted",
    ]


def test_a_persons_edit_of_the_catalogue_is_checked_and_merges_details(site: Emulator) -> None:
    site.post("item_families", {"id": "f", "name": "F"})
    site.post("items", {"id": "i", "name": "I", "type": "charge", "item_family_id": "f"})
    site.post("item_prices", {"id": "p", "name": "P", "item_id": "i", "accounting_detail[sku]": "1"})
    assert site.console("PATCH", "items/i", {"item_family_id": "x"}, status=400)["param"] == "item_family_id"
    edited = site.console(
        "PATCH", "item_prices/p", {"price": 7, "accounting_detail": {"accounting_code": "9"}}
    )
    detail = {"sku": "1", "accounting_code": "9", "object": "accounting_detail"}
    assert (edited["price"], edited["accounting_detail"]) == (7, detail)


def test_a_persons_status_change_of_an_order_is_like_the_apis(site: Emulator) -> None:
    order = {"id": "o", "invoice_id": "i", "customer_id": "c", "status": "queued"}
    site.console("POST", "load", {"orders": [order]})
    site.advance(5)
    moved = site.console("PATCH", "orders/o", {"status": "delivered", "tracking_id": "T1"})
    assert (moved["status"], moved["status_update_at"], moved["tracking_id"]) == ("delivered", NOON + 5, "T1")
    assert site.event_types() == ["order_updated", "order_delivered"]


def test_ten_thousand_customers_are_loaded_in_seconds_and_listed(site: Emulator) -> None:
    customers = [
        {"id": f"c{number:05}", "created_at": NOON, "updated_at": NOON + number} for number in range(10_000)
    ]
    started = time.process_time()
    assert site.console("POST", "load", {"customers": customers}) == {"customers": 10_000}
    assert time.process_time() - started < 3
    assert site.ids("customers", {"sort_by[desc]": "updated_at", "limit": "2"}) == ["c09999", "c09998"]
    assert site.event_types() == []
    assert len(site.console("GET", "records/customers")["records"]) == 10_000


def test_a_load_keeps_ids_and_times_and_fills_in_the_rest(site: Emulator) -> None:
    site.console(
        "POST",
        "load",
        {
            "business_entities": [{"id": "be", "name": "Nord"}],
            "customers": [
                {
                    "id": "c",
                    "first_name": "Ida",
                    "phone": None,
                    "created_at": NOON - 9,
                    "updated_at": NOON - 5,
                    "resource_version": (NOON - 5) * 1000 + 7,
                    "billing_address": {"city": "Kiel"},
                    "contacts": [{"id": "k", "email": "a@b.example"}],
                    "meta_data": {"object": {"kept": 1}},
                }
            ],
            "item_families": [{"id": "f", "name": "F"}],
            "items": [
                {"id": "i", "name": "I", "type": "charge", "item_family_id": "f", "updated_at": NOON - 1}
            ],
            "item_prices": [{"id": "p", "name": "P", "item_id": "i", "currency_code": "JPY", "price": 500}],
            "invoices": [{"id": "v", "customer_id": "c", "date": NOON, "total": 5, "currency_code": "EUR"}],
            "orders": [
                {"id": "auto", "invoice_id": "v", "customer_id": "c"},
                {"id": "mine", "invoice_id": "v", "customer_id": "c", "imported": True},
            ],
        },
    )
    customer = site.get("customers/c").json()["customer"]
    assert (customer["created_at"], customer["updated_at"]) == (NOON - 9, NOON - 5)
    assert (customer["resource_version"], customer["taxability"]) == ((NOON - 5) * 1000 + 7, "taxable")
    assert "phone" not in customer
    assert customer["billing_address"]["object"] == "billing_address"
    assert customer["contacts"][0]["object"] == "contact"
    assert customer["meta_data"] == {"object": {"kept": 1}}
    item = site.get("items/i").json()["item"]
    assert ("created_at" in item, item["status"], item["updated_at"]) == (False, "active", NOON - 1)
    assert site.post("orders/auto/delete").status_code == 409
    assert site.post("orders/mine/delete").status_code == 200
    assert "imported" not in site.console("GET", "records/orders")["records"][0]
    assert len(site.sdk.Order.orders_for_invoice("v", {"limit": 5}).list) == 1
    newer = site.post("customers/c", {"first_name": "Eva"}).json()["customer"]
    assert newer["resource_version"] >= NOON * 1000


def test_a_load_with_a_taken_id_loads_nothing(site: Emulator) -> None:
    site.post("customers", {"id": "taken"})
    answer = site.console("POST", "load", {"customers": [{"id": "new"}, {"id": "taken"}]}, status=400)
    assert answer["api_error_code"] == "duplicate_entry"
    assert site.ids("customers") == ["taken"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("load", {"customers": {"id": "c"}}),
        ("load", {"customers": ["c"]}),
        ("load", [{"id": "c"}]),
        ("settings", {"custom_fields": ["cf_x"]}),
        ("settings", {"custom_fields": {"item": [{"label": "x"}]}}),
        ("switches", ["list_lag_ms"]),
        ("customers", {"id": {"a": "b"}}),
        ("business_entities", {"name": 7}),
    ],
)
def test_a_console_request_of_the_wrong_shape_is_told_so(site: Emulator, path: str, body: object) -> None:
    site.console("POST", path, body, status=400)
    assert site.ids("customers") == []


def test_records_show_deleted_ones_too(site: Emulator) -> None:
    site.post("item_families", {"id": "f", "name": "F"})
    site.post("item_families/f/delete")
    records = site.console("GET", "records/item_families")["records"]
    assert [(record["id"], record["deleted"]) for record in records] == [("f", True)]


def test_custom_fields_are_declared_at_the_console(site: Emulator) -> None:
    assert site.post("items", {"cf_colour": "red"}).json()["param"] == "cf_colour"
    declared = {
        "custom_fields": {"item": [{"name": "cf_colour", "required": True}]},
        "admin": "kim@acme.test",
    }
    settings = site.console("POST", "settings", declared)
    assert [field["name"] for field in settings["custom_fields"]["item"]] == ["cf_erp_id", "cf_colour"]
    assert "test_key" not in str(settings)
    site.post("item_families", {"id": "f", "name": "F"})
    item = {"id": "i", "name": "I", "type": "charge", "item_family_id": "f"}
    assert site.post("items", item).json()["param"] == "cf_colour"
    assert site.post("items", {**item, "cf_colour": "red"}).json()["item"]["cf_colour"] == "red"
    site.console("PATCH", "items/i", {"cf_colour": "blue"})
    assert site.sdk.Event.list().list[0].event.user == "kim@acme.test"
    bad = {"custom_fields": {"item": [{"name": "cf_x", "datatype": "colour"}]}}
    assert site.console("POST", "settings", bad, status=400)["api_error_code"] == "invalid_request"


def test_switches_are_listed_and_a_bad_one_changes_nothing(site: Emulator) -> None:
    listed = {each["name"]: each for each in site.console("GET", "switches")["switches"]}
    assert set(listed) == set(switches.BY_NAME)
    assert listed["vat_wipe"]["value"] is True
    for wrong in (
        {"nonsense": 1},
        {"vat_wipe": "perhaps"},
        {"list_lag_ms": -1},
        {"webhook_drop": 2},
        {"on_means": "x"},
    ):
        answer = site.console("POST", "switches", {"rate_limit_per_min": 7, **wrong}, status=400)
        assert next(iter(wrong)) in answer["errors"][0]
    after = {each["name"]: each["value"] for each in site.console("GET", "switches")["switches"]}
    assert after["rate_limit_per_min"] == 0


def test_the_readme_lists_the_switches_as_they_are() -> None:
    readme = Path(switches.__file__).with_name("README.md").read_text("utf-8")
    assert switches.markdown() in readme


@pytest.mark.parametrize(
    ("switch", "value", "expected"),
    [("customer_id_reuse", "off", 400), ("customer_id_reuse", "on", 200)],
)
def test_reuse_of_a_deleted_customers_id_is_a_switch(
    site: Emulator, switch: str, value: str, expected: int
) -> None:
    site.switch(customer_delete_delay_s=0, **{switch: value})
    site.post("customers", {"id": "c"})
    site.post("customers/c/delete")
    assert site.post("customers", {"id": "c"}).status_code == expected


def test_a_delete_may_answer_as_if_nothing_had_happened_yet(site: Emulator) -> None:
    site.switch(customer_delete_answer="unchanged")
    site.post("customers", {"id": "c"})
    assert site.post("customers/c/delete").json()["customer"]["deleted"] is False


def test_a_deleted_record_may_stay_readable(site: Emulator) -> None:
    site.switch(retrieve_deleted="record", customer_delete_delay_s=0, deleted_items_in_list="always")
    site.post("customers", {"id": "c"})
    site.post("customers/c/delete")
    site.post("item_families", {"id": "f", "name": "F"})
    site.post("item_families/f/delete")
    assert site.get("customers/c").json()["customer"]["deleted"] is True
    assert site.get("item_families").json()["list"][0]["item_family"]["status"] == "deleted"


def test_zip_rules_vat_wipe_and_metadata_limits_can_be_off(site: Emulator) -> None:
    site.switch(zip_rules="off", vat_wipe="off", item_metadata_max=10)
    assert (
        site.post("customers", {"id": "c", "vat_number": "1", "billing_address[country]": "DE"}).status_code
        == 200
    )
    info = {"billing_address[country]": "DE", "billing_address[zip]": "1"}
    assert site.post("customers/c/update_billing_info", info).json()["customer"]["vat_number"] == "1"
    site.post("item_families", {"id": "f", "name": "F"})
    item = {"id": "i", "name": "I", "type": "charge", "item_family_id": "f", "metadata": '{"a": "bcdef"}'}
    assert site.post("items", item).json()["param"] == "metadata"
    site.switch(item_metadata_max=0)
    assert site.post("items", item).status_code == 200


def test_silenced_events_have_the_switched_status(site: Emulator) -> None:
    site.switch(silenced_webhook_status="disabled")
    site.post("customers", {"id": "c"}, chargebee_event_webhook="all-disabled")
    assert site.sdk.Event.list().list[0].event.webhook_status == "disabled"


def test_a_server_that_is_killed_and_started_again_has_lost_nothing(tmp_path: Path) -> None:
    options = ["--key", "k1:first_key", "--key", "k2", "--switch", "rate_limit_per_min=0", "--seed", "7"]
    options += ["--custom-field", "customer:cf_size:long", "--switch", "customer_delete_delay_s=0"]
    with launch.start("chargebee", tmp_path / "site.db", options=options) as server:
        sdk = Chargebee("k2", "127", chargebee_domain=server.url.removeprefix("http://127."), protocol="http")
        sdk.Customer.create({"id": "c", "cf_size": 3}, {"chargebee-idempotency-key": "once"})
        version = sdk.Customer.update("c", {"first_name": "Ida"}).customer.resource_version
        server.console("POST", "settings", {"custom_fields": {"customer": [{"name": "cf_later"}]}})
        assert server.counters()["writes"] == 2
        server.kill()
    with launch.start("chargebee", tmp_path / "site.db", options=options) as server:
        sdk = Chargebee("k2", "127", chargebee_domain=server.url.removeprefix("http://127."), protocol="http")
        assert sdk.Customer.retrieve("c").customer.first_name == "Ida"
        again = sdk.Customer.create({"id": "c", "cf_size": 3}, {"chargebee-idempotency-key": "once"})
        assert again.is_idempotency_replayed
        assert sdk.Customer.update("c", {"cf_later": "x"}).customer.resource_version > version
        users = [entry.event.user for entry in sdk.Event.list().list]
        assert users == ["key_2"] * 3


def test_a_wrong_switch_on_the_command_line_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(launch.SandboxError) as caught:
        launch.start("chargebee", tmp_path / "site.db", options=["--switch", "nonsense=1"])
    assert "nonsense" in (tmp_path / "site.log").read_text("utf-8")
    assert "was not started" in str(caught.value)
