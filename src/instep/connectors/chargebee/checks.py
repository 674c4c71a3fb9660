"""A live look at a site, which only reads: can the key read, are the features on, are the fields there?"""

from __future__ import annotations

from collections.abc import Mapping

from instep.connectors.chargebee.api import Api, Query, segment
from instep.connectors.chargebee.settings import FIELD_TYPES, Settings
from instep.connectors.contract import Health
from instep.core.model import Entity
from instep.errors import Gone, OutcomeError, Problem, Stop

_LISTS: tuple[tuple[str, str, Query, str], ...] = (
    ("customer", "customers", (("limit", "1"),), "error"),
    ("item", "items", (("limit", "1"),), "error"),
    ("order", "orders", (("limit", "1"),), "warning"),
    ("event", "events", (("limit", "1"),), "warning"),
)
_CONFIG_LIMIT = "100"


async def look(api: Api, settings: Settings, entities: Mapping[str, Entity]) -> Health:
    """See `Connector.check`."""
    del entities
    problems: list[Problem] = []
    notes: list[str] = []
    for resource, path, query, severity in _LISTS:
        try:
            await api.page(resource, path, query, subject=f"{resource} records")
        except Stop as stop:
            # A feature that is off concerns one entity; a key or site that is wrong concerns all.
            alone = "configuration_incompatible" in stop.why
            problems.append(_problem(api, stop, severity if alone else "error"))
            if not alone:
                break
        except OutcomeError as error:
            problems.append(_problem(api, error, severity))
    else:
        problems += await _family(api, settings)
        problems += await _custom_fields(api, settings)
    if not settings.business_entities:
        notes.append(
            "no business entities are configured: Chargebee's API lists none, so only those that changed in"
            " the past 90 days have a name"
        )
    notes.append("whether the key may write shows with the first write: Chargebee has no harmless way to ask")
    return Health(problems, api.http.skew.skew_ms, api.http.pace.per_minute, notes)


async def _family(api: Api, settings: Settings) -> list[Problem]:
    id = settings.item_family
    if not id:
        return []
    try:
        await api.get(
            "item_family",
            f"item_families/{segment(id)}",
            route="item_families/{id}",
            subject=f"item family {id}",
        )
    except Gone:
        return [
            Problem("", 0, 0, f"item family {id} is not there yet", severity="warning",
                    fix="nothing to do if it is to be made with the first new item")
        ]  # fmt: skip
    except OutcomeError as error:
        return [_problem(api, error, "warning")]
    return []


async def _custom_fields(api: Api, settings: Settings) -> list[Problem]:
    """Custom fields that are configured here and missing there, or of another type."""
    if not any(settings.custom_fields.values()):
        return []
    try:
        live = await _live_fields(api)
    except OutcomeError as error:
        return [_problem(api, error, "warning")]
    problems = []
    for entity, declared in settings.custom_fields.items():
        for name, type in declared.items():
            found = live.get((entity, name))
            where = f"custom_fields.{entity}.{name}"
            if found is None:
                problems.append(
                    Problem("", 0, 0, f"{api.system} has no custom field {name} on {entity}", where=where,
                            fix="add it in Chargebee under Settings > Custom fields, or take it out here")
                )  # fmt: skip
            elif FIELD_TYPES.get(found, found) != FIELD_TYPES.get(type, type):
                problems.append(
                    Problem("", 0, 0, f"custom field {name} on {entity} is of another type", where=where,
                            why=f"it is {found} in {api.system} and {type} here", fix=f"write {found} here")
                )  # fmt: skip
    return problems


async def _live_fields(api: Api) -> dict[tuple[str, str], str]:
    """(entity, name) -> data type of the site's active custom fields."""
    answer = await api.http.request(
        "GET", "custom_field_configs", query=[("limit", _CONFIG_LIMIT)], route="custom_field_configs"
    )
    rows = answer.value.get("list") if isinstance(answer.value, dict) else None
    found: dict[tuple[str, str], str] = {}
    for row in rows if isinstance(rows, list) else ():
        config = row.get("custom_field_config") if isinstance(row, dict) else None
        if isinstance(config, dict) and config.get("status", "active") == "active":
            found[_entity(str(config.get("entity_type", ""))), str(config.get("api_name"))] = str(
                config.get("field_datatype", "")
            ).lower()
    return found


def _entity(entity_type: str) -> str:
    """Plan, addon and charge items have their own custom fields; here they are all fields of items."""
    return "item" if entity_type.endswith("_item") else entity_type


def _problem(api: Api, error: OutcomeError, severity: str) -> Problem:
    return Problem("", 0, 0, f"{api.system}: {error.what}", error.why, error.fix, severity)
