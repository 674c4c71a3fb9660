"""The lines of one pair, run in rounds: what is done to a record on one side in one go is looked for on the other
after one synchronisation, line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from instep.core.dataflow import Pair, Property
from instep.core.diff import raw_of
from instep.core.model import SIDES, Both, Entity, Field, Record, Side
from instep.core.transformations.contract import Canon
from instep.core.values import Raw
from instep.dataflow.documents.checklist import Line
from instep.dataflow.documents.types import Entities
from instep.errors import Gone, OutcomeError, Refused, Stop
from instep.qa.checks import Shown, about, agrees, unchanged, words
from instep.qa.results import Result
from instep.qa.values import Draft, Values, context
from instep.qa.workbench import Workbench

Report = Callable[[Result], None]

MOST_TRIES: Final = 4
"""Values of a property that are tried before its line counts as not applicable."""


@dataclass
class Trial:
    """`lines`: those of this pair; each is reported exactly once."""

    bench: Workbench
    values: Values
    entities: Entities
    pair: Pair
    lines: Sequence[Line]
    report: Report
    _open: dict[str, Line] = field(init=False)
    _known: dict[str, list[Canon]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._open = {line.id: line for line in self.lines}

    # Reporting

    def waiting(self, kind: str, at: Side, findings: Iterable[str] | None = None) -> list[Line]:
        """Lines of a kind that nothing is known of yet."""
        return [
            line
            for line in self._open.values()
            if line.kind == kind and line.at is at and (findings is None or line.finding in findings)
        ]

    def say(self, line: Line, shown: Shown, evidence: tuple[int, ...] = ()) -> None:
        del self._open[line.id]
        status: Result
        if shown.well:
            status = Result(line, "passed", evidence=evidence)
        else:
            status = Result(line, "failed", shown.expected, shown.found, evidence=evidence)
        self.report(status)

    def not_applicable(self, line: Line, why: str) -> None:
        del self._open[line.id]
        self.report(Result(line, "not applicable", why=why))

    def rest(self, why: str) -> None:
        for line in list(self._open.values()):
            self.not_applicable(line, why)

    # Records

    async def creates(self, side: Side) -> Both[str] | None:
        """Make a record on a side, and look for its partner; the ids of both if there is one."""
        pair, bench = self.pair, self.bench
        lines = self.waiting("create", side)
        if not bench.entity(pair, side).abilities.create:
            reason = bench.entity(pair, side).abilities.reasons.get(
                "create", "its API can't create such records"
            )
            for line in lines:
                self.not_applicable(line, reason)
            return None
        draft = self.draft(side, self.beginnings(side))
        try:
            record = await self.make(side, draft)
        except (Stop, Gone):
            raise
        except OutcomeError as error:
            for line in lines:
                self.not_applicable(line, f"none could be made: {error.why or error.what}")
            return None
        before = bench.last_entry()
        await bench.sync(pair)
        link = bench.link(pair, side, record.id)
        evidence = self.evidence(side.other, link.ids[side.other] if link else record.id, before)
        for line in lines:
            self.say(line, await self.partner(line, record, draft), evidence)
        return link.ids if link else None

    async def make(self, side: Side, draft: Draft) -> Record:
        """Make the drafted record; a property whose value is refused is left out and the rest tried again."""
        while True:
            try:
                return await self.bench.create(self.pair, side, draft.here)
            except Refused as error:
                name = self.named(side, error.field, draft.raws)
                if name is None:
                    raise
                kept = [p for p in self.pair.properties if p.name in draft.raws and p.name != name]
                again = self.draft(side, kept)
                draft.here, draft.there, draft.raws = again.here, again.there, again.raws
                draft.left_out[name] = error.why or error.what

    def named(self, side: Side, path: str, among: Iterable[str]) -> str | None:
        """The property that a refusal is about."""
        for name in among:
            prop = self.pair.property(name)
            fields = prop.parts[side].fields if prop else ()
            if path and any(one == path or one.startswith(f"{path}.") for one in fields):
                return name
        return None

    async def partner(self, line: Line, record: Record, draft: Draft) -> Shown:
        """What became of a new record, as its line wants it."""
        side, bench = line.at, self.bench
        link = bench.link(self.pair, side, record.id)
        held = about(bench.holds(self.pair, side, record.id), "")
        if line.finding == "held":
            return Shown(bool(held) and link is None, "it is held", held or "it is not held")
        if link is None:
            return Shown(line.finding == "not made", "a partner", held or "there is none")
        if line.finding == "not made":
            return Shown(False, "no partner", f"{link.ids[side.other]} was made")
        other = await bench.read(self.pair, side.other, link.ids[side.other])
        wrong = []
        for name, raw in draft.raws.items():
            prop = self.property(name)
            if not self.takes(prop, side.other):
                continue
            shown = agrees(prop, side, raw + context(prop, side, record.fields), other, bench.lookup)
            if not shown.well:
                wrong.append((name, shown))
        expected = "; ".join(f"{name} = {shown.expected}" for name, shown in wrong)
        return Shown(not wrong, expected, "; ".join(f"{name} = {shown.found}" for name, shown in wrong))

    # Properties

    async def edits(self, ids: Both[str], side: Side) -> None:
        """Edit all properties that go the same way in one go."""
        lines = [line for line in self.waiting("edit", side, ["written"]) if self.may_edit(line)]
        record = await self.bench.read(self.pair, side, ids[side])
        other = await self.bench.read(self.pair, side.other, ids[side.other])
        draft = self.draft(side, [self.property(line.prop) for line in lines], record, other)
        for line in lines:
            if line.prop in draft.left_out:
                self.not_applicable(line, draft.left_out[line.prop])
        refused = await self.place(ids, side, draft)
        for line in [line for line in lines if line.prop in refused]:
            self.not_applicable(line, refused[line.prop])
        await self.compare(ids, side, [line for line in lines if line.prop in draft.raws], draft.raws)

    async def place(self, ids: Both[str], side: Side, draft: Draft) -> dict[str, str]:
        """Write what was drafted, other values for those that are refused; `raws` has what was taken then. Gives the
        properties of which no value was, with the system's words."""
        refused = await self.write(ids, side, draft.raws)
        for name in list(refused):
            again = await self.another(ids, side, name, draft)
            if again is None:
                del draft.raws[name]
            else:
                draft.raws[name] = again
                del refused[name]
        return refused

    async def another(self, ids: Both[str], side: Side, name: str, draft: Draft) -> Raw | None:
        """The first other value of a property that the system does not refuse."""
        prop = self.property(name)
        known = [*self._known.get(name, [])[-1:], self.canon(name, side, draft.raws[name])]
        for raw, _ in islice(self.values.all(draft, self.pair, side, prop, known), MOST_TRIES):
            if not await self.write(ids, side, {name: raw}):
                return raw
        return None

    async def clears(self, ids: Both[str], side: Side) -> None:
        """Empty all properties in one go. Where a system can't be without a value, neither line can be run."""
        lines = self.waiting("clear", side)
        empty = {line.prop: self.nothing(self.property(line.prop), side) for line in lines}
        refused = await self.write(ids, side, empty)
        given = await self.bench.read(self.pair, side, ids[side])
        for line in lines:
            raw = raw_of(self.property(line.prop).parts[side], given.fields)
            name = self.bench.fences[side].name
            if line.prop not in refused and raw is not None and self.canon(line.prop, side, raw) is not None:
                refused[line.prop] = f"{name} makes {words(raw[: len(empty[line.prop])])} of an empty value"
        for prop, why in refused.items():
            for each in (each for at in SIDES for each in self.waiting("clear", at) if each.prop == prop):
                self.not_applicable(each, why)
        await self.compare(ids, side, [line for line in lines if line.prop not in refused], empty)

    async def compare(
        self, ids: Both[str], side: Side, lines: Sequence[Line], raws: Mapping[str, Raw]
    ) -> None:
        """Synchronise after something was written for each line at a side, and compare both sides with it."""
        if not lines:
            return
        bench, pair = self.bench, self.pair
        given = await bench.read(pair, side, ids[side])
        before = bench.last_entry()
        await bench.sync(pair)
        own = await bench.read(pair, side, ids[side])
        other = await bench.read(pair, side.other, ids[side.other])
        holds = bench.holds(pair, side, ids[side])
        for line in lines:
            prop = self.property(line.prop)
            source = raw_of(prop.parts[side], given.fields)
            if source is None:
                source = raws[line.prop] + context(prop, side, given.fields)
            shown = agrees(prop, side, source, other, bench.lookup)
            kept = unchanged(prop, side, source, own)
            if not shown.well:
                why = about(holds, line.prop, prop.group)
                shown = Shown(False, shown.expected, f"{shown.found} ({why})" if why else shown.found)
            elif not kept.well:
                shown = Shown(False, f"{kept.expected} stays", f"{kept.found} was written there")
            self.say(line, shown, self.evidence(side.other, ids[side.other], before, line.prop))

    async def write(self, ids: Both[str], side: Side, raws: dict[str, Raw]) -> dict[str, str]:
        """Write values as a person would: all at once, or one by one if the system refuses that. Gives the
        properties that it refused alone too, with its words."""
        try:
            await self._write(ids, side, raws)
            return {}
        except Refused as error:
            if len(raws) == 1:
                return dict.fromkeys(raws, f"refused: {error.why or error.what}")
        refused: dict[str, str] = {}
        for name, raw in raws.items():
            refused |= await self.write(ids, side, {name: raw})
        return refused

    async def _write(self, ids: Both[str], side: Side, raws: dict[str, Raw]) -> None:
        changes = {
            path: value
            for name, raw in raws.items()
            for path, value in zip(self.property(name).parts[side].fields, raw, strict=False)
        }
        await self.bench.update(self.pair, side, ids[side], changes)  # type: ignore[arg-type]

    # Values

    def draft(
        self, side: Side, properties: list[Property], here: Record | None = None, there: Record | None = None
    ) -> Draft:
        draft = Draft(
            dict(here.fields) if here else {}, dict(there.fields) if there else {}, new=here is None
        )
        known = dict(self._known)
        for prop in properties if here is not None else ():
            raw = raw_of(prop.parts[side], draft.here)
            if raw is not None:  # what it holds now comes last: at least from that an edit has to differ
                known[prop.name] = [*known.get(prop.name, []), self.canon(prop.name, side, raw)]
        self.values.fill(draft, self.pair, side, properties, known)
        for name, raw in draft.raws.items():
            prop = self.property(name)
            canon = prop.transformation.canon(side, raw + context(prop, side, draft.here), self.bench.lookup)
            self._known.setdefault(name, []).append(canon)
        return draft

    def canon(self, name: str, side: Side, raw: Raw) -> Canon:
        return self.property(name).transformation.canon(side, raw, self.bench.lookup)

    def nothing(self, prop: Property, side: Side) -> Raw:
        return (None,) * len(prop.parts[side].fields)

    def property(self, name: str) -> Property:
        found = self.pair.property(name)
        if found is None:
            raise LookupError(name)
        return found

    def entity(self, side: Side) -> Entity:
        return self.bench.entity(self.pair, side)

    def beginnings(self, side: Side) -> list[Property]:
        """What a new record can be given that is to reach the other side."""
        return [p for p in self.pair.properties if p.may_flow(side.other) and self.takes(p, side)]

    def takes(self, prop: Property, side: Side) -> bool:
        """Whether a new record on a side can get the property."""
        return all(field is None or field.create or field.update for field in self.fields(prop, side))

    def may_edit(self, line: Line, at: Side | None = None) -> bool:
        """Whether a person can edit this at all, there; else the line is done with."""
        prop = self.property(line.prop)
        fixed = [f for f in self.fields(prop, at or line.at) if f is not None and not f.update]
        if fixed:
            self.not_applicable(line, fixed[0].reason or f"{fixed[0].path} can't be edited by the API")
        return not fixed

    def fields(self, prop: Property, side: Side) -> Iterator[Field | None]:
        return (self.entity(side).field(path) for path in prop.parts[side].fields)

    def evidence(self, side: Side, id: str, before: int, prop: str = "") -> tuple[int, ...]:
        entries = self.bench.journal(self.pair, side, id, before)
        return tuple(
            entry.seq
            for entry in entries
            if not prop or any(change.get("property") == prop for change in entry.changes)
        )
