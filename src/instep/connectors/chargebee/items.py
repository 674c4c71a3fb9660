"""Items, with the flat prices of their item prices. Source: Chargebee API, "items", "item_families".

What is retired is archived: an item with prices can't be deleted, and an archived one still holds its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from instep.connectors.chargebee import schema
from instep.connectors.chargebee.api import Api, Payload, segment
from instep.connectors.chargebee.customers import plain
from instep.connectors.chargebee.listing import Mark, Walk
from instep.connectors.chargebee.lru import Lru
from instep.connectors.chargebee.prices import ANY_STATUS, Prices, one_of
from instep.connectors.chargebee.records import nested, to_create, to_update
from instep.connectors.chargebee.resource import Clock, Resource, checked_id
from instep.connectors.chargebee.settings import Settings
from instep.connectors.contract import CreateKey, Page
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import Gone, InDoubt, OutcomeError, Refused, RetryLater, Taken

_PRICES = "prices"
_FAMILY = "item_family"
_MADE_WITH = "made with item "
"""What the description of an item family says that was made since an item needed it; then the item's id."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told:
    """What was last told of an item: its payload, its item prices by id, and the version of the record."""

    payload: Payload
    prices: Mapping[str, Payload]
    version: int


class Items(Resource):
    def __init__(self, api: Api, settings: Settings, now_ms: Clock) -> None:
        super().__init__(
            api,
            settings,
            schema.item(settings),
            path="items",
            fixed=(ANY_STATUS,),
            filters=("id", "name", "item_family_id"),
            now_ms=now_ms,
        )
        self.prices = Prices(
            api, settings.prices, pricing_model=settings.pricing_model, page_size=settings.page_size
        )
        self._price_walk = Walk(
            "item_price", "item_prices", (ANY_STATUS,), "item prices", page_size=settings.page_size
        )
        self._families: set[str] = set()
        self._discarded: set[str] = set()
        self._told: Lru[str, Told] = Lru(2_000)

    async def records(self, payloads: Sequence[Payload], *, fresh: bool = False) -> list[Record]:
        if not self.prices.terms:
            return [self.shape.record(payload) for payload in payloads]
        ids = [payload["id"] for payload in payloads]
        if fresh:
            held = dict(zip(ids, await asyncio.gather(*map(self.prices.fresh, ids)), strict=True))
        else:
            held = await self.prices.listed(ids)
        return [self._tell(payload, held[payload["id"]]) for payload in payloads]

    def _tell(self, payload: Payload, prices: Iterable[Payload]) -> Record:
        """The record of an item with these prices, kept as the last that was told of it."""
        prices = list(prices)
        priced = self.prices.summary(payload["id"], prices)
        record = self.shape.record({**payload, "price": dict(priced.amounts), "price_id": dict(priced.ids)})
        if record.version is not None and not record.deleted:
            # A price is another record with its own version; the newest of all is that of what is shown here.
            newest = max(record.version, priced.version)
            record = replace(record, version=newest, updated_ms=max(record.updated_ms or 0, priced.version))
        before = self._told.get(record.id)
        if before is None or (record.version or 0) >= before.version:
            self._told.put(record.id, Told(payload, {p["id"]: p for p in prices}, record.version or 0))
        return record

    async def pages(self, cursor: str | None) -> AsyncIterator[Page]:
        """Items, then (not on the first walk, which has seen them all) the items whose prices changed."""
        started_ms = self.now_ms()
        mark = Mark.read(cursor, self.shape.mark)
        then_prices = bool(self.prices.terms) and mark.since is not None
        prices_mark = mark
        if mark.stage != _PRICES:
            async for rows, after in self.walk.pages(self.api, mark, lambda: self.api.server_s(started_ms)):
                last = after.offset is None
                prices_mark = replace(after, stage=_PRICES)
                if last:
                    after = prices_mark if then_prices else after.next_walk(self.settings.list_lag_s)
                yield Page(await self.records(rows), after.text(self.shape.mark), last and not then_prices)
            if not then_prices:
                return
        price_pages = self._price_walk.pages(self.api, prices_mark, lambda: self.api.server_s(started_ms))
        async for rows, after in price_pages:
            last = after.offset is None
            if last:
                after = after.next_walk(self.settings.list_lag_s)
            ids = list(dict.fromkeys(str(row["item_id"]) for row in rows if row.get("item_id")))
            yield Page(await self.records(await self._by_id(ids)), after.text(self.shape.mark), last)

    async def _by_id(self, ids: Sequence[str]) -> list[Payload]:
        found: list[Payload] = []
        for query in one_of("id", ids):
            page = await self.api.page(
                "item", "items", [("limit", "100"), ANY_STATUS, query], subject=self.walk.subject
            )
            found += [row for row in page.rows if row["id"] in ids]
        return found

    async def create(self, fields: Mapping[str, Json], key: CreateKey) -> Record:
        what = f"item {key.id} was not created"
        # A new item is active by itself.
        fields = {name: value for name, value in fields.items() if (name, value) != ("status", "active")}
        wanted = to_create(self.shape, fields, key.id, what)
        wanted.setdefault("type", self.settings.item_type)
        if self.settings.item_family:
            wanted.setdefault("item_family_id", self.settings.item_family)
        parameters: dict[str, Json] = {"id": checked_id(self.entity, key.id), **nested(wanted)}
        await self._ensure_family(str(wanted.get("item_family_id") or ""), key.id)
        payload = await self.post("", key.id, parameters, idempotency=key.idempotency, new_id=key.id)
        if not self.prices.terms:
            return self.shape.record(payload)
        return self._tell(payload, [])

    async def update(self, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str) -> Record:
        what = f"item {id} was not updated"
        group = to_update(self.shape, changes, what)
        if group:
            return await self._update_price(id, group, changes[group], seen, idempotency)
        if any("." in path and path.partition(".")[0] not in seen.fields for path in changes):
            seen = await self.read(id)
        await self._ensure_family(str(changes.get("item_family_id") or ""), id)
        return await self._written(
            await self.post("", id, plain(changes, seen.fields), idempotency=idempotency)
        )

    async def retire(self, id: str, *, seen: Record, idempotency: str) -> Record:
        del seen
        return await self._written(await self.post("", id, {"status": "archived"}, idempotency=idempotency))

    async def discard(self, id: str) -> None:
        """With its prices, since an item that has some can't be deleted; and each family that was made with an item
        which was discarded here, as soon as no item is in it."""
        ids = (await self.read(id)).fields.get("price_id")
        for price in ids.values() if isinstance(ids, dict) else ():
            if price:
                path = f"item_prices/{segment(str(price))}/delete"
                subject, key = f"item price {price}", f"discard-price-{price}"[:100]
                await self.api.post(
                    "item_price", path, {}, route="item_prices/{id}/delete", subject=subject, idempotency=key
                )
        await self.post("delete", id, {}, idempotency=f"discard-item-{id}"[:100])
        self._discarded.add(id)
        for family in await self._families_of_discarded():
            # Without a key: one of a name may be made and deleted again within the time that a key is remembered.
            path, route = f"item_families/{segment(family)}/delete", "item_families/{id}/delete"
            with suppress(Refused, Gone):
                await self.api.post(_FAMILY, path, {}, route=route, subject=f"item family {family}")
                self._families.discard(family)

    async def _families_of_discarded(self) -> list[str]:
        """The item families that were made with items which are discarded now. A list may not have the latest yet, so
        those that this process has met are read by their ids."""
        page = await self.api.page(_FAMILY, "item_families", [("limit", "100")], subject="item families")
        rows = {row["id"]: row for row in page.rows}
        for family in self._families - rows.keys():
            with suppress(Gone):
                rows[family] = await self._family(family)
        ours = {_MADE_WITH + id for id in self._discarded}
        return [name for name, row in rows.items() if row.get("description") in ours]

    async def _written(self, payload: Payload) -> Record:
        """The item of an answer, which says nothing of prices: those are what was told of them last.

        Should one have changed since, it is listed with a version that is not above the one given here, and
        other fields, so that whoever compares the two reads the item.
        """
        if not self.prices.terms:
            return self.shape.record(payload)
        told = self._told.get(payload["id"])
        if told is not None:
            return self._tell(payload, told.prices.values())
        return self._tell(payload, await self._afterwards(payload["id"], self.prices.fresh(payload["id"])))

    async def _update_price(self, id: str, path: str, value: Json, seen: Record, idempotency: str) -> Record:
        label = path.partition(".")[2]
        written = await self.prices.write(id, label, value, seen.fields, idempotency)
        told = self._told.get(id)
        prices: Mapping[str, Payload]
        if told is None:
            payload = await self._afterwards(id, self.payload(id))
            prices = {price["id"]: price for price in await self._afterwards(id, self.prices.fresh(id))}
        else:
            payload, prices = told.payload, told.prices
        return self._tell(payload, {**prices, **({written["id"]: written} if written else {})}.values())

    async def _afterwards(self, id: str, reading: Awaitable[T]) -> T:
        """What a reading after a write gives. Raises InDoubt if it fails, since nothing can be said then of the
        item as a whole: whoever reads it later finds what was written."""
        try:
            return await reading
        except OutcomeError as error:
            raise InDoubt(f"item {id} was written and could not be read after it", why=error.why) from None

    async def _family(self, id: str) -> Payload:
        return await self.api.get(
            _FAMILY, f"item_families/{segment(id)}", route="item_families/{id}", subject=f"item family {id}"
        )

    async def _has_family(self, id: str) -> bool:
        """Whether it is there by now: of two that are made at once, the other one's name may be what is taken."""
        try:
            await self._family(id)
        except Gone:
            return False
        return True

    async def _ensure_family(self, id: str, item: str) -> None:
        """The item family that new items go into, made with this item if it is missing; nothing if none is named.

        Raises RetryLater where it is not known whether it was made: that is looked up again.
        """
        if not id or id in self._families:
            return
        subject = f"item family {id}"
        if not await self._has_family(id):
            parameters: dict[str, Any] = {"id": id, "name": id, "description": _MADE_WITH + item}
            try:
                await self.api.post(
                    _FAMILY,
                    "item_families",
                    parameters,
                    route="item_families",
                    subject=subject,
                    new_id=id,
                )
            except Taken as taken:
                if taken.field not in ("", "id") and not await self._has_family(id):
                    raise
            except InDoubt as doubt:
                raise RetryLater(f"{subject} may not be there yet", why=doubt.why) from None
        self._families.add(id)
