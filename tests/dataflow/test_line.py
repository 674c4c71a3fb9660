"""One property on one line."""

from __future__ import annotations

import pytest

from instep.core.dataflow import Part
from instep.dataflow.line import LineError, parse


def test_two_fields_and_an_arrow_are_a_property() -> None:
    line = parse("first_name <-> given_name")
    assert (line.parts.left, line.parts.right) == (Part(("first_name",)), Part(("given_name",)))
    assert (line.flow, line.transformation) == ("both", "same")


@pytest.mark.parametrize(("arrow", "flow"), [("<->", "both"), ("->", "to-right"), ("<-", "to-left")])
def test_the_arrow_says_which_way_it_flows(arrow: str, flow: str) -> None:
    assert parse(f"a {arrow} b").flow == flow


def test_several_fields_are_separated_by_commas() -> None:
    assert parse("first_name, last_name <-> name | names").parts.left.fields == ("first_name", "last_name")


def test_a_context_is_read_along_and_is_no_field() -> None:
    line = parse("amount with currency_code <-> total with head.currency | money")
    assert line.parts.left == Part(("amount",), ("currency_code",))
    assert line.parts.right == Part(("total",), ("head.currency",))
    assert line.transformation == "money"


def test_what_follows_the_first_bar_is_the_transformation() -> None:
    assert parse('a, b <-> c | join(" | ")').transformation == 'join(" | ")'
    assert parse("a <-> b | lookup(x=->, y=2)").transformation == "lookup(x=->, y=2)"


def test_a_field_may_have_single_blanks_and_other_scripts() -> None:
    assert parse("Payment Terms <-> Größe.名前").parts.left.fields == ("Payment Terms",)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a", '"a" maps nothing'),
        ("a->b", '"a->b" maps nothing'),
        ("a => b", '"=>" is not an arrow'),
        ("<-> b", "the left side is empty"),
        ("a <->", "the right side is empty"),
        ("a <-> | integer", "the right side is empty"),
        ("a <-> b |", "nothing follows the |"),
        ("a, <-> b", '"" is not a field, on the left side'),
        ("a.  <-> b", '"a." is not a field, on the left side'),
        ("a, a <-> b", '"a" is there twice, on the left side'),
        ("a with b with c <-> d", 'the left side has "with" twice'),
    ],
)
def test_a_line_that_says_too_little_is_told_apart(text: str, what: str) -> None:
    with pytest.raises(LineError) as caught:
        parse(text)
    assert caught.value.what == what
