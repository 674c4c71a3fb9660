"""Dataflow documents of every published shape, and of none."""

from __future__ import annotations

import pytest

from instep.dataflow.documents.names import title_halves
from instep.dataflow.documents.reader import MAX_LINES, read_document, read_documents
from instep.dataflow.documents.section_reader import MAX_SHOWN
from instep.dataflow.documents.statements import Cell, Datatype, Note, Span
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
    assert pair.rule.creates == creates
    assert [(row.left.path, row.right.path) for row in pair.match] == (
        [("email", "mail"), ("id", "no")] if matches else []
    )
    assert [note.text for note in read.all_notes] == ["the introduction says nothing to configure"]


def test_the_parents_and_the_condition_are_kept() -> None:
    text = document(
        section(CUSTOMER, CONTACT, "S4", parents="Chargebee Order, Quote, or Chargebee Invoice"),
        section("Chargebee Deal", "Customerp Order", "S6", condition="When a deal is won, or nearly"),
    )
    first, second = read_document(text).sections
    assert first.rule.parents == ("Order", "Quote", "Invoice")
    assert second.rule.condition == "When a deal is won, or nearly"


def test_rows_have_paths_types_and_conditions() -> None:
    rows = [
        ("email", "Email", '"string"'),
        ("net_term_days", "Terms.Days", '"integer"'),
        ("vat (Dependant on having NO in address.country)", "OrgNr", "N/A"),
    ]
    text = document(section(CUSTOMER, CONTACT, rows=rows))
    (pair,) = read_document(text).sections
    assert [(row.left.path, row.right.path, row.type) for row in pair.rows] == [
        ("email", "Email", "string"),
        ("net_term_days", "Terms.Days", "integer"),
        ("vat", "OrgNr", ""),
    ]
    assert pair.rows[2].left == Cell("vat", (("address.country", "NO"),))
    assert [text.splitlines()[row.span.first - 1] for row in pair.rows] == [
        f"   * - {row[0]}" for row in rows
    ]


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


def test_a_heading_that_names_another_system_is_read_and_told_once() -> None:
    read = read_document(document(*[section(f"Chargify {kind}", CONTACT) for kind in ("Customer", "Plan")]))
    assert [pair.left for pair in read.sections] == [
        Datatype("Chargify", "Customer"),
        Datatype("Chargify", "Plan"),
    ]
    assert read.all_notes[1] == Note(
        Span(12, 12),
        'the heading says "Chargify" where the title says "Chargebee", and so in 1 more',
        contradicts=True,
    )


def test_sections_of_the_same_two_kinds_are_kept_apart() -> None:
    text = document(section(CUSTOMER, CONTACT, "S3"), section(CUSTOMER, CONTACT, "S1"))
    assert [pair.rule.creates for pair in read_document(text).sections] == ["never", "always"]


def test_nothing_is_dropped_in_silence() -> None:
    text = document(
        "A stray paragraph.",
        "Odd heading\n-----------\nLost words.",
        section(CUSTOMER, CONTACT).replace("Once a link", "TODO ask Bob.\n\nOnce a link"),
        table("one"),
        table("one", "two", "three", rows=[("a", "b"), ("", "b", "c"), ("a", "b", "c", "d")]),
    )
    assert [note.text for note in read_document(text).all_notes] == [
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
    assert read_document(text).all_notes[1].text == (
        'speaks of "Chargebee Client" in the section of "Chargebee Customer"'
    )


@pytest.mark.parametrize("text", ["", "\n\n", "nothing of the kind", "===\n", "=====\nTitle\n=====\n"])
def test_what_is_no_document_has_no_pairs_and_says_so(text: str) -> None:
    read = read_document(text)
    assert read.sections == ()
    assert any("title" in note.text for note in read.all_notes)


def test_a_monstrous_paragraph_is_noted_and_not_read() -> None:
    read = read_document(document(section(CUSTOMER, CONTACT) + "\n\n" + "If a, " * 100_000))
    assert "not read, since it is" in read.all_notes[-1].text
    assert len(read.all_notes[-1].text) < MAX_SHOWN + 100


@pytest.mark.parametrize(
    ("cell", "path", "conditions"),
    [
        ("OrgNr (Dependant on having NO in Country.Iso)", "OrgNr", [("Country.Iso", "NO")]),
        ('OrgNr (Dependant on having " NO " in " Country.Iso ")', "OrgNr", [("Country.Iso", "NO")]),
        ("dep.id (Dependant on having wd:Q1 in  )", "dep.id", [("", "wd:Q1")]),
        (
            "id (Dependant on having  in typeDependant on having NO in type)",
            "id",
            [("type", ""), ("type", "NO")],
        ),
        ("vat (Dependant on having NO in cDependant on having NO in c)", "vat", [("c", "NO")]),
        ("made in (Dependant on having built in Oslo in place)", "made in", [("place", "built in Oslo")]),
        ("street (main)", "street (main)", []),
    ],
)
def test_what_a_property_depends_on_is_told_apart_from_its_path(
    cell: str, path: str, conditions: list[tuple[str, str]]
) -> None:
    text = document(section(CUSTOMER, CONTACT, rows=[(cell, "b", '"string"')]))
    assert read_document(text).sections[0].rows[0].left == Cell(path, tuple(conditions))


@pytest.mark.parametrize(
    ("title", "halves"),
    [
        ("A to B Dataflow", [("A", "B")]),
        ("Exact Online to Visma Business Nxt Dataflow", [("Exact Online", "Visma Business Nxt")]),
        ("Zendesk to  Dataflow", [("Zendesk", "")]),
        (" to Zendesk Dataflow", [("", "Zendesk")]),
        ("Go to Market to Acme Dataflow", [("Go", "Market to Acme"), ("Go to Market", "Acme")]),
        ("Tomato Dataflow", []),
        ("A to B", []),
    ],
)
def test_a_title_is_read_in_every_way_that_it_can_be(title: str, halves: list[tuple[str, str]]) -> None:
    assert [tuple(half) for half in title_halves(title)] == halves


def test_names_of_several_words_with_a_to_among_them_are_told_apart_by_the_sections() -> None:
    text = document(
        section("Go to Market Sales Order", "My Erp Order Line", system="My Erp"),
        left="Go to Market",
        right="My Erp",
    )
    read = read_document(text)
    assert (read.left, read.right) == ("Go to Market", "My Erp")
    (pair,) = read.sections
    assert (pair.left, pair.right) == (
        Datatype("Go to Market", "Sales Order"),
        Datatype("My Erp", "Order Line"),
    )
    assert [note.text for note in read.all_notes] == ["the introduction says nothing to configure"]


def test_the_header_of_a_table_counts_more_than_the_title() -> None:
    text = document(section("A q to B r", "X s", system="X"), left="A", right="B")
    (pair,) = read_document(text).sections
    assert (pair.left, pair.right) == (Datatype("A", "q to B r"), Datatype("X", "s"))


def test_a_title_without_a_line_above_it_is_a_title() -> None:
    text = document(section(CUSTOMER, CONTACT)).split("\n", 1)[1]
    read = read_document(text)
    assert (read.left, read.right, len(read.sections)) == ("Chargebee", "Customerp", 1)


def test_a_document_of_many_systems_is_read_in_time() -> None:
    text = document(*[section("A X", f"S{n} Y", system=f"S{n}") for n in range(2_000)])
    assert len(read_document(text).sections) == 2_000


def test_a_title_that_nothing_decides_is_told() -> None:
    read = read_document(document(left="Go to Market", right="My Erp"))
    assert (read.left, read.right) == ("Go", "Market to My Erp")
    assert "the title can be split in more than one place" in read.all_notes[0].text


def test_a_system_that_headings_call_otherwise_is_known_by_the_header_of_the_table() -> None:
    text = document(
        section("Wave Customer", "Big Nxt Trade Address", system="Big Nxt"),
        section("Wave Country", "Visma Land", system="Visma"),
        left="Wave",
        right="Visma Business Nxt",
    )
    assert [pair.right for pair in read_document(text).sections] == [
        Datatype("Big Nxt", "Trade Address"),
        Datatype("Visma", "Land"),
    ]


def test_the_document_of_the_other_direction_tells_the_name_of_a_system() -> None:
    there = document(
        section("Wave Customer", "Big Nxt Trade Address", system="Big Nxt"), left="Wave", right="Visma"
    )
    back = document(
        section("Big Nxt Trade Address", "Wave Customer", system="Wave"), left="Visma", right="Wave"
    )
    alone = read_document(back)
    assert alone.sections[0].left == Datatype("Big", "Nxt Trade Address")
    _, read = read_documents([(there, "a.rst"), (back, "b.rst")])
    assert read.sections[0].left == Datatype("Big Nxt", "Trade Address")


def test_a_system_without_a_name_is_read() -> None:
    text = document(
        section("Zendesk Users", " Contacts", "S7", match=[("email", "mail")], system=""),
        section("Zendesk Groups", " Big Teams", "S4", parents="Users", system=""),
        left="Zendesk",
        right="",
    )
    read = read_document(text)
    assert (read.left, read.right) == ("Zendesk", "")
    assert [pair.right for pair in read.sections] == [Datatype("", "Contacts"), Datatype("", "Big Teams")]
    assert [pair.rule.creates for pair in read.sections] == ["on a condition", "when referred to"]
    assert [note.text for note in read.all_notes] == ["the introduction says nothing to configure"]


def test_a_heading_that_begins_with_a_blank_is_no_part_of_the_table_above_it() -> None:
    text = document(
        section(" Users", "Wave Contacts", rows=[("a", "b", "N/A")]),
        section(" Groups", "Wave Teams"),
        left="",
        right="Wave",
    )
    assert [str(pair.left) for pair in read_document(text).sections] == ["Users", "Groups"]
    assert [len(pair.rows) for pair in read_document(text).sections] == [1, 0]


def test_one_file_may_hold_both_directions() -> None:
    there = document(section(CUSTOMER, CONTACT))
    back = document(section(CONTACT, CUSTOMER), left="Customerp", right="Chargebee")
    first, second = read_documents([(there + "\n\n" + back, "both.rst")])
    assert (first.left, second.left) == ("Chargebee", "Customerp")
    assert second.sections[0].line == len(there.splitlines()) + 2 + 12


def test_a_sentence_has_the_line_that_it_stands_in() -> None:
    text = document(section(CUSTOMER, CONTACT, "S2", match=[("a", "b")]))
    text = text.replace("existing one.\n\nIf no", "existing one.\nIf no").replace(
        "Once a link", "Ask Bob.\nOnce a link"
    )
    (pair,) = read_document(text).sections
    lines = text.splitlines()
    assert [lines[rule.span.first - 1].split()[0:2] for rule in pair.rules] == [
        ["Every", "Chargebee"],
        ["If", "no"],
    ]
    assert [lines[note.span.first - 1] for note in pair.notes] == ["Ask Bob."]


def test_what_is_behind_the_last_line_that_is_read_is_told() -> None:
    text = document(section(CUSTOMER, CONTACT)) + "\n" * MAX_LINES + "more"
    assert read_document(text).all_notes[-1].text.startswith("the rest, up to line")


def test_a_heading_of_many_tos_is_no_heading() -> None:
    text = document(*["a to " * 400 + "\n" + "-" * 40 for _ in range(2_000)], left="to " * 600)
    read = read_document(text)
    assert read.sections == ()
    assert read.all_notes[-1].text.startswith("not understood as the heading of a pair: a to a to")


def test_a_table_of_many_rows_is_read_in_time() -> None:
    rows = [(f"a{n}", f"b{n}", '"string"') for n in range(30_000)]
    read = read_document(document(section(CUSTOMER, CONTACT, rows=rows)))
    assert len(read.sections[0].rows) == 30_000
