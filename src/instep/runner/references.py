"""What a write refers to, and whether that is in step yet.

A system may refuse a record for what the record refers to: an order, since its product has no price there yet.
While work on the other record is left to do, such a refusal is no last word, and nobody has to be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from instep.core.model import Side
from instep.core.state import Intent, Key
from instep.core.transformations.contract import Linked, Unlinked
from instep.runner.engine import Engine, StoreLookup
from instep.store.contract import Tx


@dataclass(frozen=True, slots=True)
class _Noting:
    """A lookup that notes the links it was asked for."""

    inner: StoreLookup
    links: set[int] = field(default_factory=set)

    def link_of(self, side: Side, entity: str, id: str, other: str) -> Linked | Unlinked:
        found = self.inner.link_of(side, entity, id, other)
        if isinstance(found, Linked):
            self.links.add(found.link_id)
        return found

    def id_of(self, link_id: int, side: Side) -> str | None:
        return self.inner.id_of(link_id, side)


def unsettled(engine: Engine, tx: Tx, intent: Intent) -> Key | None:
    """The first record that the written values refer to and that has yet to be looked at; None if there is none."""
    pair = engine.dataflow.pair(intent.key.pair)
    if pair is None:
        return None
    noting = _Noting(StoreLookup(engine.dataflow, tx))
    for name, (source, _, _) in intent.properties.items():
        prop = pair.property(name)
        if prop is not None and source is not None:
            prop.transformation.canon(intent.side.other, source, noting)
    for number in sorted(noting.links):
        link = tx.link(number)
        if link is not None:
            key = Key(link.pair, Side.LEFT, link.ids.left)
            if key != intent.key and tx.is_todo(key):
                return key
    return None
