"""The lines about deletes: one of two linked records is deleted, and the other looked at."""

from __future__ import annotations

import asyncio
from typing import Final

from instep.core.gone import is_retired
from instep.core.model import SIDES, Both, Record, Side
from instep.dataflow.documents.checklist import Line
from instep.errors import OutcomeError, Stop
from instep.qa.checks import Shown
from instep.qa.creating import creates
from instep.qa.trial import Trial

PATIENCE_S: Final = 200.0
"""How long a delete may take until it shows."""


async def deletes(trial: Trial) -> None:
    """Delete on either side, each time one of two linked records that nothing else is tried with any more."""
    for side in SIDES:
        for line in trial.waiting("delete", side):
            ids = await _subject(trial)
            if ids is None:
                continue
            try:
                await trial.bench.fences[side].discard(trial.pair.entity[side], ids[side])
            except Stop:
                raise
            except OutcomeError as error:
                trial.subjects.append(ids)
                trial.not_applicable(line, error.why or error.what)
                continue
            if await _is_gone(trial, side, ids[side]):
                await _look(trial, line, ids)
            else:
                trial.not_applicable(line, f"the delete did not show within {PATIENCE_S:.0f} s")


async def _subject(trial: Trial) -> Both[str] | None:
    """Two linked records that agree in everything: the first of all, which was edited, may not."""
    if len(trial.subjects) > 1:
        return trial.subjects.pop()
    for side in SIDES:
        ids = await creates(trial, side)
        if ids is not None:
            return ids
    return None


async def _look(trial: Trial, line: Line, ids: Both[str]) -> None:
    side = line.at
    before = await trial.bench.seen(trial.pair, side.other, ids[side.other])
    entry = trial.bench.last_entry()
    await trial.bench.sync(trial.pair)
    after = await trial.bench.seen(trial.pair, side.other, ids[side.other])
    shown = _dealt_with(trial, line, before, after, trial.held(side, ids[side]))
    trial.say(line, shown, trial.evidence(side.other, ids[side.other], entry))


async def _is_gone(trial: Trial, side: Side, id: str) -> bool:
    waited_s, pause_s = 0.0, 0.2
    while waited_s < PATIENCE_S:
        if (await trial.bench.seen(trial.pair, side, id)).deleted:
            return True
        await asyncio.sleep(pause_s)
        waited_s, pause_s = waited_s + pause_s, min(pause_s * 2, 5.0)
    return False


def _dealt_with(trial: Trial, line: Line, before: Record, after: Record, held: str) -> Shown:
    retired = after.deleted or is_retired(trial.entity(line.at.other), after.fields)
    state = held or ("it is out of use" if retired else "it is in use")
    same = before.fields == after.fields
    if line.finding == "held":
        return Shown(bool(held) and same, "it is held, and nothing is written", state)
    if line.finding == "written":
        return Shown(retired, "it is out of use", state)
    return Shown(not held and same, "it stays as it is", state)
