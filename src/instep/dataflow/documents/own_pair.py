"""A pair as our own documents state it, and the same as a part of a `dataflow.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from instep.core.dataflow import Part
from instep.core.model import SIDES, Both, Side
from instep.core.transformations.contract import Flow as Direction
from instep.dataflow.documents.yaml_text import Flow, Plain
from instep.dataflow.line import SAME, LineError, parse

ARROWS: Final[Mapping[Direction, str]] = {"both": "<->", "to-right": "->", "to-left": "<-"}
MOST: Final = 500
"""Characters of a text in a `dataflow.yaml`."""


@dataclass
class StatedProperty:
    """A row of a table, and what sentences add to it. `more`: keys of a property in the file, by their names."""

    parts: Both[Part]
    direction: Direction = "both"
    transformation: str = SAME
    policy: str = ""
    more: dict[str, Plain] = field(default_factory=dict)
    inside: dict[str, StatedProperty] = field(default_factory=dict)

    def item(self, name: str) -> Plain:
        """As it stands in the file: one line if that says it all."""
        found: dict[str, Plain] = {}
        line = self.line(with_transformation=not self.inside and not self.transformation.startswith("{"))
        written = SAME
        if line is not None:
            found["map"] = line
            written = parse(line).transformation
        else:
            for side in SIDES:
                found[side.value] = [*self.parts[side].fields]
            contexts: dict[str, Plain] = {
                side.value: [*self.parts[side].context] for side in SIDES if self.parts[side].context
            }
            found |= {"context": contexts} if contexts else {}
            found |= {"direction": self.direction} if self.direction != "both" else {}
        if self.transformation != written:
            is_json = self.transformation.startswith("{")
            found["as"] = Flow(self.transformation) if is_json else self.transformation
        if name != ",".join(self.parts.left.fields):
            found["name"] = name
        found |= {"policy": self.policy} if self.policy else {}
        found |= self.more
        if self.inside:
            found["properties"] = [inner.item(inner_name) for inner_name, inner in self.inside.items()]
        return line if line is not None and found == {"map": line} else found

    def line(self, *, with_transformation: bool) -> str | None:
        """The one-line form, if there is one that is read as the same."""
        sides = [
            ", ".join(part.fields) + (f" with {', '.join(part.context)}" if part.context else "")
            for part in self.parts
        ]
        plain = f"{sides[0]} {ARROWS[self.direction]} {sides[1]}"
        whole = f"{plain} | {self.transformation}"
        for line in (whole, plain) if with_transformation and self.transformation != SAME else (plain,):
            try:
                read = parse(line)
            except LineError:
                continue
            wanted = self.transformation if line is whole else SAME
            same = (read.parts, read.flow, read.transformation) == (self.parts, self.direction, wanted)
            if same and len(line) <= MOST:
                return line
        return None


@dataclass
class StatedPair:
    """What sentences and tables say of one pair; a thing that is not said is None or not there."""

    entity: Both[str]
    facts: dict[str, Plain] = field(default_factory=dict)
    creating: dict[Side, Plain] = field(default_factory=dict)
    match: list[Sequence[str]] = field(default_factory=list)
    properties: dict[str, StatedProperty] = field(default_factory=dict)

    def insert(self, name: str, prop: StatedProperty, after: str) -> None:
        """Put a property behind another one; first, if that is "".

        Two documents of one direction each don't tell the order of what flows one way only: between two that both
        have, what flows to the right comes first then, whichever document is read first."""
        names = list(self.properties)
        place = names.index(after) + 1 if after else 0
        items = list(self.properties.items())
        while prop.direction == "to-left" and place < len(items) and items[place][1].direction == "to-right":
            place += 1
        self.properties = dict([*items[:place], (name, prop), *items[place:]])

    def create(self) -> Plain:
        """Where records may be created, in one word if there is one."""
        creating = {side.value: self.creating.get(side, "never") for side in SIDES}
        if any(when not in ("always", "never") for when in creating.values()):
            return creating
        allowed = [side for side, when in creating.items() if when == "always"]
        return "both" if len(allowed) == 2 else allowed[0] if allowed else "none"

    def value(self) -> dict[str, Plain]:
        """As it stands in the file."""
        return dict(self._value())

    def _value(self) -> Iterator[tuple[str, Plain]]:
        yield "left", self.entity.left
        yield "right", self.entity.right
        if "where" in self.facts:
            yield "where", self.facts["where"]
        yield "match", [key[0] if len(key) == 1 else [*key] for key in self.match]
        yield "create", self.create()
        for key in ("on_delete", "policy", "new_id", "constants", "brakes"):
            if key in self.facts:
                yield key, self.facts[key]
        yield "properties", [prop.item(name) for name, prop in self.properties.items()]
