"""What a transformation is: a pair of readings into one canonical value, and a way to write it back.

Per side, `canon` reads a raw value into the coarsest value that both sides can represent, and `put` writes a
canonical value into a raw one, keeping of the old raw value what the canonical one doesn't speak of.
(Foster, Pilkiewicz and Pierce, *Quotient Lenses*; the laws are those of the theory of lenses.)

The laws, checked for every transformation of the registry over generated values, junk among them:

    totality      canon never raises; junk becomes Opaque, equal to itself alone
    put-get       canon(put(c, old)) == c               what was written reads as what was meant
    get-put       put(canon(raw), raw) == raw           a sync without a change changes nothing
    stable        canon(put(canon(put(c)))) == canon(put(c))   one trip settles it, on either side

Canonical values are hashable plain data: None (empty), bool, int, Decimal, str, tuples of them, and the
marker classes below.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from instep.core.model import Side
from instep.core.values import Raw

Canon: TypeAlias = Hashable


@dataclass(frozen=True, slots=True)
class Opaque:
    """A raw value that the transformation can't read, by its digest and why; equal only to the same value."""

    digest: str
    why: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A reference to a linked record: the id of the link, which is the same seen from either side."""

    link_id: int


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A reference to a record of one side that has no link yet (or is only planned to get one)."""

    side: Side
    entity: str
    id: str
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Unfit:
    """A canonical value that can't be written to that side: why, with the value and the limit, and how to mend
    it. `waits_for` is set when it will fit as soon as that record is linked."""

    why: str
    fix: str = ""
    waits_for: Unlinked | None = None


class Lookup(Protocol):
    """Questions about links that a reference asks while it is read or written; answered by the caller."""

    def link_of(self, side: Side, entity: str, id: str) -> Linked | Unlinked:
        """The link of a record; Unlinked if there is none (yet)."""
        ...

    def id_of(self, link_id: int, side: Side) -> str | None:
        """The id that a link's record has on one side; None if the link is no longer there."""
        ...


class Transformation(Protocol):
    """A named two-way function on the raw values of one property, built once from its arguments.

    Raw tuples hold a value per mapped field of that side and then one per context field (a currency, say).
    An ABSENT in a mapped field never reaches `canon`: the engine leaves such a property alone. A context
    value may be ABSENT.
    """

    def trim(self, side: Side, raw: Raw) -> Raw:
        """Only what this transformation speaks of, in the shape of `raw`: sub-fields of objects and lines that it
        doesn't map are left out, so that a change of one is no change. Most return `raw` itself."""
        ...

    def canon(self, side: Side, raw: Raw, lookup: Lookup) -> Canon:
        """Total: anything unreadable becomes Opaque."""
        ...

    def put(self, side: Side, canon: Canon, old: Raw, lookup: Lookup) -> Raw | Unfit:
        """The raw values of the mapped fields alone (no context), or why it can't be.

        `old` has mapped and context values; its mapped ones may be ABSENT when there is no old record.
        """
        ...


@dataclass(frozen=True, slots=True)
class Maker:
    """An entry of the registry: how to build a transformation, and its page in the generated reference.

    `build(arguments, fields, contexts)` gets the arguments as the dataflow wrote them, and per side the
    numbers of mapped and context fields are already checked against `arity` where that is given. It raises
    ValueError with a sentence for arguments that make no sense. `loses` says what detail one trip may lose.
    `types`: field types that fit on each side, for `check` ("any" fits all).
    """

    name: str
    summary: str
    arguments: Mapping[str, str]
    example: str
    loses: str = ""
