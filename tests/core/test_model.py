"""What an entity declares of its fields."""

from __future__ import annotations

import pytest

from instep.core.model import Abilities, Entity, Field

ENTITY = Entity(
    "customer",
    (Field("name", "text"), Field("address", "object"), Field("mail", "text"), Field("address.city", "text")),
    Abilities(),
    open_prefixes=("cf_",),
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("name", "name"),
        ("address.city", "address.city"),
        ("address.zip", "address"),
        ("address.geo.lat", "address"),
        ("mail.part", None),
        ("cf_tax", "cf_tax"),
        ("unknown", None),
    ],
)
def test_a_path_is_declared_by_itself_by_an_object_above_it_or_by_an_open_prefix(
    path: str, found: str | None
) -> None:
    field = ENTITY.field(path)
    assert (field and field.path) == found
