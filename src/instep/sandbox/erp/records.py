"""The four kinds of record as the ERP takes and gives them.

`...Fields` is what a PATCH may hold: only what was sent is changed, null clears. `...Create` says what a POST
must hold. The third model of each kind describes the answer; its extra fields are the server's own and are
passed over when a client sends them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from instep.sandbox.erp.fields import (
    Country,
    Currency,
    Date,
    Email,
    ExternalRef,
    Language,
    Name20,
    Name40,
    Name60,
    Name80,
    Name100,
    Phone,
    Prices,
    Quantity,
    TaxRate,
    TermsDays,
    Text20,
    Text30,
    Text50,
    Text60,
    Text100,
    Text250,
    Text1000,
    Text2000,
    UnitPrice,
    Url,
)

LINES_MAX = 1000


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class ServerFields(BaseModel):
    id: str
    version: int
    created_at: str
    updated_at: str


class Address(Strict):
    street: Text100 | None = None
    street2: Text100 | None = None
    postal_code: Text20 | None = None
    city: Text60 | None = None
    region: Text60 | None = None
    country: Country | None = None


class NamedAddress(Address):
    name: Text100 | None = None


class CustomerFields(Strict):
    number: Text20 | None = None
    name: Name100 = ""
    email: Email | None = None
    phone: Phone | None = None
    website: Url | None = None
    tax_number: Text20 | None = None
    address: Address | None = None
    currency: Currency | None = None
    active: bool = True
    external_ref: ExternalRef | None = None
    notes: Text2000 | None = None


class CustomerCreate(CustomerFields):
    name: Name100


class Customer(CustomerFields, ServerFields):
    pass


class ContactFields(Strict):
    given_name: Text60 | None = None
    family_name: Name60 = ""
    email: Email | None = None
    phone: Phone | None = None
    language: Language | None = None
    currency: Currency | None = None
    payment_terms_days: TermsDays | None = None
    tax_number: Text20 | None = None
    address: Address | None = None
    customer_id: Text20 | None = None
    active: bool = True
    external_ref: ExternalRef | None = None
    notes: Text2000 | None = None


class ContactCreate(ContactFields):
    family_name: Name60


class Contact(ContactFields, ServerFields):
    pass


class ProductFields(Strict):
    code: Name40 = ""
    name: Name80 = ""
    description: Text1000 | None = None
    unit: Literal["pcs", "hour", "kg", "month", "licence"] | None = None
    kind: Literal["goods", "service", "subscription"] = "goods"
    family: Text30 | None = None
    stocked: bool = False
    active: bool = True
    prices: Prices | None = None
    external_ref: ExternalRef | None = None


class ProductCreate(ProductFields):
    code: Name40
    name: Name80


class Product(ProductFields, ServerFields):
    pass


class LineFields(Strict):
    id: Text20 | None = None
    product_id: Text20 | None = None
    description: Text250 | None = None
    quantity: Quantity = "1"
    unit_price: UnitPrice = "0"
    tax_rate: TaxRate = "0"


class Line(LineFields):
    tax_amount: UnitPrice = "0"


class _OrderHead(Strict):
    contact_id: Text20 = ""
    order_date: Date = ""
    delivery_date: Date | None = None
    status: Literal["draft", "confirmed", "on_hold", "shipped", "delivered", "returned", "cancelled"] = (
        "draft"
    )
    currency: Currency = "EUR"
    tracking_number: Text50 | None = None
    tracking_url: Url | None = None
    carrier: Text50 | None = None
    note: Text1000 | None = None
    reference: Text50 | None = None
    shipping_address: NamedAddress | None = None
    billing_address: NamedAddress | None = None
    external_ref: ExternalRef | None = None


class OrderFields(_OrderHead):
    lines: Annotated[list[LineFields], Field(max_length=LINES_MAX)] | None = None


class OrderCreate(OrderFields):
    contact_id: Name20
    order_date: Date


class Order(_OrderHead, ServerFields):
    number: str
    total: UnitPrice
    lines: list[Line]
