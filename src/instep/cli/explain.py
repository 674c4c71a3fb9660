"""`instep explain`: why one record is or is not in step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from instep.cli.history import told
from instep.cli.records import known_site, side_option
from instep.cli.terminal import Terminal
from instep.core.explain import SETTLED, Explanation, Known, Standing
from instep.core.model import SIDES, Both
from instep.core.values import Raw
from instep.desk import words
from instep.desk.explaining import explained, explained_json
from instep.desk.records import pair_of, side_of
from instep.site import Site
from instep.store.contract import Entry


@click.command()
@click.argument("pair_name", metavar="PAIR")
@click.argument("id")
@side_option
@click.option("--all", "each", is_flag=True, help="Also the properties that agree.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(terminal: Terminal, pair_name: str, id: str, side: str | None, each: bool, as_json: bool) -> None:
    """Say why a record is or is not in step: its partner, each property, what comes next, what you can do.

    From what is known: no system is asked. ID may be of either side.
    """
    asyncio.run(_explain(terminal, pair_name, id, side, each, as_json))


async def _explain(
    terminal: Terminal, pair_name: str, id: str, side: str | None, each: bool, as_json: bool
) -> None:
    async with known_site(terminal) as site:
        pair = pair_of(site, pair_name)
        found = site.store.read(lambda tx: explained(site, tx, pair, side_of(site, tx, pair, id, side), id))
        if as_json:
            terminal.json(explained_json(site, found))
        else:
            _say(terminal, site, found.known, found.explanation, found.entries, each)


def _say(
    terminal: Terminal,
    site: Site,
    known: Known,
    explanation: Explanation,
    entries: Sequence[Entry],
    each: bool,
) -> None:
    colour = "green" if explanation.in_step else "yellow"
    named = words.ids(known.link.ids) if known.link is not None else known.key.id
    terminal.say(f"{known.key.pair} {named}: {terminal.style(explanation.summary, fg=colour)}")
    for fact in explanation.facts:
        terminal.say(f"  {fact}")
    for side in SIDES:
        seen = known.seen[side]
        if seen is not None:
            by = f", last edited by {seen.author}" if seen.author else ""
            read = f"read at {words.moment(seen.seen_ms)} UTC" if not seen.unread else "to be read again"
            terminal.say(f"  {site.systems[side]}: {read}{by}")
    shown = [p for p in explanation.properties if each or p.state not in SETTLED]
    if shown:
        terminal.say("properties:")
    for standing in shown:
        _say_standing(terminal, site, standing)
    hidden = len(explanation.properties) - len(shown)
    if hidden and shown:
        terminal.say(f"  the other {hidden} agree")
    if explanation.following:
        terminal.say("next run:")
        for line in explanation.following:
            terminal.say(f"  {line}")
    if explanation.fixes:
        terminal.say("what you can do:")
        for line in explanation.fixes:
            terminal.say(f"  {line}")
    if entries:
        terminal.say("last writes:")
        for entry in entries:
            for line in told(entry, site):
                terminal.say(f"  {line}")


def _say_standing(terminal: Terminal, site: Site, standing: Standing) -> None:
    why = f": {standing.why}" if standing.why else ""
    arrow = f", {site.systems[standing.to]} follows" if standing.to and standing.state == "differs" else ""
    terminal.say(f"  {standing.property}: {standing.state}{why}{arrow}")
    for side in SIDES:
        edited = "   (edited)" if side in standing.edited else ""
        terminal.say(f"    {site.systems[side]}: {words.values(standing.raw[side])}{edited}")
    if standing.base is not None and standing.state != "same":
        terminal.say(f"    last agreed: {_agreed(standing.base)}")


def _agreed(base: Both[Raw]) -> str:
    told_both = base.map(words.values)
    return told_both.left if told_both.left == told_both.right else f"{told_both.left} | {told_both.right}"
