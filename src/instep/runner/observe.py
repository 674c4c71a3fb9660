"""Take in what a system says of its records: sightings, and what has to be looked at, with the cursor.

A page's records and its cursor are saved in one transaction. A row that is older than what is known is
dropped; one that can't be ordered is a hint to read the record; nothing here decides or writes elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from instep.connectors.contract import Page
from instep.core.dataflow import Pair
from instep.core.match import CLAIM, claimed_ids, match_values, told
from instep.core.model import Record, Side
from instep.core.state import Key, Sighting
from instep.core.values import Json, digest, get_path, project
from instep.runner.engine import Engine, StoreLookup
from instep.runner.reused import hold_reused
from instep.store.contract import Tx

ALIKE = 50
"""Records with one match value that are looked at again at once; more than that share it by mistake."""
NOTHING_TOLD: Mapping[str, Record] = MappingProxyType({})
CHANGED = "changed"
"""Why a record is to be looked at of which a listing or a hint told something new."""
MISSING = "missing"
"""Why a record is to be looked at that a complete listing did not name."""


@dataclass(slots=True)
class Observed:
    """What one listing brought: rows seen, records that changed, records missing from a complete one."""

    rows: int = 0
    changed: int = 0
    missing: int = 0
    complete: bool = False


async def observe(
    engine: Engine,
    side: Side,
    entity: str,
    *,
    full: bool = False,
    observed: Observed | None = None,
    note: Callable[[int], None] | None = None,
) -> Observed:
    """List one entity from its cursor (or completely) and save what is new, page by page.

    Raises what the connector's listing raises; pages saved before that stay, and the next call goes on there.
    """
    observed = observed if observed is not None else Observed()
    begun = f"listing:{side}:{entity}"
    if full:
        await engine.store.write(lambda tx: _from_the_start(tx, side, entity, begun))
    cursor = engine.store.read(lambda tx: tx.cursor(side, entity))
    number = engine.store.read(lambda tx: tx.meta(begun))
    if cursor is None or number is not None:
        listing = await engine.store.write(lambda tx: _begin_listing(tx, begun))
    else:
        listing = 0
    async for page in engine.connectors[side].list(entity, cursor):
        take = partial(_take_page, engine, side=side, entity=entity, page=page, listing=listing)
        counted = await engine.store.write(take)
        observed.rows += len(page.records)
        observed.changed += counted
        if note is not None:
            note(observed.rows)
        if page.last and listing:
            observed.missing = await _finish_listing(engine, side, entity, listing, begun)
            observed.complete = True
    return observed


async def refresh_paths(engine: Engine, side: Side, entity: str) -> None:
    """Fields that were not mapped before were not stored either: then the next listing begins anew."""
    paths = digest(list(engine.paths(side, entity)))
    name = f"paths:{side}:{entity}"

    def save(tx: Tx) -> None:
        if tx.meta(name) != paths:
            _from_the_start(tx, side, entity, f"listing:{side}:{entity}")
            tx.save_meta(name, paths)

    if engine.store.read(lambda tx: tx.meta(name)) != paths:
        await engine.store.write(save)


def is_listed(tx: Tx, side: Side, entity: str) -> bool:
    """Whether that entity has been listed completely at least once."""
    return tx.meta(f"listed:{side}:{entity}") is not None


def missed(side: Side, entity: str) -> str:
    """Name of the setting with how many records the last complete listing missed, of how many: "3 of 4"."""
    return f"missed:{side}:{entity}"


def _from_the_start(tx: Tx, side: Side, entity: str, begun: str) -> None:
    tx.save_cursor(side, entity, None)
    tx.save_meta(begun, None)


def _begin_listing(tx: Tx, begun: str) -> int:
    running = tx.meta(begun)
    if running is not None:
        return int(running)
    number = int(tx.meta("listings") or "0") + 1
    tx.save_meta("listings", str(number))
    tx.save_meta(begun, str(number))
    return number


async def _finish_listing(engine: Engine, side: Side, entity: str, listing: int, begun: str) -> int:
    """Records that a complete listing did not name are not gone: each is to be read."""
    abilities = engine.connectors[side].entities()[entity].abilities
    missing, after = 0, ""
    while abilities.complete_list and abilities.read:

        def suspect(tx: Tx, after: str = after) -> list[str]:
            ids = tx.unlisted(side, entity, listing, after, 500)
            known = tx.sightings(side, entity, ids)
            # One that was suspected before stays so since then, or listings at short intervals would put it off.
            tx.save_sightings(unread(engine, seen) for seen in known.values() if not seen.unread)
            mark(engine, tx, side, entity, ids, MISSING)
            return ids

        ids = await engine.store.write(suspect)
        missing += len(ids)
        if len(ids) < 500:
            break
        after = ids[-1]

    def done(tx: Tx) -> None:
        tx.save_meta(f"listed:{side}:{entity}", str(listing))
        # Noted at this moment: a side that never held anything misses nothing, however much we create there later.
        known = tx.count_sightings(side, entity)
        tx.save_meta(missed(side, entity), f"{missing} of {known}" if missing else None)
        tx.save_meta(begun, None)

    await engine.store.write(done)
    return missing


def _take_page(engine: Engine, tx: Tx, *, side: Side, entity: str, page: Page, listing: int) -> int:
    changed = take_records(engine, tx, side, entity, page.records, listing)
    tx.save_cursor(side, entity, page.cursor)
    return changed


def take_records(
    engine: Engine,
    tx: Tx,
    side: Side,
    entity: str,
    records: Sequence[Record],
    listing: int = 0,
    *,
    urgent: bool = False,
) -> int:
    """Save rows of a listing (or a hint) and mark what they change; returns how many changed something."""
    latest: dict[str, Record] = {}
    for record in records:
        known = latest.get(record.id)
        if known is None or (record.version or 0) >= (known.version or 0):
            latest[record.id] = record
    stored = tx.sightings(side, entity, list(latest))
    fresh: list[Sighting] = []
    marked: list[str] = []
    unchanged: list[str] = []
    for record in latest.values():
        before = stored.get(record.id)
        after = _row(engine, side, entity, record, before, listing)
        if after is None or after is before:
            unchanged.append(record.id)
            continue
        fresh.append(after)
        if before is None or after.digest != before.digest or after.unread:
            marked.append(record.id)
    tx.save_sightings(fresh)
    for after in fresh:
        hold_reused(engine, tx, stored.get(after.id), after)
    if listing and unchanged:
        tx.touch(side, entity, unchanged, listing, engine.now_ms())
    told_anew = {*marked, *(id for id, before in stored.items() if before.unread)}
    index(engine, tx, side, entity, [s for s in fresh if s.id in told_anew], latest)
    mark(engine, tx, side, entity, marked, CHANGED, urgent=urgent)
    return len(marked) + (_hurry(engine, tx, side, entity, unchanged) if urgent else 0)


def _hurry(engine: Engine, tx: Tx, side: Side, entity: str, ids: Sequence[str]) -> int:
    """A listing may have told of a change just before its hint did: it is as urgent as the other way round, unless
    somebody has looked at it already. Returns how many such marks there were."""
    waiting = [
        key
        for pair in engine.dataflow.of_entity(side, entity)
        for key in _keys(tx, pair, side, ids)
        if (todo := tx.todo_of(key)) and not todo.urgent and not todo.attempts and todo.reason == CHANGED
    ]
    tx.mark(waiting, reason=CHANGED, urgent=True)
    return len(waiting)


def _row(
    engine: Engine, side: Side, entity: str, record: Record, before: Sighting | None, listing: int
) -> Sighting | None:
    """The sighting that a row of a listing leads to; None, or the one before, if it says nothing new."""
    if not record.complete and not record.deleted:
        if before is not None and (_newer(before, record) is False or _known(engine, before, record)):
            return before
        hint = before or Sighting(side, entity, record.id, {}, "")
        return unread(engine, hint, listing)
    if before is None or (before.digest == "" and not record.deleted):  # known from hints alone, if at all
        return sighted(engine, side, entity, record, None, listing or (before.listed_in if before else 0))
    newer = _newer(before, record)
    if newer is False:
        return None
    after = sighted(engine, side, entity, record, before, listing)
    if after.digest == before.digest and not before.unread:
        return after if newer else before
    if newer is None:  # the two can't be ordered: a listing may lag, so the record itself is asked
        return unread(engine, before, listing)
    return after


def _newer(before: Sighting, record: Record) -> bool | None:
    """Whether a row is newer than what is known; None if that can't be told."""
    if before.version is None or record.version is None or record.version == before.version:
        return None
    return record.version > before.version


def _known(engine: Engine, before: Sighting, record: Record) -> bool:
    """Whether a hint is of a version that has been read, where a version stands for what the record holds."""
    strict = engine.connectors[before.side].entities()[before.entity].abilities.versions == "strict"
    return strict and not before.unread and None is not record.version == before.version


def unread(engine: Engine, seen: Sighting, listing: int = 0) -> Sighting:
    """A record that something was just heard of, and that must be read before it is decided on. Hearing of it again
    puts the reading off again; so that it is made some time, the run waits for it (`Engine.readable_ms`)."""
    return replace(seen, seen_ms=-engine.now_ms(), listed_in=listing or seen.listed_in)


def unsettled_ms(engine: Engine, seen: Sighting | None) -> int:
    """How much longer a reading may still show a record as it was before what was heard or read of it last, where
    the two could not be told apart: the system gives no versions that order them, and a replica may lag."""
    if seen is None:
        return 0
    abilities = engine.connectors[seen.side].entities()[seen.entity].abilities
    if abilities.versions == "strict":
        return 0
    return max(abs(seen.seen_ms) + abilities.read_lag_ms - engine.now_ms(), 0)


def sighted(
    engine: Engine, side: Side, entity: str, record: Record, before: Sighting | None, listing: int = 0
) -> Sighting:
    """A reading as it is stored: mapped fields only, with what it tells about when they were edited."""
    paths = engine.paths(side, entity)
    fields = project(record.fields, paths)
    if record.deleted and not fields and before is not None:
        fields = dict(before.fields)  # what it held is kept: a retirement may have to be undone
    if "id" in paths:
        fields.setdefault("id", record.id)
    return Sighting(
        side,
        entity,
        record.id,
        fields,
        digest([fields, record.deleted]),
        record.version,
        record.token,
        record.updated_ms,
        record.created_ms if record.created_ms is not None else (before.created_ms if before else None),
        record.deleted,
        record.author,
        max(engine.now_ms(), 1),
        listing or (before.listed_in if before else 0),
        _edits(paths, fields, record, before),
        shown_ms=engine.now_ms(),
    )


def _edits(
    paths: Iterable[str], fields: dict[str, Json], record: Record, before: Sighting | None
) -> dict[str, tuple[int | None, int]]:
    """When each field was last edited: a changed one between the reading before and this one, or at this
    reading's own time of change if nothing else changed in between; any other as far as is known from before."""
    if before is None or not before.digest:
        return {}
    edits = dict(before.edits)
    changed = [path for path in paths if get_path(fields, path) != get_path(before.fields, path)]
    if record.updated_ms is None:
        for path in changed:
            edits.pop(path, None)
        return edits
    if before.updated_ms is not None:
        # The record's time of change moves, often by our own write; a field that holds what it held was edited
        # no later than before.
        for path in set(paths).difference(changed, edits):
            edits[path] = (before.created_ms, before.updated_ms)
    heads = {path.partition(".")[0] for path in changed}
    earliest = record.updated_ms if len(heads) == 1 else before.updated_ms
    for path in changed:
        edits[path] = (earliest, record.updated_ms)
    return edits


def index(
    engine: Engine,
    tx: Tx,
    side: Side,
    entity: str,
    sightings: Sequence[Sighting],
    rows: Mapping[str, Record] = NOTHING_TOLD,
) -> None:
    """Keep the match index of these records true. `rows`: what a listing told of them, by id."""
    declared = engine.connectors[side].entities()[entity]
    for pair in engine.dataflow.of_entity(side, entity):
        lookup = StoreLookup(engine.dataflow, tx)
        for seen in sightings:
            values: dict[int, str] = {}
            if not seen.deleted:
                values = match_values(pair, side, seen.fields, lookup)
                claimed = claimed_ids(pair, declared, side, seen.id, seen.fields)
                if claimed:
                    values[CLAIM] = digest(claimed[0])
            before = tx.match_values(pair.name, side, seen.id)
            if seen.unread:
                values |= _told_of(pair, side, rows.get(seen.id), before, lookup)
            tx.save_matches(pair.name, side, seen.id, values)
            given_up = {number: value for number, value in before.items() if values.get(number) != value}
            wake_alike(tx, pair.name, given_up)


def _told_of(
    pair: Pair, side: Side, row: Record | None, before: Mapping[int, str], lookup: StoreLookup
) -> dict[int, str]:
    """What a listing told of a record that is yet to be read; a hint says nothing of what it holds, and takes back
    nothing that was told."""
    if row is not None and row.deleted:
        return {}
    if row is not None and row.complete:
        return {told(number): value for number, value in match_values(pair, side, row.fields, lookup).items()}
    return {number: value for number, value in before.items() if number < CLAIM}


def wake_alike(tx: Tx, pair: str, values: Mapping[int, str]) -> None:
    """Look again at held records with one of these match values: a record that had it does so no longer, or has
    lost its partner."""
    for number, value in values.items():
        keys = [Key(pair, side, id) for side in Side for id in tx.matches(pair, side, number, value, ALIKE)]
        tx.mark([key for key in keys if tx.holds_of(key)], reason="a record that looked like it changed")


def mark(
    engine: Engine,
    tx: Tx,
    side: Side,
    entity: str,
    ids: Sequence[str],
    reason: str,
    but: str = "",
    *,
    urgent: bool = False,
) -> None:
    """Mark records to be looked at, in every pair of their entity but one."""
    for pair in engine.dataflow.of_entity(side, entity):
        if pair.name == but:
            continue
        tx.mark(_keys(tx, pair, side, ids), reason=reason, urgent=urgent)


def _keys(tx: Tx, pair: Pair, side: Side, ids: Sequence[str]) -> list[Key]:
    """The key of each record: that of its link, if it has one."""
    links = tx.links_of(pair.name, side, ids)
    return [
        Key(pair.name, Side.LEFT, links[id].ids.left) if id in links else Key(pair.name, side, id)
        for id in ids
    ]


def take(engine: Engine, tx: Tx, before: Sighting | None, after: Sighting, pair: str) -> None:
    """Save a reading that was made for a look at a record in one pair; what it brings is news to the others."""
    tx.save_sightings([after])
    hold_reused(engine, tx, before, after)
    changed = before is None or before.digest != after.digest
    if before is None or before.unread or changed:
        index(engine, tx, after.side, after.entity, [after])
    if changed:
        mark(engine, tx, after.side, after.entity, [after.id], CHANGED, but=pair)


async def read_record(engine: Engine, side: Side, entity: str, id: str, pair: str) -> Sighting | None:
    """Read one record for a look in `pair` and save it; None if the answer is, or may be, older than what is known
    (a stale replica). What was heard of after it was asked for is not in the answer for sure: it stays unread.

    Raises what the connector raises, Gone among it.
    """
    asked_ms = engine.now_ms()
    record = await engine.connectors[side].read(entity, id)

    def save(tx: Tx) -> Sighting | None:
        before = tx.sighting(side, entity, id)
        if before is not None and _newer(before, record) is False:
            return None
        after = sighted(engine, side, entity, record, before)
        moved = before is not None and (before.unread or after.digest != before.digest)
        if before is not None and moved and _newer(before, record) is None and unsettled_ms(engine, before):
            return None
        if before is not None and before.unread and -before.seen_ms > asked_ms:
            after = replace(after, seen_ms=before.seen_ms)
        take(engine, tx, before, after, pair)
        return after

    return await engine.store.write(save)
