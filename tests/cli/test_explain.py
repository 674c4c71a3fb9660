"""`instep explain`: why a record is or is not in step."""

from __future__ import annotations

import pytest

from tests.cli.company import Company


@pytest.fixture
def linked(acme: Company) -> Company:
    """One person in both systems, in step."""
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test", net_term_days=14)
    acme.contact("7", "Åse", "Nordmann", "ase@example.test", payment_terms_days=14)
    assert acme.run("sync").exit_code == 0
    return acme


@pytest.mark.parametrize("id", ["c1", "7"])
def test_a_record_in_step_is_said_to_be_from_either_side(linked: Company, id: str) -> None:
    shown = linked.run("explain", "contact", id)
    assert shown.exit_code == 0
    assert "contact c1 = 7: in step: all " in shown.stdout
    assert "are linked (match email)" in shown.stdout


def test_an_edit_that_waits_for_a_sync_is_told_with_both_values_the_base_and_the_editor(
    linked: Company,
) -> None:
    linked.edit_erp("7", payment_terms_days=30)
    linked.run("plan")
    shown = linked.run("explain", "contact", "c1").stdout
    assert "not in step: 1 of " in shown and "(net_term_days)" in shown
    assert "net_term_days: differs: Custom ERP was edited, Chargebee follows" in shown
    assert "    Chargebee: 14\n    Custom ERP: 30   (edited)\n    last agreed: 14\n" in shown
    assert "updates the record in Chargebee: net_term_days (Custom ERP was edited)" in shown


def test_a_conflict_is_told_with_the_command_that_decides_it(linked: Company) -> None:
    linked.edit_erp("7", family_name="Berg")
    linked.edit_chargebee("c1", last_name="Hansen")
    linked.run("sync")
    (hold,) = linked.json("holds", "list")
    shown = linked.run("explain", "contact", "c1").stdout
    assert "last_name: held" in shown
    assert '    Chargebee: "Hansen"   (edited)' in shown
    assert '    Custom ERP: "Berg"   (edited)' in shown
    assert '    last agreed: "Nordmann"' in shown
    assert f"instep holds release {hold['id']} --take left" in shown


def test_what_a_person_chose_is_told_until_it_is_applied(linked: Company) -> None:
    linked.edit_erp("7", family_name="Berg")
    linked.edit_chargebee("c1", last_name="Hansen")
    linked.run("sync")
    (hold,) = linked.json("holds", "list")
    linked.run("holds", "release", str(hold["id"]), "--take", "right")
    shown = linked.run("explain", "contact", "c1").stdout
    assert "a person chose right, which the next run applies" in shown
    linked.run("sync")
    assert "in step: all" in linked.run("explain", "contact", "c1").stdout


def test_a_record_that_is_going_to_be_created_says_so(linked: Company) -> None:
    linked.customer("c2", "Ole", "Berg", "ole@example.test")
    linked.run("plan", "--full")
    shown = linked.run("explain", "contact", "c2").stdout
    assert "it is new, and is to be created in Custom ERP" in shown
    assert "customer c2 in Chargebee has no partner in Custom ERP" in shown
    assert "creates the record in Custom ERP" in shown


def test_a_record_that_was_refused_says_what_the_system_said(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test", net_term_days=15)
    acme.run("sync")
    shown = acme.run("explain", "contact", "c1").stdout
    assert "not in step: it is held (refused)" in shown
    assert "payment_terms_days: 422: must be one of 0, 14, 30, 45, 60, 90" in shown
    (hold,) = acme.json("holds", "list")
    assert hold["fix"].startswith("change the value in Chargebee")
    assert f"instep holds release {hold['id']} --choose retry" in hold["fix"]


def test_records_that_were_unlinked_by_hand_say_that_they_are_left_alone(linked: Company) -> None:
    linked.run("links", "remove", "contact", "c1")
    for id in ("c1", "7"):
        assert (
            "left alone: a person chose that it has no partner" in linked.run("explain", "contact", id).stdout
        )


def test_an_unknown_id_is_answered_with_ids_that_are_like_it(linked: Company) -> None:
    shown = linked.run("explain", "contact", "c12")
    assert shown.exit_code == 2
    assert "no customer of Chargebee or contact of Custom ERP has the id c12" in shown.stderr
    assert "did you mean c1 (Chargebee)?" in shown.stderr


def test_the_same_is_told_as_json(linked: Company) -> None:
    linked.edit_erp("7", payment_terms_days=30)
    linked.run("plan")
    told = linked.json("explain", "contact", "7")
    assert (told["pair"], told["record"], told["in_step"]) == ("contact", "c1", False)
    (off,) = [p for p in told["properties"] if p["state"] not in ("same", "not offered")]
    assert (off["name"], off["left"], off["right"]) == ("net_term_days", [14], [30])
    assert (off["edited"], off["to"], off["base"]) == (["right"], "left", {"left": [14], "right": [14]})


def test_nothing_is_asked_of_a_system(linked: Company) -> None:
    for server in (linked.chargebee, linked.erp):
        server.reset_counters()
    linked.run("explain", "contact", "c1")
    assert [server.counters()["total"] for server in (linked.chargebee, linked.erp)] == [0, 0]
