"""A plan is what the run then does, said before it, with no request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instep.core.model import Both
from instep.core.standing import giving
from instep.core.state import Key
from instep.runner.planning import Tally

from .site import LEFT, PARENT, RIGHT, STRICT, Site, lost, pair, with_persons


async def busy_site() -> Site:
    """Creates on both sides, a match with a difference, edits of linked records, a conflict, a delete."""
    site = Site(pair(on_delete="retire", policy="hold"))
    for n in range(4):
        site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example", phone="1")
    await site.run()
    links = site.links()
    site.forget_requests()
    site.edit(LEFT, links[0].ids.left, phone="2", city="Oslo")
    site.edit(RIGHT, links[1].ids.right, title="Bea")
    site.edit(LEFT, links[2].ids.left, phone="8")
    site.edit(RIGHT, links[2].ids.right, phone="9")
    site.systems.left.remove("company", links[3].ids.left)
    site.put(LEFT, name="New left", mail="nl@x.example")
    site.put(RIGHT, title="New right", mail="nr@x.example")
    site.put(LEFT, name="Alike", mail="alike@x.example", phone="5")
    site.put(RIGHT, title="Alike", mail="ALIKE@x.example", town="Bonn")
    return site


async def test_a_run_does_what_the_plan_says_and_nothing_else() -> None:
    site = await busy_site()
    await site.run(act=False)
    requests = sum(c.requests for c in site.connectors)
    plan = site.plan()
    assert sum(c.requests for c in site.connectors) == requests
    assert site.written(LEFT) == site.written(RIGHT) == []
    planned = [f for action in plan for f in action.fingerprints]
    assert len(planned) == len(set(planned))
    report = await site.run(approved=frozenset(planned))
    assert report.skipped.total() == 0
    assert report.written == len(planned)
    tally = Tally()
    for action in plan:
        tally.add(action.verdict)
    done = {(operation, side): count for (_, operation, side), count in report.writes.items()}
    assert done == dict(tally.writes)
    assert [h.cause for h in site.holds()] == list(tally.holds.elements()) == ["conflict"]


async def test_a_plan_is_the_same_each_time_it_is_asked_for() -> None:
    site = await busy_site()
    await site.run(act=False)
    assert site.plan() == site.plan()


async def test_a_plan_shows_what_follows_from_a_match() -> None:
    site = Site()
    left = site.put(LEFT, name="Alike", mail="alike@x.example", phone="5")
    right = site.put(RIGHT, title="Alike", mail="ALIKE@x.example", town="Bonn")
    await site.run(act=False)
    action = site.plan()[0]
    assert (action.ids, action.verdict.link, action.verdict.how) == (
        Both(left, right),
        Both(left, right),
        "match mail",
    )
    assert {(w.side, tuple(w.payload)) for w in action.verdict.writes} == {
        (RIGHT, ("phone",)),
        (LEFT, ("city",)),
    }


async def test_a_matched_pair_is_counted_once() -> None:
    site = Site()
    site.put(LEFT, name="Alike", mail="alike@x.example", phone="5")
    site.put(RIGHT, title="Alike", mail="alike@x.example")
    report = await site.run(act=False)
    assert report.tallies["company"].links == 1
    assert sorted(report.tallies["company"].writes.items()) == [(("update", RIGHT), 1)]


async def test_a_plan_foresees_references_to_what_the_run_is_going_to_make() -> None:
    site = Site(pair(), pair("person", PARENT, after=("company",)))
    acme = site.put(LEFT, "company", name="Acme")
    site.put(LEFT, "person", name="Ann", parent=acme)
    await site.run(act=False)
    [action] = site.plan("person")
    [write] = action.verdict.writes
    assert acme in str(write.payload["parent"])
    approved = frozenset(f for name in ("company", "person") for a in site.plan(name) for f in a.fingerprints)
    report = await site.run(approved=approved)
    assert (report.written, report.skipped.total()) == (2, 0)
    [right] = site.systems.right.ids("person")
    assert site.fields(RIGHT, right, "person")["parent"] is not None


async def test_a_plan_counts_on_no_reference_to_what_will_be_held() -> None:
    site = Site(pair(), pair("person", PARENT, after=("company",)))
    acme = site.put(LEFT, "company", name="Acme", mail="a@x.example")
    for title in ("One", "Other"):
        site.put(RIGHT, "company", title=title, mail="a@x.example")
    site.put(LEFT, "person", name="Ann", parent=acme)
    await site.run(act=False)
    [action] = site.plan("person")
    assert [dict(write.payload) for write in action.verdict.writes] == [{"title": "Ann"}]
    report = await site.run(approved=frozenset(action.fingerprints))
    assert (report.written, report.skipped.total()) == (1, 0)
    assert [hold.cause for hold in site.holds() if hold.key.pair == "person"] == ["reference"]


@pytest.mark.parametrize("how", ["choice", "edit"])
async def test_a_plan_shows_what_its_own_links_set_free(how: str) -> None:
    site = with_persons(required=True)
    acme = site.put(LEFT, "company", name="Acme", mail="a@x.example")
    [other, _] = [site.put(RIGHT, "company", title=title, mail="a@x.example") for title in ("One", "Other")]
    site.put(LEFT, "person", name="Ann", mail="ann@x.example", parent=acme)
    await site.run()
    if how == "choice":
        [hold] = [hold for hold in site.holds() if hold.key == Key("company", LEFT, acme)]
        await site.release(hold, "link", other)
    else:
        site.edit(LEFT, acme, mail="acme@x.example")
    await site.run(act=False)
    planned = [f for name in ("company", "person") for action in site.plan(name) for f in action.fingerprints]
    report = await site.run(approved=frozenset(planned))
    assert (report.written, report.skipped.total()) == (len(planned), 0)
    [person] = site.systems.right.ids("person")
    assert site.fields(RIGHT, person, "person")["parent"] is not None
    site.forget_requests()
    await site.rest()
    assert site.sent("create", "update") == [], "nothing was left for a later run"


async def test_two_that_refer_to_each_other_wait_for_nobody_in_a_plan() -> None:
    site = Site(pair("company", PARENT))
    one = site.put(LEFT, "company", name="One")
    other = site.put(LEFT, "company", name="Other", parent=one)
    site.edit(LEFT, one, parent=other)
    await site.run(act=False)
    assert [write.operation for action in site.plan() for write in action.verdict.writes] == [
        "create",
        "create",
    ]


async def test_a_long_row_of_records_that_refer_to_each_other_is_planned() -> None:
    site = Site(pair("company", PARENT))
    parent = None
    for number in range(400):
        parent = site.put(LEFT, "company", name=f"N{number}", parent=parent)
    await site.run(act=False)
    assert len([write for action in site.plan() for write in action.verdict.writes]) == 400


async def test_a_write_in_doubt_and_an_unread_record_are_named_as_such() -> None:
    site = Site()
    site.put(LEFT, name="Ann")
    site.connectors.right.next("create", lost())
    await site.run()
    [action] = site.plan()
    assert "in doubt" in action.verdict.note
    hinted = Site()
    hinted.connectors.left.hints = True
    hinted.put(LEFT, name="Ann")
    await hinted.run(act=False)
    [action] = hinted.plan()
    assert "read first" in action.verdict.note
    assert action.fingerprints == ()


async def test_a_plan_does_not_call_agreed_what_has_to_be_read_first() -> None:
    unordered = replace(STRICT, versions="none")
    site = Site(abilities=Both(unordered, unordered))
    _, right = await site.linked_company()
    await site.run()
    site.edit(RIGHT, right, phone="2")
    await site.run(act=False)
    [action] = site.plan()
    assert "read first" in action.verdict.note
    report = await site.run()
    assert report.written == 1


async def test_a_plan_shows_that_a_given_value_is_written_to_both_sides() -> None:
    site = Site(pair(policy="hold"))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    await site.run()
    [hold] = site.holds()
    [prop] = [p for p in site.dataflow.pairs[0].properties if p.name == "phone"]
    both = Both(site.sighting(LEFT, left), site.sighting(RIGHT, right))
    given = giving(prop, LEFT, ("9",), both)  # type: ignore[arg-type]
    assert given is not None
    await site.release(hold, "value", given.to_json())
    [action] = site.plan()
    assert [(w.side, w.payload) for w in action.verdict.writes] == [
        (LEFT, {"phone": "9"}),
        (RIGHT, {"phone": "9"}),
    ]
    report = await site.run(approved=frozenset(action.fingerprints))
    assert (report.written, report.skipped.total()) == (2, 0)
    assert (site.fields(LEFT, left)["phone"], site.fields(RIGHT, right)["phone"]) == ("9", "9")


@pytest.mark.parametrize("alive", [True, False])
async def test_a_plan_shows_what_follows_from_parting_two_records(alive: bool) -> None:
    site = Site(pair(policy="hold"))
    site.put(RIGHT, title="Other", mail="o@x.example")
    left, right = await site.linked_company()
    if alive:
        site.edit(LEFT, left, phone="")
        site.edit(RIGHT, right, phone="3")
    else:
        site.systems.right.remove("company", right)
    await site.run()
    [hold] = site.holds()
    await site.release(replace(hold, property=""), "unlink")
    await site.run(act=False)
    parting, *then = site.plan()
    assert parting.verdict.unlink
    [action] = [action for action in then if action.verdict.writes]
    assert action.verdict.link == (Both(left, right) if alive else None)
    report = await site.run(approved=frozenset(action.fingerprints))
    assert (report.written, report.skipped.total()) == (len(action.fingerprints), 0)
    assert [write.operation for write in action.verdict.writes] == ["update" if alive else "create"]


@pytest.mark.parametrize("count", [1, 250])
async def test_a_plan_has_every_marked_record_once_and_in_order(count: int) -> None:
    site = Site()
    ids = [site.put(LEFT, name=f"N{n}", mail=f"{n}@x.example") for n in range(count)]
    await site.run(act=False)
    assert [action.key for action in site.plan()] == [Key("company", LEFT, id) for id in ids]
    assert all(action.ids.right == "" for action in site.plan())


async def test_nothing_to_do_is_an_empty_plan() -> None:
    assert Site().plan() == []
