"""A dataflow as a document, and back."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import docutils.core
import pytest
from hypothesis import HealthCheck, given, settings
from sphinx.application import Sphinx

from instep.core.dataflow import Dataflow
from instep.core.model import SIDES, Abilities, Both, Entity, Field, Side
from instep.dataflow.build import parse_dataflow
from instep.dataflow.documents.own_reader import convert_own, is_own
from instep.dataflow.documents.page import Code, Heading, Items, Page, Paragraph, Table, Text, text
from instep.dataflow.documents.rst import literal, read_text, write_rst
from instep.dataflow.documents.types import Entities
from instep.dataflow.documents.writing import page_of
from instep.dataflow.proposal import Lines, propose
from instep.dataflow.scaffold import default_dataflow
from tests.dataflow.stated import NO_ENTITIES, dataflows, stated
from tests.dataflow.texts import dataflow

SYSTEMS = Both("Chargebee", "Custom ERP")
SHIPPED = {
    "custom ERP": default_dataflow(),
    "companies": default_dataflow(companies=True),
    "tryton": default_dataflow(tryton=True),
}
slow = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def rst(
    flow: Dataflow, entities: Entities = NO_ENTITIES, systems: Both[str] = SYSTEMS, to: Side | None = None
) -> str:
    return write_rst(page_of(flow, entities, systems, to=to), "picture.svg")


def read(*texts: str) -> Dataflow:
    """The dataflow that our own documents state; every line of them is accounted for."""
    files = [(whole, f"{n}.rst") for n, whole in enumerate(texts)]
    assert all(map(is_own, texts))
    converted = convert_own(files)
    for whole, file in files:
        assert not converted.account.unaccounted(file, whole.splitlines())
    assert not converted.account.of("comment"), converted.account.of("comment")
    assert not converted.account.of("contradiction"), converted.account.of("contradiction")
    return parse_dataflow(converted.text)


def messages(whole: str) -> str:
    """All that docutils has to say of a text, down to what is only worth knowing."""
    said = io.StringIO()
    settings_ = {"warning_stream": said, "report_level": 1, "halt_level": 5}
    docutils.core.publish_string(whole, writer="html5", settings_overrides=settings_)
    return said.getvalue()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_dataflow_is_written_and_read_as_the_same(name: str) -> None:
    flow = parse_dataflow(SHIPPED[name])
    assert stated(read(rst(flow))) == stated(flow)


@pytest.mark.parametrize("first", list(Side))
@pytest.mark.parametrize("name", SHIPPED)
def test_the_two_directions_of_a_shipped_dataflow_are_read_together_as_the_same(
    name: str, first: Side
) -> None:
    flow = parse_dataflow(SHIPPED[name])
    both = [rst(flow, to=side) for side in (first, first.other)]
    assert stated(read(*both)) == stated(flow)


@slow
@given(dataflows())
def test_any_dataflow_is_written_and_read_as_the_same(flow: Dataflow) -> None:
    whole = rst(flow)
    assert stated(read(whole)) == stated(flow)
    assert rst(read(whole)) == whole


@settings(slow, max_examples=40)
@given(dataflows())
def test_the_two_directions_of_any_dataflow_are_read_together_as_the_same(flow: Dataflow) -> None:
    back = read(*[rst(flow, to=side) for side in SIDES])
    for pair, other in zip(stated(flow), stated(back), strict=True):
        # Where neither direction has all, their order isn't told.
        assert sorted(pair.properties, key=lambda p: p.name) == sorted(other.properties, key=lambda p: p.name)
        assert [p.name for p in pair.properties if p.flow == "both"] == [
            p.name for p in other.properties if p.flow == "both"
        ]


@settings(slow, max_examples=30)
@given(dataflows())
def test_docutils_has_nothing_to_say_of_any_document(flow: Dataflow) -> None:
    assert messages(rst(flow)) == ""


@pytest.mark.parametrize("name", SHIPPED)
def test_docutils_has_nothing_to_say_of_a_shipped_document(name: str) -> None:
    assert messages(rst(parse_dataflow(SHIPPED[name]))) == ""


def test_docutils_would_say_something() -> None:
    whole = rst(parse_dataflow(default_dataflow()))
    assert "Title underline too short" in messages(whole.replace("------------", "-----", 1))


@pytest.mark.slow
def test_sphinx_takes_the_documents_without_a_warning(tmp_path: Path) -> None:
    for number, (name, whole) in enumerate(SHIPPED.items()):
        (tmp_path / f"{number}.rst").write_text(rst(parse_dataflow(whole)), encoding="utf-8")
        assert name
    odd = dataflow(
        '{left: ["a`b"], right: ["*c*_"], name: "*x* `y`_"}', pair='policy: hold\nnew_id: {left: "_{id}_"}'
    )
    (tmp_path / "odd.rst").write_text(
        rst(parse_dataflow(odd), systems=Both("*A*", "1. B_")), encoding="utf-8"
    )
    (tmp_path / "picture.svg").write_text("<svg/>", encoding="utf-8")
    tree = "Documents\n=========\n\n.. toctree::\n\n   0\n   1\n   2\n   odd\n"
    (tmp_path / "index.rst").write_text(tree, encoding="utf-8")
    warnings = io.StringIO()
    sphinx = Sphinx(
        str(tmp_path),
        None,
        str(tmp_path / "out"),
        str(tmp_path / "trees"),
        "html",
        confoverrides={
            "extensions": ["sphinx.ext.autosectionlabel"],
            "autosectionlabel_prefix_document": True,
        },
        status=None,
        warning=warnings,
    )
    sphinx.build()
    assert warnings.getvalue() == ""
    assert "erp-{id}" in (tmp_path / "out" / "0.html").read_text("utf-8")


def test_the_same_dataflow_makes_the_same_bytes() -> None:
    first, second = (rst(parse_dataflow(default_dataflow())) for _ in range(2))
    assert first == second


def test_a_document_tells_the_rules_in_sentences() -> None:
    flow = dataflow(
        "email <-> email | email\nterms <- days | integer\n"
        "{map: vat <-> tax, required: true, default: {right: none}, when: {left: company}}\n"
        "{map: a <-> b, group: g, policy: left}\n{map: c <-> d, group: g}",
        pair="match: [email, [a, c]]\ncreate: {left: never, right: {when: company}}\nwhere: {right: not old}\n"
        "on_delete: retire\npolicy: hold\nnew_id: {left: 'x-{id}'}\nconstants: {right: {kind: firm}}\n"
        "brakes: {create_count: 3}",
    )
    lines = [line for line in rst(parse_dataflow(flow)).splitlines() if line.startswith("- ")]
    assert lines[:12] == [
        "- Pair ``contact``: records ``customer`` of Chargebee and records ``contact`` of Custom ERP are the same "
        "things, one to one.",
        "- Only records of Custom ERP that meet all of these belong here: ``not old``.",
        "- Where a record ``contact`` of Custom ERP has no partner, it is left alone: Instep makes no record "
        "``customer`` in Chargebee.",
        "- Where a record ``customer`` of Chargebee has no partner and meets all of ``company``, Instep makes a "
        "record ``contact`` in Custom ERP.",
        "- A record ``customer`` that Instep makes in Chargebee gets an id made from its partner's: ``x-{id}``.",
        '- A record ``contact`` that Instep makes in Custom ERP gets ``"firm"`` in ``kind``.',
        "- Records that were made apart are taken for the same where these are equal: ``email``.",
        "- Records that were made apart are taken for the same where these are equal: ``a``, ``c``.",
        "- What both sides changed since they last agreed is decided by ``hold``: Nobody wins: the conflict is held "
        "until a person chooses. Nothing is written.",
        "- What one side deletes is dealt with by ``retire``: the partner is taken out of use in its system's own "
        "way, if nobody has edited it meanwhile.",
        "- What one side empties is emptied on the other side too, like any other edit.",
        "- Within an hour a person is asked before more of these happens than the count and the share of what is "
        "linked: ``create 3 0.25``, ``change 10 0.25``, ``retire 5 0.05``, ``clear 10 0.05``, ``same 10 0.1``, "
        "``empty 2 0.9``, ``first_create 10 1.0``, ``first_change 10 1.0``.",
    ]
    assert lines[12:16] == [
        "- In a conflict these win or lose together, as the group ``g``: ``a``, ``c``.",
        "- No record is made before ``vat`` has a value.",
        "- ``vat`` is kept in step only where the record of Chargebee meets all of these: ``company``.",
        '- A record that is made in Custom ERP gets ``"none"`` for ``vat`` where the other side has nothing.',
    ]


def test_the_table_has_both_names_types_direction_transformation_policy_and_an_example() -> None:
    known: Mapping[str, Entity] = {
        "customer": Entity("customer", (Field("terms", "integer", update=False),), Abilities())
    }
    erp = Entity(
        "contact", (Field("days", "text", choices=("30", "60"), create=False, update=False),), Abilities()
    )
    flow = parse_dataflow(dataflow("{map: terms <-> days | integer(text=right), policy: left}"))
    whole = rst(flow, Both(known, {"contact": erp}))
    row = whole[whole.index("   * - ``terms``") :].split("\n\n")[0].splitlines()
    assert [line.strip(" *-") for line in row] == [
        "``terms``",
        "``terms``",
        "integer (when made only)",
        "``days``",
        "one of 30, 60 (read only)",
        "both ways",
        "``integer(text=right)``",
        "``left``",
        "``30`` ↔ ``30``",
    ]


def test_a_person_may_break_lines_and_add_a_remark_and_a_property() -> None:
    whole = rst(parse_dataflow(default_dataflow()))
    whole = whole.replace("has no partner, Instep makes", "has no partner,\n  Instep makes")
    whole = whole.replace(
        "Rules of contact\n~~~~~~~~~~~~~~~~\n", "Rules of contact\n~~~~~~~~~~~~~~~~\n\nAsk Bob.\n"
    )
    row = "\n     - ".join(
        ["   * - ``cf_x``", "``cf_x``", "", "``x``", "", "both ways", "``integer``", "as the pair", ""]
    )
    whole = whole.replace("   * - ``first_name``", f"{row}\n   * - ``first_name``")
    converted = convert_own([(whole, "a.rst")])
    assert [entry.text for entry in converted.account.of("comment")] == ["not understood: Ask Bob."]
    line = whole[: whole.index("Ask Bob.")].count("\n") + 1
    assert f"  # a.rst:{line}: not understood: Ask Bob.\n" in converted.text
    contact = parse_dataflow(converted.text).pair("contact")
    assert contact is not None
    assert [(p.name, p.as_written) for p in contact.properties][:2] == [
        ("cf_x", "integer"),
        ("first_name", "text(trim, max=60)"),
    ]


def test_two_documents_that_contradict_each_other_keep_the_first_and_tell() -> None:
    flow = dataflow("a <-> b\nc -> d", pair="match: [a]")
    right = rst(parse_dataflow(flow), to=Side.RIGHT)
    left = rst(
        parse_dataflow(flow.replace("a <-> b", "a <-> b | email") + "    policy: left\n"), to=Side.LEFT
    )
    converted = convert_own([(right, "right.rst"), (left, "left.rst")])
    (pair,) = parse_dataflow(converted.text).pairs
    assert (pair.policy, [(p.name, p.as_written) for p in pair.properties]) == (
        "newest",
        [("a", "same"), ("c", "same")],
    )
    told = sorted(entry.text for entry in converted.account.of("contradiction"))
    assert told == [
        'another policy than before: "left" after "newest"; the first is kept',
        "the property a is another one elsewhere; the first is kept",
    ]


def test_the_order_of_what_flows_one_way_is_the_same_whichever_direction_is_read_first() -> None:
    flow = parse_dataflow(dataflow("a <-> a\nb <- b\nc -> c\nd <- d\ne -> e\nf <-> f\ng <- g"))
    right, left = (rst(flow, to=side) for side in (Side.RIGHT, Side.LEFT))
    found = [
        [prop.name for prop in read(*texts).pairs[0].properties] for texts in ((right, left), (left, right))
    ]
    assert found == [list("acebdfg")] * 2


def test_one_direction_alone_makes_nothing_on_the_other_side() -> None:
    (pair,) = read(rst(parse_dataflow(dataflow("a <-> b\nc <- d")), to=Side.RIGHT)).pairs
    assert (pair.create, [p.name for p in pair.properties]) == (Both(False, True), ["a"])


def test_what_makes_no_sense_in_a_document_is_told_with_its_line() -> None:
    whole = rst(
        parse_dataflow(dataflow("a <-> b", pair="brakes: {create_count: 3}\nconstants: {left: {x: 1}}"))
    )
    broken = (
        whole.replace("``create 3 0.25``", "``speed 3``")
        .replace("gets ``1`` in ``x``", "gets ``{`` in ``x``")
        .replace("     - both ways\n", "     - sideways\n")
    )
    converted = convert_own([(broken, "a.rst")])
    assert sorted(entry.text for entry in converted.account.of("comment")) == [
        '"sideways" is no direction: write both ways, or to Custom ERP, or to Chargebee',
        '"speed 3" is no brake: write its kind, a count and a share',
        "this is no value: {",
    ]


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("a b", "``a b``"),
        ('"x"', '``"x"``'),
        ("a\\", "``a\\``"),
        (" a", '``~" a"``'),
        ("a`b", '``~"a\\x60b"``'),
        ('~"a"', '``~"~\\"a\\""``'),
        ("", '``~""``'),
        ("a\nb", '``~"a\\nb"``'),
        ("a   b", '``~"a \\x20 b"``'),
    ],
)
def test_any_name_can_stand_in_a_text_and_is_read_again(code: str, written: str) -> None:
    assert literal(code) == written
    assert read_text(f"x {written}.") == ("x ", Code(code), ".")


def test_words_with_marks_in_them_are_read_again() -> None:
    words = "a*b_ `c` |d| \\e :: f"
    page = Page("t", (Paragraph((words,)), Items(((words,), ("- x",))), Heading(2, "*h*")))
    whole = write_rst(page, "")
    assert messages("T\n=\n\n" + whole) == ""
    lines = whole.splitlines()
    assert read_text(lines[0]) == (words,)
    assert [read_text(line[2:]) for line in lines[2:4]] == [(words,), ("- x",)]


def test_a_cell_that_looks_like_a_list_is_none() -> None:
    cells: list[Text] = [("1. a",), ("* a",), ("(a) b",), ("A. b",), (">>> a",), (":a: b",), ("a",), ("é",)]
    page = Page("t", (Table(("1. x", "#. y"), tuple((cell, ()) for cell in cells), (1, 1)),))
    whole = write_rst(page, "")
    assert messages(whole) == ""
    tree = docutils.core.publish_doctree(whole)
    assert not [
        node
        for node in tree.findall()
        if "list" in type(node).__name__ and "table" not in type(node).__name__
    ]
    assert text("a", "", Code("b"), "c", "d") == ("a", Code("b"), "cd")


def test_two_systems_of_one_name_are_told_apart() -> None:
    flow = parse_dataflow(dataflow("a -> b", pair="create: left\nwhere: {left: x}"))
    whole = rst(flow, systems=Both("Same", "Same"))
    assert "Same (left)" in whole
    assert stated(read(whole)) == stated(flow)


def test_a_transformation_that_no_line_can_spell_is_json() -> None:
    spelled = {"lookup": {"a": 'it\'s "so", or'}}
    flow = parse_dataflow(dataflow(f"{{map: a <-> b, as: {json.dumps(spelled)}}}"))
    assert json.loads(flow.pairs[0].properties[0].as_written) == spelled
    assert stated(read(rst(flow))) == stated(flow)


def test_a_proposed_dataflow_of_a_database_is_written_and_read_as_the_same() -> None:
    fields = [
        Field("email", "text"),
        Field("full_name", "text"),
        Field("currency", "text"),
        Field("price", "decimal"),
    ]
    shop = {
        "customer": Entity("customer", (*fields, Field("city", "text")), Abilities()),
        "product": Entity("product", (Field("code", "text"), *fields), Abilities()),
        "sale": Entity(
            "sale",
            (
                Field("reference", "text"),
                Field("order_date", "date"),
                Field("customer_id", "text", reference="customer"),
                Field("status", "text", choices=("draft", "confirmed", "sent", "cancelled")),
                Field("lines", "list"),
            ),
            Abilities(),
        ),
    }
    lines = Lines("sale", "lines", ("description", "qty", "price", "product_id"), {"product_id": "product"})
    flow = parse_dataflow(propose(shop, [lines], "EUR"))
    assert len(flow.pairs) == 3
    assert stated(read(rst(flow, Both({}, shop)))) == stated(flow)
