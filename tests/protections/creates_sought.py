"""Creates without an answer: how what they have made is looked for, and for what it is not taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instep.core.state import Hold, Key
from instep.errors import InDoubt, RetryLater
from instep.runner import judge, settle
from tests.runner.site import LEFT, RIGHT, STRICT, Send, answering, raising, unanswered

from .checks import must, twice
from .creates_in_doubt import LATE_MS, MARKER, right_with
from .notices import story
from .protection import Protection, put, within


async def _nothing(*given: Any) -> list[Any]:
    """In the place of `_seek`: nothing is found."""
    return []


async def found_at_the_second_search() -> list[str]:
    """A create is carried out and not answered; a search comes back empty, and the next one does not."""
    site = right_with(MARKER)
    bea = site.put(RIGHT, title="Bea", mail="b@x.example")
    await site.rest()
    site.put(LEFT, name="Ann", mail="a@x.example")
    right = site.connectors.right
    right.next("create", unanswered())
    right.next("find", *(answering([]) for _ in range(9)))
    await site.run()
    right.unlisted = set(site.systems.right.ids("company")) - {bea}
    right.faults["find"].clear()
    right.next("find", answering([]))
    await site.run(3 * LATE_MS)
    right.unlisted = set()
    await site.rest()
    return twice(site)


async def listed_and_deleted() -> list[str]:
    """A create is carried out and not answered, and its copy listed; it is deleted before it can be searched for,
    which no listing tells, and the original emptied."""
    site = right_with(replace(MARKER, tombstones=False))
    site.put(RIGHT, title="Bea", mail="b@x.example")
    await site.rest()
    left = site.put(LEFT, name="Ann", mail="a@x.example", phone="1")
    right = site.connectors.right
    right.next("create", unanswered())
    right.next("find", *(raising(RetryLater("busy")) for _ in range(9)))
    await site.run()
    await site.run(later_ms=1)
    right.faults.clear()
    site.systems.right.remove("company", site.systems.right.ids("company")[-1])
    site.edit(LEFT, left, phone=None)
    await site.rest()
    phone = site.fields(LEFT, left)["phone"]
    return must("11", phone is None, "what was emptied is filled again from a copy that is gone")


async def apart_and_alike() -> list[str]:
    """Somebody keeps a record apart; later it is given the values of one that is being created, unanswered."""
    site = right_with(STRICT)
    old, right = await site.linked_company()
    await site.release(Hold(Key("company", LEFT, old), "", "", ""), "apart")
    await site.rest()
    site.edit(LEFT, old, mail="old@x.example")
    await site.rest()
    left = site.put(LEFT, name="Zoe", mail="zoe@x.example")

    async def lost(send: Send) -> Any:
        site.edit(RIGHT, right, title="Zoe", mail="zoe@x.example", phone=None, town=None)
        raise InDoubt("no answer")

    site.connectors.right.next("create", lost)
    await site.rest()
    linked = [link.ids.left for link in site.links() if link.ids.right == right]
    return must(
        "choices", left not in linked, "a record that was to be left alone for good has got a partner"
    )


PROTECTIONS = (
    Protection(
        "a search that finds nothing is made once more",
        "runner/settle.py:_not_found",
        "what a search left out, since it was made a moment too early, is made again",
        "7",
        within(settle, "_not_found", put(settle, "_seek", _nothing)),
        story(found_at_the_second_search),
    ),
    Protection(
        "a copy that was listed was made",
        "runner/settle.py:known_copy",
        "a copy that was deleted before its create was settled is taken for a partner, with what it had held",
        "11",
        put(settle, "known_copy", lambda engine, tx, intent: None),
        story(listed_and_deleted),
    ),
    Protection(
        "what is kept apart is nobody's copy",
        "runner/judge.py:likely_copy",
        "a create without an answer takes a record that was to be left alone for what it has made",
        "choices",
        within(settle, "likely_copy", put(judge, "is_apart", lambda releases: False)),
        story(apart_and_alike),
    ),
)
