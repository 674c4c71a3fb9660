"""The laws of transformations as functions that raise AssertionError, and the junk they are tried on.

A law takes a transformation and raw values; `test_transformation_laws` feeds it every entry of the registry,
`test_transformation_law_faults` transformations that are broken on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import strategies as st

from instep.core.model import Both, Side
from instep.core.transformations.contract import (
    Canon,
    Linked,
    Lookup,
    Opaque,
    Transformation,
    Unfit,
    Unlinked,
    canon_key,
)
from instep.core.values import ABSENT, Json, Raw


@dataclass(frozen=True)
class Links:
    """A lookup over a fixed set of links: link id -> the ids on both sides."""

    by_id: dict[int, Both[str]] = field(default_factory=dict)

    def link_of(self, side: Side, entity: str, id: str, _: str) -> Linked | Unlinked:
        for link_id, ids in self.by_id.items():
            if ids[side] == id:
                return Linked(link_id)
        return Unlinked(side, entity, id)

    def id_of(self, link_id: int, side: Side) -> str | None:
        ids = self.by_id.get(link_id)
        return None if ids is None else ids[side]


LINKS = Links({n: Both(f"cb-{n}", str(1000 + n)) for n in range(1, 6)})


def deep(levels: int) -> Json:
    value: Json = "bottom"
    for i in range(levels):
        value = [value] if i % 2 else {"in": value}
    return value


JUNK: list[Json] = [
    *(None, True, False, 0, 1, -1, 7, 2**31, 2**63, -(2**63) - 1, 10**80, 10**5000),
    *map(Decimal, ("0", "-0", "-0.0", "0.1", "1.50", "12.345", "1e400", "1e-400", "1E+3", "9" * 61 + ".9")),
    *map(Decimal, ("NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "1E-999999")),
    *("", " ", "\t\n", "\x00", "\u2028", "\u00a0", "null", "None", "NaN", "nan", "Infinity", "-Infinity"),
    *("true", "FALSE", "yes", "No", "NO", "on", "0", "-0", "00", "+1", "1.", ".5", "1e5", "1e400", "1e99999"),
    *("1,5", "1.234,56", "1 234", "12.345", "0x10", "١٢٣", "１２", "½", "²", "9" * 5000, "-" * 50),
    *(
        "שלום עולם",
        "\u202eabc\u202c",
        "مرحبا",
        "e\u0301",
        "é",
        "ß",
        "İstanbul",
        "ΑΣ",
        "ŉ",
        "ΐ",
        "ﬁ",
        "👩‍👩‍👧‍👦",
    ),
    *("\ud800", "a\udfffb", "\ufeffx", "\ufffd", "a" * 20_000, "  padded  ", "two  words", "line\nbreak"),
    *("0001-01-01", "9999-12-31", "0000-00-00", "2024-02-30", "2024-02-29", "2023-02-29T25:00:00Z"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2024-03-31T02:30:00", "2024-10-27T02:30:00"),
    *(
        "+",
        "+47",
        "0047 12 34 56 78",
        "(0)",
        "ext. 5",
        "+1 555 0100 x9",
        "tel:+4712345678",
        "a@b",
        "@",
        "a@b@c",
    ),
    *(
        "EUR",
        "eur",
        "XXX",
        "NO",
        "nor",
        "578",
        "Norway",
        "nb-NO",
        "nb_NO",
        "en",
        "zz",
        "{}",
        "[]",
        "1970-01-01",
    ),
    *([], {}, [None], [[]], [{}], {"": None}, {"a": ""}, [1, "1", True], {"id": 1}, [{"id": "x"}], [[[[]]]]),
    *([{"description": 5}], [{"unit_price": "abc"}], {"line1": ["x"]}, deep(30), deep(60), deep(3000)),
]

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=True, allow_infinity=True)
    | st.text(st.characters(), max_size=12)
)
anything: st.SearchStrategy[Json] = st.sampled_from(JUNK) | st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def equal(left: object, right: object) -> bool:
    """Raw values that are the same to a system: of the same kind and digits. NaN is itself."""
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return left.as_tuple() == right.as_tuple()
    return left is right or (type(left) is type(right) and left == right)


def readable(canon: Canon) -> bool:
    """Whether no part of it is Opaque."""
    return not isinstance(canon, Opaque) and not (isinstance(canon, tuple) and not all(map(readable, canon)))


def totality(subject: Transformation, side: Side, raw: Raw, lookup: Lookup = LINKS) -> None:
    """Reading never raises and gives an equal hashable value each time."""
    first, second = subject.canon(side, raw, lookup), subject.canon(side, raw, lookup)
    assert first == second
    assert hash(first) == hash(second)
    assert canon_key(first) == canon_key(second)


def get_put(subject: Transformation, side: Side, raw: Raw, fields: int, lookup: Lookup = LINKS) -> None:
    """Writing what was read changes nothing."""
    written = subject.put(side, subject.canon(side, raw, lookup), raw, lookup)
    assert not isinstance(written, Unfit)
    assert len(written) == fields
    assert all(map(equal, written, raw[:fields]))


def put_get(
    subject: Transformation,
    source: Side,
    raw: Raw,
    target: Side,
    old: Raw,
    fields: int,
    lookup: Lookup = LINKS,
) -> Unfit | None:
    """What is written reads as what was meant; the Unfit, if it could not be written."""
    canon = subject.canon(source, raw, lookup)
    written = subject.put(target, canon, old, lookup)
    if isinstance(written, Unfit):
        assert written.why
        return written
    assert len(written) == fields
    assert not any(value is ABSENT for value in written)
    again = subject.canon(target, written + old[fields:], lookup)
    assert again == canon
    assert canon_key(again) == canon_key(canon)
    return None


def stable(
    subject: Transformation,
    source: Side,
    raw: Raw,
    target: Side,
    old: Raw,
    fields: Both[int],
    lookup: Lookup = LINKS,
) -> None:
    """After one trip, neither side has anything to tell the other."""
    written = subject.put(target, subject.canon(source, raw, lookup), old, lookup)
    if isinstance(written, Unfit):
        return
    there = written + old[fields[target] :]
    back = subject.put(source, subject.canon(target, there, lookup), raw, lookup)
    assert not isinstance(back, Unfit)
    assert all(map(equal, back, raw[: fields[source]]))


def trim(subject: Transformation, side: Side, raw: Raw, lookup: Lookup = LINKS) -> None:
    """Leaving out what a transformation doesn't speak of changes nothing of what it says."""
    trimmed = subject.trim(side, raw)
    assert len(trimmed) == len(raw)
    assert subject.canon(side, trimmed, lookup) == subject.canon(side, raw, lookup)
    again = subject.trim(side, trimmed)
    assert all(map(equal, again, trimmed))


def fits(
    subject: Transformation, source: Side, raw: Raw, target: Side, old: Raw, lookup: Lookup = LINKS
) -> None:
    """A value that makes sense on one side can be written on the other."""
    canon = subject.canon(source, raw, lookup)
    assert readable(canon)
    assert not isinstance(subject.put(target, canon, old, lookup), Unfit)
