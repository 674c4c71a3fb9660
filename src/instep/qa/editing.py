"""The lines about properties of linked records: edits that arrive, are put back or held; clears; conflicts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from instep.core.conditions import Condition
from instep.core.diff import raw_of
from instep.core.model import SIDES, Both, Record, Side
from instep.core.transformations.contract import Unfit
from instep.core.values import Raw
from instep.dataflow.documents.checklist import Line
from instep.errors import Refused
from instep.qa.checks import Shown, agrees, unchanged, words
from instep.qa.trial import Trial
from instep.qa.values import Draft, context, lookup_of

MOST_MEMBERS: Final = 12
"""Values of a lookup that are tried on a side, one after the other."""
MOST_TRIES: Final = 4
"""Values of a property that are tried before its line counts as not applicable."""
APART_S: Final = 2.5
"""Between two edits whose order is to be known; some systems tell times in whole seconds."""


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
        await _conflict(trial, ids, names)
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
    await _conflict(trial, ids, [name])
    await put_back(*SIDES)


async def _edit(trial: Trial, ids: Both[str], side: Side, names: Collection[str]) -> dict[Line, Found]:
    """Edit all properties that go the same way in one go. What is well so far of the lines about lookups, which have
    members that are still to be tried."""
    lines = trial.editable(trial.waiting("edit", side, names, "written"), side)
    draft = trial.edit(side, [trial.property(line.prop) for line in lines], await trial.read_both(ids))
    left_out = draft.left_out | await _place(trial, ids, side, draft)
    found = await _compare(trial, ids, side, _tried(trial, lines, left_out), draft.raws)
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
    _tried(trial, other, refused)
    _say(trial, await _compare(trial, ids, side, _tried(trial, lines, refused), empty))


def _tried(trial: Trial, lines: Sequence[Line], left_out: Mapping[str, str]) -> list[Line]:
    """The lines whose property was written; the others are done with, and why."""
    for line in lines:
        if line.prop in left_out:
            trial.not_applicable(line, left_out[line.prop])
    return [line for line in lines if line.prop not in left_out]


async def _place(trial: Trial, ids: Both[str], side: Side, draft: Draft) -> dict[str, str]:
    """Write what was drafted, other values for those that are refused; `raws` has what was taken then. Gives the
    properties of which no value was, with the system's words."""
    refused = await trial.write(ids, side, draft.raws)
    for name in list(refused):
        again = await _another(trial, ids, side, name, draft)
        if again is None:
            del draft.raws[name]
        else:
            draft.raws[name] = again
            del refused[name]
    return refused


async def _another(trial: Trial, ids: Both[str], side: Side, name: str, draft: Draft) -> Raw | None:
    """The first other value of a property that the system does not refuse."""
    known = [*trial.last_known(name), trial.canon(name, side, draft.raws[name])]
    values = trial.values.all(draft, trial.pair, side, trial.property(name), known)
    for raw, _ in islice(values, MOST_TRIES):
        if not await trial.write(ids, side, {name: raw}):
            return raw
    return None


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
        if not _tried(trial, [line], left_out) or before is None:
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


async def _conflict(trial: Trial, ids: Both[str], names: Collection[str]) -> None:
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
        lines = _tried(trial, lines, left_out)
        if side is Side.RIGHT and lines:
            await asyncio.sleep(APART_S)
        lines = _tried(trial, lines, await _place(trial, ids, side, draft))
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
