"""Who waits is woken, and what has become news is looked at: nothing is left over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instep.core.dataflow import Dataflow
from instep.core.model import Both
from instep.errors import Refused
from instep.runner import look, observe, outcome, reading, recover, run, turn, work
from instep.store.transaction import SqliteTx
from tests.runner.site import (
    LEFT,
    PROPERTIES,
    RIGHT,
    STRICT,
    Site,
    another,
    company,
    pair,
    raising,
    with_persons,
)
from tests.simulation.faults import Faults

from .checks import must
from .notices import story, worlds
from .protection import Protection, both, put
from .shapes import PLAIN, shaped


async def reference_that_comes_later() -> list[str]:
    """A person's company is refused at first, and made after a word from somebody."""
    site = with_persons(required=True)
    acme = site.put(LEFT, "company", name="Acme")
    site.put(LEFT, "person", name="Ann", parent=acme)
    site.connectors.right.next("create", raising(Refused("no", why="closed today")))
    await site.run()
    await site.release(next(h for h in site.holds() if h.key.pair == "company"), "retry")
    await site.rest()
    waits = [hold.what for hold in site.holds() if hold.cause == "reference"]
    return must("holds", not waits, f"{waits}: it has come")


async def twin_that_goes() -> list[str]:
    """Two records look alike, until one of them gets another address."""
    site = Site()
    for name in ("Ann", "Ann B."):
        site.put(LEFT, name=name, mail="a@x.example")
    await site.run()
    first = site.holds()[0].key
    site.edit(LEFT, first.id, mail="other@x.example")
    await site.rest()
    return must(
        "holds", site.holds() == [], "a record waits since another one looks like it, which it does not"
    )


async def left_for_another_run() -> list[str]:
    """A run of an approved plan leaves a new edit alone; the next run takes it up."""
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    await site.run(approved=frozenset())
    await site.run()
    return must("1", site.fields(RIGHT, right)["phone"] == "2", "2 waits for ever")


async def field_that_is_mapped_later() -> list[str]:
    """A property is added to the dataflow, of which nothing was kept until then."""
    site = Site(replace(pair(), properties=tuple(p for p in PROPERTIES if p.name != "phone")))
    for side, name in ((LEFT, "name"), (RIGHT, "title")):
        site.put(side, **{name: "Ann", "mail": "a@x.example", "phone": "1" if side is LEFT else None})
    await site.rest()
    site.dataflow = Dataflow((pair(),))
    site.new_runner()
    await site.rest()
    [right] = site.systems.right.ids("company")
    return must("1", site.fields(RIGHT, right)["phone"] == "1", "1 is on the left alone")


async def pair_that_is_redefined() -> list[str]:
    """A pair that created nothing on the right comes to create there."""
    site = Site(pair(create=Both(True, False)))
    site.put(LEFT, name="Ann", mail="a@x.example")
    await site.rest()
    site.dataflow = Dataflow((pair(),))
    site.new_runner()
    await site.rest()
    return must("1", site.titles(RIGHT) == ["Ann"], "Ann waits until somebody edits her")


async def _look_at_nothing(engine: Any) -> None:
    return None


async def _refresh_nothing(engine: Any, side: Any, entity: str) -> None:
    return None


async def complete_readings_at_short_intervals() -> list[str]:
    """Complete readings come one after the other, and each is news of an edit that must be read a while later."""
    late = replace(STRICT, versions="none", read_lag_ms=8_000)
    site = Site(abilities=Both(late, STRICT))
    left, right = await site.linked_company()
    site.edit(LEFT, left, name="Bea")
    for _ in range(8):
        await site.run(3_000, full=True)
    return must("1", site.fields(RIGHT, right)["title"] == "Bea", "Bea is put off with each reading")


async def _never_pause(runner: Any, at_ms: int) -> bool:
    return False


async def record_of_two_pairs() -> list[str]:
    """One record on the left is kept in step with two on the right; one of these is edited."""
    entities = Both([company(LEFT)], [company(RIGHT), replace(company(RIGHT), name="branch")])
    branch = replace(pair("branch"), entity=Both("company", "branch"))
    site = Site(pair(), branch, entities=entities)
    await site.linked_company()
    await site.rest()
    [first], [second] = site.links(), site.links("branch")
    site.edit(RIGHT, second.ids.right, "branch", phone="2")
    await site.rest()
    shown = site.fields(RIGHT, first.ids.right)["phone"]
    return must(
        "1", shown == "2", f"the left record and one of its partners have 2, the other one has {shown}"
    )


def _for_one_pair(engine: Any, tx: Any, before: Any, after: Any, pair: str) -> None:
    tx.save_sightings([after])


BUSY = shaped(
    faults=Faults(refused=0.4, wrong=0.3),
    profiles=PLAIN,
    records=6,
    creates=10,
    runs=8,
)
"""Much is made, and much of it refused at first."""


async def another_under_the_id_of_a_partner_of_what_is_gone() -> list[str]:
    """A record and its partner are gone, which of the one can't be made sure of; the partner's id is another's now,
    and somebody enters that one on this side, too."""
    quiet = replace(STRICT, tombstones=False)
    site = Site(abilities=Both(quiet, replace(quiet, versions="none")))
    left, right = await site.linked_company()
    another(site, RIGHT, right, "Bob")
    site.systems.left.remove("company", left)
    site.put(LEFT, name="Bob", mail="Bob@x.example")
    for _ in range(3):
        await site.run(60_000, full=True)
    return must(
        "1", not site.todo(), f"{[todo.reason for todo in site.todo()]} after three complete readings"
    )


PROTECTIONS = (
    Protection(
        "who waits for a reference is woken",
        "runner/turn.py:waiting_for",
        "a record waits for ever for one that has come long ago",
        "holds",
        put(SqliteTx, "waiting_for", lambda tx, side, entity, id: []),
        story(reference_that_comes_later),
        {"holds": worlds(BUSY)},
    ),
    Protection(
        "in doubt about one of two, the other one is read",
        "runner/look.py:_partner_to_read",
        "a create waits for ever for a record that nobody reads",
        "1",
        put(look, "_partner_to_read", lambda engine, tx, *, step: None),
        story(another_under_the_id_of_a_partner_of_what_is_gone),
    ),
    Protection(
        "who looked like a record that changed is woken",
        "runner/observe.py:wake_alike",
        "a record waits for ever since it once looked like another",
        "holds",
        both(
            put(observe, "wake_alike", lambda tx, pair, values: None),
            put(turn, "wake_alike", lambda tx, pair, values: None),
        ),
        story(twin_that_goes),
    ),
    Protection(
        "what a run left aside is taken up",
        "runner/aside.py:take_up",
        "an edit that was not in an approved plan waits for ever",
        "1",
        both(put(run, "take_up", lambda tx, pairs: None), put(recover, "take_up", lambda tx, pairs: None)),
        story(left_for_another_run),
    ),
    Protection(
        "a reading is news to all pairs of its record",
        "runner/observe.py:take",
        "of two partners of one record, the one never hears of the other's edits",
        "1",
        both(put(observe, "take", _for_one_pair), put(outcome, "take", _for_one_pair)),
        story(record_of_two_pairs),
    ),
    Protection(
        "a field that was not kept before is read for all records",
        "runner/observe.py:refresh_paths",
        "a property that is added to a dataflow is kept in step for what is edited later alone",
        "1",
        put(reading, "refresh_paths", _refresh_nothing),
        story(field_that_is_mapped_later),
    ),
    Protection(
        "a pair that was redefined looks again",
        "runner/redefined.py:look_again",
        "records that a pair left alone wait until somebody edits them",
        "1",
        put(run, "look_again", _look_at_nothing),
        story(pair_that_is_redefined),
    ),
    Protection(
        "a run ends when what it heard of has been read",
        "runner/work.py:pause_until",
        "complete readings at short intervals put an edit off for ever",
        "1",
        put(work.Work, "pause_until", _never_pause),
        story(complete_readings_at_short_intervals),
    ),
)
