"""What may be written, decided from the declared entity before anything is sent.

Every connector asks here first, so that "never silently drops a field" and "declared impossible is Unable
without a request" hold in the same way for all of them. Nothing here knows any system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from instep.core.model import Entity, Field, FieldType
from instep.core.values import Json, is_empty
from instep.errors import Unable


def require(system: str, entity: Entity, operation: str) -> None:
    """Raise Unable, with the declared reason, if the entity can't do `operation` (a flag of Abilities)."""
    if getattr(entity.abilities, operation):
        return
    reason = entity.abilities.reasons.get(operation, f"its API can't {operation} this kind of record")
    raise Unable(f"{entity.name}: {operation} is not possible in {system}", why=reason)


def leaves(entity: Entity, fields: Mapping[str, Json]) -> dict[str, Json]:
    """Nested fields as dotted path -> value, opened down to the declared fields and no further.

    An object that is declared as one field ("metadata") stays whole; one of which only inner paths are
    declared ("address.city") is opened. An undeclared path is kept, for the caller to refuse.
    """
    declared = {field.path for field in entity.fields}
    found: dict[str, Json] = {}

    def open_up(prefix: str, value: Json) -> None:
        inner = isinstance(value, dict) and any(path.startswith(prefix + ".") for path in declared)
        if isinstance(value, dict) and inner:
            for key, below in value.items():
                open_up(f"{prefix}.{key}", below)
        else:
            found[prefix] = value

    for name, value in fields.items():
        open_up(name, value)
    return found


def require_creatable(system: str, entity: Entity, fields: Mapping[str, Json]) -> dict[str, Json]:
    """The leaves of a create; raises Unable for the first that the create call doesn't take."""
    require(system, entity, "create")
    found = leaves(entity, fields)
    for path in found:
        _writable(system, entity, path, "create")
    return found


def require_updatable(system: str, entity: Entity, changes: Mapping[str, Json]) -> list[Field]:
    """The fields that the changed paths belong to; raises Unable for one that no update call takes, and for
    fields of several groups, since one request could then not write them all."""
    require(system, entity, "update")
    fields = [_writable(system, entity, path, "update") for path in changes]
    groups = sorted({field.group for field in fields})
    if len(groups) > 1:
        raise Unable(
            f"{entity.name}: one request can't update {', '.join(changes)} in {system}",
            why=f"they are of the groups {', '.join(repr(group) for group in groups)}",
        )
    return fields


_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "decimal": (Decimal, int),
    "boolean": (bool,),
    "timestamp": (int,),
    "datetime": (str,),
    "date": (str,),
    "object": (dict,),
    "list": (list,),
}


def of_type(type: FieldType, value: Json) -> bool:
    """Whether a raw value is what the declared type says; a boolean is no integer."""
    types = _TYPES.get(type)
    return types is None or (isinstance(value, types) and (bool in types or not isinstance(value, bool)))


def fault(field: Field, value: Json) -> str:
    """Why the field can't hold the value, with the value and the limit; "" if it can. Empty is no fault."""
    if value is None:
        return ""
    if not of_type(field.type, value):
        return f"{value!r:.60} is not of type {field.type}"
    if field.max_length is not None and isinstance(value, str) and len(value) > field.max_length:
        return f"{len(value)} characters, the limit is {field.max_length}"
    if field.choices is not None and value not in field.choices:
        return f"{value!r:.60} must be one of {', '.join(field.choices)}"
    return ""


def missing(entity: Entity, values: Mapping[str, Json]) -> str:
    """The first required field that the values of a create (by path) leave empty; "" if there is none."""
    return next((f.path for f in entity.fields if f.required and is_empty(values.get(f.path))), "")


def filled(fields: Mapping[str, Json], entity: Entity) -> dict[str, Json]:
    """The fields plus None for every declared top-level one that is missing: what a full reading says."""
    empty: dict[str, Json] = dict.fromkeys((head for head in heads(entity)), None)
    return empty | dict(fields)


def heads(entity: Entity) -> Iterable[str]:
    """The top-level names of the declared fields, each once, in order."""
    return dict.fromkeys(field.path.partition(".")[0] for field in entity.fields)


def _writable(system: str, entity: Entity, path: str, operation: str) -> Field:
    field = entity.field(path)
    if field is None:
        raise Unable(
            f"{entity.name}: {path} can't be written in {system}", why="no field of that name is declared"
        )
    if not getattr(field, operation):
        why = field.reason or f"its API doesn't take this field in a call to {operation}"
        raise Unable(f"{entity.name}: {path} can't be written in {system}", why=why)
    return field
