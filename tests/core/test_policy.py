"""Who wins a conflict, and when the order of two edits is provable."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.model import Both, Side
from instep.core.policy import POLICIES, Clock, Conflict, EditTime, edit_time, later

from .scenes import LEFT, RIGHT, at, sighting

EXACT = Clock(resolution_ms=0)


def test_a_field_with_a_history_was_edited_when_the_history_says() -> None:
    seen = at(sighting(LEFT, "l1", {"a": 1}, updated_ms=9_000, created_ms=1_000), a=5_000)
    assert edit_time(["a"], seen, EXACT) == EditTime(5_000, 5_000)


def test_a_field_without_one_was_edited_between_the_records_creation_and_its_last_change() -> None:
    seen = sighting(LEFT, "l1", {"a": 1}, updated_ms=9_000, created_ms=1_000)
    assert edit_time(["a"], seen, EXACT) == EditTime(1_000, 9_000)


@pytest.mark.parametrize(("created", "updated"), [(1_000, None), (None, None)])
def test_a_system_that_tells_no_time_proves_nothing(created: int | None, updated: int | None) -> None:
    seen = sighting(LEFT, "l1", {"a": 1}, created_ms=created, updated_ms=updated)
    assert edit_time(["a"], seen, EXACT) == EditTime(None, None)
    assert edit_time([], seen, EXACT) == EditTime(None, None)


def test_skew_error_and_resolution_widen_the_interval() -> None:
    seen = at(sighting(LEFT, "l1", {"a": 1}), a=50_000)
    clock = Clock(skew_ms=10_000, error_ms=300, resolution_ms=1_000)
    assert edit_time(["a"], seen, clock) == EditTime(39_700, 41_300)


def test_of_several_fields_the_last_edit_counts() -> None:
    seen = at(sighting(LEFT, "l1", {"a": 1, "b": 2}), a=5_000, b=8_000)
    assert edit_time(["a", "b"], seen, EXACT) == EditTime(8_000, 8_000)
    unknown = replace(seen, edits={"a": (5_000, 5_000), "b": (None, 9_000)})
    assert edit_time(["a", "b"], unknown, EXACT) == EditTime(5_000, 9_000)


@pytest.mark.parametrize(
    ("left", "right", "winner"),
    [
        ((10, 20), (30, 40), RIGHT),
        ((30, 40), (10, 20), LEFT),
        ((10, 30), (20, 40), None),
        ((10, 20), (20, 40), None),
        ((10, 20), (21, 40), RIGHT),
        ((None, 20), (30, 40), RIGHT),
        ((10, 20), (None, 40), None),
        ((None, None), (30, 40), None),
        ((30, 40), (None, None), None),
    ],
)
def test_an_edit_is_later_only_if_its_earliest_moment_is_after_the_others_latest(
    left: tuple[int | None, int | None], right: tuple[int | None, int | None], winner: Side | None
) -> None:
    assert later(Both(EditTime(*left), EditTime(*right))) is winner


@pytest.mark.parametrize(
    ("gap_ms", "error_ms", "resolution_ms", "provable"),
    [(1_001, 0, 1_000, True), (1_000, 0, 1_000, False), (501, 250, 0, True), (500, 250, 0, False)],
)
def test_the_gap_must_be_larger_than_errors_and_resolution(
    gap_ms: int, error_ms: int, resolution_ms: int, provable: bool
) -> None:
    clock = Clock(0, error_ms, resolution_ms)
    first = edit_time(["a"], at(sighting(LEFT, "l1", {}), a=50_000), clock)
    second = edit_time(["a"], at(sighting(RIGHT, "r1", {}), a=50_000 + gap_ms), clock)
    assert (later(Both(first, second)) is RIGHT) is provable


def test_a_clock_that_is_ahead_does_not_win_by_that() -> None:
    ahead = edit_time(["a"], at(sighting(LEFT, "l1", {}), a=100_000), Clock(skew_ms=60_000, resolution_ms=1))
    right = edit_time(["a"], at(sighting(RIGHT, "r1", {}), a=50_000), Clock(resolution_ms=1))
    assert later(Both(ahead, right)) is RIGHT


TIMES = st.builds(EditTime, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9))


@given(TIMES, TIMES)
def test_who_is_later_does_not_depend_on_which_side_is_called_left(left: EditTime, right: EditTime) -> None:
    ordered = [
        time
        for time in (left, right)
        if time.earliest_ms is not None and time.latest_ms is not None and time.earliest_ms > time.latest_ms
    ]
    if ordered:
        return  # an interval ends no earlier than it begins
    found, mirrored = later(Both(left, right)), later(Both(right, left))
    assert found == (mirrored and mirrored.other)


@given(TIMES, TIMES, st.sampled_from(sorted(POLICIES)))
def test_every_policy_is_deterministic_and_says_what_it_does(
    left: EditTime, right: EditTime, name: str
) -> None:
    policy, conflict = POLICIES[name], Conflict((), Both(left, right))
    assert policy.decide(conflict) is policy.decide(conflict)
    assert policy.sentence.endswith(".")
    assert policy.why


def test_a_fixed_policy_names_its_side_and_hold_names_nobody() -> None:
    conflict = Conflict((), Both(EditTime(5, 5), EditTime(1, 1)))
    decided = {name: policy.decide(conflict) for name, policy in POLICIES.items()}
    assert decided == {"newest": LEFT, "hold": None, "left": LEFT, "right": RIGHT}
