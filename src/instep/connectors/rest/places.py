"""Where a record is among the system's addresses: its own id, and the ids of what it is under.

The id of a nested record is those of its parents and its own with slashes between ("12/3404"), each but the last
quoted, since a reading has nothing to begin with but the id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from instep.connectors.rest.description import Description, EntityDescription
from instep.connectors.rest.words import Words, filled_path
from instep.core.values import Absent, Json
from instep.errors import Gone

MAX_ID = 255


def usable_id(value: Json | Absent) -> str:
    """The id as text, "" if it can't be one: not a text or number, too long, or dangerous in an address."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value)
    if not text or len(text) > MAX_ID or text in (".", "..") or not text.isprintable():
        return ""
    return text


@dataclass(frozen=True, slots=True)
class Place:
    """The addresses of one entity. `lineage`: the words for its parents in paths, outermost first."""

    described: EntityDescription
    lineage: tuple[str, ...] = ()

    @property
    def carried(self) -> bool:
        """Whether a record's id carries those of its parents."""
        return self.described.parent is not None and self.described.parent.in_id

    def under(self, parent: str) -> dict[str, Json]:
        """The words for a parent, by its id."""
        return dict(zip(self.lineage, _split(parent, len(self.lineage)), strict=False))

    def id_of(self, parent: str, own: str) -> str:
        """The id of a record that is `own` under its parent."""
        return joined([*_split(parent, len(self.lineage)), own]) if self.carried else own

    def parent_of(self, id: str) -> str:
        """The id of what a record is under, "" if its own does not tell."""
        return joined(_split(id, len(self.lineage) + 1)[:-1]) if self.carried else ""

    def words(self, id: str, parent: str = "") -> dict[str, Json]:
        """The words for a record by its id, of its parent where the id does not carry it. Raises Gone for an id that
        no record can have."""
        if self.carried:
            parts = _split(id, len(self.lineage) + 1)
            if len(parts) == len(self.lineage) + 1 and all(usable_id(part) for part in parts):
                return {**dict(zip(self.lineage, parts[:-1], strict=True)), "id": self._typed(parts[-1])}
        elif usable_id(id):
            return {**(self.under(parent) if parent else {}), "id": self._typed(id)}
        raise Gone(
            f"there is no record with the id {id[:40]!r}", why="it is not an id that a record can have"
        )

    def path(self, template: str, words: Words) -> str | None:
        """The address of one record, None if a word of it has no value."""
        return filled_path(template or self.described.path.rstrip("/") + "/{id}", words)

    def _typed(self, id: str) -> Json:
        number = self.described.id_type == "integer" and id.removeprefix("-").isdecimal()
        return int(id) if number and len(id) < 19 else id


def place_of(description: Description, name: str) -> Place:
    """Where the records of an entity are."""
    lineage: list[str] = []
    described = description.entities[name]
    parent = described.parent
    while parent is not None:
        lineage.insert(0, parent.word or parent.entity)
        above = description.entities[parent.entity].parent if parent.entity else None
        parent = above if above is not None and above.in_id else None
    return Place(described, tuple(lineage))


def joined(parts: Sequence[str]) -> str:
    """The id of a record from those of its parents, outermost first, and its own."""
    *before, last = parts
    return "/".join([*(quote(part, safe="") for part in before), last])


def _split(id: str, parts: int) -> Sequence[str]:
    """The ids that one of `parts` parts carries: all but the last were quoted."""
    *before, last = id.split("/", parts - 1)
    return [*(unquote(part) for part in before), last]
