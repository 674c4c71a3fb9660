"""The OpenAPI description, made from the same models that validate."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from instep.sandbox.erp.entities import ENTITIES, Entity
from instep.sandbox.erp.listing import PAGE_SIZE, PAGE_SIZE_MAX, SORTS

_REF = "#/components/schemas/{model}"
_PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "page": ({"type": "integer", "minimum": 1, "default": 1}, "counts pages"),
    "offset": ({"type": "integer", "minimum": 0}, "counts rows; instead of page"),
    "cursor": ({"type": "string"}, "empty to begin, then next_cursor; instead of page"),
    "page_size": ({"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE}, ""),
    "updated_since": ({"type": "string", "format": "date-time"}, "changed then or later"),
    "sort": ({"type": "string", "enum": [*SORTS, *("-" + sort for sort in SORTS)], "default": "id"}, ""),
    "include_deleted": ({"type": "boolean", "default": False}, "list deleted records too"),
}
_DELETED: dict[str, Any] = {
    "type": "object",
    "required": ["id", "deleted", "updated_at"],
    "properties": {
        "id": {"type": "string"},
        "deleted": {"const": True},
        "version": {"type": "integer"},
        "created_at": {"type": "string", "format": "date-time"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}
_ERRORS: dict[str, Any] = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": ["string", "null"], "description": "dotted path"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "limit": {"description": "the limit that was broken"},
                    "existing_id": {"type": "string", "description": "who holds the value"},
                },
            },
        }
    },
}
_REFUSALS = {
    "GET list": (400, 401),
    "GET": (401, 404),
    "POST": (400, 401, 409, 422),
    "PATCH": (400, 401, 404, 409, 412, 422, 428),
    "DELETE": (401, 404, 409, 412, 428),
}


def described(entity: Entity, method: str, *, one: bool) -> dict[str, Any]:
    """The OpenAPI operation of one request of a collection."""
    record = _ref(entity.answer.__name__)
    kind = "GET list" if method == "GET" and not one else method
    operation: dict[str, Any] = {"parameters": [], "responses": {}}
    if one:
        operation["parameters"].append(
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        )
    if method in ("PATCH", "DELETE"):
        operation["parameters"].append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    if kind == "GET list":
        operation["parameters"] += [_parameter(name) for name in _PARAMETERS]
        operation["parameters"] += [
            {"name": name, "in": "query", "schema": {"type": "string"}} for name in entity.filters
        ]
    if method in ("POST", "PATCH"):
        model = entity.create if method == "POST" else entity.fields
        operation["requestBody"] = {"required": True, "content": _json(_ref(model.__name__))}
    good = {"POST": "201", "DELETE": "204"}.get(method, "200")
    content = _list_of(record) if kind == "GET list" else record
    answer: dict[str, Any] = {"description": "done"}
    if method != "DELETE":
        answer["content"] = _json(content)
    operation["responses"][good] = answer
    for status in _REFUSALS[kind]:
        operation["responses"][str(status)] = {"description": "refused", "content": _json(_ref("Errors"))}
    return operation


def describe(app: FastAPI) -> None:
    """Make `app` answer /openapi.json with schemas for every model and with the ways to prove oneself."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend its description


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description="The sample ERP of Instep's sandbox. Moments are UTC, amounts are decimals in a text.",
        routes=app.routes,
    )
    for operations in document["paths"].values():
        for operation in operations.values():
            # FastAPI adds a 200 of its own where the description names another good status.
            if {"201", "204"} & set(operation["responses"]):
                operation["responses"].pop("200", None)
    models: list[type[BaseModel]] = []
    for entity in ENTITIES.values():
        models += [entity.fields, entity.create, entity.answer]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    components = document.setdefault("components", {})
    components["schemas"] = {**schemas["$defs"], "Deleted": _DELETED, "Errors": _ERRORS}
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "oauth": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
        },
    }
    document["security"] = [{name: []} for name in components["securitySchemes"]]
    return document


def _parameter(name: str) -> dict[str, Any]:
    schema, description = _PARAMETERS[name]
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _ref(model: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=model)}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _list_of(record: dict[str, Any]) -> dict[str, Any]:
    whole = {"type": "integer"}
    maybe = {"type": ["integer", "null"]}
    return {
        "type": "object",
        "required": ["items", "page_size"],
        "properties": {
            "items": {"type": "array", "items": {"anyOf": [record, _ref("Deleted")]}},
            "page": whole,
            "offset": whole,
            "page_size": whole,
            "total": whole,
            "next_page": maybe,
            "next_offset": maybe,
            "next_cursor": {"type": ["string", "null"]},
        },
    }
