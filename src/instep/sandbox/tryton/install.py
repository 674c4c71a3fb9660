"""Install Tryton once and make a database to copy: an environment and a template below a cache directory.

    env-DIGEST/        its own Python environment, by the lock file with hashes; `ready` says that it is whole
    template-DIGEST/   tryton.sqlite, and passwords.json with the logins "sync" and "person"

The digests are those of what each was made from, so that a change makes a new one beside the old. Only one
process at a time works here; whoever comes meanwhile waits and finds it done. A process that is killed in the
middle leaves nothing that looks whole: the next one begins again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from instep.sandbox.alone import alone

LOCK = Path(__file__).with_name("requirements-tryton.lock")
SETUP = Path(__file__).with_name("setup_database.py")
MODULES = ("sale", "party_relationship")
"""What is activated, with all that these need: party, product, account, stock and others."""

_NAME = "tryton"


class InstallError(Exception):
    """Tryton could not be installed; the message has the step, and the last lines of what it said."""


@dataclass(frozen=True)
class Installation:
    """`python` runs Tryton's programs, which are in `programs`; `template` is to be copied, never used itself."""

    python: Path
    template: Path

    @property
    def programs(self) -> Path:
        return self.python.parent

    def password(self, login: str) -> str:
        """Of "sync", as whom Instep logs in, or of "person", who works in Tryton."""
        found = json.loads((self.template / "passwords.json").read_text("utf-8"))
        return str(found[login])


def usual_cache() -> Path:
    """Where Tryton is installed unless a caller knows better: INSTEP_TRYTON_CACHE, or below the user's caches."""
    named = os.environ.get("INSTEP_TRYTON_CACHE")
    below = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(below) / "instep" / "tryton"


def install(cache: Path, say: Callable[[str], None] = lambda _: None) -> Installation:
    """The installation in this directory, made if it is not there yet: about a minute, and 120 MB.

    `say` hears what is done if that takes time. Raises InstallError.
    """
    cache.mkdir(parents=True, exist_ok=True)
    locked = LOCK.read_bytes()
    env = cache / f"env-{_digest(locked, platform.python_version().encode(), str(cache.resolve()).encode())}"
    template = cache / f"template-{_digest(locked, SETUP.read_bytes(), ' '.join(MODULES).encode())}"
    with alone(cache / ".lock"):
        if not (env / "ready").exists():
            say("installing Tryton into an environment of its own")
            _environment(env)
        if not template.exists():
            say("making a database with a small company in it")
            _template(env, template)
    return Installation(env / "bin" / "python", template)


def _environment(env: Path) -> None:
    shutil.rmtree(env, ignore_errors=True)
    _run("making an environment", [sys.executable, "-m", "venv", str(env)])
    pip = [str(env / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run("installing Tryton", [*pip, "--no-deps", "--require-hashes", "-r", str(LOCK)])
    _whole(env / "ready", "")


def _template(env: Path, template: Path) -> None:
    making = template.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    configuration = making / "trytond.conf"
    configuration.write_text(configured(making), encoding="utf-8")
    (making / f"{_NAME}.sqlite").touch()
    passwords = {login: secrets.token_urlsafe(18) for login in ("admin", "sync", "person")}
    _whole(making / "passwords.json", json.dumps(passwords))
    _whole(making / "admin", passwords["admin"])
    python, admin = str(env / "bin" / "python"), str(env / "bin" / "trytond-admin")
    common = ["-c", str(configuration), "-d", _NAME]
    activate = ["--all", "-u", *MODULES, "--activate-dependencies", "--email", "admin@example.test"]
    environ = {"TRYTONPASSFILE": str(making / "admin")}
    _run("making the database", [python, admin, *common, *activate], environ)
    _run(
        "setting up the company",
        [python, str(SETUP), str(configuration), _NAME, str(making / "passwords.json")],
    )
    (making / "admin").unlink()
    making.replace(template)


def configured(directory: Path) -> str:
    """Tryton's configuration file for the databases in a directory, on a port of the system's choice."""
    return (
        "[database]\n"
        "uri = sqlite://\n"
        f"path = {directory.resolve()}\n"
        "[web]\n"
        "listen = 127.0.0.1:0\n"
        "root =\n"
        "[session]\n"
        "max_age = 86400\n"
    )


def _run(step: str, command: Sequence[str], environ: dict[str, str] | None = None) -> None:
    done = subprocess.run(  # noqa: S603 - programs of the environment that was just made
        command,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-8:]
        raise InstallError(f"{step} did not work\n  why: " + "\n       ".join(said))


def _whole(path: Path, text: str) -> None:
    """Write a file that is there as a whole or not at all, for its owner's eyes alone."""
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _digest(*parts: bytes) -> str:
    found = hashlib.blake2b(digest_size=6)
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()
