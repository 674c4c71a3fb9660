"""A dataflow as a document for people: what is kept in step, by which rules, and how to test it.

The page that is made here is written as reStructuredText, Markdown or HTML; the first of these is read again as the
same dataflow. The same dataflow and the same descriptions of the systems make the same page, to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from instep.core.dataflow import Dataflow, Pair
from instep.core.model import SIDES, Both, Side
from instep.dataflow.documents.checklist import Line, checklist
from instep.dataflow.documents.duties import for_people, windows
from instep.dataflow.documents.examples import example_text
from instep.dataflow.documents.forms import said
from instep.dataflow.documents.page import (
    Block,
    Code,
    Heading,
    Items,
    Page,
    Paragraph,
    Picture,
    Table,
    Text,
    one_line,
)
from instep.dataflow.documents.picture import described, picture
from instep.dataflow.documents.stating import (
    PROPERTIES,
    RULES,
    inside_blocks,
    property_sentences,
    property_table,
    rules,
)
from instep.dataflow.documents.types import Entities, type_words

NO_RESULTS: Final[Mapping[str, Text]] = {}

INTRODUCTION: Final[Sequence[Text]] = (
    (
        "Records are paired, and what people change in one system Instep changes in the other; this page is made "
        "from the very settings that it runs with.",
    ),
    (
        "For each pair it has the rules, the table of properties with an example of each, what is left to a person, "
        "and what no program can rule out with these two systems. At the end stands a checklist: everything above as "
        "things to do on one side and to find on the other.",
    ),
    (
        "A property in ",
        Code("code"),
        " is called that by its own system. An example shows what the transformation really makes of a value.",
    ),
)


def page_of(
    dataflow: Dataflow,
    entities: Entities,
    systems: Both[str],
    *,
    to: Side | None = None,
    results: Mapping[str, Text] = NO_RESULTS,
    about: Text = (),
) -> Page:
    """The document of a dataflow; with `to`, of what flows to that side alone. `results`: what came of lines of the
    checklist, by their ids; `about`: what is to be said of them together."""
    writer = _Writer(dataflow, entities, names_of(systems), to, results, about)
    return Page(writer.title, tuple(writer.blocks()))


def names_of(systems: Both[str]) -> Both[str]:
    """What the document calls the two systems, so that they can be told apart."""
    names = systems.map(lambda name: one_line(name) or "a system without a name")
    return Both.of(lambda side: f"{names[side]} ({side.value})") if names.left == names.right else names


@dataclass(frozen=True)
class _Writer:
    dataflow: Dataflow
    entities: Entities
    systems: Both[str]
    to: Side | None
    results: Mapping[str, Text]
    about: Text

    @cached_property
    def title(self) -> str:
        names = self.systems
        if self.to is None:
            return f"{names.left} and {names.right} Dataflow"
        return f"{names[self.to.other]} to {names[self.to]} Dataflow"

    @cached_property
    def for_people(self) -> Mapping[str, Sequence[Text]]:
        return for_people(self.dataflow, self.entities, self.systems)

    def blocks(self) -> Iterator[Block]:
        yield Heading(1, self.title)
        yield Heading(2, "Introduction", "introduction")
        yield Paragraph(said("systems", {"left": self.systems.left, "right": self.systems.right}))
        yield from (Paragraph(text) for text in INTRODUCTION)
        yield Picture(
            picture(self.dataflow, self.systems, to=self.to),
            described(self.dataflow, self.systems, to=self.to),
        )
        for pair in self.dataflow.pairs:
            yield from self.pair(pair)
        yield from self.checklist()

    def pair(self, pair: Pair) -> Iterator[Block]:
        sides = " and ".join(f"{self.systems[side]} {one_line(pair.entity[side])}" for side in SIDES)
        yield Heading(2, f"{pair.name}: {sides}", f"pair-{pair.name}")
        yield Heading(3, RULES + pair.name)
        yield rules(pair, self.systems, self.can_make(pair), self.to)
        yield Heading(3, PROPERTIES + pair.name)
        yield from self.properties(pair)
        if self.for_people[pair.name]:
            yield Heading(3, f"Left to a person in {pair.name}")
            yield Items(tuple(self.for_people[pair.name]))
        open_windows = tuple(windows(pair, self.entities, self.systems, self.to))
        if open_windows:
            yield Heading(3, f"What can't be ruled out in {pair.name}")
            yield Items(open_windows)

    def can_make(self, pair: Pair) -> Both[bool]:
        """Whether either system's API makes such records; one of which nothing is known does."""
        entities = Both.of(lambda side: self.entities[side].get(pair.entity[side]))
        return entities.map(lambda entity: entity is None or entity.abilities.create)

    def properties(self, pair: Pair) -> Iterator[Block]:
        shown = [prop for prop in pair.properties if self.to is None or prop.may_flow(self.to)]
        if not shown:
            return
        yield property_table(
            shown,
            self.systems,
            type_words(self.entities, pair),
            lambda prop: example_text(prop, pair, self.entities),
        )
        more = tuple(property_sentences(self.systems, shown))
        if more:
            yield Items(more)
        for prop in shown:
            yield from inside_blocks(prop, self.systems)

    def checklist(self) -> Iterator[Block]:
        yield Heading(2, "Checklist", "checklist")
        if self.about:
            yield Paragraph(self.about)
        lines = checklist(self.dataflow, self.entities, self.systems, to=self.to)
        for pair in self.dataflow.pairs:
            own = [line for line in lines if line.pair == pair.name]
            if own:
                yield Heading(3, f"Lines of {pair.name}")
                yield _line_table(own, self.results)


def _line_table(lines: Sequence[Line], results: Mapping[str, Text]) -> Table:
    rows = tuple((((Code(line.id),), line.do, line.find, results.get(line.id, ()))) for line in lines)
    return Table(("Line", "Do", "Find", "Result"), rows, (24, 26, 22, 28) if results else (24, 36, 32, 8))
