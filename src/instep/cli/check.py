"""`instep check`: everything that can be wrong before a run, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import click

from instep.cli.terminal import Terminal
from instep.connectors.contract import Connector, Health
from instep.core.phrases import counted
from instep.errors import ConfigurationError, InstepError, Problem
from instep.site import Site, load_site

MOST_SKEW_MS: Final = 60_000


@dataclass
class Checked:
    """What was found: problems of the files, of the live systems, and what each system answered."""

    problems: list[Problem] = field(default_factory=list)
    health: dict[str, Health] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)


@click.command()
@click.option("--offline", is_flag=True, help="Only the files; ask no system and read no secret.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(terminal: Terminal, offline: bool, as_json: bool) -> int:
    """Look for mistakes: in all files, then at both systems. Writes nothing, anywhere.

    Tells what each system said of its clock and its limits. Exit code 2 if a run would not work as it is.
    """
    found = Checked()
    try:
        site = load_site(terminal.directory, offline=offline)
    except ConfigurationError as error:
        found.problems += error.problems
        _tell(terminal, found, None, as_json)
        return 2
    terminal.secrets |= site.secrets
    asyncio.run(_look(site, found, offline))
    _tell(terminal, found, site, as_json)
    return 2 if found.errors else 0


async def _look(site: Site, found: Checked, offline: bool) -> None:
    try:
        if not offline:
            await asyncio.gather(*(_ask(connector, found) for connector in site.connectors))
        # Afterwards, since a connector may learn of custom fields while it looks.
        found.problems[:0] = site.problems()
    finally:
        await site.close()


async def _ask(connector: Connector, found: Checked) -> None:
    try:
        health = await connector.check()
    except InstepError as error:
        found.problems.append(Problem(connector.name, 0, 0, error.what, why=error.why, fix=error.fix))
        return
    found.health[connector.name] = health
    found.problems += health.problems
    skew_ms = health.clock_skew_ms
    if skew_ms is not None and abs(skew_ms) > MOST_SKEW_MS:
        found.problems.append(
            Problem(
                connector.name,
                0,
                0,
                f"its clock is {_seconds(skew_ms)} from ours",
                why="the order of edits can't be told well, and more conflicts will be held",
                fix="set this machine's clock by NTP",
                severity="warning",
            )
        )


def _tell(terminal: Terminal, found: Checked, site: Site | None, as_json: bool) -> None:
    if as_json:
        terminal.json(_as_json(found, site))
        return
    for problem in found.problems:
        terminal.say(terminal.without_secrets(str(problem)))
    if found.problems:
        terminal.say()
    if site is not None:
        properties = sum(len(pair.properties) for pair in site.dataflow.pairs)
        names = ", ".join(pair.name for pair in site.dataflow.pairs)
        terminal.say(f"{len(site.dataflow.pairs)} pairs ({names}), {properties} properties")
    for name, health in found.health.items():
        terminal.say(f"{name}: {_answered(health)}")
        for note in health.notes:
            terminal.say(f"  {note}")
    warnings = len(found.problems) - found.errors
    said = [_count(found.errors, "error"), _count(warnings, "warning")]
    terminal.say(f"{' and '.join(text for text in said if text) or 'no problem'} found")
    if not found.errors and site is not None:
        terminal.note("next: instep plan")


def _answered(health: Health) -> str:
    skew = health.clock_skew_ms
    clock = "its clock is not known" if skew is None else f"its clock is {_seconds(skew)} from ours"
    pace = health.requests_per_minute
    limit = "no limit of requests" if pace is None else f"at most {pace} requests a minute"
    failed = any(problem.severity == "error" for problem in health.problems)
    return f"{'has problems' if failed else 'answers'}; {clock}; {limit}"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:+.1f} s"


def _count(number: int, noun: str) -> str:
    return counted(number, noun) if number else ""


def _as_json(found: Checked, site: Site | None) -> Mapping[str, Any]:
    systems = {
        name: {
            "clock_skew_ms": health.clock_skew_ms,
            "requests_per_minute": health.requests_per_minute,
            "notes": list(health.notes),
        }
        for name, health in found.health.items()
    }
    pairs: Sequence[Mapping[str, Any]] = [
        {
            "name": pair.name,
            "left": pair.entity.left,
            "right": pair.entity.right,
            "properties": len(pair.properties),
        }
        for pair in (site.dataflow.pairs if site else ())
    ]
    return {
        "ok": not found.errors,
        "errors": found.errors,
        "warnings": len(found.problems) - found.errors,
        "problems": [asdict(problem) for problem in found.problems],
        "systems": systems,
        "pairs": pairs,
    }
