"""What an audit calls drift, and what it knows better than to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from instep.core.model import Both, Record
from instep.runner.audit import Audit
from instep.runner.audit_findings import Audited
from instep.runner.run import Progress

from .site import LEFT, PARENT, RIGHT, STRICT, Site, pair

Send = Callable[[], Awaitable[Record]]


async def audit(site: Site, later_ms: int = 600_000) -> Audited:
    """An audit so much later that nothing has just changed; it must not write."""
    site.now += later_ms
    site.forget_requests()
    audited = await Audit(site.engine(), "test").run()
    assert site.sent("create", "update", "retire") == []
    assert audited.status == "done"
    return audited


def kinds(audited: Audited) -> dict[str, int]:
    return {kind: found.count for (kind, _), found in audited.found.items()}


async def test_what_a_system_makes_of_a_value_is_known_by_the_journal() -> None:
    site = Site()
    left, right = await site.linked_company()

    async def cut_off(send: Send) -> Record:
        record = await send()
        site.systems[RIGHT].edit("company", record.id, {"phone": "123"})
        return site.systems[RIGHT].record("company", record.id)

    site.connectors[RIGHT].faults["update"].append(cut_off)
    site.edit(LEFT, left, phone="123456")
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == "123"
    audited = await audit(site)
    assert kinds(audited) == {}
    assert dict(audited.known) == {("company", "kept otherwise"): 1}


async def test_a_value_that_somebody_put_into_both_bases_is_not_taken_for_it() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(RIGHT, right, phone="9")
    await site.run(act=False)
    seen, link = site.sighting(RIGHT, right), site.links()[0]
    assert seen is not None
    base = {**link.base, "phone": Both(("1",), ("9",))}
    await site.store.write(lambda tx: tx.save_link(replace(link, base=base)))
    await site.run()
    assert site.fields(LEFT, left)["phone"] == "1", "both sides pass for agreed"
    assert kinds(await audit(site)) == {"disagree": 1}


async def test_a_list_that_lags_is_not_taken_for_a_system_that_went_back() -> None:
    lagging = replace(STRICT, list_lag_ms=300_000)
    site = Site(abilities=Both(lagging, STRICT))
    left, _ = await site.linked_company()
    before = site.systems[LEFT].record("company", left)
    site.edit(LEFT, left, phone="2")
    await site.run()
    site.connectors[LEFT].stale[left] = before
    for later_ms in (60_000, 600_000):
        audited = await audit(site, later_ms)
        assert kinds(audited) == {}
        assert audited.readings == 1


async def test_a_reference_to_what_is_linked_no_more_is_nothing_to_compare_by() -> None:
    persons = pair("person", PARENT, after=("company",))
    site = Site(pair(on_delete="ignore"), persons)
    parent = site.put(LEFT, name="Acme")
    site.put(LEFT, "person", name="Ann", parent=parent)
    await site.rest()
    site.systems.left.remove("company", parent)
    await site.rest()
    assert [link.state for link in site.links()] == ["retired"]
    assert kinds(await audit(site)) == {}


async def test_many_findings_are_counted_and_few_are_kept() -> None:
    site = Site(page_size=7)
    await site.linked_company()
    await site.run()
    for number in range(40):
        site.put(LEFT, name=f"N{number}", mail=f"{number}@x.example")
    last = max(seq for seq, _ in site.systems[LEFT].changed_after("company", 0, 1000))
    await site.store.write(lambda tx: tx.save_cursor(LEFT, "company", str(last)))
    steps: list[Progress] = []
    site.now += 600_000
    audited = await Audit(site.engine(), "test", examples=3, on_progress=steps.append).run()
    found = audited.found["unseen", "company"]
    assert (found.count, len(found.examples)) == (40, 3)
    assert {step.phase for step in steps} == {"audit"}
    assert max(step.count for step in steps) == 41
    assert audited.requests == {"Left": 8, "Right": 2}, "two readings of news, and the pages"
