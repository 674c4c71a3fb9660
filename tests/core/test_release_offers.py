"""What a hold offers in its own words is what a person can choose, and what decides it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import instep
from instep.core.release import choices, release_of
from instep.core.state import Hold

from .scenes import KEY, decided, link, prop, scene, seen

CAUSES = (
    "conflict",
    "ambiguous",
    "duplicate",
    "refused",
    "reference",
    "person",
    "deleted",
    "required",
    "unfit",
    "brake",
    "doubt",
)
SOURCES = Path(instep.__file__).parent


def hold(cause: str, name: str = "") -> Hold:
    return Hold(KEY, name, cause, "what", digest="d")


def offers() -> Iterator[tuple[str, str]]:
    """Every (cause, option) that a hold's own words offer: written in one call, in the core or in the runner."""
    for path in (*SOURCES.glob("core/*.py"), *SOURCES.glob("runner/*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            texts = [n.value for n in call.args if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            named = [text for text in texts if text in CAUSES]
            for text in texts if named else ():
                if "instep holds release ID" in text:
                    for option in re.findall(r"--(?:take|choose) (\w+)|--(link)", text):
                        yield named[0], "".join(option)


@pytest.mark.parametrize(("cause", "option"), sorted(set(offers())))
def test_what_a_hold_offers_in_its_own_words_can_be_chosen(cause: str, option: str) -> None:
    assert option in (*choices(hold(cause), linked=True), *choices(hold(cause), linked=False))


def test_some_words_of_holds_offer_choices() -> None:
    assert ("conflict", "left") in set(offers())
    assert len(set(offers())) > 5


@pytest.mark.parametrize("cause", CAUSES)
def test_a_linked_record_is_never_linked_or_created_again(cause: str) -> None:
    assert not {"link", "create", "recreate"} & set(choices(hold(cause), linked=True))


@pytest.mark.parametrize("cause", CAUSES)
def test_an_unlinked_record_has_no_side_to_take_and_nothing_to_unlink(cause: str) -> None:
    assert not {"left", "right", "unlink", "retire"} & set(choices(hold(cause), linked=False))


@pytest.mark.parametrize("choice", ["left", "right"])
def test_the_release_of_a_conflict_decides_it(choice: str) -> None:
    where, linked = scene(prop("name", "text(trim)")), link({"name": ("Ann", "Ann")})
    readings = seen({"name": "Bea"}, {"name": "Cat"})
    [conflict] = decided(where, linked, readings).holds
    verdict = decided(where, linked, readings, [conflict], [release_of(conflict, choice, at_ms=1)])
    assert not verdict.holds
    winner = "Bea" if choice == "left" else "Cat"
    assert [dict(write.payload) for write in verdict.writes] == [{"name": winner}]
