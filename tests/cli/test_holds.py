"""`instep holds`: what waits for a person, and the person's choice, against both systems over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from instep.cli.records import who
from tests.cli.company import Company


def held(acme: Company, **like: str) -> list[dict[str, Any]]:
    holds: list[dict[str, Any]] = acme.json("holds", "list")
    return [hold for hold in holds if all(hold[name] == value for name, value in like.items())]


@pytest.fixture
def torn(acme: Company) -> Company:
    """Two linked people whose names differ at first contact, which nobody can decide but a person."""
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.contact("7", "Åsa", "Nordmann", "ase@example.test")
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    acme.contact("8", "Ola", "Berg", "ole@example.test")
    assert acme.run("sync").exit_code == 3
    return acme


def test_nothing_is_known_before_the_first_reading(acme: Company) -> None:
    shown = acme.run("holds", "list")
    assert shown.exit_code == 2
    assert "nothing is known yet" in shown.stderr
    assert "fix: read both systems first: instep plan" in shown.stderr


def test_where_nothing_is_held_the_list_says_so(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    assert acme.run("sync").exit_code == 0
    assert acme.run("holds", "list").stdout == "nothing is held\n"


def test_holds_of_one_cause_are_told_together_with_their_values(torn: Company) -> None:
    shown = torn.run("holds", "list")
    assert shown.exit_code == 0
    assert "contact: conflict in first_name, 2 records" in shown.stdout
    assert 'first_name: Chargebee: "Åse"   Custom ERP: "Åsa"' in shown.stdout
    assert "2 holds for a person" in shown.stdout


def test_the_command_that_releases_all_alike_names_pair_cause_and_property(torn: Company) -> None:
    line = next(line for line in torn.run("holds", "list").stdout.splitlines() if "all of them" in line)
    words = line.partition("instep ")[2].split()
    assert torn.run(*words).exit_code == 0
    assert torn.run("sync").exit_code == 0
    assert held(torn) == []


def test_a_list_can_be_narrowed_to_a_pair_a_cause_and_a_property(torn: Company) -> None:
    assert "2 records" in torn.run("holds", "list", "--pair", "contact", "--cause", "conflict").stdout
    assert torn.run("holds", "list", "--pair", "order").stdout == "nothing is held\n"
    assert torn.run("holds", "list", "--property", "email").stdout == "nothing is held\n"
    assert torn.run("holds", "list", "--property", "address").stdout == "nothing is held\n", "a group"
    assert torn.run("holds", "list", "--cause", "brake", "--property", "change").exit_code == 0


@pytest.mark.parametrize("command", [["list"], ["release", "--choose", "leave"], ["take-back"]])
def test_a_cause_or_a_property_that_there_is_not_is_no_empty_list(torn: Company, command: list[str]) -> None:
    of = [] if command == ["list"] else ["--cause", "conflict"]
    shown = torn.run("holds", *command, "--pair", "contact", "--cause", "confict")
    assert shown.exit_code == 2 and 'did you mean "conflict"?' in shown.stderr
    shown = torn.run("holds", *command, "--pair", "contact", *of, "--property", "first_nam")
    assert shown.exit_code == 2 and "contact has no property first_nam" in shown.stderr
    assert 'did you mean "first_name"?' in shown.stderr
    if command == ["list"]:
        shown = torn.run("holds", *command, "--property", "nosuch")
        assert shown.exit_code == 2 and "no pair has a property nosuch" in shown.stderr


def test_a_pair_that_is_spelled_wrong_is_answered_with_the_right_one(torn: Company) -> None:
    shown = torn.run("holds", "list", "--pair", "contcat")
    assert shown.exit_code == 2
    assert "did you mean contact?" in shown.stderr


def test_one_hold_shows_both_values_since_when_why_and_each_choice(torn: Company) -> None:
    (hold,) = held(torn, record="c1")
    shown = torn.run("holds", "show", str(hold["id"])).stdout
    assert 'Chargebee: "Åse"' in shown
    assert 'Custom ERP: "Åsa"' in shown
    assert "why: it can't be proved which of the two edits is the later one" in shown
    assert "since: 20" in shown
    assert f"instep holds release {hold['id']} --take left" in shown
    assert f"instep holds release {hold['id']} --choose unlink" in shown


def test_since_when_something_is_held_stays_from_run_to_run(torn: Company) -> None:
    before = {hold["id"]: hold["since_ms"] for hold in held(torn)}
    assert all(since_ms > 0 for since_ms in before.values())
    torn.run("sync", "--full")
    assert {hold["id"]: hold["since_ms"] for hold in held(torn)} == before


def test_the_value_that_a_person_takes_is_written_by_the_next_sync(torn: Company) -> None:
    (hold,) = held(torn, record="c1")
    chosen = torn.run("holds", "release", str(hold["id"]), "--take", "right")
    assert chosen.exit_code == 0
    assert "the next run applies it: instep sync" in chosen.stdout
    assert torn.in_chargebee("c1")["first_name"] == "Åse"
    torn.run("sync")
    assert torn.in_chargebee("c1")["first_name"] == "Åsa"
    assert held(torn, record="c1") == []


def test_a_choice_is_taken_back_as_long_as_no_run_has_applied_it(torn: Company) -> None:
    (hold,) = held(torn, record="c1")
    number = str(hold["id"])
    nothing = torn.run("holds", "take-back", number)
    assert (nothing.exit_code, nothing.stderr.splitlines()[0]) == (
        2,
        f"nothing was decided about hold {number}",
    )
    torn.run("holds", "release", number, "--take", "right")
    assert f"instep holds take-back {number} forgets it" in torn.run("holds", "show", number).stdout
    taken = torn.run("holds", "take-back", number)
    assert (taken.exit_code, taken.stdout) == (
        0,
        f"hold {number}, contact c1: the decision is taken back; it waits for you again\n",
    )
    torn.run("sync")
    assert torn.in_chargebee("c1")["first_name"] == "Åse"
    assert [each["id"] for each in held(torn, record="c1")] == [hold["id"]]
    assert torn.run("holds", "take-back", "9999").exit_code == 2


def test_choices_are_taken_back_together_or_none_of_them(torn: Company) -> None:
    first, second = (str(hold["id"]) for hold in held(torn))
    alike = ("--pair", "contact", "--cause", "conflict", "--property", "first_name")
    assert torn.run("holds", "take-back", *alike).exit_code == 2, "nothing was decided yet"
    torn.run("holds", "release", first, "--take", "right")
    assert torn.run("holds", "take-back", first, second).exit_code == 2
    assert "chosen at" in torn.run("holds", "show", first).stdout, "none of them"
    taken = torn.run("holds", "take-back", *alike)
    assert taken.exit_code == 0 and taken.stdout.count("taken back") == 1, "the one that was decided"
    torn.run("holds", "release", *alike, "--take", "right")
    taken = torn.run("holds", "take-back", first, second)
    assert taken.exit_code == 0 and taken.stdout.count("taken back") == 2
    for words in ((), (first, *alike), ("--pair", "contact")):
        assert torn.run("holds", "take-back", *words).exit_code == 2
    torn.run("sync")
    assert torn.in_chargebee("c1")["first_name"] == "Åse"
    assert len(held(torn)) == 2


def test_no_value_is_chosen_for_records_that_are_about_to_be_parted(torn: Company) -> None:
    (hold,) = held(torn, record="c1")
    number = str(hold["id"])
    assert torn.run("holds", "release", number, "--choose", "apart").exit_code == 0
    refused = torn.run("holds", "release", number, "--take", "left")
    assert refused.exit_code == 2
    assert "the record as a whole is to be parted: apart" in refused.stderr
    assert f"instep holds take-back {number}" in refused.stderr
    assert torn.run("holds", "release", number, "--choose", "unlink").exit_code == 0, (
        "another word about the whole"
    )
    assert torn.run("holds", "take-back", number).exit_code == 0
    assert torn.run("holds", "release", number, "--take", "left").exit_code == 0


def test_a_side_can_be_called_by_its_systems_name(torn: Company) -> None:
    (hold,) = held(torn, record="c1")
    assert torn.run("holds", "release", str(hold["id"]), "--take", "custom erp").exit_code == 0
    torn.run("sync")
    assert torn.in_chargebee("c1")["first_name"] == "Åsa"


def test_a_choice_is_void_once_the_value_has_changed(torn: Company) -> None:
    (hold,) = held(torn, record="c1")
    torn.run("holds", "release", str(hold["id"]), "--take", "right")
    torn.edit_erp("7", given_name="Somebody else")
    torn.edit_chargebee("c1", first_name="Quite another")
    torn.run("sync")
    assert torn.in_chargebee("c1")["first_name"] == "Quite another"
    assert [hold["property"] for hold in held(torn, record="c1")] == ["first_name"]


def test_a_choice_that_makes_no_sense_is_refused_with_those_that_do(torn: Company) -> None:
    (hold,) = held(torn, record="c1")
    shown = torn.run("holds", "release", str(hold["id"]), "--choose", "create")
    assert shown.exit_code == 2
    assert "its cause is conflict, which is released by --take left, --take right" in shown.stderr


def test_of_several_holds_none_is_released_if_one_can_not_be(torn: Company) -> None:
    (hold,) = held(torn, record="c1")
    assert torn.run("holds", "release", str(hold["id"]), "9999", "--take", "left").exit_code == 2
    torn.run("sync")
    assert len(held(torn, record="c1")) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--take", "left"],
        ["1"],
        ["1", "--take", "left", "--choose", "retry"],
        ["1", "--pair", "contact", "--take", "left"],
        ["--pair", "contact", "--take", "left"],
        ["1", "2", "--link", "7"],
        ["1", "--take", "middle"],
    ],
)
def test_a_release_that_says_too_little_or_too_much_is_refused(torn: Company, words: list[str]) -> None:
    shown = torn.run("holds", "release", *words)
    assert shown.exit_code == 2
    assert "why: " in shown.stderr


def test_an_ambiguous_record_shows_its_candidates_and_is_linked_by_hand(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.contact("7", "Åse", "Nordmann", "ase@example.test")
    acme.contact("8", "Åse", "Nordmann-Berg", "ase@example.test")
    planned = acme.run("plan").stdout
    assert 'candidates: "7", "8"' in planned
    assert "twins: \n" not in planned
    acme.run("sync")
    (hold,) = held(acme, record="c1", cause="ambiguous")
    shown = acme.run("holds", "show", str(hold["id"])).stdout
    assert "candidates in Custom ERP:" in shown
    assert 'family_name: "Nordmann-Berg"' in shown
    assert acme.run("holds", "release", str(hold["id"]), "--link", "8").exit_code == 0
    acme.run("sync")
    links = [json.loads(line) for line in acme.run("links", "list", "--json").stdout.splitlines()]
    assert [(link["left"], link["right"], link["made_by"]) for link in links] == [("c1", "8", "by hand")]


def test_a_record_is_not_linked_to_one_that_is_unknown_or_taken(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.contact("7", "Åse", "Nordmann", "ase@example.test")
    acme.contact("8", "Åse", "Nordmann-Berg", "ase@example.test")
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    acme.contact("9", "Ole", "Berg", "ole@example.test")
    acme.run("sync")
    (hold,) = held(acme, record="c1", cause="ambiguous")
    unknown = acme.run("holds", "release", str(hold["id"]), "--link", "77")
    assert unknown.exit_code == 2
    assert "it was never seen" in unknown.stderr
    taken = acme.run("holds", "release", str(hold["id"]), "--link", "9")
    assert taken.exit_code == 2
    assert "it is linked already: c2 = 9" in taken.stderr


def test_a_person_may_leave_a_record_alone(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test", net_term_days=15)
    acme.run("sync")
    (hold,) = held(acme, record="c1")
    assert hold["cause"] == "refused"
    assert acme.run("holds", "release", str(hold["id"]), "--choose", "apart").exit_code == 0
    assert acme.run("sync").exit_code == 0
    assert held(acme) == []
    assert acme.in_erp() == {}


def test_a_hold_that_is_gone_is_said_to_be_gone(torn: Company) -> None:
    shown = torn.run("holds", "show", "9999")
    assert shown.exit_code == 2
    assert "it was released, or what it was about has changed since" in shown.stderr


def test_a_value_of_ones_own_ends_a_conflict_on_both_sides(acme: Company) -> None:
    acme.customer("c1", "Ann", "Lee", "ann@x.example")
    acme.run("sync")
    contact = acme.in_erp()["ann@x.example"]["id"]
    acme.edit_chargebee("c1", last_name="Li")
    acme.edit_erp(contact, family_name="Leigh")
    acme.run("sync")
    [hold] = [h for h in acme.json("holds", "list") if h["cause"] == "conflict"]
    number = str(hold["id"])
    refused = acme.run("holds", "release", number, "--value", "x", "--in", "nowhere")
    assert refused.exit_code == 2 and "no side" in refused.output
    said = acme.run("holds", "release", number, "--value", "Lea", "--in", "Custom ERP")
    assert said.exit_code == 0, said.output
    acme.run("sync")
    assert acme.in_erp()["ann@x.example"]["family_name"] == "Lea"
    assert acme.in_chargebee("c1")["last_name"] == "Lea"
    journal = acme.run("history", "contact", "c1", "--side", "left").output
    assert f"{who()} chose value" in journal and '"Leigh" -> "Lea"' in journal
    assert acme.run("sync").exit_code == 0


@pytest.mark.parametrize("choice", [("--value", "Lea"), ("--take", "left")])
def test_no_choice_is_taken_for_a_property_that_is_not_kept_in_step_any_more(
    torn: Company, choice: tuple[str, str]
) -> None:
    path = torn.directory / "dataflow.yaml"
    mapped = "      - first_name <-> given_name | text(trim, max=60)\n"
    path.write_text(path.read_text().replace(mapped, ""))
    (hold,) = held(torn, record="c1")
    said = torn.run("holds", "release", str(hold["id"]), *choice)
    assert said.exit_code == 2 and "contact has no property first_name any more" in said.stderr
    torn.run("sync")
    assert held(torn, record="c1") == []


def test_a_conflict_can_be_left_as_it_is_until_a_value_changes(acme: Company) -> None:
    acme.customer("c1", "Ann", "Lee", "ann@x.example")
    acme.run("sync")
    contact = acme.in_erp()["ann@x.example"]["id"]
    acme.edit_chargebee("c1", last_name="Li")
    acme.edit_erp(contact, family_name="Leigh")
    acme.run("sync")
    assert (
        acme.run(
            "holds", "release", "--pair", "contact", "--cause", "conflict", "--choose", "leave"
        ).exit_code
        == 0
    )
    acme.run("sync")
    assert [h["cause"] for h in acme.json("holds", "list")] == ["ignored"]
    assert acme.in_erp()["ann@x.example"]["family_name"] == "Leigh"
    acme.edit_erp(contact, family_name="Li")
    acme.run("sync")
    assert acme.json("holds", "list") == []


def test_no_more_holds_are_listed_than_was_asked_for(acme: Company) -> None:
    for number in range(3):
        acme.customer(f"c{number}", "Åse", f"Nord{number}", f"ase{number}@example.test")
        acme.contact(f"{number + 7}", "Åsa", f"Nord{number}", f"ase{number}@example.test")
    acme.run("sync")
    assert len(acme.json("holds", "list")) == 3
    assert len(acme.json("holds", "list", "--limit", "2")) == 2
    shown = acme.run("holds", "list", "--all", "--limit", "1", quiet=False)
    assert len(shown.stdout.splitlines()) == 1 and "only the first 1 are shown" in shown.stderr


def options(acme: Company, number: int) -> set[str]:
    """What `holds show` offers, each by its last words."""
    lines = acme.run("holds", "show", str(number)).stdout.splitlines()
    return {
        line.split("   ")[0].split()[-1] for line in (x.strip() for x in lines) if "instep holds rel" in line
    }


def test_no_value_is_offered_for_properties_that_are_decided_together(acme: Company) -> None:
    acme.customer(
        "c1", "Åse", "Nordmann", "ase@example.test", billing_address={"city": "Oslo", "zip": "0150"}
    )
    acme.contact(
        "7", "Åse", "Nordmann", "ase@example.test", address={"city": "Bergen", "postal_code": "5003"}
    )
    acme.run("sync")
    [hold] = held(acme, cause="conflict", property="address")
    assert "value" not in hold["choices"] and {"left", "right", "leave"} <= set(hold["choices"])
    assert "VALUE" not in options(acme, hold["id"])
    refused = acme.run("holds", "release", str(hold["id"]), "--value", "Oslo")
    assert refused.exit_code == 2
    assert "which is released by --take left, --take right, --choose leave" in refused.stderr


@pytest.mark.parametrize("on_delete", ["hold", "retire"])
def test_a_record_that_its_system_can_not_put_out_of_use_is_kept_apart_instead(
    acme: Company, on_delete: str
) -> None:
    path = acme.directory / "dataflow.yaml"
    path.write_text(path.read_text().replace("on_delete: hold", f"on_delete: {on_delete}"))
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.run("sync")
    id = str(acme.in_erp()["ase@example.test"]["id"])
    acme.erp.console("DELETE", f"contacts/{id}")
    acme.run("sync", "--full")
    [hold] = held(acme, cause="deleted")
    assert "retire" not in hold["choices"] and "retire" not in options(acme, hold["id"])
    assert f"instep holds release {hold['id']} --choose apart" in hold["fix"]
    assert acme.run("holds", "release", str(hold["id"]), "--choose", "retire").exit_code == 2
    assert acme.run("holds", "release", str(hold["id"]), "--choose", "apart").exit_code == 0
    acme.run("sync", "--full")
    assert held(acme) == []
    living = [row for row in acme.erp.console("GET", "records/contacts")["records"] if not row.get("deleted")]
    assert living == [], "the deleted contact is not made once more"
    assert acme.in_chargebee("c1")["last_name"] == "Nordmann"
