"""Choices and holds: that a person's word counts for what they saw, for as long as they meant it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import ANY

from instep.core import decide, match
from instep.core.model import SIDES, Both, Side
from instep.core.standing import giving
from instep.core.state import Hold, Key
from instep.runner import judge, outcome, turn
from instep.store.transaction import SqliteTx
from tests.runner.site import LEFT, PHONE, RIGHT, Site, pair

from .checks import must
from .notices import story, worlds
from .protection import Protection, put, within, wrap
from .shapes import shaped


def _whatever_was_seen(whole: Any) -> Any:
    def chosen(deciding: Any, name: str, open_ones: Any, about: str) -> Side | None:
        release = deciding.releases.get(name)
        return Side(release.choice) if release is not None and release.choice in SIDES else None

    return chosen


def gives_whatever_is_there(whole: Any) -> Any:
    def given(value: Any) -> Any:
        found = whole(value)
        return None if found is None else replace(found, seen=Both(ANY, ANY))

    return given


def _loses_no_hold(whole: Any) -> Any:
    return lambda *given: False


async def conflict(rule: Any = "hold") -> tuple[Site, str, str]:
    """A phone number that was edited on both sides."""
    site = Site(pair(policy=rule))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    await site.run()
    return site, left, right


async def _given() -> tuple[Site, str, str]:
    """Such a phone number, for which somebody gives a value in the terms of the left side."""
    site, left, right = await conflict()
    [hold] = site.holds()
    seen = Both.of(lambda side: site.sighting(side, left if side is LEFT else right))
    value = giving(PHONE, LEFT, ("7",), seen)  # type: ignore[arg-type]
    assert value is not None
    await site.release(hold, "value", value.to_json())
    return site, left, right


async def choice_from_before() -> list[str]:
    """Somebody chooses the left side; before the next run the right one is edited again."""
    site, _, right = await conflict()
    [hold] = site.holds()
    await site.release(hold, "left")
    site.edit(RIGHT, right, phone="4")
    await site.run()
    return must(
        "choices", site.fields(RIGHT, right)["phone"] == "4", "4 was overwritten by a choice from before it"
    )


async def value_from_before() -> list[str]:
    """Somebody gives a value for the left side, and there it is edited before the next run."""
    site, left, _ = await _given()
    site.edit(LEFT, left, phone="4")
    await site.run()
    return must(
        "choices", site.fields(LEFT, left)["phone"] == "4", "4 was overwritten by a value from before it"
    )


async def value_before_an_edit() -> list[str]:
    """Somebody gives a value, and then the other side is edited, of which the next run has not heard yet."""
    site, _, right = await _given()
    site.edit(RIGHT, right, phone="4")
    site.connectors.right.unlisted.add(right)
    site.dataflow = replace(site.dataflow, pairs=(pair(policy="newest"),))
    site.new_runner()
    await site.run(60_000)
    return must(
        "4", site.fields(RIGHT, right)["phone"] == "4", "4 was overwritten by what was given before it"
    )


async def left_as_it_is() -> list[str]:
    """Somebody says that a property is to stay as it is, and another one is edited."""
    site, left, right = await conflict("hold")
    [hold] = site.holds()
    await site.release(hold, "leave")
    await site.run()
    site.dataflow = replace(site.dataflow, pairs=(pair(policy="left"),))
    site.new_runner()
    site.edit(LEFT, left, name="Bea")
    await site.rest()
    return must(
        "choices", site.fields(RIGHT, right)["phone"] == "3", "what was to be left alone was overwritten"
    )


async def changed_back() -> list[str]:
    """Another program gives a field its own value again whenever ours has come."""
    site = Site(pair(policy="left"))
    left, right = await site.linked_company()
    for _ in range(8):
        site.edit(LEFT, left, phone="2")
        await site.run()
        site.edit(RIGHT, right, phone="1")
        await site.run()
    times = sum(new.get("phone") == "2" for _, _, new in site.written(RIGHT))
    return must("fights", times <= 3, f"one value was written {times} times")


async def kept_apart() -> list[str]:
    """Somebody wants two records that look alike kept apart for ever; later one of them is edited."""
    site = Site()
    for name in ("Ann", "Ann B."):
        site.put(LEFT, name=name, mail="a@x.example")
    await site.run()
    [first, _] = site.holds()
    await site.release(first, "apart")
    await site.run()
    site.edit(LEFT, first.key.id, mail="other@x.example")
    await site.rest()
    made = len(site.systems.right.ids("company"))
    return must("choices", made == 1, "a partner was made for a record that was to be left alone for ever")


async def one_more_that_looks_alike() -> list[str]:
    """Somebody parts two records for ever; a third comes that looks like one of them."""
    site = Site()
    left, right = await site.linked_company()
    await site.release(Hold(Key("company", LEFT, left), "", "", ""), "apart")
    await site.run()
    site.edit(LEFT, left, mail="other@x.example")
    await site.run()
    third = site.put(LEFT, name="Bea", mail="ann@x.example")
    site.edit(LEFT, third, phone="7")
    await site.rest()
    return must(
        "choices",
        site.fields(RIGHT, right)["phone"] == "1",
        "a record that was to be left alone was written to",
    )


async def linked_after_all() -> list[str]:
    """Of two records with one address somebody wants the first kept apart, and then links it by hand."""
    site = Site()
    lefts = [site.put(LEFT, name=name, mail="a@x.example") for name in ("Ann", "Ann B.")]
    right = site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.run()
    of = {hold.key.id if hold.key.side is LEFT else "right": hold for hold in site.holds()}
    await site.release(of[lefts[0]], "apart")
    await site.release(of["right"], "link", lefts[0])
    await site.rest()
    linked = [link.ids for link in site.links() if link.ids.right == right]
    return must(
        "choices", linked == [Both(lefts[0], right)], "two records that somebody linked are parted again"
    )


CONFLICTS = shaped(answers=8, edits=120, records=2, policy="hold", runs=12)
"""People choose what becomes of conflicts, and go on editing."""

ALIKE = shaped(answers=30, chooses=30, doubles=4, twins=4, renames=4)
"""People choose what becomes of records that look alike."""

PROTECTIONS = (
    Protection(
        "a choice counts for what was seen",
        "core/decide.py:_chosen",
        "an edit made after a choice is overwritten by it",
        "choices",
        wrap(decide._Deciding, "_chosen", _whatever_was_seen),
        story(choice_from_before),
        {"4": worlds(CONFLICTS)},
    ),
    Protection(
        "a given value replaces what was seen",
        "core/decide.py:_set",
        "an edit made after a value was given is overwritten by it",
        "choices",
        wrap(decide, "given", gives_whatever_is_there),
        story(value_from_before),
    ),
    Protection(
        "a given value is as old as its giving",
        "runner/outcome.py:_date_given",
        "a value that was given before an edit passes for later, since it was written after it",
        "4",
        put(outcome, "_date_given", lambda *given: None),
        story(value_before_an_edit),
    ),
    Protection(
        "apart is for ever",
        "core/match.py:FOR_GOOD",
        "a partner is made for a record that was to have none",
        "choices",
        within(judge, "decide_new", put(match, "FOR_GOOD", ())),
        story(kept_apart),
        {"choices": worlds(ALIKE)},
    ),
    Protection(
        "nothing is linked to what is kept apart",
        "core/match.py:is_apart",
        "a record that was to be left alone is written to, since another one looks like it",
        "choices",
        put(judge, "is_apart", lambda releases: False),
        story(one_more_that_looks_alike),
    ),
    Protection(
        "a link ends what was chosen for its records before",
        "runner/turn.py:drop_releases",
        "records that were linked by hand are parted again by an older choice",
        "choices",
        within(turn, "linked", put(SqliteTx, "drop_releases", lambda *given: None)),
        story(linked_after_all),
    ),
    Protection(
        "what is left alone stays so",
        "core/decide.py:_left_alone",
        "a person's word is forgotten with the next look",
        "choices",
        wrap(decide._Deciding, "_left_alone", _loses_no_hold),
        story(left_as_it_is),
    ),
    Protection(
        "fights are noticed",
        "runner/fights.py:fought",
        "two programs write a field for ever",
        "fights",
        put(turn, "fought", lambda *given: []),
        story(changed_back),
    ),
)
