"""Between JSON on the wire and records: reading a row, and the bodies of writes.

Everything that a system sends is untrusted: an id is checked before it becomes part of an address, and
only declared fields are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from instep.connectors.rest.description import EntityDescription, WriteCall
from instep.connectors.rest.moments import read_moment
from instep.connectors.rest.pointers import at
from instep.connectors.writing import filled, heads
from instep.core.model import Entity, Record
from instep.core.values import Absent, Json, get_path, set_path
from instep.errors import BadAnswer, Gone

MAX_ID = 255


def usable_id(value: Json | Absent) -> str:
    """The id as text, "" if it can't be one: not a text or number, too long, or dangerous in an address."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value)
    if not text or len(text) > MAX_ID or text in (".", "..") or not text.isprintable():
        return ""
    return text


def path_of(described: EntityDescription, template: str, id: str) -> str:
    """The quoted path of one record. Raises Gone for an id that no record can have."""
    if not usable_id(id):
        raise Gone(
            f"there is no record with the id {id[:40]!r}", why="it is not an id that a record can have"
        )
    template = template or described.path.rstrip("/") + "/{id}"
    return template.replace("{id}", quote(id, safe=""))


def record_of(
    entity: Entity, described: EntityDescription, row: Json | Absent, *, etag: str = "", hint: bool = False
) -> Record:
    """One row as a record. `etag` is the answer's, where the row came alone. Raises BadAnswer."""
    if not isinstance(row, dict):
        raise BadAnswer(
            f"{entity.name}: an entry is not an object", why=f"it is {type(row).__name__.lower()}"
        )
    id = usable_id(at(row, described.id))
    if not id:
        raise BadAnswer(f"{entity.name}: an entry has no usable id", why=f"at {described.id} of the entry")
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
    return Record(id, filled(kept, entity), version, token, updated_ms, created_ms)


def _version(described: EntityDescription, row: dict[str, Json]) -> int | None:
    if described.version.kind != "field":
        return None
    value = at(row, described.version.field)
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def create_body(described: EntityDescription, call: WriteCall, values: Mapping[str, Json], id: str) -> Json:
    """`values`: dotted path -> value. `id` is the chosen one, "" if the system gives it."""
    fields: dict[str, Json] = {}
    for path, value in values.items():
        set_path(fields, path, value)
    in_body = described.chosen_id is not None and described.chosen_id.by == "body"
    return _wrapped(call, fields, id if in_body else "", call.id_at or "id")


def partial_body(call: WriteCall, id: str, changes: Mapping[str, Json], seen: Record) -> Json:
    """Only what changes; with `nested: replace` the inner objects whole, as `seen` has them."""
    fields: dict[str, Json] = {}
    for path, value in changes.items():
        head = path.partition(".")[0]
        if call.nested == "replace" and head != path and head not in fields:
            fields[head] = seen.fields.get(head)
        set_path(fields, path, value)
    return _wrapped(call, fields, id if call.id_at else "", call.id_at)


def full_body(
    entity: Entity, described: EntityDescription, call: WriteCall, row: Json, changes: Mapping[str, Json]
) -> Json:
    """Everything that the row just read holds, but what is read only or to be dropped, with the changes."""
    held = at(row, described.fields_at)
    fields = dict(held) if isinstance(held, dict) else {}
    read_only = [field.path for field in entity.fields if not field.update]
    for path in (*read_only, *call.drop):
        _take_out(fields, path)
    for path, value in changes.items():
        set_path(fields, path, value)
    id = usable_id(at(row, described.id))
    return _wrapped(call, fields, id if call.id_at else "", call.id_at)


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


def _wrapped(call: WriteCall, fields: dict[str, Json], id: str, id_at: str) -> Json:
    body: dict[str, Json] = {}
    for path, value in call.constants.items():
        set_path(body, path, value)
    if call.wrap:
        inside = get_path(body, call.wrap)
        set_path(body, call.wrap, {**inside, **fields} if isinstance(inside, dict) else fields)
    else:
        body |= fields
    if id:
        set_path(body, id_at, id)
    return body
