"""What a run did, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from instep.cli.planned import braked
from instep.cli.terminal import Terminal
from instep.core.model import SIDES
from instep.core.phrases import counted
from instep.desk.plan_file import brake_json
from instep.desk.runs import untouched
from instep.desk.standing import Standing, standing_json
from instep.runner.run import Report
from instep.site import Site

DONE: Final = {"create": "created", "update": "changed", "retire": "retired"}


def needs_person(report: Report, stands: Mapping[str, Standing]) -> bool:
    """Whether a run left something that does not go on by itself: exit code 3."""
    left = any(stand.for_person or stand.failing for stand in stands.values())
    return bool(left or report.brakes or report.troubles or report.skipped.total())


def say_report(terminal: Terminal, site: Site, report: Report, stands: Mapping[str, Standing]) -> None:
    """A line per pair, then what stops or waits, then requests and time."""
    width = max(len(name) for name in stands)
    for name, stand in stands.items():
        told = done_words(site, report, name)
        waits = held_words(stand)
        terminal.say(f"{name:<{width}}  {told}{f'; {waits}' if waits else ''}")
    for brake in report.brakes:
        terminal.say(braked(brake))
    for name, why in report.troubles.items():
        terminal.say(f"not worked on: {name}\n  why: {why}")
    terminal.say(f"run {report.run} {_came_to(site, report)}: {readings(report)}")


def _came_to(site: Site, report: Report) -> str:
    """How a run ended; what it could not work on is no detail of that."""
    troubled = untouched(report.troubles, site.systems)
    return f"{report.status}, but not worked on: {troubled}" if troubled else report.status


def say_next(terminal: Terminal, report: Report, stands: Mapping[str, Standing]) -> None:
    """The command that a person needs next, if any."""
    if any(stand.for_person for stand in stands.values()):
        terminal.note("next: instep holds list")
    elif any(stand.failing for stand in stands.values()):
        terminal.note("next: instep status; what fails is tried again by itself")
    elif report.status == "stopped":
        terminal.note("next: instep sync goes on where this one stopped")


def done_words(site: Site, report: Report, pair: str) -> str:
    """What was done in one pair: "12 created in Custom ERP, 3 linked"."""
    words = [
        f"{report.writes[pair, operation, side]} {done} in {site.systems[side]}"
        for operation, done in DONE.items()
        for side in SIDES
        if report.writes[pair, operation, side]
    ]
    linked = report.linked[pair]
    words += [f"{linked} linked"] if linked else []
    return ", ".join(words) or "nothing to write"


def held_words(stand: Standing) -> str:
    """What is not in step in one pair: "4 held (2 ambiguous, 2 refused), 1 failing"."""
    words = []
    if stand.held:
        causes = ", ".join(f"{count} {cause}" for cause, count in sorted(stand.held.items()))
        words.append(f"{sum(stand.held.values())} held ({causes})")
    words += [f"{stand.failing} failing"] if stand.failing else []
    if stand.todo > stand.failing:
        words.append(f"{stand.todo - stand.failing} to do")
    return ", ".join(words)


def readings(report: Report) -> str:
    """Records read, requests per system and seconds."""
    rows = sum(observed.rows for observed in report.observed.values())
    requests = ", ".join(f"{counted(count, 'request')} to {name}" for name, count in report.requests.items())
    return f"{rows} records read, {requests}, {report.took_ms / 1000:.1f} s"


def one_line(site: Site, report: Report, stands: Mapping[str, Standing]) -> str:
    """A run in one line, for runs that follow each other."""
    pairs = [f"{name}: {done_words(site, report, name)}" for name in stands if _did(report, name)]
    held = sum(stand.for_person for stand in stands.values())
    failing = sum(stand.failing for stand in stands.values())
    words = [*pairs, *([f"{held} held"] if held else []), *([f"{failing} failing"] if failing else [])]
    words += [f"braked: {brake.pair} {brake.kind}" for brake in report.brakes]
    return f"run {report.run} {_came_to(site, report)}: {'; '.join(words) or 'in step'} ({readings(report)})"


def _did(report: Report, pair: str) -> bool:
    return bool(report.linked[pair]) or any(name == pair for name, _, _ in report.writes)


def report_json(report: Report, stands: Mapping[str, Standing]) -> dict[str, Any]:
    """A run as JSON."""
    summary = report.summary()
    if not isinstance(summary, dict):
        raise TypeError(type(summary).__name__)
    return {
        "run": report.run,
        "status": report.status,
        "took_ms": report.took_ms,
        **summary,
        "brakes": [brake_json(brake) for brake in report.brakes],
        "read": {f"{side}:{entity}": o.rows for (side, entity), o in report.observed.items()},
        "pairs": {name: standing_json(stand) for name, stand in stands.items()},
    }
