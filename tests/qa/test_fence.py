"""A fenced connector knows the records of its checklist alone, and writes down what it makes before it does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from instep.connectors.contract import CreateKey
from instep.connectors.memory import MemoryConnector
from instep.core.model import Record, Side
from instep.errors import InDoubt, Refused, Unable
from instep.qa.fence import Fence
from instep.qa.ledger import NEVER

from .made import MARK, THINGS, ledger_in, system

pytestmark = pytest.mark.asyncio

KEY = CreateKey("", MARK, "k")


def fenced(directory: Path, inner: MemoryConnector) -> Fence:
    return Fence(inner, Side.LEFT, ledger_in(directory), MARK)


async def listed(fence: Fence) -> list[str]:
    return [record.id async for page in fence.list("thing", None) for record in page.records]


async def test_a_listing_has_what_was_made_here_and_nothing_else(tmp_path: Path) -> None:
    inner = MemoryConnector("ERP", system())
    somebodys = inner.system.put("thing", {"name": "somebody's"})
    fence = fenced(tmp_path, inner)
    fence.ledger.making(Side.LEFT, "thing", MARK, id=somebodys, marker="")  # was meant to be ours
    made = await fence.create("thing", {"active": True}, KEY)
    gone = await fence.create("thing", {"active": True}, CreateKey("", "b", "b"))
    await fence.discard("thing", gone.id)
    assert await listed(fence) == [made.id]


async def test_a_record_of_somebody_else_is_not_written(tmp_path: Path) -> None:
    inner = MemoryConnector("ERP", system())
    id = inner.system.put("thing", {"name": "somebody's", "active": True})
    fence, seen = fenced(tmp_path, inner), Record(id)
    with pytest.raises(Unable):
        await fence.update("thing", id, {"active": False}, seen=seen, idempotency="u")
    with pytest.raises(Unable):
        await fence.retire("thing", id, seen=seen, idempotency="r")
    with pytest.raises(Unable):
        await fence.discard("thing", id)
    assert inner.counters.writes == 0


class Unanswered(MemoryConnector):
    async def create(self, *args: object, **more: object) -> Record:
        raise InDoubt("no answer")


class Refusing(MemoryConnector):
    async def create(self, *args: object, **more: object) -> Record:
        raise Refused("no")


async def test_what_may_have_been_made_is_on_the_list_and_what_was_refused_is_not(tmp_path: Path) -> None:
    for number, (inner, over) in enumerate(
        [(Unanswered("ERP", system()), ""), (Refusing("ERP", system()), NEVER)]
    ):
        fence = Fence(inner, Side.LEFT, ledger_in(tmp_path / str(number)), MARK)
        (tmp_path / str(number)).mkdir()
        with pytest.raises((InDoubt, Refused)):
            await fence.create("thing", {}, KEY)
        (entry,) = ledger_in(tmp_path / str(number)).made
        assert (entry.marker, entry.sure, entry.over) == (MARK, False, over)


async def test_what_is_made_of_readings_neither_lags_nor_tells_of_others(tmp_path: Path) -> None:
    able = replace(THINGS.abilities, list_lag_ms=300_000, read_lag_ms=7, log=True)
    fence = fenced(tmp_path, MemoryConnector("ERP", system(replace(THINGS, abilities=able))))
    abilities = fence.entities()["thing"].abilities
    assert (abilities.list_lag_ms, abilities.log) == (7, False)
    assert fence.entities()["thing"] is fence.entities()["thing"]
