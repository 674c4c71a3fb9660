"""The part of the contract suite for connectors that are a `ChangeLog`: what the system's log tells of updates."""

from __future__ import annotations

import pytest

from instep.connectors.contract import ChangeLog, Connector
from instep.core.model import Logged, Record
from instep.core.values import get_path
from instep.testing.connector_hooks import ConnectorHooks, same

FOR_EVER_MS = 4_000_000_000_000


@pytest.mark.asyncio
class LogContract(ConnectorHooks):
    """What a log tells, where one is declared."""

    async def test_what_declares_a_log_can_be_asked_for_it_and_has_versions(self) -> None:
        async with self.opened() as connector:
            can = self.declared(connector).abilities
            assert not can.log or isinstance(connector, ChangeLog)
            assert not can.log or can.versions != "none"

    async def test_the_log_has_each_state_that_an_update_led_to_by_its_version(self) -> None:
        async with self.opened() as connector:
            if self.logs(connector):
                ours, theirs = await self.two_edits(connector)
                states = await self.logged(connector, ours.id)
                for record in (ours, theirs):
                    found = [one for one in states if one.record.version == record.version]
                    assert len(found) == 1
                    state = found[0]
                    told = [p for p in self.an_edit() if state.paths is None or p in state.paths]
                    assert told
                    assert all(
                        same(get_path(state.record.fields, p), get_path(record.fields, p)) for p in told
                    )
                    assert state.id and state.record.updated_ms is not None

    async def test_the_log_says_who_made_a_change(self) -> None:
        async with self.opened() as connector:
            if self.logs(connector):
                ours, theirs = await self.two_edits(connector)
                states = await self.logged(connector, ours.id)
                authors = {state.record.version: state.record.author for state in states}
                assert authors[ours.version] != authors[theirs.version]

    async def test_the_log_of_other_times_and_other_entities_is_left_out(self) -> None:
        async with self.opened() as connector:
            if self.logs(connector):
                seen = await connector.read(self.entity, await self.put(connector, 1))
                ours = await self.update(connector, seen, self.an_edit())
                assert ours.updated_ms is not None
                hour_ms = 3_600_000
                later = ours.updated_ms + hour_ms, ours.updated_ms + 2 * hour_ms
                assert await self.logged(connector, seen.id, *later) == []
                others = [name for name, e in connector.entities().items() if name != self.entity]
                assert await self.logged(connector, seen.id, entities=others) == []

    # --- what the tests are made of ---

    def logs(self, connector: Connector) -> bool:
        return self.updates(connector) and self.declared(connector).abilities.log

    async def two_edits(self, connector: Connector) -> tuple[Record, Record]:
        """A record once we have edited it, and once a person has put back what was there before."""
        seen = await connector.read(self.entity, await self.put(connector, 1))
        ours = await self.update(connector, seen, self.an_edit())
        back = {path: get_path(seen.fields, path) for path in self.an_edit()}
        await self.edit_as_person(seen.id, back)  # type: ignore[arg-type]
        await self.settle()
        return ours, await connector.read(self.entity, seen.id)

    async def logged(
        self,
        connector: Connector,
        id: str,
        since_ms: int = 0,
        until_ms: int = FOR_EVER_MS,
        entities: list[str] | None = None,
    ) -> list[Logged]:
        """What the log tells of one record."""
        assert isinstance(connector, ChangeLog)
        names = [self.entity] if entities is None else entities
        return [
            state
            async for page in connector.changed(names, since_ms, until_ms)
            for state in page
            if (state.entity, state.record.id) == (self.entity, id)
        ]
