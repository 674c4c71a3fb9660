"""Quiet hours, by the clock of a time zone, over midnight and over a change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from instep.dataflow.systems import Quiet
from instep.serve.quiet import quiet_at


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("begins", "ends", "zone", "at", "quiet"),
    [
        ("22:00", "06:00", "UTC", "2026-01-10 22:00:00", True),
        ("22:00", "06:00", "UTC", "2026-01-10 21:59:59", False),
        ("22:00", "06:00", "UTC", "2026-01-11 05:59:59", True),
        ("22:00", "06:00", "UTC", "2026-01-11 06:00:00", False),
        ("12:00", "13:00", "UTC", "2026-01-10 12:30:00", True),
        ("12:00", "13:00", "UTC", "2026-01-10 13:00:00", False),
        ("12:00", "12:00", "UTC", "2026-01-10 12:00:00", False),
        ("22:00", "06:00", "Europe/Oslo", "2026-01-10 21:00:00", True),  # an hour ahead in winter
        ("22:00", "06:00", "Europe/Oslo", "2026-07-10 20:00:00", True),  # two in summer
        ("22:00", "06:00", "Europe/Oslo", "2026-07-11 04:00:00", False),
    ],
)
def test_hours_are_those_of_the_time_zone(begins: str, ends: str, zone: str, at: str, quiet: bool) -> None:
    assert quiet_at(Quiet(begins=begins, ends=ends, time_zone=zone))(ms(at)) is quiet


def test_without_such_hours_it_is_never_quiet() -> None:
    assert not quiet_at(None)(ms("2026-01-10 03:00:00"))


@pytest.mark.parametrize("wrong", [{"begins": "24:00"}, {"ends": "6:00"}, {"time_zone": "Europe/Atlantis"}])
def test_a_time_that_is_none_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Quiet.model_validate({"begins": "22:00", "ends": "06:00", **wrong})
