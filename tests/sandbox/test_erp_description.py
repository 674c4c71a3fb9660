"""What the sample ERP says about itself is true: description, README, command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import instep.sandbox.erp
from instep.sandbox.erp.settings import Settings
from instep.sandbox.world import build_world
from tests.sandbox.erp_app import LEAST, Erp, erp

README = (Path(instep.sandbox.erp.__file__).parent / "README.md").read_text("utf-8")
WORLD = build_world(2, 0.2)


async def document(here: Erp) -> dict[str, Any]:
    body: dict[str, Any] = (await here.raw("GET", "/openapi.json")).body
    return body


def schema_of(described: dict[str, Any], path: str, method: str, status: str) -> Draft202012Validator:
    operation = described["paths"][path][method]
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": described["components"]})


@pytest.mark.parametrize("entity", ["customers", "contacts", "products", "orders"])
async def test_real_answers_are_as_described(entity: str) -> None:
    async with erp() as here:
        described = await document(here)
        await here.console("POST", "load", WORLD.erp)
        path, one = f"/api/v1/{entity}", f"/api/v1/{entity}/{{id}}"
        for query in ("", "?offset=0", "?cursor=&page_size=2", "?include_deleted=true"):
            answer = await here.ask("GET", entity + query)
            schema_of(described, path, "get", "200").validate(answer.body)
        some = answer.body["items"][0]
        read = await here.read(f"{entity}/{some['id']}")
        schema_of(described, one, "get", "200").validate(read)
        more = {"contact_id": WORLD.erp["contacts"][0]["id"]} if entity == "orders" else {}
        made = await here.make(entity, **more)
        schema_of(described, path, "post", "201").validate(made)
        wrong = await here.ask("POST", entity, {"colour": "red"})
        schema_of(described, path, "post", "422").validate(wrong.body)
        missing = await here.ask("GET", f"{entity}/7")
        schema_of(described, one, "get", "404").validate(missing.body)
        unknown = await here.ask("GET", f"{entity}?colour=red")
        schema_of(described, path, "get", "400").validate(unknown.body)


@pytest.mark.parametrize("entity", ["customers", "contacts", "products", "orders"])
async def test_what_the_description_allows_is_accepted_and_what_it_forbids_is_refused(entity: str) -> None:
    async with erp() as here:
        described = await document(here)
        await here.console("POST", "load", {"contacts": [{"id": "1001", "family_name": "Kern"}]})
        content = described["paths"][f"/api/v1/{entity}"]["post"]["requestBody"]["content"]
        schema = content["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": described["components"]})
        least = {**LEAST[entity], **({"contact_id": "1001"} if entity == "orders" else {})}
        validator.validate(least)
        for body in ({}, {**least, "colour": "red"}, {**least, "external_ref": "x" * 65}):
            assert not validator.is_valid(body)
            assert (await here.ask("POST", entity, body)).status == 422
        assert (await here.ask("POST", entity, least)).status == 201


def test_the_readme_names_every_setting_with_its_default() -> None:
    for name, value in Settings().model_dump().items():
        assert f"| `{name}` | `{json.dumps(value)}` |" in README


async def test_the_readme_names_only_console_addresses_that_exist() -> None:
    words = {word.strip("`,.;:)(") for word in README.split() if "/_console/" in word}
    paths = {word.replace("{entity}", "contacts").replace("{id}", "1001") for word in words}
    assert "/_console/load" in paths
    async with erp() as here:
        await here.make("contacts")
        for path in paths:
            method = "POST" if path.endswith("load") or path == "/_console/contacts" else "GET"
            answer = await here.raw(method, path, {} if method == "POST" else None)
            assert answer.status in (200, 422), path
