"""Conflicts, holds and choices: no edit loses unasked, and a person's word counts for what they saw."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from instep.core import decide, policy
from instep.core.diff import Delta, diff
from instep.core.model import SIDES, Both, Side
from instep.core.policy import Clock, EditTime
from instep.core.standing import giving
from instep.runner import turn
from instep.runner.engine import Engine
from tests.runner.site import LEFT, PROPERTIES, RIGHT, Fault, Send, Site, pair
from tests.simulation.processes import Crash

from .checks import lost, must
from .notices import story
from .protection import Protection, put, wrap

# --- The switches


def _agreement_is_conflict(prop: Any, raw: Any, base: Any, lookup: Any) -> Delta:
    found = diff(prop, raw, base, lookup)
    return replace(found, kind="conflict") if found.kind == "agreed" else found


def _each_alone(deltas: Any) -> list[list[Delta]]:
    return [[delta] for delta in deltas]


def _latest_wins(times: Both[EditTime]) -> Side | None:
    """By the latest moment at which each may have been made, whatever is known of the earliest."""
    left, right = times.left.latest_ms, times.right.latest_ms
    return None if left is None or right is None else Side.LEFT if left > right else Side.RIGHT


def _no_clock(engine: Engine, side: Side, entity: Any) -> Clock:
    return Clock()


def _whatever_was_seen(whole: Any) -> Any:
    def chosen(deciding: Any, name: str, open_ones: Any, about: str) -> Side | None:
        release = deciding.releases.get(name)
        return Side(release.choice) if release is not None and release.choice in SIDES else None

    return chosen


def gives_whatever_is_there(whole: Any) -> Any:
    def given(value: Any) -> Any:
        found = whole(value)
        return None if found is None else replace(found, seen=Anything(found.seen))

    return given


class Anything:
    """What both sides held: whatever they hold now."""

    def __init__(self, seen: Any) -> None:
        del seen

    def __getitem__(self, side: Side) -> Any:
        return Whatever()


class Whatever:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def _loses_no_hold(whole: Any) -> Any:
    return lambda *given: False


def _nothing_lost(deciding: Any, delta: Any, loser: Any, why: str) -> None:
    return None


# --- The stories


async def conflict(rule: Any = "hold") -> tuple[Site, str, str]:
    """A phone number that was edited on both sides."""
    site = Site(pair(policy=rule))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    await site.run()
    return site, left, right


async def same_edit_on_both_sides() -> list[str]:
    site = Site(pair(policy="hold"))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="2")
    await site.rest()
    asked = [hold.what for hold in site.holds()]
    return must("4", not asked, f"{asked}: both say the same")


async def halves_of_an_address() -> list[str]:
    """Street and city make sense only together; each side has given one of them a new value."""
    site = Site(replace(pair(policy="hold"), properties=tuple(_grouped(p) for p in PROPERTIES)))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, town="Oslo")
    await site.rest()
    mixed = site.fields(LEFT, left)["phone"] == "2" and site.fields(LEFT, left)["city"] == "Oslo"
    return must(
        "4", not mixed, "half of one side's address and half of the other's are an address that nobody has"
    )


def _grouped(each: Any) -> Any:
    return replace(each, group="address") if each.name in ("phone", "city") else each


async def edits_that_no_clock_orders() -> list[str]:
    """Two edits of one field a moment apart, and a right clock that may be wrong by more than that."""
    site = Site(pair(policy="newest"))
    site.connectors.right.clock_error_ms = 5_000
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    await site.run()
    both = {site.fields(LEFT, left)["phone"], site.fields(RIGHT, right)["phone"]}
    return must("4", both == {"2", "3"}, "which of the two is the later one was guessed")


async def edits_between_two_readings() -> list[str]:
    """A phone number was edited before another field was; when exactly, nobody can tell."""
    site = Site(pair(policy="newest"))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.now += 60_000
    site.edit(RIGHT, right, phone="3")
    site.now += 60_000
    site.edit(LEFT, left, name="Bea", city="Oslo")
    await site.run()
    both = {site.fields(LEFT, left)["phone"], site.fields(RIGHT, right)["phone"]}
    return must("4", both != {"2"}, "the earlier edit won, since its record was edited again")


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
    site, left, right = await conflict()
    [hold] = site.holds()
    seen = Both.of(lambda side: site.sighting(side, left if side is LEFT else right))
    value = giving(PHONE, LEFT, ("7",), seen)  # type: ignore[arg-type]
    assert value is not None
    await site.release(hold, "value", value.to_json())
    site.edit(LEFT, left, phone="4")
    await site.run()
    return must(
        "choices", site.fields(LEFT, left)["phone"] == "4", "4 was overwritten by a value from before it"
    )


PHONE = next(each for each in PROPERTIES if each.name == "phone")


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


async def lost_before_a_death() -> list[str]:
    """The process dies for good after a write that overwrote an edit, before it has heard of its outcome."""
    site = Site(pair(policy="left"))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    site.connectors.right.next("update", dying())
    with suppress(Crash):
        await site.run()
    return lost(site, "3")


def dying() -> Fault:
    """The request is carried out, and the process dies before the answer comes."""

    async def fault(send: Send) -> Any:
        await send()
        raise Crash

    return fault


PROTECTIONS = (
    Protection(
        "two edits that agree are no conflict",
        "core/diff.py:agreed",
        "a person is asked about what both sides say alike",
        "4",
        put(decide, "diff", _agreement_is_conflict),
        story(same_edit_on_both_sides),
    ),
    Protection(
        "groups are decided as one",
        "core/decide.py:_units",
        "half of one address and half of another become one",
        "4",
        put(decide, "_units", _each_alone),
        story(halves_of_an_address),
    ),
    Protection(
        "the later edit wins only where that is provable",
        "core/policy.py:later",
        "an earlier edit wins, since its record was touched again",
        "4",
        put(policy, "later", _latest_wins),
        story(edits_between_two_readings),
    ),
    Protection(
        "clocks and their errors are allowed for",
        "runner/engine.py:clock",
        "an edit wins by a clock that is wrong",
        "4",
        put(Engine, "clock", _no_clock),
        story(edits_that_no_clock_orders),
    ),
    Protection(
        "what loses is noted before the write",
        "core/decide.py:_lose",
        "between a write and its outcome the overwritten value stands nowhere",
        "3",
        put(decide._Deciding, "_lose", _nothing_lost),
        story(lost_before_a_death),
    ),
    Protection(
        "a choice counts for what was seen",
        "core/decide.py:_chosen",
        "an edit made after a choice is overwritten by it",
        "choices",
        wrap(decide._Deciding, "_chosen", _whatever_was_seen),
        story(choice_from_before),
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
