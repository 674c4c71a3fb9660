"""Descriptions: what is refused in one, what the shipped one says, and what a live look at a system finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from instep.connectors.rest import Description
from instep.connectors.rest.moments import read_moment, write_moment
from instep.connectors.rest.reference import reference
from instep.connectors.rest.schema import schema, shipped
from tests.warm import start

from .rest_erp import SAMPLE, connect, described, erp

ONE: dict[str, Any] = {"path": "/things", "fields": [{"path": "name"}]}


def description(**entity: Any) -> dict[str, Any]:
    return {"base_url": "https://erp.example/api", "entities": {"thing": {**ONE, **entity}}}


@pytest.mark.parametrize(
    ("entity", "complaint"),
    [
        ({"colour": "red"}, "colour"),
        ({"fields": []}, "fields"),
        ({"fields": [{"path": "a"}, {"path": "a"}]}, "described twice: a"),
        ({"fields": [{"path": "a..b"}]}, "path"),
        ({"fields": [{"path": "a", "type": "number"}]}, "type"),
        ({"fields": [{"path": "a", "reference": "other"}]}, "refers to other"),
        ({"fields": [{"path": "a", "group": "g"}]}, "groups that have no call: g"),
        ({"marker": {"field": "ref", "param": "ref"}}, "marker field ref is not among"),
        ({"marker": {"field": "name", "param": "q"}}, "searched through the list"),
        ({"retired": {"field": "active", "value": False}}, "retired field active is not among"),
        ({"retire": {"by": "field"}}, "needs retired"),
        (
            {"retire": {"by": "field"}, "retired": {"field": "name", "value": "x"}, "update": None},
            "needs an update",
        ),
        ({"retire": {"by": "action", "path": "/things"}}, "needs a path, or a body, with {id}"),
        ({"deleted": {"field": "gone", "value": True}}, "rows of a list"),
        ({"version": {"kind": "field"}}, "needs the pointer"),
        ({"version": {"kind": "updated_at"}}, "needs updated_at"),
        ({"version": {"if_match": "{version}"}}, "needs kind field"),
        ({"version": {"if_match": "yes"}}, "is etag or a text"),
        ({"idempotency_window_s": 60}, "needs idempotency_header"),
        ({"list": {"paging": {"kind": "magic"}}}, "kind"),
        ({"list": {"paging": {"kind": "cursor"}}}, "next"),
        ({"lags": {"list_s": -1}}, "list_s"),
        ({"read": {"path": "/things/{idd}"}}, "{idd} is not known here; id are"),
        ({"update": {"path": "/things/{id}/{size}"}}, "{size} is not known here; id, name are"),
        ({"list": {"params": {"from": "{begin}"}}}, "{begin} is not known here; next, since, size are"),
    ],
)
def test_a_description_that_cannot_work_is_refused_with_what_is_wrong(
    entity: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Description.model_validate(description(**entity))
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "bearer", "token": "abc123"},
        {"kind": "basic", "user": "u", "password": "hunter2"},
        {"kind": "header", "name": "X-Key", "value": "file:"},
        {"kind": "oauth2", "token_url": "/t", "client_id": "i", "client_secret": "s3cret"},
    ],
)
def test_a_secret_in_the_file_itself_is_refused(auth: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="env:NAME or file:PATH"):
        Description.model_validate({**description(), "auth": auth})


def test_every_key_of_a_description_says_what_it_means() -> None:
    silent = [
        f"{name}.{key}"
        for name, model in schema()["$defs"].items()
        for key, value in model.get("properties", {}).items()
        if key != "kind" and not value.get("description")
    ]
    assert silent == []


def test_the_shipped_schema_is_the_one_of_the_models() -> None:
    assert shipped() == json.dumps(schema(), indent=1) + "\n"


def test_the_reference_page_is_the_one_of_the_models() -> None:
    page = Path(__file__).parents[2] / "docs" / "rest-description.md"
    assert page.read_text("utf-8") == reference()


def test_the_shipped_description_declares_what_the_sample_erp_can_do() -> None:
    entities = connect("http://127.0.0.1:1", SAMPLE).entities()
    assert list(entities) == ["customer", "contact", "product", "order"]
    for entity in entities.values():
        able = entity.abilities
        assert able.conditional and able.tombstones and able.complete_list and able.versions == "strict"
        assert able.marker == "external_ref" and not able.chosen_id
    assert not entities["order"].abilities.retire
    assert "person" in entities["order"].abilities.reasons["retire"]
    number = entities["order"].field("number")
    assert number is not None and not number.create and number.reason


@pytest.mark.parametrize(
    ("value", "format", "ms"),
    [
        ("2026-01-31T12:00:00Z", "iso", 1_769_860_800_000),
        ("2026-01-31T13:00:00.250+01:00", "iso", 1_769_860_800_250),
        ("2026-01-31T12:00:00", "iso", 1_769_860_800_000),
        ("2026-01-31T12:00:00.999999Z", "iso", 1_769_860_800_999),
        ("2026-01-31", "date", 1_769_817_600_000),
        (1_769_860_800, "epoch_s", 1_769_860_800_000),
        ("1769860800.5", "epoch_s", 1_769_860_800_500),
        (1_769_860_800_001, "epoch_ms", 1_769_860_800_001),
        ("soon", "iso", None),
        ("0001-01-01T00:00:00+14:00", "iso", None),
        ("NaN", "epoch_s", None),
        ("1e999999999", "epoch_ms", None),
        (True, "epoch_s", None),
        (None, "iso", None),
        ({}, "date", None),
    ],
)
def test_times_are_read_in_each_format_or_not_at_all(value: Any, format: str, ms: int | None) -> None:
    assert read_moment(value, format) == ms


@pytest.mark.parametrize("format", ["iso", "date", "epoch_s", "epoch_ms"])
def test_a_written_time_is_never_later_than_the_moment(format: str) -> None:
    for ms in (0, 1, 999, 1_769_860_800_999, 1_769_903_999_999):
        back = read_moment(write_moment(ms, format), format)
        assert back is not None and back <= ms < back + 86_400_000


async def test_a_look_at_the_sample_erp_finds_nothing_wrong() -> None:
    async with erp() as here:
        connector = connect(here.url)
        await here.make("contact", {"family_name": "Kern"})
        health = await connector.check()
        assert list(health.problems) == []
        assert health.requests_per_minute == 2700
        assert health.clock_skew_ms is not None and abs(health.clock_skew_ms) < 2000
        assert "order: no record to compare with its description" in health.notes
        await connector.close()


async def test_a_look_tells_what_differs_from_the_description() -> None:
    wrong = described()
    contact = wrong["entities"]["contact"]
    contact["fields"] += [{"path": "nickname"}, {"path": "version", "type": "text"}]
    contact["fields"] = [field for field in contact["fields"] if field["path"] != "notes"]
    contact["updated_at"] = {"field": "modified"}
    wrong["entities"]["order"]["path"] = "/bookings"
    wrong["entities"]["product"]["list"]["items"] = "rows"
    async with erp() as here:
        await here.make("contact", {"family_name": "Kern"})
        connector = connect(here.url, wrong)
        health = await connector.check()
        told = {problem.what: problem.severity for problem in health.problems}
        assert told["Custom ERP shows no field nickname of contact"] == "warning"
        assert told["contact: version is of another type"] == "warning"
        assert told["contact: no record tells when it was changed"] == "warning"
        assert told["Custom ERP refused to list order"] == "error"
        assert told["a page of product has no rows"] == "error"
        assert any("notes" in note and note.startswith("contact") for note in health.notes)
        await connector.close()


async def test_a_look_with_a_wrong_key_says_so_and_does_not_raise() -> None:
    async with erp() as here:
        connector = connect(here.url, {**described(), "auth": None})
        problems = (await connector.check()).problems
        assert {problem.what for problem in problems} == {"Custom ERP does not let us in"}
        assert all("credentials" in problem.fix for problem in problems)
        await connector.close()


async def test_a_search_that_does_not_filter_is_noticed_by_a_look() -> None:
    blind = described(marker={"field": "external_ref", "param": "page_size"})
    blind["entities"]["contact"]["list"]["paging"] = {"kind": "none"}
    async with erp() as here:
        await here.make("contact", {"family_name": "Kern"})
        connector = connect(here.url, blind)
        assert any("correct the marker" in problem.fix for problem in (await connector.check()).problems)
        await connector.close()


@pytest.mark.slow
async def test_the_connector_works_over_the_erp_as_a_process_of_its_own(tmp_path: Any) -> None:
    with start("erp", tmp_path / "erp.db") as running:
        connector = connect(running.url)
        running.console(
            "POST", "load", {"contacts": [{"family_name": f"Kern {n}", "notes": "é"} for n in range(450)]}
        )
        pages = [page async for page in connector.list("contact", None)]
        assert [len(page.records) for page in pages] == [200, 200, 50]
        assert connector.requests == 3
        await connector.close()
