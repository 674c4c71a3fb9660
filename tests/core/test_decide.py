"""What becomes of a linked pair of records: writes, agreements, holds, values that lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instep.core.model import Both, Entity, Field, Side
from instep.core.payload import old_raw
from instep.core.policy import Clock
from instep.core.state import Hold, Release, Sighting
from instep.core.transformations.contract import Linked
from instep.core.values import Json, digest
from instep.core.verdict import Overruled, Verdict

from .scenes import (
    IDS,
    KEY,
    LEFT,
    RIGHT,
    Links,
    at,
    decided,
    entity,
    link,
    prop,
    release,
    scene,
    seen,
    sighting,
)

NAME, CITY = prop("name", "text(trim)"), prop("city", "text(trim)")
PLAIN = scene(NAME, CITY)
BASE = link({"name": ("Ann", "Ann"), "city": ("Rome", "Rome")})
SAME: dict[str, Json] = {"name": "Ann", "city": "Rome"}


def payloads(verdict: Verdict) -> list[tuple[Side, dict[str, Json]]]:
    return [(write.side, dict(write.payload)) for write in verdict.writes]


# --- Edits


def test_a_settled_pair_needs_nothing() -> None:
    assert decided(PLAIN, BASE, seen(SAME, SAME)) == Verdict(KEY)


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_lone_edit_is_written_to_the_other_side_and_nowhere_else(side: Side) -> None:
    readings = seen(SAME, SAME).replace(side, sighting(side, IDS[side], {**SAME, "name": "Bea"}))
    verdict = decided(PLAIN, BASE, readings)
    assert payloads(verdict) == [(side.other, {"name": "Bea"})]
    [write] = verdict.writes
    assert (write.operation, write.record_id) == ("update", IDS[side.other])
    [change] = write.changes
    assert (change.old, change.new, change.source) == (("Ann",), ("Bea",), ("Bea",))
    assert not verdict.agreed
    assert not verdict.overruled


def test_edits_of_different_properties_both_survive() -> None:
    verdict = decided(PLAIN, BASE, seen({**SAME, "name": "Bea"}, {**SAME, "city": "Oslo"}))
    assert sorted(payloads(verdict)) == [(LEFT, {"city": "Oslo"}), (RIGHT, {"name": "Bea"})]
    assert not verdict.holds


def test_equal_edits_agree_without_a_write() -> None:
    verdict = decided(PLAIN, BASE, seen({**SAME, "name": "Bea"}, {**SAME, "name": " Bea"}))
    assert verdict.writes == ()
    assert verdict.agreed == {"name": Both(("Bea",), (" Bea",))}


def test_a_change_within_the_class_moves_the_base_and_is_not_written() -> None:
    verdict = decided(PLAIN, BASE, seen({**SAME, "name": "Ann  "}, SAME))
    assert verdict.writes == ()
    assert verdict.agreed == {"name": Both(("Ann  ",), ("Ann",))}


def test_emptying_a_field_travels() -> None:
    verdict = decided(PLAIN, BASE, seen({**SAME, "city": None}, SAME))
    assert payloads(verdict) == [(RIGHT, {"city": None})]


def test_a_field_that_a_reading_did_not_offer_is_left_alone() -> None:
    assert decided(PLAIN, BASE, seen({"name": "Ann"}, SAME)) == Verdict(KEY)
    verdict = decided(PLAIN, BASE, seen({"city": "Oslo"}, {"name": "Bea"}))
    assert verdict == Verdict(KEY)


def test_nothing_is_decided_before_both_sides_were_seen() -> None:
    readings = seen(SAME, SAME)
    assert decided(PLAIN, BASE, readings.replace(LEFT, None)).note
    assert not decided(PLAIN, BASE, readings.replace(RIGHT, None)).writes


def test_first_contact_fills_what_is_empty_and_asks_about_what_differs() -> None:
    verdict = decided(PLAIN, link(), seen({"name": "Ann", "city": "Rome"}, {"name": "Bea", "city": None}))
    assert payloads(verdict) == [(RIGHT, {"city": "Rome"})]
    [hold] = verdict.holds
    assert (hold.cause, hold.property) == ("conflict", "name")
    assert "first contact" in hold.what
    assert hold.values == {"name": {"left": ["Ann"], "right": ["Bea"]}}


def test_a_one_way_property_overwrites_its_target_and_keeps_what_it_overwrote() -> None:
    where = scene(prop("name", flow="to-right"))
    verdict = decided(where, link({"name": ("Ann", "Ann")}), seen({"name": "Ann"}, {"name": "Bea"}))
    assert payloads(verdict) == [(RIGHT, {"name": "Ann"})]
    [lost] = verdict.overruled
    assert (lost.side, lost.raw) == (RIGHT, ("Bea",))


def test_a_value_that_would_be_written_as_it_is_there_already_agrees() -> None:
    """The reading side differs from its base within the class, and the writer keeps what means the same."""
    where = scene(prop("name", "text(max=3)", flow="to-right"))
    verdict = decided(where, link({"name": ("abc", "abc")}), seen({"name": "xyz"}, {"name": "xyzzy"}))
    assert verdict.writes == ()
    assert verdict.agreed == {"name": Both(("xyz",), ("xyzzy",))}


def test_a_detail_that_the_source_lost_is_kept_at_the_target() -> None:
    where = scene(prop("name", "text(trim, max=3)"))
    verdict = decided(where, link({"name": ("abc", "abcdef")}), seen({"name": "xyz"}, {"name": "abcdef"}))
    assert payloads(verdict) == [(RIGHT, {"name": "xyz"})]


# --- Groups of fields


def test_fields_of_different_groups_are_written_by_calls_of_their_own() -> None:
    right = entity("contact", [Field("name"), Field("city", group="address"), Field("zip", group="address")])
    where = scene(NAME, CITY, prop("zip"), right=right)
    changed: dict[str, Json] = {"name": "Bea", "city": "Oslo", "zip": "1"}
    base = link({"name": ("Ann", "Ann"), "city": ("Rome", "Rome"), "zip": ("0", "0")})
    verdict = decided(where, base, seen(changed, {**SAME, "zip": "0"}))
    assert payloads(verdict) == [(RIGHT, {"name": "Bea"}), (RIGHT, {"city": "Oslo", "zip": "1"})]


def test_a_value_that_reads_a_context_is_written_with_the_context_as_it_will_be() -> None:
    price = prop("price", "money(minor=left)", left_context=("currency",), right_context=("currency",))
    where = scene(price, prop("currency"))
    base = replace(
        link({"currency": ("EUR", "EUR")}),
        base={
            "price": Both((500, "EUR"), ("5.00", "EUR")),
            "currency": Both(("EUR",), ("EUR",)),
        },
    )
    verdict = decided(
        where, base, seen({"price": 500, "currency": "JPY"}, {"price": "5.00", "currency": "EUR"})
    )
    [(side, payload)] = payloads(verdict)
    assert side is RIGHT
    assert payload["currency"] == "JPY"
    assert str(payload["price"]) == "500"


def test_the_values_before_are_overlaid_with_the_context_that_is_about_to_be_written() -> None:
    price = prop("price", "money", left_context=("currency",), right_context=("currency",))
    assert old_raw(price, RIGHT, {"price": 5, "currency": "EUR"}, {"currency": "JPY"}) == (5, "JPY")
    assert old_raw(price, RIGHT, {"price": 5, "currency": "EUR"}, {}) == (5, "EUR")


# --- Conflicts

BOTH_EDITED = seen({**SAME, "name": "Bea"}, {**SAME, "name": "Cleo"})


def test_a_conflict_that_nothing_decides_is_held_and_touches_nothing() -> None:
    verdict = decided(scene(NAME, CITY, policy="hold"), BASE, BOTH_EDITED)
    assert (verdict.writes, verdict.agreed, verdict.overruled) == ((), {}, ())
    [hold] = verdict.holds
    assert (hold.cause, hold.property, hold.key) == ("conflict", "name", KEY)
    assert "edited on both sides" in hold.what
    assert hold.why
    assert hold.fix


@pytest.mark.parametrize(("policy", "winner", "value"), [("left", LEFT, "Bea"), ("right", RIGHT, "Cleo")])
def test_a_side_that_always_wins_is_written_over_and_the_loser_is_kept(
    policy: str, winner: Side, value: str
) -> None:
    verdict = decided(scene(NAME, CITY, policy=policy), BASE, BOTH_EDITED)
    assert payloads(verdict) == [(winner.other, {"name": value})]
    [lost] = verdict.overruled
    assert lost.side is winner.other
    assert lost.raw != (value,)
    assert not verdict.holds


def test_the_policy_of_a_property_goes_before_that_of_its_pair() -> None:
    where = scene(prop("name", "text(trim)", policy="right"), CITY, policy="left")
    assert payloads(decided(where, BASE, BOTH_EDITED)) == [(LEFT, {"name": "Cleo"})]


def test_the_provably_later_edit_wins() -> None:
    readings = Both(at(BOTH_EDITED.left, name=50_000), at(BOTH_EDITED.right, name=60_000))
    assert payloads(decided(scene(NAME, CITY), BASE, readings)) == [(LEFT, {"name": "Cleo"})]


def test_an_order_that_clock_errors_leave_open_is_held() -> None:
    readings = Both(at(BOTH_EDITED.left, name=50_000), at(BOTH_EDITED.right, name=60_000))
    where = scene(NAME, CITY, clocks=Both(Clock(error_ms=5_000), Clock(error_ms=5_000)))
    verdict = decided(where, BASE, readings)
    assert verdict.writes == ()
    assert "can't be proved" in verdict.holds[0].why


def test_when_other_fields_were_edited_does_not_count() -> None:
    edited = Both(
        at(BOTH_EDITED.left, name=50_000, city=90_000), at(BOTH_EDITED.right, name=60_000, city=10_000)
    )
    assert payloads(decided(scene(NAME, CITY), BASE, edited)) == [(LEFT, {"name": "Cleo"})]


def test_of_several_fields_only_those_that_moved_tell_the_time() -> None:
    street = prop("street", "join(', ')", left=("line1", "line2"), right=("street",))
    base = replace(link(), base={"street": Both(("A", "B"), ("A, B",))})
    readings = Both(
        at(sighting(LEFT, "l1", {"line1": "A", "line2": "C"}), line1=90_000, line2=50_000),
        at(sighting(RIGHT, "r1", {"street": "A, D"}), street=60_000),
    )
    assert payloads(decided(scene(street), base, readings)) == [(LEFT, {"line2": "D"})]


@pytest.mark.parametrize(("choice", "expected"), [("left", (RIGHT, "Bea")), ("right", (LEFT, "Cleo"))])
def test_a_person_decides_a_conflict_by_naming_a_side(choice: str, expected: tuple[Side, str]) -> None:
    where = scene(NAME, CITY, policy="hold")
    [hold] = decided(where, BASE, BOTH_EDITED).holds
    verdict = decided(where, BASE, BOTH_EDITED, [hold], [release(choice, hold)])
    assert payloads(verdict) == [(expected[0], {"name": expected[1]})]
    assert verdict.used == ("name",)
    assert verdict.overruled[0].why == "a person chose this side"


def test_a_choice_is_not_for_values_that_came_after_it() -> None:
    where = scene(NAME, CITY, policy="hold")
    [hold] = decided(where, BASE, BOTH_EDITED).holds
    later = seen({**SAME, "name": "Bea"}, {**SAME, "name": "Dora"})
    verdict = decided(where, BASE, later, [hold], [release("left", hold)])
    assert verdict.writes == ()
    assert verdict.used == ()
    assert verdict.holds[0].digest != hold.digest


def test_junk_does_not_win_a_conflict() -> None:
    verdict = decided(
        scene(NAME, CITY, policy="left"), BASE, seen({**SAME, "name": ["x"]}, {**SAME, "name": "C"})
    )
    assert verdict.writes == ()
    assert verdict.overruled == ()
    assert [hold.cause for hold in verdict.holds] == ["unfit"]


def test_an_empty_side_at_first_contact_loses_nothing() -> None:
    where = scene(prop("name", "text(trim)", group="g"), prop("city", "text(trim)", group="g"), policy="left")
    verdict = decided(where, link(), seen({"name": "Ann", "city": None}, {"name": "Bea", "city": None}))
    assert verdict.overruled == (Overruled("name", RIGHT, ("Bea",), "left wins"),)


# --- Properties that move together

GROUPED = (prop("name", "text(trim)", group="g"), prop("city", "text(trim)", group="g"))


def test_a_conflict_in_one_is_a_conflict_in_all_of_a_group() -> None:
    readings = seen({"name": "Bea", "city": "Oslo"}, {"name": "Cleo", "city": "Rome"})
    verdict = decided(scene(*GROUPED, policy="hold"), BASE, readings)
    assert verdict.writes == ()
    [hold] = verdict.holds
    assert hold.property == "g"
    assert isinstance(hold.values, dict)
    assert set(hold.values) == {"name", "city"}


def test_edits_of_a_group_on_opposite_sides_are_one_conflict() -> None:
    readings = seen({"name": "Bea", "city": "Rome"}, {"name": "Ann", "city": "Oslo"})
    assert [h.property for h in decided(scene(*GROUPED, policy="hold"), BASE, readings).holds] == ["g"]
    verdict = decided(scene(*GROUPED, policy="right"), BASE, readings)
    assert payloads(verdict) == [(LEFT, {"name": "Ann", "city": "Oslo"})]
    assert {lost.property: lost.raw for lost in verdict.overruled}["name"] == ("Bea",)


def test_one_choice_decides_a_whole_group() -> None:
    where = scene(*GROUPED, policy="hold")
    readings = seen({"name": "Bea", "city": "Rome"}, {"name": "Ann", "city": "Oslo"})
    [hold] = decided(where, BASE, readings).holds
    verdict = decided(where, BASE, readings, [hold], [release("left", hold)])
    assert payloads(verdict) == [(RIGHT, {"name": "Bea", "city": "Rome"})]


def test_a_group_that_moved_on_one_side_flows_as_any_property() -> None:
    verdict = decided(scene(*GROUPED, policy="hold"), BASE, seen({"name": "Bea", "city": "Oslo"}, SAME))
    assert payloads(verdict) == [(RIGHT, {"name": "Bea", "city": "Oslo"})]


# --- What can't be written

EDITED = seen({**SAME, "name": "Bea"}, SAME)


@pytest.mark.parametrize(
    ("right", "why"),
    [
        (entity("contact", [Field("name", update=False, reason="it is set once")]), "it is set once"),
        (entity("contact", [Field("name", update=False)]), "name of contact can't be changed"),
        (entity("contact", update=False), "can't be updated by API"),
        (entity("contact", update=False, reasons={"update": "ask support"}), "ask support"),
    ],
)
def test_what_an_api_cannot_write_is_held_for_a_person_with_the_reason(right: Entity, why: str) -> None:
    verdict = decided(scene(NAME, CITY, right=right), BASE, EDITED)
    assert verdict.writes == ()
    [hold] = verdict.holds
    assert (hold.cause, hold.property) == ("person", "name")
    assert why in hold.why
    assert "Custom ERP" in hold.what


def test_a_value_that_a_person_alone_sets_is_held_and_any_other_is_written() -> None:
    field = Field("name", choices=("Ann", "Bea", "Cis"), by_hand=("Bea",), reason="it makes a credit note")
    subject = scene(NAME, CITY, right=entity("contact", [field, "city"]))
    verdict = decided(subject, BASE, EDITED)
    assert verdict.writes == ()
    [hold] = verdict.holds
    assert (hold.cause, hold.property, hold.why) == ("person", "name", "it makes a credit note")
    other = decided(subject, BASE, seen({**SAME, "name": "Cis"}, SAME))
    assert payloads(other) == [(RIGHT, {"name": "Cis"})]
    assert other.holds == ()


def test_junk_is_held_and_says_where_to_correct_it() -> None:
    verdict = decided(PLAIN, BASE, seen({**SAME, "name": ["x"]}, SAME))
    [hold] = verdict.holds
    assert (hold.cause, hold.property) == ("unfit", "name")
    assert "Chargebee" in hold.what
    assert verdict.writes == ()


def test_a_value_that_does_not_fit_the_other_side_is_held() -> None:
    where = scene(prop("terms", "lookup(0=now, 30=later)"))
    verdict = decided(where, link({"terms": (0, "now")}), seen({"terms": 45}, {"terms": "now"}))
    assert verdict.writes == ()
    assert [hold.cause for hold in verdict.holds] == ["unfit"]


COMPANY = prop("company", "reference(customer, contact)")


def test_a_reference_waits_for_its_record_while_other_properties_go_on() -> None:
    base = link({"company": (None, None), "name": ("Ann", "Ann")})
    readings = seen({"company": "l7", "name": "Bea"}, {"company": None, "name": "Ann"})
    verdict = decided(scene(COMPANY, NAME), base, readings)
    assert payloads(verdict) == [(RIGHT, {"name": "Bea"})]
    [hold] = verdict.holds
    assert (hold.cause, hold.waits_for) == ("reference", (LEFT, "customer", "l7"))


def test_a_reference_is_translated_through_the_link() -> None:
    links = Links({(LEFT, "customer", "l7"): 7, (RIGHT, "contact", "r7"): 7})
    verdict = decided(
        scene(COMPANY, links=links),
        link({"company": (None, None)}),
        seen({"company": "l7"}, {"company": None}),
    )
    assert payloads(verdict) == [(RIGHT, {"company": "r7"})]
    assert links.link_of(LEFT, "customer", "l7", "contact") == Linked(7)


@pytest.mark.parametrize("group", ["", "g"])
def test_two_references_that_may_be_the_same_wait_for_the_one_that_is_not_linked(group: str) -> None:
    """Which of two is right can't be asked before it is known whether they differ."""
    where = scene(
        prop("company", "reference(customer, contact)", group=group), prop("name", "text(trim)", group=group)
    )
    base = link({"name": ("Ann", "Ann")})
    readings = seen({"company": "l7", "name": "Bea"}, {"company": "r7", "name": "Ann"})
    verdict = decided(where, base, readings)
    [hold] = verdict.holds
    assert (hold.cause, hold.waits_for) == ("reference", (LEFT, "customer", "l7"))
    # What moves together waits together.
    assert payloads(verdict) == ([] if group else [(RIGHT, {"name": "Bea"})])


def test_a_one_way_property_of_a_group_is_not_written_against_its_way_by_a_conflict() -> None:
    where = scene(
        prop("name", "text(trim)", group="g"),
        prop("city", "text(trim)", group="g", flow="to-left"),
        policy="left",
    )
    readings = seen({"name": "Bea", "city": "Rome"}, {"name": "Cleo", "city": "Oslo"})
    assert payloads(decided(where, BASE, readings)) == [(RIGHT, {"name": "Bea"})]


# --- What was refused

REFUSED = Hold(KEY, "name", "refused", "no", digest=digest(["name", [["Bea"], ["Ann"]]]))


def test_what_was_refused_is_not_sent_again() -> None:
    verdict = decided(PLAIN, BASE, EDITED, [REFUSED])
    assert verdict.writes == ()
    assert verdict.holds == (REFUSED,)


def test_a_corrected_value_is_sent_though_another_was_refused() -> None:
    verdict = decided(PLAIN, BASE, seen({**SAME, "name": "Cleo"}, SAME), [REFUSED])
    assert payloads(verdict) == [(RIGHT, {"name": "Cleo"})]
    assert verdict.holds == ()


def test_other_properties_go_on_while_one_is_refused() -> None:
    verdict = decided(PLAIN, BASE, seen({"name": "Bea", "city": "Oslo"}, SAME), [REFUSED])
    assert payloads(verdict) == [(RIGHT, {"city": "Oslo"})]
    assert verdict.holds == (REFUSED,)


def test_a_person_may_have_it_tried_again() -> None:
    verdict = decided(PLAIN, BASE, EDITED, [REFUSED], [release("retry", REFUSED)])
    assert payloads(verdict) == [(RIGHT, {"name": "Bea"})]
    assert verdict.used == ("name",)


def test_a_retry_is_not_for_a_refusal_that_came_after_it() -> None:
    verdict = decided(PLAIN, BASE, EDITED, [REFUSED], [Release(KEY, "name", "retry", "another")])
    assert verdict.writes == ()


def test_another_choice_for_the_property_does_not_try_it_again() -> None:
    verdict = decided(PLAIN, BASE, EDITED, [REFUSED], [release("left", REFUSED)])
    assert verdict.writes == ()


# --- Deletes

ERP = entity("contact", [Field("active")], retired=("active", False))
UNABLE = entity("contact", retire=False, reasons={"retire": "archive it by hand"})


def gone(side: Side, *, alive: dict[str, Json] | None = None) -> Both[Sighting | None]:
    readings = seen(alive or SAME, alive or SAME)
    lost = readings[side]
    assert lost is not None
    return readings.replace(side, replace(lost, deleted=True))


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_delete_is_held_unless_the_pair_says_otherwise(side: Side) -> None:
    verdict = decided(PLAIN, BASE, gone(side))
    assert verdict.writes == ()
    [hold] = verdict.holds
    assert (hold.cause, hold.property) == ("deleted", "")
    assert IDS[side] in hold.what


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_what_one_side_deleted_is_retired_on_the_other(side: Side) -> None:
    verdict = decided(scene(NAME, CITY, on_delete="retire"), BASE, gone(side))
    [write] = verdict.writes
    assert (write.operation, write.side, write.record_id) == ("retire", side.other, IDS[side.other])


def test_a_partner_that_is_out_of_use_already_puts_the_link_to_rest() -> None:
    where = scene(NAME, CITY, right=ERP, on_delete="retire")
    verdict = decided(where, BASE, gone(LEFT, alive={**SAME, "active": False}))
    assert verdict.writes == ()
    assert verdict.retired


def test_a_pair_may_leave_the_partner_of_a_deleted_record_alone() -> None:
    verdict = decided(scene(NAME, CITY, on_delete="ignore"), BASE, gone(LEFT))
    assert (verdict.writes, verdict.holds) == ((), ())
    assert verdict.retired


def test_an_edit_outlives_a_delete() -> None:
    where = scene(NAME, CITY, on_delete="retire")
    verdict = decided(where, BASE, gone(LEFT, alive={**SAME, "name": "Bea"}))
    assert verdict.writes == ()
    [hold] = verdict.holds
    assert "outlives" in hold.why
    assert "name" in hold.why


def test_what_the_deleted_record_never_held_outlives_it() -> None:
    where = scene(NAME, CITY, on_delete="retire")
    agreed_on_names = link({"name": ("Ann", "Ann")})
    verdict = decided(where, agreed_on_names, gone(LEFT))
    assert [write.operation for write in verdict.writes] == ["retire"], "both held the same"
    without = gone(LEFT)
    assert without.left is not None
    without = without.replace(LEFT, replace(without.left, fields={**SAME, "city": None}))
    verdict = decided(where, agreed_on_names, without)
    assert verdict.writes == ()
    [hold] = verdict.holds
    assert "city" in hold.why


def test_a_person_may_retire_what_was_edited() -> None:
    where = scene(NAME, CITY, on_delete="retire")
    readings = gone(LEFT, alive={**SAME, "name": "Bea"})
    [hold] = decided(where, BASE, readings).holds
    verdict = decided(where, BASE, readings, [hold], [release("retire", hold)])
    assert [write.operation for write in verdict.writes] == ["retire"]
    assert verdict.used == ("",)


def test_a_choice_about_a_delete_is_not_for_edits_that_came_after_it() -> None:
    where = scene(NAME, CITY)
    [hold] = decided(where, BASE, gone(LEFT)).holds
    edited = gone(LEFT, alive={**SAME, "name": "Bea"})
    verdict = decided(where, BASE, edited, [hold], [release("retire", hold)])
    assert verdict.writes == ()
    assert verdict.used == ()
    assert [h.cause for h in verdict.holds] == ["deleted"]


def test_a_person_may_unlink_what_is_left() -> None:
    [hold] = decided(PLAIN, BASE, gone(RIGHT)).holds
    verdict = decided(PLAIN, BASE, gone(RIGHT), [hold], [release("unlink", hold)])
    assert verdict.unlink
    assert verdict.used == ("",)


def test_a_system_that_cannot_retire_says_so_to_a_person() -> None:
    verdict = decided(scene(NAME, right=UNABLE, on_delete="retire"), BASE, gone(LEFT))
    assert verdict.writes == ()
    [hold] = verdict.holds
    assert hold.why == "archive it by hand"
    assert "--choose apart" in hold.fix


def test_a_refused_retirement_is_not_sent_again_until_a_person_says_so() -> None:
    where = scene(NAME, CITY, on_delete="retire")
    refused = Hold(KEY, "", "refused", "no", digest=digest({}))
    readings = gone(LEFT)
    assert decided(where, BASE, readings, [refused]).writes == ()
    assert decided(where, BASE, readings, [refused]).holds == (refused,)
    again = decided(where, BASE, readings, [refused], [release("retry", refused)])
    assert [write.operation for write in again.writes] == ["retire"]
    assert again.used == ("",)


def test_records_gone_on_both_sides_put_the_link_to_rest() -> None:
    both = Both(gone(LEFT).left, gone(RIGHT).right)
    verdict = decided(PLAIN, BASE, both)
    assert verdict.retired == "deleted on both sides"


def test_a_link_at_rest_stays_so() -> None:
    rest = replace(BASE, state="retired")
    assert decided(PLAIN, rest, gone(LEFT, alive={**SAME, "name": "Bea"})) == Verdict(KEY)


def test_a_record_that_is_there_again_is_a_persons_to_judge() -> None:
    rest = replace(BASE, state="retired")
    [hold] = decided(PLAIN, rest, seen(SAME, SAME)).holds
    assert "there again" in hold.what
    verdict = decided(PLAIN, rest, seen(SAME, SAME), [hold], [release("unlink", hold)])
    assert verdict.unlink


# --- Fingerprints


def test_a_fingerprint_stands_for_the_values_that_a_write_was_decided_from() -> None:
    def fingerprint(left: dict[str, Json], right: dict[str, Json]) -> str:
        [write] = decided(scene(NAME, CITY, policy="left"), BASE, seen(left, right)).writes
        return write.fingerprint(KEY)

    planned = fingerprint({**SAME, "name": "Bea"}, SAME)
    assert planned == fingerprint({**SAME, "name": "Bea"}, SAME)
    assert planned != fingerprint({**SAME, "name": "Cleo"}, SAME)
    assert planned != fingerprint(SAME, {**SAME, "name": "Bea"})
    assert planned != fingerprint({**SAME, "name": "Bea"}, {**SAME, "name": "Cleo"})


def test_a_release_of_another_property_is_not_used() -> None:
    where = scene(NAME, CITY, policy="hold")
    assert decided(where, BASE, BOTH_EDITED, [], [Release(KEY, "city", "left", "")]).used == ()
