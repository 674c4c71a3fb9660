"""The kinds of value that a record may hold, with the limits that the ERP enforces.

Kinds are annotated types for pydantic: they validate and describe themselves in the OpenAPI document.
A kind of our own raises `PydanticCustomError` with a code of `refusals` as its type.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from instep.sandbox.erp.iso import COUNTRIES, DECIMALS, LANGUAGES

UNIT_PRICE_DECIMALS = 4
TERMS_DAYS = (0, 14, 30, 45, 60, 90)


def _currency(code: str) -> str:
    if code not in DECIMALS:
        raise PydanticCustomError("not_allowed", "must be a currency code of ISO 4217, in capitals")
    return code


def _country(code: str) -> str:
    if code not in COUNTRIES:
        raise PydanticCustomError("not_allowed", "must be a country code of ISO 3166-1 alpha-2, in capitals")
    return code


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise PydanticCustomError("not_allowed", "must be one of {limit}", {"limit": ", ".join(LANGUAGES)})
    return code


def _terms(days: int) -> int:
    if days not in TERMS_DAYS:
        allowed = ", ".join(map(str, TERMS_DAYS))
        raise PydanticCustomError("not_allowed", "must be one of {limit}", {"limit": allowed})
    return days


def _date(text: str) -> str:
    try:
        # fromisoformat also takes weeks and days without dashes, which the ERP does not.
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise PydanticCustomError("invalid_format", "must be a date as YYYY-MM-DD")


def _decimal(value: Any) -> Decimal:
    """A whole number or a decimal in a text; never a float, which can't hold 0.1."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("wrong_type", 'must be a decimal in a text, such as "19.90"')
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or (isinstance(value, str) and not set(value) <= set("+-.0123456789")):
        raise PydanticCustomError("invalid_format", 'must be a decimal in a text, such as "19.90"')
    if abs(number) >= 10**12:
        raise PydanticCustomError("too_large", "must be below {limit}", {"limit": 10**12})
    return number


def decimals_of(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def plain(number: Decimal, least_decimals: int = 0) -> str:
    """A decimal as the ERP writes it: no exponent, no idle zeros beyond `least_decimals`."""
    idle = number.normalize()
    places = max(decimals_of(idle), least_decimals)
    return format(number.quantize(Decimal(1).scaleb(-places)), "f")


def _ranged(least: int | None, most: int | None, places: int) -> Any:
    def check(value: Any) -> str:
        number = _decimal(value)
        if decimals_of(number.normalize()) > places:
            raise PydanticCustomError(
                "too_many_decimals", "must have at most {limit} decimals", {"limit": places}
            )
        if least is not None and number < least:
            raise PydanticCustomError("too_small", "must be {limit} or more", {"limit": least})
        if most is not None and number > most:
            raise PydanticCustomError("too_large", "must be {limit} or less", {"limit": most})
        return plain(number)

    return check


def _prices(value: Any) -> dict[str, str | None]:
    """Currency to price; null takes a currency away. Each price gets its currency's number of decimals."""
    if not isinstance(value, dict):
        raise PydanticCustomError("wrong_type", "must be an object of currency to price")
    prices: dict[str, str | None] = {}
    for code, price in value.items():
        if code not in DECIMALS:
            raise PydanticCustomError("not_allowed", "{code} is not a currency of ISO 4217", {"code": code})
        if price is None:
            prices[code] = None
            continue
        number = _decimal(price)
        if number < 0:
            raise PydanticCustomError(
                "too_small", "{code} must not be below {limit}", {"code": code, "limit": 0}
            )
        places = DECIMALS[code]
        if decimals_of(number.normalize()) > places:
            raise PydanticCustomError(
                "too_many_decimals",
                "{code} must have at most {limit} decimals",
                {"code": code, "limit": places},
            )
        prices[code] = plain(number, places)
    return prices


_DECIMAL_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^[+-]?\d+(\.\d+)?$"})

Email = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")]
Phone = Annotated[str, StringConstraints(max_length=30, pattern=r"^\+?[0-9 ()./-]{3,}$")]
Url = Annotated[str, StringConstraints(max_length=255, pattern=r"^https?://[^\s]+$")]
Currency = Annotated[str, StringConstraints(min_length=3, max_length=3), AfterValidator(_currency)]
Country = Annotated[str, StringConstraints(min_length=2, max_length=2), AfterValidator(_country)]
Language = Annotated[
    str, AfterValidator(_language), WithJsonSchema({"type": "string", "enum": list(LANGUAGES)})
]
TermsDays = Annotated[
    int, AfterValidator(_terms), WithJsonSchema({"type": "integer", "enum": list(TERMS_DAYS)})
]
Date = Annotated[str, AfterValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Quantity = Annotated[str, PlainValidator(_ranged(0, 10**9, 4)), _DECIMAL_SCHEMA]
UnitPrice = Annotated[str, PlainValidator(_ranged(None, None, UNIT_PRICE_DECIMALS)), _DECIMAL_SCHEMA]
TaxRate = Annotated[str, PlainValidator(_ranged(0, 100, 4)), _DECIMAL_SCHEMA]
Prices = Annotated[
    dict[str, str | None],
    PlainValidator(_prices),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "null"]}}),
]
ExternalRef = Annotated[str, StringConstraints(max_length=64)]

# A name must not be empty.
Name20 = Annotated[str, StringConstraints(min_length=1, max_length=20)]
Name40 = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Name60 = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Name80 = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Name100 = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Text20 = Annotated[str, StringConstraints(max_length=20)]
Text30 = Annotated[str, StringConstraints(max_length=30)]
Text50 = Annotated[str, StringConstraints(max_length=50)]
Text60 = Annotated[str, StringConstraints(max_length=60)]
Text100 = Annotated[str, StringConstraints(max_length=100)]
Text250 = Annotated[str, StringConstraints(max_length=250)]
Text1000 = Annotated[str, StringConstraints(max_length=1000)]
Text2000 = Annotated[str, StringConstraints(max_length=2000)]
