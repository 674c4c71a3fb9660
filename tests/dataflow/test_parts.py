"""A pair for a part of an entity, creation by side, conditional requirements, tables in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from instep.core.conditions import Condition
from instep.core.model import Both, Side
from instep.dataflow.build import load_dataflow, parse_dataflow
from instep.errors import ConfigurationError
from tests.dataflow.test_build import NoLinks, across
from tests.dataflow.texts import dataflow, problems

LEFT, RIGHT = Side


def test_a_pair_may_be_for_some_records_of_an_entity() -> None:
    text = dataflow("email <-> email", pair="where: {left: company, right: [kind = firm, 'a in (1, x)']}\n")
    (pair,) = parse_dataflow(text).pairs
    assert pair.where == Both(
        (Condition("company"),), (Condition("kind", ("firm",)), Condition("a", (1, "x")))
    )
    assert pair.paths(LEFT) == ("company", "email")
    assert pair.paths(RIGHT) == ("a", "email", "kind")


@pytest.mark.parametrize(
    ("spelled", "create", "referred"),
    [
        ("both", Both(True, True), Both(False, False)),
        ("right", Both(False, True), Both(False, False)),
        ("{left: never, right: referred}", Both(False, True), Both(False, True)),
        ("{left: referred}", Both(True, True), Both(True, False)),
    ],
)
def test_who_may_create_is_said_for_each_side(spelled: str, create: Both[bool], referred: Both[bool]) -> None:
    (pair,) = parse_dataflow(dataflow("email <-> email", pair=f"create: {spelled}\n")).pairs
    assert (pair.create, pair.referred) == (create, referred)


def test_a_property_may_be_required_of_some_records() -> None:
    text = dataflow("{map: vat <-> tax, required: {left: company, right: [kind = firm, land = NO]}}")
    (prop,) = parse_dataflow(text).pairs[0].properties
    assert not prop.required
    assert prop.required_when == Both(
        (Condition("company"),), (Condition("kind", ("firm",)), Condition("land", ("NO",)))
    )


def test_a_condition_that_can_not_be_read_is_told_where_it_stands() -> None:
    text = dataflow(
        "{map: vat <-> tax, required: {right: [land = NO, 'a b']}}", pair="where: {left: 'kind ='}\n"
    )
    first, second = problems(parse_dataflow, text)
    assert (first.line, first.what) == (6, '"kind =" is not a condition')
    assert first.fix.startswith("write a field, or: not FIELD")
    assert (second.line, second.what) == (8, '"a b" is not a condition')


def table(folder: Path, text: bytes, spelled: str = "terms.csv") -> Path:
    (folder / "terms.csv").write_bytes(text)
    path = folder / "dataflow.yaml"
    path.write_text(dataflow(f"days <-> terms | lookup(file={spelled}, 90=late)"))
    return path


@pytest.mark.parametrize(
    "text",
    [
        b"left,right\n0,now\n14,net\n30,net\n",
        b"\xef\xbb\xbfLeft;Right;\r\n0;now\r\n\r\n14;net;\r\n",
        b'"left","right"\n"0","now"\n"14","net"\n',
    ],
)
def test_a_table_may_be_a_file_beside_the_dataflow(tmp_path: Path, text: bytes) -> None:
    prop = load_dataflow(table(tmp_path, text)).pairs[0].properties[0]
    found = []
    for days in (0, "14", 90):
        written = prop.transformation.put(
            RIGHT, prop.transformation.canon(LEFT, (days,), NoLinks()), (None,), NoLinks()
        )
        assert isinstance(written, tuple)
        found.append(written[0])
    assert found == ["now", "net", "late"]


@pytest.mark.parametrize(
    ("text", "spelled", "what"),
    [
        (b"0,now\n", "terms.csv", 'lookup: "terms.csv" has no heading'),
        (b"left,right\n0,now\n14\n", "terms.csv", 'lookup: line 3 of "terms.csv" has not two values'),
        (b"left,right\n0,now,more\n", "terms.csv", 'lookup: line 2 of "terms.csv" has not two values'),
        (b"left,right\n\xff,now\n", "terms.csv", 'lookup: "terms.csv" is not a text in UTF-8'),
        (b"", "terms.csv", "lookup: the table is empty; write lookup(0=immediate, 30=net30)"),
        (b"", "other.csv", 'lookup: there is no file "other.csv" beside the dataflow'),
        (b"", "../../etc/passwd", 'lookup: "../../etc/passwd" is outside of the folder of the dataflow'),
        (b"", "/etc/passwd", 'lookup: "/etc/passwd" is outside of the folder of the dataflow'),
    ],
)
def test_a_table_that_can_not_be_read_says_why(tmp_path: Path, text: bytes, spelled: str, what: str) -> None:
    path = table(tmp_path, text, spelled)
    path.write_text(path.read_text().replace(", 90=late", ""))
    with pytest.raises(ConfigurationError) as caught:
        load_dataflow(path)
    assert [problem.what for problem in caught.value.problems] == [what]


def test_a_computed_text_is_made_on_the_way() -> None:
    text = dataflow("{map: \"email -> label | template('mail {1}')\", name: label}")
    assert across(text, "label", "a@b.example") == "mail a@b.example"
