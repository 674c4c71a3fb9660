"""`instep undo`: take back what a run wrote, as a plan first and then as a run of its own."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field

import click

from instep.cli.going import Interrupt, arun, go
from instep.cli.plan_file import action_json
from instep.cli.planned import Outline
from instep.cli.records import pair_of, side_of, side_option
from instep.cli.summary import report_json, say_report, standing
from instep.cli.terminal import Terminal
from instep.cli.words import counted, moment
from instep.core.model import Side
from instep.errors import UsageError
from instep.runner.run import Report, Wish
from instep.runner.undo import Scope, choose_ways_back, pruned_until, ways_back
from instep.site import Site, opened
from instep.store.contract import Run, Tx

LATEST = "last"


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("pair_name", metavar="[PAIR]", default="")
@click.argument("id", metavar="[ID]", default="")
@side_option
@click.option("--property", "name", default="", help="Only this property.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(0), help="Details per group.")
@click.option("--json", "as_json", is_flag=True, help="Print the way back, and what was done, as JSON.")
@click.pass_obj
def command(
    terminal: Terminal,
    run: str,
    pair_name: str,
    id: str,
    side: str | None,
    name: str,
    yes: bool,
    limit: int,
    as_json: bool,
) -> int:
    """Take back what RUN wrote: all of it, or of one pair, one record, one property. "last" is the latest that wrote.

    The way back is shown first, and nothing is done unless you say so. Values are written back, records that the
    run made are taken out of use, links that it found are removed. What somebody changed since is left alone, and
    what can't be undone is told. Undoing is a run of its own, and can be undone in the same way.
    """
    return arun(_undo(terminal, _Asked(run, pair_name, id, side, name), yes, limit, as_json))


@dataclass(frozen=True)
class _Asked:
    run: str
    pair: str
    id: str
    side: str | None
    property: str


@dataclass
class _Way:
    """The way back as it was shown: what is approved with it, and how much there is of what."""

    outline: Outline
    approved: set[str] = field(default_factory=set)
    pairs: set[str] = field(default_factory=set)
    records: int = 0
    kept: int = 0
    pruned: str = ""
    actions: list[object] = field(default_factory=list)


async def _undo(terminal: Terminal, asked: _Asked, yes: bool, limit: int, as_json: bool) -> int:
    interrupt = Interrupt(terminal)
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        site.require_sound()
        scope = _scope(site, asked)
        with interrupt.listening():
            read = await go(
                terminal, site, Wish(act=False, pairs=(scope.pair,) if scope.pair else ()), interrupt
            )
            if read.status == "stopped":
                raise KeyboardInterrupt
            way = await _look(site, scope, limit, as_json, interrupt)
            if not way.records:
                return _nothing(terminal, way, read, as_json)
            if not as_json:
                way.outline.say(terminal, read)
                if way.pruned:
                    terminal.say(way.pruned)
            if not (yes or _agreed(terminal, scope, way)):
                if as_json:
                    terminal.json(
                        {"run": scope.run, "pruned": bool(way.pruned), "actions": way.actions, "done": None}
                    )
                return 0
            await choose_ways_back(site.engine(), scope)
            wish = Wish(approved=frozenset(way.approved), pairs=tuple(sorted(way.pairs)), kind="undo")
            report = await go(terminal, site, wish, interrupt)
        return _say_done(terminal, site, scope, way, report, as_json)


async def _look(site: Site, scope: Scope, limit: int, as_json: bool, interrupt: Interrupt) -> _Way:
    way = _Way(Outline(site.dataflow, site.systems, limit), pruned=_pruned(site, scope))
    for back in ways_back(site.engine(), scope):
        way.outline.add(back.action)
        way.approved.update(back.action.fingerprints)
        way.kept += len(back.action.verdict.holds)
        if back.releases:
            way.records += 1
            way.pairs.add(back.action.key.pair)
        if as_json:
            way.actions.append(action_json(back.action, site.dataflow, site.systems))
        if interrupt.asked.is_set():
            raise KeyboardInterrupt
        await asyncio.sleep(0)
    return way


def _pruned(site: Site, scope: Scope) -> str:
    """The sentence to say if the journal may not have all that the run wrote any more."""
    until_ms = pruned_until(site.engine(), scope.run)
    if until_ms is None:
        return ""
    return (
        f"the journal was pruned up to {moment(until_ms)} UTC: what run {scope.run} wrote until then is not known"
        " any more, and stays as it is"
    )


def _nothing(terminal: Terminal, way: _Way, read: Report, as_json: bool) -> int:
    if as_json:
        terminal.json({"pruned": bool(way.pruned), "actions": way.actions, "done": None})
        return 0
    if way.kept:
        way.outline.say(terminal, read)
    if way.pruned:
        terminal.say(way.pruned)
        return 0
    terminal.say(
        "nothing is to be undone: "
        + ("all of it stays as it is" if way.kept else "it wrote nothing that stands")
    )
    return 0


def _agreed(terminal: Terminal, scope: Scope, way: _Way) -> bool:
    """Whether a person at a terminal says yes; without one nobody does."""
    told = f"{counted(way.records, 'record')} would be as before run {scope.run}"
    if way.kept:
        told += f"; {counted(way.kept, 'thing')} can't be undone or must not be"
    if not sys.stdin.isatty():
        terminal.note(f"{told}\nnothing was done; to do it: --yes")
        return False
    return click.confirm(f"{told}. Do it?", default=False, err=True)


def _say_done(terminal: Terminal, site: Site, scope: Scope, way: _Way, report: Report, as_json: bool) -> int:
    stands = standing(site)
    if as_json:
        done = report_json(report, stands)
        terminal.json({"run": scope.run, "pruned": bool(way.pruned), "actions": way.actions, "done": done})
    else:
        say_report(terminal, site, report, stands)
        terminal.say(
            f"{report.written} of {counted(len(way.approved), 'write')} to undo run {scope.run} were made"
        )
        terminal.note(f"to take this back: instep undo {report.run}")
    return 130 if report.status == "stopped" else 3 if way.kept or report.written < len(way.approved) else 0


def _scope(site: Site, asked: _Asked) -> Scope:
    """Raises UsageError for a run, pair, record or property that there is not."""
    side: Side | None = None
    if asked.pair:
        pair = pair_of(site, asked.pair)
        if asked.id:
            side = site.store.read(lambda tx: side_of(site, tx, pair, asked.id, asked.side))
        if asked.property and pair.property(asked.property) is None:
            names = ", ".join(prop.name for prop in pair.properties)
            raise UsageError(f"{pair.name} has no property {asked.property}", why=f"it has {names}")
    elif asked.property:
        raise UsageError(
            "a property is of a pair", fix=f"instep undo {asked.run} PAIR --property {asked.property}"
        )
    run = site.store.read(lambda tx: _run(tx, asked, side))
    return Scope(run.id, asked.pair, side, asked.id, asked.property)


def _run(tx: Tx, asked: _Asked, side: Side | None) -> Run:
    if asked.run == LATEST:
        entries = tx.journal(pair=asked.pair, side=side, record_id=asked.id, limit=200)
        number = next((e.run for e in entries if e.run and e.operation in ("create", "update", "retire")), 0)
        if not number:
            raise UsageError("no run has written anything there", fix="instep history")
    elif asked.run.isdecimal() and asked.run.isascii() and len(asked.run) < 19:
        number = int(asked.run)
    else:
        raise UsageError(
            f"{asked.run} is no run", why='it is a number, or "last"', fix="instep history --runs"
        )
    found = tx.run(number)
    if found is None:
        raise UsageError(f"there is no run {number}", fix="see which there are: instep history --runs")
    return found
