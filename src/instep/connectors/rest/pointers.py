"""Pointers into JSON: dotted paths, as descriptions have them.

A step is a key, the number of a list's entry, or `name[key=value]`: the entry of the list `name` whose key has that
value. A key that has dots itself ("@odata.nextLink") is found if it is the last step. A text that is JSON itself is
gone into.
"""

from __future__ import annotations

import re

import msgspec

from instep.core.values import ABSENT, Absent, Json, decode, whole_number

_STEP = re.compile(r"(?P<step>[^.\[\]]*)(?:\[(?P<key>[^=\]]+)=(?P<value>[^\]]*)\])?(?:\.|$)")


def at(value: Json | Absent, pointer: str) -> Json | Absent:
    """The value at "data.0.name"; the value itself for ""; ABSENT where the way ends early. Nothing raises."""
    while pointer:
        if isinstance(value, dict) and pointer in value:
            return value[pointer]
        found = _STEP.match(pointer)
        if found is None:
            return ABSENT
        value = _stepped(_opened(value), found["step"])
        if found["key"]:
            entries = value if isinstance(value, list) else []
            at_ = _entry(entries, found["key"], found["value"])
            value = ABSENT if at_ is None else entries[at_]
        pointer = pointer[found.end() :]
    return value


def _opened(value: Json | Absent) -> Json | Absent:
    """What a text holds that is an object or a list as JSON; anything else as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value


def _stepped(value: Json | Absent, step: str) -> Json | Absent:
    if isinstance(value, dict) and step in value:
        return value[step]
    position = _position(step)
    if isinstance(value, list) and position is not None and position < len(value):
        return value[position]
    return ABSENT


def _entry(entries: list[Json], key: str, value: str) -> int | None:
    """The place of the first entry whose key has the value."""
    texts = (text_at(entry, key) if isinstance(entry, dict) else None for entry in entries)
    return next((n for n, text in enumerate(texts) if text == value), None)


def text_at(value: Json | Absent, pointer: str) -> str:
    """The text or number at the pointer as text, "" for anything else. An empty pointer gives ""."""
    found = at(value, pointer) if pointer else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def put(body: dict[str, Json], pointer: str, value: Json) -> None:
    """Put a value at the pointer, making the objects, and the lists and entries, on the way; changes `body` in place,
    but nothing that was in it."""
    found = _STEP.match(pointer)
    if found is None:
        body[pointer] = value
        return
    rest = pointer[found.end() :]
    inner = body.get(found["step"])
    if found["key"]:
        entries = list(inner) if isinstance(inner, list) else []
        place = _entry(entries, found["key"], found["value"])
        if place is None:
            place = len(entries)
            entries.append({found["key"]: found["value"]})
        entries[place] = _with(entries[place], rest, value)
        body[found["step"]] = entries
    else:
        body[found["step"]] = _with(inner, rest, value)


def _position(step: str) -> int | None:
    """The place in a list that a step names, 0 to 999; None for a key."""
    position = whole_number(step, 3)
    return None if position is None or position < 0 else position


def _with(inner: Json, pointer: str, value: Json) -> Json:
    step, _, rest = pointer.partition(".")
    if not pointer:
        return value
    position = _position(step)
    if position is None:
        held = dict(inner) if isinstance(inner, dict) else {}
        put(held, pointer, value)
        return held
    entries = list(inner) if isinstance(inner, list) else []
    entries += [None] * (position + 1 - len(entries))
    entries[position] = _with(entries[position], rest, value)
    return entries
