"""What the brakes of a pair hold, and what a person decides on it. `runner/gate.py` counts, and stops.

A brake that trips is a hold of the pair, so it stays until a person has decided: `release` lets what it has counted
go, `drop` leaves those records as they are. It stops its own kind of change on its own pair and nothing else, and
goes away by itself when nothing of its kind is left to be written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from instep.core.brakes import Print
from instep.core.dataflow import Pair
from instep.core.model import SIDES, Side
from instep.core.state import Hold, Key, Release
from instep.core.values import Json, decode, digest, encode
from instep.runner.engine import Engine
from instep.runner.observe import missed
from instep.store.contract import Tx

CAUSE: Final = "brake"
EMPTY: Final = "empty"
EFFECT: Final = ("done", "found done")
RELEASE: Final = "release"
RELEASED: Final = "released"
"""What is left of a release when its run is over: for what another brake holds, or could not be written yet."""
OPERATIONS: Final = ("create", "update", "retire")


@dataclass(frozen=True, slots=True)
class Brake:
    """A brake that has tripped. `hold` is its number, 0 if it is not kept yet, as in a plan."""

    pair: str
    kind: str
    count: int
    limit: int
    what: str
    why: str
    hold: int = 0


def brake_key(pair: str) -> Key:
    """The key under which a pair's brakes are held; no record has it."""
    return Key(pair, Side.LEFT, "")


def held_brakes(tx: Tx, pair: str) -> list[Hold]:
    """The holds of a pair's brakes, that of a side that is suddenly empty among them."""
    return tx.holds_of(brake_key(pair))


def worked_off(pair: str) -> str:
    """Name of the setting that says which run was the first to get to the end of a pair: until then, records
    that are created are first contact, however often it was stopped on the way."""
    return f"worked_off:{pair}"


def counted(pair: str, brake: str) -> str:
    """Name of the setting with what a held brake has counted: a row of each."""
    return f"braked:{pair}:{brake}"


Row = tuple[str, str, str, str]
"""Of what a brake has counted, as it is kept: side, id, property, digest."""


def brake_of(hold: Hold) -> Brake:
    """A held brake as a run reports it."""
    values = hold.values if isinstance(hold.values, dict) else {}
    count, limit = values.get("count"), values.get("limit")
    return Brake(
        hold.key.pair,
        hold.property,
        count if isinstance(count, int) else 0,
        limit if isinstance(limit, int) else 0,
        hold.what,
        hold.why,
        hold.id,
    )


# A side that is suddenly empty


def empty_side(engine: Engine, tx: Tx, pair: Pair) -> Brake | None:
    """A side whose last complete listing named hardly any of its known records."""
    limit = pair.brakes.empty
    for side in SIDES:
        entity, told = pair.entity[side], tx.meta(missed(side, pair.entity[side]))
        missing, known = map(int, told.split(" of ")) if told is not None else (0, 0)
        allowed = limit.allowed(known)
        if allowed is not None and missing > allowed:
            name = engine.connectors[side].name
            what = f"{name} lists {known - missing or 'none'} of {known} known {entity} records"
            why = "as many are missed by no small accident: it may be another tenant, a filter or a fault"
            return Brake(pair.name, EMPTY, missing, allowed, what, why)
    return None


def empty_hold(brake: Brake) -> Hold:
    """The hold of a side that is suddenly empty."""
    return Hold(
        brake_key(brake.pair),
        EMPTY,
        CAUSE,
        f"{brake.what}: nothing of {brake.pair} is written",
        brake.why,
        "nothing, if they come back: a complete reading sees them; if they are rightly gone:"
        " instep holds release ID --choose release",
        digest(EMPTY),
        values={"count": brake.count, "limit": brake.limit},
    )


def forget_missed(tx: Tx, pair: Pair) -> None:
    """A person has said that a side is rightly empty: what is made there from now on is not stopped by that."""
    for side in SIDES:
        tx.save_meta(missed(side, pair.entity[side]), None)


def released_empty(tx: Tx, pair: Pair) -> bool:
    """Whether a person has said so of a side of the pair."""
    return any(r.property == EMPTY and r.choice == RELEASE for r in tx.releases_of(brake_key(pair.name)))


# What a person decides


def let_go(pair: str, releases: Iterable[Release]) -> Iterator[tuple[str, Key, Print]]:
    """What was released: the brake, and the record and fingerprint that it lets go."""
    for release in releases:
        for row in rows_of(release.value):
            yield release.property, row_key(pair, row), row[2:]


def release_brake(tx: Tx, hold: Hold, at_ms: int) -> int:
    """Let what a brake has counted go in the next run; returns for how many properties or records. What another
    brake holds of that is let go by this one until then."""
    rows = rows_counted(tx, hold)
    kept = [row for r in tx.releases_of(hold.key) if r.property == hold.property for row in rows_of(r.value)]
    tx.save_release(Release(hold.key, hold.property, RELEASE, hold.digest, to_keep([*rows, *kept]), at_ms))
    return len(rows)


def drop_brake(tx: Tx, hold: Hold, at_ms: int) -> int:
    """Leave what a brake has counted as it is, until it changes; returns for how many properties or records."""
    keys = set()
    rows = rows_counted(tx, hold)
    for row in rows:
        key, (name, about) = row_key(hold.key.pair, row), row[2:]
        tx.save_release(Release(key, name, "leave", about, at_ms=at_ms))
        keys.add(key)
    tx.mark(sorted(keys, key=lambda key: (key.side, key.id)), reason="a person chose")
    tx.replace_holds(hold.key, [h for h in tx.holds_of(hold.key) if h.property != hold.property])
    tx.drop_releases(hold.key, [hold.property])
    tx.save_meta(counted(hold.key.pair, hold.property), None)
    return len(rows)


def rows_counted(tx: Tx, hold: Hold) -> list[Row]:
    """What a held brake has counted."""
    kept = tx.meta(counted(hold.key.pair, hold.property))
    return rows_of(decode(kept)) if kept is not None else []


def row_key(pair: str, row: Row) -> Key:
    """The record that a row is of."""
    return Key(pair, Side(row[0]), row[1])


def to_keep(rows: Iterable[Row]) -> list[Json]:
    """Rows as the store keeps them; `rows_of` reads them back."""
    return [list(row) for row in rows]


def rows_of(kept: Json) -> list[Row]:
    """The rows of what the store kept; what is none is left out."""
    found = []
    for row in kept if isinstance(kept, list) else ():
        match row:
            case [str(side), str(id), str(name), str(about)]:
                found.append((side, id, name, about))
    return found


def forget_record(tx: Tx, pair: str, side: Side, id: str, keys: Collection[Key]) -> None:
    """Take a record whose values are erased out of what held brakes show and have counted, and of what was let go;
    `keys` are its own and its link's."""
    holds = []
    for hold in held_brakes(tx, pair):
        rows = rows_counted(tx, hold)
        left = [row for row in rows if row_key(pair, row) not in keys]
        if left != rows:
            tx.save_meta(counted(pair, hold.property), encode(to_keep(left)).decode())
        values = dict(hold.values) if isinstance(hold.values, dict) else {}
        shown = values.get("examples")
        if isinstance(shown, list):
            values["examples"] = [e for e in shown if not (isinstance(e, dict) and e.get(side.value) == id)]
        holds.append(replace(hold, values=values))
    if holds:
        tx.replace_holds(brake_key(pair), holds)
    for release in tx.releases_of(brake_key(pair)):
        rows = rows_of(release.value)
        left = [row for row in rows if row_key(pair, row) not in keys]
        if left != rows:
            tx.save_release(replace(release, value=to_keep(left)))
