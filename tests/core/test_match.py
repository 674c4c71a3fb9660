"""First contact: an unlinked record is recognised, matched, made, or asked about; never made in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instep.core.dataflow import MatchKey
from instep.core.match import Contact, Evidence, Other, decide_new, match_values, sources_digest
from instep.core.model import Both, Field
from instep.core.payload import create_payload
from instep.core.state import Hold, Key, Release
from instep.core.transformations.contract import Linked, Unlinked
from instep.core.values import Json
from instep.core.verdict import Scene, Verdict

from .scenes import LEFT, RIGHT, Links, entity, prop, release, scene, sighting

KEY = Key("contact", LEFT, "l1")
MAIL, NAME = prop("mail", "text(anycase)"), prop("name", "text(trim)")
PLAIN = scene(NAME, MAIL, match=(MatchKey(("mail",)),))
ANN: dict[str, Json] = {"name": "Ann", "mail": "ann@x.example"}


def contact(*evidence: Evidence, **more: Any) -> Contact:
    about: dict[str, Any] = {"claimed": None, "complete": True, "age_ms": 60_000, "settle_ms": 0, **more}
    return Contact(evidence=evidence, **about)


def found(*others: Other, name: str = "mail", twins: tuple[str, ...] = ()) -> Evidence:
    return Evidence(name, twins, others)


def decided(
    where: Scene = PLAIN,
    known: Contact | None = None,
    fields: dict[str, Json] | None = None,
    holds: tuple[Hold, ...] = (),
    releases: tuple[Release, ...] = (),
) -> Verdict:
    seen = sighting(LEFT, "l1", ANN if fields is None else fields)
    return decide_new(where, KEY, seen, known or contact(), holds, releases)


def only_hold(verdict: Verdict) -> Hold:
    assert verdict.writes == ()
    assert verdict.link is None
    [hold] = verdict.holds
    assert hold.property == ""
    return hold


# --- Recognised or matched


def test_a_record_that_says_whose_copy_it_is_is_linked_by_that() -> None:
    verdict = decided(known=contact(found(Other("r5"), Other("r6")), claimed=Other("r9")))
    assert (verdict.link, verdict.how) == (Both("l1", "r9"), "identity")


def test_a_copy_of_a_record_that_has_another_partner_is_a_duplicate() -> None:
    hold = only_hold(decided(known=contact(claimed=Other("r9", "l4"))))
    assert hold.cause == "duplicate"
    assert "l4" in hold.why


def test_a_copy_whose_original_is_not_there_is_not_copied_but_by_a_persons_choice() -> None:
    hold = only_hold(decided(known=contact(original="r9")))
    assert (hold.cause, "copy of r9" in hold.what) == ("duplicate", True)
    matched = decided(known=contact(found(Other("r5")), original="r9"))
    assert matched.link == Both("l1", "r5"), "a partner that it matches will do"
    chosen = Release(KEY, "", "create", hold.digest)
    assert [
        write.operation for write in decided(known=contact(original="r9"), releases=(chosen,)).writes
    ] == ["create"]


def test_a_unique_partner_is_linked() -> None:
    verdict = decided(known=contact(found(Other("r5"))))
    assert (verdict.link, verdict.how, verdict.writes) == (Both("l1", "r5"), "match mail", ())


def test_the_ids_of_a_link_are_left_and_right_from_either_side() -> None:
    key = Key("contact", RIGHT, "r1")
    verdict = decide_new(PLAIN, key, sighting(RIGHT, "r1", ANN), contact(found(Other("l5"))), (), ())
    assert verdict.link == Both("l5", "r1")


@pytest.mark.parametrize(
    "evidence",
    [
        found(Other("r5"), Other("r6")),
        found(Other("r5"), twins=("l2",)),
        found(Other("r5", "l9"), Other("r6")),
    ],
)
def test_a_partner_that_is_not_unique_on_both_sides_is_a_persons_to_choose(evidence: Evidence) -> None:
    hold = only_hold(decided(known=contact(evidence)))
    assert hold.cause == "ambiguous"
    assert hold.values == {"candidates": [o.id for o in evidence.others], "twins": list(evidence.twins)}


def test_a_record_like_a_linked_one_is_a_duplicate_and_not_created() -> None:
    hold = only_hold(decided(known=contact(found(Other("r5", "l9")))))
    assert hold.cause == "duplicate"
    assert "l9" in hold.what


def test_twins_without_a_partner_are_not_created() -> None:
    hold = only_hold(decided(known=contact(found(twins=("l2", "l3", "l4", "l5")))))
    assert hold.cause == "duplicate"
    assert "and 1 more" in hold.what


def test_keys_are_tried_in_order_until_one_finds_somebody() -> None:
    verdict = decided(known=contact(found(name="vat"), found(Other("r5"), name="mail")))
    assert (verdict.link, verdict.how) == (Both("l1", "r5"), "match mail")
    verdict = decided(
        known=contact(found(Other("r4"), name="vat"), found(Other("r5"), Other("r6"), name="mail"))
    )
    assert verdict.link == Both("l1", "r4")


def test_twins_by_one_key_do_not_hide_the_partner_that_the_next_finds() -> None:
    verdict = decided(known=contact(found(name="vat", twins=("l2",)), found(Other("r5"), name="mail")))
    assert verdict.link == Both("l1", "r5")


# --- A person's choices

AMBIGUOUS = contact(found(Other("r5"), Other("r6")))


def test_a_person_names_the_partner() -> None:
    hold = only_hold(decided(known=AMBIGUOUS))
    verdict = decided(known=AMBIGUOUS, holds=(hold,), releases=(release("link", hold, "r6"),))
    assert (verdict.link, verdict.how, verdict.used) == (Both("l1", "r6"), "by hand", ("",))


def test_a_person_has_it_created_though_others_look_alike() -> None:
    hold = only_hold(decided(known=AMBIGUOUS))
    verdict = decided(known=AMBIGUOUS, holds=(hold,), releases=(release("create", hold),))
    assert [write.operation for write in verdict.writes] == ["create"]
    assert verdict.used == ("",)
    twins = contact(found(twins=("l2",)))
    hold = only_hold(decided(known=twins))
    assert decided(known=twins, releases=(release("create", hold),)).writes


@pytest.mark.parametrize("choice", ["create", "link", "recreate"])
def test_a_choice_is_not_for_a_question_that_came_after_it(choice: str) -> None:
    hold = only_hold(decided(known=AMBIGUOUS))
    known = contact(found(Other("r5"), Other("r6"), Other("r7")))
    later = only_hold(decided(known=known, holds=(hold,), releases=(release(choice, hold, "r6"),)))
    assert later.digest != hold.digest
    changed = decided(known=AMBIGUOUS, fields={**ANN, "name": "Bea"}, releases=(release(choice, hold, "r6"),))
    assert only_hold(changed).cause == "ambiguous"


def test_a_person_leaves_a_record_alone_for_good() -> None:
    hold = only_hold(decided(known=AMBIGUOUS))
    for fields in (ANN, {**ANN, "name": "Bea"}):
        verdict = decided(known=AMBIGUOUS, fields=fields, releases=(release("apart", hold),))
        assert (verdict.writes, verdict.holds, verdict.link) == ((), (), None)
        assert verdict.note


@pytest.mark.parametrize("how", ["match", "identity"])
def test_nothing_is_linked_to_a_record_that_is_kept_apart(how: str) -> None:
    other = Other("r5", apart=True)
    known = contact(found(other)) if how == "match" else contact(claimed=other)
    hold = only_hold(decided(known=known))
    assert hold.cause == "duplicate"
    assert "r5 is kept apart" in hold.why
    assert decided(known=known, releases=(release("link", hold, "r5"),)).link == Both("l1", "r5")
    assert decided(known=known, releases=(release("create", hold),)).writes


DOUBT = Hold(KEY, "", "doubt", "it is not known whether l1 was created", digest="d")


def test_a_create_in_doubt_is_not_repeated_until_a_person_has_looked() -> None:
    assert only_hold(decided(holds=(DOUBT,))) == DOUBT
    assert decided(holds=(DOUBT,), releases=(release("create", DOUBT),)).writes[0].generation == 0
    assert decided(holds=(DOUBT,), releases=(release("recreate", DOUBT),)).writes[0].generation == 1
    assert decided(holds=(DOUBT,), releases=(release("link", DOUBT, "r3"),)).link == Both("l1", "r3")


def test_a_doubt_is_not_lifted_by_a_choice_for_another_question() -> None:
    assert only_hold(decided(holds=(DOUBT,), releases=(Release(KEY, "", "create", "another"),))) == DOUBT


# --- Created


def test_a_record_without_a_partner_is_created() -> None:
    verdict = decided()
    [write] = verdict.writes
    assert (write.side, write.operation, write.record_id) == (RIGHT, "create", "")
    assert write.payload == ANN
    assert {c.property: (c.old, c.new, c.source) for c in write.changes} == {
        "name": (None, ("Ann",), ("Ann",)),
        "mail": (None, ("ann@x.example",), ("ann@x.example",)),
    }


def test_a_record_that_is_gone_is_not_created() -> None:
    seen = replace(sighting(LEFT, "l1", ANN), deleted=True)
    verdict = decide_new(PLAIN, KEY, seen, contact(), (), ())
    assert (verdict.writes, verdict.holds) == ((), ())
    assert verdict.note


def test_nothing_is_created_before_both_sides_were_listed() -> None:
    verdict = decided(known=contact(complete=False))
    assert (verdict.writes, verdict.holds) == ((), ())
    assert verdict.wait_ms > 0


def test_a_record_is_created_once_its_partner_would_have_been_listed() -> None:
    young = decided(known=contact(age_ms=1_000, settle_ms=5_000))
    assert (young.writes, young.wait_ms) == ((), 4_000)
    assert decided(known=contact(age_ms=5_000, settle_ms=5_000)).writes


def test_nothing_is_created_where_the_dataflow_says_so() -> None:
    verdict = decided(scene(NAME, create=Both(True, False)))
    assert (verdict.writes, verdict.holds) == ((), ())
    assert "Custom ERP" in verdict.note


def test_what_an_api_cannot_create_is_a_persons_to_create_with_the_reason() -> None:
    right = entity("contact", create=False, reasons={"create": "only support can create them"})
    hold = only_hold(decided(scene(NAME, right=right)))
    assert (hold.cause, hold.why) == ("person", "only support can create them")
    assert "can't create" in only_hold(decided(scene(NAME, right=entity("contact", create=False)))).why


def test_a_refused_create_is_tried_again_for_corrected_values_or_by_a_person() -> None:
    [write] = decided().writes
    about = sources_digest({change.property: change.source for change in write.changes})
    refused = Hold(KEY, "", "refused", "no", digest=about)
    assert only_hold(decided(holds=(refused,))) == refused
    assert decided(fields={**ANN, "name": "Bea"}, holds=(refused,)).writes
    again = decided(holds=(refused,), releases=(release("retry", refused),))
    assert (len(again.writes), again.used) == (1, ("",))


# --- What a new record holds


def payload(where: Scene, fields: dict[str, Json]) -> dict[str, Json]:
    return create_payload(where, RIGHT, sighting(LEFT, "l1", fields))[0]


def test_a_new_record_has_nested_fields_constants_and_defaults() -> None:
    where = scene(
        prop("city", right=("address.city",)),
        prop("zip", right=("address.zip",), default=Both(None, "0000")),
        constants=Both({}, {"kind": "person", "address.country": "IT"}),
    )
    assert payload(where, {"city": "Rome", "zip": None}) == {
        "kind": "person",
        "address": {"country": "IT", "city": "Rome", "zip": "0000"},
    }


def test_a_value_is_created_in_the_currency_that_the_record_is_created_with() -> None:
    price = prop("price", "money(minor=left)", left_context=("currency",), right_context=("currency",))
    made = payload(scene(price, prop("currency")), {"price": 500, "currency": "JPY"})
    assert (str(made["price"]), made["currency"]) == ("500", "JPY")
    constant = scene(price, constants=Both({}, {"currency": "EUR"}))
    assert str(payload(constant, {"price": 500, "currency": "EUR"})["price"]) == "5.00"


def test_what_may_not_flow_there_or_cannot_be_set_there_is_left_out() -> None:
    right = entity("contact", [Field("total", create=False), Field("name")])
    where = scene(NAME, prop("total"), prop("back", flow="to-left"), right=right)
    assert payload(where, {"name": "Ann", "total": 5, "back": "x", "other": 1}) == {"name": "Ann"}


def test_fields_that_a_reading_did_not_offer_or_that_are_empty_are_not_sent() -> None:
    assert payload(PLAIN, {"name": "Ann"}) == {"name": "Ann"}
    assert payload(PLAIN, {"name": "Ann", "mail": ""}) == {"name": "Ann"}


@pytest.mark.parametrize(
    "where",
    [
        scene(NAME, prop("vat", required=True)),
        scene(NAME, prop("vat"), right=entity("contact", [Field("vat", required=True)])),
    ],
)
def test_a_record_that_lacks_what_a_new_one_needs_is_held(where: Scene) -> None:
    hold = only_hold(decided(where, fields={"name": "Ann", "vat": None}))
    assert hold.cause == "required"
    assert "vat" in hold.what
    assert decided(where, fields={"name": "Ann", "vat": "1"}).writes


def test_junk_where_a_new_record_needs_a_value_is_held_and_elsewhere_left_out() -> None:
    where = scene(NAME, prop("mail", "email", required=True))
    hold = only_hold(decided(where, fields={"name": "Ann", "mail": "junk"}))
    assert (hold.cause, "mail" in hold.what) == ("unfit", True)
    [write] = decided(scene(NAME, prop("mail", "email")), fields={"name": "Ann", "mail": "junk"}).writes
    assert write.payload == {"name": "Ann"}


COMPANY = prop("company", "reference(customer, contact)")


def test_a_create_waits_for_a_record_that_it_must_refer_to() -> None:
    right = entity("contact", [Field("company", required=True)])
    hold = only_hold(decided(scene(NAME, COMPANY, right=right), fields={"name": "Ann", "company": "l7"}))
    assert (hold.cause, hold.waits_for) == ("reference", (LEFT, "customer", "l7"))


def test_a_reference_that_may_follow_does_not_delay_the_create() -> None:
    [write] = decided(scene(NAME, COMPANY), fields={"name": "Ann", "company": "l7"}).writes
    assert write.payload == {"name": "Ann"}


def test_a_reference_to_a_linked_record_is_created_as_its_partners_id() -> None:
    links = Links({(LEFT, "customer", "l7"): 7, (RIGHT, "contact", "r7"): 7})
    [write] = decided(scene(COMPANY, links=links), fields={"company": "l7"}).writes
    assert write.payload == {"company": "r7"}


class Planned(Links):
    """A lookup of a plan, in which every record is going to be linked in the same run."""

    def link_of(self, side: Any, entity: str, id: str, _: str) -> Linked | Unlinked:
        return Unlinked(side, entity, id, planned=True)


def test_a_plan_foresees_references_that_the_run_is_going_to_link() -> None:
    right = entity("contact", [Field("company", required=True)])
    where = scene(NAME, COMPANY, right=right, links=Planned(), planning=True)
    [write] = decided(where, fields={"name": "Ann", "company": "l7"}).writes
    assert "l7" in str(write.payload["company"])


# --- Match values


def test_a_key_has_a_value_only_if_all_its_properties_have() -> None:
    pair = scene(NAME, MAIL, prop("zip"), match=(MatchKey(("mail",)), MatchKey(("name", "zip")))).pair
    assert set(match_values(pair, LEFT, {**ANN, "zip": "1"}, Links())) == {0, 1}
    assert set(match_values(pair, LEFT, {**ANN, "zip": None}, Links())) == {0}
    assert set(match_values(pair, LEFT, {"mail": "", "name": "Ann", "zip": "1"}, Links())) == {1}
    assert match_values(pair, LEFT, {}, Links()) == {}


def test_junk_and_unlinked_references_match_nobody() -> None:
    pair = scene(prop("mail", "email"), COMPANY, match=(MatchKey(("mail",)), MatchKey(("company",)))).pair
    assert match_values(pair, LEFT, {"mail": "junk", "company": "l7"}, Links()) == {}


def test_a_key_of_an_unknown_property_matches_nobody() -> None:
    assert match_values(scene(NAME, match=(MatchKey(("vat",)),)).pair, LEFT, ANN, Links()) == {}


@given(st.text("aAbB ", max_size=4), st.text("aAbB ", max_size=4))
def test_two_records_have_the_same_match_value_exactly_when_they_mean_the_same(one: str, other: str) -> None:
    pair = scene(prop("mail", "text(trim, anycase)"), match=(MatchKey(("mail",)),)).pair
    left = match_values(pair, LEFT, {"mail": one}, Links())
    right = match_values(pair, RIGHT, {"mail": other}, Links())
    same = one.strip().casefold() == other.strip().casefold() != ""
    assert (bool(left) and left == right) is same
