"""Between JSON on the wire and records: reading a row, and the bodies of writes.

Everything that a system sends is untrusted: an id is checked before it becomes part of an address, and
only declared fields are kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from instep.connectors.rest.description import EntityDescription
from instep.connectors.rest.description_calls import BulkCall, WriteCall
from instep.connectors.rest.moments import read_moment
from instep.connectors.rest.places import Place, usable_id
from instep.connectors.rest.pointers import at, put
from instep.connectors.rest.words import Words, filled_in
from instep.connectors.writing import filled, heads
from instep.core.model import Entity, Record
from instep.core.values import Absent, Json, set_path
from instep.errors import BadAnswer


def record_of(
    entity: Entity,
    place: Place,
    row: Json | Absent,
    *,
    parent: str = "",
    etag: str = "",
    hint: bool = False,
) -> Record:
    """One row as a record. `parent`: the id of what it is under; `etag` is the answer's, where the row came alone.
    Raises BadAnswer."""
    described = place.described
    if not isinstance(row, dict):
        raise BadAnswer(
            f"{entity.name}: an entry is not an object", why=f"it is {type(row).__name__.lower()}"
        )
    own = usable_id(at(row, described.id))
    if not own:
        raise BadAnswer(f"{entity.name}: an entry has no usable id", why=f"at {described.id} of the entry")
    id = place.id_of(parent, own)
    version = _version(described, row)
    token = None
    if described.version.if_match == "etag":
        token = etag or None
    elif described.version.if_match and version is not None:
        token = described.version.if_match.replace("{version}", str(version))
    updated, created = described.updated_at, described.created_at
    updated_ms = read_moment(at(row, updated.field), updated.format) if updated else None
    created_ms = read_moment(at(row, created.field), created.format) if created else None
    if described.version.kind == "updated_at":
        version = updated_ms
    deleted = described.deleted is not None and at(row, described.deleted.field) == described.deleted.value
    if deleted or hint:
        return Record(id, {}, version, token, updated_ms, created_ms, deleted=deleted, complete=deleted)
    fields = at(row, described.fields_at)
    if not isinstance(fields, dict):
        raise BadAnswer(f"{entity.name} {id} has no fields", why=f"nothing at {described.fields_at}")
    wanted = set(heads(entity))
    kept = {
        name: value
        for name, value in fields.items()
        if name in wanted or (described.open_prefixes and name.startswith(described.open_prefixes))
    }
    if described.parent is not None and parent:
        set_path(kept, described.parent.field, parent)
    return Record(id, filled(kept, entity), version, token, updated_ms, created_ms)


def _version(described: EntityDescription, row: dict[str, Json]) -> int | None:
    if described.version.kind != "field":
        return None
    value = at(row, described.version.field)
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def create_body(
    place: Place, call: WriteCall | BulkCall, values: Mapping[str, Json], words: Words
) -> dict[str, Json]:
    """`values`: dotted path -> value. `words`: those of the path, with the id where the caller chooses it."""
    fields: dict[str, Json] = {}
    for path, value in values.items():
        set_path(fields, path, value)
    chosen = place.described.chosen_id
    id_at = (call.id_at or "id") if chosen is not None and chosen.by == "body" else ""
    return wrapped(call, fields, id_at, words)


def partial_fields(call: WriteCall, changes: Mapping[str, Json], seen: Record) -> dict[str, Json]:
    """Only what changes; with `nested: replace` the inner objects whole, as `seen` has them."""
    fields: dict[str, Json] = {}
    for path, value in changes.items():
        head = path.partition(".")[0]
        if call.nested == "replace" and head != path and head not in fields:
            fields[head] = seen.fields.get(head)
        set_path(fields, path, value)
    return fields


def full_fields(
    entity: Entity, described: EntityDescription, call: WriteCall, row: Json, changes: Mapping[str, Json]
) -> dict[str, Json]:
    """Everything that the row just read holds, but what is read only or to be dropped, with the changes."""
    held = at(row, described.fields_at)
    fields = dict(held) if isinstance(held, dict) else {}
    read_only = [field.path for field in entity.fields if not field.update]
    for path in (*read_only, *call.drop):
        _take_out(fields, path)
    for path, value in changes.items():
        set_path(fields, path, value)
    return fields


def wrapped(
    call: WriteCall | BulkCall, fields: Mapping[str, Json], id_at: str, words: Words
) -> dict[str, Json]:
    """A body, or an entry of one, around fields: with what always stands there, and the id."""
    body: dict[str, Json] = {}
    for path, value in call.constants.items():
        filled = filled_in(value, words)
        if not isinstance(filled, Absent):
            put(body, path, filled)
    if call.wrap:
        inside = at(body, call.wrap)
        put(body, call.wrap, {**inside, **fields} if isinstance(inside, dict) else dict(fields))
    else:
        body |= fields
    if id_at and "id" in words:
        put(body, id_at, words["id"])
    return body


def needs_whole_objects(call: WriteCall, changes: Mapping[str, Json], seen: Record) -> bool:
    """Whether a partial body would wipe inner values that `seen` does not offer."""
    inner = (path.partition(".")[0] for path in changes if "." in path)
    return call.nested == "replace" and any(head not in seen.fields for head in inner)


def _take_out(fields: dict[str, Json], path: str) -> None:
    head, _, rest = path.partition(".")
    if not rest:
        fields.pop(head, None)
        return
    inner = fields.get(head)
    if isinstance(inner, dict):
        inner = dict(inner)
        _take_out(inner, rest)
        fields[head] = inner
