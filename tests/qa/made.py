"""A system in memory, and a list of what a checklist made in it."""

from __future__ import annotations

from pathlib import Path

from instep.connectors.contract import Connector, CreateKey
from instep.connectors.memory import MemoryConnector
from instep.connectors.memory_system import MemorySystem
from instep.core.model import Abilities, Both, Entity, Field, Side
from instep.core.values import Json
from instep.qa.ledger import Ledger

MARK = "qa-1c9f03ab"
THINGS = Entity(
    "thing",
    (Field("id", "text", create=False, update=False), Field("name", "text"), Field("active", "boolean")),
    Abilities(marker="name"),
    retired=("active", False),
)


def system(entity: Entity = THINGS) -> MemorySystem:
    return MemorySystem([entity], now_ms=lambda: 1_000)


def both(connector: MemoryConnector) -> Both[Connector]:
    """The left side is what is looked at."""
    return Both(connector, MemoryConnector("other", system()))


async def made(connector: MemoryConnector, ledger: Ledger, name: str = MARK, **fields: Json) -> str:
    """A record that the ledger knows, and its id."""
    number = ledger.making(Side.LEFT, "thing", MARK, id="", marker=name)
    record = await connector.create("thing", {"active": True, **fields}, CreateKey("", name, name))
    ledger.was_made(number, record.id)
    return record.id


def ledger_in(directory: Path) -> Ledger:
    return Ledger(directory / "instep-qa.ledger")
