"""The transformations `text` and `email`: what of a text counts, and how it is written."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from instep.core.model import Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import Arguments, Canon, Maker, Spelled, Transformation, Unfit
from instep.core.transformations.lens import Junk, one, shown
from instep.core.transformations.numbers import as_text, plain
from instep.core.values import Absent, Json

_address = re.compile(r"[^\s@]+@[^\s@]+\Z")
_digits = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")


def read_text(value: Json) -> str | Junk:
    """Text, or a number as its digits, since the same code may be text here and a number there."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = plain(value)
        return Junk("a number is too large to be a text") if number is None else as_text(number)
    return Junk(f"{shown(value)} is not a text")


def write_text(text: str, old: Json | Absent) -> Json:
    """As a number if the old value was one and the text spells one."""
    if isinstance(old, int) and not isinstance(old, bool) and _digits.match(text):
        return int(text)
    return text


def _build_text(arguments: Arguments) -> Transformation:
    given = Given("text", arguments)
    collapse = given.flag("collapse")
    trim = given.flag("trim") or collapse
    cases = [word for word in ("lower", "upper", "anycase") if given.flag(word)]
    nfc = given.flag("nfc")
    longest = given.integer("max", 1, 1_000_000)
    given.done()
    if len(cases) > 1:
        raise ValueError(f"text: {' and '.join(cases)} exclude each other")
    case = cases[0] if cases else ""

    def once(text: str) -> str:
        text = unicodedata.normalize("NFC", text) if nfc else text
        text = text.lower() if case == "lower" else text.upper() if case == "upper" else text
        text = " ".join(text.split()) if collapse else text.strip() if trim else text
        text = text if longest is None else text[:longest]
        return text.rstrip() if trim else text

    def settle(text: str) -> str:
        """Again until it stays: upper case may need normalising, and cutting may leave a blank at the end."""
        for _ in range(4):
            before, text = text, once(text)
            if before == text:
                break
        return text

    def read(_side: Side, value: Json) -> Canon | Junk:
        text = read_text(value)
        if isinstance(text, Junk):
            return text
        text = settle(text)
        if not text:
            return None
        return Spelled(text.casefold(), text) if case == "anycase" else text

    def write(_side: Side, canon: Canon, old: Json | Absent) -> Json | Unfit:
        text = canon.text if isinstance(canon, Spelled) else canon
        return write_text(text, old) if isinstance(text, str) else Unfit(f"{shown(text)} is not a text")

    return one(read, write)


def _build_email(arguments: Arguments) -> Transformation:
    Given("email", arguments).done()

    def read(_side: Side, value: Json) -> Canon | Junk:
        if not isinstance(value, str):
            return Junk(f"{shown(value)} is not an e-mail address")
        text = value.strip()
        if not text:
            return None
        if not _address.match(text):
            return Junk(f"{shown(text)} is not an e-mail address")
        return Spelled(text.casefold(), text)

    def write(_side: Side, canon: Canon, _old: Json | Absent) -> Json | Unfit:
        return canon.text if isinstance(canon, Spelled) else Unfit(f"{shown(canon)} is not an e-mail address")

    return one(read, write)


MAKERS = (
    Maker(
        "text",
        "Text, with what doesn't count as a difference named: blanks, case, what is beyond a length.",
        _build_text,
        {
            "trim": "blanks at both ends don't count",
            "collapse": "trim, and runs of blanks within count as one",
            "lower, upper": "compare and write in that case",
            "anycase": "compare without regard to case, write as spelled",
            "nfc": "compare and write in Unicode normal form C",
            "max=N": "only the first N characters count; a longer text is kept while its beginning agrees",
        },
        "company <-> name | text(trim, max=70)",
        loses="what the arguments say doesn't count, where it is the only difference",
        types=("text", "integer"),
    ),
    Maker(
        "email",
        "An e-mail address: blanks around it and case don't count.",
        _build_email,
        {},
        "email <-> email | email",
        loses="a difference in case alone doesn't travel",
        types=("text",),
    ),
)
