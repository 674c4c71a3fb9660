"""Writes: that they are known of before they are sent, and made definite whatever became of their answers."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw

from instep.core.model import Abilities, Both
from instep.core.state import Hold
from instep.errors import InDoubt, Refused
from instep.runner import judge, look, outcome, run, send, settle, turn
from instep.store.group_commit import Group
from instep.store.sqlite import open_store
from instep.store.transaction import SqliteTx
from tests.runner.site import LEFT, RIGHT, STRICT, Site, after, lost, pair, raising, unanswered

from .checks import must, twice
from .notices import search, story
from .protection import Protection, both, put, wrap

LATE_MS = STRICT.late_apply_ms
MARKER = replace(STRICT, marker="ref")
KEY = replace(STRICT, key_window_ms=1_800_000)
CHOSEN = replace(STRICT, chosen_id=True)


def right_with(abilities: Abilities, **settings: Any) -> Site:
    """A site whose right system offers these abilities."""
    return Site(pair(**settings), abilities=Both(STRICT, abilities))


# --- The switches


def _forgetful(whole: Any) -> Any:
    async def sent(engine: Any, intent: Any, seen: Any) -> Any:
        found = await whole(engine, intent, seen)
        if not found.doubt:
            return found
        return send.Sent(lambda tx: outcome.not_applied(engine, tx, intent, "no answer"))

    return sent


def _unsaved(whole: Any) -> Any:
    def prepare(engine: Any, tx: Any, *given: Any) -> Any:
        step = whole(engine, tx, *given)
        if step.send is not None:
            tx.close_intent(step.send.id)
        return step

    return prepare


def _forget_intents(engine: Any, tx: Any) -> None:
    for intent in tx.intents():
        tx.close_intent(intent.id)


def _reading_does_not_count(engine: Any, tx: Any, intent: Any, record: Any) -> None:
    outcome.not_applied(engine, tx, intent, "read")


def _at_once(engine: Any, intent: Any, abilities: Any) -> int:
    return int(intent.sent_ms)


def _without_lag(whole: Any) -> Any:
    return lambda engine, intent, abilities: whole(
        engine, intent, replace(abilities, list_lag_ms=0, read_lag_ms=0)
    )


def _nobody_is_asked(key: Any, name: str, cause: str, *rest: Any, **more: Any) -> Hold:
    return Hold(key, name, "asked", *rest, **more)


async def _nobody_is_ours(engine: Any, intent: Any, error: Refused) -> Any:
    return send.Sent(lambda tx: outcome.refused(engine, tx, intent, error))


def _answered_before_the_commit(group: Group, jobs: Any) -> None:
    """Every job is answered at once; what they did is committed with the next group that comes."""
    if group._connection.in_transaction:
        group._connection.execute("commit")
    group._connection.execute("begin immediate")
    for job in jobs:
        group._run(job)


# --- The stories


async def intent_on_disk() -> list[str]:
    """When a request arrives, another program looks into the store's file."""
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "instep.sqlite")
        site = Site(store=open_store(path, threaded=False))
        site.put(LEFT, name="Ann", mail="a@x.example")
        found: list[int] = []

        def count() -> None:
            reader = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
            found.append(reader.execute("select count(*) from intents").get)
            reader.close()

        site.connectors.right.next("create", after(count))
        try:
            await site.run()
        finally:
            await site.store.close()
        return must("8", found == [1], "a create was on its way, and nothing on the disk said so")


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


async def key_beyond_its_window() -> list[str]:
    """The process comes back when the server has forgotten the key."""
    return await _unanswered(KEY, 4 * KEY.key_window_ms, match=())


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


PROTECTIONS = (
    Protection(
        "an intent before each request",
        "runner/turn.py:save_intent",
        "a write that nobody remembers is taken for a person's edit",
        "1",
        wrap(turn, "_prepare", _unsaved),
        search("none", 1, 1, 1, 0),
    ),
    Protection(
        "the intent is on the disk",
        "store/group_commit.py:commit",
        "a process that dies leaves requests behind that it did not write down",
        "8",
        put(Group, "_commit", _answered_before_the_commit),
        story(intent_on_disk),
    ),
    Protection(
        "definite outcomes",
        "runner/send.py:InDoubt",
        "a write that had no answer counts as not made, and is taken for a person's edit",
        "1",
        wrap(look, "send", _forgetful),
        search("none", 1, 1, 1, 0),
    ),
    Protection(
        "intents outlive the process",
        "runner/run.py:_recover",
        "after a crash our own write counts as a person's edit",
        "3",
        put(run, "_recover", _forget_intents),
        search("none", 1, 1, 0, 1),
    ),
    Protection(
        "the wait until an update can't be applied any more",
        "runner/settle.py:horizon_ms",
        "a late write overwrites what came after it",
        "1",
        put(settle, "horizon_ms", _at_once),
        search("none", 1, 1, 1, 0),
    ),
    Protection(
        "the wait until a create can't be applied any more",
        "runner/settle.py:horizon_ms",
        "a create that lands late is there twice",
        "7",
        put(settle, "horizon_ms", _at_once),
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
        "a write in doubt is found out by reading",
        "runner/outcome.py:adopt",
        "our own write, found made, counts as a person's edit",
        "3",
        put(outcome, "adopt", _reading_does_not_count),
        search("none", 1, 1, 1, 0),
    ),
    Protection(
        "the window of an idempotency key",
        "runner/settle.py:KEY_MARGIN",
        "a key that the server has forgotten makes a second record",
        "7",
        put(settle, "KEY_MARGIN", 1_000),
        story(key_beyond_its_window),
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
        "an id in use may be our own record's",
        "runner/send.py:taken",
        "after a create without an answer a person is asked about our own record",
        "8",
        both(put(send, "taken", _nobody_is_ours), put(settle, "taken", _nobody_is_ours)),
        story(id_that_is_ours),
    ),
)
