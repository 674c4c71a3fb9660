"""`instep forget`: erase one person's values from the store, on request; shown first, and asked about."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import click

from instep.cli.asking import declined
from instep.cli.records import known_site, side_option, who
from instep.cli.terminal import Terminal
from instep.core.model import Side
from instep.core.values import Json
from instep.desk import words
from instep.desk.forgetting import Person, forget_now, would_forget
from instep.desk.records import pair_of, side_of
from instep.runner.forget import Forgotten
from instep.runner.lease import leased
from instep.site import Site

_QUESTION: Final = "This can't be taken back. Do it?"


@click.command()
@click.argument("pair_name", metavar="PAIR")
@click.argument("id", metavar="ID")
@side_option
@click.option("--only", is_flag=True, help="This record alone, and not the one that it is linked with.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print what is erased as JSON.")
@click.pass_obj
def command(
    terminal: Terminal, pair_name: str, id: str, side: str | None, only: bool, yes: bool, as_json: bool
) -> int:
    """Erase the values of a record, and of the one that it is linked with, from the store.

    The journal loses every value and reason of theirs, and goes on to verify: that there were writes, when, to
    which property and in which run stays. What is needed to keep living records in step stays as well; erase
    a person in both systems first, let a sync see it, and then forget. This can't be taken back.
    """
    return asyncio.run(_forget(terminal, pair_name, id, side, only, yes, as_json))


async def _forget(
    terminal: Terminal, pair_name: str, id: str, side: str | None, only: bool, yes: bool, as_json: bool
) -> int:
    async with known_site(terminal) as site:
        pair, engine, store = pair_of(site, pair_name), site.engine(), site.store
        found = store.read(lambda tx: side_of(site, tx, pair, id, side))
        person = Person(pair, found, id, only)
        would = store.read(lambda tx: would_forget(site, tx, person))
        if not as_json:
            for line in _told(site, would):
                terminal.say(line)
        code = None if yes else declined(terminal, _QUESTION, "nothing was erased")
        if code is not None:
            if as_json:
                terminal.json(_as_json(would, done=False))
            return code
        runner = site.runner()
        async with leased(engine, runner.holder, runner.is_dead):
            done = await forget_now(site, engine, person, who())
        if as_json:
            terminal.json(_as_json(done, done=True))
            return 0
        terminal.say("forgotten: the bytes are gone from the store's files, too")
        terminal.note("not from backups, and not from plans that were kept with --out: those are yours")
        return 0


def _told(site: Site, found: Forgotten) -> list[str]:
    records = dict.fromkeys(
        words.record(place.pair, site.systems, place.side, place.id) for place in found.places
    )
    lines = [f"to forget: {', '.join(records)}"]
    lines.append(f"  journal: values and reasons of {words.counted(found.entries, 'entry', 'entries')}")
    if found.readings:
        lines.append(f"  {words.counted(found.readings, 'last reading')}")
    if found.agreed:
        lines.append(f"  what was last agreed for {words.counted(found.agreed, 'link')}")
    if found.waiting:
        lines.append(f"  {words.counted(found.waiting, 'hold or choice', 'holds and choices')}")
    for side, entity, id in found.kept:
        lines.append(
            f"  stays: what is known of {entity} {id}, which is still in {site.systems[side]} or waits for a person"
        )
    return lines


def _as_json(found: Forgotten, *, done: bool) -> dict[str, Any]:
    def record(side: Side, entity: str, id: str) -> dict[str, Json]:
        return {"side": side.value, "entity": entity, "id": id}

    return {
        "records": [record(*each) for each in dict.fromkeys((*p.entity, p.id) for p in found.places)],
        "entries": found.entries,
        "readings": found.readings,
        "agreed": found.agreed,
        "waiting": found.waiting,
        "stays": [record(*each) for each in found.kept],
        "done": done,
    }
