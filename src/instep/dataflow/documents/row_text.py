"""The rows of property tables as properties of a `dataflow.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from instep.core.conditions import parse_condition
from instep.core.model import SIDES, Both, Side
from instep.dataflow.documents.account import Entry
from instep.dataflow.documents.merging import Said
from instep.dataflow.documents.shipped import key
from instep.dataflow.documents.statements import Cell, Row
from instep.dataflow.documents.words import plain, text
from instep.dataflow.line import LineError, parse

TYPES: Final[Mapping[str, str]] = {
    "string": "",
    "": "",
    "integer": "integer",
    "float": "decimal",
    "decimal": "decimal",
    "boolean": "boolean",
}
"""A document's data type to a transformation."""


class RowTexts:
    """Takes rows in their order. `lines`: of the properties; `names`: of those, by their two fields (as `key` has
    them); `entries`: what became of each row.

    `spellings`: one-line properties by their two fields, to use where a row names the same.
    """

    def __init__(self, spellings: Mapping[tuple[str, str], str]) -> None:
        self.spellings = spellings
        self.lines: list[str] = []
        self.names: dict[tuple[str, str], str] = {}
        self.entries: list[Entry] = []
        self._first: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()
        self._written: dict[Side, dict[str, str]] = {Side.LEFT: {}, Side.RIGHT: {}}

    def add(self, said: Said, row: Row) -> None:
        sides = said.sides(row)
        left, right = sides.left.path, sides.right.path
        place = f"{said.file}:{row.span.first}"
        before = self._first.setdefault((left, right), place)
        when, refused = _when(sides)
        refused = _not_taken(left, right) or refused
        if before != place:
            self.again(said, row, left, right, before)
        elif refused:
            self.comment(said, row, f"{left} and {right}: {refused}")
        elif right in self._written[Side.RIGHT]:
            first = self._written[Side.RIGHT][right]
            self.comment(
                said, row, f"{left} and {right}: {first} writes the right one, and no precedence is said"
            )
        else:
            self.take(said, row, left, right, when)

    def again(self, said: Said, row: Row, left: str, right: str, before: str) -> None:
        """The same two fields once more, as in a repeated section or in the document of the other direction."""
        self.entries.append(
            Entry(said.file, row.span, "taken", f"{left} and {right}, as {before} has it", "again")
        )

    def take(self, said: Said, row: Row, left: str, right: str, when: Both[str]) -> None:
        first = self._written[Side.LEFT].get(left)
        fields = key(left), key(right)
        name = left if first is None and left not in self._taken else f"{left} to {right}"
        transformation = TYPES.get(row.type.casefold())
        if transformation is None:
            self.comment(said, row, f"{left} and {right}: this data type is not known: {row.type}")
        if first is not None:
            self.comment(
                said, row, f"{left} and {right}: to the right only, since {first} writes the left one too"
            )
        arrow = "<->" if first is None else "->"
        spelled = f"{left} {arrow} {right}" + (f" | {transformation}" if transformation else "")
        if first is None:
            spelled = self.spellings.get(fields, spelled)
        place = f"line {row.span.first} of {said.file}"
        self._written[Side.LEFT].setdefault(left, place)
        self._written[Side.RIGHT][right] = place
        self._taken.add(name)
        self.names.setdefault(fields, name if name != left else ",".join(parse(spelled).parts.left.fields))
        self.entries.append(Entry(said.file, row.span, "taken", f"property {name}", "property"))
        more = [f"        name: {text(name)}"] if name != left else []
        told = [f"{side.value}: {text(when[side], flow=True)}" for side in SIDES if when[side]]
        more += [f"        when: {{{', '.join(told)}}}"] if told else []
        self.lines.append(f"      - {'map: ' if more else ''}{text(spelled)}")
        self.lines += more

    def comment(self, said: Said, row: Row, what: str) -> None:
        self.entries.append(Entry(said.file, row.span, "comment", what))
        self.lines.append(f"      # {plain(said.file)}:{row.span.first}: {plain(what)}")


def _when(sides: Both[Cell]) -> tuple[Both[str], str]:
    """The conditions of a row, as those of a property; else why not."""
    for cell in sides:
        if cell.conditions and (why := _not_a_condition(cell)):
            listed = " and ".join(f'"{value}" in {path or "(nothing)"}' for path, value in cell.conditions)
            return Both("", ""), f"it depends on {listed}; {why}"
    return sides.map(lambda cell: " = ".join(cell.conditions[0]) if cell.conditions else ""), ""


def _not_a_condition(cell: Cell) -> str:
    (path, value), *more = cell.conditions
    if more:
        return "it is not said whether one of them is enough"
    if not value or not path:
        return "a condition needs a field and a value"
    if ":" in value or ":" in path:
        return "that is a concept of another system, and no field or value of this one"
    try:
        condition = parse_condition(f"{path} = {value}")
    except ValueError:
        return "it can't be written as a condition"
    return (
        "" if (condition.path, *map(str, condition.values)) == (path, value) else "its value can't be written"
    )


def _not_taken(left: str, right: str) -> str:
    """Why two paths can't be a property; "" if they can."""
    if key(left) == "id" and key(right) == "id":
        return "each system has ids of its own; the link keeps which belong together"
    if not left or not right:
        return "one of the two has no name"
    try:
        parsed = parse(f"{left} <-> {right}")
    except LineError as error:
        return str(error)
    if any(len(part.fields) != 1 or part.context for part in parsed.parts) or parsed.transformation != "same":
        return "it can't be written as a path"
    return ""
