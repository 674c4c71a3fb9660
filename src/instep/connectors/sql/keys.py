"""Ids of records and the keys of rows: a key of several columns is one text, its parts with / between them."""

from __future__ import annotations

from collections.abc import Sequence

from instep.connectors.sql.description import KeyColumn
from instep.core.values import whole_number

MAX_ID = 255


def id_of(parts: Sequence[object]) -> str:
    """The id of the row with this key; "" if no id can be made of it."""
    if any(part is None or part == "" for part in parts):
        return ""
    texts = [str(part) for part in parts]
    if len(texts) > 1:
        texts = [text.replace("%", "%25").replace("/", "%2F") for text in texts]
    id = "/".join(texts)
    return id if len(id) <= MAX_ID and id.isprintable() else ""


def key_of(id: str, key: Sequence[KeyColumn]) -> tuple[int | str, ...] | None:
    """The key that an id names; None if no row can have it."""
    texts = [id] if len(key) == 1 else id.split("/")
    if len(texts) != len(key) or not id or len(id) > MAX_ID or not id.isprintable():
        return None
    if len(key) > 1:
        texts = [text.replace("%2F", "/").replace("%25", "%") for text in texts]
    parts: list[int | str] = []
    for text, column in zip(texts, key, strict=True):
        if column.type == "text":
            parts.append(text)
            continue
        number = whole_number(text, 19)
        if number is None or not -(2**63) <= number < 2**63:
            return None
        parts.append(number)
    return tuple(parts)
