"""What a transformation is: a pair of readings into one canonical value, and a way to write it back.

Per side, `canon` reads a raw value into the coarsest value that both sides can represent, and `put` writes a
canonical value into a raw one, keeping of the old raw value what the canonical one doesn't speak of.
(Foster, Pilkiewicz and Pierce, *Quotient Lenses*; the laws are those of the theory of lenses.)

The laws, checked for every transformation of the registry over generated values, junk among them:

    totality      canon never raises; junk becomes Opaque, equal to itself alone
    put-get       canon(put(c, old)) == c               what was written reads as what was meant
    get-put       put(canon(raw), raw) == raw           a sync without a change changes nothing
    stable        canon(put(canon(put(c)))) == canon(put(c))   one trip settles it, on either side
    trim          canon(trim(raw)) == canon(raw); trim(trim(raw)) == trim(raw)   it drops what doesn't count

Canonical values are hashable plain data: None (empty), bool, int, Decimal, str, tuples of them, and the
marker classes below. Compare them with `==`; to index or store a comparison, use `canon_key`, since two equal
ones need not look the same (a `Spelled` remembers how its text was written).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

from instep.core.model import Both, FieldType, Side
from instep.core.values import Raw

Canon: TypeAlias = Hashable


@dataclass(frozen=True, slots=True)
class Opaque:
    """A raw value that the transformation can't read, by its digest and why; equal only to the same value."""

    digest: str
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Spelled:
    """A value compared by `key` and written as `text`: "Jane@Example.com" equals "jane@example.com"."""

    key: str
    text: str = field(compare=False)


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
    """A canonical value that can't be written to that side: why, with the value and the limit, and how to
    mend it. `waits_for` is set when it will fit as soon as that record is linked."""

    why: str
    fix: str = ""
    waits_for: Unlinked | None = None


class Lookup(Protocol):
    """Questions about links that a reference asks while it is read or written; answered by the caller."""

    def link_of(self, side: Side, entity: str, id: str, other: str, /) -> Linked | Unlinked:
        """The link of a record with one of the entity `other`, on the other side; Unlinked if there is none (yet)."""
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


Scalar: TypeAlias = bool | int | Decimal | str | None
"""One argument: `30` is an integer, `12.5` a Decimal, `true` and `false` booleans, `null` None, all else text
(`NO` is the text "NO"; `'30'` in quotes is text too)."""


Flow = Literal["both", "to-right", "to-left"]
"""The direction of a property. A one-way property never flows back; edits at its target are overwritten."""

NO_PATHS: Both[tuple[str | int, ...]] = Both((), ())
NO_FIELDS = Both(0, 0)


@dataclass(frozen=True, slots=True)
class SubProperty:
    """One mapped idea inside an object or a line: dotted paths per side, relative to that object.

    `contexts`: what the inner transformation reads besides: a path is a field of the same object, a number
    is the position of a context field of the outer property (its `Part.context`), so that a line's price can
    use the currency of the record. `as_written`, `inside`: as in `instep.core.dataflow.Property`.
    """

    name: str
    paths: Both[tuple[str, ...]]
    transformation: Transformation
    contexts: Both[tuple[str | int, ...]] = NO_PATHS
    as_written: str = "same"
    inside: tuple[SubProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a dataflow wrote between a transformation's parentheses, and for how many fields.

    `words`: the arguments without a name, in order. `named`: the others, in order; a name may come twice (a
    lookup's left value does, where it has two right ones). `properties`: for nested and lines.
    `inner`: the transformation that `as=...` named, already built. `fields`, `contexts`: per side, how many
    mapped and context fields there are. `flow`: the directions that the property has. `inner`, `fields`,
    `contexts` and `flow` are filled in by the registry.
    """

    words: tuple[Scalar, ...] = ()
    named: tuple[tuple[Scalar, Scalar], ...] = ()
    properties: tuple[SubProperty, ...] = ()
    inner: Transformation | None = None
    fields: Both[int] = NO_FIELDS
    contexts: Both[int] = NO_FIELDS
    flow: Flow = "both"


Shape = Literal["one", "join", "gather"]
"""one: one mapped field a side; join: one on one side and two or more on the other; gather: one or more there."""


@dataclass(frozen=True, slots=True)
class Maker:
    """An entry of the registry: how to build a transformation, and its page in the generated reference.

    `build` gets arguments whose numbers of fields the registry has already checked against `shape` and
    `contexts`. It raises ValueError with a sentence for arguments that make no sense. `arguments`: each
    argument's spelling and meaning. `loses`: what detail one trip may lose; empty if none. `types`: field
    types that fit, for `check`; "any" fits all. `contexts`: how many context fields a side may have (-1: any
    number). `inner`: it takes `as=...`. `one_way`: it can't be read back, so a property with it has one direction.
    """

    name: str
    summary: str
    build: Callable[[Arguments], Transformation]
    arguments: Mapping[str, str]
    example: str
    loses: str = ""
    types: tuple[FieldType, ...] = ("any",)
    shape: Shape = "one"
    contexts: int = 0
    inner: bool = False
    one_way: bool = False


def canon_key(canon: Canon) -> str:
    """32 hex digits that two canonical values share exactly when they are equal; for the match index."""
    state = hashlib.blake2b(digest_size=16)
    _feed(state, canon)
    return state.hexdigest()


def opaque(values: tuple[object, ...], why: str) -> Opaque:
    """The Opaque of raw values, for any values at all (too deep, lone surrogates, not even JSON)."""
    state = hashlib.blake2b(digest_size=16)
    _feed(state, values)
    return Opaque(state.hexdigest(), why)


def _feed(state: hashlib.blake2b, value: object) -> None:
    """Without recursion, since junk may be nested deeper than the stack."""
    stack: list[object] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list | tuple):
            state.update(b"[%d" % len(item))
            stack.extend(reversed(item))
        elif isinstance(item, dict):
            state.update(b"{%d" % len(item))
            for name in sorted(item, key=str, reverse=True):
                stack += [item[name], name]
        else:
            state.update(_atom(item))


def _atom(item: object) -> bytes:
    """Numbers that are equal feed equal bytes; every piece says its length, so that no two runs collide."""
    if isinstance(item, Spelled):
        kind, text = "s", item.key
    elif isinstance(item, Opaque):
        kind, text = "o", item.digest
    elif isinstance(item, str):
        kind, text = "t", item
    elif isinstance(item, int):
        kind, text = ("n", f"{item:x}") if abs(item) < 10**64 else _number(Decimal(item))
    elif isinstance(item, Decimal) and item.is_finite():
        kind, text = _number(item)
    else:
        kind, text = "r", repr(item)
    data = text.encode("utf-8", "surrogatepass")
    return b"%s%d:" % (kind.encode(), len(data)) + data


def _number(item: Decimal) -> tuple[str, str]:
    sign, digits, exponent = item.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    exponent += len(text) - len(significant)
    if not significant:
        return "n", "0"
    if exponent >= 0 and len(significant) + exponent <= 64:
        return "n", f"{(-1 if sign else 1) * int(significant + '0' * exponent):x}"
    return "d", f"{'-' if sign else ''}{significant}e{exponent}"
