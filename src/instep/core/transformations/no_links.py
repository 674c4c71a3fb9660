"""A world without links, in which a transformation can be tried on values alone."""

from __future__ import annotations

from typing import Final

from instep.core.model import Side
from instep.core.transformations.contract import Linked, Unlinked


class NoLinks:
    """A lookup that knows no links: every reference is one that has none yet."""

    def link_of(self, side: Side, entity: str, id: str, other: str, /) -> Linked | Unlinked:
        del other
        return Unlinked(side, entity, id)

    def id_of(self, link_id: int, side: Side) -> str | None:
        del link_id, side
        return None


NO_LINKS: Final = NoLinks()
