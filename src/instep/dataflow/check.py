"""Whether a dataflow fits what the two systems can hold and do, told from their descriptions alone.

Nothing is asked of a live system. What is certain to fail is an error; what will hold some records for a person,
or lose some detail, is a warning that says which and why. `check_fields` looks at single properties.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from instep.core.dataflow import Dataflow, Pair, Property
from instep.core.model import SIDES, Both, Entity, Field, Side
from instep.dataflow.check_fields import check_property, transformation_name
from instep.dataflow.spelling import did_you_mean, field_hint
from instep.errors import Problem

Entities = Both[Mapping[str, Entity]]


def check(
    dataflow: Dataflow, entities: Entities, systems: Both[str] = Both("the left system", "the right system")
) -> list[Problem]:
    """Every problem, in the order of the file. `systems` are the names that people call them by."""
    found = [problem for pair in dataflow.pairs for problem in _pair(pair, entities, systems)]
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.severity))


def _pair(pair: Pair, entities: Entities, systems: Both[str]) -> Iterator[Problem]:
    unknown = [side for side in SIDES if pair.entity[side] not in entities[side]]
    for side in unknown:
        yield _problem(
            pair,
            f'{systems[side]} has no "{pair.entity[side]}"',
            fix=did_you_mean(pair.entity[side], entities[side]),
        )
    if unknown:
        return
    both = Both.of(lambda side: entities[side][pair.entity[side]])
    for prop in pair.properties:
        yield from check_property(pair, prop, both, systems)
    for side in SIDES:
        yield from _conditions(pair, side, both[side], systems[side])
        yield from _creating(pair, side, both, systems)
        yield from _constants(pair, side, both[side], systems[side])
        yield from _unwritable(pair, side, both[side], systems)
        yield from _deleting(pair, side, both[side], systems)
    if not pair.match and any(pair.create):
        yield _problem(
            pair,
            f'"{pair.name}" has nothing to match by',
            why="at first contact a record that exists on both sides would be created a second time",
            fix="name properties that tell records apart: match: [email]",
            severity="warning",
        )


def _conditions(pair: Pair, side: Side, entity: Entity, system: str) -> Iterator[Problem]:
    of_pair = (None, (*pair.where[side], *pair.create_when[side.other]))
    of_properties = ((prop, (*prop.when[side], *prop.required_when[side])) for prop in pair.properties)
    for prop, conditions in (of_pair, *of_properties):
        for condition in conditions:
            field = entity.field(condition.path)
            if field is None:
                yield _problem(
                    pair,
                    f'{entity.name} of {system} has no field "{condition.path}" (condition: {condition})',
                    why="no record could ever be told to meet it",
                    fix=field_hint(condition.path, [f.path for f in entity.fields]),
                    prop=prop,
                )
                continue
            known = field.choices if field.path == condition.path and field.choices else ()
            unknown = [str(value) for value in condition.values if known and str(value) not in known]
            if unknown:
                yield _problem(
                    pair,
                    f'"{condition.path}" of {system} is never {" or ".join(unknown)} (condition: {condition})',
                    why=f"it takes {', '.join(known[:12])}",
                    fix=did_you_mean(unknown[0], known),
                    severity="warning",
                    prop=prop,
                )


def _creating(pair: Pair, side: Side, both: Both[Entity], systems: Both[str]) -> Iterator[Problem]:
    entity, abilities = both[side], both[side].abilities
    if not pair.create[side]:
        return
    if not abilities.create:
        yield _problem(
            pair,
            f"{entity.name} records can't be created in {systems[side]}",
            why=abilities.reasons.get("create", "its API has no call for it"),
            fix=f"nothing, if a person is to make each of them: every {both[side.other].name} without a partner is "
            f"held and says so; or write create: {_without(pair, side)}, to leave them alone",
            severity="warning",
        )
        return
    if pair.id_template[side] != "{id}" and not abilities.chosen_id and not abilities.marker:
        yield _problem(
            pair,
            f"new_id has no effect in {systems[side]}",
            why=f"{entity.name} has neither ids that the caller chooses nor a field for our reference",
            fix=f"remove new_id: {{{side.value}: ...}}",
            severity="warning",
        )
    if not (abilities.chosen_id or abilities.marker or abilities.key_window_ms):
        yield _problem(
            pair,
            f"{systems[side]} can't tell whether a {field_owner(entity)} was made",
            why="it takes no id of ours, has no field for our reference and knows no idempotency keys, so a create "
            "whose answer is lost stays in doubt",
            fix="nothing: such a create is held for you; better, give it a field for our reference (marker)",
            severity="warning",
        )
    for field in entity.fields:
        if field.required and field.create:
            yield from _required(pair, side, field, both, systems)


def _required(
    pair: Pair, side: Side, field: Field, both: Both[Entity], systems: Both[str]
) -> Iterator[Problem]:
    if _covers(list(pair.constants[side]), field.path):
        return
    fillers = [p for p in pair.properties if p.may_flow(side) and _covers(p.parts[side].fields, field.path)]
    if not fillers:
        yield _problem(
            pair,
            f'nothing fills "{field.path}", which {systems[side]} requires of a new {field_owner(both[side])}',
            why="every create would be refused",
            fix=f"map it, or give every new record a value: constants: {{{side.value}: {{{field.path}: ...}}}}",
        )
        return
    sources = [both[side.other].field(path) for p in fillers for path in p.parts[side.other].fields]
    sure = any(
        p.required or p.default[side] is not None or "id" in p.parts[side.other].fields for p in fillers
    )
    if not sure and all(source is not None and source.create and not source.required for source in sources):
        filler = fillers[0]
        yield _problem(
            pair,
            f'{systems[side]} requires "{field.path}", and {systems[side.other]} may have none',
            why=f"a record without it is held until a person fills in {', '.join(filler.parts[side.other].fields)}",
            fix=f"to create it all the same, give {filler.name} a default: {{{side.value}: ...}}",
            severity="warning",
            prop=filler,
        )


def field_owner(entity: Entity) -> str:
    """An entity as a noun in a sentence: "business entity"."""
    return entity.name.replace("_", " ")


def _constants(pair: Pair, side: Side, entity: Entity, system: str) -> Iterator[Problem]:
    for path in pair.constants[side]:
        field = entity.field(path)
        if field is None:
            paths = [f.path for f in entity.fields]
            yield _problem(
                pair,
                f'{entity.name} of {system} has no field "{path}" (constants)',
                fix=field_hint(path, paths),
            )
        elif not field.create:
            yield _problem(
                pair,
                f'the constant "{path}" can\'t be given to a new {field_owner(entity)} of {system}',
                why=field.reason or "its API does not take it there",
                fix="remove it",
            )


def _unwritable(pair: Pair, side: Side, entity: Entity, systems: Both[str]) -> Iterator[Problem]:
    """One warning per reason, not one per property: a read-only entity would drown everything else."""
    never: dict[str, list[Property]] = {}
    later: dict[str, list[Property]] = {}
    for prop in pair.properties:
        fields = [field for path in prop.parts[side].fields if (field := entity.field(path)) is not None]
        if not prop.may_flow(side) or not fields:
            continue
        fixed = next((f for f in fields if not f.update), None)
        if fixed is None and entity.abilities.update:
            continue
        general = "" if entity.abilities.update else entity.abilities.reasons.get("update", "")
        reason = (fixed.reason if fixed is not None else "") or general
        at_create = entity.abilities.create and all(f.create or _is_own_id(f, entity) for f in fields)
        (later if at_create else never).setdefault(reason, []).append(prop)
    for reason, properties in never.items():
        yield _problem(
            pair,
            f"{systems[side]} can't be told of changes in {_listed(properties)}",
            why=reason or "its API only reads it",
            fix=f"nothing, if a person is to repeat such edits there: they are held; or map one way, away from "
            f"{systems[side]}, and an edit in {systems[side.other]} is put back",
            severity="warning",
            prop=properties[0],
        )
    for reason, properties in later.items():
        yield _problem(
            pair,
            f"{systems[side]} takes {_listed(properties)} only when a record is made",
            why=reason or "its API does not change it later",
            fix=f"nothing, if a person is to look at later edits in {systems[side.other]}: they are held",
            severity="warning",
            prop=properties[0],
        )


def _deleting(pair: Pair, side: Side, entity: Entity, systems: Both[str]) -> Iterator[Problem]:
    if pair.on_delete == "retire" and not entity.abilities.retire:
        yield _problem(
            pair,
            f"{field_owner(entity)} records of {systems[side]} can't be retired",
            why=entity.abilities.reasons.get("retire", "its API has no call for it"),
            fix="nothing, if a person is to see to each: it is held; or write on_delete: hold",
            severity="warning",
        )


def _covers(paths: Sequence[str], path: str) -> bool:
    """Whether one of the paths is this one, or holds it, or lies within it."""
    return any(p == path or path.startswith(f"{p}.") or p.startswith(f"{path}.") for p in paths)


def _is_own_id(field: Field, entity: Entity) -> bool:
    return field.path == "id" and entity.abilities.chosen_id


def _without(pair: Pair, side: Side) -> str:
    return side.other.value if pair.create[side.other] else "none"


def _listed(properties: Sequence[Property]) -> str:
    names = [p.name for p in properties]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _problem(
    pair: Pair,
    what: str,
    *,
    why: str = "",
    fix: str = "",
    severity: str = "error",
    prop: Property | None = None,
) -> Problem:
    file, line = prop.source if prop is not None and prop.source[1] else pair.source
    where = pair.name if prop is None else f"{pair.name}.{prop.name}"
    return Problem(file, line, 1 if line else 0, what, why=why, fix=fix, severity=severity, where=where)


__all__ = ["Entities", "check", "field_owner", "transformation_name"]
