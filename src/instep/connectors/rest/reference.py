"""The reference page of descriptions, made from the models: `python -m instep.connectors.rest.reference`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from instep.connectors.rest.schema import schema

_HEAD = """# Describing a JSON API

A system of kind `rest` is described by a YAML file; `instep init` writes one for the sample ERP to start from.
A pointer is a dotted path into JSON (`errors.0.message`); an empty one means the whole value.
A key that is not listed here is a mistake and is refused, with its line.
This page is made from the models that read the file.
"""


def reference() -> str:
    """Markdown: a table per model, the file itself first, each of them after the one that names it."""
    whole = schema()
    models: dict[str, Any] = whole["$defs"]
    parts = [_HEAD, *_table("The file", whole)]
    seen: list[str] = []
    for name in _named(whole, models, seen):
        parts += _table(name, models[name])
    return "\n".join(parts).rstrip() + "\n"


def _named(model: Any, models: dict[str, Any], seen: list[str]) -> Iterator[str]:
    """The models that a model speaks of, depth first, each once."""
    inner = json.dumps(model.get("properties", {}))
    for name in sorted(models, key=lambda name: inner.find(f'"#/$defs/{name}"')):
        if f'"#/$defs/{name}"' in inner and name not in seen:
            seen.append(name)
            yield name
            yield from _named(models[name], models, seen)


def _table(title: str, model: Any) -> list[str]:
    required = model.get("required", [])
    about = [str(model["description"]), ""] if "description" in model else []
    lines = [f"## {title}", "", *about, "| key | value | default | meaning |", "|---|---|---|---|"]
    for key, value in model.get("properties", {}).items():
        default = "needed" if key in required else f"`{json.dumps(value.get('default', {}))}`"
        if value.get("default"):
            default = "see there" if isinstance(value["default"], dict) else default
        meaning = " ".join(str(value.get("description", "")).split()) or "which of these tables holds"
        lines.append(f"| `{key}` | {_kind(value)} | {default} | {meaning} |")
    return [*lines, ""]


def _kind(value: Any) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{member}`" for member in value["enum"])
    choices = value.get("anyOf") or value.get("oneOf")
    if choices:
        return " or ".join(_kind(choice) for choice in choices if choice.get("type") != "null")
    if value.get("type") == "array":
        return f"list of {_kind(value.get('items', {}))}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"mapping to {_kind(inner)}" if isinstance(inner, dict) else "mapping"
    return str(value.get("type", "anything"))


if __name__ == "__main__":
    sys.stdout.write(reference())
