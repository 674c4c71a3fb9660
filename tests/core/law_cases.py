"""For every entry of the registry: ways to spell it, and generators of raw values that make sense to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from instep.core.model import Both
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import SubProperty, Transformation
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

    @property
    def name(self) -> str:
        return parse(self.spelling)[0]

    def make(self) -> Transformation:
        name, arguments = parse(self.spelling)
        arguments = replace(arguments, properties=self.properties())
        return build(name, arguments, self.sensible.map(len), self.contexts.map(len))

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
]
