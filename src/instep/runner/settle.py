"""Make a write definite that is in doubt, by the strongest means that the system offers.

A timeout, a 5xx, a broken connection or a crash says nothing: the write may have been applied, or may be yet.

    conditional write   resend with the same token: it is applied once, or refused as moved
    chosen id, unique   resend: applied once, or refused as taken; then it is ours
    marker              search for it, until the time in which it could still be applied has passed
    idempotency key     within its window: resend with the same key
    a partner has come, or it is refused when sent again
                        a create is looked for by its id or marker, until it can't be applied any more
    a log of changes    of an update that can't be applied any more and reads as before: was it put back since?
    nothing             wait until it can't be applied any more, then read; a create is then a person's to settle
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from instep.core.model import Abilities, Record
from instep.core.state import Hold, Intent
from instep.core.values import digest
from instep.errors import Gone, InDoubt, Moved, Refused, RetryLater, Taken
from instep.runner import outcome
from instep.runner.absence import still_shows, suspect
from instep.runner.engine import Engine
from instep.runner.judge import known_copy, likely_copy, stands_beside
from instep.runner.observe import read_record
from instep.runner.overwritten import logged_as_applied
from instep.runner.send import request, taken
from instep.runner.turn import as_record
from instep.store.contract import Tx

KEY_MARGIN = 0.9
"""Of an idempotency key's window; the rest is for clocks and the request's own time."""


async def settle(engine: Engine, intent: Intent) -> int | None:
    """Settle an open intent; None if it is closed now, else when (our clock, ms) to try again.

    Raises what reading raises (RetryLater, Stop, BadAnswer): the intent stays open.
    """
    pair = outcome.pair_of(engine, intent)
    abilities = engine.entity(pair, intent.side).abilities
    again_ms = resent_at_ms(engine, intent)
    resendable = can_resend(engine, intent, abilities)
    if resendable and engine.now_ms() < again_ms:
        return again_ms
    if intent.operation == "create":
        return await _settle_create(engine, intent, abilities, resendable)
    return await _settle_change(engine, intent, abilities, resendable)


def can_resend(engine: Engine, intent: Intent, abilities: Abilities) -> bool:
    """Whether the same request may be sent again now, without being applied twice."""
    return (
        (intent.operation == "create" and _idempotent_create(abilities))
        or (intent.operation != "create" and abilities.conditional and intent.seen_token is not None)
        or (engine.now_ms() - intent.made_ms < KEY_MARGIN * abilities.key_window_ms)
    )


def resent_at_ms(engine: Engine, intent: Intent) -> int:
    """When it is sent again, if it can be."""
    return intent.sent_ms + engine.backoff_ms(max(intent.attempts - 1, 0))


def _idempotent_create(abilities: Abilities) -> bool:
    return abilities.chosen_id or (bool(abilities.marker) and abilities.marker_unique)


def horizon_ms(engine: Engine, intent: Intent, abilities: Abilities) -> int:
    """When the request can't be applied any more, and whatever it did can be seen: by its id or, as for what a create
    has made, by a search."""
    seen = max(abilities.read_lag_ms, abilities.list_lag_ms if intent.operation == "create" else 0)
    return intent.sent_ms + engine.settings.timeout_ms + abilities.late_apply_ms + seen


async def _settle_create(
    engine: Engine, intent: Intent, abilities: Abilities, resendable: bool
) -> int | None:
    if resendable and not engine.store.read(lambda tx: stands_beside(engine, tx, intent)):
        return await _resend(engine, intent, None, abilities)
    entity = outcome.pair_of(engine, intent).entity[intent.side]
    horizon = horizon_ms(engine, intent, abilities)
    if _tells_ours(intent, abilities):
        found = await _seek(engine, intent, abilities)
        if len(found) == 1:
            await engine.store.write(lambda tx: outcome.adopt(engine, tx, intent, found[0]))
            return None
        if not found and engine.now_ms() >= horizon:
            await _not_found(engine, intent, abilities)
            return None
    if engine.now_ms() < horizon:
        return horizon
    copy = engine.store.read(lambda tx: likely_copy(engine, tx, intent))
    why = "the system offers no way to find out"
    if copy is not None:
        with suppress(Gone):  # made, and deleted since: then nobody can tell any more
            record = await engine.connectors[intent.side].read(entity, copy)
            if outcome.as_sent(engine, intent, record):
                await engine.store.write(lambda tx: outcome.adopt(engine, tx, intent, record))
                return None
            why = f"{why}; {copy} matches it, and holds other values than were sent"
    await _give_up(engine, intent, why)
    return None


async def _give_up(engine: Engine, intent: Intent, why: str) -> None:
    """Leave a create in doubt to a person."""
    hold = Hold(
        intent.key,
        "",
        "doubt",
        f"it is not known whether {intent.source_id} was created in {engine.connectors[intent.side].name}",
        f"the request got no answer, and {why}",
        "look for it there; then: instep holds release ID --link OTHER_ID, or --choose create",
        digest(intent.idempotency),
    )

    def save(tx: Tx) -> None:
        outcome.not_applied(engine, tx, intent, "not known: a person has to look")
        engine.hold(tx, intent.key, [hold])

    await engine.store.write(save)


def _tells_ours(intent: Intent, abilities: Abilities) -> bool:
    """Whether the record that a create makes can be looked for, and told from any other."""
    return bool(abilities.marker and intent.marker) or (abilities.chosen_id and abilities.read)


async def _seek(engine: Engine, intent: Intent, abilities: Abilities) -> Sequence[Record]:
    """What a create in doubt has made, by its id or its marker."""
    connector = engine.connectors[intent.side]
    entity = outcome.pair_of(engine, intent).entity[intent.side]
    if not abilities.chosen_id:
        return await connector.find(entity, abilities.marker, intent.marker)
    with suppress(Gone):
        return [await connector.read(entity, intent.chosen_id)]
    return []


async def _not_found(engine: Engine, intent: Intent, abilities: Abilities) -> None:
    """Nothing is there: it was not made, if the system shows what it held before the request, and it is sought once
    more after that was seen. What somebody has entered meanwhile is matched like any other record. A copy that was
    known to be there was made, and what became of it is for a reading to tell."""
    if await engine.store.write(lambda tx: _adopt_known(engine, tx, intent)):
        return
    entity = outcome.pair_of(engine, intent).entity[intent.side]
    missing = f"the copy of {intent.source_id} is not there"
    if not await still_shows(engine, intent.side, entity, intent.chosen_id, intent.made_ms, missing):
        await _give_up(engine, intent, "nothing that was known there before it can be read")
        return
    found = await _seek(engine, intent, abilities)
    if found:
        await engine.store.write(lambda tx: outcome.adopt(engine, tx, intent, found[0]))
    else:
        why = "looked for, and not there"
        await engine.store.write(lambda tx: outcome.not_applied(engine, tx, intent, why))


def _adopt_known(engine: Engine, tx: Tx, intent: Intent) -> bool:
    copy = known_copy(engine, tx, intent)
    if copy is None:
        return False
    outcome.adopt(engine, tx, intent, as_record(copy))
    tx.save_sightings([copy])  # it was not shown again
    suspect(engine, tx, side=intent.side, entity=copy.entity, id=copy.id)
    return True


async def _settle_change(
    engine: Engine, intent: Intent, abilities: Abilities, resendable: bool
) -> int | None:
    pair = outcome.pair_of(engine, intent)
    side, entity = intent.side, pair.entity[intent.side]
    horizon = horizon_ms(engine, intent, abilities)
    if abilities.conditional and intent.seen_token is not None:
        sighting = engine.store.read(lambda tx: tx.sighting(side, entity, intent.record_id))
        seen = None if sighting is None else replace(as_record(sighting), token=intent.seen_token)
        return await _resend(engine, intent, seen, abilities)
    try:
        sighting = await read_record(engine, side, entity, intent.record_id, intent.key.pair)
    except Gone:
        if engine.now_ms() < horizon:
            return horizon
        await _gone(engine, intent)
        return None
    if sighting is None:
        raise RetryLater("a reading was older than what is known", why="a replica lags")
    record = as_record(sighting)
    state = outcome.standing(engine, intent, sighting)
    if state == "landed" or engine.now_ms() >= horizon:
        applied = await logged_as_applied(engine, intent, record.version) if state != "landed" else None
        await engine.store.write(lambda tx: outcome.adopt(engine, tx, intent, record, applied=applied))
        return None
    if state == "before" and resendable:
        return await _resend(engine, intent, record, abilities)
    return horizon


async def _gone(engine: Engine, intent: Intent) -> None:
    """The record of a write in doubt can't be read. That is believed only of a system that shows what it holds, and
    if it can't be read after that either."""
    id, side, entity = intent.record_id, intent.side, outcome.pair_of(engine, intent).entity[intent.side]
    await still_shows(engine, side, entity, id, engine.now_ms(), f"{id} can't be read")
    with suppress(Gone):
        await engine.connectors[side].read(entity, id)
        raise RetryLater(f"{id} can be read again", why="it could not be a moment ago")
    await engine.store.write(lambda tx: outcome.found_gone(engine, tx, intent))


async def _resend(engine: Engine, intent: Intent, seen: Record | None, abilities: Abilities) -> int | None:
    """Send the very same request again, where that can't apply it twice."""
    engine_now = engine.now_ms()
    again = replace(intent, attempts=intent.attempts + 1, sent_ms=engine_now)
    await engine.store.write(lambda tx: tx.save_intent(again))
    try:
        record = await request(engine, again, seen)
    except InDoubt:
        return engine_now + engine.backoff_ms(again.attempts)
    except RetryLater as error:
        wait = error.after_ms if error.after_ms is not None else engine.backoff_ms(again.attempts)
        return engine_now + wait
    except Taken as error:
        if again.operation != "create":
            return await _wait_out(engine, intent, again, abilities)
        sent = await taken(engine, again, error)
        await engine.store.write(sent.save)
        return None
    except Moved:
        return await _adopt_read(engine, again, moved=True)
    except (Gone, Refused) as error:
        if isinstance(error, Gone) and again.operation != "create":
            await _gone(engine, again)
            return None
        return await _wait_out(engine, intent, again, abilities)
    await engine.store.write(lambda tx: outcome.done(engine, tx, again, record))
    return None


async def _wait_out(engine: Engine, intent: Intent, again: Intent, abilities: Abilities) -> int | None:
    """A resend was refused, which says nothing of the requests before it: look when these can't be applied any more.
    `intent`: as it was before the resend, which is over and done with, and puts nothing off."""
    waiting = replace(again, sent_ms=intent.sent_ms)
    await engine.store.write(lambda tx: tx.save_intent(waiting))
    if waiting.operation == "create":
        return await _settle_create(engine, waiting, abilities, resendable=False)
    horizon = horizon_ms(engine, waiting, abilities)
    if engine.now_ms() < horizon:
        return horizon
    return await _adopt_read(engine, waiting, moved=False)


async def _adopt_read(engine: Engine, intent: Intent, *, moved: bool) -> int | None:
    """A reading tells what came of a write. `moved`: the record has changed since the decision, by our write or by
    somebody else's, so a reading that shows no change is too old."""
    entity = outcome.pair_of(engine, intent).entity[intent.side]
    try:
        sighting = await read_record(engine, intent.side, entity, intent.record_id, intent.key.pair)
    except Gone:
        await _gone(engine, intent)
        return None
    unmoved = intent.seen_token is not None and sighting is not None and sighting.token == intent.seen_token
    if sighting is None or (moved and unmoved and sighting.version is not None):
        raise RetryLater("a reading was older than what is known", why="a replica lags")
    record = as_record(sighting)
    await engine.store.write(lambda tx: outcome.adopt(engine, tx, intent, record))
    return None
