"""The page of the default dataflow, property by property, and of what it can't or doesn't map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from docs.pages.markdown import code, codes, sentence, table
from docs.pages.markdown import page as whole
from docs.pages.systems import entities, type_of, written
from instep.core.dataflow import Pair, Property
from instep.core.model import SIDES, Both, Field, Side
from instep.dataflow import line
from instep.dataflow.build import parse_dataflow
from instep.dataflow.files import parse_dataflow_file
from instep.dataflow.models import DataflowFile, GroupForm, PropertyForm, PropertyItem
from instep.dataflow.scaffold import default_dataflow

_SYSTEMS: Final = Both("in Chargebee", "in the ERP")
_FLOWS: Final = {"both": "↔", "to-right": "→", "to-left": "←"}

IMPOSSIBLE: Final[Sequence[tuple[str, str, str]]] = (
    (
        "Business entity, from the ERP",
        "Chargebee has no call that creates, lists, reads, renames or removes a business entity",
        "a new or renamed ERP customer is held, with the sentence that a person needs; the one that the person"
        " then makes in Chargebee is seen and linked by its name",
    ),
    (
        "Business entity, beyond its name",
        "Chargebee keeps a name and a status of it, and no address, e-mail, tax number or custom field",
        "an ERP customer's other fields stay in the ERP",
    ),
    (
        "A contact that moves to another ERP customer",
        "a Chargebee customer gets its business entity when it is created; afterwards only a transfer moves it,"
        " which splits its history",
        "the property is held; a person makes the transfer in Chargebee",
    ),
    (
        "Deleting a Chargebee customer",
        "it also deletes the customer's subscriptions, invoices and credit notes, and can't be undone",
        "Instep never calls it; a contact that was deleted in the ERP is held",
    ),
    (
        "Cancelling a Chargebee order by a delete",
        "a cancellation makes a credit note, with amounts that a person should see",
        "the order of a deleted ERP order is held",
    ),
    (
        "An order's customer, currency, lines, prices and billing address, after creation",
        "Chargebee takes them from the order's invoice when the order is made and never changes them",
        "an edit of them in the ERP is held with that reason; an edit in Chargebee can't happen",
    ),
    (
        "A new Chargebee order without an invoice",
        "every order call wants an invoice, and none takes line items",
        "Instep imports an invoice with the order's lines first, and then the order",
    ),
    (
        "An order's total, and amounts of tax",
        "each system works out its own from the lines and their tax rates, rounded half up per line",
        "a line's rate goes across, as the sum of a line's taxes in percent; totals are read by neither side",
    ),
    (
        "An order line without a product",
        "a one-off charge of Chargebee has no item behind it, and the ERP's line then has no product",
        "the line goes across with its description, quantity and price, and no product",
    ),
    (
        "Payment status and paid amounts",
        "Chargebee alone knows what was paid; its API takes no such field of an order",
        "they stay in Chargebee; the sample ERP has no field for them",
    ),
    (
        "Payment methods, cards and balances of a customer",
        "they are secrets or follow from invoices, and no field of an ERP contact stands for them",
        "not read",
    ),
    (
        "Changing an item's id or type",
        "Chargebee fixes both when the item is made",
        "a changed product code, or kind, in the ERP is held",
    ),
    (
        "SKU",
        "a Chargebee item has none; the order line's `sku` can be set only after the order is made",
        "the product code is the item's id, which every line names",
    ),
    (
        "Prices in tiers, by volume, or with more decimals than the currency has",
        "the ERP has one price per currency, and Chargebee many item prices per item",
        "such a price is shown as empty and never written; the flat one of each configured currency is kept in step",
    ),
    (
        "Prices per billing period",
        "a plan may have a monthly and a yearly item price; the ERP has no period",
        "the default maps the monthly one of plans and addons; others can be named with `period_unit` in"
        " `instep.yaml`",
    ),
    (
        "Contacts within a Chargebee customer (`contacts`)",
        "they have calls of their own and no times, so that their edits can't be put in order",
        "not mapped; the ERP's contact is the Chargebee customer itself",
    ),
    (
        "Custom fields",
        "their names and types differ from site to site",
        "name them under `custom_fields` in `instep.yaml`, and then map them like any other field",
    ),
)
"""What can't be mapped, why, and what happens instead. Source: Chargebee API v2, the pages of each resource."""


def page() -> str:
    dataflow = parse_dataflow(default_dataflow())
    _, model = parse_dataflow_file(default_dataflow(), "dataflow.yaml")
    lines = [
        "What `instep init` writes to `dataflow.yaml`: Chargebee on the left, the sample ERP on the right.",
        "Every line can be changed; these are the ones to start from.",
        "*Written* says when Instep can write the field on that side.",
        "",
    ]
    for name in model.pairs:
        pair = dataflow.pair(name)
        assert pair is not None
        lines += _pair(pair, model)
    lines += [
        "## What can't be mapped, and why",
        "",
        *table(("what", "why", "what happens instead"), [tuple(map(sentence, row)) for row in IMPOSSIBLE]),
        "## Fields that the default leaves alone",
        "",
        "Instep neither reads nor writes these; map the ones that you need.",
        "",
    ]
    for name in model.pairs:
        pair = dataflow.pair(name)
        assert pair is not None
        lines += [f"- **{pair.entity[side]}** ({side}): {codes(_left_out(pair, side))}" for side in SIDES]
    return whole("The default dataflow", *lines)


def _pair(pair: Pair, model: DataflowFile) -> Iterator[str]:
    left, right = pair.entity
    yield from (f"## {pair.name}: {left} ↔ {right}", "")
    keys = [" and ".join(key.properties) for key in pair.match]
    yield f"- Partners are found by: {', then '.join(map(code, keys)) or 'nothing; every record is new'}."
    sides = [_creates(pair, side) for side in SIDES if pair.create[side]]
    yield f"- Where one is missing it is created: {'; '.join(sides) or 'nowhere'}."
    yield f"- After a delete: {code(pair.on_delete)}. In a conflict: {code(pair.policy)}."
    if pair.after:
        yield f"- After: {codes(pair.after)}, which its records refer to."
    yield ""
    inner = {
        _name(item): item.properties
        for item in model.pairs[pair.name].properties
        if isinstance(item, PropertyForm) and item.properties
    }
    rows = []
    for prop in pair.properties:
        rows.append(_row(pair, prop))
        rows += [_inner_row(prop, item) for item in inner.get(prop.name, ())]
    yield from table((left, "type", "written", "", right, "type", "written", "transformation", "notes"), rows)


def _creates(pair: Pair, side: Side) -> str:
    able = entities()[side][pair.entity[side]].abilities
    by_hand = "" if able.create else ", by a person who is told to"
    return f"{_SYSTEMS[side]}{by_hand}"


def _name(item: PropertyForm) -> str:
    assert item.map is not None
    return item.name or line.parse(item.map).parts.left.fields[0]


def _row(pair: Pair, prop: Property) -> tuple[str, ...]:
    notes = []
    if prop.group:
        notes.append(f"group “{prop.group}”")
    if prop.required:
        notes.append("a create waits for it")
    for side in SIDES:
        if prop.default[side] is not None:
            notes.append(f"{pair.entity[side]} gets {code(prop.default[side])} if there is none")
    reasons = dict.fromkeys(
        field.reason for side in SIDES for field in _fields(pair, prop, side) if field.reason
    )
    notes += reasons
    return (
        *_side(pair, prop, Side.LEFT),
        _FLOWS[prop.flow],
        *_side(pair, prop, Side.RIGHT),
        code(prop.as_written),
        sentence("; ".join(notes)),
    )


def _side(pair: Pair, prop: Property, side: Side) -> tuple[str, str, str]:
    part, fields = prop.parts[side], _fields(pair, prop, side)
    along = f" with {codes(part.context)}" if part.context else ""
    types = ", ".join(
        dict.fromkeys(
            type_of(field) if field.path == path else f"part of {field.type}"
            for path, field in zip(part.fields, fields, strict=True)
        )
    )
    return codes(part.fields) + along, types, ", ".join(dict.fromkeys(written(field) for field in fields))


def _inner_row(prop: Property, item: PropertyItem) -> tuple[str, ...]:
    """A property inside an object or a list: the connectors declare no type for what is inside."""
    assert not isinstance(item, GroupForm)
    text = item if isinstance(item, str) else item.map or ""
    read = line.parse(text)
    left, right = (
        codes(f"{outer.fields[0]}[].{path}" for path in part.fields)
        + (f" with {codes(part.context)}" if part.context else "")
        for outer, part in zip(prop.parts, read.parts, strict=True)
    )
    return (
        left,
        "",
        "",
        _FLOWS[read.flow],
        right,
        "",
        "",
        code(read.transformation),
        f"Inside {code(prop.name)}.",
    )


def _fields(pair: Pair, prop: Property, side: Side) -> list[Field]:
    entity = entities()[side][pair.entity[side]]
    found = (entity.field(path) for path in prop.parts[side].fields)
    return [field for field in found if field is not None]


def _left_out(pair: Pair, side: Side) -> Iterable[str]:
    mapped = pair.paths(side)
    fields = entities()[side][pair.entity[side]].fields
    return [
        field.path
        for field in fields
        if field.path not in mapped and not any(path.startswith(f"{field.path}.") for path in mapped)
    ]
