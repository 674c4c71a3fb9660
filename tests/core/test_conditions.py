"""Which records a pair is for: what a condition says of a record's own fields."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instep.core.conditions import Condition, parse_condition, unmet
from instep.core.values import Json

from .laws import anything

FIRM: dict[str, Json] = {
    "company": "Acme",
    "note": " ",
    "type": "firm",
    "days": 30,
    "code": "007",
    "open": True,
    "rate": Decimal("1.50"),
    "address": {"country": "NO"},
    "gone": None,
}


@pytest.mark.parametrize(
    "text",
    [
        "company",
        "not gone",
        "not never_offered",
        "type = firm",
        "type='firm'",
        "type != person",
        "type in (school, firm)",
        "type not in (school, person)",
        "gone != firm",
        "gone not in (firm, school)",
        "days = 30",
        "days = '30'",
        "code = '007'",
        "open = true",
        "rate = 1.5",
        "address.country in (NO, SE)",
        "address.country = NO",
    ],
)
def test_a_condition_that_a_record_meets(text: str) -> None:
    assert parse_condition(text).holds(FIRM)


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("gone", "gone is empty"),
        ("never_offered", "never_offered is empty"),
        ("not company", "company has a value"),
        ("type = person", "type is not person"),
        ("type != firm", "type is firm"),
        ("type in (school, person)", "type is not school or person"),
        ("type not in (school, firm)", "type is school or firm"),
        ("code = 7", "code is not 7"),
        ("days = true", "days is not true"),
        ("open = 1", "open is not 1"),
        ("address.country = SE", "address.country is not SE"),
        ("gone = null", ""),
    ],
)
def test_a_condition_that_a_record_does_not_meet_says_so(text: str, missed: str) -> None:
    condition = parse_condition(text)
    assert condition.holds(FIRM) is (not missed)
    if missed:
        assert condition.missed == missed


@pytest.mark.parametrize(
    "text", ["", "=", "type =", "type in ()", "type in firm", "a b", "7 = 7", "a = 'b", "a = b, c"]
)
def test_what_is_no_condition_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"condition|value|lacks"):
        parse_condition(text)


scalars = (
    st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="ascii"), min_size=1, max_size=9)
)


@settings(derandomize=True, database=None, deadline=None)
@given(st.sampled_from(["a", "a.b", "cf_x"]), st.lists(scalars, max_size=3), st.booleans())
def test_what_is_spelled_is_read_again(path: str, values: list[object], negated: bool) -> None:
    if any(isinstance(v, str) and (("'" in v and '"' in v) or "\\" in v or v != v.strip()) for v in values):
        return
    condition = Condition(path, tuple(values), negated)  # type: ignore[arg-type]
    assert parse_condition(str(condition)) == condition


@settings(derandomize=True, database=None, deadline=None)
@given(anything, st.lists(scalars, max_size=2))
def test_no_value_makes_a_condition_fail(value: Json, values: list[object]) -> None:
    yes, no = (Condition("a", tuple(values), negated) for negated in (False, True))  # type: ignore[arg-type]
    assert yes.holds({"a": value}) is not no.holds({"a": value})


def test_the_first_condition_that_is_not_met_is_told() -> None:
    conditions = [parse_condition(text) for text in ("company", "type = person", "gone")]
    assert unmet(conditions, FIRM) == conditions[1]
    assert unmet(conditions[:1], FIRM) is None
