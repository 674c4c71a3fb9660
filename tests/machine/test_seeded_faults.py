"""What the laws are worth: with a defect put in, here and not in the product, some office must break one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis.stateful import RULE_MARKER

from instep.cli import sync, undo
from instep.core.verdict import Write
from instep.desk import forgetting, plan_file, releasing
from instep.runner import observe

from .machine import Machine, lived

Put = Callable[[pytest.MonkeyPatch], None]


def _plan_leaves_something_out(patch: pytest.MonkeyPatch) -> None:
    whole = plan_file.PlanWriter.add

    def add(self: Any, action: Any) -> None:
        if action.ids.left or not action.verdict.writes:
            whole(self, action)

    patch.setattr(plan_file.PlanWriter, "add", add)


def _more_is_done_than_was_approved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Write, "fingerprint", lambda self, key: "the same for all")


def _exit_code_says_that_all_is_well(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sync, "needs_person", lambda report, stands: False)


def _other_side_is_taken(patch: pytest.MonkeyPatch) -> None:
    whole = releasing.release_of

    def release_of(hold: Any, choice: str, **more: Any) -> Any:
        found = whole(hold, choice, **more)
        return replace(found, choice={"left": "right", "right": "left"}.get(choice, choice))

    patch.setattr(releasing, "release_of", release_of)


def _undo_does_nothing(patch: pytest.MonkeyPatch) -> None:
    async def choose(engine: Any, scope: Any) -> int:
        return 0

    patch.setattr(undo, "choose_ways_back", choose)


def _only_half_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    whole = forgetting.forget
    patch.setattr(forgetting, "forget", lambda engine, tx, places: whole(engine, tx, places[:1]))


def _records_are_not_matched(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(observe, "match_values", lambda pair, side, fields, lookup: {})


FAULTS: Mapping[str, tuple[Put, str]] = {
    "a plan leaves out what is to be created on the left": (_plan_leaves_something_out, "sync"),
    "a run of an approved plan does what was not approved": (_more_is_done_than_was_approved, "approve"),
    "the exit code of a sync says that all is well": (_exit_code_says_that_all_is_well, "sync"),
    "the other side than the chosen one wins": (_other_side_is_taken, "release"),
    "an undoing does nothing": (_undo_does_nothing, "undo"),
    "the partner of who is forgotten is not": (_only_half_is_forgotten, "forget"),
    "records are not matched before they are created": (_records_are_not_matched, "sync"),
}
"""Each defect, and the rule by which it matters."""


def _at(rule: str) -> type[Machine]:
    """Offices in which people work and do that one thing, so that a few of them show it."""
    others = {name for name, each in vars(Machine).items() if hasattr(each, RULE_MARKER)} - {"work", rule}
    return type("Machine", (Machine,), dict.fromkeys(others))


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_defect_breaks_a_law_in_some_office(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put, rule = FAULTS[name]
    put(monkeypatch)
    with pytest.raises(AssertionError):
        lived(_at(rule), 20, phases=(Phase.generate,))


@pytest.mark.slow
@pytest.mark.parametrize("rule", sorted({rule for _, rule in FAULTS.values()}))
def test_without_a_defect_none_breaks_one(rule: str) -> None:
    lived(_at(rule), 5, phases=(Phase.generate,))
