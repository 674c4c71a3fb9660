"""The shipped dataflow against the two systems that it is for, and against a company's data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import pytest
from ruamel.yaml import YAML

from instep.connectors.chargebee import ChargebeeConnector, PriceTerm, Settings
from instep.connectors.rest import Description, RestConnector
from instep.core.dataflow import Dataflow
from instep.core.diff import raw_of
from instep.core.model import SIDES, Both, Entity, Side
from instep.core.transformations.contract import Linked, Opaque, Unfit, Unlinked
from instep.core.values import ABSENT
from instep.dataflow.build import parse_dataflow
from instep.dataflow.check import check
from instep.dataflow.scaffold import CURRENCIES, default_dataflow
from instep.sandbox.world import World, build_world

PLURALS = {
    "customer": Both("business_entities", "customers"),
    "contact": Both("customers", "contacts"),
    "product": Both("items", "products"),
    "order": Both("orders", "orders"),
}


class AllLinked:
    """A world in which every record has its partner."""

    def link_of(self, side: Side, entity: str, id: str, _: str) -> Linked | Unlinked:
        return Linked(1)

    def id_of(self, link_id: int, side: Side) -> str | None:
        return "1"


@pytest.fixture(scope="module")
def dataflow() -> Dataflow:
    return parse_dataflow(default_dataflow())


@pytest.fixture(scope="module")
def entities() -> Both[Mapping[str, Entity]]:
    left = ChargebeeConnector("acme-test", "key", Settings(prices=tuple(map(PriceTerm, CURRENCIES))))
    sample = files("instep.connectors.rest").joinpath("sample_erp.yaml").read_text("utf-8")
    right = RestConnector(Description.model_validate(YAML(typ="safe").load(sample)), lambda _: "token")
    return Both(left.entities(), right.entities())


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(seed=7, scale=0.5)


def test_it_has_no_error_and_warns_of_what_chargebee_can_not_do(
    dataflow: Dataflow, entities: Both[Mapping[str, Entity]]
) -> None:
    found = check(dataflow, entities, Both("Chargebee", "Custom ERP"))
    assert [(p.severity, p.where, p.what) for p in found] == [
        ("warning", "customer", "business_entity records can't be created in Chargebee"),
        ("warning", "customer.name", "Chargebee can't be told of changes in name"),
        (
            "warning",
            "contact.business_entity_id",
            "Chargebee takes business_entity_id only when a record is made",
        ),
        ("warning", "product.id", '"id" may be longer than Custom ERP takes'),
        ("warning", "product.id", "Chargebee takes id only when a record is made"),
        ("warning", "product.type", "Chargebee takes type only when a record is made"),
        (
            "warning",
            "order.customer_id",
            "Chargebee takes customer_id, currency_code, "
            "billing_address.first_name,billing_address.last_name, billing_address.line1, billing_address.line2, "
            "billing_address.zip, billing_address.city, billing_address.state and 2 more only when a record is made",
        ),
    ]
    assert all(p.why and p.fix for p in found)


def test_the_one_for_companies_has_no_error(entities: Both[Mapping[str, Entity]]) -> None:
    companies = parse_dataflow(default_dataflow(companies=True))
    found = check(companies, entities, Both("Chargebee", "Custom ERP"))
    assert [p.what for p in found if p.severity == "error"] == []
    assert [(pair.name, pair.entity) for pair in companies.pairs] == [
        ("customer", Both("customer", "customer")),
        ("product", Both("item", "product")),
        ("contact", Both("customer", "contact")),
        ("order", Both("order", "order")),
    ]


def test_what_is_referred_to_comes_first(dataflow: Dataflow) -> None:
    assert [pair.name for pair in dataflow.pairs] == ["customer", "product", "contact", "order"]
    assert {pair.name: pair.after for pair in dataflow.pairs}["order"] == ("contact", "product")


def test_every_pair_creates_on_both_sides_and_deletes_nothing(dataflow: Dataflow) -> None:
    for pair in dataflow.pairs:
        assert pair.create == Both(True, True)
        assert pair.on_delete == "hold"
        assert pair.match


def test_ids_made_for_chargebee_tell_where_they_come_from(dataflow: Dataflow) -> None:
    templates = {pair.name: pair.id_template for pair in dataflow.pairs}
    assert templates["contact"] == templates["order"] == Both("erp-{id}", "{id}")


def records(world: World, pair: str, side: Side, entity: Entity) -> Iterator[dict[str, Any]]:
    """As a connector would show them: each declared field is there, empty if the system left it out."""
    rows = (world.chargebee if side is Side.LEFT else world.erp)[PLURALS[pair][side]]
    heads = {field.path.partition(".")[0] for field in entity.fields}
    for row in rows:
        yield {**dict.fromkeys(heads), **row}


def test_every_value_of_a_company_can_be_read_on_both_sides(
    dataflow: Dataflow, entities: Both[Mapping[str, Entity]], world: World
) -> None:
    unread: list[tuple[str, str, str]] = []
    count = 0
    for pair in dataflow.pairs:
        for side in SIDES:
            for fields in records(world, pair.name, side, entities[side][pair.entity[side]]):
                for prop in pair.properties:
                    raw = raw_of(prop.parts[side], fields)
                    assert raw is not None, (pair.name, prop.name)
                    canon = prop.transformation.canon(side, raw, AllLinked())
                    count += 1
                    if isinstance(canon, Opaque):
                        unread.append((pair.name, prop.name, canon.why))
    assert count > 3000
    assert unread == []


def test_every_value_of_a_company_can_be_written_on_the_other_side(
    dataflow: Dataflow, entities: Both[Mapping[str, Entity]], world: World
) -> None:
    unwritten: set[tuple[str, str, str]] = set()
    for pair in dataflow.pairs:
        for side in SIDES:
            for fields in records(world, pair.name, side, entities[side][pair.entity[side]]):
                context = {"currency_code": "EUR", "currency": "EUR"}
                for prop in pair.properties:
                    raw = raw_of(prop.parts[side], fields)
                    assert raw is not None
                    target = prop.parts[side.other]
                    old = (ABSENT,) * len(target.fields) + tuple(
                        context.get(p, ABSENT) for p in target.context
                    )
                    canon = prop.transformation.canon(side, raw, AllLinked())
                    written = prop.transformation.put(side.other, canon, old, AllLinked())
                    if isinstance(written, Unfit):
                        unwritten.add((pair.name, prop.name, written.why))
    assert unwritten == set()


def test_an_erp_status_is_read_back_as_it_was_written(dataflow: Dataflow) -> None:
    order = dataflow.pair("order")
    assert order is not None
    status = order.property("status")
    assert status is not None
    for erp in ("draft", "confirmed", "on_hold", "shipped", "delivered", "returned", "cancelled"):
        canon = status.transformation.canon(Side.RIGHT, (erp,), AllLinked())
        written = status.transformation.put(Side.LEFT, canon, (ABSENT,), AllLinked())
        assert isinstance(written, tuple)
        assert status.transformation.canon(Side.LEFT, written, AllLinked()) == canon


@pytest.mark.parametrize(
    ("pair", "name", "left", "right"),
    [
        ("contact", "billing_address.country", "NO", "NO"),
        ("contact", "locale", "nb-NO", "nb"),
        ("contact", "email", "Ann@Example.test", "Ann@Example.test"),
        ("product", "price.EUR", 1990, "19.90"),
        ("product", "price.JPY", 500, "500"),
        ("product", "status", "archived", False),
        ("product", "type", "charge", "goods"),
        ("order", "order_date", 1_767_225_600, "2026-01-01"),
        ("order", "status", "partially_delivered", "shipped"),
    ],
)
def test_a_left_value_is_written_on_the_right_as_a_person_expects(
    dataflow: Dataflow, pair: str, name: str, left: Any, right: Any
) -> None:
    found = dataflow.pair(pair)
    assert found is not None
    prop = found.property(name)
    assert prop is not None
    canon = prop.transformation.canon(Side.LEFT, (left,), AllLinked())
    assert prop.transformation.put(Side.RIGHT, canon, (ABSENT,), AllLinked()) == (right,)
