"""The plan: what a run would do, from what is stored, with no network.

It is the same deciding function that the run uses, over every key that is marked, in the order in which the
run would take them. A plan is a stream: a hundred thousand actions need no more memory than one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from instep.core.dataflow import Pair
from instep.core.decide import decide_link
from instep.core.model import Both, Side
from instep.core.state import Key, Link, Todo
from instep.core.verdict import Verdict
from instep.runner.engine import Engine
from instep.runner.judge import UNREAD, Case, Foretold, judge
from instep.runner.parted import parted
from instep.store.contract import Tx

PAGE = 200

IN_DOUBT = "a write is in doubt: it is settled first"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a run would do. `ids` has "" where the record is yet to be made. `fingerprints`: of its
    writes, by which a run recognises that it is still the same action."""

    key: Key
    ids: Both[str]
    verdict: Verdict

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return tuple(write.fingerprint(self.key) for write in self.verdict.writes)


@dataclass(slots=True)
class Tally:
    """Counts of a plan per pair: `writes` by (operation, side), links, holds by cause, agreements. `following`: those
    of the writes that creates bring with them, since their call does not take everything."""

    writes: Counter[tuple[str, Side]] = field(default_factory=Counter)
    holds: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    links: int = 0
    settled: int = 0
    following: int = 0

    def add(self, verdict: Verdict) -> None:
        for write in verdict.writes:
            self.writes[write.operation, write.side] += 1
            if write.following:
                self.writes["update", write.side] += len(write.following)
                self.following += len(write.following)
        for hold in verdict.holds:
            self.holds[hold.cause] += 1
        if verdict.link is not None:
            self.links += 1
        elif verdict.wait_ms or verdict.note:
            self.waiting[verdict.note] += 1
        elif not verdict.writes and not verdict.holds:
            self.settled += 1


def actions(engine: Engine, pair: Pair) -> Iterator[Action]:
    """Everything that a run would look at in this pair, with what it would do, in order."""
    if any(pair.referred):
        _ask_what_is_awaited(engine, pair)
    for keys in _pages(engine, pair):
        yield from engine.store.read(partial(_batch, engine, pair=pair, keys=keys))
    told: set[Key] = set()
    while woken := engine.woken.pop(pair.name, set()) - told:
        told |= woken
        keys = engine.store.read(partial(_unmarked, keys=sorted(woken, key=lambda key: (key.side, key.id))))
        for start in range(0, len(keys), PAGE):
            yield from engine.store.read(partial(_batch, engine, pair=pair, keys=keys[start : start + PAGE]))


def _pages(engine: Engine, pair: Pair) -> Iterator[list[Key]]:
    """The keys that are marked, page by page, and then those that are going to be, since others wait for them."""
    after = 0
    while True:
        todos = engine.store.read(partial(_marked, pair=pair, after=after))
        if todos:
            yield [todo.key for todo in todos]
        if len(todos) < PAGE:
            break
        after = todos[-1].seq
    awaited = [
        Key(pair.name, side, id)
        for side, entity, id in sorted(engine.awaited)
        if entity == pair.entity[side] and pair.referred[side.other]
    ]
    for start in range(0, len(awaited), PAGE):
        yield engine.store.read(partial(_unmarked, keys=awaited[start : start + PAGE]))


def _marked(tx: Tx, *, pair: Pair, after: int) -> list[Todo]:
    return tx.todo_after(pair.name, after=after, limit=PAGE)


def _unmarked(tx: Tx, *, keys: Sequence[Key]) -> list[Key]:
    return [key for key in keys if not tx.is_todo(key)]


def _ask_what_is_awaited(engine: Engine, pair: Pair) -> None:
    """Find out which records of a pair are going to be referred to: decide on all that may refer to them, those
    first that nothing else refers to."""
    engine.awaited.clear()
    wanted = {pair.name}
    for other in engine.dataflow.pairs:
        if wanted & set(other.after):
            wanted.add(other.name)
    for other in reversed(engine.dataflow.pairs):
        if other.name in wanted and other is not pair:
            for keys in _pages(engine, other):
                engine.store.read(partial(_batch, engine, pair=other, keys=keys))


def _batch(engine: Engine, tx: Tx, *, pair: Pair, keys: Sequence[Key]) -> list[Action]:
    found: list[Action] = []
    seen: set[Key] = set()
    foretold = Foretold()
    for key in keys:
        case = judge(engine, tx, key, planning=True, foretold=foretold)
        if case.key in seen:
            continue
        seen.add(case.key)
        found += _actions(engine, tx, pair, case)
        if case.link is not None and case.verdict is not None and case.verdict.unlink:
            alone = parted(tx, case.link)
            for side in Side if not case.verdict.apart else ():
                then = judge(engine, alone, Key(pair.name, side, case.link.ids[side]), planning=True)
                found += _actions(engine, alone, pair, then)
    return found


def _actions(engine: Engine, tx: Tx, pair: Pair, case: Case) -> Iterator[Action]:
    """What is told at a key: one action, or none where it is told at another one's."""
    if _is_told_from_left(engine, tx, pair, case):
        return
    verdict = case.verdict
    if case.intents:
        verdict = Verdict(case.key, note=IN_DOUBT)
    if verdict is None:
        verdict = Verdict(case.key, note=UNREAD)
    if case.link is None:
        _wake(engine, tx, pair, case.key, verdict)
    yield _foreseen(engine, tx, pair, case.key, case.link.ids if case.link else None, verdict)


def _wake(engine: Engine, tx: Tx, pair: Pair, key: Key, verdict: Verdict) -> None:
    """Remember the held records that wait for one that gets its partner here: the run comes to them, too."""
    linked = [Key(pair.name, side, verdict.link[side]) for side in Side] if verdict.link is not None else []
    for each in linked or ([key] if verdict.writes else []):
        for waiting in tx.waiting_for(each.side, pair.entity[each.side], each.id):
            engine.woken.setdefault(waiting.pair, set()).add(waiting)


def _is_told_from_left(engine: Engine, tx: Tx, pair: Pair, case: Case) -> bool:
    """Whether two records that are about to be linked have their action at the key of the left one."""
    link = case.verdict.link if case.verdict is not None and case.link is None else None
    if link is None or case.key.side is Side.LEFT:
        return False
    left = Key(pair.name, Side.LEFT, link.left)
    if not tx.is_todo(left):
        return False
    verdict = judge(engine, tx, left, planning=True).verdict
    return verdict is not None and verdict.link == link


def _foreseen(
    engine: Engine, tx: Tx, pair: Pair, key: Key, ids: Both[str] | None, verdict: Verdict
) -> Action:
    """An action as the plan shows it; for records that are about to be linked, with what follows from that."""
    if ids is None and verdict.link is not None:
        linked = verdict.link
        link = Link(0, pair.name, linked)
        seen = Both.of(lambda side: tx.sighting(side, pair.entity[side], linked[side]))
        key_then = Key(pair.name, Side.LEFT, linked.left)
        scene = engine.scene(tx, pair, planning=True)
        then = decide_link(scene, key_then, link, seen, [], tx.releases_of(key_then))
        verdict = Verdict(
            key,
            then.writes,
            then.agreed,
            then.overruled,
            then.holds,
            verdict.link,
            verdict.how,
            used=verdict.used,
        )
        ids = linked
    if ids is None:
        ids = Both(key.id, "") if key.side is Side.LEFT else Both("", key.id)
    return Action(key, ids, verdict)
