"""Brakes against both systems over HTTP: what stops, how it is shown, and what a person's choice does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.company import Company


def filled(acme: Company, count: int) -> Company:
    """So many people, linked and in step."""
    for n in range(count):
        acme.customer(f"c{n}", f"Name{n}", "Nordmann", f"n{n}@example.test", phone=f"+47 22 33 44 {n:02}")
    done = acme.run("sync")
    assert done.exit_code == 0, done.output
    return acme


def brake(acme: Company) -> dict[str, Any]:
    """The one brake that is held."""
    [hold] = [hold for hold in acme.json("holds", "list") if hold["cause"] == "brake"]
    return dict(hold)


def release(acme: Company, choice: str) -> str:
    done = acme.run("holds", "release", str(brake(acme)["id"]), "--choose", choice)
    assert done.exit_code == 0, done.output
    return done.stdout


def names(acme: Company) -> set[str]:
    return {row["family_name"] for row in acme.in_erp().values()}


def limits(acme: Company, **brakes: float) -> None:
    """Write these brakes of the contacts into the site's dataflow."""
    path: Path = acme.directory / "dataflow.yaml"
    text = path.read_text()
    assert "\n  contact:\n" in text
    path.write_text(text.replace("\n  contact:\n", f"\n  contact:\n    brakes: {json.dumps(brakes)}\n"))


def test_a_mass_edit_is_stopped_and_told_with_what_to_do(acme: Company) -> None:
    filled(acme, 14)
    for n in range(14):
        acme.edit_chargebee(f"c{n}", last_name=f"Berg {n}")
    braked = acme.run("sync")
    assert braked.exit_code == 3
    number = brake(acme)["id"]
    assert "brake: 14 records of contact would be changed\n" in braked.stdout
    assert (
        "why: within an hour 10 may be without asking (25% of 14 linked ones, at least 10)" in braked.stdout
    )
    assert f"then: instep holds release {number} --choose release, or drop" in braked.stdout
    assert names(acme) == {"Nordmann"}
    report = acme.json("sync")
    assert [(b["kind"], b["count"], b["limit"], b["hold"]) for b in report["brakes"]] == [
        ("change", 14, 10, number)
    ]
    assert (report["status"], report["skipped"]) == ("braked", {"contact": 14})


def test_what_a_brake_holds_is_one_line_with_a_count_and_examples(acme: Company) -> None:
    filled(acme, 12)
    for n in range(12):
        acme.edit_chargebee(f"c{n}", last_name=f"Berg {n}")
    acme.run("sync")
    listed = acme.run("holds", "list").stdout
    assert "contact: brake in change\n" in listed
    assert "12 records of contact would be changed" in listed
    assert 'changed in Custom ERP: last_name: "Nordmann" -> "Berg' in listed
    assert "... and 10 more" in listed
    assert "1 hold for a person" in listed
    shown = acme.run("holds", "show", str(brake(acme)["id"])).stdout
    assert shown.count("changed in Custom ERP") == 5
    assert "--choose release" in shown and "--choose drop" in shown
    assert brake(acme)["choices"] == ["release", "drop"]
    planned = acme.run("plan")
    assert planned.exit_code == 3
    assert "change in Custom ERP, stopped by a brake (change): 12" in planned.stdout
    stopped = "12 writes (all of them stopped by brakes until a person lets them go), 0 new links, 0 held"
    assert stopped in planned.stdout
    acme.customer("new", "Åse", "Ny", "ny@example.test")
    acme.edit_chargebee("new", first_name="Ås")
    assert "13 writes (12 of them stopped by brakes until" in acme.run("plan").stdout


def test_a_release_makes_exactly_what_was_counted(acme: Company) -> None:
    filled(acme, 14)
    for n in range(12):
        acme.edit_chargebee(f"c{n}", last_name=f"Berg {n}")
    acme.run("sync")
    said = release(acme, "release")
    assert "the next run makes the writes that the brake stopped" in said
    shown = acme.run("holds", "show", str(brake(acme)["id"])).stdout
    assert "release; instep sync applies it" in shown
    done = acme.run("sync")
    assert done.exit_code == 0, done.output
    assert len(names(acme)) == 13, "two of them were not edited"


def test_a_drop_leaves_every_record_as_it_is_until_it_changes_again(acme: Company) -> None:
    filled(acme, 12)
    for n in range(12):
        acme.edit_chargebee(f"c{n}", last_name=f"Berg {n}")
    acme.run("sync")
    number = str(brake(acme)["id"])
    said = release(acme, "drop")
    assert "that is done, and can't be taken back" in said and "the next run applies it" not in said
    assert acme.run("holds", "take-back", number).exit_code == 2
    acme.run("sync")
    assert names(acme) == {"Nordmann"}
    assert {hold["cause"] for hold in acme.json("holds", "list")} == {"ignored"}
    acme.edit_chargebee("c3", last_name="Lie")
    acme.run("sync")
    assert names(acme) == {"Nordmann", "Lie"}


def test_a_kept_plan_does_what_a_brake_has_stopped(acme: Company) -> None:
    filled(acme, 12)
    for n in range(12):
        acme.edit_chargebee(f"c{n}", last_name=f"Berg {n}")
    acme.run("sync")
    kept = acme.directory / "plan.json"
    acme.run("plan", "--out", str(kept))
    done = acme.run("sync", str(kept))
    assert done.exit_code == 0, done.output
    assert len(names(acme)) == 12
    assert acme.json("holds", "list") == []


def test_all_of_a_kind_is_let_go_by_its_name(acme: Company) -> None:
    filled(acme, 12)
    for n in range(12):
        acme.edit_chargebee(f"c{n}", last_name=f"Berg {n}")
    acme.run("sync")
    assert acme.run("sync", "--release", "contact:change").exit_code == 0
    assert len(names(acme)) == 12


def test_a_mass_clear_and_one_value_over_all_others_have_brakes_of_their_own(acme: Company) -> None:
    limits(acme, change_share=1, clear_count=3, same_count=3)
    filled(acme, 5)
    for n in range(4):
        acme.edit_chargebee(f"c{n}", phone="", last_name="Berg", first_name=f"New{n}")
    done = acme.run("sync")
    assert done.exit_code == 3
    assert "brake: a property of 4 records of contact would be emptied" in done.stdout
    assert "brake: last_name of 4 records of contact would be replaced by the same value" in done.stdout
    rows = list(acme.in_erp().values())
    assert all(row["phone"] for row in rows) and names(acme) == {"Nordmann"}
    assert sum(row["given_name"].startswith("New") for row in rows) == 4, "what is neither goes on"
    all_of_it = ("--pair", "contact", "--cause", "brake", "--choose", "release")
    assert acme.run("holds", "release", *all_of_it).exit_code == 0
    assert acme.run("sync").exit_code == 0
    assert sum(row["family_name"] == "Berg" and not row["phone"] for row in acme.in_erp().values()) == 4


def test_a_mass_delete_is_not_carried_over(acme: Company) -> None:
    limits(acme, retire_count=3)
    path = acme.directory / "dataflow.yaml"
    path.write_text(path.read_text().replace("on_delete: hold", "on_delete: retire"))
    filled(acme, 8)
    for n in range(5):
        acme.chargebee.console("DELETE", f"customers/c{n}")
    acme.chargebee.console("POST", "clock", {"advance_s": 3600})  # it deletes customers some time later
    done = acme.run("sync", "--full")
    assert done.exit_code == 3, done.output
    assert "brake: 5 records of contact would be taken out of use" in done.stdout
    release(acme, "drop")
    acme.run("sync", "--full")
    assert all(row["active"] for row in acme.in_erp().values())
    assert [hold["cause"] for hold in acme.json("holds", "list")] == ["ignored"] * 5


def test_a_side_that_lists_nothing_stops_its_pair_until_it_is_back(acme: Company) -> None:
    filled(acme, 4)
    empty = {"kind": "rewrite_json", "set": {"/items": [], "/next_cursor": None}}
    acme.erp.add_fault(empty, match={"method": "GET", "path": "/api/v1/contacts"})
    acme.edit_chargebee("c1", last_name="Berg")
    done = acme.run("sync", "--full")
    assert done.exit_code == 3
    assert "Custom ERP lists none of 4 known contact records" in done.stdout
    assert names(acme) == {"Nordmann"}
    assert brake(acme)["choices"] == ["release"]
    planned = acme.run("plan", quiet=False)
    assert "1 write (which is stopped by brakes until" in planned.stdout, planned.stdout
    assert "next:" not in planned.stderr


@pytest.mark.parametrize("share", [1, 0.5])
def test_a_first_run_may_make_everything_unless_the_dataflow_says_otherwise(
    acme: Company, share: float
) -> None:
    limits(acme, first_create_share=share)
    for n in range(12):
        acme.customer(f"c{n}", "Åse", f"Nordmann {n}", f"ase{n}@example.test")
    assert acme.run("sync").exit_code == (0 if share == 1 else 3)
    assert len(acme.in_erp()) == (12 if share == 1 else 0)


def test_many_small_runs_are_one_large_one(acme: Company) -> None:
    limits(acme, change_count=3)
    filled(acme, 6)
    for n in range(3):
        acme.edit_chargebee(f"c{n}", last_name=f"Berg {n}")
        assert acme.run("sync").exit_code == 0
    acme.edit_chargebee("c4", last_name="Berg")
    done = acme.run("sync")
    assert done.exit_code == 3
    assert "3 were" in done.stdout
    assert len(names(acme)) == 4
