"""What a schema says of a record: its properties, put together from the parts that it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from instep.connectors.rest.openapi.document import Document, Node, objects
from instep.core.model import FieldType

MAX_DEPTH: Final = 12
MAX_PARTS: Final = 400
USABLE: Final = re.compile(r"[A-Za-z_@$][\w@$-]{0,79}")
"""Names that a field may have; others are told and left out."""


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `node`: its schema, followed."""

    node: Node
    required: bool = False

    @property
    def read_only(self) -> bool:
        return self.node.get("readOnly") is True

    @property
    def write_only(self) -> bool:
        return self.node.get("writeOnly") is True


def properties(document: Document, schema: Node) -> dict[str, Property]:
    """Name -> property, with those of all parts of an `allOf`, and of the first of several shapes that has any."""
    found: dict[str, Property] = {}
    required = set[str]()
    for part in _parts(document, schema):
        listed = part.get("required")
        required |= {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
        for name, node in objects(part.get("properties")).items():
            found[name] = Property(whole(document, node))
    return {name: Property(each.node, name in required) for name, each in found.items()}


def _parts(document: Document, schema: Node) -> Iterator[Node]:
    waiting: list[Any] = [schema]
    seen = set[int]()
    while waiting and len(seen) < MAX_PARTS:
        part = document.follow(waiting.pop(0))
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        parts = part.get("allOf")
        waiting = [*(parts if isinstance(parts, list) else []), *waiting]
        if not part.get("properties") and not parts:
            waiting = [*_shapes(document, part), *waiting]


def _shapes(document: Document, part: Node) -> list[Any]:
    """The first of several shapes that is an object, or made of some."""
    for several in (part.get("oneOf"), part.get("anyOf")):
        for each in several if isinstance(several, list) else ():
            shape = document.follow(each)
            if shape.get("properties") or shape.get("allOf"):
                return [shape]
    return []


def whole(document: Document, node: Any) -> Node:
    """A property's schema, with what the one part of an `allOf`, or the one shape besides null, says of it."""
    schema = document.follow(node)
    for _ in range(MAX_DEPTH):
        several = next(
            (s for key in ("allOf", "oneOf", "anyOf") if isinstance(s := schema.get(key), list) and s), None
        )
        if several is None or "properties" in schema or "type" in schema:
            return schema
        shapes = [shape for each in several if (shape := document.follow(each)).get("type") != "null"]
        if not shapes:
            return schema
        own = {key: value for key, value in schema.items() if key not in ("allOf", "oneOf", "anyOf")}
        schema = {**shapes[0], **own}
    return schema


def kind_of(node: Node) -> str:
    """The type that a schema states, "" if it states none; of several the one besides null."""
    stated = node.get("type")
    if isinstance(stated, list):
        stated = next((each for each in stated if each != "null"), "")
    if isinstance(stated, str):
        return stated
    return "object" if node.get("properties") else "array" if node.get("items") else ""


def field_type(node: Node) -> FieldType:
    """The type of a field with this schema."""
    kind, form = kind_of(node), node.get("format")
    if kind == "string":
        return {"date": "date", "date-time": "datetime"}.get(str(form), "text")  # type: ignore[return-value]
    types: Mapping[str, FieldType] = {
        "integer": "integer",
        "number": "decimal",
        "boolean": "boolean",
        "array": "list",
        "object": "object",
    }
    return types.get(kind, "any")


def choices(node: Node) -> Sequence[str]:
    """The texts that a field may have, none if it may have others."""
    stated = node.get("enum")
    if not isinstance(stated, list) or len(stated) > 60:
        return ()
    texts = [each for each in stated if each is not None and each != ""]
    return texts if texts and all(isinstance(each, str) and each.isprintable() for each in texts) else ()


def entries(document: Document, node: Node) -> Node | None:
    """The schema of the entries of a list of objects; None if it is none."""
    if kind_of(node) != "array":
        return None
    entry = document.follow(node.get("items"))
    return entry if properties(document, entry) else None
