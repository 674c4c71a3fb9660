"""A write in doubt becomes definite by what the system offers, and happens once whatever had become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from instep.core.model import Abilities, Both, Side
from instep.errors import Gone, InDoubt, Refused, RetryLater
from instep.runner.settle import horizon_ms

from .site import LEFT, RIGHT, STRICT, Fault, Send, Site, after, company, lost, pair, raising, unanswered

LATE_MS = 20_000


def offers(**abilities: Any) -> Abilities:
    return Abilities(versions="strict", late_apply_ms=LATE_MS, **abilities)


PROFILES = {
    "conditional": offers(conditional=True, chosen_id=True),
    "chosen id": offers(chosen_id=True),
    "unique marker": offers(marker="ref", marker_unique=True),
    "marker": offers(marker="ref"),
    "key": offers(key_window_ms=1_800_000),
    "nothing": offers(),
}
TELLING = sorted(set(PROFILES) - {"nothing"})
FAULTS: dict[str, Callable[[], Fault]] = {"lost": lost, "unanswered": unanswered}


def site_with(profile: str, **more: Any) -> Site:
    return Site(pair(**more), abilities=Both(STRICT, PROFILES[profile]))


def effective(site: Site, operation: str) -> int:
    return sum(1 for done, _, _ in site.written(RIGHT) if done == operation)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("profile", TELLING)
async def test_a_create_in_doubt_makes_one_record(profile: str, fault: str) -> None:
    site = site_with(profile)
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", FAULTS[fault]())
    await site.run()
    await site.rest()
    assert site.titles(RIGHT) == ["Ann"]
    assert effective(site, "create") == 1
    [link] = site.links()
    assert link.ids.left == left
    assert (site.intents(), site.holds()) == ([], [])


@pytest.mark.parametrize("profile", TELLING)
async def test_a_create_that_stays_in_doubt_twice_makes_one_record(profile: str) -> None:
    site = site_with(profile)
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered(), unanswered(), lost())
    for _ in range(6):
        await site.run(later_ms=10_000)
        site.new_runner()
    await site.rest()
    assert effective(site, "create") == 1
    assert len(site.links()) == 1


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("profile", ["conditional", "chosen id", "unique marker", "marker"])
async def test_a_create_in_doubt_is_not_sent_again_beside_what_a_person_entered(
    profile: str, fault: str
) -> None:
    site = site_with(profile)
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", FAULTS[fault](), lost(), lost())
    await site.run()
    entered = site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.rest()
    made = effective(site, "create")
    assert made == (1 if fault == "unanswered" else 0), "the first request alone, if it arrived"
    [link] = site.links()
    assert link.ids.left == left
    assert (link.ids.right == entered) == (made == 0)
    assert site.intents() == []


@pytest.mark.parametrize("also", [LEFT, RIGHT])
@pytest.mark.parametrize("profile", TELLING)
async def test_a_create_in_doubt_is_not_sent_again_beside_what_may_be_its_partner(
    profile: str, also: Side
) -> None:
    site = site_with(profile)
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", lost(), lost())
    await site.run()
    site.put(RIGHT, title="Ann", mail="a@x.example")
    site.put(also, mail="a@x.example")
    await site.rest()
    assert effective(site, "create") == 0
    assert (site.links(), site.intents()) == ([], [])
    causes = {hold.cause for hold in site.holds()}
    assert "doubt" in causes if profile == "key" else causes == {"ambiguous"}, "a key can't be looked for"


@pytest.mark.parametrize("profile", TELLING)
async def test_a_create_in_doubt_is_not_sent_again_beside_what_it_was_sent_as(profile: str) -> None:
    site = site_with(profile)
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", lost(), lost())
    await site.run()
    site.put(RIGHT, title="Ann", mail="a@x.example")
    site.edit(LEFT, left, mail="new@x.example")
    await site.rest()
    made = [fields for operation, _, fields in site.written(RIGHT) if operation == "create"]
    assert "a@x.example" not in {fields["mail"] for fields in made}


async def test_a_chosen_id_and_a_key_are_sent_again_as_they_were() -> None:
    site = site_with("chosen id")
    left = site.put(LEFT, name="Ann")
    site.connectors.right.next("create", unanswered())
    await site.run()
    await site.rest()
    assert {id for _, _, id in site.sent("create")} == {f"l-{left}"}
    [entry] = [e for e in site.journal("create") if e.outcome == "found done"]
    assert entry.record_id == f"l-{left}"


async def test_a_marker_is_searched_for_until_the_create_cannot_happen_any_more() -> None:
    site = site_with("marker")
    site.put(LEFT, name="Ann")
    site.connectors.right.next("create", lost())
    await site.run()
    await site.run(later_ms=LATE_MS // 2)
    assert len(site.sent("create")) == 1, "it could still be applied"
    await site.run(later_ms=LATE_MS)
    assert len(site.sent("create")) == 2
    assert len(site.sent("find")) >= 2
    assert [e.outcome for e in reversed(site.journal("create"))] == ["not applied", "done"]


async def test_a_search_that_finds_nothing_means_nothing_while_the_system_shows_nothing() -> None:
    """What a system held before the create has to be there, or a second one would be made beside a hidden one."""
    site = site_with("marker")
    await site.linked_company()
    left = site.put(LEFT, name="Bea", mail="b@x.example")
    site.connectors.right.next("create", unanswered())
    site.connectors.right.next("find", hidden, hidden)
    site.connectors.right.unlisted = {"2"}
    await site.run()
    site.connectors.right.next("read", raising(Gone("there is no such company")))
    await site.run(later_ms=2 * LATE_MS)
    assert len(site.intents()) == 1
    site.connectors.right.unlisted = set()
    await site.rest()
    assert site.titles(RIGHT) == ["Ann", "Bea"]
    assert effective(site, "create") == 1
    assert left in {link.ids.left for link in site.links()}


async def test_a_search_in_a_system_of_which_nothing_known_can_be_read_is_a_persons_to_judge() -> None:
    site = site_with("marker")
    _, right = await site.linked_company()
    site.put(LEFT, name="Bea", mail="b@x.example")
    site.connectors.right.next("create", lost())
    await site.run()
    site.systems.right.remove("company", right)
    for _ in range(2):
        await site.run(later_ms=2 * LATE_MS, full=True, released=frozenset({"company:empty"}))
    assert site.intents() == []
    assert sorted(hold.cause for hold in site.holds()) == ["deleted", "doubt"]
    assert effective(site, "create") == 0


async def hidden(send: Send) -> Any:
    """The answer of a system that shows nothing of what it holds."""
    return []


async def test_a_create_that_lands_late_is_found_by_its_marker() -> None:
    site = site_with("marker")
    site.put(LEFT, name="Ann")
    late: list[Any] = []

    async def later(send: Any) -> Any:
        late.append(send)
        raise InDoubt("no answer")

    site.connectors.right.next("create", later)
    await site.run()
    await site.run(later_ms=5_000)
    await late[0]()
    await site.rest()
    assert effective(site, "create") == 1
    assert len(site.links()) == 1


@pytest.mark.parametrize("share", [0.9, 1.0, 1.1])
async def test_a_key_is_trusted_within_its_window_only(share: float) -> None:
    site = site_with("key")
    window_ms = PROFILES["key"].key_window_ms
    site.put(LEFT, name="Ann")
    site.connectors.right.next("create", unanswered())
    await site.run()
    await site.run(later_ms=round(window_ms * share))
    assert len(site.sent("create")) == 1
    [hold] = site.holds()
    assert hold.cause == "doubt"
    assert effective(site, "create") == 1


async def test_the_answer_to_a_repeated_key_does_not_say_that_the_record_is_still_there() -> None:
    site = site_with("key", on_delete="retire")
    left = site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", unanswered())
    await site.run()
    site.systems.right.remove("company", *site.systems.right.ids("company"))  # lost, and not by a person
    site.now += 5_000
    site.put(RIGHT, title="Bea", mail="b@x.example")
    for _ in range(3):
        await site.run(later_ms=30_000, full=True)
    assert site.fields(LEFT, left)["active"] is not False
    assert [hold.cause for hold in site.holds()] == ["deleted"]


@pytest.mark.parametrize("choice", ["link", "create"])
async def test_a_create_that_nothing_can_tell_of_is_a_persons_to_settle(choice: str) -> None:
    fault = unanswered() if choice == "link" else lost()
    site = site_with("nothing", match=())
    left = site.put(LEFT, name="Ann")
    site.connectors.right.next("create", fault)
    await site.run()
    await site.run(later_ms=LATE_MS // 2)
    assert site.holds() == [], "it may still happen"
    await site.run(later_ms=LATE_MS)
    hold = next(h for h in site.holds() if h.key.side is LEFT)
    assert (hold.cause, hold.key.id) == ("doubt", left)
    await site.run(later_ms=86_400_000)
    assert len(site.sent("create")) == 1
    ids = site.systems.right.ids("company")
    await site.release(hold, choice, ids[0] if ids else None)
    await site.rest()
    assert site.titles(RIGHT) == site.titles(LEFT) == ["Ann"]
    assert len(site.links()) == 1
    assert site.holds() == []


@pytest.mark.parametrize("phone", ["1", "2"])
async def test_a_lone_match_is_taken_for_a_create_in_doubt_only_if_it_holds_what_was_sent(phone: str) -> None:
    site = site_with("nothing", policy="right")
    left = site.put(LEFT, name="Ann", mail="a@x.example", phone="1")
    site.connectors.right.next("create", lost())
    await site.run()
    entered = site.put(RIGHT, title="Ann", mail="a@x.example", phone=phone)
    await site.rest()
    if phone == "1":
        assert [link.ids for link in site.links()] == [Both(left, entered)]
        return
    hold = next(hold for hold in site.holds() if hold.key.side is LEFT)
    assert (hold.cause, hold.why.rpartition("; ")[2]) == (
        "doubt",
        f"{entered} matches it, and holds other values than were sent",
    )
    assert site.links() == []
    assert site.fields(LEFT, left)["phone"] == "1"


# --- Updates and retirements


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("profile", PROFILES)
async def test_an_update_in_doubt_is_applied_once(profile: str, fault: str) -> None:
    site = site_with(profile)
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", FAULTS[fault]())
    await site.run()
    await site.rest()
    assert site.fields(RIGHT, right)["phone"] == "2"
    assert effective(site, "update") == 1
    assert site.written(LEFT) == []
    assert (site.intents(), site.holds()) == ([], [])


@pytest.mark.parametrize("profile", PROFILES)
async def test_an_edit_at_the_target_survives_an_update_in_doubt(profile: str) -> None:
    """Somebody overwrote what we may have written: having seen ours or not, theirs is the later one."""
    site = site_with(profile, policy="hold")
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", unanswered())
    await site.run()
    site.edit(RIGHT, right, phone="3")
    await site.rest()
    assert site.fields(RIGHT, right)["phone"] == "3"
    assert site.fields(LEFT, left)["phone"] == "3" or [h.cause for h in site.holds()] == ["conflict"]


@pytest.mark.parametrize("profile", ["conditional", "key", "nothing"])
async def test_a_newer_edit_of_the_source_follows_an_update_in_doubt(profile: str) -> None:
    site = site_with(profile)
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", lost())
    await site.run()
    site.edit(LEFT, left, phone="3")
    await site.rest()
    assert site.fields(RIGHT, right)["phone"] == site.fields(LEFT, left)["phone"] == "3"


async def test_an_update_without_any_means_is_repeated_only_once_it_cannot_be_applied_any_more() -> None:
    site = site_with("nothing")
    left, _ = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", lost())
    await site.run()
    await site.run(later_ms=LATE_MS // 2)
    assert len(site.sent("update")) == 1
    await site.run(later_ms=LATE_MS)
    assert len(site.sent("update")) == 2


async def test_a_conditional_update_is_repeated_at_once_and_applied_at_most_once() -> None:
    site = site_with("conditional")
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", lost())
    await site.run()
    await site.run(later_ms=4_000)
    assert len(site.sent("update")) == 2
    assert site.fields(RIGHT, right)["phone"] == "2"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_retirement_in_doubt_is_settled(profile: str, fault: str) -> None:
    site = Site(pair(on_delete="retire"), abilities=Both(STRICT, PROFILES[profile]))
    left, right = await site.linked_company()
    site.put(LEFT, name="Other", mail="o@x.example")
    await site.run()
    site.systems.left.remove("company", left)
    site.connectors.right.next("retire", FAULTS[fault]())
    await site.run()
    await site.rest()
    assert site.fields(RIGHT, right)["active"] is False
    assert [link.state for link in site.links() if link.ids.left == left] == ["retired"]
    assert site.intents() == []


@pytest.mark.parametrize("by", ["a field", "deleting it"])
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_retirement_that_landed_unanswered_is_in_the_journal(profile: str, by: str) -> None:
    made = Both.of(lambda s: company(s, Both(STRICT, PROFILES[profile])[s]))
    entities = made.map(lambda each: (replace(each, retired=None) if by == "deleting it" else each,))
    site = Site(pair(on_delete="retire"), entities=entities)
    left, right = await site.linked_company()
    site.put(LEFT, name="Other", mail="o@x.example")
    await site.run(full=True)
    site.systems.left.remove("company", left)
    site.connectors.right.next("retire", unanswered())
    await site.rest()
    gone = right not in site.systems.right.ids("company")
    assert gone if by == "deleting it" else site.fields(RIGHT, right)["active"] is False
    assert [e.outcome for e in site.journal("retire") if e.side is RIGHT] == ["found done"]


@pytest.mark.parametrize("error", [RetryLater("busy", after_ms=5_000), InDoubt("again"), Refused("no")])
@pytest.mark.parametrize("profile", ["conditional", "chosen id", "unique marker", "key"])
async def test_a_repeated_request_that_fails_again_is_settled_in_the_end(
    profile: str, error: Exception
) -> None:
    site = site_with(profile)
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", lost(), raising(error))
    await site.run()
    for _ in range(3):
        await site.run(later_ms=30_000)
    await site.rest()
    assert (site.fields(RIGHT, right)["phone"] == "2") or [h.cause for h in site.holds()] == ["refused"]
    assert site.intents() == []


@pytest.mark.parametrize("profile", ["conditional", "key"])
async def test_a_repeated_update_that_is_refused_each_time_is_settled_in_the_end(profile: str) -> None:
    site = site_with(profile)
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", lost(), *[raising(Refused("no"))] * 20)
    for _ in range(12):
        await site.run(later_ms=LATE_MS // 2)
    assert (site.intents(), [hold.cause for hold in site.holds()]) == ([], ["refused"])
    assert site.fields(RIGHT, right)["phone"] == "1"


@pytest.mark.parametrize("profile", TELLING)
async def test_a_create_refused_when_it_was_repeated_is_held_or_found(profile: str) -> None:
    site = site_with(profile)
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.connectors.right.next("create", lost(), raising(Refused("no", why="the name is bad")))
    for _ in range(4):
        await site.run(later_ms=30_000)
    await site.rest()
    assert site.intents() == []
    assert effective(site, "create") <= 1
    assert [h.cause for h in site.holds()] in ([], ["refused"], ["doubt"])


async def test_a_record_deleted_while_an_update_of_it_was_in_doubt_stays_deleted() -> None:
    site = site_with("nothing")
    left, right = await site.linked_company()
    site.put(RIGHT, title="Other", mail="o@x.example")
    await site.run()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", lost())
    await site.run()
    site.systems.right.remove("company", right)
    for _ in range(4):
        await site.run(later_ms=3_600_000, full=True)
    assert site.intents() == []
    assert [h.cause for h in site.holds()] == ["deleted"]
    assert right not in site.systems.right.ids("company")


async def test_a_restarted_process_looks_at_writes_in_doubt_first() -> None:
    site = site_with("chosen id")
    left = site.put(LEFT, name="Ann")

    class Killed(BaseException):
        """The process dies."""

    async def die(send: Any) -> Any:
        await send()
        raise Killed

    site.connectors.right.next("create", die)
    with pytest.raises(Killed):
        await site.run()
    assert len(site.intents()) == 1
    site.new_runner()
    await site.run(later_ms=600_000)
    assert effective(site, "create") == 1
    assert site.links()[0].ids == Both(left, f"l-{left}")


async def test_nothing_else_is_done_at_a_record_while_a_write_of_it_is_in_doubt() -> None:
    site = site_with("nothing")
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.right.next("update", lost())
    await site.run()
    site.edit(RIGHT, right, title="Bea")
    await site.run()
    assert site.written(LEFT) == []
    await site.rest()
    assert site.fields(LEFT, left)["name"] == "Bea"


async def test_the_horizon_is_the_sum_of_all_that_can_delay_a_write() -> None:
    site = site_with("nothing")
    site.put(LEFT, name="Ann")
    site.connectors.right.next("create", lost())
    await site.run()
    [intent] = site.intents()
    abilities = Abilities(late_apply_ms=7, list_lag_ms=13, read_lag_ms=11)
    assert horizon_ms(site.runner.engine, intent, abilities) == intent.sent_ms + 1_000 + 7 + 13


async def test_the_answer_of_a_create_that_found_its_id_in_use_links_the_two() -> None:
    """A store that was lost: the copies are recognised by their ids and nothing is made twice."""
    site = site_with("chosen id", match=())
    left = site.put(LEFT, name="Ann")
    await site.run()
    fresh = Site(pair(match=()), abilities=Both(STRICT, PROFILES["chosen id"]))
    fresh.systems, fresh.connectors = site.systems, site.connectors
    fresh.now = site.now
    fresh.new_runner()
    await fresh.rest()
    assert fresh.links()[0].ids == Both(left, f"l-{left}")
    assert fresh.links()[0].made_by == "identity"
    assert effective(site, "create") == 1


async def test_a_copy_that_a_lost_store_left_is_not_copied_back_while_its_original_is_hidden() -> None:
    site = Site(pair(), abilities=Both(PROFILES["chosen id"], PROFILES["chosen id"]))
    site.systems.left.put("company", {"name": "Ann", "mail": "a@x.example"}, "r-1")
    site.connectors.right.unlisted = {"1"}
    site.put(RIGHT, title="Ann", mail="other@x.example")
    await site.run()
    assert site.titles(RIGHT) == ["Ann"]
    assert [(hold.cause, hold.key.id) for hold in site.holds()] == [("duplicate", "r-1")]
    site.connectors.right.unlisted = set()
    await site.run(full=True)
    assert [link.ids for link in site.links()] == [Both("r-1", "1")]


async def test_an_id_that_a_replica_has_not_heard_of_yet_is_not_burned() -> None:
    site = Site(pair(), abilities=Both(STRICT, offers(chosen_id=True, read_lag_ms=5_000)))
    left = site.put(LEFT, name="Ann")
    site.connectors.right.next("create", unanswered())
    site.connectors.right.next("read", raising(Gone("there is no such company yet")))
    await site.rest()
    [link] = site.links()
    assert (link.ids.left, link.made_by) == (left, "created right")
    assert site.holds() == []


async def test_an_id_that_a_deleted_record_burned_is_a_persons_to_replace() -> None:
    site = site_with("chosen id", match=())
    left = site.put(LEFT, name="Ann")
    site.systems.right.put("company", {"title": "Old"}, f"l-{left}")
    site.systems.right.remove("company", f"l-{left}")
    await site.run()
    [hold] = site.holds()
    assert hold.cause == "doubt"
    await site.release(hold, "recreate")
    await site.rest()
    assert site.links()[0].ids.right == f"l-{left}-2"
    assert site.holds() == []


async def test_a_copy_that_was_listed_and_deleted_before_its_create_was_settled_is_no_partner() -> None:
    site = site_with("chosen id")
    await site.linked_company()
    left = site.put(LEFT, name="Bea", mail="b@x.example", phone="1")
    site.connectors.right.next("create", unanswered())
    await site.run()
    await site.run(later_ms=1)
    assert len(site.intents()) == 1
    site.systems.right.remove("company", f"l-{left}")
    site.edit(LEFT, left, phone=None)
    await site.rest()
    assert site.fields(LEFT, left).get("phone") is None
    assert [(hold.cause, hold.key.id) for hold in site.holds()] == [("doubt", left)]


async def listed_in_doubt(site: Site) -> tuple[str, str]:
    """A record whose create was carried out and listed, and is still in doubt, since it can't be searched for."""
    await site.linked_company()
    left = site.put(LEFT, name="Bea", mail="b@x.example", phone="1")
    site.connectors.right.next("create", unanswered())
    site.connectors.right.next("find", *[raising(RetryLater("busy"))] * 9)
    await site.run()
    await site.run(later_ms=1)
    assert len(site.intents()) == 1
    site.connectors.right.faults.clear()
    return left, site.systems.right.ids("company")[-1]


@pytest.mark.parametrize("edited", [True, False])
async def test_a_copy_that_was_listed_and_can_not_be_found_any_more_was_made_and_deleted(
    edited: bool,
) -> None:
    site = site_with("marker", on_delete="retire")
    left, copy = await listed_in_doubt(site)
    site.systems.right.remove("company", copy)
    if edited:
        site.edit(LEFT, left, phone=None)
    await site.rest()
    assert [link.made_by for link in site.links() if link.ids == Both(left, copy)] == ["created right"]
    assert effective(site, "create") == 1
    assert site.fields(LEFT, left).get("phone") == (None if edited else "1")
    assert [(hold.cause, hold.key.id) for hold in site.holds()] == ([("deleted", left)] if edited else [])
    assert site.fields(LEFT, left).get("active") is (None if edited else False)


async def test_a_copy_that_was_listed_and_has_lost_its_marker_is_not_made_again() -> None:
    site = site_with("marker")
    left, copy = await listed_in_doubt(site)
    site.edit(RIGHT, copy, ref=None, mail="other@x.example")
    site.connectors.right.unlisted.add(copy)
    await site.rest()
    assert [link.made_by for link in site.links() if link.ids == Both(left, copy)] == ["created right"]
    assert effective(site, "create") == 1
    assert site.fields(LEFT, left)["mail"] == "other@x.example"


async def test_an_id_is_not_burned_while_the_system_shows_nothing_of_what_it_holds() -> None:
    site = site_with("chosen id")
    await site.linked_company()
    left = site.put(LEFT, name="Bea", mail="b@x.example")
    site.connectors.right.next("create", unanswered())
    site.connectors.right.next("read", *[raising(Gone("there is no such company"))] * 2)
    await site.run()
    await site.run(later_ms=10_000)
    assert (len(site.intents()), site.holds()) == (1, [])
    await site.rest()
    link = next(link for link in site.links() if link.ids.left == left)
    assert link.made_by == "created right"


async def test_to_create_it_under_a_burned_id_all_the_same_is_tried_once() -> None:
    site = site_with("chosen id", match=())
    left = site.put(LEFT, name="Ann")
    site.systems.right.put("company", {"title": "Old"}, f"l-{left}")
    site.systems.right.remove("company", f"l-{left}")
    await site.run()
    [hold] = site.holds()
    site.forget_requests()
    await site.release(hold, "create")
    await site.run()
    assert len(site.sent("create")) == 1
    assert ([hold.cause for hold in site.holds()], site.intents(), site.todo()) == (["doubt"], [], [])


async def test_an_update_waits_for_the_reading_made_just_before_it() -> None:
    """Without a conditional write, an edit between the listing and the write is seen by a read before it."""
    site = site_with("nothing", policy="hold")
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.connectors.left.next("read", after(lambda: None))
    site.connectors.right.next("read", after(lambda: site.edit(RIGHT, right, phone="3")))
    await site.run()
    assert site.fields(RIGHT, right)["phone"] == "3"
    assert [h.cause for h in site.holds()] == ["conflict"]
