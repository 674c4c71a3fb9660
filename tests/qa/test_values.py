"""What a checklist writes: values that both systems hold, that meet conditions, and that can be taken back."""

from __future__ import annotations

import pytest

from instep.core.conditions import parse_condition
from instep.core.dataflow import Pair, Part, Property
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.no_links import NO_LINKS
from instep.core.transformations.registry import build
from instep.core.values import Json
from instep.qa.values import Draft, Values

LEFT = Entity(
    "firm",
    (
        Field("name", "text", max_length=40),
        Field("kind", "text", choices=("firm", "school", "church"), by_hand=("church",)),
        Field("state", "text", choices=("draft", "open", "done"), lasting=("done",)),
        Field("size", "integer"),
        Field("seal", "text", create=False, update=False),
        Field("parent", "text", reference="firm"),
    ),
    Abilities(),
)
RIGHT = Entity("firm", (Field("name", "text", max_length=25), Field("state", "text")), Abilities())


def prop(name: str, spelled: str = "same") -> Property:
    word, arguments = parse(spelled)
    made = build(word, arguments, Both(1, 1), Both(0, 0))
    return Property(name, Both(Part((name,)), Part((name,))), made, spelled)


def pair_of(*properties: Property) -> Pair:
    return Pair("firm", Both("firm", "firm"), properties)


def values() -> Values:
    return Values(Both({"firm": LEFT}, {"firm": RIGHT}), NO_LINKS, "qa-1", lambda _side, _entity: [])


def filled(*conditions: str, properties: tuple[Property, ...] = ()) -> Draft:
    """A new record of the left side."""
    draft = Draft(new=True, meeting=[parse_condition(one) for one in conditions])
    values().fill(draft, pair_of(*properties), Side.LEFT, properties, {})
    return draft


def test_a_text_is_as_long_as_both_sides_have_room_for() -> None:
    (raw,) = filled(properties=(prop("name"),)).raws["name"]
    assert isinstance(raw, str)
    assert len(raw) == 25


@pytest.mark.parametrize(
    ("condition", "path", "value"),
    [
        ("kind = school", "kind", "school"),
        ("kind in (school, firm)", "kind", "school"),
        ("kind != firm", "kind", None),
        ("size = 30", "size", 30),
        ("name = 30", "name", "30"),
        ("not size", "size", None),
    ],
)
def test_a_record_meets_what_is_asked_of_a_field_that_no_property_maps(
    condition: str, path: str, value: Json
) -> None:
    draft = filled(condition)
    assert draft.unmet is None
    assert draft.here.get(path) == value


def test_a_property_takes_a_value_that_meets_what_is_asked() -> None:
    draft = filled("state = open", properties=(prop("state"),))
    assert draft.raws["state"] == ("open",)
    assert draft.there == {"state": "open"}


def test_a_property_that_is_to_be_empty_is_left_out_and_says_why() -> None:
    draft = filled("not name", properties=(prop("name"),))
    assert draft.unmet is None
    assert "not name" in draft.left_out["name"]


@pytest.mark.parametrize("condition", ["seal", "seal = red", "kind = church"])
def test_what_no_call_can_bring_about_stays_unmet(condition: str) -> None:
    assert str(filled(condition).unmet) == condition


def test_values_that_a_record_can_not_leave_again_are_kept_off() -> None:
    state = prop("state")
    found = values().all(Draft(), pair_of(state), Side.LEFT, state, [])
    assert [raw for raw, _ in found] == [("draft",), ("open",)]


def test_a_reference_without_a_linked_record_says_so() -> None:
    draft = filled(properties=(prop("parent", "reference(firm, firm)"),))
    assert draft.left_out["parent"] == "there is no other linked record firm that it could refer to"
