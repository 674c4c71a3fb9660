"""Between JSON on the wire and records: reading a row, and the bodies of writes.

Everything that a system sends is untrusted: an id is checked before it becomes part of an address, and
only declared fields are kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from instep.connectors.rest.description import EntityDescription
from instep.connectors.rest.description_calls import BulkCall, WriteCall
from instep.connectors.rest.fields import Layout, mapped, read_fields
from instep.connectors.rest.moments import read_moment
from instep.connectors.rest.places import Place, usable_id
from instep.connectors.rest.pointers import at, put
from instep.connectors.rest.words import Words, filled_in
from instep.connectors.writing import filled
from instep.core.model import Entity, Record
from instep.core.values import Absent, Json, encode, set_path
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
    token = _token(described, row, version, etag)
    updated, created = described.updated_at, described.created_at
    updated_ms = read_moment(at(row, updated.field), updated.format, updated.zone) if updated else None
    created_ms = read_moment(at(row, created.field), created.format, created.zone) if created else None
    if described.version.kind == "updated_at":
        version = updated_ms
    deleted = described.deleted is not None and at(row, described.deleted.field) == described.deleted.value
    if deleted or hint:
        return Record(id, {}, version, token, updated_ms, created_ms, deleted=deleted, complete=deleted)
    held = at(row, described.fields_at)
    if not isinstance(held, dict):
        raise BadAnswer(f"{entity.name} {id} has no fields", why=f"nothing at {described.fields_at}")
    kept = read_fields(entity, described, row, held)
    if described.parent is not None and parent:
        set_path(kept, described.parent.field, parent)
    return Record(id, filled(kept, entity), version, token, updated_ms, created_ms)


def _token(described: EntityDescription, row: dict[str, Json], version: int | None, etag: str) -> str | None:
    """What a conditional write hands back: the text of a header, or JSON for the body."""
    told = described.version
    if told.token:
        value = at(row, told.token)
        if value is None or isinstance(value, Absent | dict | list):
            return None
        return encode(value).decode() if told.token_at else told.if_match.replace("{token}", str(value))
    if told.if_match == "etag":
        return etag or None
    if told.if_match and version is not None:
        return told.if_match.replace("{version}", str(version))
    return None


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
    layout = Layout(place.described)
    for path, value in values.items():
        layout.put(path, value)
    chosen = place.described.chosen_id
    id_at = (call.id_at or "id") if chosen is not None and chosen.by == "body" else ""
    return wrapped(call, layout, id_at, words)


def partial_layout(
    described: EntityDescription,
    call: WriteCall,
    changes: Mapping[str, Json],
    seen: Record,
    held: Mapping[str, Json],
) -> Layout:
    """Only what changes; with `nested: replace` the inner objects and lists whole, as `seen`, or a row that was read
    for it, has them: its fields are `held`."""
    layout = Layout(described)
    for path, value in changes.items():
        head = layout.head(path)
        if call.nested == "replace" and head and head not in layout.fields:
            layout.fields[head] = held[head] if head in held else seen.fields.get(head)
        layout.put(path, value)
    return layout


def full_layout(
    entity: Entity, described: EntityDescription, call: WriteCall, row: Json, changes: Mapping[str, Json]
) -> Layout:
    """Everything that the row just read holds, but what is read only or to be dropped, with the changes."""
    held = at(row, described.fields_at)
    layout = Layout(described, dict(held) if isinstance(held, dict) else {})
    read_only = [line.path for line in described.fields if not _updated(entity, line.path)]
    for path in (*read_only, *call.drop):
        _take_out(layout.fields, path)
    for path, value in changes.items():
        layout.put(path, value)
    return layout


def _updated(entity: Entity, path: str) -> bool:
    field = entity.field(path)
    return field is not None and field.update


def wrapped(call: WriteCall | BulkCall, layout: Layout, id_at: str, words: Words) -> dict[str, Json]:
    """A body, or an entry of one, around fields: with what always stands there, and the id."""
    body: dict[str, Json] = {}
    for path, value in call.constants.items():
        filled = filled_in(value, words)
        if not isinstance(filled, Absent):
            put(body, path, filled)
    if call.wrap:
        inside = at(body, call.wrap)
        put(body, call.wrap, merged(None if isinstance(inside, Absent) else inside, layout.fields))
    else:
        body = {**body, **{name: merged(body.get(name), value) for name, value in layout.fields.items()}}
    for name, inner in layout.root.items():
        body[name] = merged(body.get(name), inner)
    if id_at and "id" in words:
        put(body, id_at, words["id"])
    return body


def merged(under: Json, over: Json) -> Json:
    """Objects laid over each other, key by key; anything else is replaced."""
    if isinstance(under, dict) and isinstance(over, dict):
        return {**under, **{key: merged(under.get(key), value) for key, value in over.items()}}
    return over


def needs_a_row(
    described: EntityDescription, call: WriteCall, changes: Mapping[str, Json], seen: Record
) -> bool:
    """Whether a partial body would wipe inner values that `seen` does not offer as the system has them."""
    layout = Layout(described)
    inner = [head for path in changes if (head := layout.head(path))]
    return call.nested == "replace" and any(
        head not in seen.fields or mapped(described, head) for head in inner
    )


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
