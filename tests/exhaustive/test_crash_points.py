"""A sample of the points at which the engine may be killed; `make crash-points` takes them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from instep.runner import look, outcome
from instep.runner.send import Sent, send

from .crash_points import PROFILES, SCENARIOS, End, live, points, wrong

EVERY = 25


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_death_at_any_point_ends_as_if_there_had_been_none(name: str, profile: str) -> None:
    deaths = points(name, profile, EVERY)
    assert len(deaths) > 3
    assert [death for death in deaths if death.problems] == []


def test_a_scenario_without_a_death_breaks_no_law() -> None:
    calm = live(SCENARIOS["parent and child"], "marker")
    assert calm.broken == []
    assert calm.held == []
    assert [record[0] for record in calm.state if ("parent", "new") in record] == ["left", "right"]


def test_what_a_run_wrote_is_taken_back_and_what_people_did_stays() -> None:
    before, undone = live(SCENARIOS["first load"], "key"), live(SCENARIOS["undo"], "key")
    assert set(undone.held) == {"undone"}
    changed = {record[:3]: set(record[3:]) - set(old[3:]) for record, old in _alike(undone, before)}
    assert {record: [path for path, _ in values] for record, values in changed.items() if values} == {
        ("left", "person", "ann"): ["l_phone"],
        ("right", "person", "ann"): ["r_city"],
        ("right", "person", "cy"): ["r_name"],
    }
    assert [record[0] for record in undone.state if record[2] == "new"] == ["left"]


def _alike(after: End, before: End) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """The records that are in both, each as it is and as it was."""
    old = {record[:3]: record for record in before.state}
    return ((record, old[record[:3]]) for record in after.state if record[:3] in old)


def test_a_create_that_is_forgotten_after_a_lost_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = live(SCENARIOS["create in doubt"], "none")

    async def forgetful(running: object, intent: object, seen: object) -> Sent:
        sent = await send(running, intent, seen)  # type: ignore[arg-type]
        if not sent.doubt:
            return sent
        return Sent(lambda tx: outcome.not_applied(running, tx, intent, "no answer"))  # type: ignore[arg-type]

    monkeypatch.setattr(look, "send", forgetful)
    assert wrong("none", calm, live(SCENARIOS["create in doubt"], "none")) != []
