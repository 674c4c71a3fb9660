"""The lines that need records or runs of their own: what is put back or held, conflicts, matches, deletes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from instep.core.diff import raw_of
from instep.core.gone import is_retired
from instep.core.model import Both, Record, Side
from instep.core.values import get_path, set_path
from instep.dataflow.documents.checklist import Line
from instep.errors import Gone, OutcomeError, Refused, Stop
from instep.qa.checks import Shown, about, words
from instep.qa.trial import Trial
from instep.qa.values import context

APART_S: Final = 2.5
"""Between two edits whose order is to be known; some systems tell times in whole seconds."""
PATIENCE_S: Final = 200.0
"""How long a delete may take until it shows."""


async def one_by_one(trial: Trial, ids: Both[str], side: Side) -> None:
    """Edits that are put back or held; each is undone by hand after that, so that the next begins at rest."""
    for line in [*trial.waiting("put back", side), *trial.waiting("edit", side, ["held"])]:
        if not trial.may_edit(line):
            continue
        prop = trial.property(line.prop)
        record = await trial.bench.read(trial.pair, side, ids[side])
        other = await trial.bench.read(trial.pair, side.other, ids[side.other])
        draft = trial.draft(side, [prop], record, other)
        before = raw_of(prop.parts[side], record.fields)
        if line.prop in draft.left_out or before is None:
            trial.not_applicable(line, draft.left_out.get(line.prop, "the field is not offered"))
            continue
        refused = await trial.write(ids, side, {line.prop: draft.raws[line.prop]})
        if refused:
            trial.not_applicable(line, refused[line.prop])
            continue
        entry = trial.bench.last_entry()
        await trial.bench.sync(trial.pair)
        own = await trial.bench.read(trial.pair, side, ids[side])
        held = about(trial.bench.holds(trial.pair, side, ids[side]), line.prop)
        now = raw_of(prop.parts[side], own.fields) or ()
        mapped = len(prop.parts[side].fields)
        if line.finding == "held":
            shown = Shown(bool(held), "it is held", "it is not held")
        else:
            same = trial.canon(line.prop, side, now) == trial.canon(line.prop, side, before)
            found = words(now[:mapped]) + (f" ({held})" if held else "")
            shown = Shown(same, words(before[:mapped]), found)
        trial.say(line, shown, trial.evidence(side, ids[side], entry))
        if not (line.finding == "put back" and shown.well):
            await trial.write(ids, side, {line.prop: before[:mapped]})
            await trial.bench.sync(trial.pair)


async def conflicts(trial: Trial, ids: Both[str]) -> None:
    """Edit all properties on both sides, the right one later, and see who wins."""
    lines = [
        line
        for line in trial.waiting("conflict", Side.LEFT)
        if trial.may_edit(line, Side.LEFT) and trial.may_edit(line, Side.RIGHT)
    ]
    left_out: dict[str, str] = {}
    for side in (Side.LEFT, Side.RIGHT):
        here, there = await both(trial, ids, side)
        draft = trial.draft(side, [trial.property(line.prop) for line in lines], here, there)
        around = ((side, here), (side.other, there))
        for name, raw in list(draft.raws.items()):
            known = [
                trial.canon(name, s, raw_of(trial.property(name).parts[s], r.fields) or ()) for s, r in around
            ]
            if trial.canon(name, side, raw + context(trial.property(name), side, draft.here)) in known:
                left_out[name] = "it has no third value to be edited to"
                del draft.raws[name]
        left_out |= draft.left_out | await trial.place(ids, side, draft)
        await asyncio.sleep(APART_S)
    for line in [line for line in lines if line.prop in left_out]:
        trial.not_applicable(line, left_out[line.prop])
    lines = [line for line in lines if line.prop not in left_out]
    if not lines:
        return
    given = Both(*await both(trial, ids, Side.LEFT))
    entry = trial.bench.last_entry()
    await trial.bench.sync(trial.pair)
    found = Both(*await both(trial, ids, Side.LEFT))
    holds = trial.bench.holds(trial.pair, Side.LEFT, ids.left)
    for line in lines:
        held = about(holds, line.prop, trial.property(line.prop).group)
        evidence = trial.evidence(Side.LEFT, ids.left, entry, line.prop)
        trial.say(line, _decided(trial, line, given, found, held), evidence)


def _decided(trial: Trial, line: Line, given: Both[Record], found: Both[Record], held: str) -> Shown:
    prop = trial.property(line.prop)
    before = Both.of(lambda s: raw_of(prop.parts[s], given[s].fields) or ())
    after = Both.of(lambda s: raw_of(prop.parts[s], found[s].fields) or ())
    policy = prop.policy or trial.pair.policy
    told = " and ".join(words(after[s][: len(prop.parts[s].fields)]) for s in Side)
    if held and policy in ("hold", "newest"):
        return Shown(before == after, "both stay as they are", told)
    if policy == "hold":
        return Shown(False, "it is held", told)
    winner = Side.LEFT if policy == "left" else Side.RIGHT
    wanted = trial.canon(line.prop, winner, before[winner])
    well = all(after[s] and trial.canon(line.prop, s, after[s]) == wanted for s in Side)
    expected = f"{words(before[winner][: len(prop.parts[winner].fields)])} on both sides"
    return Shown(well, expected, f"{told} ({held})" if held else told)


async def both(trial: Trial, ids: Both[str], side: Side) -> tuple[Record, Record]:
    """The records of a side and of the other."""
    here = await trial.bench.read(trial.pair, side, ids[side])
    return here, await trial.bench.read(trial.pair, side.other, ids[side.other])


async def matches(trial: Trial, side: Side) -> None:
    """Make two records apart that are to be recognised as the same."""
    for line in trial.waiting("match", side):
        if not all(trial.entity(s).abilities.create for s in Side):
            trial.not_applicable(line, "such records can't be made by the API on both sides")
            continue
        first = trial.draft(side.other, trial.beginnings(side.other))
        second = trial.draft(side, trial.beginnings(side))
        missing = [name for name in line.keys if name not in first.raws]
        for name in line.keys:
            for path in trial.property(name).parts[side].fields:
                set_path(second.here, path, get_path(first.there, path))  # type: ignore[arg-type]
        try:
            if missing:
                raise Refused(f"no value of {', '.join(missing)} was found")
            theirs = await trial.make(side.other, first)
            own = await trial.bench.create(trial.pair, side, second.here)
        except Stop:
            raise
        except OutcomeError as error:
            trial.not_applicable(line, f"they could not be made: {error.why or error.what}")
            continue
        entry, made = trial.bench.last_entry(), len(trial.bench.fences[side].ledger.made)
        await trial.bench.sync(trial.pair)
        link = trial.bench.link(trial.pair, side, own.id)
        held = about(trial.bench.holds(trial.pair, side, own.id), "")
        more = len(trial.bench.fences[side].ledger.made) - made
        well = link is not None and link.ids[side.other] == theirs.id and not more
        found = f"{own.id} is linked with {link.ids[side.other] if link else 'none'}, {more} were made"
        shown = Shown(well, f"{own.id} is linked with {theirs.id}, 0 were made", f"{found} {held}".strip())
        trial.say(line, shown, trial.evidence(side, own.id, entry))


async def deletes(trial: Trial, subjects: Sequence[Both[str]]) -> None:
    """Delete one record of each linked pair of records, each on another side."""
    for side, ids in zip(Side, reversed(subjects), strict=False):
        for line in trial.waiting("delete", side):
            try:
                await trial.bench.fences[side].discard(trial.pair.entity[side], ids[side])
            except Stop:
                raise
            except OutcomeError as error:
                trial.not_applicable(line, error.why or error.what)
                continue
            if not await _is_gone(trial, side, ids[side]):
                trial.not_applicable(line, f"the delete did not show within {PATIENCE_S:.0f} s")
                continue
            before = await trial.bench.read(trial.pair, side.other, ids[side.other])
            entry = trial.bench.last_entry()
            await trial.bench.sync(trial.pair)
            after = await trial.bench.read(trial.pair, side.other, ids[side.other])
            held = about(trial.bench.holds(trial.pair, side, ids[side]), "")
            shown = _dealt_with(trial, line, before, after, held)
            trial.say(line, shown, trial.evidence(side.other, ids[side.other], entry))


async def _is_gone(trial: Trial, side: Side, id: str) -> bool:
    waited_s, pause_s = 0.0, 0.2
    while waited_s < PATIENCE_S:
        try:
            if (await trial.bench.read(trial.pair, side, id)).deleted:
                return True
        except Gone:
            return True
        await asyncio.sleep(pause_s)
        waited_s, pause_s = waited_s + pause_s, min(pause_s * 2, 5.0)
    return False


def _dealt_with(trial: Trial, line: Line, before: Record, after: Record, held: str) -> Shown:
    retired = after.deleted or is_retired(trial.entity(line.at.other), after.fields)
    state = held or ("it is out of use" if retired else "it is in use")
    if line.finding == "held":
        return Shown(
            bool(held) and before.fields == after.fields, "it is held, and nothing is written", state
        )
    if line.finding == "written":
        return Shown(retired, "it is out of use", state)
    return Shown(not held and before.fields == after.fields, "it stays as it is", state)
