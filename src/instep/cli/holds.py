"""`instep holds`: what waits for a person, why, and the person's choice."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import click

from instep.cli.hold_brake import examples
from instep.cli.hold_release import release, take_back
from instep.cli.records import HOLD, known_site
from instep.cli.terminal import Terminal
from instep.core.model import SIDES, Side
from instep.core.overwritten import CAUSE as OVERWRITTEN
from instep.core.release import SENTENCES
from instep.core.state import Hold, Link
from instep.core.values import Json, get_path
from instep.desk import words
from instep.desk.held import (
    TOGETHER,
    Which,
    as_option,
    check_which,
    fix_of,
    holds_of,
    offered,
    one_hold,
    values_of,
)
from instep.desk.records import pair_of
from instep.runner.brakes import CAUSE
from instep.site import Site
from instep.store.contract import Tx

EXAMPLES: Final = 2


@click.group(name="holds")
def command() -> None:
    """What waits for a person, and why. A hold that no longer applies goes away by itself."""


@dataclass
class Alike:
    """Holds of one cause on one property of a pair: how many, and the first few."""

    pair: str
    cause: str
    property: str
    first: list[tuple[Hold, Link | None]] = field(default_factory=list)
    count: int = 0


@command.command(name="list")
@click.option("--pair", default="", help="Only this pair.")
@click.option("--cause", default="", help="Only this cause: conflict, ambiguous, refused, ...")
@click.option("--property", "name", default="", help="Only of this property, or group of properties.")
@click.option("--all", "each", is_flag=True, help="Every hold, not only how many there are of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print every hold as JSON.")
@click.option(
    "--limit", type=click.IntRange(1, 2**63 - 1), help="With --all or --json: no more than this many."
)
@click.pass_obj
def list_(
    terminal: Terminal, pair: str, cause: str, name: str, each: bool, as_json: bool, limit: int | None
) -> None:
    """Show the holds, those of the same cause together."""
    asyncio.run(_list(terminal, Which(pair, cause, name or None), each, as_json, limit))


async def _list(terminal: Terminal, which: Which, each: bool, as_json: bool, limit: int | None) -> None:
    async with known_site(terminal) as site:
        check_which(site, which)
        if as_json:
            terminal.json([_as_json(site, *found) for found in islice(holds_of(site, which), limit)])
            return
        if each:
            for number, (hold, link) in enumerate(holds_of(site, which)):
                if number == limit:
                    terminal.note(f"only the first {limit} are shown; more with --limit")
                    return
                _say(terminal, site, hold, link)
            return
        groups: dict[tuple[str, str, str], Alike] = {}
        for hold, link in holds_of(site, which):
            kind = (hold.key.pair, hold.cause, hold.property)
            group = groups.setdefault(kind, Alike(*kind))
            group.count += 1
            if len(group.first) < EXAMPLES:
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


def _say_alike(terminal: Terminal, site: Site, group: Alike) -> None:
    about = f" in {group.property}" if group.property else ""
    heading = terminal.style(f"{group.pair}: {group.cause}{about}", bold=True)
    of_records = f", {words.counted(group.count, 'record')}" if group.cause != CAUSE else ""
    terminal.say(f"{heading}{of_records}")
    for place, (hold, link) in enumerate(group.first):
        terminal.say(f"  {hold.id}  {_named(site, hold, link)}{hold.what}")
        for name, sides in values_of(hold):
            terminal.say(f"       {name}: {_side_by_side(site, sides)}")
        for line in examples(site, hold, EXAMPLES):
            terminal.say(f"       {line}")
        if hold.why and (place == 0 or hold.why != group.first[0][0].why):
            terminal.say(f"       why: {hold.why}")
        if place == 0 and hold.fix:
            terminal.say(f"       fix: {fix_of(hold)}")
    hold, link = group.first[0]
    if group.count > len(group.first):
        terminal.say(f"  ... and {group.count - len(group.first)} more")
    together = next((choice for choice in _offered(site, hold, link) if choice in TOGETHER), "")
    if group.count > 1 and together:
        of_property = f" --property {shlex.quote(group.property)}" if group.property else ""
        terminal.say(
            f"  all of them: instep holds release --pair {group.pair} --cause {group.cause}{of_property}"
            f" {as_option(together)}"
        )
    terminal.say()


def _say(terminal: Terminal, site: Site, hold: Hold, link: Link | None) -> None:
    about = f" {hold.property}" if hold.property else ""
    named = _named(site, hold, link).rstrip()
    terminal.say(f"{hold.id}  {hold.key.pair} {named}  {hold.cause}{about}: {hold.what}")


def _named(site: Site, hold: Hold, link: Link | None) -> str:
    if hold.cause == CAUSE:
        return ""
    of = words.ids(link.ids) if link is not None else f"{hold.key.id} ({site.systems[hold.key.side]})"
    return f"{of}   "


def _side_by_side(site: Site, sides: Mapping[str, Json]) -> str:
    told = [f"{site.systems[s]}: {words.values(sides[s.value])}" for s in SIDES]
    return "   ".join([*told, *(f"overwritten: {lost}" for lost in _overwritten(sides))])


def _overwritten(sides: Mapping[str, Json]) -> list[str]:
    """The value that was overwritten, if that is what a hold is about."""
    lost = sides.get(OVERWRITTEN)
    return [words.values(value) for value in lost.values()] if isinstance(lost, dict) else []


@command.command()
@click.argument("number", metavar="ID", type=HOLD)
@click.option("--json", "as_json", is_flag=True, help="Print the hold as JSON.")
@click.pass_obj
def show(terminal: Terminal, number: int, as_json: bool) -> None:
    """Show one hold: the values of both sides, since when, why, and what releases it."""
    asyncio.run(_show(terminal, number, as_json))


async def _show(terminal: Terminal, number: int, as_json: bool) -> None:
    async with known_site(terminal) as site:
        hold, link, releases = site.store.read(lambda tx: one_hold(tx, number))
        if as_json:
            terminal.json(_as_json(site, hold, link))
            return
        pair = pair_of(site, hold.key.pair)
        about = f", {hold.property}" if hold.property else ""
        terminal.say(
            terminal.style(
                f"hold {hold.id}: {hold.key.pair} {_named(site, hold, link)}".rstrip() + about, bold=True
            )
        )
        terminal.say(f"  {hold.what}")
        for name, sides in values_of(hold):
            base = link.base.get(name) if link is not None else None
            terminal.say(f"  {name}")
            for side in SIDES:
                was = f"   (last agreed: {words.values(base[side])})" if base is not None else ""
                terminal.say(
                    f"    {side.value:5}  {site.systems[side]}: {words.values(sides[side.value])}{was}"
                )
            for lost in _overwritten(sides):
                terminal.say(f"    overwritten: {lost}")
        for line in examples(site, hold):
            terminal.say(f"    {line}")
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
        options = _offered(site, hold, link)
        if options:
            terminal.say("  choices:")
        for option in options:
            given = as_option(option)
            terminal.say(f"    instep holds release {hold.id} {given}   {SENTENCES[option]}")
        for release in releases:
            terminal.say(
                f"  chosen at {words.moment(release.at_ms)} UTC: {release.choice}; instep sync applies it,"
                f" instep holds take-back {hold.id} forgets it"
            )
        if hold.cause == CAUSE:
            terminal.note(f"more: instep plan --pair {pair.name}")
            return
        side = Side.LEFT if link is not None else hold.key.side
        terminal.note(f"more: instep explain {pair.name} {hold.key.id} --side {side.value}")


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


def _offered(site: Site, hold: Hold, link: Link | None) -> tuple[str, ...]:
    return site.store.read(lambda tx: offered(site, tx, hold, link))


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
        "choices": list(_offered(site, hold, link)),
    }


command.add_command(release)
command.add_command(take_back)
