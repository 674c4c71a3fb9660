"""A world that breaks a law is told as small as it can be made, and still breaks it."""

import pytest

from instep.runner import settle

from .plan import Plan
from .soak import judged, small

LIVES = 60


def test_a_failing_world_is_made_small_and_fails_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan.basic(500_469)
    assert judged(plan)[1] == [], "with the protection no law is broken"
    monkeypatch.setattr(settle, "stands_beside", lambda engine, tx, intent: False)
    _, broken = judged(plan)
    made = small(plan, broken[0], LIVES)
    assert judged(made)[1], "it still breaks a law"
    assert made.steps is not None
    assert len(made.steps) <= 3 < len(plan.script())
    assert made == small(plan, broken[0], LIVES), (
        "the same each time, so that a seed is enough to tell it again"
    )
