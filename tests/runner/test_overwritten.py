"""An edit that lands between our reading and our write is noticed by the system's log, held, and can be restored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from instep.core.model import Abilities, Both
from instep.core.overwritten import restoring
from instep.core.state import Hold, Key
from instep.errors import Gone, OutcomeError, Refused, RetryLater, Stop

from .site import (
    DAY_MS,
    LEFT,
    PHONE,
    RIGHT,
    STRICT,
    Fault,
    Site,
    WholeGroups,
    after,
    before_answer,
    chained,
    lost,
    pair,
    raising,
    unanswered,
)

LAG_MS = 300_000
LOGGED = replace(STRICT, log=True, list_lag_ms=LAG_MS)


def logging_site(**more: Any) -> Site:
    """The left system keeps a log and takes no condition with an update."""
    return Site(abilities=Both(LOGGED, STRICT), **more)


async def overwrite(site: Site, *faults: Fault, **edit: str) -> tuple[str, str]:
    """The right phone becomes 2 while somebody makes an edit on the left between our reading and our write."""
    left, right = await site.linked_company()
    edit = edit or {"phone": "3"}
    site.edit(RIGHT, right, phone="2")
    site.connectors.left.next("update", *(faults or (after(lambda: site.edit(LEFT, left, **edit)),)))
    await site.run()
    return left, right


async def restore(site: Site, hold: Hold, left: str, right: str) -> None:
    a, b = site.sighting(LEFT, left), site.sighting(RIGHT, right)
    assert a is not None and b is not None
    given = restoring(hold, PHONE, Both(a, b))
    assert given is not None
    await site.release(hold, "restore", given.to_json())


def phones(site: Site, left: str, right: str) -> tuple[object, object]:
    return site.fields(LEFT, left)["phone"], site.fields(RIGHT, right)["phone"]


async def test_an_overwritten_edit_is_held_with_who_and_when_and_is_in_the_journal() -> None:
    site = logging_site()
    left, right = await overwrite(site)
    assert phones(site, left, right) == ("2", "2")
    [hold] = site.holds()
    assert (hold.cause, hold.property, hold.key.id) == ("overwritten", "phone", left)
    assert hold.what == "phone: an edit in Left was overwritten by a write of Instep"
    assert hold.why.startswith("person made it at 2025-11-22 22:20:02 UTC, after Instep had read the record")
    assert hold.values == {"phone": {"left": ["2"], "right": ["2"], "overwritten": {"left": ["3"]}}}
    [entry] = site.journal("overwritten")
    assert (entry.side, entry.record_id, entry.partner_id) == (LEFT, left, right)
    assert [(c["old"], c["new"]) for c in entry.changes] == [(["3"], ["2"])]


async def test_restoring_writes_the_lost_value_to_both_sides_and_ends_the_hold() -> None:
    site = logging_site()
    left, right = await overwrite(site)
    [hold] = site.holds()
    await restore(site, hold, left, right)
    await site.run()
    assert phones(site, left, right) == ("3", "3")
    assert site.holds() == []
    await site.run(LAG_MS)
    site.forget_requests()
    await site.run(full=True)
    assert (site.sent("create", "update"), site.holds()) == ([], [])


async def test_a_value_that_has_changed_since_the_choice_is_not_overwritten_by_restoring() -> None:
    site = logging_site()
    left, right = await overwrite(site)
    [hold] = site.holds()
    await restore(site, hold, left, right)
    site.edit(LEFT, left, phone="4")
    await site.run()
    assert phones(site, left, right) == ("4", "4")


async def test_nothing_else_waits_for_the_hold_which_ends_when_the_property_changes() -> None:
    site = logging_site()
    left, right = await overwrite(site)
    site.edit(RIGHT, right, title="Bea")
    await site.run()
    assert site.fields(LEFT, left)["name"] == "Bea"
    assert [h.cause for h in site.holds()] == ["overwritten"]
    site.edit(RIGHT, right, phone="5")
    await site.run()
    assert phones(site, left, right) == ("5", "5")
    assert site.holds() == []


async def test_a_refusal_of_another_property_does_not_end_the_hold() -> None:
    site = logging_site()
    _, right = await overwrite(site)
    site.edit(RIGHT, right, title="Bea")
    site.connectors.left.next("update", raising(Refused("no such name", field="name")))
    await site.run()
    assert sorted(h.cause for h in site.holds()) == ["overwritten", "refused"]
    await site.run()
    assert sorted(h.cause for h in site.holds()) == ["overwritten", "refused"]


async def test_a_record_that_seems_to_be_gone_for_a_while_has_its_hold_when_it_is_there_again() -> None:
    site = logging_site()
    left, _ = await overwrite(site)
    site.connectors.left.unlisted = {left}
    site.connectors.left.next("read", *[raising(Gone("it is not there"))] * 3)
    await site.run(full=True, released=frozenset({"company:empty"}))
    assert {h.cause for h in site.holds()} == {"deleted", "overwritten"}
    site.connectors.left.unlisted = set()
    site.connectors.left.faults.clear()
    await site.run(full=True)
    await site.rest()
    assert [h.cause for h in site.holds()] == ["overwritten"]


async def test_what_a_person_leaves_as_it_is_is_not_held_again() -> None:
    site = logging_site()
    left, right = await overwrite(site)
    [hold] = site.holds()
    await site.release(hold, "leave")
    await site.run()
    assert site.holds() == []
    await site.run(LAG_MS)
    assert (site.holds(), len(site.journal("overwritten"))) == ([], 1)
    assert phones(site, left, right) == ("2", "2")


@pytest.mark.parametrize(
    ("why", "edit"),
    [
        ("another property was edited", {"city": "Oslo"}),
        ("both meant the same", {"phone": "2"}),
        ("it differs in nothing that the transformation sees", {"phone": " 2 "}),
    ],
)
async def test_an_edit_that_lost_nothing_is_not_held(why: str, edit: dict[str, str]) -> None:
    site = logging_site()
    await overwrite(site, **edit)
    assert (site.holds(), site.journal("overwritten")) == ([], []), why


async def test_an_edit_that_was_taken_back_before_our_write_is_not_held() -> None:
    site = logging_site()

    def there_and_back() -> None:
        site.edit(LEFT, "1", phone="3")
        site.edit(LEFT, "1", phone="1")

    await overwrite(site, after(there_and_back))
    assert (site.holds(), site.journal("overwritten")) == ([], [])


async def test_the_last_of_several_edits_is_the_one_that_was_lost() -> None:
    site = logging_site()

    def twice() -> None:
        site.edit(LEFT, "1", phone="3")
        site.edit(LEFT, "1", phone="4")

    await overwrite(site, after(twice))
    [hold] = site.holds()
    assert hold.values == {"phone": {"left": ["2"], "right": ["2"], "overwritten": {"left": ["4"]}}}


async def test_a_write_that_was_found_made_is_looked_at_too() -> None:
    site = logging_site()

    late = chained(after(lambda: site.edit(LEFT, "1", phone="3")), unanswered())
    left, right = await overwrite(site, late)
    await site.rest()
    assert phones(site, left, right) == ("2", "2")
    assert [h.cause for h in site.holds()] == ["overwritten"]


async def test_an_edit_like_a_write_without_answer_does_not_pass_for_it() -> None:
    """The record came to hold what was meant twice, and only the second time was ours."""
    site = logging_site()

    def same_and_another() -> None:
        site.edit(LEFT, "1", phone="2")
        site.edit(LEFT, "1", phone="3")

    left, right = await overwrite(site, chained(after(same_and_another), unanswered()))
    await site.rest()
    assert phones(site, left, right) == ("2", "2")
    [hold] = site.holds()
    assert hold.values == {"phone": {"left": ["2"], "right": ["2"], "overwritten": {"left": ["3"]}}}


async def test_of_two_changes_that_may_be_ours_each_is_told_and_the_later_is_held() -> None:
    site = logging_site()

    def before() -> None:
        site.edit(LEFT, "1", phone="3")

    def after_it() -> None:
        for phone in ("4", "2"):
            site.edit(LEFT, "1", phone=phone)
        site.edit(LEFT, "1", city="Oslo")  # which leaves the phone as it is, and is no third

    await overwrite(site, chained(after(before), chained(unanswered(), before_answer(after_it))))
    await site.rest()
    assert sorted(c["old"] for e in site.journal("overwritten") for c in e.changes) == [["3"], ["4"]]
    [hold] = site.holds()
    assert hold.values == {"phone": {"left": ["2"], "right": ["2"], "overwritten": {"left": ["4"]}}}


async def test_a_loss_is_told_after_the_two_records_were_parted() -> None:
    site = logging_site()
    site.connectors.left.unlogged = {"1"}
    left, _ = await overwrite(site)
    await site.release(Hold(Key("company", LEFT, left), "", "", ""), "apart")
    await site.run()
    assert site.links() == []
    site.connectors.left.unlogged = set()
    await site.run(LAG_MS)
    [entry] = site.journal("overwritten")
    assert [(c["old"], c["new"]) for c in entry.changes] == [(["3"], ["2"])]
    assert site.holds() == []


async def test_a_value_that_came_after_a_write_without_answer_was_not_overwritten_by_it() -> None:
    site = logging_site()

    seen_by_somebody = chained(unanswered(), before_answer(lambda: site.edit(LEFT, "1", phone="3")))
    left, right = await overwrite(site, seen_by_somebody)
    await site.rest()
    assert phones(site, left, right) == ("3", "3")
    assert (site.holds(), site.journal("overwritten")) == ([], [])


@pytest.mark.parametrize(("log", "kept"), [(True, "1"), (False, "2")])
async def test_what_somebody_puts_back_after_a_write_without_answer_is_their_edit_if_the_log_tells(
    log: bool, kept: str
) -> None:
    """Without a log it reads as if the write had never arrived, and is made again."""
    site = Site(abilities=Both(replace(LOGGED, log=log), STRICT))

    put_back = chained(unanswered(), before_answer(lambda: site.edit(LEFT, "1", phone="1")))
    left, right = await overwrite(site, put_back)
    await site.rest()
    assert phones(site, left, right) == (kept, kept)
    assert (site.holds(), site.journal("overwritten")) == ([], [])


async def test_what_was_put_back_counts_as_edited_since_our_write() -> None:
    """It reads as it did long before, and is the later edit all the same, or may be."""
    site = logging_site()

    def put_back() -> None:
        site.edit(RIGHT, "1", phone="4")
        site.edit(LEFT, "1", phone="1")

    left, right = await overwrite(site, chained(unanswered(), before_answer(put_back)))
    await site.rest()
    assert phones(site, left, right) == ("1", "4")
    assert [h.cause for h in site.holds()] == ["conflict"]


async def test_a_write_that_never_arrived_has_overwritten_nothing() -> None:
    site = logging_site()

    await overwrite(site, chained(after(lambda: site.edit(LEFT, "1", phone="3")), lost()))
    await site.rest()
    assert site.journal("overwritten") == []


async def test_an_edit_of_a_field_that_is_written_along_with_its_group_is_noticed_too() -> None:
    site = logging_site()
    system = site.systems.left
    entity = system.entities["company"]
    fields = [replace(f, group="all" if f.path in ("phone", "city") else "") for f in entity.fields]
    system.entities["company"] = replace(entity, fields=tuple(fields))
    site.connectors.left.inner = WholeGroups("left", system)
    left, right = await overwrite(site, city="Oslo", name="Bea")
    await site.rest()
    assert (site.fields(LEFT, left)["city"], site.fields(RIGHT, right)["title"]) == ("Rome", "Bea")
    assert [(h.cause, h.property) for h in site.holds()] == [("overwritten", "city")]
    [entry] = site.journal("overwritten")
    assert [(c["old"], c["new"]) for c in entry.changes] == [(["Oslo"], ["Rome"])]


async def test_a_value_that_is_there_again_is_told_and_not_held() -> None:
    site = logging_site()
    site.connectors.left.unlogged = {"1"}
    left, right = await overwrite(site)
    site.edit(LEFT, left, phone="3")
    site.connectors.left.unlogged = set()
    await site.run(LAG_MS)
    assert phones(site, left, right) == ("3", "3")
    assert (site.holds(), len(site.journal("overwritten"))) == ([], 1)


async def test_each_side_has_its_own_losses_even_between_the_same_versions() -> None:
    site = Site(pair(policy="left"), abilities=Both(replace(STRICT, log=True), replace(STRICT, log=True)))
    left, right = await site.linked_company()
    site.edit(LEFT, left, active=True)  # which is not mapped, and is a version of its own
    site.edit(RIGHT, right, phone="2")
    site.connectors.left.next("update", after(lambda: site.edit(LEFT, left, phone="3")))
    await site.run()
    site.edit(LEFT, left, phone="4")
    site.connectors.right.next("update", after(lambda: site.edit(RIGHT, right, phone="5")))
    await site.run()
    told = [(e.side, c["old"], c["versions"]) for e in site.journal("overwritten") for c in e.changes]
    assert told == [(RIGHT, ["5"], [3, 4]), (LEFT, ["3"], [3, 4])]


# What it costs


def asked(site: Site) -> int:
    """How often the log was asked, since last asked for."""
    count = len(site.sent("changed"))
    site.forget_requests()
    return count


async def test_the_log_is_asked_in_the_run_that_wrote_and_once_more_when_it_cannot_lag_any_more() -> None:
    site = logging_site()
    left, right = await site.linked_company()
    counts = []
    for phone in ("2", "", "", "3", ""):
        if phone:
            site.edit(RIGHT, right, phone=phone)
        await site.run()
        counts.append(asked(site))
    await site.run(LAG_MS)
    counts.append(asked(site))
    await site.run(LAG_MS)
    counts.append(asked(site))
    assert counts == [1, 0, 0, 1, 0, 1, 0]
    assert site.fields(LEFT, left)["phone"] == "3"


async def test_a_site_that_writes_all_the_time_asks_for_the_latest_changes_only() -> None:
    site = logging_site()
    _, right = await site.linked_company()
    for number in range(40):
        site.edit(RIGHT, right, phone=f"{number}")
        await site.run(60_000)
    since_ms = int(site.sent("changed")[-1][2].partition("-")[0])
    assert site.now - since_ms < 1_200_000, "of 40 minutes"


@pytest.mark.parametrize(
    ("why", "abilities"),
    [
        ("no log", replace(LOGGED, log=False)),
        ("a condition with each update", replace(LOGGED, conditional=True)),
        ("no versions", replace(LOGGED, versions="none")),
    ],
)
async def test_where_there_is_nothing_to_learn_the_log_is_not_asked(why: str, abilities: Abilities) -> None:
    site = Site(abilities=Both(abilities, STRICT))
    await overwrite(site, after(lambda: None))
    await site.run(LAG_MS)
    assert asked(site) == 0, why
    assert all("versions" not in c for e in site.journal("update") for c in e.changes)


async def test_changes_that_are_logged_late_are_found_by_the_later_look() -> None:
    site = logging_site()
    site.connectors.left.unlogged = {"1"}
    await overwrite(site)
    assert site.holds() == []
    site.connectors.left.unlogged = set()
    await site.run()
    assert site.holds() == [], "it is asked again when it has nothing left to add"
    await site.run(LAG_MS)
    assert [h.cause for h in site.holds()] == ["overwritten"]


async def test_a_log_that_does_not_show_our_own_writes_is_asked_for_a_day_and_then_told_of() -> None:
    site = logging_site()
    site.connectors.left.unlogged = {"1"}
    await overwrite(site)
    for _ in range(3):
        site.forget_requests()
        assert (await site.run(LAG_MS)).troubles == {}
        assert asked(site) == 1
    report = await site.run(DAY_MS)
    assert report.troubles == {
        "the log of Left": "1 of our own writes are not in it, so that nobody can tell what they have replaced"
    }
    assert (await site.run(DAY_MS)).troubles == {}


@pytest.mark.parametrize("error", [RetryLater("503"), Stop("the key may not read events")])
async def test_a_log_that_cannot_be_read_is_a_trouble_of_that_run_and_is_asked_by_the_next(
    error: OutcomeError,
) -> None:
    site = logging_site()
    site.connectors.left.next("changed", raising(error))
    left, right = await overwrite(site)
    assert (phones(site, left, right), site.holds()) == (("2", "2"), [])
    [run] = site.store.read(lambda tx: tx.runs(1))
    assert isinstance(run.summary, dict)
    assert run.summary["troubles"] == {"the log of Left": error.what}
    await site.run()
    assert [h.cause for h in site.holds()] == ["overwritten"]


async def test_a_write_is_not_decided_on_a_reading_of_long_ago() -> None:
    """So that the log has to be asked for that time alone: a process may stand still between the two."""
    site = logging_site()
    left, right = await site.linked_company()

    def stands_still() -> None:
        site.now += 400_000
        site.edit(LEFT, left, city="Oslo")

    site.edit(RIGHT, right, phone="2")
    site.connectors.left.next("read", before_answer(stands_still))
    await site.run()
    assert [entry[0] for entry in site.connectors.left.log if entry[0] in ("read", "update")] == [
        "read", "read", "update"
    ]  # fmt: skip
