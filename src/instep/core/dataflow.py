"""A dataflow as the engine sees it: pairs and properties, complete, resolved and frozen.

`instep.dataflow` builds these from YAML and checks them; tests build them by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from instep.core.conditions import Condition
from instep.core.model import Both, Side
from instep.core.transformations.contract import Flow, SubProperty, Transformation
from instep.core.values import Json

PolicyName = Literal["newest", "hold", "left", "right"]
"""Who wins a conflict: the provably later edit (else hold), nobody, or always one side."""

OnDelete = Literal["hold", "retire", "ignore"]
"""What a confirmed delete on one side does to the partner."""


@dataclass(frozen=True, slots=True)
class Part:
    """One side of a property: dotted paths of the mapped fields, and of context fields that are only read."""

    fields: tuple[str, ...]
    context: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return self.fields + self.context


@dataclass(frozen=True, slots=True)
class Property:
    """One mapped idea of a pair. `name` is unique in its pair.

    `group`: properties with the same non-empty group move together: a conflict in one is one in all.
    `policy`: None takes the pair's. `required`: a create waits for a value; `required_when`: it does so, per side,
    where the record there, from which the other is to be made, meets all of these, if there are any. `default`:
    per side, the raw value to write on create if the other side has none. `when`: per side, what a record there has
    to meet for the property to be kept in step. `source`: (file, line) for messages. `as_written`: how the dataflow
    spells the transformation, `inside`: the properties that it has inside, both for people to read.
    """

    name: str
    parts: Both[Part]
    transformation: Transformation
    as_written: str = "same"
    inside: tuple[SubProperty, ...] = ()
    flow: Flow = "both"
    policy: PolicyName | None = None
    group: str = ""
    required: bool = False
    required_when: Both[tuple[Condition, ...]] = Both((), ())
    when: Both[tuple[Condition, ...]] = Both((), ())
    default: Both[Json] = Both(None, None)
    source: tuple[str, int] = ("", 0)

    def may_flow(self, to: Side) -> bool:
        return self.flow == "both" or self.flow == ("to-right" if to is Side.RIGHT else "to-left")


@dataclass(frozen=True, slots=True)
class MatchKey:
    """A way to find the partner of an unlinked record: properties whose canonical values are all equal."""

    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of one kind of change is made unasked: up to `count` records, or up to `share` of the known ones if
    that is more. A share of 1 or above is no limit."""

    count: int
    share: float

    def allowed(self, known: int) -> int | None:
        """Of so many known records; None for no limit."""
        return None if self.share >= 1.0 else max(self.count, int(self.share * known))


UNLIMITED: Final = Limit(0, 1.0)


@dataclass(frozen=True, slots=True)
class Brakes:
    """Per kind of change, how much of it a pair takes within an hour before a person is asked (`core.brakes`).

    The shares are of the pair's linked records; that of `empty` is of the records that one side was known to have.
    `first_create` and `first_change` take the places of `create` and `change` until a pair was worked off once.
    """

    create: Limit = Limit(10, 0.25)
    change: Limit = Limit(10, 0.25)
    retire: Limit = Limit(5, 0.05)
    clear: Limit = Limit(10, 0.05)
    same: Limit = Limit(10, 0.1)
    empty: Limit = Limit(2, 0.9)
    first_create: Limit = Limit(10, 1.0)
    first_change: Limit = Limit(10, 1.0)


NO_BRAKES: Final = Brakes(*[UNLIMITED] * 8)


@dataclass(frozen=True)
class Pair:
    """Two entities whose records are kept in step.

    `create`: per side, whether Instep may create records *there*. `constants`: per side, fields that every
    record created there gets. `identity`: per side, whether the id of a record Instep creates there is made
    from the partner's id (`id_template`, "{id}" in it).
    `match`: tried in order, at first contact only. `after`: pairs whose records are referred to.
    `where`: per side, what a record there has to meet to be taken up; one that is linked stays so. `create_when`:
    per side, what the record of the other side has to meet for one to be created there. `referred`: per side,
    whether a record is created there only once a record of another pair refers to its source.
    """

    name: str
    entity: Both[str]
    properties: tuple[Property, ...]
    match: tuple[MatchKey, ...] = ()
    create: Both[bool] = Both(True, True)
    where: Both[tuple[Condition, ...]] = Both((), ())
    create_when: Both[tuple[Condition, ...]] = Both((), ())
    referred: Both[bool] = Both(False, False)
    on_delete: OnDelete = "hold"
    policy: PolicyName = "newest"
    id_template: Both[str] = Both("{id}", "{id}")
    constants: Both[Mapping[str, Json]] = Both({}, {})
    brakes: Brakes = field(default_factory=Brakes)
    after: tuple[str, ...] = ()
    source: tuple[str, int] = ("", 0)

    @cached_property
    def _by_name(self) -> Mapping[str, Property]:
        return {prop.name: prop for prop in self.properties}

    def property(self, name: str) -> Property | None:
        return self._by_name.get(name)

    def paths(self, side: Side) -> tuple[str, ...]:
        """Every field path of that side that some property or condition reads or writes, once, sorted."""
        paths = {path for prop in self.properties for path in prop.parts[side].paths}
        return tuple(sorted(paths | {condition.path for condition in self.conditions(side)}))

    def conditions(self, side: Side) -> tuple[Condition, ...]:
        """Everything that this pair asks of the fields of a record on that side."""
        of_properties = (prop.required_when[side] + prop.when[side] for prop in self.properties)
        return (
            self.where[side] + self.create_when[side.other] + tuple(c for some in of_properties for c in some)
        )


@dataclass(frozen=True, slots=True)
class Dataflow:
    """Everything that one company keeps in step; `pairs` in an order in which referred-to pairs come first.

    `tables`: what lookups have read from files of their own."""

    pairs: tuple[Pair, ...]
    tables: tuple[Json, ...] = ()

    def pair(self, name: str) -> Pair | None:
        return next((p for p in self.pairs if p.name == name), None)

    def of_entity(self, side: Side, entity: str) -> tuple[Pair, ...]:
        return tuple(p for p in self.pairs if p.entity[side] == entity)
