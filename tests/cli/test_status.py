"""`instep status`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import apsw

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
    shown = acme.run("status").stdout
    assert re.search(
        r"^in doubt: create of .* ago; a run after 20\S+ \S+ UTC \(in [67] min\) settles it,", shown, re.M
    )
    [doubt] = found["in_doubt"]
    taken = datetime.fromisoformat(doubt["settled_after"]) - datetime.fromisoformat(doubt["sent"])
    assert timedelta(minutes=6) <= taken < timedelta(minutes=7)
    planned = acme.run("plan").stdout
    assert "nothing to do" not in planned
    assert "nothing to write as far as is known; 1 write is in doubt: instep status says when" in planned


def test_a_write_in_doubt_that_can_be_sent_again_is_settled_by_the_next_run(acme: Company) -> None:
    acme.contact("7", "Åse", "Nordmann", "ase@example.test")
    acme.chargebee.add_fault(
        {"kind": "status", "status": 500}, match={"method": "POST", "path": "/customers$"}, times=1
    )
    acme.run("sync")
    [doubt] = acme.json("status")["in_doubt"]
    again = datetime.fromisoformat(doubt["settled_after"]) - datetime.fromisoformat(doubt["sent"])
    assert timedelta(0) < again <= timedelta(seconds=5), (
        "it is sent again, since Chargebee would not make it twice"
    )
    connection = apsw.Connection(str(acme.directory / "instep.sqlite"))
    connection.execute("update intents set sent_ms = sent_ms - 60000")
    connection.close()
    assert "; the next run settles it" in acme.run("status").stdout
    acme.run("sync")
    assert acme.json("status")["in_doubt"] == []
