"""Invoices and orders, through the official SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chargebee import InvalidRequestError

from .chargebee_site import NOON, Emulator, emulator

KIEL = {"line1": "Hafenweg 5", "city": "Kiel", "country": "DE", "zip": "24103"}
LINE = {
    "description": "Sensor 4711",
    "unit_amount": 1990,
    "quantity": 2,
    "amount": 3980,
    "entity_type": "charge_item_price",
    "entity_id": "SKU-4711-EUR",
}
INVOICE = {
    "id": "ERP-INV-77",
    "customer_id": "ERP-C-1001",
    "currency_code": "EUR",
    "date": 1_763_800_000,
    "total": 3980,
    "status": "payment_due",
    "line_items": [LINE],
}
ORDER = {
    "id": "erp-SO-5001",
    "invoice_id": "ERP-INV-77",
    "customer_id": "ERP-C-1001",
    "status": "queued",
    "created_at": 1_763_800_000,
    "order_date": 1_763_800_000,
    "shipping_date": 1_764_000_000,
    "reference_id": "SO-5001",
    "shipping_address": KIEL,
}


@pytest.fixture
def site() -> Iterator[Emulator]:
    with emulator() as running:
        running.freeze()
        running.switch(auto_orders="off")
        running.console("POST", "business_entities", {"id": "be_Nord01", "name": "Nord"})
        running.post("customers", {"id": "ERP-C-1001", "billing_address[city]": "Kiel"})
        running.post("item_families", {"id": "erp", "name": "ERP"})
        item = {"id": "SKU-4711", "name": "Sensor", "type": "charge", "item_family_id": "erp"}
        running.post("items", {**item, "is_shippable": "true"})
        price = {"id": "SKU-4711-EUR", "name": "Sensor EUR", "item_id": "SKU-4711", "price": "1990"}
        running.post("item_prices", {**price, "accounting_detail[sku]": "4711"})
        yield running


def refused(call: object, *args: object) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        call(*args)  # type: ignore[operator]
    return caught.value


def imported(site: Emulator, **changes: Any) -> dict[str, Any]:
    site.sdk.Invoice.import_invoice(INVOICE)
    order: dict[str, Any] = site.sdk.Order.import_order({**ORDER, **changes}).order.raw_data
    return order


def test_an_imported_order_has_the_documented_shape_with_lines_from_its_invoice(site: Emulator) -> None:
    order = imported(site)
    line = order["order_line_items"][0]
    assert line.pop("id").startswith("oli_")
    assert line.pop("invoice_line_item_id").startswith("li_")
    assert order.pop("resource_version") // 1000 == NOON
    assert order == {
        "id": "erp-SO-5001",
        "document_number": "erp-SO-5001",
        "invoice_id": "ERP-INV-77",
        "customer_id": "ERP-C-1001",
        "status": "queued",
        "payment_status": "not_paid",
        "order_type": "system_generated",
        "price_type": "tax_exclusive",
        "reference_id": "SO-5001",
        "order_date": 1_763_800_000,
        "shipping_date": 1_764_000_000,
        "created_by": "sync_key",
        "tax": 0,
        "amount_paid": 0,
        "amount_adjusted": 0,
        "refundable_credits_issued": 0,
        "refundable_credits": 0,
        "rounding_adjustement": 0,
        "created_at": 1_763_800_000,
        "status_update_at": NOON,
        "updated_at": NOON,
        "is_resent": False,
        "deleted": False,
        "currency_code": "EUR",
        "discount": 0,
        "sub_total": 3980,
        "total": 3980,
        "is_gifted": False,
        "business_entity_id": "be_Nord01",
        "object": "order",
        "order_line_items": [
            {
                "invoice_id": "ERP-INV-77",
                "unit_price": 1990,
                "description": "Sensor 4711",
                "amount": 3980,
                "fulfillment_quantity": 2,
                "fulfillment_amount": 3980,
                "tax_amount": 0,
                "amount_paid": 0,
                "amount_adjusted": 0,
                "refundable_credits_issued": 0,
                "refundable_credits": 0,
                "is_shippable": True,
                "sku": "4711",
                "status": "queued",
                "entity_type": "charge_item_price",
                "discount_amount": 0,
                "item_level_discount_amount": 0,
                "entity_id": "SKU-4711-EUR",
                "object": "order_line_item",
            }
        ],
        "shipping_address": {**KIEL, "validation_status": "not_validated", "object": "shipping_address"},
        "billing_address": {
            "city": "Kiel",
            "validation_status": "not_validated",
            "object": "billing_address",
        },
        "line_item_taxes": [],
        "line_item_discounts": [],
        "linked_credit_notes": [],
        "resent_orders": [],
    }


def test_an_order_needs_an_invoice_that_exists(site: Emulator) -> None:
    error = refused(site.sdk.Order.import_order, ORDER)
    assert (error.http_status_code, error.param) == (404, "invoice_id")


@pytest.mark.parametrize("name", ["invoice_id", "status", "order_date", "shipping_date", "created_at"])
def test_an_import_needs_its_five_parameters(site: Emulator, name: str) -> None:
    error = refused(site.sdk.Order.import_order, {key: value for key, value in ORDER.items() if key != name})
    assert error.param == name


def test_an_import_takes_no_legacy_status(site: Emulator) -> None:
    site.sdk.Invoice.import_invoice(INVOICE)
    assert refused(site.sdk.Order.import_order, {**ORDER, "status": "processing"}).param == "status"


def test_an_order_has_no_custom_fields_and_limits_its_texts(site: Emulator) -> None:
    site.sdk.Invoice.import_invoice(INVOICE)
    assert refused(site.sdk.Order.import_order, {**ORDER, "cf_erp_id": "1"}).param == "cf_erp_id"
    assert refused(site.sdk.Order.import_order, {**ORDER, "note": "x" * 601}).param == "note"
    assert refused(site.sdk.Order.import_order, {**ORDER, "id": "x" * 41}).param == "id"


def test_a_late_retry_with_the_same_id_is_a_duplicate_entry(site: Emulator) -> None:
    imported(site)
    assert refused(site.sdk.Order.import_order, ORDER).api_error_code == "duplicate_entry"


def test_orders_cannot_be_made_freely_unless_the_switch_says_so(site: Emulator) -> None:
    site.sdk.Invoice.import_invoice(INVOICE)
    sent = {"id": "o", "invoice_id": "ERP-INV-77", "status": "new"}
    assert refused(site.sdk.Order.create, sent).api_error_code == "configuration_incompatible"
    site.switch(legacy_orders="on")
    assert site.sdk.Order.create(sent).order.order_type == "manual"


def test_a_shippable_line_makes_an_order_by_itself_and_an_adhoc_line_does_not(site: Emulator) -> None:
    site.switch(auto_orders="at_once")
    lines = [LINE, {"description": "Setup", "amount": 100, "quantity": 1}]
    site.sdk.Invoice.import_invoice({**INVOICE, "total": 4080, "line_items": lines})
    found = site.sdk.Order.orders_for_invoice("ERP-INV-77", {"limit": 10}).list
    assert [[line.description for line in entry.order.order_line_items] for entry in found] == [
        ["Sensor 4711"]
    ]
    site.sdk.Invoice.import_invoice({**INVOICE, "id": "i2", "total": 100, "line_items": lines[1:]})
    assert site.sdk.Order.orders_for_invoice("i2", {"limit": 10}).list == []
    assert site.event_types()[-3:] == ["invoice_generated", "order_created", "invoice_generated"]


def test_an_order_may_also_wait_for_the_payment(site: Emulator) -> None:
    site.switch(auto_orders="when_paid")
    site.sdk.Invoice.import_invoice(INVOICE)
    assert site.ids("orders") == []
    site.console("PATCH", "invoices/ERP-INV-77", {"status": "paid"})
    found = site.get("invoices/ERP-INV-77/orders").json()["list"]
    assert [(entry["order"]["payment_status"], entry["order"]["paid_on"]) for entry in found] == [
        ("paid", NOON)
    ]


def test_paying_an_invoice_shows_on_its_order(site: Emulator) -> None:
    imported(site)
    site.console("PATCH", "invoices/ERP-INV-77", {"status": "paid"})
    order = site.sdk.Order.retrieve("erp-SO-5001").order
    assert (order.payment_status, order.paid_on, order.amount_paid) == ("paid", NOON, 3980)


def test_an_update_moves_status_and_lines_and_keeps_prices(site: Emulator) -> None:
    line_id = imported(site)["order_line_items"][0]["id"]
    site.advance(5)
    changed = site.sdk.Order.update(
        "erp-SO-5001",
        {
            "status": "shipped",
            "shipped_at": 1_763_900_000,
            "tracking_id": "TRK9",
            "shipment_carrier": "DHL",
            "order_line_items": [{"id": line_id, "status": "shipped", "sku": "4711-B"}],
        },
    ).order
    assert (changed.status, changed.status_update_at, changed.shipped_at) == (
        "shipped",
        NOON + 5,
        1_763_900_000,
    )
    line = changed.order_line_items[0]
    assert (line.status, line.sku, line.amount) == ("shipped", "4711-B", 3980)


def test_what_an_update_cannot_change_stays(site: Emulator) -> None:
    imported(site)
    sent = {"total": "1", "customer_id": "other", "billing_address[city]": "Ulm", "created_at": "1763800001"}
    changed = site.post("orders/erp-SO-5001", {**sent, "note": "x"}).json()["order"]
    assert (changed["total"], changed["customer_id"], changed["created_at"]) == (
        3980,
        "ERP-C-1001",
        1_763_800_000,
    )
    assert (changed["billing_address"]["city"], changed["note"]) == ("Kiel", "x")


def test_a_line_is_named_by_an_id_that_exists_and_indices_have_no_gaps(site: Emulator) -> None:
    line_id = imported(site)["order_line_items"][0]["id"]
    assert refused(site.sdk.Order.update, "erp-SO-5001", {"order_line_items": [{"id": "x"}]}).param
    gap = {"order_line_items[id][1]": line_id, "order_line_items[status][1]": "shipped"}
    assert site.post("orders/erp-SO-5001", gap).json()["api_error_code"] == "param_wrong_value"
    nameless = {"order_line_items[status][0]": "shipped"}
    assert site.post("orders/erp-SO-5001", nameless).json()["param"] == "order_line_items[id][0]"


def test_delivery_and_return_raise_events_of_their_own(site: Emulator) -> None:
    imported(site)
    site.sdk.Order.update("erp-SO-5001", {"status": "delivered", "delivered_at": NOON})
    site.sdk.Order.update("erp-SO-5001", {"status": "returned"})
    site.sdk.Order.update("erp-SO-5001", {"note": "x"})
    events = ["order_updated", "order_delivered", "order_updated", "order_returned", "order_updated"]
    assert site.event_types()[-5:] == events
    site.switch(order_extra_events="off")
    site.sdk.Order.update("erp-SO-5001", {"status": "delivered"})
    assert site.event_types()[-2:] == ["order_updated", "order_updated"]


def test_strict_rules_refuse_a_step_back(site: Emulator) -> None:
    imported(site)
    site.sdk.Order.update("erp-SO-5001", {"status": "delivered"})
    site.sdk.Order.update("erp-SO-5001", {"status": "queued"})
    site.switch(order_status_rules="strict")
    error = refused(site.sdk.Order.update, "erp-SO-5001", {"status": "delivered"})
    assert error.api_error_code == "invalid_state_for_request"
    site.sdk.Order.update("erp-SO-5001", {"status": "shipped"})
    assert site.sdk.Order.update("erp-SO-5001", {"status": "delivered"}).order.status == "delivered"


def test_a_cancelled_order_has_a_credit_note_and_cannot_be_cancelled_again(site: Emulator) -> None:
    imported(site)
    assert refused(site.sdk.Order.cancel, "erp-SO-5001", {"comment": "x"}).param == "cancellation_reason"
    sent = {"cancellation_reason": "product_not_required", "comment": "ERP cancel"}
    order = site.sdk.Order.cancel("erp-SO-5001", sent).order
    assert (order.status, order.cancellation_reason, order.cancelled_at) == (
        "cancelled",
        "product_not_required",
        NOON,
    )
    note = {"id": "CN-1", "type": "refundable", "status": "refund_due", "amount": 3980}
    assert order.raw_data["linked_credit_notes"] == [{**note, "object": "linked_credit_note"}]
    assert refused(site.sdk.Order.cancel, "erp-SO-5001", sent).http_status_code == 409
    site.switch(cancelled_again="accept")
    assert len(site.sdk.Order.cancel("erp-SO-5001", sent).order.linked_credit_notes) == 2


def test_writing_cancelled_by_an_update_makes_no_credit_note(site: Emulator) -> None:
    imported(site)
    order = site.sdk.Order.update("erp-SO-5001", {"status": "cancelled"}).order
    assert (order.status, order.linked_credit_notes) == ("cancelled", [])


def test_only_a_cancelled_order_is_reopened(site: Emulator) -> None:
    imported(site)
    assert refused(site.sdk.Order.reopen, "erp-SO-5001").http_status_code == 409
    site.sdk.Order.cancel("erp-SO-5001", {"cancellation_reason": "others"})
    order = site.sdk.Order.reopen("erp-SO-5001", {"void_cancellation_credit_notes": True}).order
    assert (order.status, order.cancellation_reason) == ("queued", None)
    assert order.linked_credit_notes[0].status == "voided"


def test_only_imported_orders_are_deleted(site: Emulator) -> None:
    site.switch(auto_orders="at_once")
    imported(site)
    own = next(record_id for record_id in site.ids("orders") if record_id != "erp-SO-5001")
    assert refused(site.sdk.Order.delete, own).http_status_code == 409
    assert site.sdk.Order.delete("erp-SO-5001").order.deleted is True
    assert site.ids("orders") == [own]
    assert set(site.ids("orders", {"include_deleted": "true"})) == {own, "erp-SO-5001"}
    site.switch(refused_delete="400")
    assert refused(site.sdk.Order.delete, own).http_status_code == 400


def test_orders_cannot_be_found_by_reference_id(site: Emulator) -> None:
    imported(site)
    found = site.sdk.Order.list({"reference_id": {"is": "nothing like it"}}).list
    assert [entry.order.id for entry in found] == ["erp-SO-5001"]
    assert [entry.order.id for entry in site.sdk.Order.list({"status": {"is_not": "queued"}}).list] == []


def test_an_order_number_is_assigned(site: Emulator) -> None:
    imported(site)
    assert site.sdk.Order.assign_order_number("erp-SO-5001").order.document_number == "ORD-1"


def test_an_invoice_needs_a_customer_and_prices_that_exist(site: Emulator) -> None:
    nobody = {key: value for key, value in INVOICE.items() if key != "customer_id"}
    assert refused(site.sdk.Invoice.import_invoice, nobody).param == "customer_id"
    error = refused(site.sdk.Invoice.import_invoice, {**INVOICE, "customer_id": "x"})
    assert (error.http_status_code, error.param) == (404, "customer_id")
    error = refused(site.sdk.Invoice.import_invoice, {**INVOICE, "line_items": [{**LINE, "entity_id": "x"}]})
    assert error.param == "line_items[entity_id][0]"
    error = refused(site.sdk.Invoice.import_invoice, {**INVOICE, "line_items": [{"amount": 1}]})
    assert error.param == "line_items[description][0]"
    assert refused(site.sdk.Invoice.import_invoice, {**INVOICE, "total": None}).param == "total"


def test_an_invoice_is_paid_by_its_payments(site: Emulator) -> None:
    unstated = {key: value for key, value in INVOICE.items() if key != "status"}
    part = {**unstated, "id": "part", "payments": [{"amount": 980, "payment_method": "cash"}]}
    full = {**unstated, "id": "full", "payments": [{"amount": 3980, "payment_method": "bank_transfer"}]}
    for sent, status, due in ((part, "payment_due", 3000), (full, "paid", 0)):
        invoice = site.sdk.Invoice.import_invoice(sent).invoice
        assert (invoice.status, invoice.amount_due) == (status, due)
    assert site.sdk.Invoice.retrieve("full").invoice.line_items[0].entity_id == "SKU-4711-EUR"
    found = site.sdk.Invoice.list({"status": {"is": "paid"}, "customer_id": {"is": "ERP-C-1001"}}).list
    assert [entry.invoice.id for entry in found] == ["full"]


def test_the_taxes_of_an_invoice_show_on_its_order(site: Emulator) -> None:
    line = {**LINE, "tax1_name": "VAT", "tax1_amount": 756}
    site.sdk.Invoice.import_invoice({**INVOICE, "total": 4736, "line_items": [line]})
    order = site.sdk.Order.import_order(ORDER).order
    assert (order.sub_total, order.tax, order.total) == (3980, 756, 4736)
    assert order.order_line_items[0].tax_amount == 756
    tax = order.line_item_taxes[0]
    assert (tax.line_item_id, tax.tax_name, tax.tax_amount) == (
        order.order_line_items[0].invoice_line_item_id,
        "VAT",
        756,
    )
    assert tax.tax_rate == 18.99


def test_a_tax_has_the_rate_that_the_import_states_for_its_name(site: Emulator) -> None:
    lines = [
        {**LINE, "tax1_name": "VAT", "tax1_amount": 995, "tax2_name": "Local", "tax2_amount": 353},
        {"description": "Free cable", "amount": 0, "tax1_name": "VAT", "tax1_amount": 0},
        {"description": "Book", "amount": 100},
    ]
    taxes = [
        {"name": "VAT", "rate": 25, "description": "mva"},
        {"name": "Local", "rate": 8.875, "amount": 353},
    ]
    sent = {**INVOICE, "total": 5428, "line_items": lines, "taxes": taxes}
    invoice = site.sdk.Invoice.import_invoice(sent).invoice
    order = site.sdk.Order.import_order(ORDER).order
    assert [(tax.name, tax.amount, tax.description) for tax in invoice.taxes] == [
        ("VAT", 995, "mva"),
        ("Local", 353, None),
    ]
    assert [line.tax_amount for line in order.order_line_items] == [1348, 0, 0]
    assert (order.sub_total, order.tax, order.total) == (4080, 1348, 5428)
    ids = [line.invoice_line_item_id for line in order.order_line_items]
    assert [
        (ids.index(tax.line_item_id), tax.tax_name, tax.tax_rate, tax.tax_amount)
        for tax in order.line_item_taxes
    ] == [(0, "VAT", 25.0, 995), (0, "Local", 8.875, 353), (1, "VAT", 25.0, 0)]


@pytest.mark.parametrize("rate", ["-1", "100.5", "nan", "25%", "1e1"])
def test_a_tax_rate_is_a_percentage(site: Emulator, rate: str) -> None:
    error = refused(site.sdk.Invoice.import_invoice, {**INVOICE, "taxes": [{"name": "VAT", "rate": rate}]})
    assert error.param == "taxes[rate][0]"


def test_an_order_without_an_id_gets_the_next_number(site: Emulator) -> None:
    site.sdk.Invoice.import_invoice(INVOICE)
    nameless = {key: value for key, value in ORDER.items() if key != "id"}
    made = [site.sdk.Order.import_order(nameless).order.id for _ in range(2)]
    assert made == ["1", "2"]


def test_a_resent_order_is_a_new_one_that_names_its_original(site: Emulator) -> None:
    line_id = imported(site)["order_line_items"][0]["id"]
    part = {"order_line_items": [{"id": line_id, "fulfillment_quantity": 1}], "resend_reason": "broken"}
    copy = site.sdk.Order.resend("erp-SO-5001", part).order
    assert (copy.original_order_id, copy.is_resent, copy.total, copy.status) == (
        "erp-SO-5001",
        True,
        1990,
        "queued",
    )
    assert copy.reference_id is None
    original = site.sdk.Order.retrieve("erp-SO-5001").order
    assert (original.resent_status, original.resent_orders[0].order_id) == ("partially_resent", copy.id)
    found = site.sdk.Order.list({"original_order_id": {"is": "erp-SO-5001"}}).list
    assert [entry.order.id for entry in found] == [copy.id]
    assert site.event_types()[-2:] == ["order_created", "order_resent"]
    for _ in range(4):
        site.sdk.Order.resend("erp-SO-5001")
    assert refused(site.sdk.Order.resend, "erp-SO-5001").api_error_code == "resource_limit_exceeded"
