"""Ctrl-C, `--every`, and progress, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from instep.cli.progress import Lines
from instep.cli.sync import Duration
from instep.cli.terminal import Terminal
from instep.processes import SERVING
from instep.runner.run import Progress
from instep.site import now_ms
from instep.store.sqlite import open_store
from tests.cli.company import Company

WAIT_S = 30.0


@contextmanager
def instep(directory: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a process of its own; it is ended with the block if it has not ended."""
    command = [sys.executable, "-m", "instep", "-C", str(directory), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[bytes], text: str, *, error: bool = True) -> str:
    """What the process says up to `text`; fails if it ends or is silent for too long."""
    stream = process.stderr if error else process.stdout
    assert stream is not None
    said = b""
    while text.encode() not in said:
        readable, _, _ = select.select([stream], [], [], WAIT_S)
        chunk = os.read(stream.fileno(), 65536) if readable else b""
        assert chunk, f"{text!r} was not said, but: {said.decode()}"
        said += chunk
    return said.decode()


def people(acme: Company, count: int) -> None:
    for number in range(count):
        acme.customer(f"c{number}", "Åse", f"Nordmann {number}", f"ase{number}@example.test")


@pytest.mark.slow
def test_ctrl_c_finishes_the_calls_on_their_way_and_the_next_sync_goes_on(acme: Company) -> None:
    people(acme, 60)
    acme.erp.add_fault({"kind": "latency", "ms": 300}, match={"method": "POST", "path": "^/api/v1/contacts"})
    with instep(acme.directory, "sync") as process:
        read_until(process, "syncing contact")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    assert b"Ctrl-C again stops at once" in err
    assert b"stopped" in out
    made = acme.in_erp()
    assert 0 < len(made) < 60
    assert acme.json("status")["in_doubt"] == []
    acme.erp.clear_faults()
    assert acme.run("sync").exit_code == 0
    assert len(acme.erp.console("GET", "records/contacts")["records"]) == 60


def test_a_sync_that_goes_on_waits_for_a_store_that_another_process_has(acme: Company) -> None:
    acme.run("sync")

    async def beside_another() -> None:
        store = open_store(acme.directory / "instep.sqlite")
        await store.acquire(f"{SERVING}the other machine", now_ms(), 60_000)
        with instep(acme.directory, "sync", "--every", "1s", "--json") as process:
            said = await asyncio.to_thread(read_until, process, "in a moment")
            assert "instep serve is at work" in said
            await store.release()
            await store.close()
            await asyncio.to_thread(read_until, process, "done", error=False)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT_S) == 130

    asyncio.run(beside_another())


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once_and_nothing_is_made_twice(acme: Company) -> None:
    people(acme, 20)
    acme.erp.add_fault(
        {"kind": "latency", "ms": 20_000}, match={"method": "POST", "path": "^/api/v1/contacts"}
    )
    with instep(acme.directory, "sync") as process:
        while not acme.json("status")["in_doubt"]:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        read_until(process, "Ctrl-C again")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
    assert process.returncode == 130
    acme.erp.clear_faults()
    acme.run("sync")
    emails = [row["email"] for row in acme.erp.console("GET", "records/contacts")["records"]]
    assert len(emails) == len(set(emails))


@pytest.mark.slow
def test_sync_every_so_often_carries_edits_until_it_is_stopped(acme: Company) -> None:
    people(acme, 1)
    with instep(acme.directory, "-q", "sync", "--every", "0.2s") as process:
        assert "run 1 done: contact: 1 created in Custom ERP" in read_until(
            process, "run 1 done", error=False
        )
        acme.edit_chargebee("c0", last_name="Berg")
        read_until(process, "1 changed in Custom ERP", error=False)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    assert acme.in_erp()["ase0@example.test"]["family_name"] == "Berg"


@pytest.mark.slow
def test_sync_every_so_often_as_json_is_a_line_a_run(acme: Company) -> None:
    with instep(acme.directory, "-q", "sync", "--every", "0.1s", "--json") as process:
        said = read_until(process, '"run":2', error=False)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_S)
    assert json.loads(said.splitlines()[0])["status"] == "done"
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("5m", 300), ("1h", 3600), ("7", 7), ("0.5s", 0.5)]
)
def test_a_span_of_time_is_read(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "s", "soon", "-1s", "0", "nan", "inf", "1e9h"])
def test_what_is_no_span_of_time_is_refused(text: str, tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "instep", "-C", str(tmp_path), "sync", "--every", text], capture_output=True
    )
    assert refused.returncode == 2
    assert b"is no time such as 60s" in refused.stderr


def test_without_a_terminal_progress_is_a_line_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now_s = 0.0
    lines = Lines(Terminal(), lambda: now_s)
    for second in range(11):
        now_s = float(second)
        lines(Progress("act", "contact", second * 10, 200, requests=second))
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "syncing contact: 0 of 200",
        "syncing contact: 50 of 200, 5 requests so far, about 15 s to go",
        "syncing contact: 100 of 200, 10 requests so far, about 10 s to go",
    ]
