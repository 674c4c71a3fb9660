"""`instep links`: which records are the same thing, and links made or removed by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import click

from instep.cli import words
from instep.cli.records import known_site, near_ids, pair_of, side_of, side_option
from instep.cli.terminal import Terminal
from instep.core.dataflow import Pair
from instep.core.model import SIDES, Both, Side
from instep.core.release import WHOLE
from instep.core.state import Key, Link, Release
from instep.core.values import plain
from instep.errors import UsageError
from instep.runner.turn import linked
from instep.site import Site, now_ms
from instep.store.contract import AlreadyLinked, Entry, Tx
from instep.store.paging import every_link

BY_HAND: Final = "by hand"


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
            _say_link(terminal, link, as_json)


def _say_link(terminal: Terminal, link: Link, as_json: bool) -> None:
    if as_json:
        terminal.json_line(words.link_json(link))
        return
    state = "" if link.state == "live" else f"   {link.state}"
    terminal.say(
        f"{link.pair}  {words.ids(link.ids)}   {link.made_by}, {words.moment(link.made_ms)} UTC{state}"
    )


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
        link = site.store.read(lambda tx: _link_of(site, tx, pair, id, side))
        if as_json:
            base = {name: {s.value: plain(raw[s]) for s in SIDES} for name, raw in link.base.items()}
            terminal.json({**words.link_json(link), "generation": link.generation, "base": base})
            return
        _say_link(terminal, link, as_json=False)
        for s in SIDES:
            terminal.say(f"  {words.record(pair, site.systems, s, link.ids[s])}")
        terminal.say("  last agreed:" if link.base else "  nothing was agreed yet")
        for name, raw in link.base.items():
            told = Both.of(lambda s, raw=raw: words.values(raw[s]))  # type: ignore[misc]
            both = told.left if told.left == told.right else f"{told.left} | {told.right}"
            terminal.say(f"    {name}: {both}")
        terminal.note(f"is it in step? instep explain {pair.name} {link.ids.left} --side left")


def _link_of(site: Site, tx: Tx, pair: Pair, id: str, side: str | None) -> Link:
    found = side_of(site, tx, pair, id, side)
    link = tx.link_of(pair.name, found, id)
    if link is None:
        raise UsageError(
            f"{words.record(pair, site.systems, found, id)} has no partner",
            fix=f"why not? instep explain {pair.name} {id} --side {found.value}",
        )
    return link


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
        link = await site.store.write(_adding(site, pair, ids))
        terminal.say(f"linked {pair.name} {words.ids(link.ids)}")
        terminal.say(f"see what a sync would do with them: instep explain {pair.name} {ids.left} --side left")


def _adding(site: Site, pair: Pair, ids: Both[str]) -> Callable[[Tx], Link]:
    engine = site.engine()

    def work(tx: Tx) -> Link:
        for side in SIDES:
            _check_free(site, tx, pair, side, ids)
        try:
            link = tx.save_link(Link(0, pair.name, ids, made_ms=now_ms(), made_by=BY_HAND))
        except AlreadyLinked as error:
            raise _taken(pair, error.link) from None
        for side in SIDES:
            tx.drop_releases(Key(pair.name, side, ids[side]), [WHOLE])
        linked(engine, tx, link, BY_HAND)
        tx.mark([Key(pair.name, Side.LEFT, ids.left)], reason="linked by hand")
        return link

    return work


def _check_free(site: Site, tx: Tx, pair: Pair, side: Side, ids: Both[str]) -> None:
    seen = tx.sighting(side, pair.entity[side], ids[side])
    name = words.record(pair, site.systems, side, ids[side])
    if seen is None or seen.deleted:
        near = near_ids(tx, pair, side, ids[side]) if seen is None else []
        raise UsageError(
            f"{name} can't be linked",
            why="it was never seen" if seen is None else "it was deleted",
            fix=f"did you mean {' or '.join(near)}?" if near else "read again: instep plan",
        )
    link = tx.link_of(pair.name, side, ids[side])
    if link is not None:
        raise _taken(pair, link)
    if tx.intent_to(pair.name, side, ids[side]) is not None:
        raise UsageError(
            f"{name} can't be linked now",
            why="a write that creates it, or its partner, is on its way",
            fix="let it come to its end first: instep sync",
        )


def _taken(pair: Pair, link: Link) -> UsageError:
    return UsageError(
        f"{words.ids(link.ids)} are linked already",
        why="a record has one partner",
        fix=f"to undo it: instep links remove {pair.name} {link.ids.left} --side left",
    )


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
        link = await site.store.write(_removing(site, pair, id, side, rematch))
        terminal.say(f"{pair.name} {words.ids(link.ids)} are no longer linked")
        if rematch:
            terminal.say(
                "the next run looks for partners of both, as at first contact: instep plan shows them"
            )
        else:
            terminal.say("both records are left alone from now on: no partner is looked for or created")
            terminal.say(f"to link one of them: instep links add {pair.name} LEFT RIGHT")


def _removing(site: Site, pair: Pair, id: str, side: str | None, rematch: bool) -> Callable[[Tx], Link]:
    def work(tx: Tx) -> Link:
        link = _link_of(site, tx, pair, id, side)
        key = Key(pair.name, Side.LEFT, link.ids.left)
        if tx.intents_of(key):
            raise UsageError(
                f"{words.ids(link.ids)} can't be unlinked now",
                why="a write to one of them is on its way",
                fix="let it come to its end first: instep sync",
            )
        at_ms = now_ms()
        properties = [release.property for release in tx.releases_of(key)]
        tx.drop_releases(key, properties)
        tx.replace_holds(key, [])
        tx.remove_link(link.id)
        left, right = link.ids
        tx.append([Entry(at_ms, 0, pair.name, "unlink", "done", Side.LEFT, left, right, link.id, BY_HAND)])
        keys = [Key(pair.name, s, link.ids[s]) for s in SIDES]
        if not rematch:
            for each in keys:
                tx.save_release(Release(each, WHOLE, "apart", "", at_ms=at_ms))
        tx.mark(keys, reason="unlinked by hand")
        return link

    return work
