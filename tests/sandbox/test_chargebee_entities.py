"""Business entities: what the API does not offer, contexts, and transfers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chargebee import InvalidRequestError

from .chargebee_site import NOON, Emulator, emulator


@pytest.fixture
def site() -> Iterator[Emulator]:
    with emulator() as running:
        running.freeze()
        for entity_id, name in (("be_Nord01", "Nord"), ("be_Sued02", "Süd")):
            running.console("POST", "business_entities", {"id": entity_id, "name": name})
        yield running


TRANSFER = {
    "active_resource_ids": ["ERP-C-1001"],
    "destination_business_entity_ids": ["be_Sued02"],
    "resource_types": ["customer"],
    "reason_codes": ["correction"],
}


@pytest.mark.parametrize("path", ["business_entities", "business_entities/be_Nord01"])
def test_the_api_neither_lists_nor_reads_nor_makes_entities(site: Emulator, path: str) -> None:
    for answer in (site.get(path), site.post(path, {"name": "x"})):
        assert (answer.status_code, answer.json()["api_error_code"]) == (404, "resource_not_found")


def test_an_entity_is_known_by_its_events_only(site: Emulator) -> None:
    site.advance(40)
    site.console("PATCH", "business_entities/be_Nord01", {"name": "Nord & Ost", "status": "inactive"})
    site.console("DELETE", "business_entities/be_Sued02")
    events = [entry.event for entry in site.sdk.Event.list({"sort_by": {"asc": "occurred_at"}}).list]
    assert [event.event_type for event in events] == [
        "business_entity_created",
        "business_entity_created",
        "business_entity_updated",
        "business_entity_deleted",
    ]
    assert {(event.source, event.user) for event in events} == {("admin_console", "admin@acme.test")}
    entity = events[2].content["business_entity"]
    assert entity.pop("resource_version") // 1000 == NOON + 40
    assert entity == {
        "id": "be_Nord01",
        "name": "Nord & Ost",
        "status": "inactive",
        "deleted": False,
        "created_at": NOON,
        "updated_at": NOON + 40,
        "object": "business_entity",
    }
    assert events[3].content["business_entity"]["deleted"] is True


def test_a_site_has_at_most_thirty(site: Emulator) -> None:
    for number in range(28):
        site.console("POST", "business_entities", {"name": f"E{number}"})
    answer = site.console("POST", "business_entities", {"name": "One more"}, status=400)
    assert answer["api_error_code"] == "resource_limit_exceeded"


def test_a_customer_without_an_entity_lands_in_the_first_one(site: Emulator) -> None:
    assert site.sdk.Customer.create({"id": "c"}).customer.business_entity_id == "be_Nord01"


def test_the_header_puts_a_new_customer_into_its_entity_and_must_agree_with_the_parameter(
    site: Emulator,
) -> None:
    context = {"chargebee-business-entity-id": "be_Sued02"}
    assert site.sdk.Customer.create({"id": "c"}, context).customer.business_entity_id == "be_Sued02"
    with pytest.raises(InvalidRequestError) as caught:
        site.sdk.Customer.create({"id": "d", "business_entity_id": "be_Nord01"}, context)
    assert caught.value.param == "business_entity_id"


def test_an_inactive_entity_takes_no_customers(site: Emulator) -> None:
    site.console("PATCH", "business_entities/be_Sued02", {"status": "inactive"})
    with pytest.raises(InvalidRequestError) as caught:
        site.sdk.Customer.create({"business_entity_id": "be_Sued02"})
    assert caught.value.api_error_code == "invalid_state_for_request"


def test_in_the_wrong_context_a_customer_is_not_found_and_in_no_list(site: Emulator) -> None:
    site.post("customers", {"id": "c", "business_entity_id": "be_Nord01"})
    wrong, right = ({"chargebee_business_entity_id": each} for each in ("be_Sued02", "be_Nord01"))
    answers = [
        site.get("customers/c", **wrong),
        site.post("customers/c", {"first_name": "x"}, **wrong),
        site.post("customers/c/delete", **wrong),
        site.post("customers/c/update_billing_info", {"vat_number": "1"}, **wrong),
    ]
    assert [(answer.status_code, answer.json()["api_error_code"]) for answer in answers] == [
        (404, "resource_not_found")
    ] * 4
    assert answers[0].json() == {
        "message": "c not found",
        "type": "invalid_request",
        "api_error_code": "resource_not_found",
        "param": "customer_id",
        "error_code": "resource_not_found",
        "error_msg": "c not found",
        "http_status_code": 404,
    }
    assert site.get("customers", **wrong).json()["list"] == []
    assert site.get("customers/c", **right).status_code == 200
    assert site.ids("customers", {"business_entity_id[is]": "be_Nord01"}) == ["c"]


def test_a_transfer_keeps_the_id_and_leaves_the_history_with_the_old_copy(site: Emulator) -> None:
    site.post("customers", {"id": "ERP-C-1001", "first_name": "Ida"})
    invoice = {"id": "i", "customer_id": "ERP-C-1001", "date": str(NOON), "total": "0"}
    site.post("invoices/import_invoice", invoice)
    site.advance(10)
    transfer = site.sdk.BusinessEntity.create_transfers(TRANSFER).business_entity_transfer
    old_id = transfer.resource_id
    assert transfer.raw_data == {
        "id": "bet_1",
        "resource_type": "customer",
        "resource_id": old_id,
        "active_resource_id": "ERP-C-1001",
        "destination_business_entity_id": "be_Sued02",
        "source_business_entity_id": "be_Nord01",
        "reason_code": "correction",
        "created_at": NOON + 10,
        "object": "business_entity_transfer",
    }
    active = site.sdk.Customer.retrieve("ERP-C-1001").customer
    assert (active.business_entity_id, active.active_id, active.first_name) == (
        "be_Sued02",
        "ERP-C-1001",
        "Ida",
    )
    old = site.sdk.Customer.retrieve(old_id).customer
    assert (old.business_entity_id, old.active_id) == ("be_Nord01", "ERP-C-1001")
    assert site.ids("customers", {"include_deleted": "true"}) == ["ERP-C-1001"]
    assert site.sdk.Invoice.retrieve("i").invoice.customer_id == old_id
    assert site.event_types()[-1] == "customer_business_entity_changed"
    listed = site.sdk.BusinessEntity.get_transfers({"active_resource_id": {"is": "ERP-C-1001"}}).list
    assert [entry.business_entity_transfer.raw_data for entry in listed] == [transfer.raw_data]


def test_a_customer_is_transferred_three_times_a_year(site: Emulator) -> None:
    site.post("customers", {"id": "ERP-C-1001"})
    for destination in ("be_Sued02", "be_Nord01", "be_Sued02"):
        site.sdk.BusinessEntity.create_transfers(
            {**TRANSFER, "destination_business_entity_ids": [destination]}
        )
    back = {**TRANSFER, "destination_business_entity_ids": ["be_Nord01"]}
    with pytest.raises(InvalidRequestError) as caught:
        site.sdk.BusinessEntity.create_transfers(back)
    assert caught.value.api_error_code == "resource_limit_exceeded"
    site.advance(366 * 86_400)
    site.sdk.BusinessEntity.create_transfers(back)
    assert site.sdk.Customer.retrieve("ERP-C-1001").customer.business_entity_id == "be_Nord01"


def test_a_transfer_is_refused_within_a_context_or_with_bad_parameters(site: Emulator) -> None:
    site.post("customers", {"id": "ERP-C-1001"})
    refusals = {
        "reason_codes[0]": {"reason_codes": ["wish"]},
        "resource_types[0]": {"resource_types": ["subscription"]},
        "active_resource_ids[0]": {"active_resource_ids": ["x"]},
        "destination_business_entity_ids[0]": {"destination_business_entity_ids": ["be_Nord01"]},
    }
    for param, change in refusals.items():
        with pytest.raises(InvalidRequestError) as caught:
            site.sdk.BusinessEntity.create_transfers({**TRANSFER, **change})
        assert caught.value.param == param
    with pytest.raises(InvalidRequestError):
        site.sdk.BusinessEntity.create_transfers(TRANSFER, {"chargebee-business-entity-id": "be_Nord01"})
    assert site.sdk.Customer.retrieve("ERP-C-1001").customer.business_entity_id == "be_Nord01"
