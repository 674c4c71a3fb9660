"""The emulator beside the official SDK's own declarations: parameters, words and attributes agree."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest
from chargebee.models.business_entity_transfer import responses as transfer_responses
from chargebee.models.customer import responses as customer_responses
from chargebee.models.customer.operations import Customer
from chargebee.models.event import responses as event_responses
from chargebee.models.invoice import responses as invoice_responses
from chargebee.models.invoice.operations import Invoice
from chargebee.models.item import responses as item_responses
from chargebee.models.item.operations import Item
from chargebee.models.item_family import responses as family_responses
from chargebee.models.item_family.operations import ItemFamily
from chargebee.models.item_price import responses as price_responses
from chargebee.models.item_price.operations import ItemPrice
from chargebee.models.order import responses as order_responses
from chargebee.models.order.operations import Order
from chargebee.models.webhook_endpoint import responses as endpoint_responses
from chargebee.models.webhook_endpoint.operations import WebhookEndpoint

from instep.sandbox.chargebee import catalog, customers, invoices, orders
from instep.sandbox.chargebee.fields import Field
from instep.sandbox.chargebee.lists import Listing
from instep.sandbox.chargebee.resends import RESEND
from instep.sandbox.chargebee.specs_catalog import ITEM, ITEM_FAMILY, ITEM_PRICE
from instep.sandbox.chargebee.specs_customer import CONTACT, CUSTOMER
from instep.sandbox.chargebee.specs_order import INVOICE, ORDER
from instep.sandbox.chargebee.webhooks import ENDPOINT

from .chargebee_site import NOON, emulator

# What the README says is not reproduced, and so is ignored like any unknown parameter.
PAYMENT = "card bank_account payment_method payment_intent token_id"
BUNDLES = "bundle_configuration bundle_items_to_add bundle_items_to_remove bundle_items_to_update"
PRICING = (
    "free_quantity_in_decimal price_variant_id proration_type tax_providers_fields tiers trial_end_action"
    " usage_accumulation_reset_frequency"
)
BOOKKEEPING = (
    "credit_note discounts has_advance_charges is_written_off line_item_addresses line_item_tiers notes"
    " payment_reference_numbers tax_override_reason use_for_proration write_off_amount write_off_date"
)

CALLS: list[tuple[Any, Any, Mapping[str, Field], str, str]] = [
    (Customer, Customer.CreateParams, CUSTOMER, "C", PAYMENT),
    (Customer, Customer.UpdateParams, CUSTOMER, "U", ""),
    (Customer, Customer.UpdateBillingInfoParams, CUSTOMER, "B", ""),
    (Customer, Customer.AddContactContactParams, CONTACT, "A", ""),
    (Customer, Customer.UpdateContactContactParams, CONTACT, "U", ""),
    (ItemFamily, ItemFamily.CreateParams, ITEM_FAMILY, "C", ""),
    (ItemFamily, ItemFamily.UpdateParams, ITEM_FAMILY, "U", ""),
    (Item, Item.CreateParams, ITEM, "C", BUNDLES),
    (Item, Item.UpdateParams, ITEM, "U", BUNDLES),
    (ItemPrice, ItemPrice.CreateParams, ITEM_PRICE, "C", PRICING),
    (ItemPrice, ItemPrice.UpdateParams, ITEM_PRICE, "U", PRICING),
    (Invoice, Invoice.ImportInvoiceParams, INVOICE, "I", BOOKKEEPING),
    (Order, Order.CreateParams, ORDER, "N", ""),
    (Order, Order.ImportOrderParams, ORDER, "I", ""),
    (Order, Order.UpdateParams, ORDER, "U", ""),
    (Order, Order.CancelParams, ORDER, "X", ""),
    (Order, Order.ReopenParams, ORDER, "O", ""),
    (Order, Order.ResendParams, RESEND, "R", ""),
    (WebhookEndpoint, WebhookEndpoint.CreateParams, ENDPOINT, "C", ""),
    (WebhookEndpoint, WebhookEndpoint.UpdateParams, ENDPOINT, "U", ""),
]
NAMES = [call[1].__qualname__ for call in CALLS]


@pytest.mark.parametrize(("model", "params", "spec", "letter", "left_out"), CALLS, ids=NAMES)
def test_a_call_takes_the_parameters_that_the_sdk_declares(
    model: Any, params: Any, spec: Mapping[str, Field], letter: str, left_out: str
) -> None:
    declared = set(params.__annotations__)
    taken = {name for name, known in spec.items() if letter in known.calls}
    assert taken == declared - set(left_out.split())
    assert {name for name in params.__required_keys__ if name not in left_out.split()} <= {
        name for name in taken if letter in spec[name].needed
    }


@pytest.mark.parametrize(("model", "params", "spec", "letter", "left_out"), CALLS, ids=NAMES)
def test_a_parameters_words_are_those_of_the_sdk(
    model: Any, params: Any, spec: Mapping[str, Field], letter: str, left_out: str
) -> None:
    for name, annotation in params.__annotations__.items():
        known = spec.get(name)
        words = declared_words(model, annotation)
        if known is None or known.kind != "word" or not words:
            continue
        if name == "status":
            # One field for several calls with other words each; and no update may say "deleted".
            assert words - {"deleted"} <= set(known.words)
        else:
            assert words == set(known.words), name


def declared_words(model: Any, annotation: Any) -> set[str]:
    """The values of an enumeration behind `NotRequired[...]`; empty for anything else."""
    inner = typing.get_args(annotation)[0] if typing.get_args(annotation) else annotation
    if isinstance(inner, typing.ForwardRef):
        inner = getattr(model, inner.__forward_arg__.rpartition(".")[2], None)
    return {each.value for each in inner} if isinstance(inner, type) and issubclass(inner, Enum) else set()


@pytest.mark.parametrize(
    ("params", "listing", "beside"),
    [
        (Customer.ListParams, customers.LISTING, "relationship"),
        (ItemFamily.ListParams, catalog.FAMILY_LISTING, "include_site_level_resources"),
        (Item.ListParams, catalog.ITEM_LISTING, "include_site_level_resources bundle_configuration"),
        (ItemPrice.ListParams, catalog.PRICE_LISTING, "include_site_level_resources price_variant_id"),
        (Order.ListParams, orders.LISTING, "exclude_deleted_credit_notes"),
        (
            Invoice.ListParams,
            invoices.LISTING,
            "amount_adjusted credits_applied dunning_status einvoice paid_on_after payment_owner void_reason_code"
            " voided_at",
        ),
    ],
    ids=["customers", "item_families", "items", "item_prices", "orders", "invoices"],
)
def test_a_list_takes_the_filters_that_the_sdk_declares(params: Any, listing: Listing, beside: str) -> None:
    general = {"limit", "offset", "sort_by", "include_deleted"}
    assert set(listing.filters) == set(params.__annotations__) - general - set(beside.split())
    assert bool(listing.sorts) == ("sort_by" in params.__annotations__)


SHAPES: dict[str, Any] = {
    "customer": customer_responses.CustomerResponse,
    "customer.billing_address": customer_responses.BillingAddressResponse,
    "customer.contacts": customer_responses.ContactResponse,
    "customer.relationship": customer_responses.RelationshipResponse,
    "customer.entity_identifiers": customer_responses.EntityIdentifierResponse,
    "item_family": family_responses.ItemFamilyResponse,
    "item": item_responses.ItemResponse,
    "item.applicable_items": item_responses.ApplicableItemResponse,
    "item_price": price_responses.ItemPriceResponse,
    "item_price.accounting_detail": price_responses.AccountingDetailResponse,
    "item_price.tax_detail": price_responses.TaxDetailResponse,
    "invoice": invoice_responses.InvoiceResponse,
    "invoice.line_items": invoice_responses.LineItemResponse,
    "invoice.taxes": invoice_responses.TaxResponse,
    "invoice.line_item_taxes": invoice_responses.LineItemTaxResponse,
    "order.line_item_taxes": order_responses.LineItemTaxResponse,
    "invoice.billing_address": invoice_responses.BillingAddressResponse,
    "invoice.shipping_address": invoice_responses.ShippingAddressResponse,
    "order": order_responses.OrderResponse,
    "order.order_line_items": order_responses.OrderLineItemResponse,
    "order.billing_address": order_responses.BillingAddressResponse,
    "order.shipping_address": order_responses.ShippingAddressResponse,
    "order.linked_credit_notes": order_responses.LinkedCreditNoteResponse,
    "order.resent_orders": order_responses.ResentOrderResponse,
    "event": event_responses.EventResponse,
    "event.webhooks": event_responses.WebhookResponse,
    "webhook_endpoint": endpoint_responses.WebhookEndpointResponse,
    "business_entity_transfer": transfer_responses.BusinessEntityTransferResponse,
}


def undeclared(path: str, doc: dict[str, Any]) -> list[str]:
    """Attributes of an answer that the SDK's classes don't know, with objects that say what they are."""
    model = SHAPES[path]
    names = {each.name for each in dataclasses.fields(model)} | {"object"}
    found = [f"{path}.{name}" for name in doc if name not in names and not name.startswith("cf_")]
    if "object" not in doc:
        found.append(f"{path} has no object")
    for name, value in doc.items():
        below = value if isinstance(value, list) else [value]
        for each in below:
            if isinstance(each, dict) and name not in ("meta_data", "metadata", "content"):
                found.extend(undeclared(f"{path}.{name}", each))
    return found


def test_every_attribute_of_every_answer_is_one_that_the_sdk_declares() -> None:
    with emulator() as site:
        site.freeze()
        for entity in ("be_1", "be_2"):
            site.console("POST", "business_entities", {"id": entity, "name": entity})
        address = {"billing_address[city]": "Kiel", "billing_address[country]": "DE"}
        site.post(
            "customers", {"id": "c", "first_name": "Ida", "meta_data": '{"a":1}', "cf_erp_id": "1", **address}
        )
        site.post("customers/c/add_contact", {"contact[email]": "a@b.example"})
        billing = {"entity_identifiers[value][0]": "1", **address}
        site.post("customers/c/update_billing_info", billing)
        site.post("customers", {"id": "child", "relationship[parent_id]": "c"})
        site.post("customers/child/relationships", {"parent_id": "c"})
        site.post("customers", {"id": "moved"})
        site.post("item_families", {"id": "f", "name": "F", "description": "x"})
        item = {
            "name": "I",
            "type": "charge",
            "item_family_id": "f",
            "is_shippable": "true",
            "metadata": "{}",
        }
        site.post("items", {"id": "i", **item})
        site.post("items", {"id": "j", **item, "name": "J", "applicable_items[0]": "i"})
        site.post("items/j", {"status": "archived"})
        details = {"accounting_detail[sku]": "1", "tax_detail[tax_profile_id]": "t"}
        site.post("item_prices", {"id": "p", "name": "P", "item_id": "i", "price": "5", **details})
        line = {
            "description": "x",
            "entity_type": "charge_item_price",
            "entity_id": "p",
            "amount": "5",
            "id": "l",
        }
        lines = {f"line_items[{name}][0]": value for name, value in {**line, "tax1_amount": "1"}.items()}
        taxes = {"taxes[name][0]": "VAT", "taxes[rate][0]": "20", "taxes[juris_type][0]": "country"}
        lines |= {"line_items[tax1_name][0]": "VAT", **taxes}
        invoice = {"id": "v", "customer_id": "c", "date": str(NOON), "total": "6", **lines, **address}
        site.post("invoices/import_invoice", {**invoice, "shipping_address[city]": "Ulm", "status": "paid"})
        own = site.ids("orders")[0]
        site.post(f"orders/{own}/resend", {"resend_reason": "lost"})
        site.post(f"orders/{own}/cancel", {"cancellation_reason": "others"})
        site.post("webhook_endpoints", {"name": "x", "url": "http://127.0.0.1:1/"})
        transfer = {"active_resource_ids[0]": "moved", "destination_business_entity_ids[0]": "be_2"}
        assert site.post(
            "business_entities/transfers", {**transfer, "reason_codes[0]": "correction"}
        ).is_success
        lists = "customers item_families items item_prices invoices orders events webhook_endpoints"
        seen: set[str] = set()
        for path in [*lists.split(), "business_entities/transfers"]:
            for entry in site.get(path, {"limit": "100"}).json()["list"]:
                for resource, doc in entry.items():
                    seen.add(resource)
                    assert undeclared(resource, doc) == []
        assert seen == {shape for shape in SHAPES if "." not in shape}
