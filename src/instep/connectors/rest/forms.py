"""Bodies as forms: name=value, with inner names and the numbers of entries in brackets."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from instep.connectors.rest.words import plain
from instep.core.values import Json


def form_of(body: Json) -> bytes:
    """The body as `application/x-www-form-urlencoded`; what is empty is sent without a value."""
    return urlencode(list(_pairs("", body))).encode()


def _pairs(name: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]" if name else key, inner)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _pairs(f"{name}[{n}]", inner)
    else:
        yield name, "" if value is None else plain(value)
