"""What a plan sees of two linked records that the run is going to part: the same store, without their link.

It is for reading alone, and knows what deciding on records asks of a store about links, holds and choices.
"""

from __future__ import annotations

from typing import Any, cast

from instep.core.model import Side
from instep.core.state import Hold, Key, Link, Release
from instep.store.contract import Tx


def parted(tx: Tx, link: Link) -> Tx:
    """The transaction as it will be once that link is removed."""
    return cast(Tx, _Parted(tx, link))


class _Parted:
    def __init__(self, tx: Tx, link: Link) -> None:
        self._tx, self._link = tx, link
        self._key = Key(link.pair, Side.LEFT, link.ids.left)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def link(self, link_id: int) -> Link | None:
        return None if link_id == self._link.id else self._tx.link(link_id)

    def link_of(self, pair: str, side: Side, id: str) -> Link | None:
        found = self._tx.link_of(pair, side, id)
        return None if found is None or found.id == self._link.id else found

    def holds_of(self, key: Key) -> list[Hold]:
        return [] if key == self._key else self._tx.holds_of(key)

    def releases_of(self, key: Key) -> list[Release]:
        return [] if key == self._key else self._tx.releases_of(key)


__all__ = ["parted"]
