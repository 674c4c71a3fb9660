"""Taking a run back: what it replaced is there again, what people did since is left alone, and it can be undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from instep.core.dataflow import MatchKey
from instep.core.model import SIDES, Both
from instep.core.state import Hold, Key, Link, Release
from instep.errors import Refused
from instep.runner.undo import Back, Scope, choose_ways_back, ways_back

from .site import LEFT, RIGHT, STRICT, Send, Site, edited, lost, pair, prop, raising, take_back, unanswered


def look(site: Site, run: int, **scope: object) -> list[Back]:
    return list(ways_back(site.runner.engine, Scope(run, **scope)))  # type: ignore[arg-type]


def kept(backs: list[Back]) -> list[tuple[str, str]]:
    return [(hold.cause, hold.what) for back in backs for hold in back.action.verdict.holds]


async def settled(site: Site) -> None:
    site.forget_requests()
    await site.run(full=True)
    assert site.sent("create", "update", "retire") == []


async def test_a_value_is_written_back_and_not_written_again() -> None:
    site = Site()
    left, right, run = await edited(site)
    report = await take_back(site, run)
    assert site.written(RIGHT)[-1] == ("update", right, {"phone": "1"})
    assert site.fields(LEFT, left)["phone"] == "2", "the edit itself is a person's, and stays"
    assert report.written == 1
    assert [(h.cause, h.property) for h in site.holds()] == [("undone", "phone")]
    await settled(site)


async def test_the_undoing_is_a_run_that_can_be_undone() -> None:
    site = Site()
    left, right, run = await edited(site)
    for expected in ("1", "2", "1", "2"):
        report = await take_back(site, run)
        run = report.run
        assert site.fields(RIGHT, right)["phone"] == expected
        assert site.fields(LEFT, left)["phone"] == "2"
        await settled(site)
    assert site.holds() == []


async def test_an_edit_after_the_undoing_flows_as_ever() -> None:
    site = Site()
    left, right, run = await edited(site)
    await take_back(site, run)
    site.edit(LEFT, left, phone="7")
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == "7"
    assert site.holds() == []


async def test_what_a_person_changed_since_is_left_alone_and_told() -> None:
    site = Site()
    left, right, run = await edited(site)
    site.edit(RIGHT, right, phone="3")
    await site.run(act=False)
    assert kept(look(site, run)) == [("changed since", "phone stays as it is")]
    await take_back(site, run)
    await site.run()
    assert {site.fields(s, i)["phone"] for s, i in ((LEFT, left), (RIGHT, right))} == {"3"}


async def test_an_edit_in_the_last_moment_is_left_alone_too() -> None:
    site = Site()
    _, right, run = await edited(site)
    approved = frozenset(p for back in look(site, run) for p in back.action.fingerprints)
    await choose_ways_back(site.runner.engine, Scope(run))
    site.edit(RIGHT, right, phone="3")
    await site.run(approved=approved, kind="undo")
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == "3"
    assert [h.cause for h in site.holds()] == []


@pytest.mark.parametrize("permitted", [False, True])
async def test_an_edit_after_a_choice_for_what_was_undone_flows_whatever_else_waited_to_be_written(
    permitted: bool,
) -> None:
    site = Site(pair(policy="left"))
    left, right = await site.linked_company()
    site.edit(RIGHT, right, phone="2")
    report = await site.run()
    site.edit(LEFT, left, name="Bea")
    if permitted:
        site.connectors.right.next("update", lost())
        await choose_ways_back(site.runner.engine, Scope(report.run))
        await site.run()
    else:
        await take_back(site, report.run)
    [hold] = site.holds()
    assert (hold.cause, site.fields(LEFT, left)["phone"]) == ("undone", "1")
    await site.release(hold, "left")
    site.edit(RIGHT, right, phone="3")
    await site.rest()
    assert {site.fields(s, i)["phone"] for s, i in ((LEFT, left), (RIGHT, right))} == {"3"}
    assert site.fields(RIGHT, right)["title"] == "Bea"
    assert site.holds() == []


async def test_what_a_later_run_wrote_again_is_left_to_the_undoing_of_that_run() -> None:
    site = Site()
    left, right, run = await edited(site)
    site.edit(LEFT, left, phone="3")
    later = await site.run()
    assert kept(look(site, run)) == [("changed since", "phone stays as it is")]
    await take_back(site, later.run)
    assert site.fields(RIGHT, right)["phone"] == "2"


async def test_records_that_a_run_made_are_taken_out_of_use_and_stay_so() -> None:
    site = Site()
    site.put(LEFT, name="Ann", mail="ann@x.example")
    report = await site.run()
    [right] = site.systems.right.ids("company")
    await take_back(site, report.run)
    assert site.fields(RIGHT, right)["active"] is False
    assert [(h.cause, h.property) for h in site.holds()] == [("undone", "")]
    for _ in range(2):
        await settled(site)
    assert [len(site.systems[side].ids("company")) for side in SIDES] == [1, 1]


async def test_a_record_that_a_person_edited_since_it_was_made_is_not_taken_out_of_use() -> None:
    site = Site()
    site.put(LEFT, name="Ann", mail="ann@x.example")
    report = await site.run()
    [right] = site.systems.right.ids("company")
    site.edit(RIGHT, right, phone="5")
    await site.run(act=False)
    assert kept(look(site, report.run)) == [("changed since", f"{right} was made in Right stays as it is")]
    await site.run()
    assert len(kept(look(site, report.run))) == 1, "nor after the edit has reached the other side"


async def test_a_record_in_a_system_that_retires_none_is_told_as_having_no_way_back() -> None:

    site = Site(abilities=Both(STRICT, replace(STRICT, retire=False)))
    site.put(LEFT, name="Ann", mail="ann@x.example")
    report = await site.run()
    assert [cause for cause, _ in kept(look(site, report.run))] == ["no way back"]


async def test_a_link_that_a_run_found_is_removed_after_its_values_are_as_they_were() -> None:
    site = Site(pair(policy="left", match=(MatchKey(("mail",)),)))
    left = site.put(LEFT, name="Ann", mail="ann@x.example", phone="1")
    right = site.put(RIGHT, title="Bea", mail="ann@x.example")
    report = await site.run()
    assert site.fields(RIGHT, right)["title"] == "Ann"
    undoing = await take_back(site, report.run)
    assert site.fields(RIGHT, right) | {"phone": None} == site.fields(RIGHT, right)
    assert site.fields(RIGHT, right)["title"] == "Bea"
    assert site.links() == []
    await settled(site)
    assert site.links() == []

    await take_back(site, undoing.run)
    assert [(link.ids.left, link.ids.right) for link in site.links()] == [(left, right)]
    assert site.fields(RIGHT, right)["title"] == "Ann"
    assert site.fields(RIGHT, right)["phone"] == "1"
    await settled(site)
    assert site.holds() == []


async def test_two_that_a_run_parted_are_not_linked_again_once_one_of_them_is_gone() -> None:
    site = Site()
    left, _ = await site.linked_company()
    [link] = site.links()
    await site.store.write(
        lambda tx: tx.save_release(Release(Key(link.pair, LEFT, left), "", "apart", "", None, site.now))
    )
    await site.mark(Key(link.pair, LEFT, left))
    report = await site.run()
    assert site.links() == []
    site.systems.left.remove("company", left)
    await site.run()
    assert kept(look(site, report.run)) == [
        ("no way back", f"that {left} and {link.ids.right} were parted stays as it is")
    ]
    await take_back(site, report.run)
    await settled(site)
    assert site.links() == []


async def test_one_pair_one_record_one_property_can_be_undone_alone() -> None:
    site = Site()
    for name in ("ann", "bea"):
        site.put(LEFT, name=name, phone="1", city="Rome", mail=f"{name}@x.example")
    await site.run()
    links: list[Link] = site.links()
    for link in links:
        site.edit(LEFT, link.ids.left, phone="2", city="Oslo")
    report = await site.run()
    await take_back(site, report.run, pair="company", side=LEFT, record=links[0].ids.left, property="city")
    fields = [site.fields(RIGHT, link.ids.right) for link in links]
    assert [(f["phone"], f["town"]) for f in fields] == [("2", "Rome"), ("2", "Oslo")]
    assert look(site, report.run, pair="other") == []


async def test_a_conflict_that_was_decided_is_undone_to_what_both_held() -> None:
    site = Site(pair(policy="left"))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    report = await site.run()
    assert site.fields(RIGHT, right)["phone"] == "2"
    await take_back(site, report.run)
    assert site.fields(RIGHT, right)["phone"] == "3"
    assert [h.cause for h in site.holds()] == ["undone"]
    await settled(site)


async def test_an_undoing_that_got_no_answer_is_settled_like_any_write() -> None:
    site = Site()
    _, right, run = await edited(site)
    site.connectors.right.next("update", lost())
    await take_back(site, run)
    assert len(site.intents()) == 1
    await site.rest()
    assert site.fields(RIGHT, right)["phone"] == "1"
    assert [h.cause for h in site.holds()] == ["undone"]
    await settled(site)


async def test_while_a_write_is_in_doubt_nothing_of_its_record_is_undone() -> None:
    site = Site()
    left, _, run = await edited(site)
    site.edit(LEFT, left, city="Oslo")
    site.connectors.right.next("update", lost())
    await site.run()
    assert kept(look(site, run)) == [("changed since", "a write stays as it is")]


async def test_nothing_is_to_be_undone_where_all_is_as_before() -> None:
    site = Site()
    _, right, run = await edited(site)
    site.edit(RIGHT, right, phone="1")
    await site.run(act=False)
    assert look(site, run) == []


async def parted(site: Site) -> tuple[str, str, int]:
    """A linked company that a run took apart, since a person chose so, and that run."""
    site.put(LEFT, name="Ann", phone="1", mail="a@x.example")
    site.put(RIGHT, title="Ann", phone="2", mail="a@x.example")
    await site.run()
    [hold] = site.holds()
    await site.release(replace(hold, property=""), "apart")
    report = await site.run()
    assert site.links() == []
    return site.systems.left.ids("company")[0], site.systems.right.ids("company")[0], report.run


async def test_two_that_a_run_parted_are_linked_again() -> None:
    site = Site(pair(policy="hold"))
    left, right, run = await parted(site)
    await take_back(site, run)
    assert [link.ids for link in site.links()] == [Both(left, right)]


async def test_a_parting_is_not_undone_where_one_of_the_two_has_another_partner() -> None:
    site = Site(pair(policy="hold"))
    left, right, run = await parted(site)
    other = site.put(RIGHT, title="Ann", phone="1", mail="other@x.example")
    await site.rest()
    old = next(link for link in site.links() if link.ids.right == other)
    await site.store.write(lambda tx: tx.remove_link(old.id))
    await site.store.write(lambda tx: tx.save_link(Link(0, "company", Both(left, other))))
    [(cause, _)] = kept(look(site, run))
    assert cause == "changed since"
    await take_back(site, run)
    assert Both(left, other) in [link.ids for link in site.links()]
    assert right not in [link.ids.right for link in site.links()]


async def test_nothing_is_undone_in_a_record_that_is_another_one_by_now() -> None:
    site = Site()
    left, right, run = await edited(site)
    site.systems.left.remove("company", left)
    await site.run(act=False)
    [link] = site.links()
    hold = Hold(Key("company", LEFT, left), "", "reused", "another record", since_ms=site.now)
    await site.store.write(lambda tx: tx.replace_holds(hold.key, [hold]))
    assert kept(look(site, run)) == [
        ("changed since", f"what was written to {left} and {right} stays as it is")
    ]
    assert not [back for back in look(site, run) if back.action.fingerprints or back.releases]
    assert link.ids == Both(left, right)


async def test_what_is_about_to_be_parted_is_not_undone_and_the_preview_says_so() -> None:
    site = Site()
    left, right, run = await edited(site)
    for choice in ("retire", "unlink", "apart"):
        await site.release(Hold(Key("company", LEFT, left), "", "", ""), choice)
        assert kept(look(site, run)) == [
            ("changed since", f"what was written to {left} and {right} stays as it is")
        ]
    await take_back(site, run)
    assert site.fields(RIGHT, right)["phone"] == "2"
    assert site.links() == []


async def test_undoing_a_create_says_what_stays_in_the_record_that_it_was_made_from() -> None:
    site = Site()
    left = site.put(LEFT, name="Ann", mail="ann@x.example")

    async def filling(send: Send) -> Any:
        made = await send()
        site.edit(RIGHT, made.id, phone="7")
        return await site.connectors.right.read("company", made.id)

    site.connectors.right.next("create", filling)
    report = await site.run()
    assert site.fields(LEFT, left)["phone"] == "7"
    assert kept(look(site, report.run)) == [("no way back", f"phone of {left} stays as it is")]
    await take_back(site, report.run)
    assert site.fields(LEFT, left)["phone"] == "7"
    assert "phone" not in str(kept(look(site, report.run))), "it was told with what could be done"


IN_USE = prop("active", "active", "boolean")


async def made_and_undone() -> tuple[Site, str, str]:
    """A company whose being in use is kept in step, and whose making on the right was undone."""
    site = Site(pair("company", IN_USE))
    left = site.put(LEFT, name="Ann", mail="ann@x.example", active=True)
    report = await site.run()
    await take_back(site, report.run)
    [link] = site.links()
    assert site.fields(RIGHT, link.ids.right)["active"] is False
    return site, left, link.ids.right


async def test_a_retirement_of_ours_is_nobodys_edit() -> None:
    site, left, right = await made_and_undone()
    await settled(site)
    [hold] = site.holds()
    await site.release(hold, "retry")
    await site.run()
    assert site.fields(LEFT, left)["active"] is True, "a person has made it, and nobody has retired it"
    assert site.fields(RIGHT, right)["active"] is True, "what was held is written after all"
    await settled(site)
    assert site.holds() == []


@pytest.mark.parametrize("doubt", [False, True])
async def test_a_partner_that_a_delete_has_put_out_of_use_is_held_for_nothing(doubt: bool) -> None:
    site = Site(pair("company", IN_USE, on_delete="retire"))
    site.put(LEFT, name="Bob", mail="bob@x.example", active=True)
    left, right = await site.linked_company(active=True)
    site.systems.left.remove("company", left)
    if doubt:
        site.connectors.right.next("retire", unanswered())
    await site.rest()
    assert site.fields(RIGHT, right)["active"] is False
    assert site.holds() == []
    assert [link.state for link in site.links() if link.ids.left == left] == ["retired"]
    await settled(site)


async def test_what_is_refused_is_undone_as_the_preview_says_and_a_later_edit_arrives() -> None:
    site = Site()
    left, right, run = await edited(site)
    site.edit(LEFT, left, phone="bad")
    site.connectors.right.next("update", raising(Refused("no", field="phone")))
    await site.run()
    assert [hold.cause for hold in site.holds()] == ["refused"]
    [back] = look(site, run)
    assert [write.payload for write in back.action.verdict.writes] == [{"phone": "1"}]
    await take_back(site, run)
    assert site.fields(RIGHT, right)["phone"] == "1"
    site.edit(LEFT, left, phone="3")
    await site.rest()
    assert site.fields(RIGHT, right)["phone"] == "3"


async def test_what_was_chosen_for_a_property_is_not_replaced_by_an_undo() -> None:
    site = Site()
    left, right, run = await edited(site)
    site.edit(LEFT, left, phone="bad")
    site.connectors.right.next("update", raising(Refused("no", field="phone")))
    await site.run()
    [hold] = site.holds()
    await site.release(hold, "leave")
    assert kept(look(site, run)) == [("changed since", "phone stays as it is")]
    await take_back(site, run)
    assert site.fields(RIGHT, right)["phone"] == "2"
    assert [each.cause for each in site.holds()] == ["ignored"]


async def test_undoing_an_undo_says_what_brings_a_record_back_into_use() -> None:
    site = Site(pair("company", IN_USE))
    site.put(LEFT, name="Ann", mail="ann@x.example", active=True)
    undoing = await take_back(site, (await site.run()).run)
    [back] = look(site, undoing.run)
    [hold] = back.action.verdict.holds
    [standing] = site.holds()
    assert (hold.cause, hold.fix) == ("changed since", f"instep holds release {standing.id} --choose retry")
    assert back.action.verdict.link is None


async def test_an_undoing_that_was_broken_off_leaves_a_record_alone_that_was_edited_since() -> None:
    site = Site()
    left = site.put(LEFT, name="Ann", mail="ann@x.example")
    report = await site.run()
    [link] = site.links()
    await choose_ways_back(site.runner.engine, Scope(report.run))
    site.edit(RIGHT, link.ids.right, phone="5")
    await site.run()
    assert site.fields(RIGHT, link.ids.right)["active"] is not False
    assert site.fields(LEFT, left)["phone"] == "5", "it is an edit like any other"
    await settled(site)
    assert site.store.read(lambda tx: tx.releases_of(Key("company", LEFT, left))) == []
