"""`instep history`: the journal and the runs, in words."""

from __future__ import annotations

import json
import socket
from typing import Any

import apsw
import pytest

from instep.processes import this_process
from tests.cli.company import Company


@pytest.fixture
def edited(acme: Company) -> Company:
    """Two people that were created in the ERP; then the ERP changed one of them."""
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.customer("c2", "Ole", "Berg", "ole@example.test")
    assert acme.run("sync").exit_code == 0
    acme.edit_erp(acme.in_erp()["ase@example.test"]["id"], family_name="Berg", language="sv")
    assert acme.run("sync").exit_code == 0
    return acme


def entries(acme: Company, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in acme.run("history", *words, "--json").stdout.splitlines()]


def test_a_write_is_told_with_its_run_its_system_its_reason_and_old_and_new_value(edited: Company) -> None:
    shown = edited.run("history", "contact", "c1").stdout
    assert "run 2  update contact c1 = " in shown
    assert "in Chargebee   (Custom ERP was edited)" in shown
    assert '    last_name: "Nordmann" -> "Berg"' in shown


def test_the_latest_comes_first(edited: Company) -> None:
    operations = [entry["operation"] for entry in entries(edited, "contact", "c1")]
    assert operations[0] == "update"
    assert operations[-1] == "create"


def test_a_history_can_be_of_one_record_one_run_or_one_property(edited: Company) -> None:
    assert {e["partner"] for e in entries(edited, "contact", "c2") if e["operation"] == "create"} == {"c2"}
    assert {e["run"] for e in entries(edited, "--run", "1")} == {1}
    only = edited.run("history", "contact", "c1", "--property", "last_name").stdout
    assert '"Nordmann" -> "Berg"' in only
    assert "language" not in only and "locale" not in only


def test_a_property_that_the_pair_does_not_have_is_answered_with_those_it_has(edited: Company) -> None:
    shown = edited.run("history", "contact", "c1", "--property", "surname")
    assert shown.exit_code == 2
    assert "last_name" in shown.stderr


def test_no_more_is_shown_than_was_asked_for(edited: Company) -> None:
    assert len(entries(edited, "--limit", "2")) == 2


def test_runs_are_listed_with_how_they_ended_and_how_much_they_wrote(edited: Company) -> None:
    first, second = edited.run("history", "--runs").stdout.splitlines()
    assert first.startswith("run 2  20") and "sync: done" in first and "1 write" in first
    assert "2 writes" in second


def change_store(acme: Company, *statements: str) -> None:
    connection = apsw.Connection(str(acme.directory / "instep.sqlite"))
    for statement in statements:
        connection.execute(statement)
    connection.close()


UNFINISHED = "update runs set finished_ms = null, status = 'running', summary = 'null' where id = {}"


def test_a_run_that_is_not_at_its_end_is_not_said_to_have_written_nothing(edited: Company) -> None:
    lease = f"update lease set holder = '{this_process()}', until_ms = {2**62}"
    change_store(edited, UNFINISHED.format(2), lease)
    latest, first = edited.run("history", "--runs").stdout.splitlines()
    assert latest.endswith("going on, 1 write so far") and "2 writes" in first
    assert "has not ended" in edited.run("status").stdout


@pytest.mark.parametrize(
    "lease", ["", "another process 1, started long ago", f"{socket.gethostname()} process 1, started never"]
)
def test_a_run_whose_process_is_gone_was_broken_off(edited: Company, lease: str) -> None:
    until_ms = 2**62 if lease.startswith(socket.gethostname()) else 0
    change_store(edited, UNFINISHED.format(2), f"update lease set holder = '{lease}', until_ms = {until_ms}")
    latest, _ = edited.run("history", "--runs").stdout.splitlines()
    assert latest.endswith("sync: broken off, 1 write"), latest
    told = json.loads(edited.run("history", "--runs", "--json").stdout.splitlines()[0])
    assert told["broken_off"] is True and told["status"] == "running"
    assert "last run: 2 (sync) was broken off" in edited.run("status").stdout
    assert edited.json("status")["runs"][0]["broken_off"] is True


def test_a_run_after_which_another_one_began_was_broken_off(edited: Company) -> None:
    lease = f"update lease set holder = '{this_process()}', until_ms = {2**62}"
    change_store(edited, UNFINISHED.format(1), UNFINISHED.format(2), lease)
    latest, first = edited.run("history", "--runs").stdout.splitlines()
    assert "going on" in latest and first.endswith("sync: broken off, 2 writes")


def test_a_value_that_lost_a_conflict_is_in_the_history(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.contact("7", "Åsa", "Nordmann", "ase@example.test")
    acme.run("sync")
    (hold,) = acme.json("holds", "list")
    acme.run("holds", "release", str(hold["id"]), "--take", "left")
    acme.run("sync")
    shown = acme.run("history", "contact", "c1", "--property", "first_name").stdout
    assert "overruled contact c1 = 7 in Custom ERP   (a person chose this side)" in shown
    assert '    given_name (first_name): "Åsa" lost' in shown
    (release,) = [line for line in shown.splitlines() if "release contact" in line]
    assert "in Custom ERP" not in release and "in Chargebee" not in release
    assert "    first_name" in shown.splitlines(), "a choice names its property, and no value"


def test_the_journal_verifies_and_gives_an_anchor_that_it_still_holds_later(edited: Company) -> None:
    shown = edited.run("history", "--verify")
    assert shown.exit_code == 0
    assert "the journal is as it was written: " in shown.stdout
    anchor = edited.json("history", "--verify")["anchor"]
    assert f"anchor: {anchor}" in shown.stdout
    edited.edit_erp(edited.in_erp()["ole@example.test"]["id"], family_name="Fjell")
    assert edited.run("sync").exit_code == 0
    later = edited.run("history", "--verify", "--anchor", anchor)
    assert later.exit_code == 0 and "the anchor is in it" in later.stdout


def test_a_journal_that_was_changed_is_told_with_the_entry(edited: Company) -> None:
    connection = apsw.Connection(str(edited.directory / "instep.sqlite"))
    connection.execute("update journal set outcome = 'refused' where seq = 2")
    connection.close()
    shown = edited.run("history", "--verify")
    assert shown.exit_code == 3
    assert "the journal does not verify: entry 2 is not as it was written" in shown.stdout
    told = edited.json("history", "--verify")
    assert (told["verified"], told["at"], told["entries"]) == (False, 2, 1)


def test_an_anchor_that_is_none_or_of_another_journal_is_answered(edited: Company) -> None:
    assert edited.run("history", "--anchor", "yesterday").exit_code == 2
    other = edited.run("history", "--verify", "--anchor", f"1:{'0' * 64}")
    assert other.exit_code == 3
    assert "the anchor is not in this journal" in other.stdout


def test_a_write_is_told_with_the_id_that_the_system_itself_gave_its_request(edited: Company) -> None:
    (update,) = entries(edited, "contact", "c1", "--property", "last_name", "--limit", "1")
    assert f"    request {update['request']}" in edited.run("history", "contact", "c1").stdout
    log = {seen["request_id"]: seen for seen in edited.chargebee.console("GET", "requests")["requests"]}
    assert log[update["request"]]["path"] == "/api/v2/customers/c1"


def test_a_write_that_was_refused_is_told_with_the_id_of_its_request(acme: Company) -> None:
    acme.customer("c1", "Åse", "Nordmann", "ase@example.test")
    acme.erp.add_fault({"kind": "status", "status": 422}, match={"method": "POST"})
    acme.run("sync")
    refused = next(e for e in entries(acme, "contact", "c1") if e["outcome"] == "refused")
    log = {seen["request_id"]: seen for seen in acme.erp.console("GET", "requests")["requests"]}
    assert log[refused["request"]]["status"] == 422


def test_what_is_older_than_the_journal_is_kept_for_is_pruned_and_undo_says_so(edited: Company) -> None:
    connection = apsw.Connection(str(edited.directory / "instep.sqlite"))
    connection.execute("update journal set at_ms = 1000; update runs set started_ms = 1000; delete from meta")
    connection.close()
    assert edited.run("sync").exit_code == 0
    (pruned,) = entries(edited)
    assert pruned["operation"] == "prune" and "kept for 730 days" in pruned["reason"]
    shown = edited.run("history", "--verify").stdout
    assert "as it was written: 1 entry" in shown and "the last one of 1970-01-01" in shown
    assert edited.json("history", "--verify")["pruned"] == int(pruned["record"])
    told = edited.run("undo", "2", "--yes")
    assert "the journal was pruned up to 1970-01-01 00:00:01 UTC: what run 2 wrote" in told.stdout
    assert edited.json("undo", "2")["pruned"] is True


def test_a_site_can_keep_its_journal_for_ever(edited: Company) -> None:
    path = edited.directory / "instep.yaml"
    path.write_text(path.read_text().replace("keep_history_days: 730", "keep_history_days: null"))
    connection = apsw.Connection(str(edited.directory / "instep.sqlite"))
    connection.execute("update journal set at_ms = 1000; delete from meta")
    connection.close()
    before = len(entries(edited))
    assert edited.run("sync").exit_code == 0
    assert len(entries(edited)) == before


def test_a_write_is_told_in_the_words_of_the_system_that_was_written_to(edited: Company) -> None:
    """The left record first, the right side's own names of fields, and reasons that name systems and no sides."""
    edited.edit_chargebee("c2", last_name="Holm")
    edited.run("sync")
    id = edited.in_erp()["ole@example.test"]["id"]
    shown = edited.run("history", "contact", id, "--side", "right").stdout
    assert f"update contact c2 = {id} in Custom ERP   (Chargebee was edited)" in shown
    assert '    family_name (last_name): "Berg" -> "Holm"' in shown
    assert f"create contact c2 = {id} in Custom ERP" in shown
    assert "(made in Custom ERP to be its partner)" in shown and "created right" not in shown
    latest = entries(edited, "contact", id, "--side", "right")[0]
    assert (latest["ids"], latest["changes"][0]["fields"]) == ({"left": "c2", "right": id}, ["family_name"])


def test_a_record_that_was_not_read_yet_is_answered_with_how_it_is_read(edited: Company) -> None:
    edited.customer("c77", "Uma", "Lind", "uma@example.test")
    unknown = edited.run("history", "contact", "c77")
    assert unknown.exit_code == 2 and "made after the last reading" in unknown.stderr
    assert "instep plan" in unknown.stderr
    edited.run("plan", "--full")
    assert edited.run("history", "contact", "c77").stdout == "nothing was written\n"


def test_a_link_that_is_put_to_rest_is_not_told_as_a_write(edited: Company) -> None:
    for row in edited.erp.console("GET", "records/contacts")["records"]:
        edited.erp.console("DELETE", f"contacts/{row['id']}")
    for row in edited.chargebee.console("GET", "records/customers")["records"]:
        edited.chargebee.console("DELETE", f"customers/{row['id']}")
    edited.chargebee.console("POST", "clock", {"advance_s": 3600})  # it deletes customers some time later
    edited.run("sync", "--full")
    rest = [line for line in edited.run("history").stdout.splitlines() if "deleted on both sides" in line]
    assert rest and all("put to rest, nothing written: contact" in line for line in rest), rest
    assert not any(" in Chargebee" in line for line in rest)
    assert {entry["operation"] for entry in entries(edited) if entry["said"] == "deleted on both sides"} == {
        "retire"
    }
    assert edited.run("history", "--runs").stdout.splitlines()[0].endswith("0 writes")
