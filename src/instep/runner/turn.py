"""One turn at one key, inside one transaction: judge what is known, and take every step that needs no network.

The result says what to ask of a system next, with the intent already saved; or that there is nothing left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from instep.core.dataflow import Pair
from instep.core.identity import made_id
from instep.core.match import BY_HAND
from instep.core.model import Both, Record, Side
from instep.core.release import WHOLE, kept_apart
from instep.core.standing import rebased
from instep.core.state import Hold, Intent, Key, Link, Sighting, Todo
from instep.core.values import Raw, plain
from instep.core.verdict import Verdict, Write
from instep.runner.engine import Engine
from instep.runner.fights import fought
from instep.runner.judge import Case, judge
from instep.runner.observe import unsettled_ms, wake_alike
from instep.store.contract import AlreadyLinked, Entry, Tx

Permit = Callable[[Tx, Link | None, Key, Write], Write | None]
"""What of that write this run may make, for that link (None: the record has none yet); None for nothing of it."""

BUSY_MS = 50
"""How long to leave a record to the worker that is at it."""

Freshness = dict[Side, tuple[int | None, str, int]]
"""Per side, version and digest of a reading made for this very look, and when it was asked for."""

FRESH_MS = 300_000
"""How old such a reading may be for a write to be decided on it; older ones are of a process that stood still."""


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next: at most one of `settle`, `read`, `send` is set; `skipped` if the run may not do it;
    `wait_ms` if it is too early. None of them: the key is dealt with."""

    key: Key
    settle: Intent | None = None
    read: tuple[Side, str] | None = None
    send: Intent | None = None
    seen: Record | None = None
    skipped: Write | None = None
    wait_ms: int = 0
    verdict: Verdict | None = None


def turn(
    engine: Engine, tx: Tx, todo: Todo, key: Key, permit: Permit, fresh: Freshness, mine: set[Key]
) -> Step:
    """Take every step at `key` that needs no network; `todo` is finished if none is left.

    `mine`: the keys that this look has to itself; those that it comes to need are claimed.
    """
    for _ in range(5):
        case = judge(engine, tx, key)
        key = case.key
        about = {key, *(intent.key for intent in case.intents)}
        if not engine.claims.take(about, mine):
            return Step(key, wait_ms=BUSY_MS)  # another look is at it: its calls must not be doubted
        if case.intents:
            return Step(key, settle=case.intents[0])
        if case.reads:
            return _reading(engine, tx, case, *case.reads[0])
        verdict = case.verdict
        if verdict is None:
            raise AssertionError("a case without intents and reads has a verdict")
        if verdict.link is not None:
            suspect = _suspect(tx, case, verdict.link)
            if suspect is not None:
                return _reading(engine, tx, case, *suspect)
            misfit = _misfit(tx, case, verdict, verdict.link)
            if misfit is not None:
                tx.replace_holds(key, [misfit])
                tx.drop_releases(key, verdict.used)
                tx.finish(todo)
                return Step(key, verdict=Verdict(key, holds=(misfit,)))
            if not _link(engine, tx, case, verdict):
                return Step(key, wait_ms=BUSY_MS)
            continue
        if verdict.writes:
            if verdict.undone:
                _rest_undone(engine, tx, case, verdict)
            write = _permitted(tx, case, verdict, permit)
            if write is None:
                engine.hold(tx, key, verdict.holds)
                return Step(key, skipped=verdict.writes[0], verdict=verdict)
            fights = fought(engine, tx, case, verdict, write)
            if fights:
                _hold_beside(engine, tx, key, fights)
                continue
            return _prepare(engine, tx, case, verdict, write, fresh)
        _apply(engine, tx, case, verdict)
        if verdict.unlink or (verdict.used and tx.releases_of(key)):
            continue  # what was chosen for the records as a whole comes after their properties
        if verdict.wait_ms:
            return Step(key, wait_ms=verdict.wait_ms, verdict=verdict)
        tx.finish(todo)
        return Step(key, verdict=verdict)
    return Step(key, wait_ms=BUSY_MS)


def _reading(engine: Engine, tx: Tx, case: Case, side: Side, id: str) -> Step:
    """Read a record that something was heard of; not while the answer could be from before that."""
    wait_ms = unsettled_ms(engine, tx.sighting(side, case.pair.entity[side], id))
    if not wait_ms:
        return Step(case.key, read=(side, id))
    engine.readable_ms = max(engine.readable_ms, engine.now_ms() + wait_ms)
    note = f"{id} has just changed, and a reading may still show what it was"
    return Step(case.key, wait_ms=wait_ms, verdict=Verdict(case.key, note=note, wait_ms=wait_ms))


def _permitted(tx: Tx, case: Case, verdict: Verdict, permit: Permit) -> Write | None:
    """The first write of a verdict that may be made, or the part of it that may; None if none may."""
    for write in verdict.writes:
        part = permit(tx, case.link, case.key, write)
        if part is not None:
            return part
    return None


def _prepare(engine: Engine, tx: Tx, case: Case, verdict: Verdict, write: Write, fresh: Freshness) -> Step:
    """Save the intent of a write, unless its target has to be looked at before."""
    if case.key in engine.apart and len(write.changes) > 1:
        write = _first_alone(case.pair, write)
    target = case.seen[write.side]
    abilities = case.scene.entities[write.side].abilities
    if write.operation != "create":
        if target is None:
            raise AssertionError("an update has a target")
        conditional = abilities.conditional and target.token is not None
        if not conditional and not _is_fresh(engine, target, fresh.get(write.side)):
            return Step(case.key, read=(write.side, write.record_id), verdict=verdict)
    for lost in verdict.overruled:
        if write.side is lost.side and any(change.property == lost.property for change in write.changes):
            tx.append([_overruled_entry(engine, case, lost.property, lost.side, lost.raw, lost.why)])
    return Step(
        case.key,
        send=tx.save_intent(_intent(engine, case, write)),
        seen=None if target is None else as_record(target),
        verdict=verdict,
    )


def _is_fresh(engine: Engine, target: Sighting, read: tuple[int | None, str, int] | None) -> bool:
    """Whether a target was read for this look, just now, and is what that reading showed."""
    return (
        read is not None
        and read[:2] == (target.version, target.digest)
        and engine.now_ms() - read[2] <= FRESH_MS
    )


def _first_alone(pair: Pair, write: Write) -> Write:
    """The first change of an update alone; the others follow in writes of their own."""
    change = write.changes[0]
    prop = pair.property(change.property)
    fields = () if prop is None else prop.parts[write.side].fields
    payload = {path: value for path, value in write.payload.items() if path in fields}
    return replace(write, payload=payload, changes=(change,))


def _intent(engine: Engine, case: Case, write: Write) -> Intent:
    side, pair = write.side, case.pair
    source = case.seen[side.other]
    target = case.seen[side]
    generation = case.link.generation if case.link else write.generation
    source_id = case.link.ids[side.other] if case.link else case.key.id
    abilities = case.scene.entities[side].abilities
    name = made_id(
        pair.id_template[side], source_id, generation=generation, max_length=abilities.max_id_length
    )
    create = write.operation == "create"
    payload = dict(write.payload)
    # A property that maps the record's own id chooses it: it goes into the key of the create, not its fields.
    mapped = payload.pop("id", None) if create and abilities.chosen_id else None
    return Intent(
        case.key,
        side,
        write.operation,
        write.record_id,
        source_id,
        payload,
        {c.property: (c.source, c.old, c.new) for c in write.changes},
        engine.idempotency_key(),
        chosen_id=(str(mapped) if mapped else name) if create and abilities.chosen_id else "",
        marker=name if create and abilities.marker else "",
        link_id=case.link.id if case.link else 0,
        source_version=source.version if source else None,
        seen_version=target.version if target else None,
        seen_token=target.token if target else None,
        generation=generation,
        run=engine.run,
        reason=write.why,
        made_ms=engine.now_ms(),
        sent_ms=engine.now_ms(),
        attempts=1,
    )


def _suspect(tx: Tx, case: Case, ids: Both[str]) -> tuple[Side, str] | None:
    """The one of two records about to be linked that has to be read first: it may not be there any more."""
    for side in Side:
        seen = tx.sighting(side, case.pair.entity[side], ids[side])
        if seen is not None and seen.unread:
            return side, ids[side]
    return None


def _misfit(tx: Tx, case: Case, verdict: Verdict, ids: Both[str]) -> Hold | None:
    """Why a person's choice of partner can't be: the record is not known, or has another partner."""
    for side in Side:
        if tx.sighting(side, case.pair.entity[side], ids[side]) is None:
            return _unknown(case, side, ids[side])
        taken = tx.link_of(case.pair.name, side, ids[side])
        if taken is not None and verdict.how == BY_HAND:
            return _taken(case, side, taken)
    return None


def _link(engine: Engine, tx: Tx, case: Case, verdict: Verdict) -> bool:
    """Link two records that are the same; False if one of them is linked or being made by now."""
    ids = verdict.link
    if ids is None:
        return False
    for side in Side:
        if tx.intent_to(case.pair.name, side, ids[side]) is not None:
            return False
    try:
        link = tx.save_link(Link(0, case.pair.name, ids, made_ms=engine.now_ms(), made_by=verdict.how))
    except AlreadyLinked:
        return False
    linked(engine, tx, link, verdict.how)
    tx.drop_releases(case.key, verdict.used)
    return True


def linked(engine: Engine, tx: Tx, link: Link, how: str) -> None:
    """What follows from a new link: its records' own holds end, and who waited for them is looked at."""
    pair = engine.dataflow.pair(link.pair)
    if pair is None:
        raise LookupError(link.pair)
    tx.append(
        [
            Entry(
                engine.now_ms(),
                engine.run,
                link.pair,
                "link",
                "done",
                Side.LEFT,
                link.ids.left,
                link.ids.right,
                link.id,
                how,
            )
        ]
    )
    for side in Side:
        tx.replace_holds(Key(link.pair, side, link.ids[side]), [])
        tx.drop_releases(Key(link.pair, side, link.ids[side]), [WHOLE])
        waiting = tx.waiting_for(side, pair.entity[side], link.ids[side])
        tx.mark(waiting, reason="its reference was linked")


def _rest_undone(engine: Engine, tx: Tx, case: Case, verdict: Verdict) -> None:
    """What was undone rests from now on, whatever else there is to write and becomes of that: its base counts again
    before anybody can answer its hold."""
    if case.link is not None:
        tx.save_link(rebased(case.link, {name: verdict.agreed[name] for name in verdict.undone}))
    _hold_beside(engine, tx, case.key, [hold for hold in verdict.holds if hold.cause == "undone"])
    tx.drop_releases(case.key, verdict.undone)


def _hold_beside(engine: Engine, tx: Tx, key: Key, holds: Sequence[Hold]) -> None:
    """Hold some properties, and leave the holds of all others as they are."""
    names = {hold.property for hold in holds}
    engine.hold(tx, key, [*(h for h in tx.holds_of(key) if h.property not in names), *holds])


def _apply(engine: Engine, tx: Tx, case: Case, verdict: Verdict) -> None:
    """Save what a verdict without writes says: bases that agree, holds, rest, unlinking."""
    link = case.link
    if link is not None and verdict.agreed:
        moved = rebased(link, verdict.agreed)
        if moved != link:
            link = tx.save_link(moved)
    if verdict.holds or not verdict.wait_ms:  # while a record waits, what is known of it goes on to count
        engine.hold(tx, case.key, verdict.holds)
    if verdict.used:
        tx.drop_releases(case.key, verdict.used)
    if link is not None and verdict.retired and link.state == "live":
        tx.save_link(replace(link, state="retired"))
        tx.drop_releases(case.key, [""])
        tx.append([_link_entry(engine, link, "retire", verdict.retired)])
    if link is not None and verdict.unlink:
        tx.remove_link(link.id)
        tx.drop_releases(case.key, [release.property for release in tx.releases_of(case.key)])
        tx.append([_link_entry(engine, link, "unlink", verdict.note)])
        keys = [Key(link.pair, side, link.ids[side]) for side in Side]
        for release in kept_apart(link, engine.now_ms()) if verdict.apart else ():
            tx.save_release(release)
        for key in keys:
            wake_alike(tx, link.pair, tx.match_values(link.pair, key.side, key.id))
        tx.mark(keys, reason="unlinked")


def as_record(seen: Sighting) -> Record:
    """A sighting as the reading that a connector's write starts from."""
    return Record(
        seen.id,
        seen.fields,
        seen.version,
        seen.token,
        seen.updated_ms,
        seen.created_ms,
        seen.deleted,
        True,
        seen.author,
    )


def _link_entry(engine: Engine, link: Link, operation: str, reason: str) -> Entry:
    return Entry(
        engine.now_ms(),
        engine.run,
        link.pair,
        operation,
        "done",
        Side.LEFT,
        link.ids.left,
        link.ids.right,
        link.id,
        reason,
    )


def _overruled_entry(engine: Engine, case: Case, name: str, side: Side, lost: Raw, why: str) -> Entry:
    ids = case.link.ids if case.link else Both("", "")
    return Entry(
        engine.now_ms(),
        engine.run,
        case.pair.name,
        "overruled",
        "done",
        side,
        ids[side],
        ids[side.other],
        case.link.id if case.link else 0,
        why,
        ({"property": name, "old": plain(lost), "new": None},),
    )


def _unknown(case: Case, side: Side, id: str) -> Hold:
    return Hold(
        case.key,
        "",
        "ambiguous",
        f"{case.key.id} can't be linked to {id}",
        f"no such {case.pair.entity[side]} is known in {case.scene.systems[side]}",
        "choose an id that exists: instep holds release ID --link OTHER_ID",
    )


def _taken(case: Case, side: Side, link: Link) -> Hold:
    return Hold(
        case.key,
        "",
        "duplicate",
        f"{case.key.id} can't be linked to {link.ids[side]}",
        f"{link.ids[side]} is the partner of {link.ids[side.other]}",
        "unlink that one first: instep links remove, or choose another: instep holds release ID --link OTHER_ID",
    )
