"""The lines about edits of linked records: what arrives, is put back, held or emptied; every member of a lookup."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from instep.core.conditions import Condition
from instep.core.diff import raw_of
from instep.core.model import SIDES, Both, Side
from instep.core.transformations.contract import Unfit
from instep.core.values import Raw
from instep.dataflow.documents.checklist import Line
from instep.errors import Refused
from instep.qa.checks import Shown, agrees, unchanged, words
from instep.qa.conflicting import conflict
from instep.qa.placing import place, tried
from instep.qa.trial import Trial
from instep.qa.values import context, lookup_of

MOST_MEMBERS: Final = 12
"""Values of a lookup that are tried on a side, one after the other."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a line found, and the entries of the journal that show it."""

    shown: Shown
    evidence: tuple[int, ...]


async def edits(trial: Trial, ids: Both[str]) -> None:
    """All lines about properties, those together that are kept in step where the same is met."""
    for when in dict.fromkeys(prop.when for prop in trial.pair.properties):
        names = [prop.name for prop in trial.pair.properties if prop.when == when]
        why = await _arrange(trial, ids, when)
        if why:
            trial.rest(why, names)
            continue
        retiring = [name for name in names if trial.retires(trial.property(name))]
        for name in retiring:
            await _retire(trial, ids, name)
        names = [name for name in names if name not in retiring]
        open_ones = []
        for side in SIDES:
            open_ones.append(await _edit(trial, ids, side, names))
            await _clear(trial, ids, side, names)
        for side in SIDES:
            await _one_by_one(trial, ids, side, names)
        await conflict(trial, ids, names)
        # The last, since no call may lead away from what a member stands for.
        for side, lines in zip(SIDES, open_ones, strict=True):
            await _members(trial, ids, side, lines)


async def _arrange(trial: Trial, ids: Both[str], when: Both[tuple[Condition, ...]]) -> str:
    """Bring two linked records to meet conditions; why not, if that can't be."""
    written = False
    for side in SIDES:
        record = await trial.read(side, ids)
        for one in when[side]:
            if not one.holds(record.fields):
                for value in islice(trial.values.meeting(trial.pair, side, one), 1):
                    try:
                        await trial.bench.update(trial.pair, side, ids[side], {one.path: value})
                        written = True
                    except Refused as error:
                        return f"no record that meets {one} could be made: {error.why or error.what}"
    if written:  # which may concern other pairs too, that this one refers to
        for pair in trial.bench.stated.pairs:
            await trial.bench.sync(pair)
    seen = await trial.read_both(ids)
    missed = next((one for side in SIDES for one in when[side] if not one.holds(seen[side].fields)), None)
    return f"no record could be made that meets {missed}" if missed is not None else ""


async def _retire(trial: Trial, ids: Both[str], name: str) -> None:
    """The lines of a property by which a record is taken out of use, and into use again for what is tried after it:
    some systems let nobody write the other fields meanwhile."""
    before = trial.raws(trial.property(name), await trial.read_both(ids))

    async def put_back(*sides: Side) -> None:
        for side in sides:
            await trial.write(ids, side, {name: before[side]})
        await trial.bench.sync(trial.pair)

    for side in SIDES:
        await _members(trial, ids, side, await _edit(trial, ids, side, [name]))
        await _clear(trial, ids, side, [name])
        await _one_by_one(trial, ids, side, [name])
        await put_back(side)
    await conflict(trial, ids, [name])
    await put_back(*SIDES)


async def _edit(trial: Trial, ids: Both[str], side: Side, names: Collection[str]) -> dict[Line, Found]:
    """Edit all properties that go the same way in one go. What is well so far of the lines about lookups, which have
    members that are still to be tried."""
    lines = trial.editable(trial.waiting("edit", side, names, "written"), side)
    draft = trial.edit(side, [trial.property(line.prop) for line in lines], await trial.read_both(ids))
    left_out = draft.left_out | await place(trial, ids, side, draft)
    found = await _compare(trial, ids, side, tried(trial, lines, left_out), draft.raws)
    lookups = {line for line in found if lookup_of(trial.property(line.prop)) and found[line].shown.well}
    _say(trial, {line: each for line, each in found.items() if line not in lookups})
    return {line: found[line] for line in found if line in lookups}


async def _members(trial: Trial, ids: Both[str], side: Side, found: dict[Line, Found]) -> None:
    """Try every other member of lookups, until one does not arrive. What the systems refuse says nothing of it."""
    left = list(found)
    await _settle(trial, ids, [line.prop for line in left])
    for _ in range(MOST_MEMBERS):
        seen = await trial.read_both(ids)
        draft = trial.edit(side, [trial.property(line.prop) for line in left], seen, unknown=True)
        refused = await trial.write(ids, side, draft.raws)
        left = [line for line in left if line.prop in draft.raws]
        if not left:
            break
        again = await _compare(
            trial, ids, side, [line for line in left if line.prop not in refused], draft.raws
        )
        for line, each in again.items():
            if not trial.refused(side, ids[side], line.prop):
                found[line] = Found(each.shown, found[line].evidence + each.evidence)
        left = [line for line in left if found[line].shown.well]
    _say(trial, found)


async def _settle(trial: Trial, ids: Both[str], names: Collection[str]) -> None:
    """Give the right side what the left one has, where they don't agree, as a person does who settles a conflict."""
    seen = await trial.read_both(ids)
    raws = {}
    for name in names:
        prop = trial.property(name)
        canon = trial.canons(prop, seen)
        old = trial.raws(prop, seen).right
        raw = prop.transformation.put(Side.RIGHT, canon.left, old, trial.bench.lookup)
        if canon.left != canon.right and not isinstance(raw, Unfit):
            raws[name] = raw
    if raws:
        await trial.write(ids, Side.RIGHT, raws)
        await trial.bench.sync(trial.pair)


def _say(trial: Trial, found: Mapping[Line, Found]) -> None:
    for line, each in found.items():
        trial.say(line, each.shown, each.evidence)


async def _clear(trial: Trial, ids: Both[str], side: Side, names: Collection[str]) -> None:
    """Empty all properties in one go. Where a system can't be without a value, neither line can be run."""
    lines = trial.waiting("clear", side, names)
    if not lines:
        return
    empty: dict[str, Raw] = {
        line.prop: (None,) * len(trial.property(line.prop).parts[side].fields) for line in lines
    }
    refused = await trial.write(ids, side, empty)
    given = await trial.read(side, ids)
    for line in lines:
        raw = raw_of(trial.property(line.prop).parts[side], given.fields)
        if line.prop not in refused and raw is not None and trial.canon(line.prop, side, raw) is not None:
            kept = words(raw[: len(empty[line.prop])])
            refused[line.prop] = f"{trial.bench.fences[side].name} makes {kept} of an empty value"
    other = [line for line in trial.waiting("clear", side.other, names) if line.prop in refused]
    tried(trial, other, refused)
    _say(trial, await _compare(trial, ids, side, tried(trial, lines, refused), empty))


async def _compare(
    trial: Trial, ids: Both[str], side: Side, lines: Sequence[Line], raws: Mapping[str, Raw]
) -> dict[Line, Found]:
    """Synchronise after something was written for each line at a side, and compare both sides with it."""
    if not lines:
        return {}
    bench, pair = trial.bench, trial.pair
    given = await trial.read(side, ids)
    before = bench.last_entry()
    await bench.sync(pair)
    seen = await trial.read_both(ids)
    found = {}
    for line in lines:
        prop = trial.property(line.prop)
        source = raw_of(prop.parts[side], given.fields)
        if source is None:
            source = raws[line.prop] + context(prop, side, given.fields)
        shown = agrees(prop, side, source, seen[side.other], bench.lookup)
        kept = unchanged(prop, side, source, seen[side])
        if not shown.well:
            why = trial.held(side, ids[side], line.prop, prop.group)
            shown = Shown(False, shown.expected, f"{shown.found} ({why})" if why else shown.found)
        elif not kept.well:
            shown = Shown(False, f"{kept.expected} stays", f"{kept.found} was written there")
        found[line] = Found(shown, trial.evidence(side.other, ids[side.other], before, line.prop))
    return found


async def _one_by_one(trial: Trial, ids: Both[str], side: Side, names: Collection[str]) -> None:
    """Edits that are put back or held; each is undone by hand after that, so that the next begins at rest."""
    lines = [*trial.waiting("put back", side, names), *trial.waiting("edit", side, names, "held")]
    for line in trial.editable(lines, side):
        prop = trial.property(line.prop)
        seen = await trial.read_both(ids)
        draft = trial.edit(side, [prop], seen)
        before = raw_of(prop.parts[side], seen[side].fields)
        left_out = {line.prop: "the field is not offered"} if before is None else draft.left_out
        left_out = left_out or await trial.write(ids, side, draft.raws)
        if not tried(trial, [line], left_out) or before is None:
            continue
        entry = trial.bench.last_entry()
        await trial.bench.sync(trial.pair)
        own = await trial.read(side, ids)
        held = trial.held(side, ids[side], line.prop)
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
