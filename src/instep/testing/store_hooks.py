"""What a store's author supplies so that the contract suite can run, and the examples that its tests share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from instep.core.model import Both, Side
from instep.core.values import ABSENT, Json, Raw, digest
from instep.store.contract import Hold, Intent, Key, Link, Sighting, Store

LEFT, RIGHT = Side.LEFT, Side.RIGHT


class StoreHooks(ABC):
    """The one hook: how to open the store that lives in a directory."""

    @abstractmethod
    async def open(self, directory: Path) -> Store:
        """Open the store in that directory; an empty one if there is none yet."""

    @asynccontextmanager
    async def opened(self, directory: Path) -> AsyncIterator[Store]:
        """The store, closed at the end."""
        store = await self.open(directory)
        try:
            yield store
        finally:
            await store.close()


AWKWARD: Mapping[str, Json] = {
    "empty": None,
    "text": "O'Reilly; -- \u00e9\u4e16\U0001f600 \\ \" \n\u0000end",
    "money": Decimal("1234567890123456.7890"),
    "large": 2**53 + 1,
    "yes": True,
    "zero": 0,
    "nothing": "",
    "lines": [{"id": "1", "amount": Decimal("0.10")}, []],
    "nested": {"absent": [0], "values": [None]},
}
"""Values that a store is prone to change on the way."""

AWKWARD_RAW: Raw = (
    None,
    ABSENT,
    {"absent": [0], "values": [1]},
    [ABSENT.__class__.__name__],
    Decimal("1.50"),
    "",
)
"""A property's values with one that was not offered, and one that looks like the note of such."""


def key(id: str = "c1", pair: str = "contact", side: Side = LEFT) -> Key:
    return Key(pair, side, id)


def sighting(id: str = "c1", *, seen_ms: int = 1, listed_in: int = 0, deleted: bool = False) -> Sighting:
    fields: dict[str, Json] = {"id": id, "seen": seen_ms}
    return Sighting(
        LEFT, "customer", id, fields, digest(fields), seen_ms=seen_ms, listed_in=listed_in, deleted=deleted
    )


def link(left: str = "c1", right: str = "r1", pair: str = "contact") -> Link:
    return Link(
        0, pair, Both(left, right), {"email": Both(("a@b",), ("A@B",))}, made_ms=5, made_by="match email"
    )


def hold(
    property: str = "", cause: str = "refused", *, digest: str = "d1", what: str = "it was refused"
) -> Hold:
    return Hold(key(), property, cause, what, digest=digest, since_ms=10)


def intent(id: str = "c1", *, chosen_id: str = "", marker: str = "", pair: str = "contact") -> Intent:
    """A create on the right, from the left record `id`."""
    return Intent(
        key(id, pair),
        RIGHT,
        "create",
        "",
        id,
        {"name": "Ada"},
        {},
        "idem-1",
        chosen_id=chosen_id,
        marker=marker,
    )
