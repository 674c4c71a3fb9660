"""Writes: that they are known of before they are sent, and made definite whatever became of their answers."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw

from instep.core.model import Both
from instep.errors import Gone
from instep.runner import look, outcome, run, send, settle, turn
from instep.runner.absence import still_shows
from instep.store.group_commit import Group
from instep.store.sqlite import open_store
from tests.runner.site import LEFT, RIGHT, STRICT, Site, after, chained, company, pair, raising, unanswered
from tests.simulation.faults import Faults

from .checks import must
from .notices import search, story, worlds
from .protection import Protection, put, wrap
from .shapes import PLAIN, shaped

SILENT = replace(STRICT, tombstones=False)


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


def _reading_does_not_count(engine: Any, tx: Any, intent: Any, record: Any, **more: Any) -> None:
    outcome.not_applied(engine, tx, intent, "read")


def at_once(engine: Any, intent: Any, abilities: Any) -> int:
    return int(intent.sent_ms)


async def shows_all(*given: Any) -> bool:
    """In the place of `still_shows`: nothing is ever hidden."""
    return True


def _answered_before_the_commit(group: Group, jobs: Any) -> None:
    """Every job is answered at once; what they did is committed with the next group that comes."""
    if group._connection.in_transaction:
        group._connection.execute("commit")
    group._connection.execute("begin immediate")
    for job in jobs:
        group._run(job)


def _with_the_token_of_now(whole: Any) -> Any:
    async def resend(engine: Any, intent: Any, seen: Any, abilities: Any) -> Any:
        entity = outcome.pair_of(engine, intent).entity[intent.side]
        if seen is not None:
            record = await engine.connectors[intent.side].read(entity, intent.record_id)
            seen = replace(seen, token=record.token)
        return await whole(engine, intent, seen, abilities)

    return resend


def _what_was_replaced_is_unknown(whole: Any) -> Any:
    """In the smallest world, which has one field: where another value than ours is there, nothing moves."""

    def adopt(engine: Any, tx: Any, intent: Any, record: Any, **more: Any) -> None:
        before = tx.link(intent.link_id) if intent.link_id else None
        whole(engine, tx, intent, record, **more)
        link = tx.link(intent.link_id) if intent.link_id else None
        if before is None or link is None:
            return
        kept = {
            name: base
            for name, base in before.base.items()
            if name in intent.properties and link.base[name] != base
            if str(record.fields.get("value")).strip() != str(intent.payload.get("value")).strip()
        }
        tx.save_link(replace(link, base={**link.base, **kept}))

    return adopt


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


async def retirement_that_landed() -> list[str]:
    """A delete is carried out and not answered, in a system that takes records out of use by deleting them."""
    plain = Both.of(lambda side: [replace(company(side, SILENT), retired=None)])
    site = Site(pair(on_delete="retire"), entities=plain)
    site.put(LEFT, name="Other", mail="o@x.example")
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)
    site.put(LEFT, name="More", mail="m@x.example")
    site.connectors.right.next("retire", unanswered())
    for _ in range(4):
        await site.run(60_000, full=True)
    made = right not in site.systems.right.ids("company")
    told = [entry.outcome for entry in site.journal("retire") if entry.side is RIGHT]
    return must("13", made and "found done" in told, f"a record was deleted, and the journal says {told}")


async def update_in_a_system_that_shows_nothing() -> list[str]:
    """An update is carried out and not answered; then the system shows nothing of what it holds, for a while."""
    site = Site(pair(policy="right"), abilities=Both(STRICT, SILENT))
    site.put(LEFT, name="Other", mail="o@x.example")
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    right = site.connectors.right

    def hide() -> None:
        right.next("read", *(raising(Gone("no such company")) for _ in range(9)))
        right.unlisted = set(site.systems.right.ids("company"))

    right.next("update", chained(unanswered(), after(hide)))
    await site.run()
    site.edit(LEFT, left, phone="3")
    await site.run(2 * STRICT.late_apply_ms)
    for waiting in right.faults.values():
        waiting.clear()
    right.unlisted = set()
    await site.rest()
    kept = site.fields(LEFT, left)["phone"] == "3"
    return must("1", kept, "our own write, which had no answer, overwrote the edit that came after it")


async def _gone_once(engine: Any, intent: Any) -> None:
    """In the place of `_gone`: the readings before it are enough."""
    side, entity = intent.side, outcome.pair_of(engine, intent).entity[intent.side]
    await still_shows(engine, side, entity, intent.record_id, engine.now_ms(), "it can't be read")
    await engine.store.write(lambda tx: outcome.found_gone(engine, tx, intent))


async def update_of_a_record_that_is_hidden_for_a_moment() -> list[str]:
    """An update is carried out and not answered; then its record alone can't be read, and can be a moment later."""
    site = Site(pair(policy="right"), abilities=Both(STRICT, SILENT))
    site.put(LEFT, name="Other", mail="o@x.example")
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    right = site.connectors.right
    right.next("update", unanswered())
    right.next("read", after(lambda: None), raising(Gone("no such company")))
    await site.run()
    right.faults["read"].clear()
    right.next("read", raising(Gone("no such company")))
    site.edit(LEFT, left, phone="3")
    await site.run(3 * STRICT.late_apply_ms)
    await site.rest()
    kept = site.fields(LEFT, left)["phone"] == "3"
    return must("1", kept, "our own write, which had no answer, overwrote the edit that came after it")


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
        {"7": worlds(shaped(faults=Faults(unanswered=0.6, late=0.2), profiles=PLAIN, edits=30))},
    ),
    Protection(
        "intents outlive the process",
        "runner/recover.py:recover",
        "after a crash our own write counts as a person's edit",
        "3",
        put(run, "recover", _forget_intents),
        search("none", 1, 1, 0, 1),
    ),
    Protection(
        "the wait until an update can't be applied any more",
        "runner/settle.py:horizon_ms",
        "a late write overwrites what came after it",
        "1",
        put(settle, "horizon_ms", at_once),
        search("none", 1, 1, 1, 0),
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
        "what stands in the place of a write in doubt was put there by somebody",
        "runner/outcome.py:adopt",
        "an edit of somebody who may have seen our value loses against it",
        "3",
        wrap(outcome, "adopt", _what_was_replaced_is_unknown),
        search("none", 1, 1, 1, 0),
    ),
    Protection(
        "the record of a write in doubt is gone only where known records are shown",
        "runner/settle.py:_gone",
        "our own write counts as a person's edit, since a system showed nothing for a while",
        "1",
        put(settle, "still_shows", shows_all),
        story(update_in_a_system_that_shows_nothing),
    ),
    Protection(
        "the record of a write in doubt is read once more before it is gone",
        "runner/settle.py:_gone",
        "our own write counts as a person's edit, since its record could not be read for a moment",
        "1",
        put(settle, "_gone", _gone_once),
        story(update_of_a_record_that_is_hidden_for_a_moment),
    ),
    Protection(
        "a retirement that landed counts as made",
        "runner/outcome.py:found_gone",
        "the journal says of a record that we took out of use that we did not",
        "13",
        put(outcome, "found_gone", outcome.forget),
        story(retirement_that_landed),
    ),
    Protection(
        "a conditional write is sent again as it was",
        "runner/settle.py:seen_token",
        "a write in doubt is sent again over what somebody has entered since",
        "3",
        wrap(settle, "_resend", _with_the_token_of_now),
        search("conditional", 1, 1, 1, 0),
    ),
)
