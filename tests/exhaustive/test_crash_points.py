"""A sample of the points at which the engine may be killed; `make crash-points` takes them all."""

from __future__ import annotations

import pytest

from instep.runner import look, outcome
from instep.runner.send import Sent, send

from .crash_points import PROFILES, SCENARIOS, live, points, wrong

EVERY = 25


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_death_at_any_point_ends_as_if_there_had_been_none(name: str, profile: str) -> None:
    found = list(points(name, profile, EVERY))
    assert len(found) > 3
    assert [problem for problem in found if problem[2]] == []


def test_a_scenario_without_a_death_breaks_no_law() -> None:
    calm = live(SCENARIOS["parent and child"], "marker")
    assert calm.broken == []
    assert calm.held == []
    assert [record[0] for record in calm.state if ("parent", "new") in record] == ["left", "right"]


def test_a_create_that_is_forgotten_after_a_lost_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = live(SCENARIOS["create in doubt"], "none")

    async def forgetful(running: object, intent: object, seen: object) -> Sent:
        sent = await send(running, intent, seen)  # type: ignore[arg-type]
        if not sent.doubt:
            return sent
        return Sent(lambda tx: outcome.not_applied(running, tx, intent, "no answer"))  # type: ignore[arg-type]

    monkeypatch.setattr(look, "send", forgetful)
    assert wrong("none", calm, live(SCENARIOS["create in doubt"], "none")) != []
