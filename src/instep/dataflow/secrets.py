"""From where a secret is to the secret itself; the only place that reads one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from instep.dataflow.systems import Secret
from instep.errors import ConfigurationError, Problem, StoreError


def parse(text: str) -> Secret | None:
    """A reference as a text: `env:NAME` or `file:PATH`. None if it is not one."""
    kind, colon, name = text.partition(":")
    name = name.strip()
    if not colon or kind not in ("env", "file") or not name:
        return None
    try:
        return Secret(env=name, file=None) if kind == "env" else Secret(env=None, file=name)
    except ValidationError:
        return None  # no variable can be called that


def resolve(secret: Secret, *, directory: Path, environ: Mapping[str, str], used_for: str = "") -> str:
    """The secret, without blanks around it. Raises ConfigurationError if it is not there or empty.

    `directory` is what a relative file is seen from; `used_for` names what needs it ("systems.left.api_key").
    """
    if secret.env is not None:
        value, place = environ.get(secret.env, ""), f"the environment variable {secret.env}"
        fix = f"set it before starting: export {secret.env}=..."
    else:
        path = directory / (secret.file or "")
        place, fix = f"the file {secret.file}", "write the secret into it, and nothing else"
        try:
            value = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a text"
            why = why if isinstance(error, OSError | UnicodeDecodeError) else "no file can have such a name"
            raise _missing(f"{place} can't be read", why, fix, used_for) from None
    if not value.strip():
        raise _missing(f"{place} is not set" if secret.env else f"{place} is empty", "", fix, used_for)
    return value.strip()


def resolver(*, directory: Path, environ: Mapping[str, str]) -> Callable[[str], str]:
    """From a reference as a text, as an API's description has them, to the secret. What it gives raises
    ConfigurationError for a text that is no reference, and as `resolve`."""

    def from_text(text: str) -> str:
        secret = parse(text)
        if secret is None:
            raise _missing(
                "a secret has no place", "", "write it as env:NAME or file:PATH, never as itself", ""
            )
        return resolve(secret, directory=directory, environ=environ)

    return from_text


def keeper(*, directory: Path) -> Callable[[str, str], None]:
    """Writes a secret that a system has renewed to where its reference leads, if that is a file: whole or not at
    all, and readable by its owner alone. What it gives raises StoreError if that can't be done."""

    def keep(text: str, value: str) -> None:
        secret = parse(text)
        if secret is None or secret.file is None:
            return
        path = directory / secret.file
        try:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError as error:
            raise StoreError(
                f"the new secret could not be written into {secret.file}",
                why=f"{error.strerror}; the system has replaced the old one, and knows it no longer",
                fix="make the file writable, and let a person give a new one",
            ) from None

    return keep


def _missing(what: str, why: str, fix: str, used_for: str) -> ConfigurationError:
    why = "; ".join(part for part in (why, f"{used_for} needs it" if used_for else "") if part)
    return ConfigurationError([Problem("", 0, 0, what, why=why, fix=fix, where=used_for)])
