"""A pair for a part of an entity, several pairs on one entity, and records that are made only when referred to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instep.core.conditions import parse_condition
from instep.core.dataflow import Dataflow, MatchKey, Pair
from instep.core.model import Both, Entity, Field, Side
from instep.core.state import Key
from instep.core.values import Json
from instep.runner.planning import Action

from .site import LEFT, MAIL, NAME, NO_BRAKES, PHONE, RIGHT, STRICT, Site, company, pair, person, prop

FIRMS = Both((parse_condition("firm"),), ())


def entities() -> Both[list[Entity]]:
    """One kind of customer on the left, firms and people, and one kind of record for each on the right."""

    def made(side: Side) -> list[Entity]:
        firm = company(side)
        extra = Field("firm", "text")
        kinds = [Entity("company", (*firm.fields, extra), STRICT, retired=firm.retired), person(side)]
        return [
            *kinds,
            Entity("order", (Field("title", "text"), Field("of", "text", reference="company")), STRICT),
        ]

    return Both.of(made)


def customers(**more: Any) -> Pair:
    return pair(where=FIRMS, **more)


def people() -> Pair:
    """The left company as a right person, who belongs to the right company that it is as well."""
    belongs = replace(prop("id", "parent", "reference(company)"), flow="to-right")
    return Pair(
        "person",
        Both("company", "person"),
        (NAME, PHONE, MAIL, belongs),
        match=(MatchKey(("mail",)),),
        brakes=NO_BRAKES,
        id_template=Both("r-{id}", "p-{id}"),
        after=("company",),
    )


ORDERS = Pair(
    "order",
    Both("order", "order"),
    (prop("title", "title"), prop("of", "of", "reference(company)")),
    brakes=NO_BRAKES,
    id_template=Both("r-{id}", "l-{id}"),
    after=("company",),
)
REFERRED = {"referred": Both(False, True)}


async def test_a_pair_takes_up_only_the_records_it_is_for() -> None:
    site = Site(customers(), entities=entities())
    site.put(LEFT, name="Acme", firm="Acme AS", mail="a@x.example")
    site.put(LEFT, name="Ann", mail="b@x.example")
    await site.run()
    assert site.titles(RIGHT) == ["Acme"]
    assert site.holds() == []


async def test_a_record_that_the_pair_is_not_for_is_nobodys_partner() -> None:
    site = Site(customers(), entities=entities())
    site.put(LEFT, name="Ann", mail="a@x.example")
    firm = site.put(LEFT, name="Acme", firm="Acme AS", mail="a@x.example")
    partner = site.put(RIGHT, title="Acme", mail="a@x.example")
    await site.run()
    [link] = site.links()
    assert link.ids == Both(firm, partner)


async def test_a_record_that_comes_to_meet_the_condition_is_taken_up_and_then_stays() -> None:
    site = Site(customers(), entities=entities())
    ann = site.put(LEFT, name="Ann", mail="a@x.example")
    await site.run()
    assert site.titles(RIGHT) == []
    site.edit(LEFT, ann, firm="Ann AS")
    await site.run()
    assert site.titles(RIGHT) == ["Ann"]
    site.edit(LEFT, ann, firm=None, phone="7")
    await site.rest()
    [copy] = [site.fields(RIGHT, link.ids.right) for link in site.links()]
    assert copy["phone"] == "7"


async def test_explaining_says_why_a_record_is_not_for_the_pair() -> None:
    site = Site(customers(), entities=entities())
    ann = site.put(LEFT, name="Ann")
    await site.run()
    await site.mark(Key("company", LEFT, ann))
    [action] = site.plan()
    assert action.verdict.note == "company is not for it: firm is empty"


async def test_one_record_is_kept_in_step_with_two() -> None:
    site = Site(customers(), people(), entities=entities())
    ann = site.put(LEFT, name="Ann", firm="Acme", mail="a@x.example", phone="1")
    await site.rest()
    [firm], [human] = site.links(), site.links("person")
    assert firm.ids.left == human.ids.left == ann
    assert site.fields(RIGHT, human.ids.right, "person")["parent"] == firm.ids.right
    site.edit(RIGHT, human.ids.right, "person", phone="2")
    await site.rest()
    assert site.fields(LEFT, ann)["phone"] == site.fields(RIGHT, firm.ids.right)["phone"] == "2"
    site.edit(RIGHT, firm.ids.right, title="Acme AS")
    await site.rest()
    assert site.fields(RIGHT, human.ids.right, "person")["title"] == "Acme AS"
    site.forget_requests()
    await site.run(full=True)
    assert site.sent("create", "update", "retire") == []


async def test_a_record_of_one_pair_alone_waits_for_nobody() -> None:
    """The person of a customer who is no firm has no company to belong to."""
    optional = replace(people(), properties=(NAME, PHONE, MAIL))
    site = Site(customers(), optional, entities=entities())
    site.put(LEFT, name="Ann", mail="a@x.example")
    await site.rest()
    assert (site.titles(RIGHT), site.titles(RIGHT, "person")) == ([], ["Ann"])


async def test_a_record_is_made_as_soon_as_another_refers_to_it() -> None:
    site = Site(pair(**REFERRED), ORDERS, entities=entities())
    ann, _ = site.put(LEFT, name="Ann"), site.put(LEFT, name="Bob")
    await site.run()
    assert site.titles(RIGHT) == []
    site.put(LEFT, "order", title="o", of=ann)
    await site.rest()
    assert site.titles(RIGHT) == ["Ann"]
    [link] = site.links("order")
    assert site.fields(RIGHT, link.ids.right, "order")["of"] == site.links()[0].ids.right
    assert site.holds() == []


async def test_a_record_without_a_need_is_still_matched() -> None:
    site = Site(pair(**REFERRED), ORDERS, entities=entities())
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.run()
    assert len(site.links()) == 1


def creates(actions: list[Action]) -> list[str]:
    return [a.key.id for a in actions for write in a.verdict.writes if write.operation == "create"]


async def test_a_plan_shows_what_is_made_since_it_is_referred_to() -> None:
    site = Site(pair(**REFERRED), ORDERS, entities=entities())
    ann, _ = site.put(LEFT, name="Ann"), site.put(LEFT, name="Bob")
    await site.run(act=False)
    assert creates(site.plan()) == []
    order = site.put(LEFT, "order", title="o", of=ann)
    await site.run(act=False)
    assert creates(site.plan()) == [ann]
    assert creates(site.plan("order")) == [order]
    report = await site.run()
    assert report.written == 2
    late = site.put(LEFT, "order", title="p", of=site.put(LEFT, name="Eve"))
    await site.run(act=False)
    assert len(creates(site.plan())) == 1
    assert creates(site.plan("order")) == [late]
    approved = frozenset(f for name in ("company", "order") for a in site.plan(name) for f in a.fingerprints)
    await site.run(approved=approved)
    assert sorted(site.titles(RIGHT), key=str) == ["Ann", "Eve"]


async def test_a_property_is_required_of_the_records_that_meet_a_condition() -> None:
    phone = replace(PHONE, required_when=Both((parse_condition("firm"),), ()))
    one = Pair(
        "company",
        Both("company", "company"),
        (NAME, phone, MAIL),
        brakes=NO_BRAKES,
        match=(MatchKey(("mail",)),),
    )
    site = Site(one, entities=entities())
    acme = site.put(LEFT, name="Acme", firm="Acme AS")
    site.put(LEFT, name="Ann")
    await site.run()
    assert site.titles(RIGHT) == ["Ann"]
    [hold] = site.holds()
    assert (hold.key.id, hold.cause) == (acme, "required")
    site.edit(LEFT, acme, phone="7")
    await site.rest()
    assert (site.titles(RIGHT), site.holds()) == (["Acme", "Ann"], [])


async def redefine(site: Site, *pairs: Pair) -> None:
    site.dataflow = Dataflow(pairs)
    site.new_runner()
    await site.rest()


async def test_a_pair_that_is_redefined_looks_again_at_what_was_left_alone() -> None:
    site = Site(customers(), entities=entities())
    site.put(LEFT, name="Ann", mail="a@x.example")
    site.put(LEFT, name="Acme", firm="Acme AS", mail="b@x.example")
    await site.rest()
    assert site.titles(RIGHT) == ["Acme"]
    await redefine(site, pair())
    assert site.titles(RIGHT) == ["Acme", "Ann"]


async def test_a_property_that_goes_another_way_now_is_looked_at_again() -> None:
    one_way = prop("phone", "phone", flow="to-right")
    site = Site(replace(pair(), properties=(NAME, one_way, MAIL)))
    site.put(RIGHT, title="Ann", phone="1", mail="a@x.example")
    await site.rest()
    [left] = site.systems.left.ids("company")
    assert site.fields(LEFT, left)["phone"] is None
    await redefine(site, replace(pair(), properties=(NAME, PHONE, MAIL)))
    assert site.fields(LEFT, left)["phone"] == "1"


async def test_a_conflict_is_decided_by_another_policy_as_soon_as_there_is_one() -> None:
    site = Site(pair(policy="hold"))
    left, right = await site.linked_company()
    site.edit(LEFT, left, phone="2")
    site.edit(RIGHT, right, phone="3")
    await site.run()
    assert [hold.cause for hold in site.holds()] == ["conflict"]
    await redefine(site, pair(policy="right"))
    assert (site.fields(LEFT, left)["phone"], site.holds()) == ("3", [])


async def test_a_record_that_a_pair_is_no_longer_for_is_no_longer_a_candidate() -> None:
    site = Site(pair(create=Both(False, False)), entities=entities())
    ann = site.put(LEFT, name="Ann", mail="a@x.example")
    await site.rest()
    await redefine(site, customers())
    site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.rest()
    assert ann not in [link.ids.left for link in site.links()]
    assert site.titles(LEFT) == ["Ann", "Ann"]


async def test_a_delete_of_a_record_in_two_pairs_is_told_in_both() -> None:
    site = Site(customers(on_delete="retire"), replace(people(), on_delete="retire"), entities=entities())
    ann = site.put(LEFT, name="Ann", firm="Acme", mail="a@x.example")
    site.put(LEFT, name="Bob", firm="Bob AS", mail="b@x.example")
    await site.rest()
    site.systems.left.remove("company", ann)
    await site.rest()
    retired: list[Json] = [
        site.fields(RIGHT, link.ids.right, name)["active"]
        for name in ("company", "person")
        for link in site.links(name)
        if link.ids.left == ann
    ]
    assert retired == [False, False]


async def test_a_property_with_a_condition_is_kept_in_step_where_it_is_met() -> None:
    phone = replace(PHONE, when=Both((parse_condition("firm"),), ()))
    one = Pair("company", Both("company", "company"), (NAME, phone, MAIL), brakes=NO_BRAKES)
    site = Site(one, entities=entities())
    ann = site.put(LEFT, name="Ann", phone="1")
    await site.rest()
    [link] = site.links()
    assert site.fields(RIGHT, link.ids.right)["phone"] is None
    site.edit(RIGHT, link.ids.right, phone="2")
    await site.rest()
    assert site.fields(LEFT, ann)["phone"] == "1"
    site.edit(LEFT, ann, firm="Ann AS", phone="2")
    await site.rest()
    site.edit(LEFT, ann, phone="3")
    await site.rest()
    assert site.fields(RIGHT, link.ids.right)["phone"] == "3"
    assert site.holds() == []


async def test_a_record_is_created_where_its_source_meets_a_condition() -> None:
    site = Site(pair(create_when=Both((), (parse_condition("firm"),))), entities=entities())
    ann = site.put(LEFT, name="Ann", mail="a@x.example")
    site.put(LEFT, name="Acme", firm="Acme AS")
    await site.rest()
    assert site.titles(RIGHT) == ["Acme"]
    site.put(RIGHT, title="Ann", mail="a@x.example")
    await site.rest()
    assert ann in [link.ids.left for link in site.links()]
