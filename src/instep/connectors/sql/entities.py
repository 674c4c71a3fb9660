"""From the description of an entity to what the engine asks of every entity: fields and abilities."""

from __future__ import annotations

from instep.connectors.sql.description import ByTriggers, Description, EntityDescription, FieldLine
from instep.connectors.sql.rows import orders_by_time
from instep.core.model import Abilities, Entity, Field, Versions

LATE_MS = 60_000
"""How long a commit whose answer was lost may still take: the database has it already, or never will."""


def entity_of(name: str, description: Description) -> Entity:
    """What the description declares. Everything is told without asking the database."""
    described = description.entities[name]
    marker, retired, writable = described.marker, described.retired, described.writable
    versions: Versions = "strict" if described.version else "time" if orders_by_time(described) else "none"
    lag_s = description.replica.lag_s if description.replica else 0.0
    reasons = {str(operation): reason for operation, reason in described.reasons.items()}
    if not writable:
        why = "it is described as read only" if described.read_only else "it is a query without a table"
        for operation in ("create", "update", "retire"):
            reasons.setdefault(operation, why)
    return Entity(
        name=name,
        fields=(
            *(_field(line, described) for line in described.fields),
            *(
                Field(
                    path, "list", create=writable and described.create, update=writable and described.update
                )
                for path in described.lines
            ),
        ),
        abilities=Abilities(
            create=writable and described.create,
            update=writable and described.update,
            retire=writable and described.retire is not None,
            chosen_id=bool(described.chosen_id),
            max_id_length=described.chosen_id or 64,
            marker=marker.field if marker else "",
            marker_unique=marker.unique if marker else False,
            conditional=True,
            tombstones=described.deleted is not None or isinstance(described.changes, ByTriggers),
            versions=versions,
            list_lag_ms=int(lag_s * 1000),
            late_apply_ms=LATE_MS,
            resolution_ms=described.updated_at.resolution_ms if described.updated_at else 1,
            reasons=reasons,
        ),
        retired=(retired.field, retired.value) if retired else None,
    )


def _field(line: FieldLine, described: EntityDescription) -> Field:
    key = {key.column for key in described.key}
    in_key = not key.isdisjoint(line.names)
    chosen = in_key and bool(described.chosen_id)
    open_ = described.writable and not line.read_only
    create = open_ and line.create and described.create and not chosen
    update = open_ and line.update and described.update and not in_key
    reason = line.reason
    if not reason and in_key:
        reason = "it is the key of the record"
    if not reason and line.read_only:
        reason = "the system sets it itself"
    return Field(
        path=line.path,
        type=line.type,
        create=create,
        update=update,
        required=line.required and create,
        max_length=line.max_length,
        choices=line.choices,
        reference=line.reference,
        reason=reason,
    )
