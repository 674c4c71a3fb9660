"""Which call is which: the table of the API's paths and the functions that answer them.

A handler takes the site and the call and returns an object, or JSON text that is ready to send.
"""

from __future__ import annotations

from collections.abc import Callable

from . import catalog, customers, entities, events, invoices, orders, resends, webhooks
from .errors import wrong_value
from .fields import Doc
from .forms import Tree
from .lists import DEFAULT_LIMIT, LIMIT, Listing, Page, Where, conditions, page
from .reach import limit_to_entity, reach, reach_text
from .site import Call, Site
from .store import decoded, encoded

Handler = Callable[[Site, Call], Doc | str]


def _retrieve(resource: str) -> Handler:
    def retrieve(site: Site, call: Call) -> str:
        return f'{{"{resource}":{reach_text(site, resource, call)}}}'

    return retrieve


def _listed(resource: str, found: Page, texts: list[str]) -> str:
    elements = ",".join(f'{{"{resource}":{text}}}' for text in texts)
    more = f',"next_offset":{encoded(found.next_offset)}' if found.next_offset is not None else ""
    return f'{{"list":[{elements}]{more}}}'


def _list(
    resource: str,
    listing: Listing,
    *,
    deleted: str = "hide",
    narrow: Callable[[Site, Tree, Where], None] | None = None,
) -> Handler:
    """`deleted` is "hide", "param" (include_deleted) or "narrow" (the listing's own business)."""

    def list_call(site: Site, call: Call) -> str:
        where = conditions(call.params, listing, site.switches)
        if deleted == "hide" or (deleted == "param" and not _include_deleted(call.params)):
            where.add("deleted = 0")
        if narrow:
            narrow(site, call.params, where)
        limit_to_entity(where, call, with_site_level=catalog.with_site_level(call.params))
        table = f"r_{resource}"
        found = page(
            site.store, table, "doc", call.params, listing, where, site.switches, site.clock.now_ms()
        )
        return _listed(resource, found, [str(row[0]) for row in found.rows])

    return list_call


def _include_deleted(tree: Tree) -> bool:
    given = tree.get("include_deleted", "false")
    if given not in ("true", "false"):
        raise wrong_value("include_deleted", "should be true or false")
    return given == "true"


def _narrow_customers(_site: Site, tree: Tree, where: Where) -> None:
    # Deprecated copies (of transferred customers) are in no list.
    where.add("hidden = 0")
    customers.narrow(tree, where)


def _list_shown(resource: str, listing: Listing) -> Handler:
    """A list of records that keep less than is on file."""
    inner = _list(resource, listing)

    def list_call(site: Site, call: Call) -> Doc:
        answer: Doc = decoded(str(inner(site, call)))
        answer["list"] = [{resource: webhooks.shown(each[resource])} for each in answer["list"]]
        return answer

    return list_call


def _list_events(site: Site, call: Call) -> str:
    where = conditions(call.params, events.LISTING, site.switches)
    events.narrow(site, call.params, where)
    now_ms = site.clock.now_ms()
    found = page(
        site.store, "event", events.COLUMNS, call.params, events.LISTING, where, site.switches, now_ms
    )
    return _listed("event", found, [events.shown(row) for row in found.rows])


def _retrieve_event(site: Site, call: Call) -> str:
    return f'{{"event":{events.retrieve(site, call)}}}'


def _list_contacts(site: Site, call: Call) -> Doc:
    row = reach(site, "customer", call.record_id, call)
    limit, offset = call.params.get("limit", str(DEFAULT_LIMIT)), call.params.get("offset", "")
    if not isinstance(limit, str) or not limit.isdecimal() or not 1 <= int(limit) <= LIMIT:
        raise wrong_value("limit", "should be between 1 and 100")
    start = str(offset).strip('[]"') or "0"
    if not start.isdecimal():
        raise wrong_value("offset", "is not an offset that a list returned")
    contacts, following = customers.contacts_page(row, int(start), int(limit))
    answer: Doc = {"list": [{"contact": contact} for contact in contacts]}
    if following:
        answer["next_offset"] = following
    return answer


def _list_orders_of_invoice(site: Site, call: Call) -> str:
    invoice = reach(site, "invoice", call.record_id, call)
    where = Where([], [])
    where.add("json_extract(doc, '$.invoice_id') = ? AND deleted = 0", invoice.id)
    now_ms = site.clock.now_ms()
    found = page(site.store, "r_order", "doc", call.params, orders.LISTING, where, site.switches, now_ms)
    return _listed("order", found, [str(row[0]) for row in found.rows])


def _custom_field_configs(site: Site, _call: Call) -> Doc:
    """Attributes as Chargebee's specification names them; `entity_type` is inferred."""
    configs = [
        {
            "api_name": custom.name,
            "display_name": custom.name.removeprefix("cf_").replace("_", " ").capitalize(),
            "field_datatype": custom.datatype,
            "required": custom.required,
            "status": "active",
            "entity_type": resource,
            "object": "custom_field_config",
        }
        for resource, fields in sorted(site.custom.items())
        for custom in fields.values()
    ]
    return {"list": [{"custom_field_config": config} for config in configs]}


ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "customers"): customers.create,
    ("GET", "customers"): _list("customer", customers.LISTING, deleted="param", narrow=_narrow_customers),
    ("GET", "customers/{id}"): _retrieve("customer"),
    ("POST", "customers/{id}"): customers.update,
    ("POST", "customers/{id}/update_billing_info"): customers.update_billing_info,
    ("POST", "customers/{id}/delete"): customers.delete,
    ("POST", "customers/{id}/clear_personal_data"): customers.clear_personal_data,
    ("POST", "customers/{id}/relationships"): customers.relationships,
    ("POST", "customers/{id}/delete_relationship"): customers.delete_relationship,
    ("POST", "customers/{id}/add_contact"): customers.add_contact,
    ("POST", "customers/{id}/update_contact"): customers.update_contact,
    ("POST", "customers/{id}/delete_contact"): customers.delete_contact,
    ("GET", "customers/{id}/contacts"): _list_contacts,
    ("POST", "invoices/import_invoice"): invoices.import_invoice,
    ("GET", "invoices"): _list("invoice", invoices.LISTING, deleted="param"),
    ("GET", "invoices/{id}"): _retrieve("invoice"),
    ("GET", "invoices/{id}/orders"): _list_orders_of_invoice,
    ("POST", "orders"): orders.create,
    ("POST", "orders/import_order"): orders.import_order,
    ("GET", "orders"): _list("order", orders.LISTING, deleted="param"),
    ("GET", "orders/{id}"): _retrieve("order"),
    ("POST", "orders/{id}"): orders.update,
    ("POST", "orders/{id}/cancel"): orders.cancel,
    ("POST", "orders/{id}/reopen"): orders.reopen,
    ("POST", "orders/{id}/resend"): resends.resend,
    ("POST", "orders/{id}/assign_order_number"): orders.assign_order_number,
    ("POST", "orders/{id}/delete"): orders.delete,
    ("GET", "events"): _list_events,
    ("GET", "events/{id}"): _retrieve_event,
    ("POST", "webhook_endpoints"): webhooks.create,
    ("GET", "webhook_endpoints"): _list_shown("webhook_endpoint", webhooks.LISTING),
    ("GET", "webhook_endpoints/{id}"): webhooks.retrieve,
    ("POST", "webhook_endpoints/{id}"): webhooks.update,
    ("POST", "webhook_endpoints/{id}/delete"): webhooks.delete,
    ("POST", "business_entities/transfers"): entities.create_transfers,
    ("GET", "business_entities/transfers"): _list_shown(
        "business_entity_transfer", entities.TRANSFER_LISTING
    ),
    ("GET", "custom_field_configs"): _custom_field_configs,
}

for _kind, _listing in (
    (catalog.FAMILY_KIND, catalog.FAMILY_LISTING),
    (catalog.ITEM_KIND, catalog.ITEM_LISTING),
    (catalog.PRICE_KIND, catalog.PRICE_LISTING),
):
    _plural = "item_families" if _kind.resource == "item_family" else f"{_kind.resource}s"
    ROUTES |= {
        ("POST", _plural): catalog.create(_kind),
        ("GET", _plural): _list(_kind.resource, _listing, deleted="narrow", narrow=catalog.narrow),
        ("GET", f"{_plural}/{{id}}"): _retrieve(_kind.resource),
        ("POST", f"{_plural}/{{id}}"): catalog.update(_kind),
        ("POST", f"{_plural}/{{id}}/delete"): catalog.delete(_kind),
    }

_TEMPLATES = {template for _, template in ROUTES}


def resolve(path: str) -> tuple[str, str] | None:
    """The template of a path below /api/v2/ and the id in it ("" for none); None if there is no such path."""
    if path in _TEMPLATES:
        return path, ""
    parts = path.split("/")
    if len(parts) in (2, 3):
        template = "/".join([parts[0], "{id}", *parts[2:]])
        if template in _TEMPLATES and parts[1]:
            return template, parts[1]
    return None
