"""What comes of a write, in one transaction: intent closed, sighting, link and base moved, journal written.

The base moves only here (by the response to our own write, for the properties that were written) and in
`turn` (by seeing agreement). Nothing here asks a system for anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from instep.core.dataflow import Pair
from instep.core.diff import raw_of
from instep.core.gone import is_retired
from instep.core.match import is_apart, sources_digest
from instep.core.model import Both, Record, Side
from instep.core.overwritten import CAUSE as OVERWRITTEN
from instep.core.payload import preset, retirement
from instep.core.release import GIVING, WHOLE
from instep.core.standing import whole
from instep.core.state import Hold, Intent, Key, Link, Release, Sighting
from instep.core.transformations.contract import Canon
from instep.core.values import Json, Raw, digest, plain
from instep.errors import Refused
from instep.runner.engine import Engine, StoreLookup
from instep.runner.observe import sighted, take, unread
from instep.runner.reused import REUSED
from instep.runner.turn import linked
from instep.runner.watched import NEWEST, watch
from instep.store.contract import AlreadyLinked, Entry, Tx

GONE = "the record is gone"
NOTHING: Mapping[str, Both[Raw]] = MappingProxyType({})


def pair_of(engine: Engine, intent: Intent) -> Pair:
    pair = engine.dataflow.pair(intent.key.pair)
    if pair is None:
        raise LookupError(intent.key.pair)
    return pair


def ids_of(intent: Intent, id: str) -> Both[str]:
    """The ids that a create links: the record `id` that it made, and its source."""
    return Both(id, intent.source_id) if intent.side is Side.LEFT else Both(intent.source_id, id)


def standing(engine: Engine, intent: Intent, seen: Sighting) -> Literal["landed", "before", "other"]:
    """Whether a reading shows everything that an update meant, everything as it was before, or neither."""
    pair, side = pair_of(engine, intent), intent.side
    if intent.operation == "retire":
        return "landed" if is_retired(engine.entity(pair, side), seen.fields) else "before"

    def compare(tx: Tx) -> Literal["landed", "before", "other"]:
        lookup = StoreLookup(engine.dataflow, tx)
        landed = before = True
        for name, (_, old, meant) in intent.properties.items():
            prop = pair.property(name)
            now = None if prop is None else raw_of(prop.parts[side], seen.fields)
            ours = _trimmed(pair, name, side, meant)
            if prop is None or now is None or ours is None:
                continue
            now = prop.transformation.trim(side, now)
            before = before and now == old
            landed = landed and prop.transformation.canon(side, now, lookup) == prop.transformation.canon(
                side, ours, lookup
            )
        return "landed" if landed else "before" if before else "other"

    return engine.store.read(compare)


def as_sent(engine: Engine, intent: Intent, record: Record) -> bool:
    """Whether a record holds what a create in doubt was to give it, but for what it may not have taken."""
    pair, side = pair_of(engine, intent), intent.side

    def compare(tx: Tx) -> bool:
        lookup = StoreLookup(engine.dataflow, tx)
        for name, (_, _, meant) in intent.properties.items():
            prop = pair.property(name)
            now, ours = _answered(pair, name, side, record), _trimmed(pair, name, side, meant)
            if prop is None or now is None or ours is None:
                continue
            here = prop.transformation.canon(side, now, lookup)
            if here is not None and here != prop.transformation.canon(side, ours, lookup):
                return False
        return True

    return engine.store.read(compare)


def done(engine: Engine, tx: Tx, intent: Intent, record: Record) -> None:
    """The system answered the write with the record as it is now."""
    if intent.operation == "create":
        _created(engine, tx, intent, record, "done")
    else:
        _written(engine, tx, intent, record)


def see(engine: Engine, tx: Tx, intent: Intent, record: Record) -> Sighting:
    """Save a reading of what an intent wrote, unless a newer one came in meanwhile; returns what is known now."""
    side, entity = intent.side, pair_of(engine, intent).entity[intent.side]
    before = tx.sighting(side, entity, record.id)
    older = (
        before is not None
        and before.version is not None
        and record.version is not None
        and record.version < before.version
    )
    if before is not None and older:
        return before
    if before is not None:  # an answer to a write may offer less than a reading does
        record = replace(record, fields={**before.fields, **record.fields})
    after = sighted(engine, side, entity, record, before)
    shown_ms = 0 if before is None else before.shown_ms  # what takes a write may show nothing of it
    after = replace(after, shown_ms=shown_ms or _answered_ms(engine, side, record))
    take(engine, tx, before, after, intent.key.pair)
    return after


def _answered_ms(engine: Engine, side: Side, record: Record) -> int:
    """When a system must have had a record that it answered a write with. A repeated idempotency key is answered with
    what was noted the first time: so the record's own times tell, where it has any."""
    told_ms = record.updated_ms if record.updated_ms is not None else record.created_ms
    now_ms = engine.now_ms()
    return now_ms if told_ms is None else min(now_ms, told_ms - engine.connectors[side].clock_skew_ms)


def _written(engine: Engine, tx: Tx, intent: Intent, record: Record) -> None:
    pair = pair_of(engine, intent)
    seen = see(engine, tx, intent, record)
    link = tx.link(intent.link_id)
    before = {} if link is None else link.base
    if link is not None:
        base = {**link.base, **_put_out_of_use(engine, tx, intent, link, seen)}
        for name, (source, _, meant) in intent.properties.items():
            answer = _answered(pair, name, intent.side, record) or _trimmed(pair, name, intent.side, meant)
            if source is not None and answer is not None:
                base[name] = Both(answer, source) if intent.side is Side.LEFT else Both(source, answer)
        tx.save_link(replace(link, base=base))
    if seen.version == record.version:  # else somebody was there after us
        _date_given(engine, tx, intent, seen, intent.properties)
    _close(engine, tx, intent, "done", record, before=before)


def _date_given(engine: Engine, tx: Tx, intent: Intent, seen: Sighting, landed: Iterable[str]) -> None:
    """A value that a person gave is as old as that, whenever it was written: what others entered since is later."""
    pair, skew_ms = pair_of(engine, intent), engine.connectors[intent.side].clock_skew_ms
    given_ms = {r.property: r.at_ms + skew_ms for r in tx.releases_of(intent.key) if r.choice in GIVING}
    edits: dict[str, tuple[int | None, int]] = {}
    for name in landed:
        prop = pair.property(name)
        if prop is not None and name in given_ms and intent.properties[name][0] is None:
            edits |= dict.fromkeys(prop.parts[intent.side].fields, (given_ms[name], given_ms[name]))
    if edits:
        tx.save_sightings([replace(seen, edits={**seen.edits, **edits})])


def _created(engine: Engine, tx: Tx, intent: Intent, record: Record, outcome: str) -> None:
    """A record that we made, or that turned out to be the one we made: link it to its source."""
    pair, side = pair_of(engine, intent), intent.side
    seen = see(engine, tx, intent, record)
    ids = ids_of(intent, record.id)
    lookup = StoreLookup(engine.dataflow, tx)
    base: dict[str, Both[Raw]] = {}
    origin = tx.sighting(side.other, pair.entity[side.other], intent.source_id)
    if outcome == "done" and origin is not None:
        base |= preset(engine.scene(tx, pair), side, origin.fields, record.fields)
    for name, (source, _, meant) in intent.properties.items():
        prop = pair.property(name)
        answer = _answered(pair, name, side, record) or _trimmed(pair, name, side, meant)
        if prop is None or source is None or answer is None:
            continue
        here: Canon = prop.transformation.canon(side, answer, lookup)
        there: Canon = prop.transformation.canon(side.other, source, lookup)
        if outcome == "done" and here is None and there is not None:
            continue  # the create did not take it: it follows as an update
        if outcome != "done" and here != there:
            # Somebody has edited our record since: what we sent is its base, so that their edit flows back.
            answer = _trimmed(pair, name, side, meant) or answer
        base[name] = Both(answer, source) if side is Side.LEFT else Both(source, answer)
    try:
        link = tx.save_link(
            Link(
                0,
                pair.name,
                ids,
                base,
                generation=intent.generation,
                made_ms=engine.now_ms(),
                made_by=f"created {side}",
            )
        )
    except AlreadyLinked as taken:
        engine.hold(tx, intent.key, [taken_hold(intent, record.id, taken.link)])
        _close(engine, tx, intent, "found done", record)
        return
    apart = is_apart(tx.releases_of(intent.key))
    _close(engine, tx, intent, outcome, record, link.id)
    linked(engine, tx, link, f"created {side}")
    if apart:  # chosen while the create was on its way: the two are parted again
        key = Key(pair.name, Side.LEFT, link.ids.left)
        tx.save_release(Release(key, WHOLE, "apart", "", at_ms=engine.now_ms()))
        tx.mark([key], reason="a person chose")
    if seen.deleted:
        tx.mark([Key(pair.name, Side.LEFT, link.ids.left)], reason="deleted after it was created")


def adopt(engine: Engine, tx: Tx, intent: Intent, record: Record, *, applied: Record | None = None) -> None:
    """A reading made a write definite that was in doubt: work out, property by property, what came of it.

    What reads as we meant it has landed. What reads as before was not applied and is decided anew, unless it is known
    how the record was when ours was `applied`: then somebody has put it back. That, and anything else, was
    overwritten at the target by somebody who may have seen ours: theirs flows back.
    """
    if intent.operation == "create":
        _created(engine, tx, intent, record, "found done")
        return
    pair, side = pair_of(engine, intent), intent.side
    seen = see(engine, tx, intent, record)
    link = tx.link(intent.link_id)
    if link is None:
        tx.close_intent(intent.id)
        return
    lookup = StoreLookup(engine.dataflow, tx)
    base = dict(link.base)
    landed: list[str] = []
    put_back: list[str] = []
    for name, (source, old, meant) in intent.properties.items():
        prop = pair.property(name)
        now = None if prop is None else raw_of(prop.parts[side], seen.fields)
        ours = _trimmed(pair, name, side, meant)
        if prop is None or now is None or ours is None:
            continue
        now = prop.transformation.trim(side, now)
        here = prop.transformation.canon(side, now, lookup)
        same = here == prop.transformation.canon(side, ours, lookup)
        landed += [name] if same else []
        if source is None:
            continue  # a value that came from no other side moves no base
        if same:
            base[name] = Both(now, source) if side is Side.LEFT else Both(source, now)
        elif now != old or applied is not None:
            base[name] = Both(ours, source) if side is Side.LEFT else Both(source, ours)
            if now == old:
                put_back += prop.parts[side].fields
    base |= _put_out_of_use(engine, tx, intent, link, seen)
    tx.save_link(replace(link, base=base))
    if applied is not None and applied.updated_ms is not None and seen.updated_ms is not None:
        times = (applied.updated_ms, seen.updated_ms)
        seen = replace(seen, edits={**seen.edits, **dict.fromkeys(put_back, times)})
        tx.save_sightings([seen])
    _date_given(engine, tx, intent, seen, landed)
    is_done = bool(landed) or applied is not None
    if intent.operation == "retire":
        is_done = is_done or _out_of_use(engine, tx, intent, seen)
    _close(engine, tx, intent, "found done" if is_done else "not applied", record, before=link.base)


def _put_out_of_use(
    engine: Engine, tx: Tx, intent: Intent, link: Link, seen: Sighting
) -> Mapping[str, Both[Raw]]:
    """The bases that a retirement of ours moves, if that is what the intent was and the record is out of use."""
    pair, side = pair_of(engine, intent), intent.side
    if intent.operation != "retire" or not is_retired(engine.entity(pair, side), seen.fields):
        return {}
    partner = tx.sighting(side.other, pair.entity[side.other], link.ids[side.other])
    if partner is None:
        return {}
    return retirement(engine.scene(tx, pair), side, seen.fields, partner.fields)


def _out_of_use(engine: Engine, tx: Tx, intent: Intent, seen: Sighting) -> bool:
    """Whether the record of a retirement is retired, or gone, as when its id stands for another one by now."""
    reused = any(hold.cause == REUSED for hold in tx.holds_of(intent.key))
    return (
        seen.deleted or reused or is_retired(engine.entity(pair_of(engine, intent), intent.side), seen.fields)
    )


def not_applied(engine: Engine, tx: Tx, intent: Intent, why: str, request: str = "") -> None:
    """The write is known not to have happened; nothing moved. `request`: the system's id of it, if known."""
    tx.close_intent(intent.id)
    tx.append([_entry(engine, intent, "not applied", why, request=request)])


def refused(engine: Engine, tx: Tx, intent: Intent, error: Refused) -> None:
    """The system looked at it and said no: hold what it refused, until its value changes."""
    pair = pair_of(engine, intent)
    tx.close_intent(intent.id)
    tx.append([_entry(engine, intent, "refused", error.why or error.what, request=error.request)])
    holds = [hold for hold in tx.holds_of(intent.key) if hold.cause in ("refused", OVERWRITTEN)]
    names = [WHOLE] if intent.operation != "update" else blamed(pair, intent, error)
    if intent.operation == "update" and not error.field and len(intent.properties) > 1:
        engine.apart.add(intent.key)  # one of several was refused: each is tried on its own
        return
    if intent.operation != "update":
        about = sources_digest({name: source for name, (source, _, _) in intent.properties.items()})
        holds = [Hold(intent.key, "", "refused", error.what, error.why, _mend(engine, intent, error), about)]
    else:
        for name in names:
            holds = [hold for hold in holds if hold.property != name]
            holds.append(_refused_hold(engine, tx, intent, name, error))
    engine.hold(tx, intent.key, holds)
    tx.drop_releases(intent.key, names)  # a retry is one try


def blamed(pair: Pair, intent: Intent, error: Refused) -> list[str]:
    """The properties that a refusal is about; all that were written if it doesn't say."""
    named = []
    for name in intent.properties:
        prop = pair.property(name)
        fields = () if prop is None else prop.parts[intent.side].fields
        if error.field and any(_covers(path, error.field) for path in fields):
            named.append(name)
    return named or list(intent.properties)


def _covers(path: str, named: str) -> bool:
    return path == named or path.startswith(f"{named}.") or named.startswith((f"{path}.", f"{path}["))


def forget(engine: Engine, tx: Tx, intent: Intent, request: str = "") -> None:
    """The record that the write was for is gone. What came of the write no longer matters, but is noted: it may have
    replaced something before the record went."""
    _to_be_read(engine, tx, intent)
    tx.close_intent(intent.id)
    versions = watch(engine, tx, intent, NEWEST)
    entry = _entry(engine, intent, "not applied", GONE, request=request)
    tx.append([replace(entry, changes=[{**change, **versions} for change in entry.changes])])


def _to_be_read(engine: Engine, tx: Tx, intent: Intent) -> None:
    seen = tx.sighting(intent.side, pair_of(engine, intent).entity[intent.side], intent.record_id)
    if seen is not None:
        tx.save_sightings([unread(engine, seen)])


def found_gone(engine: Engine, tx: Tx, intent: Intent) -> None:
    """The record of a write in doubt is gone: a retirement was to bring about just that, and counts as made."""
    if intent.operation != "retire":
        forget(engine, tx, intent)
        return
    _to_be_read(engine, tx, intent)
    tx.close_intent(intent.id)
    tx.append([_entry(engine, intent, "found done", GONE)])


def _answered(pair: Pair, name: str, side: Side, record: Record) -> Raw | None:
    prop = pair.property(name)
    raw = None if prop is None else raw_of(prop.parts[side], record.fields)
    return None if prop is None or raw is None else prop.transformation.trim(side, raw)


def _trimmed(pair: Pair, name: str, side: Side, meant: Raw | None) -> Raw | None:
    """What we meant to write, with nothing for the context; None if it isn't known."""
    prop = pair.property(name)
    return None if prop is None or meant is None else whole(prop, side, meant)


def _mend(engine: Engine, intent: Intent, error: Refused) -> str:
    """What mends a refusal: what the connector knows, or else what always does; ID stands for the hold."""
    source = engine.connectors[intent.side.other].name
    return error.fix or (
        f"change the value in {source}; if nothing is wrong with it any more: instep holds release ID --choose retry"
    )


def _refused_hold(engine: Engine, tx: Tx, intent: Intent, name: str, error: Refused) -> Hold:
    pair = pair_of(engine, intent)
    source, old, _ = intent.properties[name]
    prop, other = pair.property(name), intent.side.other
    if (
        source is None and prop is not None
    ):  # the value came from no other side, which has its own all the same
        seen = tx.sighting(other, pair.entity[other], intent.source_id)
        source = raw_of(prop.parts[other], seen.fields) if seen is not None else None
        source = None if source is None else prop.transformation.trim(other, source)
    raw = Both(old, source) if intent.side is Side.LEFT else Both(source, old)
    shown: Json = {side.value: plain(raw[side]) for side in Side}
    about = digest([name, [list(value or ()) for value in raw]])
    fix = _mend(engine, intent, error)
    return Hold(intent.key, name, "refused", error.what, error.why, fix, about, values={name: shown})


def taken_hold(intent: Intent, id: str, link: Link) -> Hold:
    return Hold(
        intent.key,
        "",
        "duplicate",
        f"{intent.source_id} should be {id}, which is linked already",
        f"{id} is the partner of {link.ids[intent.side.other]}",
        "remove one of the two, or unlink the wrong one: instep links remove",
        sources_digest({name: source for name, (source, _, _) in intent.properties.items()}),
    )


def _close(
    engine: Engine,
    tx: Tx,
    intent: Intent,
    outcome: str,
    record: Record,
    link_id: int = 0,
    before: Mapping[str, Both[Raw]] = NOTHING,
) -> None:
    """`before`: the bases that the two sides had agreed on when it was decided."""
    tx.close_intent(intent.id)
    if outcome != "not applied":
        tx.drop_releases(intent.key, _decided_by(pair_of(engine, intent), intent))
    entry = _entry(engine, intent, outcome, intent.reason, before, record.request)
    versions = watch(engine, tx, intent, record.version)
    changes = [{**_as_kept(engine, tx, intent, record, change), **versions} for change in entry.changes]
    tx.append([replace(entry, record_id=record.id, link_id=link_id or intent.link_id, changes=changes)])


def _as_kept(
    engine: Engine, tx: Tx, intent: Intent, record: Record, change: Mapping[str, Json]
) -> Mapping[str, Json]:
    """A change with what the system made of it (`kept`), where that says something else than what was meant."""
    pair, side, name = pair_of(engine, intent), intent.side, str(change["property"])
    prop = pair.property(name)
    answer = _answered(pair, name, side, record)
    meant = _trimmed(pair, name, side, intent.properties[name][2])
    if prop is None or answer is None or meant is None:
        return change
    lookup = StoreLookup(engine.dataflow, tx)
    if prop.transformation.canon(side, answer, lookup) == prop.transformation.canon(side, meant, lookup):
        return change
    return {**change, "kept": plain(answer)}


def _decided_by(pair: Pair, intent: Intent) -> list[str]:
    """What the releases are called that may have led to a write: its properties, their groups, or the record."""
    if intent.operation == "retire":
        return []  # its choice ends with the link, which the next turn puts to rest
    if intent.operation == "create":
        return [""]
    followed = [name for name, (source, _, _) in intent.properties.items() if source is not None]
    props = [pair.property(name) for name in followed]
    return [*followed, *sorted({prop.group for prop in props if prop is not None and prop.group})]


def _entry(
    engine: Engine,
    intent: Intent,
    outcome: str,
    reason: str,
    before: Mapping[str, Both[Raw]] = NOTHING,
    request: str = "",
) -> Entry:
    """`request`: the system's own id of it; our key where it told none."""
    changes: list[dict[str, Json]] = []
    for name, (source, old, meant) in intent.properties.items():
        change = {"property": name, "old": plain(old), "new": plain(meant), "source": plain(source)}
        if intent.operation == "update":
            change["base"] = [plain(raw) for raw in before[name]] if name in before else None
        changes.append(change)
    return Entry(
        engine.now_ms(),
        intent.run,
        intent.key.pair,
        intent.operation,
        outcome,
        intent.side,
        intent.record_id or intent.chosen_id,
        intent.source_id,
        intent.link_id,
        reason,
        changes,
        request or intent.idempotency,
    )
