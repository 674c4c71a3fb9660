"""What is told of a run: what it has written so far or would write, what it could not work on, whether it still goes
on, and which run takes back which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from instep.core.model import SIDES, Both, Side
from instep.core.phrases import counted
from instep.core.values import Json
from instep.desk.words import few
from instep.processes import SERVING, is_dead
from instep.runner.live_run import KIND as LIVE
from instep.runner.report import writes_json
from instep.site import now_ms
from instep.store.contract import Run, Tx

DONE: Final = {"create": "created", "update": "changed", "retire": "taken out of use"}
"""Operation -> what it has made of a record."""

AN_HOUR_MS: Final = 3_600_000
"""A run of turns takes some minutes; one that began so long ago, with nobody at work, was left by its process."""

LATER: Final = 50
"""So many later runs are looked at; a run with as many after it does not go on, whatever kind they are of."""

Counts = Mapping[tuple[str, str, Side], int]
"""Pair, operation, side -> how many."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """A run that takes back another, all of it or (as long as it has not come to its end) a part."""

    run: int
    partly: bool


@dataclass(frozen=True, slots=True)
class Told:
    """`writes`: what it has made, also while it goes on. `planned`: what a plan would write; None for any other run.
    `troubles`: what could not be worked on, and why. `broken_off`: it never came to its end, and will not.
    `undone_by`: the runs that take it back, first to last."""

    run: Run
    writes: Counts
    planned: Counts | None
    linked: Mapping[str, int]
    troubles: Mapping[str, str]
    broken_off: bool
    undone_by: tuple[Undoing, ...]


def told(tx: Tx, run: Run) -> Told:
    summary = run.summary if isinstance(run.summary, dict) else {}
    writes = tx.written(run.id) if run.finished_ms is None else _counts(summary.get("writes"))
    linked, troubles = summary.get("linked"), summary.get("troubles")
    return Told(
        run,
        writes,
        _counts(summary["planned"]) if "planned" in summary else None,
        {pair: int(str(count)) for pair, count in linked.items()} if isinstance(linked, dict) else {},
        {name: str(why) for name, why in troubles.items()} if isinstance(troubles, dict) else {},
        run.finished_ms is None and not goes_on(tx, run),
        tuple(filter(None, (_undoing(tx, each) for each in tx.undoings(run.id)))),
    )


def goes_on(tx: Tx, run: Run) -> bool:
    """Whether a run that has not come to its end can still do so: nobody else has begun one, and its process lives.

    A process that is always on keeps its run open while it gives the lease back, and makes runs that it is asked for
    beside it; so neither counts against it, nor it against them.
    """
    later = [each for each in tx.runs(LATER) if each.id > run.id]
    if len(later) == LATER or any((each.kind == LIVE) == (run.kind == LIVE) for each in later):
        return False
    now, (holder, until_ms) = now_ms(), tx.lease()
    at_work = bool(holder) and now < until_ms and not is_dead(holder)
    serving = at_work and holder.startswith(SERVING)
    if run.kind == LIVE:
        return serving or now - run.started_ms < AN_HOUR_MS
    return serving if later else at_work


def untouched(troubles: Mapping[str, str], systems: Both[str]) -> str:
    """What could not be worked on: "Custom ERP (contact, order), Chargebee (item)"; "" for nothing."""
    by_system: dict[str, list[str]] = {}
    for name in troubles:
        side, _, entity = name.partition(":")
        found = by_system.setdefault(systems[Side(side)] if entity and side in SIDES else name, [])
        found += [entity] if entity else []
    return ", ".join(f"{name} ({few(found)})" if found else name for name, found in by_system.items())


def told_json(about: Told) -> dict[str, Any]:
    run = about.run
    return {
        "id": run.id,
        "kind": run.kind,
        "started_ms": run.started_ms,
        "finished_ms": run.finished_ms,
        "status": run.status,
        "writes": sum(about.writes.values()),
        "made": writes_json(about.writes),
        "planned": None if about.planned is None else sum(about.planned.values()),
        "troubles": dict(about.troubles),
        "broken_off": about.broken_off,
        "undoes": run.undoes,
        "partly": run.partly,
        "undone_by": [{"run": each.run, "partly": each.partly} for each in about.undone_by],
        "summary": run.summary,
    }


def did(about: Told, systems: Both[str]) -> list[tuple[str, str]]:
    """What a run did, or would do, by pair: ("contact", "2 created in Custom ERP, 4 linked")."""
    words = DONE if about.planned is None else {name: f"to be {done}" for name, done in DONE.items()}
    found: dict[str, list[str]] = {}
    for (pair, operation, side), count in (about.writes or about.planned or {}).items():
        found.setdefault(pair, []).append(f"{count} {words[operation]} in {systems[side]}")
    for pair, count in about.linked.items():
        if count:
            found.setdefault(pair, []).append(f"{count} linked")
    return [(pair, ", ".join(said)) for pair, said in found.items()]


def in_short(about: Told) -> str:
    """How much it has written, or would write, in a word or two."""
    if about.run.finished_ms is None:
        written = counted(sum(about.writes.values()), "write")
        return written if about.broken_off else f"going on, {written} so far"
    if about.planned is not None:
        return f"{counted(sum(about.planned.values()), 'write')} planned"
    return counted(sum(about.writes.values()), "write")


def undoing_words(about: Told) -> list[str]:
    """ "undoes run 2", "undone in part by run 7" """
    run = about.run
    found = [f"undoes {'a part of ' if run.partly else ''}run {run.undoes}"] if run.undoes else []
    return found + [
        f"undone {'in part ' if each.partly else ''}by run {each.run}" for each in about.undone_by
    ]


def _undoing(tx: Tx, run: Run) -> Undoing | None:
    """What a run has taken back; None if that is nothing."""
    summary = run.summary if isinstance(run.summary, dict) else {}
    if not tx.written(run.id):
        return None
    left = any(bool(summary.get(name)) for name in ("failed", "skipped"))
    return Undoing(run.id, run.partly or left or run.status in ("running", "stopped", "failed"))


def _counts(kept: Json) -> Counts:
    """As `writes_json` has made it."""
    rows = [row for row in kept if isinstance(row, dict)] if isinstance(kept, list) else []
    return {
        (str(row["pair"]), str(row["operation"]), Side(str(row["side"]))): int(str(row["count"]))
        for row in rows
    }
