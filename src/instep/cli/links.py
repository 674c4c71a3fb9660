"""`instep links`: which records are the same thing, and links made or removed by hand."""

from __future__ import annotations

import asyncio

import click

from instep.cli.records import known_site, side_option, who
from instep.cli.terminal import Terminal
from instep.core.model import SIDES, Both
from instep.core.state import Link
from instep.core.values import plain
from instep.desk import words
from instep.desk.linking import adding, link_of, removing
from instep.desk.records import pair_of
from instep.store.paging import every_link


@click.group(name="links")
def command() -> None:
    """Which records are the same thing."""


@command.command(name="list")
@click.option("--pair", default="", help="Only this pair.")
@click.option("--limit", type=click.IntRange(1, 2**63 - 1), help="No more than this many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one link a line.")
@click.pass_obj
def list_(terminal: Terminal, pair: str, limit: int | None, as_json: bool) -> None:
    """Show the links, oldest first."""
    asyncio.run(_list(terminal, pair, limit, as_json))


async def _list(terminal: Terminal, pair: str, limit: int | None, as_json: bool) -> None:
    async with known_site(terminal) as site:
        pairs = [pair_of(site, pair)] if pair else list(site.dataflow.pairs)
        links = (link for each in pairs for link in every_link(site.store, each.name))
        for number, link in enumerate(links):
            if number == limit:
                terminal.note(f"only the first {limit} are shown; more with --limit")
                return
            _say_link(terminal, site.systems, link, as_json)


def _say_link(terminal: Terminal, systems: Both[str], link: Link, as_json: bool) -> None:
    if as_json:
        terminal.json_line(words.link_json(link))
        return
    how = words.reason(link.made_by, systems)
    state = "" if link.state == "live" else f"   {link.state}"
    terminal.say(f"{link.pair}  {words.ids(link.ids)}   {how}, {words.moment(link.made_ms)} UTC{state}")


@command.command()
@click.argument("pair_name", metavar="PAIR")
@click.argument("id")
@side_option
@click.option("--json", "as_json", is_flag=True, help="Print the link as JSON.")
@click.pass_obj
def show(terminal: Terminal, pair_name: str, id: str, side: str | None, as_json: bool) -> None:
    """Show the partner of a record, and what the two held when they last agreed."""
    asyncio.run(_show(terminal, pair_name, id, side, as_json))


async def _show(terminal: Terminal, pair_name: str, id: str, side: str | None, as_json: bool) -> None:
    async with known_site(terminal) as site:
        pair = pair_of(site, pair_name)
        link = site.store.read(lambda tx: link_of(site, tx, pair, id, side))
        if as_json:
            base = {name: {s.value: plain(raw[s]) for s in SIDES} for name, raw in link.base.items()}
            terminal.json({**words.link_json(link), "generation": link.generation, "base": base})
            return
        _say_link(terminal, site.systems, link, as_json=False)
        for s in SIDES:
            terminal.say(f"  {words.record(pair, site.systems, s, link.ids[s])}")
        terminal.say("  last agreed:" if link.base else "  nothing was agreed yet")
        for name, raw in link.base.items():
            told = Both.of(lambda s, raw=raw: words.values(raw[s]))  # type: ignore[misc]
            both = told.left if told.left == told.right else f"{told.left} | {told.right}"
            terminal.say(f"    {name}: {both}")
        terminal.note(f"is it in step? instep explain {pair.name} {link.ids.left} --side left")


@command.command()
@click.argument("pair_name", metavar="PAIR")
@click.argument("left")
@click.argument("right")
@click.pass_obj
def add(terminal: Terminal, pair_name: str, left: str, right: str) -> None:
    """Link two records by hand: LEFT is the left system's id, RIGHT the right one's.

    Both must have been seen and have no partner. Where their values differ, the next sync treats it as at first
    contact: an empty side is filled, a difference is decided by the pair's policy.
    """
    asyncio.run(_add(terminal, pair_name, Both(left, right)))


async def _add(terminal: Terminal, pair_name: str, ids: Both[str]) -> None:
    async with known_site(terminal) as site:
        pair = pair_of(site, pair_name)
        link = await site.store.write(adding(site, pair, ids, who()))
        terminal.say(f"linked {pair.name} {words.ids(link.ids)}")
        terminal.say(f"see what a sync would do with them: instep explain {pair.name} {ids.left} --side left")


@command.command()
@click.argument("pair_name", metavar="PAIR")
@click.argument("id")
@side_option
@click.option(
    "--rematch", is_flag=True, help="Let the next run look for partners of the two, as at first contact."
)
@click.pass_obj
def remove(terminal: Terminal, pair_name: str, id: str, side: str | None, rematch: bool) -> None:
    """Remove the link of a record; neither record is changed.

    The two are then left alone until you link them again, since a match key would join them at once.
    With --rematch the next run treats both as new: the same two are linked again if their match keys are
    equal, and otherwise each gets a new partner, where the pair creates.
    """
    asyncio.run(_remove(terminal, pair_name, id, side, rematch))


async def _remove(terminal: Terminal, pair_name: str, id: str, side: str | None, rematch: bool) -> None:
    async with known_site(terminal) as site:
        pair = pair_of(site, pair_name)
        link = await site.store.write(removing(site, pair, id, side, who(), rematch=rematch))
        terminal.say(f"{pair.name} {words.ids(link.ids)} are no longer linked")
        if rematch:
            terminal.say(
                "the next run looks for partners of both, as at first contact: instep plan shows them"
            )
        else:
            terminal.say("both records are left alone from now on: no partner is looked for or created")
            terminal.say(f"to link one of them: instep links add {pair.name} LEFT RIGHT")
