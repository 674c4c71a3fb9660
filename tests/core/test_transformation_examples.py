"""What each transformation is meant to do, by example: a value of one side, and what the other gets."""

from __future__ import annotations

import re
from decimal import Decimal as D

import pytest

from instep.core.model import Both, Side
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Flow, Opaque, Transformation, Unfit
from instep.core.transformations.registry import build
from instep.core.values import ABSENT, Json, Raw
from tests.core.laws import LINKS, equal

LEFT, RIGHT = Side


def make(spelling: str, fields: Both[int] | None = None, contexts: Both[int] | None = None) -> Transformation:
    return build(*parse(spelling), fields or Both(1, 1), contexts or Both(0, 0))


def to(side: Side, subject: Transformation, raw: Raw, old: Raw | None = None) -> Raw | Unfit:
    """What `side` gets from the other side's `raw`; `old` is what it holds, if anything."""
    return subject.put(side, subject.canon(side.other, raw, LINKS), old or (ABSENT,), LINKS)


TO_RIGHT: list[tuple[str, Json, Json]] = [
    ("same", D("1.50"), D("1.5")),
    ("same", D("2.00"), 2),
    ("same", "", None),
    ("same", [1, {"b": [], "a": None}], [1, {"a": None, "b": []}]),
    ("text(trim)", "  Acme AS ", "Acme AS"),
    ("text(collapse)", " Acme \t AS ", "Acme AS"),
    ("text(max=4)", "Acme AS", "Acme"),
    ("text(trim, max=5)", "Acme AS", "Acme"),
    ("text(lower)", "ACME", "acme"),
    ("text(upper, max=2)", "ßx", "SS"),
    ("text(nfc)", "e\u0301", "é"),
    ("text(anycase)", "McDonald", "McDonald"),
    ("text", 42, "42"),
    ("text", D("1.50"), "1.5"),
    ("text(trim)", "   ", None),
    ("email", " Ada@Example.com ", "Ada@Example.com"),
    ("integer", "30", 30),
    ("integer(text=right)", 30, "30"),
    ("integer", D("30.0"), 30),
    ("integer", " ", None),
    ("decimal", "12.50", D("12.5")),
    ("decimal(places=2, text=right)", D("1.005"), "1.01"),
    ("decimal(places=2, text=right)", "-0.001", "0.00"),
    ("decimal", "", None),
    ("boolean", "yes", True),
    ("boolean(right=Y/N)", False, "N"),
    ("boolean(not)", True, False),
    ("boolean(right=1/0)", True, 1),
    ("boolean", "", None),
    ("boolean", " ", None),
    ("lookup(as=1, b=2)", "as", 1),
    ("money(EUR)", 1234, D("12.34")),
    ("money(EUR)", "1200", D("12.00")),
    ("money(JPY)", 1234, D("1234")),
    ("money(KWD, text=right)", 1234, "1.234"),
    ("money(EUR, minor=both)", 1234, 1234),
    ("money(decimals=4)", 12345, D("1.2345")),
    ("money(EUR)", -5, D("-0.05")),
    ("money(EUR)", " ", None),
    ("money(EUR, minor=none)", D("12.345"), D("12.35")),
    ("currency", " nok ", "NOK"),
    ("currency", "", None),
    ("timestamp", 1_700_000_000, "2023-11-14T22:13:20Z"),
    ("timestamp(milliseconds)", 1_700_000_000, 1_700_000_000_000),
    ("timestamp(date, zone=Europe/Oslo)", 1_700_003_600, "2023-11-15"),
    ("timestamp(local, zone=Europe/Oslo)", 1_700_000_000, "2023-11-14T23:13:20"),
    ("timestamp(left=iso, right=seconds)", "2023-11-14T23:13:20.999+01:00", 1_700_000_000),
    ("timestamp(left=iso, right=milliseconds)", "2023-11-14T22:13:20.5Z", 1_700_000_000_500),
    ("timestamp(left=milliseconds, right=iso)", 1_700_000_000_500, "2023-11-14T22:13:20.500Z"),
    ("timestamp(left=iso, right=seconds, zone=Europe/Oslo)", "2023-11-15", 1_700_002_800),
    ("timestamp(left=iso, right=seconds)", "2023-11-14 22:13-0130", 1_700_005_380),
    ("timestamp", D("1700000000.9"), "2023-11-14T22:13:20Z"),
    ("timestamp", "", None),
    ("date(right='DD.MM.YYYY')", "2024-02-29", "29.02.2024"),
    ("date(left=MM/DD/YYYY)", "12/31/2024", "2024-12-31"),
    ("lookup(0=immediate, 30=net30)", 30, "net30"),
    ("lookup(0=immediate, 30=net30)", "30", "net30"),
    ("lookup('0'=a, 1=b)", 0, "a"),
    ("lookup(yes=1, no=0)", "no", 0),
    ("lookup(true=1, 1=2)", 1, 2),
    ("lookup(true=1, 1=2)", True, 1),
    ("lookup(14=net, 30=net)", 30, "net"),
    ("lookup(a=1, anycase)", " A ", 1),
    ("lookup(a=1, else=keep)", "b", "b"),
    ("lookup(a=1, z=9, else=9)", "q", 9),
    ("lookup(a=1, else=1)", "  ", None),
    ("country(alpha3)", "NO", "NOR"),
    ("country(name)", "578", "Norway"),
    ("country(numeric)", "Sverige", "752"),
    ("country", "The Netherlands", "NL"),
    ("country", "UK", "GB"),
    ("country", 4, "AF"),
    ("country", "", None),
    ("language", "nb-NO", "nb"),
    ("language(posix)", "nb", "nb_NO"),
    ("language(tag)", "ga", "ga"),
    ("language(left=posix, right=tag)", "zh_hant_tw.UTF-8", "zh-Hant-TW"),
    ("language", "", None),
    ("phone(NO)", "22 33 44 55", "+4722334455"),
    ("phone", "22 33 44 55", "22334455"),
    ("phone(GB)", "(020) 7946-0000", "+442079460000"),
    ("phone(IT)", "06 1234 5678", "+390612345678"),
    ("phone(US)", "1-555-010-0000 ext. 12", "+15550100000 ext. 12"),
    ("phone(HU)", "06 1 234 5678", "+3612345678"),
    ("phone(CI)", "07 12 34 56 78", "+2250712345678"),
    ("phone(RU)", "8 495 123 45 67", "+74951234567"),
    ("phone(NO)", "+44 (0)20 7946 0000", "+442079460000"),
    ("phone(NO)", "tel:0046-8-123456", "+468123456"),
    ("phone", " ", None),
    ("reference(customer, contact)", "cb-1", "1001"),
    ("reference(customer, contact, integer=right)", "cb-1", 1001),
    ("default(0, as=integer)", None, 0),
    ("default(left=NO, right=Norway, as=country(name))", "", "Norway"),
    ("constant(left=web, right=billing)", "anything", "billing"),
]


@pytest.mark.parametrize(("spelling", "left", "right"), TO_RIGHT)
def test_a_new_record_on_the_right_gets(spelling: str, left: Json, right: Json) -> None:
    written = to(RIGHT, make(spelling), (left,))
    assert not isinstance(written, Unfit)
    assert equal(written[0], right), written


TO_LEFT: list[tuple[str, Json, Json, Json]] = [
    ("money(EUR)", "12.34", ABSENT, 1234),
    ("money(EUR)", D("12.345"), 1234, 1235),
    ("money(EUR)", D("12.344"), 1234, 1234),
    ("money(EUR)", D("12.5"), "1234", "1250"),
    ("text(max=4)", "Acme", "Acme AS", "Acme AS"),
    ("text(max=4)", "Bcme", "Acme AS", "Bcme"),
    ("text", "7", 6, 7),
    ("text", "x7", 6, "x7"),
    ("text(anycase)", "ACME", "Acme", "Acme"),
    ("integer", 7, "6", "7"),
    ("integer(text=left)", 7, 6, 7),
    ("decimal(places=2)", D("1.5"), "1.00", "1.50"),
    ("boolean(right=Y/N)", "Y", "no", "yes"),
    ("boolean", True, "N", "Y"),
    ("boolean", True, "maybe", True),
    ("boolean", None, True, None),
    ("lookup(14=net, 30=net, 60=long)", "net", 30, 30),
    ("lookup(14=net, 30=net, 60=long)", "net", 60, 14),
    ("lookup(a=1, z=9, else_left=z)", 7, ABSENT, "z"),
    ("country", "NO", "Norge", "Norge"),
    ("country(left=numeric)", "SE", 578, 752),
    ("language(right=short)", "nb", "nb-NO", "nb-NO"),
    ("phone(NO)", "+47 22334455", "22 33 44 55", "22 33 44 55"),
    ("phone(NO)", "+47 22334456", "22 33 44 55", "+4722334456"),
    ("timestamp(date, zone=Europe/Oslo)", "2023-11-14", 1_700_000_000, 1_700_000_000),
    ("timestamp(date, zone=Europe/Oslo)", "2023-11-15", 1_700_000_000, 1_700_002_800),
    ("timestamp(date)", "2023-11-15", "1700000000", "1700006400"),
    ("reference(customer, contact)", 1002, "cb-1", "cb-2"),
    ("default(0, as=integer)", 0, None, None),
    ("default(0, as=integer)", 5, None, 5),
    ("constant(left=web, right=billing)", "anything", "mine", "mine"),
    ("email", None, "ada@example.com", None),
]


@pytest.mark.parametrize(("spelling", "right", "old", "left"), TO_LEFT)
def test_an_existing_record_on_the_left_then_holds(spelling: str, right: Json, old: Json, left: Json) -> None:
    written = to(LEFT, make(spelling), (right,), (old,))
    assert not isinstance(written, Unfit)
    assert equal(written[0], left), written


SAME: list[tuple[str, Json, Json]] = [
    ("same", D("1.50"), D("1.5")),
    ("same", {"a": 1, "b": [D("2.0")]}, {"b": [2], "a": 1}),
    ("email", "Ada@Example.COM", "ada@example.com"),
    ("text(collapse, anycase)", "ACME  as", " Acme AS"),
    ("boolean", 1, "on"),
    ("money(EUR)", 1234, "12.340"),
    ("phone(NO)", "0047 22 33 44 55", 22334455),
    ("default(0, as=integer)", "", "0"),
    ("default(left=a, right=b, as='lookup(a=b)')", None, "b"),
]


@pytest.mark.parametrize(("spelling", "left", "right"), SAME)
def test_two_spellings_of_one_value_agree(spelling: str, left: Json, right: Json) -> None:
    subject = make(spelling)
    assert subject.canon(LEFT, (left,), LINKS) == subject.canon(RIGHT, (right,), LINKS)


OPAQUE: list[tuple[str, Json, str]] = [
    ("same", 1.5, "a float is not JSON"),  # type: ignore[list-item]
    ("text", True, '"true" is not a text'),
    ("text", {"a": 1}, '"dict" is not a text'),
    ("email", "not an address", '"not an address" is not an e-mail address'),
    ("email", 5, '"5" is not an e-mail address'),
    ("integer", "12.5", '"12.5" is not a whole number'),
    ("integer", "1,000", '"1,000" is not a number'),
    ("decimal", 10**70, "a number has more than 60 digits"),
    ("decimal(places=0)", D("9" * 60 + ".9"), "a number has more than 60 digits"),
    ("boolean", "maybe", '"maybe" is neither yes nor no'),
    ("money(EUR)", D("12.5"), '"12.5" is not a whole number of minor units'),
    ("money(EUR)", "twelve", '"twelve" is not a number'),
    ("currency", "XYZ", '"XYZ" is not a currency code of ISO 4217'),
    ("timestamp", "soon", '"soon" is not a number of seconds'),
    ("timestamp", 10**12, "the time is outside the years 1 to 9999"),
    (
        "timestamp(left=iso)",
        "2024-13-01T00:00:00Z",
        '"2024-13-01T00:00:00Z" is not a date and time of ISO 8601',
    ),
    (
        "timestamp(left=iso)",
        "2024-01-01T25:00:00Z",
        '"2024-01-01T25:00:00Z" is not a date and time of ISO 8601',
    ),
    ("timestamp(left=iso)", "tomorrow", '"tomorrow" is not a date and time of ISO 8601'),
    ("date", "2023-02-29", '"2023-02-29" is not a date of that form'),
    ("date(left=DD.MM.YYYY)", "2023-02-28", '"2023-02-28" is not a date of that form'),
    ("lookup(a=1, b=2)", "c", '"c" is not in the lookup, whose left values are a, b'),
    ("lookup(a=1, else=keep)", [1], '"list" is not a value of a table'),
    ("country", "Narnia", '"Narnia" is not a country of ISO 3166'),
    ("language", "Norwegian!", '"Norwegian!" is not a language, such as nb or nb-NO'),
    ("phone", "call me", '"call me" is not a phone number'),
    ("phone", "12", '"12" has 2 digits; a phone number has 3 to 15'),
    ("reference(customer)", D("1.5"), '"Decimal" is not an id'),
    ("same", D("1e400"), "a number is too large or too fine to be compared"),
]


@pytest.mark.parametrize(("spelling", "left", "why"), OPAQUE)
def test_junk_is_opaque_says_why_and_does_not_travel(spelling: str, left: Json, why: str) -> None:
    subject = make(spelling)
    canon = subject.canon(LEFT, (left,), LINKS)
    assert isinstance(canon, Opaque)
    assert canon.why == why
    written = subject.put(RIGHT, canon, (None,), LINKS)
    assert isinstance(written, Unfit)
    assert why in written.why


UNFIT: list[tuple[str, Json, str]] = [
    ("lookup(a=1, else=keep)", "1", "means something else on the right side"),
    ("reference(customer, contact)", "cb-77", 'customer "cb-77" has no partner on the right side yet'),
    ("timestamp(left=date, right=seconds, zone=Pacific/Apia)", "2011-12-30", "can't say"),
    ("timestamp(left=date, right=seconds, zone=Europe/Oslo)", "0001-01-01", "can't say"),
]


@pytest.mark.parametrize(("spelling", "left", "why"), UNFIT)
def test_what_the_other_side_can_not_say_is_unfit_and_says_why(spelling: str, left: Json, why: str) -> None:
    written = to(RIGHT, make(spelling), (left,))
    assert isinstance(written, Unfit)
    assert why in written.why


def test_a_long_value_is_cut_in_a_message() -> None:
    canon = make("email").canon(LEFT, ("x" * 90 + "\x00",), LINKS)
    assert isinstance(canon, Opaque)
    assert canon.why == f'"{"x" * 40}…" is not an e-mail address'


def test_junk_equals_itself_alone() -> None:
    subject = make("integer")
    assert subject.canon(LEFT, ("abc",), LINKS) == subject.canon(RIGHT, ("abc",), LINKS)
    assert subject.canon(LEFT, ("abc",), LINKS) != subject.canon(LEFT, ("abd",), LINKS)


def test_clearing_a_field_clears_the_other_side() -> None:
    assert to(RIGHT, make("email"), ("",), ("ada@example.com",)) == (None,)
    assert to(RIGHT, make("money(EUR)"), (None,), (D("12.34"),)) == (None,)


def test_the_currency_of_the_record_decides_how_many_decimals_there_are() -> None:
    subject = make("money", contexts=Both(1, 0))
    assert to(RIGHT, subject, (1234, "EUR")) == (D("12.34"),)
    assert to(RIGHT, subject, (1234, "JPY")) == (1234,)
    assert to(LEFT, subject, (D("12.34"),), (ABSENT, "EUR")) == (1234,)
    lost = to(LEFT, subject, (D("12.34"),), (ABSENT, "JPY"))
    assert isinstance(lost, Unfit)
    assert lost.why == '"12.34" has more than the 0 decimals of the currency there'


@pytest.mark.parametrize("currency", [None, "", ABSENT])
def test_an_amount_in_minor_units_without_a_currency_is_held(currency: Json) -> None:
    subject = make("money", contexts=Both(1, 0))
    canon = subject.canon(LEFT, (1234, currency), LINKS)
    assert isinstance(canon, Opaque)
    written = to(LEFT, subject, (D("12.34"),), (ABSENT, currency))
    assert isinstance(written, Unfit)
    assert "no currency" in written.why


def test_an_amount_in_an_unknown_currency_is_held() -> None:
    subject = make("money(EUR)", contexts=Both(1, 1))
    canon = subject.canon(LEFT, (1234, "???"), LINKS)
    assert canon == subject.canon(LEFT, (1234, "!!!"), LINKS)
    assert isinstance(canon, Opaque)
    written = to(LEFT, subject, (D("12.34"), "EUR"), (ABSENT, "???"))
    assert isinstance(written, Unfit)
    assert "ISO 4217" in written.why


def test_the_named_currency_holds_where_the_record_has_none() -> None:
    subject = make("money(JPY)", contexts=Both(1, 1))
    assert to(RIGHT, subject, (1234, None), (ABSENT, None)) == (1234,)


def test_a_major_amount_whose_currency_is_not_known_is_not_rounded() -> None:
    subject = make("money", contexts=Both(1, 1))
    assert subject.canon(RIGHT, (D("12.345"), None), LINKS) == D("12.345")
    assert to(RIGHT, subject, (1234, "EUR"), (ABSENT, None)) == (D("12.34"),)


def test_the_country_of_the_record_completes_its_local_numbers() -> None:
    subject = make("phone(NO)", contexts=Both(1, 1))
    assert to(RIGHT, subject, ("08-123 456", "Sweden"), (ABSENT, "SE")) == ("+468123456",)
    assert to(RIGHT, subject, ("22334455", ABSENT), (ABSENT, None)) == ("+4722334455",)


def test_a_number_without_a_country_does_not_become_one_of_the_other_sides() -> None:
    subject = make("phone", contexts=Both(0, 1))
    written = to(RIGHT, subject, ("22334455",), (ABSENT, "NO"))
    assert isinstance(written, Unfit)
    assert "calling code" in written.why


def test_a_reference_waits_for_its_record_and_says_for_which() -> None:
    written = to(RIGHT, make("reference(customer, contact)"), ("cb-77",))
    assert isinstance(written, Unfit)
    assert written.waits_for is not None
    assert (written.waits_for.entity, written.waits_for.id) == ("customer", "cb-77")


def test_a_reference_of_a_side_can_be_written_back_to_that_side_before_it_is_linked() -> None:
    subject = make("reference(customer, contact)")
    canon = subject.canon(LEFT, ("cb-77",), LINKS)
    assert subject.put(LEFT, canon, ("cb-1",), LINKS) == ("cb-77",)


def test_a_reference_whose_partner_is_gone_is_unfit() -> None:
    class Forgetful:
        def link_of(self, side: Side, entity: str, id: str, other: str) -> object:
            return LINKS.link_of(side, entity, id, other)

        def id_of(self, link_id: int, side: Side) -> None:
            return None

    subject = make("reference(customer, contact)")
    canon = subject.canon(LEFT, ("cb-1",), LINKS)
    written = subject.put(RIGHT, canon, (ABSENT,), Forgetful())  # type: ignore[arg-type]
    assert isinstance(written, Unfit)
    assert "no partner on the right side any more" in written.why


def test_a_reference_that_must_be_a_number_and_is_none_is_unfit() -> None:
    subject = make("reference(contact, customer, integer=left)")
    written = to(LEFT, subject, ("1001",))
    assert isinstance(written, Unfit)
    assert make("reference(contact, customer)").canon(RIGHT, ("1001",), LINKS) == subject.canon(
        RIGHT, (1001,), LINKS
    )


NAMES: list[tuple[str, tuple[Json, Json], tuple[Json, Json]]] = [
    ("Ada Lovelace", (ABSENT, ABSENT), ("Ada", "Lovelace")),
    ("Cher", (ABSENT, ABSENT), (None, "Cher")),
    ("Anna Maria Lopez", (ABSENT, ABSENT), ("Anna Maria", "Lopez")),
    ("Vincent van Gogh", (ABSENT, ABSENT), ("Vincent", "van Gogh")),
    ("Maria de la Cruz", (None, None), ("Maria", "de la Cruz")),
    ("van Gogh", (None, None), ("van", "Gogh")),
    ("Anna Maria Lopez", ("Anna", "Maria Lopez"), ("Anna", "Maria Lopez")),
    ("Ana Maria Lopez", ("Anna", "Maria Lopez"), ("Ana", "Maria Lopez")),
    ("Anna Maria Perez", ("Anna", "Maria Lopez"), ("Anna", "Maria Perez")),
    ("Anna Berg", ("Anna", "Maria Lopez"), ("Anna", "Berg")),
    ("Cher", ("Cher", "Sarkisian"), ("Cher", None)),
    ("Ada  King", ("Ada", "Lovelace"), ("Ada", "King")),
    ("Ada King", (True, 5), ("Ada", "King")),
]


@pytest.mark.parametrize(("name", "old", "split"), NAMES)
def test_a_full_name_is_split_as_the_old_one_is_where_that_fits(
    name: str, old: tuple[Json, Json], split: tuple[Json, Json]
) -> None:
    assert to(LEFT, make("names", Both(2, 1)), (name,), old) == split


def test_given_and_family_name_are_joined() -> None:
    subject = make("names", Both(2, 1))
    assert to(RIGHT, subject, (" Ada ", "Lovelace")) == ("Ada Lovelace",)
    assert to(RIGHT, subject, (None, "Lovelace")) == ("Lovelace",)
    assert to(RIGHT, subject, (None, ""), ("Ada",)) == (None,)


def test_several_fields_are_joined_and_parted() -> None:
    subject = make("join(', ')", Both(3, 1))
    assert to(RIGHT, subject, ("Main St 1", "", "2nd floor")) == ("Main St 1, 2nd floor",)
    assert to(LEFT, subject, ("a, b",), (ABSENT,) * 3) == ("a", "b", None)
    assert to(LEFT, subject, ("a, b, c, d",), (ABSENT,) * 3) == ("a", "b", "c, d")
    assert isinstance(subject.canon(LEFT, ("a", [], {"b": 1}), LINKS), Opaque)


def test_a_separator_may_be_a_line_break() -> None:
    subject = make(r"join('\n')", Both(2, 1))
    assert to(LEFT, subject, ("Main St 1\n2nd floor",), (ABSENT,) * 2) == ("Main St 1", "2nd floor")


def test_flags_are_words_in_a_list_and_other_words_stay() -> None:
    subject = make("flags(news, offers)", Both(2, 1))
    assert to(RIGHT, subject, (True, False), (["vip", "offers"],)) == (["vip", "news"],)
    assert to(RIGHT, subject, (True, True)) == (["news", "offers"],)
    assert to(RIGHT, subject, (None, None), (["news"],)) == ([],)
    assert to(LEFT, subject, (["offers", "vip"],), (None, None)) == (False, True)
    assert to(RIGHT, subject, (True, None), ("vip",)) == ("vip,news",)
    assert isinstance(subject.canon(RIGHT, ([1],), LINKS), Opaque)
    assert isinstance(subject.canon(RIGHT, (5,), LINKS), Opaque)
    assert isinstance(subject.canon(LEFT, ("yes", None), LINKS), Opaque)


def test_flags_in_a_text_have_a_separator() -> None:
    subject = make("flags(a, b, separator=;)", Both(1, 2))
    assert to(LEFT, subject, (True, True)) == ("a;b",)
    assert to(RIGHT, subject, (" b ;x",), (ABSENT,) * 2) == (False, True)


def test_a_text_is_made_from_several_fields_and_never_taken_apart() -> None:
    label = build(*parse("template('{1} ({2})')"), Both(2, 1), flow="to-right")
    assert to(RIGHT, label, ("Ada", "Acme")) == ("Ada (Acme)",)
    assert to(RIGHT, label, ("Ada", None)) == ("Ada ()",)
    assert to(RIGHT, label, (None, "")) == (None,)
    back = label.put(LEFT, "Bob (Acme)", ("Ada", "Acme"), LINKS)
    assert isinstance(back, Unfit) and back.fix == "edit those fields instead"
    assert label.put(LEFT, "Ada (Acme)", ("Ada", "Acme"), LINKS) == ("Ada", "Acme")


@pytest.mark.parametrize(
    ("spelling", "flow", "fields", "why"),
    [
        ("template('{1}')", "both", Both(1, 1), "can't be read back. Make the property one-way"),
        ("template('{1}')", "to-left", Both(1, 2), ""),
        ("template('{1}')", "to-right", Both(1, 2), "it makes one text"),
        ("template('{1}')", "to-right", Both(2, 2), "makes one field of one or more"),
        ("template('{2}')", "to-right", Both(1, 1), "may have {1} to {1}"),
        ("template('{name}')", "to-right", Both(1, 1), "can't be filled"),
        ("template", "to-right", Both(1, 1), "the text is missing"),
    ],
)
def test_a_text_that_can_not_be_made_is_refused_before_any_run(
    spelling: str, flow: Flow, fields: Both[int], why: str
) -> None:
    if not why:
        assert build(*parse(spelling), fields, flow=flow)
        return
    with pytest.raises(ValueError, match=re.escape(why)):
        build(*parse(spelling), fields, flow=flow)


def test_the_second_showing_of_an_hour_reads_as_the_first_on_both_sides() -> None:
    subject = make("timestamp(local, zone=Europe/Oslo)")
    again = 1_729_992_600  # 2024-10-27 02:30 in Oslo, for the second time that night
    assert to(RIGHT, subject, (again,)) == ("2024-10-27T02:30:00",)
    assert subject.canon(LEFT, (again,), LINKS) == subject.canon(LEFT, (again - 3600,), LINKS)
