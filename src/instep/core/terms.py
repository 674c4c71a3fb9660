"""What a record is found by when a person searches: its id, and the words of its names, addresses and numbers.

Not for matching, which compares whole values in their canonical form (`match`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from instep.core.values import Json

TELLING: Final = ("name", "mail", "company", "title", "code", "sku", "number", "reference", "po_")
"""A field whose path's last part has one of these in it holds words to find a record by."""

MOST: Final = 24
LONGEST: Final = 64
_WORD: Final = re.compile(r"[^\W_]+", re.UNICODE)


def folded(text: str) -> str:
    """A text without case and accents, so that people need not type them."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in apart if not unicodedata.combining(each))[:LONGEST].strip()


def wanted(query: str) -> list[str]:
    """The terms that a person asks for, the longest first; what they begin with is enough."""
    words = [folded(word) for word in query.split()]
    return sorted(dict.fromkeys(word for word in words if word), key=len, reverse=True)


def terms(id: str, fields: Mapping[str, Json]) -> frozenset[str]:
    """What a record is found by: its id, whole texts without blanks (an address, a code), and words of texts."""
    found: dict[str, None] = {folded(id): None}
    for text in _texts(fields):
        whole = folded(text)
        if whole and not any(each.isspace() for each in whole):
            found[whole] = None
            _, at, domain = whole.partition("@")
            if at and domain:
                found[domain] = None
        if "@" not in whole:
            found.update(dict.fromkeys(word for word in _WORD.findall(whole) if len(word) > 1))
    found.pop("", None)
    return frozenset(list(found)[:MOST])


def _texts(fields: Mapping[str, Json]) -> Iterator[str]:
    for name, value in sorted(fields.items()):
        if isinstance(value, str) and any(part in name.lower() for part in TELLING):
            yield value
        elif isinstance(value, dict):
            yield from _texts(value)
