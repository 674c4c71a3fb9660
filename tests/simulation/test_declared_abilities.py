"""Worlds whose two systems can do what the shipped connectors declare, entity by entity: what a connector says of its
system is what the engine relies on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from instep.connectors.chargebee import ChargebeeConnector
from instep.connectors.chargebee import Settings as ChargebeeSettings
from instep.connectors.contract import Connector
from instep.connectors.rest import Description, RestConnector
from instep.connectors.sql import Description as Database
from instep.connectors.sql import SqlConnector
from instep.connectors.tryton import Settings as TrytonSettings
from instep.connectors.tryton import TrytonConnector
from instep.core.model import Abilities, Both

from .plan import PROFILES, Plan
from .test_worlds import lived

WORLDS = 5
TABLE = {
    "url": "sqlite:///erp.db",
    "entities": {
        "contact": {
            "table": "contact",
            "fields": [{"path": "id"}, {"path": "name"}, {"path": "external_ref"}],
            "marker": {"field": "external_ref"},
            "version": {"column": "version"},
            "changes": {"by": "triggers"},
        }
    },
}
PARTNERS = {"business_entity": "customer", "customer": "contact", "item": "product", "order": "order"}


def shipped() -> Iterator[Connector]:
    """Every connector that ships, as it is before it has asked its system anything."""
    yield ChargebeeConnector("acme-test", "key", ChargebeeSettings())
    sample = resources.files("instep.connectors.rest").joinpath("sample_erp.yaml").read_text("utf-8")
    yield RestConnector(
        Description.model_validate(YAML(typ="safe").load(sample)), lambda _: "key", name="REST"
    )
    yield TrytonConnector(TrytonSettings("http://127.0.0.1:1", "erp", "sync"), "key", name="Tryton")
    yield SqlConnector(Database.model_validate(TABLE), lambda _: "", directory=Path(), name="SQL")


def as_profile(abilities: Abilities) -> dict[str, Any]:
    """What a simulated system can do, too; its lags are those of the world's bad days, its reference is called
    otherwise."""
    kept = (
        "create",
        "update",
        "retire",
        "chosen_id",
        "key_window_ms",
        "conditional",
        "tombstones",
        "versions",
    )
    told = {
        name: getattr(abilities, name) for name in (*kept, "resolution_ms", "marker_unique", "complete_list")
    }
    return {**told, "marker": "ref" if abilities.marker else ""}


@pytest.mark.parametrize("seed", range(WORLDS))
@pytest.mark.parametrize("erp", ["REST", "Tryton", "SQL"])
@pytest.mark.parametrize("entity", PARTNERS)
def test_a_world_of_declared_abilities_keeps_every_promise(
    entity: str, erp: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name = {connector.name: connector.entities() for connector in shipped()}
    theirs = by_name[erp].get(PARTNERS[entity]) or by_name[erp]["contact"]
    monkeypatch.setitem(PROFILES, "left", as_profile(by_name["Chargebee"][entity].abilities))
    monkeypatch.setitem(PROFILES, "right", as_profile(theirs.abilities))
    lived(replace(Plan.draw(40_000 + seed), profiles=Both("left", "right")))
