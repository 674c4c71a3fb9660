"""The data type of a field in words: what it holds, and when it may be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from instep.core.dataflow import Pair
from instep.core.model import Both, Entity, Field, Side

Entities = Both[Mapping[str, Entity]]

MOST_CHOICES: Final = 8


def field_of(entities: Entities, pair: Pair, side: Side, path: str) -> Field | None:
    """The field of a pair's entity; None if nothing is known of it. One within an object that is described as a whole
    may hold anything."""
    entity = entities[side].get(pair.entity[side])
    found = entity.field(path) if entity is not None else None
    if found is None or found.path == path:
        return found
    return replace(found, path=path, type="any", max_length=None, choices=None)


def type_words(entities: Entities, pair: Pair) -> Callable[[Side, str], str]:
    """Gives the words for a field of a side; "" where nothing is known of it."""

    def words(side: Side, path: str) -> str:
        field = field_of(entities, pair, side, path)
        return "" if field is None else " ".join((_held(field), _written(field))).strip()

    return words


def _held(field: Field) -> str:
    if field.choices is not None and len(field.choices) <= MOST_CHOICES:
        return f"one of {', '.join(field.choices)}"
    if field.choices is not None:
        return f"one of {len(field.choices)} words"
    if field.reference:
        return f"id of a record {field.reference}"
    kind = "any" if field.type == "any" else field.type
    return f"{kind}, at most {field.max_length}" if field.max_length is not None else kind


def _written(field: Field) -> str:
    if field.create and not field.update:
        return "(when made only)"
    return "" if field.create or field.update else "(read only)"
