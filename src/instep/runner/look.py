"""Look at one key until there is nothing left to do, or nothing that can be done now.

Level-triggered: what was marked is only a reason to look; what to do is decided from what is known, again
after every reading and every write. One look is at a record at a time, and one write of it on its way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from instep.core.gone import gone_digest
from instep.core.model import Side
from instep.core.state import Hold, Key, Todo
from instep.core.verdict import Write
from instep.errors import Gone, InDoubt, LeaseLost, OutcomeError, RetryLater, Stop, StoreError
from instep.runner.absence import confirm_gone
from instep.runner.engine import Engine
from instep.runner.observe import read_record
from instep.runner.reused import REUSED
from instep.runner.send import send
from instep.runner.settle import settle
from instep.runner.turn import Freshness, Permit, Step, turn
from instep.store.contract import Tx

MOST_TURNS = 40
"""More steps than any record needs; reaching it means that the two systems and we do not come to rest."""

End = Literal["done", "waiting", "failed", "skipped"]


@dataclass(slots=True)
class Look:
    """What came of looking at one key: how it ended, and what was written on the way."""

    end: End = "done"
    writes: list[tuple[str, Side]] = field(default_factory=list)
    held: int = 0
    skipped: Write | None = None
    why: str = ""


async def look(engine: Engine, todo: Todo, permit: Permit) -> Look:
    """Deal with one todo. Raises Stop, StoreError (nothing is lost: the todo stays) and bugs; any other
    trouble of a system postpones it."""
    key, result = todo.key, Look()
    with engine.spans("look", run=engine.run, pair=key.pair, side=key.side.value, record=key.id) as told:
        await _look_once(engine, todo, permit, result)
        told(end=result.end, held=result.held, writes=[f"{what} {side}" for what, side in result.writes])
    return result


async def _look_once(engine: Engine, todo: Todo, permit: Permit, result: Look) -> None:
    mine: set[Key] = set()
    if not engine.claims.take({todo.key}, mine):
        await _postpone(engine, todo, 50, todo.attempts, todo.reason)
        result.end = "waiting"
        return
    try:
        await _look(engine, todo, permit, mine, result)
    except (Stop, StoreError, LeaseLost):
        raise
    except RetryLater as error:
        await _fail(engine, todo, error, result, error.after_ms)
    except OutcomeError as error:
        await _fail(engine, todo, error, result, None)
    finally:
        engine.claims.give_back(mine)


async def _look(engine: Engine, todo: Todo, permit: Permit, mine: set[Key], result: Look) -> None:
    fresh: Freshness = {}
    step = await _turn(engine, todo, todo.key, permit, fresh, mine)
    for _ in range(MOST_TURNS):
        if step.settle is not None:
            due_ms = await settle(engine, step.settle)
            if due_ms is not None:
                result.end, result.why = "waiting", "a write is in doubt"
                await _postpone(engine, todo, due_ms - engine.now_ms(), todo.attempts, result.why)
                return
            step = await _turn(engine, todo, step.key, permit, fresh, mine)
        elif step.read is not None:
            read = await _read(engine, step, fresh)
            unsure = step if read == "unsure" else None
            if unsure is not None and (
                other := engine.store.read(partial(_partner_to_read, engine, step=step))
            ):
                read = await _read(engine, other, fresh)
            if read == "stale":
                raise RetryLater("a reading was older than what is known", why="a replica lags")
            if unsure is not None:
                await engine.store.write(partial(_hold_unsure, engine, todo=todo, step=unsure))
                return
            step = await _turn(engine, todo, step.key, permit, fresh, mine)
        elif step.send is not None:
            step = await _send(engine, todo, step, permit, fresh, mine, result)
        else:
            await _end(engine, todo, step, result)
            return
    raise InDoubt(f"{todo.key.id} does not come to rest", why=f"{MOST_TURNS} steps were not enough")


async def _turn(
    engine: Engine, todo: Todo, key: Key, permit: Permit, fresh: Freshness, mine: set[Key]
) -> Step:
    with engine.spans("turn", pair=key.pair):
        return await engine.store.write(lambda tx: turn(engine, tx, todo, key, permit, fresh, mine))


async def _read(engine: Engine, step: Step, fresh: Freshness) -> Literal["read", "stale", "unsure"]:
    """Read one side of the key; "unsure" if it seems to be gone and nothing else can be read to be sure."""
    if step.read is None:
        raise AssertionError("a step to read has something to read")
    side, id = step.read
    pair = engine.dataflow.pair(step.key.pair)
    if pair is None:
        raise LookupError(step.key.pair)
    entity, asked_ms = pair.entity[side], engine.now_ms()
    try:
        seen = await read_record(engine, side, entity, id, pair.name)
    except Gone:
        releases = engine.store.read(lambda tx: tx.releases_of(step.key))
        believed = any(r.property == "" and r.choice == "retire" for r in releases)
        sure = await confirm_gone(engine, side, entity, id, believed=believed)
        return "read" if sure else "unsure"
    if seen is not None:
        fresh[side] = (seen.version, seen.digest, asked_ms)
    return "stale" if seen is None else "read"


def _partner_to_read(engine: Engine, tx: Tx, *, step: Step) -> Step | None:
    """The partner of what was to be read, if it is to be read as well: creates may wait for that."""
    pair = engine.dataflow.pair(step.key.pair)
    if step.read is None or pair is None:
        return None
    side, id = step.read
    link = tx.link_of(pair.name, side, id)
    if link is None:
        return None
    partner = link.ids[side.other]
    seen = tx.sighting(side.other, pair.entity[side.other], partner)
    return replace(step, read=(side.other, partner)) if seen is not None and seen.unread else None


def _hold_unsure(engine: Engine, tx: Tx, *, todo: Todo, step: Step) -> None:
    """A record that seems to be gone, on a side where no other is known: a person has to say so. If it is held since
    its partner's id was used again, that goes before."""
    if step.read is None:
        return
    side, id = step.read
    name = engine.connectors[side].name
    hold = Hold(
        step.key,
        "",
        "deleted",
        f"{id} seems to be deleted in {name}",
        "no other record there can be read to make sure that the answer is to be believed",
        "choose: instep holds release ID --choose retire, or unlink",
        gone_digest(side, id),
    )
    reused = [] if tx.releases_of(step.key) else [h for h in tx.holds_of(step.key) if h.cause == REUSED]
    engine.hold(tx, step.key, reused or [hold])
    tx.finish(todo)


async def _send(
    engine: Engine,
    todo: Todo,
    step: Step,
    permit: Permit,
    fresh: Freshness,
    mine: set[Key],
    result: Look,
) -> Step:
    """Send the step's intent, and take the next turn in the transaction that saves its outcome."""
    intent = step.send
    if intent is None:
        raise AssertionError("a step to send has an intent")
    asked_ms = engine.now_ms()
    sent = await send(engine, intent, step.seen)
    if sent.failure is not None:
        await engine.store.write(sent.save)
        raise sent.failure

    def save(tx: Tx) -> Step:
        sent.save(tx)
        if sent.record is not None:
            entity = engine.dataflow.pair(step.key.pair)
            seen = entity and tx.sighting(intent.side, entity.entity[intent.side], sent.record.id)
            if seen:
                fresh[intent.side] = (seen.version, seen.digest, asked_ms)
        return turn(engine, tx, todo, step.key, permit, fresh, mine)

    with engine.spans("turn", pair=step.key.pair):
        following = await engine.store.write(save)
    if sent.written:
        result.writes.append((intent.operation, intent.side))
    return following


async def _end(engine: Engine, todo: Todo, step: Step, result: Look) -> None:
    if step.verdict is not None:
        result.held = len(step.verdict.holds)
        result.why = step.verdict.note
    if step.skipped is not None:
        result.end, result.skipped = "skipped", step.skipped
    elif step.wait_ms:
        result.end = "waiting"
        note = step.verdict.note if step.verdict else "another worker is at it"
        await _postpone(engine, todo, step.wait_ms, todo.attempts, note)


async def _fail(engine: Engine, todo: Todo, error: OutcomeError, result: Look, after_ms: int | None) -> None:
    result.end, result.why = "failed", error.what
    wait = engine.backoff_ms(todo.attempts) if after_ms is None else after_ms
    reason = f"{error.what}: {error.why}" if error.why else error.what
    await _postpone(engine, todo, wait, todo.attempts + 1, reason)


async def _postpone(engine: Engine, todo: Todo, wait_ms: int, attempts: int, reason: str) -> None:
    due_ms = engine.now_ms() + max(wait_ms, 1)
    await engine.store.write(lambda tx: tx.postpone(todo, due_ms=due_ms, attempts=attempts, reason=reason))
