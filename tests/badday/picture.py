"""What both systems hold, as their own APIs list it, in words that are the same for every run.

What a server draws itself (versions, ids that nobody chose) is left out, a moment since the world began is
"since", and a reference is told by
what it refers to: a person by the e-mail, a product by its code, a customer of the ERP by its name.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from instep.cli.demo_stage import Stage

ENTITIES = {
    "chargebee": ("customer", "item_family", "item", "item_price", "invoice", "order"),
    "erp": ("customer", "contact", "product", "order"),
}
DRAWN = frozenset({"resource_version", "version", "number", "document_number"})
"""Fields that the systems count up by themselves."""
REFERENCES = {
    "customer_id": "customer",
    "contact_id": "contact",
    "product_id": "product",
    "invoice_id": "invoice",
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
GIVEN_BY_A_SERVER = {
    ("chargebee", "order"), ("chargebee", "invoice"), ("chargebee", "customer"),
    ("erp", "customer"), ("erp", "contact"), ("erp", "product"), ("erp", "order"),
}  # fmt: skip
"""Entities of which some ids are made up on the way; a Chargebee customer's may hold one of the ERP."""

Row = dict[str, Any]
Picture = dict[str, Counter[str]]
""""SYSTEM ENTITY" -> each record as a text -> how often it is there."""


def picture(stage: Stage, began_s: float) -> Picture:
    """Everything that the two APIs list. Two runs of one story give the same picture.

    `began_s`: when the story began, by the clock of this machine, which is the servers' too.
    """
    found = {
        system: {entity: stage.records(system, entity) for entity in entities}
        for system, entities in ENTITIES.items()
    }
    names = _Names(began_s)
    for system, entities in found.items():
        for entity, rows in entities.items():
            names.names.update({(system, entity, id): _name(row, id) for id, row in rows.items()})
    return {
        f"{system} {entity}": Counter(_text(row, system, entity, names) for row in rows.values())
        for system, entities in found.items()
        for entity, rows in entities.items()
    }


@dataclass(frozen=True)
class _Names:
    """`names`: (system, entity, id) -> what a person would call that record."""

    began_s: float
    names: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def recent(self, value: Any) -> bool:
        """Whether it is a moment since the story began."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value >= int(self.began_s)
        if isinstance(value, str) and MOMENT.fullmatch(value):
            return datetime.fromisoformat(value).timestamp() >= int(self.began_s)
        return False


def _name(row: Row, id: str) -> str:
    for name in ("email", "code", "name", "reference", "reference_id"):
        if row.get(name):
            return str(row[name]).lower()
    return "made" if id.isdigit() or id.startswith(("erp-", "inv-erp-")) else id


def _text(row: Row, system: str, entity: str, names: _Names) -> str:
    told = _told(row, system, names)
    if (system, entity) in GIVEN_BY_A_SERVER:
        told["id"] = names.names[system, entity, str(row["id"])]
    return json.dumps(told, ensure_ascii=False, sort_keys=True)


def _told(value: Any, system: str, names: _Names) -> Any:
    if isinstance(value, list):
        return [_told(one, system, names) for one in value]
    if not isinstance(value, dict):
        return "since" if names.recent(value) else value
    return {
        name: _reference(name, content, system, names)
        for name, content in value.items()
        if name not in DRAWN and name != "updated_at" and not _drawn_id(name, value)
    }


def _drawn_id(name: str, row: Row) -> bool:
    """Lines have ids of their own, and an invoice's line is named by one."""
    in_a_line = "quantity" in row or "fulfillment_quantity" in row or "line_item_id" in row
    return in_a_line and name in ("id", "line_item_id", "invoice_line_item_id", "invoice_id")


def _reference(name: str, value: Any, system: str, names: _Names) -> Any:
    if name in REFERENCES and value is not None:
        return names.names.get((system, REFERENCES[name], str(value)), value)
    if name == "external_ref" and value is not None:
        places = [("chargebee", entity, value) for entity in ENTITIES["chargebee"]]
        return next((names.names[place] for place in places if place in names.names), value)
    return _told(value, system, names)


def differences(wanted: Picture, found: Picture, limit: int = 12) -> list[str]:
    """What one has and the other has not, one line a record; [] if they are the same."""
    lines = []
    for place in sorted(wanted.keys() | found.keys()):
        lost = wanted.get(place, Counter()) - found.get(place, Counter())
        more = found.get(place, Counter()) - wanted.get(place, Counter())
        lines += [_difference(place, text, list(more)) for text in lost.elements()]
        if more.total() > lost.total():
            lines += [f"{place}: too many: {text}" for text in more.elements()]
    return lines[:limit]


def _difference(place: str, lost: str, more: list[str]) -> str:
    """The record that is nearest to the lost one, by the fields in which they differ."""
    row = json.loads(lost)
    others = []
    for other in map(json.loads, more):
        names = [name for name in row.keys() | other.keys() if row.get(name) != other.get(name)]
        others.append({name: (row.get(name), other.get(name)) for name in sorted(names)})
    if not others:
        return f"{place}: lost: {lost}"
    return f"{place} {row.get('id')}: wanted and found: {min(others, key=len)}"


def twice(stage: Stage) -> list[str]:
    """Records that are there twice by the key that a person knows them by: "SYSTEM ENTITY KEY"."""

    def keys(system: str, entity: str, *fields: str) -> list[str]:
        rows = stage.records(system, entity).values()
        counts = Counter(tuple(str(row.get(field)).lower() for field in fields) for row in rows)
        return [
            f"{system} {entity} {' '.join(key)}"
            for key, count in counts.items()
            if count > 1 and "none" not in key
        ]

    return [
        *keys("chargebee", "customer", "email"),
        *keys("erp", "contact", "email"),
        *keys("erp", "contact", "external_ref"),
        *keys("chargebee", "item", "name"),
        *keys("erp", "product", "code"),
        *keys("chargebee", "item_price", "item_id", "currency_code"),
        *keys("erp", "customer", "external_ref"),
        *keys("chargebee", "order", "reference_id"),
        *keys("erp", "order", "external_ref"),
        *keys("erp", "order", "reference"),
    ]
