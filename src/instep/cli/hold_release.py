"""`instep holds release` and `take-back`: what a person chose for held records; the next run applies it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from instep.cli.records import HOLD, known_site, who
from instep.cli.terminal import Terminal
from instep.core.model import SIDES
from instep.core.release import SENTENCES
from instep.desk.held import Which
from instep.desk.releasing import Choice, release_all, side_named
from instep.desk.releasing import take_back as taken_back
from instep.errors import UsageError
from instep.site import Site

EXAMPLES = 3

_WHICH = (
    click.argument("numbers", metavar="[ID]...", nargs=-1, type=HOLD),
    click.option("--pair", default="", help="With --cause: every such hold of this pair."),
    click.option("--cause", default="", help="With --pair: every hold of this cause."),
    click.option("--property", "name", default="", help="With --pair and --cause: only of this property."),
)


def _which(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be given which holds are meant."""
    for each in reversed(_WHICH):
        command = each(command)
    return command


@click.command()
@_which
@click.option("--take", metavar="SIDE", help="left or right, or the name of a system: its value is kept.")
@click.option("--choose", type=click.Choice([c for c in SENTENCES if c not in (*SIDES, "link", "value")]))
@click.option("--link", "other", metavar="OTHER_ID", help="Link the record to this one of the other system.")
@click.option("--value", metavar="VALUE", help="Write this value to both sides; JSON, or else a text.")
@click.option(
    "--in",
    "terms",
    metavar="SIDE",
    default="left",
    show_default=True,
    help="With --value: the side in whose terms it is written.",
)
@click.pass_obj
def release(
    terminal: Terminal,
    numbers: Sequence[int],
    pair: str,
    cause: str,
    name: str,
    take: str | None,
    choose: str | None,
    other: str | None,
    value: str | None,
    terms: str,
) -> None:
    """Say what is to become of held records. The next sync applies it; a brake that is dropped is gone at once.

    All of the holds that are named, or none if one of them can't be released that way.
    """
    which = Which(pair, cause, name or None)
    asyncio.run(_release(terminal, _Wanted(tuple(numbers), which, take, choose, other, value, terms)))


@dataclass(frozen=True)
class _Wanted:
    numbers: tuple[int, ...]
    which: Which
    take: str | None
    choose: str | None
    other: str | None
    value: str | None
    terms: str

    def choice(self, site: Site) -> str:
        """Raises UsageError unless exactly one was given."""
        if [self.take, self.choose, self.other, self.value].count(None) != 3:
            raise UsageError(
                "it has to be said how the holds are released",
                why="exactly one of --take, --value, --choose and --link is needed",
                fix="see what makes sense for a hold: instep holds show ID",
            )
        if self.take is not None:
            return side_named(site, self.take).value
        if self.value is not None:
            return "value"
        return self.choose or "link"


async def _release(terminal: Terminal, wanted: _Wanted) -> None:
    async with known_site(terminal) as site:
        choice = wanted.choice(site)
        chosen = Choice(choice, wanted.other, wanted.value, side_named(site, wanted.terms))
        held = await release_all(site, wanted.numbers, wanted.which, chosen, who())
        for hold in held if len(held) <= EXAMPLES else ():
            named = f"{hold.property}: " if hold.property else ""
            about = f"{hold.key.pair} {hold.key.id}".rstrip()
            terminal.say(f"hold {hold.id}, {about}: {named}{SENTENCES[choice]}")
        if len(held) > EXAMPLES:
            terminal.say(f"{len(held)} holds: {SENTENCES[choice]}")
        terminal.say(
            "that is done, and can't be taken back: from the next sync on each record is held by itself, as ignored"
            if choice == "drop"
            else "the next run applies it: instep sync"
        )


@click.command(name="take-back")
@_which
@click.pass_obj
def take_back(terminal: Terminal, numbers: Sequence[int], pair: str, cause: str, name: str) -> None:
    """Forget what was chosen for holds, as long as no run has applied it.

    Of all of the holds that are named, or of none; of a pair and a cause, all for which something was chosen.
    """
    asyncio.run(_take_back(terminal, numbers, Which(pair, cause, name or None)))


async def _take_back(terminal: Terminal, numbers: Sequence[int], which: Which) -> None:
    async with known_site(terminal) as site:
        held = await taken_back(site, numbers, which, who())
        for hold in held if len(held) <= EXAMPLES else ():
            about = f"{hold.key.pair} {hold.key.id}".rstrip()
            terminal.say(f"hold {hold.id}, {about}: the decision is taken back; it waits for you again")
        if len(held) > EXAMPLES:
            terminal.say(f"{len(held)} holds: the decisions are taken back; they wait for you again")
