"""Plain values as systems hold them, how to reach into them, and how to compare them byte for byte.

A *raw* value is what JSON can say: None, bool, int, Decimal, str, list, dict with string keys. There is no
float: connectors decode numbers with a fraction as Decimal, so that money is never rounded on the way.
None means *empty*. ABSENT means that a reading did not offer the field at all, which is no statement about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias, Union, final

import msgspec


@final
class Absent:
    """The type of ABSENT, of which there is exactly one."""

    __slots__ = ()
    _only: Absent | None = None

    def __new__(cls) -> Absent:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()

Json: TypeAlias = Union[bool, int, str, Decimal, list["Json"], dict[str, "Json"], None]
"""A raw value, nested. Treated as immutable everywhere: copy before changing."""

Raw: TypeAlias = tuple["Json | Absent", ...]
"""What one property holds on one side: a value per field it maps, then per context field, in that order."""


def plain(raw: Raw | None) -> Json:
    """Raw values as one JSON value, for a journal or a message; ABSENT is shown as None."""
    return None if raw is None else [None if isinstance(value, Absent) else value for value in raw]


_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def encode(value: object) -> bytes:
    """Canonical JSON: sorted keys, no blanks, Decimal as a number with its digits kept."""
    return _encode(value)


def decode(data: bytes | str) -> Json:
    """The inverse of `encode`. Raises msgspec.DecodeError on anything that is not JSON."""
    value: Json = _decode(data)
    return value


def digest(value: object) -> str:
    """32 hex digits that two values share exactly when `encode` gives the same bytes for them."""
    return hashlib.blake2b(_encode(value), digest_size=16).hexdigest()


def get_path(fields: Mapping[str, Json], path: str) -> Json | Absent:
    """The value at a dotted path ("billing_address.city").

    ABSENT if the top-level field was not offered; None if an object on the way is empty or lacks the key.
    """
    head, _, rest = path.partition(".")
    if head not in fields:
        return ABSENT
    value = fields[head]
    while rest:
        if not isinstance(value, dict):
            return None
        head, _, rest = rest.partition(".")
        value = value.get(head)
    return value


def set_path(fields: dict[str, Json], path: str, value: Json) -> None:
    """Put a value at a dotted path, making the objects on the way; changes `fields` in place."""
    head, _, rest = path.partition(".")
    while rest:
        inner = fields.get(head)
        inner = dict(inner) if isinstance(inner, dict) else {}
        fields[head] = inner
        fields = inner
        head, _, rest = rest.partition(".")
    fields[head] = value


def project(fields: Mapping[str, Json], paths: Iterable[str]) -> dict[str, Json]:
    """Only the top-level fields that the paths begin with, so that unmapped changes are not changes."""
    heads = {path.partition(".")[0] for path in paths}
    return {head: fields[head] for head in sorted(heads) if head in fields}


def whole_number(text: str, digits: int = 18) -> int | None:
    """The number that a text of ASCII digits stands for, perhaps with a minus; None for any other text, and for one
    of more digits than that."""
    bare = text.removeprefix("-")
    return int(text) if bare.isascii() and bare.isdigit() and len(bare) <= digits else None


def is_empty(value: Json | Absent) -> bool:
    """Whether a value says "nothing here": None, "", [] and {} do; ABSENT says nothing at all and does not."""
    return value is None or value == "" or value == [] or value == {}
