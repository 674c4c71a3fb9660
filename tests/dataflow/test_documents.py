"""Dataflow documents of every published shape, and of none."""

from __future__ import annotations

import pytest

from instep.dataflow.documents import Cell, Datatype, read_document
from tests.dataflow.rst import document, section, table

CUSTOMER, CONTACT = "Chargebee Customer", "Customerp Contact"


def test_a_document_says_which_systems_and_when() -> None:
    read = read_document(document(section(CUSTOMER, CONTACT)), "a.rst")
    assert (read.file, read.left, read.right, read.generated) == (
        "a.rst",
        "Chargebee",
        "Customerp",
        "2024-09-10 15:43:43",
    )


def test_a_section_with_an_empty_table_is_a_pair() -> None:
    (read,) = read_document(document(section(CUSTOMER, CONTACT))).sections
    assert (read.left, read.right) == (Datatype("Chargebee", "Customer"), Datatype("Customerp", "Contact"))
    assert (read.line, read.rows, read.match) == (12, (), ())


@pytest.mark.parametrize(
    ("shape", "creates", "matches"),
    [
        ("S1", "always", False),
        ("S2", "always", True),
        ("S3", "never", True),
        ("S4", "when referred to", False),
        ("S5", "when referred to", True),
        ("S6", "on a condition", False),
        ("S7", "on a condition", True),
    ],
)
def test_every_shape_of_a_section_says_when_it_creates(shape: str, creates: str, matches: bool) -> None:
    text = document(section(CUSTOMER, CONTACT, shape, match=[("email", "mail"), ("id", "no")]))
    read = read_document(text)
    (pair,) = read.sections
    assert pair.creates == creates
    assert [(row.left.path, row.right.path) for row in pair.match] == (
        [("email", "mail"), ("id", "no")] if matches else []
    )
    assert [note.text for note in read.notes] == ["the introduction says nothing to configure"]


def test_the_parents_and_the_condition_are_kept() -> None:
    text = document(
        section(CUSTOMER, CONTACT, "S4", parents="Chargebee Order, Quote, or Chargebee Invoice"),
        section("Chargebee Deal", "Customerp Order", "S6", condition="When a deal is won, or nearly"),
    )
    first, second = read_document(text).sections
    assert first.parents == ("Order", "Quote", "Invoice")
    assert second.condition == "When a deal is won, or nearly"


def test_rows_have_paths_types_and_conditions() -> None:
    rows = [
        ("email", "Email", '"string"'),
        ("net_term_days", "Terms.Days", '"integer"'),
        ('vat (Dependant on having " NO " in " address.country ")', "OrgNr", "N/A"),
    ]
    text = document(section(CUSTOMER, CONTACT, rows=rows))
    (pair,) = read_document(text).sections
    assert [(row.left.path, row.right.path, row.type) for row in pair.rows] == [
        ("email", "Email", "string"),
        ("net_term_days", "Terms.Days", "integer"),
        ("vat", "OrgNr", ""),
    ]
    assert pair.rows[2].left == Cell("vat", ("address.country", "NO"))
    assert [text.splitlines()[row.line - 1] for row in pair.rows] == [f"   * - {row[0]}" for row in rows]


def test_a_type_over_several_lines_is_one_type() -> None:
    text = document(section(CUSTOMER, CONTACT, rows=[("a", "b", '["if",\n        ["eq", 1]]')]))
    assert read_document(text).sections[0].rows[0].type == '["if",\n["eq", 1]]'


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_line_ends_do_not_matter(end: str) -> None:
    text = document(section(CUSTOMER, CONTACT, rows=[("email", "Email", '"string"')]))
    assert read_document(text.replace("\n", end)) == read_document(text)


def test_a_facet_is_told_apart_from_the_kind() -> None:
    (pair,) = read_document(document(section(f"{CUSTOMER} (human data)", CONTACT))).sections
    assert (pair.left.name, pair.left.facet) == ("Customer", "human data")


def test_names_of_several_words_are_split_by_the_title() -> None:
    text = document(
        section("Go to Market Sales Order", "My Erp Order Line"), left="Go to Market", right="My Erp"
    )
    # "Go to Market to My Erp" can be split in two places; the headings' own words decide nothing there.
    read = read_document(text)
    assert (read.left, read.right) == ("Go", "Market to My Erp")
    assert "the title can be split in more than one place" in read.notes[0].text


def test_a_heading_that_names_another_system_is_read_and_noted() -> None:
    read = read_document(document(section("Chargify Customer", CONTACT)))
    assert read.sections[0].left == Datatype("Chargify", "Customer")
    assert read.notes[1].text == 'the heading says "Chargify" where the title says "Chargebee"'
    assert read.notes[1].line == 12


def test_a_repeated_section_is_merged_and_the_last_does_not_win() -> None:
    text = document(
        section(CUSTOMER, CONTACT, "S3", match=[("email", "mail")], rows=[("email", "mail", '"string"')]),
        section(CUSTOMER, CONTACT, "S1", rows=[("email", "mail", '"integer"'), ("phone", "tel", '"string"')]),
    )
    read = read_document(text)
    (pair,) = read.sections
    assert pair.creates == "never"
    assert [(row.left.path, row.type) for row in pair.rows] == [("email", "string"), ("phone", "string")]
    told = [note.text for note in read.notes[1:]]
    assert told == [
        "repeats the section of line 12; both are taken together",
        'creates "always", but line 12 creates "never"; the first is kept',
        'type "integer" differs from "string" of line 36; kept the first',
    ]


def test_several_fields_for_one_are_noted() -> None:
    rows = [("a", "x", "N/A"), ("b", "x", "N/A"), ("c", "y", "N/A"), ("c", "z", "N/A")]
    read = read_document(document(section(CUSTOMER, CONTACT, rows=rows)))
    assert [(note.line, note.text) for note in read.notes[1:]] == [
        (29, "several left properties go to x: a, b; no precedence is said"),
        (35, "several right properties come from c: y, z; no precedence is said"),
    ]


def test_nothing_is_dropped_in_silence() -> None:
    text = document(
        "A stray paragraph.",
        "Odd heading\n-----------\nLost words.",
        section(CUSTOMER, CONTACT).replace("Once a link", "TODO ask Bob.\n\nOnce a link"),
        table("one"),
        table("one", "two", "three", rows=[("a", "b"), ("", "b", "c"), ("a", "b", "c", "d")]),
    )
    assert [note.text for note in read_document(text).notes] == [
        "the introduction says nothing to configure",
        "the introduction says nothing to configure",
        "not understood as the heading of a pair: Odd heading",
        "stands outside any section: Lost words.",
        "not understood: TODO ask Bob.",
        "a table of 1 columns is not read; 2 are for matching, 3 for properties",
        "a row that does not fit its header: a | b",
        "a row that does not fit its header: | b | c",
        "a row that does not fit its header: a | b | c | d",
    ]


def test_a_sentence_of_another_pair_is_noted() -> None:
    text = document(section(CUSTOMER, CONTACT).replace("Every Chargebee Customer", "Every Chargebee Client"))
    assert read_document(text).notes[1].text == (
        'speaks of "Chargebee Client" in the section of "Chargebee Customer"'
    )


@pytest.mark.parametrize("text", ["", "\n\n", "nothing of the kind", "===\n", "=====\nTitle\n=====\n"])
def test_what_is_no_document_has_no_pairs_and_says_so(text: str) -> None:
    read = read_document(text)
    assert read.sections == ()
    assert any("title" in note.text for note in read.notes)


def test_a_monstrous_paragraph_is_noted_and_not_read() -> None:
    read = read_document(document(section(CUSTOMER, CONTACT) + "\n\n" + "If a, " * 100_000))
    assert "not read, since it is" in read.notes[-1].text
    assert len(read.notes[-1].text) < 200
