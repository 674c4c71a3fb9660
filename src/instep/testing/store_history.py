"""The part of the contract suite about what happened: cursors, settings, the journal, runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import methodcaller
from pathlib import Path

import pytest

from instep.core.model import Side
from instep.core.values import Json
from instep.store.chain import Anchor, Chain
from instep.store.contract import Entry, Run, Tx
from instep.store.verify import verify
from instep.testing.store_hooks import AWKWARD, LEFT, RIGHT, StoreHooks


def _entry(record_id: str, partner_id: str, **other: object) -> Entry:
    side = other.get("side", RIGHT)
    assert side is None or isinstance(side, Side)
    run = other.get("run", 1)
    assert isinstance(run, int)
    return Entry(
        1,
        run,
        str(other.get("pair", "contact")),
        str(other.get("operation", "update")),
        "done",
        side,
        record_id,
        partner_id,
    )


def _ids(entries: list[Entry]) -> list[str]:
    return [entry.record_id for entry in entries]


@pytest.mark.asyncio
class HistoryContract(StoreHooks):
    """Cursors, settings, the journal, runs."""

    async def test_a_cursor_is_kept_replaced_and_forgotten(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            assert store.read(lambda tx: tx.cursor(LEFT, "order")) is None
            for cursor in ("", "page 2", None):
                await store.write(methodcaller("save_cursor", LEFT, "order", cursor))
                assert store.read(lambda tx: tx.cursor(LEFT, "order")) == cursor
                assert store.read(lambda tx: tx.cursor(RIGHT, "order")) is None

    async def test_a_setting_is_kept_replaced_and_forgotten(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            assert store.read(lambda tx: tx.meta("name")) is None
            for value in ("", "value", None):
                await store.write(methodcaller("save_meta", "name", value))
                assert store.read(lambda tx: tx.meta("name")) == value

    async def test_an_entry_comes_back_as_it_was_appended(self, tmp_path: Path) -> None:
        changes: list[dict[str, Json]] = [
            {"property": "name", "old": None, "new": dict(AWKWARD)},
            {"property": "x", "old": 1, "new": []},
        ]
        full = Entry(
            1, 2, "contact", "update", "done", LEFT, "a", "b", 3, "because", tuple(changes), "request-1"
        )
        bare = Entry(4, 5, "contact", "link", "done")
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.append([full, bare]))
            second, first = store.read(lambda tx: tx.journal())
            assert first == replace(full, seq=first.seq)
            assert second == replace(bare, seq=second.seq)
            assert second.seq > first.seq > 0

    async def test_the_journal_is_filtered_by_each_thing_asked_for(self, tmp_path: Path) -> None:
        entries = [
            _entry("1", "p1"),
            _entry("2", "p2", run=2, side=LEFT),
            _entry("3", "p3", pair="order", run=2),
            _entry("4", "p4", operation="create"),
        ]
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.append(entries))

            def found(tx: Tx) -> list[list[str]]:
                return [
                    _ids(page)
                    for page in (
                        tx.journal(),
                        tx.journal(pair="contact"),
                        tx.journal(run=2),
                        tx.journal(operation="create"),
                        tx.journal(side=LEFT),
                        tx.journal(pair="contact", run=1, side=RIGHT, operation="update"),
                        tx.journal(pair="order", operation="create"),
                        tx.journal(limit=2),
                        tx.journal(before=tx.journal(limit=2)[-1].seq),
                    )
                ]

            assert store.read(found) == [
                ["4", "3", "2", "1"],
                ["4", "2", "1"],
                ["3", "2"],
                ["4"],
                ["2"],
                ["1"],
                [],
                ["4", "3"],
                ["2", "1"],
            ]

    async def test_a_records_history_is_found_from_both_sides(self, tmp_path: Path) -> None:
        written_right = _entry("7", "c1")
        written_left = _entry("c1", "7", side=LEFT)
        linked = _entry("c1", "7", side=None, operation="link")
        another = _entry("c2", "8")
        confusable = _entry("9", "7")  # A left record that has the same id as the right one.
        async with self.opened(tmp_path) as store:
            await store.write(
                lambda tx: tx.append([written_right, written_left, linked, another, confusable])
            )

            def found(tx: Tx) -> list[int]:
                return [
                    len(tx.journal(record_id="c1")),
                    len(tx.journal(record_id="7")),
                    len(tx.journal(record_id="7", side=RIGHT)),
                    len(tx.journal(record_id="7", side=LEFT)),
                    len(tx.journal(record_id="c1", side=LEFT)),
                    len(tx.journal(record_id="c1", side=RIGHT, operation="update")),
                ]

            assert store.read(found) == [3, 4, 3, 2, 3, 0]

    async def test_entries_are_sealed_in_a_chain_that_verifies(self, tmp_path: Path) -> None:
        full = Entry(
            1, 2, "contact", "update", "done", LEFT, "a", "b", 3, "because", ({"property": "x", "new": 1},)
        )
        async with self.opened(tmp_path) as store:
            assert store.read(lambda tx: tx.chain()) == Chain(Anchor(), Anchor())
            await store.write(lambda tx: tx.append([]))
            await store.write(lambda tx: tx.append([full, _entry("1", "p1")]))
            await store.write(lambda tx: tx.append([_entry("2", "p2")]))
            found = store.read(verify)
            assert (found.trouble, found.entries) == ("", 3)
            latest = store.read(lambda tx: tx.journal())[0]
            head = store.read(lambda tx: tx.chain()).head
            assert head == Anchor(latest.seq, latest.seal, 3, latest.at_ms)
            assert [row["seq"] for row in store.read(lambda tx: tx.sealed(latest.seq - 2, 1))] == [
                latest.seq - 1
            ]

    async def test_values_that_are_forgotten_are_gone_from_the_journal_and_the_chain_verifies(
        self, tmp_path: Path
    ) -> None:
        changes: tuple[dict[str, Json], ...] = ({"property": "name", "old": ["Ada"], "new": ["Lee"]},)

        def told(record_id: str, partner_id: str, side: Side | None) -> Entry:
            return Entry(
                1, 2, "contact", "update", "done", side, record_id, partner_id, 3, "Ada", changes, "request"
            )

        written = told("r1", "c1", RIGHT)
        back = told("c1", "r1", LEFT)
        whole = told("c1", "r1", None)
        of_another = told("r2", "c2", RIGHT)
        confusable = told("c1", "c9", RIGHT)  # A right record that has the same id as the left one.
        elsewhere = replace(written, pair="order")
        noted = Entry(2, 0, "contact", "forget", "done", LEFT, "c1", "r1", 3, "on request")
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.append([written, back, whole, of_another, confusable, elsewhere]))
            seals = [entry.seal for entry in reversed(store.read(lambda tx: tx.journal()))]
            assert await store.write(lambda tx: tx.forget_values("contact", LEFT, "c1")) == 3
            assert "no entry says" in store.read(verify).trouble
            await store.write(lambda tx: tx.append([noted]))
            assert await store.write(lambda tx: tx.forget_values("contact", LEFT, "c1")) == 0
            await store.scrub()
            *entries, last = reversed(store.read(lambda tx: tx.journal()))
            empty = ({"property": "name"},)
            assert [replace(entry, seq=0) for entry in entries] == [
                *(replace(e, changes=empty, reason="", forgotten=True) for e in (written, back, whole)),
                of_another,
                confusable,
                elsewhere,
            ]
            assert [entry.seal for entry in entries] == seals
            assert (last.operation, last.reason) == ("forget", "on request")
            found = store.read(verify)
            assert (found.trouble, found.entries, found.forgotten) == ("", 7, 3)

    async def test_the_oldest_entries_can_be_let_go_and_the_rest_verifies(self, tmp_path: Path) -> None:
        entries = [replace(_entry(str(at_ms), "p"), at_ms=at_ms) for at_ms in (1, 2, 3, 9, 4, 5)]

        def prune(before_ms: int, limit: int) -> Callable[[Tx], Anchor | None]:
            def work(tx: Tx) -> Anchor | None:
                start = tx.prune(before_ms, limit)
                if start is not None:
                    tx.append([Entry(9, 1, "", "prune", "done", record_id=str(start.seq))])
                return start

            return work

        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.append(entries))
            third = store.read(lambda tx: tx.journal())[3]
            assert await store.write(prune(1, 10)) is None
            start = await store.write(prune(8, 2))
            assert start is not None and start.count == 2
            start = await store.write(prune(8, 10))  # The entry of 9 stands before those of 4 and 5.
            assert start == Anchor(third.seq, third.seal, 3, 3)
            assert _ids(store.read(lambda tx: tx.journal(pair="contact"))) == ["5", "4", "9"]
            found = store.read(verify)
            assert (found.trouble, found.entries, found.chain.start) == ("", 5, start)
            assert store.read(lambda tx: verify(tx, str(start))).trouble == ""
            assert "pruned" in store.read(lambda tx: verify(tx, f"1:{'0' * 64}")).trouble
            assert await store.write(prune(99, 100)) is not None
            found = store.read(verify)
            assert (found.trouble, found.entries) == ("", 1)

    async def test_a_transaction_that_is_undone_leaves_no_gap_in_the_chain(self, tmp_path: Path) -> None:
        def undone(tx: Tx) -> None:
            tx.append([_entry("1", "p1")])
            raise LookupError

        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.append([_entry("0", "p0")]))
            with pytest.raises(LookupError):
                await store.write(undone)
            await store.write(lambda tx: tx.append([_entry("2", "p2")]))
            found = store.read(verify)
            assert (found.trouble, found.entries) == ("", 2)

    async def test_what_happened_is_counted_by_spans_of_time(self, tmp_path: Path) -> None:
        entries = [
            replace(_entry("1", ""), at_ms=at_ms, operation=operation)
            for at_ms, operation in (
                (99, "update"),
                (100, "update"),
                (149, "update"),
                (150, "update"),
                (150, "create"),
            )
        ]
        async with self.opened(tmp_path) as store:
            await store.write(lambda tx: tx.append(entries))
            found = store.read(lambda tx: tx.activity(since_ms=100, span_ms=50))
            assert sorted((each.at_ms, each.operation, each.count) for each in found) == [
                (100, "update", 2),
                (150, "create", 1),
                (150, "update", 1),
            ]
            assert {(each.pair, each.side) for each in found} == {("contact", RIGHT)}

    async def test_a_run_is_running_until_it_is_finished(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.start_run("sync", 10))
            second = await store.write(lambda tx: tx.start_run("plan", 20))
            assert first == Run(first.id, "sync", 10)
            assert second.id > first.id > 0
            await store.write(lambda tx: tx.finish_run(first.id, 30, "done", dict(AWKWARD)))
            done = Run(first.id, "sync", 10, 30, "done", dict(AWKWARD))
            assert store.read(lambda tx: tx.runs()) == [second, done]
            assert store.read(lambda tx: tx.runs(1)) == [second]
            assert store.read(lambda tx: tx.runs(9, before=second.id)) == [done]
            assert store.read(lambda tx: tx.run(second.id)) == second
            assert store.read(lambda tx: tx.run(second.id + 1)) is None

    async def test_a_run_that_takes_back_another_is_found_by_that_one(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = await store.write(lambda tx: tx.start_run("sync", 10))
            part = await store.write(lambda tx: tx.start_run("undo", 20, undoes=first.id, partly=True))
            whole = await store.write(lambda tx: tx.start_run("undo", 30, undoes=first.id))
            assert part == Run(part.id, "undo", 20, undoes=first.id, partly=True)
            assert store.read(lambda tx: tx.undoings(first.id)) == [part, whole]
            assert store.read(lambda tx: tx.run(part.id)) == part
            assert store.read(lambda tx: tx.runs(1)) == [whole]
            assert store.read(lambda tx: tx.undoings(whole.id) + tx.undoings(0)) == []

    async def test_what_a_run_has_written_is_counted_while_it_goes_on(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            entries = [
                Entry(10, run, "contact", operation, outcome, side, request=f"request {run}")
                for run, operation, outcome, side in (
                    (1, "create", "done", RIGHT),
                    (1, "create", "found done", RIGHT),
                    (1, "create", "refused", RIGHT),
                    (1, "update", "done", LEFT),
                    (1, "link", "done", None),
                    (2, "retire", "done", RIGHT),
                )
            ]
            rest = Entry(10, 2, "contact", "retire", "done", LEFT, reason="deleted on both sides")
            await store.write(lambda tx: tx.append([*entries, rest]))
            wanted = {("contact", "create", RIGHT): 2, ("contact", "update", LEFT): 1}
            assert store.read(lambda tx: tx.written(1)) == wanted
            assert store.read(lambda tx: tx.written(2)) == {("contact", "retire", RIGHT): 1}
            assert store.read(lambda tx: tx.written(3)) == {}
