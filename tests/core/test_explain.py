"""Why a record is or is not in step, said in sentences that agree with what is decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from instep.core.explain import Explanation, Known, explain
from instep.core.match import Contact, decide_new
from instep.core.model import Both
from instep.core.state import Intent, Release, Todo
from instep.core.values import Json

from .scenes import KEY, LEFT, RIGHT, decided, entity, link, prop, release, scene, seen, sighting
from .test_decide_laws import Situation, situations

NAME, CITY = prop("name", "text(trim)"), prop("city", "text(trim)")
WHERE = scene(NAME, CITY, policy="hold")
BASE = link({"name": ("Ann", "Ann"), "city": ("Rome", "Rome")}, made_by="match mail")
SAME: dict[str, Json] = {"name": "Ann", "city": "Rome"}
TODO = Todo(KEY, 1, 0)
INTENT = Intent(KEY, RIGHT, "update", "r1", "l1", {}, {}, "k")


def told(left: dict[str, Json], right: dict[str, Json], where: Any = WHERE, **known: Any) -> Explanation:
    readings = seen(left, right)
    verdict = decided(where, BASE, readings)
    about = {"holds": verdict.holds, "verdict": verdict, "todo": TODO, **known}
    return explain(where, Known(KEY, BASE, readings, **about))


def states(found: Explanation) -> dict[str, str]:
    return {standing.property: standing.state for standing in found.properties}


def test_a_settled_pair_is_in_step() -> None:
    found = told(SAME, SAME, todo=None)
    assert (found.in_step, found.following, found.fixes) == (True, ("nothing",), ())
    assert "all 2 properties agree" in found.summary
    assert "match mail" in found.facts[0]


def test_an_edit_is_told_with_where_it_goes() -> None:
    found = told({**SAME, "name": "Bea"}, SAME)
    assert not found.in_step
    assert states(found) == {"name": "differs", "city": "same"}
    assert (found.properties[0].to, found.properties[0].edited) == (RIGHT, (LEFT,))
    assert found.properties[0].why == "Chargebee was edited"
    assert "updates the record in Custom ERP: name" in found.following[0]


def test_a_held_conflict_is_told_with_what_a_person_can_do() -> None:
    found = told({**SAME, "name": "Bea"}, {**SAME, "name": "Cleo"})
    assert states(found)["name"] == "held"
    assert "--take left" in found.fixes[0]
    assert found.following == ("nothing, as long as it is held",)
    [hold] = decided(WHERE, BASE, seen({**SAME, "name": "Bea"}, {**SAME, "name": "Cleo"})).holds
    chosen = told({**SAME, "name": "Bea"}, {**SAME, "name": "Cleo"}, releases=(release("left", hold),))
    assert "a person chose left" in chosen.properties[0].why


@pytest.mark.parametrize(
    ("left", "right", "where", "state"),
    [
        ({**SAME, "name": ["x"]}, SAME, WHERE, "unreadable"),
        ({**SAME, "name": "Bea"}, {**SAME, "name": "Cleo"}, WHERE, "conflict"),
        ({"city": "Rome"}, SAME, WHERE, "not offered"),
        (SAME, {**SAME, "name": "Bea"}, scene(prop("name", flow="to-right"), CITY), "differs"),
    ],
)
def test_a_property_is_told_by_what_became_of_it(
    left: dict[str, Json], right: dict[str, Json], where: Any, state: str
) -> None:
    found = told(left, right, where, holds=())
    assert states(found)["name"] == state
    assert found.properties[0].why


def test_a_write_on_its_way_and_failures_are_told() -> None:
    found = told(SAME, SAME, intents=(INTENT,), todo=replace(TODO, attempts=3, reason="it is busy"))
    assert not found.in_step
    assert "an update in Custom ERP" in found.facts[-1]
    assert found.following[0] == "the write that is on its way is settled first"
    assert "failed 3 times" in found.following[-1]


def test_a_delete_and_a_link_at_rest_are_told() -> None:
    readings = seen(SAME, SAME)
    gone = readings.replace(LEFT, replace(sighting(LEFT, "l1", SAME), deleted=True))
    verdict = decided(WHERE, BASE, gone)
    found = explain(WHERE, Known(KEY, BASE, gone, verdict.holds, verdict=verdict))
    assert not found.in_step
    assert "customer l1 in Chargebee was deleted" in found.facts
    rest = explain(WHERE, Known(KEY, replace(BASE, state="retired"), gone))
    assert "out of use on both sides" in rest.summary
    assert "never read" in explain(WHERE, Known(KEY, BASE, readings.replace(RIGHT, None))).summary


def unlinked(where: Any = WHERE, **known: Any) -> Explanation:
    reading = sighting(LEFT, "l1", SAME)
    verdict = decide_new(where, KEY, reading, Contact(None, (), True, 10, 0), (), ())
    about = {"seen": Both(reading, None), "holds": verdict.holds, "verdict": verdict, **known}
    return explain(where, Known(KEY, None, **about))


def test_a_new_record_is_told_by_what_is_to_become_of_it() -> None:
    assert "is to be created in Custom ERP" in unlinked().summary
    assert "looked at when one of the two changes" in unlinked().following[-1]
    impossible = unlinked(scene(NAME, right=entity("contact", create=False)))
    assert "held (person)" in impossible.summary
    assert impossible.fixes
    assert "doesn't create" in unlinked(scene(NAME, create=Both(True, False))).summary
    assert unlinked(verdict=None).summary == "not linked yet"


def test_a_record_that_is_unread_gone_or_left_alone_is_told_as_such() -> None:
    assert "never read" in unlinked(seen=Both(None, None), todo=TODO).summary
    gone = replace(sighting(LEFT, "l1", SAME), deleted=True)
    assert "deleted before it had a partner" in unlinked(seen=Both(gone, None)).summary
    assert "left alone" in unlinked(releases=(Release(KEY, "", "apart", ""),)).summary


@settings(max_examples=150, deadline=None)
@given(situations(deletes=False))
def test_a_record_is_in_step_only_if_nothing_is_to_be_written_or_held(one: Situation) -> None:
    verdict = replace(one, releases=()).decided()
    found = explain(one.scene, Known(KEY, one.link, one.seen, verdict.holds, verdict=verdict))
    if found.in_step:
        assert (verdict.writes, verdict.holds) == ((), ())
