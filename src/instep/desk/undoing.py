"""What of a run is to be undone, and the way back: what would be done, and what stays and why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from instep.core.model import Side
from instep.core.phrases import moment
from instep.core.values import whole_number
from instep.desk.records import pair_of, side_of
from instep.errors import NotThere, UsageError
from instep.runner.brakes import OPERATIONS
from instep.runner.planning import Action
from instep.runner.report import Wish
from instep.runner.undo import Scope, pruned_until, ways_back
from instep.site import Site
from instep.store.contract import Run, Tx

LATEST = "last"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants undone: a run by its number or "last", and of it all, a pair, a record or a property."""

    run: str
    pair: str = ""
    id: str = ""
    side: str | None = None
    property: str = ""


@dataclass
class Way:
    """The way back as it was shown. `approved`: the writes of it; `kept`: how much can't be undone, or must not;
    `pruned`: the sentence to say if the journal may not have all that the run wrote any more."""

    approved: set[str] = field(default_factory=set)
    pairs: set[str] = field(default_factory=set)
    records: int = 0
    kept: int = 0
    pruned: str = ""


def scope_of(site: Site, asked: Asked) -> Scope:
    """Raises NotThere or UsageError for a run, pair, record or property that there is not."""
    side: Side | None = None
    if asked.pair:
        pair = pair_of(site, asked.pair)
        if asked.id:
            side = site.store.read(lambda tx: side_of(site, tx, pair, asked.id, asked.side))
        if asked.property and pair.property(asked.property) is None:
            names = ", ".join(prop.name for prop in pair.properties)
            raise NotThere(f"{pair.name} has no property {asked.property}", why=f"it has {names}")
    elif asked.property:
        raise UsageError(
            "a property is of a pair", fix=f"instep undo {asked.run} PAIR --property {asked.property}"
        )
    run = site.store.read(lambda tx: _run(tx, asked, side))
    return Scope(run.id, asked.pair, side, asked.id, asked.property)


def _run(tx: Tx, asked: Asked, side: Side | None) -> Run:
    if asked.run == LATEST:
        entries = tx.journal(pair=asked.pair, side=side, record_id=asked.id, limit=200)
        number: int | None = next((e.run for e in entries if e.run and e.operation in OPERATIONS), None)
        if number is None:
            raise NotThere("no run has written anything there", fix="instep history")
    else:
        number = whole_number(asked.run)
        if number is None or number < 0:
            raise UsageError(
                f"{asked.run} is no run", why='it is a number, or "last"', fix="instep history --runs"
            )
    found = tx.run(number)
    if found is None:
        raise NotThere(f"there is no run {number}", fix="see which there are: instep history --runs")
    return found


async def way_back(site: Site, scope: Scope, on_action: Callable[[Action], None]) -> Way:
    """Look at it all, from what is stored; other tasks go on between two records."""
    way = Way(pruned=_pruned(site, scope))
    for back in ways_back(site.engine(), scope):
        on_action(back.action)
        way.approved.update(back.action.fingerprints)
        way.kept += len(back.action.verdict.holds)
        if back.releases:
            way.records += 1
            way.pairs.add(back.action.key.pair)
        await asyncio.sleep(0)
    return way


def wish_of(scope: Scope, approved: Iterable[str], pairs: Iterable[str], kept: int) -> Wish:
    """The run that goes the way back, as it was approved. `kept`: how much of it is left as people have made it."""
    partly = bool(scope.pair or scope.property or kept)
    fingerprints = frozenset(approved)
    return Wish(fingerprints, pairs=tuple(sorted(pairs)), kind="undo", undoes=scope.run, partly=partly)


def _pruned(site: Site, scope: Scope) -> str:
    until_ms = pruned_until(site.engine(), scope.run)
    if until_ms is None:
        return ""
    return (
        f"the journal was pruned up to {moment(until_ms)} UTC: what run {scope.run} wrote until then is not known"
        " any more, and stays as it is"
    )
