"""The pages of both configuration files, from the models that read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from docs.pages.markdown import code, codes, page, sentence, table
from instep.dataflow.schema import schemas

_TITLES = {
    "SystemsModel": "systems",
    "system_chargebee": "systems: kind chargebee",
    "system_rest": "systems: kind rest",
    "system_sql": "systems: kind sql",
    "Webhooks": "webhooks",
    "Schedule": "schedule",
    "Serve": "serve",
    "Quiet": "serve: quiet",
    "Token": "serve: tokens",
    "Oidc": "serve: oidc",
    "Notify": "serve: notify",
    "Email": "serve: notify: email",
    "NotifyWebhook": "serve: notify: webhooks",
    "PairModel": "pairs",
    "PropertyForm": "A property",
    "GroupForm": "A group",
    "BrakesModel": "brakes",
    "SidesOfText": "A text per side",
    "SidesOfPaths": "Fields per side",
    "SidesOfValue": "A value per side",
    "SidesOfFields": "constants",
    "PriceKey": "prices",
    "BusinessEntity": "business_entities",
    "Secret": "A secret",
}
"""Model -> heading; the key that it stands under, where it stands under one."""


def dataflow_page() -> str:
    return page(
        "dataflow.yaml",
        "What is kept in step, and how.",
        "A key that is not listed here is a mistake and is refused, with its line.",
        "A property is a line (`left_field <-> right_field | transformation`), a mapping, or a group of properties.",
        "[Writing a dataflow](../guide/dataflow.md) explains it with examples.",
        "",
        *_tables("dataflow"),
    )


def site_page() -> str:
    return page(
        "instep.yaml",
        "The two systems of a site, where things are, and the schedule.",
        "A key that is not listed here is a mistake and is refused, with its line.",
        "Paths are seen from the file; a secret is never in it.",
        "",
        *_tables("instep"),
    )


def _tables(name: str) -> Iterator[str]:
    whole = schemas()[name]
    models: dict[str, Any] = whole["$defs"]
    yield from _table("The file", whole, models)
    seen: list[str] = []
    for found in _named(whole, models, seen):
        yield from _table(_TITLES.get(found, found), models[found], models)


def _named(model: Any, models: dict[str, Any], seen: list[str]) -> Iterator[str]:
    """The models that a model speaks of, in the order in which it does, depth first, each once."""
    text = json.dumps(model.get("properties", {}))
    there = [name for name in models if f'"#/$defs/{name}"' in text]
    for name in sorted(there, key=lambda name: text.find(f'"#/$defs/{name}"')):
        if name in seen:
            continue
        seen.append(name)
        if _mapping(models[name]) is not None:
            yield name
            yield from _named(_mapping(models[name]), models, seen)


def _mapping(model: Any) -> Any:
    """The form of a model that is a mapping with keys; None for one that is a value."""
    if "properties" in model:
        return model
    return next((form for form in model.get("anyOf", ()) if "properties" in form), None)


def _table(title: str, model: Any, models: dict[str, Any]) -> Iterator[str]:
    mapping = _mapping(model)
    required = mapping.get("required", [])
    yield from (f"## {title}", "")
    if mapping.get("description") and title != "The file":
        yield from (sentence(mapping["description"]), "")
    rows = []
    for key, value in mapping["properties"].items():
        default = value.get("default")
        shown = (
            "needed" if key in required else "" if default in (None, [], {}) else code(json.dumps(default))
        )
        rows.append((code(key), _kind(value, models), shown, sentence(value.get("description", ""))))
    yield from table(("key", "value", "default", "meaning"), rows)


def _kind(value: Any, models: dict[str, Any]) -> str:
    if "$ref" in value:
        return _of_model(value["$ref"].rpartition("/")[2], models)
    if "const" in value:
        return code(value["const"])
    if "enum" in value:
        return codes(value["enum"])
    for choices in ("anyOf", "oneOf", "allOf"):
        if choices in value:
            kinds = [_kind(choice, models) for choice in value[choices] if choice.get("type") != "null"]
            return " or ".join(dict.fromkeys(kind for kind in kinds if kind)) or "any"
    if value.get("type") == "array":
        return f"list of {_kind(value.get('items', {}), models)}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return (
            f"mapping of names to {_kind(inner, models)}" if isinstance(inner, dict) and inner else "mapping"
        )
    if value.get("type") == "string" and "pattern" in value:
        return f"text like `{value['pattern']}`"
    kind = str(value.get("type", "any value"))
    return {"string": "text", "boolean": "yes or no"}.get(kind, kind)


def _of_model(name: str, models: dict[str, Any]) -> str:
    if _mapping(models[name]) is None:
        return _kind(models[name], models)
    title = _TITLES.get(name, name)
    anchor = title.lower().replace(" ", "-").replace(":", "")
    return f"[{title}](#{anchor})"
