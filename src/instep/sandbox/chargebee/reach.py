"""Which records a call can reach: the business entity context. Source: Chargebee API, "business entities":
with the header, records of another entity are not found and lists leave them out; without it, all are
seen."""

from __future__ import annotations

from .errors import ApiError, not_found, wrong_value
from .fields import Doc
from .lists import Where
from .site import Call, Site
from .store import Row, encoded


def within(doc: Doc, call: Call) -> bool:
    """Whether a record belongs to the context of the call, or to the site as a whole."""
    return (
        not call.business_entity
        or doc.get("business_entity_id", call.business_entity) == call.business_entity
    )


def reach(site: Site, resource: str, record_id: str, call: Call, *, param: str | None = None) -> Row:
    """A record that isn't deleted, of the call's business entity; raises ApiError (404)."""
    row = site.store[resource].get(record_id)
    if row is None or not within(row.doc, call):
        raise not_found(record_id, param or f"{resource}_id")
    return row


def reach_text(site: Site, resource: str, call: Call) -> str:
    """The JSON text of the record that a retrieve call names; raises ApiError (404)."""
    table = site.store[resource]
    if not call.business_entity and site.switches.choice("retrieve_deleted") == "not_found":
        text = table.text(call.record_id)
        if text is not None:
            return text
        raise not_found(call.record_id, f"{resource}_id")
    row = table.get(call.record_id, deleted_too=site.switches.choice("retrieve_deleted") == "record")
    if row is None or not within(row.doc, call):
        raise not_found(call.record_id, f"{resource}_id")
    return encoded(row.doc)


def limit_to_entity(where: Where, call: Call, *, with_site_level: bool = False) -> None:
    """Leaves out of a list what belongs to another business entity."""
    if call.business_entity:
        own = "json_extract(doc, '$.business_entity_id')"
        where.add(f"({own} = ?{f' OR {own} IS NULL' if with_site_level else ''})", call.business_entity)


def entity_of_new(site: Site, given: str | None, call: Call) -> str | None:
    """The business entity that a create call means, by its parameter or its context; None if by neither.

    Raises ApiError: 400 if the two differ or it is unknown, 409 if it is inactive.
    """
    if given and call.business_entity and given != call.business_entity:
        raise wrong_value("business_entity_id", "is not the business entity of the request header")
    wanted = given or call.business_entity or None
    if wanted:
        entity = site.store["business_entity"].get(wanted)
        if entity is None:
            raise wrong_value("business_entity_id", f"{wanted} not found")
        if entity.doc["status"] != "active":
            raise ApiError("invalid_state_for_request", f"The business entity {wanted} is inactive")
    return wanted
