"""The lines about conflicts: both sides are edited between two runs, the right one later."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from instep.core.model import SIDES, Both, Record, Side
from instep.dataflow.documents.checklist import Line
from instep.qa.checks import Shown, words
from instep.qa.placing import place, tried
from instep.qa.trial import Trial
from instep.qa.values import context

APART_S: Final = 2.5
"""Between two edits whose order is to be known; some systems tell times in whole seconds."""


async def conflict(trial: Trial, ids: Both[str], names: Collection[str]) -> None:
    """Edit all properties on both sides, the right one later, and see who wins."""
    lines = trial.editable(trial.waiting("conflict", Side.LEFT, names), *SIDES)
    for side in SIDES:
        seen = await trial.read_both(ids)
        draft = trial.edit(side, [trial.property(line.prop) for line in lines], seen)
        left_out = dict(draft.left_out)
        for name, raw in list(draft.raws.items()):
            prop = trial.property(name)
            if trial.canon(name, side, raw + context(prop, side, draft.here)) in trial.canons(prop, seen):
                left_out[name] = "it has no third value to be edited to"
                del draft.raws[name]
        lines = tried(trial, lines, left_out)
        if side is Side.RIGHT and lines:
            await asyncio.sleep(APART_S)
        lines = tried(trial, lines, await place(trial, ids, side, draft))
    if not lines:
        return
    given = await trial.read_both(ids)
    entry = trial.bench.last_entry()
    await trial.bench.sync(trial.pair)
    found = await trial.read_both(ids)
    for line in lines:
        held = trial.held(Side.LEFT, ids.left, line.prop, trial.property(line.prop).group)
        evidence = trial.evidence(Side.LEFT, ids.left, entry, line.prop)
        trial.say(line, _decided(trial, line, given, found, held), evidence)


def _decided(trial: Trial, line: Line, given: Both[Record], found: Both[Record], held: str) -> Shown:
    prop = trial.property(line.prop)
    before, after = trial.raws(prop, given), trial.raws(prop, found)
    policy = prop.policy or trial.pair.policy
    told = " and ".join(words(after[s][: len(prop.parts[s].fields)]) for s in SIDES)
    if held and policy in ("hold", "newest"):
        return Shown(before == after, "both stay as they are", told)
    if policy == "hold":
        return Shown(False, "it is held", told)
    winner = Side.LEFT if policy == "left" else Side.RIGHT
    wanted = trial.canon(line.prop, winner, before[winner])
    well = all(after[s] and trial.canon(line.prop, s, after[s]) == wanted for s in SIDES)
    expected = f"{words(before[winner][: len(prop.parts[winner].fields)])} on both sides"
    return Shown(well, expected, f"{told} ({held})" if held else told)
