"""The parameters of item families, items and item prices. Source: Chargebee API, "items", "item_families" and
"item_prices" (Product Catalog 2.0). An item has no price, currency or SKU; those are its item prices'."""

from __future__ import annotations

from .fields import Field, by_name, flag, moment, text, whole, word

# A json field with max -1 takes its limit from the switch item_metadata_max.
_METADATA = Field("metadata", "json", "CU", -1)

ITEM_FAMILY = by_name(
    text("id", 50, "C", "C"),
    text("name", 50, "CU", "CU"),
    Field("description", "html", "CU", 500),
    text("business_entity_id", 50, "C"),
    word("status", "active deleted"),
    moment("updated_at"),
    Field("resource_version", "read_only"),
    Field("deleted", "read_only"),
    Field("channel", "read_only"),
)

ITEM = by_name(
    text("id", 100, "C", "C"),
    text("name", 100, "CU", "C"),
    text("external_name", 100, "CU"),
    Field("description", "html", "CU", 2000),
    word("type", "plan addon charge", "C", "C"),
    text("item_family_id", 100, "CU", "C"),
    word("status", "active archived", "U", default="active"),
    flag("is_shippable", "CU", default=False),
    flag("is_giftable", "C", default=False),
    text("redirect_url", 500, "CU"),
    text("gift_claim_redirect_url", 500, "CU"),
    flag("enabled_for_checkout", "CU", default=True),
    flag("enabled_in_portal", "CU", default=True),
    flag("included_in_mrr", "CU"),
    word("item_applicability", "all restricted", "CU", default="all"),
    Field("applicable_items", "texts", "CU", 100),
    flag("clear_applicable_items", "U"),
    text("unit", 30, "CU"),
    flag("metered", "C", default=False),
    word("usage_calculation", "sum_of_usages last_usage max_usage", "C"),
    flag("is_percentage_pricing", "CU", default=False),
    _METADATA,
    text("business_entity_id", 50, "C"),
    moment("updated_at"),
    moment("archived_at"),
    Field("resource_version", "read_only"),
    Field("deleted", "read_only"),
    Field("channel", "read_only"),
)

_TAX_DETAIL = Field(
    "tax_detail",
    "object",
    "CU",
    fields=(
        text("tax_profile_id", 50),
        text("avalara_tax_code", 50),
        text("hsn_code", 50),
        text("taxjar_product_code", 50),
    ),
)
_ACCOUNTING_DETAIL = Field(
    "accounting_detail",
    "object",
    "CU",
    fields=(
        text("sku", 100),
        text("accounting_code", 100),
        text("accounting_category1", 100),
        text("accounting_category2", 100),
        text("accounting_category3", 100),
        text("accounting_category4", 100),
    ),
)

ITEM_PRICE = by_name(
    text("id", 100, "C", "C"),
    text("name", 100, "CU", "C"),
    text("item_id", 100, "C", "C"),
    Field("description", "html", "CU", 2000),
    text("external_name", 100, "CU"),
    text("invoice_notes", 2000, "CU"),
    Field("currency_code", "currency", "CU"),
    word("pricing_model", "flat_fee per_unit tiered volume stairstep", "CU", default="flat_fee"),
    whole("price", "CU"),
    Field("price_in_decimal", "decimal", "CU", 39),
    whole("free_quantity", "CU", default=0),
    whole("period", "CU"),
    word("period_unit", "day week month year", "CU"),
    whole("trial_period", "CU"),
    word("trial_period_unit", "day month", "CU"),
    whole("shipping_period", "CU"),
    word("shipping_period_unit", "day week month year", "CU"),
    whole("billing_cycles", "CU"),
    flag("is_taxable", "CU", default=True),
    flag("show_description_in_invoices", "CU", default=False),
    flag("show_description_in_quotes", "CU", default=False),
    _TAX_DETAIL,
    _ACCOUNTING_DETAIL,
    _METADATA,
    word("status", "active archived", "U", default="active"),
    text("business_entity_id", 50, "C"),
    Field("item_family_id", "read_only"),
    Field("item_type", "read_only"),
    moment("created_at"),
    moment("updated_at"),
    moment("archived_at"),
    Field("resource_version", "read_only"),
    Field("deleted", "read_only"),
    Field("channel", "read_only"),
)

LOCKED_AFTER_USE = ("pricing_model", "period", "period_unit", "currency_code", "billing_cycles")
