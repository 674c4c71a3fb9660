"""The reference page of a description, made from the models that read it: a table per model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def reference_page(head: str, schema: Mapping[str, Any]) -> str:
    """Markdown: `head`, then a table per model of a JSON Schema, the whole itself first, each of the others after
    the one that names it."""
    models: dict[str, Any] = schema["$defs"]
    parts = [head, *_table("The file", schema)]
    seen: list[str] = []
    for name in _named(schema, models, seen):
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
