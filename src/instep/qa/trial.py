"""The lines of one pair while they are run: which are open, what is written for them, what is told of them.

What is done is in `creating`, `editing` and `deleting`: to a record on one side in one go, then one synchronisation,
then each line looks at the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from instep.core.conditions import Condition
from instep.core.dataflow import Pair, Property
from instep.core.diff import raw_of
from instep.core.model import SIDES, Both, Entity, Field, Record, Side
from instep.core.transformations.contract import Canon
from instep.core.values import Json, Raw
from instep.dataflow.documents.checklist import Line
from instep.dataflow.documents.types import Entities
from instep.errors import Refused
from instep.qa.checks import Shown, about
from instep.qa.results import Result
from instep.qa.values import Draft, Values, context
from instep.qa.workbench import Workbench

Report = Callable[[Result], None]


@dataclass
class Trial:
    """`lines`: those of this pair; each is reported exactly once. `subjects`: the ids of linked records to try them
    with."""

    bench: Workbench
    values: Values
    entities: Entities
    pair: Pair
    lines: Sequence[Line]
    report: Report
    subjects: list[Both[str]] = field(default_factory=list)
    _open: dict[str, Line] = field(init=False)
    _known: dict[str, list[Canon]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._open = {line.id: line for line in self.lines}

    # What is told

    def waiting(self, kind: str, at: Side, among: Collection[str] = ("",), finding: str = "") -> list[Line]:
        """Lines of a kind that nothing is known of yet: about these properties, or about records as a whole."""
        return [
            line
            for line in self._open.values()
            if line.kind == kind and line.at is at and line.prop in among and finding in ("", line.finding)
        ]

    def say(self, line: Line, shown: Shown, evidence: tuple[int, ...] = ()) -> None:
        del self._open[line.id]
        if shown.well:
            self.report(Result(line, "passed", evidence=evidence))
        else:
            self.report(Result(line, "failed", shown.expected, shown.found, evidence=evidence))

    def not_applicable(self, line: Line, why: str) -> None:
        del self._open[line.id]
        self.report(Result(line, "not applicable", why=why))

    def rest(self, why: str, among: Collection[str] | None = None) -> None:
        """What is open, of these properties or of all, can't be tried."""
        for line in list(self._open.values()):
            if among is None or line.prop in among:
                self.not_applicable(line, why)

    def evidence(self, side: Side, id: str, before: int, prop: str = "") -> tuple[int, ...]:
        """The journal's entries about a record since one, or those among them that are about a property."""
        entries = self.bench.journal(self.pair, side, id, before)
        return tuple(
            entry.seq
            for entry in entries
            if not prop or any(change.get("property") == prop for change in entry.changes)
        )

    # What is there

    async def read(self, side: Side, ids: Both[str]) -> Record:
        return await self.bench.read(self.pair, side, ids[side])

    async def read_both(self, ids: Both[str]) -> Both[Record]:
        return Both(await self.read(Side.LEFT, ids), await self.read(Side.RIGHT, ids))

    def held(self, side: Side, id: str, prop: str = "", group: str = "") -> str:
        """What of a record waits for a person, in words."""
        return about(self.bench.holds(self.pair, side, id), prop, group)

    def refused(self, side: Side, id: str, prop: str) -> bool:
        """Whether a system refuses what a property is to be there."""
        holds = self.bench.holds(self.pair, side, id)
        return any(hold.property == prop and hold.cause == "refused" for hold in holds)

    # What is written

    async def write(self, ids: Both[str], side: Side, raws: Mapping[str, Raw]) -> dict[str, str]:
        """Write values as a person would: all at once, or one by one if the system refuses that. Gives the
        properties that it refused alone too, with its words."""
        changes: dict[str, Json] = {
            path: value  # type: ignore[misc]
            for name, raw in raws.items()
            for path, value in zip(self.property(name).parts[side].fields, raw, strict=False)
        }
        try:
            await self.bench.update(self.pair, side, ids[side], changes)
            return {}
        except Refused as error:
            if len(raws) == 1:
                return dict.fromkeys(raws, f"refused: {error.why or error.what}")
        refused: dict[str, str] = {}
        for name, raw in raws.items():
            refused |= await self.write(ids, side, {name: raw})
        return refused

    def new(self, side: Side, properties: Sequence[Property], meeting: Sequence[Condition] = ()) -> Draft:
        """A record to be made that meets the conditions."""
        return self._filled(Draft(new=True, meeting=meeting), side, properties, self._known)

    def edit(
        self, side: Side, properties: Sequence[Property], seen: Both[Record], *, unknown: bool = False
    ) -> Draft:
        """New values for a record that is there; `unknown`: none that was tried before."""
        draft = Draft(dict(seen[side].fields), dict(seen[side.other].fields), unknown=unknown)
        known = dict(self._known)
        for prop in properties:
            raw = raw_of(prop.parts[side], draft.here)
            if raw is not None:  # what it holds now comes last: at least from that an edit has to differ
                known[prop.name] = [*known.get(prop.name, []), self.canon(prop.name, side, raw)]
        return self._filled(draft, side, properties, known)

    def _filled(
        self, draft: Draft, side: Side, properties: Sequence[Property], known: Mapping[str, list[Canon]]
    ) -> Draft:
        self.values.fill(draft, self.pair, side, properties, known)
        for name, raw in draft.raws.items():
            whole = raw + context(self.property(name), side, draft.here)
            self._known.setdefault(name, []).append(self.canon(name, side, whole))
        return draft

    def last_known(self, name: str) -> list[Canon]:
        return self._known.get(name, [])[-1:]

    # What the dataflow and the systems say

    def canon(self, name: str, side: Side, raw: Raw) -> Canon:
        return self.property(name).transformation.canon(side, raw, self.bench.lookup)

    def raws(self, prop: Property, seen: Both[Record]) -> Both[Raw]:
        """What both sides hold of a property, context last; () where a reading did not offer it."""
        return Both.of(lambda side: raw_of(prop.parts[side], seen[side].fields) or ())

    def canons(self, prop: Property, seen: Both[Record]) -> Both[Canon]:
        raws = self.raws(prop, seen)
        return Both.of(lambda side: self.canon(prop.name, side, raws[side]))

    def property(self, name: str) -> Property:
        found = self.pair.property(name)
        if found is None:
            raise LookupError(name)
        return found

    def entity(self, side: Side) -> Entity:
        return self.bench.entity(self.pair, side)

    def retires(self, prop: Property) -> bool:
        """Whether a property says on a side that a record is out of use."""
        return any(
            retired[0] in prop.parts[side].fields
            for side in SIDES
            if (retired := self.entity(side).retired) is not None
        )

    def beginnings(self, side: Side) -> list[Property]:
        """What a new record can be given that is to reach the other side."""
        return [p for p in self.pair.properties if p.may_flow(side.other) and self.takes(p, side)]

    def takes(self, prop: Property, side: Side) -> bool:
        """Whether a new record on a side can get the property."""
        return all(field is None or field.create or field.update for field in self.fields(prop, side))

    def editable(self, lines: Iterable[Line], *sides: Side) -> list[Line]:
        """The lines whose property a person can edit there by the API; the others are done with."""
        found: list[Line] = []
        for line in lines:
            fields = [field for side in sides for field in self.fields(self.property(line.prop), side)]
            fixed = next((field for field in fields if field is not None and not field.update), None)
            if fixed is None:
                found.append(line)
            else:
                self.not_applicable(line, fixed.reason or f"{fixed.path} can't be edited by the API")
        return found

    def fields(self, prop: Property, side: Side) -> Iterator[Field | None]:
        return (self.entity(side).field(path) for path in prop.parts[side].fields)
