"""YAML text to values with their places."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from instep.dataflow.yaml import MAX_CHARACTERS, quoted, read
from instep.errors import ConfigurationError
from tests.dataflow.texts import problems, told


def value(text: str) -> Any:
    return read(text, "a.yaml").value


@pytest.mark.parametrize(
    "word", ["NO", "no", "yes", "Yes", "on", "off", "y", "n", "12:30", "2026-01-31", "1_000"]
)
def test_a_word_that_older_yaml_takes_for_something_else_is_text(word: str) -> None:
    assert value(f"country: {word}") == {"country": word}


def test_norway_is_text_as_a_key_and_in_a_list_too() -> None:
    assert value("NO: [NO, on]") == {"NO": ["NO", "on"]}


def test_values_of_the_core_schema_have_their_types() -> None:
    text = "a: 1\nb: -2\nc: 1.50\nd: true\ne: null\nf: ~\ng:\nh: '1'\ni: 1e3\nj: text"
    assert value(text) == {
        "a": 1,
        "b": -2,
        "c": Decimal("1.50"),
        "d": True,
        "e": None,
        "f": None,
        "g": None,
        "h": "1",
        "i": Decimal("1e3"),
        "j": "text",
    }


def test_a_fraction_keeps_its_digits() -> None:
    assert str(value("rate: 0.10")["rate"]) == "0.10"


def test_keys_are_text_as_they_are_written() -> None:
    assert value("0: a\ntrue: b\n1.50: c") == {"0": "a", "true": "b", "1.50": "c"}


@pytest.mark.parametrize("number", ["007", "0x10", "0o17", ".inf", ".nan", "-.inf"])
def test_a_number_that_could_be_meant_otherwise_has_to_be_quoted(number: str) -> None:
    (problem,) = problems(read, f"code: {number}", "a.yaml")
    assert (problem.line, problem.column) == (1, 7)
    assert problem.what == f"{number} could be read in two ways"
    assert problem.fix == "put it in quotes"
    assert value(f"code: '{number}'") == {"code": number}


def test_an_empty_text_has_no_value() -> None:
    assert value("") is None
    assert value("# a comment\n") is None


def test_a_byte_order_mark_is_passed_over() -> None:
    assert value("\ufeffa: 1") == {"a": 1}


def test_every_value_and_key_has_its_place() -> None:
    document = read("a: 1\nb:\n  - x\n  - {c: d}\n", "a.yaml")
    assert document.place(("a",)) == (1, 4)
    assert document.place(("a",), key=True) == (1, 1)
    assert document.place(("b", 0)) == (3, 5)
    assert document.place(("b", 1, "c")) == (4, 9)
    assert document.place(("b", 1, "c"), key=True) == (4, 6)


def test_what_is_not_there_has_the_place_of_what_is_around_it() -> None:
    document = read("a:\n  b: {c: 1}\n", "a.yaml")
    assert document.place(("a", "b", "x", "y")) == (2, 6)
    assert read("", "a.yaml").place(("a",)) == (1, 1)


def test_all_that_is_left_out_is_told_at_once() -> None:
    text = "a: 1\na: 2\nb: &x 1\nc: *x\nd: !!str 5\n"
    assert told(read, text, "a.yaml") == (
        'a.yaml:2:1: error: "a" is here twice\n'
        "  why: it is already in line 1\n"
        "  fix: keep one of the two\n"
        "a.yaml:3:4: error: an anchor, &x\n"
        "  why: anchors are not read\n"
        "  fix: remove it\n"
        "a.yaml:4:4: error: an alias, *x\n"
        "  why: aliases are not read\n"
        "  fix: write the value out\n"
        "a.yaml:5:4: error: a tag, tag:yaml.org,2002:str\n"
        "  why: tags are not read\n"
        "  fix: remove it; quotes make a value a text"
    )


def test_a_second_document_is_refused() -> None:
    (problem,) = problems(read, "a: 1\n---\nb: 2\n", "a.yaml")
    assert (problem.line, problem.fix) == (2, "remove the ---")


def test_a_key_that_is_no_text_is_refused() -> None:
    (problem,) = problems(read, "? [a]\n: b\n", "a.yaml")
    assert problem.what == "a key that is not a text"


def test_a_bomb_of_aliases_is_refused_and_not_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert len(problems(read, "\n".join(lines), "a.yaml")) == 9 + 8 * 9


@pytest.mark.parametrize("text", ["- " * 5000, "[" * 5000, "{a: " * 5000])
def test_nesting_is_bounded(text: str) -> None:
    (problem,) = problems(read, text, "a.yaml")
    assert problem.what == "the file is nested too deeply"


def test_the_size_is_bounded() -> None:
    (problem,) = problems(read, "a" * (MAX_CHARACTERS + 1), "a.yaml")
    assert problem.what == "the file is too large"


def test_a_mistake_of_syntax_is_told_with_its_place_and_a_way_out() -> None:
    assert told(read, "a: b: c\n", "a.yaml") == (
        "a.yaml:1:5: error: this is not YAML\n"
        "  why: mapping values are not allowed here\n"
        '  fix: put quotes around a text that holds ": "'
    )
    assert "indent with spaces" in told(read, "a:\n\t- b\n", "a.yaml")


def test_a_character_that_no_file_may_hold_has_its_place() -> None:
    (problem,) = problems(read, "a: 1\nb: x\x00y\n", "a.yaml")
    assert (problem.line, problem.column, problem.what) == (2, 5, "this is not YAML")


def test_half_a_character_is_refused() -> None:
    (problem,) = problems(read, 'a: "\\ud800"', "a.yaml")
    assert (problem.column, problem.what) == (4, "half a character")


@pytest.mark.parametrize(
    "text", ["", "plain", 'a "b" \\ c', "a\nb\tc", "Ærø 名 𐀀", "\x00\x7f\x85\u2028\ufeff", "NO", "#: &"]
)
def test_a_quoted_text_is_read_back(text: str) -> None:
    assert value(f"a: {quoted(text)}") == {"a": text}


def test_a_text_that_is_read_again_is_a_document_of_its_own_file_and_value() -> None:
    first = read("names: [Ann]", "first.yaml")
    assert isinstance(first.value, dict)
    first.value["names"] = "changed by whoever has it"
    again = read("names: [Ann]", "again.yaml")
    assert (again.file, again.value) == ("again.yaml", {"names": ["Ann"]})
    for file in ("first.yaml", "again.yaml"):
        with pytest.raises(ConfigurationError) as caught:
            read("a: 01\na: 02", file)
        assert {problem.file for problem in caught.value.problems} == {file}
