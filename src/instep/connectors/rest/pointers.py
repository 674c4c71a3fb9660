"""Dotted pointers into whatever JSON a system sent. Nothing raises: what is not there is ABSENT."""

from __future__ import annotations

from instep.core.values import ABSENT, Absent, Json


def at(value: Json | Absent, pointer: str) -> Json | Absent:
    """The value at "data.0.name"; the value itself for ""; ABSENT where the way ends early."""
    for step in pointer.split(".") if pointer else ():
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value


def text_at(value: Json | Absent, pointer: str) -> str:
    """The text or number at the pointer as text, "" for anything else. An empty pointer gives ""."""
    found = at(value, pointer) if pointer else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
