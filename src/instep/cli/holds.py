"""`instep holds`: what waits for a person, why, and the person's choice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import click

from instep.cli import words
from instep.cli.records import known_site, pair_of
from instep.cli.terminal import Terminal
from instep.core.model import SIDES, Side
from instep.core.release import SENTENCES, choices, release_of
from instep.core.state import Hold, Link, Release
from instep.core.values import Json, get_path
from instep.errors import UsageError
from instep.site import Site, now_ms
from instep.store.contract import Tx

PAGE: Final = 500
EXAMPLES: Final = 3


@click.group(name="holds")
def command() -> None:
    """What waits for a person, and why. A hold that no longer applies goes away by itself."""


@dataclass
class Alike:
    """Holds of one cause on one property of a pair: how many, and the first few."""

    pair: str
    cause: str
    property: str
    numbers: list[int] = field(default_factory=list)
    first: list[tuple[Hold, Link | None]] = field(default_factory=list)
    count: int = 0


@command.command(name="list")
@click.option("--pair", default="", help="Only this pair.")
@click.option("--cause", default="", help="Only this cause: conflict, ambiguous, refused, ...")
@click.option("--all", "each", is_flag=True, help="Every hold, not only how many there are of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print every hold as JSON.")
@click.pass_obj
def list_(terminal: Terminal, pair: str, cause: str, each: bool, as_json: bool) -> None:
    """Show the holds, those of the same cause together."""
    asyncio.run(_list(terminal, pair, cause, each, as_json))


async def _list(terminal: Terminal, pair: str, cause: str, each: bool, as_json: bool) -> None:
    async with known_site(terminal) as site:
        if pair:
            pair_of(site, pair)
        if as_json:
            terminal.json([_as_json(site, *found) for found in _holds(site, pair, cause)])
            return
        if each:
            for hold, link in _holds(site, pair, cause):
                _say(terminal, site, hold, link)
            return
        groups: dict[tuple[str, str, str], Alike] = {}
        for hold, link in _holds(site, pair, cause):
            kind = (hold.key.pair, hold.cause, hold.property)
            group = groups.setdefault(kind, Alike(*kind))
            group.count += 1
            if len(group.first) < EXAMPLES:
                group.numbers.append(hold.id)
                group.first.append((hold, link))
        if not groups:
            terminal.say("nothing is held")
            return
        for group in groups.values():
            _say_alike(terminal, site, group)
        waiting = sum(group.count for group in groups.values() if group.cause == "reference")
        held = sum(group.count for group in groups.values()) - waiting
        said = f"{words.counted(held, 'hold')} for a person"
        if waiting:
            said += f", {waiting} released by themselves as soon as what they refer to is linked"
        terminal.say(said)


def _holds(site: Site, pair: str, cause: str) -> list[tuple[Hold, Link | None]]:
    found: list[tuple[Hold, Link | None]] = []
    after = 0
    while True:

        def page(tx: Tx, after: int = after) -> list[tuple[Hold, Link | None]]:
            holds = tx.holds(pair=pair, cause=cause, after=after, limit=PAGE)
            return [(hold, _link(tx, hold)) for hold in holds]

        holds = site.store.read(page)
        found += holds
        if len(holds) < PAGE:
            return found
        after = holds[-1][0].id


def _link(tx: Tx, hold: Hold) -> Link | None:
    return tx.link_of(hold.key.pair, hold.key.side, hold.key.id)


def _say_alike(terminal: Terminal, site: Site, group: Alike) -> None:
    about = f" in {group.property}" if group.property else ""
    heading = terminal.style(f"{group.pair}: {group.cause}{about}", bold=True)
    numbers = words.few([str(number) for number in group.numbers], EXAMPLES)
    more = "" if group.count <= len(group.numbers) else ", ..."
    terminal.say(f"{heading}, {words.counted(group.count, 'record')}   (holds {numbers}{more})")
    for hold, link in group.first[: 1 if group.count > EXAMPLES else EXAMPLES]:
        terminal.say(f"  {hold.id}  {_named(site, hold, link)}   {hold.what}")
        for name, sides in _values(hold):
            terminal.say(f"       {name}: {_side_by_side(site, sides)}")
        if hold.why:
            terminal.say(f"       why: {hold.why}")
    hold, link = group.first[0]
    terminal.say(f"       fix: {fix_of(hold)}")
    if group.count > 1 and (options := choices(hold, linked=link is not None)):
        option = next((o for o in options if o != "link"), "")
        if option:
            terminal.say(
                f"       all of them: instep holds release --pair {group.pair} --cause {group.cause}"
                f" {_as_option(option)}"
            )
    terminal.say()


def _say(terminal: Terminal, site: Site, hold: Hold, link: Link | None) -> None:
    about = f" {hold.property}" if hold.property else ""
    terminal.say(f"{hold.id}  {hold.key.pair} {_named(site, hold, link)}  {hold.cause}{about}: {hold.what}")


def fix_of(hold: Hold) -> str:
    """What a person can do, with the number of the hold put into the commands."""
    return hold.fix.replace("release ID", f"release {hold.id}")


def _named(site: Site, hold: Hold, link: Link | None) -> str:
    return words.ids(link.ids) if link is not None else f"{hold.key.id} ({site.systems[hold.key.side]})"


def _as_option(choice: str) -> str:
    return f"--take {choice}" if choice in SIDES else f"--choose {choice}"


def _values(hold: Hold) -> list[tuple[str, Mapping[str, Json]]]:
    if not isinstance(hold.values, dict):
        return []
    return [
        (name, sides)
        for name, sides in hold.values.items()
        if isinstance(sides, dict) and set(sides) == {s.value for s in SIDES}
    ]


def _side_by_side(site: Site, sides: Mapping[str, Json]) -> str:
    return "   ".join(f"{site.systems[s]}: {words.values(sides[s.value])}" for s in SIDES)


@command.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print the hold as JSON.")
@click.pass_obj
def show(terminal: Terminal, number: int, as_json: bool) -> None:
    """Show one hold: the values of both sides, since when, why, and what releases it."""
    asyncio.run(_show(terminal, number, as_json))


async def _show(terminal: Terminal, number: int, as_json: bool) -> None:
    async with known_site(terminal) as site:
        hold, link, releases = site.store.read(lambda tx: _one(tx, number))
        if as_json:
            terminal.json(_as_json(site, hold, link))
            return
        pair = pair_of(site, hold.key.pair)
        about = f", {hold.property}" if hold.property else ""
        terminal.say(
            terminal.style(f"hold {hold.id}: {hold.key.pair} {_named(site, hold, link)}{about}", bold=True)
        )
        terminal.say(f"  {hold.what}")
        for name, sides in _values(hold):
            base = link.base.get(name) if link is not None else None
            terminal.say(f"  {name}")
            for side in SIDES:
                was = f"   (last agreed: {words.values(base[side])})" if base is not None else ""
                terminal.say(
                    f"    {side.value:5}  {site.systems[side]}: {words.values(sides[side.value])}{was}"
                )
        for line in site.store.read(lambda tx: _candidates(tx, site, hold)):
            terminal.say(f"  {line}")
        terminal.say(f"  since: {words.moment(hold.since_ms)} UTC")
        terminal.say(f"  cause: {hold.cause}")
        if hold.why:
            terminal.say(f"  why: {hold.why}")
        if hold.waits_for is not None:
            side, entity, id = hold.waits_for
            terminal.say(f"  released by itself when {entity} {id} of {site.systems[side]} is linked")
        elif hold.fix:
            terminal.say(f"  fix: {fix_of(hold)}")
        options = choices(hold, linked=link is not None)
        if options:
            terminal.say("  choices:")
        for option in options:
            given = "--link OTHER_ID" if option == "link" else _as_option(option)
            terminal.say(f"    instep holds release {hold.id} {given}   {SENTENCES[option]}")
        for release in releases:
            if release.property in (hold.property, ""):
                terminal.say(
                    f"  chosen at {words.moment(release.at_ms)} UTC: {release.choice}; instep sync applies it"
                )
        side = Side.LEFT if link is not None else hold.key.side
        terminal.note(f"more: instep explain {pair.name} {hold.key.id} --side {side.value}")


def _one(tx: Tx, number: int) -> tuple[Hold, Link | None, list[Release]]:
    hold = tx.hold(number)
    if hold is None:
        raise UsageError(
            f"there is no hold {number}",
            why="it was released, or what it was about has changed since",
            fix="see what is held now: instep holds list",
        )
    return hold, _link(tx, hold), tx.releases_of(hold.key)


def _candidates(tx: Tx, site: Site, hold: Hold) -> list[str]:
    """The records that the held one may be the same as, with a few values to tell them apart."""
    if not isinstance(hold.values, dict):
        return []
    pair = pair_of(site, hold.key.pair)
    lines = []
    for name, side in (("candidates", hold.key.side.other), ("twins", hold.key.side)):
        found = hold.values.get(name)
        if not isinstance(found, list) or not found:
            continue
        lines.append(f"{name} in {site.systems[side]}:")
        paths = [path for prop in pair.properties[:4] for path in prop.parts[side].fields]
        for id in found:
            seen = tx.sighting(side, pair.entity[side], str(id))
            told = [f"{p}: {words.value(get_path(seen.fields, p))}" for p in paths] if seen else []
            lines.append(f"  {id}  {', '.join(told)}")
    return lines


def _as_json(site: Site, hold: Hold, link: Link | None) -> dict[str, Any]:
    waits = hold.waits_for
    return {
        "id": hold.id,
        "pair": hold.key.pair,
        "side": hold.key.side.value,
        "record": hold.key.id,
        "partner": link.ids.right if link is not None else None,
        "property": hold.property,
        "cause": hold.cause,
        "what": hold.what,
        "why": hold.why,
        "fix": fix_of(hold),
        "since_ms": hold.since_ms,
        "values": hold.values,
        "waits_for": (
            {"system": site.systems[waits[0]], "entity": waits[1], "id": waits[2]}
            if waits is not None
            else None
        ),
        "choices": list(choices(hold, linked=link is not None)),
    }


@command.command()
@click.argument("numbers", metavar="[ID]...", nargs=-1, type=int)
@click.option("--pair", default="", help="With --cause: every such hold of this pair.")
@click.option("--cause", default="", help="With --pair: every hold of this cause.")
@click.option("--take", metavar="SIDE", help="left or right, or the name of a system: its value is kept.")
@click.option("--choose", type=click.Choice([c for c in SENTENCES if c not in (*SIDES, "link")]))
@click.option("--link", "other", metavar="OTHER_ID", help="Link the record to this one of the other system.")
@click.pass_obj
def release(
    terminal: Terminal,
    numbers: Sequence[int],
    pair: str,
    cause: str,
    take: str | None,
    choose: str | None,
    other: str | None,
) -> None:
    """Say what is to become of held records. The next sync applies it.

    All of the holds that are named, or none if one of them can't be released that way.
    """
    asyncio.run(_release(terminal, _Wanted(tuple(numbers), pair, cause, take, choose, other)))


@dataclass(frozen=True)
class _Wanted:
    numbers: tuple[int, ...]
    pair: str
    cause: str
    take: str | None
    choose: str | None
    other: str | None

    def choice(self, site: Site) -> str:
        """Raises UsageError unless exactly one was given."""
        if [self.take, self.choose, self.other].count(None) != 2:
            raise UsageError(
                "it has to be said how the holds are released",
                why="exactly one of --take, --choose and --link is needed",
                fix="see what makes sense for a hold: instep holds show ID",
            )
        if self.take is not None:
            named = {site.systems[side].lower(): side.value for side in SIDES}
            found = named.get(self.take.lower(), self.take.lower())
            if found not in SIDES:
                names = " or ".join(f'{side.value} ("{site.systems[side]}")' for side in SIDES)
                raise UsageError(f"{self.take} is no side", why=f"it is {names}")
            return found
        return self.choose or "link"

    def check(self) -> None:
        if bool(self.numbers) == bool(self.pair and self.cause) or (
            self.numbers and (self.pair or self.cause)
        ):
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
            pair_of(site, wanted.pair)
            numbers = tuple(hold.id for hold, _ in _holds(site, wanted.pair, wanted.cause))
        if not numbers:
            raise UsageError(
                f"no hold of {wanted.pair} has the cause {wanted.cause}", fix="instep holds list"
            )
        held = await site.store.write(_releasing(site, numbers, choice, wanted.other))
        for hold in held if len(held) <= EXAMPLES else ():
            named = f"{hold.property}: " if hold.property else ""
            terminal.say(f"hold {hold.id}, {hold.key.pair} {hold.key.id}: {named}{SENTENCES[choice]}")
        if len(held) > EXAMPLES:
            terminal.say(f"{len(held)} holds: {SENTENCES[choice]}")
        terminal.say("the next run applies it: instep sync")


def _releasing(
    site: Site, numbers: Sequence[int], choice: str, other: str | None
) -> Callable[[Tx], list[Hold]]:
    """One transaction: every hold is released, or none. Raises UsageError in it."""

    def work(tx: Tx) -> list[Hold]:
        held = []
        for number in numbers:
            hold, link, _ = _one(tx, number)
            options = choices(hold, linked=link is not None)
            if choice not in options:
                raise _senseless(hold, choice, options)
            if other is not None:
                _check_other(site, tx, hold, other)
            tx.save_release(release_of(hold, choice, at_ms=now_ms(), value=other))
            key = hold.key
            tx.mark([key], reason="a person chose")
            held.append(hold)
        return held

    return work


def _senseless(hold: Hold, choice: str, options: Sequence[str]) -> UsageError:
    said = ", ".join("--link OTHER_ID" if o == "link" else _as_option(o) for o in options)
    why = f"its cause is {hold.cause}, which is released by {said}"
    fix = f"instep holds show {hold.id}"
    if hold.cause == "reference":
        why, fix = "it waits for another record, and is released by itself once that one is linked", fix
    elif not options:
        why, fix = f"nothing can be chosen for the cause {hold.cause}", fix_of(hold)
    return UsageError(f"hold {hold.id} can't be released with {_as_option(choice)}", why=why, fix=fix)


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
