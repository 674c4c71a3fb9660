"""All that can happen to one linked record within a small budget; `make exhaustive` has larger ones."""

from __future__ import annotations

import pytest

from instep.core.model import Both
from instep.runner import observe
from tests.simulation.plan import PROFILES

from .little_world import Budget
from .scope import explore
from .search import Tape, every_way

CASES = [
    (profile, budget)
    for profile in sorted(PROFILES)
    for budget in (Budget(1, 0, 1, 0), Budget(0, 1, 1, 0), Budget(1, 1, 1, 0), Budget(1, 1, 0, 1))
    # Where readings can't be ordered, the engine waits more, and there are ten times as many ways.
    if (profile == "no versions") == (budget.left + budget.right == 1) or budget.crashes
]


@pytest.mark.parametrize(("profile", "budget"), CASES, ids=str)
def test_whatever_happens_to_a_record_all_laws_hold(profile: str, budget: Budget) -> None:
    found = explore(Both(profile, profile), budget)
    assert found.broken == []
    assert found.whole


@pytest.mark.slow
def test_a_fault_and_a_crash_together_break_no_law() -> None:
    found = explore(Both("conditional", "none"), Budget(1, 1, 1, 1))
    assert found.broken == []
    assert found.runs > 1_000


def test_a_conflict_that_is_held_loses_nothing_whatever_happens() -> None:
    assert explore(Both("none", "conditional"), Budget(1, 1, 1, 0), "hold").broken == []


def test_the_search_finds_what_a_missing_protection_lets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the order of readings a replica that lags brings back what was replaced."""
    monkeypatch.setattr(observe, "_newer", lambda before, record: True)
    found = explore(Both("chosen id", "chosen id"), Budget(1, 1, 2, 0))
    assert any(law.startswith(("never lost", "converged")) for law, _ in found.broken)


def test_every_way_through_a_program_is_gone_once() -> None:
    seen = []

    def program(tape: Tape) -> None:
        first = tape.choose(3, lambda: b"first")
        second = tape.choose(2, lambda: b"second %d" % first) if first else 0
        seen.append((first, second))

    assert every_way(program, set()) == 5
    assert sorted(seen) == [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)]


def test_a_state_that_was_met_before_is_not_gone_on_from() -> None:
    ends = []

    def program(tape: Tape) -> None:
        tape.choose(2, lambda: b"a")
        tape.choose(2, lambda: b"b")
        ends.append(list(tape.answers))

    assert every_way(program, set()) == 3
    assert ends == [[0, 0], [0, 1]]
