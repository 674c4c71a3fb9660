"""Each side is compared with its own past; what that means for the two of them together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.diff import Delta, diff, raw_of
from instep.core.model import Both, Side
from instep.core.transformations.contract import Opaque
from instep.core.values import Json

from .scenes import LEFT, RIGHT, Links, compared, prop

NAME = prop("name", "text(trim)")
SHORT = prop("name", "text(trim, max=3)")
VALUES = st.sampled_from([None, "", "a", " a ", "b", "abc", "abcd", 7, True, ["x"]])
BASES = st.none() | st.tuples(VALUES, VALUES)
FLOWS = st.sampled_from(["both", "to-left", "to-right"])


@pytest.mark.parametrize(
    ("left", "right", "base", "kind", "to"),
    [
        ("a", "a", ("a", "a"), "same", None),
        ("b", "a", ("a", "a"), "flow", RIGHT),
        ("a", "b", ("a", "a"), "flow", LEFT),
        (None, "a", ("a", "a"), "flow", RIGHT),
        ("b", "b", ("a", "a"), "agreed", None),
        ("b", " b", ("a", "a"), "agreed", None),
        ("b", "c", ("a", "a"), "conflict", None),
        (None, "c", ("a", "a"), "conflict", None),
        (None, None, ("a", "a"), "agreed", None),
        (" a", "a", ("a", "a"), "drift", None),
        (" a", "a ", ("a", "a"), "drift", None),
        (["junk"], "a", ("a", "a"), "unreadable", RIGHT),
        ("a", ["junk"], ("a", "a"), "unreadable", LEFT),
        ("b", ["junk"], ("a", "a"), "conflict", None),
        (["junk"], ["junk"], ("a", "a"), "conflict", None),
    ],
)
def test_a_property_with_a_base(
    left: Json, right: Json, base: tuple[Json, Json], kind: str, to: Side | None
) -> None:
    found = compared(NAME, left, right, base)
    assert (found.kind, found.to) == (kind, to)
    assert not found.first


@pytest.mark.parametrize(
    ("left", "right", "kind", "to"),
    [
        ("a", "a ", "agreed", None),
        (None, "", "agreed", None),
        ("a", None, "flow", RIGHT),
        ("", "a", "flow", LEFT),
        ("a", "b", "conflict", None),
        (["junk"], None, "unreadable", RIGHT),
        (["junk"], ["junk"], "conflict", None),
    ],
)
def test_first_contact_is_a_merge_without_a_base(left: Json, right: Json, kind: str, to: Side | None) -> None:
    found = compared(NAME, left, right, None)
    assert (found.kind, found.to, found.first) == (kind, to, True)


def test_what_two_readings_of_a_class_differ_in_is_no_edit_of_the_coarser_side() -> None:
    found = compared(SHORT, "abcdef", "abc", ("abcxyz", "abc"))
    assert found.kind == "drift"


def test_an_edit_meets_a_change_within_the_class_as_a_conflict() -> None:
    """The finer detail would be lost without a trace if the edit simply flowed over it."""
    assert compared(SHORT, "abcdef", "new", ("abcxyz", "abc")).kind == "conflict"
    assert compared(SHORT, "abcxyz", "new", ("abcxyz", "abc")).kind == "flow"


def test_a_loss_between_the_systems_never_looks_like_an_edit() -> None:
    assert compared(SHORT, "abcdef", "abc", ("abcdef", "abc")).kind == "same"


@pytest.mark.parametrize(
    ("left", "right", "base", "kind", "to", "overrules"),
    [
        ("b", "a", ("a", "a"), "flow", RIGHT, False),
        ("a", "b", ("a", "a"), "flow", RIGHT, True),
        ("b", "c", ("a", "a"), "flow", RIGHT, True),
        ("b", "b", ("a", "a"), "agreed", None, False),
        ("a", "b", None, "flow", RIGHT, False),
        ("a", None, None, "flow", RIGHT, False),
        (None, "b", None, "same", None, False),
        (["junk"], "a", ("a", "a"), "unreadable", RIGHT, False),
    ],
)
def test_a_one_way_property_never_flows_back(
    left: Json, right: Json, base: tuple[Json, Json] | None, kind: str, to: Side | None, overrules: bool
) -> None:
    found = compared(prop("name", "text(trim)", flow="to-right"), left, right, base)
    assert (found.kind, found.to, found.overrules) == (kind, to, overrules)


def test_a_field_that_was_not_offered_says_nothing_and_an_absent_context_counts_as_empty() -> None:
    part = prop("price", "money", left_context=("currency",), right_context=("currency",)).parts.left
    assert raw_of(part, {"currency": "EUR"}) is None
    assert raw_of(part, {"price": 5}) == (5, None)
    assert raw_of(part, {"price": None, "currency": "EUR"}) == (None, "EUR")


def test_a_changed_context_alone_changes_what_the_value_means() -> None:
    price = prop("price", "money", left_context=("currency",), right_context=("currency",))
    base: Both[tuple[Json, ...]] = Both((500, "EUR"), ("5.00", "EUR"))
    found = diff(price, Both((500, "JPY"), ("5.00", "EUR")), base, Links())
    assert (found.kind, found.to) == ("flow", RIGHT)


def test_a_reference_is_compared_by_link_and_never_by_id() -> None:
    company = prop("company", "reference(customer, contact)")
    links = Links({(LEFT, "customer", "l7"): 7, (RIGHT, "contact", "r7"): 7, (RIGHT, "contact", "r8"): 8})
    assert compared(company, "l7", "r7", None, links).kind == "agreed"
    links.links[RIGHT, "contact", "r8"] = 8
    assert compared(company, "l7", "r8", None, links).kind == "conflict"


@pytest.mark.parametrize(("left", "right"), [("l7", "new"), ("new", "r7"), ("new", "other")])
def test_two_references_of_which_one_is_not_linked_yet_wait_and_do_not_conflict(
    left: str, right: str
) -> None:
    company = prop("company", "reference(customer, contact)")
    links = Links({(LEFT, "customer", "l7"): 7, (RIGHT, "contact", "r7"): 7})
    assert compared(company, left, right, None, links).kind == "waiting"
    assert compared(company, left, right, ("l0", "r0"), links).kind == "waiting"


def test_two_references_of_which_one_is_not_linked_yet_wait_and_are_no_conflict() -> None:
    company = prop("company", "reference(customer, contact)")
    links = Links({(LEFT, "customer", "l7"): 7})
    assert compared(company, "l7", "r9", None, links).kind == "waiting"
    assert compared(company, "l5", "r9", None, links).kind == "waiting"


# --- Laws


@given(VALUES, VALUES, BASES, FLOWS)
def test_swapping_the_sides_gives_the_mirrored_delta(
    left: Json, right: Json, base: tuple[Json, Json] | None, flow: str
) -> None:
    mirrored = {"both": "both", "to-left": "to-right", "to-right": "to-left"}[flow]
    one = compared(prop("name", "text(trim, max=3)", flow=flow), left, right, base)
    other = compared(
        prop("name", "text(trim, max=3)", flow=mirrored), right, left, None if base is None else base[::-1]
    )
    assert one.kind == other.kind
    assert one.to == (other.to and other.to.other)
    assert (one.first, one.overrules) == (other.first, other.overrules)


@given(VALUES, BASES)
def test_a_side_that_did_not_move_never_flows(value: Json, base: tuple[Json, Json] | None) -> None:
    if base is None:
        return
    found = compared(NAME, base[0], value, base)
    assert found.to is not RIGHT, "the left side is as it was: nothing of it is to be written"


@given(VALUES, VALUES, BASES)
def test_only_a_readable_value_flows(left: Json, right: Json, base: tuple[Json, Json] | None) -> None:
    found: Delta = compared(NAME, left, right, base)
    if found.kind == "flow":
        assert found.to is not None
        assert not isinstance(found.canon[found.to.other], Opaque)
    if found.kind in ("agreed", "flow", "conflict") and found.canon.left == found.canon.right:
        assert found.kind == "agreed" or isinstance(found.canon.left, Opaque)


@given(VALUES, VALUES)
def test_agreement_settles_for_good(left: Json, right: Json) -> None:
    found = compared(NAME, left, right, None)
    if found.kind == "agreed":
        assert compared(NAME, left, right, (left, right)).kind == "same"
