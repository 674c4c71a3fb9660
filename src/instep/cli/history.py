"""`instep history`: every write that was meant, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import click

from instep.cli.history_verify import verify_history
from instep.cli.records import known_site, side_option
from instep.cli.terminal import Terminal
from instep.core.dataflow import Dataflow
from instep.core.model import Side
from instep.core.overwritten import CAUSE as OVERWRITTEN
from instep.core.values import Json
from instep.desk import words
from instep.desk.history import IN_NO_SYSTEM, About, done_in, entries, entry_json, fields_of, ids_of
from instep.desk.records import pair_of, side_of
from instep.desk.runs import Told, in_short, told_json, undoing_words, untouched
from instep.desk.runs import told as told_run
from instep.errors import UsageError
from instep.site import Site
from instep.store.contract import Entry


@click.command()
@click.argument("pair_name", metavar="[PAIR]", default="")
@click.argument("id", metavar="[ID]", default="")
@side_option
@click.option("--property", "name", default="", help="Only changes of this property.")
@click.option("--run", type=click.IntRange(1, 2**63 - 1), help="Only what this run did.")
@click.option("--runs", is_flag=True, help="The runs instead of what they did.")
@click.option(
    "--limit",
    type=click.IntRange(1, 2**63 - 1),
    default=50,
    show_default=True,
    help="No more than this many.",
)
@click.option("--verify", "check", is_flag=True, help="Say whether the journal is as it was written.")
@click.option("--anchor", default="", help="With --verify: an anchor from before, which must be in it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one entry a line.")
@click.pass_obj
def command(
    terminal: Terminal,
    pair_name: str,
    id: str,
    side: str | None,
    name: str,
    run: int | None,
    runs: bool,
    limit: int,
    check: bool,
    anchor: str,
    as_json: bool,
) -> int:
    """Show the journal, latest first: of everything, of a pair, of one record or of a run.

    A value that lost a conflict stands there as "overruled", one that a write replaced unseen as "overwritten".
    With --verify, every entry is checked against the chain of hashes that it was sealed with, and the chain's end is
    printed, to be kept elsewhere; exit code 3 if an entry was changed, taken out, put in or moved.
    """
    if check or anchor:
        return asyncio.run(verify_history(terminal, anchor, as_json))
    if runs:
        asyncio.run(_runs(terminal, limit, as_json))
    else:
        asyncio.run(_entries(terminal, pair_name, id, side, name, run or 0, limit, as_json))
    return 0


async def _entries(
    terminal: Terminal,
    pair_name: str,
    id: str,
    side: str | None,
    name: str,
    run: int,
    limit: int,
    as_json: bool,
) -> None:
    async with known_site(terminal) as site:
        found: Side | None = None
        if pair_name:
            pair = pair_of(site, pair_name)
            if id:
                found = site.store.read(lambda tx: side_of(site, tx, pair, id, side))
            if name and name not in (names := [prop.name for prop in pair.properties]):
                raise UsageError(f"{pair.name} has no property {name}", why=f"it has {', '.join(names)}")
        shown = 0
        for entry in entries(site, About(pair_name, found, id, run)):
            if name and not any(change.get("property") == name for change in entry.changes):
                continue
            if as_json:
                terminal.json_line(entry_json(entry, site))
            else:
                for line in told(entry, site, only=name):
                    terminal.say(line)
            shown += 1
            if shown == limit:
                terminal.note(f"only the latest {limit} are shown; more with --limit")
                return
        if not shown and not as_json:
            terminal.say("nothing was written")


def told(entry: Entry, site: Site, *, only: str = "") -> list[str]:
    """An entry in words: when, run, what, where and why; then a line for each property, old -> new. The left record
    comes first; a property is called as the system calls it that was written to."""
    did, side = done_in(entry)
    where = f" in {site.systems[side]}" if side is not None else ""
    named = " = ".join(id for id in ids_of(entry) if id)
    run = f"run {entry.run}" if entry.run else "by hand"
    outcome = "" if entry.outcome == "done" else f": {entry.outcome}"
    why = f"   ({words.reason(entry.reason, site.systems)})" if entry.reason else ""
    what = " ".join(filter(None, (did, entry.pair, named))) + f"{where}{outcome}{why}"
    lines = [f"{words.moment(entry.at_ms)}  {run}  {what}"]
    for change in entry.changes:
        if only and change.get("property") != only:
            continue
        lines.append(f"    {_change(entry, change, site.dataflow)}")
    if entry.request:
        lines.append(f"    request {entry.request}")
    return lines


def _change(entry: Entry, change: Mapping[str, Json], dataflow: Dataflow) -> str:
    name, old, new = str(change.get("property")), change.get("old"), change.get("new")
    fields = fields_of(entry, name, dataflow) if entry.operation not in IN_NO_SYSTEM else []
    if fields and name not in fields:
        name = f"{words.few(fields)} ({name})"
    if entry.forgotten:
        return f"{name}: (forgotten)"
    if "old" not in change and "new" not in change:
        return name
    if entry.operation == "overruled":
        return f"{name}: {words.values(old)} lost"
    if entry.operation == "create":
        return f"{name}: {words.values(new)}"
    replaced = "overwritten with" if entry.operation == OVERWRITTEN else "->"
    return f"{name}: {words.values(old)} {replaced} {words.values(new)}"


async def _runs(terminal: Terminal, limit: int, as_json: bool) -> None:
    async with known_site(terminal) as site:
        for run in site.store.read(lambda tx: [told_run(tx, one) for one in tx.runs(limit)]):
            if as_json:
                terminal.json_line(told_json(run))
            else:
                terminal.say(_run_line(run, site))


def _run_line(about: Told, site: Site) -> str:
    run = about.run
    took = f", {(run.finished_ms - run.started_ms) / 1000:.1f} s" if run.finished_ms is not None else ""
    troubled = untouched(about.troubles, site.systems)
    not_touched = [f"not worked on: {troubled}"] if troubled else []
    said = ", ".join([in_short(about), *not_touched, *undoing_words(about)])
    came_to = "broken off" if about.broken_off else run.status
    return f"run {run.id}  {words.moment(run.started_ms)}  {run.kind}: {came_to}{took}, {said}"
