"""The demonstration, as an end-to-end test: every claim that it makes is checked at the systems."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from instep.cli import instep, servers
from instep.cli.demo_stage import Stage
from instep.cli.servers import Place
from instep.cli.terminal import Terminal


@contextmanager
def on_a_terminal(*words: str) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[str]]]:
    """The command with a terminal of its own, and the lines that it says there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "instep", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1"},
    )
    os.close(theirs)

    def lines() -> Iterator[str]:
        with (
            os.fdopen(ours, encoding="utf-8") as screen,
            suppress(OSError),
        ):  # the end of a terminal is an error
            yield from screen

    try:
        yield process, lines()
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_every_claim_holds_the_console_opens_on_a_terminal_and_nothing_is_left_running(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "demo"
    with on_a_terminal("-q", "demo", "--dir", str(directory)) as (process, lines):
        said = []
        for line in lines:
            said.append(line)
            if "the token is in" in line:
                break
        shown = "".join(said)
        url = said[-1].partition(": ")[0]
        assert url.startswith("http://127.0.0.1:"), shown
        with urllib.request.urlopen(f"{url}/health/live", timeout=30) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert "every claim held" in shown
    assert "✗" not in shown
    assert "both servers counted no request that could write" in shown
    assert (directory / "instep.token").read_text().strip() not in shown
    place = Place(directory)
    assert len(place.servers()) == 2
    assert place.running() == {}


@pytest.mark.slow
def test_a_demonstration_that_is_kept_goes_on_with_ordinary_commands(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        return CliRunner().invoke(instep, ["-q", "-C", str(tmp_path), *words]).stdout

    try:
        shown = CliRunner().invoke(instep, ["-q", "demo", "--keep", "--dir", str(tmp_path)])
        assert shown.exit_code == 0, shown.output
        assert "The console" not in shown.stdout
        assert "instep sandbox stop" in shown.stdout
        run("sandbox", "edit", "erp", "contact", "1012", "family_name=Newname")
        assert '-> "Newname"' in run("plan")
        run("sync")
        assert "in step: all" in run("explain", "contact", "1012", "--side", "right")
    finally:
        servers.stop(Place(tmp_path))


@pytest.mark.slow
def test_ctrl_c_ends_the_demonstration_and_its_servers(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    command = [sys.executable, "-m", "instep", "demo", "--dir", str(directory)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as demo:
        assert demo.stdout is not None
        assert any("$ instep plan" in line for line in demo.stdout)
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
        assert demo.wait(60) == 130
    place = Place(directory)
    assert len(place.servers()) == 2
    assert place.running() == {}


def test_a_claim_that_does_not_hold_is_said_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(Terminal(), tmp_path)
    stage.expect(True, "one and one are two")
    stage.expect(False, "one and one are three")
    assert stage.failures == ["one and one are three"]
    assert "✗ one and one are three   NOT SO" in capsys.readouterr().out


def test_a_command_that_fails_is_a_claim_that_did_not_hold(tmp_path: Path) -> None:
    stage = Stage(Terminal(), tmp_path)
    assert stage.command("check") == 2
    assert stage.failures == ["instep check ended with 2"]


def test_a_directory_with_files_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "instep.yaml").write_text("mine")
    shown = CliRunner().invoke(instep, ["demo", "--dir", str(tmp_path)])
    assert shown.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["instep.yaml"]
