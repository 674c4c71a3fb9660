"""The page of the HTTP API, from its own description (OpenAPI)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from docs.pages.markdown import code, page, sentence, table
from instep.serve.api import API, router

Schema = Mapping[str, Any]


def described() -> dict[str, Any]:
    """What `/api/openapi.json` says of the API."""
    app = FastAPI(**API)
    app.include_router(router)
    return app.openapi()


def api_page() -> str:
    whole = described()
    models: dict[str, Any] = whole["components"]["schemas"]
    return page(
        "The HTTP API",
        "`instep serve` answers under `/api/v1`, and describes it at `/api/openapi.json`.",
        *(sentence(text) for text in API["description"].replace("`Problem`.", "`Problem`").split(". ")),
        "[The console's guide](../guide/console.md) says where a token comes from.",
        "",
        "```text",
        'curl -H "Authorization: Bearer $(cat instep.token)" http://127.0.0.1:8480/api/v1/pairs',
        "```",
        "",
        *_calls(whole["paths"], models),
        "## Models",
        "",
        *_models(models),
    )


def _calls(paths: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[str]:
    tag = ""
    for path, methods in paths.items():
        for method, call in methods.items():
            if call["tags"][0] != tag:
                tag = call["tags"][0]
                yield from (f"## {tag.capitalize()}", "")
            yield from (f"### {method.upper()} {path}", "", sentence(call["summary"]))
            yield from (sentence(call["description"]), "")
            parameters = call.get("parameters", ())
            if parameters:
                rows = [
                    (
                        code(each["name"]),
                        _kind(each["schema"], models),
                        "needed" if each.get("required") else _default(each["schema"]),
                        sentence(each.get("description", each["schema"].get("description", ""))),
                    )
                    for each in parameters
                ]
                yield from table(("parameter", "value", "default", "meaning"), rows)
            body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if body is not None:
                yield from (f"Body: {_kind(body, models)}.", "")
            yield from (_answer(call["responses"], models), "")


def _answer(responses: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    good = next(status for status in responses if status.startswith("2"))
    schema = responses[good].get("content", {}).get("application/json", {}).get("schema")
    told = _kind(schema, models) if schema else ""
    return f"Answer: {good}{f', {told}' if told and told != 'any' else ''}."


def _models(models: Mapping[str, Any]) -> Iterator[str]:
    for name, model in sorted(models.items()):
        if name.startswith(("Page_", "HTTPValidation", "ValidationError")) or "properties" not in model:
            continue
        yield from (f"### {name}", "", sentence(model.get("description", "")), "")
        needed = model.get("required", ())
        rows = [
            (
                code(key),
                _kind(value, models),
                "" if key in needed else _default(value),
                sentence(value.get("description", "")),
            )
            for key, value in model["properties"].items()
        ]
        yield from table(("key", "value", "default", "meaning"), rows)


def _default(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default in (None, "", [], {}) else code(default)


def _kind(schema: Schema, models: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name.startswith("Page_"):
            items = models[name]["properties"]["items"]
            return f"`{{items, next}}`, items a {_kind(items, models)}"
        return f"[{name}](#{name.lower()})" if "properties" in models[name] else _kind(models[name], models)
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    if "anyOf" in schema:
        kinds = [_kind(each, models) for each in schema["anyOf"] if each.get("type") != "null"]
        nullable = any(each.get("type") == "null" for each in schema["anyOf"])
        return " or ".join(dict.fromkeys(kinds)) + (" or null" if nullable else "")
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), models)}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return (
            f"mapping of names to {_kind(inner, models)}" if isinstance(inner, dict) and inner else "mapping"
        )
    return {"string": "text", "boolean": "yes or no"}.get(
        str(schema.get("type")), str(schema.get("type", "any"))
    )
