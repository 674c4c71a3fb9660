"""The lines about new records: partners that are made or not, records to be left alone, records that are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from instep.core.conditions import Condition, unmet
from instep.core.dataflow import Pair
from instep.core.model import SIDES, Both, Record, Side
from instep.core.values import Absent, get_path
from instep.dataflow.documents.checklist import Line
from instep.dataflow.documents.types import field_of
from instep.errors import Gone, OutcomeError, Refused, Stop
from instep.qa.checks import Shown, agrees
from instep.qa.trial import Trial
from instep.qa.values import Draft, context


async def creates(trial: Trial, side: Side) -> Both[str] | None:
    """Make a record on a side, and look for its partner; the ids of both if there is one."""
    pair, bench = trial.pair, trial.bench
    lines = trial.waiting("create", side)
    made = await _made(trial, side, lines, asked(pair, side))
    if made is None:
        return None
    record, draft = made
    before = bench.last_entry()
    await bench.sync(pair)
    early = bench.link(pair, side, record.id)
    if pair.referred[side.other] and early is None:
        why = await _refer(trial, side, record)
        if why:
            for line in lines:
                trial.not_applicable(line, why)
            return None
    link = bench.link(pair, side, record.id)
    evidence = trial.evidence(side.other, link.ids[side.other] if link else record.id, before)
    for line in lines:
        shown = await _partner(trial, line, record, draft)
        if line.finding == "made later" and early is not None:
            shown = Shown(
                False, "no partner before a record refers to it", f"{early.ids[side.other]} was made"
            )
        trial.say(line, shown, evidence)
    return link.ids if link else None


def asked(pair: Pair, side: Side) -> Sequence[Condition]:
    """What a record has to meet for a partner to be made."""
    return (*pair.where[side], *pair.create_when[side.other])


async def _made(
    trial: Trial, side: Side, lines: Sequence[Line], meeting: Sequence[Condition]
) -> tuple[Record, Draft] | None:
    """A new record that meets conditions, and what it was to hold; else the lines are done with."""
    try:
        draft = trial.new(side, trial.beginnings(side), meeting)
        return await make(trial, side, draft), draft
    except (Stop, Gone):
        raise
    except OutcomeError as error:
        for line in lines:
            trial.not_applicable(line, f"none could be made: {error.why or error.what}")
        return None


async def make(trial: Trial, side: Side, draft: Draft) -> Record:
    """Make the drafted record; a property whose value is refused is left out and the rest tried again."""
    abilities = trial.entity(side).abilities
    if not abilities.create:
        raise Refused(abilities.reasons.get("create", "the API can't make such records"))
    while True:
        if draft.unmet is not None:
            raise Refused(f"no value was found with which it meets {draft.unmet}")
        try:
            return await trial.bench.create(trial.pair, side, draft.here)
        except Refused as error:
            name = _named(trial, side, error.field, draft)
            if name is None:
                raise
            kept = [p for p in trial.pair.properties if p.name in draft.raws and p.name != name]
            again = trial.new(side, kept, draft.meeting)
            draft.here, draft.there, draft.raws = again.here, again.there, again.raws
            draft.left_out[name] = error.why or error.what


def _named(trial: Trial, side: Side, path: str, draft: Draft) -> str | None:
    """The property of a draft that a refusal is about."""
    for name in draft.raws:
        fields = trial.property(name).parts[side].fields
        if path and any(one == path or one.startswith(f"{path}.") for one in fields):
            return name
    return None


async def _partner(trial: Trial, line: Line, record: Record, draft: Draft) -> Shown:
    """What became of a new record, as its line wants it."""
    side, bench = line.at, trial.bench
    link = bench.link(trial.pair, side, record.id)
    held = trial.held(side, record.id)
    if line.finding == "held":
        return Shown(bool(held) and link is None, "it is held", held or "it is not held")
    if link is None:
        return Shown(line.finding == "not made", "a partner", held or "there is none")
    if line.finding == "not made":
        return Shown(False, "no partner", f"{link.ids[side.other]} was made")
    seen = await trial.read_both(link.ids)
    wrong = []
    for name, raw in draft.raws.items():
        prop = trial.property(name)
        kept = all(unmet(prop.when[s], seen[s].fields) is None for s in SIDES)
        if kept and trial.takes(prop, side.other):
            whole = raw + context(prop, side, record.fields)
            shown = agrees(prop, side, whole, seen[side.other], bench.lookup)
            if not shown.well:
                wrong.append((name, shown))
    expected = "; ".join(f"{name} = {shown.expected}" for name, shown in wrong)
    return Shown(not wrong, expected, "; ".join(f"{name} = {shown.found}" for name, shown in wrong))


async def _refer(trial: Trial, side: Side, record: Record) -> str:
    """Make a record of another pair that refers to one that has no partner until then; why not, if that can't be."""
    for pair, path in _references(trial, side):
        other = Trial(trial.bench, trial.values, trial.entities, pair, (), trial.report)
        meeting = (Condition(path, (record.id,)), *asked(pair, side))
        try:
            await make(other, side, other.new(side, other.beginnings(side), meeting))
        except (Stop, Gone):
            raise
        except OutcomeError as error:
            return f"none that refers to it could be made: {error.why or error.what}"
        for each in (pair, trial.pair):
            await trial.bench.sync(each)
        return ""
    return "no pair has a field that refers to it"


def _references(trial: Trial, side: Side) -> Iterator[tuple[Pair, str]]:
    """The pairs whose records have a field for the id of one of these, and that field."""
    for pair in trial.bench.stated.pairs:
        for prop in pair.properties:
            for path in prop.parts[side].fields:
                field = field_of(trial.entities, pair, side, path)
                if field is not None and field.reference == trial.pair.entity[side] and field.create:
                    yield pair, path


async def left_alone(trial: Trial, side: Side) -> None:
    """Make a record that the pair is not for."""
    for line in trial.waiting("where", side):
        first, *others = trial.pair.where[side]
        made = await _made(trial, side, [line], (replace(first, negated=not first.negated), *others))
        if made is None:
            continue
        record, _ = made
        more, link = await _synchronised(trial, side, record)
        held = trial.held(side, record.id)
        found = held or (f"it has the partner {link}" if link else f"{more} records were made")
        trial.say(line, Shown(not (link or more or held), "no partner, and no record is made", found))


async def matches(trial: Trial, side: Side) -> None:
    """Make two records apart that are to be recognised as the same."""
    for line in trial.waiting("match", side):
        first = trial.new(side.other, trial.beginnings(side.other), asked(trial.pair, side.other))
        try:
            theirs = await make(trial, side.other, first)
            same = _same(trial, line, first)
            second = trial.new(side, trial.beginnings(side), (*same, *asked(trial.pair, side)))
            own = await make(trial, side, second)
        except (Stop, Gone):
            raise
        except OutcomeError as error:
            trial.not_applicable(line, f"they could not be made: {error.why or error.what}")
            continue
        entry = trial.bench.last_entry()
        more, link = await _synchronised(trial, side, own)
        held = trial.held(side, own.id)
        found = f"{own.id} is linked with {link or 'none'}, {more} were made"
        expected = f"{own.id} is linked with {theirs.id}, 0 were made"
        shown = Shown(link == theirs.id and not more, expected, f"{found} {held}".strip())
        trial.say(line, shown, trial.evidence(side, own.id, entry))


def _same(trial: Trial, line: Line, first: Draft) -> Iterator[Condition]:
    """What a record has to hold to be the same as one that was made on the other side."""
    for path in (path for name in line.keys for path in trial.property(name).parts[line.at].fields):
        value = get_path(first.there, path)
        if isinstance(value, Absent | list | dict):
            raise Refused(f"no value of {path} was found that both can have")
        yield Condition(path, (value,))


async def _synchronised(trial: Trial, side: Side, record: Record) -> tuple[int, str]:
    """How many records a synchronisation makes, and the id of the partner that a record has after it, "" for none."""
    before = trial.bench.made
    await trial.bench.sync(trial.pair)
    link = trial.bench.link(trial.pair, side, record.id)
    return trial.bench.made - before, link.ids[side.other] if link else ""
