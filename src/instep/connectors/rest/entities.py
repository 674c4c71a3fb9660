"""From the description of an entity to what the engine asks of every entity: fields and abilities."""

from __future__ import annotations

from instep.connectors.rest.description import EntityDescription
from instep.connectors.rest.description_records import FieldLine
from instep.connectors.rest.moments import unit_ms
from instep.core.model import Abilities, Entity, Field, Versions

_VERSIONS: dict[str, Versions] = {"field": "strict", "updated_at": "time", "none": "none"}


def entity_of(name: str, described: EntityDescription) -> Entity:
    """What the description declares. A field is writable only through a call that is described."""
    marker, chosen, lags = described.marker, described.chosen_id, described.lags
    retired = described.retired
    return Entity(
        name=name,
        fields=tuple(_field(line, described) for line in described.fields),
        abilities=Abilities(
            create=described.create is not None,
            update=described.update is not None or bool(described.groups),
            retire=described.retire is not None,
            read=described.read is not None,
            list=described.list is not None,
            chosen_id=chosen is not None,
            max_id_length=chosen.max_length if chosen else 64,
            marker=marker.field if marker else "",
            key_window_ms=described.idempotency_window_s * 1000,
            conditional=bool(described.version.if_match or described.version.token_at),
            tombstones=described.deleted is not None,
            complete_list=described.list is not None and described.list.complete,
            versions=_VERSIONS[described.version.kind],
            list_lag_ms=int(lags.list_s * 1000),
            read_lag_ms=int(lags.read_s * 1000),
            late_apply_ms=int(lags.late_apply_s * 1000),
            resolution_ms=resolution_ms(described),
            reasons={str(operation): reason for operation, reason in described.reasons.items()},
        ),
        open_prefixes=described.open_prefixes,
        retired=(retired.field, retired.value) if retired else None,
    )


def resolution_ms(described: EntityDescription) -> int:
    """How far apart two changes must be to show different times."""
    moment = described.updated_at
    return max(moment.resolution_ms, unit_ms(moment.format)) if moment else 1


def _field(line: FieldLine, described: EntityDescription) -> Field:
    update = line.update and not line.read_only
    if line.group == "" and described.update is None:
        update = False
    return Field(
        path=line.path,
        type=line.type,
        create=line.create and not line.read_only and described.create is not None,
        update=update,
        group=line.group,
        required=line.required,
        max_length=line.max_length,
        choices=line.choices,
        reference=line.reference,
        reason=line.reason or ("the system sets it itself" if line.read_only else ""),
    )
