"""Brakes: what a write counts as, how much of each kind is made unasked, and what of a write is stopped.

A brake is named by its kind, "same" with its property too ("same:country"). What a person decided on (a side that
was chosen, a value that was given, a run that is undone) counts for none and is stopped by none.
To add a kind, give it a sentence in `KINDS`, a `Limit` in `Brakes`, and count it in `change_effects` or `effects`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from instep.core.dataflow import Brakes, Limit, Pair
from instep.core.gone import gone_digest
from instep.core.model import Both, Side
from instep.core.phrases import counted
from instep.core.release import WHOLE
from instep.core.state import Key
from instep.core.values import Absent, Raw, digest, is_empty, plain
from instep.core.verdict import Change, Write, by_person

WINDOW_MS: Final = 3_600_000
"""What was written within this time counts too, so that many small runs are one large one."""

SAME: Final = "same"

KINDS: Final[Mapping[str, str]] = {
    "create": "records that are created",
    "change": "records that are changed",
    "retire": "records that are taken out of use",
    "clear": "records in which a property is emptied",
    SAME: "records in which one property's values are replaced by one and the same value",
    "empty": "records of one side that a complete reading misses",
}
"""Kind of brake -> what it counts."""


@dataclass(frozen=True, slots=True, order=True)
class Effect:
    """What one brake counts of a write. `value`: digest of the value that a "same" brake is about, else ""."""

    brake: str
    value: str = ""


Stops = Callable[[Effect], bool]
"""Whether a brake stops what has that effect."""

Print = tuple[str, str]
"""One thing that a write of a record does, and what it was decided from: the property, its group's name, or ""
for the record as a whole; and the digest by which a person's choice for it is known."""

LetGo = AbstractSet[tuple[str, Key, Print]]
"""What a person has released: of each brake, what it had counted of which record."""


def kind_of(brake: str) -> str:
    return brake.partition(":")[0]


def property_of(brake: str) -> str:
    """The property of a "same" brake; "" for any other."""
    return brake.partition(":")[2]


def limit_of(brakes: Brakes, brake: str, *, first: bool) -> Limit:
    """`first`: the pair was not worked off yet."""
    kind = kind_of(brake)
    name = f"first_{kind}" if first and kind in ("create", "change") else kind
    limit: Limit = getattr(brakes, name)
    return limit


def change_effects(pair: Pair, side: Side, name: str, old: Raw | None, new: Raw | None) -> set[Effect]:
    """Of one property that is written to a side: raw values before and as meant, ABSENT for a field left as it is."""
    found = {Effect("change")}
    prop = pair.property(name)
    if prop is None or old is None or new is None:
        return found
    fields = prop.parts[side].fields
    before = old[: len(fields)]
    after = [was if isinstance(now, Absent) else now for was, now in zip(before, new, strict=False)]
    if all(is_empty(value) or isinstance(value, Absent) for value in before):
        return found
    if all(is_empty(value) or isinstance(value, Absent) for value in after):
        found.add(Effect("clear"))
    else:
        found.add(Effect(f"{SAME}:{name}", digest(plain(tuple(after)))))
    return found


def effects(pair: Pair, write: Write) -> set[Effect]:
    """What the brakes count of a write; nothing of what a person decided on."""
    if write.operation != "update":
        return set() if by_person(write.why) else {Effect(write.operation)}
    found: set[Effect] = set()
    for change in write.changes:
        found |= _of_change(pair, write.side, change)
    return found


def _of_change(pair: Pair, side: Side, change: Change) -> set[Effect]:
    if change.source is None or by_person(change.why):
        return set()
    return change_effects(pair, side, change.property, change.old, change.new)


def counting(pair: Pair, key: Key, ids: Both[str], write: Write, let_go: LetGo) -> set[Effect]:
    """What the brakes count of a write, but for what was let go. `ids` has "" for a record yet to be made."""
    if write.operation == "update":
        return {e for change in write.changes for e in _kept(pair, key, write, change, let_go)}
    about = _whole_print(write, ids)
    return {effect for effect in effects(pair, write) if (effect.brake, key, about) not in let_go}


def stopped(pair: Pair, key: Key, ids: Both[str], write: Write, stops: Stops, let_go: LetGo) -> list[Print]:
    """What of a write is stopped: one for the whole of a create or a retirement, one for each property of an update,
    and with it all of its group. What several brakes stop is made when a person has let it go at each of them."""
    if write.operation != "update":
        return [_whole_print(write, ids)] if any(map(stops, counting(pair, key, ids, write, let_go))) else []
    names = {
        unit_of(pair, change.property)
        for change in write.changes
        if any(map(stops, _kept(pair, key, write, change, let_go)))
    }
    prints = (change_print(pair, write.side, change) for change in write.changes)
    return [about for about in prints if about[0] in names]


def _kept(pair: Pair, key: Key, write: Write, change: Change, let_go: LetGo) -> Iterable[Effect]:
    """What is counted of one property that is written, but for what a person has let go."""
    found = _of_change(pair, write.side, change)
    if not found or not let_go:
        return found
    about = change_print(pair, write.side, change)
    return [effect for effect in found if (effect.brake, key, about) not in let_go]


def rest_of(pair: Pair, write: Write, prints: Iterable[Print]) -> Write | None:
    """The write without what is stopped; None if nothing is left of it."""
    names = {name for name, _ in prints}
    if not names:
        return write
    if write.operation != "update":
        return None
    changes = [c for c in write.changes if unit_of(pair, c.property) not in names]
    if not changes:
        return None
    fields = {
        path for c in changes if (prop := pair.property(c.property)) for path in prop.parts[write.side].fields
    }
    payload = {path: value for path, value in write.payload.items() if path in fields}
    return replace(write, payload=payload, changes=tuple(changes))


def unit_of(pair: Pair, name: str) -> str:
    """What a property is decided under: its group, if it has one."""
    prop = pair.property(name)
    return name if prop is None or not prop.group else prop.group


def change_print(pair: Pair, side: Side, change: Change) -> Print:
    """The digest is that of a hold on the property (`standing.property_digest`)."""
    raw = Both(change.old, change.source) if side is Side.LEFT else Both(change.source, change.old)
    return unit_of(pair, change.property), digest([change.property, list(raw)])


def _whole_print(write: Write, ids: Both[str]) -> Print:
    """Of a create or a retirement."""
    if write.operation == "create":
        return WHOLE, write.about
    return WHOLE, gone_digest(write.side.other, ids[write.side.other])


@dataclass(frozen=True, slots=True)
class Trip:
    """More of one effect than is made unasked: `count` that would be, `recent` that were within the hour, and the
    `allowed` number of both, by a limit and the records it is a share of."""

    effect: Effect
    count: int
    recent: int
    allowed: int
    limit: Limit
    known: int

    @property
    def why(self) -> str:
        was = f"; {self.recent} were" if self.recent else ""
        return (
            f"within an hour {self.allowed} may be without asking"
            f" ({self.limit.share:.0%} of {self.known} linked ones, at least {self.limit.count}){was}"
        )


def tripped(
    brakes: Brakes, effect: Effect, count: int, recent: int, known: int, *, first: bool
) -> Trip | None:
    """`count`: records that would be written with that effect; `recent`: others that were; `known`: linked ones."""
    limit = limit_of(brakes, effect.brake, first=first)
    of = max(known - recent, 0) if effect.brake == "create" else known
    allowed = limit.allowed(of)
    if allowed is None or count + recent <= allowed or not count:
        return None
    return Trip(effect, count, recent, allowed, limit, of)


def told(pair: str, brake: str, count: int) -> str:
    """What a brake stops, in a sentence without its end."""
    records = f"{counted(count, 'record')} of {pair}"
    kind = kind_of(brake)
    if kind == "clear":
        return f"a property of {records} would be emptied"
    if kind == SAME:
        return f"{property_of(brake)} of {records} would be replaced by the same value"
    done = {"create": "created", "change": "changed", "retire": "taken out of use"}[kind]
    return f"{records} would be {done}"
