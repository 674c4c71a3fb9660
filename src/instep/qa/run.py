"""A whole checklist: take back what an earlier one left, make, try, take back again, and tell."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from instep.connectors.contract import Connector
from instep.core.dataflow import Dataflow
from instep.core.model import SIDES, Both
from instep.dataflow.documents.checklist import checklist
from instep.qa.creating import creates, left_alone, matches
from instep.qa.deleting import deletes
from instep.qa.editing import edits
from instep.qa.fence import Fence
from instep.qa.ledger import Ledger
from instep.qa.results import Result
from instep.qa.trial import Trial
from instep.qa.values import Values
from instep.qa.workbench import Workbench, without_brakes
from instep.runner.engine import Engine
from instep.runner.run import Runner
from instep.store.contract import Store

Ended = Callable[[int, int], None]
"""Told at the end of each line how many have ended, and how many there are."""


def new_mark() -> str:
    """A text that nobody's record bears by chance."""
    return f"qa-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Wanted:
    """What to run: `pairs`, if any, else all; `stated`: the dataflow whose lines are expected to be true."""

    stated: Dataflow
    pairs: tuple[str, ...] = ()


async def run_checklist(
    wanted: Wanted,
    tried: Dataflow,
    connectors: Both[Connector],
    store: Store,
    ledger: Ledger,
    mark: str,
    clock: Callable[[], int],
    random: Random,
    ended: Ended,
) -> list[Result]:
    """Run the lines of a dataflow over the dataflow that is on trial. What was made stays, for `clean`. Raises Stop
    and StoreError."""
    fences = Both.of(lambda side: Fence(connectors[side], side, ledger, mark))
    engine = Engine(without_brakes(tried), Both(fences.left, fences.right), store, clock, random)
    bench = Workbench(wanted.stated, engine, Runner(engine, mark), fences, mark, random)
    entities = fences.map(lambda fence: fence.entities())
    values = Values(entities, bench.lookup, mark, bench.ids)
    lines = checklist(wanted.stated, entities, fences.map(lambda fence: fence.name))
    shown = [line for line in lines if not wanted.pairs or line.pair in wanted.pairs]
    results: list[Result] = []

    def report(result: Result) -> None:
        results.append(result)
        ended(len(results), len(shown))

    needed = _needed(wanted)
    for pair in wanted.stated.pairs:
        own = [line for line in shown if line.pair == pair.name]
        if own or pair.name in needed:
            await try_pair(Trial(bench, values, entities, pair, own, report))
    order = {line.id: place for place, line in enumerate(lines)}
    return sorted(results, key=lambda result: order[result.line.id])


async def try_pair(trial: Trial) -> None:
    """All lines of a pair, each reported once. Raises Stop and StoreError."""
    for side in SIDES:
        ids = await creates(trial, side)
        trial.subjects += [ids] if ids is not None else []
    if not trial.lines:
        return
    for side in SIDES:
        await left_alone(trial, side)
    if trial.subjects:
        await edits(trial, trial.subjects[0])
    for side in SIDES:
        await matches(trial, side)
    if trial.subjects:
        await deletes(trial)
    trial.rest("no linked record could be made to try it with")


def _needed(wanted: Wanted) -> set[str]:
    """The pairs that those which are wanted refer to."""
    found = set(wanted.pairs)
    for pair in reversed(wanted.stated.pairs):
        if pair.name in found:
            found.update(pair.after)
    return found
