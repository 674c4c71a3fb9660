"""Send one intent, and turn what came back into what is to be saved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from instep.connectors.contract import CreateKey
from instep.core.model import Record, Side
from instep.core.release import WHOLE
from instep.core.state import Hold, Intent, Link
from instep.core.values import digest
from instep.errors import Gone, InDoubt, Moved, OutcomeError, Refused, RetryLater, Stop, Taken, Unable
from instep.runner import outcome
from instep.runner.absence import still_shows, suspect
from instep.runner.engine import Engine
from instep.runner.observe import unread
from instep.runner.references import unsettled
from instep.runner.turn import linked
from instep.store.contract import AlreadyLinked, Tx


@dataclass(frozen=True, slots=True)
class Sent:
    """What to save of a request. `record`: the target as it is now, where the answer says; `written` if that is this
    request's doing. `failure`: to be
    raised after saving. `doubt`: the intent stays open."""

    save: Callable[[Tx], None]
    record: Record | None = None
    written: bool = False
    failure: OutcomeError | None = None
    doubt: bool = False


def _nothing(tx: Tx) -> None:
    """An in-doubt write changes nothing: its intent stays open."""


async def request(engine: Engine, intent: Intent, seen: Record | None) -> Record:
    """The request itself; raises what the connector raises."""
    connector = engine.connectors[intent.side]
    entity = outcome.pair_of(engine, intent).entity[intent.side]
    if intent.operation == "create":
        key = CreateKey(intent.chosen_id, intent.marker, intent.idempotency)
        return await connector.create(entity, intent.payload, key)
    basis = seen if seen is not None else Record(intent.record_id)
    if intent.operation == "retire":
        return await connector.retire(entity, intent.record_id, seen=basis, idempotency=intent.idempotency)
    return await connector.update(
        entity, intent.record_id, intent.payload, seen=basis, idempotency=intent.idempotency
    )


async def send(engine: Engine, intent: Intent, seen: Record | None) -> Sent:
    """Send a new intent once. Every outcome but a doubt closes it."""
    try:
        record = await request(engine, intent, seen)
    except InDoubt:
        return Sent(_nothing, doubt=True)
    except Taken as error:
        if intent.operation == "create":
            return await taken(engine, intent, error)
        clash = error
        return Sent(lambda tx: outcome.refused(engine, tx, intent, clash))
    except Refused as error:
        return refused(engine, intent, error)
    except Unable as error:
        unable = error
        return Sent(lambda tx: _unable(engine, tx, intent, unable))
    except Moved as error:
        request_id = error.request
        return Sent(lambda tx: _moved(engine, tx, intent, request_id))
    except Gone as error:
        request_id = error.request
        return Sent(lambda tx: outcome.forget(engine, tx, intent, request_id))
    except (RetryLater, Stop) as error:
        why, request_id = error.what, error.request
        return Sent(lambda tx: outcome.not_applied(engine, tx, intent, why, request_id), failure=error)
    return Sent(lambda tx: outcome.done(engine, tx, intent, record), record, written=True)


def refused(engine: Engine, intent: Intent, error: Refused) -> Sent:
    """A refusal is held, unless what the write refers to is not in step yet: then it is tried again later."""
    first = engine.store.read(lambda tx: unsettled(engine, tx, intent))
    if first is None:
        return Sent(lambda tx: outcome.refused(engine, tx, intent, error))
    why = f"{error.why or error.what}; {first.pair} {first.id}, which it refers to, is not in step yet"
    return Sent(
        lambda tx: outcome.not_applied(engine, tx, intent, why), failure=RetryLater(error.what, why=why)
    )


async def taken(engine: Engine, intent: Intent, error: Taken) -> Sent:
    """A create was refused since its id, marker or another unique field is in use: find out by whom."""
    pair = outcome.pair_of(engine, intent)
    side, entity = intent.side, pair.entity[intent.side]
    abilities = engine.entity(pair, side).abilities
    ours = (intent.chosen_id and error.field in ("", "id")) or (
        intent.marker and error.field in ("", abilities.marker)
    )
    if not ours:
        return Sent(lambda tx: outcome.refused(engine, tx, intent, error))
    existing = error.existing_id or intent.chosen_id
    if not existing and abilities.marker:
        found = await engine.connectors[side].find(entity, abilities.marker, intent.marker)
        existing = found[0].id if len(found) == 1 else ""
    if not existing:
        return Sent(lambda tx: outcome.refused(engine, tx, intent, error))
    record = await _holder(engine, side, entity, existing)
    if record is None:
        for at_ms in (intent.made_ms, engine.now_ms()):  # what was there before may be hidden as well
            await still_shows(
                engine, side, entity, existing, at_ms, f"{existing} is in use and can't be read"
            )
        return Sent(lambda tx: _burned(engine, tx, intent, existing))
    if intent.attempts > 1:
        return Sent(lambda tx: outcome.adopt(engine, tx, intent, record), record)
    return Sent(lambda tx: _recognised(engine, tx, intent, record), record)


async def _holder(engine: Engine, side: Side, entity: str, id: str) -> Record | None:
    """The record that has an id which is in use; None if it can't be read. An answer may come from a replica that has
    not heard of it yet: so it is waited for until every one has."""
    connector = engine.connectors[side]
    with suppress(Gone):
        return await connector.read(entity, id)
    lag_ms = connector.entities()[entity].abilities.read_lag_ms
    if lag_ms:
        await engine.sleep(lag_ms / 1000)
        with suppress(Gone):
            return await connector.read(entity, id)
    return None


def _recognised(engine: Engine, tx: Tx, intent: Intent, record: Record) -> None:
    """The first request already found the id or marker in use: it is the copy of the source, made before our
    store knew of it. The two are linked, and meet as at first contact."""
    outcome.see(engine, tx, intent, record)
    link = Link(0, intent.key.pair, outcome.ids_of(intent, record.id), made_ms=engine.now_ms())
    tx.close_intent(intent.id)
    try:
        saved = tx.save_link(replace(link, made_by="identity"))
    except AlreadyLinked as other:
        engine.hold(tx, intent.key, [outcome.taken_hold(intent, record.id, other.link)])
        return
    linked(engine, tx, saved, "identity")


def _burned(engine: Engine, tx: Tx, intent: Intent, id: str) -> None:
    """The id is in use by a record that can't be read: made before, and deleted since, though a listing may still
    have shown it; it is not to be taken for a partner."""
    side = intent.side
    suspect(engine, tx, side=side, entity=outcome.pair_of(engine, intent).entity[side], id=id)
    outcome.not_applied(engine, tx, intent, f"{id} is in use and can't be read")
    hold = Hold(
        intent.key,
        "",
        "doubt",
        f"{intent.source_id} can't be created: the id {id} was used before",
        "a deleted record still has it",
        "choose: instep holds release ID --choose recreate, to use another id",
        digest(id),
        values=intent.generation,
    )
    engine.hold(tx, intent.key, [hold])
    tx.drop_releases(intent.key, [WHOLE])  # a choice is one try


def _moved(engine: Engine, tx: Tx, intent: Intent, request_id: str) -> None:
    """Somebody changed the target first: read it and decide again."""
    entity = outcome.pair_of(engine, intent).entity[intent.side]
    seen = tx.sighting(intent.side, entity, intent.record_id)
    if seen is not None:
        tx.save_sightings([unread(engine, seen)])
    outcome.not_applied(engine, tx, intent, "the record had moved", request_id)


def _unable(engine: Engine, tx: Tx, intent: Intent, error: Unable) -> None:
    """The API can't do it: a person has to."""
    refused = Refused(error.what, why=error.why, fix=error.fix)
    refused.request = error.request
    outcome.refused(engine, tx, intent, refused)
