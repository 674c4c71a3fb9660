"""Chargebee's request bodies: nested values as form fields. Source: Chargebee API, "input parameters".

An object is `billing_address[city]=Berlin`, a list of scalars `ids[0]=a`, and a list of objects is
transposed, the attribute first and the place last: `order_line_items[id][0]=oli_1`. Empty text clears. A few
parameters are one field that holds JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from urllib.parse import urlencode

from instep.core.values import Json
from instep.core.values import encode as canonical

CONTENT_TYPE = "application/x-www-form-urlencoded"
JSON_PARAMETERS = frozenset({"meta_data", "metadata", "exemption_details"})


def encode(parameters: Mapping[str, Json]) -> bytes:
    """The body for nested parameters, in the order of their names.

    The same parameters give the same bytes: a write that is sent again with its idempotency key, after it was
    kept in a store, is refused (422) if the body is another one.
    """
    return urlencode(sorted(pairs(parameters))).encode("ascii")


def pairs(parameters: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Flat (name, text) pairs."""
    for name, value in parameters.items():
        if name in JSON_PARAMETERS:
            yield name, canonical({} if value is None else value).decode()
        else:
            yield from _flat(name, value)


def text(value: Json) -> str:
    """A scalar as Chargebee reads it; None is the empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def _flat(name: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            if isinstance(each, dict):
                for key, inner in each.items():
                    yield from _flat(f"{name}[{key}][{place}]", inner)
            else:
                yield f"{name}[{place}]", text(each)
    else:
        yield name, text(value)


def choice(values: list[str]) -> str:
    """The value of an `in` filter."""
    return f"[{','.join(values)}]"
