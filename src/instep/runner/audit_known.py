"""Compare what is stored with itself: do linked records agree, and is every other one waited for by something?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

from instep.core.dataflow import Pair, Property
from instep.core.drift import Difference, Disagreement, Drift, disagreeing, is_held
from instep.core.gone import is_retired
from instep.core.match import claimed_ids
from instep.core.model import Both, Side
from instep.core.state import Key, Link, Sighting
from instep.core.transformations.contract import Lookup
from instep.core.values import Raw, plain
from instep.runner.audit_findings import Findings
from instep.runner.engine import StoreLookup
from instep.runner.judge import judge
from instep.runner.observe import ALIKE
from instep.store.contract import Tx

PAGE = 200
WRITTEN = ("done", "found done")
LATEST = 200
"""Entries of one record's journal in which a write is looked for."""
EVERY_LISTING = 1 << 62


async def compare_known(findings: Findings, pair: Pair) -> None:
    """Go through the links of a pair, and then through the records of both sides."""
    known, store = _Known(findings, pair), findings.engine.store
    total, count = store.read(lambda tx: tx.count_links(pair.name)), 0
    while True:
        count += store.read(known.links)
        await findings.repair()
        findings.progress(f"links of {pair.name}", count, total)
        await asyncio.sleep(0)
        if known.at_end:
            break
    for side in Side:
        known.last_id = ""
        while True:
            store.read(partial(known.records, side=side))
            await findings.repair()
            await asyncio.sleep(0)
            if known.at_end:
                break


class _Known:
    """What is stored of one pair, page by page: each call looks at the page after the one before."""

    def __init__(self, findings: Findings, pair: Pair) -> None:
        self.findings, self.pair, self.engine = findings, pair, findings.engine
        self.last_link, self.last_id, self.at_end = 0, "", False

    def links(self, tx: Tx) -> int:
        """Compare a page of links; returns how many there were."""
        links = tx.links(self.pair.name, self.last_link, PAGE)
        self.at_end = len(links) < PAGE
        self.last_link = links[-1].id if links else 0
        live = [link for link in links if link.state == "live"]
        self.findings.audited.links[self.pair.name] += len(live)
        lookup = StoreLookup(self.engine.dataflow, tx)
        seen = Both.of(
            lambda side: tx.sightings(side, self.pair.entity[side], [link.ids[side] for link in live])
        )
        for link in live:
            both = Both(seen.left.get(link.ids.left), seen.right.get(link.ids.right))
            self.findings.tell(self._link(tx, link, both, lookup))
        return len(links)

    def records(self, tx: Tx, side: Side) -> None:
        """Compare a page of records, linked or not."""
        ids = tx.unlisted(side, self.pair.entity[side], EVERY_LISTING, self.last_id, PAGE)
        self.at_end = len(ids) < PAGE
        self.last_id = ids[-1] if ids else ""
        links = tx.links_of(self.pair.name, side, ids)
        for id in ids:
            if id not in links:
                self.findings.tell(self._unlinked(tx, side, id))
            if self.pair.match:
                self.findings.tell(self._alike(tx, side, id))

    def _link(self, tx: Tx, link: Link, seen: Both[Sighting | None], lookup: Lookup) -> Iterator[Drift]:
        left, right = seen.left, seen.right
        missing = [side for side in Side if (known := seen[side]) is None or known.deleted]
        key = Key(self.pair.name, Side.LEFT, link.ids.left)
        if left is None or right is None or missing:
            if self._waits(tx, key):
                self.findings.know(self.pair, "waiting")
            elif tx.holds_of(key):
                self.findings.know(self.pair, "held")
            else:
                side = missing[0].other
                yield Drift("dangling", self.pair.name, side, link.ids[side], (link.ids[side.other],))
            return
        if left.unread or right.unread:
            return  # its rows have been compared already
        apart = list(disagreeing(self.pair, link, Both(left, right), lookup))
        if not apart:
            return
        if self._waits(tx, key):
            self.findings.know(self.pair, "waiting")
            return
        holds = tx.holds_of(key)
        unheld = [each for each in apart if not is_held(each.property, holds)]
        drift = [each for each in unheld if not (each.based and self._kept_otherwise(tx, link, each))]
        if drift:
            yield Drift(
                "disagree",
                self.pair.name,
                Side.LEFT,
                link.ids.left,
                (link.ids.right,),
                tuple(_difference(each) for each in drift),
                tuple(each.property.name for each in drift if each.based),
            )
        else:
            self.findings.know(self.pair, "kept otherwise" if unheld else "held")

    def _waits(self, tx: Tx, key: Key) -> bool:
        return tx.is_todo(key) or bool(tx.intents_of(key))

    def _kept_otherwise(self, tx: Tx, link: Link, apart: Disagreement) -> bool:
        """Whether a value that differs is what a system made of the other one when it was written, by the
        journal, and nobody has touched either since."""
        for entry in tx.journal(pair=self.pair.name, record_id=link.ids.left, limit=LATEST):
            if entry.link_id != link.id or entry.outcome not in WRITTEN or entry.side is None:
                continue
            for change in entry.changes:
                if change.get("property") == apart.property.name:
                    kept, source = plain(apart.raw[entry.side]), plain(apart.raw[entry.side.other])
                    return change.get("kept") == kept and change.get("source") == source
        return False

    def _unlinked(self, tx: Tx, side: Side, id: str) -> Iterator[Drift]:
        key = Key(self.pair.name, side, id)
        if self._waits(tx, key):
            self.findings.know(self.pair, "waiting")
        elif tx.holds_of(key):
            self.findings.know(self.pair, "held")
        else:
            case = judge(self.engine, tx, key)
            verdict, seen = case.verdict, case.seen[side]
            if verdict is None or seen is None:
                return  # a write in doubt, or one that its rows have told of
            if verdict.link is None and not verdict.writes and not verdict.holds:
                return  # left alone by choice, or by the pair
            entity = self.engine.entity(self.pair, side)
            claimed = claimed_ids(self.pair, entity, side, id, seen.fields)
            known = [
                other
                for other in claimed
                if tx.sighting(side.other, self.pair.entity[side.other], other) is not None
            ]
            yield Drift("copy" if known else "unlinked", self.pair.name, side, id, tuple(known[:1]))

    def _alike(self, tx: Tx, side: Side, id: str) -> Iterator[Drift]:
        """Records of one side that share the first match key that both have a value of, and come after this."""
        values = tx.match_values(self.pair.name, side, id)
        found: dict[str, None] = {}
        for number, value in values.items():
            others = tx.matches(self.pair.name, side, number, value, ALIKE) if number >= 0 else []
            for other in others:
                if other != id and self._first_in_common(tx, side, values, other) == number:
                    found[other] = None
        alike = [id, *sorted(found)]
        if len(alike) < 2 or min(alike) != id or not all(self._in_use(tx, side, each) for each in alike):
            return
        if any(tx.holds_of(self._key(tx, side, each)) for each in alike):
            return
        yield Drift("alike", self.pair.name, side, id, tuple(alike[1:]))

    def _first_in_common(self, tx: Tx, side: Side, values: dict[int, str], other: str) -> int:
        theirs = tx.match_values(self.pair.name, side, other)
        return min(number for number in values if number >= 0 and number in theirs)

    def _in_use(self, tx: Tx, side: Side, id: str) -> bool:
        seen = tx.sighting(side, self.pair.entity[side], id)
        return seen is not None and not is_retired(self.engine.entity(self.pair, side), seen.fields)

    def _key(self, tx: Tx, side: Side, id: str) -> Key:
        link = tx.link_of(self.pair.name, side, id)
        return (
            Key(self.pair.name, side, id) if link is None else Key(self.pair.name, Side.LEFT, link.ids.left)
        )


def _difference(apart: Disagreement) -> Difference:
    return Difference(
        apart.property.name,
        (
            plain(_mapped(apart.property, apart.raw, Side.LEFT)),
            plain(_mapped(apart.property, apart.raw, Side.RIGHT)),
        ),
    )


def _mapped(prop: Property, raw: Both[Raw], side: Side) -> Raw:
    return raw[side][: len(prop.parts[side].fields)]
