"""Between the contract's nouns and table rows: `..._row` gives named bindings, the noun's own name reads one.

Columns come in the order in which `sql/queries.sql` selects them. Nested values are canonical JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from instep.core.model import Both, Side
from instep.core.values import ABSENT, Json, Raw, decode, encode
from instep.store.chain import SEALED, Anchor, Chain
from instep.store.contract import Entry, Hold, Intent, Key, Link, Release, Run, Sighting, Todo, bucket_of

Value: TypeAlias = str | int | None
"""What a column holds."""

Row: TypeAlias = tuple[Any, ...]
Bindings: TypeAlias = dict[str, Value]

_SEALED = (*SEALED, "reason", "changes", "salt", "commitment", "seal")

_SIDE: Mapping[str, Side] = {side.value: side for side in Side}


def text(value: object) -> str:
    """Canonical JSON as text."""
    return encode(value).decode()


def _raw_json(raw: Raw | None) -> object:
    """A list as long as nothing is ABSENT, which JSON can't say; then an object that tells the places."""
    if raw is None:
        return None
    absent = [place for place, value in enumerate(raw) if value is ABSENT]
    if not absent:
        return raw
    return {"absent": absent, "values": [None if value is ABSENT else value for value in raw]}


def _raw(value: Any) -> Raw | None:
    if isinstance(value, dict):
        absent = value["absent"]
        return tuple(ABSENT if place in absent else one for place, one in enumerate(value["values"]))
    return None if value is None else tuple(value)


def sighting_row(sighting: Sighting) -> Bindings:
    return {
        "side": sighting.side,
        "entity": sighting.entity,
        "id": sighting.id,
        "fields": text(sighting.fields),
        "digest": sighting.digest,
        "version": sighting.version,
        "token": sighting.token,
        "updated_ms": sighting.updated_ms,
        "created_ms": sighting.created_ms,
        "deleted": int(sighting.deleted),
        "author": sighting.author,
        "seen_ms": sighting.seen_ms,
        "listed_in": sighting.listed_in,
        "edits": text(sighting.edits) if sighting.edits else "{}",
        "shown_ms": sighting.shown_ms,
    }


def sighting(row: Row) -> Sighting:
    edits = {} if row[13] == "{}" else cast(dict[str, Any], decode(row[13]))
    return Sighting(
        side=_SIDE[row[0]],
        entity=row[1],
        id=row[2],
        fields=cast(dict[str, Json], decode(row[3])),
        digest=row[4],
        version=row[5],
        token=row[6],
        updated_ms=row[7],
        created_ms=row[8],
        deleted=bool(row[9]),
        author=row[10],
        seen_ms=row[11],
        listed_in=row[12],
        edits={path: (between[0], between[1]) for path, between in edits.items()},
        shown_ms=row[14],
    )


def link_row(link: Link) -> Bindings:
    base = {name: [_raw_json(held.left), _raw_json(held.right)] for name, held in link.base.items()}
    return {
        "id": link.id,
        "pair": link.pair,
        "left_id": link.ids.left,
        "right_id": link.ids.right,
        "base": text(base),
        "state": link.state,
        "generation": link.generation,
        "made_ms": link.made_ms,
        "made_by": link.made_by,
    }


def link(row: Row) -> Link:
    base = cast(dict[str, Any], decode(row[4]))
    return Link(
        id=row[0],
        pair=row[1],
        ids=Both(row[2], row[3]),
        base={name: Both(_raw(held[0]) or (), _raw(held[1]) or ()) for name, held in base.items()},
        state=row[5],
        generation=row[6],
        made_ms=row[7],
        made_by=row[8],
    )


def key_row(key: Key) -> Bindings:
    return {"pair": key.pair, "side": key.side, "id": key.id}


def mark_row(key: Key, seq: int, due_ms: int, reason: str, urgent: bool) -> Bindings:
    return {
        "seq": seq,
        "pair": key.pair,
        "side": key.side,
        "id": key.id,
        "bucket": bucket_of(key),
        "due_ms": due_ms,
        "reason": reason,
        "urgent": int(urgent),
    }


def todo(row: Row) -> Todo:
    return Todo(
        key=Key(row[1], _SIDE[row[2]], row[3]),
        seq=row[0],
        bucket=row[4],
        due_ms=row[5],
        attempts=row[6],
        reason=row[7],
        urgent=bool(row[8]),
    )


def hold_row(key: Key, hold: Hold) -> Bindings:
    waits_side, waits_entity, waits_id = hold.waits_for or (None, None, None)
    return {
        "id": hold.id,
        "pair": key.pair,
        "side": key.side,
        "record_id": key.id,
        "property": hold.property,
        "cause": hold.cause,
        "what": hold.what,
        "why": hold.why,
        "fix": hold.fix,
        "digest": hold.digest,
        "since_ms": hold.since_ms,
        "waits_side": waits_side,
        "waits_entity": waits_entity,
        "waits_id": waits_id,
        "vals": text(hold.values),
    }


def hold(row: Row) -> Hold:
    return Hold(
        id=row[0],
        key=Key(row[1], _SIDE[row[2]], row[3]),
        property=row[4],
        cause=row[5],
        what=row[6],
        why=row[7],
        fix=row[8],
        digest=row[9],
        since_ms=row[10],
        waits_for=None if row[13] is None else (_SIDE[row[11]], row[12], row[13]),
        values=decode(row[14]),
    )


def release_row(release: Release) -> Bindings:
    return {
        "pair": release.key.pair,
        "side": release.key.side,
        "record_id": release.key.id,
        "property": release.property,
        "choice": release.choice,
        "digest": release.digest,
        "value": text(release.value),
        "at_ms": release.at_ms,
    }


def release(row: Row) -> Release:
    return Release(
        key=Key(row[0], _SIDE[row[1]], row[2]),
        property=row[3],
        choice=row[4],
        digest=row[5],
        value=decode(row[6]),
        at_ms=row[7],
    )


def intent_row(intent: Intent) -> Bindings:
    properties = {name: [_raw_json(raw) for raw in raws] for name, raws in intent.properties.items()}
    return {
        "id": intent.id,
        "pair": intent.key.pair,
        "key_side": intent.key.side,
        "key_id": intent.key.id,
        "side": intent.side,
        "operation": intent.operation,
        "record_id": intent.record_id,
        "source_id": intent.source_id,
        "payload": text(intent.payload),
        "properties": text(properties),
        "idempotency": intent.idempotency,
        "chosen_id": intent.chosen_id,
        "marker": intent.marker,
        "link_id": intent.link_id,
        "source_version": intent.source_version,
        "seen_version": intent.seen_version,
        "seen_token": intent.seen_token,
        "generation": intent.generation,
        "run": intent.run,
        "reason": intent.reason,
        "made_ms": intent.made_ms,
        "sent_ms": intent.sent_ms,
        "attempts": intent.attempts,
    }


def intent(row: Row) -> Intent:
    properties = cast(dict[str, Any], decode(row[9]))
    return Intent(
        id=row[0],
        key=Key(row[1], _SIDE[row[2]], row[3]),
        side=_SIDE[row[4]],
        operation=row[5],
        record_id=row[6],
        source_id=row[7],
        payload=cast(dict[str, Json], decode(row[8])),
        properties={
            name: (_raw(source), _raw(before), _raw(meant))
            for name, (source, before, meant) in properties.items()
        },
        idempotency=row[10],
        chosen_id=row[11],
        marker=row[12],
        link_id=row[13],
        source_version=row[14],
        seen_version=row[15],
        seen_token=row[16],
        generation=row[17],
        run=row[18],
        reason=row[19],
        made_ms=row[20],
        sent_ms=row[21],
        attempts=row[22],
    )


def entry_row(entry: Entry) -> Bindings:
    return {
        "at_ms": entry.at_ms,
        "run": entry.run,
        "pair": entry.pair,
        "side": entry.side,
        "record_id": entry.record_id,
        "partner_id": entry.partner_id,
        "link_id": entry.link_id,
        "operation": entry.operation,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "changes": text(entry.changes),
        "request": entry.request,
    }


def entry(row: Row) -> Entry:
    return Entry(
        seq=row[0],
        at_ms=row[1],
        run=row[2],
        pair=row[3],
        side=None if row[4] is None else _SIDE[row[4]],
        record_id=row[5],
        partner_id=row[6],
        link_id=row[7],
        operation=row[8],
        outcome=row[9],
        reason=row[10],
        changes=tuple(changes(row[11])),
        request=row[12],
        seal=row[13],
        forgotten=bool(row[14]),
    )


def changes(stored: str) -> list[dict[str, Json]]:
    return cast(list[dict[str, Json]], decode(stored))


def sealed(row: Row) -> Bindings:
    return dict(zip(_SEALED, row, strict=True))


def chain(row: Row) -> Chain:
    return Chain(Anchor(*row[:4]), Anchor(*row[4:]))


def run(row: Row) -> Run:
    return Run(
        id=row[0],
        kind=row[1],
        started_ms=row[2],
        finished_ms=row[3],
        status=row[4],
        summary=decode(row[5]),
        undoes=row[6],
        partly=bool(row[7]),
    )
