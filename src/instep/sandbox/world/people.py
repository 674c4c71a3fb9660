"""One person as both systems would know them: drawn from a seeded generator, or computed from a number."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from instep.sandbox.world.lands import BY_CODE, LANDS, Land, Place, romanised, written

DOMAINS = ("example.test", "nordlys.example", "werft.example", "atelier.example", "mail.example")
LONG_NAME = (
    "Wolfeschlegelsteinhausenbergerdorff-Ravensburg-Hohenlohe-X"  # 58 characters: both systems take it
)


@dataclass(frozen=True)
class Person:
    """`phone` is the local form; `abroad` the same number with its country in front."""

    land: Land
    given: str
    family: str
    email: str
    phone: str
    abroad: str
    street: str
    place: Place
    company: str | None
    tax_number: str | None
    currency: str


def draw(chance: random.Random, number: int, currency: str | None = None) -> Person:
    """A person whose e-mail no other number shares; `currency` overrules that of the country."""
    land = chance.choice(LANDS)
    return _person(land, number, lambda count: chance.randrange(count), currency)


def computed(number: int) -> Person:
    """The same person for the same number, without a generator: for a hundred thousand of them."""
    land = LANDS[number % len(LANDS)]
    step = number // len(LANDS)

    def pick(count: int) -> int:
        nonlocal step
        # The multiplier and increment of a small linear congruential generator: spread, and repeatable.
        step = (step * 1664525 + 1013904223) % 4294967296
        return (step >> 8) % count

    return _person(land, number, pick, None)


def named(chance: random.Random, number: int, code: str, given: str, family: str) -> Person:
    """A person of a given name and country."""
    person = _person(BY_CODE[code], number, lambda count: chance.randrange(count), None)
    email = f"{romanised(given)}.{romanised(family)[:20]}{number}@example.test"
    return replace(person, given=given, family=family, email=email)


def _person(land: Land, number: int, pick: Callable[[int], int], currency: str | None) -> Person:
    given, family = land.given[pick(len(land.given))], land.family[pick(len(land.family))]
    domain = DOMAINS[pick(len(DOMAINS))]
    phone = digits(land.phone, pick)
    is_company = pick(3) == 0
    return Person(
        land=land,
        given=written(given),
        family=written(family),
        email=f"{romanised(given)}.{romanised(family)}{number}@{domain}",
        phone=phone,
        abroad=land.prefix + phone.removeprefix("0").replace("(", "").replace(")", ""),
        street=digits(land.streets[pick(len(land.streets))], pick),
        place=land.places[pick(len(land.places))],
        company=f"{written(family)} {'AS' if land.code == 'NO' else 'GmbH' if land.code == 'DE' else 'Ltd'}"
        if is_company
        else None,
        tax_number=digits(land.tax_number, pick) if is_company else None,
        currency=currency or land.currency,
    )


def digits(pattern: str, pick: Callable[[int], int]) -> str:
    """The pattern with each `#` as a digit; the first of a row of them is never 0."""
    text = []
    before = ""
    for letter in pattern:
        if letter == "#":
            text.append(str(pick(10) if before == "#" else 1 + pick(9)))
        else:
            text.append(letter)
        before = letter
    return "".join(text)
