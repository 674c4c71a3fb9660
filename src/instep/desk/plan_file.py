"""A plan as a file: written action by action, read again by `sync`, which then does that plan and no more.

One JSON object: {"version": 1, "made_at": ISO 8601, "dataflow": digest, "pairs": [names], "counts": {pair: ...},
"brakes": [...], "troubles": {...}, "actions": [...]}, an action to a line. It holds records' values, so it is
readable for its owner alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec

from instep.core.dataflow import Dataflow
from instep.core.model import SIDES, Both, Side
from instep.core.state import Key
from instep.core.values import Json, decode, encode, plain
from instep.core.verdict import Write
from instep.desk.already import Marks, marks_of
from instep.errors import UsageError
from instep.runner.brakes import Brake
from instep.runner.planning import Action, Tally
from instep.runner.run import Report
from instep.site import Site

VERSION: Final = 1


@dataclass(frozen=True)
class Approved:
    """A plan that was read: the fingerprints of its writes, and the keys that have any. `following`: how many more
    writes come right after its creates. `marks`: see `instep.desk.already`."""

    made_at: str
    made_ms: int
    dataflow: str
    pairs: tuple[str, ...]
    fingerprints: frozenset[str]
    keys: frozenset[Key]
    following: int
    marks: tuple[Marks, ...]

    @property
    def writes(self) -> int:
        return len(self.fingerprints) + self.following


class PlanWriter:
    """Writes a plan into an open text file: the head at once, then each action. `close` ends the document."""

    def __init__(self, file: TextIO, site: Site, report: Report, pairs: Iterable[str], now_ms: int) -> None:
        self.file, self.dataflow, self.systems = file, site.dataflow, site.systems
        self.count = 0
        head = {
            "version": VERSION,
            "made_at": iso(now_ms),
            "dataflow": site.digest,
            "pairs": list(pairs),
            "counts": {name: counts(tally) for name, tally in report.tallies.items()},
            "brakes": [brake_json(brake) for brake in report.brakes],
            "troubles": dict(report.troubles),
        }
        self.file.write(
            msgspec.json.format(encode(head), indent=2).decode().rstrip().removesuffix("}").rstrip()
        )
        self.file.write(',\n  "actions": [')

    def add(self, action: Action) -> None:
        line = encode(action_json(action, self.dataflow, self.systems)).decode()
        self.file.write(f"{',' if self.count else ''}\n    {line}")
        self.count += 1

    def close(self) -> None:
        self.file.write("\n  ]\n}\n" if self.count else "]\n}\n")


def brake_json(brake: Brake) -> dict[str, Json]:
    """`hold` is None as long as the brake is not kept."""
    return {
        "pair": brake.pair,
        "kind": brake.kind,
        "count": brake.count,
        "limit": brake.limit,
        "what": brake.what,
        "why": brake.why,
        "hold": brake.hold or None,
    }


def iso(at_ms: int) -> str:
    """UTC milliseconds as ISO 8601, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ms(moment: str) -> int:
    """The inverse of `iso`. Raises ValueError, or OverflowError."""
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


def counts(tally: Tally) -> dict[str, Json]:
    writes: list[Json] = [
        {"operation": operation, "side": side.value, "count": count}
        for (operation, side), count in sorted(tally.writes.items())
    ]
    return {
        "writes": writes,
        "links": tally.links,
        "holds": dict(tally.holds),
        "waiting": dict(tally.waiting),
        "settled": tally.settled,
    }


def action_json(action: Action, dataflow: Dataflow, systems: Both[str]) -> dict[str, Any]:
    """An action with everything that a person or a program needs to judge it."""
    verdict = action.verdict
    found: dict[str, Any] = {
        "pair": action.key.pair,
        "key": {"side": action.key.side.value, "id": action.key.id},
        "ids": {side.value: action.ids[side] or None for side in SIDES},
        "writes": [_write(action, write, dataflow, systems) for write in verdict.writes],
    }
    if verdict.link is not None:
        found["link"] = verdict.how
    if verdict.holds:
        found["holds"] = [
            {
                "cause": hold.cause,
                "property": hold.property,
                "what": hold.what,
                "why": hold.why,
                "fix": hold.fix,
                "values": hold.values,
            }
            for hold in verdict.holds
        ]
    if verdict.overruled:
        found["overruled"] = [
            {"property": lost.property, "side": lost.side.value, "value": plain(lost.raw), "why": lost.why}
            for lost in verdict.overruled
        ]
    if verdict.retired:
        found["rest"] = verdict.retired
    if verdict.unlink:
        found["unlink"] = True
    if verdict.note:
        found["note"] = verdict.note
    return found


def _write(action: Action, write: Write, dataflow: Dataflow, systems: Both[str]) -> dict[str, Any]:
    pair = dataflow.pair(action.key.pair)

    def fields(name: str, side: Side) -> list[str]:
        prop = pair.property(name) if pair is not None else None
        return [] if prop is None else list(prop.parts[side].fields)

    return {
        "operation": write.operation,
        "side": write.side.value,
        "system": systems[write.side],
        "record": write.record_id or None,
        "why": write.why,
        "fingerprint": write.fingerprint(action.key),
        "following": list(write.following),
        "changes": [
            {
                "property": change.property,
                "fields": fields(change.property, write.side),
                "old": plain(change.old),
                "new": plain(change.new),
                "from_fields": fields(change.property, write.side.other),
                "from": plain(change.source),
                "why": change.why,
            }
            for change in write.changes
        ],
    }


def open_private(path: Path) -> TextIO:
    """The file for writing, readable for its owner alone. Raises UsageError."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return os.fdopen(number, "w", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be written", why=_why_not(error)) from None


def _why_not(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or "no file can have such a name"


def read_plan(path: Path, site: Site) -> Approved:
    """Read a plan for this site. Raises UsageError if it is none, or was made from another dataflow."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read", why=_why_not(error)) from None
    try:
        found: Any = decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _no_plan(path, str(error)) from None
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise _no_plan(path, f"it does not say version {VERSION}")
    try:
        _require_lists(found)
        approved = Approved(
            str(found["made_at"]),
            _ms(str(found["made_at"])),
            str(found["dataflow"]),
            tuple(found["pairs"]),
            frozenset(_fingerprints(found["actions"])),
            frozenset(_keys(found["actions"])),
            sum(len(write.get("following", ())) for action in found["actions"] for write in action["writes"]),
            tuple(marks for action in found["actions"] for marks in marks_of(action)),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _no_plan(path, f"{error} is missing or of another type") from None
    if approved.dataflow != site.digest:
        raise UsageError(
            f"{path} is not a plan for this site as it is now",
            why="the dataflow or what a system can do was changed after the plan was made",
            fix="make a new one: instep plan --out " + str(path),
        )
    return approved


def _require_lists(found: Mapping[str, Any]) -> None:
    """Raises KeyError or TypeError, with the name of what was edited out of shape."""
    if not isinstance(found["actions"], list):
        raise TypeError("actions")
    if not isinstance(found["pairs"], list) or not all(isinstance(name, str) for name in found["pairs"]):
        raise TypeError("pairs")


def _fingerprints(actions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for action in actions:
        for write in action["writes"]:
            yield str(write["fingerprint"])


def _keys(actions: Iterable[Mapping[str, Any]]) -> Iterator[Key]:
    for action in actions:
        if action["writes"]:
            yield Key(str(action["pair"]), Side(action["key"]["side"]), str(action["key"]["id"]))


def _no_plan(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is not a plan", why=why, fix="make one: instep plan --out plan.json")
