"""Going through what a store has page by page, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from instep.core.state import Link
from instep.store.contract import Store, Tx

PAGE: Final = 500


def every_link(store: Store, pair: str) -> Iterator[Link]:
    """The links of a pair, oldest first."""
    after = 0
    while page := store.read(partial(_links, pair=pair, after=after)):
        yield from page
        after = page[-1].id


def _links(tx: Tx, *, pair: str, after: int) -> list[Link]:
    return tx.links(pair, after, PAGE)
