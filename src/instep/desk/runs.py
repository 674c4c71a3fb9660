"""What is told of a run: what it has written so far or would write, and which run takes back which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from instep.core.model import Both, Side
from instep.core.phrases import counted
from instep.core.values import Json
from instep.runner.report import writes_json
from instep.store.contract import Run, Tx

DONE: Final = {"create": "created", "update": "changed", "retire": "taken out of use"}
"""Operation -> what it has made of a record."""

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
    `undone_by`: the runs that take it back, first to last."""

    run: Run
    writes: Counts
    planned: Counts | None
    linked: Mapping[str, int]
    undone_by: tuple[Undoing, ...]


def told(tx: Tx, run: Run) -> Told:
    summary = run.summary if isinstance(run.summary, dict) else {}
    writes = tx.written(run.id) if run.finished_ms is None else _counts(summary.get("writes"))
    linked = summary.get("linked")
    return Told(
        run,
        writes,
        _counts(summary["planned"]) if "planned" in summary else None,
        {pair: int(str(count)) for pair, count in linked.items()} if isinstance(linked, dict) else {},
        tuple(filter(None, (_undoing(tx, each) for each in tx.undoings(run.id)))),
    )


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
        return f"going on, {counted(sum(about.writes.values()), 'write')} so far"
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
