"""What a person configures of a Chargebee site: which prices, which item family, which business entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from instep.core.model import FieldType

FIELD_TYPES: Mapping[str, FieldType] = {
    "text": "text",
    "string": "text",
    "email": "text",
    "url": "text",
    "integer": "integer",
    "long": "integer",
    "double": "decimal",
    "decimal": "decimal",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
}
"""Type of a custom field as Chargebee or a person names it -> FieldType."""


@dataclass(frozen=True, slots=True)
class PriceTerm:
    """One flat price that items are to have: a currency, and for plans and addons a billing period.

    Chargebee wants a period for plans and addons and takes none for charges, so that a term without one means
    the plain price of a charge and the monthly price of a plan or addon.
    `label` is its key below `price` ("EUR", "EUR_month", "EUR_3_month"), `suffix` what the id of an item
    price made by Instep adds to the item's id.
    """

    currency: str
    period: int | None = None
    period_unit: str = ""

    @property
    def label(self) -> str:
        return "_".join(self._parts())

    @property
    def suffix(self) -> str:
        return "-" + "-".join(self._parts())

    def _parts(self) -> list[str]:
        parts = [self.currency]
        if self.period_unit:
            parts += [str(self.period)] if self.period and self.period > 1 else []
            parts.append(self.period_unit)
        return parts

    def fits(self, price: Mapping[str, object]) -> bool:
        """Whether an item price of the API has this currency and period."""
        unit = price.get("period_unit") or ""
        wanted = self.period_unit or ("month" if unit else "")
        return (
            price.get("currency_code") == self.currency
            and unit == wanted
            and (not unit or price.get("period", 1) == (self.period or 1))
        )


@dataclass(frozen=True, slots=True)
class BusinessEntity:
    """One business entity that a person listed, since the API lists none."""

    id: str
    name: str
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about a site but its address and its key.

    `list_lag_s`: how long after a change a list may still miss it (Chargebee advises about 5 minutes).
    `item_family` and `item_type` are given to items that are created without their own; the family is made if
    it is missing. `custom_fields`: entity -> (cf_ name -> type, a key of FIELD_TYPES).
    """

    list_lag_s: int = 300
    page_size: int = 100
    prices: tuple[PriceTerm, ...] = ()
    pricing_model: str = "per_unit"
    item_family: str = ""
    item_type: str = "charge"
    custom_fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    business_entities: tuple[BusinessEntity, ...] = ()
    invoice_prefix: str = "inv-"
