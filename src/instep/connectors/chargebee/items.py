"""Items, with the flat prices of their item prices. Source: Chargebee API, "items", "item_families".

What is retired is archived: an item with prices can't be deleted, and an archived one still holds its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from instep.connectors.chargebee import schema
from instep.connectors.chargebee.api import Api, Payload, segment
from instep.connectors.chargebee.customers import plain
from instep.connectors.chargebee.listing import Mark, Walk
from instep.connectors.chargebee.prices import ANY_STATUS, Priced, Prices, one_of
from instep.connectors.chargebee.records import nested, to_create, to_update
from instep.connectors.chargebee.resource import Clock, Resource, checked_id
from instep.connectors.chargebee.settings import Settings
from instep.connectors.contract import CreateKey, Page
from instep.core.model import Record
from instep.core.values import Json
from instep.errors import Gone, InDoubt, OutcomeError, RetryLater, Taken

_PRICES = "prices"


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

    async def records(self, payloads: Sequence[Payload], *, fresh: bool = False) -> list[Record]:
        if not self.prices.terms:
            return [self.shape.record(payload) for payload in payloads]
        ids = [payload["id"] for payload in payloads]
        if fresh:
            held = dict(zip(ids, await asyncio.gather(*map(self.prices.fresh, ids)), strict=True))
        else:
            held = await self.prices.listed(ids)
        return [
            self._priced(payload, self.prices.summary(payload["id"], held[payload["id"]]))
            for payload in payloads
        ]

    def _priced(self, payload: Payload, priced: Priced) -> Record:
        record = self.shape.record({**payload, "price": dict(priced.amounts), "price_id": dict(priced.ids)})
        if record.version is None or record.deleted:
            return record
        # A price is another record with its own version; the newest of all is that of what is shown here.
        newest = max(record.version, priced.version)
        return replace(record, version=newest, updated_ms=max(record.updated_ms or 0, priced.version))

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
        await self._ensure_family(str(wanted.get("item_family_id") or ""))
        payload = await self.post("", key.id, parameters, idempotency=key.idempotency, new_id=key.id)
        if not self.prices.terms:
            return self.shape.record(payload)
        return self._priced(payload, self.prices.summary(key.id, []))

    async def update(self, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str) -> Record:
        what = f"item {id} was not updated"
        group = to_update(self.shape, changes, what)
        if group:
            return await self._update_price(id, group, changes[group], seen, idempotency)
        if any("." in path and path.partition(".")[0] not in seen.fields for path in changes):
            seen = await self.read(id)
        payload = await self.post("", id, plain(changes, seen.fields), idempotency=idempotency)
        return self._written(payload, seen)

    async def retire(self, id: str, *, seen: Record, idempotency: str) -> Record:
        payload = await self.post("", id, {"status": "archived"}, idempotency=idempotency)
        return self._written(payload, seen)

    def _written(self, payload: Payload, seen: Record) -> Record:
        """The item of an answer, with the prices that were seen before, of which the answer says nothing.

        Should one have changed meanwhile, the version, which is the newest of all, shows it at the next look.
        """
        record = self.shape.record(payload)
        fields = dict(record.fields)
        for name in ("price", "price_id") if self.prices.terms else ():
            fields.pop(name)
            if name in seen.fields:
                fields[name] = seen.fields[name]
        return replace(record, fields=fields)

    async def _update_price(self, id: str, path: str, value: Json, seen: Record, idempotency: str) -> Record:
        label = path.partition(".")[2]
        written = await self.prices.write(id, label, value, seen.fields, idempotency)
        try:
            payload = await self.payload(id)
            others = await self.prices.fresh(id, but=written["id"] if written else "")
        except OutcomeError as error:
            # Nothing can be said of the item as a whole: whoever reads it later finds the price written.
            raise InDoubt(
                f"item {id}: the price was written, the item could not be read", why=error.why
            ) from None
        return self._priced(payload, self.prices.summary(id, [*others, *([written] if written else [])]))

    async def _ensure_family(self, id: str) -> None:
        """The item family that new items go into, made if it is missing; nothing if none is named.

        Raises RetryLater where it is not known whether it was made: that is looked up again.
        """
        if not id or id in self._families:
            return
        subject = f"item family {id}"
        try:
            await self.api.get(
                "item_family", f"item_families/{segment(id)}", route="item_families/{id}", subject=subject
            )
        except Gone:
            parameters: dict[str, Any] = {"id": id, "name": id}
            try:
                await self.api.post(
                    "item_family",
                    "item_families",
                    parameters,
                    route="item_families",
                    subject=subject,
                    new_id=id,
                )
            except Taken as taken:
                if taken.field not in ("", "id"):
                    raise
            except InDoubt as doubt:
                raise RetryLater(f"{subject} may not be there yet", why=doubt.why) from None
        self._families.add(id)
