"""`instep sync`: bring both systems in step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from instep.cli.going import Interrupt, arun, go, require_pairs
from instep.cli.summary import needs_person, one_line, report_json, say_next, say_report
from instep.cli.terminal import Terminal
from instep.core.brakes import KINDS, SAME, kind_of
from instep.core.phrases import counted
from instep.desk.already import made_by_others
from instep.desk.plan_file import Approved, read_plan
from instep.desk.standing import standing
from instep.errors import Held, RetryLater, UsageError
from instep.runner.run import COMPLETE, Report, Wish
from instep.site import Site, now_ms, opened

SHOWN: Final = 5
UNITS_S: Final = {"s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """Seconds from a text such as 60s, 5m or 1h; a bare number is seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value)
        number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS_S else (text, "s")
        try:
            seconds = float(number) * UNITS_S[unit]
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= 7 * 86_400:
            self.fail(f"{text!r} is no time such as 60s, 5m or 1h, up to 168h", param, ctx)
        return seconds


@click.command()
@click.argument("plan", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--pair", "pairs", multiple=True, help="Only this pair; may be repeated.")
@click.option("--full", is_flag=True, help="Read every record again, not only what changed; finds deletes.")
@click.option(
    "--release", "released", multiple=True, metavar="PAIR:KIND", help="Let a brake go for this run."
)
@click.option(
    "--every",
    type=Duration(),
    help="Go on, a run every so often (60s, 5m), until stopped; complete readings as scheduled.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print what was done as JSON; one line a run with --every."
)
@click.pass_obj
def command(
    terminal: Terminal,
    plan: Path | None,
    pairs: Sequence[str],
    full: bool,
    released: Sequence[str],
    every: float | None,
    as_json: bool,
) -> int:
    """Bring both systems in step, or do exactly the PLAN that `instep plan --out PLAN` kept.

    With a PLAN nothing else is written: a record that moved since is left alone and told of.
    Ctrl-C finishes the calls that are on their way; what was done is kept. A second one stops at once.
    """
    if plan is not None and (pairs or every is not None or released):
        raise UsageError(
            "a plan is done as it is",
            why="--pair, --release and --every would make it another one",
            fix="leave them out, or the plan",
        )
    wish = Wish(full=full, released=frozenset(released), pairs=tuple(pairs))
    return arun(_sync(terminal, plan, wish, every, as_json))


async def _sync(terminal: Terminal, plan: Path | None, wish: Wish, every: float | None, as_json: bool) -> int:
    interrupt = Interrupt(terminal)
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        require_pairs(site.dataflow, wish.pairs)
        _require_brakes(site, wish)
        site.require_sound()
        approved = read_plan(plan, site) if plan is not None else None
        if approved is not None:
            wish = Wish(approved=approved.fingerprints, full=wish.full, pairs=_pairs_of(site, approved))
        with interrupt.listening():
            if every is not None:
                return await _go_on(terminal, site, wish, every, as_json, interrupt)
            report = await go(terminal, site, wish, interrupt)
        stands = {name: stand for name, stand in standing(site).items() if name in (wish.pairs or (name,))}
        already: Mapping[int, int] = {}
        if approved is not None and report.written < approved.writes:
            already = await made_by_others(site.store, approved.marks, approved.made_ms, report.run)
        if as_json:
            moved = [key for key in report.skipped_keys if approved is not None and key in approved.keys]
            terminal.json({**report_json(report, stands), "moved": len(moved), "already": already})
        else:
            say_report(terminal, site, report, stands)
            if approved is not None:
                _say_approved(terminal, report, approved, already)
            say_next(terminal, report, stands)
        if report.status == "stopped":
            return 130
        return 3 if needs_person(report, stands) else 0


async def _go_on(
    terminal: Terminal, site: Site, wish: Wish, every: float, as_json: bool, interrupt: Interrupt
) -> int:
    """Run after run until a person stops it. What a system will take later is left for the next run,
    and so is a store that another process has."""
    running = terminal if terminal.interactive else replace(terminal, quiet=True)  # a line a run in a log
    while True:
        began_ms = now_ms()
        try:
            full = wish.full or full_due(site, began_ms)
            report = await go(running, site, replace(wish, full=full), interrupt)
        except (Held, RetryLater) as error:
            terminal.warn(str(error))
        else:
            stands = standing(site)
            if as_json:
                terminal.json_line(report_json(report, stands))
            else:
                terminal.say(one_line(site, report, stands))
            wish = replace(wish, full=False, released=frozenset())  # these were for the first run
        left_s = every - (now_ms() - began_ms) / 1000
        if await interrupt.wait(max(left_s, 0)):
            return 130


def full_due(site: Site, at_ms: int) -> bool:
    """Whether the schedule asks for a complete reading, which is what finds deletes."""
    last = site.store.read(lambda tx: tx.meta(COMPLETE))
    every_ms = site.file.settings.schedule.full_every_s * 1000
    return last is not None and at_ms - int(last) >= every_ms


def _pairs_of(site: Site, approved: Approved) -> tuple[str, ...]:
    known = [pair.name for pair in site.dataflow.pairs]
    return () if set(approved.pairs) == set(known) else tuple(p for p in approved.pairs if p in known)


def _require_brakes(site: Site, wish: Wish) -> None:
    for text in wish.released:
        pair, colon, kind = text.partition(":")
        if not colon or kind_of(kind) not in KINDS or (kind_of(kind) == SAME) != (":" in kind):
            kinds = ", ".join(f"{SAME}:PROPERTY" if name == SAME else name for name in KINDS)
            raise UsageError(
                f'"{text}" names no brake',
                why="a brake is of a kind, and of one pair",
                fix=f"write PAIR:KIND, KIND one of {kinds}",
            )
        require_pairs(site.dataflow, [pair])


def _say_approved(terminal: Terminal, report: Report, approved: Approved, already: Mapping[int, int]) -> None:
    moved = [key for key in report.skipped_keys if key in approved.keys]
    new = len(report.skipped_keys) - len(moved)
    wrote, made = counted(approved.writes, "write"), counted(report.written, "was", "were")
    more = report.written - approved.writes
    follow = f", {more} of them more than planned, which followed from the others" if more > 0 else ""
    terminal.say(f"the plan of {approved.made_at} had {wrote}; {made} made{follow}")
    for run, count in already.items():
        terminal.say(f"made before by run {run}: {count}")
    if moved:
        shown = ", ".join(f"{key.pair} {key.id}" for key in moved[:SHOWN])
        others = f" and {len(moved) - SHOWN} more" if len(moved) > SHOWN else ""
        terminal.say(f"moved since the plan was made, and left alone: {len(moved)} ({shown}{others})")
    if new:
        terminal.say(f"not in the plan, and left for the next one: {new}")
    if moved or new:
        terminal.say("  fix: look again: instep plan")
