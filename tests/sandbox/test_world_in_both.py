"""The world as both servers hold it, each in a process of its own."""

from __future__ import annotations

import base64
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from instep.sandbox.launch import Running, start
from instep.sandbox.world import build_world, bulk_customers

WORLD = build_world(5)
KEY = base64.b64encode(b"test_key:").decode()


OPTIONS = ["--site", "acme-test", "--key", "test_key", "--switch", "rate_limit_per_min=0"]


@pytest.fixture(scope="module")
def chargebee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An emulator that holds the world, for tests that only read."""
    with start("chargebee", tmp_path_factory.mktemp("world") / "chargebee.db", options=OPTIONS) as running:
        running.load(WORLD.chargebee)
        yield running


def get(running: Running, path: str, **params: str) -> Any:
    query = urllib.parse.urlencode(params)
    request = urllib.request.Request(f"{running.url}/api/v2/{path}?{query}")
    request.add_header("Authorization", f"Basic {KEY}")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def listed(running: Running, resource: str, **params: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    offset: dict[str, str] = {}
    while True:
        page = get(running, resource, limit="100", **offset, **params)
        rows += [next(iter(entry.values())) for entry in page["list"]]
        if "next_offset" not in page:
            return rows
        offset = {"offset": page["next_offset"]}


@pytest.mark.parametrize(
    "resource", ["customers", "item_families", "items", "item_prices", "invoices", "orders"]
)
def test_every_record_is_listed_once_as_it_was_loaded(chargebee: Running, resource: str) -> None:
    rows = {row["id"]: row for row in listed(chargebee, resource)}
    loaded = {row["id"]: row for row in WORLD.chargebee[resource]}
    assert set(rows) == set(loaded)
    for key, row in loaded.items():
        plain = {name: value for name, value in row.items() if not isinstance(value, dict | list)}
        assert {name: rows[key].get(name) for name in plain} == plain


def test_items_show_no_moment_of_creation(chargebee: Running) -> None:
    assert not any("created_at" in row for row in listed(chargebee, "items"))


def test_each_invoice_has_its_order(chargebee: Running) -> None:
    order = WORLD.chargebee["orders"][3]
    answer = get(chargebee, f"invoices/{order['invoice_id']}/orders")
    assert [entry["order"]["id"] for entry in answer["list"]] == [order["id"]]


@pytest.mark.slow
def test_every_person_and_thing_could_be_typed_in_as_it_is(tmp_path: Path) -> None:
    names = {
        "customers": (
            "first_name",
            "last_name",
            "email",
            "phone",
            "company",
            "vat_number",
            "billing_address",
        ),
        "items": ("name", "description", "unit"),
        "item_prices": ("name", "price", "currency_code"),
    }
    world = build_world(6, 0.5).chargebee
    with start("chargebee", tmp_path / "chargebee.db", options=OPTIONS) as running:
        running.load(world)
        for resource, fields in names.items():
            for row in world[resource]:
                typed = {name: row[name] for name in fields if name in row}
                edited = running.console("PATCH", f"{resource}/{row['id']}", typed)
                address = typed.pop("billing_address", {})
                assert {name: edited[name] for name in typed} == typed
                assert address.items() <= edited.get("billing_address", {}).items()


def test_people_in_bulk_are_taken_by_the_emulator(tmp_path: Path) -> None:
    with start("chargebee", tmp_path / "chargebee.db", options=OPTIONS) as running:
        assert running.load({"customers": bulk_customers(1500)}, at_once=500) == 1500
        assert get(running, "customers/bulk-0001499")["customer"]["id"] == "bulk-0001499"
