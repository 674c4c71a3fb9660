"""What checklists made is taken back: deleted if that can be, else out of use, else told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from instep.connectors.memory import MemoryConnector
from instep.core.model import Side
from instep.errors import Refused, Unable
from instep.qa.cleaning import GONE, RETIRED, STILL_THERE, clean
from instep.qa.ledger import NEVER

from .made import MARK, THINGS, both, ledger_in, made, system

pytestmark = pytest.mark.asyncio


class WithoutDelete(MemoryConnector):
    async def discard(self, entity: str, id: str) -> None:
        raise Unable(f"{entity} {id} was not deleted", why="there is no call for it")


class Referred(MemoryConnector):
    """A record goes once the one that was made before it is gone."""

    async def discard(self, entity: str, id: str) -> None:
        if any(int(record.id) < int(id) for _, record in self.system.changed_after(entity, 0, 99)):
            raise Refused(f"{entity} {id} was not deleted", why="another one refers to it")
        await super().discard(entity, id)


class Slow(MemoryConnector):
    async def discard(self, entity: str, id: str) -> None:
        """It is noted down, and not done yet."""


async def test_all_is_deleted(tmp_path: Path) -> None:
    connector, ledger = MemoryConnector("ERP", system()), ledger_in(tmp_path)
    await made(connector, ledger)
    assert await clean(ledger, both(connector)) == []
    assert [entry.over for entry in ledger.made] == [GONE]
    assert connector.system.changed_after("thing", 0, 9) == []


async def test_what_others_refer_to_is_deleted_once_those_are_gone(tmp_path: Path) -> None:
    connector, ledger = Referred("ERP", system()), ledger_in(tmp_path)
    for name in ("a", "b", "c"):
        await made(connector, ledger, name)
    assert await clean(ledger, both(connector)) == []
    assert [entry.over for entry in ledger.made] == [GONE] * 3


async def test_what_can_not_be_deleted_is_taken_out_of_use(tmp_path: Path) -> None:
    connector, ledger = WithoutDelete("ERP", system()), ledger_in(tmp_path)
    id = await made(connector, ledger)
    assert await clean(ledger, both(connector)) == []
    assert [entry.over for entry in ledger.made] == [RETIRED]
    assert (await connector.read("thing", id)).fields["active"] is False


async def test_what_a_retirement_deletes_is_gone(tmp_path: Path) -> None:
    connector, ledger = WithoutDelete("ERP", system(replace(THINGS, retired=None))), ledger_in(tmp_path)
    await made(connector, ledger)
    assert await clean(ledger, both(connector)) == []
    assert [entry.over for entry in ledger.made] == [GONE]


async def test_what_can_be_neither_is_told_with_the_reason_and_stays_on_the_list(tmp_path: Path) -> None:
    able = replace(THINGS.abilities, retire=False, reasons={"retire": "a thing is for ever"})
    connector, ledger = WithoutDelete("ERP", system(replace(THINGS, abilities=able))), ledger_in(tmp_path)
    await made(connector, ledger)
    (left,) = await clean(ledger, both(connector))
    assert left.why == "a thing is for ever"
    assert [entry.mark for entry in ledger_in(tmp_path).left] == [MARK]


async def test_what_is_still_read_after_its_delete_is_told(tmp_path: Path) -> None:
    connector, ledger = Slow("ERP", system()), ledger_in(tmp_path)
    await made(connector, ledger)
    (left,) = await clean(ledger, both(connector), patience_s=0)
    assert left.why == STILL_THERE


async def test_what_was_asked_for_and_never_answered_is_found_by_its_marker(tmp_path: Path) -> None:
    connector, ledger = MemoryConnector("ERP", system()), ledger_in(tmp_path)
    connector.system.put("thing", {"name": MARK, "active": True})
    ledger.making(Side.LEFT, "thing", MARK, id="", marker=MARK)
    ledger.making(Side.LEFT, "thing", MARK, id="", marker="another")
    assert await clean(ledger, both(connector)) == []
    assert [entry.over for entry in ledger.made] == [GONE, NEVER]
    assert connector.system.changed_after("thing", 0, 9) == []


async def test_a_record_of_somebody_else_under_an_id_that_was_meant_to_be_ours_is_left_alone(
    tmp_path: Path,
) -> None:
    connector, ledger = MemoryConnector("ERP", system()), ledger_in(tmp_path)
    id = connector.system.put("thing", {"name": "somebody", "active": True})
    ledger.making(Side.LEFT, "thing", MARK, id=id, marker="")
    assert await clean(ledger, both(connector)) == []
    assert [entry.over for entry in ledger.made] == [NEVER]
    assert (await connector.read("thing", id)).fields["active"] is True
