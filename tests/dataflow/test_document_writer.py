"""A dataflow as a document, and back."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.dataflow.build import parse_dataflow
from instep.dataflow.document_writer import write_document
from instep.dataflow.documents.conversion import convert
from instep.dataflow.documents.reader import read_document
from instep.dataflow.scaffold import default_dataflow
from tests.dataflow.texts import dataflow

SYSTEMS = Both("Chargebee", "Custom ERP")
STAMP = "2026-11-23 04:00:00"
ONE = dataflow(
    "email <-> email | email\nfirst_name, last_name -> name | names\nterms <- days | integer",
    pair="match: [email]\ncreate: right",
)


def test_a_document_is_a_checklist_of_one_direction() -> None:
    entities: Both[Mapping[str, Entity]] = Both(
        {}, {"contact": Entity("contact", (Field("email", "text"), Field("name", "text")), Abilities())}
    )
    text = write_document(parse_dataflow(ONE), SYSTEMS, STAMP, entities=entities)
    read = read_document(text)
    assert (read.left, read.right, read.generated) == ("Chargebee", "Custom ERP", STAMP)
    (pair,) = read.sections
    assert (str(pair.left), str(pair.right)) == ("Chargebee Customer", "Custom ERP Contact")
    assert pair.rule.creates == "always"
    assert [(row.left.path, row.right.path) for row in pair.match] == [("email", "email")]
    assert [(row.left.path, row.right.path, row.type) for row in pair.rows] == [
        ("email", "email", "string"),
        ("first_name", "name", "string"),
        ("last_name", "name", "string"),
    ]


def test_the_other_direction_has_its_own_rule_and_rows() -> None:
    (pair,) = read_document(write_document(parse_dataflow(ONE), SYSTEMS, STAMP, to=Side.LEFT)).sections
    assert pair.rule.creates == "never"
    assert [(row.left.path, row.right.path, row.type) for row in pair.rows] == [
        ("days", "terms", ""),
        ("email", "email", ""),
    ]


@pytest.mark.parametrize("to", list(Side))
def test_the_shipped_dataflow_is_written_and_read_without_a_doubt(to: Side) -> None:
    shipped = parse_dataflow(default_dataflow())
    read = read_document(write_document(shipped, SYSTEMS, STAMP, to=to))
    doubts = [note.text for note in read.all_notes]
    assert doubts == ["the introduction says nothing to configure"]
    assert len(read.sections) == len(shipped.pairs)
    for section, pair in zip(read.sections, shipped.pairs, strict=True):
        assert section.rule.creates == "always"
        assert {row.right.path for row in section.rows} == {
            path for p in pair.properties if p.may_flow(to) for path in p.parts[to].fields
        }


def test_a_written_document_makes_a_dataflow_of_the_same_pairs() -> None:
    shipped = parse_dataflow(default_dataflow())
    documents = [
        read_document(write_document(shipped, SYSTEMS, STAMP, to=to)) for to in (Side.RIGHT, Side.LEFT)
    ]
    back = parse_dataflow(convert(documents, default_dataflow()).text)
    assert {pair.name: (pair.entity, pair.create) for pair in back.pairs} == {
        pair.name: (pair.entity, pair.create) for pair in shipped.pairs
    }


def test_a_pair_that_only_links_says_so() -> None:
    text = dataflow("email <-> email", pair="match: [email]\ncreate: none")
    (pair,) = read_document(write_document(parse_dataflow(text), SYSTEMS, STAMP)).sections
    assert pair.rule.creates == "never"
