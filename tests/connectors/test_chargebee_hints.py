"""Webhooks are hints: the ids of records to look at, whatever else they say."""

from __future__ import annotations

import json

import pytest

from instep.connectors.chargebee import hinted
from instep.errors import BadAnswer


def event(**content: object) -> bytes:
    return json.dumps({"id": "ev_1", "event_type": "x", "content": content}).encode()


def test_an_event_hints_at_each_record_it_holds() -> None:
    body = event(customer={"id": "c-1", "first_name": "Ida"}, card={"id": "card"}, order={"id": "o-1"})
    assert hinted(body) == [("customer", "c-1"), ("order", "o-1")]


def test_an_item_price_hints_at_its_item_once() -> None:
    assert hinted(event(item={"id": "S-1"}, item_price={"id": "S-1-EUR", "item_id": "S-1"})) == [
        ("item", "S-1")
    ]


def test_an_event_about_something_else_hints_at_nothing() -> None:
    assert hinted(event(subscription={"id": "s-1"}, customer={"id": 7}, item="S-1")) == []


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"content": []}', b"\xff", b"[" * 100_000, b" " * 1_000_001 + b"{}"]
)
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        hinted(body)
