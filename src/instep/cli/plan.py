"""`instep plan`: what a sync would do. Reads both systems and writes to neither."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import click

from instep.cli.going import Interrupt, arun, go, require_pairs
from instep.cli.planned import Outline
from instep.cli.summary import readings
from instep.cli.terminal import Terminal
from instep.core.phrases import counted
from instep.desk.plan_file import PlanWriter, open_private
from instep.runner.judge import UNREAD
from instep.runner.planning import IN_DOUBT, actions
from instep.runner.run import Report, Wish
from instep.site import Site, now_ms, opened


@click.command()
@click.option("--pair", "pairs", multiple=True, help="Only this pair; may be repeated.")
@click.option("--full", is_flag=True, help="Read every record again, not only what changed.")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(0), help="Details per group.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the plan: instep sync FILE does it."
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, every action of it.")
@click.pass_obj
def command(
    terminal: Terminal, pairs: Sequence[str], full: bool, limit: int, out: Path | None, as_json: bool
) -> int:
    """Show what a sync would do, without doing it: per pair and kind, property by property, old and new value.

    A plan that was kept with --out can be looked at, approved, and then done as it is.
    """
    return arun(_plan(terminal, tuple(pairs), full, limit, out, as_json))


async def _plan(
    terminal: Terminal, pairs: tuple[str, ...], full: bool, limit: int, out: Path | None, as_json: bool
) -> int:
    interrupt = Interrupt(terminal)
    async with opened(terminal.directory) as site:
        terminal.secrets |= site.secrets
        require_pairs(site.dataflow, pairs)
        site.require_sound()
        with interrupt.listening():
            report = await go(terminal, site, Wish(act=False, full=full, pairs=pairs), interrupt)
            if report.status == "stopped":
                raise KeyboardInterrupt
            outline = Outline(site.dataflow, site.systems, limit)
            with ExitStack() as files:
                texts: list[TextIO] = [files.enter_context(open_private(out))] if out else []
                texts += [sys.stdout] if as_json else []
                await _collect(site, report, pairs, outline, texts, interrupt)
    if not as_json:
        outline.say(terminal, report)
        _say_counts(terminal, report, out, outline.stopped)
    return 3 if report.brakes or report.troubles or outline.held else 0


async def _collect(
    site: Site,
    report: Report,
    pairs: tuple[str, ...],
    outline: Outline,
    texts: Sequence[TextIO],
    interrupt: Interrupt,
) -> None:
    engine, wanted = site.engine(), pairs or tuple(pair.name for pair in site.dataflow.pairs)
    writers = [PlanWriter(text, site, report, wanted, now_ms()) for text in texts]
    for pair in site.dataflow.pairs:
        if pair.name not in report.tallies:
            continue
        for action in actions(engine, pair):
            outline.add(action, report.gates.get(pair.name))
            for writer in writers:
                writer.add(action)
            if interrupt.asked.is_set():
                raise KeyboardInterrupt
            await asyncio.sleep(0)
    for writer in writers:
        writer.close()


def _say_counts(terminal: Terminal, report: Report, out: Path | None, stopped: int) -> None:
    writes = sum(sum(tally.writes.values()) for tally in report.tallies.values())
    links = sum(tally.links for tally in report.tallies.values())
    held = sum(sum(tally.holds.values()) for tally in report.tallies.values())
    following = sum(tally.following for tally in report.tallies.values())
    follow = f" ({following} of them right after a create)" if following else ""
    waiting = sum((tally.waiting for tally in report.tallies.values()), Counter[str]())
    if writes or links or held:
        meant = f"{counted(writes, 'write')}{follow}{_stopped(writes, stopped)}"
        told = f"{meant}, {counted(links, 'new link')}, {held} held"
    elif report.troubles:
        told = "nothing is known that could be planned"
    elif waiting:
        told = "nothing to write as far as is known"
    else:
        told = "nothing to do: whatever is not held is in step"
    terminal.say("; ".join([told, *_open(waiting)]))
    terminal.say(readings(report))
    if out is not None:
        terminal.say(f"kept in {out}")
    if writes > stopped or links or (writes and out):
        terminal.note(f"next: instep sync{f' {out}' if out else ''}")


def _stopped(writes: int, stopped: int) -> str:
    """How many of the writes the brakes stop."""
    if not stopped:
        return ""
    which = f"{stopped} of them" if stopped < writes else "all of them" if writes > 1 else "which is"
    return f" ({which} stopped by brakes until a person lets them go)"


def _open(waiting: Counter[str]) -> Iterator[str]:
    """What a plan can't foretell, or has nothing to count of."""
    if unread := waiting[UNREAD]:
        yield (
            f"{counted(unread, 'record has', 'records have')} to be read first: instep sync reads"
            f" {'it' if unread == 1 else 'them'} (instep plan --full shows what comes of it)"
        )
    if doubts := waiting[IN_DOUBT]:
        yield f"{counted(doubts, 'write is', 'writes are')} in doubt: instep status says when a run settles that"
    if others := waiting.total() - unread - doubts:
        yield f"{counted(others, 'record')} more as told above"
