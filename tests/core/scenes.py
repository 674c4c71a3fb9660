"""Small situations for the deciding core, built by hand: a pair of entities, readings of two records, a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from instep.core.dataflow import Pair, Part, Property
from instep.core.decide import decide_link
from instep.core.diff import Delta, diff
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.core.policy import Clock
from instep.core.state import Hold, Key, Link, Release, Sighting
from instep.core.transformations.contract import Linked, Unlinked
from instep.core.transformations.registry import build, parse
from instep.core.values import Json, digest
from instep.core.verdict import Scene, Verdict

LEFT, RIGHT = Side.LEFT, Side.RIGHT
SYSTEMS = Both("Chargebee", "Custom ERP")
KEY = Key("contact", LEFT, "l1")
IDS = Both("l1", "r1")
NO_CLOCKS = Both(Clock(), Clock())


class Links:
    """A lookup over links given by hand: (side, entity, id) -> link id."""

    def __init__(self, links: Mapping[tuple[Side, str, str], int] | None = None) -> None:
        self.links = dict(links or {})

    def link_of(self, side: Side, entity: str, id: str, _: str) -> Linked | Unlinked:
        found = self.links.get((side, entity, id))
        return Unlinked(side, entity, id) if found is None else Linked(found)

    def id_of(self, link_id: int, side: Side) -> str | None:
        return next((id for (at, _, id), link in self.links.items() if link == link_id and at is side), None)


def prop(name: str, spelled: str = "same", **more: Any) -> Property:
    """A property of one field a side, both of its own name, unless `left` and `right` name fields of their own."""
    left = more.pop("left", (name,))
    right = more.pop("right", (name,))
    context = Both(more.pop("left_context", ()), more.pop("right_context", ()))
    word, arguments = parse(spelled)
    made = build(word, arguments, Both(len(left), len(right)), context.map(len))
    return Property(name, Both(Part(left, context.left), Part(right, context.right)), made, spelled, **more)


def entity(name: str, fields: Iterable[Field | str] = (), **abilities: Any) -> Entity:
    """An entity that takes any field, of which those given are declared."""
    retired = abilities.pop("retired", None)
    declared = tuple(Field(field) if isinstance(field, str) else field for field in fields)
    return Entity(name, declared, Abilities(**abilities), ("",), retired)


def scene(
    *properties: Property,
    left: Entity | None = None,
    right: Entity | None = None,
    links: Links | None = None,
    clocks: Both[Clock] = NO_CLOCKS,
    planning: bool = False,
    **pair: Any,
) -> Scene:
    entities = Both(left or entity("customer"), right or entity("contact"))
    return Scene(
        Pair("contact", entities.map(lambda e: e.name), properties, **pair),
        entities,
        SYSTEMS,
        links or Links(),
        clocks,
        planning,
    )


def sighting(side: Side, id: str, fields: Mapping[str, Json], **more: Any) -> Sighting:
    name = "customer" if side is LEFT else "contact"
    return Sighting(side, name, id, fields, digest(dict(fields)), seen_ms=1, **more)


def seen(left: Mapping[str, Json], right: Mapping[str, Json], **both: Any) -> Both[Sighting | None]:
    return Both(sighting(LEFT, "l1", left, **both), sighting(RIGHT, "r1", right, **both))


def link(base: Mapping[str, tuple[Json, Json]] | None = None, **more: Any) -> Link:
    """A link of l1 and r1; `base` gives one raw value a side for properties of one field."""
    bases = {name: Both((left,), (right,)) for name, (left, right) in (base or {}).items()}
    return Link(1, "contact", IDS, bases, **more)


def decided(
    where: Scene,
    linked: Link,
    readings: Both[Sighting | None],
    holds: Sequence[Hold] = (),
    releases: Sequence[Release] = (),
) -> Verdict:
    return decide_link(where, KEY, linked, readings, holds, releases)


def compared(
    what: Property, left: Json, right: Json, base: tuple[Json, Json] | None, links: Links | None = None
) -> Delta:
    """The delta of a property of one field a side."""
    before = None if base is None else Both((base[0],), (base[1],))
    return diff(what, Both((left,), (right,)), before, links or Links())


def at(moment: Sighting | None, **edits: int) -> Sighting:
    """The same reading, with fields that were edited at exactly these times of its system's clock."""
    assert moment is not None
    return replace(moment, edits={path: (time, time) for path, time in edits.items()})


def release(choice: str, about: Hold, value: Json = None) -> Release:
    """What a person answers to a hold."""
    return Release(about.key, about.property, choice, about.digest, value)
