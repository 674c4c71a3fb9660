"""Creates without an answer: that what they made is found, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from instep.core.model import Abilities, Both
from instep.core.state import Hold
from instep.errors import Gone, InDoubt, Refused
from instep.runner import judge, outcome, send, settle
from instep.store.transaction import SqliteTx
from tests.runner.site import LEFT, RIGHT, STRICT, Site, answering, lost, pair, raising, unanswered

from .checks import must, retired, twice, unlike
from .doubt import at_once, shows_all
from .notices import story
from .protection import Protection, both, put, wrap

LATE_MS = STRICT.late_apply_ms
MARKER = replace(STRICT, marker="ref")
KEY = replace(STRICT, key_window_ms=1_800_000)
CHOSEN = replace(STRICT, chosen_id=True)


def right_with(abilities: Abilities, **settings: Any) -> Site:
    """A site whose right system offers these abilities."""
    return Site(pair(**settings), abilities=Both(STRICT, abilities))


def _without_lag(whole: Any) -> Any:
    return lambda engine, intent, abilities: whole(
        engine, intent, replace(abilities, list_lag_ms=0, read_lag_ms=0)
    )


def _nobody_is_asked(key: Any, name: str, cause: str, *rest: Any, **more: Any) -> Hold:
    return Hold(key, name, "asked", *rest, **more)


async def _nobody_is_ours(engine: Any, intent: Any, error: Refused) -> Any:
    return send.Sent(lambda tx: outcome.refused(engine, tx, intent, error))


async def _unanswered(abilities: Abilities, later_ms: int, **settings: Any) -> list[str]:
    """A create is carried out and not answered, and the next run comes so much later."""
    site = right_with(abilities, **settings)
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered())
    await site.run()
    await site.run(later_ms)
    await site.rest()
    return twice(site)


async def create_that_lands_late() -> list[str]:
    site = right_with(MARKER)
    site.put(LEFT, name="Ann", mail="a@x.example")
    late: list[Callable[[], Awaitable[Any]]] = []

    async def later(send: Callable[[], Awaitable[Any]]) -> Any:
        late.append(send)
        raise InDoubt("no answer")

    site.connectors.right.next("create", later)
    await site.run()
    await site.run(later_ms=2_000)
    await late[0]()
    await site.rest()
    return twice(site)


async def search_that_lags() -> list[str]:
    """Searches and lists show what was just made only after a while."""
    lag_ms = 120_000
    site = right_with(replace(MARKER, list_lag_ms=lag_ms))
    site.put(LEFT, name="Ann", mail="a@x.example")
    await site.run(later_ms=2 * lag_ms, act=False)
    made_ms = site.now

    async def lagging(send: Callable[[], Awaitable[Any]]) -> Any:
        return await send() if site.now >= made_ms + lag_ms else []

    site.connectors.right.next("create", unanswered())
    site.connectors.right.next("find", *(lagging for _ in range(100)))
    site.connectors.right.unlisted = {"1"}
    for _ in range(20):
        await site.run(later_ms=10_000)
    return twice(site)


async def search_in_a_system_that_shows_nothing() -> list[str]:
    """A create is carried out and not answered; then the system loses all that it held, for a while."""
    site = right_with(MARKER)
    site.put(RIGHT, title="Bea", mail="b@x.example")
    await site.rest()
    site.put(LEFT, name="Ann", mail="a@x.example")
    right = site.connectors.right
    right.next("create", unanswered())
    right.next("find", *(answering([]) for _ in range(4)))
    right.next("read", *(raising(Gone("no such company")) for _ in range(4)))
    await site.run()
    right.unlisted = set(site.systems.right.ids("company"))
    await site.run(2 * LATE_MS)
    for waiting in right.faults.values():
        waiting.clear()
    await site.rest()
    return twice(site)


async def landed_and_refused() -> list[str]:
    """A create is carried out and not answered, and refused when it is sent again: its id is not looked at first."""
    site = right_with(CHOSEN, match=(), id_template=Both("{id}", "{id}"))
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered(), raising(Refused("not now")))
    await site.rest()
    return twice(site) or must("8", len(site.links()) == 1, "the record that was made is not known again")


async def _refused_for_good(engine: Any, intent: Any, again: Any, abilities: Abilities) -> None:
    await engine.store.write(lambda tx: outcome.refused(engine, tx, again, Refused("not now")))


async def key_just_beyond_its_window() -> list[str]:
    """The process comes back a little after the server has forgotten the key."""
    return await _unanswered(KEY, KEY.key_window_ms + 60_000, match=())


async def nothing_tells() -> list[str]:
    return await _unanswered(STRICT, 3 * LATE_MS, match=())


async def record_that_may_be_ours() -> list[str]:
    """A create got no answer, and a record appears there that no reading tells whose it is."""
    site = right_with(STRICT, match=())
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered())
    for _ in range(4):
        await site.run()
    return twice(site)


async def record_that_is_being_made() -> list[str]:
    """A create got no answer; a listing then shows what it made, by the reference that it was given."""
    site = right_with(MARKER, match=())
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered())
    site.connectors.right.next("find", *(raising(InDoubt("no answer")) for _ in range(3)))
    for _ in range(4):
        await site.run()
    return twice(site)


async def stranger_that_looks_like_ours() -> list[str]:
    """A create gets lost where nothing tells what it made, and somebody enters a record with the same address."""
    site = right_with(STRICT)
    left = site.put(LEFT, name="Ann", mail="a@x.example", phone="1")
    site.connectors.right.next("create", lost())
    await site.run()
    site.put(RIGHT, title="Ann", mail="a@x.example", phone="9")
    await site.rest()
    kept = site.fields(LEFT, left)["phone"] == "1"
    return must("guesses", kept, "what somebody has entered was taken for what we had made, and edited since")


async def entered_meanwhile() -> list[str]:
    """A create did not arrive, and a person enters the same by hand before it is sent again."""
    site = right_with(CHOSEN)
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", lost(), lost(), lost())
    await site.run()
    site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.rest()
    return twice(site)


async def id_that_is_ours() -> list[str]:
    """A create is sent again, and its id is in use: by what the first one made."""
    site = right_with(CHOSEN, match=(), id_template=Both("{id}", "{id}"))
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered())
    await site.run()
    await site.rest()
    return must(
        "8", site.holds() == [] and len(site.links()) == 1, "the record that was made is not known again"
    )


async def id_that_a_replica_has_not_heard_of() -> list[str]:
    """A create is sent again, its id is in use, and the reading of that record comes from a replica that lags."""
    site = right_with(replace(CHOSEN, read_lag_ms=5_000), match=(), id_template=Both("{id}", "{id}"))
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered())
    site.connectors.right.next("read", raising(Gone("there is no such company yet")))
    await site.rest()
    return must(
        "8", site.holds() == [] and len(site.links()) == 1, "our own record counts as one that was deleted"
    )


async def _one_reading(engine: Any, side: Any, entity: str, id: str) -> Any:
    with suppress(Gone):
        return await engine.connectors[side].read(entity, id)
    return None


async def made_and_editedat_once() -> list[str]:
    """A create is carried out and not answered, and somebody edits what it made before we find it."""
    site = right_with(CHOSEN)
    left = site.put(LEFT, name="Ann", mail="a@x.example", phone="1")
    site.connectors.right.next("create", unanswered())
    await site.run()
    site.edit(RIGHT, f"l-{left}", phone="2")
    await site.rest()
    return unlike(site, phone="2")


def _as_if_answered(whole: Any) -> Any:
    return lambda engine, tx, intent, record, _: whole(engine, tx, intent, record, "done")


async def answer_to_a_repeated_key() -> list[str]:
    """A create is sent again with its key and answered as the first time; what it made is lost meanwhile."""
    site = right_with(replace(KEY, tombstones=False), on_delete="retire")
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered())
    await site.run()
    site.systems.right.remove("company", *site.systems.right.ids("company"))
    site.now += 5_000
    site.put(RIGHT, title="Bea", mail="b@x.example")
    for _ in range(3):
        await site.run(later_ms=30_000, full=True)
    return must("11", not retired(site, LEFT, left), "a record vouched for a delete that has come since")


PROTECTIONS = (
    Protection(
        "the wait until a create can't be applied any more",
        "runner/settle.py:horizon_ms",
        "a create that lands late is there twice",
        "7",
        put(settle, "horizon_ms", at_once),
        story(create_that_lands_late),
    ),
    Protection(
        "the wait until a search must find it",
        "runner/settle.py:list_lag_ms",
        "a search that trails behind says that nothing was made, and it is made again",
        "7",
        wrap(settle, "horizon_ms", _without_lag),
        story(search_that_lags),
    ),
    Protection(
        "an empty search counts only where known records are shown",
        "runner/absence.py:still_shows",
        "a system that shows nothing for a while gets once more what was made without an answer",
        "7",
        put(settle, "still_shows", shows_all),
        story(search_in_a_system_that_shows_nothing),
    ),
    Protection(
        "what a create has made may have been edited since",
        "runner/outcome.py:_created",
        "somebody's first edit of a new record is swallowed",
        "1",
        wrap(outcome, "_created", _as_if_answered),
        story(made_and_editedat_once),
    ),
    Protection(
        "an id in use may be one that a replica has not heard of",
        "runner/send.py:_holder",
        "a person is asked to replace an id that our own record has",
        "8",
        put(send, "_holder", _one_reading),
        story(id_that_a_replica_has_not_heard_of),
    ),
    Protection(
        "a repeated answer is no sign of life",
        "runner/outcome.py:_answered_ms",
        "a delete is believed by a record that has come after what was lost",
        "11",
        put(outcome, "_answered_ms", lambda engine, side, record: engine.now_ms()),
        story(answer_to_a_repeated_key),
    ),
    Protection(
        "the window of an idempotency key",
        "runner/settle.py:KEY_MARGIN",
        "a key that the server has forgotten makes a second record",
        "7",
        put(settle, "KEY_MARGIN", 1.3),
        story(key_just_beyond_its_window),
    ),
    Protection(
        "a create that nothing can tell is a person's",
        "runner/settle.py:doubt",
        "what was made without an answer is made again",
        "7",
        put(settle, "Hold", _nobody_is_asked),
        story(nothing_tells),
    ),
    Protection(
        "a record that may be ours is left aside",
        "runner/judge.py:_may_be_ours",
        "our own copy counts as somebody's new record, and is copied back",
        "7",
        put(judge, "_may_be_ours", lambda tx, scene, key: None),
        story(record_that_may_be_ours),
    ),
    Protection(
        "our own record holds what was sent",
        "runner/outcome.py:as_sent",
        "a record that looks like what we may have made is taken for it, and overwrites its source",
        "guesses",
        put(outcome, "as_sent", lambda engine, intent, record: True),
        story(stranger_that_looks_like_ours),
    ),
    Protection(
        "a record that an open create has made",
        "runner/judge.py:_intent_that_made",
        "our own copy counts as somebody's new record, and is copied back",
        "7",
        both(
            put(judge, "_intent_that_made", lambda tx, pair, scene, seen: None),
            put(SqliteTx, "intent_to", lambda tx, pair, side, id: None),
        ),
        story(record_that_is_being_made),
    ),
    Protection(
        "no create beside what a person has entered",
        "runner/judge.py:stands_beside",
        "a create in doubt is sent again, and makes what somebody has entered meanwhile",
        "7",
        put(settle, "stands_beside", lambda engine, tx, intent: False),
        story(entered_meanwhile),
    ),
    Protection(
        "a refusal says nothing of the request before it",
        "runner/settle.py:_wait_out",
        "what was made without an answer counts as refused, and its copy as somebody's new record",
        "7",
        put(settle, "_wait_out", _refused_for_good),
        story(landed_and_refused),
    ),
    Protection(
        "an id in use may be our own record's",
        "runner/send.py:taken",
        "after a create without an answer a person is asked about our own record",
        "8",
        both(put(send, "taken", _nobody_is_ours), put(settle, "taken", _nobody_is_ours)),
        story(id_that_is_ours),
    ),
)
