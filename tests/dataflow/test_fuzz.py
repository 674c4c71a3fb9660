"""No text ends in a traceback: it is read, or told apart with places."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from instep.dataflow import yaml
from instep.dataflow.build import parse_dataflow
from instep.dataflow.conversion import convert
from instep.dataflow.documents import read_document
from instep.dataflow.files import parse_site
from instep.dataflow.line import LineError, parse
from instep.dataflow.scaffold import default_dataflow
from instep.errors import ConfigurationError
from tests.dataflow.rst import document, section
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
def test_any_text_is_read_as_a_document_and_no_line_is_lost(text: str) -> None:
    read = read_document(text, "f.rst")
    lines = len(text.splitlines()) + 1
    assert all(1 <= note.line <= max(lines, 1) + text.count("\r") for note in read.notes)
    assert list(read.notes) == sorted(read.notes, key=lambda note: note.line)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(GOOD), st.booleans())
def test_any_document_becomes_a_dataflow_that_can_be_built(text: str, both: bool) -> None:
    documents = [read_document(text, "f.rst")] + ([read_document(GOOD, "g.rst")] if both else [])
    assert parse_dataflow(convert(documents, SHIPPED)).pairs
