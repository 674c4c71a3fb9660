"""Every entry of the registry obeys the laws, over values that make sense and values that don't."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instep.core.model import SIDES, Both, Side
from instep.core.transformations.registry import MAKERS
from instep.core.values import ABSENT, Raw
from tests.core import laws
from tests.core.law_cases import CASES, Case

DEEP = os.environ.get("INSTEP_LAW_EXAMPLES", "")
"""A number of examples per law and case, tried at random; without it, a few that are always the same."""

EXAMPLES = settings(
    max_examples=int(DEEP or 25),
    derandomize=not DEEP,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.spelling)
sides = st.sampled_from(SIDES)


def raw(case: Case, side: Side, sensible: bool = False) -> st.SearchStrategy[Raw]:
    return case.raw(case.sensible[side], case.contexts[side], sensible)


def old(case: Case, side: Side, sensible: bool = False) -> st.SearchStrategy[Raw]:
    """What the target holds: a record, or none (its mapped fields ABSENT)."""
    count = len(case.sensible[side])
    return raw(case, side, sensible) | raw(case, side, sensible).map(lambda r: (ABSENT,) * count + r[count:])


def counts(case: Case) -> Both[int]:
    return case.sensible.map(len)


def test_every_entry_of_the_registry_is_picked_up_by_the_laws() -> None:
    assert {case.name for case in CASES} == set(MAKERS)


@case
@EXAMPLES
@given(data=st.data())
def test_reading_never_raises_and_is_the_same_each_time(case: Case, data: st.DataObject) -> None:
    side = data.draw(sides)
    laws.totality(case.subject, side, data.draw(raw(case, side)))


@case
@EXAMPLES
@given(data=st.data())
def test_writing_what_was_read_changes_nothing(case: Case, data: st.DataObject) -> None:
    side = data.draw(sides)
    laws.get_put(case.subject, side, data.draw(raw(case, side)), counts(case)[side])


@case
@EXAMPLES
@given(data=st.data())
def test_what_is_written_reads_as_what_was_meant(case: Case, data: st.DataObject) -> None:
    source, target = data.draw(sides), data.draw(sides)
    given_raw, given_old = data.draw(raw(case, source)), data.draw(old(case, target))
    laws.put_get(case.subject, source, given_raw, target, given_old, counts(case)[target])


@case
@EXAMPLES
@given(data=st.data())
def test_one_trip_settles_a_value(case: Case, data: st.DataObject) -> None:
    source = data.draw(sides)
    given_raw, given_old = data.draw(raw(case, source)), data.draw(old(case, source.other))
    laws.stable(case.subject, source, given_raw, source.other, given_old, counts(case))


@case
@EXAMPLES
@given(data=st.data())
def test_leaving_out_what_does_not_count_changes_nothing(case: Case, data: st.DataObject) -> None:
    side = data.draw(sides)
    laws.trim(case.subject, side, data.draw(raw(case, side)))


@case
@EXAMPLES
@given(data=st.data())
def test_a_value_that_makes_sense_on_one_side_can_be_written_on_the_other(
    case: Case, data: st.DataObject
) -> None:
    if not case.fits:
        return
    source = data.draw(sides)
    given_raw = data.draw(raw(case, source, sensible=True))
    given_old = data.draw(old(case, source.other, sensible=True))
    laws.fits(case.subject, source, given_raw, source.other, given_old)
