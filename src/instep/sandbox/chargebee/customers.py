"""Customers and their contacts. Source: Chargebee API, "customers".

A customer's address and VAT number change only by update_billing_info, which replaces what it covers; its
business entity only by a transfer; deleting is asynchronous and takes invoices and orders with it.
"""

from __future__ import annotations

from collections.abc import Callable

from .errors import ApiError, not_found, wrong_value
from .fields import Doc, apply, defaults
from .forms import Tree
from .lists import CREATED, ID, UPDATED, Listing, Where, attribute
from .parameters import check_id, read
from .reach import entity_of_new, reach
from .site import Call, Site
from .specs_customer import CONTACT, CUSTOMER
from .store import Row
from .tasks import schedule

LISTING = Listing(
    filters={
        "id": ID,
        "first_name": attribute("text", "first_name"),
        "last_name": attribute("text", "last_name"),
        "email": attribute("text", "email"),
        "company": attribute("text", "company"),
        "phone": attribute("text", "phone"),
        "auto_collection": attribute("word", "auto_collection"),
        "taxability": attribute("word", "taxability"),
        "offline_payment_method": attribute("word", "offline_payment_method"),
        "auto_close_invoices": attribute("flag", "auto_close_invoices"),
        "channel": attribute("word", "channel"),
        "business_entity_id": attribute("id", "business_entity_id"),
        "created_at": CREATED,
        "updated_at": UPDATED,
    },
    sorts=("created_at", "updated_at"),
)

CHANGED = "customer_changed"


def narrow(tree: Tree, where: Where) -> None:
    """The filter `relationship[parent_id][is]`, which is two levels deep."""
    relationship = tree.get("relationship")
    if isinstance(relationship, dict):
        for name in ("parent_id", "payment_owner_id", "invoice_owner_id"):
            operators = relationship.get(name)
            if isinstance(operators, dict) and isinstance(operators.get("is"), str):
                where.add(f"json_extract(doc, '$.relationship.{name}') = ?", str(operators["is"]))


def new_customer(site: Site) -> Doc:
    """What a customer holds before anything is said about it."""
    return {
        **defaults(CUSTOMER),
        "created_at": site.now_s(),
        "pii_cleared": "active",
        "channel": "web",
        "deleted": False,
        "object": "customer",
        "card_status": "no_card",
        "preferred_currency_code": site.settings.base_currency,
    }


def create(site: Site, call: Call) -> Doc:
    changes = read(call.params, CUSTOMER, "C", site.reading("customer"))
    record_id = changes.pop("id", None)
    record_id = check_id(record_id, 50, site.switches) if record_id else site.new_id()
    if not site.switches.on("customer_id_reuse") and site.store["customer"].get(record_id, deleted_too=True):
        raise ApiError("duplicate_entry", f"The value {record_id} is already present.", param="id")
    entity = (
        entity_of_new(site, changes.pop("business_entity_id", None), call) or site.default_business_entity()
    )
    doc = {"id": record_id, **new_customer(site)}
    _identify(site, doc, changes)
    apply(doc, changes, CUSTOMER)
    if entity:
        doc["business_entity_id"] = entity
    row = site.create("customer", doc, call, event="customer_created")
    return {"customer": row.doc}


def update(site: Site, call: Call) -> Doc:
    row = reach(site, "customer", call.record_id, call)
    apply(row.doc, read(call.params, CUSTOMER, "U", site.reading("customer")), CUSTOMER)
    return {"customer": site.change("customer", row, call, event=CHANGED).doc}


def update_billing_info(site: Site, call: Call) -> Doc:
    row = reach(site, "customer", call.record_id, call)
    changes = read(call.params, CUSTOMER, "B", site.reading("customer"))
    _identify(site, row.doc, changes)
    if "billing_address" in changes and "vat_number" not in changes and site.switches.on("vat_wipe"):
        changes["vat_number"] = None
    if "vat_number" in changes and changes["vat_number"] is None:
        changes["vat_number_prefix"] = None
    apply(row.doc, changes, CUSTOMER)
    return {"customer": site.change("customer", row, call, event=CHANGED).doc}


def _identify(site: Site, doc: Doc, changes: Doc) -> None:
    """Entity identifiers are merged by id; `operation=delete` takes one away."""
    given = changes.pop("entity_identifiers", None)
    if given is None:
        return
    held = {each["id"]: each for each in doc.get("entity_identifiers", [])}
    for each in given:
        operation = each.pop("operation", "create")
        identifier = each.get("id")
        if operation == "delete":
            held.pop(identifier, None)
        else:
            identifier = identifier or site.new_id("ei_", 12)
            held[identifier] = {
                **held.get(identifier, {}),
                **each,
                "id": identifier,
                "object": "entity_identifier",
            }
    if held:
        doc["entity_identifiers"] = list(held.values())
    else:
        doc.pop("entity_identifiers", None)


def delete(site: Site, call: Call) -> Doc:
    """Schedules the delete; the record is there until the clock says otherwise (switch
    customer_delete_delay_s)."""
    row = reach(site, "customer", call.record_id, call)
    if "relationship" in row.doc or _subordinates(site, row.id):
        raise site.refuse_delete("The customer is part of a hierarchy.")
    schedule(site, "delete_customer", _detail(row, call), _delay_ms(site))
    shown = dict(row.doc)
    if site.switches.choice("customer_delete_answer") == "deleted":
        shown["deleted"] = True
    return {"customer": shown}


def deleted(site: Site, detail: Doc) -> None:
    """The effect of a delete, when its time has come: the customer, its invoices and their orders go."""
    row = site.store["customer"].get(detail["id"])
    if row is None or row.seq != detail["seq"]:
        return
    call = Call({}, user=detail["user"], source=detail["source"], silent=detail["silent"])
    for invoice in site.store["invoice"].children(row.id):
        for order in site.store["order"].children(invoice.id):
            site.remove("order", order, call, event="order_deleted", secondary=True)
        site.remove("invoice", invoice, call, event="invoice_deleted", secondary=True)
    site.remove("customer", row, call, event="customer_deleted")


_PERSONAL = (
    *("first_name", "last_name", "email", "phone", "company", "vat_number", "vat_number_prefix"),
    *("billing_address", "contacts", "created_from_ip", "meta_data"),
)


def clear_personal_data(site: Site, call: Call) -> Doc:
    """Schedules the blanking of what is personal; which attributes that are is inferred."""
    row = reach(site, "customer", call.record_id, call)
    row.doc["pii_cleared"] = "scheduled_for_clear"
    schedule(site, "clear_customer", _detail(row, call), _delay_ms(site))
    return {"customer": site.change("customer", row, call, event=CHANGED).doc}


def cleared(site: Site, detail: Doc) -> None:
    """The effect of clear_personal_data: blanks, which are nobody's edit (`pii_cleared` says so)."""
    row = site.store["customer"].get(detail["id"])
    if row is None or row.seq != detail["seq"]:
        return
    for name in _PERSONAL:
        row.doc.pop(name, None)
    row.doc["pii_cleared"] = "cleared"
    call = Call({}, user=detail["user"], source=detail["source"], silent=detail["silent"])
    site.change("customer", row, call, event=CHANGED)


def _detail(row: Row, call: Call) -> Doc:
    """What a task has to know of the call that scheduled it. `seq` tells a record from a later one of its
    id."""
    return {"seq": row.seq, "id": row.id, "user": call.user, "source": call.source, "silent": call.silent}


def _delay_ms(site: Site) -> int:
    return int(site.switches.number("customer_delete_delay_s") * 1000)


def _subordinates(site: Site, record_id: str) -> bool:
    rows = site.store.run(
        "SELECT 1 FROM r_customer"
        " WHERE json_extract(doc, '$.relationship.parent_id') = ? AND deleted = 0 LIMIT 1",
        (record_id,),
    )
    return bool(rows)


def relationships(site: Site, call: Call) -> Doc:
    row = reach(site, "customer", call.record_id, call)
    relationship: Doc = {}
    for name in ("parent_id", "payment_owner_id", "invoice_owner_id"):
        other = call.params.get(name)
        if isinstance(other, str) and other:
            parent = site.store["customer"].get(other)
            if parent is None:
                raise not_found(other, name)
            if parent.doc.get("business_entity_id") != row.doc.get("business_entity_id"):
                raise wrong_value(name, "is of another business entity")
            relationship[name] = other
    if "parent_id" not in relationship:
        raise wrong_value("parent_id", "cannot be blank")
    row.doc["relationship"] = {**relationship, "object": "relationship"}
    site.change("customer", row, call, event=CHANGED)
    return {"customer": row.doc}


def delete_relationship(site: Site, call: Call) -> Doc:
    row = reach(site, "customer", call.record_id, call)
    if row.doc.pop("relationship", None) is None:
        raise ApiError("invalid_state_for_request", "The customer is in no hierarchy.")
    return {"customer": site.change("customer", row, call, event=CHANGED).doc}


def _contact_call(letter: str, work: Callable[[Site, list[Doc], Doc], None]) -> Callable[[Site, Call], Doc]:
    """A call on one contact: it reads `contact[...]`, changes the list, and answers with the whole
    customer."""

    def contact_call(site: Site, call: Call) -> Doc:
        row = reach(site, "customer", call.record_id, call)
        given = call.params.get("contact")
        if not isinstance(given, dict):
            raise wrong_value("contact", "cannot be blank")
        try:
            changes = read(given, CONTACT, letter, site.reading("contact"))
        except ApiError as error:
            error.param = f"contact[{error.param}]"
            raise
        contacts = row.doc.setdefault("contacts", [])
        work(site, contacts, changes)
        if not contacts:
            del row.doc["contacts"]
        return {"customer": site.change("customer", row, call, event=CHANGED).doc}

    return contact_call


def _place(contacts: list[Doc], contact_id: str) -> int:
    for place, contact in enumerate(contacts):
        if contact["id"] == contact_id:
            return place
    raise not_found(contact_id, "contact[id]")


def _add(site: Site, contacts: list[Doc], changes: Doc) -> None:
    contact_id = changes.get("id") or site.new_id("contact_", 14)
    if any(contact["id"] == contact_id for contact in contacts):
        raise ApiError("duplicate_entry", f"The value {contact_id} is already present.", param="contact[id]")
    contact = {**defaults(CONTACT), "object": "contact"}
    apply(contact, {**changes, "id": contact_id}, CONTACT)
    contacts.append(contact)


def _update(_site: Site, contacts: list[Doc], changes: Doc) -> None:
    apply(contacts[_place(contacts, changes["id"])], changes, CONTACT)


def _delete(_site: Site, contacts: list[Doc], changes: Doc) -> None:
    contacts.pop(_place(contacts, changes["id"]))


add_contact = _contact_call("A", _add)
update_contact = _contact_call("U", _update)
delete_contact = _contact_call("U", _delete)


def contacts_page(row: Row, offset: int, limit: int) -> tuple[list[Doc], str | None]:
    """A page of a customer's contacts. They have no time of their own, so pages go by place."""
    contacts = row.doc.get("contacts", [])
    after = offset + limit
    return contacts[offset:after], f'["{after}"]' if len(contacts) > after else None
