"""Whatever a client sends, the ERP takes it or says why not; what it took, it takes again unchanged."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from instep.sandbox.erp.accept import accepted, merged
from instep.sandbox.erp.entities import ENTITIES, Entity
from instep.sandbox.erp.listing import known_parameters, read_query
from instep.sandbox.erp.refusals import Refused

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "19.90",
            "1e3",
            "-0",
            "0.0001",
            "EUR",
            "JPY",
            "NO",
            "2026-02-03",
            "a@b.test",
            "+47 123",
            "de",
            "draft",
        ]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**15), 10**15), st.floats(), TEXTS)
NAMES = sorted(
    {name for entity in ENTITIES.values() for name in entity.blank}
    | {"street", "country", "EUR", "JPY", "XXX", "quantity", "unit_price", "tax_rate", "tax_amount", "id"}
)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), inner, max_size=6),
    ),
    max_leaves=12,
)
ANY_ENTITY = st.sampled_from(list(ENTITIES.values()))


@settings(max_examples=400, deadline=None)
@given(ANY_ENTITY, BODIES, st.booleans())
@example(ENTITIES["customers"], {"id": float("inf")}, False)
def test_any_json_is_taken_or_refused_with_errors(entity: Entity, body: Any, creating: bool) -> None:
    try:
        change = accepted(entity, json.dumps(body).encode(), creating=creating)
    except Refused as refusal:
        assert refusal.status in (400, 422)
        assert refusal.errors
        assert all({"field", "code", "message"} <= set(error) for error in refusal.errors)
    else:
        record = merged(entity, copy.deepcopy(entity.blank), change)
        assert set(record) == set(entity.blank)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_bytes_that_are_no_record_are_refused(body: bytes) -> None:
    for entity in ENTITIES.values():
        with pytest.raises(Refused):
            accepted(entity, body, creating=True)


DECIMALS = st.decimals(min_value=0, max_value=10**9, places=2, allow_nan=False).map(str)
LINES = st.lists(
    st.fixed_dictionaries(
        {"quantity": st.one_of(st.integers(0, 1000), DECIMALS), "unit_price": DECIMALS},
        optional={"tax_rate": st.integers(0, 100), "description": st.none() | st.text(max_size=250)},
    ),
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(LINES, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_an_order_that_is_sent_back_is_not_changed(lines: list[dict[str, Any]], currency: str) -> None:
    entity = ENTITIES["orders"]
    body = {"contact_id": "1", "order_date": "2026-02-03", "currency": currency, "lines": lines}
    change = accepted(entity, json.dumps(body).encode(), creating=True)
    once = merged(entity, copy.deepcopy(entity.blank), change)
    again = merged(entity, once, accepted(entity, json.dumps(once).encode(), creating=False))
    assert again == once


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["EUR", "USD", "NOK", "KWD"]), DECIMALS))
def test_prices_that_are_sent_back_are_not_changed(prices: dict[str, str]) -> None:
    entity = ENTITIES["products"]
    once = merged(
        entity, entity.blank, accepted(entity, json.dumps({"prices": prices}).encode(), creating=False)
    )
    again = merged(
        entity, once, accepted(entity, json.dumps({"prices": once["prices"]}).encode(), creating=False)
    )
    assert again == once
    assert set(once["prices"]) == set(prices)


@settings(max_examples=300, deadline=None)
@given(
    ANY_ENTITY,
    st.dictionaries(st.sampled_from(known_parameters("orders")), st.text(max_size=12), max_size=4),
)
def test_any_list_query_is_read_or_refused(entity: Entity, query: dict[str, str]) -> None:
    try:
        asked = read_query(entity, query)
    except Refused as refusal:
        assert refusal.status == 400
        assert {error["field"] for error in refusal.errors} <= set(query)
    else:
        assert 1 <= asked.page_size <= 200
