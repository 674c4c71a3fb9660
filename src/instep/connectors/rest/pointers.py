"""Dotted pointers into whatever JSON a system sent. Nothing raises: what is not there is ABSENT."""

from __future__ import annotations

from instep.core.values import ABSENT, Absent, Json


def at(value: Json | Absent, pointer: str) -> Json | Absent:
    """The value at "data.0.name"; the value itself for ""; ABSENT where the way ends early.

    A key that has dots itself ("@odata.nextLink") is found if it is the last step.
    """
    while pointer:
        step, _, rest = pointer.partition(".")
        if isinstance(value, dict) and pointer in value:
            return value[pointer]
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
        pointer = rest
    return value


def text_at(value: Json | Absent, pointer: str) -> str:
    """The text or number at the pointer as text, "" for anything else. An empty pointer gives ""."""
    found = at(value, pointer) if pointer else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def put(body: dict[str, Json], pointer: str, value: Json) -> None:
    """Put a value at the pointer, making the objects and, for a step that is a number ("data.0"), the lists on the
    way; changes `body` in place, but nothing that was in it."""
    head, _, rest = pointer.partition(".")
    body[head] = _with(body.get(head), rest, value) if rest else value


def _with(inner: Json, pointer: str, value: Json) -> Json:
    step, _, rest = pointer.partition(".")
    if not step.isdecimal():
        held = dict(inner) if isinstance(inner, dict) else {}
        put(held, pointer, value)
        return held
    entries = list(inner) if isinstance(inner, list) else []
    entries += [None] * (int(step) + 1 - len(entries))
    entries[int(step)] = _with(entries[int(step)], rest, value) if rest else value
    return entries
