"""The look before a write, and the answer to it: nobody's edit is overwritten unseen, or swallowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instep.core.diff import raw_of
from instep.core.model import Both
from instep.errors import RetryLater
from instep.runner import observe, outcome, overwritten, run, turn
from tests.runner.site import LEFT, RIGHT, STRICT, Send, Site, after, pair, raising
from tests.simulation.plan import Plan

from .checks import lost, must, unlike
from .notices import search, story, worlds
from .protection import Protection, put, wrap
from .shapes import shaped


def _whole_answer(engine: Any, tx: Any, intent: Any, record: Any) -> None:
    """Every property of an answer counts as agreed on."""
    written(engine, tx, intent, record)
    link = tx.link(intent.link_id)
    other = intent.side.other
    pair = outcome.pair_of(engine, intent)
    seen = tx.sighting(other, pair.entity[other], link.ids[other])
    base = {}
    for each in pair.properties:
        here = raw_of(each.parts[intent.side], record.fields)
        there = raw_of(each.parts[other], seen.fields)
        base[each.name] = Both(here, there) if intent.side is LEFT else Both(there, here)
    tx.save_link(replace(link, base=base))


written = outcome._written


async def edit_of_another_property_in_the_answer() -> list[str]:
    """While a phone number is written, somebody gives the record another name; the answer tells both."""
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")

    async def renamed(send: Any) -> Any:
        site.edit(RIGHT, right, title="Bea")
        return await send()

    site.connectors.right.next("update", renamed)
    await site.rest()
    await site.run(full=True)
    return must("2", site.fields(LEFT, left)["name"] == "Bea", "Bea is on the right alone")


async def answer_that_is_older_than_a_hint() -> list[str]:
    """While an answer is on its way, a listing brings what somebody has edited since."""
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")

    async def overtaken(send: Any) -> Any:
        answer = await send()
        site.edit(RIGHT, right, title="Bea")
        row = site.systems.right.record("company", right)
        await site.store.write(
            lambda tx: observe.take_records(site.runner.engine, tx, RIGHT, "company", [row])
        )
        return answer

    site.connectors.right.next("update", overtaken)
    await site.run()
    return must("11", site.fields(LEFT, left)["name"] == "Bea", "Bea was replaced by the answer from before")


def _believing(whole: Any) -> Any:
    def see(engine: Any, tx: Any, intent: Any, record: Any) -> Any:
        entity = outcome.pair_of(engine, intent).entity[intent.side]
        before = tx.sighting(intent.side, entity, record.id)
        if before is not None:
            tx.save_sightings([replace(before, version=None)])
        return whole(engine, tx, intent, record)

    return see


def _without_token(whole: Any) -> Any:
    return lambda seen: replace(whole(seen), token=None)


def _answer_does_not_count(engine: Any, tx: Any, intent: Any, record: Any) -> None:
    tx.close_intent(intent.id)


def _hopeful(whole: Any) -> Any:
    def not_applied(engine: Any, tx: Any, intent: Any, *why: Any) -> None:
        link = tx.link(intent.link_id) if intent.link_id else None
        if link is not None:
            left = intent.side is LEFT
            moved = {
                name: Both(meant, source) if left else Both(source, meant)
                for name, (source, _, meant) in intent.properties.items()
            }
            tx.save_link(replace(link, base={**link.base, **moved}))
        whole(engine, tx, intent, *why)

    return not_applied


async def refused_for_now() -> list[str]:
    site = Site()
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", raising(RetryLater("too many requests")))
    await site.rest()
    return unlike(site, phone="2")


async def look_of_long_ago() -> list[str]:
    """Two writes of one record follow each other; the first answer takes ten minutes, and somebody edits."""
    site = Site(pair(policy="hold"))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2", city="Oslo")

    async def slow(send: Send) -> Any:
        answer = await send()
        site.now += 600_000
        for path in ("phone", "town"):
            if site.fields(RIGHT, right)[path] in ("1", "Rome"):
                site.edit(RIGHT, right, **{path: "9"})
        return answer

    site.connectors.right.next("update", slow)
    await site.rest()
    return lost(site, "9")


async def edit_in_the_window() -> list[str]:
    """Somebody edits the very same field between our reading and our write; the system keeps a log of changes."""
    logged = replace(STRICT, log=True)
    site = Site(abilities=Both(STRICT, logged))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", after(lambda: site.edit(RIGHT, right, phone="3")))
    await site.rest()
    return lost(site, "3")


async def _never_look_back(engine: Any, troubles: Any, stopping: Any) -> None:
    return None


async def log_that_lags() -> list[str]:
    """The log shows what has changed only after a while."""
    lag_ms = 60_000
    site = Site(abilities=Both(replace(STRICT, log=True, list_lag_ms=lag_ms), STRICT))
    left, right = await site.linked_company()
    site.connectors.left.unlogged = {left}
    site.edit(RIGHT, right, phone="2")
    site.connectors.left.next("update", after(lambda: site.edit(LEFT, left, phone="3")))
    await site.run()
    site.connectors.left.unlogged = set()
    await site.run(2 * lag_ms)
    return lost(site, "3")


def _asked_once(whole: Any) -> Any:
    def due(engine: Any, tx: Any, *, side: Any) -> Any:
        return {entity: note for entity, note in whole(engine, tx, side=side).items() if not note.asked_ms}

    return due


PROTECTIONS = (
    Protection(
        "the target is read again before it is written",
        "runner/turn.py:_is_fresh",
        "an edit that was made since the listing is overwritten",
        "3",
        put(turn, "_is_fresh", lambda engine, target, read: True),
        search("chosen id", 1, 1, 0, 0),
    ),
    Protection(
        "the token of a conditional write",
        "runner/turn.py:as_record",
        "an edit made just before our write is overwritten",
        "3",
        wrap(turn, "as_record", _without_token),
        search("conditional", 1, 1, 0, 0),
    ),
    Protection(
        "the base moves for the written properties alone",
        "runner/outcome.py:_written",
        "somebody's edit of another property is swallowed with the answer to our write",
        "2",
        put(outcome, "_written", _whole_answer),
        story(edit_of_another_property_in_the_answer),
        {"1": worlds(shaped(policy="hold", edits=40))},
    ),
    Protection(
        "an answer that is older than what is known",
        "runner/outcome.py:see",
        "what was listed meanwhile is replaced by the answer from before",
        "11",
        wrap(outcome, "see", _believing),
        story(answer_that_is_older_than_a_hint),
    ),
    Protection(
        "the answer to a write moves the base",
        "runner/outcome.py:_written",
        "our own write comes back as an edit of the other side",
        "3",
        put(outcome, "_written", _answer_does_not_count),
        search("conditional", 1, 1, 0, 0),
        {"10": worlds(Plan.calm)},
    ),
    Protection(
        "the base moves only with what was applied",
        "runner/outcome.py:not_applied",
        "the two sides count as agreed, and never agree",
        "1",
        wrap(outcome, "not_applied", _hopeful),
        story(refused_for_now),
    ),
    Protection(
        "a look counts for a moment",
        "runner/turn.py:FRESH_MS",
        "what was seen ten minutes ago is taken for what is there, and an edit since is overwritten",
        "3",
        put(turn, "FRESH_MS", 10**12),
        story(look_of_long_ago),
    ),
    Protection(
        "the system's log is asked what a write has replaced",
        "runner/overwritten.py:look_back",
        "an edit that came between our reading and our write is gone, and nobody knows",
        "3",
        put(run, "look_back", _never_look_back),
        story(edit_in_the_window),
        {"3": worlds(Plan.hasty)},
    ),
    Protection(
        "a log is asked again when it can't trail behind any more",
        "runner/overwritten.py:_due",
        "an edit that was overwritten is logged a moment too late to be found",
        "3",
        wrap(overwritten, "_due", _asked_once),
        story(log_that_lags),
    ),
)
