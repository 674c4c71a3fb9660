"""What people do on both sides between the rounds of a campaign, drawn from a seed.

Each property of a record is edited once a round and on one side, so that where it ends doesn't hang on when the
edit came.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from instep.cli.demo_stage import Stage
from instep.sandbox.world import World

ONE_IN = 9
"""So many people have one that is edited in a round."""
PLURALS = {"customer": "customers", "contact": "contacts", "item": "items", "product": "products"}


@dataclass(frozen=True)
class Edit:
    """A record changed (`id`), or made (no id), by a person at a system's own screen."""

    system: str
    entity: str
    id: str
    fields: Mapping[str, Any]


def make(stage: Stage, edit: Edit) -> None:
    """Do it."""
    if edit.id:
        path = f"{PLURALS[edit.entity]}/{edit.id}"
        stage.servers[edit.system].console("PATCH", path, dict(edit.fields))
    else:
        stage.new(edit.system, edit.entity, **edit.fields)


def edits(chance: random.Random, world: World, round: int, held: frozenset[str]) -> list[Edit]:
    """Round 0 comes before the first sync: only records that one side alone knows are touched.

    `held`: "PAIR ID" of records, of either side, that something is held for; they are left alone.
    """
    held_people = {word.removeprefix("contact ") for word in held if word.startswith("contact ")}
    held_goods = {word.removeprefix("product ") for word in held if word.startswith("product ")}
    people, goods = dict(world.same["customers"]), list(world.same["items"])
    twice = {row["id"] for rows in (world.chargebee["customers"], world.erp["contacts"]) for row in rows
             if str(row.get("email")).lower() in world.ambiguous}  # fmt: skip
    left_alone = held_people | twice | world.refused.keys()
    left = [row["id"] for row in world.chargebee["customers"] if row["id"] not in left_alone]
    right = [row["id"] for row in world.erp["contacts"] if row["id"] not in left_alone]
    if round == 0:
        left = [id for id in left if id not in people]
        right = [id for id in right if id not in people.values()]
    left = chance.sample(left, -(-len(left) // ONE_IN))
    partners = {people.get(id) for id in left}
    right = [id for id in right if id not in partners]
    right = chance.sample(right, -(-len(right) // ONE_IN))
    drawn = [_customer(chance, round, id) for id in left] + [_contact(chance, round, id) for id in right]
    for number in range(2):
        drawn += _newcomers(round, number)
    if round:
        goods = [pair for pair in goods if not held_goods & set(pair)]
        drawn += _goods(round, goods)
        known = [pair for pair in people.items() if not left_alone & set(pair)]
        alone = [pair for pair in known if not {*left, *right} & set(pair)]
        for number, pair in enumerate(chance.sample(alone, -(-len(alone) // ONE_IN))):
            drawn += _on_both_sides(round, number, *pair)
        drawn.append(_order(chance, world, round, chance.choice(known)[1], [product for _, product in goods]))
    chance.shuffle(drawn)
    return drawn


def _customer(chance: random.Random, round: int, id: str) -> Edit:
    choices: list[dict[str, Any]] = [
        {"last_name": f"Left{round}"},
        {"vat_number": f"VAT{round}{id[-4:]}"},
        {"last_name": f"Ek{round}", "net_term_days": 60},
    ]
    fields = chance.choice(choices)
    return Edit("chargebee", "customer", id, fields)


def _contact(chance: random.Random, round: int, id: str) -> Edit:
    choices: list[dict[str, Any]] = [
        {"family_name": f"Right{round}"},
        {"given_name": f"Ida{round}", "tax_number": f"T{round}{id}"},
        {"payment_terms_days": 60},
    ]
    fields = chance.choice(choices)
    return Edit("erp", "contact", id, fields)


def _on_both_sides(round: int, number: int, customer: str, contact: str) -> list[Edit]:
    """Two people edit the two records of one, and different properties of it."""
    name, tax = f"Both{round}", f"B{round}{contact}"
    halves: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"last_name": name}, {"tax_number": tax}),
        ({"vat_number": tax}, {"family_name": name}),
        ({"first_name": name, "net_term_days": 30}, {"family_name": name}),
    ]
    left, right = halves[number % len(halves)]
    return [Edit("chargebee", "customer", customer, left), Edit("erp", "contact", contact, right)]


def _newcomers(round: int, number: int) -> list[Edit]:
    name, mail = f"Newcomer {round} {number}", f"new.{round}.{number}"
    billed = {"first_name": "Per", "last_name": name, "email": f"{mail}@billed.example"}
    sold = {"given_name": "Kari", "family_name": name, "email": f"{mail}@sold.example", "currency": "EUR"}
    return [Edit("chargebee", "customer", "", billed), Edit("erp", "contact", "", sold)]


def _goods(round: int, goods: list[tuple[str, str]]) -> list[Edit]:
    retired, described = goods[round % len(goods)], goods[(round + 7) % len(goods)]
    return [
        Edit("erp", "product", retired[1], {"active": False}),
        Edit("chargebee", "item", described[0], {"description": f"Described in round {round}"}),
    ]


def _order(chance: random.Random, world: World, round: int, contact: str, products: list[str]) -> Edit:
    """An order of two things that are still sold."""
    rows = [row for row in world.erp["products"] if row["id"] in products[10:] and row["kind"] == "goods"]
    lines = [
        {
            "product_id": row["id"],
            "description": row["name"],
            "quantity": "3",
            "unit_price": row["prices"]["EUR"],
        }
        for row in chance.sample(rows, 2)
    ]
    fields = {
        "contact_id": contact,
        "order_date": "2026-09-02",
        "status": "confirmed",
        "currency": "EUR",
        "reference": f"PO {round}",
        "lines": lines,
    }
    return Edit("erp", "order", "", fields)
