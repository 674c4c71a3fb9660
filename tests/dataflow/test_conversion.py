"""What a document says, as a dataflow."""

from __future__ import annotations

from instep.core.dataflow import Dataflow, Part
from instep.core.model import Both
from instep.dataflow.build import parse_dataflow
from instep.dataflow.conversion import convert
from instep.dataflow.documents import read_document
from instep.dataflow.scaffold import default_dataflow
from tests.dataflow.rst import document, section

SHIPPED = default_dataflow()
FOUR = document(
    section("Chargebee Business_entity", "Customerp Customer"),
    section("Chargebee Customer", "Customerp Contact"),
    section("Chargebee Item", "Customerp Product"),
    section("Chargebee Order", "Customerp Order"),
)


def converted(*texts: str) -> tuple[str, Dataflow]:
    text = convert([read_document(text, f"{n}.rst") for n, text in enumerate(texts, 1)], SHIPPED)
    return text, parse_dataflow(text)


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
    assert "  # line 12: Chargebee Business_entity to Customerp Customer\n" in text
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
    assert "# line 12: the document only links the two and makes no new record" in text


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
        ("custom", "same"),
    ]
    assert [key.properties for key in pair.match] == [("email",)]
    assert "id and Id: each system has ids of its own; the link keeps which belong together" in text
    assert 'its data type is not known: ["weird"]' in text


def test_a_pair_that_the_document_matches_by_nothing_keeps_the_shipped_match() -> None:
    rows = [("email", "email", '"string"')]
    _, dataflow = converted(document(section("Chargebee Customer", "Customerp Contact", rows=rows)))
    assert [key.properties for key in dataflow.pairs[0].match] == [("email",)]


def test_what_a_dataflow_can_not_say_is_a_comment_with_its_line() -> None:
    rows = [
        ("first_name", "name", "N/A"),
        ("first_name", "nick", "N/A"),
        ("last_name", "name", "N/A"),
        ('vat (Dependant on having " NO " in " country ")', "OrgNr", "N/A"),
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
    told = [line.strip() for line in text.splitlines() if "# line" in line]
    assert told == [
        "# line 12: Chargebee Customer (human data) to Customerp Contact",
        "# line 12 speaks of a part only: Chargebee Customer (human data)",
        "# line 32: last_name and name: another property writes the right one, and no precedence is said",
        '# line 35: vat and OrgNr: it depends on "NO" in country, and a property has no condition',
        "# line 38: a,b and c: it can't be written as a path",
        "# line 43: Chargebee Deal to Customerp Order",
        "# line 43: the document makes one on a condition that is prose: When a deal is won",
    ]
    deal = dataflow.pairs[1]
    assert (deal.entity, deal.create, deal.properties) == (Both("deal", "order"), Both(False, False), ())


def test_a_reference_to_a_pair_that_is_not_there_becomes_a_comment() -> None:
    text, dataflow = converted(document(section("Chargebee Order", "Customerp Order")))
    (order,) = dataflow.pairs
    assert order.property("customer_id") is None
    assert order.property("order_line_items") is not None
    assert "      # no pair of customer and contact here: - map: customer_id <-> contact_id" in text
    assert "          # no pair of item and product here: - item_id <-> product_id" in text
    assert "  # Not in the document, and so not here: customer, contact, product." in text


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
