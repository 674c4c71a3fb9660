"""Files that commands write: the forms that a name may ask for, and writing the whole of one or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from instep.errors import UsageError


def require_form(paths: Iterable[Path], forms: Iterable[str], what: str) -> None:
    """Raises UsageError for a file whose name does not end in one of the forms."""
    for path in paths:
        if path.suffix not in forms:
            raise UsageError(
                f"{path} has no form that is known",
                why=f"the end of a file's name says how a {what} is written",
                fix=f"let it end in {', '.join(forms)}",
            )


def write_text(path: Path, text: str) -> None:
    """Write a file, with the directories on the way. Raises UsageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{path} could not be written", why=error.strerror or str(error)) from None


def replace_text(path: Path, text: str) -> None:
    """Write the whole of a file, or leave it as it was."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
