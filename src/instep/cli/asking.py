"""To ask a person before something is done that was not said outright."""

from __future__ import annotations

import sys
from typing import Final

import click

from instep.cli.terminal import Terminal
from instep.errors import UsageError

NO: Final = 0


def declined(terminal: Terminal, question: str, nothing: str) -> int | None:
    """None if the person at the terminal says yes; else the exit code to end with.

    `nothing`: what has not been done then, "nothing was erased". Where nobody can be asked, that is told even when
    quiet, and is a mistake in how the command was called: a script must not take it for done.
    """
    if sys.stdin.isatty():
        return None if click.confirm(question, default=False, err=True) else NO
    nobody = UsageError(nothing, why=f"nobody is there to be asked: {question}", fix="say so with --yes")
    terminal.warn(str(nobody))
    return nobody.exit_code
