"""What a system does not take: asked once, told to a person, and no obstacle to anything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instep.core import decide
from instep.core.model import Both
from instep.core.state import Release
from instep.errors import Refused, RetryLater
from instep.runner import judge, outcome, run, send
from tests.runner.site import LEFT, RIGHT, STRICT, Site, after, company, raising, with_persons

from .checks import must
from .notices import story, worlds
from .protection import Protection, both, put, wrap
from .shapes import shaped


def _all_at_once(whole: Any) -> Any:
    """A refusal of several properties is about all of them."""

    def refused(engine: Any, tx: Any, intent: Any, error: Any) -> None:
        whole(engine, tx, intent, error)
        engine.apart.discard(intent.key)
        held = [outcome._refused_hold(engine, tx, intent, name, error) for name in intent.properties]
        engine.hold(tx, intent.key, held)

    return refused


def _wait_for_nobody(engine: Any, tx: Any, intent: Any) -> None:
    return None


def _whatever_was_chosen(engine: Any, tx: Any) -> None:
    for hold in tx.holds(cause="refused"):
        tx.save_release(Release(hold.key, hold.property, "retry", hold.digest))
        tx.mark([hold.key], reason="once more")


async def left_alone_after_a_refusal() -> list[str]:
    """A create is refused, and a person wants the record kept apart; then both sides are read completely."""
    site = Site()
    await site.run()
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", raising(Refused("no")))
    await site.run()
    [hold] = site.holds()
    await site.release(hold, "apart")
    await site.run(full=True)
    return must(
        "choices", not site.systems.right.ids("company"), "a partner was made for what was to have none"
    )


async def one_of_several_is_refused() -> list[str]:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="bad", name="Bea")
    carried_out = after(lambda: None)
    site.connectors.right.next("update", raising(Refused("no")), carried_out, raising(Refused("no")))
    await site.run()
    return must("2", site.fields(RIGHT, right)["title"] == "Bea", "Bea waits for another field's bad value")


async def refused_value() -> list[str]:
    """A value that the right side does not take, and another run an hour later."""
    site = Site()
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="bad")
    site.connectors.right.next("update", *(raising(Refused("no", field="phone")) for _ in range(100)))
    await site.run()
    await site.run(3_600_000)
    times = len(site.sent("update"))
    return must("9", times == 1, f"a value that was refused was sent {times} times")


def _refusals_are_forgotten(whole: Any) -> Any:
    def begin(deciding: Any, *given: Any) -> None:
        whole(deciding, *given)
        deciding.refused = {}

    return begin


async def refused_for_what_it_refers_to() -> list[str]:
    """A person is refused since the company has no phone number yet; that is about to be written."""
    site = with_persons()
    acme = site.put(LEFT, "company", name="Acme")
    await site.rest()
    site.put(LEFT, "person", name="Ann", parent=acme)
    site.edit(LEFT, acme, phone="2")
    site.connectors.right.next("update", raising(RetryLater("busy")))
    site.connectors.right.next("create", raising(Refused("no", why="its company has no phone")))
    await site.rest()
    return must(
        "1", site.titles(RIGHT, "person") == ["Ann"], "Ann waits for a person, and the phone is there"
    )


async def refused_create() -> list[str]:
    """A record that the right side does not take, and another run an hour later."""
    site = Site()
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", *(raising(Refused("no")) for _ in range(100)))
    await site.run()
    await site.run(3_600_000)
    times = len(site.sent("create"))
    return must("9", times == 1, f"a create that was refused was sent {times} times")


def _never_refused(whole: Any) -> Any:
    def decided(scene: Any, key: Any, seen: Any, contact: Any, holds: Any, releases: Any) -> Any:
        return whole(scene, key, seen, contact, [h for h in holds if h.cause != "refused"], releases)

    return decided


async def refused_and_taken_later() -> list[str]:
    """A record is refused since the other system is closed, and nothing about it changes."""
    site = Site()
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", raising(Refused("no", why="closed today")))
    await site.run()
    await site.run(full=True)
    return must("1", site.titles(RIGHT) == ["Ann"], "Ann was refused once, and is never tried again")


def _always_able(scene: Any, prop: Any, side: Any, operation: Any) -> None:
    return None


async def field_that_no_call_takes() -> list[str]:
    """The right side's API can't change a phone number."""
    made = Both.of(company)
    fields = tuple(replace(f, update=f.path != "phone") for f in made.right.fields)
    site = Site(entities=Both([made.left], [replace(made.right, fields=fields)]))
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    await site.run()
    return must("abilities", not site.sent("update"), "what the API can't do was asked of it")


def _not_read_again(engine: Any, tx: Any, intent: Any, request: str) -> None:
    outcome.not_applied(engine, tx, intent, "the record had moved", request)


async def record_that_has_moved() -> list[str]:
    """The right record changes just before a conditional write, and the write is refused."""
    conditional = replace(STRICT, conditional=True)
    site = Site(abilities=Both(conditional, conditional))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", after(lambda: site.edit(RIGHT, right, title="Bea")))
    await site.run()
    sent = sum(operation == "update" for operation, _, _ in site.connectors.right.log)
    return must("10", sent <= 2, f"one edit was sent {sent} times")


PROTECTIONS = (
    Protection(
        "one property at a time after a refusal",
        "runner/outcome.py:apart",
        "one bad value keeps all other edits of its record from being written",
        "2",
        wrap(outcome, "refused", _all_at_once),
        story(one_of_several_is_refused),
    ),
    Protection(
        "another try replaces no choice",
        "runner/recover.py:isdisjoint",
        "a record that a person wants left alone is made all the same after a complete reading",
        "choices",
        put(run, "retry_refused", _whatever_was_chosen),
        story(left_alone_after_a_refusal),
    ),
    Protection(
        "what was refused is remembered",
        "core/decide.py:refused",
        "a value that a system does not take is sent to it in every run",
        "9",
        wrap(decide._Deciding, "__init__", _refusals_are_forgotten),
        story(refused_value),
    ),
    Protection(
        "a refusal waits for what the record refers to",
        "runner/references.py:unsettled",
        "a person is asked about what mends itself a moment later",
        "1",
        put(send, "unsettled", _wait_for_nobody),
        story(refused_for_what_it_refers_to),
    ),
    Protection(
        "a create that was refused is remembered",
        "core/match.py:refused",
        "a record that a system does not take is sent to it in every run",
        "9",
        wrap(judge, "decide_new", _never_refused),
        story(refused_create),
    ),
    Protection(
        "what was refused is tried again with a complete reading",
        "runner/recover.py:retry_refused",
        "what was refused for a reason that has gone is never tried again",
        "1",
        put(run, "retry_refused", lambda engine, tx: None),
        story(refused_and_taken_later),
    ),
    Protection(
        "what an API can't do is known beforehand",
        "core/payload.py:unwritable",
        "requests are sent that can only fail",
        "abilities",
        both(put(decide, "unwritable", _always_able), put(decide, "by_hand", lambda entity, changed: None)),
        story(field_that_no_call_takes),
        {"abilities": worlds(shaped(read_only_field=LEFT))},
    ),
    Protection(
        "a record that has moved is read again",
        "runner/send.py:_moved",
        "a write that was refused, since its record had changed, is sent as it was again and again",
        "10",
        put(send, "_moved", _not_read_again),
        story(record_that_has_moved),
    ),
)
