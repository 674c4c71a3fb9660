"""The `instep` command itself: help, errors, exit codes."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from instep.cli import COMMANDS, EXIT_CODES, Program, instep
from instep.cli.terminal import Terminal
from instep.cli.trouble import report_trouble
from instep.errors import ConfigurationError, Problem, Stop, StoreError, UsageError


def program(command: click.Command) -> Program:
    """The program with one command of the test's own, which needs no module."""

    class WithOne(Program):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return command if cmd_name == "try" else super().get_command(ctx, cmd_name)

    return WithOne("instep", callback=instep.callback, params=list(instep.params))


def failing(error: BaseException) -> Program:
    @click.command("try")
    def command() -> None:
        raise error

    return program(command)


def test_the_help_names_every_command_and_every_exit_code() -> None:
    shown = CliRunner().invoke(instep, ["--help"], terminal_width=100)
    assert shown.exit_code == 0
    for name, sentence in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(sentence)}$", shown.stdout, re.M)
    for code, meaning in EXIT_CODES.items():
        assert re.search(rf"^  {code} +{re.escape(meaning)}$", shown.stdout, re.M)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(name: str) -> None:
    shown = CliRunner().invoke(instep, [name, "--help"])
    assert shown.exit_code == 0
    command = importlib.import_module(f"instep.cli.{name.replace('-', '_')}").command
    assert (command.help or "").strip()
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, f"{name} {option.name}"


def test_the_help_loads_none_of_the_commands_nor_what_they_need() -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom instep.cli import instep\n"
        "assert CliRunner().invoke(instep, ['--help']).exit_code == 0\n"
        "print(sorted({'rich', 'aiohttp', 'pydantic', 'apsw', 'asyncio'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_a_command_that_is_not_there_is_a_mistake_of_usage() -> None:
    refused = CliRunner().invoke(instep, ["sink"])
    assert refused.exit_code == 2
    assert "No such command 'sink'" in refused.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no", why="it is not there", fix="make it"), 2),
        (ConfigurationError([Problem("a.yaml", 3, 7, "no", why="it is not there", fix="make it")]), 2),
        (Stop("no", why="it is not there", fix="make it"), 4),
        (StoreError("no", why="it is not there", fix="make it"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error_says_what_why_and_how_to_mend_it_and_has_its_exit_code(
    error: BaseException, code: int
) -> None:
    ended = CliRunner().invoke(failing(error), ["try"])
    assert ended.exit_code == code
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    if code != 130:
        assert "  why: it is not there\n  fix: make it\n" in ended.stderr


def test_an_unforeseen_error_is_a_few_lines_and_a_private_file_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    @click.command("try")
    @click.pass_obj
    def command(terminal: Terminal) -> None:
        terminal.secrets.add("hush")
        raise ValueError("a bad thing with hush in it")

    ended = CliRunner().invoke(program(command), ["try"])
    assert ended.exit_code == 1
    assert len(ended.stderr.splitlines()) == 3
    assert "ValueError: a bad thing with [secret] in it" in ended.stderr
    (kept,) = tmp_path.iterdir()
    assert str(kept) in ended.stderr
    assert kept.stat().st_mode & 0o077 == 0
    assert "Traceback" in kept.read_text()
    assert "hush" not in kept.read_text()


def test_an_error_that_can_not_be_kept_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    report_trouble(ValueError("a bad thing"), Terminal())
    said = capsys.readouterr().err
    assert "ValueError: a bad thing" in said
    assert "could not be kept" in said


def test_a_directory_without_a_site_is_told_how_to_make_one(tmp_path: Path) -> None:
    for words in (["check"], ["plan"], ["sync"], ["status"]):
        refused = CliRunner().invoke(instep, ["-C", str(tmp_path), *words])
        assert refused.exit_code == 2
        assert "instep.yaml" in refused.output
        assert "instep init" in refused.output


def test_python_dash_m_is_the_same_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "instep", "--version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("instep, version ")


def test_no_colour_goes_to_a_pipe() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "instep", "--help"],
        capture_output=True,
        check=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    assert b"\x1b" not in shown.stdout
