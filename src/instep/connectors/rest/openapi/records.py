"""From a collection to what a description says of one entity: its calls, its fields, and what to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from instep.connectors.proposing import ACTIVE, CREATED, DELETED, MARKER, UPDATED, VERSION
from instep.connectors.rest.openapi.document import Document, Node
from instep.connectors.rest.openapi.finding import Collection, rows_at, snake
from instep.connectors.rest.openapi.guessing import changed_since, errors, moment_format, paging
from instep.connectors.rest.openapi.lines import Sent, field_lines
from instep.connectors.rest.openapi.schemas import USABLE, Property, kind_of, properties

REFERENCES: Final = re.compile(r"^(.+?)_?id$", re.IGNORECASE)
UPDATES: Final = (*UPDATED, "last_updated", "last_update", "update_time", "updated_date", "date_updated",
                  "updated_date_utc", "date_modified", "modified_date", "modification_date", "last_modified_date",
                  "last_modified_date_time", "changed", "update_date", "last_modified_on", "date_update")  # fmt: skip
CREATES: Final = (
    *CREATED,
    "create_time",
    "created_date",
    "date_created",
    "creation_date",
    "created_date_time",
)
OURS: Final = (*MARKER, "external_key", "foreign_id", "reference_id", "client_reference", "integration_key")


@dataclass
class Proposed:
    """Keys of an entity's description in their order, its fields, and comments by the key that they stand at."""

    keys: dict[str, Any] = field(default_factory=dict)
    fields: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Records:
    """The records of one collection of a document. `entities`: name -> collection, of all that are proposed."""

    def __init__(
        self, document: Document, collection: Collection, entities: Mapping[str, Collection]
    ) -> None:
        self._document, self._collection, self._entities = document, collection, entities
        row = properties(document, collection.row)
        inner = row.get("attributes") if collection.fields_at else None
        self._row = row
        self._own = properties(document, inner.node) if inner is not None else row
        self._id = self._id_of(row)

    def proposed(self) -> Proposed:
        """What to write of them."""
        found = Proposed()
        collection = self._collection
        words = {word: f"{{{self._word(word)}}}" for word in collection.parents}
        path = _with_words(collection.path, words)
        found.keys["path"] = path if len(path) < 2 else path.rstrip("/")
        parent = self._parent()
        if parent:
            found.keys["parent"] = parent
            if "among" in parent:
                found.comments["parent"] = "name the ids that it may have"
        if self._id and self._id != "id":
            found.keys["id"] = self._id
        elif not self._id:
            found.comments["path"] = "no field looks like the id of a record: say which one is, as id"
        if collection.fields_at:
            found.keys["fields_at"] = collection.fields_at
        self._list(found, words)
        self._one(found, words)
        fields = self._fields(found)
        self._times(found)
        self._retire(found, fields)
        found.fields = list(fields.values())
        return found

    def _id_of(self, row: Mapping[str, Property]) -> str:
        by_name = {snake(name): name for name in row}
        word = re.findall(r"\{([^{}]*)\}", self._collection.item_path)[-1:]
        named = f"{self._collection.name}_id"
        for name in ("id", named, *(snake(each) for each in word), "uuid", "guid", "key", "number", "code"):
            if name in by_name and kind_of(row[by_name[name]].node) not in ("object", "array"):
                return by_name[name]
        return ""

    def _word(self, word: str) -> str:
        """The word for a parent in paths: the entity that it is, if that is one."""
        name = _parent_name(self._collection, word, self._entities)
        return name or snake(word) or "parent"

    def _parent(self) -> dict[str, Any]:
        parents = self._collection.parents
        if not parents:
            return {}
        name = _parent_name(self._collection, parents[-1], self._entities)
        if len(parents) == 1 and name:
            return {"entity": name, "field": f"{name}_id"}
        return {
            "word": self._word(parents[-1]),
            "among": ["change-me"],
            "field": f"{self._word(parents[-1])}_id",
        }

    # --- calls ---

    def _list(self, found: Proposed, words: Mapping[str, str]) -> None:
        collection, document = self._collection, self._document
        item, get = self._document.paths()[collection.path], collection.operations["get"]
        call: dict[str, Any] = {}
        if collection.path.endswith("/"):
            call["path"] = _with_words(collection.path, words)
        if collection.items:
            call["items"] = collection.items
        if collection.item:
            call["item"] = collection.item
        pages, look = paging(document, item, get, collection.items, self._id)
        call["paging"] = pages
        since = changed_since(document, item, get)
        call |= since
        if len(self._own) * 2 < len(self._read_properties()):
            call["rows"] = "hint"
            look = "; ".join(filter(None, (look, "rows lack fields, so each is read by itself")))
        query = document.parameters(item, get, "query")
        if not since:
            spoken = str(call)
            others = [name for name in query if f"'{name}'" not in spoken and USABLE.fullmatch(name)]
            why = "nothing was found that asks for changes since a time"
            why += f"; its other parameters: {', '.join(others[:12])}" if others else ""
            look = "; ".join(filter(None, (look, why)))
        found.keys["list"] = call
        if look:
            found.comments["list"] = look
        marker = next((name for name in self._own if snake(name) in OURS), "")
        param = next((name for name in query if snake(name) == snake(marker)), "") if marker else ""
        if param and marker in self._sent("post"):
            found.keys["marker"] = {"field": marker, "param": param}
            found.comments["marker"] = "if nothing else uses it"
        elif marker:
            found.notes.append(
                f"{collection.name}: {marker} may be a marker, if a list can be searched by it"
            )

    def _read_properties(self) -> Mapping[str, Property]:
        _, schema = self._inside(self._document.answered(self._collection.one.get("get", {})))
        return properties(self._document, schema)

    def _inside(self, schema: Node) -> tuple[str, Node]:
        """Where in an answer, or a body, the one record is, and its schema there."""
        own = properties(self._document, schema)
        known = set(self._row)
        if not own or self._id in own or len(known & set(own)) * 2 > len(known):
            return "", schema
        rows = rows_at(self._document, schema, self._collection.path)
        if rows is not None and known & set(properties(self._document, rows[1])):
            return f"{rows[0]}.0".strip("."), rows[1]
        for name, prop in own.items():
            inner = properties(self._document, prop.node)
            if inner and (self._id in inner or len(known & set(inner)) * 2 > min(len(known), len(inner))):
                return name, prop.node
        return "", schema

    def _one(self, found: Proposed, words: Mapping[str, str]) -> None:
        collection = self._collection
        usual = collection.path.rstrip("/") + "/"
        where = ""
        if collection.item_path:
            last = re.findall(r"\{([^{}]*)\}", collection.item_path)[-1]
            where = _with_words(collection.item_path, {**words, last: "{id}"})
            where = "" if re.fullmatch(re.escape(usual) + r"\{[^{}]*\}", collection.item_path) else where
        read = collection.one.get("get")
        if read is None:
            found.keys["read"] = None
            found.comments["read"] = "no call was found that reads one"
        else:
            item, _ = self._inside(self._document.answered(read))
            call = {**({"path": where} if where else {}), **({"item": item} if item else {})}
            if call:
                found.keys["read"] = call
        self._write(found, "create", "post", collection.operations, where="")
        way = next((method for method in ("patch", "put", "post") if method in collection.one), "")
        self._write(found, "update", way, collection.one, where=where)

    def _write(
        self, found: Proposed, key: str, method: str, operations: Mapping[str, Node], *, where: str
    ) -> None:
        operation = operations.get(method)
        if key == "create" and operation is None:
            method, operation = "put", operations.get("put")
        if operation is None:
            found.keys[key] = None
            found.comments[key] = f"no call was found that {key}s one"
            return
        usual = {"create": "post", "update": "patch"}[key]
        call: dict[str, Any] = {} if method == usual else {"method": method.upper()}
        if where:
            call["path"] = where
        if method == "put" and key == "update":
            call["body"] = "full"
            found.comments[key] = "full, since a PUT may wipe what it lacks; partial if this one does not"
        wrap, schema = self._inside(self._document.sent(operation))
        if wrap:
            call["wrap"] = wrap
        if self._collection.fields_at and properties(self._document, schema).get("attributes"):
            call["wrap"] = f"{wrap}.attributes".strip(".")
        answer = self._document.answered(operation)
        item, told = self._inside(answer)
        if item:
            call["item"] = item
        if not properties(self._document, told):
            call["answers"] = "nothing" if key == "update" else "id"
        elif len(set(properties(self._document, told)) & set(self._row)) * 2 < len(self._row):
            call["answers"] = "id"
        headers = self._document.parameters({}, operation, "header")
        for name in headers:
            if name.lower() == "idempotency-key" and key == "create":
                found.keys["idempotency_header"] = name
            if name.lower() == "if-match" and key == "update":
                found.keys["version"] = {"kind": "none", "if_match": "etag"}
        if call:
            found.keys[key] = call

    def _sent(self, method: str) -> Mapping[str, Property]:
        collection = self._collection
        operation = (collection.operations if method == "post" else collection.one).get(method)
        if operation is None and method == "post":
            operation = collection.operations.get("put")
        if operation is None:
            return {}
        _, schema = self._inside(self._document.sent(operation))
        own = properties(self._document, schema)
        inner = own.get("attributes") if collection.fields_at else None
        return properties(self._document, inner.node) if inner is not None else own

    def _fields(self, found: Proposed) -> dict[str, dict[str, Any]]:
        way = next((method for method in ("patch", "put", "post") if method in self._collection.one), "")
        read = dict(self._own) if self._collection.fields_at else {**self._read_properties(), **self._own}
        sent = Sent(self._sent("post"), self._sent(way) if way else {}, bool(way))
        lines, left = field_lines(self._document, read, sent, self._id, self._refers)
        parent = found.keys.get("parent")
        if isinstance(parent, dict):
            reference = {"reference": parent["entity"]} if "entity" in parent else {}
            lines[parent["field"]] = {"path": parent["field"], **reference, "required": True, "update": False}
        if left:
            found.notes.append(f"{self._collection.name}: left out: {', '.join(left[:12])}")
        if not lines:
            lines["id"] = {"path": "id", "read_only": True}
        return lines

    def _refers(self, path: str) -> str:
        """The entity whose id a field holds, by its name; "" if it is none of those that are proposed."""
        found = REFERENCES.match(snake(path.replace(".", "_")))
        name = found[1] if found else ""
        return name if name in self._entities and name != self._collection.name else ""

    def _times(self, found: Proposed) -> None:
        for key, names in (("updated_at", UPDATES), ("created_at", CREATES)):
            name = _named(self._own, names)
            if name:
                at = f"{self._collection.fields_at}.{name}" if self._collection.fields_at else name
                moment = {"field": at}
                format = moment_format(self._own[name].node)
                found.keys[key] = moment if format == "iso" else {**moment, "format": format}
        version = _named(self._own, VERSION)
        if version and "version" not in found.keys and kind_of(self._own[version].node) == "integer":
            found.notes.append(
                f"{self._collection.name}: {version} may be its version, if every change raises it: "
                f"version: {{kind: field, field: {version}}}"
            )

    def _retire(self, found: Proposed, fields: Mapping[str, Mapping[str, Any]]) -> None:
        gone = _named(self._own, DELETED)
        if gone and kind_of(self._own[gone].node) == "boolean":
            at = f"{self._collection.fields_at}.{gone}" if self._collection.fields_at else gone
            found.keys["deleted"] = {"field": at, "value": True}
        active, archived = _named(self._own, ACTIVE), _named(self._own, ("archived", "is_archived"))
        for name, value in ((active, False), (archived, True)):
            line = fields.get(name, {})
            if line.get("type") == "boolean" and not line.get("read_only") and line.get("update", True):
                found.keys["retired"] = {"field": name, "value": value}
                if found.keys.get("update", {}) is not None:
                    found.keys["retire"] = {"by": "field"}
                return
        if "delete" in self._collection.one:
            found.notes.append(
                f"{self._collection.name}: retire: {{by: delete}} is possible, if that is wanted"
            )

    def errors(self) -> dict[str, str]:
        """How its calls say no."""
        operations = [*self._collection.operations.values(), *self._collection.one.values()]
        return errors(self._document, operations)


def _parent_name(collection: Collection, word: str, entities: Mapping[str, Collection]) -> str:
    """The entity whose records a path goes through at a word, "" if none is proposed."""
    stem = collection.path[: collection.path.index("{" + word + "}")].rstrip("/").rstrip("('")
    return next(
        (name for name, each in entities.items() if each.path.rstrip("/") == stem and each is not collection),
        "",
    )


def _with_words(path: str, words: Mapping[str, str]) -> str:
    for word, put in words.items():
        path = path.replace("{" + word + "}", put)
    return path


def _named(own: Mapping[str, Property], names: Sequence[str]) -> str:
    by_name = {snake(name): name for name in own}
    return next((by_name[name] for name in names if name in by_name), "")
