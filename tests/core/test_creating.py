"""What a new record is made with, and what its making waits for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from instep.core.conditions import parse_condition
from instep.core.dataflow import Pair, Part, Property
from instep.core.match import Contact, decide_new
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.core.payload import preset
from instep.core.state import Key, Sighting
from instep.core.transformations.arguments import parse
from instep.core.transformations.contract import Linked, Unlinked
from instep.core.transformations.registry import build
from instep.core.values import Json, digest
from instep.core.verdict import Scene, Verdict

ITEM = Entity(
    "item",
    (
        Field("id", create=False, update=False),
        Field("name", "text"),
        Field(
            "state", "text", choices=("new", "void"), by_hand=("void",), reason="a void one makes a credit"
        ),
        Field("owner", "text", update=False, reference="owner"),
        Field("maker", "text", reference="owner"),
    ),
    Abilities(chosen_id=True, max_id_length=10),
)
PRODUCT = Entity(
    "product",
    (Field("code"), Field("name"), Field("state"), Field("owner"), Field("maker")),
    Abilities(marker="ref"),
)


class Links:
    """Owner 1 is linked, no other is."""

    def link_of(self, side: Side, entity: str, id: str, _: str) -> Linked | Unlinked:
        return Linked(7) if id == "1" else Unlinked(side, entity, id)

    def id_of(self, link_id: int, side: Side) -> str | None:
        return "own-1" if side is Side.LEFT else "1"


def mapped(left: str, right: str, spelled: str = "same") -> Property:
    name, arguments = parse(spelled)
    made = build(name, arguments, Both(1, 1), Both(0, 0))
    return Property(left, Both(Part((left,)), Part((right,))), made, spelled)


def created(entity: Entity = ITEM, **fields: Json) -> Verdict:
    """What is decided on a product of the right side that has no partner."""
    properties = (
        mapped("id", "code"),
        mapped("name", "name"),
        mapped("state", "state"),
        mapped("owner", "owner", "reference(owner, owner)"),
        mapped("maker", "maker", "reference(owner, owner)"),
    )
    pair = Pair("product", Both("item", "product"), properties, id_template=Both("erp-{id}", "{id}"))
    scene = Scene(pair, Both(entity, PRODUCT), Both("Chargebee", "the ERP"), Links())
    held: dict[str, Json] = {
        "code": "A-1",
        "name": "Sensor",
        "state": None,
        "owner": None,
        "maker": None,
        **fields,
    }
    seen = Sighting(Side.RIGHT, "product", "1001", held, digest(held))
    contact = Contact(claimed=None, evidence=(), complete=True, age_ms=10**9, settle_ms=0)
    return decide_new(scene, Key("product", Side.RIGHT, "1001"), seen, contact, (), ())


def test_a_property_that_maps_the_own_id_chooses_it() -> None:
    (write,) = created().writes
    assert write.payload == {"id": "A-1", "name": "Sensor"}


def test_an_id_is_not_chosen_where_the_system_makes_it() -> None:
    entity = Entity("item", ITEM.fields, Abilities(marker="ref"))
    (write,) = created(entity).writes
    assert write.payload == {"name": "Sensor"}


@pytest.mark.parametrize("code", ["has blank", "x" * 11, "naïve", 17])
def test_a_value_that_can_not_be_an_id_holds_the_create(code: Json) -> None:
    verdict = created(code=code)
    assert verdict.writes == ()
    (hold,) = verdict.holds
    assert hold.what == "1001 can't be created in Chargebee: id"
    assert f'"{code}" can\'t be the id of a new item' in hold.why
    assert "letters, digits" in hold.fix


def test_an_empty_id_holds_the_create() -> None:
    (hold,) = created(code=None).holds
    assert hold.what == "1001 can't be created in Chargebee: id"


def test_a_reference_that_can_be_written_later_does_not_hold_up_a_create() -> None:
    (write,) = created(maker="2").writes
    assert "maker" not in write.payload


def test_a_reference_that_only_a_create_can_write_is_waited_for() -> None:
    verdict = created(owner="2")
    assert verdict.writes == ()
    assert [hold.waits_for for hold in verdict.holds] == [(Side.RIGHT, "owner", "2")]
    (write,) = created(owner="1").writes
    assert write.payload["owner"] == "own-1"


def test_an_empty_reference_is_nothing_to_wait_for() -> None:
    (write,) = created(owner=None).writes
    assert "owner" not in write.payload


def test_a_record_with_a_value_that_a_person_alone_sets_is_left_to_a_person() -> None:
    verdict = created(state="void", owner="2")
    assert verdict.writes == ()
    (hold,) = verdict.holds
    assert (hold.cause, hold.what) == ("person", "1001 can't be created in Chargebee with this state")
    assert hold.why == "a void one makes a credit"
    assert hold.fix == "create it in Chargebee by hand; it is matched by itself"
    (write,) = created(state="new").writes
    assert write.payload["state"] == "new"


STATE = Field("state", "text", create=False, choices=("new", "void"))


def given_by_itself(
    prop: Property, *, field: Field = STATE, source: Json = "void", made: Json = "new"
) -> Any:
    """The base of a property after a create that could not carry it."""
    entity = Entity("item", (Field("name", "text"), field), Abilities())
    pair = Pair("product", Both("item", "product"), (prop,))
    scene = Scene(pair, Both(entity, PRODUCT), Both("Chargebee", "the ERP"), Links())
    return preset(scene, Side.LEFT, {"state": source}, {"state": made}).get("state")


def test_what_a_system_gives_a_new_record_by_itself_counts_as_what_both_sides_held() -> None:
    assert given_by_itself(mapped("state", "state")) == Both(("new",), ("new",))
    translated = mapped("state", "state", "lookup(new=fresh, void=gone)")
    assert given_by_itself(translated, source="gone") == Both(("new",), ("fresh",))


@pytest.mark.parametrize(
    ("prop", "more"),
    [
        (mapped("state", "state"), {"source": "new"}),
        (mapped("state", "state"), {"source": None}),
        (mapped("state", "state"), {"made": None}),
        (mapped("state", "state", "lookup(new=fresh, void=gone)"), {"source": "neither"}),
        (replace(mapped("state", "state"), flow="to-right"), {}),
        (mapped("state", "state"), {"field": replace(STATE, create=True)}),
        (mapped("state", "state"), {"field": replace(STATE, update=False)}),
        (replace(mapped("state", "state"), when=Both((), (parse_condition("name"),))), {}),
    ],
    ids=["the same", "source empty", "none", "unreadable", "one way", "carried", "never written", "not kept in step"],
)  # fmt: skip
def test_nothing_else_is_taken_for_what_both_sides_held(prop: Property, more: dict[str, Any]) -> None:
    assert given_by_itself(prop, **more) is None
