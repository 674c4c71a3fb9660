"""Plain values: reaching into them, comparing them byte for byte, and telling empty from not offered."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.model import Both, Side
from instep.core.values import (
    ABSENT,
    Absent,
    decode,
    digest,
    encode,
    get_path,
    is_empty,
    plain,
    project,
    set_path,
)

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3)
)
NAMES = st.text("abc", min_size=1, max_size=2)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)


def test_absent_is_one_thing_that_is_false_and_survives_copies() -> None:
    assert Absent() is ABSENT
    assert not ABSENT
    assert repr(ABSENT) == "ABSENT"
    assert copy.deepcopy(ABSENT) is ABSENT
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("name", "Ann"),
        ("address.city", "Rome"),
        ("address.zip", None),
        ("address.city.part", None),
        ("nothing", None),
        ("nothing.inside", None),
        ("never", ABSENT),
        ("never.inside", ABSENT),
    ],
)
def test_a_path_finds_a_value_or_empty_or_that_it_was_not_offered(path: str, found: object) -> None:
    fields = {"name": "Ann", "address": {"city": "Rome"}, "nothing": None}
    assert get_path(fields, path) is found or get_path(fields, path) == found


@given(st.dictionaries(NAMES, JSON, max_size=3), PATHS, JSON)
def test_what_is_put_at_a_path_is_found_there_and_its_neighbours_stay(
    fields: dict[str, object], path: str, value: object
) -> None:
    before = copy.deepcopy(fields)
    changed = dict(fields)
    set_path(changed, path, value)  # type: ignore[arg-type]
    assert get_path(changed, path) == value  # type: ignore[arg-type]
    assert fields == before, "the objects on the way are copied, not changed"
    head = path.partition(".")[0]
    assert {k: v for k, v in changed.items() if k != head} == {k: v for k, v in before.items() if k != head}


@given(JSON)
def test_encoding_is_undone_by_decoding_and_knows_no_order_of_keys(value: object) -> None:
    assert decode(encode(value)) == value
    if isinstance(value, dict):
        assert encode(dict(reversed(value.items()))) == encode(value)


def test_numbers_keep_their_digits() -> None:
    assert encode(Decimal("1.50")) == b"1.50"
    assert decode(b"1.50") == Decimal("1.50")
    assert isinstance(decode(b"0.1"), Decimal)


@given(JSON, JSON)
def test_two_values_share_a_digest_exactly_when_they_are_written_alike(one: object, other: object) -> None:
    assert (digest(one) == digest(other)) == (encode(one) == encode(other))
    assert len(digest(one)) == 32


def test_only_the_fields_that_are_mapped_are_kept() -> None:
    fields = {"name": 1, "address": {"city": 2, "zip": 3}, "other": 4}
    assert project(fields, ["address.city", "name", "missing"]) == {
        "address": {"city": 2, "zip": 3},
        "name": 1,
    }


@pytest.mark.parametrize(
    ("value", "empty"),
    [
        (None, True),
        ("", True),
        ([], True),
        ({}, True),
        (0, False),
        (False, False),
        (" ", False),
        (ABSENT, False),
    ],
)
def test_empty_is_what_says_nothing_and_absent_is_not_even_that(value: object, empty: bool) -> None:
    assert is_empty(value) is empty  # type: ignore[arg-type]


def test_raw_values_are_shown_as_json() -> None:
    assert plain(("a", ABSENT, None)) == ["a", None, None]
    assert plain(None) is None


def test_a_thing_per_side_is_indexed_replaced_and_mapped_by_side() -> None:
    both = Both(1, 2)
    assert (both[Side.LEFT], both[Side.RIGHT], tuple(both)) == (1, 2, (1, 2))
    assert both.replace(Side.LEFT, 5) == Both(5, 2)
    assert both.replace(Side.RIGHT, 5) == Both(1, 5)
    assert both.map(str) == Both("1", "2")
    assert Both.of(lambda side: side.other) == Both(Side.RIGHT, Side.LEFT)
