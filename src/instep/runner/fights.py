"""Notice that another program keeps changing back what Instep writes, and stop writing it.

A fight is the same value written to the same property of the same record again and again within a day, while no
person chose it. The journal is the memory: it is read for the record that is about to be written, and no other.
"""

from __future__ import annotations

from instep.core.dataflow import Property
from instep.core.diff import Delta
from instep.core.model import Both
from instep.core.phrases import moment
from instep.core.standing import shown, unit_digest
from instep.core.state import Hold
from instep.core.values import Json, plain
from instep.core.verdict import Change, Verdict, Write
from instep.runner.engine import Engine
from instep.runner.judge import Case
from instep.store.contract import Entry, Tx

ROUNDS = 3
"""How often the same value is written within the window before the next time is held."""
WINDOW_MS = 86_400_000
LATEST = 60
"""Entries of one record that are looked at: more than a fight over a few properties leaves behind."""


def fought(engine: Engine, tx: Tx, case: Case, verdict: Verdict, write: Write) -> list[Hold]:
    """Holds for the properties of a write that somebody keeps changing back; [] if there are none."""
    if write.operation != "update" or case.link is None:
        return []
    chosen = set(verdict.used)
    changes = [c for c in write.changes if c.source is not None and c.property not in chosen]
    entries = tx.journal(pair=case.pair.name, record_id=case.link.ids.left, limit=LATEST) if changes else []
    found = []
    for change in changes:
        prop = case.pair.property(change.property)
        if prop is None or (prop.group and prop.group in chosen):
            continue
        times = _times(engine, entries, write, change)
        if len(times) >= ROUNDS:
            found.append(_hold(engine, case, prop, write, change, times))
    return found


def _times(engine: Engine, entries: list[Entry], write: Write, change: Change) -> list[int]:
    """When this very value was written before, latest first, since a person last chose for the property."""
    times = []
    for entry in entries:
        if entry.at_ms < engine.now_ms() - WINDOW_MS:
            break
        names = [c.get("property") for c in entry.changes]
        if entry.operation == "release" and (change.property in names or not names):
            break
        if entry.operation != "update" or entry.side is not write.side or entry.record_id != write.record_id:
            continue
        if entry.outcome not in ("done", "found done"):
            continue
        meant: Json = plain(change.new)
        if any(c.get("property") == change.property and c.get("new") == meant for c in entry.changes):
            times.append(entry.at_ms)
    return times


def _hold(engine: Engine, case: Case, prop: Property, write: Write, change: Change, times: list[int]) -> Hold:
    system = engine.connectors[write.side].name
    seen = case.seen[write.side]
    who = f" by {seen.author}" if seen is not None and seen.author else ""
    at = (
        f", last{who} at {moment(seen.updated_ms)} UTC"
        if seen is not None and seen.updated_ms is not None
        else ""
    )
    source = change.source or ()
    old = change.old or ()
    raw = Both(old, source) if write.side.value == "left" else Both(source, old)
    delta = Delta(prop, "flow", raw, Both(None, None))
    return Hold(
        case.key,
        prop.group or prop.name,
        "fight",
        f"{prop.name} is changed back in {system} again and again",
        f"it was written {len(times)} times since {moment(times[-1])} UTC, the same value each time, and was"
        f" changed again{at or who}",
        "find out what changes it there, then choose: instep holds release ID --take left, or --take right",
        unit_digest([delta]),
        values=shown([delta]),
    )
