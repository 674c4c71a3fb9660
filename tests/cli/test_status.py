"""`instep status`."""

from __future__ import annotations

import re

from tests.cli.company import Company


def test_before_the_first_run_nothing_is_known_and_no_store_is_made(acme: Company) -> None:
    shown = acme.run("status")
    assert shown.exit_code == 0
    assert "nothing is known yet" in shown.stdout
    assert acme.json("status") == {"runs": [], "pairs": {}, "in_doubt": []}
    assert not (acme.directory / "instep.sqlite").exists()


def test_each_pair_is_told_with_what_is_linked_and_held(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.customer("c2", "Ole", "Berg", "ole@example.test", net_term_days=15)
    acme.run("sync")
    shown = acme.run("status")
    assert shown.exit_code == 3
    assert re.search(r"^contact +2 +1 +1 +0 +0 +1 \(1 refused\)$", shown.stdout, re.M), shown.stdout
    assert re.search(r"^last run: 1 \(sync\) done, \d+ s ago$", shown.stdout, re.M)
    assert re.search(r"^last complete reading of both systems: \d+ s ago$", shown.stdout, re.M)


def test_what_is_planned_but_not_done_is_to_do_and_has_an_age(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.run("plan")
    found = acme.json("status")
    assert found["pairs"]["contact"]["todo"] == 1
    assert found["pairs"]["contact"]["lag_ms"] >= 0
    assert found["pairs"]["order"]["lag_ms"] is None
    assert found["runs"][0]["kind"] == "plan"


def test_it_asks_no_system_and_needs_no_secret(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.run("sync")
    acme.chargebee.stop()
    acme.erp.stop()
    for key in (acme.directory / ".instep-sandbox").glob("*.key"):
        key.unlink()
    shown = acme.run("status")
    assert shown.exit_code == 0, shown.output
    assert acme.json("status")["pairs"]["contact"]["linked"] == 1


def test_a_write_that_may_have_been_applied_is_shown_as_in_doubt(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.erp.add_fault(
        {"kind": "status", "status": 500}, match={"method": "POST", "path": "^/api/v1/contacts"}
    )
    acme.run("sync")
    found = acme.json("status")
    assert [doubt["operation"] for doubt in found["in_doubt"]] == ["create"]
    assert "in doubt: create of" in acme.run("status").stdout
