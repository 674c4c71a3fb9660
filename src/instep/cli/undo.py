"""`instep undo`: take back what a run wrote, as a plan first and then as a run of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

import click

from instep.cli.asking import declined
from instep.cli.going import Interrupt, arun, go
from instep.cli.planned import Outline
from instep.cli.records import side_option
from instep.cli.summary import report_json, say_report
from instep.cli.terminal import Terminal
from instep.core.phrases import counted
from instep.desk.plan_file import action_json
from instep.desk.standing import standing
from instep.desk.undoing import Asked, Way, scope_of, way_back, wish_of
from instep.runner.planning import Action
from instep.runner.run import Report, Wish
from instep.runner.undo import Scope, choose_ways_back
from instep.site import Site, opened


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

    The way back is shown first, and nothing is done unless you say so (--yes where nobody can be asked). Values are
    written back, records that the run made are taken out of use, links that it found are removed. What somebody
    changed since is left alone, and what can't be undone is told. Undoing is a run of its own, and can be undone in
    the same way.
    """
    return arun(_undo(terminal, Asked(run, pair_name, id, side, name), yes, limit, as_json))


@dataclass
class _Shown:
    """The way back with how it is shown: as an outline, or as the actions' JSON."""

    way: Way
    outline: Outline
    actions: list[object] = field(default_factory=list)


async def _undo(terminal: Terminal, asked: Asked, yes: bool, limit: int, as_json: bool) -> int:
    interrupt = Interrupt(terminal)
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        site.require_sound()
        scope = scope_of(site, asked)
        with interrupt.listening():
            read = await go(
                terminal, site, Wish(act=False, pairs=(scope.pair,) if scope.pair else ()), interrupt
            )
            if read.status == "stopped":
                raise KeyboardInterrupt
            shown = await _look(site, scope, limit, as_json, interrupt)
            way = shown.way
            if not way.records:
                return _nothing(terminal, shown, read, as_json)
            if not as_json:
                shown.outline.say(terminal, read)
                if way.pruned:
                    terminal.say(way.pruned)
            code = None if yes else declined(terminal, _question(scope, way), "nothing was done")
            if code is not None:
                if as_json:
                    terminal.json(
                        {"run": scope.run, "pruned": bool(way.pruned), "actions": shown.actions, "done": None}
                    )
                return code
            await choose_ways_back(site.engine(), scope)
            report = await go(terminal, site, wish_of(scope, way.approved, way.pairs, way.kept), interrupt)
        return _say_done(terminal, site, scope, shown, report, as_json)


async def _look(site: Site, scope: Scope, limit: int, as_json: bool, interrupt: Interrupt) -> _Shown:
    outline = Outline(site.dataflow, site.systems, limit)
    actions: list[object] = []

    def add(action: Action) -> None:
        outline.add(action)
        if as_json:
            actions.append(action_json(action, site.dataflow, site.systems))
        if interrupt.asked.is_set():
            raise KeyboardInterrupt

    return _Shown(await way_back(site, scope, add), outline, actions)


def _nothing(terminal: Terminal, shown: _Shown, read: Report, as_json: bool) -> int:
    way = shown.way
    if as_json:
        terminal.json({"pruned": bool(way.pruned), "actions": shown.actions, "done": None})
        return 0
    if way.kept:
        shown.outline.say(terminal, read)
    if way.pruned:
        terminal.say(way.pruned)
        return 0
    terminal.say(
        "nothing is to be undone: "
        + ("all of it stays as it is" if way.kept else "it wrote nothing that stands")
    )
    return 0


def _question(scope: Scope, way: Way) -> str:
    told = f"{counted(way.records, 'record')} would be as before run {scope.run}"
    if way.kept:
        told += f"; {counted(way.kept, 'thing')} can't be undone or must not be"
    return f"{told}. Do it?"


def _say_done(
    terminal: Terminal, site: Site, scope: Scope, shown: _Shown, report: Report, as_json: bool
) -> int:
    way = shown.way
    stands = standing(site)
    if as_json:
        done = report_json(report, stands)
        terminal.json({"run": scope.run, "pruned": bool(way.pruned), "actions": shown.actions, "done": done})
    else:
        say_report(terminal, site, report, stands)
        terminal.say(
            f"made {report.written} of {counted(len(way.approved), 'write')} to undo run {scope.run}"
        )
        terminal.note(f"to take this back: instep undo {report.run}")
    return 130 if report.status == "stopped" else 3 if way.kept or report.written < len(way.approved) else 0
