"""The JSON Schemas that editors use."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from instep.dataflow import schema
from instep.dataflow.scaffold import Choices, scaffold
from instep.dataflow.yaml import read
from tests.dataflow.texts import dataflow


def validator(name: str) -> Draft202012Validator:
    loaded: dict[str, Any] = json.loads(schema.shipped(name))
    Draft202012Validator.check_schema(loaded)
    return Draft202012Validator(loaded)


@pytest.mark.parametrize("name", schema.NAMES)
def test_the_shipped_schema_is_up_to_date(name: str) -> None:
    written = "run: python -m instep.dataflow.schema"
    assert schema.text(schema.schemas()[name]) == schema.shipped(name), written


@pytest.mark.parametrize("name", schema.NAMES)
def test_a_new_site_fits_its_schema(name: str) -> None:
    text = scaffold(Choices(business_entities=[("a", "b")]), "")[f"{name}.yaml"]
    assert [error.message for error in validator(name).iter_errors(read(text, name).value)] == []


@pytest.mark.parametrize(
    "properties",
    [
        "a <-> b",
        "{map: a <-> b, required: true}",
        "{left: [a, b], right: c, as: names}",
        "{group: g, properties: [a <-> b]}",
        "{map: a <-> b, group: g, as: lines, properties: [c <-> d]}",
    ],
)
def test_every_form_of_a_property_fits(properties: str) -> None:
    value = read(dataflow(properties), "").value
    assert [error.message for error in validator("dataflow").iter_errors(value)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dataflow", dataflow("a <-> b", pair="creat: both")),
        ("dataflow", dataflow("a <-> b", pair="policy: newer")),
        ("dataflow", dataflow("{map: a <-> b, requird: true}")),
        (
            "instep",
            "version: 1\nsystems: {left: {kind: chargebee, site: a}, right: {kind: rest, describe: e}}",
        ),
        ("instep", "version: 1\nsystems: {left: {kind: nosuch}, right: {kind: rest, describe: e}}"),
    ],
)
def test_an_editor_sees_a_mistake(name: str, text: str) -> None:
    assert list(validator(name).iter_errors(read(text, "").value))


def test_a_secret_may_be_a_mapping_or_its_short_form() -> None:
    for secret in ("{env: KEY}", "{file: key.secret}", "env:KEY"):
        text = (
            f"version: 1\nsystems:\n  left: {{kind: chargebee, site: a, api_key: {secret}}}\n"
            "  right: {kind: rest, describe: e}"
        )
        text = text.replace("api_key: env:KEY", "api_key: 'env:KEY'")
        assert [error.message for error in validator("instep").iter_errors(read(text, "").value)] == []
