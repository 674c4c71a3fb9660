"""Lines of orders: the item that each is of, and what an invoice needs to make them. Source: Chargebee API,
"orders" (order_line_items) and "invoices" (import_invoice).

A line names an item *price*; `item_id` is added to each line here, so that a line refers to a product. So is
`tax_rate`, in percent: Chargebee has a line's taxes beside the lines, each with a rate (`line_item_taxes`).
Lines come from the order's invoice alone: they are written once, by the import of that invoice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from instep.connectors.chargebee import taxes
from instep.connectors.chargebee.api import Payload
from instep.connectors.chargebee.lru import Lru
from instep.connectors.chargebee.prices import ANY_STATUS, Prices, one_of
from instep.connectors.chargebee.taxes import Tax
from instep.core.values import Json, is_empty
from instep.errors import BadAnswer, Refused

ADHOC = "adhoc"
_WRITABLE = (
    "description",
    "unit_price",
    "fulfillment_quantity",
    "amount",
    "tax_amount",
    "tax_rate",
    "item_id",
    "entity_id",
)
_IGNORED = ("id", "object", "status", "entity_type", "invoice_id", "invoice_line_item_id")
_READ = (
    "id", "item_id", "entity_id", "entity_type", "description", "sku", "status", "fulfillment_quantity",
    "unit_price", "amount", "fulfillment_amount", "tax_amount", "tax_rate", "discount_amount", "is_shippable",
    "invoice_line_item_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bill:
    """What an import of an invoice says: its lines, its taxes by name, and its total in minor units."""

    lines: list[Json]
    taxes: list[Json]
    total: int


def lines_of(order: Payload) -> list[Payload]:
    """The lines of an order, none if it shows none. Raises BadAnswer for anything that is no list of objects."""
    lines = order.get("order_line_items")
    if lines is None:
        return []
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise BadAnswer(
            f"order {order.get('id')} can't be used", why="its order_line_items are no list of lines"
        )
    return lines


class Lines:
    """Knows which item each item price is of; asks once per item price."""

    def __init__(self, prices: Prices) -> None:
        self._prices, self._api = prices, prices.api
        self._item_of: Lru[str, str] = Lru(200_000)

    async def learn(self, orders: Iterable[Payload]) -> None:
        """Look up the item prices of these orders' lines that are not known yet."""
        named = {
            str(line.get("entity_id"))
            for order in orders
            for line in lines_of(order)
            if line.get("entity_type", ADHOC) != ADHOC and isinstance(line.get("entity_id"), str)
        }
        missing = [id for id in sorted(filter(None, named)) if self._item_of.get(id) is None]
        for query in one_of("id", missing):
            page = await self._api.page(
                "item_price", "item_prices", [("limit", "100"), ANY_STATUS, query], subject="item prices"
            )
            self._note(page.rows)
        for id in missing:
            if self._item_of.get(id) is None:
                # A list may not know a new item price yet; reading it does.
                price = await self._prices.one(id)
                self._note([price] if price else [])

    def shown(self, order: Payload) -> list[Json] | None:
        """The lines of an order as they appear in its record, each attribute present."""
        if order.get("order_line_items") is None:
            return None
        on_lines = order.get("line_item_taxes")
        on_lines = on_lines if isinstance(on_lines, list) else []
        return [
            {
                **dict.fromkeys(_READ),
                **_known(line),
                "item_id": self._item(line),
                "tax_rate": taxes.rate_of(line, on_lines),
            }
            for line in lines_of(order)
        ]

    def _item(self, line: Mapping[str, Any]) -> str | None:
        return self._item_of.get(str(line.get("entity_id") or ""))

    def _note(self, prices: Sequence[Payload]) -> None:
        for price in prices:
            if isinstance(price.get("item_id"), str) and price["item_id"]:
                self._item_of.put(price["id"], price["item_id"])

    async def for_invoice(self, lines: Json, currency: str, what: str) -> Bill:
        """Lines as import_invoice takes them. Raises Refused, with the number of a line it can't take.

        A line's tax is its `tax_amount`; without one, its `tax_rate` of its amount, rounded half up.
        """
        if not isinstance(lines, list) or not lines:
            raise _refused(what, "an order needs at least one line")
        made: list[Json] = []
        owed: list[Tax] = []
        total = 0
        for place, line in enumerate(lines, 1):
            row, amount, tax = await self._line(line, place, currency, what)
            total += amount
            if tax is not None:
                row |= {"tax1_name": tax.name, "tax1_amount": tax.amount}
                owed.append(tax)
                total += tax.amount
            made.append(row)
        return Bill(made, taxes.stated(owed), total)

    async def _line(
        self, line: Json, place: int, currency: str, what: str
    ) -> tuple[dict[str, Json], int, Tax | None]:
        """One line of an import, its amount, and its tax."""
        if not isinstance(line, dict):
            raise _refused(what, f"line {place} is no object")
        given = {name: value for name, value in line.items() if not is_empty(value) and name not in _IGNORED}
        unknown = sorted(set(given) - set(_WRITABLE))
        if unknown:
            raise _refused(what, f"line {place}: Chargebee can't be given {', '.join(unknown)}")
        quantity = _whole(given.get("fulfillment_quantity", 1), f"line {place}: the quantity", what)
        unit = given.get("unit_price")
        amount = given.get("amount")
        if unit is None and amount is None:
            raise _refused(what, f"line {place} has neither a unit price nor an amount")
        made: dict[str, Json] = {
            "description": str(given.get("description") or given.get("item_id") or "-")[:250]
        }
        made["quantity"] = quantity
        if unit is not None:
            made["unit_amount"] = _whole(unit, f"line {place}: the unit price", what)
        else:
            made["unit_amount"] = _whole(amount, f"line {place}: the amount", what) // max(quantity, 1)
        whole = _whole(
            amount if amount is not None else int(str(made["unit_amount"])) * quantity,
            f"line {place}: the amount",
            what,
        )
        made["amount"] = whole
        tax = _tax(given, whole, place, what)
        made.update(await self._entity(given, place, currency, what))
        return made, whole, tax

    async def _entity(
        self, line: Mapping[str, Json], place: int, currency: str, what: str
    ) -> dict[str, Json]:
        """The item price that a line is of: the one named, else its item's in the order's currency."""
        price: Payload | None = None
        if line.get("entity_id"):
            price = await self._prices.one(str(line["entity_id"]))
        elif line.get("item_id"):
            price = await self._prices.in_currency(str(line["item_id"]), currency)
        else:
            return {"entity_type": ADHOC}
        if price is None:
            named = line.get("entity_id") or line.get("item_id")
            raise _refused(
                what,
                f"line {place}: there is no item price of {named} in {currency or 'any currency'}",
                fix="give the item a price in that currency (map price.CODE), or make one in Chargebee",
            )
        self._note([price])
        return {"entity_type": f"{price.get('item_type', 'charge')}_item_price", "entity_id": price["id"]}


def _tax(given: Mapping[str, Json], amount: int, place: int, what: str) -> Tax | None:
    """The tax of one line of `amount` minor units; None for a line without tax."""
    rate, told = given.get("tax_rate") or 0, given.get("tax_amount")
    if isinstance(rate, bool) or not isinstance(rate, int | Decimal) or not 0 <= rate <= 100:
        raise _refused(what, f"line {place}: the tax rate has to be a number from 0 to 100, in percent")
    if not rate and not told:
        return None
    tax = taxes.due(amount, rate) if told is None else _whole(told, f"line {place}: the tax", what)
    return Tax(tax, taxes.plain(rate))


def _known(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name in _READ}


def _whole(value: Json, name: str, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    raise _refused(what, f"{name} has to be a whole number for Chargebee, in minor units where it is money")


def _refused(what: str, why: str, fix: str = "") -> Refused:
    return Refused(what, field="order_line_items", code="bad_line", why=why, fix=fix)
