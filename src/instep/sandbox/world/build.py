"""The company: "Nordlys", a maker of sensors that bills with Chargebee and keeps its books in an ERP.

Both systems have grown apart for years. Part of the people and products are known to both, with small
differences; the orders are not. Everything follows from the seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from instep.sandbox.world import shapes
from instep.sandbox.world.goods import CATALOGUE, EXPONENTS, WAREHOUSE, Good
from instep.sandbox.world.orders import chargebee_orders, erp_orders
from instep.sandbox.world.people import LONG_NAME, Person, draw, named
from instep.sandbox.world.shapes import Record, iso

UNTIL_S = 1_788_220_800  # 2026-09-01: all moments lie before it
_DAY_S = 86_400
_FIRST_ERP_ID = 1001
_ONLY_IN_THE_ERP = 5_000_000  # numbers that no customer has, so that no e-mail is the same by chance
_ENTITIES = ("Nordlys Norge AS", "Nordlys Sverige AB", "Nordlys Deutschland GmbH", "Nordlys France SARL")
_CHARGEBEE_ENTITIES = (*_ENTITIES, "Nordlys 日本 K.K.", "Nordlys Labs")
_ERP_CUSTOMERS = (*_ENTITIES, "Fjord Eiendom AS", "Werft Kiel KG", "Atelier Bourg", "Polar Logistikk AS")


@dataclass(frozen=True)
class World:
    """`chargebee` and `erp` are the bodies of `POST /_console/load`.

    What is true: `same` holds, by Chargebee resource, the (Chargebee id, ERP id) of records that are one
    thing; `ambiguous` the e-mails, in small letters, that two records of one side share; `refused` the
    Chargebee customers that the ERP won't take as they are, with the reason.
    """

    seed: int
    scale: float
    chargebee: dict[str, list[Record]]
    erp: dict[str, list[Record]]
    same: dict[str, tuple[tuple[str, str], ...]]
    ambiguous: tuple[str, ...]
    refused: dict[str, str]


@dataclass(frozen=True)
class _Counts:
    customers: int
    contacts: int
    shared: int
    shared_goods: int
    orders: int
    erp_orders: int


def build_world(seed: int = 1, scale: float = 1.0) -> World:
    """The company from a seed. `scale` multiplies people and orders; the catalogue stays as it is."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    counts = _Counts(
        customers=max(8, round(160 * scale)),
        contacts=max(8, round(150 * scale)),
        shared=max(6, round(90 * scale)),
        shared_goods=30,
        orders=max(4, round(70 * scale)),
        erp_orders=max(2, round(40 * scale)),
    )
    entities, entity_links, parents = _entities(chance)
    people = _people(chance, counts, entities, parents)
    goods = _goods(chance, counts)
    buyers = [row for row in people.customers if row["preferred_currency_code"] in EXPONENTS]
    invoices, orders = chargebee_orders(chance, counts.orders, buyers, goods.items, UNTIL_S)
    return World(
        seed=seed,
        scale=scale,
        chargebee={
            "business_entities": entities,
            "customers": people.customers,
            "item_families": shapes.item_families(UNTIL_S - 900 * _DAY_S),
            "items": [row for _, row in goods.items],
            "item_prices": goods.prices,
            "invoices": invoices,
            "orders": orders,
        },
        erp={
            "customers": parents,
            "contacts": people.contacts,
            "products": goods.products,
            "orders": erp_orders(chance, counts.erp_orders, people.contacts, goods.products, UNTIL_S),
        },
        same={"business_entities": entity_links, "customers": people.same, "items": goods.same},
        ambiguous=people.ambiguous,
        refused=people.refused,
    )


def _entities(chance: random.Random) -> tuple[list[Record], tuple[tuple[str, str], ...], list[Record]]:
    begin_s = UNTIL_S - 1000 * _DAY_S
    entities = [
        {
            "id": f"be_{place + 1:02d}{name.split()[1][:6].encode('ascii', 'ignore').decode() or 'Tokyo'}",
            "name": name,
            "status": "active",
            "created_at": begin_s + place * _DAY_S,
            "updated_at": begin_s + place * _DAY_S,
        }
        for place, name in enumerate(_CHARGEBEE_ENTITIES)
    ]
    parents: list[Record] = []
    for place, name in enumerate(_ERP_CUSTOMERS):
        person = draw(chance, 9000 + place)
        parents.append(
            {
                "id": str(_FIRST_ERP_ID + place),
                "number": f"C-{10 + place}",
                "name": name,
                "email": f"post{place}@nordlys.example",
                "phone": person.abroad,
                "website": f"https://www{place}.nordlys.example/",
                "tax_number": person.tax_number,
                "address": shapes.erp_address(person),
                "currency": person.currency,
                "created_at": iso(begin_s + place * 7 * _DAY_S),
                "updated_at": iso(begin_s + place * 30 * _DAY_S),
            }
        )
    links = tuple((str(entities[place]["id"]), str(parents[place]["id"])) for place in range(len(_ENTITIES)))
    return entities, links, parents


@dataclass(frozen=True)
class _People:
    customers: list[Record]
    contacts: list[Record]
    same: tuple[tuple[str, str], ...]
    ambiguous: tuple[str, ...]
    refused: dict[str, str]


def _people(chance: random.Random, counts: _Counts, entities: list[Record], parents: list[Record]) -> _People:
    customers: list[Record] = []
    contacts: list[Record] = []
    same: list[tuple[str, str]] = []
    refused: dict[str, str] = {}

    def add_customer(person: Person, place: int) -> str:
        key = _customer_id(chance, len(customers))
        created_s, updated_s = _moments(chance)
        row = shapes.customer(person, key, created_s, updated_s)
        row["business_entity_id"] = entities[place]["id"]
        customers.append(row)
        return key

    def add_contact(person: Person, place: int | None) -> str:
        key = str(_FIRST_ERP_ID + len(contacts))
        created_s, updated_s = _moments(chance)
        row = {"id": key, **shapes.contact(person, created_s, updated_s)}
        if place is not None:
            row["customer_id"] = parents[place]["id"]
        contacts.append(row)
        return key

    first = [
        named(chance, 1, "DE", "Hubert", LONG_NAME),
        named(chance, 2, "NO", "Ole", "No"),
        replace(named(chance, 3, "JP", "さくら", "佐藤"), email="sakura.sato3@example.test"),
    ]
    for number in range(counts.shared):
        # A good half pays in the currencies that things are priced in; the others in their country's.
        currency = chance.choice(list(EXPONENTS)) if chance.random() < 0.5 else None
        person = first[number] if number < len(first) else draw(chance, number, currency)
        place = chance.randrange(len(_ENTITIES))
        same.append((add_customer(person, place), add_contact(_as_in_the_erp(chance, person, number), place)))
    number = counts.shared
    while len(customers) < counts.customers - 1:
        currency = chance.choice(list(EXPONENTS)) if chance.random() < 0.5 else None
        key = add_customer(draw(chance, number, currency), chance.randrange(len(entities)))
        if number in (counts.shared + 1, counts.shared + 3):
            customers[-1]["net_term_days"] = 15
            refused[key] = "payment terms of 15 days"
        number += 1
    number = _ONLY_IN_THE_ERP
    while len(contacts) < counts.contacts - 1:
        parent = chance.randrange(len(parents)) if chance.random() < 0.7 else None
        add_contact(draw(chance, number), parent)
        if chance.random() < 0.06:
            contacts[-1]["active"] = False
        number += 1
    # Two e-mails that two records of one side share: the first and the last pair of the same people.
    twice_here, twice_there = customers[counts.shared - 1], customers[counts.shared - 2]
    add_customer(replace(draw(chance, 8001), email=twice_here["email"].capitalize()), 0)
    add_contact(replace(draw(chance, 8002), email=twice_there["email"].upper()), None)
    held = {key for key, _ in same[-2:]}
    return _People(
        customers,
        contacts,
        tuple(pair for pair in same if pair[0] not in held),
        (twice_here["email"].lower(), twice_there["email"].lower()),
        refused,
    )


def _as_in_the_erp(chance: random.Random, person: Person, number: int) -> Person:
    """The same person as somebody else typed it: the e-mail in other letters, at times more."""
    email = (person.email, person.email.title(), person.email.upper())[number % 3]
    kind = chance.randrange(6)
    if kind == 0:
        return replace(person, email=email, abroad=person.phone)
    if kind == 1:
        return replace(person, email=email, street=person.street + ", 2. floor", company=None)
    if kind == 2:
        return replace(person, email=email, given=person.given[:1] + ".")
    return replace(person, email=email)


def _customer_id(chance: random.Random, number: int) -> str:
    """Half were given an id by a shop, half got one of Chargebee's."""
    if number % 2:
        return f"shop-{10_000 + number * 3}"
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"
    return "AzZ" + "".join(chance.choice(letters) for _ in range(13))


def _moments(chance: random.Random) -> tuple[int, int]:
    created_s = UNTIL_S - chance.randrange(60 * _DAY_S, 900 * _DAY_S)
    return created_s, chance.randrange(created_s, UNTIL_S)


@dataclass(frozen=True)
class _Goods:
    items: list[tuple[Good, Record]]
    prices: list[Record]
    products: list[Record]
    same: tuple[tuple[str, str], ...]


def _goods(chance: random.Random, counts: _Counts) -> _Goods:
    items: list[tuple[Good, Record]] = []
    prices: list[Record] = []
    for good in CATALOGUE:
        created_s, updated_s = _moments(chance)
        items.append((good, shapes.item(good, updated_s)))
        prices += [shapes.item_price(good, currency, created_s) for currency in EXPONENTS]
    known = [good.code for good in chance.sample(CATALOGUE, counts.shared_goods)]
    products: list[Record] = []
    same: list[tuple[str, str]] = []
    for good in (*(good for good in CATALOGUE if good.code in known), *WAREHOUSE):
        key = str(_FIRST_ERP_ID + len(products))
        told = replace(good, name=good.name.upper()) if chance.random() < 0.1 else good
        products.append({"id": key, **shapes.product(told, *_moments(chance))})
        if good.code in known:
            same.append((good.code, key))
    return _Goods(items, prices, products, tuple(same))
