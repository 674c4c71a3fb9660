"""Sandbox servers as processes of their own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from instep.sandbox.launch import SandboxError, console, start, stop
from instep.sandbox.world import build_world, bulk_contacts


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_server_answers_once_it_is_started_and_ends_cleanly(tmp_path: Path) -> None:
    with start("erp", tmp_path / "erp.db") as erp:
        made = erp.console("POST", "contacts", {"family_name": "Kern"})
        assert erp.console("GET", "records/contacts")["records"] == [made]
        assert erp.counters()["total"] == 0
    assert erp.process.returncode == 0
    assert gone(erp.pid)
    assert erp.log.read_text() == ""


def test_what_was_written_survives_a_power_cut(tmp_path: Path) -> None:
    with start("erp", tmp_path / "erp.db") as erp:
        made = erp.console("POST", "contacts", {"family_name": "Kern"})
        erp.kill()
    with start("erp", tmp_path / "erp.db") as erp:
        assert erp.console("GET", f"contacts/{made['id']}") == made


def test_a_world_and_people_in_bulk_are_loaded_in_pieces(tmp_path: Path) -> None:
    world = build_world(1, 0.1)
    with start("erp", tmp_path / "erp.db") as erp:
        assert erp.load(world.erp, at_once=7) == sum(len(rows) for rows in world.erp.values())
        assert erp.load({"contacts": bulk_contacts(25)}, at_once=10) == 25
        contacts = erp.console("GET", "records/contacts")["records"]
        assert len(contacts) == len(world.erp["contacts"]) + 25


def test_faults_and_counters_are_within_reach(tmp_path: Path) -> None:
    with start("erp", tmp_path / "erp.db") as erp:
        number = erp.add_fault({"kind": "status", "status": 503}, match={"method": "POST"}, times=2)
        rules = erp.console("GET", "faults")["rules"]
        assert [(rule["id"], rule["times"]) for rule in rules] == [(number, 2)]
        erp.clear_faults()
        assert erp.console("GET", "faults")["rules"] == []
        erp.reset_counters()


def test_a_refusal_of_the_console_says_what_and_why(tmp_path: Path) -> None:
    refusal = pytest.raises(SandboxError, match=r"refused PATCH contacts/9\n  why: 404: .*not_found")
    with start("erp", tmp_path / "erp.db") as erp, refusal:
        erp.console("PATCH", "contacts/9", {})
    with pytest.raises(SandboxError, match="did not answer"):
        console(erp.url, "GET", "clock")


def test_a_secret_is_taken_from_the_environment(tmp_path: Path) -> None:
    with start("erp", tmp_path / "a.db", options=["--token-env", "ERP_T"], env={"ERP_T": "hush"}) as erp:
        command = Path(f"/proc/{erp.pid}/cmdline")
        assert not command.exists() or b"hush" not in command.read_bytes()
    with pytest.raises(SandboxError, match="the environment variable ERP_NONE is not set"):
        start("erp", tmp_path / "b.db", options=["--token-env", "ERP_NONE"])


@pytest.mark.parametrize(
    ("option", "why"),
    [("list_lag_ms=-1", "list_lag_ms"), ("etags=maybe", "not JSON"), ("colour=1", "colour")],
)
def test_a_wrong_setting_stops_the_start_with_its_reason(tmp_path: Path, option: str, why: str) -> None:
    with pytest.raises(SandboxError, match=why):
        start("erp", tmp_path / "erp.db", options=["--setting", option])


def test_a_taken_port_stops_the_start_with_its_reason(tmp_path: Path) -> None:
    with start("erp", tmp_path / "a.db") as erp:
        port = int(erp.url.rpartition(":")[2])
        with pytest.raises(SandboxError, match=f"why: port {port} on 127.0.0.1"):
            start("erp", tmp_path / "b.db", port=port)


def test_a_detached_server_is_stopped_by_its_process_id(tmp_path: Path) -> None:
    erp = start("erp", tmp_path / "erp.db", detached=True)
    try:
        assert os.getpgid(erp.pid) != os.getpgid(0)
    finally:
        stop(erp.pid)
        erp.stop()
    assert gone(erp.pid)
    stop(erp.pid)


def test_a_server_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from instep.sandbox.launch import start\n"
        "running = start('erp', pathlib.Path(sys.argv[1]))\n"
        "print(running.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "erp.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 20)[0]
    finally:
        os.close(descriptor)


def test_the_ready_line_is_json_with_system_url_and_process_id(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "instep.sandbox", "erp", "--db", str(tmp_path / "erp.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert (ready["system"], ready["pid"]) == ("erp", process.pid)
        assert ready["url"].startswith("http://127.0.0.1:")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 0
