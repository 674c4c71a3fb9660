"""Cursors: opaque to the client, the number after which the next page begins to us."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from fastapi import Query

from instep.core.values import whole_number
from instep.errors import UsageError

MOST: Final = 200

Limit: TypeAlias = Annotated[int, Query(ge=1, le=MOST, description="how many at most")]
Cursor: TypeAlias = Annotated[
    str, Query(max_length=40, description="`next` of the page before; empty for the first", examples=[""])
]


def after(cursor: str) -> int:
    """The number that a cursor stands for, 0 for the first page. Raises UsageError."""
    if not cursor:
        return 0
    number = whole_number(cursor)
    if number is None or number < 0:
        raise UsageError(
            "that is no cursor", why=f"{cursor!r} was not given out here", fix="begin without one"
        )
    return number
