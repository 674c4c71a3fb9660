"""Compare every row of a system's list with what was last read of it, and find what the list leaves out.

A row that differs is only a suspect: an ordinary reading may bring it, the list may lag, and it may have changed
this minute. What is left after these is drift.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from instep.core.conditions import unmet
from instep.core.dataflow import Pair
from instep.core.drift import Difference, Drift
from instep.core.model import Record, Side
from instep.core.state import Key, Sighting
from instep.core.values import Absent, Json, get_path
from instep.errors import Gone
from instep.runner.audit_findings import Findings
from instep.runner.observe import observe, refresh_paths, sighted
from instep.runner.reused import REUSED
from instep.store.contract import Tx

SUSPECTS = 500
"""Rows that differ are looked into when there are so many of them, and at the end."""
READINGS = 200
"""Records of an entity that are read by their id to make sure that a list is right which leaves them out or shows
them older; what so many show goes for the rest."""
AT_ONCE = 8
PAGE = 200


async def compare_rows(findings: Findings, side: Side, entity: str) -> None:
    """Read one entity: first as a run would, then completely. Raises as the connector's listing and readings."""
    await refresh_paths(findings.engine, side, entity)
    await observe(findings.engine, side, entity)
    rows = _Rows(findings, side, entity)
    await rows.compare()
    await rows.find_missing()


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A record that differs from what is known. `there`: as it is listed, or None if it isn't."""

    id: str
    there: Record | None


class _Rows:
    """The comparison of one entity; lives for that."""

    def __init__(self, findings: Findings, side: Side, entity: str) -> None:
        self.findings, self.side, self.entity = findings, side, entity
        self.engine = findings.engine
        self.connector = self.engine.connectors[side]
        self.abilities = self.connector.entities()[entity].abilities
        self.pairs = findings.pairs_of(side, entity)
        self.listing = 0
        self.readings = 0
        self.suspects: dict[str, _Suspect] = {}

    async def compare(self) -> None:
        """List everything; what differs and stays so is told."""
        engine, name = self.engine, f"{self.connector.name} {self.entity}"
        self.listing = await engine.store.write(_new_listing)
        total = engine.store.read(lambda tx: tx.count_sightings(self.side, self.entity))
        async for page in self.connector.list(self.entity, None):
            known = engine.store.read(partial(self._compare, records=page.records))
            await engine.store.write(partial(self._touch, ids=known))
            self.findings.audited.records[self.side, self.entity] += len(page.records)
            self.findings.progress(name, self.findings.audited.records[self.side, self.entity], total)
            if len(self.suspects) >= SUSPECTS:
                await self._look_into()
        await self._look_into()

    def _compare(self, tx: Tx, records: Sequence[Record]) -> list[str]:
        """Note which of a page's records differ; returns the ids of those that are known."""
        stored = tx.sightings(self.side, self.entity, [record.id for record in records])
        for record in records:
            if self._differs(stored.get(record.id), record):
                self.suspects[record.id] = _Suspect(record.id, record)
        return list(stored)

    def _touch(self, tx: Tx, ids: Sequence[str]) -> None:
        tx.touch(self.side, self.entity, ids, self.listing, self.engine.now_ms())

    def _unlisted(self, tx: Tx, after: str) -> list[str]:
        return tx.unlisted(self.side, self.entity, self.listing, after, PAGE)

    def _differs(self, before: Sighting | None, record: Record) -> bool:
        if before is None:
            return not record.deleted
        if before.unread or self._is_older(before, record):
            return True
        if not record.complete and not record.deleted:
            strict = self.abilities.versions == "strict"
            return not strict or record.version is None or record.version != before.version
        return self._sighted(record, before).digest != before.digest

    def _is_older(self, before: Sighting, record: Record) -> bool:
        return before.version is not None and record.version is not None and record.version < before.version

    def _sighted(self, record: Record, before: Sighting | None) -> Sighting:
        return sighted(self.engine, self.side, self.entity, record, before)

    async def find_missing(self) -> None:
        """What is known and was not listed, if the list says that it names everything."""
        after = ""
        while self.abilities.complete_list and self.abilities.read:
            ids = self.engine.store.read(partial(self._unlisted, after=after))
            self.suspects = {id: _Suspect(id, None) for id in ids}
            await self._look_into()
            if len(ids) < PAGE:
                return
            after = ids[-1]

    # Looking into suspects

    async def _look_into(self) -> None:
        suspects, self.suspects = list(self.suspects.values()), {}
        if not suspects:
            return
        await observe(self.engine, self.side, self.entity)  # what this brings, any run would have seen
        for start in range(0, len(suspects), AT_ONCE):
            await asyncio.gather(*(self._judge(suspect) for suspect in suspects[start : start + AT_ONCE]))
        await self.findings.repair()

    async def _judge(self, suspect: _Suspect) -> None:
        """Tell a suspect as drift, or count it among what is known."""
        engine, id, there = self.engine, suspect.id, suspect.there
        before = engine.store.read(lambda tx: tx.sighting(self.side, self.entity, id))
        if before is not None and there is not None and not self._differs(before, there):
            self._know("new")
            return
        why = engine.store.read(lambda tx: self._expected(tx, id, before))
        if why:
            self._know(why)
            return
        listed = there is not None
        if self.abilities.read and self._in_doubt(before, there):
            self.readings += 1
            self.findings.audited.readings += 1
            try:
                there = await self.connector.read(self.entity, id)
            except Gone:
                self._tell("gone", id, before, None)
                return
            if before is not None and not self._differs(before, there):
                if not listed:
                    self._tell("unlisted", id, before, None)
                return
        if there is None:
            self._tell("unlisted", id, before, None)
        elif before is not None and self._is_older(before, there):
            self._tell("older", id, before, there)
        elif self._is_recent(there):
            self._know("new")
        elif before is None:
            self._tell("unseen", id, before, there)
        elif there.deleted:
            self._tell("gone", id, before, None)
        else:
            self._tell("changed", id, before, there)

    def _expected(self, tx: Tx, id: str, before: Sighting | None) -> str:
        """Why it is no news that a record may differ; "" if it is."""
        keys = [self._key(tx, pair, id) for pair in self.pairs]
        if before is None:
            return "waiting" if all(tx.is_todo(key) for key in keys) else ""
        causes = {hold.cause for key in keys for hold in tx.holds_of(key)}
        if "deleted" in causes or (before.unread and REUSED in causes):
            return "held"
        if before.unread and all(tx.is_todo(key) for key in keys):
            return "waiting"
        return "new" if before.seen_ms >= self.findings.began_ms else ""

    def _in_doubt(self, before: Sighting | None, there: Record | None) -> bool:
        """Whether the list is not to be believed about a record: it says too little, may lag, or says what is
        grave, and for the first of these that is made sure of."""
        if there is not None and not there.complete and not there.deleted:
            return True
        if there is None or (before is not None and self._is_older(before, there)):
            return self.readings < READINGS
        return before is not None and before.seen_ms + self.abilities.list_lag_ms >= self.findings.began_ms

    def _is_recent(self, there: Record) -> bool:
        """Whether a record changed so late that the next ordinary reading brings it by itself."""
        if there.updated_ms is None:
            return False
        since_ms = self.findings.began_ms + self.connector.clock_skew_ms - self.abilities.list_lag_ms
        return there.updated_ms + self.abilities.resolution_ms > since_ms

    def _know(self, why: str) -> None:
        self.findings.know(self.pairs[0], why)

    def _key(self, tx: Tx, pair: Pair, id: str) -> Key:
        link = tx.link_of(pair.name, self.side, id)
        return Key(pair.name, self.side, id) if link is None else Key(pair.name, Side.LEFT, link.ids.left)

    def _tell(self, kind: str, id: str, before: Sighting | None, there: Record | None) -> None:
        """Tell a finding once, in the first pair that the record is for; nothing if it is for none."""
        after = None if there is None else self._sighted(there, before)
        fields = [seen.fields for seen in (before, after) if seen is not None]
        links = self.engine.store.read(lambda tx: [tx.link_of(p.name, self.side, id) for p in self.pairs])
        for pair, link in zip(self.pairs, links, strict=True):
            if link is None and all(unmet(pair.where[self.side], held) is not None for held in fields):
                continue
            others = () if link is None else (link.ids[self.side.other],)
            differences = () if before is None or after is None else self._differences(before, after)
            self.findings.tell([Drift(kind, pair.name, self.side, id, others, differences)])
            return

    def _differences(self, before: Sighting, after: Sighting) -> tuple[Difference, ...]:
        found = []
        for path in self.engine.paths(self.side, self.entity):
            known, there = _plain(before, path), _plain(after, path)
            if known != there:
                found.append(Difference(path, (known, there)))
        return tuple(found)


def _plain(seen: Sighting, path: str) -> Json:
    value = get_path(seen.fields, path)
    return None if isinstance(value, Absent) else value


def _new_listing(tx: Tx) -> int:
    """A number for this listing, above those of all before."""
    number = int(tx.meta("listings") or "0") + 1
    tx.save_meta("listings", str(number))
    return number
