"""Taxes of order lines, as percentages. Source: Chargebee API, "orders" (line_item_taxes) and "invoices"
(import_invoice).

Chargebee has the taxes of an order beside its lines, each with a rate and the line that it is on. An import
names a tax on each line, with an amount, and states the rate of a name once for the whole invoice. Not for
amounts of tax in what is read: those are Chargebee's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeGuard

from instep.core.values import Json

_PLACES = 30
"""Digits before or after the point that the amount or rate of a tax may have."""


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one line: in minor units, and in percent; a rate of 0 is one that nobody told."""

    amount: int
    rate: int | Decimal = 0

    @property
    def name(self) -> str:
        """What it is called on an invoice: after its rate, since Chargebee knows a rate by the tax's name."""
        return f"Tax {Decimal(self.rate):f}%" if self.rate else "Tax"


def rate_of(line: Mapping[str, Any], taxes: Iterable[Any]) -> int | Decimal:
    """The percentages of all taxes on an order's line together; 0 for a line without any.

    A tax names the invoice's line or the order's own: which of the two is not documented.
    """
    ids = [id for id in (line.get("id"), line.get("invoice_line_item_id")) if isinstance(id, str) and id]
    on_it = (tax.get("tax_rate") for tax in taxes if isinstance(tax, dict) and tax.get("line_item_id") in ids)
    return plain(sum((Decimal(rate) for rate in on_it if is_number(rate)), Decimal(0)))


def due(amount: int, rate: int | Decimal) -> int:
    """The tax on an amount of minor units, rounded half up, as the ERP and most tax laws do it per line."""
    return int((amount * Decimal(rate) / 100).quantize(Decimal(1), ROUND_HALF_UP))


def stated(taxes: Iterable[Tax]) -> list[Json]:
    """The `taxes` of an import: each rate once, with what all lines owe by it."""
    amounts: dict[Tax, int] = {}
    for tax in taxes:
        if tax.rate:
            of_rate = Tax(0, tax.rate)
            amounts[of_rate] = amounts.get(of_rate, 0) + tax.amount
    return [{"name": tax.name, "rate": tax.rate, "amount": amount} for tax, amount in amounts.items()]


def plain(rate: int | Decimal) -> int | Decimal:
    """Without a fraction of zeros: 25 for 25.0."""
    number = Decimal(rate)
    return int(number) if number == number.to_integral_value() else number.normalize()


def is_number(value: object) -> TypeGuard[int | Decimal]:
    """Whether it is a number of a size that can be worked with, which 1e999999999 is not."""
    if isinstance(value, Decimal):
        return value.is_finite() and (value == 0 or -_PLACES < value.adjusted() < _PLACES)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_PLACES
