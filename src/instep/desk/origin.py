"""Where a value came from, as far as the journal and the last reading tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from instep.core.dataflow import Property
from instep.core.diff import raw_of
from instep.core.model import Side
from instep.core.state import Sighting
from instep.core.values import plain
from instep.runner.brakes import EFFECT
from instep.store.contract import Entry


@dataclass(frozen=True, slots=True)
class Origin:
    """`written`: by a run of ours at `at_ms`, for the reason `why`; `edited`: in its system, by `who` if it tells,
    at `at_ms` of the system's clock; `read`: it was there when the record was first read."""

    how: Literal["written", "edited", "read"]
    at_ms: int | None = None
    run: int = 0
    who: str = ""
    why: str = ""


def origin(prop: Property, side: Side, seen: Sighting, entries: Sequence[Entry]) -> Origin:
    """`entries`: of the record, latest first."""
    raw = raw_of(prop.parts[side], seen.fields)
    mapped = plain(raw[: len(prop.parts[side].fields)]) if raw is not None else None
    for entry in entries:
        if (
            entry.side is not side
            or entry.outcome not in EFFECT
            or entry.operation not in ("create", "update")
        ):
            continue
        change = next((each for each in entry.changes if each.get("property") == prop.name), None)
        if change is None:
            continue
        if mapped in (change.get("new"), change.get("kept")):
            return Origin("written", entry.at_ms, entry.run, why=entry.reason)
        break  # somebody has edited it since
    edits = [seen.edits[path] for path in prop.parts[side].fields if path in seen.edits]
    made_ms = seen.created_ms or 0  # what it was made with is no edit
    times = [until for since, until in edits if since is not None and until > made_ms]
    if times:
        return Origin("edited", max(times), who=seen.author or "")
    return Origin("read", seen.created_ms or seen.updated_ms)
