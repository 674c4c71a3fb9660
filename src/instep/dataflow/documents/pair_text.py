"""The text of one pair in a `dataflow.yaml`, from what documents say of it, with what became of each statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from instep.core.model import SIDES, Both, Side
from instep.dataflow.documents.account import Entry, Fate
from instep.dataflow.documents.merging import Said, Told, unmirrored
from instep.dataflow.documents.row_text import RowTexts
from instep.dataflow.documents.shipped import Shipped, key
from instep.dataflow.documents.statements import MatchRow, Rule, Span
from instep.dataflow.documents.words import plain, text
from instep.dataflow.line import parse

PROSE: Final = "the condition on which one is made is prose, and so none is made: "


class PairText:
    """Makes the lines of one pair, once; `entries` has the account of its statements afterwards.

    `kept`: the entities of all pairs of the dataflow, so that nothing refers to one that is not there.
    """

    def __init__(self, shipped: Shipped, name: str, told: Told, kept: set[Both[str]]) -> None:
        self.shipped, self.name, self.told, self.kept = shipped, name, told, kept
        self.entries: list[Entry] = []

    def lines(self) -> list[str]:
        above = [line for said in self.told.sections for line in self.heading(said)]
        for file, spans in unmirrored(self.told).items():
            numbers = ", ".join(str(span.first) for span in spans)
            what = f"only this direction has what is in line {numbers}; it is kept in step both ways"
            above += self.comment(file, spans[0], what, "contradiction")
        whole = self.told.shipped and not self.told.has_rows
        return above + list(self.shipped_pair() if whole else self.own_pair())

    # --- What stands above the pair -----------------------------------------------------------------------

    def heading(self, said: Said) -> Iterator[str]:
        section = said.section
        first = said is self.told.sections[0]
        self.take(
            said.file, Span(section.line, section.line), f"pair {self.name}", "pair" if first else "section"
        )
        also = "" if first else ", taken together with what is above"
        yield f"  # {plain(said.file)}:{section.line}: {plain(f'{section.left} to {section.right}{also}')}"
        facets = [str(side) for side in (section.left, section.right) if side.facet]
        if facets:
            what = f"speaks of a part only, of which a dataflow knows nothing: {', '.join(facets)}"
            yield from self.comment(said.file, Span(section.line, section.line), what)
        yield from self.rules(said)
        for note in section.notes:
            yield from self.comment(said.file, note.span, note.text, note.fate)

    def rules(self, said: Said) -> Iterator[str]:
        kept = self.told.rules[said.target]
        rule, ruling = said.section.rule, kept[1]
        if rule.creates not in ("not said", ruling.creates):
            where = f"{kept[0].file}:{ruling.span.first}"
            what = f'creates "{rule.creates}", but {where} creates "{ruling.creates}"; the first is kept'
            for one in said.section.rules:
                yield from self.comment(said.file, one.span, what, "contradiction")
            return
        if rule.creates == "not said":
            yield from self.comment(said.file, rule.span, "it is not said when one is made")
        for one in said.section.rules:
            if one.creates == "on a condition":
                yield from self.comment(said.file, one.span, PROSE + one.condition)
            else:
                self.take(said.file, one.span, f"creates {one.creates}", "rule")
        if rule.creates == "when referred to":
            yield from self.comment(said.file, rule.span, self.referred(rule))

    def referred(self, rule: Rule) -> str:
        what = f"one is made as soon as it is referred to, by {', '.join(rule.parents)}"
        entity = self.told.entity
        if any(f"reference({entity.left}, {entity.right})" in line for line in self.shipped.lines):
            return what
        return f"{what}; no property here refers to it yet, so none is made until one does"

    # --- The pair -----------------------------------------------------------------------------------------

    def shipped_pair(self) -> Iterator[str]:
        """The shipped text of a pair, with what the documents say of creating and matching."""
        name = self.told.shipped
        said = self.told.sections[0]
        what = f"the table is empty; the properties of the shipped pair {name} stand in"
        self.entries.append(Entry(said.file, Span(said.section.line, said.section.line), "supplied", what))
        names = {
            fields: ",".join(parse(line).parts.left.fields)
            for fields, line in self.shipped.spellings(name).items()
        }
        comments, matches = self.matches(names)
        block, gone = self.shipped.without_references(name, self.kept)
        for entities in gone:
            self.entries.append(
                Entry(
                    said.file,
                    Span(said.section.line, said.section.line),
                    "comment",
                    f"no pair of {entities} here, so what refers to it in {name} is left out",
                )
            )
        for line in block:
            if line.startswith("    create: "):
                yield f"    create: {self.create(name)}"
            elif line.startswith("    match: "):
                yield from comments
                yield f"    match: [{', '.join(matches)}]" if matches else line
            else:
                yield line

    def own_pair(self) -> Iterator[str]:
        """A pair made from the rows of the documents."""
        told, name = self.told, self.told.shipped
        rows = RowTexts(self.shipped.spellings(name) if name else {})
        for said in told.sections:
            for row in said.section.rows:
                rows.add(said, row)
        self.entries += rows.entries
        comments, matches = self.matches(rows.names)
        yield f"  {self.name}:"
        yield f"    left: {text(told.entity.left)}"
        yield f"    right: {text(told.entity.right)}"
        yield from comments
        if not matches and name and not any(said.section.match for said in told.sections):
            # The rule "every record" matches nothing and would make a second record of everything there already is.
            usual = [one for one in self.shipped.match[name] if one in rows.names.values()]
            matches = [text(one, flow=True) for one in usual]
            yield "    # the documents name nothing to match by; this is the shipped one"
        yield f"    match: [{', '.join(matches)}]"
        yield f"    create: {self.create('')}"
        if name:
            yield from (line for line in self.shipped.block(name) if line.startswith("    new_id: "))
        if rows.names:
            yield "    properties:"
            yield from rows.lines
        else:
            yield from rows.lines
            yield "    properties: []  # the documents name none: write them as left_field <-> right_field"

    def matches(self, names: Mapping[tuple[str, str], str]) -> tuple[list[str], list[str]]:
        """Comments, and the match keys, each as the name of the property that maps the two; `names`: those of the
        properties, by their two fields (as `key` has them)."""
        comments: list[str] = []
        found: dict[str, None] = {}
        for said in self.told.sections:
            for row in said.section.match:
                sides = said.sides(row)
                name = names.get((key(sides.left.path), key(sides.right.path)))
                if sides.left.conditions or sides.right.conditions:
                    comments += self.unmatched(said, row, "which are to be compared on a condition only")
                elif name is None:
                    comments += self.unmatched(said, row, "which no property maps")
                else:
                    found[text(name, flow=True)] = None
                    self.take(said.file, row.span, f"matched by {name}", "match")
        return comments, list(found)

    def unmatched(self, said: Said, row: MatchRow, why: str) -> list[str]:
        sides = said.sides(row)
        what = f"not matched by {sides.left.path} and {sides.right.path}, {why}"
        return self.comment(said.file, row.span, what, indent=4)

    def create(self, shipped: str) -> str:
        """Where records may be created; a direction of which no document speaks is as in the shipped pair, if that
        stands in, or never."""
        creating = Both.of(lambda side: self.creating(side, shipped))
        if set(creating) <= {"always", "never"}:
            allowed = [side.value for side in SIDES if creating[side] == "always"]
            return "both" if len(allowed) == 2 else allowed[0] if allowed else "none"
        return f"{{left: {creating.left}, right: {creating.right}}}"

    def creating(self, side: Side, shipped: str) -> str:
        kept = self.told.rules.get(side)
        rule = kept[1].creates if kept is not None else "not said"
        usual = self.shipped.creating(shipped, side) if shipped else "never"
        if rule == "not said" or (rule == "always" and usual.startswith("{")):
            said = self.told.sections[0]
            line = Span(said.section.line, said.section.line)
            what = f"records are made on the {side.value} side as in the shipped pair {shipped}: {usual}"
            if shipped:
                self.entries.append(Entry(said.file, line, "supplied", what))
            return usual
        return {"always": "always", "when referred to": "referred"}.get(rule, "never")

    # --- The account --------------------------------------------------------------------------------------

    def take(self, file: str, span: Span, what: str, kind: str) -> None:
        self.entries.append(Entry(file, span, "taken", what, kind))

    def comment(
        self, file: str, span: Span, what: str, fate: Fate = "comment", *, indent: int = 2
    ) -> list[str]:
        self.entries.append(Entry(file, span, fate, what))
        return [f"{' ' * indent}# {plain(file)}:{span.first}: {plain(what)}"]
