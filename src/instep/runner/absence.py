"""Believe that a record is gone: never from a missing row, nor from one answer alone.

A 404 may come from a replica, from a wrong tenant or from a system that lost everything for a while. So other
records that are known to exist must be readable, and then the record must be missing once more. They must have been
there when the system last showed the record: what has come since says nothing of what was lost.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from instep.core.model import Side
from instep.core.state import Sighting
from instep.core.values import digest
from instep.errors import Gone, RetryLater
from instep.runner.engine import Engine
from instep.runner.observe import MISSING, mark, read_record, take, unread
from instep.store.contract import Tx


async def confirm_gone(engine: Engine, side: Side, entity: str, id: str, *, believed: bool = False) -> bool:
    """Save that a record is gone, after a first read said so; or that it isn't, if it can be read now.

    False if there is no other record by which the system could be checked, unless a person believes it
    (`believed`), or nothing was ever read of it, so that nothing hangs on it. Raises RetryLater if the system
    can't be believed at present.
    """
    name = engine.connectors[side].name
    seen = engine.store.read(lambda tx: tx.sighting(side, entity, id))
    hint_alone = seen is None or seen.digest == ""
    shown_ms = 0 if seen is None else seen.shown_ms
    known, _ = engine.store.read(partial(_others, engine, side=side, entity=entity, id=id, at_ms=shown_ms))
    if not known and not believed and not hint_alone:
        return False
    await _read_canaries(engine, side, entity, known, f"{id} is missing")
    abilities = engine.connectors[side].entities()[entity].abilities
    if seen is not None and not seen.unread and engine.now_ms() - seen.seen_ms < abilities.read_lag_ms:
        raise RetryLater(
            f"{id} can't be read in {name}", why="it may not be readable yet", after_ms=abilities.read_lag_ms
        )
    try:
        await read_record(engine, side, entity, id, "")
    except Gone:
        await engine.store.write(lambda tx: _gone(engine, tx, side, entity, id))
    return True


async def still_shows(engine: Engine, side: Side, entity: str, id: str, at_ms: int, missing: str) -> bool:
    """Whether a system shows what it held at a time, so that its not having a record means that there is none. `id`:
    that record's, if it is known.

    False if all that was known of it then is itself under suspicion. Nothing is asked where nothing was known. Raises
    RetryLater if it can't be believed at present."""
    look = partial(_others, engine, side=side, entity=entity, id=id, at_ms=at_ms)
    known, suspects = engine.store.read(look)
    await _read_canaries(engine, side, entity, known, missing)
    return bool(known) or not suspects


async def _read_canaries(engine: Engine, side: Side, entity: str, known: list[str], missing: str) -> None:
    """Raises RetryLater if one of these records can't be read either, besides what is `missing`."""
    for canary in known:
        try:
            await engine.connectors[side].read(entity, canary)
        except Gone as gone:
            await engine.store.write(partial(suspect, engine, side=side, entity=entity, id=canary))
            raise RetryLater(
                f"{engine.connectors[side].name} seems to have lost records: {missing}, and so is {canary}",
                why="that a record is not there is believed only while other known ones can be read",
                after_ms=engine.backoff_ms(5),
            ) from gone


def _others(
    engine: Engine, tx: Tx, *, side: Side, entity: str, id: str, at_ms: int
) -> tuple[list[str], list[str]]:
    """Some other records that were there at a time: those that may be asked for, and those that are themselves under
    suspicion."""
    clock = engine.clock(side, engine.connectors[side].entities()[entity])
    ids = tx.canaries(
        side,
        entity,
        id,
        known_ms=at_ms,
        created_ms=at_ms + clock.skew_ms - clock.error_ms - clock.resolution_ms,
        limit=engine.settings.canaries,
    )
    seen = tx.sightings(side, entity, ids)
    return [each for each in ids if not seen[each].unread], [each for each in ids if seen[each].unread]


def _gone(engine: Engine, tx: Tx, side: Side, entity: str, id: str) -> None:
    before = tx.sighting(side, entity, id) or Sighting(side, entity, id, {}, "")
    after = replace(
        before,
        deleted=True,
        digest=digest([dict(before.fields), True]),
        seen_ms=max(engine.now_ms(), 1),
        token=None,
    )
    take(engine, tx, before, after, "")


def suspect(engine: Engine, tx: Tx, *, side: Side, entity: str, id: str) -> None:
    """A record that is known could not be read: it has to be looked at before anything else is made of it."""
    seen = tx.sighting(side, entity, id)
    if seen is not None and not seen.deleted:
        tx.save_sightings([unread(engine, seen)])
        mark(engine, tx, side, entity, [id], MISSING)
