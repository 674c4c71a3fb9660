"""What a command says, and where: results to standard output, progress, hints and errors to standard error.

Nothing here knows about records. Colour only on a terminal, and never with NO_COLOR.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import msgspec

_JSON: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


@dataclass
class Terminal:
    """The options that every command shares, and the ways to say something.

    `secrets`: texts that must never be shown; a command that reads some adds them. `above`: how to print a line
    above what is being redrawn, while something is.
    """

    directory: Path = field(default_factory=Path)
    quiet: bool = False
    secrets: set[str] = field(default_factory=set)
    above: Callable[[str], None] | None = None

    @property
    def interactive(self) -> bool:
        """Whether a person sees the progress at a terminal that can redraw lines."""
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def say(self, text: str = "") -> None:
        """A line of the result."""
        click.echo(text)

    def json(self, value: Any) -> None:
        """The result as one JSON document."""
        click.echo(msgspec.json.format(_JSON.encode(value), indent=2))

    def json_line(self, value: Any) -> None:
        """One result of several, as JSON in a line of its own."""
        click.echo(_JSON.encode(value))

    def note(self, text: str) -> None:
        """A line of progress, or a hint: not part of the result, left out when quiet."""
        if self.quiet:
            return
        if self.above is not None:
            self.above(text)
        else:
            click.echo(text, err=True)

    def warn(self, text: str) -> None:
        """An error, in full, even when quiet."""
        click.echo(self.without_secrets(text), err=True)

    def style(self, text: str, *, fg: str | None = None, bold: bool = False, dim: bool = False) -> str:
        """The text in a colour, if the results go to a terminal and NO_COLOR is not set."""
        if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
            return text
        return click.style(text, fg=fg, bold=bold or None, dim=dim or None)

    def without_secrets(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "[secret]")
        return text
