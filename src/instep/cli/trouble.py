"""The last resort for an exception that nobody foresaw: a sentence on the terminal, the traceback in a file."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback

from instep import __version__
from instep.cli.terminal import Terminal


def report_trouble(error: Exception, terminal: Terminal) -> None:
    """Say what happened in a few lines. The file is for the reader's eyes only, and holds no known secret."""
    text = terminal.without_secrets("".join(traceback.format_exception(error)))
    head = f"Instep {__version__}, Python {platform.python_version()}, {platform.system()}\n\n"
    first = str(error).strip().splitlines()[:1]
    said = f"{type(error).__name__}: {first[0]}" if first else type(error).__name__
    try:
        number, path = tempfile.mkstemp(prefix="instep-trouble-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(head + text)
        kept = f"the details are in {path}"
    except OSError as failure:
        kept = f"the details could not be kept: {failure.strerror}"
    terminal.warn(
        f"this is a mistake in Instep, not in what you did; what was saved is safe\n  why: {said}\n"
        f"  fix: {kept}; please report it with that file"
    )
