"""Finding the collections of an API: paths whose answer is a list of records, and the paths of one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from instep.connectors.proposing import singular
from instep.connectors.rest.openapi.document import METHODS, Document, Node, objects
from instep.connectors.rest.openapi.schemas import Property, entries, kind_of, properties

ENVELOPES: Final = (
    "data",
    "items",
    "results",
    "value",
    "records",
    "rows",
    "content",
    "objects",
    "list",
    "result",
)
BESIDE: Final = (
    "errors",
    "warnings",
    "messages",
    "links",
    "validationerrors",
    "validation_errors",
    "included",
)
"""Lists that stand beside the records of an answer."""
_WORD = re.compile(r"\{([^{}]*)\}")
_LAST = re.compile(r"(?:/|\()\{[^{}]+\}\)?/?$")
MOST: Final = 2000
"""Paths of a document that are looked at."""


@dataclass(frozen=True)
class Collection:
    """One list of records. `item_path`: where one of them is, "" if there is none; `items`: where the entries stand
    in an answer; `item`: where the record stands in an entry; `fields_at`: where the fields stand in a record."""

    path: str
    name: str
    operations: Mapping[str, Node]
    items: str
    row: Node
    item: str = ""
    fields_at: str = ""
    item_path: str = ""
    one: Mapping[str, Node] = field(default_factory=dict)

    @property
    def parents(self) -> Sequence[str]:
        """The words of the path, which stand for what its records are under."""
        return _WORD.findall(self.path)


def collections(document: Document) -> list[Collection]:
    """Every collection, in the order of the document, each with a name of its own."""
    paths = dict(list(document.paths().items())[:MOST])
    found: list[Collection] = []
    for path, item in paths.items():
        operations = _operations(document, item)
        if "get" not in operations or _LAST.search(path):
            continue
        rows = rows_at(document, document.answered(operations["get"]), path)
        if rows is None:
            continue
        items, row = rows
        own = properties(document, row)
        within = ""
        if len(own) == 1:
            name, only = next(iter(own.items()))
            if inner := properties(document, only.node):
                within, own, row = name, inner, only.node
        fields_at = "attributes" if "attributes" in own and ("id" in own or "type" in own) else ""
        item_path = _item_path(path, paths)
        one = _operations(document, paths[item_path]) if item_path else {}
        found.append(Collection(path, _name(path), operations, items, row, within, fields_at, item_path, one))
    return _named_apart(found)


def _operations(document: Document, item: Node) -> dict[str, Node]:
    return {method: operation for method in METHODS if (operation := document.follow(item.get(method)))}


def _item_path(path: str, paths: Mapping[str, Node]) -> str:
    stem, suffix = _stem(path)
    ending = re.escape(suffix)
    pattern = re.compile(re.escape(stem) + rf"(?:/\{{[^{{}}/]+\}}{ending}/?|\('?\{{[^{{}}/]+\}}'?\))")
    found = [other for other in paths if pattern.fullmatch(other)]
    return next(iter(sorted(found, key=lambda other: "get" not in objects(paths[other]))), "")


def _stem(path: str) -> tuple[str, str]:
    """A path without what stands for its form (/things.json), and that."""
    path = path.rstrip("/")
    for suffix in (".json", ".js"):
        if path.endswith(suffix):
            return path.removesuffix(suffix), suffix
    return path, ""


def rows_at(document: Document, schema: Node, path: str) -> tuple[str, Node] | None:
    """Where in an answer the records are, and the schema of one; None if the answer is no list of records."""
    alone = entries(document, schema)
    if alone is not None:
        return "", alone
    last = path.rstrip("/").rpartition("/")[2].lower()
    found = _lists(document, properties(document, schema), "")
    if not found:
        return None

    def likely(pointer: str) -> tuple[int, int]:
        name = pointer.rpartition(".")[2].lower()
        if name == last:
            return 0, 0
        return (1, ENVELOPES.index(name)) if name in ENVELOPES else (2, 0)

    best = min(found, key=likely)
    if likely(best)[0] == 2 and len(found) > 1:
        return None
    # An object with one list among its own values is a record with lines, not an envelope.
    values = [p for p in properties(document, schema).values() if kind_of(p.node) in ("string", "boolean")]
    if likely(best)[0] == 2 and len(values) > 4:
        return None
    return best, found[best]


def _lists(document: Document, own: Mapping[str, Property], before: str) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for name, prop in own.items():
        entry = entries(document, prop.node)
        if entry is not None and name.lower() not in BESIDE:
            found[before + name] = entry
        elif not before and kind_of(prop.node) == "object":
            inner = properties(document, prop.node)
            if len(inner) <= 12:
                found |= _lists(document, inner, f"{name}.")
    return found


def _name(path: str) -> str:
    segments = [part for part in _stem(path)[0].strip("/").split("/") if part and "{" not in part]
    return snake(singular(segments[-1])) if segments else ""


def snake(name: str) -> str:
    """A name in the form of ours: salesOrders -> sales_orders."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"_+", "_", re.sub(r"\W", "_", name, flags=re.ASCII)).strip("_").lower()


def _named_apart(found: Sequence[Collection]) -> list[Collection]:
    """The same with names that differ: of two, the one with the shorter path keeps its own."""
    named: dict[str, Collection] = {}
    for collection in sorted(found, key=lambda each: (len(each.parents), each.path.count("/"))):
        stem = _stem(collection.path)[0]
        segments = [snake(part) for part in stem.strip("/").split("/") if "{" not in part]
        name = collection.name or "record"
        for before in reversed(segments[:-1]):
            if name not in named:
                break
            name = f"{singular(before)}_{name}".strip("_")
        while name in named:
            name += "_2"
        named[name] = collection
    order = {id(collection): n for n, collection in enumerate(found)}
    return [
        replace(each, name=name) for name, each in sorted(named.items(), key=lambda pair: order[id(pair[1])])
    ]
