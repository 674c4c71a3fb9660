"""`instep links`: made and removed by hand, against both systems over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from instep.cli.records import who
from tests.cli.company import Company


def links(acme: Company, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in acme.run("links", "list", *words, "--json").stdout.splitlines()]


def partners(acme: Company) -> set[tuple[str, str]]:
    return {(link["left"], link["right"]) for link in links(acme)}


@pytest.fixture
def linked(acme: Company) -> Company:
    """Two people, each in both systems and linked by their e-mail."""
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.contact("7", "Åse", "Nordmann", "ase@example.test")
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    acme.contact("8", "Ole", "Berg", "ole@example.test")
    assert acme.run("sync").exit_code == 0
    return acme


@pytest.fixture
def apart(acme: Company) -> Company:
    """One person whom the two systems know by different e-mails, neither of which is to be made anew."""
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.contact("7", "Åse", "Nordmann", "a.nordmann@example.test")
    acme.run("plan")
    return acme


def test_each_link_is_listed_with_how_it_was_made(linked: Company) -> None:
    assert {(link["left"], link["right"], link["made_by"]) for link in links(linked)} == {
        ("c1", "7", "match email"),
        ("c2", "8", "match email"),
    }
    shown = linked.run("links", "list", "--pair", "contact").stdout
    assert "contact  c1 = 7   the same email, 20" in shown


def test_a_list_may_be_cut_short_and_narrowed_to_a_pair(linked: Company) -> None:
    assert len(links(linked, "--limit", "1")) == 1
    assert links(linked, "--pair", "order") == []


@pytest.mark.parametrize("id", ["c1", "7"])
def test_a_link_is_shown_from_either_side_with_what_was_last_agreed(linked: Company, id: str) -> None:
    shown = linked.run("links", "show", "contact", id).stdout
    assert "customer c1 in Chargebee" in shown
    assert "contact 7 in Custom ERP" in shown
    assert 'last_name: "Nordmann"' in shown


def test_a_record_without_partner_is_said_to_have_none(apart: Company) -> None:
    shown = apart.run("links", "show", "contact", "c1")
    assert shown.exit_code == 2
    assert "customer c1 in Chargebee has no partner" in shown.stderr


def test_two_records_that_nothing_matches_are_linked_by_hand_and_merged_by_the_next_sync(
    apart: Company,
) -> None:
    added = apart.run("links", "add", "contact", "c1", "7")
    assert added.exit_code == 0, added.output
    apart.run("sync")
    assert partners(apart) == {("c1", "7")}
    assert len(apart.in_erp()) == 1
    holds = apart.json("holds", "list")
    assert [(hold["record"], hold["property"]) for hold in holds] == [("c1", "email")]


def test_a_link_made_by_hand_is_in_the_journal_as_such(apart: Company) -> None:
    apart.run("links", "add", "contact", "c1", "7")
    shown = apart.run("history", "contact", "c1").stdout
    assert f"by hand  link contact c1 = 7   (by hand: {who()})" in shown


def test_a_record_gets_no_second_partner(linked: Company) -> None:
    shown = linked.run("links", "add", "contact", "c1", "8")
    assert shown.exit_code == 2
    assert "are linked already" in shown.stderr
    assert "why: a record has one partner" in shown.stderr
    assert partners(linked) == {("c1", "7"), ("c2", "8")}


def test_a_record_that_was_never_seen_is_not_linked_and_a_like_one_is_named(apart: Company) -> None:
    shown = apart.run("links", "add", "contact", "c11", "7")
    assert shown.exit_code == 2
    assert "customer c11 in Chargebee can't be linked" in shown.stderr
    assert "did you mean c1?" in shown.stderr


def test_records_whose_link_was_removed_are_left_alone_by_every_later_sync(linked: Company) -> None:
    removed = linked.run("links", "remove", "contact", "c1")
    assert removed.exit_code == 0
    assert "both records are left alone from now on" in removed.stdout
    linked.edit_erp("7", family_name="Berg")
    for _ in range(2):
        assert linked.run("sync", "--full").exit_code == 0
    assert partners(linked) == {("c2", "8")}
    assert linked.in_chargebee("c1")["last_name"] == "Nordmann"
    assert len(linked.in_erp()) == 2


def test_the_removal_of_a_link_is_in_the_journal(linked: Company) -> None:
    linked.run("links", "remove", "contact", "8")
    entries = [
        json.loads(line) for line in linked.run("history", "contact", "c2", "--json").stdout.splitlines()
    ]
    assert (entries[0]["operation"], entries[0]["reason"], entries[0]["run"]) == (
        "unlink",
        f"by hand: {who()}",
        0,
    )


def test_after_a_removal_with_rematch_equal_records_are_linked_again(linked: Company) -> None:
    linked.run("links", "remove", "contact", "c1", "--rematch")
    assert partners(linked) == {("c2", "8")}
    linked.run("sync")
    assert partners(linked) == {("c1", "7"), ("c2", "8")}


def test_records_that_were_left_alone_can_be_linked_again_by_hand(linked: Company) -> None:
    linked.run("links", "remove", "contact", "c1")
    linked.run("sync")
    assert linked.run("links", "add", "contact", "c1", "7").exit_code == 0
    linked.edit_erp("7", family_name="Berg")
    linked.run("sync")
    assert partners(linked) == {("c1", "7"), ("c2", "8")}


def test_an_id_of_both_systems_has_to_be_told_apart_by_its_side(acme: Company) -> None:
    acme.customer("7", "Åse", "Nordmann", "ase@example.test")
    acme.contact("7", "Ole", "Berg", "ole@example.test")
    acme.run("sync")
    shown = acme.run("links", "show", "contact", "7")
    assert shown.exit_code == 2
    assert "--side left, or --side right" in shown.stderr
    assert acme.run("links", "show", "contact", "7", "--side", "right").exit_code == 0
