"""The journal is kept for as long as it is to be kept, and what is left of it verifies."""

from __future__ import annotations

from instep.runner import prune as pruning
from instep.runner.engine import Settings
from instep.runner.undo import Scope, pruned_until, ways_back
from instep.store.chain import Anchor
from instep.store.contract import Entry
from instep.store.verify import verify

from .site import DAY_MS, LEFT, RIGHT, START_MS, Site


def site_that_keeps(days: int | None) -> Site:
    keep_ms = None if days is None else days * DAY_MS
    return Site(settings=Settings(workers=2, timeout_ms=1_000, keep_history_ms=keep_ms))


def old_entries(count: int) -> list[Entry]:
    return [Entry(START_MS + n, 1, "company", "link", "done", LEFT, f"c{n}") for n in range(count)]


async def test_entries_go_when_their_time_is_over_and_a_run_says_so() -> None:
    site = site_that_keeps(30)
    left, right = await site.linked_company()
    first = len(site.journal())
    site.now += 29 * DAY_MS
    site.edit(LEFT, left, phone="2")
    await site.run()
    assert len(site.journal()) > first
    report = await site.run(2 * DAY_MS)
    assert first + 1 > len(site.journal("update")) == 1
    assert [e.operation for e in site.journal()] == ["prune", "update"]
    (said,) = site.journal("prune")
    assert said.run == report.run
    assert "it is kept for 30 days" in said.reason
    found = site.store.read(verify)
    assert (found.trouble, found.chain.start.count) == ("", first)
    assert site.fields(RIGHT, right)["phone"] == "2"


async def test_a_journal_that_is_kept_for_ever_is_left_alone() -> None:
    site = site_that_keeps(None)
    await site.linked_company()
    before = site.journal()
    await site.run(10_000 * DAY_MS)
    assert site.journal() == before


async def test_a_plan_prunes_nothing() -> None:
    site = site_that_keeps(30)
    await site.linked_company()
    await site.run(60 * DAY_MS, act=False)
    assert site.journal("prune") == []


async def test_it_is_looked_at_once_a_day() -> None:
    site = site_that_keeps(30)
    await site.linked_company()
    await site.run(29 * DAY_MS)
    await site.run(DAY_MS - 2_000)
    assert site.journal("prune") == []
    for _ in range(3):
        await site.run(DAY_MS)
    assert len(site.journal("prune")) == 1


async def test_much_goes_in_small_steps_and_over_several_runs(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(pruning, "STEP", 10)
    monkeypatch.setattr(pruning, "MOST_STEPS", 3)
    site = site_that_keeps(30)
    await site.store.write(lambda tx: tx.append(old_entries(45)))
    left = []
    for _ in range(3):
        await site.run(40 * DAY_MS if not left else 1_000)
        left.append(len(site.journal("link")))
        assert site.store.read(verify).trouble == ""
    assert left == [15, 0, 0]


async def test_a_run_that_is_to_end_prunes_no_more() -> None:
    site = site_that_keeps(30)
    await site.store.write(lambda tx: tx.append(old_entries(5)))
    site.now += 40 * DAY_MS
    await pruning.prune(site.runner.engine, lambda: True)
    assert site.store.read(lambda tx: tx.chain().start) == Anchor()
    await pruning.prune(site.runner.engine, lambda: False)
    assert site.store.read(lambda tx: tx.chain().start.count) == 5


async def test_undoing_knows_that_what_it_needs_was_pruned() -> None:
    site = site_that_keeps(30)
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    old = await site.run()
    assert pruned_until(site.runner.engine, old.run) is None
    site.now += 40 * DAY_MS
    site.edit(LEFT, left, phone="3")
    new = await site.run()
    assert pruned_until(site.runner.engine, old.run) is not None
    assert list(ways_back(site.runner.engine, Scope(old.run))) == []
    assert pruned_until(site.runner.engine, new.run) is None
    assert len(list(ways_back(site.runner.engine, Scope(new.run)))) == 1
