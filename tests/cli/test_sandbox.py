"""`instep sandbox`: servers that outlive the command, edited as a person would."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from instep.cli import instep, servers
from instep.cli.sandbox import FAULTS, fields_of
from instep.cli.servers import Place, moment_of_start
from instep.errors import UsageError
from instep.sandbox.kit.fault_effects import DELAYS, EFFECTS


def run(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(instep, ["-q", "-C", str(directory), "sandbox", *words])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A directory whose sandbox runs."""
    made = Place(tmp_path)
    try:
        started = run(tmp_path, "start")
        assert started.exit_code == 0, started.output
        yield made
    finally:
        servers.stop(made)


def test_both_systems_answer_after_a_start_and_are_gone_after_a_stop(place: Place) -> None:
    pids = [server.pid for server in place.running().values()]
    assert len(pids) == 2
    stopped = run(place.directory, "stop")
    assert stopped.stdout == "stopped chargebee and erp\n"
    assert [moment_of_start(pid) for pid in pids] == ["", ""]
    assert run(place.directory, "stop").stdout == "nothing runs\n"


def test_a_second_start_leaves_running_systems_alone(place: Place) -> None:
    before = place.running()
    again = run(place.directory, "start")
    assert again.stdout.count("(ran already)") == 2
    assert place.running() == before


def test_a_start_beside_a_site_advises_no_other_site(place: Place) -> None:
    def said() -> str:
        return CliRunner().invoke(instep, ["-C", str(place.directory), "sandbox", "start"]).stderr

    assert "next: instep init --sandbox" in said()
    (place.directory / "instep.yaml").write_text("version: 1\n")
    assert "next: instep plan" in said()
    assert "init" not in said()


def test_records_keys_and_addresses_outlive_a_stop(place: Place) -> None:
    id = run(place.directory, "new", "erp", "contact", "family_name=Berg").stdout.strip()
    before = place.servers()
    key = (place.root / "erp.key").read_text()
    run(place.directory, "stop")
    run(place.directory, "start")
    after = place.running()
    assert [after[name].url for name in before] == [server.url for server in before.values()]
    assert (place.root / "erp.key").read_text() == key
    shown = run(place.directory, "show", "erp", "contact", id)
    assert json.loads(shown.stdout)["family_name"] == "Berg"


def test_a_fresh_start_forgets_records_but_not_under_a_running_system(place: Place) -> None:
    run(place.directory, "new", "erp", "contact", "family_name=Berg")
    refused = run(place.directory, "start", "--fresh")
    assert refused.exit_code == 2
    assert "stop it first: instep sandbox stop" in refused.stderr
    run(place.directory, "stop")
    assert run(place.directory, "start", "--fresh").exit_code == 0
    assert run(place.directory, "show", "erp", "contact").stdout == ""


def test_keys_are_for_their_owners_eyes_alone_and_in_no_output(place: Place) -> None:
    for system in ("chargebee", "erp"):
        file = place.root / f"{system}.key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text().strip() not in run(place.directory, "status").output


def test_a_process_that_took_over_an_old_number_is_not_stopped(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.root.mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        try:
            state = {"url": "http://127.0.0.1:1", "pid": stranger.pid, "started": "ticks 1", "key_file": "k"}
            place.state.write_text(json.dumps({"erp": state}))
            assert run(tmp_path, "stop").stdout == "nothing runs\n"
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_the_moment_of_a_start_tells_processes_apart() -> None:
    assert moment_of_start(os.getpid()) == moment_of_start(os.getpid()) != ""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        pass
    assert moment_of_start(ended.pid) == ""


def test_a_world_fills_both_and_is_not_filled_in_twice(place: Place) -> None:
    filled = run(place.directory, "start", "--world", "--scale", "0.1")
    assert "records of a made-up company are in both" in filled.stdout
    customers = run(place.directory, "show", "chargebee", "customer").stdout.splitlines()
    assert len(customers) > 5
    run(place.directory, "start", "--world", "--scale", "0.1")
    assert len(run(place.directory, "show", "chargebee", "customers").stdout.splitlines()) == len(customers)


def test_a_person_can_edit_both_systems_and_reach_into_objects(place: Place) -> None:
    directory = place.directory
    contact = run(directory, "new", "erp", "contact", "family_name=Berg", "phone=123", "address.city=Oslo")
    id = contact.stdout.strip()
    edited = run(
        directory, "edit", "erp", "contact", id, "payment_terms_days:=30", "phone=", "address.street=Vei 1"
    )
    assert edited.exit_code == 0, edited.output
    row = json.loads(run(directory, "show", "erp", "contact", id).stdout)
    assert (row["payment_terms_days"], row["phone"]) == (30, None)
    assert (row["address"]["city"], row["address"]["street"]) == ("Oslo", "Vei 1")
    customer = run(directory, "new", "chargebee", "customer", "first_name=Åse", "billing_address.country=NO")
    id = customer.stdout.strip()
    run(directory, "edit", "chargebee", "customer", id, "billing_address.city=Bodø")
    address = json.loads(run(directory, "show", "chargebee", "customer", id).stdout)["billing_address"]
    assert (address["city"], address["country"]) == ("Bodø", "NO")


def test_a_deleted_record_is_gone(place: Place) -> None:
    id = run(place.directory, "new", "erp", "contact", "family_name=Berg").stdout.strip()
    assert run(place.directory, "delete", "erp", "contact", id).exit_code == 0
    assert json.loads(run(place.directory, "show", "erp", "contact", id).stdout)["deleted"] is True


def test_what_a_system_refuses_is_told_with_its_reason(place: Place) -> None:
    shown = run(place.directory, "edit", "erp", "contact", "999", "family_name=Berg")
    assert shown.exit_code == 2
    assert "404" in shown.stderr


def test_a_fault_makes_a_system_misbehave_until_it_is_cleared(place: Place) -> None:
    assert run(place.directory, "fault", "erp", "429", "--always").exit_code == 0
    (rule,) = json.loads(run(place.directory, "status", "--json").stdout)["erp"]["faults"]
    assert rule["effect"]["status"] == 429
    run(place.directory, "fault", "erp", "clear")
    assert json.loads(run(place.directory, "status", "--json").stdout)["erp"]["faults"] == []


@pytest.mark.parametrize("kind", FAULTS)
def test_each_kind_of_fault_is_one_that_the_servers_know(kind: str) -> None:
    effect, said = FAULTS[kind]
    assert effect["kind"] in {**DELAYS, **EFFECTS}
    assert said


def test_nothing_can_be_edited_where_nothing_runs(tmp_path: Path) -> None:
    shown = run(tmp_path, "edit", "erp", "contact", "1", "family_name=Berg")
    assert shown.exit_code == 2
    assert "fix: start it: instep sandbox start" in shown.stderr


def test_assignments_are_texts_json_or_empty() -> None:
    assert fields_of(["a=1", "b:=1", "c=", "d.e=x=y", "d.f:=null"]) == {
        "a": "1",
        "b": 1,
        "c": None,
        "d": {"e": "x=y", "f": None},
    }


@pytest.mark.parametrize("text", ["city", "=x", "n:=", "n:={"])
def test_an_assignment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        fields_of([text])
