"""How a dataflow's words become a transformation, and what it is told when they don't."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instep.core.model import Both, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import (
    Arguments,
    Canon,
    Flow,
    Lookup,
    Opaque,
    Scalar,
    Unfit,
    canon_key,
    opaque,
)
from instep.core.transformations.country_table import COUNTRIES, find_country
from instep.core.transformations.currencies import EXPONENTS
from instep.core.transformations.phone import CALLING_CODES
from instep.core.transformations.registry import MAKERS, build
from instep.core.values import ABSENT, Raw
from tests.core.laws import LINKS, anything


@pytest.mark.parametrize(
    ("text", "name", "words", "named"),
    [
        ("same", "same", (), ()),
        (" text ( trim , max = 70 ) ", "text", ("trim",), (("max", 70),)),
        ("same()", "same", (), ()),
        ("lookup(0=immediate, 30=net30)", "lookup", (), ((0, "immediate"), (30, "net30"))),
        ("lookup('0'=NO, true=no)", "lookup", (), (("0", "NO"), (True, "no"))),
        ("lookup(a='x, y', \"b=c\"=null)", "lookup", (), (("a", "x, y"), ("b=c", None))),
        ("join(', ')", "join", (", ",), ()),
        (r"join('\n')", "join", ("\n",), ()),
        ("default(1.5, as=lookup(0=a, 1=b))", "default", (Decimal("1.5"),), (("as", "lookup(0=a, 1=b)"),)),
        ("own.module:make(007, -3)", "own.module:make", ("007", -3), ()),
        ("x(it's, 5' tall)", "x", ("it's", "5' tall"), ()),
    ],
)
def test_the_spelling_of_a_transformation(
    text: str, name: str, words: tuple[Scalar, ...], named: tuple[tuple[Scalar, Scalar], ...]
) -> None:
    assert parse(text) == (name, Arguments(words, named))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not the name of a transformation"),
        ("5(x)", "is not the name of a transformation"),
        ("text(trim", "lacks its closing bracket"),
        ("text(trim))", "has a closing bracket too many"),
        ("text((trim)", "lacks a closing bracket"),
        ("text('trim)", "lacks a closing quote"),
        ("text(trim,)", "has a comma with nothing beside it"),
        ("lookup(a=b=c)", 'has more than one "="'),
    ],
)
def test_a_spelling_that_makes_no_sense_is_refused_with_a_sentence(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.text(max_size=30) | st.text("ab(),='\"\\ 01.", max_size=20).map(lambda text: f"x({text})"))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        name, _ = parse(text)
    except ValueError as error:
        assert str(error)
    else:
        assert name


REFUSED = [
    ("txt", "there is no transformation txt: did you mean text?"),
    ("frobnicate", "there is no transformation frobnicate; known are boolean, "),
    ("text(trm)", 'text takes no "trm": did you mean trim?'),
    ("same(x)", 'same takes no "x"; it takes none'),
    ("text(lower, upper)", "text: lower and upper exclude each other"),
    ("text(max=0)", "text: max must be a whole number from 1 to 1000000, not 0"),
    ("text(max=true)", "text: max must be a whole number"),
    ("text(max=5, max=6)", "text: max is given 2 times"),
    ("integer(text=rigth)", 'integer: text can\'t be "rigth": did you mean right?'),
    ("boolean(right=Y)", "boolean: right must be two words with a slash between"),
    ("boolean(right=Y/y)", "boolean: right must be two words with a slash between"),
    ("money", "money: the left side holds minor units, but in which currency"),
    ("money(EUUR)", "is not a currency code of ISO 4217"),
    ("timestamp(zone=Europe/Olso)", 'there is no time zone "Europe/Olso"'),
    ("timestamp(zone=../etc)", "there is no time zone"),
    ("timestamp(left=secnds)", 'left can\'t be "secnds": did you mean seconds?'),
    ("date(DD.MM)", 'date: right can\'t be "DD.MM"'),
    ("lookup", "lookup: the table is empty"),
    ("lookup(null=x)", "lookup: an empty value always stands for an empty one"),
    ("lookup(a=1, else=2)", 'lookup: "2" is none of the right values'),
    ("country(left=alpha4)", 'country: left can\'t be "alpha4": did you mean alpha'),
    ("phone(Narnia)", "phone: no calling code is known"),
    ("reference", "reference: name the entity on each side"),
    ("default(as=integer)", "default: which value"),
    ("default(x, as=integer)", "default: the value can't be read"),
    ("default(x, as=reference(a, b))", "default: the value can't be read: it is empty, or a reference"),
    ("default(left=0, right=1, as=integer)", "the values of the two sides don't mean the same"),
    ("default(0, as=intger)", "there is no transformation intger: did you mean integer?"),
    ("default(0, as=integer, as=text)", "as= is given more than once"),
    ("constant", "constant: which value"),
    ("own.module:thing", "own.module:thing can't be loaded here"),
]


@pytest.mark.parametrize(("spelling", "why"), REFUSED)
def test_arguments_that_make_no_sense_are_refused_with_a_sentence(spelling: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        build(*parse(spelling))
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("spelling", "fields", "contexts", "why"),
    [
        ("text", Both(2, 1), Both(0, 0), "text maps one field on each side, not 2 and 1"),
        ("join", Both(1, 1), Both(0, 0), "join maps one field on one side and two or more on the other"),
        ("join", Both(2, 2), Both(0, 0), "join maps one field on one side and two or more on the other"),
        ("join('')", Both(2, 1), Both(0, 0), "join: the separator is empty"),
        ("names", Both(3, 1), Both(0, 0), "names maps two fields"),
        ("flags(a)", Both(2, 1), Both(0, 0), "flags: name a word of its own for each of the 2 fields"),
        ("flags(a, a)", Both(2, 1), Both(0, 0), "flags: name a word of its own for each of the 2 fields"),
        ("flags(a, b, separator=' ')", Both(2, 1), Both(0, 0), "flags: the separator must not be blank"),
        ("money(EUR)", Both(1, 1), Both(2, 0), "money reads at most 1 context fields, not 2 on the left"),
        ("text", Both(1, 1), Both(0, 1), "text reads at most 0 context fields, not 1 on the right"),
    ],
)
def test_the_numbers_of_fields_are_checked(
    spelling: str, fields: Both[int], contexts: Both[int], why: str
) -> None:
    with pytest.raises(ValueError) as caught:
        build(*parse(spelling), fields, contexts)
    assert why in str(caught.value)


@pytest.mark.parametrize("name", MAKERS)
def test_every_entry_has_its_page_in_the_reference(name: str) -> None:
    maker = MAKERS[name]
    assert maker.name == name
    assert maker.summary.endswith(".")
    assert (" -> " if maker.one_way else " <-> ") in maker.example
    assert all(maker.arguments.values())


FLOWS: dict[str, Flow] = {"<->": "both", " -> ": "to-right"}


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ("nested", "lines")])
def test_the_example_of_every_entry_can_be_built(name: str) -> None:
    mapping, _, spelling = MAKERS[name].example.partition("|")
    left, arrow, right = mapping.partition(" -> " if MAKERS[name].one_way else "<->")
    built, arguments = parse(spelling or "same")
    assert built == name
    build(built, arguments, Both(len(left.split(",")), len(right.split(","))), flow=FLOWS[arrow])


def test_the_tables_are_whole() -> None:
    assert len(COUNTRIES) == 250
    assert len({country.alpha3 for country in COUNTRIES.values()}) == 250
    assert len({country.numeric for country in COUNTRIES.values()}) == 250
    assert all(len(country.numeric) == 3 for country in COUNTRIES.values())
    assert {find_country(country.name) for country in COUNTRIES.values()} == set(COUNTRIES.values())
    assert set(CALLING_CODES) < set(COUNTRIES)
    assert (EXPONENTS["EUR"], EXPONENTS["JPY"], EXPONENTS["KWD"], EXPONENTS["CLF"]) == (2, 0, 3, 4)
    assert all(len(code) == 3 for code in EXPONENTS)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(anything, anything)
def test_an_opaque_equals_that_of_the_same_value_alone(one: object, other: object) -> None:
    assert opaque((one,), "why") == opaque((one,), "another reason")
    if type(one) is not type(other):
        same_number = isinstance(one, int | Decimal) and isinstance(other, int | Decimal)
        assert same_number or opaque((one,), "") != opaque((other,), "")


def test_equal_canonical_values_have_the_same_key() -> None:
    pairs: list[tuple[Canon, Canon]] = [
        (1, Decimal("1.0")),
        (True, 1),
        (Decimal("-0"), 0),
        (Decimal("1.50"), Decimal("1.5")),
        (10**70, Decimal("1E70")),
        (("a", 1), ("a", Decimal(1))),
    ]
    for one, other in pairs:
        assert one == other
        assert canon_key(one) == canon_key(other)
    different: list[Canon] = [None, 0, "0", "", (), ("0",), ("", ""), ((),), Decimal("0.1"), -1, "None"]
    assert len({canon_key(canon) for canon in different}) == len(different)


class Reversed:
    """A transformation of a user's own."""

    def canon(self, side: Side, raw: Raw, lookup: Lookup) -> Canon:
        return str(raw[0]) if side is Side.LEFT else str(raw[0])[::-1]

    def put(self, side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        return (str(canon) if side is Side.LEFT else str(canon)[::-1],)


class Careless(Reversed):
    def __init__(self, written: object = ("lost",), canon: object = None) -> None:
        self.written, self.read = written, canon

    def canon(self, side: Side, raw: Raw, lookup: Lookup) -> Canon:
        if raw[0] == "explode":
            raise KeyError("a secret")
        if raw[0] == "list":
            return []  # type: ignore[return-value]
        return Opaque("", "it said so") if raw[0] == "opaque" else super().canon(side, raw, lookup)

    def put(self, side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        if isinstance(self.written, Exception):
            raise self.written
        return self.written  # type: ignore[return-value]


def test_a_users_own_object_class_or_function_is_a_transformation() -> None:
    for found in (Reversed(), Reversed, lambda: Reversed()):
        subject = build("mine:it", Arguments(), load=lambda name, found=found: found)  # type: ignore[misc]
        assert subject.put(Side.RIGHT, subject.canon(Side.LEFT, ("abc",), LINKS), (ABSENT,), LINKS) == (
            "cba",
        )


def test_a_users_own_function_gets_the_arguments() -> None:
    asked: list[str] = []
    got: list[object] = []

    def factory(*words: object, **named: object) -> Reversed:
        got.extend([*words, named])
        return Reversed()

    def load(name: str) -> object:
        asked.append(name)
        return factory

    build(*parse("mine:factory(1, x, width=2)"), load=load)
    assert asked == ["mine:factory"]
    assert got == [1, "x", {"width": 2}]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (5, "is neither an object with canon and put nor a function that makes one"),
        (lambda: 5, "made int, which has no canon and put"),
        (lambda: 1 / 0, "could not be made: ZeroDivisionError"),
    ],
)
def test_what_is_no_transformation_is_refused(found: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        build("mine:it", Arguments(), load=lambda name: found)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("explode", "mine:it could not read it: KeyError"),
        ("list", "mine:it could not read it: TypeError"),
        ("opaque", "it said so"),
    ],
)
def test_what_a_users_own_code_can_not_read_is_opaque(raw: str, why: str) -> None:
    subject = build("mine:it", Arguments(), load=lambda name: Careless())
    canon = subject.canon(Side.LEFT, (raw,), LINKS)
    assert isinstance(canon, Opaque)
    assert canon.why == why


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (("lost",), "reads what it wrote as something else"),
        (("a", "b"), "must give a tuple of 1 values"),
        ((ABSENT,), "must give a tuple of 1 values"),
        ("cba", "must give a tuple of 1 values"),
        (RuntimeError("a secret"), "could not write it: RuntimeError"),
        (Unfit("too long"), "too long"),
    ],
)
def test_what_a_users_own_code_writes_wrongly_is_unfit(written: object, why: str) -> None:
    subject = build("mine:it", Arguments(), load=lambda name: Careless(written))
    answer = subject.put(Side.RIGHT, subject.canon(Side.LEFT, ("abc",), LINKS), (ABSENT,), LINKS)
    assert isinstance(answer, Unfit)
    assert why in answer.why
    assert "secret" not in answer.why
