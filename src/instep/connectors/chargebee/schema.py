"""What each entity of a Chargebee site can hold and do. Source: Chargebee API v2, "customers", "items",
"item_prices", "orders", "business_entities", and their tables of attributes.

Names are the API's; an object's parts are dotted paths. Not for behaviour: a row here says what a call takes,
and the entity's module makes the call.
"""

from __future__ import annotations

from dataclasses import replace

from instep.connectors.chargebee.settings import FIELD_TYPES, Settings
from instep.core.model import Abilities, Entity, Field, FieldType

KEY_WINDOW_MS = 27 * 60_000
"""Chargebee remembers an idempotency key for 30 minutes; a tenth is kept as a margin."""

RESOLUTION_MS = 1000

ADDRESS = (
    ("first_name", 150), ("last_name", 150), ("email", 70), ("company", 250), ("phone", 50),
    ("line1", 150), ("line2", 150), ("line3", 150), ("city", 50), ("state_code", 50), ("state", 50),
    ("zip", 20), ("country", 50),
)  # fmt: skip
"""(part, longest) of a billing or shipping address."""

PAYMENT_METHODS = (
    "no_preference", "cash", "check", "bank_transfer", "ach_credit", "sepa_credit", "boleto",
    "us_automated_bank_transfer", "eu_automated_bank_transfer", "uk_automated_bank_transfer",
    "jp_automated_bank_transfer", "mx_automated_bank_transfer", "custom",
)  # fmt: skip

ORDER_STATUSES = (
    "queued", "awaiting_shipment", "on_hold", "shipped", "delivered", "partially_delivered", "returned",
    "cancelled",
)  # fmt: skip

DELETE_CASCADES = (
    "Chargebee has no way to put a customer out of use, and deleting one also deletes its subscriptions,"
    " invoices and credit notes for good; decide in Chargebee what should become of it"
)
CANCEL_CREDITS = (
    "cancelling an order in Chargebee makes a credit note; cancel it in Chargebee, where you see the amounts"
)
NO_ENTITY_API = (
    "Chargebee's API can't {} business entities; {} it in Chargebee under Settings > Business entities"
)
OWN_CALLS = "Chargebee changes it by calls of its own, which Instep does not make"
MADE_AS = "made_as"
"""Not of the API: the id that an order was to have whose invoice Instep imported. Chargebee may make an order of
that invoice by itself, under an id of its own; by this field it is recognised all the same."""

FROM_INVOICE = "Chargebee takes it from the order's invoice when the order is made and never changes it"
BY_TRANSFER = (
    "a customer's business entity changes only by a transfer, which splits its history;"
    " make the transfer in Chargebee"
)


def read_only(type: FieldType, *paths: str, reason: str = "") -> list[Field]:
    """Fields that no call takes."""
    return [Field(path, type, create=False, update=False, reason=reason) for path in paths]


def texts(*rows: tuple[str, int], group: str = "", prefix: str = "", update: bool = True) -> list[Field]:
    """Text fields with their longest length."""
    return [
        Field(prefix + path, "text", max_length=longest, group=group, update=update) for path, longest in rows
    ]


def custom(settings: Settings, entity: str) -> list[Field]:
    """The custom fields that the configuration declares for an entity."""
    declared = settings.custom_fields.get(entity, {})
    return [Field(name, FIELD_TYPES.get(type, "any")) for name, type in declared.items()]


def customer(settings: Settings) -> Entity:
    fields = [
        Field("id", "text", update=False, max_length=50, reason="an id is given once, when the customer is made"),
        *texts(("first_name", 150), ("last_name", 150), ("email", 70), ("phone", 50), ("company", 250)),
        *texts(("locale", 50), ("preferred_currency_code", 3), ("invoice_notes", 2000)),
        Field("auto_collection", "text", choices=("on", "off")),
        Field("offline_payment_method", "text", choices=PAYMENT_METHODS),
        Field("net_term_days", "integer"),
        Field("allow_direct_debit", "boolean"),
        Field("taxability", "text", choices=("taxable", "exempt", "zero_rated")),
        *texts(("entity_code", 50), ("exempt_number", 100), ("customer_type", 50), ("client_profile_id", 50)),
        *texts(("taxjar_exemption_category", 50)),
        Field("exemption_details", "list"),
        Field("auto_close_invoices", "boolean"),
        Field("consolidated_invoicing", "boolean"),
        Field("meta_data", "object"),
        Field("fraud_flag", "text", create=False, choices=("safe", "suspicious", "fraudulent")),
        Field(
            "business_entity_id", "text", update=False, max_length=50, reference="business_entity",
            reason=BY_TRANSFER,
        ),
        Field("brand_id", "text", update=False, max_length=50),
        *texts(("vat_number", 20), ("vat_number_prefix", 10), group="billing"),
        Field("registered_for_gst", "boolean", group="billing"),
        Field("business_customer_without_vat_number", "boolean", group="billing"),
        Field("is_einvoice_enabled", "boolean", group="billing"),
        Field(
            "einvoicing_method", "text", group="billing", choices=("automatic", "manual", "site_default")
        ),
        *texts(("entity_identifier_scheme", 50), ("entity_identifier_standard", 50), group="billing"),
        *texts(*ADDRESS, group="billing", prefix="billing_address."),
        *read_only("text", "billing_address.validation_status", "channel", "pii_cleared", "card_status"),
        *read_only("text", "vat_number_status", "active_id"),
        *read_only("timestamp", "created_at", "updated_at", "vat_number_validated_time"),
        *read_only("integer", "resource_version", "promotional_credits", "refundable_credits"),
        *read_only("integer", "excess_payments", "unbilled_charges"),
        *read_only("boolean", "deleted"),
        *read_only("list", "contacts", reason=OWN_CALLS),
        *read_only("object", "relationship", reason=OWN_CALLS),
        *custom(settings, "customer"),
    ]  # fmt: skip
    return Entity(
        "customer",
        tuple(fields),
        replace(_writable(50, settings), retire=False, reasons={"retire": DELETE_CASCADES}),
    )


def item(settings: Settings) -> Entity:
    prices = [
        Field(
            f"price.{term.label}", "integer", create=False, group=f"price.{term.label}",
            reason="a price is an item price of its own and is made once the item is there",
        )
        for term in settings.prices
    ]  # fmt: skip
    fields = [
        Field("id", "text", update=False, max_length=100, reason="an id is given once, when the item is made"),
        Field("name", "text", required=True, max_length=100),
        *texts(("external_name", 100), ("description", 500), ("unit", 30)),
        *texts(("redirect_url", 500), ("gift_claim_redirect_url", 500)),
        Field(
            "type", "text", update=False, choices=("plan", "addon", "charge"),
            reason="an item's type is given once, when it is made",
        ),
        Field("item_family_id", "text", max_length=100),
        Field(
            "status", "text", create=False, choices=("active", "archived"),
            reason="a new item is active; it can be archived once it is there",
        ),
        Field("is_shippable", "boolean"),
        Field("is_giftable", "boolean", update=False),
        Field("enabled_for_checkout", "boolean"),
        Field("enabled_in_portal", "boolean"),
        Field("included_in_mrr", "boolean"),
        Field("item_applicability", "text", choices=("all", "restricted")),
        Field("metered", "boolean", update=False),
        Field(
            "usage_calculation", "text", update=False,
            choices=("sum_of_usages", "last_usage", "max_usage"),
        ),
        Field("is_percentage_pricing", "boolean"),
        Field("metadata", "object"),
        Field("business_entity_id", "text", update=False, max_length=50, reference="business_entity"),
        *read_only("timestamp", "updated_at", "archived_at"),
        *read_only("integer", "resource_version"),
        *read_only("text", "channel"),
        *read_only("boolean", "deleted"),
        *prices,
        # With the price, so that whoever writes it has seen which item price it is.
        *(replace(field, path=f"price_id.{field.path.partition('.')[2]}", type="text", update=False, reason="")
          for field in prices),
        *custom(settings, "item"),
    ]  # fmt: skip
    # An item with prices is several records, whose newest version two changes may share.
    # Room for the ids of the item prices, which begin with the item's.
    longest = 100 - max((len(term.suffix) for term in settings.prices), default=0)
    return Entity(
        "item",
        tuple(fields),
        replace(_writable(longest, settings), versions="time" if prices else "strict"),
        retired=("status", "archived"),
    )


def order(settings: Settings) -> Entity:
    def once(path: str, type: FieldType, *, max_length: int | None = None, reference: str = "") -> Field:
        return Field(
            path, type, update=False, max_length=max_length, reference=reference, reason=FROM_INVOICE
        )

    fields = [
        Field("id", "text", update=False, max_length=40, reason="an id is given once, when the order is made"),
        Field("customer_id", "text", update=False, required=True, max_length=50, reference="customer",
              reason=FROM_INVOICE),
        once("currency_code", "text", max_length=3),
        once("order_line_items", "list"),
        once("document_number", "text", max_length=50),
        Field("status", "text", choices=ORDER_STATUSES, by_hand=("cancelled",), reason=CANCEL_CREDITS),
        *texts(("reference_id", 50), ("fulfillment_status", 50), ("note", 600), ("tracking_id", 50)),
        *texts(("tracking_url", 255), ("batch_id", 50), ("shipment_carrier", 50)),
        Field("order_date", "timestamp", required=True),
        Field("shipping_date", "timestamp"),
        Field("shipping_cut_off_date", "timestamp", update=False),
        Field("shipped_at", "timestamp"),
        Field("delivered_at", "timestamp"),
        *texts(*ADDRESS, prefix="shipping_address."),
        *(once(f"billing_address.{part}", "text", max_length=longest) for part, longest in ADDRESS),
        *read_only("text", "cancellation_reason", reason=CANCEL_CREDITS),
        *read_only("timestamp", "cancelled_at", reason=CANCEL_CREDITS),
        *read_only("text", MADE_AS, reason="it follows from the id of the order's invoice"),
        *read_only("text", "invoice_id", "subscription_id", "payment_status", "order_type", "price_type"),
        *read_only("text", "created_by", "original_order_id", "resent_status", "gift_id", "gift_note"),
        *read_only("text", "shipping_address.validation_status", "billing_address.validation_status"),
        Field("business_entity_id", "text", create=False, update=False, reference="business_entity",
              reason="an order belongs to its customer's business entity"),
        *read_only("integer", "sub_total", "discount", "tax", "total", "amount_paid", "amount_adjusted",
                   reason=FROM_INVOICE),
        *read_only("integer", "refundable_credits", "refundable_credits_issued", "resource_version"),
        *read_only("timestamp", "created_at", "updated_at", "status_update_at", "paid_on"),
        *read_only("boolean", "deleted", "is_resent", "is_gifted"),
        *read_only("list", "line_item_taxes", "line_item_discounts", "linked_credit_notes", "resent_orders"),
    ]  # fmt: skip
    return Entity(
        "order",
        tuple(fields),
        replace(_writable(40, settings), retire=False, marker=MADE_AS, reasons={"retire": CANCEL_CREDITS}),
    )


def business_entity(settings: Settings) -> Entity:
    reason = NO_ENTITY_API.format("change", "change")
    return Entity(
        "business_entity",
        (
            *read_only("text", "id", "name", "status", reason=reason),
            *read_only("timestamp", "created_at", "updated_at"),
            *read_only("integer", "resource_version"),
            *read_only("boolean", "deleted"),
        ),
        Abilities(
            create=False,
            update=False,
            retire=False,
            tombstones=True,
            complete_list=False,
            versions="strict",
            resolution_ms=RESOLUTION_MS,
            list_lag_ms=settings.list_lag_s * 1000,
            reasons={
                "create": NO_ENTITY_API.format("create", "create"),
                "update": reason,
                "retire": NO_ENTITY_API.format("deactivate", "deactivate"),
            },
        ),
    )


def heads(entity: Entity) -> tuple[str, ...]:
    """The top-level names of an entity's fields, once each."""
    return tuple(dict.fromkeys(field.path.partition(".")[0] for field in entity.fields))


def _writable(max_id_length: int, settings: Settings) -> Abilities:
    """What all entities have in common that can be made."""
    return Abilities(
        chosen_id=True,
        max_id_length=max_id_length,
        key_window_ms=KEY_WINDOW_MS,
        log=True,
        tombstones=True,
        versions="strict",
        list_lag_ms=settings.list_lag_s * 1000,
        resolution_ms=RESOLUTION_MS,
    )
