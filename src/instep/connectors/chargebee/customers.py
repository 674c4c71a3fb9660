"""Customers: two update calls, of which one replaces all it covers. Source: Chargebee API, "customers"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from instep.connectors.chargebee import schema
from instep.connectors.chargebee.api import Api
from instep.connectors.chargebee.records import nested, to_create, to_update
from instep.connectors.chargebee.resource import Clock, Resource, checked_id
from instep.connectors.chargebee.settings import Settings
from instep.connectors.contract import CreateKey
from instep.core.model import Record
from instep.core.values import Json, is_empty

_ADDRESS = "billing_address"
_KEPT = ("vat_number_prefix", "registered_for_gst", "business_customer_without_vat_number")


class Customers(Resource):
    def __init__(self, api: Api, settings: Settings, now_ms: Clock) -> None:
        super().__init__(
            api,
            settings,
            schema.customer(settings),
            path="customers",
            fixed=(("include_deleted", "true"),),
            filters=("id", "first_name", "last_name", "email", "phone", "company", "business_entity_id"),
            now_ms=now_ms,
        )

    async def create(self, fields: Mapping[str, Json], key: CreateKey) -> Record:
        what = f"customer {key.id} was not created"
        wanted = to_create(self.shape, fields, key.id, what)
        parameters = {"id": checked_id(self.entity, key.id), **nested(wanted)}
        payload = await self.post("", key.id, parameters, idempotency=key.idempotency, new_id=key.id)
        return self.shape.record(payload)

    async def update(self, id: str, changes: Mapping[str, Json], *, seen: Record, idempotency: str) -> Record:
        what = f"customer {id} was not updated"
        if to_update(self.shape, changes, what) == "billing":
            if not {"vat_number", _ADDRESS, *_KEPT} <= seen.fields.keys():
                seen = await self.read(id)
            parameters = billing(changes, seen.fields)
            payload = await self.post("update_billing_info", id, parameters, idempotency=idempotency)
        else:
            if any("." in path and path.partition(".")[0] not in seen.fields for path in changes):
                seen = await self.read(id)
            parameters = plain(changes, seen.fields)
            payload = await self.post("", id, parameters, idempotency=idempotency)
        return self.shape.record(payload)

    async def discard(self, id: str) -> None:
        """With its invoices and their orders."""
        await self.post("delete", id, {}, idempotency=f"discard-customer-{id}")


def plain(changes: Mapping[str, Json], seen: Mapping[str, Json]) -> dict[str, Json]:
    """Parameters of the update call; a part of a JSON object takes its rest along, which else is lost."""
    parameters: dict[str, Json] = {}
    for path, value in changes.items():
        head, _, rest = path.partition(".")
        if rest:
            whole = parameters.get(head, seen.get(head))
            inner: Any = dict(whole) if isinstance(whole, dict) else {}
            parameters[head] = inner
            *above, last = rest.split(".")
            for name in above:
                deeper = inner.get(name)
                inner[name] = dict(deeper) if isinstance(deeper, dict) else {}
                inner = inner[name]
            if is_empty(value):
                inner.pop(last, None)
            else:
                inner[last] = value
        else:
            parameters[head] = value
    return parameters


def billing(changes: Mapping[str, Json], seen: Mapping[str, Json]) -> dict[str, Json]:
    """Parameters of update_billing_info, which wipes what it covers and isn't sent: all of it, changed in
    part.

    A `state_code` decides the `state`, so that the one which was not edited is left to Chargebee.
    """
    parameters: dict[str, Json] = {name: changes[name] for name in changes if "." not in name}
    parameters.setdefault("vat_number", seen.get("vat_number"))
    for name in _KEPT:
        if name not in parameters and not is_empty(seen.get(name)):
            parameters[name] = seen[name]
    edited = {path.partition(".")[2]: value for path, value in changes.items() if "." in path}
    held = seen.get(_ADDRESS)
    before: Mapping[str, Json] = held if isinstance(held, dict) else {}
    if edited or before:
        address = {part: edited.get(part, before.get(part)) for part, _ in schema.ADDRESS}
        if "state_code" in edited and "state" not in edited:
            del address["state"]
        elif "state" in edited and "state_code" not in edited:
            address["state_code"] = None
        if not edited and before.get("validation_status"):
            address["validation_status"] = before["validation_status"]
        parameters[_ADDRESS] = address
    return parameters
