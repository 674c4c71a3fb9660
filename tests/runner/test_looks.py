"""One record at a time: what is written, held, waited for and released, from listing to rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instep.core.dataflow import MatchKey
from instep.core.model import Both, Side
from instep.core.state import Key
from instep.errors import Gone, Moved, Refused, RetryLater, Unable

from .site import (
    LEFT,
    RIGHT,
    STRICT,
    Site,
    after,
    before_answer,
    company,
    pair,
    raising,
    with_persons,
)

# --- Writes


async def test_what_a_create_cannot_take_in_one_call_follows_in_another() -> None:
    """`town` is of another group, but a create takes it; an update of both groups needs two calls."""
    site = Site()
    left, right = await site.linked_company()
    assert site.fields(RIGHT, right)["town"] == "Rome"
    site.edit(LEFT, left, phone="2", city="Oslo")
    report = await site.run()
    assert report.written == 2
    assert sorted(str(new) for _, _, new in site.written(RIGHT)) == ["{'phone': '2'}", "{'town': 'Oslo'}"]


async def test_a_field_that_only_an_update_takes_follows_a_create_in_the_same_run() -> None:
    made = company(RIGHT)
    later = tuple(replace(f, create=False) if f.path == "town" else f for f in made.fields)
    site = Site(entities=Both([company(LEFT)], [replace(made, fields=later)]))
    site.put(LEFT, name="Ann", city="Rome", mail="a@x.example")
    await site.run()
    assert [operation for operation, _, _ in site.written(RIGHT)] == ["create", "update"]
    [right] = site.systems.right.ids("company")
    assert site.fields(RIGHT, right)["town"] == "Rome"
    site.forget_requests()
    assert (await site.run()).written == 0


async def test_a_record_that_moved_just_before_a_conditional_write_is_decided_on_again() -> None:
    site = Site(abilities=Both(STRICT, replace(STRICT, conditional=True)))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", after(lambda: site.edit(RIGHT, right, title="Bea")))
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == "2"
    assert site.fields(LEFT, left)["name"] == "Bea"
    assert [e.outcome for e in site.journal("update") if e.side is RIGHT] == ["done", "not applied"]


async def test_an_edit_made_while_our_write_was_on_its_way_is_not_swallowed() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", before_answer(lambda: site.edit(RIGHT, right, title="Bea")))
    await site.rest()
    await site.rest()
    assert site.fields(LEFT, left)["name"] == "Bea"
    assert site.fields(RIGHT, right)["phone"] == "2"


async def test_every_write_is_in_the_journal_with_run_reason_old_value_and_new() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    report = await site.run()
    [entry] = site.journal("update")
    assert (entry.run, entry.outcome, entry.side, entry.record_id) == (report.run, "done", RIGHT, right)
    assert entry.partner_id == left
    assert "Left was edited" in entry.reason
    change = {"property": "phone", "old": ["1"], "new": ["2"], "source": ["2"], "base": [["1"], ["1"]]}
    assert list(entry.changes) == [change]


# --- Conflicts


async def conflicted(policy: str) -> tuple[Site, str, str]:
    site = Site(pair(policy=policy))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    return site, left, right


async def test_a_conflict_that_no_policy_decides_touches_nothing_until_a_person_does() -> None:
    site, left, right = await conflicted("hold")
    assert (await site.run()).written == 0
    [hold] = site.holds()
    assert hold.cause == "conflict"
    assert site.todo() == []
    await site.release(hold, "left")
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == site.fields(LEFT, left)["phone"] == "2"
    assert site.holds() == []
    [lost] = site.journal("overruled")
    assert (lost.side, lost.changes[0]["old"]) == (RIGHT, ["3"])


async def test_a_choice_is_used_once() -> None:
    site, left, right = await conflicted("hold")
    await site.run()
    await site.release(site.holds()[0], "left")
    await site.run()
    key = Key("company", LEFT, left)
    assert site.store.read(lambda tx: tx.releases_of(key)) == []
    site.edit(LEFT, left, phone="2b")
    site.edit(RIGHT, right, phone="3")
    await site.run()
    assert [h.cause for h in site.holds()] == ["conflict"]


async def test_a_choice_outlives_a_failure_of_its_write() -> None:
    site, left, right = await conflicted("hold")
    await site.run()
    await site.release(site.holds()[0], "right")
    site.connectors.left.next("update", raising(Moved("somebody was there first")))
    await site.rest()
    assert site.fields(LEFT, left)["phone"] == site.fields(RIGHT, right)["phone"] == "3"


async def test_the_later_edit_wins_and_the_other_is_in_the_journal() -> None:
    site, left, right = await conflicted("newest")
    await site.run()
    assert site.fields(LEFT, left)["phone"] == site.fields(RIGHT, right)["phone"] == "3"
    assert [e.changes[0]["old"] for e in site.journal("overruled")] == [["2"]]


async def test_a_conflict_ends_when_people_make_both_sides_the_same() -> None:
    site, left, right = await conflicted("hold")
    await site.run()
    site.edit(LEFT, left, phone="3")
    await site.run()
    assert (site.holds(), site.written(LEFT), site.written(RIGHT)) == ([], [], [])
    assert right


# --- Refusals


async def test_a_refused_value_is_held_and_not_sent_again_until_it_changes() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="bad")
    refusal = Refused("no", field="phone", why="must be a number")
    site.connectors.right.next("update", raising(refusal))
    await site.run()
    [hold] = site.holds()
    assert (hold.cause, hold.property, hold.why) == ("refused", "phone", "must be a number")
    site.forget_requests()
    await site.mark(Key("company", LEFT, left))
    await site.run()
    assert site.sent("update") == []
    assert len(site.holds()) == 1
    site.edit(LEFT, left, phone="2")
    await site.run()
    assert site.holds() == []
    assert site.fields(RIGHT, right)["phone"] == "2"


async def test_of_several_properties_the_one_that_is_refused_does_not_hold_up_the_others() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="bad", name="Bea", mail="b@x.example")

    carried_out = after(lambda: None)
    site.connectors.right.next("update", raising(Refused("something is wrong")))
    site.connectors.right.next("update", carried_out, raising(Refused("no")), carried_out)
    await site.run()
    shown = site.fields(RIGHT, right)
    assert (shown["title"], shown["phone"], shown["mail"]) == ("Bea", "1", "b@x.example")
    assert [(h.cause, h.property) for h in site.holds()] == [("refused", "phone")]


async def test_a_retry_is_one_try() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="bad")
    site.connectors.right.next("update", raising(Refused("no")), raising(Refused("no again")))
    await site.run()
    await site.release(site.holds()[0], "retry")
    await site.run()
    assert len(site.sent("update")) == 2
    assert [(h.cause, h.what) for h in site.holds()] == [("refused", "no again")]
    await site.release(site.holds()[0], "retry")
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == "bad"
    assert site.holds() == []


async def test_a_refused_create_is_held_until_its_values_change() -> None:
    site = Site()
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", raising(Refused("no", why="the name is bad")))
    await site.run()
    [hold] = site.holds()
    assert (hold.cause, hold.key, hold.why) == ("refused", Key("company", LEFT, left), "the name is bad")
    assert (await site.run()).written == 0
    site.edit(LEFT, left, name="Bea")
    await site.run()
    assert site.titles(RIGHT) == ["Bea"]
    assert site.holds() == []


async def test_what_was_refused_is_tried_once_more_with_a_complete_reading() -> None:
    site = Site()
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", raising(Refused("no")), raising(Refused("no, still")))
    await site.run()
    await site.run()
    assert len(site.sent("create")) == 1
    await site.run(full=True)
    assert len(site.sent("create")) == 2
    assert [h.what for h in site.holds()] == ["no, still"]
    await site.run(full=True)
    assert site.titles(RIGHT) == ["Ann"]
    assert site.holds() == []


async def test_a_plan_with_a_complete_reading_says_what_is_tried_once_more() -> None:
    site = Site()
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", raising(Refused("no")))
    await site.run()
    await site.run(act=False)
    assert site.plan() == []
    await site.run(act=False, full=True)
    [action] = site.plan()
    assert [write.payload for write in action.verdict.writes] == [{"phone": "2"}]
    assert (await site.run(approved=frozenset(action.fingerprints))).written == 1


async def test_a_refused_retirement_is_sent_once() -> None:
    site = Site(pair(on_delete="retire"))
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)
    site.connectors.right.next("retire", raising(Refused("open orders")))
    await site.run()
    assert [(h.cause, h.what) for h in site.holds()] == [("refused", "open orders")]
    await site.mark(Key("company", LEFT, left))
    await site.run()
    assert len(site.sent("retire")) == 1
    await site.release(site.holds()[0], "retry")
    await site.run()
    assert site.fields(RIGHT, right)["active"] is False
    assert site.holds() == []


async def test_what_turns_out_to_be_impossible_is_held_for_a_person() -> None:
    site = Site()
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", raising(Unable("not by API", why="only support can")))
    await site.run()
    assert [(h.property, h.why) for h in site.holds()] == [("phone", "only support can")]


async def test_a_record_that_is_missing_at_the_write_but_there_when_read_is_written() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.put(RIGHT, title="Other", mail="o@x.example")
    await site.run()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", raising(Gone("no such company")))
    await site.rest()
    assert site.fields(RIGHT, right)["phone"] == "2"


# --- First contact


async def test_two_alike_on_one_side_are_not_linked_and_not_created_until_a_person_chooses() -> None:
    site = Site()
    first = site.put(LEFT, name="Ann", mail="a@x.example")
    second = site.put(LEFT, name="Ann B.", mail="A@x.example")
    right = site.put(RIGHT, title="Ann", mail="a@x.example")
    report = await site.run()
    assert (report.written, site.links()) == (0, [])
    assert {h.cause for h in site.holds()} == {"ambiguous"}
    hold = next(h for h in site.holds() if h.key == Key("company", LEFT, first))
    await site.release(hold, "link", right)
    await site.run()
    assert [link.ids for link in site.links()] == [Both(first, right)]
    other = next(h for h in site.holds() if h.key == Key("company", LEFT, second))
    await site.mark(other.key)
    await site.run()
    [other] = site.holds()
    assert other.cause == "ambiguous"
    await site.release(other, "link", right)
    await site.run()
    [other] = site.holds()
    assert (other.cause, first in other.why) == ("duplicate", True)
    await site.mark(other.key)
    await site.run()
    await site.release(site.holds()[0], "create")
    await site.run()
    assert len(site.links()) == 2
    assert site.store.read(lambda tx: tx.releases_of(Key("company", LEFT, second))) == []


async def test_a_link_to_a_record_that_is_not_there_is_asked_about_again() -> None:
    site = Site()
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.put(LEFT, name="Ann", mail="a@x.example")
    await site.run()
    await site.release(site.holds()[0], "link", "nobody")
    await site.run()
    assert site.links() == []
    assert any("nobody" in h.what for h in site.holds())


async def test_keys_are_tried_in_order() -> None:
    site = Site(pair(match=(MatchKey(("phone",)), MatchKey(("mail",)))))
    left = site.put(LEFT, name="Ann", phone="1", mail="a@x.example")
    by_phone = site.put(RIGHT, title="Ann", phone="1", mail="other@x.example")
    by_mail = site.put(RIGHT, title="Ann", phone="9", mail="a@x.example")
    await site.run()
    assert Both(left, by_phone) in [link.ids for link in site.links()]
    assert by_mail not in [link.ids.right for link in site.links() if link.ids.left == left]


# --- References


@pytest.mark.parametrize("required", [False, True])
async def test_a_reference_arrives_in_the_same_run_as_what_it_refers_to(required: bool) -> None:
    site = with_persons(required=required)
    acme = site.put(LEFT, "company", name="Acme")
    site.put(LEFT, "person", name="Ann", parent=acme)
    await site.run()
    [right] = site.systems.right.ids("person")
    partner = next(link.ids.right for link in site.links() if link.ids.left == acme)
    assert site.fields(RIGHT, right, "person")["parent"] == partner


async def test_a_record_waits_for_its_reference_and_wakes_when_that_is_linked() -> None:
    site = with_persons(required=True)
    acme = site.put(LEFT, "company", name="Acme")
    site.put(LEFT, "person", name="Ann", parent=acme)
    site.connectors.right.next("create", raising(Refused("no", why="closed today")))
    await site.run()
    assert {(h.key.pair, h.cause) for h in site.holds()} == {("company", "refused"), ("person", "reference")}
    assert site.todo() == []
    await site.release(next(h for h in site.holds() if h.key.pair == "company"), "retry")
    await site.run()
    assert site.titles(RIGHT, "person") == ["Ann"]
    assert site.holds() == []


async def test_an_edited_reference_waits_while_the_rest_of_the_record_goes_on() -> None:
    site = with_persons()
    first = site.put(LEFT, "company", name="Acme")
    ann = site.put(LEFT, "person", name="Ann", parent=first)
    await site.run()
    other = site.put(LEFT, "company", name="Other")
    site.edit(LEFT, ann, "person", parent=other, phone="2")
    site.connectors.right.next("create", raising(Refused("no")))
    await site.run()
    [right] = site.systems.right.ids("person")
    assert site.fields(RIGHT, right, "person")["phone"] == "2"
    assert [h.waits_for for h in site.holds() if h.cause == "reference"] == [(LEFT, "company", other)]
    await site.release(next(h for h in site.holds() if h.cause == "refused"), "retry")
    await site.run()
    partner = next(link.ids.right for link in site.links() if link.ids.left == other)
    assert site.fields(RIGHT, right, "person")["parent"] == partner


async def test_a_refusal_waits_while_what_the_record_refers_to_is_not_in_step() -> None:
    site = with_persons()
    acme = site.put(LEFT, "company", name="Acme")
    await site.rest()
    ann = site.put(LEFT, "person", name="Ann", parent=acme)
    site.edit(LEFT, acme, phone="2")
    site.connectors.right.next("update", raising(RetryLater("busy")))
    site.connectors.right.next("create", raising(Refused("no", why="its company has no phone")))
    await site.run()
    assert site.holds() == []
    assert {todo.key.id for todo in site.todo()} == {acme, ann}
    await site.rest()
    assert site.titles(RIGHT, "person") == ["Ann"]
    assert site.holds() == []


async def test_a_refusal_is_held_once_what_the_record_refers_to_is_in_step() -> None:
    site = with_persons()
    acme = site.put(LEFT, "company", name="Acme")
    await site.rest()
    site.put(LEFT, "person", name="Ann", parent=acme)
    site.edit(LEFT, acme, phone="2")
    site.connectors.right.next("create", raising(Refused("no", why="its company is unwanted")))
    await site.run()
    assert [(h.key.pair, h.cause) for h in site.holds()] == [("person", "refused")]


# --- Deletes


@pytest.mark.parametrize("side", [LEFT, RIGHT])
async def test_a_delete_is_held_and_a_person_may_retire_the_partner(side: Side) -> None:
    site = Site()
    ids = dict(zip(Side, await site.linked_company(), strict=True))
    site.systems[side].remove("company", ids[side])
    await site.run()
    assert site.written(side.other) == []
    [hold] = site.holds()
    await site.release(hold, "retire")
    await site.run()
    assert site.fields(side.other, ids[side.other])["active"] is False
    assert (site.holds(), [link.state for link in site.links()]) == ([], ["retired"])


async def test_an_edit_outlives_a_delete() -> None:
    site = Site(pair(on_delete="retire"))
    left, right = await site.linked_company()
    site.edit(RIGHT, right, title="Bea")
    site.systems.left.remove("company", left)
    await site.run()
    assert site.fields(RIGHT, right)["active"] is None
    [hold] = site.holds()
    assert "outlives" in hold.why


async def test_what_was_deleted_on_both_sides_rests_and_never_comes_back() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)
    site.systems.right.remove("company", right)
    await site.rest()
    assert [link.state for link in site.links()] == ["retired"]
    assert site.written(LEFT) == site.written(RIGHT) == []
    assert site.holds() == []


async def test_the_partner_of_a_deleted_record_may_be_left_alone_and_is_not_made_again() -> None:
    site = Site(pair(on_delete="ignore"))
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)
    await site.run()
    site.edit(RIGHT, right, title="Bea")
    await site.rest()
    assert site.titles(LEFT) == []
    assert site.holds() == []


async def test_a_partner_that_was_unlinked_from_a_deleted_record_is_created_anew() -> None:
    site = Site()
    left, right = await site.linked_company()
    site.systems.left.remove("company", left)
    await site.run()
    await site.release(site.holds()[0], "unlink")
    await site.rest()
    [link] = site.links()
    assert link.ids.right == right
    assert link.ids.left != left
    assert site.titles(LEFT) == ["Ann"]
