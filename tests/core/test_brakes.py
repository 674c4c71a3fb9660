"""Brakes: what a write counts as, when there is too much of it, and what of it is stopped."""

from __future__ import annotations

import pytest

from instep.core.brakes import Effect, change_print, effects, rest_of, stopped, tripped
from instep.core.dataflow import Brakes, Limit, Pair, Part, Property
from instep.core.model import Both, Side
from instep.core.state import Key
from instep.core.transformations.registry import build, parse
from instep.core.values import ABSENT, Raw
from instep.core.verdict import CHOSEN, Change, Write

LEFT, RIGHT = Side.LEFT, Side.RIGHT
KEY, IDS = Key("contact", LEFT, "1"), Both("1", "9")


def prop(name: str, *fields: str, group: str = "") -> Property:
    part = Part(fields or (name,))
    return Property(name, Both(part, part), build(*parse("same")), group=group)


PAIR = Pair(
    "contact",
    Both("customer", "contact"),
    (
        prop("phone"),
        prop("name", "first", "last"),
        prop("street", group="address"),
        prop("city", group="address"),
    ),
)


def change(
    name: str, old: Raw | None, new: Raw, source: Raw | None = ("there",), why: str = "edited"
) -> Change:
    return Change(name, old, new, source, why)


def update(*changes: Change) -> Write:
    payload = {}
    for one in changes:
        found = PAIR.property(one.property)
        assert found is not None and one.new is not None
        payload |= dict(zip(found.parts.right.fields, one.new, strict=True))
    return Write(RIGHT, "update", "9", payload, changes, "edited")  # type: ignore[arg-type]


def kinds(write: Write) -> set[str]:
    return {effect.brake for effect in effects(PAIR, write)}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (("1",), ("2",), {"change", "same:phone"}),
        (("1",), (None,), {"change", "clear"}),
        (("1",), ("",), {"change", "clear"}),
        ((None,), ("2",), {"change"}),
        (("",), ("2",), {"change"}),
        ((False,), (True,), {"change", "same:phone"}),
        ((0,), (None,), {"change", "clear"}),
    ],
)
def test_a_change_counts_by_what_it_does_to_the_value(old: Raw, new: Raw, found: set[str]) -> None:
    assert kinds(update(change("phone", old, new))) == found


def test_a_property_of_several_fields_is_emptied_only_if_nothing_of_it_is_left() -> None:
    assert "clear" in kinds(update(change("name", ("A", "B"), (None, None))))
    assert "clear" not in kinds(update(change("name", ("A", "B"), (None, "B"))))
    assert "clear" not in kinds(update(change("name", ("A", "B"), (None, ABSENT)))), (
        "that field stays as it is"
    )


def test_the_same_value_is_the_same_effect_and_another_is_another() -> None:
    one, two, other = (update(change("phone", ("1",), (value,))) for value in ("2", "2", "3"))
    assert effects(PAIR, one) == effects(PAIR, two) != effects(PAIR, other)


def test_what_a_person_decided_counts_as_nothing() -> None:
    assert (
        effects(PAIR, update(change("phone", ("1",), ("2",), why=f"conflict: {CHOSEN} this side"))) == set()
    )
    assert effects(PAIR, update(change("phone", ("1",), ("2",), source=None))) == set()
    assert effects(PAIR, Write(RIGHT, "retire", "9", {}, (), f"deleted, and {CHOSEN} to retire it")) == set()


def test_creates_and_retirements_count_once_each() -> None:
    assert effects(PAIR, Write(RIGHT, "create", "", {}, (), "new")) == {Effect("create")}
    assert effects(PAIR, Write(RIGHT, "retire", "9", {}, (), "gone")) == {Effect("retire")}


@pytest.mark.parametrize(
    ("count", "recent", "known", "trips"),
    [
        (10, 0, 10, False),
        (11, 0, 10, True),
        (25, 0, 100, False),
        (26, 0, 100, True),
        (1, 25, 100, True),
        (0, 50, 100, False),
    ],
)
def test_a_brake_trips_above_its_count_and_its_share(
    count: int, recent: int, known: int, trips: bool
) -> None:
    brakes = Brakes(change=Limit(10, 0.25))
    assert (tripped(brakes, Effect("change"), count, recent, known, first=False) is not None) == trips


def test_what_was_just_created_does_not_widen_the_limit_for_creates() -> None:
    brakes = Brakes(create=Limit(1, 0.5))
    assert tripped(brakes, Effect("create"), 1, 5, 10, first=False) is not None


def test_a_share_of_one_is_no_limit_and_the_first_run_has_its_own() -> None:
    brakes = Brakes(create=Limit(0, 0.0), first_create=Limit(0, 1.0))
    assert tripped(brakes, Effect("create"), 1, 0, 0, first=False) is not None
    assert tripped(brakes, Effect("create"), 10_000, 0, 0, first=True) is None


def test_only_what_is_stopped_is_left_out_of_a_write() -> None:
    write = update(change("phone", ("1",), (None,)), change("name", ("A", "B"), ("C", "B")))
    prints = stopped(PAIR, KEY, IDS, write, lambda effect: effect.brake == "clear", frozenset())
    assert [name for name, _ in prints] == ["phone"]
    rest = rest_of(PAIR, write, prints)
    assert rest is not None
    assert (dict(rest.payload), [c.property for c in rest.changes]) == ({"first": "C", "last": "B"}, ["name"])
    assert rest_of(PAIR, write, [("phone", ""), ("name", "")]) is None


def test_a_group_is_stopped_as_one() -> None:
    write = update(
        change("street", ("S",), (None,)), change("city", ("C",), ("D",)), change("phone", ("1",), ("2",))
    )
    prints = stopped(PAIR, KEY, IDS, write, lambda effect: effect.brake == "clear", frozenset())
    assert [name for name, _ in prints] == ["address", "address"]
    rest = rest_of(PAIR, write, prints)
    assert rest is not None and dict(rest.payload) == {"phone": "2"}


def test_what_was_let_go_is_not_stopped_for_that_record_and_those_values_alone() -> None:
    one = change("phone", ("1",), (None,))
    about = change_print(PAIR, RIGHT, one)
    let_go = frozenset({("change", KEY, about), ("clear", KEY, about)})
    other_record, other_value = Key("contact", LEFT, "2"), change("phone", ("2",), (None,))
    assert stopped(PAIR, KEY, IDS, update(one), lambda _: True, let_go) == []
    assert stopped(PAIR, other_record, IDS, update(one), lambda _: True, let_go) != []
    assert stopped(PAIR, KEY, IDS, update(other_value), lambda _: True, let_go) != []
    assert stopped(PAIR, KEY, IDS, update(one), lambda _: True, let_go - {("clear", KEY, about)}) == [about]
