"""What stays as it is although nothing is unclear: left alone, given, apart, fought over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from instep.core.model import Both, Side
from instep.core.standing import Given, giving
from instep.core.state import Hold, Key
from instep.errors import Refused

from .site import LEFT, PHONE, RIGHT, Send, Site, pair, raising


async def conflict(site: Site) -> tuple[str, str, Hold]:
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    await site.run()
    [hold] = site.holds()
    assert hold.cause == "conflict"
    return left, right, hold


async def given(site: Site, side: Side = LEFT) -> tuple[str, str]:
    """A conflict for which a person gives 9, in the terms of that side."""
    left, right, hold = await conflict(site)
    a, b = site.sighting(LEFT, left), site.sighting(RIGHT, right)
    assert a is not None and b is not None
    value = giving(PHONE, side, ("9",), Both(a, b))
    assert value is not None
    await site.release(hold, "value", value.to_json())
    return left, right


def phones(site: Site, left: str, right: str) -> tuple[object, object]:
    return site.fields(LEFT, left)["phone"], site.fields(RIGHT, right)["phone"]


async def test_what_a_person_leaves_as_it_is_stays_so_until_a_value_changes() -> None:
    site = Site(pair(policy="hold"))
    left, right, hold = await conflict(site)
    await site.release(hold, "leave")
    for _ in range(2):
        await site.run(full=True)
        assert [h.cause for h in site.holds()] == ["ignored"]
    assert phones(site, left, right) == ("2", "3")
    site.edit(RIGHT, right, phone="4")
    await site.run()
    assert [h.cause for h in site.holds()] == ["conflict"]


async def test_a_flow_is_left_alone_at_the_sight_of_its_hold_and_written_when_resumed() -> None:
    site = Site(pair(policy="hold"))
    left, right, hold = await conflict(site)
    await site.release(hold, "leave")
    await site.run()
    [ignored] = site.holds()
    await site.release(ignored, "left")
    await site.run()
    assert phones(site, left, right) == ("2", "2")
    assert site.holds() == []


@pytest.mark.parametrize("side", Side)
async def test_a_value_that_a_person_gives_is_written_to_both_sides_and_both_old_ones_are_kept(
    side: Side,
) -> None:
    site = Site(pair(policy="hold"))
    left, right = await given(site, side)
    await site.run()
    assert phones(site, left, right) == ("9", "9")
    assert site.holds() == []
    kept = {str(c["old"]) for e in site.journal() for c in e.changes}
    assert {"['2']", "['3']"} <= kept
    site.forget_requests()
    await site.run(full=True)
    assert site.sent("create", "update") == []


async def test_a_given_value_does_not_overwrite_what_nobody_had_seen_when_it_was_given() -> None:
    site = Site(pair(policy="hold"))
    _, right = await given(site)
    site.edit(RIGHT, right, phone="4")
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == "4"
    assert [h.cause for h in site.holds()] == ["conflict"]


@pytest.mark.parametrize("listed", [True, False])
async def test_a_given_value_is_as_old_as_its_giving_whenever_it_is_written(listed: bool) -> None:
    site = Site(pair(policy="hold"))
    left, right = await given(site)
    site.edit(RIGHT, right, phone="4")
    site.dataflow = replace(site.dataflow, pairs=(pair(policy="newest"),))
    site.new_runner()
    if not listed:
        site.connectors.right.unlisted.add(right)
    await site.run(60_000)
    assert phones(site, left, right) == ("4", "4")
    assert site.holds() == []


def test_what_is_kept_of_a_given_value_is_read_as_it_was_meant() -> None:
    for base in (None, Both(("1",), (None,))):
        value = Given(Both(None, ("a", 2)), Both(None, (None, None)), base, 7)
        assert Given.__eq__(
            value, __import__("instep.core.standing", fromlist=["given"]).given(value.to_json())
        )


async def test_records_that_are_kept_apart_are_never_linked_or_created_again() -> None:
    site = Site(pair(policy="hold"))
    *_, hold = await conflict(site)
    await site.release(Hold(hold.key, "", hold.cause, "", digest=hold.digest), "apart")
    for _ in range(2):
        await site.run(full=True)
    assert site.links() == []
    assert [len(site.systems[side].ids("company")) for side in Side] == [1, 1]
    assert site.holds() == []


async def test_an_unlinked_record_is_left_alone_until_it_changes() -> None:
    site = Site()
    for name in ("Ann", "Anna"):
        site.put(LEFT, name=name, mail="ann@x.example")
    await site.run()
    holds = site.holds()
    assert [h.cause for h in holds] == ["duplicate", "duplicate"]
    await site.release(holds[0], "leave")
    await site.run(full=True)
    assert sorted(h.cause for h in site.holds()) == ["duplicate", "ignored"]
    site.edit(LEFT, holds[0].key.id, mail="other@x.example")
    await site.run()
    assert len(site.links()) == 2, "neither has a twin any more"


async def test_a_property_that_another_program_keeps_changing_back_is_frozen_and_explained() -> None:
    site = Site(pair("company", policy="hold"))
    left, right = await site.linked_company()
    for _ in range(3):
        site.edit(LEFT, left, phone="2")
        await site.run()
        assert site.fields(RIGHT, right)["phone"] == "2"
        site.edit(RIGHT, right, phone="1")
        await site.run()
        assert site.fields(LEFT, left)["phone"] == "1"
    site.edit(LEFT, left, phone="2")
    await site.run()
    [hold] = site.holds()
    assert (hold.cause, hold.property) == ("fight", "phone")
    assert "3 times since 2025-11-22" in hold.why and "last at 2025-11-22" in hold.why
    assert phones(site, left, right) == ("2", "1")
    site.edit(LEFT, left, phone="5", name="Bea")
    await site.run(full=True)
    assert phones(site, left, right) == ("5", "1"), "frozen until a person chooses"
    assert site.fields(RIGHT, right)["title"] == "Bea", "everything else goes on"
    [hold] = site.holds()
    await site.release(hold, "left")
    await site.run()
    assert phones(site, left, right) == ("5", "5")
    assert site.holds() == []


async def test_the_same_value_on_other_days_is_no_fight() -> None:
    site = Site()
    left, right = await site.linked_company()
    for _ in range(5):
        for phone in ("2", "1"):
            site.edit(LEFT, left, phone=phone)
            await site.run(43_200_000)
            assert site.fields(RIGHT, right)["phone"] == phone
    assert site.holds() == []


@pytest.mark.parametrize("choice", ["leave", "apart", "link"])
async def test_a_complete_reading_leaves_what_was_chosen_for_a_refused_record(choice: str) -> None:
    site = Site()
    other = site.put(RIGHT, title="Zoe", mail="zoe@x.example")
    await site.run()
    left = site.put(LEFT, name="Ann", mail="ann@x.example")
    site.connectors.right.next("create", raising(Refused("no", why="not now")))
    await site.run()
    [hold] = [hold for hold in site.holds() if hold.key.id == left]
    made = len(site.systems.right.ids("company"))
    await site.release(hold, choice, other if choice == "link" else None)
    await site.run(full=True)
    assert len(site.systems.right.ids("company")) == made, "it was created all the same"


async def test_a_refusal_of_one_property_leaves_what_was_chosen_for_another() -> None:
    site = Site()
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", raising(Refused("no", field="phone")))
    await site.run()
    [hold] = site.holds()
    await site.release(hold, "leave")
    site.edit(LEFT, left, city="Oslo")
    site.connectors.right.next("update", raising(Refused("no", field="town")))
    await site.rest()
    assert {(hold.property, hold.cause) for hold in site.holds()} == {
        ("phone", "ignored"),
        ("city", "refused"),
    }


async def test_a_delete_is_followed_only_as_long_as_the_partner_is_what_was_seen() -> None:
    site = Site()
    site.put(LEFT, name="Other", mail="other@x.example")
    left, right = await site.linked_company()
    site.systems.right.remove("company", right)
    site.edit(LEFT, left, phone="34")
    await site.rest()
    [hold] = site.holds()
    await site.release(hold, "retire")
    site.edit(LEFT, left, phone="42")
    await site.rest()
    assert site.fields(LEFT, left)["active"] is not False
    [again] = site.holds()
    await site.release(again, "retire")
    await site.rest()
    assert site.fields(LEFT, left)["active"] is False


@pytest.mark.parametrize("first", ["link", "apart"])
async def test_of_a_link_and_a_parting_that_were_chosen_the_later_counts(first: str) -> None:
    site = Site()
    ann = site.put(LEFT, name="Ann", mail="m@x.example")
    site.put(LEFT, name="Bob", mail="m@x.example")
    right = site.put(RIGHT, title="Ann", mail="m@x.example")
    await site.run()
    holds = {hold.key: hold for hold in site.holds()}
    choices = [(LEFT, ann, "link", right), (RIGHT, right, "apart", None)]
    for side, id, choice, value in choices if first == "link" else reversed(choices):
        await site.release(holds[Key("company", side, id)], choice, value)
        site.now += 1_000
    await site.run(act=False)
    planned = [action.verdict.link for action in site.plan() if action.verdict.link]
    await site.rest()
    expected = [] if first == "link" else [Both(ann, right)]
    assert [link.ids for link in site.links()] == planned == expected


@pytest.mark.parametrize("choice", ["left", "leave"])
async def test_a_choice_for_what_is_left_alone_counts_for_what_was_seen(choice: str) -> None:
    site = Site(pair(policy="hold"))
    left, right, hold = await conflict(site)
    await site.release(hold, "leave")
    await site.run()
    [ignored] = site.holds()
    await site.release(ignored, choice)
    site.edit(RIGHT, right, phone="7")
    await site.rest()
    assert phones(site, left, right) == ("2", "7")
    assert [each.cause for each in site.holds()] == ["conflict"]


async def test_who_is_kept_apart_while_its_partner_is_being_made_is_parted_from_it() -> None:
    site = Site()
    left = site.put(LEFT, name="Ann", mail="ann@x.example")
    key = Key("company", LEFT, left)

    async def choosing(send: Send) -> Any:
        made = await send()
        await site.release(Hold(key, "", "", ""), "apart")
        return made

    site.connectors.right.next("create", choosing)
    await site.rest()
    assert site.links() == []
    assert [len(site.systems[side].ids("company")) for side in Side] == [1, 1]
