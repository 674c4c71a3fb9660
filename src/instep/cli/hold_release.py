"""`instep holds release`: what a person chose for held records; the next run applies it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from instep.cli import words
from instep.cli.held import HOLD, Which, as_option, fix_of, holds_of, one_hold
from instep.cli.hold_value import given_value, restored_value
from instep.cli.records import known_site, pair_of
from instep.cli.terminal import Terminal
from instep.core.model import SIDES, Side
from instep.core.release import SENTENCES, choices, release_of
from instep.core.state import Hold, Link
from instep.core.values import Json
from instep.errors import UsageError
from instep.runner.brakes import CAUSE, drop_brake, release_brake
from instep.site import Site, now_ms
from instep.store.contract import Entry, Tx

EXAMPLES = 3


@click.command()
@click.argument("numbers", metavar="[ID]...", nargs=-1, type=HOLD)
@click.option("--pair", default="", help="With --cause: every such hold of this pair.")
@click.option("--cause", default="", help="With --pair: every hold of this cause.")
@click.option("--property", "name", default="", help="With --pair and --cause: only of this property.")
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
    """Say what is to become of held records. The next sync applies it.

    All of the holds that are named, or none if one of them can't be released that way.
    """
    which = Which(pair, cause, name)
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

    def check(self) -> None:
        whole_kind = bool(self.which.pair and self.which.cause)
        if bool(self.numbers) == whole_kind or (self.numbers and self.which != Which()):
            raise UsageError(
                "it has to be said which holds are released",
                why="either their numbers, or both --pair and --cause",
                fix="instep holds list",
            )
        if self.other is not None and len(self.numbers) != 1:
            raise UsageError("--link is for one hold", why="a record has one partner")


async def _release(terminal: Terminal, wanted: _Wanted) -> None:
    wanted.check()
    async with known_site(terminal) as site:
        choice = wanted.choice(site)
        numbers = wanted.numbers
        if not numbers:
            pair_of(site, wanted.which.pair)
            numbers = tuple(hold.id for hold, _ in holds_of(site, wanted.which))
        if not numbers:
            raise UsageError(
                f"no such hold of {wanted.which.pair} has the cause {wanted.which.cause}",
                fix="instep holds list",
            )
        held = await site.store.write(_releasing(site, numbers, choice, wanted))
        for hold in held if len(held) <= EXAMPLES else ():
            named = f"{hold.property}: " if hold.property else ""
            about = f"{hold.key.pair} {hold.key.id}".rstrip()
            terminal.say(f"hold {hold.id}, {about}: {named}{SENTENCES[choice]}")
        if len(held) > EXAMPLES:
            terminal.say(f"{len(held)} holds: {SENTENCES[choice]}")
        terminal.say("the next run applies it: instep sync")


def side_named(site: Site, name: str) -> Side:
    """The side that a person named, by itself or by its system. Raises UsageError."""
    named = {site.systems[side].lower(): side.value for side in SIDES}
    found = named.get(name.lower(), name.lower())
    if found not in SIDES:
        names = " or ".join(f'{side.value} ("{site.systems[side]}")' for side in SIDES)
        raise UsageError(f"{name} is no side", why=f"it is {names}")
    return Side(found)


def _releasing(
    site: Site, numbers: Sequence[int], choice: str, wanted: _Wanted
) -> Callable[[Tx], list[Hold]]:
    """One transaction: every hold is released, or none. Raises UsageError in it."""

    def work(tx: Tx) -> list[Hold]:
        held = []
        for number in numbers:
            hold, link, _ = one_hold(tx, number)
            options = choices(hold, linked=link is not None)
            if choice not in options:
                raise _senseless(hold, choice, options)
            if hold.cause == CAUSE:
                {"release": release_brake, "drop": drop_brake}[choice](tx, hold, now_ms())
                tx.append([_entry(hold, None, choice)])
                held.append(hold)
                continue
            value: Json = wanted.other
            if wanted.other is not None:
                _check_other(site, tx, hold, wanted.other)
            if wanted.value is not None and link is not None:
                side = side_named(site, wanted.terms)
                value = given_value(site, tx, hold, link, side, wanted.value)
            if choice == "restore" and link is not None:
                value = restored_value(site, tx, hold, link)
            tx.save_release(release_of(hold, choice, at_ms=now_ms(), value=value))
            tx.append([_entry(hold, link, choice)])
            tx.mark([hold.key], reason="a person chose")
            held.append(hold)
        return held

    return work


def _entry(hold: Hold, link: Link | None, choice: str) -> Entry:
    """A person's choice as the journal keeps it; the values are those of the writes that follow."""
    partner = link.ids[hold.key.side.other] if link is not None else ""
    about = ({"property": hold.property},) if hold.property else ()
    return Entry(
        now_ms(),
        0,
        hold.key.pair,
        "release",
        "done",
        hold.key.side,
        hold.key.id,
        partner,
        link.id if link is not None else 0,
        f"{hold.cause}: a person chose {choice}",
        about,
    )


def _senseless(hold: Hold, choice: str, options: Sequence[str]) -> UsageError:
    said = ", ".join(map(as_option, options))
    why = f"its cause is {hold.cause}, which is released by {said}"
    fix = f"instep holds show {hold.id}"
    if hold.cause == "reference":
        why, fix = "it waits for another record, and is released by itself once that one is linked", fix
    elif not options:
        why, fix = f"nothing can be chosen for the cause {hold.cause}", fix_of(hold)
    return UsageError(f"hold {hold.id} can't be released with {as_option(choice)}", why=why, fix=fix)


def _check_other(site: Site, tx: Tx, hold: Hold, other: str) -> None:
    pair = pair_of(site, hold.key.pair)
    side = hold.key.side.other
    seen = tx.sighting(side, pair.entity[side], other)
    name = words.record(pair, site.systems, side, other)
    if seen is None or seen.deleted:
        raise UsageError(
            f"{hold.key.id} can't be linked to {name}",
            why="it was deleted" if seen is not None else "it was never seen",
            fix=f"choose an id that exists: instep holds show {hold.id}",
        )
    link = tx.link_of(pair.name, side, other)
    if link is not None:
        raise UsageError(
            f"{hold.key.id} can't be linked to {name}",
            why=f"it is linked already: {words.ids(link.ids)}",
            fix=f"remove that link first: instep links remove {pair.name} {other} --side {side.value}",
        )
