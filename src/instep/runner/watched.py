"""Note the writes that may have replaced an edit unseen, so that the system's log is asked about them later.

These are the updates without condition of an entity whose system keeps a log of changes. Who asks is `overwritten`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from instep.core.model import Side
from instep.core.overwritten import CAUSE, Span
from instep.core.state import Intent
from instep.core.values import Json
from instep.runner.engine import Engine
from instep.runner.turn import FRESH_MS
from instep.store.contract import Entry, Tx

NEWEST = 2**63 - 1
"""As a version: that of the last state of a record, whatever it was."""


@dataclass(frozen=True, slots=True)
class Note:
    """That there were such updates of an entity: no edit before `since_ms` can have been overwritten by them, the
    last of them was closed at `last_ms`, and the log was last asked at `asked_ms` (0: not yet)."""

    since_ms: int
    last_ms: int
    asked_ms: int = 0

    @classmethod
    def read(cls, tx: Tx, side: Side, entity: str) -> Note | None:
        text = tx.meta(_name(side, entity))
        return None if text is None else cls(*msgspec.json.decode(text, type=tuple[int, int, int]))

    def save(self, tx: Tx, side: Side, entity: str) -> None:
        text = msgspec.json.encode((self.since_ms, self.last_ms, self.asked_ms)).decode()
        tx.save_meta(_name(side, entity), text)

    @staticmethod
    def drop(tx: Tx, side: Side, entity: str) -> None:
        tx.save_meta(_name(side, entity), None)


def _name(side: Side, entity: str) -> str:
    return f"{CAUSE}:{side}:{entity}"


def watch(engine: Engine, tx: Tx, intent: Intent, version: int | None) -> Mapping[str, Json]:
    """What to keep with each change of such an update, which is noted; {} for any other write.

    `version`: that of the answer, or of the reading that showed what came of it; `NEWEST` if the record is gone.
    Called in the transaction that closes it.
    """
    pair = engine.dataflow.pair(intent.key.pair)
    if pair is None or intent.operation != "update" or intent.seen_version is None or version is None:
        return {}
    entity = engine.entity(pair, intent.side)
    able = entity.abilities
    conditional = able.conditional and intent.seen_token is not None
    if conditional or not able.log or version <= intent.seen_version:
        return {}
    before = Note.read(tx, intent.side, entity.name)
    since_ms = intent.made_ms - FRESH_MS - able.read_lag_ms
    if before is not None:
        since_ms = min(since_ms, before.since_ms)
    Note(since_ms, engine.now_ms(), before.asked_ms if before else 0).save(tx, intent.side, entity.name)
    return {"versions": [intent.seen_version, version]}


def span_of(entry: Entry) -> Span | None:
    """Where the write of a journal entry stands among the versions of its record; None if that was not kept."""
    match entry.changes[0].get("versions") if entry.changes else None:
        case [int(seen), int(answered)]:
            return Span(seen, answered, found=entry.outcome != "done")
    return None
