"""Orders, which Chargebee only makes from an invoice. Source: Chargebee API, "orders" and "invoices".

Making one takes three calls that each can be repeated: import the invoice under a chosen id, see whether
Chargebee made an order from it by itself (it does for shippable lines, depending on the site) and adopt that
one, else import the order under its chosen id. Cancelling makes credit notes and is left to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from instep.connectors.chargebee import schema
from instep.connectors.chargebee.api import Api, Payload, derived_key, segment, whole
from instep.connectors.chargebee.lines import Lines, lines_of
from instep.connectors.chargebee.prices import Prices, one_of
from instep.connectors.chargebee.records import nested, to_create, to_update
from instep.connectors.chargebee.resource import Clock, Resource, checked_id
from instep.connectors.chargebee.settings import Settings
from instep.connectors.contract import CreateKey
from instep.core.model import Record
from instep.core.values import Json, is_empty
from instep.errors import BadAnswer, Gone, Refused, RetryLater, Taken, Unable

_SHIPPING = "shipping_address"
_BY_INVOICE = ("currency_code", "order_line_items")
_NOT_UPDATED = ("customer_id", "document_number", "billing_address", "shipping_cut_off_date")
_INVOICE_FIELDS = {
    "date": "order_date",
    "total": "order_line_items",
    "line_items": "order_line_items",
    "taxes": "order_line_items",
}


class Orders(Resource):
    def __init__(self, api: Api, settings: Settings, now_ms: Clock, prices: Prices) -> None:
        super().__init__(
            api,
            settings,
            schema.order(settings),
            path="orders",
            fixed=(("include_deleted", "true"),),
            filters=("id", "invoice_id", "subscription_id", "original_order_id"),
            now_ms=now_ms,
        )
        self.lines = Lines(prices)

    async def find(self, path: str, value: str) -> Sequence[Record]:
        if path != schema.MADE_AS:
            return await super().find(path, value)
        found = await super().find("invoice_id", self.settings.invoice_prefix + value)
        twins = await self._twins([dict(record.fields) for record in found])
        return [record for record in found if record.id not in twins]

    async def records(self, payloads: Sequence[Payload], *, fresh: bool = False) -> list[Record]:
        del fresh
        await self.lines.learn(payloads)
        return [self._record(payload) for payload in payloads]

    async def listed(self, payloads: Sequence[Payload]) -> list[Record]:
        twins = await self._twins(payloads)
        return await self.records([payload for payload in payloads if payload["id"] not in twins])

    async def _twins(self, payloads: Sequence[Payload]) -> set[str]:
        """Orders that Chargebee made by itself beside the one that was imported on the same invoice.

        Depending on the site it does so when the invoice is paid, long after the import. Such an order is the
        same sale a second time, and is left out of listings lest it be made again in the other system.
        """
        prefix = self.settings.invoice_prefix
        imported: dict[str, str] = {}
        for payload in payloads:
            invoice_id = str(payload.get("invoice_id") or "")
            own = invoice_id.removeprefix(prefix)
            if invoice_id.startswith(prefix) and own not in ("", payload["id"]):
                imported[payload["id"]] = own
        there: dict[str, object] = {}
        for query in one_of("id", sorted(set(imported.values()))):
            page = await self.api.page("order", "orders", [("limit", "100"), query], subject="orders")
            there.update((row["id"], row.get("invoice_id")) for row in page.rows)
        return {id for id, own in imported.items() if there.get(own) == prefix + own}

    def _record(self, payload: Payload) -> Record:
        record = self.shape.record(payload)
        own = str(payload.get("invoice_id") or "")
        prefix = self.settings.invoice_prefix
        fields: dict[str, Json] = {
            **record.fields,
            "order_line_items": self.lines.shown(payload),
            schema.MADE_AS: own.removeprefix(prefix) if own.startswith(prefix) else None,
        }
        return replace(record, fields=fields)

    async def create(self, fields: Mapping[str, Json], key: CreateKey) -> Record:
        what = f"order {key.id} was not created"
        id = checked_id(self.entity, key.id)
        wanted = to_create(self.shape, fields, key.id, what)
        for path in ("customer_id", "order_date"):
            if path not in wanted:
                raise Refused(
                    what, field=path, code="missing", why=f"Chargebee needs {path}", fix=f"map {path}"
                )
        if wanted.get("status") == "cancelled":
            raise Unable(what, why=schema.CANCEL_CREDITS)
        invoice_id = await self._invoice(id, wanted, key.idempotency, what)
        wanted.setdefault("status", "queued")
        wanted.setdefault("shipping_date", wanted["order_date"])
        lines = wanted["order_line_items"]
        own = await self._made_by_chargebee(invoice_id, id, len(lines) if isinstance(lines, list) else 0)
        order = {path: value for path, value in wanted.items() if path not in _BY_INVOICE}
        if own is not None:
            update = {
                path: value for path, value in order.items() if path.partition(".")[0] not in _NOT_UPDATED
            }
            payload = await self.post(
                "", own["id"], nested(update), idempotency=derived_key(key.idempotency, "own")
            )
        else:
            parameters: dict[str, Json] = {"id": id, "invoice_id": invoice_id, **nested(order)}
            parameters["created_at"] = wanted["order_date"]
            payload = await self.api.post(
                "order",
                "orders/import_order",
                parameters,
                route="orders/import_order",
                subject=f"order {id}",
                idempotency=key.idempotency,
                new_id=id,
            )
        return (await self.records([payload]))[0]

    async def update(self, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str) -> Record:
        what = f"order {id} was not updated"
        to_update(self.shape, changes, what)
        if changes.get("status") == "cancelled":
            raise Unable(what, why=schema.CANCEL_CREDITS)
        parameters = {path: value for path, value in changes.items() if "." not in path}
        edited = {path.partition(".")[2]: value for path, value in changes.items() if "." in path}
        if edited:
            if _SHIPPING not in seen.fields:
                seen = await self.read(id)
            held = seen.fields.get(_SHIPPING)
            before: Mapping[str, Json] = held if isinstance(held, dict) else {}
            parameters[_SHIPPING] = {part: edited.get(part, before.get(part)) for part, _ in schema.ADDRESS}
        payload = await self.post("", id, parameters, idempotency=idempotency)
        return (await self.records([payload]))[0]

    async def discard(self, id: str) -> None:
        """Its invoice stays until the customer is discarded."""
        await self.post("delete", id, {}, idempotency=f"discard-order-{id}")

    async def _invoice(self, id: str, wanted: Mapping[str, Json], idempotency: str, what: str) -> str:
        """The id of the imported invoice that the order is made from, made now or by an earlier attempt."""
        invoice_id = self.settings.invoice_prefix + id
        currency = str(wanted.get("currency_code") or "")
        bill = await self.lines.for_invoice(wanted.get("order_line_items"), currency, what)
        parameters: dict[str, Json] = {
            "id": invoice_id,
            "customer_id": wanted["customer_id"],
            "date": wanted["order_date"],
            "total": bill.total,
            "status": "payment_due",
            "line_items": bill.lines,
        }
        if bill.taxes:
            parameters["taxes"] = bill.taxes
        if currency:
            parameters["currency_code"] = currency
        addresses = nested({path: v for path, v in wanted.items() if "_address." in path})
        parameters.update(addresses)
        try:
            await self.api.post(
                "invoice",
                "invoices/import_invoice",
                parameters,
                route="invoices/import_invoice",
                subject=f"order {id}",
                idempotency=derived_key(idempotency, "inv"),
                new_id=invoice_id,
            )
        except Taken:
            await self._not_there(id, what)
            await self._same_invoice(invoice_id, parameters, what)
        except Refused as refused:
            head = refused.field.partition(".")[0]
            refused.field = _INVOICE_FIELDS.get(head, refused.field)
            raise
        return invoice_id

    async def _not_there(self, id: str, what: str) -> None:
        """Raises Taken if an order has the id already."""
        try:
            await self.payload(id)
        except Gone:
            return
        except BadAnswer as bad:
            raise RetryLater(what, why=bad.why) from None
        raise Taken(what, existing_id=id, field="id", why=f"order {id} is there already")

    async def _same_invoice(self, id: str, parameters: Mapping[str, Json], what: str) -> None:
        """Check that the invoice which is there already is the one this order is made of. Raises Refused."""
        try:
            found = await self.api.get(
                "invoice", f"invoices/{segment(id)}", route="invoices/{id}", subject=f"invoice {id}"
            )
        except Gone:
            raise RetryLater(what, why=f"invoice {id} is taken and can't be read yet") from None
        except BadAnswer as bad:
            raise RetryLater(what, why=bad.why) from None
        differing = [
            name for name in ("customer_id", "date", "total") if found.get(name) != parameters.get(name)
        ]
        if differing:
            raise Refused(
                what,
                field="order_line_items",
                code="other_invoice",
                why=f"invoice {id} exists already, with another {' and '.join(differing)}",
                fix=f"void or delete invoice {id} in Chargebee, then release the record",
            )

    async def _made_by_chargebee(self, invoice_id: str, id: str, lines: int) -> Payload | None:
        """The order that Chargebee made from the invoice by itself, if it did, with all lines. Raises RetryLater.

        One of the shippable lines alone is not the whole sale: beside it the order is imported, and listings
        leave the other out.
        """
        path = f"invoices/{segment(invoice_id)}/orders"
        try:
            page = await self.api.page(
                "order",
                path,
                [("limit", "100")],
                subject=f"orders of {invoice_id}",
                route="invoices/{id}/orders",
            )
        except (Gone, Refused, BadAnswer) as problem:
            raise RetryLater(f"order {id} was not created", why=problem.why) from None
        live = [
            row
            for row in page.rows
            if not row.get("deleted")
            and row.get("status") not in ("cancelled", "voided")
            and not is_empty(row["id"])
        ]
        own = [row for row in live if row["id"] != id and len(lines_of(row)) == lines]
        if any(row["id"] == id for row in live) or not own:
            return None
        return min(own, key=lambda row: (whole(row.get("created_at")) or 0, row["id"]))
