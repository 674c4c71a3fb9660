"""Numbers as systems spell them: integers, decimals, text; and the transformations `integer` and `decimal`.

A canonical number is an int where it is whole and a Decimal without trailing zeros where it is not. Nothing
here is ever a float, and none has more than 60 digits on either side of the point.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from instep.core.model import Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Maker, Transformation, Unfit
from instep.core.transformations.lens import Junk, one, shown
from instep.core.values import Absent, Json

LONGEST = 60
_exact = Context(prec=4 * LONGEST, rounding=ROUND_HALF_UP)
_spelling = re.compile(r"[+-]?(?:[0-9]{1,60}(?:\.[0-9]{0,60})?|\.[0-9]{1,60})(?:[eE][+-]?[0-9]{1,2})?\Z")


def plain(value: int | Decimal) -> int | Decimal | None:
    """The canonical spelling of a number; None for one that is too large or too fine to be meant."""
    if isinstance(value, int):
        return int(value) if abs(value) < 10**LONGEST else None
    if not value.is_finite():
        return None
    if not value:
        return 0
    exponent = value.as_tuple().exponent
    if value.adjusted() >= LONGEST or not isinstance(exponent, int) or exponent < -2 * LONGEST:
        return None
    small = value.normalize(_exact)
    last = small.as_tuple().exponent
    return int(small) if isinstance(last, int) and last >= 0 else small


def read_number(value: Json) -> int | Decimal | Junk:
    """A number, or text that spells one ("12.50", "-3", "1e3"; a point, no thousands separators)."""
    if isinstance(value, str):
        text = value.strip()
        if not _spelling.match(text):
            return Junk(f"{shown(value)} is not a number")
        value = Decimal(text)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return Junk(f"{shown(value)} is not a number")
    number = plain(value)
    return Junk(f"a number has more than {LONGEST} digits") if number is None else number


def rounded(number: int | Decimal, places: int) -> Decimal:
    """With exactly `places` decimals, halves away from zero; never the number minus zero."""
    quantised = Decimal(number).quantize(Decimal(1).scaleb(-places), context=_exact)
    return quantised if quantised else abs(quantised)


def shifted(number: int | Decimal, places: int) -> Decimal:
    """Times ten to the power of `places`, exactly."""
    return Decimal(number).scaleb(places, _exact)


def read_rounded(value: Json, places: int | None) -> int | Decimal | Junk:
    """A number, rounded to `places` decimals; None leaves it as it is."""
    number = read_number(value)
    if isinstance(number, Junk) or places is None:
        return number
    near = plain(rounded(number, places))
    return Junk(f"a number has more than {LONGEST} digits") if near is None else near


def as_text(number: int | Decimal) -> str:
    """Without an exponent, and never "-0"."""
    return f"{Decimal(number):f}"


def like_old(number: int | Decimal, old: Json | Absent, text: bool) -> Json:
    """As text where the old value was text or, without one, where that side is said to want text."""
    if isinstance(old, str) and old:
        text = True
    elif isinstance(old, int | Decimal) and not isinstance(old, bool):
        text = False
    return as_text(number) if text else number


def _build_integer(arguments: Arguments) -> Transformation:
    given = Given("integer", arguments)
    text = given.sides("text")
    given.done()

    def read(_side: Side, value: Json) -> Canon | Junk:
        if isinstance(value, str) and not value.strip():
            return None
        number = read_number(value)
        if isinstance(number, Decimal):
            return Junk(f"{shown(as_text(number))} is not a whole number")
        return number

    def write(side: Side, canon: Canon, old: Json | Absent) -> Json | Unfit:
        if not isinstance(canon, int):
            return Unfit(f"{shown(canon)} is not a whole number", "correct the value on the other side")
        return like_old(int(canon), old, text[side])

    return one(read, write)


def _build_decimal(arguments: Arguments) -> Transformation:
    given = Given("decimal", arguments)
    places = given.integer("places", 0, 30)
    text = given.sides("text")
    given.done()

    def read(_side: Side, value: Json) -> Canon | Junk:
        if isinstance(value, str) and not value.strip():
            return None
        return read_rounded(value, places)

    def write(side: Side, canon: Canon, old: Json | Absent) -> Json | Unfit:
        if not isinstance(canon, int | Decimal):
            return Unfit(f"{shown(canon)} is not a number", "correct the value on the other side")
        return like_old(canon if places is None else rounded(canon, places), old, text[side])

    return one(read, write)


_text_argument = {
    "text=left|right|both": "the sides that hold the number as text; an existing value keeps its kind"
}

MAKERS = (
    Maker(
        "integer",
        "A whole number, held as a number or as text.",
        _build_integer,
        _text_argument,
        "net_term_days <-> payment_terms_days | integer",
        types=("integer", "decimal", "text"),
    ),
    Maker(
        "decimal",
        "A number with a fraction, compared as a number: 1.5 is 1.50.",
        _build_decimal,
        {"places=N": "compare and write with N decimals, halves rounded away from zero", **_text_argument},
        "tax_rate <-> vat_percent | decimal(places=2)",
        loses="digits after the last of `places` are kept where they are, and don't travel",
        types=("integer", "decimal", "text"),
    ),
)
