"""Webhooks are hints: the ids of records to look at, whatever else they say."""

from __future__ import annotations

import json

import pytest

from instep.connectors.chargebee.hints import EVENTS, events_for, hinted
from instep.connectors.webhooks import Hint
from instep.errors import BadAnswer


def event(kind: str, **content: object) -> bytes:
    return json.dumps({"id": "ev_1", "event_type": kind, "content": content}).encode()


def test_an_event_hints_at_its_own_record_and_version_and_not_at_what_stands_beside_it() -> None:
    body = event(
        "order_updated", order={"id": "o-1", "resource_version": 7}, customer={"id": "c-1"}, card={"id": "k"}
    )
    assert hinted(body) == [Hint("order", "o-1", 7)]


def test_an_item_price_hints_at_its_item_once_and_its_version_is_not_the_items() -> None:
    body = event("item_price_updated", item_price={"id": "S-1-EUR", "item_id": "S-1", "resource_version": 9})
    assert hinted(body) == [Hint("item", "S-1")]


@pytest.mark.parametrize(
    "kind", ["subscription_created", "sales_order_created", "item_family_updated", "", "x"]
)
def test_an_event_about_something_else_hints_at_nothing(kind: str) -> None:
    assert hinted(event(kind, subscription={"id": "s-1"}, customer={"id": "c"}, order={"id": "o"})) == []


def test_an_event_that_is_newer_than_this_program_hints_at_the_record_that_its_name_begins_with() -> None:
    assert hinted(event("customer_merged", customer={"id": "c-1"})) == [Hint("customer", "c-1")]


@pytest.mark.parametrize("id", [7, "", "x" * 101, None, ["c"], {"id": "c"}])
def test_what_can_not_be_an_id_hints_at_nothing(id: object) -> None:
    assert hinted(event("customer_changed", customer={"id": id})) == []


def test_the_events_to_ask_for_are_those_of_the_entities_in_the_dataflow() -> None:
    assert events_for(["order", "order", "nothing"]) == sorted(EVENTS["order"])
    assert set(events_for(EVENTS)) == {name for names in EVENTS.values() for name in names}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"content": []}', b"\xff", b"[" * 100_000, b" " * 1_048_577 + b"{}"]
)
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        hinted(body)
