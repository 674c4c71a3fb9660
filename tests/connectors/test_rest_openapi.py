"""What is proposed of an OpenAPI document; and that a proposal works as it is, where the document says enough."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from ruamel.yaml import YAML

from instep.connectors.contract import Connector
from instep.connectors.rest import Description
from instep.connectors.rest.openapi import propose, read_document
from instep.core.values import Json
from instep.errors import UsageError
from instep.testing.connector_suite import ConnectorContract

from .rest_erp import Erp, connect, erp


def proposed(document: Mapping[str, Any] | bytes, source: str = "") -> dict[str, Any]:
    """The proposal as it is read, which has to be a description."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    text = propose(read_document(data, "it"), source).text
    value: dict[str, Any] = YAML(typ="safe").load(text)
    Description.model_validate(value)
    return {**value, "text": text}


class TestProposedContacts(ConnectorContract):
    """The sample ERP by nothing but its own OpenAPI document."""

    entity = "contact"
    clearable = "phone"
    text_field = "family_name"
    unique_marker = False  # it is, and a 409 does not say so to who knows nothing but the document
    tells_requests = True

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Connector]:
        async with erp() as self.here, super().opened() as connector:
            yield connector

    here: Erp

    async def connector(self) -> Connector:
        url = f"{self.here.url}/openapi.json"
        async with self.here.client.get(url) as answer:
            described = proposed(await answer.read(), url)
        described.pop("text")
        described["base_url"] = described["base_url"].removesuffix("/")
        for entity in described["entities"].values():
            entity["path"] = entity["path"].removeprefix("/api/v1")
        return connect(self.here.url, described)

    async def valid_fields(self, n: int) -> dict[str, Json]:
        return {
            "family_name": f"Kern {n}",
            "phone": "22 33 44 55",
            "address": {"city": "Oslo", "country": "NO"},
        }

    def an_edit(self) -> dict[str, Json]:
        return {"phone": "22 33 44 99", "address.city": "Bergen"}

    async def edit_as_person(self, id: str, changes: Mapping[str, Json]) -> None:
        from instep.core.values import set_path

        fields: dict[str, Json] = {}
        for path, value in changes.items():
            set_path(fields, path, value)
        await self.here.edit("contact", id, fields)

    async def remove_as_person(self, id: str) -> None:
        await self.here.remove("contact", id)

    async def settle(self) -> None:
        await self.here.console("POST", "clock", {"advance_s": 5})


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def json_of(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


THING = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": text(maxLength=40),
        "kind": text(enum=["goods", "service"]),
        "price": {"type": "number"},
        "updatedAt": text(format="date-time", readOnly=True),
        "bought": text(format="date"),
        "secret": text(writeOnly=True),
        "address": {"type": "object", "properties": {"city": text(), "zip": text(maxLength=10)}},
        "extras": {"type": "object"},
        "tags": {"type": "array", "items": text()},
    },
}
ENVELOPE = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        "meta": {"type": "object", "properties": {"total": {"type": "integer"}}},
    },
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Things # and\n more"},
    "servers": [{"url": "https://{host}/v2", "variables": {"host": {"default": "api.example"}}}],
    "security": [{"key": []}],
    "paths": {
        "/things": {
            "get": {
                "parameters": [
                    {"name": "page", "in": "query", "schema": {"type": "integer"}},
                    {"name": "perPage", "in": "query", "schema": {"type": "integer", "maximum": 250}},
                    {"name": "updatedSince", "in": "query", "schema": text(format="date-time")},
                    {"name": "filter", "in": "query", "schema": text()},
                ],
                "responses": {
                    "200": json_of(ENVELOPE),
                    "400": json_of({"type": "object", "properties": {"error": {"properties": {
                        "message": text(), "code": text()}}}}),
                },
            },
            "post": {
                "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": text()}],
                "requestBody": json_of({"$ref": "#/components/schemas/Thing"}),
                "responses": {"201": json_of({"$ref": "#/components/schemas/Thing"})},
            },
        },
        "/things/{thingId}": {
            "get": {"responses": {"200": json_of({"$ref": "#/components/schemas/Thing"})}},
            "patch": {
                "parameters": [{"name": "If-Match", "in": "header", "schema": text()}],
                "requestBody": json_of({"$ref": "#/components/schemas/Thing"}),
                "responses": {"200": json_of({"$ref": "#/components/schemas/Thing"})},
            },
        },
    },
    "components": {
        "schemas": {"Thing": THING},
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
    },
}  # fmt: skip


def changed(*path: Any, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return document


LIST = ("paths", "/things", "get")


def test_what_a_document_says_is_in_the_proposal() -> None:
    found = proposed(DOCUMENT)
    thing = found["entities"]["thing"]
    assert (found["base_url"], found["auth"]["name"]) == ("https://api.example/v2", "X-Key")
    assert found["errors"] == {"message": "error.message", "code": "error.code"}
    assert thing["list"] == {
        "items": "data",
        "paging": {
            "kind": "page",
            "param": "page",
            "total": "meta.total",
            "size_param": "perPage",
            "size": 250,
        },
        "changed_since": {"param": "updatedSince", "format": "iso"},
    }
    assert thing["updated_at"] == {"field": "updatedAt"}
    assert thing["version"] == {"kind": "none", "if_match": "etag"}
    assert thing["idempotency_header"] == "Idempotency-Key"
    lines = {line.pop("path"): line for line in thing["fields"]}
    assert lines == {
        "id": {"type": "integer", "read_only": True},
        "name": {"max_length": 40, "required": True},
        "kind": {"choices": ["goods", "service"]},
        "price": {"type": "decimal"},
        "updatedAt": {"type": "datetime", "read_only": True},
        "bought": {"type": "date"},
        "address.city": {},
        "address.zip": {"max_length": 10},
        "extras": {"type": "object"},
        "tags": {"type": "list"},
    }
    assert "# The API of Things # and more, as" in found["text"]


def test_yaml_is_read_as_well_and_swagger_2_too() -> None:
    as_yaml = json.dumps(DOCUMENT).replace('{"openapi"', '# one\n{"openapi"').encode()
    assert proposed(as_yaml)["entities"] == proposed(DOCUMENT)["entities"]
    old = {
        "swagger": "2.0",
        "host": "api.example",
        "basePath": "/v1",
        "schemes": ["https"],
        "securityDefinitions": {"b": {"type": "basic"}},
        "definitions": {"Thing": THING},
        "parameters": {"p": {"name": "offset", "in": "query", "type": "integer"}},
        "paths": {
            "/things": {
                "get": {
                    "parameters": [{"$ref": "#/parameters/p"}],
                    "responses": {
                        "200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/Thing"}}}
                    },
                },
                "post": {
                    "parameters": [{"in": "body", "name": "b", "schema": {"$ref": "#/definitions/Thing"}}],
                    "responses": {"201": {"schema": {"$ref": "#/definitions/Thing"}}},
                },
            }
        },
    }
    found = proposed(old)
    thing = found["entities"]["thing"]
    assert (found["base_url"], found["auth"]["kind"]) == ("https://api.example/v1", "basic")
    assert thing["list"] == {"paging": {"kind": "offset", "param": "offset"}}
    assert "create" not in thing and thing["update"] is None


def parameter(name: str, where: str = "query", **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": where, "schema": schema or text()}


def answer(**beside: Any) -> dict[str, Any]:
    rows = {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}
    return {"200": json_of({"type": "object", "properties": {**rows, **beside}})}


@pytest.mark.parametrize(
    ("parameters", "beside", "paging"),
    [
        (["cursor"], {"next_cursor": text()}, {"kind": "cursor", "param": "cursor", "next": "next_cursor"}),
        (
            ["starting_after"],
            {"has_more": {"type": "boolean"}},
            {"kind": "keyset", "param": "starting_after", "field": "id", "more": "has_more"},
        ),
        ([], {"@odata.nextLink": text()}, {"kind": "link", "next": "@odata.nextLink"}),
        (
            ["page"],
            {"_links": {"properties": {"next": {"properties": {"href": text()}}}}},
            {"kind": "link", "next": "_links.next.href"},
        ),
        (
            ["page"],
            {"last_page": {"type": "integer"}},
            {"kind": "page", "param": "page", "pages": "last_page"},
        ),
        (
            [],
            {"meta": {"properties": {"next_page": {"type": "integer"}}}},
            {"kind": "page", "param": "page", "next": "meta.next_page"},
        ),
        (["$skip"], {}, {"kind": "offset", "param": "$skip"}),
        (["cursor"], {}, {"kind": "none"}),
        ([], {}, {"kind": "none"}),
    ],
)
def test_paging_is_guessed_from_parameters_and_answers(
    parameters: list[str], beside: dict[str, Any], paging: dict[str, Any]
) -> None:
    document = changed(*LIST, "parameters", value=[parameter(name) for name in parameters])
    document["paths"]["/things"]["get"]["responses"] = answer(**beside)
    found = proposed(document)
    assert found["entities"]["thing"]["list"]["paging"] == paging
    assert ("one page is then taken for all" in found["text"]) == (paging["kind"] == "none")


@pytest.mark.parametrize(
    ("given", "since"),
    [
        (parameter("modified_after"), {"changed_since": {"param": "modified_after", "format": "iso"}}),
        (parameter("updated_at_min"), {"changed_since": {"param": "updated_at_min", "format": "iso"}}),
        (parameter("lastModified[gte]"), {"changed_since": {"param": "lastModified[gte]", "format": "iso"}}),
        (
            parameter("updated_since", type="integer"),
            {"changed_since": {"param": "updated_since", "format": "epoch_s"}},
        ),
        (
            parameter("If-Modified-Since", "header"),
            {"headers": {"If-Modified-Since": "{since}"}, "changed_since": {"format": "http"}},
        ),
        (parameter("created_after"), {}),
    ],
)
def test_changes_since_a_time_are_found_by_their_name(given: dict[str, Any], since: dict[str, Any]) -> None:
    call = proposed(changed(*LIST, "parameters", value=[given]))["entities"]["thing"]["list"]
    assert {key: value for key, value in call.items() if key in ("headers", "changed_since")} == since


@pytest.mark.parametrize(
    ("scheme", "way"),
    [
        ({"type": "http", "scheme": "bearer"}, {"auth": {"kind": "bearer", "token": "env:ERP_TOKEN"}}),
        (
            {"type": "http", "scheme": "basic"},
            {"auth": {"kind": "basic", "user": "env:ERP_USER", "password": "env:ERP_PASSWORD"}},
        ),
        ({"type": "apiKey", "in": "query", "name": "api_key"}, {"params": {"api_key": "env:ERP_TOKEN"}}),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth/token"}}},
            {
                "auth": {
                    "kind": "oauth2",
                    "token_url": "/oauth/token",
                    "client_id": "env:ERP_CLIENT_ID",
                    "client_secret": "env:ERP_CLIENT_SECRET",
                }
            },
        ),
        (
            {"type": "apiKey", "in": "cookie", "name": "s"},
            {"auth": {"kind": "bearer", "token": "env:ERP_TOKEN"}},
        ),
        ({"type": "http", "scheme": 7}, {"auth": {"kind": "bearer", "token": "env:ERP_TOKEN"}}),
    ],
)
def test_the_way_in_is_proposed_with_secrets_by_reference(scheme: Any, way: dict[str, Any]) -> None:
    found = proposed(changed("components", "securitySchemes", value={"key": scheme}))
    assert {key: found[key] for key in ("auth", "params") if key in found} == way


def test_envelopes_of_reads_and_writes_are_seen() -> None:
    document = copy.deepcopy(DOCUMENT)
    wrapped = json_of({"type": "object", "properties": {"thing": {"$ref": "#/components/schemas/Thing"}}})
    one = document["paths"]["/things/{thingId}"]
    one["get"]["responses"] = {"200": wrapped}
    one["put"] = {"requestBody": wrapped, "responses": {"200": {}}}
    del one["patch"]
    listed = json_of({"type": "object", "properties": {"things": {"type": "array", "items": THING}}})
    document["paths"]["/things"]["post"] = {"requestBody": listed, "responses": {"200": listed}}
    thing = proposed(document)["entities"]["thing"]
    assert thing["read"] == {"item": "thing"}
    assert thing["create"] == {"wrap": "things.0", "item": "things.0"}
    assert thing["update"] == {"method": "PUT", "body": "full", "wrap": "thing", "answers": "nothing"}


def test_attributes_forms_in_paths_and_keys_in_brackets_are_seen() -> None:
    row = {
        "type": "object",
        "properties": {
            "id": text(),
            "type": text(),
            "attributes": {"properties": {"name": text(), "updated_at": text()}},
        },
    }
    found = proposed(
        {
            "openapi": "3.0.0",
            "paths": {
                "/goods.json": {"get": {"responses": {"200": json_of({"type": "array", "items": row})}}},
                "/goods/{id}.json": {"get": {"responses": {"200": json_of(row)}}},
                "/parts": {"get": {"responses": {"200": json_of({"type": "array", "items": THING})}}},
                "/parts('{key}')": {"get": {"responses": {"200": json_of(THING)}}},
            },
        }
    )
    good, part = found["entities"]["good"], found["entities"]["part"]
    assert good["fields_at"] == "attributes"
    assert good["updated_at"] == {"field": "attributes.updated_at"}
    assert good["read"]["path"] == "/goods/{id}.json"
    assert part["read"]["path"] == "/parts('{id}')"
    assert found["base_url"].startswith("https://erp.example")
    nowhere = json.dumps(DOCUMENT).replace("https:", "x:").encode()
    notes = propose(read_document(nowhere, "it"), "").notes
    assert any("write its address as base_url" in note for note in notes)


def test_records_under_others_and_references_are_seen() -> None:
    rows = json_of(
        {"type": "array", "items": {"properties": {"id": text(), "company_id": text(), "n": text()}}}
    )
    paths = {
        path: {"get": {"responses": {"200": rows}}}
        for path in (
            "/companies",
            "/companies/{companyId}/customers",
            "/companies/{companyId}/logs",
            "/orders",
        )
    }
    found = proposed({"openapi": "3.0.1", "paths": paths})
    customer = found["entities"]["customer"]
    assert customer["path"] == "/companies/{company}/customers"
    assert customer["parent"] == {"entity": "company", "field": "company_id"}
    order = {line["path"]: line for line in found["entities"]["order"]["fields"]}
    assert order["company_id"]["reference"] == "company"
    assert "log" not in found["entities"] and "#   /companies/{companyId}/logs" in found["text"]


def test_what_all_paths_are_under_is_named_for_a_person_to_fill_in() -> None:
    rows = json_of({"type": "array", "items": {"properties": {"id": text(), "name": text()}}})
    paths = {f"/{{orgId}}/{name}/": {"get": {"responses": {"200": rows}}} for name in ("customers", "items")}
    found = proposed({"openapi": "3.0.1", "paths": paths})
    customer = found["entities"]["customer"]
    assert customer["parent"] == {"word": "org_id", "among": ["change-me"], "field": "org_id_id"}
    assert customer["list"]["path"] == "/{org_id}/customers/"


def test_schemas_that_are_made_of_others_or_of_themselves_are_followed_to_an_end() -> None:
    document = changed("components", "schemas", "Base", value={"properties": {"id": text(), "own": text()}})
    schemas = document["components"]["schemas"]
    schemas["Thing"] = {
        "allOf": [{"$ref": "#/components/schemas/Base"}, {"oneOf": [{"type": "null"}, THING]}],
        "properties": {
            "self": {"$ref": "#/components/schemas/Thing"},
            "loop": {"$ref": "#/components/schemas/Loop"},
        },
        "required": ["own"],
    }
    schemas["Loop"] = {"$ref": "#/components/schemas/Loop"}
    schemas["Base"]["allOf"] = [{"$ref": "#/components/schemas/Thing"}]
    lines = {line["path"]: line for line in proposed(document)["entities"]["thing"]["fields"]}
    assert {"id", "own", "name", "self", "loop"} <= set(lines)
    assert lines["own"]["required"] is True


async def test_no_reference_to_another_document_is_fetched() -> None:
    asked: list[str] = []
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    from instep.sandbox.kit import listening

    async def anything(request: Request) -> Response:
        asked.append(str(request.url))
        return JSONResponse(THING)

    async with listening(Starlette(routes=[Route("/{path:path}", anything)])) as url:
        document = changed("components", "schemas", "Thing", value={"$ref": f"{url}/thing.json"})
        with pytest.raises(UsageError, match="nothing was written"):
            proposed(document, f"{url}/openapi.json")
        async with aiohttp.ClientSession() as session, session.get(f"{url}/seen") as answer_:
            await answer_.read()
    assert [address.rpartition("/")[2] for address in asked] == ["seen"]


ODD_NAMES = [
    "a: b",
    "x\ny",
    "#",
    "'",
    '"',
    "{id}",
    "é",
    "",
    "a.b",
    "-",
    "null",
    "on",
    "__x",
    "@type",
    "$ref2",
]


def test_a_hostile_document_puts_nothing_but_data_into_the_file() -> None:
    hostile = "x\n  evil: {path: /evil}\n# "
    document = changed("info", "title", value=hostile)
    document["components"]["schemas"]["Thing"] = {
        "properties": {name: {"type": "string", "enum": [hostile]} for name in ["id", *ODD_NAMES]}
    }
    document["paths"]["/things"]["get"]["parameters"].append(parameter(hostile))
    document["paths"][f"/{hostile}"] = document["paths"]["/things"]
    found = proposed(document)
    assert "evil" not in found and not any("evil" in str(name) for name in found["entities"]["thing"])
    assert {line["path"] for line in found["entities"]["thing"]["fields"]} == {
        "id", "null", "on", "__x", "@type", "$ref2"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is no object"),
        (b"[]", "it is no object"),
        (b"{", "it can't be read"),
        (b'{"openapi": "3.0.0"}', "it has no paths"),
        (b'{"openapi": "4.0.0", "paths": {"/a": {}}}', "it has neither openapi: 3.x"),
        (b"openapi: 3.0.0\npaths: [", "neither JSON nor YAML at line"),
        (b"<!doctype html><html>", ""),
        (b"\xff\xfe\x00", "it can't be read"),
        (b"openapi: 3.0.0\npaths: !!python/object:os.system {}", "neither JSON nor YAML"),
        (b"openapi: 3.0.0\npaths: {/a: {get: 1}}", "no path of the document answers"),
        (b'{"openapi": "3.0.0", "paths": ' + b'{"/a":' * 20_000, ""),
        (b"a: " + b"[" * 50_000, ""),
        (b"x" * 31_000_000, "larger than 30,000,000 bytes"),
        (b"# " + b"x" * 7_000_000, "as YAML it is larger"),
    ],
)
def test_what_is_no_document_is_refused_in_words(data: bytes, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        propose(read_document(data, "it"), "")
    assert why in str(refused.value)


def test_a_document_that_grows_by_repeating_itself_is_read_in_time() -> None:
    lines = ["openapi: 3.0.0", "a0: &a0 {type: object, properties: {id: {type: string}, n: {type: string}}}"]
    for n in range(1, 40):
        inner = ", ".join(f"k{k}: *a{n - 1}" for k in range(9))
        lines.append(f"a{n}: &a{n} {{type: object, properties: {{{inner}}}, allOf: [*a{n - 1}, *a{n - 1}]}}")
    lines.append(
        "paths: {/things: {get: {responses: {'200': {content: {application/json: "
        "{schema: {type: array, items: *a39}}}}}}}}"
    )
    assert "thing" in proposed("\n".join(lines).encode())["entities"]


@pytest.mark.parametrize("junk", [None, "x", [[]], {"x": []}, {"$ref": 7}])
def test_junk_anywhere_in_a_document_breaks_nothing(junk: Any) -> None:
    def places(node: Any, path: tuple[Any, ...]) -> Any:
        yield path
        if isinstance(node, dict):
            for key, value in node.items():
                yield from places(value, (*path, key))
        elif isinstance(node, list):
            for at, value in enumerate(node):
                yield from places(value, (*path, at))

    for path in places(DOCUMENT, ()):
        if not path:
            continue
        try:
            proposed(changed(*path, value=junk))
        except UsageError as error:
            assert error.why, path
