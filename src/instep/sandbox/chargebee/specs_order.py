"""The parameters of orders and of the invoices that they come from. Source: Chargebee API, "orders" and
"invoices" (import_invoice). Line items of an order are derived from its invoice; no call creates them."""

from __future__ import annotations

from .fields import Field, by_name, flag, moment, text, whole, word
from .specs_customer import ADDRESS_FIELDS, address

CURRENT_STATUS = "queued awaiting_shipment on_hold shipped delivered partially_delivered returned cancelled"
LEGACY_STATUS = "new processing complete cancelled voided"
ANY_STATUS = f"{CURRENT_STATUS} new processing complete voided"
REASONS = (
    "shipping_cut_off_passed product_unsatisfactory third_party_cancellation product_not_required"
    " delivery_date_missed alternative_found invoice_written_off invoice_voided fraudulent_transaction"
    " payment_declined subscription_cancelled product_not_available others order_resent"
)

_SHARED = (
    text("reference_id", 50, "NIU"),
    text("fulfillment_status", 50, "NIU"),
    text("note", 600, "NIU"),
    text("tracking_id", 50, "NIU"),
    text("tracking_url", 255, "NIU"),
    text("batch_id", 50, "NIU"),
)

ORDER = by_name(
    text("id", 40, "NI"),
    text("document_number", 50, "I"),
    text("invoice_id", 50, "NI", "NI"),
    text("subscription_id", 50, "I"),
    text("customer_id", 50, "I"),
    word("status", ANY_STATUS, "NIU", "I"),
    word("cancellation_reason", REASONS, "IUX", "X"),
    *_SHARED,
    moment("order_date", "IU", "I"),
    moment("shipping_date", "IU", "I"),
    moment("created_at", "I", "I"),
    text("shipment_carrier", 50, "IU"),
    moment("shipping_cut_off_date", "I"),
    moment("delivered_at", "IU"),
    moment("shipped_at", "IU"),
    moment("cancelled_at", "IUX"),
    address("shipping_address", "IU"),
    address("billing_address", "I"),
    whole("refundable_credits_issued", "I", default=0),
    Field("order_line_items", "objects", "U", fields=(
        Field("id", "text", max=40, needed="U"), word("status", CURRENT_STATUS), text("sku", 250),
    )),
    Field("credit_note", "object", "X", fields=(whole("total"),)),
    text("customer_notes", 2000, "X"),
    text("comment", 300, "X"),
    flag("void_cancellation_credit_notes", "O"),
    word("payment_status", "not_paid paid"),
    word("order_type", "manual system_generated"),
    word("price_type", "tax_exclusive tax_inclusive"),
    Field("currency_code", "read_only"),
    whole("sub_total"),
    whole("total"),
    whole("tax"),
    whole("discount"),
    moment("paid_on"),
    moment("updated_at"),
    moment("status_update_at"),
    Field("resource_version", "read_only"),
    Field("deleted", "read_only"),
    Field("is_resent", "read_only"),
    Field("resent_status", "read_only"),
    text("original_order_id", 40),
    Field("business_entity_id", "read_only"),
)  # fmt: skip

ORDER_STATUS_BY_CALL = {"I": CURRENT_STATUS.split(), "N": LEGACY_STATUS.split(), "U": ANY_STATUS.split()}

# Strict transitions (switch order_status_rules); the chain is Chargebee API, "orders", what is left out
# inferred.
TRANSITIONS = {
    "queued": ("awaiting_shipment", "on_hold", "shipped", "cancelled"),
    "awaiting_shipment": ("on_hold", "shipped", "cancelled"),
    "on_hold": ("awaiting_shipment", "shipped", "cancelled"),
    "shipped": ("delivered", "partially_delivered", "returned"),
    "partially_delivered": ("delivered", "returned"),
    "delivered": ("returned",),
    "returned": (),
    "cancelled": (),
}

_ENTITY_TYPES = "plan_item_price addon_item_price charge_item_price adhoc"

TAX_PLACES = range(1, 11)
"""A line of an import names at most ten taxes: tax1_name, tax1_amount, tax2_name, ..."""

INVOICE = by_name(
    text("id", 50, "I", "I"),
    Field("currency_code", "currency", "I"),
    text("customer_id", 50, "I"),
    text("subscription_id", 50, "I"),
    text("po_number", 100, "I"),
    word("price_type", "tax_exclusive tax_inclusive", "I", default="tax_exclusive"),
    text("vat_number", 20, "I"),
    text("vat_number_prefix", 10, "I"),
    moment("date", "I", "I"),
    whole("total", "I", "I"),
    whole("round_off", "I"),
    word("status", "paid posted payment_due not_paid voided pending", "I"),
    moment("voided_at", "I"),
    text("void_reason_code", 100, "I"),
    moment("due_date", "I"),
    whole("net_term_days", "I"),
    moment("paid_at", "I"),
    Field("line_items", "objects", "I", fields=(
        text("id", 40),
        moment("date_from"),
        moment("date_to"),
        text("subscription_id", 50),
        Field("description", "text", max=250, needed="I"),
        whole("unit_amount"),
        whole("quantity"),
        whole("amount"),
        word("entity_type", _ENTITY_TYPES),
        text("entity_id", 100),
        *(part for n in TAX_PLACES for part in (text(f"tax{n}_name", 50), whole(f"tax{n}_amount"))),
    )),
    Field("taxes", "objects", "I", fields=(
        Field("name", "text", max=100, needed="I"),
        Field("rate", "percent", needed="I"),
        whole("amount"),
        text("description", 50),
        word("juris_type", "country federal state county city special unincorporated other"),
        text("juris_name", 250),
        text("juris_code", 250),
    )),
    Field("payments", "objects", "I", fields=(
        text("id", 40),
        Field("amount", "whole", needed="I"),
        Field("payment_method", "text", max=50, needed="I"),
        moment("date"),
        text("reference_number", 100),
    )),
    Field("billing_address", "address", "I", fields=ADDRESS_FIELDS),
    Field("shipping_address", "address", "I", fields=ADDRESS_FIELDS),
    whole("amount_paid"),
    whole("amount_due"),
    moment("updated_at"),
    Field("resource_version", "read_only"),
    Field("deleted", "read_only"),
    Field("channel", "read_only"),
)  # fmt: skip
