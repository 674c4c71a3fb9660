"""Why a record is or is not in step, in sentences: the same facts that the decision was made from."""

from __future__ import annotations

from dataclasses import replace

from instep.core.explain import Explanation, Known, Standing, explain
from instep.core.model import Both
from instep.core.state import Hold, Intent, Link, Release, Sighting
from instep.core.values import Json
from instep.core.verdict import Scene, Verdict

from .scenes import KEY, LEFT, RIGHT, decided, entity, link, prop, scene, seen, sighting

PLAIN = scene(prop("name", "text(trim)"), prop("city", "text(trim)"))
BASE = link({"name": ("Ann", "Ann"), "city": ("Rome", "Rome")}, made_by="match name")
SAME: dict[str, Json] = {"name": "Ann", "city": "Rome"}


def told(
    where: Scene,
    linked: Link,
    readings: Both[Sighting | None],
    releases: tuple[Release, ...] = (),
    intents: tuple[Intent, ...] = (),
) -> Explanation:
    """As after a look: with the holds that the decision led to."""
    verdict = decided(where, linked, readings, (), releases)
    holds = [replace(hold, id=5) for hold in verdict.holds]
    return explain(where, Known(KEY, linked, readings, holds, releases, intents, None, verdict))


def standing(explanation: Explanation, name: str) -> Standing:
    return next(p for p in explanation.properties if p.property == name)


def test_two_records_that_agree_are_in_step() -> None:
    found = told(PLAIN, BASE, seen(SAME, SAME))
    assert found.in_step
    assert found.summary == "in step: all 2 properties agree"
    assert found.facts == ("customer l1 in Chargebee and contact r1 in Custom ERP are linked (match name)",)
    assert found.following == ("nothing",)


def test_another_spelling_of_the_same_is_in_step() -> None:
    assert told(PLAIN, BASE, seen({**SAME, "name": "Ann "}, SAME)).in_step


def test_an_edit_is_told_with_who_made_it_and_where_it_goes() -> None:
    found = told(PLAIN, BASE, seen({**SAME, "name": "Bea"}, SAME))
    assert not found.in_step
    assert found.summary == "not in step: 1 of 2 properties (name)"
    name = standing(found, "name")
    assert (name.state, name.edited, name.to, name.why) == ("differs", (LEFT,), RIGHT, "Chargebee was edited")
    assert name.raw == Both(("Bea",), ("Ann",))
    assert name.base == Both(("Ann",), ("Ann",))
    assert standing(found, "city").state == "same"


def test_the_next_run_is_told_as_it_was_decided() -> None:
    found = told(PLAIN, BASE, seen({**SAME, "name": "Bea"}, SAME))
    assert found.following[0] == "updates the record in Custom ERP: name (Chargebee was edited)"


def test_a_held_conflict_names_both_editors_and_the_command() -> None:
    found = told(PLAIN, BASE, seen({**SAME, "name": "Bea"}, {**SAME, "name": "Cat"}))
    name = standing(found, "name")
    assert (name.state, name.edited) == ("held", (LEFT, RIGHT))
    assert "it can't be proved which of the two edits is the later one" in name.why
    assert found.fixes == ("choose: instep holds release 5 --take left, or --take right",)


def test_a_value_that_only_one_side_has_is_told_as_that() -> None:
    found = told(PLAIN, link({"name": ("Ann", "Ann")}), seen(SAME, {**SAME, "city": None}))
    assert standing(found, "city").why == "only Chargebee has a value"


def test_a_field_that_was_not_offered_is_no_difference() -> None:
    found = told(PLAIN, BASE, seen(SAME, {"name": "Ann"}))
    assert standing(found, "city").state == "not offered"
    assert found.in_step


def test_a_one_way_property_says_who_owns_it() -> None:
    where = scene(prop("name", "text(trim)", flow="to-right"))
    found = told(where, link({"name": ("Ann", "Ann")}), seen({"name": "Bea"}, {"name": "Ann"}))
    assert standing(found, "name").why == "it goes one way: Chargebee owns it"


def test_a_deleted_partner_is_told_with_what_can_be_chosen() -> None:
    readings: Both[Sighting | None] = Both(
        sighting(LEFT, "l1", SAME, deleted=True), sighting(RIGHT, "r1", SAME)
    )
    found = told(PLAIN, BASE, readings)
    assert found.summary == "not in step: it is held"
    assert "customer l1 in Chargebee was deleted" in found.facts
    assert found.fixes == ("choose: instep holds release 5 --choose retire, or apart to keep the other one",)


def test_a_link_at_rest_says_that_it_is_kept() -> None:
    readings: Both[Sighting | None] = Both(
        sighting(LEFT, "l1", SAME, deleted=True), sighting(RIGHT, "r1", SAME)
    )
    found = told(PLAIN, replace(BASE, state="retired"), readings)
    assert found.summary == "out of use on both sides, and kept linked so that it stays so"


def test_a_write_in_doubt_is_told() -> None:
    intent = Intent(KEY, RIGHT, "update", "r1", "l1", {}, {}, "key")
    found = told(PLAIN, BASE, seen(SAME, SAME), intents=(intent,))
    assert found.summary == "not known: a write is on its way"
    assert "it is not known yet whether an update in Custom ERP was applied" in found.facts


def test_a_record_without_partner_says_why_it_has_none() -> None:
    hold = Hold(KEY, "", "ambiguous", "l1 has no unique partner by name", "r1 and r2 have it", "choose", id=7)
    known = Known(
        KEY, None, Both(sighting(LEFT, "l1", SAME), None), [hold], verdict=Verdict(KEY, holds=(hold,))
    )
    found = explain(PLAIN, known)
    assert found.summary == "not in step: it is held (ambiguous)"
    assert found.facts == (
        "customer l1 in Chargebee has no partner in Custom ERP",
        "l1 has no unique partner by name: r1 and r2 have it",
    )
    assert found.following == ("nothing, as long as it is held",)


def test_a_record_that_a_person_leaves_alone_says_how_to_undo_that() -> None:
    ignored = Release(KEY, "", "apart", "")
    known = Known(KEY, None, Both(sighting(LEFT, "l1", SAME), None), releases=[ignored])
    found = explain(PLAIN, known)
    assert found.summary == "left alone: a person chose that it has no partner"
    assert found.fixes == ("give it one: instep links add contact LEFT RIGHT",)


def test_a_record_that_was_deleted_before_it_had_a_partner_needs_nothing() -> None:
    known = Known(KEY, None, Both(sighting(LEFT, "l1", {}, deleted=True), None))
    assert "was deleted before it had a partner" in explain(PLAIN, known).summary


def test_a_record_of_the_right_side_is_called_as_its_own_system_does() -> None:
    where = scene(prop("name"), right=entity("contact"))
    key = replace(KEY, side=RIGHT, id="r9")
    known = Known(key, None, Both(None, sighting(RIGHT, "r9", SAME)), verdict=Verdict(key, note="too young"))
    found = explain(where, known)
    assert found.summary == "not linked: too young"
    assert found.facts == ("contact r9 in Custom ERP has no partner in Chargebee",)
