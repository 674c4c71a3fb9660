"""The transformation `money`: 1234 in a currency's minor unit is 12.34, and 1234 yen are 1234.

The canonical value is the amount in the major unit, rounded to the currency's decimals where the currency is
known. The currency itself is not a part of it: map it as a property of its own.
"""

from __future__ import annotations

from decimal import Decimal

from instep.core.model import Both, Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Lookup, Maker, Transformation, Unfit
from instep.core.transformations.currencies import EXPONENTS, read_currency
from instep.core.transformations.lens import Junk, Lens, offered, shown
from instep.core.transformations.numbers import (
    as_text,
    like_old,
    plain,
    read_number,
    read_rounded,
    rounded,
    shifted,
)
from instep.core.values import Raw, is_empty


def _build(arguments: Arguments) -> Transformation:
    fields, contexts = arguments.fields, arguments.contexts
    given = Given("money", arguments)
    minor = given.choice("minor", ("left", "right", "both", "none"), "left")
    in_minor = Both.of(lambda side: minor in ("both", side.value))
    text = given.sides("text")
    decimals = given.integer("decimals", 0, 9)
    word = given.word()
    given.done()
    constant = "" if word is None else read_currency(word)
    if isinstance(constant, Junk):
        raise ValueError(f"money: {constant.why}")
    for side in Side:
        if in_minor[side] and not constant and decimals is None and not contexts[side]:
            raise ValueError(
                f"money: the {side.value} side holds minor units, but in which currency? Write money(EUR), "
                f"or name the field that holds the currency as context of the {side.value} side"
            )

    def places(side: Side, raw: Raw) -> int | Junk | None:
        """The number of decimals; None where no currency is known."""
        if decimals is not None:
            return decimals
        code = raw[1] if contexts[side] else None
        if is_empty(code) or not isinstance(code, str) or not code.strip():
            return EXPONENTS[constant] if constant else None
        known = read_currency(code)
        return known if isinstance(known, Junk) else EXPONENTS[known]

    def reader(side: Side, raw: Raw, _: Lookup) -> Canon | Junk:
        value = offered(raw[0])
        if isinstance(value, str) and not value.strip():
            return None
        exponent = places(side, raw)
        if isinstance(exponent, Junk):
            return exponent
        if not in_minor[side]:
            return read_rounded(value, exponent)
        number = read_number(value)
        if isinstance(number, Junk):
            return number
        if exponent is None:
            return Junk("the record has no currency to read the amount in")
        if isinstance(number, Decimal):
            return Junk(f"{shown(as_text(number))} is not a whole number of minor units")
        return plain(shifted(number, -exponent))

    def writer(side: Side, canon: Canon, old: Raw, _: Lookup) -> Raw | Unfit:
        exponent = places(side, old)
        if isinstance(exponent, Junk):
            return Unfit(exponent.why, f"correct the currency of the record on the {side.value} side")
        assert isinstance(canon, int | Decimal)
        if exponent is None:
            if in_minor[side]:
                return Unfit(
                    f"the record on the {side.value} side has no currency to write the amount in",
                    "give it one, or name a currency for all: money(EUR)",
                )
            return (like_old(canon, old[0], text[side]),)
        near = rounded(canon, exponent)
        amount = plain(shifted(near, exponent)) if in_minor[side] else plain(near)
        if near != canon or amount is None:
            return Unfit(
                f"{shown(as_text(canon))} has more than the {exponent} decimals of the currency there",
                "round the amount on the other side",
            )
        return (like_old(amount if in_minor[side] else near, old[0], text[side]),)

    return Lens(fields, reader, writer)


MAKERS = (
    Maker(
        "money",
        "An amount: a whole number of minor units on one side (1234), a decimal on the other (12.34).",
        _build,
        {
            "EUR": "the currency of every record, or of those whose context field is empty",
            "minor=left|right|both|none": "the sides that hold minor units; left if not said",
            "text=left|right|both": "the sides that hold text; an existing value keeps its kind",
            "decimals=N": "N decimals whatever the currency, for a system that departs from ISO 4217",
        },
        "price <-> list_price | money(EUR)",
        loses="digits beyond the currency's decimals are kept where they are, and don't travel",
        types=("integer", "decimal", "text"),
        contexts=1,
    ),
)
