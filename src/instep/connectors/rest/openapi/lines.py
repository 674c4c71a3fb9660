"""From the properties of a record to the fields of a description."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from instep.connectors.rest.openapi.document import Document
from instep.connectors.rest.openapi.schemas import USABLE, Property, choices, field_type, kind_of, properties

MOST_FIELDS: Final = 120
MOST_INNER: Final = 20

Line = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """The properties that a create and an update take, none if they don't say; `updates`: whether there is one."""

    create: Mapping[str, Property]
    update: Mapping[str, Property]
    updates: bool


def field_lines(
    document: Document,
    read: Mapping[str, Property],
    sent: Sent,
    id: str,
    refers: Callable[[str], str],
) -> tuple[dict[str, Line], list[str]]:
    """Path -> line, of what a reading has, and the names that can be no fields.

    `id`: the name of the id; `refers`: the entity whose id a field holds.
    """
    lines: dict[str, Line] = {}
    left: list[str] = []
    for name, prop in read.items():
        if prop.write_only:
            continue
        if not USABLE.fullmatch(name) or len(lines) >= MOST_FIELDS:
            left.append(name)
            continue
        for line in _lines(document, name, prop, sent, id, refers):
            lines[str(line["path"])] = line
    return lines, left


def _lines(
    document: Document, name: str, prop: Property, sent: Sent, id: str, refers: Callable[[str], str]
) -> Iterator[Line]:
    """The line of a property, or those of its own properties if it is an object that is written."""
    creates = not sent.create or name in sent.create
    updates = sent.updates and (not sent.update or name in sent.update)
    fixed = prop.read_only or name == id or not (creates or updates)
    inner = properties(document, prop.node) if kind_of(prop.node) == "object" else {}
    usable = {key: below for key, below in inner.items() if USABLE.fullmatch(key)}
    simple = all(kind_of(below.node) not in ("object", "array") for below in usable.values())
    if usable and simple and len(usable) <= MOST_INNER and not fixed:
        for key, below in usable.items():
            yield _line(f"{name}.{key}", below, creates, updates, below.read_only, refers)
        return
    line = _line(name, prop, creates, updates, fixed, refers)
    needed = sent.create.get(name)
    if needed is not None and needed.required and not fixed:
        line["required"] = True
    yield line


def _line(
    path: str, prop: Property, creates: bool, updates: bool, fixed: bool, refers: Callable[[str], str]
) -> Line:
    line: Line = {"path": path}
    kind = field_type(prop.node)
    if kind != "text":
        line["type"] = kind
    if fixed:
        line["read_only"] = True
        return line
    if not creates:
        line["create"] = False
    if not updates:
        line["update"] = False
    most = prop.node.get("maxLength")
    allowed = choices(prop.node)
    if allowed and kind == "text":
        line["choices"] = list(allowed)
    elif isinstance(most, int) and not isinstance(most, bool) and most > 0 and kind == "text":
        line["max_length"] = most
    entity = refers(path)
    if entity and kind in ("text", "integer"):
        line["reference"] = entity
    return line
