"""Inputs that nobody meant: good ones that are spoilt, and what has broken parsers before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.connectors.mutations import ODD_VALUES, RAW, encoded, places

ODD_TEXTS = (
    "", " ", "\x00", "\ud800", "\udcff", "\u202e", "\ufeff", "\x85", "\u2028", "²", "٣", "９", "İ", "ß", "..",
    "../..", "a" * 5_000, "9" * 5_000, "-" * 300, "(" * 2_000, "[" * 2_000, "{" * 2_000, "'" * 301, "=" * 300,
    "a." * 1_000, "http://a:b", "https://x@y/",
    "NaN", "Infinity", "-0", "1e400", "1e999999999", "0x10", "1_000", "true", "null", "None", "{id}", "%s", "${HOME}",
    "a\nb", "a\r\nb", "\t", "\\", "\\N{SNOWMAN}", "#", "a:b", "file:", "env:", "://", "https://[::1", "-1", "+1",
    "9999-12-31T23:59:59.999999-23:59", "0001-01-01", "2026-02-30",
)  # fmt: skip

odd_texts = st.one_of(
    st.sampled_from(ODD_TEXTS), st.text(max_size=40), st.text(alphabet="(),='\"ab1. |<->", max_size=40)
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**63), 10**30, 10**400]),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(ODD_TEXTS),
    st.text(max_size=20),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
"""What JSON can say, numbers with a fraction as Decimal."""


@st.composite
def spoilt(draw: st.DrawFn, text: str) -> str:
    """A good text with a few pieces cut out, repeated, or put in."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 60)))
        put = draw(st.one_of(odd_texts, st.just(text[start:end] * 2)))
        text = text[:start] + put + text[end:]
    return text


@st.composite
def spoilt_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """Good bytes with a few cut out, changed or put in."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        data = data[:start] + draw(st.binary(max_size=12)) + data[end:]
    return data


@st.composite
def spoilt_json(draw: st.DrawFn, value: Any) -> bytes:
    """A good JSON value in which up to three values are others, are missing, or stand under another name."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 3))):
        ways: Sequence[tuple[Any, ...]] = places(value)
        if not ways:
            return encoded(draw(st.sampled_from(ODD_VALUES)))
        *way, last = draw(st.sampled_from(ways))
        inner = value
        for key in way:
            inner = inner[key]
        deed = draw(st.sampled_from(["change", "change", "drop", "rename"]))
        if deed == "drop":
            del inner[last]
        elif deed == "rename" and isinstance(inner, dict):
            inner[draw(st.text(max_size=6))] = inner.pop(last)
        else:
            inner[last] = deepcopy(draw(st.sampled_from((*ODD_VALUES, *ODD_TEXTS))))
    return encoded(value)


def spoilt_value(value: Any) -> st.SearchStrategy[Any]:
    """The same as plain values; what only JSON can spell is left out."""
    return (
        spoilt_json(value)
        .filter(lambda data: RAW.encode() not in data)
        .map(_plain)
        .filter(lambda found: found is not None)
    )


def _plain(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


__all__ = [
    "ODD_TEXTS",
    "json_values",
    "odd_texts",
    "scalars",
    "spoilt",
    "spoilt_bytes",
    "spoilt_json",
    "spoilt_value",
]
