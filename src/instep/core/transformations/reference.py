"""The transformation `reference`: the id of a record that is itself linked.

The canonical value is the link, never an id, so that it is the same seen from either side. A reference to a
record that has no link yet doesn't fit, and says for which record it waits.
"""

from __future__ import annotations

from instep.core.model import Both, Side
from instep.core.transformations.arguments import Given
from instep.core.transformations.contract import (
    Arguments,
    Canon,
    Linked,
    Lookup,
    Maker,
    Transformation,
    Unfit,
    Unlinked,
)
from instep.core.transformations.lens import Junk, Lens, offered, shown
from instep.core.transformations.text import write_text
from instep.core.values import Raw


def _build(arguments: Arguments) -> Transformation:
    given = Given("reference", arguments)
    left, right = given.word(), given.word()
    integer = given.sides("integer")
    given.done()
    if not isinstance(left, str):
        raise ValueError("reference: name the entity on each side, reference(customer, contact)")
    entity = Both(left, right if isinstance(right, str) else left)

    def reader(side: Side, raw: Raw, lookup: Lookup) -> Canon | Junk:
        value = offered(raw[0])
        if isinstance(value, bool) or not isinstance(value, int | str) or abs(_size(value)) >= 10**40:
            return Junk(f"{shown(value)} is not an id")
        return lookup.link_of(side, entity[side], str(value), entity[side.other])

    def writer(side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        if isinstance(canon, Linked):
            id = lookup.id_of(canon.link_id, side)
            if id is None:
                return Unfit(
                    f"the {entity[side]} that it refers to has no partner on the {side.value} side any more",
                    "link that record again, or point the reference elsewhere",
                )
        else:
            assert isinstance(canon, Unlinked)
            if canon.side is not side:
                return Unfit(
                    f"{canon.entity} {shown(canon.id)} has no partner on the {side.value} side yet",
                    "it is written as soon as that record is linked",
                    waits_for=canon,
                )
            id = canon.id
        written = write_text(id, 0 if integer[side] else offered(old[0]))
        if integer[side] and isinstance(written, str):
            return Unfit(f"{shown(id)} is not a whole number, which the {side.value} side wants for an id")
        return (written,)

    return Lens(arguments.fields, reader, writer)


def _size(value: int | str) -> int:
    return value if isinstance(value, int) else 0


MAKERS = (
    Maker(
        "reference",
        "The id of another record, translated through the link of that record.",
        _build,
        {
            "LEFT, RIGHT": "the entity referred to on each side; one word if both have the same name",
            "integer=left|right|both": "the sides whose ids are numbers; an existing value keeps its kind",
        },
        "customer_id <-> contact_id | reference(customer, contact)",
        types=("text", "integer"),
    ),
)
