"""Conflicts: that no edit loses unasked, by a guess, or without a trace."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from instep.core import decide, policy
from instep.core import diff as differing
from instep.core.diff import Delta, diff
from instep.core.model import Both, Side
from instep.core.policy import Clock, EditTime
from instep.runner import observe
from instep.runner.engine import Engine
from tests.runner.site import LEFT, PROPERTIES, RIGHT, Fault, Send, Site, pair, prop
from tests.simulation.processes import Crash

from .checks import lost, must, unlike
from .notices import story, worlds
from .protection import Protection, put, wrap
from .shapes import shaped


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


def nothing_lost(deciding: Any, delta: Any, loser: Any, why: str) -> None:
    return None


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
        "groups",
        not mixed,
        "half of one side's address and half of the other's are an address that nobody has",
    )


def _grouped(each: Any) -> Any:
    return replace(each, group="moved") if each.name in ("phone", "city") else each


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


def _of_what_changed(whole: Any) -> Any:
    def edits(paths: Any, fields: Any, record: Any, before: Any) -> Any:
        known = () if before is None else before.edits
        found = whole(paths, fields, record, before).items()
        return {path: when for path, when in found if path in known or when[1] == record.updated_ms}

    return edits


async def earlier_edit_of_a_record_that_is_edited_again() -> list[str]:
    """First contact: a phone number is entered on the left, another one on the right, and then the left city."""
    site = Site(pair(policy="newest"))
    left = site.put(LEFT, name="Ann", mail="a@x.example", phone="1")
    await site.run(act=False)
    site.now += 60_000
    site.put(RIGHT, title="Ann", mail="a@x.example", phone="2")
    site.now += 60_000
    site.edit(LEFT, left, city="Oslo")
    await site.rest()
    return unlike(site, phone="2")


async def junk_in_a_group() -> list[str]:
    """Two fields that make sense only together are edited, one of them to something that can't be read."""
    since = prop("phone", "phone", "date", group="moved")
    others = (_grouped(each) for each in PROPERTIES if each.name != "phone")
    site = Site(replace(pair(), properties=(*others, since)))
    left, right = await site.linked_company(phone="2026-01-31")
    site.edit(LEFT, left, phone="soon", city="Oslo")
    await site.rest()
    return must(
        "groups", site.fields(RIGHT, right)["town"] == "Rome", "one of two fields moved without the other"
    )


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
        "groups",
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
        {"4": worlds(shaped(policy="newest", edits=40))},
    ),
    Protection(
        "what did not change is as old as it was",
        "runner/observe.py:_edits",
        "a conflict that the times decide is left to a person, since another field was edited since",
        "1",
        wrap(observe, "_edits", _of_what_changed),
        story(earlier_edit_of_a_record_that_is_edited_again),
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
        put(decide._Deciding, "_lose", nothing_lost),
        story(lost_before_a_death),
    ),
    Protection(
        "what can't be read keeps its group waiting",
        "core/diff.py:_readable",
        "of fields that make sense only together one moves, since the other can't be read",
        "groups",
        put(differing, "_readable", lambda found, source: found),
        story(junk_in_a_group),
    ),
)
