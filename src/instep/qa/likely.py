"""Values for one field, by its name and its type: what most systems know, or a text that bears the mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from instep.core.values import Json

COUNTRIES: Final = ("NO", "DK", "CH", "AT", "BE", "SI")
CURRENCIES: Final = ("EUR", "NOK", "USD")
LANGUAGES: Final = ("en", "de", "fr", "sv", "fi", "es")
DAYS: Final = (30, 14, 60, 45, 90)
PERCENT: Final = (25, 20, 10)
"""Words and numbers that most systems know, where a field takes no others. The countries all have zip codes of four
digits, so that those of `BY_NAME` go with each."""


def texts(path: str, mark: str, number: int, room: int) -> Iterator[Json]:
    """Texts for a field with room for so many characters: what its name asks for, else one that fills it, then a
    short one."""
    last = path.rpartition(".")[2].casefold()
    for part, make in BY_NAME:
        if part in last:
            yield from make(mark, number)
            return
    words = f"{mark} {number} {path.replace('.', ' ').replace('_', ' ')}"
    short = words if len(words) <= room else f"{number:04} {mark}"[:room]
    yield short + " " + "x" * (room - len(short) - 1) if room > len(short) + 1 else short
    yield short


def numbers(path: str, number: int) -> Iterator[Json]:
    """Numbers for a field within a line of a list."""
    few: Sequence[int] = PERCENT if "tax" in path.casefold() else (number % 20 + 5,)
    yield from [Decimal(each) for each in few]
    yield from few


def _any(words: tuple[str, ...]) -> Callable[[str, int], Iterator[Json]]:
    def make(mark: str, number: int) -> Iterator[Json]:
        del mark, number
        yield from words

    return make


def _spelled(pattern: str) -> Callable[[str, int], Iterator[Json]]:
    def make(mark: str, number: int) -> Iterator[Json]:
        yield pattern.format(mark=mark, n=number)

    return make


def _zip(mark: str, number: int) -> Iterator[Json]:
    del mark
    yield str(1000 + number % 9000)


BY_NAME: Final[tuple[tuple[str, Callable[[str, int], Iterator[Json]]], ...]] = (
    ("email", _spelled("{mark}-{n}@qa.example")),
    ("phone", _spelled("+47 22 1{n:05}")),
    ("zip", _zip),
    ("postal", _zip),
    ("country", _any(COUNTRIES)),
    ("currency", _any(CURRENCIES)),
    ("locale", _any(LANGUAGES)),
    ("language", _any(LANGUAGES)),
    ("url", _spelled("https://qa.example/{mark}/{n}")),
    ("website", _spelled("https://qa.example/{mark}/{n}")),
    ("vat", _spelled("NO9{n:08}MVA")),
    ("tax", _spelled("NO9{n:08}MVA")),
    ("id", _spelled("{mark}-{n}")),
    ("code", _spelled("{mark}-{n}")),
)
"""Part of a field's name to a way to make values; the first one counts."""

BEGIN: Final = date(2026, 1, 1)


def typed(kind: str, number: int) -> Iterator[Json]:
    """Values of a type of field. Times are close to midnight, so that another zone shows in the day."""
    day = BEGIN + timedelta(days=number)
    moment = datetime(day.year, day.month, day.day, 23 if number % 2 else 0, 30, 20, tzinfo=UTC)
    amount = Decimal(number % 9000 + 1000).scaleb(-2)
    if kind in ("integer", "any"):
        yield from DAYS
        yield from [str(days) for days in DAYS]
    if kind in ("decimal", "any", "object"):
        yield amount
    if kind in ("decimal", "any", "object", "text"):
        yield str(amount)
    if kind in ("boolean", "any"):
        yield from (True, False)
    if kind in ("timestamp", "any"):
        yield int(moment.timestamp())
    if kind in ("datetime", "any", "text"):
        yield moment.isoformat().replace("+00:00", "Z")
    if kind in ("date", "any", "text"):
        yield day.isoformat()
