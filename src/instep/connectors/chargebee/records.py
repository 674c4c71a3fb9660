"""From what Chargebee sends to a `Record`, and from changes to what it takes.

Chargebee leaves empty fields out, so every declared field that is missing is empty. Not for calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from instep.connectors.chargebee import schema
from instep.connectors.chargebee.api import FAR_S, Payload, whole
from instep.core.model import Entity, Field, Record
from instep.core.values import Json, digest, is_empty
from instep.errors import Refused, Unable

_NESTED = ("billing_address", "shipping_address", "relationship")
_JSON = ("meta_data", "metadata")
_PERSONAL = frozenset(
    (
        "first_name", "last_name", "email", "phone", "company", "vat_number", "billing_address", "contacts",
        "locale", "meta_data", "invoice_notes",
    )
)  # fmt: skip


class Shape:
    """Makes the records of one entity. `mark` changes with the fields that they hold."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.mark = digest([field.path for field in entity.fields])[:8]
        self._empty: dict[str, Any] = dict.fromkeys(schema.heads(entity))
        self._by_path = {field.path: field for field in entity.fields}

    def field(self, path: str) -> Field | None:
        """See `Entity.field`."""
        return self._by_path.get(path) or self.entity.field(path)

    def record(self, payload: Payload) -> Record:
        """A complete record; of a deleted one, what is left of it."""
        fields = self._empty | payload
        fields.pop("object", None)
        for name in _NESTED:
            inner = fields.get(name)
            if isinstance(inner, dict):
                inner.pop("object", None)
        for name in _JSON:
            if name in fields and not fields[name]:
                fields[name] = None
        if fields.get("pii_cleared") in ("scheduled_for_clear", "cleared"):
            # Blanked on a person's request for privacy: that says nothing about the other system's values.
            for name in [name for name in fields if name in _PERSONAL or name.startswith("cf_")]:
                del fields[name]
        version = whole(payload.get("resource_version"))
        return Record(
            id=payload["id"],
            fields=fields,
            version=version if version is not None else _ms(payload.get("updated_at")),
            updated_ms=updated_ms(payload),
            created_ms=_ms(payload.get("created_at")),
            deleted=payload.get("deleted") is True or payload.get("status") == "deleted",
        )


def _ms(second: object) -> int | None:
    at_s = whole(second, FAR_S)
    return None if at_s is None else at_s * 1000


def updated_ms(payload: Mapping[str, Any]) -> int | None:
    """When it last changed: the resource version, which is a time in milliseconds, else the whole second."""
    version = whole(payload.get("resource_version"), FAR_S * 1000)
    second_ms = _ms(payload.get("updated_at"))
    if second_ms is None:
        return version if version is not None else _ms(payload.get("created_at"))
    if version is not None and abs(version - second_ms) < 10_000:
        return version
    return second_ms


def leaves(shape: Shape, fields: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Nested fields as dotted paths, down to the fields that the entity declares."""

    def walk(path: str, value: Json) -> Iterator[tuple[str, Json]]:
        if isinstance(value, dict) and shape.field(path) is None:
            for key, inner in value.items():
                yield from walk(f"{path}.{key}", inner)
        else:
            yield path, value

    for name, value in fields.items():
        yield from walk(name, value)


def writable(shape: Shape, path: str, value: Json, what: str, *, creating: bool) -> Field:
    """The field at a path that is about to be written.

    Raises Unable if the call can't write it, Refused if the value is longer than Chargebee allows.
    """
    field = shape.field(path)
    if field is None:
        raise Unable(
            what,
            why=f"{shape.entity.name} has no field {path}",
            fix="correct the path; a custom field has to be named under custom_fields",
        )
    if not (field.create if creating else field.update):
        raise Unable(what, why=f"{path} can't be written: {field.reason or 'Chargebee sets it itself'}")
    if field.max_length is not None and isinstance(value, str) and len(value) > field.max_length:
        raise Refused(
            what,
            field=path,
            code="too_long",
            why=f"{path} has {len(value)} characters and Chargebee takes {field.max_length}",
            fix="shorten it in the other system",
        )
    return field


def to_update(shape: Shape, changes: Mapping[str, Json], what: str) -> str:
    """The group of these changes. Raises Unable if one can't be written or they are of two groups; Refused."""
    groups = {writable(shape, path, value, what, creating=False).group for path, value in changes.items()}
    if len(groups) != 1:
        raise Unable(what, why=f"Chargebee has no one call that writes {', '.join(sorted(changes))}")
    return groups.pop()


def to_create(shape: Shape, fields: Mapping[str, Json], id: str, what: str) -> dict[str, Json]:
    """Paths and values that a create call has to carry; what is empty is left out, and the chosen id, which
    it gets anyway. Raises Unable, Refused."""
    wanted = {
        path: value
        for path, value in leaves(shape, fields)
        if not is_empty(value) and (path, value) != ("id", id)
    }
    if "id" in wanted:
        raise Unable(what, why=f"it is to be {id}, and its fields say {wanted['id']}")
    for path, value in wanted.items():
        writable(shape, path, value, what, creating=True)
    return wanted


def nested(paths: Mapping[str, Json]) -> dict[str, Json]:
    """Dotted paths as nested objects, for a form."""
    made: dict[str, Any] = {}
    for path, value in paths.items():
        *above, last = path.split(".")
        inner = made
        for name in above:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return made
