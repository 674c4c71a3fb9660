"""Flat prices of items, which Chargebee keeps as item prices. Source: Chargebee API, "item_prices".

An item's `price` is an object with a whole number of minor units per configured `PriceTerm`, None where there
is no such price or it is not flat. The item price meant is the active one of that currency and period; of
several, the one that Instep made, else the first by id. Writing makes or changes it; clearing archives it,
which writing again undoes. Not for tiered or decimal prices: those are left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instep.connectors.chargebee import forms
from instep.connectors.chargebee.api import Api, Payload, derived_key, segment, whole
from instep.connectors.chargebee.listing import LoopGuard
from instep.connectors.chargebee.lru import Lru
from instep.connectors.chargebee.settings import PriceTerm
from instep.core.values import Json
from instep.errors import Gone, Refused, Taken, Unable

FLAT = ("flat_fee", "per_unit")
ANY_STATUS = ("status[in]", "[active,archived,deleted]")
_ROUTE = "item_prices/{id}"
_MOST_CHARACTERS = 3000


@dataclass(frozen=True, slots=True)
class Priced:
    """What item prices say about one item: amount and item price per label, and the newest version of any."""

    amounts: Mapping[str, Json]
    ids: Mapping[str, Json]
    version: int


class Prices:
    """Reads and writes the item prices of one site."""

    def __init__(self, api: Api, terms: Sequence[PriceTerm], *, pricing_model: str, page_size: int) -> None:
        self.terms = tuple(terms)
        self.api, self._model, self._page_size = api, pricing_model, page_size
        self._known: Lru[tuple[str, str], str] = Lru(200_000)

    async def listed(self, item_ids: Sequence[str]) -> dict[str, list[Payload]]:
        """All item prices of these items, by item, as lists know them."""
        found: dict[str, list[Payload]] = {id: [] for id in item_ids}
        for query in one_of("item_id", item_ids):
            guard = LoopGuard("item prices")
            offset: str | None = None
            while True:
                full = [("limit", str(self._page_size)), ("sort_by[asc]", "updated_at"), ANY_STATUS, query]
                full += [("offset", offset)] if offset is not None else []
                page = await self.api.page("item_price", "item_prices", full, subject="item prices")
                guard.check(page)
                for price in page.rows:
                    found.setdefault(str(price.get("item_id")), []).append(price)
                offset = page.next_offset
                if offset is None:
                    break
        return found

    async def fresh(self, item_id: str) -> list[Payload]:
        """An item's prices as they are now: the list says which there are, and each that counts is read by id,
        so that no lag of lists shows an old amount."""
        prices = {price["id"]: price for price in (await self.listed([item_id]))[item_id]}
        known = {self._known.get((item_id, term.label)) for term in self.terms}
        fitting = {
            id
            for id, price in prices.items()
            if not _deleted(price) and any(t.fits(price) for t in self.terms)
        }
        ids = sorted(fitting | {id for id in known if id})
        for id, price in zip(ids, await asyncio.gather(*map(self.one, ids)), strict=True):
            if price is not None:
                prices[id] = price
            elif id in prices:
                prices[id] = {**prices[id], "deleted": True}
        return list(prices.values())

    async def one(self, id: str) -> Payload | None:
        """An item price by id, None if there is none."""
        try:
            return await self.api.get(
                "item_price", f"item_prices/{segment(id)}", route=_ROUTE, subject=f"item price {id}"
            )
        except Gone:
            return None

    async def in_currency(self, item_id: str, currency: str) -> Payload | None:
        """An active item price of the item in a currency ("": any), for a line of an order; None if none."""
        for term in self.terms:
            if term.currency == currency or not currency:
                price = await self.one(self._known.get((item_id, term.label)) or item_id + term.suffix)
                if price is not None and _is(term, price, item_id):
                    return price
        buyable = [
            price
            for price in (await self.listed([item_id]))[item_id]
            if live(price) and (not currency or price.get("currency_code") == currency)
        ]
        return min(buyable, key=lambda price: str(price["id"]), default=None)

    def summary(self, item_id: str, prices: Iterable[Payload]) -> Priced:
        """What these item prices say about the item."""
        prices = list(prices)
        amounts: dict[str, Json] = {}
        ids: dict[str, Json] = {}
        for term in self.terms:
            fitting = [price for price in prices if _is(term, price, item_id)]
            fitting.sort(key=lambda price: (price["id"] != item_id + term.suffix, price["id"]))
            amounts[term.label] = _amount(fitting[0]) if fitting else None
            if fitting:
                ids[term.label] = fitting[0]["id"]
                self._known.put((item_id, term.label), fitting[0]["id"])
            else:
                self._known.forget((item_id, term.label))
        versions = [v for price in prices if (v := whole(price.get("resource_version"))) is not None]
        return Priced(amounts, ids, max(versions, default=0))

    def told(self, price: Payload) -> dict[str, Json]:
        """What one item price says about its item: an amount per label that it is the price for."""
        item_id, id = str(price.get("item_id")), price.get("id")
        return {
            term.label: _amount(price) if live(price) else None
            for term in self.terms
            if term.fits(price) and (self._known.get((item_id, term.label)) or id) == id
        }

    async def write(
        self, item_id: str, label: str, value: Json, seen: Mapping[str, Json], idempotency: str
    ) -> Payload | None:
        """Set one price, or archive it (None). Returns the item price, None if there was nothing to archive.

        `seen` are the item's fields. Raises as `Connector.update`, with `price.LABEL` as the field.
        """
        term = next(term for term in self.terms if term.label == label)
        target = str(_at(seen.get("price_id"), label) or self._known.get((item_id, label)) or "")
        try:
            if value is None:
                return await self._archive(target, idempotency) if target else None
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise Refused(
                    f"the price of item {item_id} was not updated",
                    code="bad_price",
                    why="a price is a whole number of minor units (cents), not negative",
                )
            if target:
                try:
                    if _at(seen.get("price"), label) is not None:
                        return await self._post(target, {"price": value}, idempotency)
                    current = await self.one(target)
                    if current is not None:
                        return await self._revive(current, value, idempotency)
                except Gone:
                    self._known.forget((item_id, label))
            try:
                return await self._make(item_id, term, value, seen, derived_key(idempotency, "new"))
            except Taken:
                there = await self._there(item_id, term)
                if there is None:
                    raise
                return await self._revive(there, value, derived_key(idempotency, "set"))
        except Refused as refused:
            refused.field = f"price.{label}"
            raise

    async def _there(self, item_id: str, term: PriceTerm) -> Payload | None:
        """The item price that stands in the way of a new one: with our id, or of that currency and period."""
        own = await self.one(item_id + term.suffix)
        if own is not None and own.get("item_id") == item_id and term.fits(own):
            return own
        listed = (await self.listed([item_id]))[item_id]
        fitting = [price["id"] for price in listed if not _deleted(price) and term.fits(price)]
        return await self.one(min(fitting)) if fitting else None

    async def _revive(self, current: Payload, value: int, idempotency: str) -> Payload:
        """Write the amount of an item price that was not seen as the item's: archived, or just made."""
        if current.get("pricing_model", FLAT[0]) not in FLAT:
            raise _not_flat(current["id"], f"its pricing model is {current.get('pricing_model')}")
        if current.get("price_in_decimal"):
            raise _not_flat(current["id"], "it has more decimals than its currency")
        parameters: dict[str, Json] = {"price": value}
        if current.get("status") == "archived":
            parameters["status"] = "active"
        return await self._post(current["id"], parameters, idempotency)

    async def _archive(self, id: str, idempotency: str) -> Payload | None:
        try:
            return await self._post(id, {"status": "archived"}, idempotency)
        except Gone:
            return None

    async def _post(self, id: str, parameters: Mapping[str, Json], idempotency: str) -> Payload:
        return await self.api.post(
            "item_price",
            f"item_prices/{segment(id)}",
            parameters,
            route=_ROUTE,
            subject=f"item price {id}",
            idempotency=idempotency,
        )

    async def _make(
        self, item_id: str, term: PriceTerm, value: int, seen: Mapping[str, Json], idempotency: str
    ) -> Payload:
        id = item_id + term.suffix
        shown = seen.get("external_name") or seen.get("name")
        parameters: dict[str, Any] = {
            "id": id,
            "name": id,
            "item_id": item_id,
            "currency_code": term.currency,
            "pricing_model": self._model,
            "price": value,
        }
        if shown:
            parameters["external_name"] = shown
        unit = term.period_unit or ("month" if seen.get("type") in ("plan", "addon") else "")
        if unit:
            parameters["period"] = term.period or 1
            parameters["period_unit"] = unit
        try:
            return await self._create(id, parameters, idempotency)
        except Refused as refused:
            if refused.field == "item_id":
                raise Gone(f"item {item_id} is not there", why=refused.why) from None
            if refused.field != "period" or term.period_unit:
                raise
        # A charge has a price as it is, a plan or an addon one for a time: without a word, for a month.
        monthly = {**parameters, "period": 1, "period_unit": "month"}
        return await self._create(id, monthly, derived_key(idempotency, "monthly"))

    async def _create(self, id: str, parameters: Mapping[str, Any], idempotency: str) -> Payload:
        return await self.api.post(
            "item_price",
            "item_prices",
            parameters,
            route="item_prices",
            subject=f"item price {id}",
            idempotency=idempotency,
            new_id=id,
        )


def one_of(name: str, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`in` filters that together ask for these ids, each short enough for an address; odd ids go alone."""
    plain = [id for id in ids if not set(id) & set("[],'\" ")]
    for id in ids:
        if id not in plain:
            yield f"{name}[is]", id
    chunk: list[str] = []
    for id in plain:
        if chunk and (len(chunk) == 100 or sum(map(len, chunk)) + len(id) > _MOST_CHARACTERS):
            yield f"{name}[in]", forms.choice(chunk)
            chunk = []
        chunk.append(id)
    if chunk:
        yield f"{name}[in]", forms.choice(chunk)


def _is(term: PriceTerm, price: Payload, item_id: str) -> bool:
    return live(price) and price.get("item_id") == item_id and term.fits(price)


def live(price: Payload) -> bool:
    """Whether an item price can be bought: neither archived nor deleted."""
    return price.get("status", "active") == "active" and not _deleted(price)


def _deleted(price: Payload) -> bool:
    return price.get("deleted") is True or price.get("status") == "deleted"


def _amount(price: Payload) -> Json:
    amount = price.get("price")
    flat = price.get("pricing_model", FLAT[0]) in FLAT
    return amount if flat and isinstance(amount, int) else None


def _at(value: Json, label: str) -> Json:
    return value.get(label) if isinstance(value, dict) else None


def _not_flat(id: str, why: str) -> Unable:
    return Unable(
        f"item price {id} was not updated",
        why=f"{why}, and only flat prices in minor units are written",
        fix="change it in Chargebee, or take the price out of the dataflow",
    )
