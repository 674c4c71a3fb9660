"""The system's own log of changes: what it tells of writes without a condition is found, and believed for no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instep.core.model import Both
from instep.runner import overwritten, settle
from tests.runner.site import (
    LEFT,
    RIGHT,
    STRICT,
    Site,
    WholeGroups,
    after,
    before_answer,
    chained,
    unanswered,
)

from .checks import lost, must
from .notices import story
from .protection import Protection, put, wrap


def logging_site() -> Site:
    """The right system keeps a log, and takes no condition with an update."""
    return Site(abilities=Both(STRICT, replace(STRICT, log=True)))


async def edit_before_a_write_without_answer() -> list[str]:
    """A write without an answer is found made; it had replaced what somebody entered in between."""
    site = logging_site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    late = chained(after(lambda: site.edit(RIGHT, right, phone="3")), unanswered())
    site.connectors.right.next("update", late)
    await site.rest()
    return lost(site, "3")


async def edit_between_the_same_value_twice() -> list[str]:
    """Somebody enters what a write is to give, and then something else, which the write then replaces."""
    site = logging_site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")

    def same_and_another() -> None:
        site.edit(RIGHT, right, phone="2")
        site.edit(RIGHT, right, phone="3")

    site.connectors.right.next("update", chained(after(same_and_another), unanswered()))
    await site.rest()
    return lost(site, "3")


async def edit_of_a_field_that_is_written_along() -> list[str]:
    """A phone number is written with the name beside it, which somebody edits in between."""
    site = logging_site()
    system = site.systems.right
    entity = system.entities["company"]
    fields = [replace(f, group="all" if f.path in ("title", "phone") else f.group) for f in entity.fields]
    system.entities["company"] = replace(entity, fields=tuple(fields))
    site.connectors.right.inner = WholeGroups("right", system)
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", after(lambda: site.edit(RIGHT, right, title="Bea")))
    await site.rest()
    return lost(site, "Bea")


async def what_somebody_puts_back() -> list[str]:
    """A write without an answer is made, and somebody puts back what was there before it."""
    site = logging_site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    put_back = before_answer(lambda: site.edit(RIGHT, right, phone="1"))
    site.connectors.right.next("update", chained(unanswered(), put_back))
    await site.rest()
    return must("3", site.fields(RIGHT, right)["phone"] == "1", "what somebody had put back was overwritten")


def _answered_ones_alone(whole: Any) -> Any:
    def around(pair: Any, side: Any, span: Any, *rest: Any) -> Any:
        return [] if span.found else whole(pair, side, span, *rest)

    return around


def _first_alone(whole: Any) -> Any:
    return lambda *given: whole(*given)[:1]


async def _nothing_is_known(engine: Any, intent: Any, version: Any) -> None:
    return None


PROTECTIONS = (
    Protection(
        "a write that was found made may have replaced something, too",
        "core/overwritten.py:around",
        "what a write in doubt has replaced is gone, and nobody knows",
        "3",
        wrap(overwritten, "around", _answered_ones_alone),
        story(edit_before_a_write_without_answer),
    ),
    Protection(
        "each change that may be a write in doubt is reckoned with",
        "core/overwritten.py:around",
        "what somebody entered alike passes for the write, and what the write replaced is gone",
        "3",
        wrap(overwritten, "around", _first_alone),
        story(edit_between_the_same_value_twice),
    ),
    Protection(
        "fields that are written along with others",
        "core/overwritten.py:groups_of",
        "an edit of another line of an address is taken back, and nobody knows",
        "3",
        put(overwritten, "groups_of", lambda *_: frozenset()),
        story(edit_of_a_field_that_is_written_along),
    ),
    Protection(
        "the log tells that a write in doubt was made, and put back",
        "runner/overwritten.py:logged_as_applied",
        "what somebody has put back reads as if the write had never arrived, and is overwritten",
        "3",
        put(settle, "logged_as_applied", _nothing_is_known),
        story(what_somebody_puts_back),
    ),
)
