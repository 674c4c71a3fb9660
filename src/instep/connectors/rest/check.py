"""A live look at one described entity: is it there, and as described? Reads one page, writes nothing."""

from __future__ import annotations

from decimal import Decimal
from secrets import token_hex

from instep.connectors.rest.description import EntityDescription
from instep.connectors.rest.pointers import at
from instep.connectors.rest.reader import Reader
from instep.connectors.writing import heads, of_type
from instep.core.model import Entity
from instep.core.values import ABSENT, Absent
from instep.errors import OutcomeError, Problem


async def look(system: str, reader: Reader) -> tuple[list[Problem], list[str]]:
    """What is wrong (an error stops a run, a warning does not), and sentences worth knowing."""
    entity, described = reader.entity, reader.place.described
    if described.list is None:
        return [], [f"{entity.name}: not looked at, since it can't be listed"]
    try:
        listing, rows = await reader.first_rows()
        records = listing.records(rows)
        await reader.parts.of_all(records[:1], listing.parent)
    except OutcomeError as error:
        return [_problem(entity, error.what, error.why, error.fix)], []
    if described.list.rows == "hint":
        return await _probe(reader), []
    own = {at_.partition(".")[0] for at_ in _described_elsewhere(described)}
    elsewhere = own | reader.parts.fields
    fields = [value for row in rows if isinstance(value := at(row, described.fields_at), dict)]
    if not fields:
        return [], [f"{entity.name}: no record to compare with its description"]
    seen = {name for row in fields for name in row}
    problems = [
        _problem(
            entity,
            f"{system} shows no field {name} of {entity.name}",
            f"looked at {len(fields)} records",
            f"correct or remove {name} in the description",
            "warning",
        )
        for name in heads(entity)
        if name not in seen | elsewhere
    ]
    for field in entity.fields:
        found = [at(row, field.path) for row in fields]
        values = [value for value in found if value is not None and not isinstance(value, Absent)]
        wrong = next((value for value in values if not of_type(field.type, value)), None)
        if wrong is not None:
            why = f"it is described as {field.type} and shown as {_shown(wrong)}"
            fix = f"write the type that {field.path} has"
            what = f"{entity.name}: {field.path} is of another type"
            problems.append(_problem(entity, what, why, fix, "warning"))
    if described.updated_at and all(at(row, described.updated_at.field) in (None, ABSENT) for row in rows):
        what = f"{entity.name}: no record tells when it was changed"
        why = f"nothing at {described.updated_at.field}"
        problems.append(_problem(entity, what, why, "correct updated_at in the description", "warning"))
    problems += await _probe(reader)
    extra = sorted(seen - set(heads(entity)) - own)
    notes = [f"{entity.name}: not described and so left alone: {', '.join(extra)}"] if extra else []
    return problems, notes


async def _probe(reader: Reader) -> list[Problem]:
    """Search for what nobody has: an answer with rows shows a filter that does not filter."""
    entity, marker = reader.entity, reader.place.described.marker
    if marker is None:
        return []
    try:
        listing, found = await reader.first_rows(f"instep-{token_hex(8)}")
        rows = listing.records(found)
    except OutcomeError as error:
        return [_problem(entity, error.what, error.why, "correct the marker in the description")]
    if not rows:
        return []
    return [
        _problem(
            entity,
            f"{entity.name}: the search by {marker.param or marker.field} does not filter",
            "a search for a value that no record has gave rows",
            "correct the marker; until then a create whose answer is lost is held for a person",
            "warning",
        )
    ]


def _described_elsewhere(described: EntityDescription) -> list[str]:
    moments = [moment.field for moment in (described.updated_at, described.created_at) if moment]
    deleted = [described.deleted.field] if described.deleted else []
    parent = [described.parent.field] if described.parent else []
    return [described.id, described.version.field, *moments, *deleted, *parent]


def _shown(value: object) -> str:
    kinds = {bool: "boolean", int: "integer", Decimal: "decimal", str: "text", dict: "object", list: "list"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "nothing")


def _problem(entity: Entity, what: str, why: str, fix: str, severity: str = "error") -> Problem:
    return Problem("", 0, 0, what, why, fix, severity, where=entity.name)
