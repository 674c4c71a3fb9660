"""Customers and their contacts, through the official SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from chargebee import InvalidRequestError

from instep.sandbox.chargebee import CustomField, Settings

from .chargebee_site import NOON, Emulator, emulator

KIEL = {"line1": "Hafenweg 3", "city": "Kiel", "zip": "24103", "country": "DE"}


@pytest.fixture
def site() -> Iterator[Emulator]:
    with emulator() as running:
        yield running


def refused(call: object, *args: object) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        call(*args)  # type: ignore[operator]
    return caught.value


def test_a_created_customer_has_the_documented_shape(site: Emulator) -> None:
    site.console("POST", "business_entities", {"id": "be_Nord01", "name": "Nord"})
    made = site.sdk.Customer.create(
        {
            "id": "ERP-C-1001",
            "first_name": "Ida",
            "last_name": "Kern",
            "email": "ida.kern@example.test",
            "company": "Kern GmbH",
            "business_entity_id": "be_Nord01",
            "auto_collection": "off",
            "cf_erp_id": "1001",
            "meta_data": json.dumps({"erp_rev": 7}),
            "billing_address": KIEL,
        }
    ).customer.raw_data
    version = made.pop("resource_version")
    second = made.pop("updated_at")
    assert version // 1000 == second == made.pop("created_at")
    assert made == {
        "id": "ERP-C-1001",
        "first_name": "Ida",
        "last_name": "Kern",
        "email": "ida.kern@example.test",
        "company": "Kern GmbH",
        "auto_collection": "off",
        "net_term_days": 0,
        "allow_direct_debit": False,
        "taxability": "taxable",
        "pii_cleared": "active",
        "channel": "web",
        "deleted": False,
        "object": "customer",
        "billing_address": {**KIEL, "validation_status": "not_validated", "object": "billing_address"},
        "card_status": "no_card",
        "business_entity_id": "be_Nord01",
        "promotional_credits": 0,
        "refundable_credits": 0,
        "excess_payments": 0,
        "unbilled_charges": 0,
        "preferred_currency_code": "EUR",
        "meta_data": {"erp_rev": 7},
        "cf_erp_id": "1001",
    }
    assert site.sdk.Customer.retrieve("ERP-C-1001").customer.raw_data["meta_data"] == {"erp_rev": 7}


def test_a_customer_without_an_id_gets_one(site: Emulator) -> None:
    made = site.sdk.Customer.create({"first_name": "Ida"}).customer
    assert site.sdk.Customer.retrieve(made.id).customer.first_name == "Ida"


def test_a_taken_id_is_a_duplicate_entry_on_the_id(site: Emulator) -> None:
    site.sdk.Customer.create({"id": "ERP-C-1001"})
    error = refused(site.sdk.Customer.create, {"id": "ERP-C-1001"})
    assert error.json_obj == {
        "message": "id: The value ERP-C-1001 is already present.",
        "type": "invalid_request",
        "api_error_code": "duplicate_entry",
        "param": "id",
        "error_code": "param_not_unique",
        "error_msg": "The value ERP-C-1001 is already present.",
        "error_param": "id",
        "http_status_code": 400,
    }


def test_two_customers_may_share_an_e_mail_address(site: Emulator) -> None:
    for record_id in ("a", "b"):
        site.sdk.Customer.create({"id": record_id, "email": "ida@example.test"})
    found = site.sdk.Customer.list({"email": {"is": "IDA@example.test"}})
    assert {entry.customer.id for entry in found.list} == {"a", "b"}


def test_an_empty_parameter_clears_and_one_not_sent_is_left_alone(site: Emulator) -> None:
    site.freeze()
    site.sdk.Customer.create({"id": "c", "first_name": "Ida", "company": "Kern GmbH", "net_term_days": 30})
    site.advance(60)
    answer = site.sdk.Customer.update(
        "c", {"phone": "+49 431 555010", "company": None, "net_term_days": None}
    )
    changed = answer.customer.raw_data
    assert "company" not in changed
    assert (changed["first_name"], changed["phone"], changed["net_term_days"]) == ("Ida", "+49 431 555010", 0)
    assert (changed["created_at"], changed["updated_at"]) == (NOON, NOON + 60)


def test_meta_data_is_replaced_as_a_whole(site: Emulator) -> None:
    site.sdk.Customer.create({"id": "c", "meta_data": json.dumps({"a": 1, "b": 2})})
    site.sdk.Customer.update("c", {"meta_data": json.dumps({"c": 3})})
    assert site.sdk.Customer.retrieve("c").customer.raw_data["meta_data"] == {"c": 3}


def test_meta_data_given_to_the_sdk_as_a_dict_is_refused_as_bad_json(site: Emulator) -> None:
    error = refused(site.sdk.Customer.create, {"id": "c", "meta_data": {"erp_rev": 7}})
    assert (error.api_error_code, error.param) == ("param_wrong_value", "meta_data")


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"first_name": "x" * 151}, "first_name"),
        ({"email": "x" * 60 + "@example.test"}, "email"),
        ({"email": "not an address"}, "email"),
        ({"phone": "1" * 51}, "phone"),
        ({"company": "x" * 251}, "company"),
        ({"id": "x" * 51}, "id"),
        ({"id": "a b"}, "id"),
        ({"auto_collection": "maybe"}, "auto_collection"),
        ({"net_term_days": -1}, "net_term_days"),
        ({"allow_direct_debit": "yes"}, "allow_direct_debit"),
        ({"preferred_currency_code": "EURO"}, "preferred_currency_code"),
        ({"billing_address": {"country": "Germany"}}, "billing_address[country]"),
        ({"billing_address": {"country": "UK"}}, "billing_address[country]"),
        ({"billing_address": {"country": "DE", "zip": "123"}}, "billing_address[zip]"),
        ({"billing_address": {"city": "x" * 51}}, "billing_address[city]"),
        ({"cf_unknown": "1"}, "cf_unknown"),
        ({"vat_number": "1" * 21}, "vat_number"),
        ({"meta_data": json.dumps({"x": "y" * 65_535})}, "meta_data"),
        ({"business_entity_id": "nowhere"}, "business_entity_id"),
    ],
)
def test_a_value_that_breaks_its_field_is_refused_and_nothing_is_made(
    site: Emulator, parameters: dict[str, object], param: str
) -> None:
    error = refused(site.sdk.Customer.create, {"first_name": "Ida", **parameters})
    assert (error.http_status_code, error.api_error_code, error.param) == (400, "param_wrong_value", param)
    assert site.ids("customers") == []


def test_northern_ireland_is_a_country(site: Emulator) -> None:
    made = site.sdk.Customer.create({"billing_address": {"country": "XI"}}).customer
    assert made.billing_address.country == "XI"


def test_a_state_code_names_the_state(site: Emulator) -> None:
    made = site.sdk.Customer.create({"billing_address": {"country": "US", "state_code": "CA"}}).customer
    assert made.billing_address.state == "California"


def test_a_plain_update_leaves_billing_address_vat_number_and_entity_alone(site: Emulator) -> None:
    site.console("POST", "business_entities", {"id": "be_1", "name": "Nord"})
    site.console("POST", "business_entities", {"id": "be_2", "name": "Süd"})
    site.sdk.Customer.create({"id": "c", "billing_address": KIEL, "vat_number": "DE1"})
    sent = {
        "billing_address[city]": "Ulm",
        "vat_number": "X",
        "business_entity_id": "be_2",
        "first_name": "I",
    }
    changed = site.post("customers/c", sent).json()["customer"]
    assert changed["billing_address"]["city"] == "Kiel"
    assert (changed["vat_number"], changed["business_entity_id"]) == ("DE1", "be_1")
    assert changed["first_name"] == "I"


def test_billing_info_replaces_the_address_and_wipes_a_vat_number_that_is_not_sent(site: Emulator) -> None:
    site.sdk.Customer.create({"id": "c", "billing_address": KIEL, "vat_number": "DE123456789"})
    answer = site.sdk.Customer.update_billing_info("c", {"billing_address": {"city": "Ulm", "country": "DE"}})
    address = {
        "city": "Ulm",
        "country": "DE",
        "validation_status": "not_validated",
        "object": "billing_address",
    }
    assert answer.customer.raw_data["billing_address"] == address
    assert "vat_number" not in answer.customer.raw_data


def test_billing_info_keeps_what_is_sent_along_and_what_it_does_not_cover(site: Emulator) -> None:
    site.sdk.Customer.create({"id": "c", "first_name": "Ida", "billing_address": KIEL})
    site.sdk.Customer.update_billing_info("c", {"vat_number": "DE1", "billing_address": KIEL})
    only_vat = site.sdk.Customer.update_billing_info("c", {"vat_number": "DE2"}).customer
    assert (only_vat.vat_number, only_vat.billing_address.city, only_vat.first_name) == ("DE2", "Kiel", "Ida")


def test_entity_identifiers_are_merged_until_one_is_deleted(site: Emulator) -> None:
    call = site.sdk.Customer.update_billing_info
    site.sdk.Customer.create({"id": "c"})
    call("c", {"entity_identifiers": [{"id": "one", "value": "1"}, {"id": "two", "value": "2"}]})
    call("c", {"entity_identifiers": [{"id": "two", "value": "22"}]})
    held = call("c", {"entity_identifiers": [{"id": "one", "operation": "delete"}]}).customer.raw_data
    assert [(each["id"], each["value"]) for each in held["entity_identifiers"]] == [("two", "22")]


def test_contacts_are_added_changed_and_deleted_and_each_touches_the_customer(site: Emulator) -> None:
    site.freeze()
    before = site.sdk.Customer.create({"id": "c"}).customer.resource_version
    call = {"contact": {"email": "ap@kern.test", "label": "AP", "enabled": True, "send_billing_email": True}}
    added = site.sdk.Customer.add_contact("c", call).customer
    contact = added.raw_data["contacts"][0]
    assert {**contact, "id": ""} == {
        "id": "",
        "email": "ap@kern.test",
        "label": "AP",
        "enabled": True,
        "send_account_email": False,
        "send_billing_email": True,
        "object": "contact",
    }
    changed = site.sdk.Customer.update_contact(
        "c", {"contact": {"id": contact["id"], "label": "Bills"}}
    ).customer
    assert changed.contacts[0].email == "ap@kern.test"
    assert changed.contacts[0].label == "Bills"
    listed = site.sdk.Customer.contacts_for_customer("c", {"limit": 10})
    assert [entry.contact.id for entry in listed.list] == [contact["id"]]
    gone = site.sdk.Customer.delete_contact("c", {"contact": {"id": contact["id"]}}).customer
    assert "contacts" not in gone.raw_data
    assert before < added.resource_version < changed.resource_version < gone.resource_version
    assert site.event_types() == ["customer_created", *["customer_changed"] * 3]


def test_a_contact_needs_an_address_and_has_to_exist(site: Emulator) -> None:
    site.sdk.Customer.create({"id": "c"})
    assert refused(site.sdk.Customer.add_contact, "c", {"contact": {"label": "x"}}).param == "contact[email]"
    error = refused(site.sdk.Customer.update_contact, "c", {"contact": {"id": "x", "label": "y"}})
    assert error.http_status_code == 404


def test_contacts_come_in_pages(site: Emulator) -> None:
    site.sdk.Customer.create({"id": "c"})
    for number in range(3):
        site.sdk.Customer.add_contact("c", {"contact": {"email": f"p{number}@kern.test"}})
    first = site.sdk.Customer.contacts_for_customer("c", {"limit": 2})
    second = site.sdk.Customer.contacts_for_customer("c", {"limit": 2, "offset": first.next_offset})
    assert [len(first.list), len(second.list), second.next_offset] == [2, 1, None]


def test_a_delete_takes_effect_later_and_takes_invoices_and_orders_with_it(site: Emulator) -> None:
    site.freeze()
    site.sdk.Customer.create({"id": "c"})
    invoice = {
        "id": "i",
        "customer_id": "c",
        "date": NOON,
        "total": 100,
        "line_items": [{"description": "x"}],
    }
    site.sdk.Invoice.import_invoice(invoice)
    order = {"id": "o", "invoice_id": "i", "status": "queued"}
    site.sdk.Order.import_order({**order, "order_date": NOON, "shipping_date": NOON, "created_at": NOON})
    assert site.sdk.Customer.delete("c", {"delete_payment_method": False}).customer.deleted is True
    assert site.sdk.Customer.retrieve("c").customer.deleted is False
    site.advance(121)
    assert refused(site.sdk.Customer.retrieve, "c").api_error_code == "resource_not_found"
    assert site.ids("customers") == []
    assert site.ids("customers", {"include_deleted": "true"}) == ["c"]
    assert site.ids("invoices") == site.ids("orders") == []
    assert site.event_types()[-3:] == ["order_deleted", "invoice_deleted", "customer_deleted"]


def test_a_deleted_customers_id_can_be_used_again(site: Emulator) -> None:
    site.switch(customer_delete_delay_s=0)
    site.sdk.Customer.create({"id": "c", "first_name": "Old"})
    site.sdk.Customer.delete("c")
    made = site.sdk.Customer.create({"id": "c", "first_name": "New"}).customer
    assert site.sdk.Customer.retrieve("c").customer.first_name == "New"
    site.sdk.Customer.update("c", {"phone": "1"})
    found = site.sdk.Customer.list({"include_deleted": True, "sort_by": {"asc": "created_at"}}).list
    assert [entry.customer.deleted for entry in found] == [True, False]
    assert made.deleted is False


def test_a_customer_in_a_hierarchy_cannot_be_deleted(site: Emulator) -> None:
    for record_id in ("parent", "child"):
        site.sdk.Customer.create({"id": record_id})
    site.sdk.Customer.relationships("child", {"parent_id": "parent"})
    for record_id in ("parent", "child"):
        assert refused(site.sdk.Customer.delete, record_id).http_status_code == 409
    found = site.sdk.Customer.list({"relationship": {"parent_id": {"is": "parent"}}})
    assert [entry.customer.id for entry in found.list] == ["child"]
    site.sdk.Customer.delete_relationship("child")
    assert site.sdk.Customer.delete("child").customer.id == "child"


def test_custom_fields_have_types_and_may_be_required() -> None:
    fields = (
        CustomField("cf_count", "long"),
        CustomField("cf_rate", "double"),
        CustomField("cf_at", "timestamp"),
        CustomField("cf_day", "date"),
        CustomField("cf_mail", "email"),
        CustomField("cf_Must", "string", required=True, max=5),
    )
    settings = Settings(switches={"rate_limit_per_min": 0}, custom_fields={"customer": fields})
    with emulator(settings) as site:
        assert refused(site.sdk.Customer.create, {"id": "c"}).param == "cf_Must"
        assert refused(site.sdk.Customer.create, {"id": "c", "cf_Must": "123456"}).param == "cf_Must"
        assert refused(site.sdk.Customer.create, {"cf_Must": "1", "cf_count": "x"}).param == "cf_count"
        sent = {"cf_Must": "1", "cf_count": 3, "cf_rate": "2.5", "cf_at": NOON, "cf_day": "2026-11-23"}
        made = site.sdk.Customer.create({"id": "c", **sent}).customer
        assert (made.cf_count, made.cf_rate, made.cf_at, made.cf_day) == (3, 2.5, NOON, "2026-11-23")
        assert refused(site.sdk.Customer.update, "c", {"cf_Must": ""}).param == "cf_Must"
        configs = [entry["custom_field_config"] for entry in site.get("custom_field_configs").json()["list"]]
        described = {config["api_name"]: (config["field_datatype"], config["required"]) for config in configs}
        assert described["cf_Must"] == ("string", True)
        assert described["cf_at"] == ("timestamp", False)


def test_versions_grow_even_within_one_millisecond(site: Emulator) -> None:
    site.freeze()
    versions = [site.sdk.Customer.create({"id": "c"}).customer.resource_version]
    for number in range(5):
        versions.append(site.sdk.Customer.update("c", {"phone": str(number)}).customer.resource_version)
    assert versions == [NOON * 1000 + number for number in range(6)]


def test_cleared_personal_data_is_blank_and_says_so(site: Emulator) -> None:
    site.freeze()
    site.sdk.Customer.create({"id": "c", "first_name": "Ida", "billing_address": KIEL, "cf_erp_id": "7"})
    assert site.sdk.Customer.clear_personal_data("c").customer.pii_cleared == "scheduled_for_clear"
    assert site.sdk.Customer.retrieve("c").customer.first_name == "Ida"
    site.advance(121)
    cleared = site.sdk.Customer.retrieve("c").customer.raw_data
    assert (cleared["pii_cleared"], cleared["cf_erp_id"]) == ("cleared", "7")
    assert "first_name" not in cleared
    assert "billing_address" not in cleared
