"""`instep demo`: the whole of it in a minute, on this machine, with every claim checked at the systems."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from instep.cli import demo_story, demo_tryton, servers
from instep.cli.demo_stage import Stage
from instep.cli.servers import Place
from instep.cli.terminal import Terminal
from instep.errors import UsageError


@click.command()
@click.option("--keep", is_flag=True, help="Leave the two systems running and the files in place, to go on.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Use this new or empty directory; otherwise a temporary one.",
)
@click.option("--tryton", is_flag=True, help="With a real Tryton as the ERP; it is installed the first time.")
@click.option(
    "--no-console", is_flag=True, help="End with the story; otherwise a terminal gets the console too."
)
@click.pass_obj
def command(terminal: Terminal, keep: bool, directory: Path | None, tryton: bool, no_console: bool) -> int:
    """Show Instep at work on two systems of a made-up company, on this machine.

    Every claim is checked at the systems themselves. Exit code 1 if one does not hold. On a terminal it ends with
    the console, on what the story left, until Ctrl-C.
    """
    place = _place(directory)
    stage = Stage(terminal, place.directory)
    began_s = time.monotonic()
    try:
        if tryton:
            demo_tryton.play(stage, place)
        else:
            demo_story.play(stage, place)
        _end(stage, time.monotonic() - began_s)
        if not no_console and _before_a_person():
            _open_console(stage)
        if keep and not tryton:
            demo_story.tell_how_to_go_on(stage)
    finally:
        if not keep:
            servers.stop(place)
            if directory is None:
                shutil.rmtree(place.directory, ignore_errors=True)
    return 1 if stage.failures else 0


def _place(directory: Path | None) -> Place:
    if directory is None:
        return Place(Path(tempfile.mkdtemp(prefix="instep-demo-")))
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(
            f"the demonstration was not begun in {directory}",
            why="there are files in it, and it would change them",
            fix="choose a new or empty directory, or none for a temporary one",
        )
    directory.mkdir(parents=True, exist_ok=True)
    return Place(directory)


def _before_a_person() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _open_console(stage: Stage) -> None:
    """Serve what the story left until Ctrl-C."""
    stage.title("The console, on what this left; open the address and log in with the token. Ctrl-C ends it")
    stage.command("serve", "--port", "0")


def _end(stage: Stage, took_s: float) -> None:
    runs = [run["summary"] for run in stage.ask_lines("history", "--runs")]
    used: Counter[str] = Counter()
    for summary in runs:
        used.update(summary["requests"])
    told = " and ".join(f"{count} requests to {name}" for name, count in used.items())
    stage.tell(f"\n{len(runs)} runs of Instep used {told}")
    if stage.failures:
        stage.tell(f"{len(stage.failures)} claims did not hold:")
        for sentence in stage.failures:
            stage.tell(f"  {sentence}")
    else:
        stage.tell(f"every claim held; {took_s:.0f} s in all")
