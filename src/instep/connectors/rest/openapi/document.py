"""An OpenAPI document, read and followed: JSON or YAML, references within it alone.

Swagger 2.0 is turned into the form of 3.0 as far as a proposal needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from instep.core.values import whole_number
from instep.errors import UsageError

Node = Mapping[str, Any]
"""An object of the document; whatever is none is taken as an empty one."""

MAX_BYTES: Final = 30_000_000
MAX_YAML: Final = 6_000_000
MAX_FOLLOWED: Final = 40
METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Document:
    """`value`: the whole document, in the form of OpenAPI 3."""

    value: Node

    def follow(self, node: Any) -> Node:
        """The object that a node is, or refers to within this document; an empty one if it is none."""
        for _ in range(MAX_FOLLOWED):
            if not isinstance(node, Mapping):
                return {}
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._at(reference) if reference.startswith("#/") else None
        return {}

    def _at(self, reference: str) -> Any:
        node: Any = self.value
        for step in reference[2:].split("/"):
            step = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping):
                node = node.get(step)
            elif isinstance(node, list):
                place = whole_number(step)
                node = node[place] if place is not None and 0 <= place < len(node) else None
            else:
                return None
        return node

    def paths(self) -> dict[str, Node]:
        """Path -> its operations, for those that are paths."""
        found = objects(self.value.get("paths"))
        return {path: self.follow(item) for path, item in found.items() if path.startswith("/")}

    def parameters(self, item: Node, operation: Node, where: str) -> dict[str, Node]:
        """Name -> parameter, of an operation and of its path, that stands `where`: query, header."""
        found: dict[str, Node] = {}
        for listed in (item.get("parameters"), operation.get("parameters")):
            for each in listed if isinstance(listed, list) else ():
                parameter = self.follow(each)
                name = parameter.get("name")
                if isinstance(name, str) and parameter.get("in") == where:
                    found[name] = parameter
        return found

    def sent(self, operation: Node) -> Node:
        """The schema of the body of a request."""
        return self._schema(self.follow(operation.get("requestBody")))

    def answered(self, operation: Node, *, failed: bool = False) -> Node:
        """The schema of the body of the answer: of success, or of a refusal."""
        responses = objects(operation.get("responses"))
        classes = ("4", "default") if failed else ("2", "default")
        codes = [code for start in classes for code in responses if str(code).lower().startswith(start)]
        schemas = (self._schema(self.follow(responses[code])) for code in codes)
        return next((schema for schema in schemas if schema), {})

    def _schema(self, holder: Node) -> Node:
        content = objects(holder.get("content"))
        kinds = sorted(content, key=lambda kind: ("json" not in str(kind).lower(), str(kind)))
        return self.follow(self.follow(content[kinds[0]]).get("schema")) if kinds else {}


def objects(node: Any) -> Mapping[str, Any]:
    """The node if it is an object, else an empty one; its keys are texts."""
    return {str(key): value for key, value in node.items()} if isinstance(node, Mapping) else {}


def read_document(data: bytes, name: str) -> Document:
    """Raises UsageError for what is no OpenAPI document, or too large to be one that was meant."""
    if len(data) > MAX_BYTES:
        raise _unusable(name, f"it is larger than {MAX_BYTES:,} bytes")
    value = _decoded(data, name)
    if not isinstance(value, Mapping):
        raise _unusable(name, "it is no object")
    version = str(value.get("openapi") or value.get("swagger") or "")
    if version.startswith("2."):
        value = _as_version_3(value)
    elif not version.startswith("3."):
        raise _unusable(name, "it has neither openapi: 3.x nor swagger: 2.0 in it")
    if not objects(value.get("paths")):
        raise _unusable(name, "it has no paths")
    return Document(value)


def _decoded(data: bytes, name: str) -> Any:
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        if text[:1] == b"{":
            return msgspec.json.decode(text)
        if len(data) > MAX_YAML:
            raise _unusable(name, f"as YAML it is larger than {MAX_YAML:,} bytes", "write it as JSON")
        reader = YAML(typ="safe")
        reader.allow_duplicate_keys = True
        return reader.load(text.decode("utf-8"))
    except RecursionError:
        raise _unusable(name, "it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unusable(name, f"it can't be read: {error}"[:200]) from None
    except (YAMLError, ValueError, TypeError, AttributeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where is not None else ""
        raise _unusable(name, f"it is neither JSON nor YAML{line}") from None


def _unusable(name: str, why: str, fix: str = "") -> UsageError:
    fix = fix or "give the OpenAPI document itself, not the page that shows it"
    return UsageError(f"{name} is no OpenAPI document that can be used", why=why, fix=fix)


def _as_version_3(value: Node) -> Node:
    """Swagger 2.0: where servers, bodies, answers and credentials stand in 3.0. References need no change, since
    they are followed in the document as it is."""
    schemes: Sequence[Any] = value.get("schemes") if isinstance(value.get("schemes"), list) else []  # type: ignore[assignment]
    host, base = value.get("host"), value.get("basePath")
    scheme = "https" if not schemes or "https" in schemes else str(schemes[0])
    url = (f"{scheme}://{host}" if isinstance(host, str) else "") + (base if isinstance(base, str) else "")
    whole = Document(value)
    paths = {
        path: {
            name: _operation_3(whole, node) if name in METHODS else node
            for name, node in objects(whole.follow(item)).items()
        }
        for path, item in objects(value.get("paths")).items()
    }
    security = {
        name: _scheme_3(whole.follow(node))
        for name, node in objects(value.get("securityDefinitions")).items()
    }
    return {
        **value,
        "servers": [{"url": url}] if url else [],
        "paths": paths,
        "components": {"securitySchemes": security},
    }


def _operation_3(whole: Document, node: Any) -> Node:
    operation = objects(whole.follow(node))
    listed = operation.get("parameters")
    parameters = [whole.follow(each) for each in listed] if isinstance(listed, list) else []
    body = next((each for each in parameters if each.get("in") == "body"), {})
    responses = {
        code: {"content": {"application/json": {"schema": answer["schema"]}}}
        for code, each in objects(operation.get("responses")).items()
        if "schema" in (answer := whole.follow(each))
    }
    return {
        **operation,
        "parameters": [{"schema": each, **each} for each in parameters],
        "requestBody": {"content": {"application/json": {"schema": body.get("schema")}}},
        "responses": responses,
    }


def _scheme_3(node: Node) -> Node:
    if node.get("type") == "basic":
        return {"type": "http", "scheme": "basic"}
    if node.get("type") == "oauth2":
        flows = {"application": "clientCredentials", "accessCode": "authorizationCode"}
        return {"type": "oauth2", "flows": {flows.get(str(node.get("flow")), "implicit"): node}}
    return node
