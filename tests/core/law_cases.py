"""For every entry of the registry: ways to spell it, and generators of raw values that make sense to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from hypothesis import strategies as st

from instep.core.model import Both
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Flow, SubProperty, Transformation
from instep.core.transformations.registry import build
from instep.core.values import ABSENT, Json, Raw
from tests.core.laws import anything

Values = st.SearchStrategy[Json]


NO_CONTEXTS: Both[tuple[Values, ...]] = Both((), ())


@dataclass(frozen=True)
class Case:
    """One spelling of a transformation and what it is fed.

    `sensible`: per side a strategy for the mapped values, one strategy per field; what it gives must be
    readable and fit on the other side, unless `fits` is False. `contexts`: likewise for context fields; with
    a context, the two sides are given the same one where `same_context` says so.
    """

    spelling: str
    sensible: Both[tuple[Values, ...]]
    contexts: Both[tuple[Values, ...]] = NO_CONTEXTS
    properties: Callable[[], tuple[SubProperty, ...]] = tuple
    fits: bool = True
    flow: Flow = "both"

    @property
    def name(self) -> str:
        return parse(self.spelling)[0]

    @cached_property
    def subject(self) -> Transformation:
        name, arguments = parse(self.spelling)
        arguments = replace(arguments, properties=self.properties())
        return build(name, arguments, self.sensible.map(len), self.contexts.map(len), flow=self.flow)

    def raw(
        self, side_values: tuple[Values, ...], side_contexts: tuple[Values, ...], sensible: bool
    ) -> st.SearchStrategy[Raw]:
        mapped = side_values if sensible else tuple(value | anything for value in side_values)
        around = (
            side_contexts
            if sensible
            else tuple(value | anything | st.just(ABSENT) for value in side_contexts)
        )
        return st.tuples(*mapped, *around)


def both(*values: Values) -> Both[tuple[Values, ...]]:
    return Both(values, values)


def sides(left: Values, right: Values) -> Both[tuple[Values, ...]]:
    return Both((left,), (right,))


words = st.text(st.characters(codec="utf-8"), max_size=15) | st.sampled_from(
    ["Ada Lovelace", "  Acme  AS ", "ÆØÅ"]
)
integers = st.integers(-(10**12), 10**12)
decimals = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=4)
json_values = st.recursive(
    st.none() | st.booleans() | integers | decimals | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
emails = st.sampled_from(
    [None, "", "Ada@Example.com", " bob@example.no ", "ada@example.com", "ÅSE@example.no"]
)
cents = st.integers(-(10**10), 10**10)
euros = cents.map(lambda n: Decimal(n).scaleb(-2))
currency_codes = st.sampled_from(["EUR", "NOK", "usd", "JPY", "KWD", "CLF"])
booleans = st.sampled_from([None, True, False])


def addresses(street: str, country: str) -> Values:
    countries = st.sampled_from(["NO", "SE", None])
    return st.none() | st.fixed_dictionaries(
        {},
        optional={street: words, country: countries, "id": integers, "note": words},
    )


def lines(price: str, amounts: Values) -> Values:
    line = st.fixed_dictionaries(
        {"text": words, price: amounts}, optional={"id": integers, "product": st.sampled_from([None, "cb-1"])}
    )
    return st.lists(line, max_size=4) | st.none()


def address_properties() -> tuple[SubProperty, ...]:
    return (
        SubProperty("street", Both(("line1",), ("street",)), build(*parse("text(trim, max=9)"))),
        SubProperty("country", Both(("country",), ("land",)), build(*parse("default(NO)"))),
    )


def line_properties() -> tuple[SubProperty, ...]:
    money = build(*parse("money"), contexts=Both(1, 0))
    return (
        SubProperty("text", Both(("text",), ("text",)), build(*parse("same"))),
        SubProperty("price", Both(("unit_price",), ("price",)), money, Both((0,), ())),
    )


def pick(*values: Json) -> Values:
    return st.sampled_from(values)


given_names = words | pick("Ada", "Anna Maria", None)
family_names = words | pick("Lovelace", "van der Berg", "", None)
full_names = pick("Ada Lovelace", "Vincent van Gogh", "Cher", "  Mary   Ann Smith ", None)
seconds = st.integers(-(10**9), 4 * 10**9)
days = st.dates(date(1900, 1, 1), date(2200, 1, 1)).map(lambda day: day.isoformat())
instants = st.tuples(days, st.times()).map(lambda pair: f"{pair[0]}T{pair[1].isoformat()}")
countries = pick("NO", "NOR", "578", "Norway", "no", "United States of America", "Åland", None, "", "FRA")
languages = pick("nb", "nb-NO", "en_US", "zh-Hant-TW", "EN", "", None, "sv_SE.UTF-8")

CASES = [
    Case("same", both(json_values)),
    Case("text", both(words)),
    Case("text(trim)", both(words)),
    Case("text(collapse, max=7)", both(words)),
    Case("text(trim, upper, nfc, max=5)", both(words)),
    Case("text(lower)", both(words)),
    Case("text(anycase, collapse)", both(words)),
    Case("email", both(emails)),
    Case("integer", both(integers | integers.map(str))),
    Case("integer(text=right)", both(integers)),
    Case("decimal", both(decimals | decimals.map(str))),
    Case("decimal(places=2, text=left)", both(decimals | decimals.map(str) | integers)),
    Case("boolean", both(booleans | pick("yes", "NO", "on", 1, "0"))),
    Case("boolean(not, right=Y/N)", sides(booleans, pick("Y", "N", "", "y", None))),
    Case("boolean(left=1/0)", sides(pick(0, 1, None), booleans)),
    Case("money(EUR)", sides(cents, euros | euros.map(str))),
    Case("money(JPY, text=right)", sides(cents, cents | cents.map(str))),
    Case("money(minor=none)", both(euros)),
    Case("money(decimals=3, minor=right)", sides(euros, cents)),
    Case("money", sides(cents, euros), Both((currency_codes,), ()), fits=False),
    Case("money(NOK)", sides(cents, euros), Both((currency_codes,), (currency_codes,)), fits=False),
    Case("currency", both(pick("EUR", "nok", " usd ", None, ""))),
    Case(
        "lookup(0=immediate, 14=net, 30=net, 60=long)",
        sides(pick(0, 14, 30, 60, "14"), pick("immediate", "net", " long ")),
    ),
    Case(
        "lookup(a=1, b=1, b=2, c=3, anycase, else=keep)",
        sides(pick("a", "B", "C", "x"), pick(1, 2, 3, "1", 9)),
    ),
    Case("lookup(a=x, else=x, else_left=a)", both(pick("a", "x", "q", None))),
    Case(
        "reference(customer, contact)",
        sides(pick("cb-1", "cb-2", None), pick("1001", 1002)),
    ),
    Case(
        "reference(customer, contact, integer=right)",
        sides(pick("cb-1", "cb-2", ""), pick(1001, None)),
    ),
    Case(
        "nested",
        sides(addresses("line1", "country"), addresses("street", "land")),
        properties=address_properties,
    ),
    Case(
        "lines",
        sides(lines("unit_price", cents), lines("price", euros)),
        Both((currency_codes,), ()),
        line_properties,
        fits=False,
    ),
    Case(
        "lines(anyorder)",
        sides(lines("unit_price", cents), lines("price", euros)),
        Both((st.just("EUR"),), ()),
        line_properties,
    ),
    Case("default(0, as=integer)", both(integers | st.none())),
    Case(
        "default(left=a, right=b, as='lookup(a=b, c=d)')",
        sides(pick("a", "c", "", None), pick("b", "d", None)),
    ),
    Case("constant(left=web, right=billing)", both(words)),
    Case("timestamp", sides(seconds, instants)),
    Case(
        "timestamp(left=milliseconds, right=iso)", sides(seconds.map(lambda s: s * 1000 + s % 1000), instants)
    ),
    Case("timestamp(date, zone=Europe/Oslo)", sides(seconds, days)),
    Case(
        "timestamp(local, zone=America/New_York)",
        sides(seconds | seconds.map(str), instants.map(lambda t: t[:19])),
    ),
    Case("timestamp(left=date, right=local, zone=Pacific/Apia)", sides(days, instants), fits=False),
    Case("date", both(days)),
    Case("date(right='DD.MM.YYYY')", sides(days, days.map(lambda d: f"{d[8:]}.{d[5:7]}.{d[:4]}"))),
    Case(
        "date(left=MM/DD/YYYY, right=seconds, zone=America/Sao_Paulo)",
        sides(pick("12/31/2024", None), seconds),
    ),
    Case("country", both(countries)),
    Case("country(alpha3)", both(countries)),
    Case("country(left=name, right=numeric)", both(countries | pick(578, 4))),
    Case("language", both(languages)),
    Case("language(tag)", both(languages)),
    Case("language(left=posix, right=tag)", both(languages)),
    Case(
        "phone",
        both(pick("+47 22 33 44 55", "0047-22334455", "22334455", "+1 (555) 010-0000 x12", None, "")),
        fits=False,
    ),
    Case("phone(NO)", both(pick("+47 22 33 44 55", "22334455", 22334455, "+44 (0)20 7946 0000", None, ""))),
    Case(
        "phone(GB)",
        both(pick("020 7946 0000", "+442079460000")),
        Both((pick("NO", "DE", None, "??"),), (pick("US"),)),
    ),
    Case("join", Both((words, words, words), (words,))),
    Case("join(', ')", Both((words,), (words, words))),
    Case("join('--')", Both((words | pick("a---b", "--"), words), (words | pick("a----b"),))),
    Case("names", Both((given_names, family_names), (full_names | words,))),
    Case("template('{1} {2}')", Both((words, words), (words,)), fits=False, flow="to-right"),
    Case("template('no. {1}')", sides(words, words | integers), fits=False, flow="to-left"),
    Case("flags(news, offers)", Both((booleans, booleans), (st.lists(pick("news", "offers", "vip")),))),
    Case(
        "flags(a, b, c, separator=;)", Both((pick("a;b", "c; x", "", None),), (booleans, booleans, booleans))
    ),
]
