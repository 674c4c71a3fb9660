"""What begins and what is over is told once each, whatever comes and goes in between."""

from __future__ import annotations

from instep.core.model import Both
from instep.desk.standing import Standing
from instep.serve.notify_states import CALM_MS, Known, State, states, weigh

NAMES = Both("Chargebee", "Custom ERP")
DOWN = State("system:left", "Chargebee is down.", "Chargebee is back.", after_ms=600_000)
HELD = State("held:contact:conflict", "contact: 1 hold.", "contact: none.")


def lived(*moments: tuple[int, list[State]]) -> list[tuple[int, str]]:
    """What is told, and when, if these states are found at these times."""
    known: dict[str, Known] = {}
    told = []
    for now_ms, found in moments:
        known, changes = weigh(known, found, now_ms)
        told += [(now_ms, change.text) for change in changes]
    return told


def found(*, stands: dict[str, Standing] | None = None, **rest: object) -> dict[str, str]:
    given: dict[str, object] = {"troubles": {}, "stalled": False, "after_ms": 0, **rest}
    made = states(stands or {}, systems=NAMES, **given)  # type: ignore[arg-type]
    return {state.key: state.what for state in made}


def test_a_state_is_told_once_when_it_begins_and_once_when_it_is_over() -> None:
    assert lived((0, [HELD]), (1, [HELD]), (2, []), (2 + CALM_MS, []), (3 + CALM_MS, [])) == [
        (0, HELD.what),
        (2 + CALM_MS, HELD.over),
    ]


def test_what_comes_and_goes_is_told_once() -> None:
    moments = [(n * 1000, [HELD] if n % 2 else []) for n in range(59)]
    assert lived(*moments) == [(1000, HELD.what)]


def test_a_system_is_down_when_it_has_been_so_for_long_enough() -> None:
    assert lived((0, [DOWN]), (599_999, [DOWN]), (600_000, [DOWN])) == [(600_000, DOWN.what)]
    assert lived((0, [DOWN]), (599_999, []), (700_000, [DOWN]), (1_200_000, [DOWN])) == []


def test_what_nobody_was_told_of_is_not_said_to_be_over() -> None:
    assert lived((0, [DOWN]), (1, []), (1_000_000, [])) == []


def test_states_are_of_pairs_causes_and_systems() -> None:
    stands = {
        "contact": Standing(held={"conflict": 2, "reference": 5, "brake": 1}, failing=1),
        "order": Standing(held={"reference": 3}),
    }
    assert found(stands=stands) == {
        "brake:contact": "contact: a brake has stopped changes until a person lets them go or drops them.",
        "held:contact:conflict": "contact: 2 holds (conflict) for a person.",
        "failing:contact": "contact: 1 record fails; each is tried again.",
    }


def test_one_hold_more_is_no_new_state() -> None:
    one, two = ({"contact": Standing(held={"conflict": count})} for count in (1, 2))
    assert list(found(stands=one)) == list(found(stands=two))


def test_a_system_is_named_with_what_could_not_be_done_and_not_with_what_it_said() -> None:
    troubles = {
        "left:customer": "customers were not listed\n  why: 503 ida@example.test",
        "order": "x",
        "left:item": "y",
    }
    assert found(troubles=troubles) == {
        "system:left": "Chargebee can't be read (customer, item): customers were not listed."
    }


def test_a_pair_whose_writes_are_refused_is_told_of_without_the_record() -> None:
    stands = {"contact": Standing(), "order": Standing()}
    told = found(stands=stands, troubles={"contact": "contact ida@example.test was not updated"})
    assert told == {
        "refused:contact": "contact: a system refuses to be written to until a person sees to it."
    }


def test_the_store_and_the_loop_are_told_of() -> None:
    assert set(found(troubles={"store": "no room"}, stalled=True)) == {"store", "loop"}
