"""The parameters of customers, their contacts and their addresses. Source: Chargebee API, "customers"."""

from __future__ import annotations

from .fields import Field, by_name, flag, moment, text, whole, word

ADDRESS_FIELDS = (
    text("first_name", 150),
    text("last_name", 150),
    Field("email", "email", max=70),
    text("company", 250),
    text("phone", 50),
    text("line1", 150),
    text("line2", 150),
    text("line3", 150),
    text("city", 50),
    text("state_code", 50),
    text("state", 50),
    text("zip", 20),
    Field("country", "country"),
    word("validation_status", "not_validated valid partially_valid invalid"),
)


def address(name: str, calls: str) -> Field:
    return Field(name, "address", calls, fields=ADDRESS_FIELDS)


CUSTOMER = by_name(
    text("id", 50, "C"),
    text("first_name", 150, "CU"),
    text("last_name", 150, "CU"),
    Field("email", "email", "CU", 70),
    text("phone", 50, "CU"),
    text("company", 250, "CU"),
    text("vat_number", 20, "CB"),
    text("vat_number_prefix", 10, "CB"),
    word("auto_collection", "on off", "CU", default="on"),
    word(
        "offline_payment_method",
        "no_preference cash check bank_transfer ach_credit sepa_credit boleto us_automated_bank_transfer"
        " eu_automated_bank_transfer uk_automated_bank_transfer jp_automated_bank_transfer"
        " mx_automated_bank_transfer custom",
        "CU",
    ),
    whole("net_term_days", "CU", default=0),
    flag("allow_direct_debit", "CU", default=False),
    word("taxability", "taxable exempt zero_rated", "CU", default="taxable"),
    Field("exemption_details", "json", "CU", words=("list",)),
    word("entity_code", "a b c d e f g h i j k l m n p q r med1 med2", "CU"),
    text("exempt_number", 100, "CU"),
    word("customer_type", "residential business senior_citizen industrial", "CU"),
    text("client_profile_id", 50, "CU"),
    word("taxjar_exemption_category", "wholesale government other", "CU"),
    flag("registered_for_gst", "CB"),
    flag("business_customer_without_vat_number", "CB"),
    flag("is_einvoice_enabled", "CB"),
    word("einvoicing_method", "automatic manual site_default", "CB"),
    text("entity_identifier_scheme", 50, "CB"),
    text("entity_identifier_standard", 50, "CB"),
    Field(
        "entity_identifiers",
        "objects",
        "CB",
        fields=(
            text("id", 40),
            text("scheme", 50),
            text("value", 50),
            text("standard", 50),
            word("operation", "create update delete"),
        ),
    ),
    text("locale", 50, "CU"),
    Field("preferred_currency_code", "currency", "CU"),
    text("invoice_notes", 2000, "CU"),
    flag("auto_close_invoices", "CU"),
    flag("consolidated_invoicing", "CU"),
    Field("meta_data", "json", "CU", 65535),
    word("fraud_flag", "safe suspicious fraudulent", "U"),
    text("business_entity_id", 50, "C"),
    text("brand_id", 50, "C"),
    text("created_from_ip", 50, "C"),
    address("billing_address", "CB"),
    Field("tax_providers_fields", "objects", "CUB", fields=(
        text("provider_name", 50), text("field_id", 50), text("field_value", 50),
    )),
    Field("contacts", "read_only"),
    Field("relationship", "read_only"),
    moment("created_at"),
    moment("updated_at"),
    Field("resource_version", "read_only"),
    Field("deleted", "read_only"),
    Field("channel", "read_only"),
    Field("card_status", "read_only"),
    Field("pii_cleared", "read_only"),
    whole("promotional_credits", default=0),
    whole("refundable_credits", default=0),
    whole("excess_payments", default=0),
    whole("unbilled_charges", default=0),
)  # fmt: skip

# A is add_contact, U update_contact.
CONTACT = by_name(
    text("id", 150, "AU", needed="U"),
    text("first_name", 150, "AU"),
    text("last_name", 150, "AU"),
    Field("email", "email", "AU", 70, "A"),
    text("phone", 50, "AU"),
    text("label", 50, "AU"),
    flag("enabled", "AU", default=False),
    flag("send_account_email", "AU", default=False),
    flag("send_billing_email", "AU", default=False),
)
