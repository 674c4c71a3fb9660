"""What a document says, as a dataflow."""

from __future__ import annotations

from instep.core.dataflow import Dataflow, Part
from instep.core.model import Both
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.account import Account, Entry
from instep.dataflow.documents.conversion import convert
from instep.dataflow.documents.merging import strangers
from instep.dataflow.documents.reader import read_document, read_documents
from instep.dataflow.scaffold import default_dataflow
from tests.dataflow.rst import document, section

SHIPPED = default_dataflow()
FOUR = document(
    section("Chargebee Business_entity", "Customerp Customer"),
    section("Chargebee Customer", "Customerp Contact"),
    section("Chargebee Item", "Customerp Product"),
    section("Chargebee Order", "Customerp Order"),
)


def accounted(*texts: str) -> tuple[str, Account]:
    """The text of the dataflow, and the account of every line, none of them left out."""
    files = [(text, f"{n}.rst") for n, text in enumerate(texts, 1)]
    text, account, complete = convert(read_documents(files), SHIPPED)
    assert not complete
    for whole, file in files:
        assert not account.unaccounted(file, whole.splitlines())
    return text, account


def converted(*texts: str) -> tuple[str, Dataflow]:
    text, _ = accounted(*texts)
    return text, parse_dataflow(text)


def told(text: str) -> list[str]:
    """The comments that have a document's line, in the order in which they stand."""
    return [line.strip() for line in text.splitlines() if ".rst:" in line]


def test_pairs_with_empty_tables_get_the_shipped_properties() -> None:
    _, dataflow = converted(FOUR)
    shipped = parse_dataflow(SHIPPED)
    assert [pair.name for pair in dataflow.pairs] == ["customer", "product", "contact", "order"]
    for pair in dataflow.pairs:
        known = shipped.pair(pair.name)
        assert known is not None
        assert [p.name for p in pair.properties] == [p.name for p in known.properties]
        assert (pair.match, pair.create, pair.id_template) == (known.match, known.create, known.id_template)


def test_the_comments_that_teach_come_along() -> None:
    text, _ = converted(FOUR)
    assert "# At first contact, records with the same value are the same" in text
    assert "  # 1.rst:12: Chargebee Business_entity to Customerp Customer\n" in text
    assert "  # 1.rst:10: the introduction says nothing to configure\n" in text


def test_a_document_of_the_other_direction_is_turned_round() -> None:
    text = document(
        section("Customerp Contact", "Chargebee Customer", rows=[("given_name", "first_name", '"string"')]),
        left="Customerp",
        right="Chargebee",
    )
    _, dataflow = converted(text)
    (pair,) = dataflow.pairs
    assert pair.entity == Both("customer", "contact")
    assert pair.properties[0].parts.left.fields == ("first_name",)
    assert pair.create == Both(True, False)


def test_two_directions_together_say_who_creates_where() -> None:
    there = document(section("Chargebee Customer", "Customerp Contact"))
    back = document(
        section("Customerp Contact", "Chargebee Customer", "S3", match=[("email", "email")]),
        left="Customerp",
        right="Chargebee",
    )
    text, dataflow = converted(there, back)
    assert dataflow.pairs[0].create == Both(False, True)
    assert "# 2.rst:12: Customerp Contact to Chargebee Customer, taken together with what is above" in told(
        text
    )


def test_a_direction_that_no_document_speaks_of_is_as_shipped() -> None:
    _, dataflow = converted(
        document(section("Chargebee Customer", "Customerp Contact", "S3", match=[("a", "b")]))
    )
    assert dataflow.pairs[0].create == Both(True, False)


def test_a_table_with_rows_makes_the_properties() -> None:
    rows = [
        ("id", "Id", '"string"'),
        ("email", "email", '"string"'),
        ("net_term_days", "Payment Terms", '"integer"'),
        ("score", "Rating", '"float"'),
        ("auto", "Auto", '"boolean"'),
        ("rate", "Rate", '"decimal"'),
        ("custom", "Custom", '["weird"]'),
    ]
    text, dataflow = converted(
        document(
            section("Chargebee Customer", "Customerp Contact", "S2", rows=rows, match=[("email", "email")])
        )
    )
    (pair,) = dataflow.pairs
    assert [(p.name, p.as_written) for p in pair.properties] == [
        ("email", "email"),  # the shipped spelling, since the shipped dataflow maps the same two fields
        ("net_term_days", "integer"),
        ("score", "decimal"),
        ("auto", "boolean"),
        ("rate", "decimal"),
        ("custom", "same"),
    ]
    assert [key.properties for key in pair.match] == [("email",)]
    assert "id and Id: each system has ids of its own; the link keeps which belong together" in text
    assert 'custom and Custom: this data type is not known: ["weird"]' in text


def test_a_pair_that_the_document_matches_by_nothing_keeps_the_shipped_match() -> None:
    rows = [("email", "email", '"string"')]
    _, dataflow = converted(document(section("Chargebee Customer", "Customerp Contact", rows=rows)))
    assert [key.properties for key in dataflow.pairs[0].match] == [("email",)]


def test_what_a_dataflow_can_not_say_is_a_comment_with_its_line() -> None:
    rows = [
        ("first_name", "name", "N/A"),
        ("first_name", "nick", "N/A"),
        ("last_name", "name", "N/A"),
        ("vat (Dependant on having wd:Q1 in country)", "OrgNr", "N/A"),
        ("a,b", "c", "N/A"),
    ]
    text, dataflow = converted(
        document(
            section("Chargebee Customer (human data)", "Customerp Contact", rows=rows),
            section("Chargebee Deal", "Customerp Order", "S6", condition="When a deal is won"),
        )
    )
    contact = dataflow.pairs[0]
    assert [(p.name, p.flow) for p in contact.properties] == [
        ("first_name", "both"),
        ("first_name to nick", "to-right"),
    ]
    assert told(text)[1:] == [
        "# 1.rst:12: Chargebee Customer (human data) to Customerp Contact",
        "# 1.rst:12: speaks of a part only, of which a dataflow knows nothing: Chargebee Customer (human data)",
        "# 1.rst:29: first_name and nick: to the right only, since line 26 of 1.rst writes the left one too",
        "# 1.rst:32: last_name and name: line 26 of 1.rst writes the right one, and no precedence is said",
        '# 1.rst:35: vat and OrgNr: it depends on "wd:Q1" in country; that is a concept of another system, '
        "and no field or value of this one",
        "# 1.rst:38: a,b and c: it can't be written as a path",
        "# 1.rst:43: Chargebee Deal to Customerp Order",
        "# 1.rst:45: the condition on which one is made is prose, and so none is made: When a deal is won",
    ]
    deal = dataflow.pairs[1]
    assert (deal.entity, deal.create, deal.properties) == (Both("deal", "order"), Both(False, False), ())


def test_what_a_property_depends_on_is_its_condition() -> None:
    rows = [
        ("vat (Dependant on having NO in address.country)", "OrgNr", '"string"'),
        ("no", "EmployeeNr (Dependant on having staff in Kind)", '"string"'),
    ]
    _, dataflow = converted(document(section("Chargebee Deal", "Customerp Order", rows=rows)))
    first, second = dataflow.pairs[0].properties
    assert [tuple(map(str, side)) for side in first.when] == [("address.country = NO",), ()]
    assert [tuple(map(str, side)) for side in second.when] == [(), ("Kind = staff",)]


def test_conditions_that_can_not_be_written_are_told() -> None:
    conditions = [
        "NO in cDependant on having SE in c",
        " in c",
        "NO in  ",
        "a)b in c",
        "'x' in c",
        "1.50 in c",
    ]
    rows = [(f"p{n} (Dependant on having {c})", f"q{n}", "N/A") for n, c in enumerate(conditions)]
    text, dataflow = converted(document(section("Chargebee Deal", "Customerp Order", rows=rows)))
    assert [p.name for p in dataflow.pairs[0].properties] == ["p5"]
    assert [line.rpartition("; ")[2] for line in told(text)[2:]] == [
        "it is not said whether one of them is enough",
        "a condition needs a field and a value",
        "a condition needs a field and a value",
        "it can't be written as a condition",
        "its value can't be written",
    ]


def test_repeated_sections_are_taken_together_and_the_first_rule_is_kept() -> None:
    rows = [("email", "mail", '"string"')]
    text, account = accounted(
        document(
            section("Chargebee Deal", "Customerp Order", "S3", match=[("email", "mail")], rows=rows),
            section("Chargebee Deal", "Customerp Order", "S1", rows=[*rows, ("phone", "tel", "N/A")]),
        )
    )
    (pair,) = parse_dataflow(text).pairs
    assert [p.name for p in pair.properties] == ["email", "phone"]
    assert (pair.create, [key.properties for key in pair.match]) == (Both(False, False), [("email",)])
    assert [str(entry) for entry in account.of("contradiction")] == [
        '1.rst:43: creates "always", but 1.rst:14 creates "never"; the first is kept'
    ]


def test_two_conditions_in_one_section_are_both_told() -> None:
    one = "When it is won, it  will be synchronized with a Customerp Order."
    text, _ = accounted(
        document(
            section("Chargebee Deal", "Customerp Order", "S6").replace("Once a link", f"{one}\n\nOnce a link")
        )
    )
    assert [line.rpartition(": ")[2] for line in told(text)[2:]] == ["When it rains", "When it is won"]


def test_what_only_one_direction_has_is_kept_and_told() -> None:
    there = [("email", "mail", "N/A"), ("phone", "tel", "N/A")]
    back = [("mail", "email", "N/A"), ("web", "url", "N/A")]
    text, account = accounted(
        document(section("Chargebee Deal", "Customerp Order", rows=there)),
        document(
            section("Customerp Order", "Chargebee Deal", rows=back), left="Customerp", right="Chargebee"
        ),
    )
    (pair,) = parse_dataflow(text).pairs
    assert [(p.name, p.flow) for p in pair.properties] == [(n, "both") for n in ("email", "phone", "url")]
    assert [str(entry) for entry in account.of("contradiction")] == [
        "1.rst:29: only this direction has what is in line 29; it is kept in step both ways",
        "2.rst:29: only this direction has what is in line 29; it is kept in step both ways",
    ]


def test_a_match_row_of_a_pair_with_an_empty_table_is_taken_over_if_a_shipped_property_maps_it() -> None:
    match = [("name", "email"), ("vat_number", "tax_number")]
    text, account = accounted(document(section("Chargebee Customer", "Customerp Contact", "S2", match=match)))
    (pair,) = parse_dataflow(text).pairs
    assert [key.properties for key in pair.match] == [("vat_number",)]
    assert "# 1.rst:27: not matched by name and email, which no property maps" in told(text)
    assert [entry.text for entry in account.of("supplied")] == [
        "the table is empty; the properties of the shipped pair contact stand in",
        "records are made on the left side as in the shipped pair contact: always",
    ]


def test_one_that_is_made_when_it_is_referred_to_says_whether_anything_refers_to_it() -> None:
    text, dataflow = converted(
        document(
            section("Chargebee Customer", "Customerp Contact", "S4", parents="Order"),
            section("Chargebee Deal", "Customerp Quote", "S4", parents="Plan, or Visit"),
        )
    )
    assert [pair.referred for pair in dataflow.pairs] == [Both(False, True), Both(False, True)]
    assert told(text)[2::2] == [
        "# 1.rst:16: one is made as soon as it is referred to, by Order",
        "# 1.rst:34: one is made as soon as it is referred to, by Plan, Visit; no property here refers to it yet, "
        "so none is made until one does",
    ]


def test_chargebee_is_the_left_side_wherever_it_stands() -> None:
    text, dataflow = converted(
        document(section("Big Erp Firms", "Chargebee Unit"), left="Big Erp", right="Chargebee")
    )
    assert dataflow.pairs[0].entity == Both("unit", "firms")
    assert text.startswith("# What is kept in step between Chargebee (left) and Big Erp (right).\n")


def test_systems_without_chargebee_are_taken_as_they_stand_and_told() -> None:
    text, account = accounted(document(section("HubSpot Deal", "Wave Order"), left="HubSpot", right="Wave"))
    assert parse_dataflow(text).pairs[0].entity == Both("deal", "order")
    assert text.startswith("# What is kept in step between HubSpot (left) and Wave (right).\n")
    assert "neither system is called Chargebee" in account.of("contradiction")[0].text


def test_documents_of_other_systems_are_told_apart() -> None:
    read = [
        read_document(document(left=left, right=right))
        for left, right in [("Exact Online", "Wave"), ("Wave", "Exact"), ("wave", ""), ("Exact", "Xero")]
    ]
    assert strangers(read) == [read[3]]


def test_the_report_counts_what_was_taken_over_and_names_the_rest() -> None:
    rows = [("email", "mail", "N/A"), ("id", "Id", "N/A")]
    text = document(
        section("Chargebee Deal", "Customerp Order", "S2", rows=rows, match=[("email", "mail")]),
        section("Chargebee Item", "Customerp Product", "S3"),
    )
    _, account = accounted(text)
    assert list(account.report()) == [
        "1.rst: Chargebee to Customerp, 2 sections, generated 2024-09-10 15:43:43",
        "  taken over: 2 pairs, 3 sentences about creating, 1 way to match, 1 property",
        "  what could not be expressed, or not as it stands, and became a comment at its place (2):",
        "    1.rst:10: the introduction says nothing to configure",
        "    1.rst:43: id and Id: each system has ids of its own; the link keeps which belong together",
        "  what was left open by the documents, and was supplied (2):",
        "    1.rst:48: the table is empty; the properties of the shipped pair product stand in",
        "    1.rst:48: records are made on the left side as in the shipped pair product: always",
    ]


def test_a_line_of_which_nothing_is_told_would_show() -> None:
    text = document(section("Chargebee Deal", "Customerp Order"))
    _, account = accounted(text)
    less = Account(account.heads, account.form, [e for e in account.entries if e.kind != "rule"])
    assert less.unaccounted("1.rst", text.splitlines()) == [14]
    assert isinstance(account.entries[0], Entry)


def test_the_companies_dataflow_keeps_its_conditions_for_creating() -> None:
    read = [read_document(document(section("Chargebee Customer", "Customerp Contact")), "1.rst")]
    (pair,) = parse_dataflow(convert(read, default_dataflow(companies=True)).text).pairs
    assert pair.create == Both(True, True)
    assert [tuple(map(str, side)) for side in pair.create_when] == [("not customer_id",), ("last_name",)]


def test_a_reference_to_a_pair_that_is_not_there_becomes_a_comment() -> None:
    text, dataflow = converted(document(section("Chargebee Order", "Customerp Order")))
    (order,) = dataflow.pairs
    assert order.property("customer_id") is None
    assert order.property("order_line_items") is not None
    assert "      # no pair of customer and contact here: - map: customer_id <-> contact_id" in text
    assert "          # no pair of item and product here: - item_id <-> product_id" in text
    assert "  # Not in the documents, and so not here: customer, contact, product." in text


def test_a_document_without_pairs_leaves_the_shipped_ones() -> None:
    _, dataflow = converted(document())
    assert [pair.name for pair in dataflow.pairs] == [pair.name for pair in parse_dataflow(SHIPPED).pairs]


def test_pairs_with_the_same_right_side_get_names_of_their_own() -> None:
    _, dataflow = converted(
        document(section("Chargebee Quote", "Customerp Order"), section("Chargebee Sub", "Customerp Order"))
    )
    # "order" stays free for the shipped pair of orders, which neither of them is.
    assert [pair.name for pair in dataflow.pairs] == ["order_2", "order_3"]


def test_strange_names_are_quoted() -> None:
    rows = [("é: #", "&b *c", "N/A"), ("𐀀\x7f", "\ud800", "N/A")]
    _, dataflow = converted(document(section("Chargebee 4: #x", 'Customerp "y" & Söhne', rows=rows)))
    (pair,) = dataflow.pairs
    assert pair.entity == Both("4: #x", '"y" & Söhne')
    assert pair.properties[0].parts == Both(Part(("é: #",)), Part(("&b *c",)))
    assert pair.properties[1].parts == Both(Part(("𐀀\x7f",)), Part(("\ufffd",)))
