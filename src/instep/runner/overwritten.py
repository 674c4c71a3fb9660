"""Notice, after the fact, an edit that a write without condition replaced unseen: hold it, so that a person decides.

While such writes are noted (`watched`), a run asks the system's log once it is worked off: at once, since most
changes are logged by then, and once more when the log can't lag any more. Without a note nothing is asked.
Nothing is written to a system here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from instep.connectors.contract import ChangeLog
from instep.core.dataflow import Pair
from instep.core.diff import raw_of
from instep.core.model import Both, Logged, Record, Side
from instep.core.overwritten import CAUSE, Loss, Span, Values, around, groups_of, losses, overwritten_hold
from instep.core.phrases import moment
from instep.core.state import Intent, Key
from instep.core.values import Json, Raw, plain, project
from instep.errors import OutcomeError
from instep.runner.engine import Engine, StoreLookup
from instep.runner.turn import FRESH_MS
from instep.runner.watched import Note, span_of
from instep.store.contract import Entry, Tx

PATIENCE_MS = 86_400_000
"""For how long a log is asked that does not show our own writes."""
PAGE = 500

Place = tuple[str, str]
"""Entity and id of a record, on the side in question."""
Write = tuple[Entry, Span]
"""An update as the journal has it, and where it stands among the versions of its record."""


async def look_back(engine: Engine, troubles: dict[str, str], stopping: Callable[[], bool]) -> None:
    """Ask the logs about writes that may have replaced an edit. A log that can't be read is a trouble of this run,
    and is asked by the next one. Raises StoreError."""
    for side in Side:
        due = engine.store.read(partial(_due, engine, side=side))
        connector = engine.connectors[side]
        if not due or stopping() or not isinstance(connector, ChangeLog):
            continue
        try:
            unseen = await _look_back(engine, connector, side, due)
        except OutcomeError as error:
            troubles[f"the log of {connector.name}"] = str(error)
            continue
        if unseen:
            troubles[f"the log of {connector.name}"] = (
                f"{unseen} of our own writes are not in it, so that nobody can tell what they have replaced"
            )


def log_due(engine: Engine) -> bool:
    """Whether a log has to be asked now."""
    return any(engine.store.read(partial(_due, engine, side=side)) for side in Side)


def _due(engine: Engine, tx: Tx, *, side: Side) -> dict[str, Note]:
    """By entity, the notes that the log has to be asked about now."""
    found = {}
    for entity in dict.fromkeys(pair.entity[side] for pair in engine.dataflow.pairs):
        note = Note.read(tx, side, entity)
        lag_ms = engine.connectors[side].entities()[entity].abilities.list_lag_ms
        if note and (note.asked_ms < note.last_ms or engine.now_ms() >= note.last_ms + lag_ms):
            found[entity] = note
    return found


async def _look_back(engine: Engine, log: ChangeLog, side: Side, due: Mapping[str, Note]) -> int:
    """How many of our own writes the log still doesn't show when there is no more waiting for it."""
    began_ms = engine.now_ms()
    since_ms = min(note.since_ms for note in due.values())
    until_ms = max(note.last_ms for note in due.values())
    writes = engine.store.read(partial(_writes, engine, side=side, entities=due, since_ms=since_ms))
    told = _Told(writes)
    async for page in log.changed(sorted(due), since_ms, until_ms):
        for state in page:
            if told.covers(state):
                told.states[state.entity, state.record.id].append(_mapped_alone(engine, side, state))

    def save(tx: Tx) -> int:
        for place, states in told.states.items():
            for write in writes[place]:
                for pair, loss in _losses(engine, tx, side, place, write, states):
                    _tell(engine, tx, pair, side, write, loss)
        return sum(
            _advance(engine, tx, side, entity, note, began_ms, told.unseen(entity))
            for entity, note in due.items()
        )

    return await engine.store.write(save)


@dataclass(slots=True)
class _Told:
    """What a log says of the records that some writes were made to. `states`: those among the versions of a write;
    `reached`: the newest version of all."""

    writes: Mapping[Place, Sequence[Write]]
    states: dict[Place, list[Logged]] = field(default_factory=lambda: defaultdict(list))
    reached: dict[Place, int] = field(default_factory=dict)

    def covers(self, state: Logged) -> bool:
        """Whether a state is to be kept, which counts as told."""
        place, version = (state.entity, state.record.id), state.record.version
        if version is None or place not in self.writes:
            return False
        self.reached[place] = max(version, self.reached.get(place, 0))
        return any(span.covers(version) for _, span in self.writes[place])

    def unseen(self, entity: str) -> int:
        """How many writes that were answered have not been logged so far."""
        return sum(
            not span.found and span.answered > self.reached.get(place, 0)
            for place, writes in self.writes.items()
            if place[0] == entity
            for _, span in writes
        )


def _writes(
    engine: Engine, tx: Tx, *, side: Side, entities: Mapping[str, Note], since_ms: int
) -> dict[Place, list[Write]]:
    """Unconditional updates since then, by the record that they were made to."""
    found: dict[Place, list[Write]] = defaultdict(list)
    before: int | None = None
    while True:
        page = tx.journal(side=side, operation="update", before=before, limit=PAGE)
        for entry in page:
            pair, span = engine.dataflow.pair(entry.pair), span_of(entry)
            if entry.at_ms >= since_ms and span and pair and pair.entity[side] in entities:
                found[pair.entity[side], entry.record_id].append((entry, span))
        if len(page) < PAGE or page[-1].at_ms < since_ms:
            return dict(found)
        before = page[-1].seq


def _mapped_alone(engine: Engine, side: Side, state: Logged) -> Logged:
    """A state without the fields that no pair maps: there may be many of them."""
    fields = project(state.record.fields, engine.paths(side, state.entity))
    return replace(state, record=replace(state.record, fields=fields))


def _losses(
    engine: Engine, tx: Tx, side: Side, place: Place, write: Write, states: Sequence[Logged]
) -> Iterator[tuple[Pair, Loss]]:
    """What one write replaced unseen, in every pair of its entity."""
    entry, span = write
    writing = engine.dataflow.pair(entry.pair)
    if writing is None:
        return
    lookup, entity = StoreLookup(engine.dataflow, tx), engine.entity(writing, side)
    written = _values(writing, entry)
    groups = groups_of(writing, entity, side, written)
    for way in around(writing, side, span, written, states, lookup):
        for pair in engine.dataflow.of_entity(side, place[0]):
            of_pair = written if pair is writing else {}
            for loss in losses(pair, entity, side, of_pair, groups, way, lookup):
                yield pair, loss


def _values(pair: Pair, entry: Entry) -> Values:
    found = {}
    for change in entry.changes:
        name, old, new = str(change.get("property")), change.get("old"), change.get("new")
        if pair.property(name) is not None and isinstance(old, list) and isinstance(new, list):
            found[name] = (tuple(old), tuple(new))
    return found


async def logged_as_applied(engine: Engine, intent: Intent, version: int | None) -> Record | None:
    """The record as an update in doubt has left it, if the log shows that it was applied before a reading of that
    version, whatever has come of it since; None also if there is nothing to learn. Raises as `ChangeLog.changed`."""
    pair, side = engine.dataflow.pair(intent.key.pair), intent.side
    log, seen = engine.connectors[side], intent.seen_version
    if pair is None or seen is None or version is None or version <= seen or intent.operation != "update":
        return None
    entity = engine.entity(pair, side)
    if not entity.abilities.log or not isinstance(log, ChangeLog):
        return None
    since_ms = intent.made_ms - FRESH_MS
    states = [
        state
        async for page in log.changed([entity.name], since_ms, engine.now_ms())
        for state in page
        if state.record.id == intent.record_id
    ]
    written = {
        name: (old, meant)
        for name, (_, old, meant) in intent.properties.items()
        if pair.property(name) is not None and old is not None and meant is not None
    }

    def shown(tx: Tx) -> Record | None:
        lookup = StoreLookup(engine.dataflow, tx)
        ways = around(pair, side, Span(seen, version, found=True), written, states, lookup)
        return next((way.ours.record for way in ways if way.ours is not None), None)

    return engine.store.read(shown)


def _tell(engine: Engine, tx: Tx, pair: Pair, side: Side, write: Write, loss: Loss) -> None:
    """Journal a loss and hold it, unless that was done before."""
    entry, span = write
    id, lost = entry.record_id, loss.logged.record
    versions: Json = [lost.version, span.answered]
    before = tx.journal(pair=pair.name, side=side, record_id=id, operation=CAUSE, limit=PAGE)
    if any(
        change.get("versions") == versions and change.get("property") == loss.property.name
        for one in before
        if one.side is side  # the journal of a record has the entries of its partner, too
        for change in one.changes
    ):
        return
    values = {"property": loss.property.name, "old": plain(loss.raw), "new": plain(loss.by)}
    when = f", {moment(lost.updated_ms)} UTC" if lost.updated_ms is not None else ""
    told = Entry(
        engine.now_ms(),
        engine.run,
        pair.name,
        CAUSE,
        "done",
        side,
        id,
        reason=f"the edit of {lost.author or 'somebody'}{when}, by run {entry.run}",
        changes=[{**values, "versions": versions}],
        request=loss.logged.id,
    )
    link = tx.link_of(pair.name, side, id)
    if link is not None:
        told = replace(told, partner_id=link.ids[side.other], link_id=link.id)
    tx.append([told])
    if link is not None and link.state == "live":
        _hold(engine, tx, pair, side, link.ids, loss)


def _hold(engine: Engine, tx: Tx, pair: Pair, side: Side, ids: Both[str], loss: Loss) -> None:
    """Hold a lost value for a person, unless it is there again."""
    key, prop = Key(pair.name, Side.LEFT, ids.left), loss.property
    raw = Both.of(lambda s: _now(tx, pair, s, ids[s], loss))
    left, right = raw.left, raw.right
    if left is None or right is None:
        return
    canon, lookup = prop.transformation.canon, StoreLookup(engine.dataflow, tx)
    if canon(side, raw[side] or (), lookup) == canon(side, loss.raw, lookup):
        return
    at_ms = loss.logged.record.updated_ms
    system = engine.connectors[side].name
    hold = overwritten_hold(
        key, loss, side, Both(left, right), system, "" if at_ms is None else f"{moment(at_ms)} UTC"
    )
    others = [h for h in tx.holds_of(key) if (h.property, h.cause) != (prop.name, CAUSE)]
    engine.hold(tx, key, [*others, hold])


def _now(tx: Tx, pair: Pair, side: Side, id: str, loss: Loss) -> Raw | None:
    """What a side holds of the property, as far as is known."""
    seen = tx.sighting(side, pair.entity[side], id)
    if seen is None or seen.deleted:
        return None
    raw = raw_of(loss.property.parts[side], seen.fields)
    return None if raw is None else loss.property.transformation.trim(side, raw)


def _advance(
    engine: Engine, tx: Tx, side: Side, entity: str, asked: Note, began_ms: int, missing: int
) -> int:
    """Note that the log was asked, or that it need not be asked any more. `missing`: how many writes it did not
    show; returns that if it is given up waiting for them."""
    note = Note.read(tx, side, entity) or asked
    able = engine.connectors[side].entities()[entity].abilities
    over = note.last_ms == asked.last_ms and began_ms >= note.last_ms + able.list_lag_ms
    patient = began_ms < note.last_ms + PATIENCE_MS
    if over and not (missing and patient):
        Note.drop(tx, side, entity)
        return missing
    since_ms = note.since_ms
    if not missing:  # what was logged before that was seen, of all writes that could be closed by then
        doubt_ms = 2 * engine.settings.timeout_ms + able.late_apply_ms
        complete_ms = began_ms - able.list_lag_ms - doubt_ms - FRESH_MS - able.read_lag_ms
        since_ms = max(since_ms, complete_ms)
    Note(since_ms, note.last_ms, began_ms).save(tx, side, entity)
    return 0
