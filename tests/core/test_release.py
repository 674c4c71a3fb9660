"""What a person can choose for a hold, and the release that it becomes."""

from __future__ import annotations

import pytest

from instep.core.release import SENTENCES, choices, release_of
from instep.core.state import Hold, Release

from .scenes import KEY

CAUSES = ("ambiguous", "duplicate", "refused", "reference", "person", "required", "unfit", "doubt", "deleted")


@pytest.mark.parametrize("cause", [*CAUSES, "conflict"])
@pytest.mark.parametrize("linked", [True, False])
def test_every_choice_that_is_offered_is_explained(cause: str, linked: bool) -> None:
    assert set(choices(Hold(KEY, "", cause, "what"), linked=linked)) <= set(SENTENCES)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_record_without_a_partner_may_always_be_left_alone(cause: str) -> None:
    assert "apart" in choices(Hold(KEY, "", cause, "what"), linked=False)


def test_a_conflict_is_decided_by_a_side_and_a_brake_by_letting_go_or_dropping() -> None:
    assert choices(Hold(KEY, "name", "conflict", "what"), linked=True)[:2] == ("left", "right")
    assert choices(Hold(KEY, "change", "brake", "what"), linked=False) == ("release", "drop")
    assert choices(Hold(KEY, "empty", "brake", "what"), linked=False) == ("release",)


@pytest.mark.parametrize(
    ("choice", "about"),
    [("left", "name"), ("right", "name"), ("retry", "name"), ("unlink", ""), ("apart", "")],
)
def test_a_side_or_a_retry_is_about_the_property_and_all_else_about_the_record(
    choice: str, about: str
) -> None:
    hold = Hold(KEY, "name", "conflict", "what", digest="d")
    assert release_of(hold, choice, at_ms=5) == Release(KEY, about, choice, "d", None, 5)


def test_the_partner_to_link_to_goes_along() -> None:
    hold = Hold(KEY, "", "ambiguous", "what", digest="d")
    assert release_of(hold, "link", at_ms=5, value="r9").value == "r9"
