"""What is read: that it is in order, complete and recent enough to decide on, and compared with the right thing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from instep.core import decide
from instep.core.diff import Delta, diff
from instep.core.model import Both, Field, Side
from instep.core.state import Sighting
from instep.core.values import Absent, Raw, get_path
from instep.runner import observe, turn
from tests.runner.site import (
    LEFT,
    PROPERTIES,
    RIGHT,
    STRICT,
    Site,
    another,
    answering,
    company,
    pair,
    prop,
)
from tests.simulation.faults import Faults

from .checks import must, unlike
from .notices import search, story, worlds
from .protection import Protection, both, put
from .shapes import shaped


async def stale_reading() -> list[str]:
    """A hint names a record, and a replica that lags answers for it."""
    site = Site()
    left, _ = await site.linked_company()
    old = site.systems.left.record("company", left)
    site.edit(LEFT, left, phone="2")
    await site.rest()
    site.connectors.left.hints = True
    site.edit(LEFT, left, name="Bea")
    site.connectors.left.next("read", answering(old))
    await site.rest()
    back = [new for _, _, new in site.written(RIGHT) if new.get("phone") == "1"]
    return must("11", not back, "the 2 on the right was replaced by the 1 from before")


def _against_the_other_side(prop: Any, raw: Any, base: Any, lookup: Any) -> Delta:
    return diff(prop, raw, None, lookup)


def _only_what_counts(prop: Any, raw: Any, base: Any, lookup: Any) -> Delta:
    """A conflict only where both sides changed in what the transformation sees."""
    found = diff(prop, raw, base, lookup)
    if found.kind != "conflict" or base is None:
        return found
    canon = Both.of(lambda side: prop.transformation.canon(side, base[side], lookup))
    moved = [side for side in Side if found.canon[side] != canon[side]]
    return replace(found, kind="flow", to=moved[0].other) if len(moved) == 1 else found


async def edit_within_what_counts() -> list[str]:
    """A price has cents on the right alone; one of them is corrected while the left one gets another price."""
    price = prop("price", "price", "decimal(places=0)")
    made = Both.of(lambda s: company(s))
    entities = made.map(lambda e: [replace(e, fields=(*e.fields, Field("price", "decimal")))])
    site = Site(replace(pair(policy="hold"), properties=(*PROPERTIES, price)), entities=entities)
    left, right = await site.linked_company(price=Decimal(12))
    site.edit(RIGHT, right, price=Decimal("12.4"))
    await site.run()
    site.edit(LEFT, left, price=Decimal(15))
    site.edit(RIGHT, right, price=Decimal("12.3"))
    await site.run()
    return must("4", site.fields(RIGHT, right)["price"] == Decimal("12.3"), "12.3 was overwritten unasked")


def _both_ways(prop: Any, raw: Any, base: Any, lookup: Any) -> Delta:
    return replace(diff(replace(prop, flow="both"), raw, base, lookup), property=prop)


async def one_way_property() -> list[str]:
    phone = prop("phone", "phone", flow="to-right")
    site = Site(replace(pair(), properties=(*(p for p in PROPERTIES if p.name != "phone"), phone)))
    left, right = await site.linked_company()
    site.edit(RIGHT, right, phone="9")
    await site.rest()
    return must("5", site.fields(LEFT, left)["phone"] == "1", "9 flowed back")


def _emptiness_is_an_edit(prop: Any, raw: Any, base: Any, lookup: Any) -> Delta:
    found = diff(prop, raw, base, lookup)
    return replace(found, kind="conflict", to=None) if found.first and found.kind == "flow" else found


async def empty_field_at_first_contact() -> list[str]:
    site = Site(pair(policy="right"))
    site.put(LEFT, name="Ann", phone="1", mail="a@x.example")
    site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.rest()
    return unlike(site, phone="1")


def _absent_is_empty(part: Any, fields: Any) -> Raw:
    found = [get_path(fields, path) for path in (*part.fields, *part.context)]
    return tuple(None if isinstance(value, Absent) else value for value in found)


async def reading_without_a_field() -> list[str]:
    """A listing offers a record without one of its fields."""
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, name="Bea")
    whole = site.systems.left.record("company", left)
    fields = {path: value for path, value in whole.fields.items() if path != "phone"}
    site.connectors.left.stale[left] = replace(whole, fields=fields)
    await site.run()
    return must("11", site.fields(RIGHT, right)["phone"] == "1", "1 was emptied")


async def hint_before_the_record() -> list[str]:
    """A list names records by id and version alone, as a webhook does."""
    site = Site()
    left, right = await site.linked_company()
    site.connectors.left.hints = True
    site.edit(LEFT, left, phone="2")
    await site.run()
    return must("1", site.fields(RIGHT, right)["phone"] == "2", "2 never reached the right")


async def id_used_again() -> list[str]:
    """A record is deleted, and another one gets its id before anybody has looked."""
    silent = replace(STRICT, tombstones=False)
    site = Site(pair(policy="left"), abilities=Both(silent, silent))
    left, right = await site.linked_company()
    another(site, LEFT, left, "Bob")
    await site.rest()
    kept = site.fields(RIGHT, right)["title"] == "Ann"
    return must("1", kept, "Ann was overwritten with another one, who has her id")


REPLICAS = shaped(
    faults=Faults(stale=0.9, hints=1.0, read_lag_ms=60_000),
    profiles=Both("chosen id", "key"),
    edits=30,
    runs=8,
)

PROTECTIONS = (
    Protection(
        "order of readings",
        "runner/observe.py:_newer",
        "a replica that lags brings back what was replaced",
        "11",
        put(observe, "_newer", lambda before, record: True),
        story(stale_reading),
        {"1": worlds(REPLICAS)},
    ),
    Protection(
        "waiting where readings can't be ordered",
        "runner/observe.py:unsettled_ms",
        "an edit that was listed is hidden by a replica that lags",
        "1",
        both(
            put(observe, "unsettled_ms", lambda engine, seen: 0),
            put(turn, "unsettled_ms", lambda engine, seen: 0),
        ),
        search("times", 1, 1, 1, 0),
    ),
    Protection(
        "changes are marked with the cursor",
        "runner/observe.py:mark",
        "an edit that was listed is never looked at",
        "1",
        put(observe, "mark", lambda *given, **more: None),
        search("conditional", 1, 0, 0, 0),
    ),
    Protection(
        "a hint is read before it is decided on",
        "core/state.py:unread",
        "what a webhook or a thin list told of is decided from what was known before",
        "1",
        put(Sighting, "unread", property(lambda self: False)),
        story(hint_before_the_record),
    ),
    Protection(
        "a field that was not offered is not empty",
        "core/diff.py:raw_of",
        "a partial reading empties the other side",
        "11",
        put(decide, "raw_of", _absent_is_empty),
        story(reading_without_a_field),
    ),
    Protection(
        "a base per side",
        "core/diff.py:diff",
        "an edit is taken for a conflict, and the configured side wins over the newer value",
        "3",
        put(decide, "diff", _against_the_other_side),
        search("conditional", 0, 1, 0, 0),
        {"11": worlds(shaped(policy="left", edits=40))},
    ),
    Protection(
        "an edit that changes nothing that counts is an edit",
        "core/diff.py:touched",
        "cents that were corrected on one side are overwritten by a price of the other",
        "4",
        put(decide, "diff", _only_what_counts),
        story(edit_within_what_counts),
    ),
    Protection(
        "one-way properties",
        "core/diff.py:diff",
        "an edit at the target flows back to the source",
        "5",
        put(decide, "diff", _both_ways),
        story(one_way_property),
        {"5": worlds(shaped(flow="to-right", edits=40))},
    ),
    Protection(
        "emptiness at first contact is no edit",
        "core/diff.py:diff",
        "what one side never filled in empties the other",
        "1",
        put(decide, "diff", _emptiness_is_an_edit),
        story(empty_field_at_first_contact),
    ),
    Protection(
        "an id that stands for another record",
        "runner/reused.py:hold_reused",
        "a record is overwritten with a stranger that got its partner's id",
        "1",
        put(observe, "hold_reused", lambda *given: None),
        story(id_used_again),
    ),
)
