"""No text ends in a traceback: it is read, or told apart with places."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from instep.core.model import Both
from instep.dataflow import yaml
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.conversion import convert
from instep.dataflow.documents.own_reader import convert_own, is_own
from instep.dataflow.documents.reader import read_document, read_documents
from instep.dataflow.documents.rst import write_rst
from instep.dataflow.documents.writing import page_of
from instep.dataflow.files import parse_site
from instep.dataflow.line import LineError, parse
from instep.dataflow.scaffold import default_dataflow
from instep.errors import ConfigurationError
from tests.dataflow.rst import document, section
from tests.dataflow.stated import NO_ENTITIES
from tests.dataflow.texts import SITE, dataflow

quick = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
SHIPPED = default_dataflow()
PLAIN = dataflow("email <-> email | email\n{map: a <-> b, required: true}", pair="match: [email]")
GOOD = document(
    section("Chargebee Customer", "Customerp Contact", "S5", [("a", "b", '"string"')], [("email", "mail")]),
    section("Chargebee Item", "Customerp Product", "S7"),
)
NOISE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "\n",
            "  ",
            "- ",
            ": ",
            "*",
            "&a",
            "!!int",
            "|",
            "[",
            "{",
            "\t",
            "\r",
            "'",
            '"',
            "#",
            "---",
            "%",
            "<->",
            " to ",
        ]
    ),
)


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """A good text with a few pieces cut out, repeated or put in."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 60)))
        put = draw(st.one_of(NOISE, st.just(text[start:end] * 2)))
        text = text[:start] + put + text[end:]
    return text


LINES = re.compile(r"\r\n|\r|\n")
SYSTEMS = ["Chargebee", "Exact Online", "Visma Business Nxt", "Wix.com", "", "Go to Market", "ERP"]
KINDS = ["Customer", "Business_entity", "Customers (human data)", "Contacts person", "Item", "To do", "Ärzte"]
PATHS = [
    "id",
    "Id",
    "email",
    "address.line1",
    "Emails.Value",
    "a b",
    "x,y",
    "vat (Dependant on having NO in country)",
    "vat (Dependant on having wd:Q1 in countryDependant on having  in country)",
    "Name\t",
]
TYPES = [
    '"string"',
    '"integer"',
    "N/A",
    '"float"',
    '"if", ["eq", 1], "x"]',
    '"list"',
    '["a",\n        "b"]',
    "",
]


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document of the published kind, of any of its shapes and irregularities."""
    left, right = draw(st.sampled_from(SYSTEMS)), draw(st.sampled_from(SYSTEMS))
    cells = st.sampled_from(PATHS)
    sections = [
        section(
            f"{draw(st.sampled_from([left, left, 'Alias']))} {draw(st.sampled_from(KINDS))}",
            f"{right} {draw(st.sampled_from(KINDS))}",
            draw(st.sampled_from(["S1", "S2", "S3", "S4", "S5", "S6", "S7"])),
            draw(st.lists(st.tuples(cells, cells, st.sampled_from(TYPES)), max_size=5)),
            draw(st.lists(st.tuples(cells, cells), max_size=2)),
            system=right,
            condition=draw(st.sampled_from(["When a deal is won", "for now. Ask Bob, it may change"])),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    text = document(*sections, left=left, right=right)
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def has_places(error: ConfigurationError) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.file == "f.yaml"
        assert problem.what
        assert problem.line >= 0
        assert str(problem)


@quick
@given(st.one_of(st.text(max_size=200), mutated(PLAIN), mutated(SITE)))
@example("? [a]\n: b")
@example("{? }")
@example("%YAML 9.9\n---\na")
@example("\ud800")
@example("a: !<x> b")
@example("- - - : - : ? -")
def test_any_text_is_yaml_or_told_apart(text: str) -> None:
    try:
        read = yaml.read(text, "f.yaml")
    except ConfigurationError as error:
        has_places(error)
    else:
        assert all(line >= 1 and column >= 1 for line, column in read.values.values())


@quick
@given(mutated(PLAIN))
@example(dataflow("a <-> b | own.x:y"))
@example(dataflow("a <-> b | :"))
def test_any_dataflow_is_built_or_told_apart(text: str) -> None:
    try:
        built = parse_dataflow(text, "f.yaml")
    except ConfigurationError as error:
        has_places(error)
    else:
        assert built.pairs


@quick
@given(mutated(SITE))
def test_any_site_is_read_or_told_apart(text: str) -> None:
    try:
        read = parse_site(text, "f.yaml")
    except ConfigurationError as error:
        has_places(error)
    else:
        assert read.systems.left.kind in ("chargebee", "rest")


@quick
@given(st.one_of(st.text(max_size=80), mutated("first_name, last_name with x <-> name | names")))
def test_any_line_is_a_property_or_told_apart(text: str) -> None:
    try:
        line = parse(text)
    except LineError as error:
        assert error.what
    else:
        assert all(part.fields for part in line.parts)


@quick
@given(st.one_of(st.text(max_size=300), mutated(GOOD)))
@example("===\nA to B Dataflow\n===\n.. list-table::\n")
@example("   * - x\n")
@example("---\n---\n---\n---")
def test_any_text_is_read_as_a_document_and_has_places(text: str) -> None:
    read = read_document(text, "f.rst")
    lines = len(LINES.split(text))
    assert all(1 <= note.span.first <= note.span.last <= max(lines, 1) for note in read.all_notes)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(mutated(GOOD), documents()), st.booleans())
@example("A to B Dataflow\n===============\n", False)
def test_any_document_becomes_a_dataflow_that_can_be_built_and_no_line_is_lost(text: str, both: bool) -> None:
    files = [(text, "f.rst")] + ([(GOOD, "g.rst")] if both else [])
    converted = convert(read_documents(files), SHIPPED)
    assert parse_dataflow(converted.text).pairs
    for whole, file in files:
        assert not converted.account.unaccounted(file, LINES.split(whole.removeprefix("\ufeff")))
    for entry in (*converted.account.of("comment"), *converted.account.of("contradiction")):
        assert f"# {entry.file}:{entry.span.first}:" in converted.text or "no pair of" in entry.text


OWN = write_rst(
    page_of(
        parse_dataflow(
            dataflow(
                "email <-> email | email\n"
                "{map: vat -> tax, required: true, default: {right: none}, when: {left: company}, group: g}\n"
                "{map: l with d <-> m, as: lines, properties: [x with d <-> y | money]}",
                pair="match: [email]\ncreate: {left: never, right: {when: company}}\n"
                "constants: {right: {kind: firm}}\nbrakes: {create_count: 3}\nnew_id: {left: 'x-{id}'}",
            )
        ),
        NO_ENTITIES,
        Both("Chargebee", "ERP"),
    ),
    "picture.svg",
)


@st.composite
def edited(draw: st.DrawFn) -> str:
    """One of our own documents after a person has been at it: names replaced, lines gone, twice or elsewhere."""
    text = OWN
    for _ in range(draw(st.integers(1, 4))):
        names = [found.span() for found in re.finditer(r"``.+?``", text)]
        if names and draw(st.booleans()):
            start, end = draw(st.sampled_from(names))
            put = draw(
                st.sampled_from(["````", "``x``", '``~"a``', "``a, b``", "", "``{``", "``1``", "``x`` ``y``"])
            )
            text = text[:start] + put + text[end:]
            continue
        lines = text.split("\n")
        first, second = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        kept = draw(st.sampled_from([[], [lines[first]] * 2, [""], [lines[second]]]))
        text = "\n".join([*lines[:first], *kept, *lines[first + 1 :]])
    return text


@quick
@given(st.one_of(mutated(OWN), edited()))
def test_any_own_document_becomes_a_dataflow_or_is_told_apart_and_no_line_is_lost(text: str) -> None:
    if not is_own(text):
        return
    try:
        converted = convert_own([(text, "f.rst")])
    except ConfigurationError as error:
        assert all(problem.what for problem in error.problems)
    else:
        assert not converted.account.unaccounted("f.rst", LINES.split(text.removeprefix("\ufeff")))
