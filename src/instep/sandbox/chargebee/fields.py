"""What a record's attributes are: kind, length, and which calls accept them.

A resource is described by a table of `Field` (`specs_*`). The values are read in `kinds`, the parameters of a
whole call in `parameters`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ApiError

Doc = dict[str, Any]

# Which calls accept a field, as letters, because a table of a hundred fields has to be read at a glance: C
# create, # U update, B update_billing_info, I import, N the legacy create, X cancel, O reopen, A add.
CREATE, ADD = "C", "A"
# A person at the console may change what no call can.
ANY = "*"


@dataclass(frozen=True, slots=True)
class Field:
    """`calls` are the letters of the calls that accept it, `needed` those that refuse without it.

    `default` is what the record holds when the field is absent or emptied; None means that it is then absent.
    `fields` describes the object, or the objects of a list.
    """

    name: str
    kind: str
    calls: str = ""
    max: int = 0
    needed: str = ""
    default: Any = None
    words: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()


def text(name: str, longest: int, calls: str = "", needed: str = "") -> Field:
    """A string of at most `longest` characters."""
    return Field(name, "text", calls, longest, needed)


def word(name: str, words: str, calls: str = "", needed: str = "", default: str | None = None) -> Field:
    """One of the blank-separated `words`."""
    return Field(name, "word", calls, 0, needed, default, tuple(words.split()))


def flag(name: str, calls: str = "", default: bool | None = None) -> Field:
    return Field(name, "flag", calls, default=default)


def whole(name: str, calls: str = "", needed: str = "", default: int | None = None) -> Field:
    """An integer of 0 or more; money is in minor units."""
    return Field(name, "whole", calls, 0, needed, default)


def moment(name: str, calls: str = "", needed: str = "") -> Field:
    """A UTC timestamp in whole seconds."""
    return Field(name, "moment", calls, 0, needed)


@dataclass(frozen=True, slots=True)
class CustomField:
    """One custom field of a resource, as declared in the admin UI. `datatype`: string, long, double,
    timestamp, date, email or url (Chargebee API, "custom fields"); text is at most `max` characters."""

    name: str
    datatype: str = "string"
    required: bool = False
    max: int = 250


def apply(doc: Doc, changes: Mapping[str, Any], spec: Mapping[str, Field]) -> None:
    """Put changes into a record: an emptied field goes back to its default, or away."""
    for name, value in changes.items():
        known = spec.get(name)
        if value is None and known is not None and known.default is not None:
            doc[name] = known.default
        elif value is None:
            doc.pop(name, None)
        else:
            doc[name] = value


def defaults(spec: Mapping[str, Field]) -> Doc:
    """What a new record holds before anything is said about it."""
    return {known.name: known.default for known in spec.values() if known.default is not None}


def by_name(*fields: Field) -> dict[str, Field]:
    return {known.name: known for known in fields}


def refuse_unknown_type(datatype: str) -> None:
    """Raises ApiError (400) for a datatype that Chargebee's custom fields do not have."""
    if datatype not in ("string", "long", "double", "timestamp", "date", "email", "url"):
        raise ApiError("invalid_request", f"{datatype} is not a datatype of a custom field")
