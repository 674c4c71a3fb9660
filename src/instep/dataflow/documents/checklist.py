"""The lines of a checklist: what to do in one system, and what to find in the other, for every rule and property.

A line is data, for the document to show and for a test to run; its `id` stays the same as long as what it is about
does. To test more, add a kind here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from instep.core.dataflow import Dataflow, Pair, Property
from instep.core.model import SIDES, Both, Entity, Field, Side
from instep.dataflow.documents.page import Code, Text, joined, text
from instep.dataflow.documents.types import Entities, field_of

Kind = Literal["create", "where", "match", "edit", "clear", "put back", "conflict", "delete"]

Finding = Literal[
    "made", "made later", "not made", "held", "linked", "written", "put back", "decided", "left alone"
]
"""What is to be found: a partner that is `made` (`made later`: once it is referred to) or `not made`, one that is
`linked`; a value that is `written` on the other side, or `put back` on the same; a conflict that is `decided`; a
thing that is `held` for a person, or `left alone`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to test. `at`: the side on which something is done; `prop`: "" for a line about records; `keys`: the
    properties that a match goes by."""

    id: str
    pair: str
    kind: Kind
    at: Side
    finding: Finding
    do: Text
    find: Text
    prop: str = ""
    keys: tuple[str, ...] = ()


def checklist(
    dataflow: Dataflow, entities: Entities, systems: Both[str], *, to: Side | None = None
) -> Sequence[Line]:
    """All lines, pair by pair; with `to`, those about what is written to that side."""
    lines = [line for pair in dataflow.pairs for line in _Lines(pair, entities, systems).all()]
    return [line for line in lines if to is None or _is_about(line, to)]


def _is_about(line: Line, to: Side) -> bool:
    """Whether a line tests what is written to a side."""
    if line.kind in ("conflict", "put back"):
        return line.kind == "conflict" or line.at is to
    return line.at is to.other


@dataclass(frozen=True)
class _Lines:
    pair: Pair
    entities: Entities
    systems: Both[str]

    def all(self) -> Iterator[Line]:
        for side in SIDES:
            yield self.create(side)
            if self.pair.where[side]:
                yield self.where(side)
        for key in self.pair.match:
            for side in SIDES:
                yield self.match(key.properties, side)
        for prop in self.pair.properties:
            for side in SIDES:
                yield from self.property(prop, side)
        for side in SIDES:
            yield self.delete(side)

    def line(
        self,
        kind: Kind,
        at: Side,
        finding: Finding,
        do: Text,
        find: Text,
        prop: str = "",
        keys: tuple[str, ...] = (),
    ) -> Line:
        about = prop or ",".join(keys)
        place = f"{self.pair.name}/{about}" if about else self.pair.name
        return Line(f"{place}/{kind}/{at.value}", self.pair.name, kind, at, finding, do, find, prop, keys)

    # --- Records ------------------------------------------------------------------------------------------

    def create(self, at: Side) -> Line:
        """A record that is made on one side, and its partner on the other."""
        pair, target = self.pair, at.other
        conditions = (*pair.where[at], *pair.create_when[target])
        met: Text = (" that meets ", *joined([str(one) for one in conditions])) if conditions else ()
        do = text("Make a record ", Code(pair.entity[at]), f" in {self.systems[at]}", *met, ".")
        entity = self.entity(target)
        partner: Text = ("a record ", Code(pair.entity[target]), f" in {self.systems[target]}")
        if not pair.create[target]:
            return self.line("create", at, "not made", do, text("There is not ", *partner, "."))
        if entity is not None and not entity.abilities.create:
            return self.line("create", at, "held", do, ("It is held, with what a person has to do.",))
        found = (*partner, ", with every property as in the table.")
        if pair.referred[target]:
            find = text("As soon as a record that is kept in step refers to it, there is ", *found)
            return self.line("create", at, "made later", do, find)
        return self.line("create", at, "made", do, text("There is ", *found))

    def where(self, at: Side) -> Line:
        conditions = joined([str(one) for one in self.pair.where[at]])
        record: Text = (
            "Make a record ",
            Code(self.pair.entity[at]),
            f" in {self.systems[at]} that does not meet ",
        )
        return self.line("where", at, "left alone", text(*record, *conditions, "."), ("It is left alone.",))

    def match(self, keys: tuple[str, ...], at: Side) -> Line:
        """Two records that were made apart, the one on this side last."""
        do = text(
            f"Make records in {self.systems[at.other]} and then in {self.systems[at]}, before either is seen, with "
            "the same ",
            *joined(list(keys)),
            ".",
        )
        return self.line("match", at, "linked", do, ("They are linked, and no record is made.",), keys=keys)

    def delete(self, at: Side) -> Line:
        do = text("Delete a linked record ", Code(self.pair.entity[at]), f" in {self.systems[at]}.")
        entity = self.entity(at.other)
        can_retire = entity is None or entity.abilities.retire
        if self.pair.on_delete == "retire" and can_retire:
            found = f"Its partner in {self.systems[at.other]} is out of use."
            return self.line("delete", at, "written", do, (found,))
        if self.pair.on_delete == "ignore":
            return self.line("delete", at, "left alone", do, ("Its partner stays as it is.",))
        return self.line("delete", at, "held", do, ("It is held for a person; nothing is written.",))

    # --- Properties ---------------------------------------------------------------------------------------

    def property(self, prop: Property, at: Side) -> Iterator[Line]:
        """An edit on this side; what comes of it on the other."""
        target = at.other
        where = f" in {self.systems[at]}"
        met = prop.when[at]
        among: Text = (", where the record meets ", *joined([str(one) for one in met])) if met else ()
        edit = text("Edit ", Code(prop.name), where, *among, ".")
        if not prop.may_flow(target):
            found = f"{self.systems[at]} has the old value again; the edit is in the journal."
            yield self.line("put back", at, "put back", edit, (found,), prop.name)
            return
        if self.can_write(prop, target):
            found = f"{self.systems[target]} has it, and {self.systems[at]} is not written."
            yield self.line("edit", at, "written", edit, (found,), prop.name)
            if self.can_clear(prop) and self.can_write(prop, at):
                empty = text("Empty ", Code(prop.name), where, *among, ".")
                found = f"It is empty in {self.systems[target]}."
                yield self.line("clear", at, "written", empty, (found,), prop.name)
        else:
            yield self.line(
                "edit", at, "held", edit, ("It is held, with what a person has to do.",), prop.name
            )
        if prop.flow == "both" and at is Side.LEFT:
            yield self.conflict(prop)

    def conflict(self, prop: Property) -> Line:
        policy = prop.policy or self.pair.policy
        do = text("Edit ", Code(prop.name), " on both sides, to different values, between two runs.")
        group: Text = (" The rest of the group ", Code(prop.group), " goes with it.") if prop.group else ()
        finding: Finding = "held" if policy == "hold" else "decided"
        found = {
            "newest": "The later edit is on both sides; where their order can't be proved, both are held.",
            "hold": "It is held, and nothing is written.",
            "left": f"What {self.systems.left} had is on both sides.",
            "right": f"What {self.systems.right} had is on both sides.",
        }
        find = text(found[policy], *group)
        return self.line("conflict", Side.LEFT, finding, do, find, prop.name)

    def can_write(self, prop: Property, side: Side) -> bool:
        """Whether an edit reaches a record that is there already; what is not known can."""
        entity = self.entity(side)
        if entity is not None and not entity.abilities.update:
            return False
        return all(field.update for field in self.fields(prop, side))

    def can_clear(self, prop: Property) -> bool:
        """Whether the property can be empty: a truth value can't, nor one of several words, nor what a record has to
        have."""
        fields = [field for side in SIDES for field in self.fields(prop, side)]
        return not any(
            field.required or field.choices or field.type == "boolean" or field.path == "id"
            for field in fields
        )

    def fields(self, prop: Property, side: Side) -> list[Field]:
        found = (field_of(self.entities, self.pair, side, path) for path in prop.parts[side].fields)
        return [field for field in found if field is not None]

    def entity(self, side: Side) -> Entity | None:
        return self.entities[side].get(self.pair.entity[side])
